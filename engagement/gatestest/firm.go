package gatestest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/evidence"
	"tieout/internal/canonical"
	"tieout/store"
)

// A Firm is a firm's workspace without an engagement yet, and its people: the
// accounts by duty, each an account of the workspace with that role.
type Firm struct {
	T      testing.TB
	Files  *fieldwork.Book
	Seal   *evidence.Sealer
	Now    func() time.Time
	To     func(time.Time) // moves the clock forward
	People map[string]string
	Tester string // account of a second one of staff
	Keys   *Keys  // of the people; nil: the walk makes some
	Whole  bool   // the client states a control for every criterion, so that a reading of the report finds no error; else for one

	first, last time.Time // days of the period
	try         func(Case)
}

var roles = map[string]access.RoleID{fieldwork.DutyPartner: access.Partner, fieldwork.DutyManager: access.Manager, fieldwork.DutyStaff: access.Staff, fieldwork.DutyQuality: access.QualityReviewer}

var receiver = access.Subject{Workspace: access.Firm, Kind: audit.ActorConnector, Account: "exchange"}

func (f *Firm) who(duty string) access.Subject {
	if duty == second {
		return as(access.Firm, f.Tester, access.Staff)
	}
	return as(access.Firm, f.People[duty], roles[duty])
}

// second is who in a case is the second one of staff.
const second = "second staff"

func (f *Firm) partner() access.Subject { return f.who(fieldwork.DutyPartner) }
func (f *Firm) manager() access.Subject { return f.who(fieldwork.DutyManager) }
func (f *Firm) staff() access.Subject   { return f.who(fieldwork.DutyStaff) }

func (f *Firm) file(do func(*fieldwork.State, *fieldwork.File)) {
	f.T.Helper()
	check(f.T, f.Files.ReadFile(f.T.Context(), ID, func(s *fieldwork.State, x *fieldwork.File) error { do(s, x); return nil }))
}

// revision is the base of the next change of an object, such as "finding:EN-1/X-1".
func (f *Firm) revision(on string) (n int64) {
	f.file(func(s *fieldwork.State, _ *fieldwork.File) { n = s.Revision(on) })
	return n
}

// digest is what a sign-off of a test's workpaper is over, now.
func (f *Firm) digest(test string) (d string) {
	f.file(func(_ *fieldwork.State, x *fieldwork.File) { d = x.PaperDigest(test) })
	return d
}

// sign signs with a person's own key.
func (f *Firm) sign(account, name, what, digest string) engagement.Signature {
	f.T.Helper()
	return f.Keys.Sign(f.T, f.Seal, f.Now(), account, name, "Partner", what, digest)
}

// put puts bytes among the firm's blobs.
func (f *Firm) put(name, body string) fieldwork.IssuedFile {
	f.T.Helper()
	d, n, err := f.Seal.Blobs.Put(f.T.Context(), strings.NewReader(body))
	check(f.T, err)
	return fieldwork.IssuedFile{Name: name, Digest: strings.TrimPrefix(d, "sha256:"), Size: n}
}

// refuses tries an act that is forbidden at this place.
func (f *Firm) refuses(name, act, by string, kind error, says string, a Args) {
	f.T.Helper()
	f.try(Case{Name: name, Act: act, By: by, Args: a, Kind: kind, Says: says, Do: func(ctx context.Context) error { return f.Do(ctx, act, by, a) }})
}

// Do does an act of fieldwork.Book, as who has that duty.
func (f *Firm) Do(ctx context.Context, act, duty string, a Args) error {
	by, b := f.who(duty), f.Files
	switch act {
	case "SetTest":
		return b.SetTest(ctx, by, ID, a.Planned, a.Why, a.Base)
	case "SetReliance":
		return b.SetReliance(ctx, by, ID, a.Control, a.Reliance, a.Why, a.Base)
	case "MoveState":
		return b.MoveState(ctx, by, ID, a.State, a.Why, a.Base)
	case "CommitNonce":
		_, err := b.CommitNonce(ctx, by, ID, a.Control, a.Round, "")
		return err
	case "AcceptPopulation":
		return b.AcceptPopulation(ctx, by, ID, a.Population, a.Base)
	case "DrawSample":
		_, err := b.DrawSample(ctx, by, ID, a.Order)
		return err
	}
	return f.work(ctx, act, by, a)
}

// work are the acts on workpapers and what follows from them.
func (f *Firm) work(ctx context.Context, act string, by access.Subject, a Args) error {
	b := f.Files
	switch act {
	case "OpenPaper":
		return b.OpenPaper(ctx, by, ID, a.Test, a.Sample, "")
	case "Mark":
		return b.Mark(ctx, by, ID, a.Test, a.Cells[0], a.Verdict, a.Base)
	case "MarkMany":
		var seen []fieldwork.Seen
		for _, c := range a.Cells {
			seen = append(seen, fieldwork.Seen{Cell: c})
		}
		return b.MarkMany(ctx, by, ID, a.Test, seen, a.Verdict)
	case "Reveal":
		return b.Reveal(ctx, by, ID, a.Test, a.Cells...)
	case "Prepare":
		return b.Prepare(ctx, by, ID, a.Test, a.Digest)
	case "Review":
		return b.Review(ctx, by, ID, a.Test, a.Digest)
	case "SetFinding":
		_, err := b.SetFinding(ctx, by, ID, a.Finding, a.Draft, a.Base)
		return err
	case "Conclude":
		return b.Conclude(ctx, by, ID, a.What, a.Concluding, a.Base)
	}
	return f.end(ctx, act, by, a)
}

// end are the acts from the opinion to the archive.
func (f *Firm) end(ctx context.Context, act string, by access.Subject, a Args) error {
	b := f.Files
	switch act {
	case "Opine":
		return b.Opine(ctx, by, ID, a.Part, a.Opinion, a.Text, a.Basis, a.Signed)
	case "SignQuality":
		return b.SignQuality(ctx, by, ID, a.Digest, a.Text)
	case "GiveDraft":
		return b.GiveDraft(ctx, by, ID, engagement.Draft{Digest: a.Digest, Due: a.Dated})
	case "Issue":
		_, err := b.Issue(ctx, by, ID, a.Digest, a.Files, a.Dated, "", a.Why, a.Signed)
		return err
	case "Revise":
		return b.Revise(ctx, by, ID, a.Why)
	case "Assemble":
		_, err := b.Assemble(ctx, by, ID)
		return err
	case "Lock":
		return b.Lock(ctx, by, ID)
	case "AddToArchive":
		return b.AddToArchive(ctx, by, ID, a.Files[0].Name, a.Files[0].Digest, a.Files[0].Size, a.Why)
	}
	return fmt.Errorf("%w: act %q", audit.ErrUsage, act)
}

func (f *Firm) terms() engagement.Terms {
	return engagement.Terms{Type: engagement.SOC2TypeII, Client: engagement.Party{Name: "Halyard, Inc."}, Firm: engagement.Party{Name: "Sandgate LLP", City: "Boston", State: "MA"},
		System: "Halyard Cloud", Zone: "UTC", First: day(f.first), Last: day(f.last), Quality: true,
		Categories: []engagement.Choice{{Category: audit.Security, In: true}, {Category: audit.Availability, Why: "not promised"}, {Category: audit.ProcessingIntegrity, Why: "not promised"},
			{Category: audit.Confidentiality, Why: "not promised"}, {Category: audit.Privacy, Why: "no data of consumers"}},
		Subservices: []engagement.Subservice{{Name: "Nimbus Hosting", Service: "hosting", Inclusive: true, Expected: []engagement.Expected{{ID: "N-1", Text: "Access to halls is limited.", Criteria: []string{"CC6.4"}}}}}}
}

// population is n items of controls, each a deviation of change.review where the
// run says so; to is the day up to which it is tested, zero for the whole period.
func (f *Firm) population(id string, n int, run int64, to time.Time, controls ...string) (engagement.Population, string) {
	f.T.Helper()
	end := f.last.AddDate(0, 0, 1)
	p := engagement.Population{ID: id, Controls: controls, Round: "1", Title: "Changes to production", Defined: "Every change deployed, " + id, Source: []string{"deploy log"}, Query: "deployments",
		Zone: "UTC", Columns: []string{"state"}, Count: n, Checks: []engagement.Reconciled{{What: "count at source", Here: "n", There: "n"}}, Run: run}
	if !to.IsZero() {
		p.ToDate, end = day(to), to.AddDate(0, 0, 1)
	}
	p.Window = audit.Span{From: f.first, To: end}
	p.Collected = end.Add(time.Minute)
	p.Freeze = engagement.Freeze{Index: 41, Root: strings.Repeat("5a", 32), At: end.Add(2 * time.Minute)}
	var lines strings.Builder
	for i := range n {
		it := engagement.Item{ID: fmt.Sprintf("%s-%04d", controls[0], i+1), Label: fmt.Sprintf("Change %d", i+1), At: f.first.Add(time.Duration(i+1) * time.Hour), Values: []string{"approved"}, Records: []int64{int64(i)}}
		if run >= 0 {
			it.Results = map[string]string{"change.review": "deviation"}
		}
		lines.Write(append(must[[]byte](f.T)(canonical.Marshal(it)), '\n'))
	}
	sum := sha256.Sum256([]byte(lines.String()))
	p.Digest = hex.EncodeToString(sum[:])
	return p, lines.String()
}

// feed takes a population in, whose client had seen all of the firm's log.
func (f *Firm) feed(p engagement.Population, lines string) {
	f.T.Helper()
	ctx := f.T.Context()
	head := must[store.Head](f.T)(f.Seal.Store.Head(ctx))
	check(f.T, f.Files.TakePopulation(ctx, receiver, ID, p, strings.NewReader(lines), 0, head.Size))
}

// accept writes the auditor's own work on a population, and accepts it.
func (f *Firm) accept(id string) {
	f.T.Helper()
	ctx, on := f.T.Context(), "population:"+ID+"/"+id
	check(f.T, f.Files.WriteComplete(ctx, f.staff(), ID, id, "Compared the count with the deployment service's own list and traced rows both ways; nothing is missing.", f.revision(on)))
	check(f.T, f.Files.AcceptPopulation(ctx, f.staff(), ID, id, f.revision(on)))
}
