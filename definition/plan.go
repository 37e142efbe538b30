package definition

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/procedure"
)

// A Plan says what a change of the definitions does to a running period. The
// same two revisions, period and day always give the same Plan.
type Plan struct {
	Old    string `json:"old,omitempty"` // hash of the revision in force; "" if there is none
	New    string `json:"new"`
	Lines  []Line `json:"lines"`
	Add    int    `json:"add"`
	Change int    `json:"change"`
	Retire int    `json:"retire"`
}

// A Line is one thing that changes. Mark is + added, ~ changed, - retired or
// removed, ! worth a second look.
type Line struct {
	Mark string `json:"mark"`
	Kind string `json:"kind"` // organization, period, source, one of ScopeKinds, control, procedure, criterion
	ID   string `json:"id"`
	What string `json:"what"`
	When string `json:"when,omitempty"`
}

// Empty reports whether the revisions differ in nothing that matters.
func (p Plan) Empty() bool { return len(p.Lines) == 0 }

// String writes the plan as a person reads it: a line each and one closing count.
func (p Plan) String() string {
	if p.Empty() {
		return "Nothing changes.\n"
	}
	var id, what int
	for _, l := range p.Lines {
		if l.Mark != "!" {
			id = max(id, min(len(l.Kind)+len(l.ID)+1, 34))
			what = max(what, min(len(l.What), 46))
		}
	}
	var b strings.Builder
	for _, l := range p.Lines {
		line := fmt.Sprintf("  %s %-*s   %-*s   %s", l.Mark, id, l.Kind+" "+l.ID, what, l.What, l.When)
		if l.Mark == "!" {
			line = fmt.Sprintf("  ! %s %s", l.ID, l.What)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	fmt.Fprintf(&b, "\n%d to add, %d to change, %d to retire.\n", p.Add, p.Change, p.Retire)
	return b.String()
}

// NewPlan compares two revisions for one period at the instant now. old may be
// nil: then everything is added.
func NewPlan(old, new *Workspace, period audit.Period, now time.Time) Plan {
	p := &planner{old: old, new: new, first: period.First(), last: period.Last(),
		today: now.In(period.Location()).Format(time.DateOnly)}
	p.plan.New = new.Hash()
	if old == nil {
		p.old = &Workspace{Catalog: new.Catalog, Config: new.Config, Organization: new.Organization, Periods: new.Periods}
	} else {
		p.plan.Old = old.Hash()
	}
	p.organization()
	p.sources()
	p.systems()
	p.controls()
	p.procedures()
	p.mappings()
	if old != nil {
		p.criteria()
	}
	return p.plan
}

// A planner collects lines.
type planner struct {
	old, new           *Workspace
	first, last, today string // of the period, in its zone
	plan               Plan
}

func (p *planner) line(mark, kind, id, what, when string) {
	p.plan.Lines = append(p.plan.Lines, Line{mark, kind, id, what, when})
	switch mark {
	case "+":
		p.plan.Add++
	case "~":
		p.plan.Change++
	case "-":
		p.plan.Retire++
	}
}

func (p *planner) organization() {
	a, b := p.old.Organization, p.new.Organization
	var d diff
	d.word("name", a.Name, b.Name)
	d.word("system", a.System, b.System)
	d.word("zone", a.Zone, b.Zone)
	d.list("categories", words(a.Categories), words(b.Categories))
	d.list("criteria that do not apply", p.old.Config.reasons(), p.new.Config.reasons())
	d.word("legal name", p.old.Config.Organization.LegalName, p.new.Config.Organization.LegalName)
	d.list("services", p.old.Config.Organization.Services, p.new.Config.Organization.Services)
	d.word("criteria", p.old.Config.Criteria, p.new.Config.Criteria)
	d.list("holidays", p.old.Config.Holidays, p.new.Config.Holidays)
	d.word("log", p.old.Config.Ledger.Origin, p.new.Config.Ledger.Origin)
	if len(d) > 0 {
		p.line("~", "organization", slug(b.Name), d.String(), "for all periods")
	}
	for _, id := range sortedKeys(p.new.Config.Organization.NotApplicable) {
		if n := controlsPerCriterion(p.new, p.last)[id]; n > 0 {
			p.line("!", "criterion", id, fmt.Sprintf("is said not to apply, while controls meet it: %d", n), "")
		}
	}
	p.periods()
}

func (p *planner) periods() {
	old := map[string]Period{}
	for _, per := range p.old.Periods {
		old[per.Name] = per
	}
	for _, per := range p.new.Periods {
		before, ok := old[per.Name]
		delete(old, per.Name)
		switch {
		case !ok:
			p.line("+", "period", per.Name, per.First()+" to "+per.Last(), "")
			p.length(per)
		case !before.From.Equal(per.From) || !before.To.Equal(per.To):
			p.line("~", "period", per.Name, fmt.Sprintf("%s to %s -> %s to %s", before.First(), before.Last(), per.First(), per.Last()), "")
			p.length(per)
		}
	}
	for _, name := range sortedKeys(old) {
		p.line("-", "period", name, "removed", "")
	}
	for _, h := range p.new.Holes() {
		if !slices.Contains(p.old.Holes(), h) {
			p.line("!", "period", h.Before, fmt.Sprintf("leaves %s to %s out: no period holds these days, and no report speaks of them", h.First, h.Last), "")
		}
	}
}

// length warns of a period of a Type II that readers ask about.
func (p *planner) length(per Period) {
	if p.new.ReportOf(per.Name) != ReportTypeII {
		return
	}
	if warn := audit.LengthWarning(per.First(), per.Last()); warn != "" {
		p.line("!", "period", per.Name, strings.TrimSuffix(warn, "."), "")
	}
}

func words[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}

func (p *planner) sources() {
	old := map[string]SourceDef{}
	for _, s := range p.old.Sources {
		old[s.Name] = s
	}
	for _, s := range p.new.Sources {
		before, ok := old[s.Name]
		delete(old, s.Name)
		switch {
		case !ok:
			p.line("+", "source", s.Name, s.Kind, "read from the next collection on")
		case before.Kind != s.Kind:
			p.line("~", "source", s.Name, before.Kind+" -> "+s.Kind, "from the next collection on")
		case string(before.With) != string(s.With):
			p.line("~", "source", s.Name, "settings", "from the next collection on")
		}
	}
	for _, name := range sortedKeys(old) {
		p.line("-", "source", name, "removed", "what it gave stays sealed; no evidence after "+p.today)
	}
}

// criteria says which criteria are left with one control or none at the
// period's end, where there were more before.
func (p *planner) criteria() {
	was, is := controlsPerCriterion(p.old, p.last), controlsPerCriterion(p.new, p.last)
	for _, c := range p.new.Criteria() {
		if is[c.ID] > 1 || is[c.ID] >= was[c.ID] {
			continue
		}
		left := "no control"
		if is[c.ID] == 1 {
			left = "1 control"
		}
		p.line("!", "criterion", c.ID, fmt.Sprintf("would be met by %s, was %d", left, was[c.ID]), "")
	}
}

func controlsPerCriterion(w *Workspace, day string) map[string]int {
	n := map[string]int{}
	for _, c := range w.Controls {
		if !inForce(c.Effective, day) {
			continue
		}
		for _, id := range c.Criteria {
			n[id]++
		}
	}
	return n
}

func inForce(e audit.Effective, day string) bool {
	return (e.From == "" || e.From <= day) && (e.To == "" || e.To >= day)
}

// A revised is one revision of a control or procedure, as a plan compares it.
type revised struct {
	title     string
	effective audit.Effective
	hash      string // of what is tested; "" for controls
	control   *audit.Control
	procedure *procedure.Procedure
}

func (p *planner) controls() {
	p.compare("control", controlRevisions(p.old), controlRevisions(p.new))
}

func controlRevisions(w *Workspace) map[string][]revised {
	out := map[string][]revised{}
	for i := range w.Controls {
		c := &w.Controls[i]
		out[c.ID] = append(out[c.ID], revised{title: c.Title, effective: c.Effective, control: c})
	}
	return out
}

func (p *planner) procedures() {
	p.compare("procedure", procedureRevisions(p.old), procedureRevisions(p.new))
	if n := p.dropped(); n > 0 {
		p.line("!", "procedure", "procedures/", fmt.Sprintf("has no file with `use: starter`, so %d procedures of the library no longer run; "+
			"to keep them add procedures/starter.yaml with that line", n), "")
	}
}

// dropped counts library procedures that were in force and that a procedures
// folder without the starter set takes away: easily done, and rarely meant.
func (p *planner) dropped() (n int) {
	kept := map[string]bool{}
	for _, x := range p.new.Procedures {
		if p.new.Origin(x.ID) == libraryOrigin {
			return 0
		}
		kept[x.ID] = true
	}
	for _, x := range p.old.Procedures {
		if p.old.Origin(x.ID) == libraryOrigin && !kept[x.ID] {
			n++
		}
	}
	return n
}

func procedureRevisions(w *Workspace) map[string][]revised {
	out := map[string][]revised{}
	for _, proc := range w.Procedures {
		out[proc.ID] = append(out[proc.ID], revised{title: proc.Title, effective: proc.Effective, hash: proc.Hash, procedure: proc})
	}
	return out
}

func (p *planner) compare(kind string, old, new map[string][]revised) {
	ids := append(sortedKeys(old), sortedKeys(new)...)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		switch a, b := old[id], new[id]; {
		case a == nil:
			p.added(kind, id, b)
		case b == nil:
			p.removed(kind, id)
		default:
			p.revised(kind, id, a, b)
		}
	}
}

func (p *planner) added(kind, id string, b []revised) {
	from, to := p.span(audit.Effective{From: b[0].effective.From, To: b[len(b)-1].effective.To})
	when := "strip starts " + from
	if kind == "procedure" {
		when = p.tests("tests", from, to)
	}
	p.line("+", kind, id, b[len(b)-1].title, when)
}

func (p *planner) removed(kind, id string) {
	if kind == "procedure" {
		p.line("-", kind, id, "removed", "no longer run; results under its hash stay")
		return
	}
	p.line("-", kind, id, "removed", "leaves the report; to keep it until today, give it effective: { to: "+p.today+" }")
}

// revised compares the revisions of one control or procedure.
func (p *planner) revised(kind, id string, a, b []revised) {
	for i, r := range b {
		switch {
		case i < len(a):
			p.changed(kind, id, a[i], r, i == len(b)-1)
		default:
			p.changed(kind, id, b[i-1], r, false)
		}
	}
	if len(b) < len(a) {
		p.line("!", kind, id, fmt.Sprintf("loses %d of its revisions; their days are tested by another text", len(a)-len(b)), "")
	}
	if from := b[0].effective.From; from > p.first && (a[0].effective.From == "" || a[0].effective.From < from) {
		gap := max(p.first, a[0].effective.From)
		p.line("!", kind, id, fmt.Sprintf("has no text in force from %s to %s; keep the earlier revision with effective: { to: %s }",
			gap, dayBefore(from), dayBefore(from)), "")
	}
}

func (p *planner) changed(kind, id string, a, b revised, last bool) {
	if what := differences(a, b); len(what) > 0 {
		p.line("~", kind, id, what.String(), p.effect(kind, a, b))
	}
	if !last || b.effective.To == a.effective.To {
		return
	}
	switch {
	case b.effective.To == "":
		p.line("~", kind, id, "no longer retired on "+a.effective.To, "")
	default:
		p.line("-", kind, id, "retired "+b.effective.To, "tested until then, stays in the report")
	}
}

// effect says from when a change counts and what it does to what was tested.
func (p *planner) effect(kind string, a, b revised) string {
	from, to := p.span(b.effective)
	if kind == "procedure" && a.hash != b.hash {
		return p.tests("re-tests", from, to) + " under a new hash; results under the old hash stay"
	}
	if b.effective.From == "" {
		return "for the whole period; give it effective dates to keep the earlier text for its own days"
	}
	when := "from " + b.effective.From
	if b.control != nil && a.control.Frequency != b.control.Frequency {
		if due := firstDue(b.control.Frequency, b.effective.From); due != "" {
			when += ", first due " + due
		}
	}
	return when
}

// span is the part of the period that has passed and that e is in force for.
func (p *planner) span(e audit.Effective) (from, to string) {
	from, to = max(p.first, e.From), min(p.last, p.today)
	if e.To != "" {
		to = min(to, e.To)
	}
	return from, to
}

func (p *planner) tests(verb, from, to string) string {
	if to < from {
		return verb + " from " + from
	}
	return verb + " " + from + " to " + to
}
