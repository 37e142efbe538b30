package answer

import (
	"testing"
	"time"

	"tieout/program"
)

var (
	monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	hour   = time.Hour
)

func TestRegisterSentences(t *testing.T) {
	risk := program.Risk{Likelihood: 3, Impact: 4, Treatment: "mitigate", Level: "low", Status: "open", Assessed: monday, Accepted: monday}
	with := func(f func(*program.Risk)) program.Risk { r := risk; f(&r); return r }
	bare := with(func(r *program.Risk) { r.Treatment, r.Accepted = "", time.Time{} })
	waits := with(func(r *program.Risk) { r.Accepted = time.Time{} })
	late := with(func(r *program.Risk) { r.Due = monday.Add(-hour) })
	ahead := with(func(r *program.Risk) { r.Due = monday.AddDate(0, 1, 0) })
	closed := with(func(r *program.Risk) { r.Status = "closed"; r.Due = monday.Add(-hour) })
	clock := func(due, told time.Time) program.Clock {
		return program.Clock{Rule: program.Rule{Tell: "the authority"}, Applies: true, Due: due, Told: told}
	}
	incident := program.Incident{Severity: "sev2", Kind: "privacy", Status: "open", Detected: monday.Add(-3 * hour), Acknowledged: monday.Add(-2 * hour)}
	but := func(f func(*program.Incident)) program.Incident { i := incident; f(&i); return i }
	reported := program.Incident{Status: "open", Detected: monday}
	missed := but(func(i *program.Incident) { i.Clocks = []program.Clock{clock(monday.Add(-hour), time.Time{})} })
	runs := but(func(i *program.Incident) {
		i.Clocks = []program.Clock{clock(monday.Add(5*hour), time.Time{}), clock(monday.Add(2*hour), time.Time{})}
	})
	both := but(func(i *program.Incident) { i.Clocks = append(missed.Clocks, runs.Clocks...) })
	told := but(func(i *program.Incident) { i.Clocks = []program.Clock{clock(monday, monday.Add(-hour))} })
	soon := but(func(i *program.Incident) { i.Clocks = []program.Clock{clock(time.Time{}, time.Time{})} })
	done := but(func(i *program.Incident) {
		i.Status, i.Closed, i.Settled = "closed", monday, &program.Ruling{}
	})
	mail := program.Vendor{Status: "active", Tier: "high", Reviewed: monday.AddDate(0, -2, 0)}
	old := program.Vendor{Status: "active", Reviewed: monday.AddDate(-1, 0, -1)}
	incidents := func(own bool, all ...program.Incident) string { return Incidents(all, own, monday, time.UTC) }
	one := func(i program.Incident) string { return Incident(&i, monday, time.UTC) }
	risks := func(all ...program.Risk) string { return Risks(all, monday, time.UTC) }
	this := func(r program.Risk) string { return Risk(&r, "Ana", "Sam", monday, time.UTC) }
	for _, c := range []struct{ name, got, want string }{
		{"no risk", risks(), "The register holds no risk yet. Examples stand below; none counts before you adopt it."},
		{"one risk", risks(risk), "1 risk is in the register, last assessed on 2 Mar 2026. Nothing waits."},
		{"many risks", risks(risk, bare, waits, waits, late, ahead, closed), "7 risks are in the register, 6 of them not closed, last assessed on 2 Mar 2026. 1 has no treatment, 2 wait for management to accept their treatment, and 1 treatment is past its date."},
		{"all closed", risks(closed), "1 risk is in the register, 0 of them not closed, last assessed on 2 Mar 2026. Nothing waits."},
		{"a risk", this(risk), "Likelihood 3 times impact 4, assessed 2 Mar 2026 by Ana; after treatment low. Management accepted the treatment on 2 Mar 2026 (Sam)."},
		{"a risk without treatment", this(bare), "Likelihood 3 times impact 4, assessed 2 Mar 2026 by Ana; after treatment low. Nothing is decided about it yet."},
		{"a risk past its date", this(late), "Likelihood 3 times impact 4, assessed 2 Mar 2026 by Ana; after treatment low. Management accepted the treatment on 2 Mar 2026 (Sam). The treatment was due on 2 Mar 2026."},
		{"a risk before its date", this(ahead), "Likelihood 3 times impact 4, assessed 2 Mar 2026 by Ana; after treatment low. Management accepted the treatment on 2 Mar 2026 (Sam). The treatment is due on 2 Apr 2026."},
		{"a closed risk", this(closed), "Likelihood 3 times impact 4, assessed 2 Mar 2026 by Ana; after treatment low. It is closed."},
		{"no incident", incidents(false), "No incident is recorded."},
		{"none of one's own", incidents(true), "You have reported no incident. If you notice something, report it at once; you need not be sure."},
		{"one of one's own", incidents(true, reported), "You have reported 1 incident, and it is not closed. 1 waits for somebody to say how severe it is."},
		{"one closed", incidents(false, done), "1 incident is recorded, and it is closed."},
		{"many", incidents(false, done, reported, reported, runs, missed, both), "6 incidents are recorded, 5 not closed. 2 wait for somebody to say how severe they are. 2 deadlines were missed. The next deadline to tell somebody is 2 Mar 2026 11:00 UTC."},
		{"just reported", one(reported), "An incident nobody has judged yet, noticed on 2 Mar 2026 09:00 UTC. Nobody has taken it on yet. Nobody has decided yet who outside has to be told."},
		{"taken on", one(incident), "Sev2 privacy incident, noticed on 2 Mar 2026 06:00 UTC, taken on after 60 minutes and not contained yet. Nobody has decided yet who outside has to be told."},
		{"contained", one(but(func(i *program.Incident) { i.Status, i.Contained = "contained", monday })), "Sev2 privacy incident, noticed on 2 Mar 2026 06:00 UTC, contained after 3 hours and not resolved yet. Nobody has decided yet who outside has to be told."},
		{"resolved", one(but(func(i *program.Incident) { i.Status, i.Resolved = "resolved", monday })), "Sev2 privacy incident, noticed on 2 Mar 2026 06:00 UTC, resolved after 3 hours and not closed yet. Write down its cause. Nobody has decided yet who outside has to be told."},
		{"closed", one(done), "Sev2 privacy incident, noticed on 2 Mar 2026 06:00 UTC, closed on 2 Mar 2026. Nobody outside has to be told, it was decided."},
		{"a deadline ahead", Telling(&runs, monday, time.UTC), "The next deadline to tell somebody is 2 Mar 2026 11:00 UTC."},
		{"a deadline past", Telling(&missed, monday, time.UTC), "1 deadline to tell somebody was missed."},
		{"past and ahead", Telling(&both, monday, time.UTC), "1 deadline was missed; the next to tell somebody is 2 Mar 2026 11:00 UTC."},
		{"told", Telling(&told, monday, time.UTC), "Whoever had to be told was told."},
		{"no figure", Telling(&soon, monday, time.UTC), "Still to be told without undue delay: the authority."},
		{"no vendor", Vendors(nil, monday), "No vendor is in the register yet."},
		{"one vendor", Vendors([]program.Vendor{mail}, monday), "1 vendor is in the register, 1 in use. Each of those was reviewed within the last year."},
		{"many vendors", Vendors([]program.Vendor{mail, old, {Status: "ended"}, {Status: "proposed"}}, monday), "4 vendors are in the register, 2 in use. 1 is not tiered. 1 was not reviewed within the last year."},
		{"a vendor in use", Vendor(program.Vendor{Status: "active", Tier: "high"}, "1 Mar 2026", false), "In use, of tier high. It was last reviewed on 1 Mar 2026."},
		{"a vendor not looked at for long", Vendor(program.Vendor{Status: "active", Subservice: true}, "1 Mar 2025", true), "In use, a subservice organization. It was last reviewed on 1 Mar 2025, more than a year ago."},
		{"a vendor never looked at", Vendor(program.Vendor{Status: "proposed"}, "", false), "Proposed and not in use. It was never reviewed."},
		{"a vendor of the past", Vendor(program.Vendor{Status: "ended"}, "1 Mar 2025", false), "No longer in use. It was last reviewed on 1 Mar 2025."},
		{"none in use", Vendors([]program.Vendor{{Status: "ended"}}, monday), "1 vendor is in the register, 0 in use."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got  %s\nwant %s", c.got, c.want)
			}
		})
	}
}
