package examination

import (
	"fmt"
	"slices"
	"strings"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report/attest"
)

// A row is what a workpaper says of one item of its samples. An item that was
// proved to be void and replaced has none.
type row struct {
	item   string
	said   bool // some cell says that there was, or was not, an exception
	unable bool // of some cell the evidence was not to be had
	open   bool // some cell is to be tested still
}

// rowsOf are the rows of a workpaper: those it has and, of its samples, items that
// are not in it yet. A test without items has one, whose item is "".
func rowsOf(x *fieldwork.File, p *fieldwork.Paper, t *fieldwork.Test) (out []row) {
	items := slices.Clone(p.Rows)
	for _, id := range p.Samples {
		if s := x.Samples[id]; s != nil {
			items = append(items, s.Items...)
		}
	}
	names := []string{"A"} // of a test that names no attribute
	if len(t.Attributes) > 0 {
		names = nil
		for _, a := range t.Attributes {
			names = append(names, a.Name)
		}
	}
	seen := map[string]bool{}
	for _, item := range items {
		if seen[item] || p.Void[item] != "" {
			continue
		}
		seen[item] = true
		out = append(out, rowOf(p, item, names))
	}
	return out
}

func rowOf(p *fieldwork.Paper, item string, attributes []string) row {
	r := row{item: item}
	for _, a := range attributes {
		m := p.Cells[fieldwork.Cell{Item: item, Attribute: a}]
		if m == nil {
			r.open = true
			continue
		}
		switch m.Mark {
		case engagement.NoException, engagement.Exception:
			r.said = true
		case engagement.UnableToTest:
			r.unable = true
		case engagement.NotApplicable:
		default:
			r.open = true
		}
	}
	return r
}

// counts fills in the figures of a workpaper on samples: the size of what they were
// drawn from, and what became of the items. excepted are the items of exceptions
// that stand.
func counts(x *fieldwork.File, p *fieldwork.Paper, rows []row, excepted map[string]bool, out *attest.Test) {
	seen := map[string]bool{}
	for _, id := range p.Samples {
		s := x.Samples[id]
		if s == nil {
			continue
		}
		if pop := x.Populations[s.Population]; pop != nil && !seen[s.Population] {
			out.Population += pop.Count
		}
		seen[s.Population] = true
	}
	for _, r := range rows {
		if r.item == "" {
			continue
		}
		out.Drawn++
		switch {
		case r.said && r.unable:
			out.Sample, out.Partly = out.Sample+1, out.Partly+1
		case r.said:
			out.Sample++
		case r.unable:
			out.Unable++
		case !r.open:
			out.NotApplicable++
		}
	}
	out.Strata = strata(x, p, rows, excepted)
}

// strata are the figures of each stratum of a workpaper, which add up to its own;
// nil unless all its samples are stratified and every item is in a stratum.
func strata(x *fieldwork.File, p *fieldwork.Paper, rows []row, excepted map[string]bool) (out []attest.Stratum) {
	at, of, counted := map[string]int{}, map[string]string{}, map[string]bool{}
	for _, id := range p.Samples {
		s := x.Samples[id]
		if s == nil || s.Method != engagement.Stratified {
			return nil
		}
		for _, d := range s.Draws {
			if _, known := at[d.Stratum]; !known {
				at[d.Stratum], out = len(out), append(out, attest.Stratum{Name: d.Stratum})
			}
			if key := s.Population + "\x00" + d.Stratum; !counted[key] {
				out[at[d.Stratum]].Population += d.Count
				counted[key] = true
			}
			for _, item := range d.Items {
				of[item] = d.Stratum
			}
		}
		for _, r := range s.Replaced { // in the order in which they took a place
			if stratum, known := of[r.Item]; known {
				of[r.By] = stratum
			}
		}
	}
	for _, r := range rows {
		stratum, known := of[r.item]
		if !known {
			return nil
		}
		one := &out[at[stratum]]
		one.Drawn++
		if r.said {
			one.Sample++
		}
		if excepted[r.item] {
			one.Exceptions++
		}
	}
	return out
}

// result is what a test came to: the auditor's text of each exception that stands,
// or that none was noted; and what could not be tested, beside either. Where work
// is left it says so.
func result(x *fieldwork.File, t *fieldwork.Test, rows []row, findings []*fieldwork.Finding, out *attest.Test) string {
	k := x.Concluded["control:"+t.Control]
	silent := k != nil && (k.Outcome == engagement.DidNotOccur || k.Outcome == engagement.UnableToConclude) && strings.TrimSpace(k.Text) != ""
	design := t.Phase == engagement.Design && x.Terms.Type.OverPeriod()
	var parts []string
	for _, y := range findings {
		parts = append(parts, strings.TrimSpace(y.Text))
	}
	p := x.Papers[t.ID]
	left := slices.ContainsFunc(rows, func(r row) bool { return r.open })
	switch {
	case p == nil || left:
		if !silent || design {
			parts = append(parts, attest.NotTested)
		}
	case unresolved(x, p, t):
		parts = append(parts, attest.NotConcluded)
	case len(parts) == 0 && (!silent || design):
		parts = append(parts, withoutException(rows, design))
	}
	parts = append(parts, notToBeHad(rows, out)...)
	switch {
	case silent:
		parts = append(parts, strings.TrimSpace(k.Text))
	case design:
		parts = append(parts, attest.OperationNotTested)
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "\n\n")
}

// unresolved reports whether something that looks like an exception has no place
// yet: a cell without a finding, a finding that is disposed of and not confirmed, a
// known deviation outside the sample that nobody disposed of.
func unresolved(x *fieldwork.File, p *fieldwork.Paper, t *fieldwork.Test) bool {
	if len(x.OpenKnown(t.ID)) > 0 {
		return true
	}
	covered := map[fieldwork.Cell]bool{}
	for _, y := range x.Findings {
		if y.Test != t.ID {
			continue
		}
		if y.Disposed != nil && !y.Disposed.Settled() {
			return true
		}
		for _, c := range y.Cells {
			covered[c] = true
		}
	}
	return slices.ContainsFunc(p.Excepted(t), func(c fieldwork.Cell) bool { return !covered[c] })
}

// withoutException is the result of a test that noted none: "" where nothing was
// tested and what could not be tested says so.
func withoutException(rows []row, design bool) string {
	switch {
	case !slices.ContainsFunc(rows, func(r row) bool { return r.said }):
		if slices.ContainsFunc(rows, func(r row) bool { return r.unable }) {
			return ""
		}
		return "Nothing was tested: the test applied to nothing it was performed on."
	case design:
		return attest.NoExceptionOfDesign
	}
	return attest.NoExceptions
}

// notToBeHad says of how many items the evidence was not available.
func notToBeHad(rows []row, out *attest.Test) (parts []string) {
	if out.Drawn == 0 {
		for _, r := range rows {
			switch {
			case r.unable && r.said:
				return []string{"A part of the evidence for this test was not available."}
			case r.unable:
				return []string{"The evidence for this test was not available."}
			}
		}
		return nil
	}
	if out.Unable > 0 {
		parts = append(parts, fmt.Sprintf("For %s of the %s drawn, the evidence was not available.", attest.Number(out.Unable), attest.Items(out.Drawn)))
	}
	if out.Partly > 0 {
		parts = append(parts, fmt.Sprintf("For %s of the %s tested, a part of the evidence was not available.", attest.Number(out.Partly), attest.Items(out.Sample)))
	}
	if out.NotApplicable > 0 {
		parts = append(parts, fmt.Sprintf("To %s of the %s drawn, the test did not apply.", attest.Number(out.NotApplicable), attest.Items(out.Drawn)))
	}
	return parts
}
