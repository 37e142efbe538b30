package definition

import (
	"errors"
	"strings"
	"testing"

	"tieout/audit"
)

const setupText = `# Ours.
organization:
  name: Acme # the company
  system: Acme Cloud
  zone: UTC
  categories: [S] # more later

# Both days.
period: { first: 2026-01-01, last: 2026-12-31 }
jobs: { collect: "06:00" } # early
# ledger:
#   witnesses: []
`

func setupWorkspace(t *testing.T, config string) *Workspace {
	t.Helper()
	w, err := LoadFiles(map[string][]byte{"tieout.yaml": []byte(config), "systems/main.yaml": []byte("# What it is.\nname: Acme Cloud\nboundary: All of it.\n")})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestSet(t *testing.T) {
	for _, c := range []struct {
		name   string
		config string
		change func(*Setup)
		files  int
		wants  []string
		not    []string
	}{
		{"nothing", setupText, func(*Setup) {}, 0, nil, nil},
		{"name keeps the log", setupText, func(s *Setup) { s.Name = "Acme: the #1" }, 1, []string{`name: "Acme: the #1" # the company`, "origin: tieout.local/acme", `collect: "06:00"} # early`, "#   witnesses: []", "# Ours."}, nil},
		{"system in both files", setupText, func(s *Setup) { s.System = "Ledger" }, 2, []string{"system: Ledger", "name: Ledger", "# What it is.", "boundary: All of it."}, []string{"origin"}},
		{"categories", setupText, func(s *Setup) { s.Categories = []audit.Category{"S", "A"} }, 1, []string{"categories: [S, A] # more later"}, nil},
		{"type I", setupText, func(s *Setup) { s.Report, s.Last = ReportTypeI, "2027-03-01" }, 1, []string{"first: 2026-01-01", "last: 2027-03-01", "report: type I", "# Both days."}, nil},
		{"one of several", strings.Replace(setupText, "period: { first: 2026-01-01, last: 2026-12-31 }", "periods:\n  - { first: 2025-01-01, last: 2025-12-31 }\n  - { name: now, first: 2026-01-01, last: 2026-12-31 }", 1),
			func(s *Setup) { s.Last = "2026-06-30" }, 1, []string{"last: 2025-12-31", "last: 2026-06-30", "name: now"}, nil},
		{"a name that is a number", setupText, func(s *Setup) { s.Name = "42" }, 1, []string{`name: "42"`}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := setupWorkspace(t, c.config)
			s, err := w.Setup("")
			if err != nil {
				t.Fatal(err)
			}
			c.change(&s)
			got, err := w.Set(s)
			if err != nil || len(got) != c.files {
				t.Fatalf("got %d files, %v; want %d", len(got), err, c.files)
			}
			all := string(got["tieout.yaml"]) + string(got["systems/main.yaml"])
			for _, want := range c.wants {
				if !strings.Contains(all, want) {
					t.Errorf("no %q in\n%s", want, all)
				}
			}
			for _, not := range c.not {
				if strings.Contains(all, not) {
					t.Errorf("%q in\n%s", not, all)
				}
			}
			next, err := w.With(got)
			if err != nil {
				t.Fatal(err)
			}
			if next.Config.Ledger.Origin != w.Config.Ledger.Origin {
				t.Errorf("the log is called %s; want %s", next.Config.Ledger.Origin, w.Config.Ledger.Origin)
			}
			period := s.Period
			if s.First+s.Last != "2026-01-012026-12-31" && period != "now" {
				period = s.First + " to " + s.Last
			}
			back, err := next.Setup(period)
			if err != nil || back.Name != s.Name || back.System != s.System || back.Last != s.Last || back.Report != s.Report || len(back.Categories) != len(s.Categories) {
				t.Errorf("got back %+v, %v; want %+v", back, err, s)
			}
		})
	}
}

func TestSetThatDoesNotLoad(t *testing.T) {
	w := setupWorkspace(t, setupText)
	s, err := w.Setup("")
	if err != nil {
		t.Fatal(err)
	}
	s.Zone, s.Last = "Nowhere/Else", "2025-01-01"
	files, err := w.Set(s)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.With(files)
	var problems Problems
	if !errors.As(err, &problems) || !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), "tieout.yaml:5:9: zone") {
		t.Errorf("got %v; want the zone's line and column", err)
	}
}
