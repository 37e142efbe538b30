package engaged

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/engagement/signature"
	"tieout/examination"
	"tieout/period"
	"tieout/report/attest"
)

// The engagements that are played: the first to its issued report, the second
// into its testing.
const (
	Issued  = "EN-1"
	Testing = "EN-2"
)

// A Person plays a part: who is signed in, with name and title as they sign.
type Person struct {
	By    access.Subject
	Name  string
	Title string
}

// A Play is both sides, the people who act, and what they know.
type Play struct {
	Client *examination.Client
	Firm   *examination.Firm

	Lead, Signer                     Person // of Halyard
	Partner, Manager, Staff, Quality Person // of the firm

	Passphrase string            // that opens the keys of those who sign
	Address    string            // of the firm's server
	Packets    string            // folder through which packets cross
	Why        map[string]string // what happened, by procedure and item ("access.leavers E0031")
	Progress   func(words string)
}

// Played is what came of it.
type Played struct {
	Report  attest.Report
	Files   []fieldwork.IssuedFile // of the report, among the firm's blobs
	Tests   int                    // of operation
	Sampled int                    // exceptions in samples
	Outside int                    // deviations outside the samples, each in an exception

	Lost        []string // seeded deviations of what is examined that stand in no exception
	NotExamined []string // seeded deviations of controls that serve nothing that is examined
	Unseeded    []string // what an exception tells of and nobody seeded
}

// Examine plays both engagements and says what came of the first.
func (p *Play) Examine(ctx context.Context) (Played, error) {
	if err := p.Invite(ctx); err != nil {
		return Played{}, err
	}
	first := &exam{Play: p, id: Issued, terms: p.typeII()}
	if err := first.whole(ctx); err != nil {
		return Played{}, fmt.Errorf("engagement %s: %w", Issued, err)
	}
	second := &exam{Play: p, id: Testing, terms: p.objectives()}
	if err := second.untilTesting(ctx); err != nil {
		return Played{}, fmt.Errorf("engagement %s: %w", Testing, err)
	}
	return first.played(ctx)
}

// An exam is one engagement that is played.
type exam struct {
	*Play
	id    string
	terms engagement.Terms
	plan  []*planned
	short map[string]string   // by procedure: which days were not collected, as its test says
	told  map[string][]string // exceptions that tell of the same: by item, and by event
}

// A step is one part of a play.
type step struct {
	words string // what is said of it; "": nothing
	do    func(context.Context) error
}

func (x *exam) inOrder(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if s.words != "" {
			x.Progress(x.id + ": " + s.words)
		}
		if err := s.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// whole is an engagement from its terms to the report in the client's hands.
func (x *exam) whole(ctx context.Context) error {
	return x.inOrder(ctx, []step{
		{"terms, acceptance, agreement", x.agreed},
		{"plan, hidden nonces, requests", x.planned},
		{"populations frozen, samples drawn", x.drawn},
		{"testing", x.tested},
		{"exceptions and responses", x.found},
		{"description", x.described},
		{"conclusions and opinions", x.concluded},
		{"draft, assertion, letter", x.reviewed},
		{"the report", x.issued},
	})
}

// first does what is given until something fails.
func first(acts ...func() error) error {
	for _, act := range acts {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}

// sign signs with a person's own key; it is made and announced the first time.
func (p *Play) sign(ctx context.Context, in *period.Program, who Person, what, digest string) (engagement.Signature, error) {
	ring := signature.Folder{Dir: filepath.Join(in.Dir, ".tieout", "keys")}
	key, err := signature.KeyOf(ctx, ring, who.By.Account)
	if err != nil {
		by := audit.Actor{Kind: audit.ActorPerson, Name: who.By.Account}
		if key, err = signature.Make(ctx, ring, in.Seal, by, who.By.Account, who.Name, p.Passphrase); err != nil {
			return engagement.Signature{}, err
		}
	}
	return signature.Sign(key.Wrapped, p.Passphrase, signature.Statement{Signer: who.By.Account, Name: who.Name, Title: who.Title, What: what, Digest: digest, At: audit.Instant(in.Now())})
}

// own checks signatures of Halyard's own people.
func (p *Play) own(ctx context.Context) management.Verify {
	return examination.Keys{Store: p.Client.P.Store}.Own(ctx)
}

// read looks at the firm's file.
func (x *exam) read(ctx context.Context, f func(*fieldwork.State, *fieldwork.File)) error {
	return x.Firm.Files.ReadFile(ctx, x.id, func(s *fieldwork.State, file *fieldwork.File) error { f(s, file); return nil })
}

// revision is the Base of the next change of an object of the firm's.
func (x *exam) revision(ctx context.Context, on string) (n int64, err error) {
	err = x.read(ctx, func(s *fieldwork.State, _ *fieldwork.File) { n = s.Revision(on) })
	return n, err
}

// move takes one of the auditor's steps.
func (x *exam) move(ctx context.Context, to engagement.State) error {
	base, err := x.revision(ctx, "state:"+x.id)
	if err != nil {
		return err
	}
	return x.Firm.Files.MoveState(ctx, x.Manager.By, x.id, to, "", base)
}

// today is the firm's day.
func (x *exam) today() string {
	zone, err := time.LoadLocation(x.terms.Zone)
	if err != nil {
		zone = time.UTC
	}
	return x.Firm.P.Now().In(zone).Format(time.DateOnly)
}
