package deviation

import (
	"errors"
	"testing"

	"tieout/audit"
)

// What was decided without having seen what is there has no effect.
func TestAfter(t *testing.T) {
	d := finding("alice", 3)
	after := func(x Decision, newest string) Decision { x.After = newest; return x }
	recorded := begin(t, d)
	first := StandingOf(recorded.list, &d).Newest
	answered := begin(t, d)
	answered.add(after(answer(&d, ana), first))
	second := StandingOf(answered.list, &d).Newest
	lost := begin(t, d)
	for _, n := range News(nil, map[string]string{"access.mfa": "sha256:two"}, lost.list, run, noon) {
		lost.add(n)
	}
	for _, c := range []struct {
		name   string
		before *story
		d      Decision
		want   error
	}{
		{"the first answer", recorded, after(answer(&d, ana), first), nil},
		{"a second, made beside the first", answered, after(answer(&d, ben), first), audit.ErrConflict},
		{"a confirmation, made beside the answer", answered, after(About(&d, Confirm, ben, noon), first), audit.ErrConflict},
		{"a second that saw the first", answered, after(answer(&d, ben), second), nil},
		{"a decision of before there was such a field", answered, answer(&d, ben), nil},
		{"a run that no longer found it changes nothing", lost, after(answer(&d, ana), first), nil},
		{"something that was never there", recorded, after(answer(&d, ana), "sha256:x"), audit.ErrConflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := Check(c.before.list, c.d); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if first == "" || first == second {
		t.Errorf("newest is %q, then %q", first, second)
	}
}

func TestStanding(t *testing.T) {
	d, other := finding("alice", 3), finding("bob", 9)
	s := begin(t, d)
	s.add(answer(&d, cleo))
	p := s.add(Proposal(&d, "Wrong population.", ana, noon))
	got := StandingOf(s.list, &d)
	if got.Proposal == nil || got.Proposal.By != ana || got.Recorder != run || len(got.Authors) != 1 || got.Authors[0] != cleo {
		t.Errorf("proposed: %+v", got)
	}
	s.add(approve(t, p, ben))
	if got := StandingOf(s.list, &d); got.Proposal != nil {
		t.Errorf("an approved proposal still waits: %+v", got.Proposal)
	}
	if got := StandingOf(s.list, &other); got.Newest != "" {
		t.Errorf("what was never recorded stands somewhere: %+v", got)
	}
	if err := Effect(s.list, len(s.list)); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("the effect of no decision: %v", err)
	}
}

func TestMergeNamed(t *testing.T) {
	d := finding("alice", 3)
	s := begin(t, d)
	s.add(approve(t, s.add(Proposal(&d, "Wrong test.", ana, noon)), ben))
	got := MergeNamed([]audit.Deviation{d}, s.list, map[string]string{ana.Name: "Ana Silva"})[0].DecidedBy
	if want := "Ana Silva, approved by ben@halyard.example"; got != want {
		t.Errorf("decided by %q, want %q", got, want)
	}
}
