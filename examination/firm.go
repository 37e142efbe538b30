package examination

import (
	"context"
	"errors"
	"fmt"
	"io"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/packet"
	"tieout/period"
	"tieout/report/attest"
)

// A Firm is an audit firm's end of its examinations.
type Firm struct {
	P        *period.Program
	Files    *fieldwork.Book
	Register *packet.Register
}

// NewFirm returns the firm's end of its examinations in an open workspace.
func NewFirm(p *period.Program) (*Firm, error) {
	if !p.Def.IsFirm() {
		return nil, fmt.Errorf("%w: this is a company's workspace, not an audit firm's", audit.ErrUsage)
	}
	return &Firm{p, p.Files(), packet.NewRegister(p.Seal, p.Now)}, nil
}

// Party is the firm as its tieout.yaml states it: license and peer review are its
// own statements.
func (f *Firm) Party() engagement.Party {
	c, party := f.P.Def.Config.Firm, own(f.P)
	party.City, party.State, party.License, party.PeerReview = c.City, c.State, c.License, c.PeerReview
	return party
}

// Post is the firm's end of one engagement's exchange. other is the client's log,
// or "".
func (f *Firm) Post(ctx context.Context, id, other string) (*packet.Post, error) {
	var sides packet.Sides
	err := f.Files.ReadFile(ctx, id, func(_ *fieldwork.State, x *fieldwork.File) error {
		if other != "" && x.Terms.Client.Origin != other {
			return fmt.Errorf("%w: engagement %s is another client's", audit.ErrNotFound, id)
		}
		sides = packet.SidesOf(x.Terms)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f.Register.Post(sides)
}

// Keeper finds the end of an exchange for a server.
func (f *Firm) Keeper(ctx context.Context, id, other string) (packet.Keeper, error) {
	post, err := f.Post(ctx, id, other)
	if err != nil {
		return nil, err
	}
	return keeper{post, f.Take, f.Flush}, nil
}

// Take acts on a packet of the client's. Taking it again changes nothing.
func (f *Firm) Take(ctx context.Context, r packet.Received) error {
	id, by := r.Header.Engagement, receiver(access.Firm, r.Digest)
	switch r.Header.Kind {
	case engagement.SendAgreed:
		return taking(r, func(a engagement.Agreed) error { return f.Files.TakeAgreed(ctx, by, id, a, r.Record) })
	case engagement.SendState:
		return taking(r, func(n engagement.StateNews) error { return f.Files.TakeState(ctx, by, id, n, r.Record) })
	case engagement.SendControls:
		return taking(r, func(s engagement.ControlSet) error { return f.Files.TakeControls(ctx, by, id, s, r.Record) })
	case engagement.SendAnswers:
		return taking(r, func(a []engagement.Answer) error { return f.Files.TakeAnswers(ctx, by, id, a, r.Record) })
	case engagement.SendPopulation:
		return taking(r, func(p engagement.Population) error { return f.takePopulation(ctx, by, id, p, r) })
	case engagement.SendResponses:
		return taking(r, func(l []engagement.Response) error { return f.Files.TakeResponses(ctx, by, id, l, r.Record) })
	case engagement.SendDescription:
		return taking(r, func(d engagement.Description) error { return f.Files.TakeDescription(ctx, by, id, d, r.Record) })
	case engagement.SendAssertion:
		return taking(r, func(a engagement.Assertion) error { return f.Files.TakeAssertion(ctx, by, id, a, r.Record) })
	case engagement.SendRepresentation:
		return taking(r, func(l engagement.Representation) error { return f.Files.TakeRepresentation(ctx, by, id, l, r.Record) })
	case engagement.SendComments:
		return taking(r, func(l []engagement.Comment) error { return f.Files.TakeComments(ctx, by, id, l, r.Record) })
	case engagement.SendSteps:
		return taking(r, func(p engagement.ProvedSteps) error { return f.takeSteps(ctx, by, id, r.Header.From, p, r.Record) })
	}
	return nil // evidence lies in the packet, and what only shows a log brings nothing else
}

// takePopulation keeps a population with its items. What the client had seen of
// this firm's log when it froze is what its packet says it had heard.
func (f *Firm) takePopulation(ctx context.Context, by access.Subject, id string, p engagement.Population, r packet.Received) error {
	heard, err := f.heard(ctx, id, r.Header)
	if err != nil {
		return err
	}
	for _, part := range r.Header.Files {
		if part.Digest == withPrefix(p.Digest) {
			items, err := r.File(part.Name)
			if err != nil {
				return err
			}
			return f.Files.TakePopulation(ctx, by, id, p, items, r.Record, heard)
		}
	}
	return fmt.Errorf("%w: population %s came without its items", audit.ErrInvalid, p.ID)
}

// heard is the size of this log in the packet that the other side had taken last
// when it made a packet: what it had seen of it.
func (f *Firm) heard(ctx context.Context, id string, h packet.Header) (size int64, err error) {
	if h.Heard == nil {
		return 0, nil
	}
	post, err := f.Post(ctx, id, h.From)
	if err != nil {
		return 0, err
	}
	sent, err := post.Packet(ctx, true, h.Heard.Number)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, sent.Close()) }()
	return sent.Checkpoint.Size, nil
}

// Flush seals a packet for everything that was released to the client and not
// sent yet. What was not released is not looked at.
func (f *Firm) Flush(ctx context.Context, id string) error {
	post, err := f.Post(ctx, id, "")
	if err != nil {
		return err
	}
	list, err := f.due(ctx, id)
	if err != nil {
		return err
	}
	return send(ctx, post, list)
}

func (f *Firm) due(ctx context.Context, id string) (list []packet.Outgoing, err error) {
	add := func(once string, kind engagement.Kind, payload any, files ...packet.File) {
		list = append(list, packet.Outgoing{Kind: kind, Payload: payload, Files: files, Once: once})
	}
	var accepted, samples []string
	turns := map[string]int{} // of each request: the same words may be sent again later
	err = f.Files.ReadFile(ctx, id, func(_ *fieldwork.State, x *fieldwork.File) error {
		if x.Accepted == nil {
			return nil // no partner has accepted the client and the engagement
		}
		f.dueTerms(ctx, x, add)
		for _, r := range x.Requests {
			turns[r.ID] = len(r.Steps)
		}
		for _, p := range book.Sorted(x.Populations) {
			if p.Accepted || len(p.Questions) > 0 {
				accepted = append(accepted, p.ID)
			}
		}
		for _, s := range book.Sorted(x.Samples) {
			if !s.Released.IsZero() {
				samples = append(samples, s.ID)
			}
		}
		f.dueOf(ctx, x, add)
		return nil
	})
	if err != nil {
		return nil, err
	}
	news, err := f.Files.RequestNewsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, n := range news {
		add(fmt.Sprintf("request:%s:%d:%s", n.Request.ID, turns[n.Request.ID], contentOf(n)), engagement.SendRequests, []engagement.RequestNews{n})
	}
	for _, p := range accepted {
		a, err := f.Files.AcceptanceOf(ctx, id, p)
		if err != nil {
			return nil, err
		}
		add("acceptance:"+p+":"+contentOf(a), engagement.SendAcceptance, a)
	}
	for _, s := range samples {
		x, err := f.Files.Released(ctx, id, s)
		if err != nil {
			return nil, err
		}
		add("sample:"+s+":"+contentOf(x), engagement.SendSample, x)
	}
	return list, nil
}

// dueTerms adds the terms with the engagement letter, and the auditor's steps.
func (f *Firm) dueTerms(ctx context.Context, x *fieldwork.File, add adder) {
	offer := engagement.TermsOffer{Terms: x.Terms, Letter: x.Accepted.Letter}
	var files []packet.File
	if offer.Letter != "" {
		files = append(files, blobFile(ctx, f.P, "engagement-letter", "application/octet-stream", offer.Letter))
	}
	add("terms:"+contentOf(offer), engagement.SendTerms, offer, files...)
	if x.Agreed == nil {
		return // the rest is for a client that agreed
	}
	for i, s := range x.Moves {
		if !s.To.ByManagement() {
			add(fmt.Sprintf("state:%d", i), engagement.SendState, engagement.StateNews{State: s.To, Why: s.Why})
		}
	}
}

// dueOf adds exceptions, answers to comments, drafts and the report, as far as
// they were released.
func (f *Firm) dueOf(ctx context.Context, x *fieldwork.File, add adder) {
	for _, y := range book.Sorted(x.Findings) {
		if !y.Released.IsZero() {
			add("finding:"+y.ID+":"+contentOf(y.Finding), engagement.SendFindings, []engagement.Finding{y.Finding})
		}
	}
	for _, m := range book.Sorted(x.Comments) {
		if m.Answer != "" {
			add("comment:"+m.ID+":"+contentOf(*m), engagement.SendComments, []engagement.Comment{*m})
		}
	}
	for _, d := range x.Drafts {
		add("draft:"+d.Digest, engagement.SendDraft, d, blobFile(ctx, f.P, "draft.json", "application/json", d.Digest))
	}
	for _, y := range x.Issues {
		var files []packet.File
		for _, file := range y.Digests {
			files = append(files, blobFile(ctx, f.P, file.Name, "application/octet-stream", file.Digest))
		}
		add("report:"+y.Report, engagement.SendReport, y.Release, files...)
		if w := y.Withdrawn; w != nil {
			gone := y.Release
			gone.Withdrawn, gone.Why, gone.Files = true, w.What, book.List([]string(nil))
			add("withdrawn:"+y.Report, engagement.SendReport, gone)
		}
	}
}

// opinionsOf reads what an issued report says of each part out of the value
// beside it.
func opinionsOf(p *packet.Packet, x engagement.Release) (map[string]string, error) {
	words := map[string]string{}
	for _, part := range p.Header.Files {
		if part.Digest != withPrefix(x.Report) {
			continue
		}
		file, err := p.File(part.Name)
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(file)
		if err != nil {
			return nil, err
		}
		r, err := attest.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("%w: the report beside its release: %w", audit.ErrAltered, err)
		}
		for _, o := range r.Opinions {
			words[o.Part] = o.Word
		}
	}
	return words, nil
}
