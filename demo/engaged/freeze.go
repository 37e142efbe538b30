package engaged

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
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
	var frozen management.Frozen
	var err error
	if numbered[procedure] != "" {
		frozen, err = x.freezeNumbered(ctx, run, procedure, of[0].round)
	} else {
		frozen, err = x.freezeRun(ctx, run, procedure, of[0].round)
	}
	if err != nil {
		return err
	}
	items, err := x.items(ctx, frozen.Digest)
	for _, t := range of {
		t.population, t.items, t.source, t.checks = frozen.ID, items, frozen.Source, frozen.Checks
	}
	return err
}

// freezeRun freezes all that a procedure tested.
func (x *exam) freezeRun(ctx context.Context, run *period.Run, procedure, round string) (f management.Frozen, err error) {
	pop, err := x.Client.P.Population(ctx, run, procedure, io.Discard)
	if err != nil {
		return f, err
	}
	return x.Client.FreezeRun(ctx, x.Lead.By, x.id, procedure, round, explained(pop.Checks), "")
}

// numbered are procedures whose items a system numbers by their kind, and how the
// numbers begin. Where the system's history has a hole the procedure counts rows
// of every kind, because each could have been of that kind for a while.
var numbered = map[string]string{"policy.exceptions": "EXC-"}

// freezeNumbered freezes the rows of the kind, and leaves the others out by name.
func (x *exam) freezeNumbered(ctx context.Context, run *period.Run, procedure, round string) (f management.Frozen, err error) {
	var all, kept bytes.Buffer
	pop, err := x.Client.P.Population(ctx, run, procedure, &all)
	if err != nil {
		return f, err
	}
	tested := pop.Count
	pop.Count = 0
	for line := range bytes.Lines(all.Bytes()) {
		var it engagement.Item
		if err := json.Unmarshal(line, &it); err != nil {
			return f, err
		}
		if strings.HasPrefix(it.ID, numbered[procedure]) {
			pop.Count++
			kept.Write(line)
			continue
		}
		pop.Left = append(pop.Left, engagement.LeftOut{Item: it.ID, By: x.Lead.Name,
			Why: "The ticket system numbers it as another kind of ticket, which keeps its number for good; it is here because the tickets' history of November 2025 is missing."})
	}
	why := explained(pop.Checks)
	for i, c := range pop.Checks {
		if why[c.What] != "" {
			pop.Checks[i].Explained = why[c.What]
		}
		if c.Here == strconv.Itoa(tested) {
			pop.Checks[i].Here = strconv.Itoa(pop.Count)
			pop.Checks[i].Explained = fmt.Sprintf("%d tickets of other kinds are left out, each by its number; the others were outside the population throughout", len(pop.Left))
		}
	}
	sum := sha256.Sum256(kept.Bytes())
	pop.Digest, pop.Round = hex.EncodeToString(sum[:]), round
	if _, _, err := x.Client.P.Blobs.Put(ctx, &kept); err != nil {
		return f, err
	}
	return x.Client.Side.FreezePopulation(ctx, x.Lead.By, x.id, pop, "")
}

// explained says of each line of completeness that is open why it is.
func explained(checks []engagement.Reconciled) map[string]string {
	out := map[string]string{}
	for _, c := range checks {
		if c.Open() {
			out[c.What] = "The export of these days failed and cannot be repeated; it is in the list of gaps that was given with the terms. Items that rest on it show no evidence of those days."
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
	text, err := completeness(t)
	if err != nil {
		return err
	}
	if err := x.Firm.Files.WriteComplete(ctx, x.Staff.By, x.id, t.population, text, base); err != nil {
		return err
	}
	if base, err = x.revision(ctx, on); err != nil {
		return err
	}
	return x.Firm.Files.AcceptPopulation(ctx, x.Staff.By, x.id, t.population, base)
}

// traced is how the firm saw that a population is complete, by the source of
// Halyard's that it comes from.
var traced = map[string]string{
	"hr":        "traced people from the payroll of the first and the last month to the list, and from the list to the payroll",
	"people":    "traced people from the personnel list to the records of training and signatures, and back",
	"identity":  "compared the accounts with those the identity provider shows in its own console on the day of the inspection, and traced people from the personnel list to their accounts",
	"codehost":  "looked for gaps in the numbers that the code host gives to each entry of its audit export, and traced changes from the history of two repositories to the list",
	"cloud":     "compared the list with the number that each cloud account states of itself, and traced resources from the console of each account to the list",
	"desk":      "looked for gaps in the numbers of the tickets, and traced tickets from the ticket system to the list",
	"books":     "traced people from the personnel list to their accounts",
	"devices":   "compared the laptops with the invoices of the year, and traced laptops that were seen in the office to the list",
	"scanner":   "traced findings from two of the scanner's weekly reports to the list",
	"reviews":   "compared the reviews with the calendar, and traced accounts from a system to its review",
	"incidents": "looked for gaps in the numbers of the incident tool, and traced two alarms of the monitoring to the list",
	"registers": "read the register or the calendar from end to end, and compared it with what the minutes of leadership name",
}

// completeness is the firm's word on why a population is complete.
func completeness(t *planned) (string, error) {
	if len(t.source) == 0 {
		return "", fmt.Errorf("%w: population %s names no source", audit.ErrInvalid, t.population)
	}
	source, _, _ := strings.Cut(t.source[0], " ")
	how := traced[source]
	if how == "" {
		return "", fmt.Errorf("%w: nobody says how a population of %s is shown to be complete", audit.ErrInvalid, source)
	}
	differ := 0
	for _, c := range t.checks {
		if c.Here != c.There {
			differ++
		}
	}
	read := "every line of its completeness adds up"
	if differ > 0 {
		read = fmt.Sprintf("read the explanation of %d of %d lines of completeness that do not add up", differ, len(t.checks))
	}
	return fmt.Sprintf("%s: %s; %s.", count(len(t.items), "item", "items"), how, read), nil
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
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
