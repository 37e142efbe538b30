package program

import (
	"context"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/book"
)

// A Member is somebody of whom reading and learning is asked.
type Member struct {
	Account      string
	Joined       time.Time // first working day, or since when there is an account
	Department   string    // as the source of people says it; "" where it is not known
	Manages      string    // somebody reports to them: "yes", "no", "" where it is not known
	PersonalData string    // their work handles personal data: the same
}

// Audiences that need no list of departments.
const (
	Everyone     = "all"
	Managers     = "managers"      // somebody reports to them
	PersonalData = "personal-data" // their work handles personal data
)

// An Audience is a group of people that policies and courses are for: everybody
// in some departments.
type Audience struct {
	Name        string
	Departments []string // as the source of people writes them
	Revision    int64    // Base of the next change
}

var audienceTakers = map[string]taker{"audience.set": setAudience}

type audienceData struct {
	Departments []string `json:"departments"`
}

func (d audienceData) check(name string) error {
	err := allOf(when(!audienceForm.MatchString(name), "audience: lower-case letters, digits, spaces and hyphens, such as engineers"),
		when(slices.Contains([]string{Everyone, Managers, PersonalData}, name), "audience: "+name+" needs no departments"),
		within("departments", len(d.Departments), 0, 100))
	for _, x := range d.Departments {
		err = allOf(err, text("department", x, 1, 100))
	}
	return err
}

func setAudience(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[audienceData](e)
	if err == nil {
		err = d.check(e.Of())
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: e.Of() + " are in " + strings.Join(d.Departments, ", "), Do: func() {
		s.Audiences[e.Of()] = &Audience{e.Of(), d.Departments, s.Revision(e.On) + 1}
	}}, nil
}

// In reports whether a member is in an audience. Whoever is not known to be
// elsewhere is, and everybody is in an audience that nobody described: what
// nobody knows excuses nobody.
func (s *State) In(m Member, audience string) bool {
	switch audience {
	case Everyone, "":
		return true
	case Managers:
		return m.Manages != "no"
	case PersonalData:
		return m.PersonalData != "no"
	}
	a := s.Audiences[audience]
	if a == nil || len(a.Departments) == 0 || m.Department == "" {
		return true
	}
	return slices.ContainsFunc(a.Departments, func(d string) bool { return strings.EqualFold(strings.TrimSpace(d), m.Department) })
}

// SetAudience says which departments an audience is. It needs policy.write.
// Revision is that of the audience as it was opened, 0 for a new one.
func (b *Book) SetAudience(ctx context.Context, by access.Subject, a Audience) error {
	if err := access.Require(by, "policy.write", access.Object{}); err != nil {
		return err
	}
	_, err := b.write(ctx, by, "audience.set", "audience:"+a.Name, a.Revision, audienceData{list(a.Departments)})
	return err
}

// AllAudiences returns the audiences that were described, by name.
func (b *Book) AllAudiences(ctx context.Context) (out []Audience, err error) {
	err = b.Read(ctx, func(s *State) error {
		for _, a := range sorted(s.Audiences) {
			c := *a
			c.Departments = slices.Clone(a.Departments)
			out = append(out, c)
		}
		return nil
	})
	return out, err
}
