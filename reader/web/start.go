package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/reader/roster"
	"tieout/report"
)

// startPath is where a new company begins.
const startPath = "/start"

// startRoutes are S1: what a company decides first, and what comes next.
var startRoutes = []route{
	{pattern: "GET /start", needs: "period.read", on: anything, do: (*request).startPage},
	{pattern: "POST /start", needs: "definition.write", do: (*request).setUp},
	{pattern: "POST /start/period", needs: "definition.write", do: (*request).addPeriod},
}

// categoryWords are the categories with what each promises, and why one would
// choose it.
var categoryWords = []struct {
	ID          audit.Category
	Title, What string
}{
	{audit.Security, "Security", "What you run is protected against people who should not get in. Part of every SOC 2."},
	{audit.Availability, "Availability", "The service is up as you promised. Choose it where you sell a service level or customers cannot work without you."},
	{audit.ProcessingIntegrity, "Processing integrity", "What goes in comes out complete, right and in time. Choose it where customers rely on your calculations or transactions."},
	{audit.Confidentiality, "Confidentiality", "What customers trust you with under contract stays with who may see it, and is deleted when it should be. Choose it where contracts say so."},
	{audit.Privacy, "Privacy", "Personal data is handled as your notice says. Choose it where you decide yourself what is done with people's data; it is the most work."},
}

type categoryRow struct {
	ID          audit.Category
	Title, What string
	Chosen      bool
	Fixed       bool
}

// A startPage is the four questions as they were answered, and what comes next.
type startPage struct {
	*page
	S          definition.Setup
	Categories []categoryRow
	Type1      bool
	Base       string // hash of the files the form was made from
	Revision   int
	Warn       string // about the period
	Signers    []string
	Invite     bool // can give access
	May        bool // can keep the answers
	InGit      bool
	Scope      *scope
	Diffs      []fileDiff
	Next       []nextStep
	Decided    bool // the four questions were answered: what comes next stands first
	Periods    startPeriods
	Held       string // why the days of this period do not change just so
	Why        string // as it was typed
	typed      *definition.PeriodConfig
}

// A scope is what answers come to.
type scope struct {
	Criteria, Testable, More int
	Plan                     []string
	Warn                     string // of criteria nobody decided on
}

// A fileDiff is what a definition file would become.
type fileDiff struct {
	Path, Text string
}

// A nextStep is one thing to do after the four questions.
type nextStep struct {
	Title, Why, Href, Act string
	Or                    link // another way to the same
	Done                  bool
	Job                   bool   // pressing it starts a job
	Who                   string // who does it, where it is not for who is signed in
}

// fresh opens the workspace as its files are now, for who is signed in to change.
// Close it.
func (q *request) fresh() (*period.Program, error) {
	p, err := q.s.o.Open(q.Context(), "")
	if err != nil {
		return nil, err
	}
	p.Actor = audit.Actor{Kind: q.who.Kind, Name: q.who.Account}
	return p, nil
}

// amending opens the workspace, has it changed and closes it.
func (q *request) amending(change func(p *period.Program) error) (err error) {
	p, err := q.fresh()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	return change(p)
}

func (q *request) startPage() error {
	return q.amending(func(p *period.Program) error {
		s, err := p.Def.Setup(p.Name)
		if err != nil {
			return err
		}
		return q.showStart(p, startPage{S: s, Base: p.Def.Hash()})
	})
}

func (q *request) showStart(p *period.Program, data startPage) error {
	data.page, data.Type1 = &q.page, data.S.Report == definition.ReportTypeI
	for _, c := range categoryWords {
		data.Categories = append(data.Categories, categoryRow{c.ID, c.Title, c.What, slices.Contains(data.S.Categories, c.ID), c.ID == audit.Security})
	}
	if data.InGit = period.InGit(p.Dir); !data.Type1 {
		data.Warn = audit.LengthWarning(data.S.First, data.S.Last)
	}
	held, err := p.HeldPeriods(q.Context())
	if err != nil {
		return err
	}
	data.Held, data.Why = sayHeld(held, data.S.Period), q.PostForm.Get("why")
	if data.Periods, err = q.periodsOf(p, data.typed); err != nil {
		return err
	}
	data.May, data.Invite = q.may("definition.write", access.Object{}), q.administers()
	data.Signers = q.signers()
	rev, err := p.Store.NewestRevision(q.Context())
	if err != nil && !errors.Is(err, audit.ErrNotFound) {
		return err
	}
	data.Revision = int(rev.Number)
	decided := rev.Number > 1 || q.st.run.Recorded // what was tested was decided, be it in the files
	if data.Next, err = q.nextSteps(q.Context(), p, decided, len(data.Signers) > 0); err != nil {
		return err
	}
	q.handOver(data.Next)
	data.Decided = decided && q.Request.Method == http.MethodGet
	if data.Scope == nil {
		data.Scope = scopeOf(p, p.Def)
	}
	done := 0
	for _, s := range data.Next {
		if s.Done {
			done++
		}
	}
	q.Title, q.Heading = "Start", "Start"
	q.Say = sayStart(done, len(data.Next))
	q.Code = []string{"tieout init", "tieout plan", "tieout apply"}
	return q.render("start.html", data)
}

// signers are the names of who signs for management, in order.
func (q *request) signers() (out []string) {
	for _, n := range q.names {
		if n.Has(access.ManagementSigner) {
			out = append(out, n.Name)
		}
	}
	sort.Strings(out)
	return out
}

// starting reports whether a step of the start is open still: so long it has its
// place in the side bar.
func (q *request) starting() bool {
	if !q.st.run.Recorded {
		return true
	}
	steps, err := q.nextSteps(q.Context(), q.st.p, true, len(q.signers()) > 0)
	return err != nil || slices.ContainsFunc(steps, func(s nextStep) bool { return !s.Done })
}

// handOver names who does the steps that are not for who is signed in.
func (q *request) handOver(steps []nextStep) {
	for i := range steps {
		s := &steps[i]
		switch path := pathOf(s.Href); {
		case s.Job && !s.Done:
			if !q.may("source.collect", access.Object{}) {
				s.Who = whoMay("source.collect")
			}
		case !q.opens(path):
			if r, _, ok := q.s.routeOf(path); ok {
				s.Who = whoMay(r.needs)
			}
		}
	}
}

// whoMay are the roles that may do something, in words: "administrator or
// compliance lead".
func whoMay(id access.PermissionID) string {
	p, _ := access.PermissionOf(id)
	var names []string
	for _, r := range p.Roles {
		if role, ok := access.RoleOf(r); ok && role.Workspace == access.Company {
			names = append(names, strings.ToLower(role.Title))
		}
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " or " + names[n-1]
	}
	return strings.Join(names, "")
}

// sayStart says how far a new company is.
func sayStart(done, all int) string {
	left := all - done
	switch {
	case done == 0:
		return "Four questions decide what is examined; then " + report.Plural(left, "step", "steps") + " to the first list of gaps and the people who close them."
	case left == 0:
		return "Everything a start needs is done. From here on the period's own screens say what is due."
	case left == 1:
		return "One step is left."
	}
	verb := " steps are"
	if done == 1 {
		verb = " step is"
	}
	return report.Capital(report.Words(done)) + verb + " done, " + report.Words(left) + " are left."
}

// rehearsalDays is how long before its date a Type I is rehearsed, where nothing
// else is said.
const rehearsalDays = 90

// setUp shows what answers would come to, or keeps them.
func (q *request) setUp() error {
	return q.amending(func(p *period.Program) error {
		data := startPage{S: q.typedSetup(p), Base: q.field("base")}
		next, changes, err := q.settingUp(p, data.S)
		if err == nil && (q.field("do") == "preview" || period.InGit(p.Dir)) {
			data.Scope, data.Diffs = scopeOf(p, next), diffs(p.Def, changes)
			data.Scope.Plan = planLines(p, next)
			return q.showStart(p, data)
		}
		if err == nil && data.Base != p.Def.Hash() {
			err = fmt.Errorf("%w: somebody has changed the workspace since this page was opened. What you typed is still here; press Set up again if it is right", audit.ErrConflict)
			data.Base = p.Def.Hash()
		}
		if err == nil && len(changes) == 0 {
			return q.done(startPath, "Nothing changes: these are the answers already.")
		}
		if err == nil {
			rev, err := p.AmendWhy(q.Context(), changes, q.field("why"))
			if err == nil {
				return q.done(startPath, fmt.Sprintf("Set up, as revision %d, sealed as %s.", rev.Number, audit.EvidenceRef(rev.Record)))
			}
			if err := q.problem(err); err != nil {
				return err
			}
			return q.showStart(p, data)
		}
		if err := q.problem(err); err != nil {
			return err
		}
		return q.showStart(p, data)
	})
}

// maxLine is how long a name can be.
const maxLine = 200

// settingUp is the workspace as answers make it, and the files that change.
func (q *request) settingUp(p *period.Program, s definition.Setup) (*definition.Workspace, map[string][]byte, error) {
	for what, text := range map[string]string{"organization": s.Name, "system": s.System, "time zone": s.Zone} {
		if text == "" || len(text) > maxLine || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, nil, fmt.Errorf("%w: %s: write 1 to %d characters in one line", audit.ErrInvalid, what, maxLine)
		}
	}
	changes, err := p.Def.Set(s)
	if err != nil {
		return nil, nil, err
	}
	if err := q.ownRegisters(p, changes); err != nil {
		return nil, nil, err
	}
	next, err := p.Def.With(changes)
	return next, changes, err
}

// registersFile connects the workspace's own registers.
const registersFile = "sources/program.yaml"

// ownRegisters has the first answers connect the workspace's own registers too:
// what people confirm, approve and record on the screens is evidence only where a
// source reads it. Whoever has decided before keeps the sources they have.
func (q *request) ownRegisters(p *period.Program, changes map[string][]byte) error {
	rev, err := p.Store.NewestRevision(q.Context())
	if err != nil && !errors.Is(err, audit.ErrNotFound) {
		return err
	}
	has := slices.ContainsFunc(p.Def.Sources, func(s definition.SourceDef) bool { return s.Kind == "program" || s.Name == "program" })
	if rev.Number <= 1 && !has {
		changes[registersFile] = []byte("# What people confirm, approve and record in this workspace is read from its own log.\nkind: program\n")
	}
	return nil
}

// typedSetup are the answers of the form.
func (q *request) typedSetup(p *period.Program) definition.Setup {
	s := definition.Setup{Name: q.field("name"), System: q.field("system"), Zone: q.field("zone"), Period: p.Name,
		Report: definition.ReportTypeII, First: q.field("first"), Last: q.field("last")}
	if q.field("report") == "1" {
		s.Report, s.Last = definition.ReportTypeI, q.field("asof")
		if day, err := time.Parse(time.DateOnly, s.Last); err == nil && s.First >= s.Last {
			s.First = day.AddDate(0, 0, -rehearsalDays).Format(time.DateOnly)
		}
	}
	for _, c := range categoryWords {
		if c.ID == audit.Security || slices.Contains(q.PostForm["category"], string(c.ID)) {
			s.Categories = append(s.Categories, c.ID)
		}
	}
	return s
}

// scopeOf counts what a revision examines with the sources it has.
func scopeOf(p *period.Program, w *definition.Workspace) *scope {
	sel := w.Select(func(kind string) []string {
		d, err := p.Drivers.Find(kind)
		if err != nil {
			return nil
		}
		return d.Types
	})
	return &scope{Warn: answer.SayUndecided(w.Undecided(sel.Controls)), Criteria: len(w.Criteria()), Testable: len(sel.Controls) - len(sel.Untested), More: len(sel.Outside) + len(sel.Untested)}
}

// Say is a scope in a sentence.
func (s *scope) Say() string {
	text := report.Capital(report.Plural(s.Criteria, "criterion applies", "criteria apply")) + ". "
	switch {
	case s.Testable == 0:
		text += "No control can be tested with what is connected"
	default:
		text += report.Capital(report.Plural(s.Testable, "control", "controls")) + " can be tested with what is connected"
	}
	switch s.More {
	case 0:
		return text + "."
	case 1:
		return text + "; one more waits for a source or a person."
	}
	return text + "; " + report.Words(s.More) + " more wait for a source or a person."
}

// planLines are what a change does, in the words of 'tieout plan'.
func planLines(p *period.Program, next *definition.Workspace) (out []string) {
	for _, l := range definition.NewPlan(p.Def, next, p.Period, p.Now()).Lines {
		out = append(out, strings.TrimSpace(strings.Join([]string{l.Mark, l.Kind, l.ID, l.What, l.When}, " ")))
	}
	return out
}

// diffs are what files would become, by path.
func diffs(w *definition.Workspace, changes map[string][]byte) (out []fileDiff) {
	for name, text := range changes {
		out = append(out, fileDiff{name, lineDiff(name, string(w.Text(name)), string(text))})
	}
	slices.SortFunc(out, func(a, b fileDiff) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// nextSteps are what comes after the four questions, in order.
func (q *request) nextSteps(ctx context.Context, p *period.Program, decided, signer bool) ([]nextStep, error) {
	given := p.Def.Given(func(kind string) []string {
		d, err := p.Drivers.Find(kind)
		if err != nil {
			return nil
		}
		return d.Types
	})
	tested := q.st.run.Recorded
	policies := 0
	err := q.book.Read(ctx, func(s *program.State) error { policies = len(s.Policies); return nil })
	if err != nil {
		return nil, err
	}
	r, err := q.roster()
	if err != nil {
		return nil, err
	}
	open := slices.ContainsFunc(r.Asks, func(a roster.Proposal) bool { return a.Of == program.OfAccount })
	return []nextStep{
		{Title: "Say what is examined", Why: "Everything else follows from it: which criteria apply, and over which days.", Href: "#four", Act: "Answer", Done: decided},
		{Title: "Bring the list of people", Why: "Who works here is what accounts, training and leavers are held against. An export of the payroll or HR system does.", Href: "/connectors/import?type=person", Act: "Bring it", Done: given["person"]},
		{Title: "Connect where people sign in", Why: "Accounts that outlive their people are the finding auditors look for first. Connect the system, or bring an export of its accounts as a file.", Href: "/connectors/new#k-2", Act: "Connect", Or: link{"Bring an export", "/connectors/import?type=account"}, Done: given["account"]},
		{Title: "Say whose accounts they are", Why: "Tieout proposes, by number and e-mail address, and a person confirms. An account that is nobody's is a finding.", Href: "/people/links", Act: "Confirm", Done: given["account"] && !open},
		{Title: "Read and test", Why: "Reads what is connected and runs the auditor's own checks. It takes a minute or two.", Href: "/jobs", Act: "Read and test", Done: tested, Job: true},
		{Title: "See the first list of gaps", Why: "What stands between you and the date, the longest work first, each with where it is closed.", Href: "/readiness", Act: "Open the list", Done: tested},
		{Title: "Name who signs for management", Why: "Somebody other than the author approves policies, accepts risks and signs the assertion.", Href: "/access/new", Act: "Invite", Done: signer},
		{Title: "Invite people", Why: "Owners answer for their controls, and everybody agrees to policies on their own page.", Href: "/access/new", Act: "Invite", Done: len(q.names) > 1},
		{Title: "Take policies from the starter set", Why: "Auditors ask for them on the first day. All start as drafts; you fill in what is yours.", Href: "/policies/starters", Act: "Choose", Done: policies > 0},
	}, nil
}
