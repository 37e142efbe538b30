package program_test

import (
	"errors"
	"slices"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
)

func TestIdentities(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	person := func() (p string) {
		t.Helper()
		if err := w.book.Read(ctx, func(s *program.State) error { p = s.PersonOf("ana"); return nil }); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if got := person(); got != "account:ana" {
		t.Errorf("nobody confirmed one: %q", got)
	}
	i := must[program.Identity](t)(w.book.LinkIdentity(ctx, lead, program.OfTieout, "ana", "hr/3", "same e-mail address", 0))
	if i.Person != "hr/3" || i.By != leaID || i.Revision != 1 || person() != "hr/3" {
		t.Errorf("linked: %+v, person %q", i, person())
	}
	i = must[program.Identity](t)(w.book.UndoIdentity(ctx, lead, program.OfTieout, "ana", "hr/3", i.Revision))
	if i.Person != "" || i.Revision != 2 || person() != "account:ana" {
		t.Errorf("undone: %+v, person %q", i, person())
	}
	i = must[program.Identity](t)(w.book.RejectIdentity(ctx, lead, program.OfTieout, "ana", "hr/3", "same e-mail address", i.Revision))
	if !i.Refuses("hr/3") || i.Refuses("hr/4") {
		t.Errorf("rejected: %+v", i)
	}
	if _, err := w.book.LinkIdentity(ctx, lead, program.OfTieout, "ana", "hr/3", "", i.Revision); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("a rejected pair: %v", err)
	}
	i = must[program.Identity](t)(w.book.UndoIdentity(ctx, lead, program.OfTieout, "ana", "hr/3", i.Revision))
	i = must[program.Identity](t)(w.book.LinkIdentity(ctx, lead, program.OfTieout, "ana", "hr/3", "", i.Revision))
	if i.Revision != 5 || len(i.Rejected) != 0 || person() != "hr/3" {
		t.Errorf("in the end: %+v", i)
	}
	if all := must[[]program.Identity](t)(w.again().AllIdentities(ctx)); len(all) != 1 || all[0].Person != "hr/3" || all[0].Revision != 5 {
		t.Errorf("another server: %+v", all)
	}
}

func TestIdentityFacts(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	must[program.Identity](t)(w.book.LinkIdentity(ctx, lead, program.OfAccount, "okta/ana", "hr/3", "same login", 0))
	must[program.Identity](t)(w.book.LinkIdentity(ctx, lead, program.OfDevice, "mdm/C02", "hr/3", "", 0))
	must[program.Identity](t)(w.book.UndoIdentity(ctx, lead, program.OfAccount, "okta/ana", "hr/3", 1))
	must[program.Identity](t)(w.book.RejectIdentity(ctx, lead, program.OfAccount, "okta/ben", "hr/3", "", 0))
	var facts []audit.Fact
	if err := w.book.Read(ctx, func(s *program.State) error { facts = slices.Clone(s.Facts); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(facts) != 3 {
		t.Fatalf("%d facts, want 3: %+v", len(facts), facts)
	}
	first, device, gone := facts[0], facts[1], facts[2]
	if first.Type != "link" || first.Fields["account"] != "okta/ana" || first.Fields["device"] != "" || first.Fields["person"] != "hr/3" ||
		first.Fields["basis"] != "confirmed by a person: same login" || first.Fields["by"] != leaID || first.Fields["confirmed"] != true {
		t.Errorf("account: %+v", first)
	}
	if device.Fields["device"] != "mdm/C02" || device.Fields["account"] != "" || device.Fields["basis"] != "confirmed by a person" {
		t.Errorf("device: %+v", device)
	}
	if !gone.Gone || gone.ID != first.ID {
		t.Errorf("undone: %+v", gone)
	}
}

func TestIdentityRefused(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	must[program.Identity](t)(w.book.LinkIdentity(ctx, lead, program.OfAccount, "okta/ana", "hr/3", "", 0))
	command := access.Subject{Workspace: access.Company, Kind: audit.ActorCommand, Account: leaID, Grants: lead.Grants}
	link := func(by access.Subject, of, thing, person, basis string, rev int64) func() error {
		return func() error { _, err := w.book.LinkIdentity(ctx, by, of, thing, person, basis, rev); return err }
	}
	tests := []struct {
		name string
		do   func() error
		want error
	}{
		{"a reader", link(reader, program.OfAccount, "okta/ben", "hr/4", "", 0), audit.ErrForbidden},
		{"a command", link(command, program.OfAccount, "okta/ben", "hr/4", "", 0), audit.ErrForbidden},
		{"of something else", link(lead, "car", "okta/ben", "hr/4", "", 0), audit.ErrInvalid},
		{"of nothing", link(lead, program.OfAccount, "", "hr/4", "", 0), audit.ErrInvalid},
		{"to nobody", link(lead, program.OfAccount, "okta/ben", "", "", 0), audit.ErrInvalid},
		{"a basis without end", link(lead, program.OfAccount, "okta/ben", "hr/4", string(make([]byte, 600)), 0), audit.ErrInvalid},
		{"one that is linked", link(lead, program.OfAccount, "okta/ana", "hr/4", "", 1), audit.ErrConflict},
		{"one that changed", link(lead, program.OfAccount, "okta/ana", "hr/4", "", 0), audit.ErrConflict},
		{"undoing what was not said", func() error {
			_, err := w.book.UndoIdentity(ctx, lead, program.OfAccount, "okta/ana", "hr/9", 1)
			return err
		}, audit.ErrConflict},
		{"rejecting what is confirmed", func() error {
			_, err := w.book.RejectIdentity(ctx, lead, program.OfAccount, "okta/ana", "hr/3", "", 1)
			return err
		}, audit.ErrConflict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.do(); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}
