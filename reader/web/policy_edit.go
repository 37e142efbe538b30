package web

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	texts "tieout/policy"
	"tieout/program"
	"tieout/report"
)

// A policyForm is what is typed about a policy's next version.
type policyForm struct {
	*page
	New                                 bool
	ID, Title_, Owner, Audience, Review string // Title_ is the policy's; the page has a Title of its own
	Acknowledge, Material, Asks         bool   // Asks: a version is in force, so that it is asked who agrees anew
	Controls, Summary, Text, Note       string
	Kind, File                          string
	Kinds                               []string
	Revision                            int64
	Owners                              []string // addresses to choose from
	Preview                             template.HTML
	Changes                             template.HTML
	Unfilled                            []string
	Action                              string
}

// manyNames is how many people a list to choose from can hold.
const manyNames = 200

func (q *request) policyForm(p *program.Policy) policyForm {
	f := policyForm{page: &q.page, New: p == nil, Audience: program.Everyone, Review: "year", Owner: q.me.Email, Acknowledge: true, Kind: program.KindPolicy, Kinds: program.DocumentKinds}
	if len(q.names) <= manyNames {
		for _, n := range q.names {
			if n.Active {
				f.Owners = append(f.Owners, n.Email)
			}
		}
		slices.Sort(f.Owners)
	}
	if p == nil {
		if kind := q.URL.Query().Get("kind"); slices.Contains(program.DocumentKinds, kind) {
			f.Kind, f.Acknowledge = kind, kind == program.KindPolicy
		}
		f.Action = q.to("/policies/new")
		q.Title, q.Heading, q.Say = "New "+f.Kind, "Write a "+f.Kind, "It starts as a draft; it is in force once somebody else approves it."
		q.Way, q.Code = []link{{"Policies", q.to("/policies")}, {"New", ""}}, []string{"tieout policy new ID"}
		return f
	}
	v := p.Draft()
	if v == nil {
		v = p.InForce()
	} else {
		f.Note, f.Material = v.Note, v.Material
	}
	f.Action, f.ID, f.Title_, f.Owner, f.Audience, f.Review = q.policyAt(p.ID, "/edit"), p.ID, v.Title, q.addressOf(v.Owner), v.Audience, v.Review
	f.Kind, f.File = v.What(), v.File
	f.Acknowledge, f.Controls, f.Summary, f.Text, f.Revision, f.Asks = v.Acknowledge, strings.Join(v.Controls, " "), v.Summary, v.Text, p.Revision, p.InForce() != nil
	n := len(p.Versions) + 1
	if p.Draft() != nil {
		n--
	}
	q.Title, q.Heading, q.Ref = "Edit "+v.Title, "Write version "+strconv.Itoa(n)+" of "+v.Title, ""
	q.Say = "What you keep here is a draft; what is in force stays as it is until somebody else approves the draft."
	q.Way = []link{{"Policies", q.to("/policies")}, {p.ID, q.policyAt(p.ID, "")}, {"Edit", ""}}
	return f
}

// addressOf is an account's e-mail address, or the account where it has none.
func (q *request) addressOf(account string) string {
	if n, ok := q.names[account]; ok && n.Email != "" {
		return n.Email
	}
	return account
}

// accountOf is the account with an e-mail address, or a person's whole name.
func (q *request) accountOf(typed string) (string, error) {
	var found []string
	for id, n := range q.names {
		if strings.EqualFold(n.Email, typed) || id == typed {
			return id, nil
		}
		if strings.EqualFold(n.Name, typed) {
			found = append(found, id)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return "", fmt.Errorf("%w: owner: nobody here has the address %q. Name the e-mail address of somebody who has an account", audit.ErrInvalid, typed)
}

// typed reads the form over what it showed.
func (q *request) fill(f *policyForm) {
	f.ID, f.Title_, f.Owner, f.Audience, f.Review = cmpField(q, "id", f.ID), q.field("title"), q.field("owner"), strings.ToLower(q.field("audience")), q.field("review")
	f.Acknowledge, f.Material = q.field("acknowledge") == "yes", q.field("material") == "yes"
	f.Kind, f.File = q.field("kind"), strings.ToUpper(q.field("file"))
	f.Controls, f.Summary, f.Note = q.field("controls"), q.field("summary"), q.field("note")
	f.Text = strings.ReplaceAll(q.PostForm.Get("text"), "\r\n", "\n")
	if n, err := strconv.ParseInt(q.field("revision"), 10, 64); err == nil {
		f.Revision = n
	}
}

func cmpField(q *request, name, otherwise string) string {
	if v := q.field(name); v != "" {
		return v
	}
	return otherwise
}

// text is what was typed as a policy's text.
func (f *policyForm) text(owner string) program.PolicyText {
	controls := strings.FieldsFunc(strings.ToUpper(f.Controls), func(r rune) bool { return strings.ContainsRune(" ,;\r\n\t", r) })
	return program.PolicyText{Title: f.Title_, Owner: owner, Audience: f.Audience, Acknowledge: f.Acknowledge, Review: f.Review,
		Controls: slices.Compact(controls), Summary: f.Summary, Text: f.Text, Kind: f.Kind, File: f.File}
}

func (q *request) newPolicy() error { return q.render("policyedit.html", q.policyForm(nil)) }

func (q *request) createPolicy() error {
	f := q.policyForm(nil)
	q.fill(&f)
	return q.keep(&f, nil)
}

func (q *request) editPolicy() error {
	p, err := q.editable()
	if err != nil {
		return err
	}
	return q.render("policyedit.html", q.policyForm(p))
}

// editable is the policy to edit; one that is a file is changed there.
func (q *request) editable() (*program.Policy, error) {
	id := q.PathValue("id")
	p, err := q.book.Policy(q.Context(), id)
	if errors.Is(err, audit.ErrNotFound) {
		if f, ferr := q.theFile(id); ferr == nil && f != nil {
			return nil, fmt.Errorf("%w: this policy is kept in %s. Change the file", audit.ErrConflict, f.File)
		}
	}
	return &p, err
}

func (q *request) savePolicy() error {
	p, err := q.editable()
	if err != nil {
		return err
	}
	f := q.policyForm(p)
	q.fill(&f)
	return q.keep(&f, p)
}

// keep shows the form again with its preview, or keeps the draft.
func (q *request) keep(f *policyForm, p *program.Policy) error {
	if q.field("do") == "preview" {
		f.preview(p)
		return q.render("policyedit.html", f)
	}
	owner, err := q.accountOf(f.Owner)
	if err == nil && f.New {
		err = q.free(f.ID)
	}
	if err == nil {
		var kept program.Policy
		if kept, err = q.book.WritePolicy(q.Context(), q.who, f.ID, f.Revision, f.text(owner), f.Note, f.Material); err == nil {
			return q.done(q.policyAt(kept.ID, ""), fmt.Sprintf("Version %d is kept as a draft. It waits for somebody else's approval.", kept.Draft().Number))
		}
	}
	if err := q.problem(err); err != nil {
		return err
	}
	if q.status == http.StatusConflict && p != nil {
		f.preview(p)
		f.Revision = p.Revision // what somebody else wrote is shown below; sending again goes over it knowingly
	}
	return q.render("policyedit.html", f)
}

// preview shows what was typed as it will be read, and what it changes.
func (f *policyForm) preview(p *program.Policy) {
	f.Preview = texts.Article(f.Title_, f.Text)
	f.Unfilled = f.text("").Unfilled()
	if p == nil {
		return
	}
	with := p.InForce()
	if d := p.Draft(); d != nil {
		with = d
	}
	f.Changes = texts.Diff(with.Text, f.Text).HTML()
}

// free refuses an ID that a policy kept as a file has.
func (q *request) free(id string) error {
	f, err := q.theFile(id)
	if err == nil && f != nil {
		return fmt.Errorf("%w: id: %s holds a policy with that id already", audit.ErrInvalid, f.File)
	}
	return err
}

func (q *request) revision() int64 {
	n, err := strconv.ParseInt(q.field("revision"), 10, 64)
	if err != nil {
		return -2 // no revision at all: nothing can be at it
	}
	return n
}

func (q *request) approvePolicy() error {
	p, err := q.book.ApprovePolicy(q.Context(), q.who, q.PathValue("id"), q.revision(), q.field("hash"))
	if err == nil {
		return q.done(q.policyAt(p.ID, ""), fmt.Sprintf("Version %d is in force. Whoever is asked to agree sees it on their own page from now on.", p.InForce().Number))
	}
	return q.policyAgain(err)
}

// policyAgain shows the policy's page with what was wrong.
func (q *request) policyAgain(err error) error {
	if err := q.problem(err); err != nil {
		return err
	}
	return q.policy()
}

func (q *request) reviewPolicy() error {
	p, err := q.book.ReviewPolicy(q.Context(), q.who, q.PathValue("id"), q.revision(), q.field("note"))
	if err == nil {
		return q.done(q.policyAt(p.ID, ""), "The review is recorded. The next one is due by "+report.Day(p.ReviewDue(), q.zone())+".")
	}
	return q.policyAgain(err)
}

func (q *request) retirePage() error {
	p, err := q.editable()
	if err != nil {
		return err
	}
	q.Title = map[bool]string{true: "Retire ", false: "Discard "}[p.InForce() != nil] + p.Current().Title
	q.Heading = q.Title
	q.Say = "Once retired, nobody is asked to agree to it, and controls that rest on it have no policy behind them. What it said, and who agreed, stays on record."
	if p.InForce() == nil {
		q.Say = "Nothing of this draft was ever in force. Once discarded it stays on record, and can be written again."
	}
	q.Way = []link{{"Policies", q.to("/policies")}, {p.ID, q.policyAt(p.ID, "")}, {"Retire", ""}}
	return q.render("retire.html", struct {
		*page
		P      *program.Policy
		Why    string
		Action string
		Forced bool
	}{&q.page, p, q.PostForm.Get("why"), q.policyAt(p.ID, map[bool]string{true: "/retire", false: "/discard"}[p.InForce() != nil]), p.InForce() != nil})
}

func (q *request) retirePolicy() error {
	p, err := q.book.RetirePolicy(q.Context(), q.who, q.PathValue("id"), q.revision(), q.field("why"))
	if err == nil {
		return q.done(q.policyAt(p.ID, ""), "It is retired, and nobody is asked to agree to it.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.retirePage()
}
