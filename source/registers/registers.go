// Package registers is the source of what a company keeps as text in its
// workspace: policies, vendors, risks, contracts and records of what was done,
// each state with the commit that made it so.
package registers

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/source"
)

// Driver is the registers source. docs/sources/registers.md describes its
// settings, docs/formats/registers.md the files.
var Driver = &source.Driver{
	Name:    "registers",
	Version: 2, // 2: policies say what people read of them, too
	Title:   "Registers kept as text: policies, vendors, risks, contracts, records (Markdown, YAML)",
	Types:   slices.Concat(stateTypes(), eventTypes),
	Scopes:  []source.Scope{{Name: "read the folder and its git history", Why: "files and commits are read with the git program; nothing is fetched, written or run"}},
	Cannot:  slices.Concat(cannotStates, cannotEvents),

	Settings: []source.Setting{
		{Name: "folder", Doc: "folder that holds policies/, vendors/, risks/ and the like, relative to the workspace; absent: the workspace itself", Example: "registers"},
		{Name: "history", Doc: "`git`: states over time from the commits on the checked-out branch; `none`: the files as they are now; absent: git where the folder is in a git repository", Example: "git"},
	},

	Open:      open,
	Normalize: normalize,
}

var cannotStates = []string{
	"whether what a file says is true: approvedBy and approvedAt are taken from its text only, and who committed it is never taken for who approved it",
	"when a commit was made but for its committer's own clock, and who put it on the branch",
	"history overwritten elsewhere (a forced push): what an earlier collection sealed of it stands",
	"what the company keeps nowhere in this folder",
}

var cannotEvents = []string{
	"whether a record is true, and whether all were written down: a stretch is complete because the file says so",
	"records that were taken out of a file before it was first read",
}

// A register is the files of one item type: those that have a state.
type register struct {
	typ     string
	folders []folder
}

// A folder holds files of one form.
type folder struct {
	name string
	ext  string
	kind string // what a document is that does not say its kind; "": it must say
}

var states = []register{
	{"document", []folder{{"policies", ".md", "policy"}, {"documents", ".yaml", ""}}},
	{"vendor", []folder{{name: "vendors", ext: ".yaml"}}},
	{"risk", []folder{{name: "risks", ext: ".yaml"}}},
	{"contract", []folder{{name: "contracts", ext: ".yaml"}}},
	{"incident", []folder{{name: "incidents", ext: ".yaml"}}},
	{"ticket", []folder{{name: "tickets", ext: ".yaml"}}},
	{"person", []folder{{name: "people", ext: ".yaml"}}},
}

// records is the folder of what happened once.
var records = folder{name: "records", ext: ".yaml"}

// eventTypes are the events that people write down by hand.
var eventTypes = []string{"accessReview", "acknowledgement", "consent", "disclosure", "notice", "restore", "revision", "training"}

func stateTypes() []string {
	var out []string
	for _, r := range states {
		out = append(out, r.typ)
	}
	return out
}

// names are the register's folders as people write them.
func (reg register) names() string {
	var out []string
	for _, f := range reg.folders {
		out = append(out, f.name+"/")
	}
	return strings.Join(out, " and ")
}

// Kinds of page. Those of states end with the item type.
const (
	kindStates  = "registers."
	kindRecords = "registers.records"
)

// Settings is the `with:` of a registers connection.
type Settings struct {
	Folder  string `json:"folder"`
	History string `json:"history"`
}

// Values of Settings.History.
const (
	historyGit  = "git"
	historyNone = "none"
)

type collector struct {
	source  string
	dir     string
	history string
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return fail(err)
	}
	if s.History != "" && s.History != historyGit && s.History != historyNone {
		return fail(fmt.Errorf("history: %q; write git or none, or leave it out", s.History))
	}
	if strings.ContainsAny(s.Folder, "\x00\n") {
		return fail(fmt.Errorf("folder: %q is not the name of a folder", s.Folder))
	}
	dir := s.Folder
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(env.Dir, dir)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fail(fmt.Errorf("folder: %w", err))
	}
	return &collector{name, abs, s.History}, json.RawMessage("{}"), nil
}
