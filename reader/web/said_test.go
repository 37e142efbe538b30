package web

import (
	"encoding/json"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
)

func TestEntriesAreSaidInWords(t *testing.T) {
	name := func(id string) string {
		if id == "01a2" {
			return "Ana Ruiz"
		}
		return id
	}
	for _, c := range []struct {
		name, act, on string
		kind          audit.RecordKind
		want, raw     string
	}{
		{"somebody signed in", "session.began", "account:01a2", audit.RecordActivity, "Ana Ruiz signed in", "session.began on account:01a2"},
		{"a session", "session.ended", "session:77", audit.RecordActivity, "A session was ended", "session.ended on session:77"},
		{"a token", "token.revoked", "token:5", audit.RecordActivity, "An API token was revoked", "token.revoked on token:5"},
		{"a vendor", "vendor.set", "vendor:V-1", audit.RecordEntry, "Vendor V-1 was changed", "vendor.set on vendor:V-1"},
		{"a row of a review", "review.decide", "reviewrow:AR-1/4", audit.RecordEntry, "Account 4 of access review AR-1 was decided", "review.decide on reviewrow:AR-1/4"},
		{"a part of a review", "review.complete", "reviewpart:AR-1/okta", audit.RecordEntry, "Okta in access review AR-1 was sealed", "review.complete on reviewpart:AR-1/okta"},
		{"an account of a source", "identity.link", "identity:account:okta/ana", audit.RecordEntry, "It was said whose account okta/ana is", "identity.link on identity:account:okta/ana"},
		{"an account of this workspace", "identity.undo", "identity:tieout:01a2", audit.RecordEntry, "What was said of the account of Ana Ruiz was taken back", "identity.undo on identity:tieout:01a2"},
		{"who a reminder goes to", "reminded", "01a2", audit.RecordActivity, "A reminder was sent to Ana Ruiz", "reminded on 01a2"},
		{"a job", "job check", "", audit.RecordActivity, "A job was asked for: check", ""},
		{"an act this version does not know", "rocket.set-off", "rocket:R-1", audit.RecordActivity, "Rocket set off: rocket R-1", "rocket.set-off on rocket:R-1"},
		{"a sign of formats in an act", "100%d", "vendor:%s", audit.RecordActivity, "100%d: vendor %s", "100%d on vendor:%s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			detail := map[string]string{"act": c.act, "on": c.on}
			if c.kind == audit.RecordEntry {
				detail = map[string]string{"kind": c.act, "on": c.on}
			}
			body, err := json.Marshal(detail)
			if err != nil {
				t.Fatal(err)
			}
			rec := audit.Record{Kind: c.kind}
			rec.Detail = body
			words, raw := recordWords(rec, name)
			if words != c.want || raw != c.raw {
				t.Errorf("said %q of %q, want %q of %q", words, raw, c.want, c.raw)
			}
		})
	}
}

// TestLogIsReadByPeople: the activity log says what was done in words, with
// people's names, and the act as it was sealed beside it; a record says who it is by.
func TestLogIsReadByPeople(t *testing.T) {
	w := newWorld(t).tested()
	lead := w.visit(w.server(), "ana", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	wants(t, lead.post("/vendors/new", "revision", "0", "name", "Mailer", "service", "Sends mail", "tier", "low", "status", "proposed", "owner", "ana@example.com"), 303)
	page := lead.page("/log")
	holds(t, page, "Found for the first time, and recorded: D-")
	holds(t, page, " signed in <code", "Vendor V-", "was changed", "vendor.set on vendor:V-", "session.began on account:")
	i := strings.Index(page, "vendor.set on")
	ref := page[:i][strings.LastIndex(page[:i], "/evidence/"):]
	ref = ref[:strings.Index(ref, `"`)]
	holds(t, lead.page(ref), "<dt>By</dt><dd>Ana", "Vendor V-", "<code>vendor.set on vendor:V-")
}
