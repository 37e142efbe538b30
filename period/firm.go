package period

import (
	"fmt"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/trust"
)

// Kind is whose workspace this is: a company's or an audit firm's.
func (p *Program) Kind() access.Workspace {
	if p.Def.IsFirm() {
		return access.Firm
	}
	return access.Company
}

// Files returns the files of the firm's engagements; the same for every caller.
// Only a firm's workspace has any.
func (p *Program) Files() *fieldwork.Book {
	p.opening.Do(func() { p.files = fieldwork.Open(p.Seal, p.Now) })
	return p.files
}

// Management returns the company's side of its examinations; the same for every
// caller. Only a company's workspace has one.
func (p *Program) Management() *management.Book {
	p.managing.Do(func() { p.management = management.Open(p.Seal, p.Now) })
	return p.management
}

// Trust returns who may read the company's reports and who did; the same for every
// caller. Only a company's workspace has one.
func (p *Program) Trust() *trust.Book {
	p.trusting.Do(func() { p.trust = trust.Open(p.Seal, p.Now) })
	return p.trust
}

// calendarYear is the year of an instant, by the days of a zone.
func calendarYear(now time.Time, zone string) (audit.Period, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return audit.Period{}, fmt.Errorf("%w: firm: zone %q: %w", audit.ErrInvalid, zone, err)
	}
	year := now.In(loc).Year()
	return audit.NewPeriod(fmt.Sprintf("%04d-01-01", year), fmt.Sprintf("%04d-12-31", year), zone)
}

// ofCompany refuses what only a company's workspace has: sources, controls and a
// period of its own.
func (p *Program) ofCompany() error {
	if !p.Def.IsFirm() {
		return nil
	}
	return fmt.Errorf("%w: this is the workspace of an audit firm, which collects and tests nothing of its own. Its engagements are on its screens: tieout serve", audit.ErrUsage)
}
