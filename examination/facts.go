package examination

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/engagement"
	"tieout/engagement/describe"
	"tieout/engagement/management"
	"tieout/program"
	"tieout/report/attest"
)

// Facts are what the workspace holds of an engagement's system: the definitions'
// boundary, commitments, requirements and controls, the registers' incidents and
// suppliers, the agreed terms, and changes with what a signer decided of them.
func (c *Client) Facts(ctx context.Context, id string) (f describe.Facts, err error) {
	var t engagement.Terms
	rulings := map[string]management.Ruling{}
	err = c.Side.Read(ctx, func(s *management.State) error {
		x, err := s.Side(id)
		if err != nil {
			return err
		}
		t, f.Expected = x.Terms, described(x.Expected)
		for ref, r := range x.Changes {
			rulings[ref] = *r
		}
		return nil
	})
	if err != nil {
		return f, err
	}
	if f.Zone, err = time.LoadLocation(t.Zone); err != nil {
		return f, fmt.Errorf("%w: the engagement's time zone: %w", audit.ErrInvalid, err)
	}
	f.Company, f.System, f.Over = t.Client.Name, t.System, t.Type.OverPeriod()
	first, last := t.First, t.Last
	if f.Period = attest.Day(first) + " to " + attest.Day(last); !f.Over {
		first, last, f.Period = t.AsOf, t.AsOf, attest.Day(t.AsOf)
	}
	f.Legal, f.Services = strings.TrimSpace(c.P.Def.Config.Organization.LegalName), c.P.Def.Services()
	sys := systemOf(c.P.Def, t.System)
	if sys != nil {
		boundary(&f, sys)
	}
	c.criteria(&f, t)
	if err := c.registered(ctx, &f, t, sys, first, last); err != nil {
		return f, err
	}
	if !f.Over {
		return f, nil
	}
	changes, err := c.Changes(ctx, first, last)
	for _, x := range changes {
		day, _ := time.ParseInLocation(time.DateOnly, x.Day, f.Zone)
		r, decided := rulings[x.Ref]
		f.Changes = append(f.Changes, describe.Change{Ref: x.Ref, Text: x.Text, At: day, Decided: decided, Disclosed: r.Disclosed})
	}
	return f, err
}

// systemOf is the defined system that is examined: the one of that name, or the
// only one there is; nil where it cannot be told.
func systemOf(w *definition.Workspace, name string) *definition.System {
	for i := range w.Systems {
		if w.Systems[i].Name == name {
			return &w.Systems[i]
		}
	}
	if len(w.Systems) == 1 {
		return &w.Systems[0]
	}
	return nil
}

// boundary is what the definitions say of the system.
func boundary(f *describe.Facts, s *definition.System) {
	f.Boundary = strings.TrimSpace(s.Boundary)
	for _, u := range s.Users {
		f.Users = append(f.Users, describe.Named{ID: u.ID, Name: u.Name, Text: u.Description})
	}
	for _, p := range s.Components {
		since := ""
		if p.Since != "" {
			since = attest.Day(p.Since)
		}
		f.Components = append(f.Components, describe.Component{ID: p.ID, Name: p.Name, Kind: p.Kind, Owner: p.Owner, Text: p.Description, Since: since})
	}
	for _, d := range s.Data {
		f.Data = append(f.Data, describe.Class{ID: d.ID, Name: d.Name, Level: d.Class, Text: d.Description})
	}
	for _, x := range s.Excluded {
		f.Excluded = append(f.Excluded, describe.Reason{What: x})
	}
	for _, x := range s.Exclusions {
		f.Excluded = append(f.Excluded, describe.Reason{What: x.What, Why: x.Why})
	}
	promises := func(list []definition.Commitment) (out []describe.Promise) {
		for _, p := range list {
			out = append(out, describe.Promise{ID: p.ID, Text: p.Text, Where: p.Where})
		}
		return out
	}
	f.Commitments, f.Requirements = promises(s.Commitments), promises(s.Requirements)
	if len(f.Expected) == 0 {
		f.Expected = UserControls(s)
	}
}

// UserControls are the controls of user entities (CUEC) as the definitions have
// them.
func UserControls(s *definition.System) (out []describe.Expected) {
	for _, x := range s.CUECs {
		out = append(out, describe.Expected{ID: x.ID, Text: x.Text, Criteria: x.Criteria})
	}
	return out
}

func described(list []engagement.Expected) (out []describe.Expected) {
	for _, x := range list {
		out = append(out, describe.Expected{ID: x.ID, Text: x.Text, Criteria: x.Criteria})
	}
	return out
}

// criteria are those that apply and those that do not, with the controls that are in
// force.
func (c *Client) criteria(f *describe.Facts, t engagement.Terms) {
	if f.Objectives = t.Type.OfObjectives(); f.Objectives {
		for _, o := range t.Objectives {
			f.Criteria = append(f.Criteria, o.ID)
		}
	} else if set := c.P.Def.Catalog.Set(cmp.Or(c.P.Def.Config.Criteria, definition.DefaultSet)); set != nil {
		for _, k := range set.In(inScope(t)) {
			if why := c.P.Def.LeftOut(k.ID); why != "" {
				f.Left = append(f.Left, describe.Reason{What: k.ID, Why: why})
				continue
			}
			f.Criteria = append(f.Criteria, k.ID)
		}
	}
	for _, k := range c.P.Selection().Controls {
		if !t.Covers(k) {
			continue
		}
		meets := k.Criteria
		for _, o := range t.Objectives {
			if slices.Contains(o.Controls, k.ID) {
				meets = append(slices.Clip(meets), o.ID)
			}
		}
		one := describe.Control{ID: k.ID, Title: k.Title, Text: k.Description, Criteria: meets}
		if n := len(f.Controls); n > 0 && f.Controls[n-1].ID == k.ID {
			f.Controls[n-1] = one // a later revision of it
			continue
		}
		f.Controls = append(f.Controls, one)
	}
}

// registered is what the registers hold for the days first to last: incidents and
// what suppliers' reports speak about.
func (c *Client) registered(ctx context.Context, f *describe.Facts, t engagement.Terms, sys *definition.System, first, last string) error {
	span, err := inDays(first, last, t.Zone)
	if err != nil {
		return err
	}
	if !f.Over {
		span.From = time.Time{} // what came before the date and still matters is for management to decide
	}
	return c.P.Registers().Read(ctx, func(s *program.State) error {
		for _, i := range s.Incidents {
			if touches(i, span) {
				f.Incidents = append(f.Incidents, incidentOf(i, f.Commitments))
			}
		}
		slices.SortFunc(f.Incidents, func(a, b describe.Incident) int { return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID)) })
		for _, o := range t.Subservices {
			sub := describe.Subservice{Name: o.Name, Service: o.Service, Inclusive: o.Inclusive, Expected: described(o.Expected), Monitored: o.Monitor}
			if d := subserviceOf(sys, o.Name); d != nil {
				supplied(&sub, d, s, c.P.Period.Location())
			}
			f.Subservices = append(f.Subservices, sub)
		}
		return nil
	})
}

func incidentOf(i *program.Incident, promises []describe.Promise) describe.Incident {
	out := describe.Incident{ID: i.ID, Title: i.Title, Cause: i.Cause, Began: i.Detected, Ended: i.Resolved, Subjects: i.Subjects}
	if out.Began.IsZero() {
		out.Began = i.Reported
	}
	if i.Personal == "no" {
		out.Subjects = 0
	}
	if r := i.Disclosure; r != nil && !r.Open {
		out.Decided, out.Disclosed = true, r.Yes
	}
	var touched []string
	for _, id := range i.Promises {
		if n := slices.IndexFunc(promises, func(p describe.Promise) bool { return p.ID == id }); n >= 0 {
			touched = append(touched, strings.TrimRight(promises[n].Text, ". "))
		}
	}
	if len(touched) > 0 {
		out.Effect = "It touched what was promised: " + strings.Join(touched, "; ")
	}
	return out
}

func subserviceOf(sys *definition.System, name string) *definition.Subservice {
	if sys == nil {
		return nil
	}
	for i := range sys.Subservices {
		if sys.Subservices[i].Name == name {
			return &sys.Subservices[i]
		}
	}
	return nil
}

// supplied adds what the definitions and the register of suppliers know of a
// subservice organization beside the terms.
func supplied(sub *describe.Subservice, d *definition.Subservice, s *program.State, zone *time.Location) {
	if len(sub.Monitored) == 0 {
		sub.Monitored = d.Monitoring
	}
	if len(sub.Expected) == 0 {
		for _, x := range d.CSOCs {
			sub.Expected = append(sub.Expected, describe.Expected{ID: x.ID, Text: x.Text, Criteria: x.Criteria})
		}
	}
	last := ""
	for _, r := range s.VendorReports {
		if r.Vendor == d.Vendor && d.Vendor != "" && r.Shows() && r.Concluded() && r.Last > last {
			last = r.Last
		}
	}
	if v := s.Vendors[d.Vendor]; last == "" && v != nil && !v.Reviewed.IsZero() && !v.ReportEnd.IsZero() {
		last = v.ReportEnd.In(zone).Format(time.DateOnly)
	}
	if last != "" {
		sub.Report = attest.Day(last)
	}
}
