package answer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/engagement/management"
	"tieout/period"
	"tieout/program"
	"tieout/report"
)

// A LibraryAnswer is an answer with what holds of it now.
type LibraryAnswer struct {
	program.Answer
	Stale []string `json:"stale"` // why it has to be looked at again; none: it need not
	now   string   // basis as it is now
}

// Now is the digest of what the answer rests on as it is now.
func (a *LibraryAnswer) Now() string { return a.now }

// reviewEvery is how long an approved answer holds without a review.
const reviewEvery = 365 * 24 * time.Hour

// A Library tells of answers whether what they rest on is as it was.
type Library struct {
	p     *period.Program
	sides map[string]string // digest of the newest issued report, by examination
}

// LibraryOf reads what answers can rest on.
func LibraryOf(ctx context.Context, p *period.Program) (*Library, error) {
	l := &Library{p: p, sides: map[string]string{}}
	err := p.Management().Read(ctx, func(s *management.State) error {
		for id, x := range s.Sides {
			if n := len(x.Releases); n > 0 {
				l.sides[id] = x.Releases[n-1].Report
			}
		}
		return nil
	})
	return l, err
}

// Issued reports whether an examination has an issued report.
func (l *Library) Issued(id string) bool { return l.sides[id] != "" }

// Look says of an answer what holds of it now.
func (l *Library) Look(a program.Answer, now time.Time) (LibraryAnswer, error) {
	out := LibraryAnswer{Answer: a, Stale: []string{}}
	controls, missing := l.controls(a.Controls)
	body, err := json.Marshal(map[string]any{"controls": controls, "missing": missing, "report": l.sides[a.Report]})
	if err != nil {
		return out, fmt.Errorf("answer %s: %w", a.ID, err)
	}
	sum := sha256.Sum256(body)
	if out.now = "sha256:" + hex.EncodeToString(sum[:]); a.Status() != "approved" {
		return out, nil
	}
	if len(missing) > 0 {
		out.Stale = append(out.Stale, "it names "+report.List(missing)+", which "+map[bool]string{true: "is", false: "are"}[len(missing) == 1]+" no longer in scope")
	}
	if a.Basis != out.now && len(missing) == 0 {
		out.Stale = append(out.Stale, "a control or the report it names has changed since it was approved")
	}
	if now.Sub(a.Approved) > reviewEvery {
		out.Stale = append(out.Stale, "nobody has reviewed it for a year")
	}
	return out, nil
}

// controls are the named controls as the definitions have them, in order, and
// those there are not.
func (l *Library) controls(ids []string) (found []audit.Control, missing []string) {
	found, missing = []audit.Control{}, []string{}
	for _, id := range slices.Sorted(slices.Values(ids)) {
		n := len(found)
		for _, c := range l.p.Def.Controls {
			if c.ID == id {
				found = append(found, c)
			}
		}
		if len(found) == n {
			missing = append(missing, id)
		}
	}
	return found, missing
}

// Answers looks at the whole library.
func (l *Library) Answers(ctx context.Context, b *program.Book, now time.Time) (out []LibraryAnswer, err error) {
	all, err := b.AllAnswers(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		x, err := l.Look(a, now)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// Answers says how many answers there are and what has to be done about them.
func Answers(all []LibraryAnswer) string {
	if len(all) == 0 {
		return "The library holds no answer yet."
	}
	draft, stale, use := 0, 0, 0
	for i := range all {
		switch a := &all[i]; {
		case a.Status() == "draft":
			draft++
		case len(a.Stale) > 0:
			stale++
		case a.Status() == "approved":
			use++
		}
	}
	s := report.Capital(report.Plural(len(all), "answer is", "answers are")) + " in the library, " + report.Number(use) + " to be given as they stand."
	var todo []string
	if draft > 0 {
		todo = append(todo, report.Plural(draft, "waits", "wait")+" for approval")
	}
	if stale > 0 {
		todo = append(todo, report.Plural(stale, "has to be looked at again", "have to be looked at again"))
	}
	if len(todo) > 0 {
		s += " " + report.Capital(report.List(todo)) + "."
	}
	return s
}

// AnswerSays says where one answer stands; by is the name of who approved it.
func AnswerSays(a *LibraryAnswer, by string, loc *time.Location) string {
	switch a.Status() {
	case "retired":
		return "Retired on " + report.Day(a.Retired, loc) + ": it is not given any more."
	case "draft":
		return "A draft: nobody has approved it as it is."
	}
	s := "Approved on " + report.Day(a.Approved, loc) + " by " + by + "."
	if len(a.Stale) > 0 {
		s += " It has to be looked at again: " + strings.Join(a.Stale, "; ") + "."
	}
	return s
}
