package fieldwork

import (
	"context"
	"fmt"
	"slices"

	"tieout/access"
	"tieout/book"
	"tieout/engagement"
)

var issueTakers = map[string]taker{"report.issue": issue, "report.revise": revise, "report.withdraw": withdraw}

type issueData struct {
	Report     string               `json:"report"` // digest of the report value
	Files      []IssuedFile         `json:"files"`
	Dated      string               `json:"dated"`
	Supersedes string               `json:"supersedes"`
	Why        string               `json:"why"`
	Signed     engagement.Signature `json:"signed"`            // over Report
	Rests      int64                `json:"rests,omitempty"`   // record of the file's newest entry when the report was made from it; 0: not said
	Edition    int                  `json:"edition,omitempty"` // of the gates it was issued under; 0: the first
}

func (d issueData) check() error {
	err := allOf(digest("report", d.Report), dayText("dated", d.Dated, true), within("files", len(d.Files), 1, 100), text("why", d.Why, 0, maxText),
		when((d.Supersedes == "") != (d.Why == ""), "supersedes, why: a report that supersedes another says which and why"))
	names, value := map[string]bool{}, false
	for _, x := range d.Files {
		value = value || x.Digest == d.Report
		err = first(err, line("name of a file", x.Name, 1), digest("file "+x.Name, x.Digest), when(x.Size <= 0, "size of "+x.Name+": bytes"), when(names[x.Name], "files: "+x.Name+" is named twice"))
		names[x.Name] = true
	}
	return first(err, when(!value, "files: the report's own value is none of them, and nobody could read what was signed"))
}

// Issue signs and issues the report: its value by its digest, the files made from
// it, its value among them, which the caller has put among the firm's blobs, its
// day. From then on nothing of the engagement changes; what is found
// later goes into a superseding report (Revise). It needs report.sign, and a session of the last minutes; to supersede the report
// of another engagement of the same client, for that engagement too.
func (b *Book) Issue(ctx context.Context, by access.Subject, id, report string, files []IssuedFile, dated, supersedes, why string, sig engagement.Signature) (engagement.Release, error) {
	return b.IssueResting(ctx, by, id, 0, report, files, dated, supersedes, why, sig)
}

// IssueResting is Issue of a report that was made from the file as of one of its
// entries (File.Newest): where another came since, before the report is issued, it
// is audit.ErrConflict, for the report may say what the file says no more.
func (b *Book) IssueResting(ctx context.Context, by access.Subject, id string, rests int64, report string, files []IssuedFile, dated, supersedes, why string, sig engagement.Signature) (engagement.Release, error) {
	if err := access.Require(by, "report.sign", in(id)); err != nil {
		return engagement.Release{}, err
	}
	if err := b.ownKey(ctx, by, sig); err != nil {
		return engagement.Release{}, fmt.Errorf("report of %s: %w", id, err)
	}
	if err := b.maySupersede(ctx, by, id, supersedes); err != nil {
		return engagement.Release{}, err
	}
	for _, x := range files {
		if err := b.haveBlob(ctx, x.Name, x.Digest); err != nil {
			return engagement.Release{}, err
		}
	}
	d := issueData{report, book.List(files), dated, supersedes, why, sig, rests, edition}
	if _, err := b.book.Write(ctx, by, "report.issue", on("report", id), book.Anyway, d); err != nil {
		return engagement.Release{}, err
	}
	return d.release(), nil
}

// Newest is the record of the newest entry on the file that counts, 0 before the
// first.
func (f *File) Newest() int64 {
	if len(f.Course) == 0 {
		return 0
	}
	return f.Course[len(f.Course)-1].Record
}

// maySupersede asks for the right to sign on the other engagement whose report is
// superseded, where there is one. What is none of the client's the gate refuses.
func (b *Book) maySupersede(ctx context.Context, by access.Subject, id, report string) error {
	if report == "" {
		return nil
	}
	return b.ReadFile(ctx, id, func(s *State, f *File) error {
		if other := s.superseded(f, report); other != nil {
			return access.Require(by, "report.sign", in(other.Terms.ID))
		}
		return nil
	})
}

// release is what the client gets to know with the files.
func (d issueData) release() engagement.Release {
	r := engagement.Release{Report: d.Report, Dated: d.Dated, Supersedes: d.Supersedes, Why: d.Why, Signed: d.Signed}
	for _, x := range d.Files {
		r.Files = append(r.Files, x.Name)
	}
	return r
}

func issue(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[issueData](e)
	f, _, ferr := s.on(e, "report")
	if err = first(err, ferr, byPerson(e)); err == nil {
		err = first(d.check(), f.MayWork(e), f.partnerActs(e), ownSignature(e, d.Signed, d.Report))
	}
	if err != nil {
		return book.Change{}, err
	}
	g := &ground{s: s, f: f, e: e, issues: d, edition: d.Edition}
	if err := g.hold("report.issue"); err != nil {
		return book.Change{}, err
	}
	if d.Rests != 0 && f.Newest() > d.Rests {
		return book.Change{}, tooEarly("the file has changed since the report was made: make it again, look at it, and sign it as it is then")
	}
	other := s.superseded(f, d.Supersedes)
	return book.Change{What: "report is issued, dated " + d.Dated, Do: func() {
		r := d.release()
		f.Release = &r
		f.move(moveData{State: engagement.Issued}, e.By.Name, e.At).Do()
		f.Issues = append(f.Issues, &Issuance{Release: r, Digests: d.Files, By: e.By.Name, At: e.At, Record: e.Record})
		for _, was := range f.Issues {
			if was.Report == d.Supersedes {
				was.Superseded = d.Report
			}
		}
		if other != nil {
			other.latest().Superseded = d.Report
			other.move(moveData{State: engagement.Reissued}, e.By.Name, e.At).Do()
		}
	}}, nil
}

// Revise opens the file of an issued report again, for facts that came out since:
// the next report supersedes it and says why. It needs report.sign. Once the file
// is locked, a superseding report is an engagement of its own.
func (b *Book) Revise(ctx context.Context, by access.Subject, id, why string) error {
	return b.act(ctx, by, "report.sign", "report.revise", on("report", id), book.Anyway, whyData{why})
}

// issued is the file an entry is on, for what may happen to an issued report.
func (s *State) issued(e book.Entry) (*File, error) {
	d, err := book.Data[whyData](e)
	f, _, ferr := s.on(e, "report")
	if err = first(err, ferr, byPerson(e), text("why", d.Why, 1, maxText)); err != nil {
		return f, err
	}
	g := &ground{s: s, f: f, e: e}
	return f, first(f.partnerActs(e), g.hold(e.Kind))
}

func revise(s *State, e book.Entry) (book.Change, error) {
	f, err := s.issued(e)
	if err != nil {
		return book.Change{}, err
	}
	d, err := book.Data[whyData](e)
	return book.Change{What: "a superseding report is under way: " + d.Why, Do: func() {
		f.move(moveData{State: engagement.DraftReview, Why: d.Why}, e.By.Name, e.At).Do()
		f.Issues[len(f.Issues)-1].Revising = &Step{e.At, e.By.Name, d.Why}
	}}, err
}

// Withdraw withdraws an issued report, with the reason the client and its readers
// are told. It needs report.sign.
func (b *Book) Withdraw(ctx context.Context, by access.Subject, id, why string) error {
	return b.act(ctx, by, "report.sign", "report.withdraw", on("report", id), book.Anyway, whyData{why})
}

func withdraw(s *State, e book.Entry) (book.Change, error) {
	f, err := s.issued(e)
	if err != nil {
		return book.Change{}, err
	}
	d, err := book.Data[whyData](e)
	return book.Change{What: "the report is withdrawn: " + d.Why, Do: func() {
		f.Issues[len(f.Issues)-1].Withdrawn = &Step{e.At, e.By.Name, d.Why}
	}}, err
}

// latest is the report in force, nil before the first.
func (f *File) latest() *Issuance {
	if len(f.Issues) == 0 {
		return nil
	}
	return f.Issues[len(f.Issues)-1]
}

// Warnings are what an auditor looks at before the report is issued and what
// stands against nothing.
func (s *State) Warnings(f *File) (out []string) {
	for _, x := range book.Sorted(f.Findings) {
		if x.Stands() && x.Response == nil {
			out = append(out, "management has not responded to exception "+x.ID)
		} else if x.Stands() && !x.Response.Final {
			out = append(out, "management's response to exception "+x.ID+" is not final")
		}
	}
	for _, by := range f.Parties() {
		if a := f.Assertions[by]; a != nil && a.Decision.Except == "" && f.modified() {
			out = append(out, "the assertion of "+by+" says that everything holds; the opinion is modified")
		}
	}
	return slices.Concat(out, s.BaseWarnings(f), f.untestedYetFree(), f.partlyUnable())
}

// partlyUnable names the tests of which a part could not be performed, of controls
// whose conclusion speaks of exceptions.
func (f *File) partlyUnable() (out []string) {
	for _, c := range f.RollUp().Controls {
		if c.Concluded == nil || c.Concluded.Outcome != engagement.NoExceptions && c.Concluded.Outcome != engagement.WithExceptions {
			continue
		}
		for _, t := range c.Tests {
			if t.Unable > 0 {
				out = append(out, count(t.Unable, "cell")+" of test "+t.Test+" could not be tested, and control "+c.Control+" is concluded on: "+string(c.Concluded.Outcome))
			}
		}
	}
	return out
}

// untestedYetFree names what is concluded to have no exceptions while every control
// for it is one that nobody was able to conclude on.
func (f *File) untestedYetFree() (out []string) {
	for _, c := range f.RollUp().Criteria {
		if c.Concluded == nil || c.Concluded.Outcome != engagement.NoExceptions || len(c.Controls) == 0 {
			continue
		}
		if !slices.ContainsFunc(c.Controls, func(id string) bool {
			x := f.Concluded["control:"+id]
			return x == nil || x.Outcome != engagement.UnableToConclude
		}) {
			out = append(out, c.On+" is concluded without exceptions, and no control for it could be concluded on")
		}
	}
	return out
}

// modified reports whether an opinion on a part is.
func (f *File) modified() bool {
	return slices.ContainsFunc(sortedParts(f), func(o *Opined) bool { return o.Opinion != engagement.Unmodified })
}

// sortedParts are the opinions in the order of the parts.
func sortedParts(f *File) (out []*Opined) {
	for _, p := range f.Terms.Type.Parts() {
		if o := f.Opinions[p]; o != nil {
			out = append(out, o)
		}
	}
	return out
}
