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
	party.Reviewed, party.PeerResult = c.PeerReviewed, c.PeerResult
	return party
}

// Post is the firm's end of one engagement's exchange. other is the client's log,
// or "". What is in the log and was not acted on is acted on first.
func (f *Firm) Post(ctx context.Context, id, other string) (*packet.Post, error) {
	post, err := f.end(ctx, id, other)
	if err != nil {
		return nil, err
	}
	return post, f.acting(post).behind(ctx)
}

func (f *Firm) acting(post *packet.Post) acting { return acting{f.P.Store, post, f.act} }

// end is Post that acts on nothing.
func (f *Firm) end(ctx context.Context, id, other string) (*packet.Post, error) {
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
	post, err := f.end(ctx, id, other)
	if err != nil {
		return nil, err
	}
	return keeper{post, f.Take, f.Flush}, nil
}

// Take acts on a packet of the client's that is in the log, after those before it.
// Taking it again changes nothing; it is acted on though ctx is canceled.
func (f *Firm) Take(ctx context.Context, r packet.Received) error {
	ctx = context.WithoutCancel(ctx)
	post, err := f.end(ctx, r.Header.Engagement, r.Header.From)
	if err != nil {
		return err
	}
	return f.acting(post).take(ctx, r)
}

func (f *Firm) act(ctx context.Context, r packet.Received) error {
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
	post, err := f.end(ctx, id, h.From)
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

func (f *Firm) due(ctx context.Context, id string) (list dues, err error) {
	var accepted, samples []string
	turns := map[string]int{} // of each request: the same words may be sent again later
	agreed := false
	err = f.Files.ReadFile(ctx, id, func(_ *fieldwork.State, x *fieldwork.File) error {
		if x.Accepted == nil {
			return nil // no partner has accepted the client and the engagement
		}
		f.dueTerms(ctx, x, &list)
		if agreed = x.Agreed != nil; !agreed {
			return nil // the rest is for a client that agreed to the terms as they are
		}
		for _, r := range x.Requests {
			turns[r.ID] = r.Turns()
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
		f.dueOf(ctx, x, &list)
		return nil
	})
	if err != nil || !agreed {
		return list, err
	}
	news, err := f.Files.RequestNewsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, n := range news {
		list.add(fmt.Sprintf("request:%s:%d:%s", n.Request.ID, turns[n.Request.ID], contentOf(n)), engagement.SendRequests, []engagement.RequestNews{n})
	}
	for _, p := range accepted {
		a, err := f.Files.AcceptanceOf(ctx, id, p)
		if err != nil {
			return nil, err
		}
		list.state("acceptance:"+p+":", a, engagement.SendAcceptance, a)
	}
	for _, s := range samples {
		x, err := f.Files.Released(ctx, id, s)
		if err != nil {
			return nil, err
		}
		list.state("sample:"+s+":", x, engagement.SendSample, x)
	}
	return list, nil
}

// dueTerms adds the terms with the engagement letter, and the auditor's steps.
func (f *Firm) dueTerms(ctx context.Context, x *fieldwork.File, list *dues) {
	offer := engagement.TermsOffer{Terms: x.Terms, Letter: x.Accepted.Letter, Why: x.Changed}
	var files []packet.File
	if offer.Letter != "" {
		files = append(files, blobFile(ctx, f.P, "engagement-letter", "application/octet-stream", offer.Letter))
	}
	list.state("terms:", offer, engagement.SendTerms, offer, files...)
	if x.Agreed == nil {
		return
	}
	for i, s := range x.Moves {
		if !s.To.ByManagement() {
			list.add(fmt.Sprintf("state:%d", i), engagement.SendState, engagement.StateNews{State: s.To, Why: s.Why})
		}
	}
}

// dueOf adds exceptions, answers to comments, drafts and the report, as far as
// they were released.
func (f *Firm) dueOf(ctx context.Context, x *fieldwork.File, list *dues) {
	for _, y := range book.Sorted(x.Findings) {
		if x, ok := y.ToClient(); ok {
			list.state("finding:"+x.ID+":", x, engagement.SendFindings, []engagement.Finding{x})
		}
	}
	for _, m := range book.Sorted(x.Comments) {
		if m.Answer != "" {
			list.state("comment:"+m.ID+":", *m, engagement.SendComments, []engagement.Comment{*m})
		}
	}
	given := map[string]int{}
	for _, d := range x.Drafts {
		once := "draft:" + d.Digest
		if given[once]++; given[once] > 1 {
			once = fmt.Sprintf("%s/%d", once, given[once]) // the same draft is given once more
		}
		list.add(once, engagement.SendDraft, d, blobFile(ctx, f.P, "draft.json", "application/json", d.Digest))
	}
	for _, y := range x.Issues {
		var files []packet.File
		for _, file := range y.Digests {
			files = append(files, blobFile(ctx, f.P, file.Name, "application/octet-stream", file.Digest))
		}
		list.add("report:"+y.Report, engagement.SendReport, y.Release, files...)
		if w := y.Withdrawn; w != nil {
			gone := y.Release
			gone.Withdrawn, gone.Why, gone.Files = true, w.What, book.List([]string(nil))
			list.add("withdrawn:"+y.Report, engagement.SendReport, gone)
		}
	}
}

// opinionsOf reads what an issued report says of each part out of the value
// beside it. A release without its report is audit.ErrAltered: only the word that a
// report is withdrawn comes alone.
func opinionsOf(p *packet.Packet, x engagement.Release) (map[string]string, error) {
	for _, part := range p.Header.Files {
		if part.Digest != withPrefix(x.Report) {
			continue
		}
		words := map[string]string{}
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
		return words, nil
	}
	return nil, fmt.Errorf("%w: the release of report %s came without that report", audit.ErrAltered, attest.Short(x.Report))
}
