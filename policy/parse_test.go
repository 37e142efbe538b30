package policy

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
)

const accessFile = `---
id: access
title: Access
owner: IT lead
audience: engineers
acknowledge: true
review: quarter
controls: [IAM-01, IAM-02]
summary: Who may do what.
states:
  - { control: IAM-02, says: Access ends within 1 business day. }
version: 1.10
status: approved
approvedBy: Bo Lind
approvedAt: 2026-04-10
---
# Access

It is approved first [IAM-01].
`

func TestParse(t *testing.T) {
	got, err := Parse("policies/access.md", []byte(accessFile))
	if err != nil {
		t.Fatal(err)
	}
	want := Policy{
		ID: "access", Title: "Access", Owner: "IT lead", Audience: "engineers", Acknowledge: true, Review: "quarter",
		Controls: []string{"IAM-01", "IAM-02"}, Summary: "Who may do what.", States: []Statement{{"IAM-02", "Access ends within 1 business day."}},
		Record: Record{Version: "1.10", Status: "approved", ApprovedBy: "Bo Lind", ApprovedAt: "2026-04-10"},
		Body:   "# Access\n\nIt is approved first [IAM-01].\n", Line: 17,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Ref{{"IAM-01", 19, 23}}, got.Refs()); diff != "" {
		t.Error(diff)
	}
}

// TestParseDefaults: a policy of a register, which says only what registers ask.
func TestParseDefaults(t *testing.T) {
	got, err := Parse("policies/p.md", []byte("\ufeff---\r\ntitle: P\r\nowner: none\r\n---\r\nText of {organization}.\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Policy{ID: "p", Title: "P", Owner: "none", Audience: "all", Review: "year", Body: "Text of {organization}.\n", Line: 5}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"{organization}"}, got.Open()); diff != "" {
		t.Error(diff)
	}
}

func TestParseFaults(t *testing.T) {
	for _, c := range []struct{ name, file, from, to, want string }{
		{"no front matter", "p.md", accessFile, "# Access\n", "p.md:1:1: it has no front matter; begin the file with a line ---, then title: and the like, then a line ---"},
		{"empty", "p.md", accessFile, "", "p.md:1:1: it has no front matter"},
		{"no end", "p.md", "---\n# Access", "# Access", "p.md:1:1: its front matter has no end"},
		{"nothing in it", "p.md", accessFile, "---\n---\nx", "p.md:2:1: the front matter is `title: ...`"},
		{"a list", "p.md", accessFile, "---\n- a\n---\nx", "p.md:2:1: the front matter is `title: ...`"},
		{"unknown key", "access.md", "owner:", "ownr:", `access.md:4:1: there is no key "ownr" here`},
		{"key twice", "access.md", "owner:", "title:", "access.md:4:1: "},
		{"wrong type", "access.md", "acknowledge: true", "acknowledge: soon", "access.md:6:14: "},
		{"another id", "access.md", "id: access", "id: entry", `access.md:2:5: the id is the file's name, "access"; leave it out or write that`},
		{"no title", "access.md", "title: Access", "title: ''", "access.md:3:8: title: nothing is written; write it"},
		{"title of two lines", "access.md", "title: Access", "title: \"a\\nb\"", "access.md:3:8: title: want one line of at most 200 bytes"},
		{"audience", "access.md", "engineers", "Engineers", "access.md:5:11: audience: want all, or the name of a group"},
		{"review", "access.md", "quarter", "decade", `access.md:7:9: review: "decade" is not one of year, half-year, quarter`},
		{"control twice", "access.md", "[IAM-01, IAM-02]", "[IAM-01, IAM-02, IAM-01]", "access.md:8:28: control IAM-01 is written twice"},
		{"statement of another control", "access.md", "control: IAM-02", "control: IAM-03", `access.md:11:16: "IAM-03" is not among the policy's controls`},
		{"statement of nothing", "access.md", "says: Access ends within 1 business day.", "says: ''", "access.md:11:30: says: nothing is written"},
		{"text names another control", "access.md", "first [IAM-01]", "first [IAM-01, IAM-09]", "access.md:19:31: the text names IAM-09, which is not among the policy's controls"},
		{"no text", "access.md", "# Access\n\nIt is approved first [IAM-01].\n", "\n", "access.md:17:1: there is no text below the front matter"},
		{"alias", "access.md", "title: Access", "title: &a Access\nkind: *a", "access.md:4:7: aliases"},
		{"file name", "policies/a b.md", "id: access\n", "", "policies/a b.md:2:1: files here are called NAME.md"},
		{"not UTF-8", "access.md", "It is", "It \xff", "access.md:19:1: this line is not UTF-8"},
		{"turned around", "access.md", "It is", "It\u202e is", "access.md:19:3: there is a character here that nobody sees"},
		{"control character", "access.md", "It is", "It\x1b[2J is", "access.md:19:3: there is a character here that nobody sees"},
		{"too large", "access.md", "It is", strings.Repeat("It is ", MaxSize/6), "access.md:1:1: the file has "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(accessFile, c.from) {
				t.Fatalf("%q is not in the file", c.from)
			}
			_, err := Parse(c.file, []byte(strings.Replace(accessFile, c.from, c.to, 1)))
			checkFault(t, err, c.want)
		})
	}
}

var positioned = regexp.MustCompile(`^[^:]+\.md:[0-9]+:[0-9]+: .`)

// checkFault wants an invalid file whose first line begins with want, and a
// place in every line.
func checkFault(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if !errors.Is(err, audit.ErrInvalid) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if !positioned.MatchString(line) {
			t.Errorf("no place in %q", line)
		}
	}
}

func TestRefs(t *testing.T) {
	p := Policy{Line: 3, Body: "A [IAM-01, HAL-2].\n\n- [CRY-02]: [RFC-6962](https://a.example/) [B-1][c] [c-1] [D-x]\n\n[E-1]: https://a.example/\n"}
	want := []Ref{{"IAM-01", 3, 4}, {"HAL-2", 3, 12}, {"CRY-02", 5, 4}}
	if diff := cmp.Diff(want, p.Refs()); diff != "" {
		t.Error(diff)
	}
}

// TestParseTellsAll: every fault of a file at once.
func TestParseTellsAll(t *testing.T) {
	_, err := Parse("access.md", []byte(strings.NewReplacer("quarter", "decade", "engineers", "E", "id: access", "id: x").Replace(accessFile)))
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v, want 3 faults", err)
	}
}

const course = `---
title: Basics
topic: security
minutes: 5
questions:
  - ask: What first?
    options:
      - { text: Report., right: true, why: Others can act. }
      - { text: Wait., right: false, why: Nobody can act. }
  - ask: Which two?
    options:
      - { text: A., right: true, why: Yes. }
      - { text: B., right: false, why: No. }
      - { text: C., right: true, why: Yes. }
---
# Basics

Text.
`

func TestParseCourse(t *testing.T) {
	got, err := ParseCourse("training/basics.md", []byte(course))
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != "basics" || got.Audience != "all" || got.Minutes != 5 || len(got.Questions) != 2 || got.Body != "# Basics\n\nText.\n" || got.String() != "Basics (5 minutes)" {
		t.Errorf("got %+v", got)
	}
	if got.Questions[0].Several() || !got.Questions[1].Several() {
		t.Error("one answer of the first question is right, two of the second are")
	}
}

func TestParseCourseFaults(t *testing.T) {
	for _, c := range []struct{ name, from, to, want string }{
		{"topic", "security", "cooking", `basics.md:3:8: topic: "cooking" is not one of security, development, incident, privacy`},
		{"minutes", "minutes: 5", "minutes: 0", "basics.md:4:10: minutes: want 1 to 120"},
		{"minutes in words", "minutes: 5", "minutes: five", "basics.md:4:10: "},
		{"no question", course[strings.Index(course, "questions:"):strings.Index(course, "---\n#")], "", "basics.md:2:1: questions: want 1 to 50"},
		{"none is right", "right: true", "right: false", "basics.md:8:7: want at least one option that is right and one that is not"},
		{"all are right", "right: false", "right: true", "basics.md:8:7: want at least one option that is right and one that is not"},
		{"no reason", "why: Nobody can act.", "why: ''", "basics.md:9:43: why: nothing is written"},
		{"option twice", "text: Wait.", "text: Report.", "basics.md:9:17: this option is written twice"},
		{"one option", "      - { text: Wait., right: false, why: Nobody can act. }\n", "", "basics.md:8:7: options: want 2 to 8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseCourse("basics.md", []byte(strings.Replace(course, c.from, c.to, 1)))
			checkFault(t, err, c.want)
		})
	}
}

func TestWrong(t *testing.T) {
	c, err := ParseCourse("basics.md", []byte(course))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name    string
		answers [][]int
		want    []int
	}{
		{"all right", [][]int{{0}, {0, 2}}, nil},
		{"in another order", [][]int{{0}, {2, 0}}, nil},
		{"chosen twice", [][]int{{0}, {2, 0, 2}}, nil},
		{"one too many", [][]int{{0, 1}, {0, 1, 2}}, []int{0, 1}},
		{"one too few", [][]int{{0}, {2}}, []int{1}},
		{"none", [][]int{{}, {}}, []int{0, 1}},
		{"not answered", nil, []int{0, 1}},
		{"no such option", [][]int{{0, 9}, {-1}}, []int{0, 1}},
		{"answers to more than was asked", [][]int{{0}, {0, 2}, {1}}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			if diff := cmp.Diff(x.want, c.Wrong(x.answers)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzParse: whatever the bytes, there is a policy that can be shown, or an
// error that says where.
func FuzzParse(f *testing.F) {
	for _, s := range []string{accessFile, "---\ntitle: a\n---\nb", "---\r\ntitle: a\r\n---\r\nb\r\n", "---\n? [a]\n: b\n---\nx", "---\ntitle: &a b\nowner: *a\n---\n", "---\nstates: [{}]\ntitle: 1\n---\n[AA-1]", "\xff", "---\nacknowledge: \"0\\n0\"\n---\nx"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("p.md", data)
		if err != nil {
			checkFault(t, err, "p.md:")
			return
		}
		if p.ID != "p" || strings.TrimSpace(p.Title) == "" || strings.TrimSpace(p.Body) == "" {
			t.Errorf("got %+v", p)
		}
		checkInert(t, string(HTML(p.Body)))
	})
}

func FuzzParseCourse(f *testing.F) {
	f.Add([]byte(course))
	f.Add([]byte("---\ntitle: a\nquestions: [{ask: b, options: [{}, {}]}]\n---\nb"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseCourse("p.md", data)
		if err != nil {
			checkFault(t, err, "p.md:")
			return
		}
		for i, q := range c.Questions {
			var right []int
			for j, o := range q.Options {
				if o.Right {
					right = append(right, j)
				}
			}
			if !q.Answered(right) || q.Answered(nil) {
				t.Errorf("question %d cannot be answered", i)
			}
		}
	})
}
