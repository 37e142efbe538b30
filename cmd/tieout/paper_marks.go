package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// A markLine is one mark, as it is typed or as a line of a file has it.
type markLine struct {
	line    int // of the file, 0 where it was typed
	cell    fieldwork.Cell
	verdict fieldwork.Verdict
}

// markColumns are the columns of a file of marks; all but item and mark may be
// left out.
var markColumns = []string{"item", "attribute", "mark", "note", "evidence", "why"}

// markWords are the marks as people type them.
var markWords = map[string]engagement.Mark{"no exception": engagement.NoException, "exception": engagement.Exception, "not applicable": engagement.NotApplicable, "unable to test": engagement.UnableToTest}

const markNames = "no exception, exception, not applicable, unable to test"

func (a *app) markCommand() *cobra.Command {
	var item, attribute, note, why, file string
	var evidence []string
	cmd := a.firmAct("mark TEST [MARK]", "Mark a cell of a workpaper, or all of a file of marks", between(1, 2, aTest+" and a mark: "+markNames), func(ctx context.Context, d *firmDesk) error {
		if (file == "") != (len(d.args) == 2) {
			return fmt.Errorf("%w: name a mark (%s), or with --from a file of marks", audit.ErrUsage, markNames)
		}
		if file != "" {
			lines, err := readMarks(file)
			if err != nil {
				return err
			}
			return a.markAll(ctx, d, file, lines)
		}
		l := markLine{cell: fieldwork.Cell{Item: item, Attribute: attribute}, verdict: fieldwork.Verdict{Note: note, Why: why}}
		var err error
		if l.verdict.Evidence, err = readRecords("evidence", evidence); err != nil {
			return err
		}
		if l.verdict.Mark = markWords[strings.ToLower(d.args[1])]; l.verdict.Mark == "" {
			return fmt.Errorf("%w: %q is no mark; the marks are %s", audit.ErrUsage, d.args[1], markNames)
		}
		return a.markAll(ctx, d, "", []markLine{l})
	})
	cmd.Long = "Marks one attribute of one item. With --from it marks the lines of a CSV file with the columns " + strings.Join(markColumns, ", ") + " (item and mark are needed; attribute is A where it is left out; " +
		"evidence is E-481 E-482). What is wrong in the file is named by line and column, all of it at once, and then nothing is marked: its form, and whether the workpaper takes each line. Marking opens no item: nothing is recorded as opened."
	f := cmd.Flags()
	f.StringVar(&item, "item", "", "the item; none for a test without items")
	f.StringVar(&attribute, "attribute", "A", "the attribute")
	f.StringVar(&note, "note", "", "a note; needed for not applicable and unable to test")
	f.StringSliceVar(&evidence, "evidence", nil, "evidence of the client's log that was looked at, E-481; may be repeated")
	f.StringVar(&why, "why", "", "of a change: why the earlier mark was wrong")
	f.StringVar(&file, "from", "", "CSV file of marks")
	return cmd
}

// maxMarks is how many lines a file of marks may have.
const maxMarks = 20_000

// readMarks reads a file of marks; what is wrong in it is named by line and
// column, all of it at once.
func readMarks(path string) ([]markLine, error) {
	f, _, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return parseMarks(path, f)
}

func parseMarks(name string, in io.Reader) ([]markLine, error) {
	r := csv.NewReader(io.LimitReader(in, maxDocument))
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: %s:1:1: the file has no head; its columns are %s", audit.ErrInvalid, name, strings.Join(markColumns, ", "))
	}
	var wrong []string
	fault := func(column int, format string, args ...any) {
		line, at := r.FieldPos(column)
		wrong = append(wrong, fmt.Sprintf("%s:%d:%d: %s", name, line, at, fmt.Sprintf(format, args...)))
	}
	for i := range head {
		head[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(head[i], "\ufeff")))
		if !slices.Contains(markColumns, head[i]) || slices.Contains(head[:i], head[i]) {
			fault(i, "there is no column %.40q, or it is there twice; the columns are %s", head[i], strings.Join(markColumns, ", "))
		}
	}
	if !slices.Contains(head, "mark") || !slices.Contains(head, "item") {
		fault(0, "the columns item and mark are needed")
	}
	out, err := markLines(r, head, &wrong, fault)
	if len(wrong) > 0 {
		return nil, fmt.Errorf("%w: nothing is marked:\n%s", audit.ErrInvalid, strings.Join(wrong[:min(len(wrong), 100)], "\n"))
	}
	return out, err
}

func markLines(r *csv.Reader, head []string, wrong *[]string, fault func(int, string, ...any)) (out []markLine, err error) {
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		var perr *csv.ParseError
		if errors.As(err, &perr) {
			return nil, fmt.Errorf("%w: line %d, column %d: %w", audit.ErrInvalid, perr.Line, perr.Column, perr.Err)
		}
		if err != nil || len(out) == maxMarks {
			return nil, errors.Join(err, fmt.Errorf("%w: at most %d marks are read from one file", audit.ErrInvalid, maxMarks))
		}
		if len(*wrong) > 100 {
			return nil, nil
		}
		l := markLine{cell: fieldwork.Cell{Attribute: "A"}}
		l.line, _ = r.FieldPos(0)
		for i, c := range cells {
			if i >= len(head) {
				fault(i, "there is no column here")
				continue
			}
			if why := l.set(head[i], strings.TrimSpace(c)); why != "" {
				fault(i, "%s: %s", head[i], why)
			}
		}
		if l.verdict.Mark == "" && slices.Contains(head, "mark") && len(cells) < len(head) {
			fault(0, "the line has no mark")
		}
		out = append(out, l)
	}
}

// set puts a cell of a file into a mark, or says why it cannot be.
func (l *markLine) set(column, s string) string {
	switch column {
	case "item":
		l.cell.Item = s
	case "attribute":
		if s != "" {
			l.cell.Attribute = s
		}
	case "note":
		l.verdict.Note = s
	case "why":
		l.verdict.Why = s
	case "mark":
		if l.verdict.Mark = markWords[strings.ToLower(s)]; l.verdict.Mark == "" {
			return fmt.Sprintf("%.40q is no mark; the marks are %s", s, markNames)
		}
	case "evidence":
		list, err := readRecords("evidence", strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == ';' }))
		if err != nil {
			return fmt.Sprintf("%.40q is no evidence such as E-481 E-482", s)
		}
		l.verdict.Evidence = list
	}
	return ""
}

// markAll marks lines one by one, as their tester saw them, once the workpaper
// takes every one of them. Where somebody else comes in between those before stand,
// and the error says which line it was.
func (a *app) markAll(ctx context.Context, d *firmDesk, file string, lines []markLine) error {
	test := d.args[0]
	bases := map[fieldwork.Cell]int64{}
	err := d.file(ctx, func(s *fieldwork.State, x *fieldwork.File) error {
		if x.Papers[test] == nil {
			return fmt.Errorf("%w: the test %s has no workpaper; open it with 'tieout test open'", audit.ErrConflict, test)
		}
		for _, l := range lines {
			bases[l.cell] = s.Revision(fieldwork.CellOn(d.id, test, l.cell))
		}
		return nil
	})
	if err == nil && file != "" {
		err = d.takesAll(ctx, file, lines, bases)
	}
	if err != nil {
		return err
	}
	for n, l := range lines {
		if err := d.Files.Mark(ctx, d.by, d.id, test, l.cell, l.verdict, bases[l.cell]); err != nil {
			if file == "" {
				return err
			}
			return fmt.Errorf("%s:%d: %s before it marked: %w", file, l.line, count(n, "line is", "lines are"), err)
		}
	}
	left := 0
	err = d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
		left = len(x.Papers[test].Untested(x.Tests[test]))
		return nil
	})
	if err != nil {
		return err
	}
	return a.did(&d.place, len(lines), "%s of %s marked; %s left to test.", count(len(lines), "cell", "cells"), test, howMany(left, "cell", "cells"))
}

// takesAll says which lines of a file the workpaper would not take, all of them at
// once. A role, or a person's place in the engagement, that is missing is said once.
func (d *firmDesk) takesAll(ctx context.Context, file string, lines []markLine, bases map[fieldwork.Cell]int64) error {
	var wrong []string
	at := map[fieldwork.Cell]int{}
	for _, l := range lines {
		err := d.Files.MayMark(ctx, d.by, d.id, d.args[0], l.cell, l.verdict, bases[l.cell])
		switch {
		case errors.Is(err, audit.ErrForbidden):
			return err
		case err == nil && at[l.cell] > 0:
			err = fmt.Errorf("the cell is marked on line %d already", at[l.cell])
		}
		if at[l.cell] = l.line; err != nil {
			wrong = append(wrong, fmt.Sprintf("%s:%d: %s", file, l.line, message(err)))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%w: nothing is marked:\n%s", audit.ErrInvalid, strings.Join(wrong[:min(len(wrong), 100)], "\n"))
}

func (a *app) attachCommand() *cobra.Command {
	return a.firmAct("attach TEST FILE", "Add a file of the auditor's own to a workpaper", exactly(2, aTest+" and a file"), func(ctx context.Context, d *firmDesk) error {
		if err := bounded(d.args[1], maxDocument); err != nil {
			return err
		}
		x := fieldwork.Attachment{Name: filepath.Base(d.args[1]), Media: "application/octet-stream"}
		sum, err := a.keepFile(ctx, &d.place, "the file", d.args[1], func(sum string, size int64) error {
			x.Digest, x.Size = sum, size
			return d.Files.MayAttach(ctx, d.by, d.id, d.args[0], x)
		})
		if err == nil {
			err = d.Files.Attach(ctx, d.by, d.id, d.args[0], x)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, sum, "%s is in the workpaper of %s.", filepath.Base(d.args[1]), d.args[0])
	})
}

// knownFlags refuses flags of two acts in one command: one of them would be
// passed over.
func knownFlags(cmd *cobra.Command) error {
	acts := given(cmd, "add", "dispose", "confirm")
	if len(acts) > 1 {
		return fmt.Errorf("%w: %s are acts of their own: one command each", audit.ErrUsage, strings.Join(acts, " and "))
	}
	for _, x := range []struct {
		flags []string
		with  []string
	}{{[]string{"source", "text"}, []string{"add"}}, {[]string{"why"}, []string{"dispose"}}, {[]string{"ref"}, []string{"dispose", "confirm"}}} {
		if has := given(cmd, x.flags...); len(has) > 0 && len(given(cmd, x.with...)) == 0 {
			return fmt.Errorf("%w: %s goes with --%s", audit.ErrUsage, strings.Join(has, " and "), strings.Join(x.with, " or --"))
		}
	}
	return nil
}

func (a *app) knownCommand() *cobra.Command {
	var ref, source, text, as, why string
	var refs []string
	var confirm bool
	var cmd *cobra.Command
	cmd = a.firmAct("known TEST", "Look for deviations outside the sample; add, dispose of or confirm one", exactly(1, aTest), func(ctx context.Context, d *firmDesk) error {
		if err := knownFlags(cmd); err != nil {
			return err
		}
		test := d.args[0]
		base, err := d.base(ctx, "known", test)
		switch {
		case err != nil:
		case ref != "":
			err = d.Files.AddKnown(ctx, d.by, d.id, test, ref, source, text)
		case as != "":
			err = d.Files.DisposeKnown(ctx, d.by, d.id, test, refs, as, why, base)
		case confirm:
			err = d.Files.ConfirmKnown(ctx, d.by, d.id, test, refs, base)
		default:
			err = d.Files.LookForKnown(ctx, d.by, d.id, test)
		}
		if err != nil {
			return err
		}
		var open []string
		err = d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
			for _, k := range x.OpenKnown(test) {
				open = append(open, k.Ref)
			}
			return nil
		})
		words := "none is known"
		if len(open) > 0 {
			words = fmt.Sprintf("%s known and to be disposed of before the control is concluded: %s", count(len(open), "is", "are"), strings.Join(open, ", "))
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, open, "Deviations outside the sample of %s: %s.", test, words)
	})
	cmd.Long = "Lists the deviations that the client's procedures computed outside the sample, over the whole of a test's populations. They count into no rate; each is disposed of before the control is concluded: " +
		"named in an exception, or, with a second person's word, as '" + fieldwork.WrongTest + "' or '" + fieldwork.WrongPopulation + "'."
	f := cmd.Flags()
	f.StringVar(&ref, "add", "", "list a deviation learned of in another way, called so")
	f.StringVar(&source, "source", "", "with --add: where it was learned")
	f.StringVar(&text, "text", "", "with --add: what it is")
	f.StringSliceVar(&refs, "ref", nil, "which ones, with --dispose or --confirm; may be repeated")
	f.StringVar(&as, "dispose", "", "dispose of those of --ref as '"+fieldwork.WrongTest+"' or '"+fieldwork.WrongPopulation+"'")
	f.StringVar(&why, "why", "", "with --dispose: the reason")
	f.BoolVar(&confirm, "confirm", false, "confirm what somebody else said of those of --ref")
	return cmd
}
