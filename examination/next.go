package examination

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// longestPrior is how many characters of an exception, and of what became of it, are
// carried into the terms of the next engagement.
const longestPrior = 2000

// NextTerms are terms for the engagement after one, to read and mend before it is
// opened: the same client, system, categories with their reasons, subservice
// organizations, sets of criteria and objectives, over the days that follow at once
// and are as many. After a Type I it is the Type II of twelve months from the day
// after its date. The exceptions that stand go along with what management answered,
// so that the next conclusions say what was seen of each. The engagement has no
// number yet; milestones are agreed on anew.
func (f *Firm) NextTerms(ctx context.Context, id string) (t engagement.Terms, err error) {
	err = f.Files.ReadFile(ctx, id, func(_ *fieldwork.State, x *fieldwork.File) error {
		if t, err = following(x.Terms); err == nil {
			t.Prior = priorOf(x)
		}
		return err
	})
	t.Firm = f.Party()
	return t, err
}

// following are terms over the days that come after.
func following(old engagement.Terms) (engagement.Terms, error) {
	t := old
	t.ID, t.RestsOn, t.Milestones, t.AsOf = "", "", nil, ""
	t.Categories, t.Extra, t.Objectives, t.Subservices = slices.Clone(old.Categories), slices.Clone(old.Extra), slices.Clone(old.Objectives), slices.Clone(old.Subservices)
	first, last := old.Days()
	var err error
	if t.First, t.Last, err = audit.NextDays(first, last); err != nil {
		return t, fmt.Errorf("the days of %s: %w", old.ID, err)
	}
	if after, ok := overAPeriod[old.Type]; ok {
		t.Type = after
		day, err := time.Parse(time.DateOnly, t.First)
		if err != nil {
			return t, fmt.Errorf("%w: the day after %s: %w", audit.ErrInvalid, old.AsOf, err)
		}
		t.Last = day.AddDate(1, 0, -1).Format(time.DateOnly)
	}
	return t, nil
}

// overAPeriod is what an examination of a date is followed by.
var overAPeriod = map[engagement.Type]engagement.Type{engagement.SOC2TypeI: engagement.SOC2TypeII, engagement.SOC1TypeI: engagement.SOC1TypeII}

// priorOf are the exceptions of a file that stand and that the client was given, with
// management's word on each: nothing that stayed with the firm.
func priorOf(x *fieldwork.File) (out []engagement.Prior) {
	for _, y := range book.Sorted(x.Findings) {
		given, told := y.ToClient()
		if !told || given.Withdrawn {
			continue
		}
		p := engagement.Prior{Control: given.Control, Text: inOneLine(given.Text)}
		if r := y.Response; r != nil && r.Final {
			p.Became = inOneLine("Management " + map[bool]string{true: "agreed", false: "did not agree"}[r.Agrees] + ". " + strings.TrimSpace(r.Done+" "+r.Status))
		}
		out = append(out, p)
	}
	return out
}

// inOneLine is a text as one line of terms: a form writes terms one thing a line, in
// columns.
func inOneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ReplaceAll(s, "|", "/")), " ")
	if r := []rune(s); len(r) > longestPrior {
		s = string(r[:longestPrior-1]) + "…"
	}
	return s
}

// Adjoining says which days lie between terms and the engagement of the same client
// and system before them, or are examined twice; "" where they follow at once, where
// there is none before, or where either is of a date alone.
func (f *Firm) Adjoining(ctx context.Context, t engagement.Terms) (warn string, err error) {
	err = f.Files.Read(ctx, func(s *fieldwork.State) error {
		var before *engagement.Terms
		for _, x := range s.Files {
			o := x.Terms
			_, last := o.Days()
			same := o.ID != t.ID && sameExamined(o, t) && o.Type.OfObjectives() == t.Type.OfObjectives() && o.Type != engagement.SOC3 && t.Type != engagement.SOC3
			if !same || x.State == engagement.Canceled || x.State == engagement.Withdrawn || firstOf(o) >= firstOf(t) {
				continue
			}
			if before == nil || lastOf(*before) < last {
				before = &o
			}
		}
		if before != nil {
			warn = beside(*before, t)
		}
		return nil
	})
	return warn, err
}

func firstOf(t engagement.Terms) string { first, _ := t.Days(); return first }
func lastOf(t engagement.Terms) string  { _, last := t.Days(); return last }

// sameExamined reports whether two engagements are of one client's one system.
func sameExamined(a, b engagement.Terms) bool {
	client := a.Client.Origin != "" && a.Client.Origin == b.Client.Origin || strings.EqualFold(a.Client.Name, b.Client.Name)
	return client && strings.EqualFold(a.System, b.System)
}

// beside says how the days of terms stand to those of the engagement before.
func beside(before, t engagement.Terms) string {
	if !t.Type.OverPeriod() {
		return ""
	}
	if from, to := audit.DaysBetween(lastOf(before), t.First); from != "" {
		return fmt.Sprintf("No report will speak of %s to %s: %s ends on %s, and this begins on %s.", from, to, before.ID, lastOf(before), t.First)
	}
	if t.First <= lastOf(before) && before.Type.OverPeriod() {
		return fmt.Sprintf("%s to %s are examined twice: %s ends on %s.", t.First, min(lastOf(before), t.Last), before.ID, lastOf(before))
	}
	return ""
}
