package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/program"
	"tieout/reader/policies"
	"tieout/reader/roster"
	"tieout/report"
	"tieout/report/text"
)

// Schemas of what the command writes as JSON.
const (
	agreementsSchema = "tieout.agreements/1"
	agreedSchema     = "tieout.policies-in-force/1"
)

func (a *app) agreeListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "agree-list [ID]", Short: "Policies in force and how many agreed; of one, who has and who has not", Args: atMost(1, "a policy such as security-policy"),
		Long: `Lists the policies that are kept in Tieout or as files, where each stands, and
how many of those it is for agreed to it; of one policy, everybody with what is
missing. People agree for themselves, on their own page under 'tieout serve'.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error {
				read, err := readersOf(cmd.Context(), p)
				if err != nil {
					return err
				}
				if len(args) == 0 {
					return a.listAgreed(cmd.Context(), p, read)
				}
				return a.listAgreements(cmd.Context(), p, read, args[0])
			})
		},
	}
}

// A readership is who reads, and how people are called.
type readership struct {
	members []policies.Member
	names   map[string]access.Named
	files   []period.PolicyFile
}

// readersOf are everybody of whom reading can be asked.
func readersOf(ctx context.Context, p *period.Program) (r readership, err error) {
	people, err := p.People(ctx, "")
	if err != nil {
		return r, err
	}
	if r.names, err = people.Names(ctx); err != nil {
		return r, err
	}
	if r.files, err = p.PolicyFiles(); err != nil {
		return r, err
	}
	var persons map[string]string
	err = p.Registers().Read(ctx, func(s *program.State) error {
		persons = policies.Persons(s, r.names)
		return nil
	})
	if err != nil {
		return r, err
	}
	var known *roster.Roster
	if len(persons) > 0 {
		if known, err = roster.Load(ctx, p, nil, nil); err != nil {
			return r, err
		}
	}
	r.members = policies.Members(r.names, persons, known)
	return r, nil
}

// name is how an account is called; what is no account, as it is.
func (r readership) name(account string) string {
	if n, ok := r.names[account]; ok {
		return n.Name
	}
	return account
}

func (a *app) listAgreed(ctx context.Context, p *period.Program, read readership) error {
	var l *policies.List
	err := p.Registers().Read(ctx, func(s *program.State) error {
		l = policies.Read(s, read.files, read.members, audit.Instant(p.Now()))
		return nil
	})
	if err != nil {
		return err
	}
	out := listing{schema: agreedSchema, summary: l.Sentence(), columns: []text.Column{
		{Head: "policy"}, {Head: "title", Flex: true}, {Head: "status"}, {Head: "version"}, {Head: "agreed", Right: true}, {Head: "asked", Right: true}, {Head: "review due"},
		{Head: "owner", Flex: true}, {Head: "why", Flex: true},
	}}
	for _, r := range l.Rows {
		due, why := "", r.Fault
		if !r.ReviewDue.IsZero() {
			due = r.ReviewDue.In(p.Period.Location()).Format("2006-01-02")
		}
		if r.Draft > 0 {
			why = fmt.Sprintf("version %d waits for approval", r.Draft)
		}
		out.rows = append(out.rows, row{[]string{r.ID, r.Title, r.Status, r.Version, report.Number(r.Agreed), report.Number(r.Asked), due, read.name(r.Owner), why}, r})
	}
	return a.show(out)
}

// An agreementValue is one person's standing as JSON.
type agreementValue struct {
	Account string `json:"account"`
	Person  string `json:"person"` // "": nobody confirmed whose account it is
	Name    string `json:"name"`
	Holds   bool   `json:"holds"`
	Version string `json:"version"` // agreed to last; "" never
	At      string `json:"at"`      // RFC 3339; "" never
	Entry   string `json:"entry"`   // of the log, such as E-42
	Missing string `json:"missing"` // in words; "" where it holds
}

func (a *app) listAgreements(ctx context.Context, p *period.Program, read readership, id string) error {
	docs, err := p.DocumentsInFiles()
	if err != nil {
		return err
	}
	var doc *program.Document
	var all []policies.Standing
	err = p.Registers().Read(ctx, func(s *program.State) error {
		inForce := s.Documents(docs)
		if i := slices.IndexFunc(inForce, func(d program.Document) bool { return d.ID == id }); i >= 0 {
			doc, all = &inForce[i], policies.Standings(s, inForce[i], read.members, audit.Instant(p.Now()))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if doc == nil {
		return fmt.Errorf("%w: no policy %q is in force; see 'tieout policy agree-list'", audit.ErrNotFound, id)
	}
	out := listing{schema: agreementsSchema, columns: []text.Column{{Head: "name", Flex: true}, {Head: "agreed"}, {Head: "version"}, {Head: "entry"}, {Head: "why", Flex: true}}}
	agreed := 0
	for _, s := range all {
		v := agreementValue{Account: s.Account, Person: s.Person, Name: s.Name, Holds: s.Holds, Version: s.Asked.Version, Missing: s.Missing(p.Period.Location())}
		day := ""
		if !s.Asked.Done.IsZero() {
			day = s.Asked.Done.In(p.Period.Location()).Format("2006-01-02")
			v.At, v.Entry = audit.FormatTime(s.Asked.Done), audit.EvidenceRef(s.Asked.Record)
		}
		if s.Holds {
			agreed++
		}
		out.rows = append(out.rows, row{[]string{s.Name, day, v.Version, v.Entry, v.Missing}, v})
	}
	out.summary = policies.Agreed(agreed, len(all), doc.Version)
	if !doc.Acknowledge {
		out.summary = "Nobody is asked to agree to " + doc.Title + "."
	}
	return a.show(out)
}
