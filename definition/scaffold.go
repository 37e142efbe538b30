package definition

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
)

// Answers are what `tieout init` asks. What is left out has a default.
type Answers struct {
	Name       string           // default: the folder's name
	System     string           // default: the organization's name
	Zone       string           // IANA name; default: UTC
	Categories []audit.Category // default: S
	First      string           // of the period; default: 1 January of Now's year
	Last       string           // default: a year from First, less a day
	Firm       bool             // an audit firm's workspace; Name and Zone are the firm's, the rest is left out
	Device     string           // laptop, desktop or server: what this machine is; default: laptop
	Now        time.Time        // the caller's clock; needed where First is left out
}

// Scaffold writes a fresh workspace with comments into dir and returns the
// files it wrote, by path from dir. It never writes over a file: where one
// exists already it writes nothing and returns an audit.ErrConflict. Where dir
// is a git repository its history becomes a source. What it writes loads.
func Scaffold(dir string, a Answers) ([]string, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("write workspace: %w", err)
	}
	full, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("write workspace: %w", err)
	}
	_, notGit := os.Stat(filepath.Join(full, ".git"))
	files := scaffold(a.withDefaults(filepath.Base(full)), notGit == nil)
	if _, err := LoadFiles(asBytes(files)); err != nil {
		return nil, fmt.Errorf("these answers make no workspace: %w", err)
	}
	names := sortedKeys(files)
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(full, name)); err == nil {
			return nil, fmt.Errorf("%w: %s exists already; nothing was written", audit.ErrConflict, filepath.Join(dir, name))
		}
	}
	for _, name := range names {
		if err := writeNew(filepath.Join(full, name), files[name]); err != nil {
			return nil, err
		}
	}
	return names, nil
}

func asBytes(files map[string]string) map[string][]byte {
	out := make(map[string][]byte, len(files))
	for name, text := range files {
		out[name] = []byte(text)
	}
	return out
}

func writeNew(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return fmt.Errorf("write workspace: %w", err)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s was made meanwhile", audit.ErrConflict, name)
	}
	if err != nil {
		return fmt.Errorf("write workspace: %w", err)
	}
	if _, err = f.WriteString(text); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write workspace: %w", err)
	}
	return nil
}

func (a Answers) withDefaults(folder string) Answers {
	if a.Name == "" {
		a.Name = folder
	}
	if a.System == "" {
		a.System = a.Name
	}
	if a.Zone == "" {
		a.Zone = "UTC"
	}
	if len(a.Categories) == 0 {
		a.Categories = []audit.Category{audit.Security}
	}
	if a.First == "" {
		a.First = fmt.Sprintf("%04d-01-01", a.Now.Year())
	}
	if t, err := time.Parse(time.DateOnly, a.First); err == nil && a.Last == "" {
		a.Last = t.AddDate(1, 0, -1).Format(time.DateOnly)
	}
	if a.Device == "" {
		a.Device = "laptop"
	}
	return a
}

// scaffold returns the files of a fresh workspace. Sources come first so that
// something can be collected at once.
func scaffold(a Answers, git bool) map[string]string {
	if a.Firm {
		return map[string]string{configFile: fill(firmText, a), ".tieout/.gitignore": "*\n"}
	}
	files := map[string]string{
		configFile:                 fill(configText, a),
		"sources/workstation.yaml": fill(workstationText, a),
		"systems/main.yaml":        fill(systemText, a),
		".tieout/.gitignore":       "*\n",
	}
	if git {
		files["sources/git.yaml"] = gitText
	}
	return files
}

func fill(text string, a Answers) string {
	return strings.NewReplacer(
		"{NAME}", strconv.Quote(a.Name), "{SYSTEM}", strconv.Quote(a.System), "{ZONE}", strconv.Quote(a.Zone),
		"{CATEGORIES}", strings.Join(words(a.Categories), ", "), "{FIRST}", a.First, "{LAST}", a.Last,
		"{ORIGIN}", "tieout.local/"+slug(a.Name), "{DEVICE}", strconv.Quote(a.Device),
	).Replace(text)
}

const firmText = `# The audit firm whose workspace this is. Every key is explained in
# docs/formats/workspace.md; what is commented out shows its default.
firm:
  name: {NAME}
  zone: {ZONE}
  # city: ""
  # state: ""
  # license: ""               # as the firm states it; readers see that it is the firm's statement
  # peerReview: ""
  # peerReviewed: 2026-01-31  # day of the report of the last peer review
  # peerResult: pass          # or pass with deficiencies, or fail
  # qualityReview: always     # or never: whether a report waits for an engagement quality review

# store: .tieout/store.db     # or env:NAME, holding a PostgreSQL connection string
# ledger:
#   origin: {ORIGIN}
`

const configText = `# Whose controls these are. Every key is explained in docs/formats/workspace.md;
# what is commented out shows its default.
organization:
  name: {NAME}
  system: {SYSTEM}       # the system under examination
  zone: {ZONE}           # days and business days are counted in it
  categories: [{CATEGORIES}]      # S security, A availability, PI processing integrity, C confidentiality, P privacy

# Both days are included.
period: { first: {FIRST}, last: {LAST} }

# Days on which no business is done, besides weekends.
# holidays: []

# store: .tieout/store.db         # or env:NAME, holding a PostgreSQL connection string
# blobs: { dir: .tieout/blobs }   # or s3: { bucket: ..., region: ... }
# ledger:
#   origin: {ORIGIN}
#   key: file:.tieout/ledger.key
#   witnesses: []                 # until someone outside has seen the log, its order is only our word
#   tsa: https://...

# Without a controls folder, the library's controls of the categories above are in scope wherever a
# procedure can run on what the sources give. To choose, write controls/main.yaml:
#
#   use: starter
#   without: { PHY-01: We have no office. }
`

const workstationText = `# The machine Tieout runs on: disk encryption, updates, screen lock and the like.
kind: workstation
with:
  kind: {DEVICE}             # laptop, desktop or server
  # assignedTo: hr/1        # id of the person who holds it
`

const gitText = `# The history of this repository: every change that reached its default branch.
kind: git
with:
  path: .
  # branch: main            # the default branch
  # emergency: "(?i)^hotfix"  # what marks an emergency change in a message
`

const systemText = `# What is under examination. A reader learns from it what the system is, where it ends and what is promised.
name: {SYSTEM}
# boundary: What belongs to the system and what does not.
# components:
#   - { id: api, name: API, kind: software, owner: Engineering }
# commitments:
#   - { id: C-1, text: Customer data is encrypted at rest., category: S, where: Terms of service }
# subservices:
#   - { name: Amazon Web Services, service: Hosting, method: carve-out }
# cuecs:
#   - { id: U-1, text: Customers remove their own users., criteria: [CC6.2] }
`
