// Package xlsx writes Section IV of a service auditor's report as a workbook, for
// those who sort, filter and compare it. It says what the report says and
// nothing more; the report's own copy is the PDF.
package xlsx

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/report/attest"
	"tieout/report/xlsx"
)

// Render writes r as a workbook with the sheets Report, Tests, Criteria,
// Controls, CUECs, Subservices, Exceptions and Order of events, and Strata where
// a sample was stratified. The same report gives the same bytes. A report for
// general use has no Section IV: the error wraps audit.ErrInvalid, as does that
// of a report in which attest.Check finds a fault.
func Render(r attest.Report) ([]byte, error) {
	if err := attest.Check(r); err != nil {
		return nil, err
	}
	if r.Type.Public() {
		return nil, fmt.Errorf("%w: report %s is a %s: it has no tests and so no workbook of them; take PDF, HTML or DOCX", audit.ErrInvalid, r.ID, r.Type)
	}
	digest, err := attest.Digest(r)
	if err != nil {
		return nil, err
	}
	sheets := []xlsx.Sheet{facts(r, digest), tests(&r), criteria(&r), controls(&r), expected(r.Expected), subservices(r.Subservices), exceptions(&r), events(r.Annex)}
	if s := strata(&r); len(s.Rows) > 0 {
		sheets = append(sheets, s)
	}
	var out bytes.Buffer
	if err := xlsx.Tables(&out, sheets); err != nil {
		return nil, fmt.Errorf("report %s as workbook: %w", r.ID, err)
	}
	return out.Bytes(), nil
}

func facts(r attest.Report, digest string) xlsx.Sheet {
	s := xlsx.Sheet{Name: "Report", Columns: []xlsx.Column{{Head: "What", Width: 50}, {Head: "Value", Width: 100}}}
	add := func(what, value string) {
		if value != "" {
			s.Rows = append(s.Rows, []any{what, value})
		}
	}
	if r.Draft {
		add("Draft", "For factual review. It is not a report: nobody has signed it, and nobody may rely on it.")
	}
	add("Report", r.ID)
	add("Type", r.Type.String())
	add("Service organization", r.Client.Name)
	add("System", r.System)
	add("Dates", r.Dates())
	add("Examined", r.InScope())
	add("Service auditor", r.Firm.Name)
	add("Date of the report", attest.Day(r.Dated))
	for _, o := range r.Opinions {
		add("Opinion: "+attest.PartName(o.Part), o.Word)
	}
	add("Digest of the report's value", "sha256:"+digest)
	add("What this is", "Section IV of the report as tables. The report is the whole: its opinion, assertion and description are not here.")
	return s
}

// eachControl calls f with every control of Section IV, in the report's order.
func eachControl(r *attest.Report, f func(attest.Group, attest.Control)) {
	for _, g := range r.Groups {
		if !r.Examined(g) {
			continue
		}
		for _, c := range g.Controls {
			f(g, c)
		}
	}
}

func tests(r *attest.Report) xlsx.Sheet {
	s := xlsx.Sheet{Name: "Tests", Columns: []xlsx.Column{
		{Head: "Set", Width: 16}, {Head: "Criterion", Width: 12}, {Head: "Control", Width: 11}, {Head: "Control text", Width: 36}, {Head: "Test", Width: 14}, {Head: "What was done", Width: 48},
		{Head: "Result", Width: 36}, {Head: "Population", Width: 11}, {Head: "Drawn", Width: 9}, {Head: "Tested", Width: 9}, {Head: "Tested in part", Width: 9}, {Head: "Could not be tested", Width: 10}, {Head: "Not applicable", Width: 10}, {Head: "Exceptions", Width: 11}, {Head: "Known outside the sample", Width: 12},
		{Head: "Finding", Width: 10}, {Head: "Management’s response", Width: 48}, {Head: "Concluded", Width: 18}, {Head: "Workpaper (SHA-256)", Width: 34},
	}}
	answers := responses(r)
	eachControl(r, func(g attest.Group, c attest.Control) {
		front := []any{r.SetName(g.Set), g.ID, c.ID, c.Statement()}
		if len(c.Tests) == 0 {
			empty := slices.Repeat([]any{""}, len(s.Columns)-len(front)-2)
			s.Rows = append(s.Rows, slices.Concat(front, empty, []any{c.Outcome, ""}))
		}
		for _, t := range c.Tests {
			s.Rows = append(s.Rows, slices.Concat(front, []any{t.ID, t.Text, t.Result}, figures(t),
				[]any{strings.Join(t.Findings, ", "), answer(answers, t.Findings), c.Outcome, t.Paper}))
		}
	})
	return s
}

// figures are a test's counts: population, drawn, tested, tested in part, not to be
// tested, not applicable, exceptions, known outside the sample. But for exceptions,
// those of a test on no population stay empty, for nought would say that something
// was counted.
func figures(t attest.Test) []any {
	if t.Population == 0 && t.Drawn == 0 && t.Sample == 0 {
		return []any{"", "", "", "", "", "", t.Exceptions, ""}
	}
	return []any{t.Population, t.Drawn, t.Sample, t.Partly, t.Unable, t.NotApplicable, t.Exceptions, t.Known}
}

func responses(r *attest.Report) map[string]string {
	out := map[string]string{}
	for _, a := range r.Responses {
		out[a.Finding] = a.Text
	}
	return out
}

func answer(answers map[string]string, findings []string) string {
	var out []string
	for _, id := range findings {
		if answers[id] == "" {
			continue
		}
		if len(findings) > 1 {
			out = append(out, id+": "+answers[id])
		} else {
			out = append(out, answers[id])
		}
	}
	return strings.Join(out, "\n")
}

func criteria(r *attest.Report) xlsx.Sheet {
	s := xlsx.Sheet{Name: "Criteria", Columns: []xlsx.Column{
		{Head: "Set", Width: 24}, {Head: "Criterion", Width: 22}, {Head: "Text", Width: 80}, {Head: "Whose text", Width: 26}, {Head: "Examined", Width: 10}, {Head: "Controls", Width: 40}, {Head: "Tests", Width: 8}, {Head: "Exceptions", Width: 11},
	}}
	for _, g := range r.Groups {
		var ids []string
		n, found := 0, 0
		for _, c := range g.Controls {
			ids = append(ids, c.ID)
			n += len(c.Tests)
			for _, t := range c.Tests {
				found += t.Exceptions
			}
		}
		s.Rows = append(s.Rows, []any{r.SetName(g.Set), g.ID, g.Text, whose(g), yes(r.Examined(g)), strings.Join(ids, ", "), n, found})
	}
	return s
}

func whose(g attest.Group) string {
	switch {
	case g.Set == "objectives":
		return "management"
	case g.Official == "":
		return "paraphrase, in short"
	}
	return "official, sha256:" + strings.TrimPrefix(g.Official, "sha256:")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
