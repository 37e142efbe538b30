package procedure

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
)

func quarter(t *testing.T) Input {
	t.Helper()
	period, err := audit.NewPeriod("2026-01-01", "2026-03-31", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	return Input{Period: period, AsOf: period.To, Timeline: func(typ string) (*audit.Timeline, error) { return &audit.Timeline{Type: typ}, nil }}
}

// What is compiled when it is performed tests as what was compiled when it was
// read, for whichever controls and days a copy of it names, also where several
// runs perform it at once.
func TestTrustedTestsTheSame(t *testing.T) {
	data := []byte(doc("", ""))
	whole, err := Parse("p.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := ParseTrusted("p.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	if trusted.holds != nil {
		t.Error("it is compiled before anybody performs it")
	}
	want, got := *whole, *trusted
	for _, p := range []*Procedure{&want, &got} {
		p.Controls, p.Effective = []string{"HAL-01"}, audit.Effective{From: "2026-02-01"}
	}
	in := quarter(t)
	first, err := Run(t.Context(), in, []*Procedure{&want}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			second, err := Run(t.Context(), in, []*Procedure{&got}, nil)
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(first, second); diff != "" {
				t.Errorf("compiled when read and when performed (-want +got):\n%s", diff)
			}
		})
	}
	wait.Wait()
	if !slices.Equal(trusted.Controls, []string{"IAM-06"}) || trusted.holds != nil {
		t.Error("performing a copy changed the procedure")
	}
}

// A document that nothing tested before it shipped stops the run that performs
// it, with its fault.
func TestTrustedFaultStopsTheRun(t *testing.T) {
	p, err := ParseTrusted("p.yaml", []byte(doc("'account.mfa.enforced'", "'account.mfa.enforce'")))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var fault *Error
		if _, err := Run(t.Context(), quarter(t), []*Procedure{p}, nil); !errors.As(err, &fault) || !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("got %v, want the fault in the document", err)
		}
	}
}

// With other parameters it is compiled at once: their values are checked then.
func TestTrustedWithParameters(t *testing.T) {
	p, err := ParseTrusted("p.yaml", []byte(doc("population:", "parameters: { on: true }\npopulation:")))
	if err != nil {
		t.Fatal(err)
	}
	own, err := p.WithParameters(map[string]any{"on": false})
	if err != nil || own.holds == nil || own.Hash == p.Hash {
		t.Errorf("got %v, compiled %v, another hash %v", err, own != nil && own.holds != nil, own != nil && own.Hash != p.Hash)
	}
	if _, err := p.WithParameters(map[string]any{"on": "yes"}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a value of another kind: got %v", err)
	}
}

// A duration beside an expression may be a parameter too, and moves with it.
func TestDurationsMayBeParameters(t *testing.T) {
	text := doc("continuous:\n  holds: 'account.mfa.enforced'\n", `parameters: { time: 1bd, wait: 10d, word: soon, flag: true }
with:
  tickets: { items: ticket, on: { ticket.subject: account.id }, at: account.createdAt, after: params.time }
empty: { tickets: deviation }
event:
  at: account.createdAt
  maxGap: params.wait
  attributes: { A: { text: done, holds: 'tickets.exists(t, t.status == "done")' } }
`)
	text = text[:strings.Index(text, "examples:")]
	p, err := parse("p.yaml", []byte(text+"examples: []\n"), nil)
	var fault *Error
	if !errors.As(err, &fault) || len(fault.Faults) != 2 { // it has no examples, and nothing else is wrong
		t.Fatalf("got %v and %v", p, err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"no such parameter", "after: params.time", "after: params.tim", `after: parameters: has no "tim"; did you mean "time"?`},
		{"no duration", "after: params.time", "after: params.word", "after: params.word: "},
		{"no text", "after: params.time", "after: params.flag", "after: params.flag: "},
	} {
		if _, err := parse("p.yaml", []byte(strings.Replace(text, c.old, c.new, 1)), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestLeaversTimeIsTheParameter(t *testing.T) {
	data, err := os.ReadFile("../library/procedures/access.leavers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse("access.leavers.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	own, err := p.WithParameters(map[string]any{"time": "3bd"})
	if err != nil {
		t.Fatal(err)
	}
	last := len(own.joins) - 1
	if p.joins[last].after == own.joins[last].after {
		t.Errorf("with other parameters keys are still looked at after %v", own.joins[last].after)
	}
}
