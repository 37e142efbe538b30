package web

import (
	"slices"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/reader/policies"
	"tieout/reader/tasks"
	"tieout/report"
	"tieout/store"
	"tieout/worker"
)

// The sentences of the screens, for what else answers at this server.

// SayControls says how many controls are in scope; shown are those a filter left.
func (l *Look) SayControls(shown int, filtered bool) string {
	return sayControls(len(l.Report.Controls), len(l.Report.Untested), shown, filtered)
}

// SayControl says where a control that was tested stands.
func (l *Look) SayControl(c *audit.ControlReport) string { return sayControl(c, report.Management) }

// SayUntested says why a control in scope was not tested.
func (l *Look) SayUntested(id string) string { return sayUntested(l.Report.Why[id]) }

// SayDeviations says how many findings there are and how many are unanswered.
func (l *Look) SayDeviations(shown int, filtered bool) string {
	return sayDeviations(len(l.Deviations), len(unanswered(l.Deviations)), shown, filtered)
}

// SayGaps says how many stretches have no evidence.
func (l *Look) SayGaps(n int) string { return sayGaps(n) }

// SayPopulations says how many populations were tested, and of how many items.
func (l *Look) SayPopulations() string {
	n, items := 0, 0
	for _, t := range report.Procedures(l.Report) {
		n, items = n+1, items+t.Items
	}
	return sayPopulations(n, items)
}

// SayRecords says how many records the log holds.
func (l *Look) SayRecords(head store.Head) string { return sayRecords(head.Size) }

// SayLog says how long the log is and who saw its order.
func (l *Look) SayLog(head store.Head) string { return sayLog(head.Size, l.q.st.view.Witnessed) }

// SayConnectors says of how many sources the newest collection was whole.
func (l *Look) SayConnectors(n, whole int) string { return sayConnectors(n, whole) }

// SayJobs says what runs and what of the newest jobs failed.
func (l *Look) SayJobs(list []worker.Job) string {
	open, failed := 0, 0
	for i := range list {
		if list[i].Open() {
			open++
		}
		if list[i].State == store.JobFailed {
			failed++
		}
	}
	return sayJobs(len(list), open, failed)
}

// SayPolicies says which policies are in force, and to who reads all of them
// what is missing.
func (l *Look) SayPolicies(list *policies.List) string {
	if !l.q.wholeProgram() {
		return sayRead(len(list.Rows))
	}
	return list.Sentence()
}

// SayPolicy says where a policy stands.
func (l *Look) SayPolicy(row policies.Row, v *program.PolicyVersion) string {
	return sayPolicy(row, v, l.q.zone())
}

// SayTasks says where the occurrences they may read stand.
func (l *Look) SayTasks(list *tasks.List) string {
	own := *list
	own.All = slices.DeleteFunc(slices.Clone(list.All), func(o tasks.Occurrence) bool { return !l.May("task.read", l.OfTask(&o)) })
	return own.Sentence()
}

// SayTask says where an occurrence stands.
func (l *Look) SayTask(list *tasks.List, o *tasks.Occurrence) string {
	return o.Sentence(list.Now, l.q.zone())
}

// SayCovered says which criteria the controls they see meet.
func (l *Look) SayCovered() string { return l.q.ofYours() + l.Covered().Sentence() }

// SayReadiness says what stands in the way.
func (l *Look) SayReadiness(sentence string) string {
	if l.q.st.all != nil {
		return "Of what you may read: " + sentence
	}
	return sentence
}

// SayVendor says where one vendor stands.
func (l *Look) SayVendor(v program.Vendor) string {
	return answer.Vendor(v, l.q.dayOr(v.Reviewed, ""), answer.NotReviewed(v, l.q.now()))
}

// WholeProgram reports whether they read all of the policies: drafts, history
// and who agreed.
func (l *Look) WholeProgram() bool { return l.May("policy.read", access.Object{}) }
