package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/report"
	"tieout/report/text"
	"tieout/store"
)

func (a *app) evidenceCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "evidence", Short: "Sealed records: list, show, add, erase, redact"}
	cmd.AddCommand(a.evidenceList(), a.evidenceShow(), a.evidenceAdd(), a.evidenceErase(), a.evidenceRedact())
	return cmd
}

func (a *app) evidenceList() *cobra.Command {
	var f store.RecordFilter
	var kind string
	var most int
	cmd := &cobra.Command{
		Use: "list", Short: "Sealed records in the order of the log", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error {
				f.Kind = audit.RecordKind(kind)
				if kind != "" && !slices.Contains(recordKinds, f.Kind) {
					return fmt.Errorf("%w: --kind %q; it is one of %s", audit.ErrUsage, kind, kindNames())
				}
				return a.listEvidence(cmd.Context(), p, f, most)
			})
		},
	}
	cmd.Flags().StringVar(&f.Source, "source", "", "only of this source")
	cmd.Flags().StringVar(&kind, "kind", "", "only of this kind: "+kindNames())
	cmd.Flags().Int64Var(&f.From, "from", 0, "from this log index on")
	cmd.Flags().IntVar(&most, "most", 100, "at most so many; 0 is all")
	return cmd
}

// recordKinds are the kinds of sealed records that --kind may name.
var recordKinds = []audit.RecordKind{
	audit.RecordPage, audit.RecordCollection, audit.RecordManifest, audit.RecordEnd, audit.RecordDefinition, audit.RecordRun, audit.RecordDocument,
	audit.RecordRedaction, audit.RecordErasure, audit.RecordKey, audit.RecordClock, audit.RecordDecision, audit.RecordReport, audit.RecordActivity, audit.RecordEntry,
}

func kindNames() string {
	names := make([]string, len(recordKinds))
	for i, k := range recordKinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

var errEnough = errors.New("enough")

func (a *app) listEvidence(ctx context.Context, p *period.Program, f store.RecordFilter, most int) error {
	l := listing{schema: "tieout.evidence/1", columns: []text.Column{
		{Head: "ref"}, {Head: "kind"}, {Head: "source"}, {Head: "about"}, {Head: "collected"}, {Head: "bytes", Right: true}, {Head: "query", Flex: true},
	}}
	loc := p.Period.Location()
	err := p.Records(ctx, f, func(r audit.Record) error {
		if most > 0 && len(l.rows) == most {
			return errEnough
		}
		l.rows = append(l.rows, row{[]string{
			r.Ref(), string(r.Kind), r.Source, report.Days(r.About, loc), report.Moment(r.Collected, loc), report.Number(int(r.Size)), r.Query,
		}, struct {
			Index int64 `json:"index"`
			audit.Record
		}{r.Index, r}})
		return nil
	})
	l.summary = fmt.Sprintf("%s, %s in the log.", count(len(l.rows), "record shown", "records shown"), count(int(p.Log.Checkpoint().Size), "entry", "entries"))
	if errors.Is(err, errEnough) {
		err = nil
		l.summary = fmt.Sprintf("The first %d of %s in the log; --from and --most show more.", most, count(int(p.Log.Checkpoint().Size), "entry", "entries"))
	}
	if err != nil {
		return err
	}
	return a.show(l)
}

func (a *app) evidenceShow() *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use: "show REF", Short: "From a deviation or a record to the raw bytes and their proof",
		Long: `Walks from a deviation (D-...) to the procedure that found it and every sealed
record it rests on, or shows one record (E-...): what it is, the three dates, how
it came, its bytes, its entry in the log and the proof. Exit 5 where something is
not what was sealed. --raw writes the sealed bytes and nothing else.`,
		Args: exactly(1, "a deviation such as D-1a2b3c4d or a record such as E-48211"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error { return a.showEvidence(cmd.Context(), p, args[0], raw) })
		},
	}
	in(cmd, "table", "json").Flags().BoolVar(&raw, "raw", false, "write the raw bytes, as they were sealed, to stdout and nothing else")
	return cmd
}

func (a *app) showEvidence(ctx context.Context, p *period.Program, ref string, raw bool) error {
	if strings.HasPrefix(strings.ToUpper(ref), "D-") {
		return a.walk(ctx, p, answer.DeviationRef(ref), raw)
	}
	index, err := evidenceRef(ref)
	if err != nil {
		return err
	}
	x, err := p.Piece(ctx, index)
	if errors.Is(err, audit.ErrNotFound) {
		return fmt.Errorf("%w; the log holds %s, see 'tieout evidence list'", err, count(int(p.Log.Checkpoint().Size), "entry", "entries"))
	}
	if err != nil {
		return err
	}
	switch {
	case raw:
		return errors.Join(a.writeRaw(x), pieceError(x))
	case a.output == "json":
		return errors.Join(a.writeJSON(answer.RecordSchema, answer.PieceSentence(x), "record", x), pieceError(x))
	}
	a.printPiece(p, x, "")
	return pieceError(x)
}

// writeRaw writes a record's bytes as they were sealed.
func (a *app) writeRaw(x *period.Piece) error {
	if x.Erased {
		return fmt.Errorf("%w: the bytes of %s were erased; only its entry in the log is left", audit.ErrNotFound, audit.EvidenceRef(x.Index))
	}
	_, err := a.env.Stdout.Write(x.Body)
	return err
}

// evidenceRef reads what a person typed as a record.
func evidenceRef(s string) (int64, error) {
	index, err := period.ParseEvidenceRef(s)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is neither a record such as E-48211 nor a deviation such as D-1a2b3c4d", audit.ErrUsage, s)
	}
	return index, nil
}

// walk goes from a deviation to everything it rests on.
func (a *app) walk(ctx context.Context, p *period.Program, ref string, raw bool) error {
	run, err := a.lastRun(ctx, p)
	if err != nil {
		return err
	}
	d, err := p.Deviation(ctx, run, ref)
	if err != nil {
		return err
	}
	var pieces []*period.Piece
	for _, i := range d.Records {
		x, err := p.Piece(ctx, i)
		if err != nil {
			return err
		}
		pieces = append(pieces, x)
	}
	if raw {
		for _, x := range pieces {
			if err := errors.Join(a.writeRaw(x), pieceError(x)); err != nil {
				return err
			}
		}
		return nil
	}
	if a.output == "json" {
		err := a.writeJSON(answer.WalkSchema, answer.DeviationSentence(&d, p.Period), "walk", answer.Walk{Deviation: d, Evidence: pieces, Run: audit.EvidenceRef(run.Record)})
		for _, x := range pieces {
			err = errors.Join(err, pieceError(x))
		}
		return err
	}
	a.printDeviation(p, &d)
	a.printFinder(run, &d)
	for i, x := range pieces {
		fmt.Fprintf(a.env.Stdout, "\nEvidence %d of %d\n", i+1, len(pieces))
		a.printPiece(p, x, d.Item)
		if err := pieceError(x); err != nil {
			return err
		}
	}
	return nil
}

// printFinder says which version of which procedure found a deviation, and
// where that is sealed. The newest run may not have found it any more.
func (a *app) printFinder(run *period.Run, d *audit.Deviation) {
	w := a.env.Stdout
	fmt.Fprintf(w, "\nFound by %s, version %s\n", d.Procedure, d.Hash)
	for _, t := range run.Tested {
		if t.Hash == d.Hash && slices.ContainsFunc(t.Deviations, func(x audit.Deviation) bool { return x.Ref == d.Ref }) {
			fmt.Fprintf(w, "  in the run sealed as %s, under the definitions %s\n", audit.EvidenceRef(run.Record), run.Definitions)
			return
		}
	}
	fmt.Fprintf(w, "  in an earlier run; its results: tieout population show %s --run %s\n", d.Procedure, answer.ShortHash(d.Hash))
}

func pieceError(x *period.Piece) error {
	if x.Unchanged {
		return nil
	}
	return fmt.Errorf("%w: %s: %s", audit.ErrAltered, audit.EvidenceRef(x.Index), x.Fault)
}

// printPiece prints a record as an auditor reads it: what it is, the three
// dates, how it came, its place in the log, and the raw bytes' beginning.
func (a *app) printPiece(p *period.Program, x *period.Piece, near string) {
	w, r := a.env.Stdout, x.Record
	utc := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %-11s %s\n", name, value)
		}
	}
	line("record", fmt.Sprintf("%s, %s%s", audit.EvidenceRef(x.Index), r.Kind, of(r.Source, r.Scope)))
	line("query", r.Query)
	line("about", about(r.About))
	line("collected", utc(r.Collected)+" (as stated where it was read)")
	line("recorded", utc(r.Recorded)+" (this server's clock)")
	if x.Collection != nil {
		line("collection", fmt.Sprintf("%s by %s, normalizer version %d", x.Collection.ID, x.Collection.Driver, x.Collection.Version))
	}
	for _, m := range x.Manifests {
		state := "complete"
		if !m.Complete {
			state = "incomplete: " + m.Reason
		}
		line("manifest", fmt.Sprintf("%s: %s, %s", audit.EvidenceRef(m.Record), count(m.Items, m.Type, m.Type+" items"), state))
	}
	if !x.Erased {
		line("bytes", fmt.Sprintf("%s, %s, %s", count(int(r.Size), "byte", "bytes"), r.Media, r.Digest))
	}
	line("log entry", fmt.Sprintf("%s of %s, commitment %s", report.Number(int(x.Index)), report.Number(int(x.Size)), x.Commitment))
	line("proof", fmt.Sprintf("%s to root %s", count(len(x.Proof), "hash", "hashes"), x.Root))
	if len(x.Witnessed) == 0 {
		line("witnessed", "order not externally witnessed")
	} else {
		line("witnessed", strings.Join(x.Witnessed, ", "))
	}
	line("verdict", answer.PieceSentence(x))
	if len(x.Body) > 0 {
		a.printExcerpt(x, near)
	}
}

func of(source, scope string) string {
	s := ""
	if source != "" {
		s = " of " + source
	}
	if scope != "" {
		s += ", " + scope
	}
	return s
}

// about writes a span: an instant where it is one.
func about(s audit.Span) string {
	if s.To.Sub(s.From) <= time.Microsecond {
		return s.From.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return s.From.UTC().Format("2006-01-02 15:04:05 UTC") + " to " + s.To.UTC().Format("2006-01-02 15:04:05 UTC")
}

// excerptLines is how much of the raw bytes is shown.
const excerptLines = 12

// printExcerpt prints the raw bytes round the item where its id is found in
// them, else their beginning.
func (a *app) printExcerpt(x *period.Piece, near string) {
	w := a.env.Stdout
	if !utf8.Valid(x.Body) {
		fmt.Fprintf(w, "  raw bytes are not text; 'tieout evidence show %s --raw' writes them\n", audit.EvidenceRef(x.Index))
		return
	}
	lines := strings.Split(strings.TrimRight(string(x.Body), "\n"), "\n")
	from, wide := 0, max(a.width()-4, 76)
	at, key := text.LineWith(lines, near)
	if at >= 0 {
		from = max(0, at-1)
	}
	fmt.Fprintf(w, "  raw bytes, from line %d of %d ('tieout evidence show %s --raw' writes all)\n", from+1, len(lines), audit.EvidenceRef(x.Index))
	for i, l := range lines[from:min(len(lines), from+excerptLines)] {
		if from+i == at {
			l = text.Around(l, key, wide)
		}
		fmt.Fprintf(w, "  | %s\n", text.Cut(text.Clean(l), wide))
	}
}

func (a *app) evidenceAdd() *cobra.Command {
	var title, from, to, rows string
	var controls []string
	var said period.Stated
	cmd := &cobra.Command{
		Use: "add FILE", Short: "Seal a file as evidence, with the dates it is about",
		Long: `Seals a file as it is, with the days it is about. What you say of where it came
from (--system, --query, --range, --rows) is sealed beside it and shown as your
word. A picture of a screen (--screenshot) proves one moment: say which address
it shows, which account is signed in and which date and time are seen on it.`,
		Args: exactly(1, "a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error {
				span, err := days(from, to, p.Period)
				if err != nil {
					return err
				}
				if said.Rows, err = period.StatedRows(rows); err != nil {
					return err
				}
				rec, err := p.AddDocument(cmd.Context(), args[0], title, controls, span, said)
				if err != nil {
					return err
				}
				if err := a.tell("tieout.document/1", fmt.Sprintf("Sealed as %s: %s, about %s.", rec.Ref(), count(int(rec.Size), "byte", "bytes"), report.Days(rec.About, p.Period.Location())),
					map[string]any{"record": rec.Ref(), "about": rec.About, "collected": rec.Collected, "recorded": rec.Recorded, "digest": rec.Digest}); err != nil {
					return err
				}
				if rec.About.Intersect(p.Period.Span).Empty() {
					a.note("What it is about lies outside the period %s to %s: it is no evidence of operation in it.", p.Period.First(), p.Period.Last())
				}
				return nil
			})
		},
	}
	f := in(cmd, "table", "json").Flags()
	f.StringVar(&title, "title", "", "what it is")
	f.StringVar(&from, "from", "", "first day it is about, 2026-03-01 (needed)")
	f.StringVar(&to, "to", "", "last day it is about (default: the first)")
	f.StringSliceVar(&controls, "control", nil, "control it is evidence for; may be repeated")
	f.StringVar(&said.System, "system", "", "system it was taken from, as you state it")
	f.StringVar(&said.Query, "query", "", "query or report that was run")
	f.StringVar(&said.Range, "range", "", "what was asked for: dates, filters")
	f.StringVar(&rows, "rows", "", "rows in it, as the system counted them")
	f.BoolVar(&said.Screenshot, "screenshot", false, "it is a picture of a screen")
	f.StringVar(&said.Address, "screen-address", "", "address that the screen shows")
	f.StringVar(&said.Account, "screen-account", "", "account that is signed in on it")
	f.StringVar(&said.Clock, "screen-clock", "", "date and time seen on it")
	return cmd
}

// days reads two days, both included, in the period's zone.
func days(from, to string, p audit.Period) (audit.Span, error) {
	if from == "" {
		return audit.Span{}, fmt.Errorf("%w: say what the file is about with --from (and --to); the day it was added is another fact", audit.ErrUsage)
	}
	if to == "" {
		to = from
	}
	x, err := audit.NewPeriod(from, to, p.Zone)
	if err != nil {
		return audit.Span{}, fmt.Errorf("%w: --from %s --to %s are not two days in order, such as 2026-03-01 and 2026-03-31", audit.ErrUsage, from, to)
	}
	return x.Span, nil
}

func (a *app) evidenceErase() *cobra.Command {
	var why string
	var sure bool
	cmd := &cobra.Command{
		Use: "erase E-...", Short: "Erase a record's content for a deletion duty; the log stays whole",
		Long: `Removes a record's bytes and its salt for good, seals that and why it was done,
and leaves the log whole: the entry stays and speaks of nothing any more.`,
		Args: exactly(1, "a record such as E-48211"),
		RunE: func(cmd *cobra.Command, args []string) error {
			index, err := evidenceRef(args[0])
			if err != nil {
				return err
			}
			if strings.TrimSpace(why) == "" {
				return fmt.Errorf("%w: an erasure needs its reason: --why", audit.ErrUsage)
			}
			if !sure {
				return fmt.Errorf("%w: this cannot be undone; repeat it with --yes", audit.ErrUsage)
			}
			return a.with(cmd.Context(), func(p *period.Program) error {
				rec, err := p.Erase(cmd.Context(), index, why)
				if err != nil {
					return err
				}
				return a.tell("tieout.erasure/1", fmt.Sprintf("Erased %s; sealed as %s. Its entry stays in the log.", audit.EvidenceRef(index), rec.Ref()),
					map[string]any{"erased": audit.EvidenceRef(index), "record": rec.Ref()})
			})
		},
	}
	in(cmd, "table", "json").Flags().StringVar(&why, "why", "", "the duty that asks for it (needed)")
	cmd.Flags().BoolVarP(&sure, "yes", "y", false, "I know that this cannot be undone")
	return cmd
}

func (a *app) evidenceRedact() *cobra.Command {
	var why, file string
	cmd := &cobra.Command{
		Use: "redact E-...", Short: "Seal a redacted copy that names its original",
		Args: exactly(1, "a record such as E-48211"),
		RunE: func(cmd *cobra.Command, args []string) error {
			index, err := evidenceRef(args[0])
			if err != nil {
				return err
			}
			if file == "" || strings.TrimSpace(why) == "" {
				return fmt.Errorf("%w: a redaction needs --copy, the redacted file, and --why", audit.ErrUsage)
			}
			return a.with(cmd.Context(), func(p *period.Program) error {
				rec, err := p.Redact(cmd.Context(), index, file, why)
				if err != nil {
					return err
				}
				return a.tell("tieout.redaction/1", fmt.Sprintf("Sealed the redacted copy of %s as %s. The original stays sealed.", audit.EvidenceRef(index), rec.Ref()),
					map[string]any{"original": audit.EvidenceRef(index), "record": rec.Ref()})
			})
		},
	}
	in(cmd, "table", "json").Flags().StringVar(&file, "copy", "", "the redacted copy (needed)")
	cmd.Flags().StringVar(&why, "why", "", "what was taken out, and why (needed)")
	return cmd
}
