// Package freeze says what a population has to be to be frozen. Both sides ask it:
// the client before it freezes, the firm before it takes the population in, so that
// nothing is frozen that the firm would refuse.
package freeze

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/redraw"
)

// maxText is the longest text, in characters.
const maxText = 20_000

// Check refuses what is no population: no definition, a reconciliation that neither
// adds up nor is explained, a row left out without a reason. Where and when it was
// frozen is not looked at.
func Check(p engagement.Population) error {
	err := errors.Join(ident("population", p.ID), ident("round", p.Round), book.OneLine("title", p.Title, 1), book.Text("definition", p.Defined, 1, maxText), book.Text("query", p.Query, 1, maxText),
		lines("source", p.Source), lines("columns", p.Columns), lines("controls", p.Controls), book.Digest("digest of the items", p.Digest),
		within("count", p.Count, redraw.MaxItems), within("strata", len(p.Strata), 200), within("reconciliations", len(p.Checks), 1000), within("rows left out", len(p.Left), 1000),
		book.When(len(p.Controls) == 0, "controls: the controls whose occurrences these are"), book.When(len(p.Source) == 0, "source: the systems of record the rows come from"),
		book.When(p.Window.Empty(), "window: the stretch the rows are of"), book.Day("to date", p.ToDate, false),
		book.When(p.Supplement && p.ToDate != "", "an interim round is no supplement"), book.When(p.Supersedes == p.ID, "a freeze takes the place of an earlier one"))
	return errors.Join(err, reconciled(p), left(p.Left))
}

func reconciled(p engagement.Population) (err error) {
	if len(p.Checks) == 0 {
		why := "completeness: nothing is reconciled. Say what the count was compared with"
		if p.Count == 0 {
			why = "no rows is a claim that needs proof: say what was searched and what an independent list shows"
		}
		return book.When(true, why)
	}
	for _, c := range p.Checks {
		err = errors.Join(err, book.OneLine("what is reconciled", c.What, 1), book.Text(c.What+": here", c.Here, 1, 2000), book.Text(c.What+": there", c.There, 1, 2000), book.Text("explanation of "+c.What, c.Explained, 0, 5000),
			book.When(c.Here != c.There && strings.TrimSpace(c.Explained) == "", fmt.Sprintf("%s: %s here and %s there, and nothing explains the difference", c.What, c.Here, c.There)))
	}
	return err
}

func left(rows []engagement.LeftOut) (err error) {
	for _, l := range rows {
		err = book.First(err, item("row left out", l.Item), book.Text("why "+l.Item+" is left out", l.Why, 1, 2000), book.OneLine("who left "+l.Item+" out", l.By, 1))
	}
	return err
}

// An Earlier is a population that was frozen before, and the later freeze that took
// its place, "" for none.
type Earlier struct {
	engagement.Population
	Superseded string
}

// Fits holds a population that is frozen at an instant to the terms, occurrences
// inside the period, frozen after the stretch it is of was over, and to those that
// were frozen before it.
func Fits(t engagement.Terms, p engagement.Population, at time.Time, have []Earlier) error {
	if !t.Type.OverPeriod() {
		return book.TooEarly("%s is as of a date: it has no populations and no samples, each control is looked at once", t.ID)
	}
	period, err := audit.NewPeriod(t.First, t.Last, t.Zone)
	switch {
	case err != nil:
		return err
	case p.Zone != t.Zone:
		return fmt.Errorf("%w: population %s counts its days in %s, the terms in %s", audit.ErrInvalid, p.ID, p.Zone, t.Zone)
	case p.Window.From.Before(period.From) || p.Window.To.After(period.To):
		return fmt.Errorf("%w: population %s is of %s to %s, which is not within the period", audit.ErrInvalid, p.ID, audit.FormatTime(p.Window.From), audit.FormatTime(p.Window.To))
	case at.Before(p.Window.To):
		return book.TooEarly("population %s was frozen before its window was over: rows could still come. Freeze an interim round to a date that is past", p.ID)
	}
	return book.First(interim(t, p, period, have), again(p, have))
}

// interim holds a round to the day it is tested to; any other has to reach the
// end of the period, and a supplement to come after a round.
func interim(t engagement.Terms, p engagement.Population, period audit.Period, have []Earlier) error {
	if p.ToDate == "" {
		if !p.Window.To.Equal(period.To) && !p.Supplement {
			return fmt.Errorf("%w: population %s ends before the period does: say to which day it is tested (toDate)", audit.ErrInvalid, p.ID)
		}
		if p.Supplement && !slices.ContainsFunc(have, func(o Earlier) bool { return sameControl(o, p) }) {
			return fmt.Errorf("%w: population %s says it is a supplement, and there is no round of these controls before it", audit.ErrInvalid, p.ID)
		}
		return nil
	}
	to, err := audit.NewPeriod(p.ToDate, p.ToDate, t.Zone)
	if err != nil || !p.Window.To.Equal(to.To) {
		return fmt.Errorf("%w: population %s is tested to %s, and its window ends elsewhere", audit.ErrInvalid, p.ID, p.ToDate)
	}
	return nil
}

func sameControl(o Earlier, p engagement.Population) bool {
	return slices.ContainsFunc(o.Controls, func(c string) bool { return slices.Contains(p.Controls, c) })
}

// again holds a freeze to those before it: the same rows of the same controls are
// frozen again only in the place of the earlier, in a round of its own. Otherwise
// nobody could tell which of the two counts.
func again(p engagement.Population, have []Earlier) error {
	if err := instead(p, have); err != nil {
		return err
	}
	for _, o := range have {
		same := o.Superseded == "" && o.ID != p.Supersedes && !p.Supplement && !o.Supplement && o.Defined == p.Defined && sameControl(o, p)
		if same && !o.Window.Intersect(p.Window).Empty() {
			return book.TooEarly("%s holds the same rows already. A re-freeze says which it supersedes and is another round; a later round starts where the earlier ended", o.ID)
		}
	}
	return nil
}

// instead holds a freeze to the one whose place it takes.
func instead(p engagement.Population, have []Earlier) error {
	if p.Supersedes == "" {
		return nil
	}
	i := slices.IndexFunc(have, func(o Earlier) bool { return o.ID == p.Supersedes })
	if i < 0 {
		return fmt.Errorf("%w: population %s takes the place of %s, which was never here", audit.ErrInvalid, p.ID, p.Supersedes)
	}
	switch old := have[i]; {
	case old.Superseded != "":
		return book.TooEarly("population %s was superseded by %s already", old.ID, old.Superseded)
	case old.Round == p.Round:
		return fmt.Errorf("%w: a re-freeze is another round, and needs a nonce of its own: %s has the round of %s", audit.ErrInvalid, p.ID, old.ID)
	case !sameControl(old, p):
		return fmt.Errorf("%w: population %s is of other controls than %s, whose place it takes", audit.ErrInvalid, p.ID, old.ID)
	}
	return nil
}

func within(name string, n, most int) error {
	return book.When(n < 0 || n > most, fmt.Sprintf("%s is 0 to %d, not %d", name, most, n))
}

func lines(name string, list []string) error {
	err := within(name, len(list), 100)
	for _, s := range list {
		err = book.First(err, book.OneLine(name, s, 1))
	}
	return err
}

// ident checks an ID that becomes part of an object's name.
func ident(name, s string) error {
	return book.When(s == "" || len(s) > 100 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '/' || r > 0x7e }), fmt.Sprintf("%s: %.40q is no ID: letters, digits, dots and dashes", name, s))
}

// item checks the ID of an item, which its system of record gave.
func item(name, s string) error {
	return book.When(s == "" || len(s) > 500 || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }), fmt.Sprintf("%s: %.60q is no ID of an item", name, s))
}
