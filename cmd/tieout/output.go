package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/report"
	"tieout/report/text"
)

// A listing is what a list command shows, one value for every format.
type listing struct {
	schema  string        // such as tieout.controls/1
	summary string        // one sentence: the line after a table, summary.text in JSON
	columns []text.Column // of the table
	rows    []row
	digest  string // of what is listed, where somebody signs by it: summary.digest in JSON
}

// A row is one line of a listing: its cells, and its value for JSON.
type row struct {
	cells []string
	value any
}

// formatsKey is the annotation that names what -o may be for a command.
const formatsKey = "formats"

// in says which formats -o may name for cmd; a command that says nothing is a
// list and knows them all (outputs).
func in(cmd *cobra.Command, formats ...string) *cobra.Command {
	cmd.Annotations = map[string]string{formatsKey: strings.Join(formats, ", ")}
	return cmd
}

// checkFormat refuses a -o that cmd does not know, before anything is done.
func (a *app) checkFormat(cmd *cobra.Command) error {
	known, ok := cmd.Annotations[formatsKey]
	if !ok {
		known = strings.Join(outputs, ", ")
	}
	if !slices.Contains(strings.Split(known, ", "), a.output) {
		return fmt.Errorf("%w: -o %q is not known to %s; it knows %s", audit.ErrUsage, a.output, cmd.CommandPath(), known)
	}
	return nil
}

// tell writes what a command did: one sentence, or with -o json the same with
// the value behind it.
func (a *app) tell(schema, sentence string, value any) error {
	if a.output == "json" {
		return a.writeJSON(schema, sentence, "result", value)
	}
	a.say(sentence)
	return nil
}

// show writes a listing in the format asked for.
func (a *app) show(l listing) error {
	w := a.env.Stdout
	switch a.output {
	case "json":
		values := make([]any, len(l.rows))
		for i, r := range l.rows {
			values[i] = r.value
		}
		summary := map[string]string{"text": l.summary}
		if l.digest != "" {
			summary["digest"] = l.digest
		}
		return a.writeDocument(l.schema, summary, "items", values)
	case "jsonl":
		for _, r := range l.rows {
			if err := json.NewEncoder(w).Encode(r.value); err != nil {
				return err
			}
		}
		return nil
	case "csv":
		return writeCSV(w, l)
	}
	if len(l.rows) > 0 {
		if err := writeTable(w, a.textOptions(), l); err != nil {
			return err
		}
	}
	if l.summary != "" && a.textOptions().Width > 0 {
		fmt.Fprintln(w, l.summary)
	} else if l.summary != "" {
		a.note("%s", l.summary)
	}
	return nil
}

// roomy is the width of a terminal from which a reason stands in its row.
const roomy = 120

// writeTable writes a listing's rows. On a terminal too narrow for them the
// reasons (the column "why") go below their rows, whole.
func writeTable(w io.Writer, o text.Options, l listing) error {
	why := slices.IndexFunc(l.columns, func(c text.Column) bool { return c.Head == "why" })
	if o.Width == 0 || o.Width >= roomy || why < 0 {
		return asTable(l).Write(w, o)
	}
	t := text.Table{Columns: slices.Delete(slices.Clone(l.columns), why, why+1)}
	for _, r := range l.rows {
		t.Rows = append(t.Rows, slices.Delete(slices.Clone(r.cells), why, why+1))
	}
	var b bytes.Buffer
	if err := t.Write(&b, o); err != nil {
		return err
	}
	for i, line := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		fmt.Fprintln(w, line)
		if i > 0 && l.rows[i-1].cells[why] != "" {
			reason := text.Wrap(l.rows[i-1].cells[why], o.Width-4)
			fmt.Fprintln(w, "    "+strings.ReplaceAll(reason, "\n", "\n    "))
		}
	}
	return nil
}

// writeJSON writes one JSON document with its schema and summary.
func (a *app) writeJSON(schema, summary, name string, value any) error {
	return a.writeDocument(schema, map[string]string{"text": summary}, name, value)
}

func (a *app) writeDocument(schema string, summary map[string]string, name string, value any) error {
	enc := json.NewEncoder(a.env.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(map[string]any{"schema": schema, "summary": summary, name: value})
}

// writeCSV writes a listing as CSV; a cell a spreadsheet would run as a formula
// is written as text.
func writeCSV(w io.Writer, l listing) error {
	out := csv.NewWriter(w)
	head := make([]string, len(l.columns))
	for i, c := range l.columns {
		head[i] = c.Head
	}
	if err := out.Write(head); err != nil {
		return err
	}
	for _, r := range l.rows {
		cells := make([]string, len(r.cells))
		for i, c := range r.cells {
			cells[i] = report.Inert(c)
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (a *app) textOptions() text.Options {
	if f, ok := a.env.Stdout.(*os.File); ok {
		return text.OptionsFor(f, a.env.Getenv)
	}
	return text.Options{}
}

// width is the width for running text: the terminal's, at most 100; 80 in a pipe.
func (a *app) width() int {
	if w := a.textOptions().Width; w > 0 {
		return min(w, 100)
	}
	return text.DefaultWidth
}

// say writes a wrapped paragraph to stdout.
func (a *app) say(s string) { fmt.Fprintln(a.env.Stdout, text.Wrap(s, a.width())) }

// progress shows lines that come and go on a terminal, and one line a step in a pipe.
type progress struct {
	a    *app
	last string
}

func (p *progress) step(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if p.a.quiet || line == p.last {
		return
	}
	p.last = line
	if terminal(p.a.env.Stderr) {
		fmt.Fprintf(p.a.env.Stderr, "\r\x1b[K%s", line)
	}
}

// done ends the line; text stays where it says something.
func (p *progress) done(format string, args ...any) {
	if p.a.quiet {
		return
	}
	if terminal(p.a.env.Stderr) {
		fmt.Fprint(p.a.env.Stderr, "\r\x1b[K")
	}
	if format != "" {
		fmt.Fprintf(p.a.env.Stderr, format+"\n", args...)
	}
	p.last = ""
}
