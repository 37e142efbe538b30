package period

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/deviation"
)

func judge(account string, role access.RoleID) access.Subject {
	return access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: account, Fresh: true,
		Grants: []access.Grant{{Role: role, Scope: access.ScopeWorkspace}}}
}

var (
	lea, lou = judge("01900000-0000-7000-8000-000000000001", access.ComplianceLead), judge("01900000-0000-7000-8000-000000000005", access.ComplianceLead)
	sam      = judge("01900000-0000-7000-8000-000000000002", access.ManagementSigner)
	owned    = access.Object{Controls: []string{"IAM-06"}}
)

// findingIn seals a finding, as a run does.
func findingIn(t *testing.T, p *Program) *audit.Deviation {
	t.Helper()
	from := time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)
	d := audit.Deviation{Ref: audit.DeviationRef("access.mfa", "alice", from), Title: "Second factor", Controls: []string{"IAM-06"}, Disposition: audit.Candidate,
		Result: audit.Result{Procedure: "access.mfa", Hash: "sha256:one", Item: "alice", Outcome: audit.Deviated, Span: audit.Span{From: from, To: from.AddDate(0, 0, 2)}}}
	news := deviation.News([]audit.Deviation{d}, nil, nil, audit.Actor{Kind: audit.ActorCommand, Name: "tieout check"}, p.Now())
	if _, err := p.sealDecisions(t.Context(), news, nil); err != nil {
		t.Fatal(err)
	}
	return &d
}

// Of answers given at once one counts, and everybody else is told.
func TestAnswersAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	d := findingIn(t, p)
	stands, _, err := p.LifeOf(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	errs := make([]error, 6)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			who := []access.Subject{lea, lou}[i%2]
			_, errs[i] = p.DecideAs(t.Context(), who, d, owned, Judgment{Kind: deviation.Answer, Cause: fmt.Sprintf("Cause %d.", i), Response: "x", After: stands.Newest})
		})
	}
	wg.Wait()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won >= 0:
			t.Errorf("answers %d and %d both count", won, i)
		case err == nil:
			won = i
		case !errors.Is(err, audit.ErrConflict):
			t.Error(err)
		}
	}
	all, err := p.decisions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := deviation.Merge(nil, all)[0].Cause, fmt.Sprintf("Cause %d.", won); got != want {
		t.Errorf("the cause is %q, want that of the one who was told it counts: %q", got, want)
	}
}

func TestDecideAs(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	d := findingIn(t, p)
	propose := Judgment{Kind: deviation.Propose, Why: "The account is a robot's."}
	owner := access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: "ona", Grants: []access.Grant{{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "SDL-02"}}}
	robot := lea
	robot.Kind = audit.ActorCommand
	steps := []struct {
		name string
		by   access.Subject
		j    Judgment
		want error
	}{
		{"approving what nobody proposed", sam, Judgment{Kind: deviation.Approve}, audit.ErrConflict},
		{"the owner of another control answers", owner, Judgment{Kind: deviation.Answer, Cause: "x"}, audit.ErrForbidden},
		{"a program answers", robot, Judgment{Kind: deviation.Answer, Cause: "x"}, audit.ErrForbidden},
		{"an empty answer", lou, Judgment{Kind: deviation.Answer}, audit.ErrInvalid},
		{"too long an answer", lou, Judgment{Kind: deviation.Answer, Cause: strings.Repeat("x", longest+1)}, audit.ErrInvalid},
		{"a run's own kind", lea, Judgment{Kind: deviation.Lost}, audit.ErrInvalid},
		{"answering", lou, Judgment{Kind: deviation.Answer, Cause: "A mistake."}, nil},
		{"the signer proposes", sam, propose, audit.ErrForbidden},
		{"a proposal without a reason", lea, Judgment{Kind: deviation.Propose}, audit.ErrInvalid},
		{"proposing", lea, propose, nil},
		{"the proposer approves", lea, Judgment{Kind: deviation.Approve}, audit.ErrForbidden},
		{"who answered approves", lou, Judgment{Kind: deviation.Approve}, audit.ErrForbidden},
		{"an older page", sam, Judgment{Kind: deviation.Approve, After: "sha256:x"}, audit.ErrConflict},
		{"approving", sam, Judgment{Kind: deviation.Approve, Why: "I looked."}, nil},
		{"withdrawing", sam, Judgment{Kind: deviation.Withdraw, Why: "It is a person's after all."}, nil},
		{"confirming", lea, Judgment{Kind: deviation.Confirm}, nil},
	}
	for _, tt := range steps {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := p.DecideAs(t.Context(), tt.by, d, owned, tt.j); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	stands, life, err := p.LifeOf(t.Context(), d)
	if err != nil || len(life) != 6 || stands.Newest == "" {
		t.Fatalf("%d decisions, %v; want the record and the five that were allowed", len(life), err)
	}
	for _, x := range life {
		if x.Void != nil || x.Record.Index < 0 {
			t.Errorf("%s: %v, record %d", x.Kind, x.Void, x.Record.Index)
		}
	}
}
