package engaged

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/redraw"
	"tieout/period"
	"tieout/sample"
)

// drawn has Halyard freeze its populations and the firm accept them and draw.
func (x *exam) drawn(ctx context.Context) error {
	return first(
		func() error { return x.freeze(ctx) },
		func() error { return x.answer(ctx) },
		func() error { return x.toFirm(ctx) },
		func() error { return x.accepted(ctx) },
		func() error { return x.draw(ctx) },
		func() error { return x.toClient(ctx) },
	)
}

// freeze freezes each population once.
func (x *exam) freeze(ctx context.Context) error {
	run, err := x.Client.P.RunOfPeriod(ctx)
	if err != nil {
		return err
	}
	for _, procedure := range procedures(x.plan) {
		if err := x.freezeOne(ctx, run, procedure); err != nil {
			return fmt.Errorf("population of %s: %w", procedure, err)
		}
	}
	return nil
}

func (x *exam) freezeOne(ctx context.Context, run *period.Run, procedure string) error {
	var of []*planned
	for _, t := range x.plan {
		if t.procedure == procedure {
			of = append(of, t)
		}
	}
	pop, err := x.Client.P.Population(ctx, run, procedure, io.Discard)
	if err != nil {
		return err
	}
	frozen, err := x.Client.FreezeRun(ctx, x.Lead.By, x.id, procedure, of[0].round, explained(pop.Checks), "")
	if err != nil {
		return err
	}
	items, err := x.items(ctx, frozen.Digest)
	for _, t := range of {
		t.population, t.items = frozen.ID, items
	}
	return err
}

// explained says of each line of completeness that is open why it is.
func explained(checks []engagement.Reconciled) map[string]string {
	out := map[string]string{}
	for _, c := range checks {
		if c.Open() {
			out[c.What] = "The export of these days was not complete, as the period's own list of gaps says; items that rest on them show no evidence."
		}
	}
	return out
}

// items are the lines of a population as they were frozen.
func (x *exam) items(ctx context.Context, digest string) (out map[string]engagement.Item, err error) {
	r, err := x.Client.P.Blobs.Get(ctx, "sha256:"+digest)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out = map[string]engagement.Item{}
	in := bufio.NewScanner(r)
	in.Buffer(nil, redraw.MaxLine+1)
	for in.Scan() {
		var it engagement.Item
		if err := json.Unmarshal(in.Bytes(), &it); err != nil {
			return nil, err
		}
		out[it.ID] = it
	}
	return out, in.Err()
}

// requests are those of the plan, each once, with the populations that answer it.
func (x *exam) requests() (ids []string, answers map[string][]string) {
	answers = map[string][]string{}
	for _, t := range x.plan {
		if answers[t.request] == nil {
			ids = append(ids, t.request)
		}
		if !slices.Contains(answers[t.request], t.population) {
			answers[t.request] = append(answers[t.request], t.population)
		}
	}
	return ids, answers
}

// answer submits what was frozen.
func (x *exam) answer(ctx context.Context) error {
	ids, answers := x.requests()
	for _, id := range ids {
		a := engagement.Answer{Request: id, Status: engagement.RequestSubmitted, Text: "Frozen as " + strings.Join(answers[id], ", ") + ". Each line of completeness stands beside its population."}
		if err := x.Client.Side.Answer(ctx, x.Lead.By, x.id, a, 1); err != nil {
			return err
		}
	}
	return nil
}

// accepted is the firm's word on requests and populations.
func (x *exam) accepted(ctx context.Context) error {
	ids, _ := x.requests()
	for _, id := range ids {
		base, err := x.revision(ctx, "request:"+x.id+"/"+id)
		if err != nil {
			return err
		}
		if err := x.Firm.Files.DecideRequest(ctx, x.Staff.By, x.id, id, engagement.RequestAccepted, "", base); err != nil {
			return err
		}
	}
	done := map[string]bool{}
	for _, t := range x.plan {
		if done[t.population] {
			continue
		}
		done[t.population] = true
		if err := x.acceptPopulation(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (x *exam) acceptPopulation(ctx context.Context, t *planned) error {
	on := "population:" + x.id + "/" + t.population
	base, err := x.revision(ctx, on)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("Compared the count of %d with what Halyard's systems say of themselves, read the explanation of every line that differs, and traced items from the systems to the list and back.", len(t.items))
	if err := x.Firm.Files.WriteComplete(ctx, x.Staff.By, x.id, t.population, text, base); err != nil {
		return err
	}
	if base, err = x.revision(ctx, on); err != nil {
		return err
	}
	return x.Firm.Files.AcceptPopulation(ctx, x.Staff.By, x.id, t.population, base)
}

// few is how many items are tested whole.
const few = 12

// draw draws one sample for each test, and releases it.
func (x *exam) draw(ctx context.Context) error {
	for _, t := range x.plan {
		o := fieldwork.Order{Population: t.population, Control: t.Control, Method: engagement.Random, Risk: sample.Moderate}
		if len(t.items) <= few {
			o.Method, o.Risk, o.Basis = engagement.EveryItem, "", "There are few, so each is tested."
		}
		s, err := x.Firm.Files.DrawSample(ctx, x.Staff.By, x.id, o)
		if err != nil {
			return fmt.Errorf("sample of %s: %w", t.ID, err)
		}
		t.sample = s.ID
		base, err := x.revision(ctx, "sample:"+x.id+"/"+s.ID)
		if err != nil {
			return err
		}
		if err := x.Firm.Files.ReleaseSample(ctx, x.Manager.By, x.id, s.ID, base); err != nil {
			return err
		}
	}
	return nil
}
