// Package xlsx writes a report and the whole population behind it as a
// workbook. Rows go straight from the caller's iterator into the compressed
// file, so that memory does not grow with the population. A cell whose text a
// spreadsheet would take for a formula is marked as text, unchanged.
package xlsx

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tieout/audit"
	"tieout/report"
)

// Write writes r to w, with every row of every procedure if rows is not nil.
// Sheets: Summary, Results, Deviations, Gaps, Coverage, Evidence, and one for
// each procedure's population, continued on a next sheet where one is full. The
// same report and rows give the same bytes. On error what was written is not a
// workbook.
func Write(w io.Writer, r audit.Report, rows report.Rows) error {
	return write(w, &r, rows, sheetRows)
}

func write(w io.Writer, r *audit.Report, rows report.Rows, limit int) error {
	b := newBook(w, limit)
	index := map[string]string{}
	if rows != nil {
		if err := populations(b, r, rows, index); err != nil {
			return fmt.Errorf("report as workbook: %w", err)
		}
	}
	b.front()
	for _, sheet := range []func(*book, *audit.Report, map[string]string) error{summary, results, deviations, gaps, coverage, evidence} {
		if err := sheet(b, r, index); err != nil {
			return fmt.Errorf("report as workbook: %w", err)
		}
	}
	if err := b.close(); err != nil {
		return fmt.Errorf("report as workbook: %w", err)
	}
	return nil
}

func summary(b *book, r *audit.Report, _ map[string]string) error {
	t := b.table("Summary", col{"What", 30}, col{"Value", 120})
	t.add("Sentence", r.Sentence)
	t.add("Organization", r.Organization.Name)
	t.add("System", r.Organization.System)
	t.add("Period", r.Period.First()+" to "+r.Period.Last()+", "+r.Period.Zone)
	t.add("As of", instant(r.AsOf))
	s := report.StandingOf(r)
	for _, c := range []struct {
		word string
		n    int
	}{
		{"Controls in scope", s.Total}, {report.StateWord(audit.OnTrack, report.Outsider), s.OnTrack}, {string(audit.AtRisk), s.AtRisk},
		{string(audit.EvidenceGap), s.Gaps}, {string(audit.HasDeviation), s.Deviations}, {string(audit.NotStarted), s.NotStarted}, {"Not tested here", s.Untested},
	} {
		t.add(c.word, c.n)
	}
	t.add("Log", fmt.Sprintf("%s, %d records", r.Log.Origin, r.Log.Size))
	t.add("Log root", r.Log.Root)
	t.add("Witnessed by", strings.Join(r.Log.Witnessed, ", "))
	t.add("Tieout", r.Versions.Tieout)
	for _, l := range r.Limits {
		t.add("What this does not show", l)
	}
	for _, c := range r.Untested {
		t.add("Not tested here", c.ID+" "+c.Title+": "+r.Why[c.ID])
	}
	return t.end()
}

func results(b *book, r *audit.Report, index map[string]string) error {
	cols := []col{{"Control", 12}, {"Title", 40}, {"Criteria", 14}, {"Owner", 16}, {"State", 20}, {"Procedure", 26}, {"Procedure hash", 24}, {"From", 22}, {"To", 22},
		{"Test", 60}, {"Population", 50}, {"Result", 60}, {"Items", 10}}
	for o := range audit.NumOutcomes {
		cols = append(cols, col{report.Capital(audit.Outcome(o).String()), 14})
	}
	t := b.table("Results", append(cols, col{"In grace", 10}, col{"Population sheet", 26})...)
	loc := r.Period.Location()
	for i := range r.Controls {
		c := &r.Controls[i]
		for j := range c.Procedures {
			p := &c.Procedures[j]
			row := []any{c.Control.ID, c.Control.Title, strings.Join(c.Control.Criteria, ", "), c.Control.Owner, report.StateWord(c.State, report.Outsider),
				p.Procedure, p.Hash, instant(p.Span.From), instant(p.Span.To), report.TestCell(p, loc), p.Population, report.ResultCell(p), p.Items}
			for _, n := range p.Counts {
				row = append(row, n)
			}
			t.add(append(row, p.InGrace, link{index[p.Procedure]})...)
		}
	}
	return t.end()
}

func deviations(b *book, r *audit.Report, _ map[string]string) error {
	t := b.table("Deviations", col{"Finding", 14}, col{"Outcome", 12}, col{"Controls", 16}, col{"Procedure", 26}, col{"Title", 40}, col{"Item", 30}, col{"Name", 30},
		col{"From", 22}, col{"To", 22}, col{"Began after", 22}, col{"Began by", 22}, col{"Ended after", 22}, col{"Ended by", 22}, col{"Still so", 10}, col{"Exact", 8}, col{"Reason", 60}, col{"Attributes", 30},
		col{"Values", 40}, col{"Evidence", 30}, col{"Disposition", 16}, col{"Decided by", 24}, col{"Decided why", 40}, col{"Cause (management)", 40}, col{"Response (management)", 40}, col{"No longer found by", 24}, col{"Approved exceptions", 40})
	for _, d := range report.Deviations(r) {
		t.add(d.Ref, d.Outcome.String(), strings.Join(d.Controls, ", "), d.Procedure, d.Title, d.Item, d.Label,
			instant(d.Span.From), instant(d.Span.To), instant(d.Start.After), instant(d.Start.At), instant(d.End.After), instant(d.End.At), yes(d.Open), yes(d.Exact), d.Reason, attributes(d.Attributes),
			values(d.Values), refs(d.Records), string(d.Disposition), d.DecidedBy, d.DecidedWhy, d.Cause, d.Response, d.NotFoundBy, excepted(d.Exceptions, r.Period.Location()))
	}
	return t.end()
}

func excepted(list []audit.Excepted, loc *time.Location) string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = report.Excepted(&list[i], loc)
	}
	return strings.Join(out, "\n")
}

func gaps(b *book, r *audit.Report, _ map[string]string) error {
	t := b.table("Gaps", col{"From", 22}, col{"To", 22}, col{"Controls", 16}, col{"Procedure", 26}, col{"Source", 20}, col{"Scope", 24}, col{"Type", 16}, col{"Items", 10}, col{"Reason", 60}, col{"Evidence", 30})
	for _, g := range report.Gaps(r) {
		t.add(instant(g.Span.From), instant(g.Span.To), strings.Join(g.Controls, ", "), g.Procedure, g.Stream.Source, g.Stream.Scope, g.Stream.Type, g.Items, g.Reason, refs(g.Records))
	}
	return t.end()
}

// coverage has a row for each stream, its covered stretches, its holes and its
// checks.
func coverage(b *book, r *audit.Report, _ map[string]string) error {
	t := b.table("Coverage", col{"Source", 20}, col{"Scope", 24}, col{"Type", 16}, col{"Row", 14}, col{"From", 22}, col{"To", 22}, col{"Mode", 12}, col{"Observations", 12}, col{"Items", 10},
		col{"Check", 30}, col{"Wanted", 16}, col{"Got", 16}, col{"Agrees", 8}, col{"Reason", 60}, col{"Evidence", 14})
	for i := range r.Coverage {
		s := &r.Coverage[i]
		t.add(s.Source, s.Scope, s.Type, "stream", "", "", string(s.Mode), s.Observations, s.Items)
		for _, c := range s.Covered {
			t.add(s.Source, s.Scope, s.Type, "covered", instant(c.From), instant(c.To))
		}
		for _, h := range s.Holes {
			t.add(s.Source, s.Scope, s.Type, "not read", instant(h.From), instant(h.To), "", "", "", "", "", "", "", h.Reason, audit.EvidenceRef(h.Record))
		}
		for _, c := range s.Checks {
			t.add(s.Source, s.Scope, s.Type, "check", "", "", "", "", "", c.Name, c.Want, c.Got, yes(c.OK))
		}
	}
	return t.end()
}

func evidence(b *book, r *audit.Report, _ map[string]string) error {
	t := b.table("Evidence", col{"Record", 12}, col{"Kind", 12}, col{"Source", 16}, col{"Scope", 24}, col{"Query", 50}, col{"About from", 22}, col{"About to", 22}, col{"Collected", 22}, col{"Recorded", 22}, col{"Digest", 72}, col{"Bytes", 12})
	for _, e := range r.Evidence {
		t.add(audit.EvidenceRef(e.Index), string(e.Kind), e.Source, e.Scope, e.Query, instant(e.About.From), instant(e.About.To), instant(e.Collected), instant(e.Recorded), e.Digest, int(e.Size))
	}
	return t.end()
}

// populations writes every result of every procedure, and notes in index which
// sheet a procedure's begins on.
func populations(b *book, r *audit.Report, rows report.Rows, index map[string]string) error {
	for _, p := range report.Procedures(r) {
		if index[p.Procedure] != "" {
			continue
		}
		t := b.table(p.Procedure, col{"Item", 30}, col{"Name", 30}, col{"Outcome", 14}, col{"From", 22}, col{"To", 22}, col{"Began after", 22}, col{"Ended after", 22}, col{"Still so", 10}, col{"Exact", 8},
			col{"Observations", 12}, col{"In grace", 10}, col{"Attributes", 30}, col{"Reason", 60}, col{"Values", 40}, col{"Evidence", 30}, col{"Source", 16}, col{"Scope", 20}, col{"Procedure hash", 24})
		index[p.Procedure] = t.sheet.name
		err := rows.Results(p.Procedure, func(x *audit.Result) error {
			t.add(x.Item, x.Label, x.Outcome.String(), instant(x.Span.From), instant(x.Span.To), instant(x.Start.After), instant(x.End.After), yes(x.Open), yes(x.Exact),
				x.Observations, yes(x.InGrace), attributes(x.Attributes), x.Reason, values(x.Values), refs(x.Records), x.Stream.Source, x.Stream.Scope, x.Hash)
			return b.err
		})
		if err := errors.Join(err, t.end()); err != nil {
			return fmt.Errorf("procedure %s: %w", p.Procedure, err)
		}
	}
	return nil
}

// instant is RFC 3339 in UTC, as it is in the sealed records; "" if unknown.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return audit.FormatTime(t)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func refs(records []int64) string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = audit.EvidenceRef(r)
	}
	return strings.Join(out, " ")
}

func values(list []audit.FieldValue) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.Path + "=" + v.Value
	}
	return strings.Join(out, "; ")
}

func attributes(list []audit.AttributeResult) string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.Name + ": " + a.Outcome.String()
	}
	return strings.Join(out, "; ")
}
