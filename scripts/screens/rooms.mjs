// The two rooms of the demo: Halyard's and its audit firm's, with who signs in to
// each. 'tieout demo' prints where they are and with which password.
import { readFileSync } from "node:fs";

// The roles of a room, the one who sees most first: what a screen is checked as in
// all views is the first of them who reaches it. others are screens that are not
// in the table: before the door, and what says no. walked are walked by keyboard;
// fresh are opened first, because they ask for somebody who has just signed in.
// documents are whole reports of a hundred pages as one page of HTML; twin.mjs looks
// at those.
export const rooms = {
  company: {
    at: /^Halyard, operated by .*: (http\S+)$/m, table: "matrix.txt", starts: ["/period/2025"],
    roles: ["compliance lead", "administrator", "owner of", "management signer", "employee", "auditor's guest"],
    others: [
      { pattern: "/sign-in", at: "/sign-in", role: "nobody" },
      { pattern: "(not there)", at: "/controls/NONE-1", role: "compliance lead", status: 404 },
      { pattern: "(not theirs)", at: "/access", role: "employee", status: 403 },
      { pattern: "(search finds)", at: "/search?q=IAM", role: "compliance lead" },
      { pattern: "(search finds nothing)", at: "/search?q=zzzz", role: "compliance lead" },
    ],
    documents: ["/examinations/{id}/report/read", "/examinations/{id}/drafts/{n}/read", "/readiness/progress"],
    walked: ["/", "/controls", "/deviations/{ref}", "/evidence/{ref}", "/me/work", "/policies/{id}"],
  },
  firm: {
    at: /^Brookline Assurance LLP, operated by .*: (http\S+)$/m, table: "matrix-firm.txt", starts: ["/engagements/EN-2", "/engagements/EN-1"],
    roles: ["partner", "manager", "staff", "quality reviewer", "firm administrator"],
    others: [
      { pattern: "(not there)", at: "/engagements/EN-99", role: "partner", status: 404 },
      { pattern: "(not theirs)", at: "/engagements/EN-2/accept", role: "staff", status: 403 },
      { pattern: "(search finds)", at: "/search?q=IAM", role: "partner" },
      { pattern: "(search finds nothing)", at: "/search?q=zzzz", role: "partner" },
    ],
    walked: ["/", "/engagements/{id}", "/engagements/{id}/tests/{test}"],
    fresh: ["/engagements/{id}/accept"],
  },
};

// cast reads who can sign in to a room, and with what, from the demo's words.
export function cast(room, log) {
  const text = readFileSync(log, "utf8");
  const start = text.search(room.at);
  const own = start < 0 ? "" : text.slice(start).split(/\n(?=\S.*, operated by )/)[0];
  const password = /all with the password (\S+)/.exec(own)?.[1];
  const people = room.roles.map((role) => ({ role: role === "owner of" ? "control owner" : role, email: new RegExp(`^  ${role}.*?(\\S+@\\S+)`, "m").exec(own)?.[1] }));
  if (!password || people.some((p) => !p.email)) throw new Error(`${log} does not say who can sign in:\n${own || text}`);
  return { password, people };
}

// address is where a room is, once the demo has said so.
export const address = (room, log) => room.at.exec(readFileSync(log, "utf8"))?.[1];
