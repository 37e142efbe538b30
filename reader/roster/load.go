package roster

import (
	"context"
	"errors"
	"slices"
	"time"

	"tieout/audit"
	"tieout/period"
	"tieout/procedure"
	"tieout/program"
)

// Load makes the roster of a workspace from what was collected and decided.
func Load(ctx context.Context, p *period.Program, decided []program.Identity, here []Here) (*Roster, error) {
	in := Input{Decided: decided, Here: here, Now: audit.Instant(p.Now()), Zone: p.Period.Location()}
	for typ, to := range map[string]**audit.Timeline{"person": &in.People, "account": &in.Accounts, "device": &in.Devices, "link": &in.Links} {
		tl, err := p.Timeline(ctx, typ)
		if err != nil {
			return nil, err
		}
		*to = tl
	}
	return New(in), nil
}

// At is the roster as it reads at another instant.
func (r *Roster) At(now time.Time) *Roster {
	c := *r
	c.Now = now
	return &c
}

// reviewControl is the control that an access review performs, as the library
// names it.
const reviewControl = "IAM-03"

// Lists freezes the lists of several systems for an access review. within are
// the systems under examination they belong to.
func Lists(ctx context.Context, p *period.Program, r *Roster, systems []string) (program.ReviewList, error) {
	out := program.ReviewList{}
	for _, s := range p.Def.Systems {
		out.Within = append(out.Within, s.Name)
	}
	if slices.ContainsFunc(p.Selection().Controls, func(c audit.Control) bool { return c.ID == reviewControl }) {
		out.Controls = []string{reviewControl}
	}
	members, err := p.Timeline(ctx, "membership")
	if err != nil {
		return out, err
	}
	reading := func(key audit.StreamKey, record int64) (audit.Observation, error) { return p.Reading(ctx, key, record) }
	systems = slices.Compact(slices.Sorted(slices.Values(systems)))
	var wrong []error
	for _, s := range systems {
		part, rows, err := r.ListOf(s, members, reading)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		out.Parts, out.Rows = append(out.Parts, part), append(out.Rows, rows...)
	}
	return out, errors.Join(wrong...)
}

// Removal is how long access may outlive an engagement here, as the procedure
// about leavers says; nil where none says it.
func Removal(p *period.Program) func(time.Time) time.Time {
	for _, proc := range p.Selection().Procedures {
		if proc.ID != "access.leavers" && proc.ID != "access.leavers.accounts" {
			continue
		}
		length, ok := proc.Parameters["time"].(string)
		if !ok {
			continue
		}
		if _, err := procedure.Deadline(p.Now(), length, p.Period.Location(), p.Def.Config.Holidays); err != nil {
			continue
		}
		return func(end time.Time) time.Time {
			due, err := procedure.Deadline(end, length, p.Period.Location(), p.Def.Config.Holidays)
			if err != nil {
				return end
			}
			return due
		}
	}
	return nil
}
