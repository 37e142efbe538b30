package program

// Weigh says whether an entry would count in registers that hold one open
// review, for tests.
func Weigh(e Entry) error {
	s := newState()
	s.Reviews["AR-1"] = &Review{ID: "AR-1", Status: "open", Cycle: "2026-Q1", Parts: []ReviewPart{{System: "okta", Listed: 1, Reviewers: []Reviewer{{Account: "lea"}}}},
		Rows: []ReviewRow{{N: 1, ListRow: ListRow{System: "okta", Account: "okta/ana", Login: "ana"}}}}
	c, err := s.Weigh(e)
	if err == nil {
		c.Do()
	}
	return err
}
