package answer

import (
	"errors"
	"slices"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/program"
	"tieout/report"
)

// A Sight is one period as somebody looks at it: for what the table of rights is
// asked, alike by every screen and every call of a program.
type Sight struct {
	Who     access.Subject
	P       *period.Program
	Systems []string // IDs of the workspace's systems

	Rests    []audit.EvidenceLine // records that the period's results rest on, by place in the log
	Findings []audit.Deviation    // of the period
}

// SystemsOf are the IDs of a workspace's systems.
func SystemsOf(p *period.Program) (out []string) {
	for _, sys := range p.Def.Systems {
		out = append(out, sys.Name)
	}
	return out
}

// May reports whether they may do that on o.
func (s *Sight) May(id access.PermissionID, o access.Object) bool {
	ok, _ := access.Allowed(s.Who, id, o)
	return ok
}

// Reach is what a person's grants name, and what is their own: an object they
// reach with any permission their roles have at all. Lists ask for it, and then
// show only what is within reach.
func (s *Sight) Reach() access.Object {
	o := access.Object{Owner: s.Who.Account}
	for _, g := range s.Who.Grants {
		switch g.Scope {
		case access.ScopeSystem:
			o.Systems = append(o.Systems, g.Object)
		case access.ScopeControl:
			o.Controls = append(o.Controls, g.Object)
		case access.ScopeEngagement:
			if g.Object == s.P.Name || s.P.Def.IsFirm() {
				o.Engagements = append(o.Engagements, g.Object)
			}
		}
	}
	return o
}

// Reaches reports whether they may do that on anything here.
func (s *Sight) Reaches(id access.PermissionID) bool { return s.May(id, s.Reach()) }

// OfControls is an object that belongs to controls of the period.
func (s *Sight) OfControls(ids ...string) access.Object {
	return access.Object{Controls: ids, Systems: s.Systems, Engagements: []string{s.P.Name}}
}

// OfSource is what is read from one source; "": what belongs to none.
func (s *Sight) OfSource(name string) access.Object { return s.OfControls(ReadFrom(s.P, name)...) }

// OfRisk is a risk: the workspace's, and its controls'.
func (s *Sight) OfRisk(r program.Risk) access.Object {
	o := r.Object()
	o.Systems, o.Engagements = s.Systems, s.covering(lasting(r.Since, r.ClosedAt()))
	return o
}

// OfIssue is an issue: the workspace's, and its controls'. Who has one that names
// no control sees it with whatever they see.
func (s *Sight) OfIssue(i *program.Issue) access.Object {
	o := i.Object()
	if o.Systems = s.Systems; i.Owner == s.Who.Account && len(o.Controls) == 0 {
		reach := s.Reach()
		o.Systems, o.Controls = reach.Systems, reach.Controls
	}
	o.Engagements = s.covering(lasting(i.Opened, i.Closed))
	return o
}

// OfVendor is a vendor: the whole workspace's.
func (s *Sight) OfVendor(v program.Vendor) access.Object {
	return access.Object{Owner: v.Owner, Systems: s.Systems, Engagements: s.covering(lasting(v.Since, v.Ended))}
}

// OfReview is an access review, or its part of one system.
func (s *Sight) OfReview(r *program.Review, system string) access.Object {
	o := r.Object(system)
	about := []audit.Span{}
	if cycle, ok := CycleSpan(r.Cycle, s.P.Period.Location()); ok {
		about = append(about, cycle)
	}
	for i := range r.Parts {
		about = append(about, audit.At(r.Parts[i].AsOf))
	}
	o.Engagements = s.covering(about...)
	return o
}

// OfIncident is an incident.
func (s *Sight) OfIncident(i program.Incident) access.Object {
	o := i.Object()
	if len(o.Systems) == 0 {
		o.Systems = s.Systems
	}
	o.Engagements = s.covering(lasting(i.Detected, i.Closed))
	return o
}

// MayOpen refuses records that they may not read: of what people did without the
// right to read those, and to whom only an examination is open what it does not
// cover.
func (s *Sight) MayOpen(rec audit.Record) error {
	id, o := s.ofRecord(rec)
	return access.Require(s.Who, id, o)
}

// MayGive refuses to bring the auditor a record that they may not read themselves.
// What is no evidence at all, management.Book refuses.
func (s *Sight) MayGive(rec audit.Record) error {
	if err := s.MayOpen(rec); err != nil {
		return err
	}
	return access.Require(s.Who, "evidence.read", s.OfSource(rec.Source))
}

// OfExam is something of an examination's that belongs to controls: of the
// company's own side, in which an auditor's guest has no part.
func (s *Sight) OfExam(controls ...string) access.Object {
	o := s.OfControls(controls...)
	o.Engagements = nil
	return o
}

// Seeing tells of records whether they may open them. It is for many in a row,
// and for one goroutine.
func (s *Sight) Seeing() func(audit.Record) bool {
	type asked struct {
		kind    audit.RecordKind
		source  string
		covered bool
	}
	known := map[asked]bool{}
	return func(rec audit.Record) bool {
		k := asked{rec.Kind, rec.Source, s.covers(rec)}
		may, ok := known[k]
		if !ok {
			id, o := s.ofRecord(rec)
			may = s.May(id, o)
			known[k] = may
		}
		return may
	}
}

// Unknown is the answer about a thing that is not there: to who may not read
// such things at all it is that, so that nobody learns which exist.
func (s *Sight) Unknown(err error, id access.PermissionID) error {
	if !errors.Is(err, audit.ErrNotFound) && !errors.Is(err, audit.ErrInvalid) {
		return err
	}
	if refused := access.Require(s.Who, id, s.Reach()); refused != nil {
		return refused
	}
	return err
}

// InScope are the IDs of a report's controls.
func InScope(r *audit.Report) []string {
	var out []string
	for i := range r.Controls {
		out = append(out, r.Controls[i].Control.ID)
	}
	for i := range r.Untested {
		out = append(out, r.Untested[i].ID)
	}
	return out
}

// Within are the controls of a report that are within reach to read.
func (s *Sight) Within(r *audit.Report) (ids []string) {
	for _, id := range InScope(r) {
		if s.May("period.read", s.OfControls(id)) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Cut is the part of a report about these controls, with a sentence that speaks
// of that part only.
func Cut(whole *audit.Report, ids []string) audit.Report {
	r := *whole
	r.Controls, r.Untested, r.Why = nil, nil, map[string]string{}
	records := map[int64]bool{}
	for _, c := range whole.Controls {
		if slices.Contains(ids, c.Control.ID) {
			r.Controls = append(r.Controls, c)
			for i := range c.Procedures {
				for _, x := range c.Procedures[i].Deviations {
					mark(records, x.Records)
				}
				for _, x := range c.Procedures[i].Gaps {
					mark(records, x.Records)
				}
			}
		}
	}
	for _, c := range whole.Untested {
		if slices.Contains(ids, c.ID) {
			r.Untested, r.Why[c.ID] = append(r.Untested, c), whole.Why[c.ID]
		}
	}
	r.Evidence = slices.DeleteFunc(slices.Clone(whole.Evidence), func(e audit.EvidenceLine) bool { return !records[e.Index] })
	r.Sentence = report.Sentence(report.StandingOf(&r), report.Management)
	if len(ids) == 0 {
		r.Sentence = "None of the controls in scope is yours to read."
	}
	return r
}

func mark(set map[int64]bool, records []int64) {
	for _, n := range records {
		set[n] = true
	}
}

// ReadFrom are the controls tested with what a source gives.
func ReadFrom(p *period.Program, source string) []string {
	var out []string
	if source == "" {
		return nil
	}
	gives := typesOf(p, source)
	for _, proc := range p.Selection().Procedures {
		if slices.ContainsFunc(proc.Types, func(t string) bool { return slices.Contains(gives, t) }) {
			out = append(out, proc.Controls...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// typesOf are the item types that a source gives by its own definition, which
// may be fewer than its driver could; none of a source that is not defined.
func typesOf(p *period.Program, source string) []string {
	for _, def := range p.Def.Sources {
		if def.Name != source {
			continue
		}
		d, err := p.Drivers.Find(def.Kind)
		if err != nil {
			return nil
		}
		return def.Types(d.Types)
	}
	return nil
}
