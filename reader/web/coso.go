package web

import (
	"fmt"
	"slices"
	"strconv"

	"tieout/audit"
	"tieout/reader/answer"
	"tieout/report"
)

// The components of COSO's framework of 2013 with the principles each has, by
// their numbers.
var cosoComponents = []struct {
	name        string
	first, last int
}{
	{"Control environment", 1, 5}, {"Risk assessment", 6, 9}, {"Control activities", 10, 12}, {"Information and communication", 13, 15}, {"Monitoring activities", 16, 17},
}

func cosoWay(coso bool) string {
	if coso {
		return "coso"
	}
	return ""
}

// byPrinciple are the criteria that follow a principle of COSO, in the order of
// the principles, under COSO's components.
func (q *request) byPrinciple(m answer.Matrix) []matrixGroup {
	rows := slices.Clone(m.Rows)
	rows = slices.DeleteFunc(rows, func(r answer.MatrixRow) bool { return principle(r.Criterion) == 0 })
	slices.SortStableFunc(rows, func(a, b answer.MatrixRow) int { return principle(a.Criterion) - principle(b.Criterion) })
	var out []matrixGroup
	for _, c := range cosoComponents {
		g := matrixGroup{Name: fmt.Sprintf("%s, principles %d to %d", c.name, c.first, c.last)}
		for _, r := range rows {
			if n := principle(r.Criterion); c.first <= n && n <= c.last {
				g.Rows = append(g.Rows, q.matrixRow(m, r))
			}
		}
		if len(g.Rows) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// sayPrinciples says how many principles the criteria in scope follow, and how many
// of these have a control.
func sayPrinciples(groups []matrixGroup) string {
	n, met := 0, 0
	for _, g := range groups {
		for _, r := range g.Rows {
			if n++; r.Total.N != "" {
				met++
			}
		}
	}
	if n == 0 {
		return "No criterion in scope follows a principle of COSO."
	}
	return report.Capital(report.Plural(n, "criterion follows", "criteria follow")) + " one principle of COSO’s framework of 2013 each; " + report.OfAll(met, n) + " " + haveHas(met) + " a control. No opinion is given on that framework."
}

func haveHas(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
}

// principle is the number of the principle of COSO that a criterion follows; 0:
// none.
func principle(c audit.Criterion) int {
	n, err := strconv.Atoi(c.COSO)
	if err != nil {
		return 0
	}
	return n
}

// metCounts say of each category, and of each group of the common criteria, how
// many have a control, and lead to the first of them.
func (q *request) metCounts(m answer.Matrix) []stateFilter {
	met := map[string]bool{}
	for _, r := range m.Rows {
		met[r.Criterion.ID] = r.Total.Controls > 0
	}
	var categories, groups []stateFilter
	var counted []string
	list := q.st.p.Def.Criteria()
	count := func(name string, of func(audit.Criterion) bool) stateFilter {
		n, all, first := 0, 0, ""
		for _, c := range list {
			if !of(c) {
				continue
			}
			if all++; first == "" {
				first = c.ID
			}
			if met[c.ID] {
				n++
			}
		}
		return stateFilter{Word: name, N: report.Number(n) + " of " + report.Number(all), Href: q.to("/coverage") + "#" + first}
	}
	for _, c := range list {
		if name := string(c.Category); !slices.Contains(counted, name) {
			counted = append(counted, name)
			categories = append(categories, count(categoryName(c.Category), func(x audit.Criterion) bool { return x.Category == c.Category }))
		}
		if c.Category == audit.Security && !slices.Contains(counted, c.Group) {
			counted = append(counted, c.Group)
			groups = append(groups, count(c.Group, func(x audit.Criterion) bool { return x.Group == c.Group }))
		}
	}
	return append(categories, groups...)
}
