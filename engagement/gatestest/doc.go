// Package gatestest is the table of orders that an examination forbids, for
// tests: of the books themselves, of the screens, of the interface for programs,
// of the command line and of the tools for models.
//
// Walk takes a firm's file EN-1 from its opening to its locked archive, and calls
// try with every act that comes too early or too late at that place, before it
// goes on. WalkClient does so with the client's side. What is tried has to be
// refused: where it is not, the walk cannot go on either.
//
//	gatestest.Walk(firm, func(c gatestest.Case) {
//		got := screen.Post(path(c.Act, c.Args), form(c.Args))
//		// want it refused, with c.Says in the words
//	})
//
// Acts are named as the methods of fieldwork.Book and management.Book, and Args
// hold what these take. Do is the act itself, through the book.
package gatestest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
)

// ID is the engagement's in both walks.
const ID = "EN-1"

// A Case is one act at a place where it is forbidden.
type Case struct {
	Name string // the rule, in words
	Act  string // method of the book: "DrawSample"
	By   string // who tries: a duty of the firm's (fieldwork.Duties), or Lead, Signer, Owner
	Args Args
	Kind error  // what the refusal is: audit.ErrConflict, audit.ErrForbidden, audit.ErrInvalid or audit.ErrNotFound
	Says string // a part of the gate's own words
	Do   func(context.Context) error
}

// Who tries on the client's side.
const (
	Lead   = "compliance lead"
	Signer = "management signer"
	Owner  = "employee"
)

// Args are what acts take; an act reads those it needs. Base is the revision
// under which what is changed was read.
type Args struct {
	Control, Population, Sample, Test, Finding, Request, What string
	Round                                                     string
	Text, Why, Digest, Dated                                  string
	State                                                     engagement.State
	Order                                                     fieldwork.Order
	Cells                                                     []fieldwork.Cell
	Verdict                                                   fieldwork.Verdict
	Concluding                                                fieldwork.Concluding
	Planned                                                   engagement.Test
	Draft                                                     fieldwork.FindingDraft
	Part                                                      engagement.Part
	Opinion                                                   engagement.Opinion
	Basis                                                     string
	Files                                                     []fieldwork.IssuedFile
	Reliance                                                  engagement.Reliance
	Signed                                                    engagement.Signature

	Assertion      engagement.Assertion
	Representation engagement.Representation
	Bridge         management.BridgeData
	Frozen         engagement.Population
	Answer         engagement.Answer
	Response       engagement.Response
	Controls       []string
	Seen           []int64
	Section        engagement.DCSection

	Base int64
}

// Refused fails unless the error is the case's refusal.
func (c Case) Refused(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, c.Kind) || !strings.Contains(err.Error(), c.Says) {
		t.Errorf("%s (%s): got %v; want it refused: %q", c.Name, c.Act, err, c.Says)
	}
}

// Status is what the interface for programs answers to the case.
func (c Case) Status() int {
	switch {
	case errors.Is(c.Kind, audit.ErrForbidden):
		return 403
	case errors.Is(c.Kind, audit.ErrNotFound):
		return 404
	case errors.Is(c.Kind, audit.ErrInvalid), errors.Is(c.Kind, audit.ErrAltered):
		return 422
	}
	return 409
}

// as is a person with a role, signed in a moment ago.
func as(where access.Workspace, account string, role access.RoleID) access.Subject {
	g := access.Grant{Role: role, Scope: access.ScopeWorkspace}
	switch role {
	case access.Staff, access.Specialist, access.QualityReviewer:
		g = access.Grant{Role: role, Scope: access.ScopeEngagement, Object: ID}
	case access.Employee:
		g.Scope = access.ScopeOwn
	}
	return access.Subject{Workspace: where, Kind: audit.ActorPerson, Account: account, Session: "S", Fresh: true, Grants: []access.Grant{g}}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		check(t, err)
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func day(t time.Time) string { return t.Format(time.DateOnly) }

// date is the first moment of a day, in UTC.
func date(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
