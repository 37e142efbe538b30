// Package junit writes a report as JUnit XML, for build servers. A control is
// a suite and a procedure a case. A deviation or a late occurrence is a
// failure, missing evidence is an error, and what was not due, had nothing to
// act on or has no test here is skipped: only a procedure with something that
// operated and nothing in its way counts as a case without a mark.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"tieout/audit"
	"tieout/report"
)

type suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Suites   []suite  `xml:"testsuite"`
}

type suite struct {
	Name     string `xml:"name,attr"`
	Time     string `xml:"timestamp,attr"`
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Cases    []one  `xml:"testcase"`
}

type one struct {
	Class   string `xml:"classname,attr"`
	Name    string `xml:"name,attr"`
	Failure *mark  `xml:"failure,omitempty"`
	Error   *mark  `xml:"error,omitempty"`
	Skipped *mark  `xml:"skipped,omitempty"`
	Out     string `xml:"system-out,omitempty"`
}

type mark struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// Write writes r. The same report gives the same bytes; characters XML cannot
// hold are replaced.
func Write(w io.Writer, r audit.Report) error {
	all := suites{Name: r.Sentence}
	for i := range r.Controls {
		all.add(control(&r.Controls[i], &r))
	}
	for _, c := range r.Untested {
		all.add(newSuite(c, r.AsOf, []one{{Class: c.ID, Name: c.Title, Skipped: &mark{Message: r.Why[c.ID]}}}))
	}
	b, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("report as JUnit: %w", err)
	}
	_, err = io.WriteString(w, xml.Header+string(b)+"\n")
	return err
}

func (s *suites) add(one suite) {
	s.Tests += one.Tests
	s.Failures += one.Failures
	s.Errors += one.Errors
	s.Skipped += one.Skipped
	s.Suites = append(s.Suites, one)
}

func newSuite(c audit.Control, asOf time.Time, cases []one) suite {
	s := suite{Name: c.ID + " " + c.Title, Time: asOf.UTC().Format("2006-01-02T15:04:05"), Tests: len(cases), Cases: cases}
	for _, k := range cases {
		switch {
		case k.Failure != nil:
			s.Failures++
		case k.Error != nil:
			s.Errors++
		case k.Skipped != nil:
			s.Skipped++
		}
	}
	return s
}

func control(c *audit.ControlReport, r *audit.Report) suite {
	var cases []one
	for i := range c.Procedures {
		cases = append(cases, procedure(c.Control.ID, &c.Procedures[i], r))
	}
	return newSuite(c.Control, r.AsOf, cases)
}

// procedure marks a case by the state its procedure alone would give.
func procedure(id string, t *audit.Tested, r *audit.Report) one {
	k := one{Class: id, Name: t.Procedure + ": " + t.Title}
	cell := report.ResultCell(t)
	switch state := report.State([]audit.Tested{*t}, r.Period, r.AsOf); state {
	case audit.HasDeviation:
		k.Failure = &mark{cell, "deviation", findings(t)}
	case audit.EvidenceGap:
		k.Error = &mark{cell, "no evidence", gaps(t)}
	case audit.AtRisk:
		if report.Findings(t).Late == 0 {
			k.Error = &mark{cell, "source not read", "The newest attempt to read a source did not succeed."}
		} else {
			k.Failure = &mark{cell, "late", findings(t)}
		}
	case audit.OnTrack:
		k.Out = cell
	default:
		k.Skipped = &mark{Message: cell}
	}
	return k
}

func findings(t *audit.Tested) string {
	var b strings.Builder
	for i := range t.Deviations {
		d := &t.Deviations[i]
		if d.Disposition != audit.NotDeviation {
			fmt.Fprintf(&b, "%s  %s  %s  %s  %s\n", d.Ref, audit.FormatTime(d.Span.From), d.Item, d.Outcome, d.Reason)
		}
	}
	return b.String()
}

func gaps(t *audit.Tested) string {
	var b strings.Builder
	for _, g := range t.Gaps {
		fmt.Fprintf(&b, "%s to %s  %s\n", audit.FormatTime(g.Span.From), audit.FormatTime(g.Span.To), g.Reason)
	}
	return b.String()
}
