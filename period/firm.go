package period

import (
	"tieout/access"
	"tieout/engagement/fieldwork"
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
