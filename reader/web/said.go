package web

import (
	"encoding/json"
	"strings"

	"tieout/audit"
	"tieout/deviation"
	"tieout/period"
	"tieout/report"
	"tieout/report/text"
)

// acts say what was done, %s standing for what it was done to. What is not here
// is said with the words of the act itself.
var acts = map[string]string{
	"account.invited": "%s was invited", "account.accepted": "%s opened their account", "account.roles-changed": "the roles of %s were changed",
	"account.suspended": "the account of %s was suspended", "account.reactivated": "the account of %s was opened again",
	"account.provisioned": "a directory made the account of %s", "account.changed": "a directory changed the account of %s",
	"session.began": "%s signed in", "session.second-factor-asked": "%s gave a right password and was asked for the second factor",
	"session.refused": "signing in as %s was refused", "session.signed-in-again": "%s signed in again to confirm who they are",
	"session.rotated": "%s got a new session, as their roles were changed", "session.ended": "%s was ended", "session.all-ended": "all sessions of %s were ended",
	"password.changed": "the password of %s was changed", "factor.started": "%s began to set up a second factor", "factor.added": "%s set up a second factor",
	"factor.removed": "the second factor of %s was removed", "factor.recovery-codes-made": "%s made new recovery codes",
	"passkey.added": "%s added a passkey", "passkey.renamed": "%s renamed a passkey", "passkey.removed": "a passkey of %s was removed",
	"identity.linked": "%s linked a way to sign in elsewhere", "identity.unlinked": "%s unlinked a way to sign in elsewhere",
	"group.created": "%s was made by a directory", "group.renamed": "%s was renamed by a directory", "group.removed": "%s was removed by a directory",
	"group.member-added": "%s joined a group", "group.member-removed": "%s left a group",
	"token.created": "%s was made", "token.revoked": "%s was revoked", "key.announced": "a signing key of %s was announced",
	"job cancel": "%s was cancelled", "remind": "a reminder to %s was begun", "reminded": "a reminder was sent to %s", "remind failed": "a reminder to %s could not be sent", "news told": "people were told of %s",

	"answer.approve": "%s was approved", "answer.retire": "%s was retired", "answer.write": "%s was written",
	"absence.set": "it was said when %s is away", "audience.set": "%s was changed", "calendar.set": "the calendar address of %s was changed", "duty.set": "it was said who stands in for %s",
	"identity.link": "it was said whose %s is", "identity.reject": "a proposal of whose %s is was rejected", "identity.second": "a second person confirmed whose %s is", "identity.undo": "what was said of %s was taken back",
	"incident.assess": "%s was assessed", "incident.cause": "the cause of %s was written", "incident.clock": "a deadline of %s was set", "incident.disclose": "it was said what of %s is disclosed",
	"issue.back": "%s was sent back", "issue.close": "%s was closed", "issue.mend": "%s was said to be mended", "issue.move": "the date of %s was moved", "issue.open": "%s was opened", "issue.set": "%s was changed",
	"incident.lessons": "the lessons of %s were written", "incident.report": "%s was reported", "incident.set": "%s was changed", "incident.settle": "a deadline of %s was settled",
	"incident.step": "%s went a step on", "incident.told": "it was said who was told of %s",
	"policy.agree": "%s agreed to a document", "policy.approve": "%s was approved", "policy.file": "the text of %s was kept", "policy.retire": "%s was retired", "policy.review": "%s was reviewed", "policy.write": "%s was written",
	"review.answer": "a question about %s was answered", "review.assign": "the reviewers of %s were named", "review.bulk": "accounts in %s were decided together", "review.cancel": "%s was cancelled",
	"review.complete": "%s was sealed", "review.decide": "%s was decided", "review.later": "%s was put off", "review.open": "%s was opened", "review.rows": "accounts were put into %s", "review.start": "%s began",
	"risk.accept": "%s was accepted", "risk.set": "%s was changed", "task.approve": "%s was approved", "task.assign": "%s was assigned", "task.done": "%s was answered", "task.remind": "it was reminded of %s",
	"training.attempt": "%s answered the questions of a course", "vendor.set": "%s was changed", "words.set": "%s were set",
	"trust.publish": "%s was published", "trust.unpublish": "%s was taken off the public page", "nda.set": "%s were put in force", "access.ask": "%s came in", "access.refuse": "%s was refused",
	"access.grant": "%s was given", "access.agree": "the terms were agreed to under %s", "access.view": "the report was looked at under %s", "access.fetch": "a copy was taken under %s", "access.revoke": "%s was ended",
}

// things are what acts are done to, %s standing for the ID. Of those that are
// marked as somebody's the ID is that of an account.
var things = map[string]struct {
	text     string
	somebody bool
}{
	"account": {"%s", true}, "absence": {"%s", true}, "calendar": {"%s", true}, "agreement": {"%s", true}, "training": {"%s", true},
	"session": {text: "a session"}, "token": {text: "an API token"}, "group": {text: "a group"}, "job": {text: "job %s"}, "run": {text: "what run %s found"}, "collection": {text: "a source that is not read in full"}, "words": {text: "the placeholders of starter texts"},
	"duty": {text: "%s"}, "audience": {text: "audience %s"}, "task": {text: "task %s"}, "reminder": {text: "task %s"},
	"policy": {text: "policy %s"}, "risk": {text: "risk %s"}, "vendor": {text: "vendor %s"}, "incident": {text: "incident %s"}, "issue": {text: "issue %s"}, "answer": {text: "answer %s"}, "review": {text: "access review %s"},
	"publication": {text: "the report of %s"}, "terms": {text: "the terms of %s"}, "request": {text: "request %s"}, "grant": {text: "access %s"},
}

// thingWords name what an act was done to.
func thingWords(on string, name func(string) string) string {
	kind, id, _ := strings.Cut(on, ":")
	switch kind {
	case "identity":
		of, thing, _ := strings.Cut(id, ":")
		if of == "tieout" {
			return "the account of " + name(thing)
		}
		return of + " " + thing
	case "reviewrow":
		review, row, _ := strings.Cut(id, "/")
		return "account " + row + " of access review " + review
	case "reviewpart":
		review, system, _ := strings.Cut(id, "/")
		return system + " in access review " + review
	}
	t, ok := things[kind]
	if t.somebody {
		id = name(id)
	}
	switch {
	case !ok && id == "":
		return name(kind) // who a reminder goes to
	case !ok:
		return kind + " " + id
	}
	return strings.Replace(t.text, "%s", id, 1)
}

// recordWords say what an entry of the log is, with the names of people; act is
// what was sealed of it, where the words are not all of it.
func recordWords(rec audit.Record, name func(string) string) (words, act string) {
	var said struct{ Act, Kind, On, Deviation string }
	whole := report.Capital(period.EntryWords(rec))
	if whole == report.Capital(string(rec.Kind)) {
		whole = kindWord(rec.Kind)
	}
	switch rec.Kind {
	case audit.RecordActivity, audit.RecordEntry, audit.RecordFieldwork, audit.RecordDecision, audit.RecordTrust:
	default:
		return whole, ""
	}
	if json.Unmarshal(rec.Detail, &said) != nil {
		return whole, ""
	}
	kind, isJob := strings.CutPrefix(said.Act, "job ")
	switch {
	case rec.Kind == audit.RecordDecision && said.Deviation != "":
		return decisionWords(deviation.Kind(said.Kind)) + ": " + text.Clean(said.Deviation), ""
	case isJob && said.On == "":
		return "A job was asked for: " + text.Clean(kind), ""
	case said.On == "":
		return whole, ""
	}
	did := said.Act + said.Kind // an activity has the one, an entry the other
	form, known := acts[did]
	if !known {
		form = strings.NewReplacer(".", " ", "-", " ").Replace(did) + ": %s"
	}
	return report.Capital(text.Clean(strings.Replace(form, "%s", thingWords(said.On, name), 1))), text.Clean(did + " on " + said.On)
}
