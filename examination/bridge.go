package examination

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/internal/canonical"
	"tieout/program"
	"tieout/report/attest"
	"tieout/report/letter"
)

// A Known is one thing on record that a bridge letter has to disclose.
type Known struct {
	Ref  string    // "incident:INC-4", "deviation:D-9a12b3c4", "change:IAM-06@2026-06-01", "untested:2026-04-01..2026-04-30", "opinion:operation"
	What string    // in words, as the record has it; management's words stand in the letter
	At   time.Time // when it began; zero of an opinion
	Of   string    // of a deviation, the procedure that found it: many are told of with the same words
}

// A Ground is what a bridge letter stands on: what it may speak of and what it
// has to disclose.
type Ground struct {
	Report    string // digest of the report it continues
	Dated     string // the report's day
	From      string // its first day: the one after the report's period
	To        string // its last day
	Latest    string // the last day it may have: by policy, and no later than today
	Limit     int    // days, by policy
	Known     []Known
	Decided   []Known // changes that a signer decided readers need not be told of, with the reason in What
	Modified  []Known // opinions of the report that are not unmodified: these are disclosed too
	System    string
	Firm      string
	NextAfter string // the day after which the next report can be expected: its last day
}

// Refs are the references of what is on record, as BridgeData.Known has them.
func (g Ground) Refs() []string {
	out := []string{}
	for _, k := range g.Known {
		out = append(out, k.Ref)
	}
	slices.Sort(out)
	return out
}

// BridgeGround looks up what a bridge letter of an engagement has to disclose for
// the days after its report's period up to a day, "" for the latest it may have.
// Incidents that touch the days, deviations that nobody decided are none,
// changes but those a signer decided need no telling, and days without tests.
// ErrConflict where there is no report, ErrInvalid where to is no such day.
func (c *Client) BridgeGround(ctx context.Context, id, to string) (g Ground, err error) {
	var terms engagement.Terms
	rulings := map[string]management.Ruling{}
	err = c.Side.Read(ctx, func(s *management.State) error {
		x, err := s.Side(id)
		if err != nil {
			return err
		}
		if len(x.Releases) == 0 {
			return fmt.Errorf("%w: there is no report yet that a letter could continue", audit.ErrConflict)
		}
		if r := x.Releases[len(x.Releases)-1]; r.Withdrawn != "" {
			return fmt.Errorf("%w: the firm withdrew the report; no letter continues it", audit.ErrConflict)
		}
		terms = x.Releases[len(x.Releases)-1].Terms
		for ref, r := range x.Changes {
			rulings[ref] = *r
		}
		g = c.ground(x)
		return nil
	})
	if err != nil {
		return g, err
	}
	if !terms.Type.OverPeriod() {
		return g, fmt.Errorf("%w: a %s speaks of a date; there is no period that a letter could continue", audit.ErrInvalid, terms.Type)
	}
	if err := g.until(terms, to, c.P.Now()); err != nil {
		return g, err
	}
	return g, c.lookUp(ctx, &g, terms, rulings)
}

// ground is what the engagement itself says.
func (c *Client) ground(x *management.Side) Ground {
	r := x.Releases[len(x.Releases)-1]
	g := Ground{Report: r.Report, Dated: r.Dated, Limit: c.P.Def.Config.Examination.BridgeDays, System: r.Terms.System, Firm: r.Terms.Firm.Name, NextAfter: r.Terms.Last}
	for _, part := range r.Terms.Type.Parts() {
		if word := r.Opinions[string(part)]; word != "" && word != string(engagement.Unmodified) {
			g.Modified = append(g.Modified, Known{Ref: "opinion:" + string(part), What: "The opinion on the " + strings.ToLower(attest.PartName(string(part))) + " is " + strings.ToLower(word) + "."})
		}
	}
	return g
}

// until sets the letter's days.
func (g *Ground) until(t engagement.Terms, to string, now time.Time) error {
	last, err := time.Parse(time.DateOnly, t.Last)
	if err != nil {
		return fmt.Errorf("%w: the period's last day: %w", audit.ErrInvalid, err)
	}
	zone, err := time.LoadLocation(t.Zone)
	if err != nil {
		return fmt.Errorf("%w: the engagement's time zone: %w", audit.ErrInvalid, err)
	}
	g.From, g.Latest = last.AddDate(0, 0, 1).Format(time.DateOnly), last.AddDate(0, 0, g.Limit).Format(time.DateOnly)
	if today := now.In(zone).Format(time.DateOnly); today < g.Latest {
		g.Latest = today
	}
	if g.To = cmp.Or(to, g.Latest); g.Latest < g.From {
		return fmt.Errorf("%w: no day after the report's period, which ends on %s, has begun yet", audit.ErrConflict, attest.Day(t.Last))
	}
	if _, err := time.Parse(time.DateOnly, g.To); err != nil || g.To < g.From || g.To > g.Latest {
		return fmt.Errorf("%w: the letter's last day, %.40q, is one from %s to %s: at most %d days after the period, and none that is still to come", audit.ErrInvalid, g.To, g.From, g.Latest, g.Limit)
	}
	return nil
}

// lookUp fills in what the registers, the tests and the definitions hold for the
// letter's days.
func (c *Client) lookUp(ctx context.Context, g *Ground, t engagement.Terms, rulings map[string]management.Ruling) error {
	span, err := inDays(g.From, g.To, t.Zone)
	if err != nil {
		return err
	}
	if err := c.incidentsIn(ctx, g, span); err != nil {
		return err
	}
	if err := c.deviationsIn(ctx, g, t, span); err != nil {
		return err
	}
	changes, err := c.Changes(ctx, g.From, g.To)
	if err != nil {
		return err
	}
	for _, x := range changes {
		day, _ := time.Parse(time.DateOnly, x.Day)
		k := Known{Ref: "change:" + x.Ref, What: x.Text, At: day}
		if r, decided := rulings[x.Ref]; decided && !r.Disclosed {
			k.What += " Decided: " + r.Why
			g.Decided = append(g.Decided, k)
			continue
		}
		g.Known = append(g.Known, k)
	}
	slices.SortStableFunc(g.Known, func(a, b Known) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Ref, b.Ref)) })
	return nil
}

// touches reports whether an incident lay in the span, or lasts.
func touches(i *program.Incident, span audit.Span) bool {
	began := i.Detected
	if began.IsZero() {
		began = i.Reported
	}
	return began.Before(span.To) && (i.Resolved.IsZero() || !i.Resolved.Before(span.From))
}

func (c *Client) incidentsIn(ctx context.Context, g *Ground, span audit.Span) error {
	return c.P.Registers().Read(ctx, func(s *program.State) error {
		for _, i := range s.Incidents {
			if touches(i, span) {
				began := i.Detected
				if began.IsZero() {
					began = i.Reported
				}
				g.Known = append(g.Known, Known{Ref: "incident:" + i.ID, What: i.Title + ", " + i.Status, At: began})
			}
		}
		return nil
	})
}

// A ran is what one sealed run saw.
type ran struct {
	tested []audit.Tested
	seen   audit.Span
}

// deviationsIn adds deviations that touch the span, or that still lasted when it was
// last looked, of the newest runs over the engagement's period and over every other
// that the span lies in; and the days that no test has seen: all of them, where there
// was no run.
func (c *Client) deviationsIn(ctx context.Context, g *Ground, t engagement.Terms, span audit.Span) error {
	loc, err := time.LoadLocation(t.Zone)
	if err != nil {
		return fmt.Errorf("%w: time zone: %w", audit.ErrInvalid, err)
	}
	runs, err := c.P.RunsBeside(ctx, t, span)
	if err != nil {
		return err
	}
	var all []ran
	for _, run := range runs {
		list, err := c.P.Deviations(ctx, run)
		if err != nil {
			return err
		}
		g.found(list, span)
		one := ran{run.Tested, audit.Span{From: run.Period.From, To: run.Period.To}}
		if run.AsOf.Before(one.seen.To) {
			one.seen.To = run.AsOf
		}
		all = append(all, one)
	}
	g.blind(unseen(all, span, loc), span)
	return nil
}

// found adds deviations that touch the span or last, each once.
func (g *Ground) found(list []audit.Deviation, span audit.Span) {
	for _, d := range list {
		ref, lasts := "deviation:"+d.Ref, d.Open && d.Span.From.Before(span.To)
		known := slices.ContainsFunc(g.Known, func(k Known) bool { return k.Ref == ref })
		if known || d.Disposition == audit.NotDeviation || !lasts && d.Span.Intersect(span).Empty() {
			continue
		}
		what := d.Title + ": " + cmp.Or(d.Label, d.Item)
		if d.Disposition == audit.Candidate {
			what += " (nobody has decided about it yet)"
		}
		g.Known = append(g.Known, Known{Ref: ref, What: what, At: d.Span.From, Of: d.Procedure})
	}
}

// blind adds what is not known of the letter's days, where there is anything.
func (g *Ground) blind(what []string, span audit.Span) {
	if len(what) > 0 {
		g.Known = append(g.Known, Known{Ref: "untested:" + g.From + ".." + g.To, What: strings.Join(what, " "), At: span.From})
	}
}

const noTest = "No test has run over any of these days."

// unseen says which of a letter's days no test has seen, and for what evidence is
// missing on others; nothing where tests saw them all. No day without evidence is
// told of as one without deviations. Runs are in the order of their periods.
func unseen(runs []ran, span audit.Span, loc *time.Location) (out []string) {
	day := func(t time.Time) string { return t.In(loc).Format("2 January 2006") }
	runs = slices.DeleteFunc(slices.Clone(runs), func(r ran) bool { return len(r.tested) == 0 || r.seen.Intersect(span).Empty() })
	if len(runs) == 0 {
		return []string{noTest}
	}
	var without []string
	until := span.From
	for i, r := range runs {
		both := r.seen.Intersect(span)
		switch {
		case !both.From.After(until):
		case i == 0:
			out = append(out, "No test has run over the days before "+day(both.From)+".")
		case !sameDay(until, both.From.Add(-time.Microsecond), loc):
			out = append(out, "No test has run over the days from "+day(until)+" to "+day(both.From.Add(-time.Microsecond))+".")
		}
		until = both.To
		for _, t := range r.tested {
			if slices.ContainsFunc(t.Gaps, func(g audit.Gap) bool { return !g.Span.Intersect(span).Empty() }) && !slices.Contains(without, t.Title) {
				without = append(without, t.Title)
			}
		}
	}
	if until.Before(span.To) && !sameDay(until, span.To.Add(-time.Microsecond), loc) {
		out = append(out, "No test has run over the days from "+day(until)+" on.")
	}
	if len(without) > 0 {
		out = append(out, "Some of these days have no evidence for: "+attest.And(without)+".")
	}
	return out
}

func sameDay(a, b time.Time, loc *time.Location) bool {
	return a.In(loc).Format(time.DateOnly) == b.In(loc).Format(time.DateOnly)
}

// Bridge completes what management typed with what is looked up: report, first
// day, policy and everything that is on record. What is returned is what is
// signed.
func (g Ground) Bridge(text, next string, disclosed []management.Disclosure) management.BridgeData {
	d := management.BridgeData{Report: g.Report, From: g.From, To: g.To, Text: strings.TrimSpace(text), Next: next, Limit: g.Limit, Known: g.Refs(), Disclosed: []management.Disclosure{}}
	for _, x := range disclosed {
		if x.Text = strings.TrimSpace(x.Text); x.Text != "" {
			d.Disclosed = append(d.Disclosed, x)
		}
	}
	return d
}

// Undisclosed is ErrConflict with what the letter leaves out of what is on record
// and of the report's modified opinions; nil where it names everything.
func (g Ground) Undisclosed(d management.BridgeData) error {
	var missing []string
	for _, k := range slices.Concat(g.Modified, g.Known) {
		if !slices.ContainsFunc(d.Disclosed, func(x management.Disclosure) bool { return x.Ref == k.Ref }) {
			missing = append(missing, k.Ref)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w: the letter does not disclose %s", audit.ErrConflict, strings.Join(missing, ", "))
}

// SignBridge signs a bridge letter and returns its number, EN-1/L-1. What is on
// record is looked up again: where the letter's list is not what the registers
// hold now it is refused with ErrConflict, and so is one that leaves anything out.
func (c *Client) SignBridge(ctx context.Context, by access.Subject, id string, d management.BridgeData, verify management.Verify) (string, error) {
	g, err := c.BridgeGround(ctx, id, d.To)
	if err != nil {
		return "", err
	}
	have := slices.Clone(d.Known)
	slices.Sort(have)
	if !slices.Equal(have, g.Refs()) {
		return "", fmt.Errorf("%w: what is on record for these days has changed since you opened the letter; look at it again", audit.ErrConflict)
	}
	if d.Limit != g.Limit {
		return "", fmt.Errorf("%w: the workspace's policy allows %d days", audit.ErrConflict, g.Limit)
	}
	return c.Side.SignBridge(ctx, by, id, d, verify)
}

// Letter is a signed bridge letter as its renderers take it; letterID is its
// number within the engagement, L-1.
func (c *Client) Letter(ctx context.Context, id, letterID string) (l letter.Letter, err error) {
	err = c.Side.Read(ctx, func(s *management.State) error {
		x, err := s.Side(id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(x.Bridges, func(b management.Bridge) bool { return b.ID == letterID })
		if i < 0 {
			return fmt.Errorf("%w: bridge letter %s of %s", audit.ErrNotFound, letterID, id)
		}
		l, err = letterOf(x, x.Bridges[i])
		return err
	})
	return l, err
}

// letterOf puts beside a letter what its report is.
func letterOf(x *management.Side, b management.Bridge) (letter.Letter, error) {
	t := x.Terms
	l := letter.Letter{Schema: letter.Schema, ID: t.ID + "-" + b.ID, Client: t.Client.Name, Firm: t.Firm.Name, System: t.System, Zone: t.Zone, Type: attest.Type(t.Type), First: t.First, Last: t.Last, Opinions: map[string]string{}}
	for _, r := range x.Releases {
		if r.Report == b.Report {
			l.Dated = r.Dated
			for part, word := range r.Opinions {
				l.Opinions[part] = word
			}
		}
	}
	raw, err := canonical.Marshal(b.BridgeData)
	if err == nil {
		err = json.Unmarshal(raw, &l.Words)
	}
	if err != nil {
		return l, fmt.Errorf("%w: bridge letter %s: %w", audit.ErrAltered, b.ID, err)
	}
	return l, letter.Check(l)
}
