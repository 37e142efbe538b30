package web

import (
	"strconv"

	"tieout/report"
)

// A pager leads through a list that is longer than a page.
type pager struct {
	Text           string // "1 to 100 of 1,846"
	Earlier, Later string
}

// from is the first row of the page that was asked for, within a list of n.
func (q *request) from(n int) int {
	i, err := strconv.Atoi(q.URL.Query().Get("from"))
	if err != nil || i < 0 || i >= n {
		return 0
	}
	return i
}

// pager leads from the page that begins at from to its neighbors.
func (q *request) pager(path string, from, n int, query ...string) pager {
	var p pager
	if n <= pageLength {
		return p
	}
	end := min(n, from+pageLength)
	p.Text = report.Number(from+1) + " to " + report.Number(end) + " of " + report.Number(n)
	if from > 0 {
		p.Earlier = q.to(path, append([]string{"from", strconv.Itoa(max(0, from-pageLength))}, query...)...)
	}
	if end < n {
		p.Later = q.to(path, append([]string{"from", strconv.Itoa(end)}, query...)...)
	}
	return p
}
