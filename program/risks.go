package program

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

// A Risk is one row of the register.
type Risk struct {
	ID         string    `json:"id"`
	Title      string    `json:"title"`             // what could happen
	Owner      string    `json:"owner"`             // account that answers for it
	Category   string    `json:"category"`          // "fraud", "technology", "people", "vendor", "legal", "change"
	Likelihood int       `json:"likelihood"`        // 1 (rare) to 5 (expected within the year)
	Impact     int       `json:"impact"`            // 1 (hardly felt) to 5 (a commitment is broken for everybody)
	Treatment  string    `json:"treatment"`         // "mitigate", "accept", "transfer", "avoid"; "" while nothing is decided
	Plan       string    `json:"plan"`              // what is done about it, Markdown
	Level      string    `json:"level"`             // after treatment: "high", "medium", "low"
	Due        time.Time `json:"due,omitzero"`      // when the treatment is due; zero: no date
	Status     string    `json:"status"`            // "open", "treated", "closed"
	Controls   []string  `json:"controls"`          // that act on it
	Assessed   time.Time `json:"assessed,omitzero"` // when it was last assessed
	AssessedBy string    `json:"assessedBy"`        // account that did
	AcceptedBy string    `json:"acceptedBy"`        // account that accepted it for management
	Accepted   time.Time `json:"accepted,omitzero"`
	PreparedBy []string  `json:"preparedBy"` // accounts that wrote it since it was last accepted
	Revision   int64     `json:"revision"`   // Base of the next change
	Since      time.Time `json:"-"`          // when it was first written
}

// Values of a risk's fields.
var (
	RiskCategories = []string{"technology", "people", "vendor", "fraud", "legal", "change", "physical", "other"}
	RiskTreatments = []string{"mitigate", "accept", "transfer", "avoid"}
	RiskLevels     = []string{"high", "medium", "low"}
	RiskStatuses   = []string{"open", "treated", "closed"}
)

var riskTakers = map[string]taker{"risk.set": setRisk, "risk.accept": acceptRisk}

// A riskData is what an entry says of a risk: the whole of it, each time.
type riskData struct {
	Title      string   `json:"title"`
	Owner      string   `json:"owner"`
	Category   string   `json:"category"`
	Likelihood int      `json:"likelihood"`
	Impact     int      `json:"impact"`
	Treatment  string   `json:"treatment"`
	Plan       string   `json:"plan"`
	Level      string   `json:"level"`
	Due        string   `json:"due"` // RFC 3339, or ""
	Status     string   `json:"status"`
	Controls   []string `json:"controls"`
}

func (d riskData) check() error {
	return allOf(
		text("title", d.Title, 1, 200), text("owner", d.Owner, 1, 100), text("plan", d.Plan, 0, 20_000),
		oneOf("category", d.Category, RiskCategories...), oneOf("treatment", d.Treatment, append([]string{""}, RiskTreatments...)...),
		oneOf("level", d.Level, RiskLevels...), oneOf("status", d.Status, RiskStatuses...),
		within("likelihood", d.Likelihood, 1, 5), within("impact", d.Impact, 1, 5), within("controls", len(d.Controls), 0, 100),
		instantText("due", d.Due),
		when(d.Status == "treated" && d.Treatment == "", "a treated risk says how: treatment"),
		when(d.Treatment != "" && strings.TrimSpace(d.Plan) == "", "plan: say what is done about it"),
	)
}

func setRisk(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[riskData](e)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "assessed: " + d.Title, Do: func() {
		r := s.Risks[e.Of()]
		if r == nil {
			r = &Risk{ID: e.Of(), Since: e.At}
			s.Risks[r.ID] = r
		}
		if r.Treatment != d.Treatment || r.Plan != d.Plan || r.Title != d.Title || r.Level != d.Level || d.Likelihood*d.Impact > r.Likelihood*r.Impact {
			r.AcceptedBy, r.Accepted = "", time.Time{}
		}
		r.Title, r.Owner, r.Category, r.Likelihood, r.Impact = d.Title, d.Owner, d.Category, d.Likelihood, d.Impact
		r.Treatment, r.Plan, r.Level, r.Status, r.Controls = d.Treatment, d.Plan, d.Level, d.Status, d.Controls
		r.Due, r.Assessed, r.AssessedBy, r.Revision = instantOf(d.Due), e.At, e.By.Name, e.Base+1
		if !slices.Contains(r.PreparedBy, e.By.Name) {
			r.PreparedBy = append(r.PreparedBy, e.By.Name)
		}
		s.fact(e, audit.Fact{Type: "risk", ID: r.ID, Fields: r.fields(s)})
	}}, nil
}

func acceptRisk(s *State, e Entry) (book.Change, error) {
	r := s.Risks[e.Of()]
	if r == nil {
		return book.Change{}, fmt.Errorf("%w: risk %s", audit.ErrNotFound, e.Of())
	}
	if r.Treatment == "" {
		return book.Change{}, fmt.Errorf("%w: %s has no treatment yet that could be accepted", audit.ErrConflict, r.ID)
	}
	return book.Change{What: "accepted for management: " + r.Treatment, Do: func() {
		r.AcceptedBy, r.Accepted, r.PreparedBy, r.Revision = e.By.Name, e.At, nil, e.Base+1
	}}, nil
}

// fields are the risk as evidence says it.
func (r *Risk) fields(s *State) map[string]any {
	return map[string]any{"title": r.Title, "owner": s.ownerOf(r.Owner), "treatment": r.Treatment, "level": r.Level, "status": r.Status,
		"assessedAt": timeOrNever(r.Assessed), "dueAt": timeOrNever(r.Due)}
}

func (r Risk) data() riskData {
	return riskData{r.Title, r.Owner, r.Category, r.Likelihood, r.Impact, r.Treatment, r.Plan, r.Level, timeText(r.Due), r.Status, list(r.Controls)}
}

// ClosedAt is when a risk was said to be closed; zero: it is not.
func (r Risk) ClosedAt() time.Time {
	if r.Status == "closed" {
		return r.Assessed
	}
	return time.Time{}
}

// Object is what a risk is for the table of rights. Engagements and systems are
// the caller's to add: a risk belongs to the workspace and to its controls.
func (r Risk) Object() access.Object { return access.Object{Owner: r.Owner, Controls: r.Controls} }

// SetRisk writes a risk, a new one where ID is "", and returns it. It needs
// register.write. Revision is that of the risk as it was opened; if it changed
// since, the error wraps audit.ErrConflict.
func (b *Book) SetRisk(ctx context.Context, by access.Subject, r Risk) (Risk, error) {
	if err := access.Require(by, "register.write", access.Object{}); err != nil {
		return Risk{}, err
	}
	write := func(id string) error {
		_, err := b.write(ctx, by, "risk.set", "risk:"+id, r.Revision, r.data())
		return err
	}
	id := r.ID
	var err error
	if id == "" {
		id, err = b.numbered(ctx, by, "risk", "R", write)
	} else {
		err = write(id)
	}
	if err != nil {
		return Risk{}, err
	}
	return b.Risk(ctx, id)
}

// AcceptRisk accepts a risk's treatment for management. It needs risk.accept,
// which nobody has on what they prepared.
func (b *Book) AcceptRisk(ctx context.Context, by access.Subject, id string, revision int64) (Risk, error) {
	r, err := b.Risk(ctx, id)
	if err != nil {
		return r, err
	}
	if err := b.second(ctx, by, "risk.accept", access.Object{Prepared: r.PreparedBy}); err != nil {
		return r, err
	}
	if _, err := b.write(ctx, by, "risk.accept", "risk:"+id, revision, struct{}{}); err != nil {
		return r, err
	}
	return b.Risk(ctx, id)
}

// Risk returns one risk, or audit.ErrNotFound.
func (b *Book) Risk(ctx context.Context, id string) (Risk, error) {
	return one(ctx, b, "risk", id, func(s *State) *Risk { return s.Risks[id] })
}

// AllRisks returns the register, the gravest first: by likelihood times impact,
// then by number.
func (b *Book) AllRisks(ctx context.Context) (out []Risk, err error) {
	err = b.Read(ctx, func(s *State) error {
		for _, r := range sorted(s.Risks) {
			out = append(out, *r)
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b Risk) int {
		return cmp.Or(b.Likelihood*b.Impact-a.Likelihood*a.Impact, len(a.ID)-len(b.ID), strings.Compare(a.ID, b.ID))
	})
	return out, err
}
