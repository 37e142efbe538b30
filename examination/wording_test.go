package examination_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/examination"
	"tieout/report/attest"
)

const wordingFile = `name: Brookline SOC 2
version: "2026-1"
types: [soc2-type2]
order: [assertion, auditor, description, tests, other]
auditor: |
  *To the management of {client}*

  We examined {system} {span}, and state what we found.
restricted: |
  For {client} and those who use {system}.
`

const criteriaFile = `name: Printed under our own license
version: second edition
criteria:
  CC6.2: |
    The words of CC6.2 as their publisher has them.
  CC6.3: The words of CC6.3.
`

// worded has Brookline load its own wording and official criteria text; nobody
// else can, and what is no template is refused.
func (w *world) worded() {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	if got := must[examination.Wording](t)(w.firm.Wording(ctx, "EN-1")); !got.Example {
		t.Errorf("without a wording of the firm's own, %s is not said to be an example", got.Name)
	}
	if _, err := w.firm.LoadWording(ctx, manager, "w.yaml", []byte(wordingFile)); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("a manager loads wording: %v", err)
	}
	for name, bad := range map[string]string{
		"no name":         strings.Replace(wordingFile, "name: Brookline SOC 2", "name: ''", 1),
		"unknown type":    strings.Replace(wordingFile, "soc2-type2", "soc9", 1),
		"unknown section": strings.Replace(wordingFile, "tests, other", "tests, appendix", 1),
		"a section twice": strings.Replace(wordingFile, "tests, other", "tests, tests", 1),
		"unknown key":     wordingFile + "opinion: unmodified\n",
	} {
		if _, err := w.firm.LoadWording(ctx, partner, "w.yaml", []byte(bad)); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("wording with %s: %v", name, err)
		}
	}
	for name, bad := range map[string]string{"no criteria": "name: A\nversion: '1'\n", "an empty text": "name: A\nversion: '1'\ncriteria: {CC6.2: ' '}\n", "no version": "name: A\ncriteria: {CC6.2: x}\n"} {
		if _, err := w.firm.LoadCriteria(ctx, partner, "c.yaml", []byte(bad)); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("criteria with %s: %v", name, err)
		}
	}
	must[examination.Wording](t)(w.firm.LoadWording(ctx, partner, "brookline.yaml", []byte(wordingFile)))
	must[examination.Wording](t)(w.firm.LoadWording(ctx, partner, "soc3.yaml", []byte(strings.Replace(wordingFile, "soc2-type2", "soc3", 1)))) // newer, and for other reports
	must[examination.Criteria](t)(w.firm.LoadCriteria(ctx, partner, "tsc.yaml", []byte(criteriaFile)))
	w.file(func(s *fieldwork.State, _ *fieldwork.File) {
		sum := sha256.Sum256([]byte(wordingFile))
		if got := s.Wording(engagement.SOC2TypeII); got == nil || got.Digest != hex.EncodeToString(sum[:]) || got.Example || got.By != paulaID {
			t.Errorf("the wording in force: %+v", got)
		}
		if got := s.Criteria(""); got == nil || got.Texts != 2 || s.Criteria("hipaa") != nil {
			t.Errorf("the criteria in force: %+v", got)
		}
	})
	if got := must[examination.Wording](t)(examination.ReadWording("w.yaml", []byte("name: Ours\nversion: '1'\nrestricted: x\nauditor: |\n  "+strings.ReplaceAll(examination.ExampleWording(engagement.SOC2TypeII).Auditor, "\n", "\n  ")))); !got.Example {
		t.Error("the shipped text under another name is not said to be an example")
	}
}

// printed checks that the report has the firm's words, and the official text of
// the criteria that were imported alone.
func (w *world) printed(r attest.Report) {
	w.t.Helper()
	if r.Template.Name != "Brookline SOC 2" || r.Template.Example || r.Template.Order[0] != attest.Assertion || !strings.Contains(r.Auditor.Text, "We examined Acme Cloud") {
		w.t.Errorf("template %+v, text %q", r.Template, r.Auditor.Text)
	}
	sum := sha256.Sum256([]byte(criteriaFile))
	if len(r.Imported) != 1 || r.Imported[0].Digest != hex.EncodeToString(sum[:]) || r.Imported[0].Set != "" {
		w.t.Errorf("imported: %+v", r.Imported)
	}
	for _, g := range r.Groups {
		text := sha256.Sum256([]byte(g.Text))
		official := g.ID == "CC6.2" || g.ID == "CC6.3"
		if official != (g.Official == hex.EncodeToString(text[:])) || official != strings.HasPrefix(g.Text, "The words of") {
			w.t.Errorf("%s is printed as %q, official %q", g.ID, g.Text, g.Official)
		}
	}
}

// TestWordingNeedsAPartner: who keeps the firm's settings may load wording, who
// only works on engagements may not.
func TestWordingNeedsAPartner(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		who  access.Subject
		may  bool
		what string
	}{{as(access.Firm, quinnID, access.FirmAdministrator, access.ScopeWorkspace), true, "an administrator"}, {partner, true, "a partner"}, {staff, false, "staff"}, {quality, false, "the quality reviewer"}} {
		load := func(ctx context.Context) error {
			_, err := w.firm.LoadCriteria(ctx, tt.who, "c.yaml", []byte(criteriaFile))
			return err
		}
		if err := load(t.Context()); tt.may != (err == nil) || !tt.may && !errors.Is(err, audit.ErrForbidden) {
			t.Errorf("%s loads criteria: %v", tt.what, err)
		}
	}
}

// TestExampleFile: the file a firm begins from reads back as the example of its
// type, with all of its texts.
func TestExampleFile(t *testing.T) {
	for _, of := range engagement.Types {
		w, err := examination.ReadWording("example.yaml", examination.ExampleFile(of))
		check(t, err)
		want := examination.ExampleWording(of)
		for name, x := range map[string][2]string{"auditor": {w.Auditor, want.Auditor}, "added": {w.Added, want.Added}, "restricted": {w.Restricted, want.Restricted}} {
			if got, want := strings.TrimSpace(x[0]), strings.TrimSpace(x[1]); got != want || want == "" {
				t.Errorf("%s: %s: got %q, want %q", of, name, got, want)
			}
		}
		if !w.Example || w.Name != want.Name || len(w.Types) != 1 || w.Types[0] != of {
			t.Errorf("%s: got %+v", of, w)
		}
	}
}

// TestExampleRestricted: a SOC 1 is for user entities and their auditors, a SOC 2 for
// those who know enough of the system, prospects and regulators among them.
func TestExampleRestricted(t *testing.T) {
	auditors, others := []string{"their auditors", "financial statements"}, []string{"prospective", "regulators", "business partners"}
	for of, tt := range map[engagement.Type]struct{ says, silent []string }{
		engagement.SOC1TypeI: {auditors, others}, engagement.SOC1TypeII: {auditors, others},
		engagement.SOC2TypeI: {others, auditors}, engagement.SOC2TypeII: {others, auditors},
	} {
		text := examination.ExampleWording(of).Restricted
		for _, want := range append(tt.says, "{client}", "user entities of {the system}", "Nobody else is meant to use this report") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: does not say %q: %s", of, want, text)
			}
		}
		for _, no := range tt.silent {
			if strings.Contains(text, no) {
				t.Errorf("%s: says %q: %s", of, no, text)
			}
		}
	}
}

// FuzzReadWording: whatever a template file holds, reading it ends in a template
// that can be named, or in audit.ErrInvalid.
func FuzzReadWording(f *testing.F) {
	for _, seed := range []string{wordingFile, "", "name: a", "order: [tests, tests]", "auditor: |\n  {client}\n", "criteria: {a: 1}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := examination.ReadWording("w.yaml", data)
		if err != nil {
			if !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("error %v is of no kind", err)
			}
			return
		}
		if w.Name == "" || w.Version == "" || w.Auditor == "" || len(w.Order) == 0 {
			t.Errorf("a template without a name or text: %+v", w)
		}
	})
}

// FuzzReadCriteria is the same for imports of criteria.
func FuzzReadCriteria(f *testing.F) {
	for _, seed := range []string{criteriaFile, "", "criteria: []", "name: a\nversion: b\ncriteria: {a: b}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := examination.ReadCriteria("c.yaml", data)
		if err != nil {
			if !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("error %v is of no kind", err)
			}
			return
		}
		if c.Name == "" || c.Version == "" || len(c.Texts) == 0 {
			t.Errorf("an import without a name or text: %+v", c)
		}
	})
}
