package definition

import (
	"strings"
	"testing"
)

func TestFirm(t *testing.T) {
	firm := "firm: { name: Brookline Assurance LLP, zone: America/New_York }\n"
	tests := []struct {
		name  string
		files map[string]string
		want  string // of the problem; "": it loads
	}{
		{"a firm", map[string]string{"tieout.yaml": firm}, ""},
		{"without a name", map[string]string{"tieout.yaml": "firm: { zone: UTC }\n"}, "tieout.yaml:1:7: the firm has no name"},
		{"a zone nobody knows", map[string]string{"tieout.yaml": "firm: { name: B, zone: Boston }\n"}, `zone "Boston" is not an IANA name`},
		{"with a period", map[string]string{"tieout.yaml": firm + "period: { first: 2026-01-01, last: 2026-12-31 }\n"}, "tieout.yaml:2:9: a firm's workspace has no period of its own"},
		{"with a company", map[string]string{"tieout.yaml": firm + "organization: { name: Halyard, system: Ledger, zone: UTC }\n"}, "has no organization of its own"},
		{"with a source", map[string]string{"tieout.yaml": firm, "sources/git.yaml": "kind: git\nwith: { path: . }\n"}, "sources/git.yaml:1:1: a firm's workspace has no sources of its own"},
		{"quality review when it pleases", map[string]string{"tieout.yaml": "firm: { name: B, zone: UTC, qualityReview: sometimes }\n"}, `qualityReview "sometimes" is neither always nor never`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string][]byte{}
			for name, text := range tt.files {
				files[name] = []byte(text)
			}
			w, err := LoadFiles(files)
			if tt.want == "" {
				if err != nil || !w.IsFirm() || w.Organization.Name != "Brookline Assurance LLP" || w.Config.Firm.QualityReview != QualityAlways || w.Config.Ledger.Origin != "tieout.local/brookline-assurance-llp" {
					t.Errorf("got %+v, %v", w, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestScaffoldFirm: what init writes for a firm loads.
func TestScaffoldFirm(t *testing.T) {
	dir := t.TempDir()
	if _, err := Scaffold(dir, Answers{Firm: true, Name: "Brookline Assurance LLP", Zone: "America/New_York"}); err != nil {
		t.Fatal(err)
	}
	if w, err := Load(dir); err != nil || !w.IsFirm() {
		t.Errorf("got %+v, %v", w, err)
	}
}
