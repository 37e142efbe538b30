package examination

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/definition"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/engagement/packet"
	"tieout/internal/canonical"
	"tieout/ledger"
	"tieout/period"
)

// receiver is who takes packets in: the server itself, after it checked them.
func receiver(w access.Workspace, digest string) access.Subject {
	return access.Subject{Workspace: w, Kind: audit.ActorConnector, Account: "exchange", Once: "packet:" + digest}
}

// exchanger is who sends them.
var exchanger = audit.Actor{Kind: audit.ActorConnector, Name: "exchange"}

// A Client is a company's end of its examinations.
type Client struct {
	P        *period.Program
	Side     *management.Book
	Register *packet.Register
}

// NewClient returns the company's end of its examinations in an open workspace.
func NewClient(p *period.Program) (*Client, error) {
	if p.Def.IsFirm() {
		return nil, fmt.Errorf("%w: this is an audit firm's workspace, not a company's", audit.ErrUsage)
	}
	return &Client{p, p.Management(), packet.NewRegister(p.Seal, p.Now)}, nil
}

// own is this workspace as the other side knows it: the log's origin and the
// first key it had.
func own(p *period.Program) engagement.Party {
	chain := p.Log.Keys()
	return engagement.Party{Name: p.Def.Organization.Name, Origin: chain.Log(), Key: chain.Links()[0].Key.VKey()}
}

// Post is the company's end of one engagement's exchange; before its terms are
// here, with the invited firm whose log is other. Of an engagement that is here
// only its own firm has an end: any other is audit.ErrNotFound, invited or not.
// Packets go to and come from a firm that is invited, under the key it is invited
// with: where that has ended the error is audit.ErrForbidden. What is in the log
// and was not acted on is acted on first.
func (c *Client) Post(ctx context.Context, id, other string) (*packet.Post, error) {
	post, err := c.end(ctx, id, other)
	if err != nil {
		return nil, err
	}
	return post, c.acting(post).behind(ctx)
}

// end is Post that acts on nothing.
func (c *Client) end(ctx context.Context, id, other string) (*packet.Post, error) {
	var sides packet.Sides
	err := c.Side.Read(ctx, func(s *management.State) error {
		if x := s.Sides[id]; x != nil {
			if other != "" && x.Terms.Firm.Origin != other {
				return fmt.Errorf("%w: engagement %s is not with the firm whose log is %q", audit.ErrNotFound, id, other)
			}
			sides = packet.SidesOf(x.Terms)
			return invited(s, x.Terms.Firm)
		}
		f := s.Firms[other]
		if f == nil || !f.Ended.IsZero() {
			return fmt.Errorf("%w: no firm is invited whose log is %q", audit.ErrNotFound, other)
		}
		sides = packet.Sides{Engagement: id, Firm: engagement.Party{Name: f.Name, Origin: f.Origin, Key: f.Key}}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.post(sides)
}

func (c *Client) acting(post *packet.Post) acting { return acting{c.P.Store, post, c.act} }

func (c *Client) post(sides packet.Sides) (*packet.Post, error) {
	sides.Client = own(c.P)
	return c.Register.Post(sides)
}

// invited refuses a firm whose packets are not taken any more.
func invited(s *management.State, firm engagement.Party) error {
	f := s.Firms[firm.Origin]
	if f == nil || !f.Ended.IsZero() || f.Key != firm.Key {
		return fmt.Errorf("%w: %s is not invited any more, or with another key: nothing is taken from it or sent to it until a compliance lead or signer invites it again", audit.ErrForbidden, firm.Name)
	}
	return nil
}

// Kept is what went between the two sides of an engagement until now, to read: it
// stays when the firm is not invited any more.
func (c *Client) Kept(ctx context.Context, id string) (*packet.Post, error) {
	var sides packet.Sides
	err := c.Side.Read(ctx, func(s *management.State) error {
		x, err := s.Side(id)
		if err == nil {
			sides = packet.SidesOf(x.Terms)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.post(sides)
}

// Keeper finds the end of an exchange for a server: what arrives there is acted
// on before the answer is given.
func (c *Client) Keeper(ctx context.Context, id, other string) (packet.Keeper, error) {
	post, err := c.end(ctx, id, other)
	if err != nil {
		return nil, err
	}
	return keeper{post, c.Take, c.Flush}, nil
}

// A keeper acts on what arrives, and readies what is to be fetched.
type keeper struct {
	*packet.Post
	act   func(context.Context, packet.Received) error
	ready func(context.Context, string) error
}

// Receive implements packet.Keeper. What cannot be acted on is received all the
// same: it is in the log, and the error says why it did not count. What could not
// be acted on yet is acted on before the next packet, or when something is fetched.
func (k keeper) Receive(ctx context.Context, by audit.Actor, in io.Reader, consent ledger.Consent) (packet.Received, error) {
	r, err := k.Post.Receive(ctx, by, in, consent)
	if err != nil {
		return r, err
	}
	if err := k.act(ctx, r); err != nil {
		return packet.Received{}, errors.Join(err, r.Close())
	}
	return r, nil
}

// List implements packet.Keeper.
func (k keeper) List(ctx context.Context, sent bool, after int64) ([]packet.Filed, error) {
	if sent {
		if err := k.ready(ctx, k.Sides().Engagement); err != nil {
			return nil, err
		}
	}
	return k.Post.List(ctx, sent, after)
}

// Take acts on a packet of the firm's that is in the log, after those before it.
// Taking it again changes nothing; it is acted on though ctx is canceled.
func (c *Client) Take(ctx context.Context, r packet.Received) error {
	ctx = context.WithoutCancel(ctx)
	post, err := c.end(ctx, r.Header.Engagement, r.Header.From)
	if err != nil {
		return err
	}
	return c.acting(post).take(ctx, r)
}

func (c *Client) act(ctx context.Context, r packet.Received) error {
	id, by := r.Header.Engagement, receiver(access.Company, r.Digest)
	switch r.Header.Kind {
	case engagement.SendTerms:
		return taking(r, func(o engagement.TermsOffer) error { return c.Side.TakeTerms(ctx, by, r.Header.From, o) })
	case engagement.SendRequests:
		return taking(r, func(n []engagement.RequestNews) error { return c.Side.TakeRequests(ctx, by, id, n) })
	case engagement.SendAcceptance:
		return taking(r, func(a engagement.Acceptance) error { return c.Side.TakeAcceptance(ctx, by, id, a) })
	case engagement.SendSample:
		return taking(r, func(s engagement.Sample) error { return c.Side.TakeSample(ctx, by, id, s) })
	case engagement.SendFindings:
		return taking(r, func(f []engagement.Finding) error { return c.Side.TakeFindings(ctx, by, id, f) })
	case engagement.SendDraft:
		return taking(r, func(d engagement.Draft) error { return c.Side.TakeDraft(ctx, by, id, d, r.Record) })
	case engagement.SendComments:
		return taking(r, func(l []engagement.Comment) error { return c.Side.TakeComments(ctx, by, id, l) })
	case engagement.SendState:
		return taking(r, func(n engagement.StateNews) error { return c.Side.TakeState(ctx, by, id, n) })
	case engagement.SendReport:
		return taking(r, func(x engagement.Release) error {
			if x.Withdrawn {
				return c.Side.TakeWithdrawal(ctx, by, id, x, r.Record)
			}
			words, err := opinionsOf(r.Packet, x)
			if err != nil {
				return err
			}
			return c.Side.TakeRelease(ctx, by, id, x, r.Record, words)
		})
	}
	return nil // what only shows the sender's log brings nothing else
}

// taking reads a packet's payload and acts on it.
func taking[T any](r packet.Received, act func(T) error) error {
	v, err := packet.Payload[T](r.Packet)
	if err != nil {
		return err
	}
	err = act(v)
	if r.Again && errors.Is(err, audit.ErrConflict) {
		return nil // it was acted on, or refused, when it came first
	}
	if err != nil {
		return fmt.Errorf("packet %s: %w", r.Name(), err)
	}
	return nil
}

// Flush seals a packet for everything that management decided and the firm was
// not sent yet. It sends nothing that is only drafted.
func (c *Client) Flush(ctx context.Context, id string) error {
	post, err := c.Post(ctx, id, "")
	if err != nil {
		return err
	}
	list, err := c.due(ctx, id, post)
	if err != nil {
		return err
	}
	return send(ctx, post, list)
}

// A sentFor says whether something was sent already, by what it is sent once for.
type sentFor func(ctx context.Context, once string) (bool, error)

func sentBy(post *packet.Post) sentFor {
	return func(ctx context.Context, once string) (bool, error) {
		_, sent, err := post.SentFor(ctx, once)
		return sent, err
	}
}

// A due is one thing that is to be sent. of names what changes, such as
// "finding:X-1:", of which the other side gets the state as it is now: also one
// that it had before another. "" is what happened, which is sent once.
type due struct {
	packet.Outgoing
	of string
}

// A dues is all that is to be sent, in order.
type dues []due

// add adds what happened.
func (d *dues) add(once string, kind engagement.Kind, payload any, files ...packet.File) {
	*d = append(*d, due{packet.Outgoing{Kind: kind, Payload: payload, Files: files, Once: once}, ""})
}

// state adds how something stands now, told from other states by what it holds.
func (d *dues) state(of string, holds any, kind engagement.Kind, payload any, files ...packet.File) {
	*d = append(*d, due{packet.Outgoing{Kind: kind, Payload: payload, Files: files, Once: of + contentOf(holds)}, of})
}

// once is what d is sent once for; "" where the other side has it.
func (d due) once(ctx context.Context, post *packet.Post) (string, error) {
	if d.of == "" {
		_, sent, err := post.SentFor(ctx, d.Once)
		if sent || err != nil {
			return "", err
		}
		return d.Once, nil
	}
	newest, number, err := post.NewestFor(ctx, d.of)
	if err != nil || newest == d.Once || strings.HasPrefix(newest, d.Once+afterPacket) {
		return "", err
	}
	_, before, err := post.SentFor(ctx, d.Once)
	if err == nil && before { // it stands again as it stood before packet number said otherwise
		return fmt.Sprintf("%s%s%d", d.Once, afterPacket, number), nil
	}
	return d.Once, err
}

// afterPacket is between what something holds and the packet that said otherwise.
const afterPacket = "/after/"

func send(ctx context.Context, post *packet.Post, list dues) error {
	for _, d := range list {
		once, err := d.once(ctx, post)
		if err != nil {
			return err
		}
		if once == "" {
			continue // what it holds follows from what it was sent for
		}
		o := d.Outgoing
		o.By, o.Once = exchanger, once
		if _, err = post.Send(ctx, o); errors.Is(err, book.ErrKeyUsed) {
			if now, serr := d.once(ctx, post); now == "" || serr != nil {
				err = serr // another process sent it meanwhile, beside the log as it was then
			}
		}
		if err != nil {
			return fmt.Errorf("send %s: %w", o.Kind, err)
		}
	}
	return nil
}

// due is what follows from the state, in the order in which the firm needs it.
// What would take reading evidence is left out where it was sent.
func (c *Client) due(ctx context.Context, id string, post *packet.Post) (list dues, err error) {
	var frozen []management.Frozen
	var answers [][]engagement.Answer
	var course []management.Turn
	var terms engagement.Terms
	working := false
	err = c.Side.Read(ctx, func(s *management.State) error {
		x, err := s.Side(id)
		if err != nil {
			return err
		}
		if x.Agreed == nil {
			return nil
		}
		list.add("agreed:"+x.Agreed.Terms+":"+x.Agreed.Signed.Value, engagement.SendAgreed, *x.Agreed)
		for i, st := range x.Steps {
			if to := engagement.State(st.What); to.ByManagement() {
				list.add(fmt.Sprintf("state:%d", i), engagement.SendState, engagement.StateNews{State: to, Why: st.Why})
			}
		}
		for _, r := range book.Sorted(x.Requests) {
			answers = append(answers, slices.Clone(r.Answers))
		}
		for _, p := range book.Sorted(x.Populations) {
			frozen = append(frozen, *p)
		}
		course, terms = slices.Clone(x.Course), x.Terms
		working = !x.State.Over() && x.State.Place() < engagement.Issued.Place() // later the firm's file takes no controls
		c.dueOf(x, &list)
		return nil
	})
	if err != nil || len(list) == 0 {
		return list, err
	}
	if working {
		if err := c.addControls(ctx, terms, &list); err != nil {
			return nil, err
		}
	}
	if err := c.addAnswers(ctx, answers, sentBy(post), &list); err != nil {
		return nil, err
	}
	if err := c.addFrozen(ctx, frozen, &list); err != nil {
		return nil, err
	}
	return list, c.addSteps(ctx, id, post, course, &list)
}

// dueOf adds what needs no evidence beside it.
func (c *Client) dueOf(x *management.Side, list *dues) {
	for _, f := range book.Sorted(x.Findings) {
		if f.Response != nil && f.Response.Final {
			of := "response:" + f.ID + ":"
			if f.Reopened > 0 { // the same words to other facts are another response
				of += fmt.Sprintf("%d:", f.Reopened)
			}
			list.state(of, *f.Response, engagement.SendResponses, []engagement.Response{*f.Response})
		}
	}
	if x.Final != nil {
		list.add(fmt.Sprintf("description:%d", x.Final.Version), engagement.SendDescription, x.Final.Description)
	}
	for _, a := range book.Sorted(x.Assertions) {
		list.add("assertion:"+a.By+":"+a.Signed.Value, engagement.SendAssertion, *a)
	}
	for _, l := range book.Sorted(x.Letters) {
		list.add("representation:"+l.By+":"+l.Signed.Value, engagement.SendRepresentation, *l)
	}
	for _, m := range book.Sorted(x.Comments) {
		own := *m
		own.Answer = "" // the firm's own words do not go back to it
		list.add("comment:"+m.ID, engagement.SendComments, []engagement.Comment{own})
	}
}

// addControls adds the company's controls as they are now. Before the first test
// over the engagement's period there is nothing to show of them, nor where the
// company has no such period: then the examination's page says what is missing.
func (c *Client) addControls(ctx context.Context, t engagement.Terms, list *dues) error {
	if _, err := c.P.PeriodOf(ctx, t); errors.Is(err, audit.ErrConflict) {
		return nil
	}
	set, err := c.controlSet(ctx, t)
	if errors.Is(err, audit.ErrNotFound) {
		return nil
	}
	if err == nil {
		list.state("controls:", set, engagement.SendControls, set)
	}
	return err
}

// termsOf are the terms of an engagement as the firm last offered them.
func (c *Client) termsOf(ctx context.Context, id string) (t engagement.Terms, err error) {
	err = c.Side.Read(ctx, func(s *management.State) error {
		x, err := s.Side(id)
		if err == nil {
			t = x.Terms
		}
		return err
	})
	return t, err
}

// PeriodOf is the workspace's period that an engagement is over.
func (c *Client) PeriodOf(ctx context.Context, id string) (definition.Period, error) {
	t, err := c.termsOf(ctx, id)
	if err != nil {
		return definition.Period{}, err
	}
	return c.P.PeriodOf(ctx, t)
}

// RunOf is the newest sealed run over an engagement's period: what is frozen and
// shown to the firm comes from it, whichever period holds today.
func (c *Client) RunOf(ctx context.Context, id string) (*period.Run, error) {
	t, err := c.termsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	return c.P.RunFor(ctx, t)
}

// contentOf names a value by what it holds.
func contentOf(v any) string {
	b, err := canonical.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return hexSum(b)
}

// controlSet is the company's controls as the applied revision has them, with
// what its own procedures are, and the commitments of the system that is examined:
// those of another system are no part of the engagement. Its procedures are those of
// the newest run over the engagement's period.
func (c *Client) controlSet(ctx context.Context, t engagement.Terms) (engagement.ControlSet, error) {
	run, err := c.P.RunFor(ctx, t)
	if err != nil {
		return engagement.ControlSet{}, err
	}
	set := engagement.ControlSet{Definitions: run.Definitions, Tests: []engagement.ClientTest{}}
	for _, x := range c.P.Selection().Controls {
		x.Type, x.Criteria, x.Categories, x.Data = book.List(x.Type), book.List(x.Criteria), book.List(x.Categories), book.List(x.Data)
		set.Controls = append(set.Controls, x)
	}
	if sys := systemOf(c.P.Def, t.System); sys != nil {
		for _, p := range slices.Concat(sys.Commitments, sys.Requirements) {
			set.Commitments = append(set.Commitments, engagement.Commitment{ID: p.ID, Text: p.Text, Criteria: p.Criteria, Controls: p.Controls})
		}
	}
	for _, t := range run.Tested {
		set.Tests = append(set.Tests, engagement.ClientTest{ID: t.Procedure, Title: t.Title, Form: string(t.Form), Controls: book.List(t.Controls), Text: t.Statement, Items: t.Items})
	}
	slices.SortFunc(set.Tests, func(a, b engagement.ClientTest) int { return strings.Compare(a.ID, b.ID) })
	return set, nil
}

// FinishResponse makes a drafted response final, see management.Book.FinishResponse:
// the registers tell who wrote it from who finishes it.
func (c *Client) FinishResponse(ctx context.Context, by access.Subject, id, finding string, base int64, systems ...string) (err error) {
	if by.Eyes, err = c.P.Registers().Eyes(ctx); err != nil {
		return err
	}
	return c.Side.FinishResponse(ctx, by, id, finding, base, systems...)
}
