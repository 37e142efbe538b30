package demo

import (
	"slices"
	"time"

	"tieout/audit"
)

// A Seeded is one thing the pipeline must find. From and To are what daily
// observation can know of the stretch: a start or end that lies between two
// snapshots is the later one, when it was first seen. An event has its
// instant, a microsecond long; a cadence has its window.
type Seeded struct {
	Procedure string        `json:"procedure"`
	Item      string        `json:"item"` // item id, window, or for a gap the stream: "source scope type"
	Outcome   audit.Outcome `json:"outcome"`
	From      time.Time     `json:"from"`
	To        time.Time     `json:"to"`
	Why       string        `json:"why"` // of a deviation: a sentence that says what, where and for how long, without its full stop
}

// A Truth is everything that is wrong with Halyard's year: what the library's
// procedures must find over the period, no more and no less.
type Truth struct {
	Deviations []Seeded `json:"deviations"`
	Gaps       []Seeded `json:"gaps"`
}

// seen is when a change is first seen: at the next midnight's snapshot, or at
// its own instant where the export is a change feed.
func (x *writer) seen(t time.Time) time.Time {
	if midnight := on(t, 0, 0); !x.size.Changes && !midnight.Equal(t) {
		return addDays(midnight, 1)
	}
	return t
}

// seenWeekly is the same of risks and documents, which are exported on Mondays.
func (x *writer) seenWeekly(t time.Time) time.Time {
	for t = x.seen(t); !x.size.Changes && t.Weekday() != time.Monday; {
		t = addDays(t, 1)
	}
	return t
}

func (tr *Truth) add(procedure, item string, outcome audit.Outcome, from, to time.Time, why string) {
	tr.Deviations = append(tr.Deviations, Seeded{procedure, item, outcome, from.UTC(), to.UTC(), why})
}

// happened adds what an event's instant showed.
func (tr *Truth) happened(procedure, item string, outcome audit.Outcome, at time.Time, why string) {
	tr.add(procedure, item, outcome, at, at.Add(time.Microsecond), why)
}

// said is a day in words.
func said(t time.Time) string { return t.In(zone).Format("2 January 2006") }

// upperWord is what a sentence begins with where it is about an event of a type.
var upperWord = map[string]string{"change": "A change", "deployment": "A release"}

// older is the first instant at which t is more than so many days ago.
func older(t time.Time, days int) time.Time {
	return t.Add(time.Duration(days)*24*time.Hour + time.Microsecond)
}

// truth lists what was seeded, beside the place where it was.
func (x *writer) truth() *Truth {
	tr := &Truth{}
	x.accessTruth(tr)
	x.peopleTruth(tr)
	x.deviceTruth(tr)
	x.cloudTruth(tr)
	x.changeTruth(tr)
	x.registerTruth(tr)
	x.routineTruth(tr)
	x.gapTruth(tr)
	return tr
}

func (x *writer) accessTruth(tr *Truth) {
	held := func(procedure, item string, from, to time.Time, why string) {
		tr.add(procedure, item, audit.Deviated, x.seen(from), x.seen(to), why)
	}
	happened := tr.happened
	p := x.person
	held("access.mfa", p(noFactor).email, clock(2025, 5, 12, 11, 3), clock(2025, 5, 15, 16, 21), "The account of one person in the identity provider could sign in without a second factor from 12 to 15 May 2025")
	happened("access.leavers", p(hostLeaver).number, audit.Deviated, addDays(p(hostLeaver).end, 1), "The account of one leaver at the code host worked for nine days after the last working day, until "+said(p(hostLeaver).deactivateGithub))
	held("access.identities", p(hostLeaver).handle, addDays(p(hostLeaver).end, 1), p(hostLeaver).deactivateGithub, "One account at the code host belonged to a person who had left, until "+said(p(hostLeaver).deactivateGithub))
	outlived := func(procedure, item string, due, stopped time.Time, why string) {
		tr.add(procedure, item, audit.Deviated, due.Add(time.Microsecond), x.seen(stopped), why)
	}
	outlived("access.leavers.accounts", p(hostLeaver).handle, addDays(p(hostLeaver).end, 2), p(hostLeaver).deactivateGithub, "One account of a leaver at the code host worked for eight days more than the one business day that is allowed")
	happened("access.leavers", p(keyLeaver).number, audit.Deviated, addDays(p(keyLeaver).end, 1), "An access key of one leaver to the production cloud account worked for twelve days after the last working day, until "+said(leaverKeyRevoked))
	for _, a := range x.cloudAccounts() {
		if a.environment == "production" {
			outlived("access.leavers.keys", accessKeyID(a, 10), day(2025, 6, 21), leaverKeyRevoked, "An access key of one leaver to the production cloud account worked for ten days more than the one business day that is allowed")
		}
	}
	granted := clock(2025, 7, 9, 14, 25)
	held("access.privileged", x.seededGrant(), granted, clock(2025, 7, 24, 11, 0), "One person held production rights from 9 to 24 July 2025 that nobody had approved")
	happened("access.grants", x.seededGrant(), audit.Deviated, granted, "Production rights were granted to one person on 9 July 2025 without a request")
	tr.add("access.review", "2025-Q2", audit.Late, day(2025, 4, 1), day(2025, 7, 1), "The access review of the second quarter of 2025 was done on 21 July; it was due by 15 July")
	happened("access.review.removals", "aws-2025-Q3", audit.Deviated, clock(2025, 9, 15, 14, 0), "An account of the cloud that the review of the third quarter wanted removed was removed two months later; ten business days are allowed")
}

func (x *writer) seededGrant() string { return x.person(noApproval).number + "-3" }

func (x *writer) peopleTruth(tr *Truth) {
	p := x.person
	joined := func(procedure string, i int, outcome audit.Outcome, why string) {
		tr.happened(procedure, p(i).number, outcome, p(i).start, why)
	}
	joined("people.background", uncheckedJoiner, audit.Deviated, "One person joined on "+said(p(uncheckedJoiner).start)+" without a background check")
	joined("people.confidentiality", unsigned, audit.Late, "One person, who joined on "+said(p(unsigned).start)+", signed the confidentiality terms three weeks later")
	joined("people.onboarding", slowJoiner, audit.Late, "The onboarding checklist of one person, who joined on "+said(p(slowJoiner).start)+", was completed after eleven weeks; five business days are allowed")
	joined("people.training", untrained, audit.Deviated, "One person, who joined on "+said(p(untrained).start)+", completed the first security training after eleven weeks; 30 days are allowed")
	joined("people.acknowledgement", unread, audit.Deviated, "One person, who joined on "+said(p(unread).start)+", never acknowledged the policies and the code of conduct")
	left := addDays(p(checklistLeaver).end, 1)
	tr.happened("people.offboarding", p(checklistLeaver).number, audit.Late, left, "The offboarding checklist of one person, who left on "+said(p(checklistLeaver).end)+", was completed after eighteen days; five business days are allowed")
	tr.add("people.training.yearly", "2025 "+p(lateTrained).number, audit.Late, periodFrom, periodTo, "One person completed the security training of 2025 in January 2026")
}

func (x *writer) deviceTruth(tr *Truth) {
	held := func(procedure string, i int, from, to time.Time, why string) {
		tr.add(procedure, serial(i), audit.Deviated, from, to, why)
	}
	held("device.disk", unencryptedLaptop, x.seen(clock(2025, 3, 4, 9, 40)), x.seen(clock(2025, 3, 11, 14, 5)), "The disk of one laptop was not encrypted from 4 to 11 March 2025")
	held("device.lock", unlockedLaptop, x.seen(clock(2025, 10, 14, 13, 0)), x.seen(clock(2025, 10, 16, 9, 30)), "The screen of one laptop did not lock by itself from 14 to 16 October 2025")
	held("device.os", unsupportedLaptop, x.seen(clock(2025, 10, 14, 20, 0)), x.seen(clock(2025, 11, 20, 11, 0)), "One laptop ran an operating system that its maker no longer supported, from 14 October to 20 November 2025")
	before, after := x.around(silentLaptop, "last_seen", drawer[0])
	if !x.size.Changes {
		held("device.silent", silentLaptop, x.seen(addDays(before, 30)), x.seen(after), "One laptop, kept in a drawer, did not report to device management for seven weeks, until "+said(after))
		held("device.signatures", silentLaptop, x.seen(addDays(before, 14)), x.seen(after), "The malware signatures of one laptop, kept in a drawer, were not updated for seven weeks, until "+said(after))
	}
	before, after = x.around(unpatchedLaptop, "os_patched", day(2025, 7, 1))
	held("device.os", unpatchedLaptop, older(before, 30), x.seen(after), "One laptop installed no updates from "+said(before)+" to "+said(after)+"; 30 days are allowed")
	retired := clock(2025, 7, 21, 11, 0)
	tr.happened("device.disposal", serial(x.size.People+1), audit.Deviated, retired, "One laptop was retired on 21 July 2025, and there is no record that its data were destroyed")
}

// around are the last edit of a device's column before an instant and the first
// after it.
func (x *writer) around(i int, column string, at time.Time) (before, after time.Time) {
	t := x.deviceTable()
	th, _ := t.make(i)
	col := t.index(column)
	for _, e := range th.edits {
		if e.col != col {
			continue
		}
		if e.at.Before(at) {
			before = e.at
		} else if after.IsZero() {
			after = e.at
		}
	}
	return before, after
}

func (x *writer) cloudTruth(tr *Truth) {
	prod, sandbox := x.cloudAccounts()[0], x.cloudAccounts()[2]
	held := func(procedure, item string, from, to time.Time, why string) {
		tr.add(procedure, item, audit.Deviated, from, to, why)
	}
	held("datastore.public", storeARN(prod, publicBucket), x.seen(clock(2025, 6, 21, 13, 10)), x.seen(clock(2025, 6, 23, 15, 45)), "A production bucket with exported schemas could be read from the internet from 21 to 23 June 2025")
	held("datastore.encryption", storeARN(prod, unencryptedVolume), x.seen(clock(2025, 8, 5, 10, 20)), x.seen(clock(2025, 8, 8, 17, 30)), "A production volume was not encrypted from 5 to 8 August 2025")
	held("resource.exposure", resourceARN(prod, openRule), x.seen(clock(2025, 11, 5, 9, 15)), x.seen(clock(2025, 11, 7, 18, 40)), "A network rule of production left port 22 open to the internet from 5 to 7 November 2025")
	held("resource.logging", resourceARN(prod, silentTrail), x.seen(clock(2025, 2, 11, 8, 30)), x.seen(clock(2025, 2, 13, 12, 0)), "The audit trail of the production cloud account was switched off from 11 to 13 February 2025")
	held("resource.detection", resourceARN(sandbox, 0), x.seen(clock(2025, 9, 3, 14, 0)), x.seen(clock(2025, 9, 5, 10, 0)), "Threat detection in the sandbox cloud account was switched off from 3 to 5 September 2025")
	rotated, again := x.keyGap(prod, oldKey, day(2025, 3, 1))
	held("key.encryption", keyARN(prod, oldKey), older(rotated, 365), x.seen(again), "The material of one production encryption key was more than a year old from "+said(older(rotated, 365))+" to "+said(again))
	rotated, again = x.keyGap(prod, oldAccessKey, day(2025, 8, 1))
	held("key.age", accessKeyID(prod, oldAccessKey), older(rotated, 90), x.seen(again), "One production access key was more than 90 days old from "+said(older(rotated, 90))+" to "+said(again))
	ends := addDays(clock(2024, 9, 2+oldCertificate, 9, 0), 364)
	held("key.certificate", certificateARN(prod, oldCertificate), ends, x.seen(addDays(ends, 2)), "One production certificate expired on "+said(ends)+" and was renewed two days later")
	tr.add("backup.daily", "2025-05-18 "+storeARN(prod, missedBackup), audit.Deviated, day(2025, 5, 18), day(2025, 5, 19), "One production database has no backup of 18 May 2025 that succeeded")
	tr.add("backup.restore", "2025-H2 "+storeARN(prod, untestedRestore), audit.Deviated, day(2025, 7, 1), periodTo, "No backup of one production database was restored as a test in the second half of 2025")
}

// keyGap is when a key was last replaced before an instant, and next after it.
func (x *writer) keyGap(a cloudAccount, i int, around time.Time) (before, after time.Time) {
	t := x.keyTable(a)
	th, _ := t.make(i)
	col := t.index("RotatedDate")
	for _, e := range th.edits {
		if e.col != col {
			continue
		}
		if e.at.Before(around) {
			before = e.at
		} else if after.IsZero() {
			after = e.at
		}
	}
	return before, after
}

func (x *writer) changeTruth(tr *Truth) {
	for i, s := range scripted {
		m := x.scriptedChange(i, s)
		happened := func(procedure string, outcome audit.Outcome, why string) {
			tr.happened(procedure, m.id(), outcome, m.merged, why)
		}
		switch m.kind {
		case directPush:
			happened("change.direct", audit.Deviated, "A change was pushed to the protected branch on "+said(m.merged)+" without a merge request")
			happened("change.review", audit.Deviated, "A change that was pushed to the protected branch on "+said(m.merged)+" had no approval")
			if m.ticket == "" {
				happened("change.ticket", audit.Deviated, "A change that was pushed to the protected branch on "+said(m.merged)+" names no ticket")
			}
		case noReview, selfReview:
			happened("change.review", audit.Deviated, "A change was merged on "+said(m.merged)+" without the approval of another person")
			happened("change.bypass", audit.Deviated, "A change that was merged on "+said(m.merged)+" without an approval was not approved by another person later either")
		case emergencyLate:
			happened("change.emergency", audit.Late, "An emergency change of "+said(m.merged)+" was approved by another person after sixteen days; two business days are allowed")
		case failedChecks:
			happened("change.checks", audit.Deviated, "A change was merged on "+said(m.merged)+" although a required check had failed")
		case failedDeployment:
			tr.happened("deployment.checks", deploymentID(&m), audit.Deviated, m.deployed, "A release was deployed on "+said(m.deployed)+" although a check of its commit had failed")
		}
	}
	tr.add("repository.protection", repositoryName(unprotectedRepository), audit.Deviated, x.seen(rulesOff), x.seen(rulesOn), "One production repository had no rules on its default branch from "+said(rulesOff)+" to "+said(rulesOn))
	x.unprotectedTruth(tr)
}

// unprotectedTruth is what the week without rules means for what was merged and
// deployed in it. Between two daily exports that differ the rules are not known.
func (x *writer) unprotectedTruth(tr *Truth) {
	for _, m := range x.changes(day(2025, 7, 1)) {
		if m.repo != unprotectedRepository {
			continue
		}
		x.unprotected(tr, "change", m.id(), m.merged)
		if !m.deployed.IsZero() {
			x.unprotected(tr, "deployment", deploymentID(&m), m.deployed)
		}
	}
}

// unprotected adds one of them.
func (x *writer) unprotected(tr *Truth, typ, item string, at time.Time) {
	off, on, blind := x.seen(rulesOff), x.seen(rulesOn), 0
	if !x.size.Changes {
		blind = -1 // between the export before and the first that shows it, nothing is known
	}
	switch {
	case at.Before(addDays(off, blind)) || !at.Before(on):
	case at.Before(off) || !at.Before(addDays(on, blind)):
		tr.gap("codehost github "+typ, at, at.Add(time.Microsecond), "the rules changed between two exports", typ+".checks")
	default:
		tr.happened(typ+".checks", item, audit.Deviated, at, upperWord[typ]+" of "+said(at)+" went through while the repository required no check")
	}
}

func (x *writer) registerTruth(tr *Truth) {
	held := func(procedure, item string, from, to time.Time, why string) {
		tr.add(procedure, item, audit.Deviated, from, to, why)
	}
	late := func(procedure, item string, at time.Time, why string) {
		tr.happened(procedure, item, audit.Late, at, why)
	}
	found := clock(2025, 6, 2, 4, 30)
	held("vulnerability.critical", vulnerabilityID(openCritical), older(found, 7), x.seen(addDays(found, 45)), "One critical vulnerability was open for 45 days from "+said(found)+" on; seven are allowed")
	held("policy.review", papers[latePolicy].id, older(day(2024, 1, 24), 365), x.seenWeekly(clock(2025, 3, 17, 11, 0)), "The backup policy was reviewed on 17 March 2025, two months after its review was due")
	held("vendor.review", "V-"+itoa(101+lateVendor), older(day(2024, 5, 5), 365), x.seen(clock(2025, 9, 22, 15, 0)), "Tidepost Mail, a critical vendor and from 1 March 2025 on a subservice organization, was not reviewed for sixteen months, until 22 September 2025")
	late("vendor.approval", "V-"+itoa(101+hastyVendor), day(2025, 8, 4), "One vendor, of surveys, was approved on 25 August 2025, three weeks after its use had started")
	held("risk.treatment", "R-"+itoa(overdueRisk+1), day(2025, 10, 1), x.seenWeekly(clock(2025, 11, 14, 16, 0)), "The treatment of one high risk, that a supplier stops its service, was due by 30 September 2025 and done on 14 November")
	held("policy.exceptions", "EXC-4", day(2025, 10, 1), clock(2025, 10, 20, 9, 0), "One exception to policy, for a contractor's laptop outside device management, was in use from 1 to 20 October 2025, after its end")
	late("deficiency.closure", "SEC-12", day(2025, 4, 15), "One deficiency, of the list for access reviews, was due by 15 April 2025 and closed on 19 May")
	late("privacy.requests", "PRV-8", clock(2025, 8, 11, 9, 0), "One request for erasure was answered after 52 days; 30 are allowed")
	for i, o := range outages {
		id, minutes := "INC-"+itoa(201+i), func(n int) time.Time { return o.detected.Add(time.Duration(n) * time.Minute) }
		if o.acknowledged > 60 {
			late("incident.handling", id, o.detected, "The incident of "+said(o.detected)+" (message queue full) was acknowledged after "+itoa(o.acknowledged)+" minutes; 60 are allowed")
		}
		if o.told > 72*60 {
			late("incident.notice", id, o.detected, "The customer concerned was told of the incident of "+said(o.detected)+" (payout file delivered twice) after "+itoa(o.told/60)+" hours; 72 are allowed")
		}
		if o.causeInHours*60-o.resolved > 14*24*60 {
			late("incident.rootcause", id, minutes(o.resolved), "The root cause of the incident of "+said(o.detected)+" (database failover) was written down after "+itoa((o.causeInHours*60-o.resolved+12*60)/(24*60))+" days; 14 are allowed")
		}
	}
}

func (x *writer) routineTruth(tr *Truth) {
	tr.add("board.meeting", "2025-Q3", audit.Deviated, day(2025, 7, 1), day(2025, 10, 1), "The board did not meet in the third quarter of 2025")
	tr.add("capacity.review", "2025-07", audit.Late, day(2025, 7, 1), day(2025, 8, 1), "The capacity review of July 2025 was done on 14 August; it was due by 10 August")
	tr.add("vulnerability.scan", "2025-W34", audit.Late, day(2025, 8, 18), day(2025, 8, 25), "The vulnerability scan of the week from 18 August 2025 ran on Wednesday of the week after")
}

// gap adds what an export that failed leaves unknown, for every procedure that
// reads it.
func (tr *Truth) gap(stream string, from, to time.Time, why string, procedures ...string) {
	for _, p := range procedures {
		tr.Gaps = append(tr.Gaps, Seeded{p, stream, audit.NoEvidence, from.UTC(), to.UTC(), why})
	}
}

// unseen is what snapshots leave open when those of lost are missing: from
// just after the last one before them to the first one after.
func unseen(lost audit.Span) (from, to time.Time) {
	return addDays(lost.From, -1).Add(time.Microsecond), lost.To
}

func (x *writer) gapTruth(tr *Truth) {
	tr.gap("books books account", periodFrom, periodTo, "the accounting service exports nothing about second factors", "access.mfa")
	for _, a := range x.cloudAccounts() {
		if a.environment == "production" {
			tr.gap("cloud "+a.name+" key", periodFrom, periodTo, "the cloud's export does not say when a key was last used", "key.unused")
		}
	}
	if x.size.Changes {
		feedGaps(tr)
		tr.gap("devices  device", periodFrom, periodTo, "a change feed does not carry when a device last reported or updated its signatures",
			"device.silent", "device.signatures")
		return
	}
	accounts := []string{"access.identities", "access.mfa", "access.root", "access.shared", "access.sso"}
	from, to := unseen(missingDirectory)
	tr.gap("identity okta account", from, to, "the identity provider's export is missing for three days", accounts...)
	from, to = unseen(cutMembers)
	tr.gap("codehost github account", from, to, "the code host's export stopped at 20 rows", accounts...)
	for _, lost := range []audit.Span{missingDirectory, cutMembers} {
		from, to = unseen(lost)
		tr.leaverGaps(from, to, "whose an account is, two systems say together with the personnel system; one of them was not exported")
	}
	from, to = unseen(badDevices)
	tr.gap("devices  device", from, to, "a row of device management's export could not be read on two days",
		"device.admins", "device.clock", "device.disk", "device.disposal", "device.firewall", "device.holder", "device.lock", "device.malware",
		"device.media", "device.os", "device.patches", "device.signatures", "device.silent", "device.updates")
	from, to = unseen(hiddenSandbox)
	tr.sandboxGaps(from, to, "the sandbox account was not exported for twenty days")
	tr.ticketGaps(missingTickets.From, missingTickets.To, "the ticket system's export of November is missing")
	x.untraced(tr, missingTickets, "the ticket system's export of November is missing")
	tr.gap("desk desk ticket", missingTickets.To, periodTo, "tickets that no later export tells of may have changed in November",
		"deficiency.owner", "policy.exceptions")
}

func (tr *Truth) leaverGaps(from, to time.Time, why string) {
	for _, s := range []string{"books books", "cloud aws", "codehost github", "desk desk", "identity okta"} {
		tr.gap(s+" account", from, to, why, "access.leavers.accounts")
	}
	tr.gap("cloud prod key", from, to, why, "access.leavers.keys")
}

func (tr *Truth) sandboxGaps(from, to time.Time, why string) {
	tr.gap("cloud sandbox datastore", from, to, why, "backup.daily", "backup.restore", "datastore.backup", "datastore.encryption", "datastore.logging", "datastore.owner", "datastore.public",
		"datastore.redundant", "datastore.register", "datastore.retention", "datastore.testdata", "datastore.transit")
	tr.gap("cloud sandbox key", from, to, why, "access.leavers.keys", "access.root", "key.age", "key.certificate", "key.encryption", "key.unused")
	tr.gap("cloud sandbox resource", from, to, why, "resource.code", "resource.detection", "resource.exposure", "resource.logging")
}

func (tr *Truth) ticketGaps(from, to time.Time, why string) {
	tr.gap("desk desk ticket", from, to, why, "customer.deletion", "deficiency.closure", "deficiency.owner", "policy.exceptions", "privacy.requests")
}

// untraced is what of a month is not known whose tickets nobody exported: the
// tickets of a change or a deployment are looked up a day after it.
func (x *writer) untraced(tr *Truth, lost audit.Span, why string) {
	var changes, deployments []time.Time
	for month := lost.From.AddDate(0, -1, 0); month.Before(lost.To); month = month.AddDate(0, 1, 0) {
		for _, m := range x.changes(month) {
			if m.kind == byBot || m.kind == directPush && m.ticket == "" {
				continue
			}
			if lost.Contains(m.merged.Add(24 * time.Hour)) {
				changes = append(changes, m.merged)
			}
			if !m.deployed.IsZero() && lost.Contains(m.deployed.Add(24*time.Hour)) {
				deployments = append(deployments, m.deployed)
			}
		}
	}
	tr.hidden("codehost github change", "change.ticket", changes, why)
	tr.hidden("codehost github deployment", "deployment.ticket", deployments, why)
}

// hidden adds the gap from the first to the last of some events.
func (tr *Truth) hidden(stream, procedure string, at []time.Time, why string) {
	slices.SortFunc(at, time.Time.Compare)
	tr.gap(stream, at[0], at[len(at)-1].Add(time.Microsecond), why, procedure)
}

// feedGaps are those of change feeds. What a feed does not tell for a month is
// not known until it tells of the item again.
func feedGaps(tr *Truth) {
	tr.sandboxGaps(sandboxStops, periodTo, "the sandbox account's feeds stopped")
	tr.gap("cloud sandbox key", addDays(sandboxStops, -7), periodTo, "whether leavers had keys in the sandbox is not known one business day later", "access.leavers")
	tr.ticketGaps(lostTickets, periodTo, "the ticket system's feed of December is missing")
	tr.gap("desk desk ticket", lostTickets, periodTo, "the ticket system's feed of December is missing", "change.ticket", "deployment.ticket")
	tr.gap("cloud staging key", cutKeys, periodTo, "the feed of December tells fewer changes than the source counts", "access.leavers.keys", "access.root", "key.age", "key.certificate", "key.encryption", "key.unused")
}
