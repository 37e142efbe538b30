package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/report"
	"tieout/sample"
)

// examSamples are the commands of an examination below sample.
func (a *app) examSamples() []*cobra.Command {
	list := []*cobra.Command{a.sizesCommand(), a.commitCommand(), a.listSamplesCommand(), a.showSampleCommand(), a.drawCommand(), a.extendSampleCommand(), a.replaceCommand(), a.releaseSampleCommand(), a.exportSampleCommand()}
	for _, c := range list {
		a.engagementFlags(c)
	}
	return list
}

func (a *app) sizesCommand() *cobra.Command {
	return a.firmAct("sizes FILE", "Put the firm's table of sample sizes in force", exactly(1, "a table of sizes (YAML)"), func(ctx context.Context, d *firmDesk) error {
		table, err := readBounded(d.args[0], maxTyped)
		base, berr := d.base(ctx, "sizes")
		if err = first(err, berr); err == nil {
			err = d.Files.SetSizes(ctx, d.by, d.id, d.args[0], table, base)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, nil, "Samples of %s are sized by %s from now on.", d.id, d.args[0])
	})
}

func (a *app) commitCommand() *cobra.Command {
	var round, stratum string
	cmd := a.firmAct("commit CONTROL", "Bind the firm to the random number of a draw, before the client freezes", exactly(1, "a control such as IAM-06"), func(ctx context.Context, d *firmDesk) error {
		c, err := d.Files.CommitNonce(ctx, d.by, d.id, d.args[0], round, stratum)
		if err != nil {
			return err
		}
		return a.did(&d.place, c.Hidden, "Committed for %s, round %s: entry %s of the log. The client has to see it ('engagement exchange') before it freezes.", d.args[0], round, audit.EvidenceRef(c.Record))
	})
	cmd.Long = "Makes 32 random bytes for the draw of a control and a round, and binds the firm to them by a hidden entry of its log. Neither side alone can steer the sample: the seed is made of these bytes and of " +
		"the client's log at the freeze. One is made for each draw; one that is never drawn with is reported."
	cmd.Flags().StringVar(&round, "round", "1", "round of the population")
	cmd.Flags().StringVar(&stratum, "stratum", "", "part of a stratified population")
	return cmd
}

// A shownSample is a sample for programs.
type shownSample struct {
	engagement.Sample
	Released string `json:"released,omitempty"` // when the client got to know it; "": not yet
}

func seedsOf(s engagement.Sample) string {
	var out []string
	for _, x := range s.Draws {
		if x.Seed != "" {
			out = append(out, grouped(x.Seed))
		}
	}
	return strings.Join(out, ", ")
}

// grouped is the begin of a seed in groups of four, as people compare it.
func grouped(seed string) string {
	if len(seed) < 16 {
		return seed
	}
	return seed[:4] + " " + seed[4:8] + " " + seed[8:12] + " " + seed[12:16]
}

func (a *app) listSamplesCommand() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "Samples that were drawn, and what each was drawn from", Args: exactly(0, "no argument"),
		RunE: a.onSide(looks, func(ctx context.Context, d *firmDesk) error {
			l := listing{schema: "tieout.samples/1", columns: sampleCols}
			err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
				for _, s := range book.Sorted(x.Samples) {
					l.rows = append(l.rows, sampleRow(s.Sample, releasedWord(x.Terms, s)))
				}
				return nil
			})
			l.summary = count(len(l.rows), "sample", "samples") + "."
			if err != nil {
				return err
			}
			return a.show(l)
		}, func(ctx context.Context, d *clientDesk) error {
			l := listing{schema: "tieout.samples/1", columns: sampleCols}
			err := d.side(ctx, func(_ *management.State, x *management.Side) error {
				for _, s := range book.Sorted(x.Samples) {
					l.rows = append(l.rows, sampleRow(*s, "released"))
				}
				return nil
			})
			l.summary = count(len(l.rows), "released sample", "released samples") + "."
			if err != nil {
				return err
			}
			return a.show(l)
		})}
}

var sampleCols = cols("sample", "population", "control", "round", "method", ">items", "~basis", "state")

func sampleRow(s engagement.Sample, state string) row {
	return row{[]string{s.ID, s.Population, s.Control, s.Round, string(s.Method), report.Number(sampled(s)), s.Basis, state}, shownSample{Sample: s, Released: state}}
}

// sampled is how many items a sample has; one of everything lists none of many.
func sampled(s engagement.Sample) (n int) {
	if len(s.Items) > 0 {
		return len(s.Items)
	}
	for _, x := range s.Draws {
		n += x.Size
	}
	return n
}

func releasedWord(t engagement.Terms, s *fieldwork.Sample) string {
	if s.Released.IsZero() {
		return "not released"
	}
	return "released " + dayOf(t, s.Released)
}

func (a *app) showSampleCommand() *cobra.Command {
	return in(&cobra.Command{Use: "show SAMPLE", Short: "One sample with its items and what it was drawn with", Args: exactly(1, "a sample such as S-1"),
		RunE: a.onSide(looks, func(ctx context.Context, d *firmDesk) error {
			s, err := d.Files.Sample(ctx, d.id, d.args[0])
			if err != nil {
				return err
			}
			state := ""
			err = d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error { state = releasedWord(x.Terms, &s); return nil })
			if err != nil {
				return err
			}
			return a.printSample(s.Sample, state, quarters(s))
		}, func(ctx context.Context, d *clientDesk) error {
			var s engagement.Sample
			err := d.side(ctx, func(_ *management.State, x *management.Side) error {
				if x.Samples[d.args[0]] == nil {
					return fmt.Errorf("%w: sample %s was not released; see 'tieout sample list'", audit.ErrNotFound, d.args[0])
				}
				s = *x.Samples[d.args[0]]
				return nil
			})
			if err != nil {
				return err
			}
			return a.printSample(s, "released", "")
		})}, "table", "json")
}

func quarters(s fieldwork.Sample) string {
	var out []string
	for _, q := range s.Spread {
		out = append(out, fmt.Sprintf("%s: %d of %d", q.Name, q.Picked, q.Items))
	}
	return strings.Join(out, "; ")
}

func (a *app) printSample(s engagement.Sample, state, spread string) error {
	say := fmt.Sprintf("%s: %s of %s for %s by %s selection, round %s, %s.", s.ID, count(sampled(s), "item", "items"), s.Population, s.Control, s.Method, s.Round, state)
	if a.output == "json" {
		return a.writeJSON("tieout.sample/1", say, "sample", shownSample{Sample: s, Released: state})
	}
	a.say(say)
	a.facts([][2]string{{"basis", s.Basis}, {"seed", seedsOf(s)}, {"spread", spread}, {"why", s.Why}})
	fmt.Fprintln(a.env.Stdout)
	for _, id := range s.Items {
		fmt.Fprintln(a.env.Stdout, "  "+id)
	}
	for _, r := range s.Replaced {
		a.point(fmt.Sprintf("%s took the place of %s: %s (%s)", r.By, r.Item, r.Why, refsOf(r.Proof)))
	}
	return nil
}

func (a *app) drawCommand() *cobra.Command {
	var o fieldwork.Order
	var method, risk string
	var picked, stages []string
	cmd := a.firmAct("draw CONTROL", "Draw a sample from a frozen and accepted population; the client does not know it yet", exactly(1, "a control such as IAM-06"), func(ctx context.Context, d *firmDesk) (err error) {
		o.Control, o.Method, o.Risk = d.args[0], engagement.Method(method), sample.Risk(risk)
		if !slices.Contains(fieldwork.Methods, o.Method) {
			return fmt.Errorf("%w: --method %q is none of %s", audit.ErrUsage, method, joined(fieldwork.Methods))
		}
		if o.Picked, err = explained("--pick", "ITEM=WHY", picked); err == nil {
			o.Stages, err = readStages(stages)
		}
		if err == nil && o.Population == "" {
			o.Population, err = d.toDraw(ctx, o.Control)
		}
		if err != nil {
			return err
		}
		s, err := d.Files.DrawSample(ctx, d.by, d.id, o)
		if err != nil {
			return err
		}
		return a.toldDraw(ctx, d, s)
	})
	f := cmd.Flags()
	f.StringVar(&o.Population, "population", "", "population to draw from (default: the only accepted one of the control that was not drawn from)")
	f.StringVar(&method, "method", string(engagement.Random), "random, systematic, stratified, judgmental or '100 percent'")
	f.IntVar(&o.Size, "size", 0, "how many items (default: by the firm's table of sizes)")
	f.StringVar(&o.Basis, "basis", "", "where the size comes from, if it is not by the table")
	f.StringVar(&risk, "risk", "", "row of the firm's table: low, moderate or high")
	f.StringVar(&o.Frequency, "frequency", "", "row of the firm's table by how often the control operates")
	f.StringVar(&o.Why, "why", "", "systematic: why the order does not repeat itself; judgmental: what for")
	f.StringArrayVar(&picked, "pick", nil, "judgmental: an item and its reason, as ITEM=WHY; may be repeated")
	f.StringArrayVar(&stages, "stage", nil, "planned extension, as ITEMS/EXCEPTIONS: 25/0, then 40/1; may be repeated")
	return cmd
}

// readStages reads planned extensions, "25/0": the items from the start, and the
// exceptions up to which nothing is added.
func readStages(list []string) (out []fieldwork.Stage, err error) {
	for _, s := range list {
		items, accepted, _ := strings.Cut(s, "/")
		n, err := strconv.Atoi(items)
		most, aerr := strconv.Atoi(accepted)
		if err != nil || aerr != nil || n < 1 || most < 0 {
			return nil, fmt.Errorf("%w: --stage %q is not ITEMS/EXCEPTIONS, such as 25/0; several are given by --stage each", audit.ErrUsage, s)
		}
		out = append(out, fieldwork.Stage{Items: n, Accepted: most})
	}
	return out, nil
}

// toDraw is the only population of a control that can be drawn from.
func (d *firmDesk) toDraw(ctx context.Context, control string) (id string, err error) {
	var open []string
	waits := ""
	err = d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
		for _, p := range book.Sorted(x.Populations) {
			drawn := slices.ContainsFunc(book.Sorted(x.Samples), func(s *fieldwork.Sample) bool { return s.Population == p.ID && s.Control == control })
			switch {
			case !slices.Contains(p.Controls, control) || drawn || p.Superseded != "":
			case p.Accepted:
				open = append(open, p.ID)
			default:
				waits = p.ID
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case len(open) == 0 && waits != "":
		return waits, nil // the gate says what it waits for
	case len(open) == 0:
		return "", fmt.Errorf("%w: no population of %s is frozen that was not drawn from: no sample before that; see 'tieout population frozen'", audit.ErrConflict, control)
	case len(open) > 1:
		return "", fmt.Errorf("%w: several populations of %s can be drawn from (%s); say which with --population", audit.ErrUsage, control, strings.Join(open, ", "))
	}
	return open[0], nil
}

func (a *app) toldDraw(ctx context.Context, d *firmDesk, s fieldwork.Sample) error {
	p, err := d.Files.Population(ctx, d.id, s.Population)
	if err != nil {
		return err
	}
	words := fmt.Sprintf("%s: %s of %s", s.ID, report.Number(sampled(s.Sample)), report.Number(p.Count))
	if seed := seedsOf(s.Sample); seed != "" {
		words += ", seed " + seed
	}
	return a.did(&d.place, s.Sample, "%s, %s. Released, it can be repeated: tieout sample export %s FILE, then tieout sample verify.", words, s.Basis, s.ID)
}

func (a *app) extendSampleCommand() *cobra.Command {
	return a.firmAct("extend SAMPLE", "Draw the next stage that was planned with a sample", exactly(1, "a sample such as S-1"), func(ctx context.Context, d *firmDesk) error {
		base, err := d.base(ctx, "sample", d.args[0])
		if err != nil {
			return err
		}
		s, err := d.Files.ExtendSample(ctx, d.by, d.id, d.args[0], base)
		if err != nil {
			return err
		}
		return a.did(&d.place, s.Sample, "%s has %s now, as planned.", s.ID, count(sampled(s.Sample), "item", "items"))
	})
}

func (a *app) replaceCommand() *cobra.Command {
	var why string
	var proof []string
	cmd := a.firmAct("replace SAMPLE ITEM", "Take the next item in order for one that was proved to be no item of the population", exactly(2, "a sample and an item of it"), func(ctx context.Context, d *firmDesk) error {
		records, err := readRecords("proof", proof)
		base, berr := d.base(ctx, "sample", d.args[0])
		if err = first(err, berr); err != nil {
			return err
		}
		r, err := d.Files.ReplaceItem(ctx, d.by, d.id, d.args[0], d.args[1], why, records, base)
		if err != nil {
			return err
		}
		return a.did(&d.place, r, "%s takes the place of %s, which is void: %s.", r.By, r.Item, r.Why)
	})
	cmd.Long = "Takes the next item in order in the place of one that was proved to be void: no item of the population at all. Evidence that is missing is an exception, and replaces nothing."
	cmd.Flags().StringVar(&why, "why", "", "why it is void (needed)")
	cmd.Flags().StringSliceVar(&proof, "proof", nil, "evidence of the client's log, E-481; may be repeated")
	return needed(cmd, "why")
}

func (a *app) releaseSampleCommand() *cobra.Command {
	return a.firmAct("release SAMPLE", "Let the client know a sample as it now is", exactly(1, "a sample such as S-1"), func(ctx context.Context, d *firmDesk) error {
		base, err := d.base(ctx, "sample", d.args[0])
		if err == nil {
			err = d.Files.ReleaseSample(ctx, d.by, d.id, d.args[0], base)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, d.args[0], "%s is released; it goes out with the next exchange.", d.args[0])
	})
}

func (a *app) exportSampleCommand() *cobra.Command {
	return a.firmAct("export SAMPLE FILE", "Write a released sample with what anybody needs to pick it again", exactly(2, "a sample and the file to write"), func(ctx context.Context, d *firmDesk) error {
		x, err := d.Files.ExportSample(ctx, d.by, d.id, d.args[0])
		if err != nil {
			return err
		}
		if _, err := writeFile(d.args[1], func(w io.Writer) error {
			out := json.NewEncoder(w)
			out.SetIndent("", "  ")
			return out.Encode(x)
		}); err != nil {
			return err
		}
		return a.did(&d.place, d.args[1], "%s holds %s. Pick it again: tieout population items %s ITEMS, then tieout sample verify %s ITEMS.", d.args[1], d.args[0], x.Sample.Population, d.args[1])
	})
}
