package tasks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/program"
)

// Owners are what the definitions call the owners of the controls in scope, in
// order.
func Owners(p *period.Program) []string {
	var out []string
	for _, c := range p.Selection().Controls {
		if c.Owner != "" {
			out = append(out, c.Owner)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// SetDuty says which account has what the definitions call an owner, see
// program.Book.SetDuty. An owner that no control in scope names and that has
// nobody yet is audit.ErrInvalid, and so is an account that nobody can use.
func SetDuty(ctx context.Context, p *period.Program, by access.Subject, d program.Duty) (program.Duty, error) {
	if owners := Owners(p); d.Revision == 0 && !slices.Contains(owners, d.Name) {
		return program.Duty{}, fmt.Errorf("%w: no control in scope is owned by %q. There are %s", audit.ErrInvalid, d.Name, strings.Join(owners, ", "))
	}
	if d.Account != "" {
		a, err := p.Store.Account(ctx, d.Account)
		if err != nil || access.Status(a.Status) != access.Active {
			return program.Duty{}, fmt.Errorf("%w: nobody who can sign in has the account %q", audit.ErrInvalid, d.Account)
		}
	}
	return p.Registers().SetDuty(ctx, by, d)
}

// Known refuses a task that no control in scope promises in the period.
func (l *List) Known(id string) error {
	if _, err := l.Find(id); err != nil {
		return fmt.Errorf("%w: there is no task %.100q in this period; the list of tasks has those there are", audit.ErrInvalid, id)
	}
	return nil
}
