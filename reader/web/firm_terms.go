package web

import (
	"fmt"
	"strings"

	"tieout/audit"
	"tieout/definition"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/examination"
	"tieout/ledger"
)

// A firmTermsForm is the form of an engagement's terms with what was typed.
type firmTermsForm struct {
	*page
	ID, Action string
	Types      []choice
	Rows       []firmCategoryRow
	V          func(string) string
	Revision   int64
	Change     bool
	Us         engagement.Party // the firm, as it states itself
	Quality    bool
	Sets       []definition.OtherSet // of criteria, that the library has the words of
	Mappings   []definition.Framework
	Warn       []string // of the days: their length, and those that no report speaks of
}

type firmCategoryRow struct {
	ID, Name, Why string
	In, Always    bool
}

// Fields of terms that are written one thing a line.
const (
	forSubservices = "NAME | SERVICE | carve-out or inclusive | CONTROLS THAT WATCH IT"
	forExpected    = "NAME | ID | WHAT IS EXPECTED | CRITERIA"
	forObjectives  = "ID | OBJECTIVE | CONTROLS"
	forExtra       = "ID | NAME | examined or mapped | CRITERIA | MAPPING"
	forPrior       = "CONTROL | EXCEPTION | WHAT BECAME OF IT"
)

func (q *request) firmNewPage() error {
	if after := q.URL.Query().Get("after"); after != "" {
		return q.firmNextPage(after)
	}
	return q.firmTermsForm(engagement.Terms{Type: engagement.SOC2TypeII, Firm: q.firm.Party(), Zone: q.st.p.Def.Organization.Zone}, 0, false)
}

// firmNextPage is the form of terms with those that follow an engagement's.
func (q *request) firmNextPage(after string) error {
	if !q.may("plan.write", ofEngagement(after)) || !q.may("workpaper.read", ofEngagement(after)) {
		return q.unknown(fmt.Errorf("%w: engagement %.60s", audit.ErrForbidden, after), "plan.write")
	}
	t, err := q.firm.NextTerms(q.Context(), after)
	if err != nil {
		return err
	}
	return q.firmTermsForm(t, 0, false)
}

// dayWarnings are what readers ask about the days of terms.
func (q *request) dayWarnings(t engagement.Terms) (out []string, err error) {
	if !t.Type.OverPeriod() || t.First == "" {
		return nil, nil
	}
	if warn := audit.LengthWarning(t.First, t.Last); warn != "" {
		out = append(out, warn)
	}
	warn, err := q.firm.Adjoining(q.Context(), t)
	if warn != "" {
		out = append(out, warn)
	}
	return out, err
}

func (q *request) firmNew() error {
	t, err := q.readTerms(engagement.Terms{Firm: q.firm.Party(), Quality: q.st.p.Def.Config.Firm.QualityReview != "never"})
	if err == nil {
		t, err = q.files.OpenEngagement(q.Context(), q.who, t)
	}
	if err == nil {
		said := t.ID + " is open. Next: declare your independence, put the team together, and accept the client."
		warn, werr := q.dayWarnings(t)
		if werr != nil {
			return werr
		}
		return q.done(q.at("engagements", t.ID), strings.Join(append([]string{said}, warn...), " "))
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmTermsForm(t, 0, false)
}

func (q *request) firmTermsPage() error {
	var t engagement.Terms
	var revision int64
	err := q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		t, revision = f.Terms, s.Revision("engagement:"+f.Terms.ID)
		q.firmFrame(f, "")
		return nil
	})
	if err != nil {
		return err
	}
	return q.firmTermsForm(t, revision, true)
}

func (q *request) firmTerms() error {
	var t engagement.Terms
	if err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error { t = f.Terms; return nil }); err != nil {
		return err
	}
	next, err := q.readTerms(t)
	if err == nil {
		err = q.files.ChangeTerms(q.Context(), q.who, next, q.field("why"), q.field("judgment"), q.base())
	}
	if err == nil {
		return q.released(t.ID, q.at("engagements", t.ID), "The terms are changed; management agrees to them again.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmTermsPage()
}

// firmTermsForm shows the form of terms, with what was just typed where it was
// refused.
func (q *request) firmTermsForm(t engagement.Terms, revision int64, change bool) error {
	data := firmTermsForm{page: &q.page, ID: t.ID, Action: "/engagements/new", Change: change, Revision: revision, Us: t.Firm, Quality: t.Quality,
		Sets: q.st.p.Def.Catalog.Others, Mappings: q.st.p.Def.Catalog.Frameworks}
	var err error
	if data.Warn, err = q.dayWarnings(t); err != nil {
		return err
	}
	have := termsFields(t)
	data.V = func(name string) string { return q.typed(name, have[name]) }
	for _, x := range engagement.Types {
		data.Types = append(data.Types, choice{string(x), x.String(), string(x) == q.typed("type", string(t.Type))})
	}
	for _, c := range firmCategories {
		row := firmCategoryRow{ID: string(c.ID), Name: c.Name, Always: c.ID == audit.Security, In: c.ID == audit.Security}
		for _, x := range t.Categories {
			if x.Category == c.ID {
				row.In, row.Why = x.In, x.Why
			}
		}
		if len(q.PostForm) > 0 {
			row.In, row.Why = row.Always || q.PostForm.Get("in-"+row.ID) == "yes", q.PostForm.Get("why-"+row.ID)
		}
		data.Rows = append(data.Rows, row)
	}
	q.Title, q.Heading, q.Say = "Open an engagement", "Open an engagement", "Terms say who examines whom, on what and over which days; the client agrees to them with a signature before anything else is exchanged."
	if change {
		data.Action = q.at("engagements", t.ID) + "/terms"
		q.Title, q.Heading, q.Say = "Terms of "+t.ID, "Change the terms", "A change says why, and the client agrees to the terms again; taking anything away needs a written judgment that no result is hidden by it."
	}
	q.Way = append(q.Way, link{"Terms", ""})
	return q.render("firm-terms.html", data)
}

// termsFields are terms as the form's fields show them.
func termsFields(t engagement.Terms) map[string]string {
	out := map[string]string{"client": t.Client.Name, "city": t.Client.City, "state": t.Client.State, "key": t.Client.Key, "system": t.System, "zone": t.Zone,
		"first": t.First, "last": t.Last, "asof": t.AsOf, "rests": t.RestsOn}
	add := func(field string, cells ...string) { out[field] += strings.Join(cells, " | ") + "\n" }
	for _, s := range t.Subservices {
		method := "carve-out"
		if s.Inclusive {
			method = "inclusive"
		}
		add("subservices", s.Name, s.Service, method, strings.Join(s.Monitor, " "))
		for _, x := range s.Expected {
			add("expected", s.Name, x.ID, x.Text, strings.Join(x.Criteria, " "))
		}
	}
	for _, o := range t.Objectives {
		add("objectives", o.ID, o.Text, strings.Join(o.Controls, " "))
	}
	for _, x := range t.Extra {
		how := "mapped"
		if x.Examined {
			how = "examined"
		}
		cells := []string{x.ID, x.Name, how, strings.Join(x.Criteria, " ")}
		if x.Framework != "" {
			cells = append(cells, x.Framework)
		}
		add("extra", cells...)
	}
	for _, p := range t.Prior {
		add("prior", p.Control, p.Text, p.Became)
	}
	return out
}

// readTerms reads the form; t has what the form does not ask for.
func (q *request) readTerms(t engagement.Terms) (engagement.Terms, error) {
	t.Type, t.System, t.Zone = engagement.Type(q.field("type")), q.field("system"), q.field("zone")
	t.First, t.Last, t.AsOf, t.RestsOn = q.field("first"), q.field("last"), q.field("asof"), q.field("rests")
	t.Client.Name, t.Client.City, t.Client.State = q.field("client"), q.field("city"), q.field("state")
	var err error
	if t.Client.Key, t.Client.Origin, err = readLogKey(q.field("key")); err != nil {
		return t, err
	}
	t.Categories = nil
	if !t.Type.OfObjectives() {
		for _, c := range firmCategories {
			in := c.ID == audit.Security || q.field("in-"+string(c.ID)) == "yes"
			t.Categories = append(t.Categories, engagement.Choice{Category: c.ID, In: in, Why: q.field("why-" + string(c.ID))})
		}
	}
	return t, q.readLists(&t)
}

// readLogKey reads the verifier key of a client's log, which names the log. "" is
// a client whose key is not known yet.
func readLogKey(text string) (key, origin string, err error) {
	if text == "" {
		return "", "", nil
	}
	k, err := ledger.ParseKey(text)
	if err != nil {
		return "", "", fmt.Errorf("%w: key of the client's log: %w. The client reads its first public key with 'tieout log head'", audit.ErrInvalid, err)
	}
	return k.VKey(), k.Name(), nil
}

// readLists reads what terms say one thing a line of.
func (q *request) readLists(t *engagement.Terms) error {
	t.Subservices, t.Objectives, t.Extra, t.Prior = nil, nil, nil, nil
	lines := func(field, form string, least int, f func(cells []string) error) error {
		for _, cells := range firmLines(q.field(field)) {
			most := len(strings.Split(form, "|"))
			if len(cells) < least || len(cells) > most {
				return fmt.Errorf("%w: %q is not written as %s", audit.ErrInvalid, strings.Join(cells, " | "), form)
			}
			for len(cells) < most {
				cells = append(cells, "")
			}
			if err := f(cells); err != nil {
				return err
			}
		}
		return nil
	}
	err := lines("subservices", forSubservices, 3, func(c []string) error {
		if c[2] != "carve-out" && c[2] != "inclusive" {
			return fmt.Errorf("%w: subservice organization %s is carve-out or inclusive, not %q", audit.ErrInvalid, c[0], c[2])
		}
		t.Subservices = append(t.Subservices, engagement.Subservice{Name: c[0], Service: c[1], Inclusive: c[2] == "inclusive", Monitor: strings.Fields(c[3])})
		return nil
	})
	if err == nil {
		err = lines("expected", forExpected, 3, func(c []string) error { return addExpected(t, c) })
	}
	if err == nil {
		err = lines("objectives", forObjectives, 2, func(c []string) error {
			t.Objectives = append(t.Objectives, engagement.Objective{ID: c[0], Text: c[1], Controls: strings.Fields(c[2])})
			return nil
		})
	}
	if err == nil {
		err = lines("extra", forExtra, 3, func(c []string) error {
			if c[2] != "examined" && c[2] != "mapped" {
				return fmt.Errorf("%w: criteria set %s is examined or mapped, not %q", audit.ErrInvalid, c[0], c[2])
			}
			t.Extra = append(t.Extra, engagement.CriteriaSet{ID: c[0], Name: c[1], Examined: c[2] == "examined", Criteria: strings.Fields(c[3]), Framework: c[4]})
			return nil
		})
	}
	if err == nil {
		*t, err = examination.ReadyTerms(q.st.p.Def.Catalog, *t)
	}
	if err == nil {
		err = lines("prior", forPrior, 2, func(c []string) error {
			t.Prior = append(t.Prior, engagement.Prior{Control: c[0], Text: c[1], Became: c[2]})
			return nil
		})
	}
	return err
}

func addExpected(t *engagement.Terms, c []string) error {
	for i := range t.Subservices {
		if t.Subservices[i].Name == c[0] {
			t.Subservices[i].Expected = append(t.Subservices[i].Expected, engagement.Expected{ID: c[1], Text: c[2], Criteria: strings.Fields(c[3])})
			return nil
		}
	}
	return fmt.Errorf("%w: controls expected of %s: there is no subservice organization of that name above", audit.ErrInvalid, c[0])
}
