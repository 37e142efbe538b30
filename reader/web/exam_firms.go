package web

import (
	"fmt"
	"net/http"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement/management"
	"tieout/report"
)

// examFirmRoutes are the audit firms whose packets are taken.
var examFirmRoutes = []route{
	{pattern: "GET /examinations/invite", needs: "engagement.open", on: examWhole, do: (*request).examInvitePage},
	{pattern: "POST /examinations/invite", needs: "engagement.open", on: examWhole, do: (*request).examInvite},
	{pattern: "GET /examinations/end", needs: "engagement.open", on: examWhole, do: (*request).examEndPage},
	{pattern: "POST /examinations/end", needs: "engagement.open", on: examWhole, do: (*request).examEnd},
}

func (q *request) examInvitePage() error {
	q.Title, q.Heading = "Invite a firm", "Invite an audit firm"
	q.Say = "Packets are taken from a firm whose key is written down here, and from nobody else; whoever writes it down says that the key is the firm's."
	q.Way = append(q.Way, link{"Examinations", q.to("/examinations")}, link{"Invite", ""})
	q.Code = []string{"tieout engagement invite"}
	chain := q.st.p.Log.Keys()
	return q.render("exam-invite.html", struct {
		*page
		Asks               []string
		Name, Key, Address string
		Own, OwnKey        string
	}{&q.page, management.Asks, q.PostForm.Get("name"), q.PostForm.Get("key"), q.PostForm.Get("address"), chain.Log(), chain.Links()[0].Key.VKey()})
}

func (q *request) examInvite() error {
	name, key, address := q.field("name"), q.field("key"), strings.TrimSuffix(q.field("address"), "/")
	err := q.exam.Side.InviteFirm(q.Context(), q.who, name, key, address)
	if err == nil {
		return q.done(q.to("/examinations"), name+" is invited: its packets are taken from now on.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examInvitePage()
}

// examFirm is the invited firm the address or the form names.
func (q *request) examFirm() (f management.Firm, err error) {
	origin := q.URL.Query().Get("firm")
	if q.Method == "POST" {
		origin = q.field("firm")
	}
	err = q.exam.Side.Read(q.Context(), func(s *management.State) error {
		x := s.Firms[origin]
		if x == nil || !x.Ended.IsZero() {
			return fmt.Errorf("%w: no firm is invited whose log is %q", audit.ErrNotFound, origin)
		}
		f = *x
		return nil
	})
	return f, err
}

func (q *request) examEndPage() error {
	if q.URL.Query().Get("firm") == "" && q.Method == http.MethodGet { // nobody chose one: the list has them
		http.Redirect(q.w, q.Request, q.to("/examinations"), http.StatusSeeOther)
		return nil
	}
	f, err := q.examFirm()
	if err != nil {
		return err
	}
	var runs []string
	err = q.exam.Side.Read(q.Context(), func(s *management.State) error {
		for id, x := range s.Sides {
			if x.Terms.Firm.Origin == f.Origin && !x.State.Over() {
				runs = append(runs, id)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading = "End "+f.Name, "Take no more of "+f.Name
	q.Say = sayEndFirm(f.Name, len(runs))
	q.Way = append(q.Way, link{"Examinations", q.to("/examinations")}, link{"End", ""})
	return q.render("exam-end.html", struct {
		*page
		Firm, Why string
	}{&q.page, f.Origin, q.PostForm.Get("why")})
}

// sayEndFirm says what ending a firm means.
func sayEndFirm(name string, runs int) string {
	s := "No packet of " + name + " is taken from then on, and none is sent to it; what came before stays."
	if runs > 0 {
		return s + " " + report.Capital(report.Plural(runs, "examination", "examinations")) + " with it " + map[bool]string{true: "stands", false: "stand"}[runs == 1] + " still until it is invited again."
	}
	return s
}

func (q *request) examEnd() error {
	f, err := q.examFirm()
	if err == nil {
		err = q.exam.Side.EndFirm(q.Context(), q.who, f.Origin, q.field("why"))
	}
	if err == nil {
		return q.done(q.to("/examinations"), "No packet of "+f.Name+" is taken any more.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examEndPage()
}

// maySign reports whether who is signed in may sign for management, once they
// have shown anew who they are.
func (q *request) maySign(id access.PermissionID) bool {
	fresh := *q
	fresh.who.Fresh = true
	return fresh.may(id, examAll)
}
