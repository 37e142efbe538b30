package main

import (
	"errors"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement"
)

// TestFilesSayWhere: what is wrong in a file of an examination's commands is named
// by file, line and column.
func TestFilesSayWhere(t *testing.T) {
	terms := func(s string) error { _, err := parseTerms("f.yaml", []byte(s), engagement.Party{}); return err }
	tests := func(s string) error { _, err := parseTests("f.yaml", []byte(s)); return err }
	sections := func(s string) error { _, err := parseSections("f.yaml", []byte(s)); return err }
	marks := func(s string) error { _, err := parseMarks("f.csv", strings.NewReader(s)); return err }
	for _, tt := range []struct {
		name, in string
		read     func(string) error
		want     string
	}{
		{"terms, unknown key", "type: soc3\nsystm: X\n", terms, "f.yaml:2:1: key systm not found"},
		{"terms, wrong type", "type: soc3\nqualityReview: perhaps\n", terms, "f.yaml:2:16: "},
		{"terms, prior", "prior: [{ control: X, words: y }]\n", terms, `prior, entry 1: there is no "words"`},
		{"terms, empty", "", terms, "f.yaml:1:1: the file is empty"},
		{"tests, unknown key", "- id: T-1\n  contol: X\n", tests, "f.yaml:2:3: key contol not found"},
		{"sections, wrong type", "- dc: DC 1\n  paragraphs: none\n", sections, "f.yaml:2:15: "},
		{"marks, no head", "", marks, "f.csv:1:1: "},
		{"marks, unknown column", "item,mark,mood\n", marks, `f.csv:1:11: there is no column "mood"`},
		{"marks, all at once", "item,mark,evidence\na,perhaps,E-1\nb,exception,X\n", marks, "f.csv:3:13: evidence: "},
		{"marks, no mark", "item,note,mark\na,b\n", marks, "f.csv:2:1: the line has no mark"},
		{"marks, one cell too many", "item,mark\na,exception,x\n", marks, "f.csv:2:13: there is no column here"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.read(tt.in)
			if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// TestMarksOfAFile: what a file of marks says.
func TestMarksOfAFile(t *testing.T) {
	got, err := parseMarks("f.csv", strings.NewReader("\ufeffItem,Attribute,Mark,Note,Evidence,Why\nhr/7,B,Exception,left,\"E-4 E-5\",\nhr/9,,no exception,,,a slip\n"))
	if err != nil || len(got) != 2 {
		t.Fatalf("%d lines, %v", len(got), err)
	}
	a, b := got[0], got[1]
	if a.cell.Item != "hr/7" || a.cell.Attribute != "B" || a.verdict.Mark != engagement.Exception || len(a.verdict.Evidence) != 2 || a.line != 2 {
		t.Errorf("first %+v", a)
	}
	if b.cell.Attribute != "A" || b.verdict.Mark != engagement.NoException || b.verdict.Why != "a slip" {
		t.Errorf("second %+v", b)
	}
}

// TestTermsOfAFile: a category that is in says so, one that is out says why.
func TestTermsOfAFile(t *testing.T) {
	got, err := parseTerms("f.yaml", []byte("type: soc2-type2\nclient: { name: Acme, key: acme.example+1a2b3c4d+AA }\ncategories: { S: in, A: not promised }\nmilestones: { 2026-09-14: fieldwork }\n"), engagement.Party{Name: "Brookline"})
	if err != nil {
		t.Fatal(err)
	}
	want := []engagement.Choice{{Category: audit.Availability, Why: "not promised"}, {Category: audit.Security, In: true}}
	if len(got.Categories) != 2 || got.Categories[0] != want[0] || got.Categories[1] != want[1] {
		t.Errorf("categories %+v, want %+v", got.Categories, want)
	}
	if got.Client.Origin != "acme.example" || got.Firm.Name != "Brookline" || got.Milestones[0] != (engagement.Milestone{Name: "fieldwork", Day: "2026-09-14"}) {
		t.Errorf("terms %+v", got)
	}
}

func FuzzParseTerms(f *testing.F) {
	f.Add([]byte("type: soc2-type2\nclient: { name: Acme, key: a+b+c }\ncategories: { S: in }\n"))
	f.Add([]byte("prior: [{ control: X }]\nsubservices: [{ name: H, expected: [{ id: 1 }] }]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := parseTerms("f", data, engagement.Party{}); err != nil && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("kind of %v", err)
		}
		if _, err := parseTests("f", data); err != nil && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("kind of %v", err)
		}
		if _, err := parseSections("f", data); err != nil && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("kind of %v", err)
		}
	})
}

func FuzzParseMarks(f *testing.F) {
	f.Add("item,mark,note,evidence\nhr/7,exception,left,E-22\n")
	f.Add("item,mark\n\"a\nb\",perhaps\n")
	f.Fuzz(func(t *testing.T, data string) {
		lines, err := parseMarks("f", strings.NewReader(data))
		if err != nil && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("kind of %v", err)
		}
		for _, l := range lines {
			if l.verdict.Mark == "" || l.cell.Attribute == "" {
				t.Errorf("a line without a mark or an attribute: %+v", l)
			}
		}
	})
}
