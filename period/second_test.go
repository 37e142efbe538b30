package period

import (
	"errors"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/deviation"
	"tieout/program"
)

// Who proposed at a shell does not approve in a browser, nor with another
// account, nor the other way round, before it is known that they are two people.
func TestSecondPersonOfDeviations(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	ctx := t.Context()
	d := findingIn(t, p)
	decide := func(name string, kind deviation.Kind) error {
		x, err := p.decisionBy(ctx, d, kind, "A robot's.", audit.Actor{Kind: audit.ActorPerson, Name: name})
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Decide(ctx, x)
		return err
	}
	refused := func(name string, err error, words string) {
		t.Helper()
		if !errors.Is(err, audit.ErrForbidden) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: got %v, want it refused: %s", name, err, words)
		}
	}
	link := func(account, person string) {
		t.Helper()
		if _, err := p.Registers().LinkIdentity(ctx, lou, program.OfTieout, account, person, "", 0); err != nil {
			t.Fatal(err)
		}
	}
	approve := Judgment{Kind: deviation.Approve}
	if err := decide("ana", deviation.Propose); err != nil {
		t.Fatal(err)
	}
	_, err := p.DecideAs(ctx, sam, d, owned, approve)
	refused("a browser beside a shell", err, "Link both accounts")
	refused("another name at the shell", decide("root", deviation.Approve), "Link both accounts")
	link("ana", "hr/2")
	link(sam.Account, "hr/2")
	_, err = p.DecideAs(ctx, sam, d, owned, approve)
	refused("an account of the same person", err, "an account of the same person")

	if err := decide(lea.Account, deviation.Propose); err != nil {
		t.Fatal(err)
	}
	refused("a shell beside a browser", decide("ana", deviation.Approve), "Link both accounts")
	link(lea.Account, "hr/2")
	_, err = p.DecideAs(ctx, sam, d, owned, approve)
	refused("an account of the same person proposed", err, "an account of the same person")
	if _, err := p.Registers().UndoIdentity(ctx, lou, program.OfTieout, lea.Account, "hr/2", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := p.DecideAs(ctx, sam, d, owned, approve); err != nil {
		t.Errorf("two accounts of which nobody said that they are one person's: %v", err)
	}
	for _, kind := range []deviation.Kind{deviation.Confirm, deviation.Withdraw, deviation.Approve} {
		if MayDecide(sam, kind, owned, deviation.Standing{Recorder: audit.Actor{Kind: audit.ActorPerson, Name: lea.Account}}) {
			t.Errorf("%s: allowed where nobody knows whose the accounts are", kind)
		}
	}
}
