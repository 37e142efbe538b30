package program_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tieout/access"
	"tieout/audit"
	"tieout/policy"
	"tieout/program"
)

var (
	ana = as("ana", access.Employee)
	bo  = as("bo", access.Employee)
)

func laptops() program.PolicyText {
	return program.PolicyText{Title: "Laptops", Owner: leaID, Acknowledge: true, Review: "year", Controls: []string{"END-01"}, Summary: "What a laptop needs.", Text: "# Laptops\n\nLock the screen.\n"}
}

// inForce writes a policy and approves it.
func (w *world) inForce(id string, t program.PolicyText, material bool) program.Policy {
	w.t.Helper()
	var revision int64
	if p, err := w.book.Policy(w.t.Context(), id); err == nil {
		revision = p.Revision
	}
	p := must[program.Policy](w.t)(w.book.WritePolicy(w.t.Context(), lead, id, revision, t, "as the test says", material))
	return must[program.Policy](w.t)(w.book.ApprovePolicy(w.t.Context(), signer, id, p.Revision, p.Draft().Hash))
}

func (w *world) read(f func(*program.State)) {
	w.t.Helper()
	err := w.book.Read(w.t.Context(), func(s *program.State) error { f(s); return nil })
	if err != nil {
		w.t.Fatal(err)
	}
}

// facts are the facts of a type, the last telling of each ID.
func (w *world) facts(typ string) (out []audit.Fact) {
	w.t.Helper()
	w.read(func(s *program.State) {
		for _, f := range s.Facts {
			if f.Type != typ {
				continue
			}
			if i := slices.IndexFunc(out, func(x audit.Fact) bool { return x.ID == f.ID }); i >= 0 {
				out[i] = f
			} else {
				out = append(out, f)
			}
		}
	})
	return out
}

func TestPolicyLife(t *testing.T) {
	w := newWorld(t)
	p := must[program.Policy](t)(w.book.WritePolicy(t.Context(), lead, "laptops", 0, laptops(), "", false))
	if p.Status() != program.PolicyDraft || !p.Draft().Material || p.Draft().Number != 1 {
		t.Errorf("first draft: %+v", p)
	}
	w.pass(time.Hour)
	p = must[program.Policy](t)(w.book.ApprovePolicy(t.Context(), signer, "laptops", p.Revision, p.Draft().Hash))
	if v := p.InForce(); p.Status() != program.PolicyApproved || v.ApprovedBy != samID || !v.Approved.Equal(start.Add(time.Hour)) {
		t.Errorf("approved: %+v", v)
	}
	if due := start.Add(time.Hour).AddDate(0, 0, 365); !p.ReviewDue().Equal(due) {
		t.Errorf("review is due %v, want %v", p.ReviewDue(), due)
	}
	w.pass(24 * time.Hour)
	p = must[program.Policy](t)(w.book.ReviewPolicy(t.Context(), lead, "laptops", p.Revision, "Still what we do."))
	next := laptops()
	next.Text += "\nReport a lost one.\n"
	p = must[program.Policy](t)(w.book.WritePolicy(t.Context(), lead, "laptops", p.Revision, next, "loss", false))
	if p.Status() != program.PolicyApproved || p.InForce().Number != 1 || p.Draft().Number != 2 || p.Draft().Material {
		t.Errorf("second draft: in force %d, draft %+v", p.InForce().Number, p.Draft())
	}
	want := audit.Fact{Type: "document", ID: "laptops", Fields: map[string]any{"title": "Laptops", "kind": "policy", "version": "1", "status": "approved",
		"owner": "account:" + leaID, "approvedBy": "account:" + samID, "approvedAt": "2026-03-02T10:00:00Z", "reviewedAt": "2026-03-03T10:00:00Z"}}
	got := w.facts("document")[0]
	got.Record, got.Recorded, got.At = 0, time.Time{}, time.Time{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the fact (-want +got):\n%s", diff)
	}
	p = must[program.Policy](t)(w.book.RetirePolicy(t.Context(), signer, "laptops", p.Revision, "Replaced by the device policy."))
	if p.Status() != program.PolicyRetired || w.facts("document")[0].Fields["status"] != "retired" {
		t.Errorf("retired: %s", p.Status())
	}
	p = must[program.Policy](t)(w.book.WritePolicy(t.Context(), lead, "laptops", p.Revision, next, "back", false))
	if p.Status() != program.PolicyRetired || !p.Draft().Material {
		t.Errorf("a draft alone brought it back: %s, material %v", p.Status(), p.Draft().Material)
	}
	if diff := cmp.Diff(p, must[program.Policy](t)(w.again().Policy(t.Context(), "laptops"))); diff != "" {
		t.Errorf("another server reads it otherwise:\n%s", diff)
	}
	p = must[program.Policy](t)(w.book.ApprovePolicy(t.Context(), signer, "laptops", p.Revision, p.Draft().Hash))
	if p.Status() != program.PolicyApproved || p.InForce().Number != 2 {
		t.Errorf("approved again: %s, version %d", p.Status(), p.InForce().Number)
	}
}

func TestPolicyRefused(t *testing.T) {
	w := newWorld(t)
	both := as(boID, access.ComplianceLead, access.ManagementSigner)
	mine := must[program.Policy](t)(w.book.WritePolicy(t.Context(), both, "mine", 0, laptops(), "", false))
	open := laptops()
	open.Text = "Write to {security contact}."
	unfilled := must[program.Policy](t)(w.book.WritePolicy(t.Context(), lead, "unfilled", 0, open, "", false))
	held := w.inForce("held", laptops(), false)
	write := func(by access.Subject, id string, revision int64, change func(*program.PolicyText)) error {
		text := laptops()
		change(&text)
		_, err := w.book.WritePolicy(t.Context(), by, id, revision, text, "", false)
		return err
	}
	same := func(*program.PolicyText) {}
	approve := func(by access.Subject, p program.Policy, hash string) error {
		_, err := w.book.ApprovePolicy(t.Context(), by, p.ID, p.Revision, hash)
		return err
	}
	tests := []struct {
		name string
		err  error
		want error
	}{
		{"a reader writes", write(reader, "x", 0, same), audit.ErrForbidden},
		{"an id that is no word", write(lead, "X y", 0, same), audit.ErrInvalid},
		{"without a text", write(lead, "x", 0, func(p *program.PolicyText) { p.Text = " " }), audit.ErrInvalid},
		{"a text too long", write(lead, "x", 0, func(p *program.PolicyText) { p.Text = strings.Repeat("é", 200_000) }), audit.ErrInvalid},
		{"no cadence", write(lead, "x", 0, func(p *program.PolicyText) { p.Review = "never" }), audit.ErrInvalid},
		{"an id that is taken", write(lead, "mine", 0, same), audit.ErrConflict},
		{"an older revision", write(lead, "held", held.Revision-1, same), audit.ErrConflict},
		{"approving one's own", approve(both, mine, mine.Draft().Hash), audit.ErrForbidden},
		{"approving as a lead", approve(lead, mine, mine.Draft().Hash), audit.ErrForbidden},
		{"approving another text", approve(signer, mine, program.HashOf("mine", "1", "Laptops", "x")), audit.ErrConflict},
		{"approving with a placeholder", approve(signer, unfilled, unfilled.Draft().Hash), audit.ErrConflict},
		{"approving without a draft", approve(signer, held, held.InForce().Hash), audit.ErrConflict},
		{"approving what is not there", approve(signer, program.Policy{ID: "none"}, ""), audit.ErrNotFound},
		{"reviewing a draft", func() error { _, err := w.book.ReviewPolicy(t.Context(), lead, "mine", mine.Revision, ""); return err }(), audit.ErrConflict},
		{"retiring as its author", func() error { _, err := w.book.RetirePolicy(t.Context(), lead, "held", held.Revision, "x"); return err }(), audit.ErrForbidden},
		{"retiring without a reason", func() error {
			_, err := w.book.RetirePolicy(t.Context(), signer, "held", held.Revision, "")
			return err
		}(), audit.ErrInvalid},
		{"retiring a draft as its author", func() error {
			_, err := w.book.RetirePolicy(t.Context(), lead, "unfilled", unfilled.Revision, "no use")
			return err
		}(), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !errors.Is(tt.err, tt.want) {
				t.Errorf("got %v, want %v", tt.err, tt.want)
			}
		})
	}
}

func TestAgree(t *testing.T) {
	w := newWorld(t)
	p := w.inForce("laptops", laptops(), false)
	v1 := p.InForce().Hash
	if _, err := w.book.Agree(t.Context(), lead, "laptops", v1, nil); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("without the role employee: %v", err)
	}
	a := must[program.Agreement](t)(w.book.Agree(t.Context(), ana, "laptops", v1, nil))
	next := laptops()
	next.Text = "# Laptops\n\nLock the screen, always.\n"
	w.inForce("laptops", next, false)
	if _, err := w.book.Agree(t.Context(), bo, "laptops", v1, nil); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("agreeing to a text that is not in force: %v", err)
	}
	asked := func(account string) (out program.Asked) {
		w.read(func(s *program.State) {
			out = s.Asked(program.Member{Account: account, Joined: start}, s.Documents(nil), nil, w.now())[0]
		})
		return out
	}
	if got := asked("ana"); got.Why != program.AskedDone || got.Version != "1" {
		t.Errorf("a small change: %+v", got)
	}
	if got := asked("bo"); got.Why != program.AskedNew || !got.Due.Equal(start.AddDate(0, 0, 30)) {
		t.Errorf("who never agreed: %+v", got)
	}
	next.Text = "# Laptops\n\nNone leaves the office.\n"
	w.inForce("laptops", next, true)
	if got := asked("ana"); got.Why != program.AskedChanged || got.Hash != v1 {
		t.Errorf("a material change: %+v", got)
	}
	w.read(func(s *program.State) {
		if text, ok := s.TextOf("laptops", v1); !ok || text != laptops().Text {
			t.Errorf("the text that was agreed to: %q, %v", text, ok)
		}
	})
	want := map[string]any{"person": "account:ana", "document": "laptops", "version": "1"}
	if got := w.facts("acknowledgement"); len(got) != 1 || cmp.Diff(want, got[0].Fields) != "" || got[0].ID != "agreement/"+audit.EvidenceRef(a.Record) {
		t.Errorf("facts %+v", got)
	}
}

// Whoever is linked to a person later is that person in what they did before.
func TestAgreementsFollowThePerson(t *testing.T) {
	w := newWorld(t)
	p := w.inForce("laptops", laptops(), false)
	must[program.Agreement](t)(w.book.Agree(t.Context(), ana, "laptops", p.InForce().Hash, nil))
	must[program.Training](t)(w.book.AnswerCourse(t.Context(), ana, course(), [][]int{{0}}))
	w.pass(time.Hour)
	must[program.Identity](t)(w.book.LinkIdentity(t.Context(), lead, program.OfTieout, "ana", "hr/3", "employee number", 0))
	for _, typ := range []string{"acknowledgement", "training"} {
		got := w.facts(typ)
		if len(got) != 1 || got[0].Fields["person"] != "hr/3" || !got[0].At.Equal(start) || !got[0].Recorded.Equal(start.Add(time.Hour)) {
			t.Errorf("%s: %+v", typ, got)
		}
	}
}

func TestAgreeToFile(t *testing.T) {
	w := newWorld(t)
	file := program.Document{ID: "access", Title: "Access", Audience: "all", Acknowledge: true, Version: "1.2", Text: "Ask first.", File: "policies/access.md",
		Hash: program.HashOf("access", "1.2", "Access", "Ask first.")}
	files := []program.Document{file}
	for _, who := range []access.Subject{ana, bo} {
		must[program.Agreement](t)(w.book.Agree(t.Context(), who, "access", file.Hash, files))
	}
	w.read(func(s *program.State) {
		if len(s.Kept["access"]) != 1 || len(s.Void) != 0 {
			t.Errorf("kept %+v, void %+v", s.Kept["access"], s.Void)
		}
	})
	mended := file
	mended.Text, mended.Hash = "Ask first!", program.HashOf("access", "1.2", "Access", "Ask first!")
	again := mended
	again.Version, again.Hash = "1.3", program.HashOf("access", "1.3", "Access", "Ask first!")
	for _, tt := range []struct {
		name string
		doc  program.Document
		want string
	}{{"the same", file, program.AskedDone}, {"mended, still 1.2", mended, program.AskedDone}, {"1.3", again, program.AskedChanged}} {
		w.read(func(s *program.State) {
			got := s.Asked(program.Member{Account: "ana"}, s.Documents([]program.Document{tt.doc}), nil, w.now())
			if len(got) != 1 || got[0].Why != tt.want {
				t.Errorf("%s: got %+v, want %s", tt.name, got, tt.want)
			}
		})
	}
	if _, err := w.book.Agree(t.Context(), ana, "access", file.Hash, []program.Document{again}); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("a file that changed meanwhile: %v", err)
	}
}

func course() policy.Course {
	return policy.Course{ID: "basics", Title: "Basics", Topic: "security", Minutes: 7, Audience: "all", Body: "Read this.",
		Questions: []policy.Question{{Ask: "What first?", Options: []policy.Option{{Text: "Report", Right: true, Why: "Yes."}, {Text: "Wait", Why: "No."}}}}}
}

func TestTraining(t *testing.T) {
	w := newWorld(t)
	got := must[program.Training](t)(w.book.AnswerCourse(t.Context(), ana, course(), [][]int{{1}}))
	if got.Attempts != 1 || !got.Completed.IsZero() || !slices.Equal(got.Wrong, []int{0}) || len(w.facts("training")) != 0 {
		t.Errorf("a wrong answer: %+v", got)
	}
	if got = must[program.Training](t)(w.book.AnswerCourse(t.Context(), ana, course(), [][]int{{0}})); got.Attempts != 2 || !got.Completed.Equal(start) {
		t.Errorf("then right: %+v", got)
	}
	if f := w.facts("training"); len(f) != 1 || f[0].Fields["topic"] != "security" || f[0].Fields["result"] != "completed" || f[0].Fields["course"] != "basics" {
		t.Errorf("facts %+v", f)
	}
	if _, err := w.book.AnswerCourse(t.Context(), lead, course(), nil); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("without the role employee: %v", err)
	}
}

func TestPast(t *testing.T) {
	w := newWorld(t)
	p := w.inForce("laptops", laptops(), false)
	must[program.Agreement](t)(w.book.Agree(t.Context(), ana, "laptops", p.InForce().Hash, nil))
	must[program.Training](t)(w.book.AnswerCourse(t.Context(), ana, course(), [][]int{{0}}))
	must[program.Training](t)(w.book.AnswerCourse(t.Context(), bo, course(), [][]int{{1}}))
	w.read(func(s *program.State) {
		got := s.Past("ana", nil)
		if len(got) != 2 || got[0].Title != "Basics" || got[1].Title != "Laptops" || got[1].Version != "1" || got[1].Open() {
			t.Errorf("got %+v", got)
		}
		if got = s.Past("ana", got); len(got) != 0 {
			t.Errorf("of what is asked now: %+v", got)
		}
		if got = s.Past("bo", nil); len(got) != 0 {
			t.Errorf("of who completed nothing: %+v", got)
		}
	})
}

func TestAskedInTime(t *testing.T) {
	w := newWorld(t)
	must[program.Training](t)(w.book.AnswerCourse(t.Context(), ana, course(), [][]int{{0}}))
	courses := []policy.Course{course()}
	tests := []struct {
		name   string
		member program.Member
		days   int
		why    string
		due    int // days after start
		holds  bool
	}{
		{"the day after", program.Member{Account: "ana", Joined: start}, 1, program.AskedDone, 365, true},
		{"eleven months on", program.Member{Account: "ana", Joined: start}, 334, program.AskedDone, 365, true},
		{"a month before it ends", program.Member{Account: "ana", Joined: start}, 335, program.AskedYearly, 365, true},
		{"when it has ended", program.Member{Account: "ana", Joined: start}, 365, program.AskedYearly, 365, false},
		{"somebody new", program.Member{Account: "bo", Joined: start.AddDate(0, 0, 10)}, 12, program.AskedNew, 40, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.read(func(s *program.State) {
				now := start.AddDate(0, 0, tt.days)
				got := s.Asked(tt.member, nil, courses, now)[0]
				if got.Why != tt.why || !got.Due.Equal(start.AddDate(0, 0, tt.due)) || got.Holds(now) != tt.holds {
					t.Errorf("got %s, due %v, holds %v; want %s, %v, %v", got.Why, got.Due, got.Holds(now), tt.why, start.AddDate(0, 0, tt.due), tt.holds)
				}
			})
		})
	}
}

func TestAudience(t *testing.T) {
	w := newWorld(t)
	must[struct{}](t)(struct{}{}, w.book.SetAudience(t.Context(), lead, program.Audience{Name: "engineers", Departments: []string{"Engineering", "Platform"}}))
	tests := []struct {
		name     string
		member   program.Member
		audience string
		want     bool
	}{
		{"everybody", program.Member{Department: "Sales"}, "all", true},
		{"their own", program.Member{Department: "engineering"}, "engineers", true},
		{"another department", program.Member{Department: "Sales"}, "engineers", false},
		{"nobody knows where", program.Member{}, "engineers", true},
		{"nobody said who they are", program.Member{Department: "Sales"}, "drivers", true},
		{"manages somebody", program.Member{Manages: "yes"}, "managers", true},
		{"manages nobody", program.Member{Manages: "no"}, "managers", false},
		{"not known to manage", program.Member{}, "managers", true},
		{"handles personal data", program.Member{PersonalData: "yes"}, "personal-data", true},
		{"handles none", program.Member{PersonalData: "no"}, "personal-data", false},
	}
	for _, tt := range tests {
		w.read(func(s *program.State) {
			if got := s.In(tt.member, tt.audience); got != tt.want {
				t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
			}
		})
	}
	for name, tt := range map[string]struct {
		by   access.Subject
		a    program.Audience
		want error
	}{
		"an employee":       {ana, program.Audience{Name: "drivers"}, audit.ErrForbidden},
		"an older revision": {lead, program.Audience{Name: "engineers"}, audit.ErrConflict},
		"everybody":         {lead, program.Audience{Name: "all"}, audit.ErrInvalid},
	} {
		if err := w.book.SetAudience(t.Context(), tt.by, tt.a); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestWords(t *testing.T) {
	w := newWorld(t)
	got := must[program.Words](t)(w.book.SetWords(t.Context(), lead, program.Words{Values: map[string]string{"security contact": " security@example.com ", "other": ""}}))
	if got.Revision != 1 || len(got.Values) != 1 || got.Values["security contact"] != "security@example.com" {
		t.Errorf("got %+v", got)
	}
	for name, tt := range map[string]struct {
		by    access.Subject
		words program.Words
		want  error
	}{
		"a reader":          {reader, program.Words{Revision: 1}, audit.ErrForbidden},
		"an older revision": {lead, program.Words{}, audit.ErrConflict},
		"two lines":         {lead, program.Words{Values: map[string]string{"system": "a\nb"}, Revision: 1}, audit.ErrInvalid},
	} {
		if _, err := w.book.SetWords(t.Context(), tt.by, tt.words); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}
