package web

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// released goes on after an act whose result the client gets: what is due is
// sealed as packets at once. Where that fails the act stands, and the words say so.
func (q *request) released(id, to, words string) error {
	named := true
	err := q.files.ReadFile(q.Context(), id, func(_ *fieldwork.State, f *fieldwork.File) error {
		named = firmNamed(f.Terms)
		return nil
	})
	if err == nil && named {
		err = q.s.flush(q.Context(), id)
	} else if err == nil {
		words += " Nothing is sent: the terms do not name the client's log and its key yet."
	}
	if err != nil {
		q.s.note(q.Request, fmt.Errorf("packets of %s: %w", id, err))
		words += " It is not sent yet: " + sentence(err.Error()) + " It goes out with the next packet."
	}
	return q.done(to, words)
}

// acted ends an act that stays with the firm.
func (q *request) acted(err error, words string) error {
	id := q.PathValue("id")
	if err == nil {
		return q.done(q.at("engagements", id), words)
	}
	return q.shared(err, words)
}

// shared ends an act on an engagement that the client is to know: back to its page, or the page again with
// what is wrong.
func (q *request) shared(err error, words string) error {
	id := q.PathValue("id")
	if err == nil {
		return q.released(id, q.at("engagements", id), words)
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmShow(map[string]string{"duty": q.field("duty")})
}

// firmDeclare keeps a declaration of who may read the file: any grant reaches what
// is one's own, and a refused declaration shows the engagement's page again.
func (q *request) firmDeclare() error {
	if err := access.Require(q.who, "workpaper.read", ofEngagement(q.PathValue("id"))); err != nil {
		return err
	}
	free := q.field("free") == "yes"
	if !free && q.field("free") != "no" {
		return q.acted(fmt.Errorf("%w: say whether you are independent of the client, or what stands against it", audit.ErrInvalid), "")
	}
	words := q.field("conflict")
	if free {
		words = q.field("lifted")
	}
	err := q.files.Declare(q.Context(), q.who, q.PathValue("id"), free, words)
	return q.acted(err, "Your declaration is sealed.")
}

func (q *request) firmSafeguard() error {
	err := q.files.ApproveSafeguard(q.Context(), q.who, q.PathValue("id"), q.field("account"), q.field("safeguard"), q.base())
	return q.acted(err, "The safeguard is approved; "+q.name(q.field("account"))+" can work on the engagement.")
}

func (q *request) firmAssign() error {
	account, err := q.somebody(q.field("person"), "", "person")
	if err == nil && account == "" {
		err = fmt.Errorf("%w: person: write the e-mail address with which they sign in", audit.ErrInvalid)
	}
	if err == nil {
		var holds []engagement.Credential
		if holds, err = engagement.ParseCredentials(q.field("credentials")); err == nil {
			err = q.files.Assign(q.Context(), q.who, q.PathValue("id"), account, q.field("duty"), holds...)
		}
	}
	return q.acted(err, q.name(account)+" is on the team. What they may do here follows from their role, which an administrator gives under Access.")
}

func (q *request) firmUnassign() error {
	err := q.files.EndMember(q.Context(), q.who, q.PathValue("id"), q.field("account"), q.field("why"))
	return q.acted(err, q.name(q.field("account"))+" has left the team; what they did stays.")
}

func (q *request) firmMilestones() error {
	list, err := readMilestones(q.field("milestones"))
	if err == nil {
		err = q.files.SetMilestones(q.Context(), q.who, q.PathValue("id"), list, q.base())
	}
	return q.shared(err, "The milestones are set.")
}

func readMilestones(text string) (out []engagement.Milestone, err error) {
	for _, cells := range firmLines(text) {
		if len(cells) != 2 {
			return nil, fmt.Errorf("%w: milestones: %q is not written as DAY | NAME, such as 2027-01-15 | Draft to management", audit.ErrInvalid, strings.Join(cells, " | "))
		}
		out = append(out, engagement.Milestone{Day: cells[0], Name: cells[1]})
	}
	return out, nil
}

// firmLines are the lines of a field, cut at "|"; empty lines are left out.
func firmLines(text string) (out [][]string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		out = append(out, cells)
	}
	return out
}

func (q *request) firmMove() error {
	to := engagement.State(q.field("to"))
	err := q.files.MoveState(q.Context(), q.who, q.PathValue("id"), to, q.field("why"), q.base())
	return q.shared(err, "The engagement stands at "+string(to)+".")
}

// A firmAnswer is one question of the acceptance with what was typed.
type firmAnswer struct{ Name, Question, Answer string }

func (q *request) firmAcceptPage() error {
	if err := q.freshly(); err != nil {
		return err
	}
	id := q.PathValue("id")
	var rows []firmAnswer
	var missing []string
	warns := ""
	err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
		q.firmFrame(f, "")
		warns = q.oldPeerReview(f.Terms.Firm)
		for i, question := range fieldwork.Preconditions {
			name := fmt.Sprintf("a%d", i+1)
			rows = append(rows, firmAnswer{name, question, q.PostForm.Get(name)})
		}
		m := f.Team[q.me.ID]
		if !f.Independence[q.me.ID].Clear() {
			missing = append(missing, "you have not declared your independence, or a conflict has no safeguard")
		}
		if m == nil || m.Duty != fieldwork.DutyPartner {
			missing = append(missing, "you are not on the team as its partner")
		}
		q.Say = sayAcceptance(f.Terms.Client.Name, missing)
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading = "Acceptance of "+id, "Accept the client and the engagement"
	q.Way = append(q.Way, link{"Acceptance", ""})
	return q.render("firm-accept.html", struct {
		*page
		ID   string
		Rows []firmAnswer
		Open bool

		Warns string
	}{&q.page, id, rows, len(missing) == 0, warns})
}

// sayAcceptance says what accepting means, or what is missing before it.
func sayAcceptance(client string, missing []string) string {
	if len(missing) > 0 {
		return "This cannot be accepted by you yet: " + strings.Join(missing, "; ") + "."
	}
	return "With your answers and the engagement letter the firm accepts " + client + " and this engagement; the terms then go to the client."
}

func (q *request) firmAccept() error {
	id := q.PathValue("id")
	letter, err := q.upload("letter")
	if err != nil {
		return err
	}
	if err := access.Require(q.who, "client.accept", ofEngagement(id)); err != nil {
		return err
	}
	var checks []fieldwork.Checked
	for i, question := range fieldwork.Preconditions {
		checks = append(checks, fieldwork.Checked{Question: question, Answer: q.field(fmt.Sprintf("a%d", i+1))})
	}
	digest := ""
	if len(letter.Data) == 0 {
		err = fmt.Errorf("%w: engagement letter: choose the file of the letter, as both sides signed it", audit.ErrInvalid)
	} else {
		digest, _, err = q.st.p.Blobs.Put(q.Context(), bytes.NewReader(letter.Data))
	}
	if err == nil {
		err = q.files.Accept(q.Context(), q.who, id, checks, strings.TrimPrefix(digest, "sha256:"))
	}
	if err == nil {
		return q.released(id, q.at("engagements", id), "Accepted. The terms and the letter go to the client, who agrees to them with a signature.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmAcceptPage()
}

func (q *request) firmEndPage() error {
	if err := q.freshly(); err != nil {
		return err
	}
	id := q.PathValue("id")
	var revision int64
	err := q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		q.firmFrame(f, "")
		revision = s.Revision("state:" + id)
		q.Say = "Ending " + id + " for " + f.Terms.Client.Name + " cannot be undone: nothing more is added to its file, and no report comes of it."
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading = "End "+id, "End the engagement without a report"
	q.Way = append(q.Way, link{"End", ""})
	return q.render("firm-end.html", struct {
		*page
		ID       string
		Revision int64
		Why      string
		As       []choice
	}{&q.page, id, revision, q.PostForm.Get("why"), []choice{
		{string(engagement.Withdrawn), "The auditor withdraws", q.PostForm.Get("as") == string(engagement.Withdrawn)},
		{string(engagement.Canceled), "Both sides give it up", q.PostForm.Get("as") == string(engagement.Canceled)},
	}})
}

func (q *request) firmEnd() error {
	id, as := q.PathValue("id"), engagement.State(q.field("as"))
	err := q.files.EndEngagement(q.Context(), q.who, id, as, q.field("why"), q.base())
	if err == nil {
		return q.released(id, q.at("engagements", id), "The engagement is "+string(as)+".")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmEndPage()
}

// firmCategories are the five categories with their names.
var firmCategories = []struct {
	ID   audit.Category
	Name string
}{
	{audit.Security, "Security"}, {audit.Availability, "Availability"}, {audit.ProcessingIntegrity, "Processing integrity"}, {audit.Confidentiality, "Confidentiality"}, {audit.Privacy, "Privacy"},
}

// categoryName is a category in words.
func categoryName(id audit.Category) string {
	i := slices.IndexFunc(firmCategories, func(c struct {
		ID   audit.Category
		Name string
	}) bool {
		return c.ID == id
	})
	if i < 0 {
		return string(id)
	}
	return firmCategories[i].Name
}
