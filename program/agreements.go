package program

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/policy"
)

// A Document is a text in force that people read: a policy that is kept here,
// or a file of the workspace.
type Document struct {
	ID          string
	Title       string
	Summary     string
	Owner       string // account, or of a file who the file names
	Audience    string // who it is for; see State.In
	Acknowledge bool
	Version     string // "3", or what the file calls itself, or the first 12 digits of its hash
	Hash        string // see HashOf
	Text        string // Markdown
	File        string // path in the workspace; "" where it is kept here
	Since       time.Time
	ReviewDue   time.Time // zero: not known
	Enough      []string  // hashes of the versions an agreement to is enough
}

// Minutes is how long reading takes, at least 1: 200 words a minute.
func (d *Document) Minutes() int { return max(1, (words(d.Text)+199)/200) }

func words(s string) (n int) {
	inside := false
	for _, r := range s {
		word := r > ' '
		if word && !inside {
			n++
		}
		inside = word
	}
	return n
}

// An Agreement says that a person read and agreed to one version.
type Agreement struct {
	Account  string
	Document string
	Title    string
	Version  string
	Hash     string
	File     string // of a document that is a file
	At       time.Time
	Record   int64 // log index of the entry
}

// A KeptText is a version of a file that somebody agreed to, kept so that it can
// be shown when the file says something else.
type KeptText struct {
	Version, Hash, Title, Text, File string
	At                               time.Time // when it was first agreed to
}

var agreementTakers = map[string]taker{"policy.agree": agree, "policy.file": keepText}

// An agreementData says what exactly was agreed to. The account stands in On.
type agreementData struct {
	Document string `json:"document"`
	Title    string `json:"title"`
	Version  string `json:"version"`
	Hash     string `json:"hash"`
	File     string `json:"file"`
}

func (d agreementData) check() error {
	return allOf(text("document", d.Document, 1, 100), text("title", d.Title, 1, 200), text("version", d.Version, 1, 100),
		text("hash", d.Hash, 71, 71), text("file", d.File, 0, 500))
}

// agree takes an agreement to a text that was in force when it was made.
func agree(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[agreementData](e)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return book.Change{}, err
	}
	if e.By.Kind != audit.ActorPerson || e.By.Name != e.Of() {
		return book.Change{}, fmt.Errorf("%w: everybody agrees for themselves", audit.ErrForbidden)
	}
	if err := s.mayAgree(d); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "read and agreed to " + d.Title + ", version " + d.Version, Do: func() {
		a := d.agreement(e)
		if s.Agreements[d.Document] == nil {
			s.Agreements[d.Document] = map[string]*Agreement{}
		}
		s.Agreements[d.Document][a.Account] = &a
		s.fact(e, s.agreementFact(a))
	}}, nil
}

func (d agreementData) agreement(e Entry) Agreement {
	return Agreement{e.Of(), d.Document, d.Title, d.Version, d.Hash, d.File, e.At, e.Record}
}

// mayAgree says why nobody can agree to that text now; nil where they can.
func (s *State) mayAgree(d agreementData) error {
	if d.File != "" {
		if s.keptText(d.Document, d.Hash) == nil {
			return fmt.Errorf("%w: no text of %s with that hash is kept", audit.ErrConflict, d.Document)
		}
		return nil
	}
	p := s.Policies[d.Document]
	if p == nil {
		return fmt.Errorf("%w: policy %s", audit.ErrNotFound, d.Document)
	}
	v := p.InForce()
	if p.Status() != PolicyApproved || v.Hash != d.Hash || fmt.Sprint(v.Number) != d.Version {
		return changedMeanwhile(v)
	}
	return nil
}

func changedMeanwhile(v *PolicyVersion) error {
	if v == nil {
		return fmt.Errorf("%w: this policy is not in force", audit.ErrConflict)
	}
	return fmt.Errorf("%w: %s is not the text you opened: it was changed meanwhile. Read it again, then agree", audit.ErrConflict, v.Title)
}

// agreementFact is an agreement as evidence, of the person the account belongs
// to by now.
func (s *State) agreementFact(a Agreement) audit.Fact {
	return audit.Fact{Type: "acknowledgement", ID: "agreement/" + audit.EvidenceRef(a.Record), At: a.At,
		Fields: map[string]any{"person": s.PersonOf(a.Account), "document": a.Document, "version": a.Version}}
}

// retell says what an account's person did again, after somebody said whose
// account it is: the last telling of an event counts.
func (s *State) retell(e Entry, account string) {
	for _, line := range s.History("agreement:" + account) {
		if d, err := book.Data[agreementData](line.Entry); err == nil && line.Kind == "policy.agree" {
			s.fact(e, s.agreementFact(d.agreement(line.Entry)))
		}
	}
	for _, line := range s.History("training:" + account) {
		if d, err := book.Data[attemptData](line.Entry); err == nil && len(d.Wrong) == 0 {
			s.fact(e, s.trainingFact(account, d, line.Entry))
		}
	}
}

// A keptData is a file's text as somebody agreed to it.
type keptData struct {
	Title   string `json:"title"`
	Version string `json:"version"`
	Hash    string `json:"hash"`
	File    string `json:"file"`
	Text    string `json:"text"`
	Named   string `json:"named"` // version as the file names it, in the hash; "" where it names none
}

func (d keptData) check(document string) error {
	return allOf(text("title", d.Title, 1, 200), text("version", d.Version, 1, 100), text("file", d.File, 1, 500), text("text", d.Text, 0, policy.MaxSize),
		when(d.Hash != HashOf(document, d.Named, d.Title, d.Text), "the hash is not that of the text"))
}

func keepText(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[keptData](e)
	if err == nil {
		err = allOf(text("document", e.Of(), 1, 100), d.check(e.Of()))
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "text of " + d.File + " kept, version " + d.Version, Do: func() {
		if s.keptText(e.Of(), d.Hash) == nil {
			s.Kept[e.Of()] = append(s.Kept[e.Of()], KeptText{d.Version, d.Hash, d.Title, d.Text, d.File, e.At})
		}
	}}, nil
}

func (s *State) keptText(document, hash string) *KeptText {
	list := s.Kept[document]
	if i := slices.IndexFunc(list, func(k KeptText) bool { return k.Hash == hash }); i >= 0 {
		return &list[i]
	}
	return nil
}

// TextOf returns a text that was agreed to by its hash; false where the
// registers do not have it.
func (s *State) TextOf(document, hash string) (string, bool) {
	if k := s.keptText(document, hash); k != nil {
		return k.Text, true
	}
	if p := s.Policies[document]; p != nil {
		for i := range p.Versions {
			if p.Versions[i].Hash == hash {
				return p.Versions[i].Text, true
			}
		}
	}
	return "", false
}

// Documents returns every text in force, in the order of IDs: the policies kept
// here, and those of files that have no policy of the same ID here.
func (s *State) Documents(files []Document) []Document {
	var out []Document
	for _, p := range sorted(s.Policies) {
		if p.Status() == PolicyApproved {
			out = append(out, p.document())
		}
	}
	for _, d := range files {
		if s.Policies[d.ID] != nil {
			continue
		}
		d.Enough = []string{d.Hash}
		for _, k := range s.Kept[d.ID] {
			if k.Version == d.Version && k.Hash != d.Hash {
				d.Enough = append(d.Enough, k.Hash) // the file's own version says whether it is another one
			}
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Document) int { return compare(a.ID, b.ID) })
	return out
}

func (p *Policy) document() Document {
	v := p.InForce()
	return Document{ID: p.ID, Title: v.Title, Summary: v.Summary, Owner: v.Owner, Audience: v.Audience, Acknowledge: v.Acknowledge,
		Version: fmt.Sprint(v.Number), Hash: v.Hash, Text: v.Text, Since: v.Approved, ReviewDue: p.ReviewDue(), Enough: p.agreed()}
}

// Agree says that whoever acts read and agrees to the document with that hash,
// as it is in force now; where it is another text by now the error wraps
// audit.ErrConflict. It needs policy.agree. files are the workspace's.
func (b *Book) Agree(ctx context.Context, by access.Subject, document, hash string, files []Document) (Agreement, error) {
	if err := access.Require(by, "policy.agree", access.Object{Owner: by.Account}); err != nil {
		return Agreement{}, err
	}
	doc, err := b.inForce(ctx, document, files)
	switch {
	case err != nil:
		return Agreement{}, err
	case doc.Hash != hash:
		return Agreement{}, fmt.Errorf("%w: %s is not the text you opened: it was changed meanwhile. Read it again, then agree", audit.ErrConflict, doc.Title)
	case !doc.Acknowledge:
		return Agreement{}, fmt.Errorf("%w: %s is to be read, and nobody is asked to agree to it", audit.ErrInvalid, doc.Title)
	}
	if err := b.keepFile(ctx, by, doc); err != nil {
		return Agreement{}, err
	}
	d := agreementData{doc.ID, doc.Title, doc.Version, doc.Hash, doc.File}
	e, err := b.write(ctx, by, "policy.agree", "agreement:"+by.Account, Anyway, d)
	if err != nil {
		return Agreement{}, err
	}
	return d.agreement(e), nil
}

func (b *Book) inForce(ctx context.Context, id string, files []Document) (out Document, err error) {
	err = b.Read(ctx, func(s *State) error {
		all := s.Documents(files)
		i := slices.IndexFunc(all, func(d Document) bool { return d.ID == id })
		if i < 0 {
			return fmt.Errorf("%w: no policy %s is in force", audit.ErrNotFound, id)
		}
		out = all[i]
		return nil
	})
	return out, err
}

// keepFile keeps a file's text the first time somebody agrees to it.
func (b *Book) keepFile(ctx context.Context, by access.Subject, doc Document) error {
	if doc.File == "" {
		return nil
	}
	known := false
	err := b.Read(ctx, func(s *State) error {
		known = s.keptText(doc.ID, doc.Hash) != nil
		return nil
	})
	if err != nil || known {
		return err
	}
	by.Once = "" // the key of the request is the agreement's
	named := doc.Version
	if HashOf(doc.ID, named, doc.Title, doc.Text) != doc.Hash {
		named = "" // the file names no version
	}
	_, err = b.write(ctx, by, "policy.file", "policy-file:"+doc.ID, Anyway, keptData{doc.Title, doc.Version, doc.Hash, doc.File, doc.Text, named})
	return err
}
