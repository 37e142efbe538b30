package program

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"time"

	"tieout/audit"
	"tieout/book"
	"tieout/internal/canonical"
	"tieout/policy"
)

// A Policy is a policy that is kept here, with everything it ever said.
type Policy struct {
	ID         string
	Versions   []PolicyVersion // the oldest first; only the last can be a draft
	Reviewed   time.Time       // when it was last reviewed without a change
	ReviewedBy string          // account
	ReviewNote string
	Retired    time.Time // zero: it is not
	RetiredBy  string
	RetiredWhy string
	Revision   int64 // Base of the next change
}

// A PolicyVersion is one version of a policy.
type PolicyVersion struct {
	Number int // 1 is the first
	PolicyText
	Note       string   // what changed, in the words of its author
	Material   bool     // everybody agrees anew; the first version always is
	Hash       string   // what a person agrees to: see HashOf
	By         []string // accounts that wrote it
	Written    time.Time
	ApprovedBy string
	Approved   time.Time // zero: it is a draft
}

// A PolicyText is what a policy says, and what is said about it.
type PolicyText struct {
	Title       string
	Owner       string   // account that keeps it
	Audience    string   // who it is for: all, managers, personal-data, or the name of an Audience
	Acknowledge bool     // its audience agrees to it
	Review      string   // one of PolicyReviews
	Controls    []string // it states
	Summary     string
	Text        string // Markdown; "" where a sealed file stands in its place
	Kind        string // one of DocumentKinds; "" is a policy
	File        string // record of the sealed file that is its text, "E-12"; "": Text is
	Digest      string // of that file's bytes
}

// Policy kinds: what is kept like a policy, with versions, approval and reviews.
const (
	KindPolicy   = "policy"
	KindBaseline = "baseline"
)

// DocumentKinds are the kinds of document that are kept.
var DocumentKinds = []string{KindPolicy, "plan", "diagram", "charter", "register", "notice", KindBaseline, "job description"}

// What is the kind of document in a word.
func (t PolicyText) What() string { return cmp.Or(t.Kind, KindPolicy) }

// whole is what the hash of a version is over: the text, or which bytes stand in
// its place.
func (t PolicyText) whole() string {
	if t.File == "" {
		return t.Text
	}
	return "sealed file " + t.File + " " + t.Digest
}

// PolicyReviews are how often a policy may be reviewed.
var PolicyReviews = []string{"year", "half-year", "quarter"}

// reviewDays are the days a review holds. A year is never 366: the library's
// control asks for a review within 365 days.
var reviewDays = map[string]int{"year": 365, "half-year": 182, "quarter": 91}

// Where a policy stands, as the item type document says it.
const (
	PolicyDraft    = "draft"    // no version is in force
	PolicyApproved = "approved" // one is
	PolicyRetired  = "retired"
)

// Status says where the policy stands.
func (p *Policy) Status() string {
	switch {
	case !p.Retired.IsZero():
		return PolicyRetired
	case p.InForce() != nil:
		return PolicyApproved
	}
	return PolicyDraft
}

// InForce is the version that was approved last, also of a retired policy; nil
// where none ever was.
func (p *Policy) InForce() *PolicyVersion {
	for i := len(p.Versions) - 1; i >= 0; i-- {
		if !p.Versions[i].Approved.IsZero() {
			return &p.Versions[i]
		}
	}
	return nil
}

// Draft is the version that nobody has approved yet; nil where there is none.
func (p *Policy) Draft() *PolicyVersion {
	if n := len(p.Versions); n > 0 && p.Versions[n-1].Approved.IsZero() {
		return &p.Versions[n-1]
	}
	return nil
}

// Current is the version in force, or where there is none the draft.
func (p *Policy) Current() *PolicyVersion {
	if v := p.InForce(); v != nil {
		return v
	}
	return p.Draft()
}

// Version returns a version by its number; nil where there is none.
func (p *Policy) Version(n int) *PolicyVersion {
	if n < 1 || n > len(p.Versions) {
		return nil
	}
	return &p.Versions[n-1]
}

// ReviewDue is until when it has to be reviewed or approved again; zero where
// no version is in force.
func (p *Policy) ReviewDue() time.Time {
	v := p.InForce()
	if v == nil || !p.Retired.IsZero() {
		return time.Time{}
	}
	return ReviewEnds(later(v.Approved, p.Reviewed), v.Review)
}

// ReviewEnds is until when a review holds, by how often there is one; zero where
// there was none.
func ReviewEnds(last time.Time, every string) time.Time {
	if last.IsZero() || reviewDays[every] == 0 {
		return time.Time{}
	}
	return last.AddDate(0, 0, reviewDays[every])
}

// agreed lists the approved versions that an agreement to is enough now: from
// the newest one back to the last that everybody agrees to anew.
func (p *Policy) agreed() (hashes []string) {
	for i := len(p.Versions) - 1; i >= 0; i-- {
		v := &p.Versions[i]
		if v.Approved.IsZero() {
			continue
		}
		if hashes = append(hashes, v.Hash); v.Material {
			break
		}
	}
	return hashes
}

// clone shares nothing with p.
func (p *Policy) clone() Policy {
	c := *p
	c.Versions = slices.Clone(p.Versions)
	for i := range c.Versions {
		v := &c.Versions[i]
		v.By, v.Controls = slices.Clone(v.By), slices.Clone(v.Controls)
	}
	return c
}

// HashOf names a text that people agree to: SHA-256 over the canonical JSON
// (RFC 8785) of its document's ID, its version, its title and its Markdown.
func HashOf(document, version, title, markdown string) string {
	b, err := canonical.Marshal(map[string]string{"document": document, "text": markdown, "title": title, "version": version})
	if err != nil {
		b = []byte(document + "\x00" + version + "\x00" + title + "\x00" + markdown) // not UTF-8: no entry can hold it either
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

var policyTakers = map[string]taker{
	"policy.write": writePolicy, "policy.approve": approvePolicy, "policy.review": reviewPolicy, "policy.retire": retirePolicy,
}

// A policyData is what an entry says of a version: the whole of it, each time.
type policyData struct {
	Title       string   `json:"title"`
	Owner       string   `json:"owner"`
	Audience    string   `json:"audience"`
	Acknowledge bool     `json:"acknowledge"`
	Review      string   `json:"review"`
	Controls    []string `json:"controls"`
	Summary     string   `json:"summary"`
	Text        string   `json:"text"`
	Note        string   `json:"note"`
	Material    bool     `json:"material"`
	Kind        string   `json:"kind,omitempty"` // left out of a policy
	File        string   `json:"file,omitempty"`
	Digest      string   `json:"digest,omitempty"`
}

var (
	fileForm     = regexp.MustCompile(`^E-[0-9]{1,15}$`)
	digestForm   = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	slugForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,59}$`)
	audienceForm = regexp.MustCompile(`^[a-z][a-z0-9 &-]{0,39}$`)
	controlForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$`)
)

func (d policyData) check() error {
	return allOf(
		text("title", d.Title, 1, 200), text("owner", d.Owner, 1, 100), text("summary", d.Summary, 0, 400), text("text", d.Text, textLeast(d.File), policy.MaxSize/2),
		oneOf("kind", d.Kind, append([]string{""}, DocumentKinds...)...),
		when(d.File != "" && d.Text != "", "a document is a text or a sealed file, not both"),
		when(d.File != "" && (!fileForm.MatchString(d.File) || !digestForm.MatchString(d.Digest)), "file: name the record of a sealed document, such as E-12"),
		when(d.File == "" && d.Digest != "", "a digest is that of a sealed file"),
		when(d.File != "" && d.Acknowledge, "people agree to a text they can read here: a sealed file is not agreed to"),
		text("what changed", d.Note, 0, 2000), oneOf("review", d.Review, PolicyReviews...), within("controls", len(d.Controls), 0, 100),
		when(!audienceForm.MatchString(d.Audience), "audience: say all, managers, personal-data, or the name of a group in lower case such as engineers"),
		when(slices.ContainsFunc(d.Controls, func(c string) bool { return !controlForm.MatchString(c) }), "controls: name them by their ids, such as IAM-06"),
	)
}

// textLeast is how long a text is at least.
func textLeast(file string) int {
	if file != "" {
		return 0
	}
	return 1
}

func (d policyData) text() PolicyText {
	return PolicyText{Title: d.Title, Owner: d.Owner, Audience: d.Audience, Acknowledge: d.Acknowledge, Review: d.Review, Controls: d.Controls,
		Summary: d.Summary, Text: d.Text, Kind: d.Kind, File: d.File, Digest: d.Digest}
}

// writePolicy makes the draft of the next version, or changes the one there is.
func writePolicy(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[policyData](e)
	if err == nil {
		err = allOf(d.check(), when(!slugForm.MatchString(e.Of()), "id: use lower-case letters, digits and hyphens, at most 60, such as access-control"))
	}
	if err != nil {
		return book.Change{}, err
	}
	p := s.Policies[e.Of()]
	number, what := 1, "first draft"
	if p != nil {
		number, what = len(p.Versions)+1, "draft of a new version"
		if p.Draft() != nil {
			number, what = len(p.Versions), "draft changed"
		}
	}
	return book.Change{What: fmt.Sprintf("%s: version %d", what, number), Do: func() {
		if p == nil {
			p = &Policy{ID: e.Of()}
			s.Policies[p.ID] = p
		}
		if number > len(p.Versions) {
			p.Versions = append(p.Versions, PolicyVersion{Number: number})
		}
		v := p.Version(number)
		v.PolicyText, v.Note, v.Written = d.text(), d.Note, e.At
		v.Material = d.Material || p.InForce() == nil || !p.Retired.IsZero()
		v.Hash = HashOf(p.ID, fmt.Sprint(number), d.Title, v.whole())
		if !slices.Contains(v.By, e.By.Name) {
			v.By = append(v.By, e.By.Name)
		}
		if p.InForce() == nil {
			p.Retired, p.RetiredBy, p.RetiredWhy = time.Time{}, "", ""
		}
		s.policyFact(e, p)
	}}, nil
}

// A versionData names the version an entry is about.
type versionData struct {
	Version int    `json:"version"`
	Hash    string `json:"hash"`
}

func approvePolicy(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[versionData](e)
	if err != nil {
		return book.Change{}, err
	}
	p := s.Policies[e.Of()]
	if p == nil {
		return book.Change{}, fmt.Errorf("%w: policy %s", audit.ErrNotFound, e.Of())
	}
	v := p.Draft()
	switch {
	case v == nil:
		return book.Change{}, fmt.Errorf("%w: %s has no draft that could be approved", audit.ErrConflict, p.ID)
	case v.Number != d.Version, v.Hash != d.Hash:
		return book.Change{}, fmt.Errorf("%w: the draft of %s is not the text you read. Read it again", audit.ErrConflict, p.ID)
	case slices.Contains(v.By, e.By.Name):
		return book.Change{}, fmt.Errorf("%w: you wrote it; somebody else approves it", audit.ErrForbidden)
	}
	return book.Change{What: fmt.Sprintf("version %d approved", v.Number), Do: func() {
		v.ApprovedBy, v.Approved = e.By.Name, e.At
		p.Retired, p.RetiredBy, p.RetiredWhy = time.Time{}, "", "" // a retired policy comes back by approval alone
		s.policyFact(e, p)
	}}, nil
}

// A noteData is an entry that says no more than why.
type noteData struct {
	Note string `json:"note"`
}

// inForce is the policy an entry is about, where a version of it is in force.
func (s *State) inForce(e Entry) (*Policy, error) {
	p := s.Policies[e.Of()]
	if p == nil {
		return nil, fmt.Errorf("%w: policy %s", audit.ErrNotFound, e.Of())
	}
	if p.Status() != PolicyApproved {
		return nil, fmt.Errorf("%w: no version of %s is in force", audit.ErrConflict, p.ID)
	}
	return p, nil
}

func reviewPolicy(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[noteData](e)
	if err == nil {
		err = text("note", d.Note, 0, 2000)
	}
	if err != nil {
		return book.Change{}, err
	}
	p, err := s.inForce(e)
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: fmt.Sprintf("version %d reviewed without change", p.InForce().Number), Do: func() {
		p.Reviewed, p.ReviewedBy, p.ReviewNote = e.At, e.By.Name, d.Note
		s.policyFact(e, p)
	}}, nil
}

func retirePolicy(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[noteData](e)
	if err == nil {
		err = text("why", d.Note, 1, 2000)
	}
	if err != nil {
		return book.Change{}, err
	}
	p := s.Policies[e.Of()]
	if p == nil {
		return book.Change{}, fmt.Errorf("%w: policy %s", audit.ErrNotFound, e.Of())
	}
	if !p.Retired.IsZero() {
		return book.Change{}, fmt.Errorf("%w: %s is retired already", audit.ErrConflict, p.ID)
	}
	return book.Change{What: "retired: " + d.Note, Do: func() {
		p.Retired, p.RetiredBy, p.RetiredWhy = e.At, e.By.Name, d.Note
		s.policyFact(e, p)
	}}, nil
}

// factKind is the kind as evidence says it, whose words know no baseline: that is a
// procedure for setting systems up.
func (t PolicyText) factKind() string {
	if t.Kind == KindBaseline {
		return "procedure"
	}
	return t.What()
}

// policyFact counts the entry, and says the policy as evidence: the version in
// force, or where there is none the draft.
func (s *State) policyFact(e Entry, p *Policy) {
	p.Revision = s.Revision(e.On) + 1
	v := p.Current()
	approvedBy := ""
	if v.ApprovedBy != "" {
		approvedBy = s.PersonOf(v.ApprovedBy)
	}
	s.fact(e, audit.Fact{Type: "document", ID: p.ID, Fields: map[string]any{
		"title": v.Title, "kind": v.factKind(), "version": fmt.Sprint(v.Number), "status": p.Status(), "owner": s.PersonOf(v.Owner),
		"approvedBy": approvedBy, "approvedAt": timeOrNever(v.Approved), "reviewedAt": timeOrNever(p.Reviewed)}})
}
