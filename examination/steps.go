package examination

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/engagement/packet"
	"tieout/ledger"
	"tieout/report/attest"
)

// addSteps sends the entries of the own log that the report's annex prints, proved
// in the log as the last packet showed it; what came after waits for the next one.
func (c *Client) addSteps(ctx context.Context, id string, post *packet.Post, course []management.Turn, list *dues) (err error) {
	sent, _, err := post.Lanes(ctx)
	if err != nil || sent.Last == 0 {
		return err
	}
	p, err := post.Packet(ctx, true, sent.Last)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	course, left := few(slices.DeleteFunc(course, func(t management.Turn) bool { return t.Record >= p.Checkpoint.Size || management.Turned(t.Kind) == "" }),
		func(t management.Turn) (string, int64) { return t.Kind, t.Record })
	if len(course) == 0 {
		return nil
	}
	once := fmt.Sprintf("steps:%d", course[len(course)-1].Record)
	if done, err := sentBy(post)(ctx, once); done || err != nil {
		return err
	}
	if _, err := logUpTo(ctx, c.P, p.Checkpoint.Size); err != nil { // another process may have sent the packet
		return err
	}
	out := engagement.ProvedSteps{Packet: sent.Last, Left: left, Steps: []engagement.ProvedStep{}}
	for _, t := range course {
		s, err := c.proved(ctx, t, p.Checkpoint.Size)
		if err != nil {
			return err
		}
		out.Steps = append(out.Steps, s)
	}
	list.add(once, engagement.SendSteps, out)
	return nil
}

// proved is one entry with its proof in the own log of that size.
func (c *Client) proved(ctx context.Context, t management.Turn, size int64) (engagement.ProvedStep, error) {
	s := engagement.ProvedStep{Kind: t.Kind, On: t.On, Entry: t.Record, At: t.At.UTC(), Proof: []string{}}
	canon, salt, erased, err := c.P.Store.Canonical(ctx, t.Record)
	if err != nil || erased {
		return s, fmt.Errorf("entry %d for the annex: erased %t: %w", t.Record, erased, err)
	}
	leaf := ledger.Commit(salt, canon)
	s.Leaf = hex.EncodeToString(leaf[:])
	path, err := c.P.Log.Prove(ctx, t.Record, size)
	s.Proof = inHex(path)
	return s, err
}

// takeSteps checks every entry against the checkpoint of the packet that is named,
// which this firm holds and has cosigned, and keeps them.
// After the report they change nothing: they lie in the packet.
func (f *Firm) takeSteps(ctx context.Context, by access.Subject, id, from string, p engagement.ProvedSteps, record int64) error {
	late := false
	err := f.Files.ReadFile(ctx, id, func(_ *fieldwork.State, x *fieldwork.File) error {
		late = x.State.Over() || x.State.Place() >= engagement.Issued.Place()
		return nil
	})
	if late || err != nil {
		return err
	}
	at, err := f.theirLog(ctx, id, from, p.Packet)
	if err != nil {
		return err
	}
	if err := attest.InLog(clientSteps(p, ""), *at); err != nil {
		return err
	}
	return f.Files.TakeSteps(ctx, by, id, p, record)
}

// theirLog is the client's log as one packet of its showed it.
func (f *Firm) theirLog(ctx context.Context, id, from string, number int64) (l *attest.Log, err error) {
	post, err := f.end(ctx, id, from)
	if err != nil {
		return nil, err
	}
	p, err := post.Packet(ctx, false, number)
	if err != nil {
		return nil, fmt.Errorf("%w: packet %d, to whose checkpoint the proofs lead: %w", audit.ErrInvalid, number, err)
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	return &attest.Log{Whose: "client", Origin: from, Key: p.Checkpoint.Key.VKey(), Checkpoint: string(p.CheckpointNote()), Witnessed: []string{f.P.Log.Keys().Log()}}, nil
}

// clientSteps are a client's entries as the annex of a type of report prints them:
// one for everybody tells of no result.
func clientSteps(p engagement.ProvedSteps, of engagement.Type) (out []attest.Step) {
	for _, s := range p.Steps {
		if management.Turned(s.Kind) == "" || of == engagement.SOC3 && strings.HasPrefix(s.Kind, "finding.") {
			continue
		}
		out = append(out, attest.Step{What: management.Turned(s.Kind) + objectOf(s.On), Whose: "client", Entry: s.Entry, At: s.At, Leaf: s.Leaf, Proof: s.Proof})
	}
	return out
}
