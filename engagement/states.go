package engagement

// A State is one of the twelve an engagement goes through (PRIMER section 3), or
// one of the three it can end in before or after.
type State string

// The states in their order, then the ends.
const (
	CriteriaSelected State = "criteria selected"
	BoundaryDefined  State = "boundary defined"
	Readiness        State = "readiness"
	Observing        State = "observing"
	Collecting       State = "collecting"
	Fieldwork        State = "fieldwork"
	Exceptions       State = "exceptions"
	DescriptionFinal State = "description final"
	DraftReview      State = "draft review"
	Issued           State = "issued"
	Distributed      State = "distributed"
	Monitoring       State = "monitoring"

	Withdrawn State = "withdrawn" // the auditor left
	Canceled  State = "canceled"
	Reissued  State = "reissued" // a later report took this one's place
)

// States are the twelve in their order.
var States = []State{CriteriaSelected, BoundaryDefined, Readiness, Observing, Collecting, Fieldwork, Exceptions, DescriptionFinal, DraftReview, Issued, Distributed, Monitoring}

// Place is a state's number from 1 to 12; 0 for an end.
func (s State) Place() int {
	for i, x := range States {
		if x == s {
			return i + 1
		}
	}
	return 0
}

// Over reports whether nothing more can happen to the engagement's file but its
// archive.
func (s State) Over() bool { return s == Withdrawn || s == Canceled || s == Reissued }

// ByManagement reports whether the step is management's to close; the others
// are the auditor's.
func (s State) ByManagement() bool {
	switch s {
	case CriteriaSelected, BoundaryDefined, Readiness, Observing, Collecting, Distributed, Monitoring:
		return true
	}
	return false
}
