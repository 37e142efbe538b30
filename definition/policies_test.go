package definition

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/policy"
)

// folder is a workspace in a folder, with files beside its tieout.yaml.
func folder(t *testing.T, files map[string]string) *Workspace {
	t.Helper()
	dir := t.TempDir()
	for name, data := range minimal() {
		write(t, filepath.Join(dir, name), data)
	}
	for name, text := range files {
		write(t, filepath.Join(dir, name), []byte(text))
	}
	w, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// policies returns the ids of the policies that can be read, and the faults of
// the others.
func policies(t *testing.T, w *Workspace) (ids string, faults error) {
	t.Helper()
	files, err := w.PolicyFiles(w.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		if faults = errors.Join(faults, f.Err); f.Err == nil {
			names = append(names, f.Policy.ID)
		}
	}
	return strings.Join(names, " "), faults
}

func TestPolicies(t *testing.T) {
	const good = "---\ntitle: T\ncontrols: [IAM-06]\n---\nText.\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
		fault string
	}{
		{"no folder", nil, "", ""},
		{"by id, others left alone", map[string]string{"policies/b.md": good, "policies/a.md": good, "policies/README.md": "How.", "policies/.x.md": "?", "policies/c.pdf": "%PDF"}, "a b", ""},
		{"a fault stops only its file", map[string]string{"policies/a.md": good, "policies/b.md": "Text."}, "a", "policies/b.md:1:1: it has no front matter"},
		{"every fault", map[string]string{"policies/a.md": "---\ntitle: T\naudience: X\n---\n", "policies/b.md": "Text."}, "", "policies/a.md:3:11: audience: want all, or the name of a group in lower case such as engineers\npolicies/a.md:5:1: there is no text below the front matter\npolicies/b.md:1:1: "},
		{"a control there is not", map[string]string{"policies/a.md": strings.Replace(good, "IAM-06", "IAM-66", 1)}, "", `policies/a.md:3:12: there is no control "IAM-66"`},
		{"too large", map[string]string{"policies/a.md": good + strings.Repeat("word ", policy.MaxSize)}, "", "policies/a.md:1:1: it is not a file of at most 262144 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := policies(t, folder(t, c.files))
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			switch {
			case c.fault == "" && err != nil:
				t.Error(err)
			case c.fault != "" && (!errors.Is(err, audit.ErrInvalid) || !strings.HasPrefix(err.Error(), c.fault)):
				t.Errorf("got  %v\nwant %s", err, c.fault)
			}
		})
	}
}

// TestPoliciesAreNoLinks: a link in the folder leads nowhere.
func TestPoliciesAreNoLinks(t *testing.T) {
	w := folder(t, map[string]string{"policies/a.md": "---\ntitle: T\n---\nText.\n"})
	if err := os.Symlink("a.md", filepath.Join(w.Dir, "policies", "b.md")); err != nil {
		t.Fatal(err)
	}
	got, err := policies(t, w)
	if got != "a" || err == nil || !strings.Contains(err.Error(), "policies/b.md:1:1: it is not a file") {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestPoliciesAreNoRevision: what people read changes nothing that is tested.
func TestPoliciesAreNoRevision(t *testing.T) {
	with, without := folder(t, map[string]string{"policies/a.md": "no front matter"}), folder(t, nil)
	if with.Hash() != without.Hash() {
		t.Error("a policy changes the revision's hash")
	}
	if _, _, err := FromCanonical(with.Canonical()); err != nil {
		t.Error(err)
	}
}

// TestPoliciesOfRegisters: policies kept among other registers are policies too.
func TestPoliciesOfRegisters(t *testing.T) {
	const text = "---\ntitle: T\n---\nText.\n"
	w := folder(t, map[string]string{
		"sources/kept.yaml":       "kind: registers\nwith: { folder: kept }\n",
		"sources/away.yaml":       "kind: registers\nwith: { folder: ../away }\n",
		"kept/policies/a.md":      text,
		"policies/b.md":           text,
		"elsewhere/policies/c.md": text,
	})
	var got []string
	files, err := w.PolicyFiles(w.Dir)
	for _, f := range files {
		got = append(got, f.Path)
	}
	if want := []string{"kept/policies/a.md", "policies/b.md"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestNewPolicy(t *testing.T) {
	w := folder(t, nil)
	name, open, err := w.NewPolicy(w.Dir, "security-policy", "")
	if err != nil || name != "policies/security-policy.md" || !slices.Equal(open, []string{"{security contact}"}) {
		t.Fatalf("got %q, %q, %v", name, open, err)
	}
	if _, _, err := w.NewPolicy(w.Dir, "security-policy", "x"); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("written over: %v", err)
	}
	if _, _, err := w.NewPolicy(w.Dir, "../tieout", ""); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	files, err := w.PolicyFiles(w.Dir)
	if err != nil || len(files) != 1 || files[0].Err != nil {
		t.Fatalf("got %+v, %v", files, err)
	}
	p := files[0].Policy
	if want := (policy.Record{Version: "1", Status: "draft", ApprovedBy: "none", ApprovedAt: "never", ReviewedAt: "never"}); p.Record != want {
		t.Errorf("record %+v, want %+v", p.Record, want)
	}
	if !strings.Contains(p.Body, "Customers give "+w.Organization.System+" data") || strings.Contains(p.Body, "{organization}") {
		t.Errorf("not filled:\n%.300s", p.Body)
	}
}

// TestEveryStarterFits: each starter policy can be put into a workspace, and
// nothing stays open where a contact is given.
func TestEveryStarterFits(t *testing.T) {
	w := folder(t, nil)
	starters, err := policy.Starters()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range starters {
		if _, open, err := w.NewPolicy(w.Dir, s.ID, "security@halyard.example"); err != nil || len(open) > 0 {
			t.Errorf("%s: %q stays open, %v", s.ID, open, err)
		}
	}
	got, err := policies(t, w)
	if err != nil || len(strings.Fields(got)) != len(starters) {
		t.Errorf("%q, want %d: %v", got, len(starters), err)
	}
}
