package web

import "testing"

// What belongs to a thing keeps the period that was asked for.
func TestUnder(t *testing.T) {
	for name, c := range map[string]struct {
		got    func(*page) string
		period string
		want   string
	}{
		"no period":        {got: func(p *page) string { return p.under("vendors", "V-1", "edit") }, want: "/vendors/V-1/edit"},
		"of a period":      {got: func(p *page) string { return p.under("vendors", "V-1", "edit") }, period: "2025", want: "/vendors/V-1/edit?period=2025"},
		"with a query":     {got: func(p *page) string { return p.Under("reviews", "AR-1", "next", "system", "a b", "row", "3") }, period: "2025", want: "/reviews/AR-1/next?period=2025&row=3&system=a+b"},
		"further parts":    {got: func(p *page) string { return p.under("reviews", "AR-1", "rows/3/answer") }, want: "/reviews/AR-1/rows/3/answer"},
		"an id is escaped": {got: func(p *page) string { return p.under("access", "a/../b?c", "roles") }, want: "/access/a%2F..%2Fb%3Fc/roles"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.got(&page{of: c.period}); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
