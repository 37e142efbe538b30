package deviation

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tieout/audit"
)

var (
	ana  = audit.Actor{Kind: audit.ActorPerson, Name: "ana@halyard.example"}
	ben  = audit.Actor{Kind: audit.ActorPerson, Name: "ben@halyard.example"}
	cleo = audit.Actor{Kind: audit.ActorPerson, Name: "cleo@halyard.example"}
	run  = audit.Actor{Kind: audit.ActorCommand, Name: "check"}
	noon = time.Date(2026, 9, 14, 12, 0, 0, 0, time.UTC)
)

func finding(item string, day int) audit.Deviation {
	s := audit.Span{From: time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 3, day+2, 0, 0, 0, 0, time.UTC)}
	return audit.Deviation{
		Ref: audit.DeviationRef("access.mfa", item, s.From), Title: "Second factor", Controls: []string{"IAM-06"}, Disposition: audit.Candidate,
		Result: audit.Result{Procedure: "access.mfa", Hash: "sha256:one", Item: item, Outcome: audit.Deviated, Span: s},
	}
}

// a story is a list of decisions that grows.
type story struct {
	t    *testing.T
	list []Decision
}

func (s *story) add(d Decision) Decision {
	s.t.Helper()
	if err := Check(s.list, d); err != nil {
		s.t.Fatalf("%s: %v", d.Kind, err)
	}
	s.list = append(s.list, d)
	return d
}

func begin(t *testing.T, found ...audit.Deviation) *story {
	t.Helper()
	s := &story{t: t}
	for _, d := range News(found, nil, nil, run, noon) {
		s.add(d)
	}
	return s
}

func answer(d *audit.Deviation, by audit.Actor) Decision {
	a := About(d, Answer, by, noon)
	a.Cause, a.Response = "A setting was changed by hand.", "It was changed back on 16 March."
	return a
}

func approve(t *testing.T, p Decision, by audit.Actor) Decision {
	t.Helper()
	a, err := Approval(p, "I looked at the record.", by, noon)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLife(t *testing.T) {
	d := finding("alice", 3)
	s := begin(t, d)
	see := func(name string, want audit.Disposition) audit.Deviation {
		t.Helper()
		got := Merge([]audit.Deviation{d}, s.list)
		if len(got) != 1 || got[0].Disposition != want {
			t.Fatalf("%s: got %d findings, disposition %q; want one, %q", name, len(got), got[0].Disposition, want)
		}
		return got[0]
	}
	see("recorded", audit.Candidate)
	s.add(answer(&d, ana))
	if got := see("answered", audit.Candidate); got.Cause == "" || got.Response == "" {
		t.Errorf("the answer is not beside the finding: %+v", got)
	}
	s.add(About(&d, Confirm, ana, noon))
	see("confirmed", audit.Confirmed)
	p := s.add(Proposal(&d, "The account is a robot's.", ana, noon))
	see("proposed only", audit.Confirmed)
	s.add(approve(t, p, ben))
	got := see("approved", audit.NotDeviation)
	if want := "ana@halyard.example, approved by ben@halyard.example"; got.DecidedBy != want || got.DecidedWhy != "The account is a robot's." {
		t.Errorf("decided by %q because %q", got.DecidedBy, got.DecidedWhy)
	}
	w := About(&d, Withdraw, cleo, noon)
	w.Why = "The account is a person's after all."
	s.add(w)
	if got := see("withdrawn", audit.Candidate); got.Response == "" || got.DecidedBy != "" {
		t.Errorf("after withdrawal: %+v", got)
	}
}

func TestCheckRefuses(t *testing.T) {
	d, other := finding("alice", 3), finding("bob", 9)
	recorded := begin(t, d)
	proposed := begin(t, d)
	proposed.add(answer(&d, cleo))
	p := proposed.add(Proposal(&d, "Wrong population.", ana, noon))
	replaced := begin(t, d)
	replaced.add(p)
	replaced.add(Proposal(&d, "Wrong test.", cleo, noon))
	approved := begin(t, d)
	approved.add(p)
	approved.add(approve(t, p, ben))
	upper := audit.Actor{Kind: audit.ActorPerson, Name: " ANA@halyard.example"}
	edit := func(d Decision, f func(*Decision)) Decision { f(&d); return d }
	for _, c := range []struct {
		name   string
		before *story
		d      Decision
		want   error
	}{
		{"proposer approves", proposed, approve(t, p, ana), audit.ErrForbidden},
		{"proposer approves, spelled otherwise", proposed, approve(t, p, upper), audit.ErrForbidden},
		{"who answered approves", proposed, approve(t, p, cleo), audit.ErrForbidden},
		{"a program approves", proposed, approve(t, p, run), audit.ErrForbidden},
		{"who approved answers", approved, answer(&d, ben), audit.ErrForbidden},
		{"a replaced proposal", replaced, approve(t, p, ben), audit.ErrConflict},
		{"no proposal", recorded, approve(t, p, ben), audit.ErrConflict},
		{"never recorded", recorded, About(&other, Confirm, ana, noon), audit.ErrNotFound},
		{"recorded twice", recorded, News([]audit.Deviation{d}, nil, nil, run, noon)[0], audit.ErrConflict},
		{"no reason", recorded, Proposal(&d, " ", ana, noon), audit.ErrInvalid},
		{"a program proposes", recorded, Proposal(&d, "Wrong test.", run, noon), audit.ErrForbidden},
		{"empty answer", recorded, About(&d, Answer, ana, noon), audit.ErrInvalid},
		{"a program confirms without a rule", recorded, About(&d, Confirm, run, noon), audit.ErrInvalid},
		{"nobody", recorded, About(&d, Confirm, audit.Actor{Kind: audit.ActorPerson}, noon), audit.ErrInvalid},
		{"no time", recorded, About(&d, Confirm, ana, time.Time{}), audit.ErrInvalid},
		{"unknown kind", recorded, About(&d, "forget", ana, noon), audit.ErrInvalid},
		{"other schema", recorded, edit(About(&d, Confirm, ana, noon), func(d *Decision) { d.Schema = 2 }), audit.ErrInvalid},
		{"another finding inside", recorded, edit(News([]audit.Deviation{other}, nil, nil, run, noon)[0], func(x *Decision) { x.Finding = &d }), audit.ErrInvalid},
		{"same reference, another item", recorded, edit(About(&d, Confirm, ana, noon), func(x *Decision) { x.Item = "eve" }), audit.ErrNotFound},
	} {
		if err := Check(c.before.list, c.d); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		before, after := Merge([]audit.Deviation{d}, c.before.list), Merge([]audit.Deviation{d}, append(c.before.list[:len(c.before.list):len(c.before.list)], c.d))
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s: a refused decision had an effect:\n%s", c.name, diff)
		}
		if got := len(Problems(append(c.before.list[:len(c.before.list):len(c.before.list)], c.d))); got != 1 {
			t.Errorf("%s: %d problems are named, want 1", c.name, got)
		}
	}
}

func TestNoLongerFound(t *testing.T) {
	alice, bob := finding("alice", 3), finding("bob", 9)
	s := begin(t, alice, bob)
	s.add(answer(&alice, ana))
	ran := map[string]string{"access.mfa": "sha256:two"}
	news := News([]audit.Deviation{bob}, ran, s.list, run, noon)
	if len(news) != 1 || news[0].Kind != Lost || news[0].Ref != alice.Ref {
		t.Fatalf("got %+v, want one Lost for alice", news)
	}
	s.add(news[0])
	got := Merge([]audit.Deviation{bob}, s.list)
	if len(got) != 2 || got[0].Item != "alice" || got[0].NotFoundBy != "sha256:two" || got[0].Disposition != audit.Candidate || got[0].Response == "" {
		t.Errorf("alice's finding did not stay as it was: %+v", got)
	}
	if again := News([]audit.Deviation{bob}, ran, s.list, run, noon); len(again) != 0 {
		t.Errorf("the same run says it twice: %+v", again)
	}
	if other := News(nil, map[string]string{"other": "h"}, s.list, run, noon); len(other) != 0 {
		t.Errorf("a run of another procedure lost findings: %+v", other)
	}
	if got := Merge([]audit.Deviation{alice, bob}, s.list); got[0].NotFoundBy != "" {
		t.Errorf("found again, still marked: %+v", got[0])
	}
}

func TestDispositionIsAboutOneTest(t *testing.T) {
	late := finding("alice", 3)
	late.Outcome = audit.Late
	s := begin(t, late)
	s.add(approve(t, s.add(Proposal(&late, "Wrong population.", ana, noon)), ben))
	worse, changed := late, late
	worse.Outcome = audit.Deviated
	changed.Hash = "sha256:two"
	for _, c := range []struct {
		name  string
		found []audit.Deviation
		want  audit.Disposition
	}{
		{"same", []audit.Deviation{late}, audit.NotDeviation},
		{"worse", []audit.Deviation{worse}, audit.Candidate},
		{"another test", []audit.Deviation{changed}, audit.Candidate},
		{"no longer found", nil, audit.NotDeviation},
	} {
		if got := Merge(c.found, s.list); len(got) != 1 || got[0].Disposition != c.want {
			t.Errorf("%s: got %+v, want disposition %q", c.name, got, c.want)
		}
	}
}

// TestMergeTrustsOnlyDecisions: what a run's value claims about decisions is
// not believed.
func TestMergeTrustsOnlyDecisions(t *testing.T) {
	d := finding("alice", 3)
	d.Disposition, d.DecidedBy, d.Response, d.NotFoundBy = audit.NotDeviation, "nobody", "nothing", "x"
	got := Merge([]audit.Deviation{d}, nil)
	if got[0].Disposition != audit.Candidate || got[0].DecidedBy+got[0].Response+got[0].NotFoundBy != "" {
		t.Errorf("got %+v", got[0])
	}
}

// TestNothingIsLost: whatever is decided in whatever order, every finding ever
// recorded or found now is in the result, and none is dismissed by one person.
func TestNothingIsLost(t *testing.T) {
	people := []audit.Actor{ana, ben, cleo, run}
	all := []audit.Deviation{finding("alice", 3), finding("bob", 9), finding("carol", 20)}
	rapid.Check(t, func(rt *rapid.T) {
		var list []Decision
		for range rapid.IntRange(0, 25).Draw(rt, "steps") {
			list = append(list, draw(rt, list, all, people))
		}
		n := rapid.IntRange(0, len(all)).Draw(rt, "found")
		lives, _ := replay(list)
		want := map[key]bool{}
		for k := range lives {
			want[k] = true
		}
		for i := range all[:n] {
			want[keyOf(&all[i])] = true
		}
		got := Merge(all[:n], list)
		if len(got) != len(want) {
			rt.Fatalf("got %d findings, want %d", len(got), len(want))
		}
		for _, d := range got {
			l := lives[keyOf(&d)]
			if d.Disposition == audit.NotDeviation && (l.approval == nil || same(l.approval.By, l.proposal.By)) {
				rt.Fatalf("%s was dismissed by one person", d.Item)
			}
		}
	})
}

func draw(rt *rapid.T, list []Decision, all []audit.Deviation, people []audit.Actor) Decision {
	d := &all[rapid.IntRange(0, len(all)-1).Draw(rt, "finding")]
	by := people[rapid.IntRange(0, len(people)-1).Draw(rt, "by")]
	switch rapid.IntRange(0, 6).Draw(rt, "kind") {
	case 0:
		return News([]audit.Deviation{*d}, nil, nil, run, noon)[0]
	case 1:
		return answer(d, by)
	case 2:
		return Proposal(d, "Wrong test.", by, noon)
	case 3:
		for i := len(list) - 1; i >= 0; i-- {
			if list[i].Kind == Propose {
				a, _ := Approval(list[i], "", by, noon)
				return a
			}
		}
	case 4:
		x := About(d, Lost, run, noon)
		x.Hash = "sha256:two"
		return x
	case 5:
		x := About(d, Withdraw, by, noon)
		x.Why = "Mistaken."
		return x
	}
	return About(d, Confirm, by, noon)
}

func TestFormat(t *testing.T) {
	d := finding("alice", 3)
	s := begin(t, d)
	s.add(answer(&d, ana))
	s.add(approve(t, s.add(Proposal(&d, "Wrong test.", ana, noon)), ben))
	for _, want := range s.list {
		b, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", want.Kind, diff)
		}
		for _, bad := range [][]byte{append([]byte(" "), b...), b[:len(b)-1], bytes.Replace(b, []byte(`"kind"`), []byte(`"Kind"`), 1), bytes.Replace(b, []byte(`"at"`), []byte(`"bt"`), 1)} {
			if _, err := Parse(bad); !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("%s: got %v, want an invalid", bad, err)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	d := finding("alice", 3)
	p := Proposal(&d, "Wrong test.", ana, noon)
	a, err := Approval(p, "", ben, noon)
	if err != nil {
		f.Fatal(err)
	}
	for _, x := range append(News([]audit.Deviation{d}, nil, nil, run, noon), p, a, answer(&d, ana), About(&d, Confirm, ana, noon)) {
		b, err := Encode(x)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Encode(d)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("parsed %q, wrote %q, %v", b, again, err)
		}
		Merge(nil, []Decision{d})
	})
}
