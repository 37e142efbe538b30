package examination

import (
	"context"
	"slices"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/packet"
	"tieout/report/attest"
)

// TheirLog is the client's log as one packet of its showed it, for tests.
func (f *Firm) TheirLog(ctx context.Context, id, from string, number int64) (*attest.Log, error) {
	return f.theirLog(ctx, id, from, number)
}

// ClientSteps are a client's entries as an annex prints them, for tests.
func ClientSteps(p engagement.ProvedSteps) []attest.Step { return clientSteps(p, "") }

// SendAnswers sends answers to one request as they were written down, for tests.
func (c *Client) SendAnswers(ctx context.Context, id string, answers ...engagement.Answer) error {
	post, err := c.Post(ctx, id, "")
	if err != nil {
		return err
	}
	var list dues
	if err := c.addAnswers(ctx, [][]engagement.Answer{answers}, sentBy(post), &list); err != nil {
		return err
	}
	return send(ctx, post, list)
}

// SendStep sends how something stands, for tests.
func SendStep(ctx context.Context, post *packet.Post, of string, n engagement.StateNews) error {
	var list dues
	list.state(of, n, engagement.SendState, n)
	return send(ctx, post, list)
}

// Untested says which days no test has seen, for tests.
func Untested(tested []audit.Tested, seen, span audit.Span) []string {
	return unseen([]ran{{tested, seen}}, span, time.UTC)
}

// UntestedBy is Untested of several runs that saw all they tested.
func UntestedBy(title string, span audit.Span, seen ...audit.Span) []string {
	var runs []ran
	for _, s := range seen {
		runs = append(runs, ran{[]audit.Tested{{Title: title}}, s})
	}
	return unseen(runs, span, time.UTC)
}

// Row is the row of a test in a file, for tests.
func Row(x *fieldwork.File, id string) attest.Test { return test(x, x.Tests[id]) }

// ControlOf is a control with its revisions in a file, for tests.
func ControlOf(x *fieldwork.File, id string) attest.Control {
	all := inForce(x)
	i := slices.IndexFunc(all, func(c []audit.Control) bool { return c[0].ID == id })
	return control(x, all[i])
}
