package api

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/reader/answer"
	"tieout/report"
)

// engagementCalls are a firm's engagements, and what is missing before an act.
func (s *Server) engagementCalls() {
	addFile(s, operation{id: "list-engagements", method: http.MethodGet, path: "/engagements", tag: "Engagements", needs: "workpaper.read", title: "Engagements, and where each stands"}, listEngagements)
	addFile(s, operation{id: "get-engagement", method: http.MethodGet, path: "/engagements/{engagement}", tag: "Engagements", needs: "workpaper.read", title: "One engagement"}, getEngagement)
	addFile(s, operation{id: "list-gates", method: http.MethodGet, path: "/engagements/{engagement}/gates", tag: "Engagements", needs: "workpaper.read", example: "/engagements/{engagement}/gates?act=report.issue",
		title: "What has to be there before an act, and what of it is missing"}, listGates)
	addFile(s, operation{id: "move-engagement", method: http.MethodPut, path: "/engagements/{engagement}/state", tag: "Engagements", needs: "plan.write", person: true, sends: `{"state":"fieldwork"}`,
		title: "Take one of the auditor's steps", detail: "If-Match is the engagement's ETag."}, moveEngagement)
	addFile(s, operation{id: "get-workspace", method: http.MethodGet, path: "/engagements/{engagement}/workspace", tag: "Engagements", needs: "workpaper.read", title: "Whose log a signature over a request names"}, getWorkspace)
}

// Engagement is one examination, as the firm has it.
type Engagement struct {
	ID       string     `json:"id"`
	Type     string     `json:"type"`
	Client   string     `json:"client"`
	System   string     `json:"system"`
	First    string     `json:"first,omitempty"`
	Last     string     `json:"last,omitempty"`
	AsOf     string     `json:"asOf,omitempty"`
	State    string     `json:"state" doc:"The auditor's step, or an end"`
	Heard    string     `json:"heard,omitempty" doc:"Management's step, as its last packet said"`
	Accepted *time.Time `json:"accepted,omitempty" doc:"By a partner"`
	Agreed   bool       `json:"agreed" doc:"Management has agreed to the terms as they are"`
	Next     string     `json:"next,omitempty" doc:"The auditor's next step"`
	Missing  []string   `json:"missing" nullable:"false" doc:"What is missing before it"`
	Tests    int        `json:"tests"`
	Requests int        `json:"openRequests"`
	Findings int        `json:"exceptions" doc:"That stand"`
	LockDue  *time.Time `json:"lockDue,omitempty" doc:"When the file of an issued report is to be locked"`
	Locked   *time.Time `json:"locked,omitempty"`
	Revision int64      `json:"revision" doc:"Of its step"`
}

func engagementOf(s *fieldwork.State, f *fieldwork.File, now time.Time) Engagement {
	t := f.Terms
	e := Engagement{ID: t.ID, Type: t.Type.String(), Client: t.Client.Name, System: t.System, First: t.First, Last: t.Last, AsOf: t.AsOf, State: string(f.State), Heard: string(f.Heard),
		Agreed: f.Agreed != nil, Missing: []string{}, LockDue: when(f.LockDue()), Revision: s.Revision("state:" + t.ID)}
	if f.Accepted != nil {
		e.Accepted = when(f.Accepted.At)
	}
	if f.Archive != nil {
		e.Locked = when(f.Archive.Locked)
	}
	if next := f.Next(); next != "" {
		e.Next, e.Missing = string(next), append([]string{}, f.Missing(next, now)...)
	}
	for _, x := range f.Tests {
		if x.Dropped == "" {
			e.Tests++
		}
	}
	for _, x := range f.Requests {
		if x.Status != engagement.RequestAccepted && x.Status != engagement.RequestWithdrawn {
			e.Requests++
		}
	}
	for _, x := range f.Findings {
		if x.Stands() {
			e.Findings++
		}
	}
	return e
}

// say says where an engagement stands.
func (e *Engagement) say() string {
	out := e.ID + " for " + e.Client + ", " + e.Type + ": " + e.State + "."
	if e.Next != "" && len(e.Missing) > 0 {
		out += " " + answer.Counted(len(e.Missing), "thing is missing before "+e.Next, "things are missing before "+e.Next)
	}
	return out
}

type engagementsIn struct {
	Paging
	Client string `query:"client" maxLength:"200" doc:"Only those for the client of this name"`
}

func listEngagements(d *desk, in *engagementsIn) (*listOut[Engagement], error) {
	var all []Engagement
	err := d.files.Read(d, func(s *fieldwork.State) error {
		for _, f := range book.Sorted(s.Files) {
			if d.may("workpaper.read", f.Terms.ID) && (in.Client == "" || strings.EqualFold(in.Client, f.Terms.Client.Name)) {
				all = append(all, engagementOf(s, f, d.now))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.engagements/1", answer.Counted(len(all), "engagement", "engagements"), all, "/engagements", "client", in.Client)
}

func getEngagement(d *desk, in *fileIn) (out *oneOut[Engagement], err error) {
	err = d.file(in.Engagement, func(s *fieldwork.State, f *fieldwork.File) error {
		e := engagementOf(s, f, d.now)
		out = tagged("tieout.engagement/1", e.say(), e.Revision, e)
		return nil
	})
	return out, err
}

// Gate is something that has to be there before an act.
type Gate struct {
	Act     string `json:"act" doc:"Kind of the entry it stands before, such as opinion.write"`
	Needs   string `json:"needs"`
	Missing string `json:"missing,omitempty" doc:"What is not there; left out: it is met"`
}

func gatesOf(act string, list []fieldwork.Standing) []Gate {
	out := []Gate{}
	for _, g := range list {
		out = append(out, Gate{act, g.Needs, g.Missing})
	}
	return out
}

// Dating says of which report the gates before its issue are asked.
type Dating struct {
	Dated      string `query:"dated" maxLength:"10" doc:"Of a report to issue: its day; left out: today, where the engagement is"`
	Supersedes string `query:"supersedes" maxLength:"64" doc:"Of a report to issue: digest of another engagement's report that it takes the place of"`
}

func (d *Dating) check() error {
	if err := book.Day("dated", d.Dated, false); err != nil || d.Supersedes == "" {
		return err
	}
	return book.Digest("supersedes", d.Supersedes)
}

type gatesIn struct {
	FilePage
	Dating
	Act string `query:"act" required:"true" maxLength:"50" doc:"Such as paper.prepare, conclusion.control, opinion.write, report.issue or archive.lock; or a step, such as fieldwork"`
	On  string `query:"on" maxLength:"300" doc:"What a conclusion is on, such as control:IAM-06; of a workpaper's acts the test, of an exception's the exception"`
}

// issueAct is the act whose gates depend on the report's day.
const issueAct = "report.issue"

func listGates(d *desk, in *gatesIn) (*listOut[Gate], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	var all []fieldwork.Standing
	err := d.file(in.Engagement, func(s *fieldwork.State, f *fieldwork.File) (err error) {
		if all, err = s.Before(f, in.Act, in.On, d.now); in.Act == issueAct {
			all = s.StandingToIssue(f, in.Dated, in.Supersedes, d.now)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.gates/1", answer.Gates(in.Act, all), gatesOf(in.Act, all), "/engagements/"+in.Engagement+"/gates",
		"act", in.Act, "on", in.On, "dated", in.Dated, "supersedes", in.Supersedes)
}

// StateText is a step to take.
type StateText struct {
	State string `json:"state" enum:"fieldwork,exceptions,description final,draft review,observing,collecting"`
	Why   string `json:"why,omitempty" maxLength:"5000" doc:"Of a step back"`
}

func moveEngagement(d *desk, in *changesFile[StateText]) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	if err := d.files.MoveState(d, d.Who, in.Engagement, engagement.State(in.Body.State), in.Body.Why, base); err != nil {
		return nil, d.since(err, in.Engagement, "state:"+in.Engagement, base)
	}
	return d.sent(in.Engagement, "state", "", in.Engagement+" is at: "+in.Body.State+".")
}

// Workspace is whose log it is.
type Workspace struct {
	Log  string   `json:"log" doc:"Origin of the workspace's log"`
	Duty string   `json:"duty,omitempty" doc:"Of who asks, on this engagement"`
	Team []Member `json:"team" nullable:"false"`
}

// Member is one person of an engagement's team.
type Member struct {
	Account     string `json:"account"`
	Name        string `json:"name"`
	Duty        string `json:"duty"`
	Independent bool   `json:"independent" doc:"Declared it, or has a safeguard"`
}

func getWorkspace(d *desk, in *fileIn) (*oneOut[Workspace], error) {
	out := Workspace{Log: d.s.o.Web.Home().Log.Keys().Log(), Team: []Member{}}
	err := d.file(in.Engagement, func(_ *fieldwork.State, f *fieldwork.File) error {
		for _, m := range book.Sorted(f.Team) {
			if m.Until.IsZero() {
				out.Team = append(out.Team, Member{m.Account, d.name(m.Account), m.Duty, f.Independence[m.Account].Clear()})
			}
		}
		return nil
	})
	slices.SortFunc(out.Team, func(a, b Member) int { return cmp.Compare(a.Account, b.Account) })
	for _, m := range out.Team {
		if m.Account == d.Who.Account {
			out.Duty = m.Duty
		}
	}
	return one("tieout.workspace/1", report.Capital(report.Plural(len(out.Team), "person is", "people are"))+" on the team of "+in.Engagement+".", out), err
}
