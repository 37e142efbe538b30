package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/packet"
	"tieout/report"
	"tieout/source"
)

// sync exchanges packets with the other side's server.
func (q *request) sync(e examEnd, address string) (packet.Exchanged, error) {
	u, err := packet.ParseURL(address)
	if err != nil {
		return packet.Exchanged{}, err
	}
	allow := "" // public addresses only
	if u.Scheme == "http" {
		if q.s.secure() {
			return packet.Exchanged{}, fmt.Errorf("%w: %s is this machine itself; a server that others reach exchanges with https addresses only", audit.ErrInvalid, address)
		}
		allow = "loopback"
	}
	ctx, cancel := context.WithTimeout(q.Context(), exchangeTime)
	defer cancel()
	c := packet.Client{URL: u, HTTP: source.Guard(&http.Client{Timeout: exchangeTime}, allow, u), Post: e.post, By: q.actor(), Take: e.take}
	done, err := c.Sync(ctx)
	if ctx.Err() != nil && q.Context().Err() == nil {
		err = fmt.Errorf("%w: it took longer than %d seconds. What went through stays; exchange again, and it goes on from there", audit.ErrConflict, int(exchangeTime/time.Second))
	}
	return done, err
}

// synced says what an exchange did, or on the form what went wrong.
func (q *request) synced(done packet.Exchanged, err error) (words string, problem error) {
	if err == nil {
		if len(done.Pushed)+len(done.Pulled) == 0 {
			return "Nothing was new on either side.", nil
		}
		return report.Capital(report.Plural(len(done.Pushed), "packet was", "packets were")) + " sent, " + report.Number(len(done.Pulled)) + " fetched.", nil
	}
	if errors.Is(err, audit.ErrUnavailable) {
		err = fmt.Errorf("%w: the server there does not answer as it should: %s", audit.ErrConflict, strings.TrimPrefix(reason(err, audit.ErrUnavailable), "unavailable: "))
	}
	return "", q.packetProblem(err, len(done.Pulled))
}

func (q *request) examSync() error {
	e, err := q.companyEnd()
	if err != nil {
		return err
	}
	if e.address == "" {
		err = fmt.Errorf("%w: no address of the firm's server is written down; files are carried by hand", audit.ErrConflict)
	}
	if err == nil {
		err = q.s.flush(q.Context(), e.id)
	}
	var done packet.Exchanged
	if err == nil {
		done, err = q.sync(e, e.address)
	}
	words, perr := q.synced(done, err)
	switch {
	case perr != nil:
		return perr
	case err == nil:
		return q.done(e.at, words)
	}
	return q.showPackets(e, true, false)
}

// examFetch asks an invited firm's server for the terms of an examination.
func (q *request) examFetch() error {
	f, err := q.examFirm()
	id := q.field("engagement")
	var e examEnd
	if err == nil {
		err = engagement.CheckID(id)
	}
	if err == nil {
		e, err = q.invitedEnd(id, f.Origin)
	}
	var done packet.Exchanged
	if err == nil {
		done, err = q.sync(e, f.Address)
	}
	words, perr := q.synced(done, err)
	switch {
	case perr != nil:
		return perr
	case err == nil:
		return q.done(q.to("/examinations"), words)
	}
	return q.examinations()
}

// examLetter hands over the engagement letter, as the newest terms brought it.
func (q *request) examLetter() error {
	e, err := q.companyEnd()
	if err != nil {
		return err
	}
	list, err := e.post.List(q.Context(), false, 0)
	if err != nil {
		return err
	}
	slices.Reverse(list)
	i := slices.IndexFunc(list, func(f packet.Filed) bool { return f.Kind == engagement.SendTerms })
	if i < 0 {
		return fmt.Errorf("%w: a packet with terms", audit.ErrNotFound)
	}
	p, err := e.post.Packet(q.Context(), false, list[i].Number)
	if err != nil {
		return err
	}
	in, err := p.File("engagement-letter")
	if err != nil {
		return errors.Join(err, p.Close())
	}
	q.asFile(e.id+"-engagement-letter", "application/octet-stream")
	return errors.Join(q.streamed(io.Copy(q.w, in)), p.Close())
}

// examLanes says what went between the sides, and fills in the firm's part of it.
func (q *request) examLanes(post *packet.Post, firm *firmPartyRow) (string, error) {
	sent, received, err := post.Lanes(q.Context())
	if err != nil {
		return "", err
	}
	in, err := post.List(q.Context(), false, 0)
	if err != nil {
		return "", err
	}
	firm.Sent, firm.Received, firm.LastHeard = report.Plural(int(sent.Last), "packet", "packets"), report.Plural(int(received.Last), "packet", "packets"), "never"
	if n := len(in); n > 0 {
		firm.LastHeard = report.Moment(in[n-1].At, q.zone())
		firm.Seen = "The firm's log showed " + report.Plural(int(received.Seen.Size), "entry", "entries") + " then, and this log has witnessed it."
	}
	return sayPackets(int(sent.Last), int(received.Last), int(sent.Last-received.Heard), "the firm"), nil
}
