package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tieout/audit"
)

// TestDemoReplacesDemosAlone: --replace removes what a demo made, in a folder that
// a demo marked as its own, and nothing else.
func TestDemoReplacesDemosAlone(t *testing.T) {
	made := []string{"halyard/tieout.yaml", "halyard.truth.json", "brookline/tieout.yaml", "packets/EN-1/x.packet", "soc2/report.pdf", "demo.bundle", "report.html", "report.xlsx", "report.json", "oscal.json"}
	for _, tt := range []struct {
		name    string
		files   []string
		replace bool
		refused bool
		left    []string // beside the mark
	}{
		{"nothing there", nil, false, false, nil},
		{"a demo, not to be replaced", append(made, demoMarker), false, true, made},
		{"a demo", append(made, demoMarker), true, false, nil},
		{"a demo with notes of somebody's", append(made, demoMarker, "notes/mine.txt", "halyard.txt"), true, false, []string{"notes/mine.txt", "halyard.txt"}},
		{"a workspace called halyard", []string{"halyard/tieout.yaml", "report.html"}, true, true, []string{"halyard/tieout.yaml", "report.html"}},
		{"a list of truths", []string{"halyard.truth.json", "thesis.txt"}, true, true, []string{"halyard.truth.json", "thesis.txt"}},
		{"another folder", []string{"thesis.txt"}, true, true, []string{"thesis.txt"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "demo")
			for _, f := range tt.files {
				path := filepath.Join(dir, f)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("x"), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			err := clearDemo(dir, tt.replace)
			if errors.Is(err, audit.ErrConflict) != tt.refused || err != nil && !tt.refused {
				t.Fatalf("%v, want refused %v", err, tt.refused)
			}
			var left []string
			if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
				if name, _ := filepath.Rel(dir, path); err == nil && !d.IsDir() && name != demoMarker {
					left = append(left, filepath.ToSlash(name))
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			slices.Sort(left)
			want := slices.Sorted(slices.Values(tt.left))
			if !slices.Equal(left, want) {
				t.Errorf("left %v, want %v", left, want)
			}
			if _, err := os.Stat(filepath.Join(dir, demoMarker)); (err == nil) != (!tt.refused || slices.Contains(tt.files, demoMarker)) {
				t.Errorf("the mark: %v", err)
			}
		})
	}
}
