// Package sarif is the source that reads SARIF 2.1.0 logs of any tool.
// docs/sources/sarif.md describes it.
package sarif

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/folder"
	"tieout/source/weakness"
)

const kind = "sarif.log"

// Driver is the sarif source.
var Driver = &source.Driver{
	Name:     "sarif",
	Version:  1,
	Title:    "SARIF logs of any scanner",
	Types:    []string{"vulnerability"},
	Scopes:   []source.Scope{{Name: "read the files", Why: "they are read and sealed as they are; nothing is scanned and nothing is written"}},
	Cannot:   cannot,
	Settings: folder.Documented(),

	Open:      open,
	Normalize: normalize,
}

var cannot = append([]string{
	"who accepted a result that is suppressed, and until when",
	"several results of one rule in one file, where the tool gives no fingerprints: they are one item",
	"results that lie in files of their own (externalPropertyFileReferences): such a log is refused",
}, weakness.Cannot...)

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s folder.ToolSettings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	return weakness.Tool{Kind: kind, Cannot: cannot, Head: head}.Open(name, s, env)
}

// head: the latest end of all invocations, and what was scanned as far as the
// runs say: tool, automation id, repository and branch.
func head(body []byte) (folder.Head, error) {
	var h folder.Head
	l, err := parse(body)
	if err != nil {
		return h, err
	}
	var scopes []string
	for i, r := range l.Runs {
		at, err := r.ended()
		if err != nil {
			return h, fmt.Errorf("run %d: %w", i+1, err)
		}
		if i > 0 && at.IsZero() != h.At.IsZero() {
			return h, fmt.Errorf("run %d: some runs say when they ended, and some do not", i+1)
		}
		if at.After(h.At) {
			h.At = at
		}
		scopes = append(scopes, r.scope())
	}
	slices.Sort(scopes)
	h.Scope = join(slices.Compact(scopes))
	return h, nil
}

// join names all runs; "" where one of them does not say what it scanned.
func join(scopes []string) string {
	out := ""
	for _, s := range scopes {
		if s == "" {
			return ""
		}
		if out != "" {
			out += ", "
		}
		out += s
	}
	return out
}

// ended is the end of the last invocation (section 3.20.8); zero where none
// says it. A run that did not go well shows no whole set.
func (r run) ended() (time.Time, error) {
	var last time.Time
	for _, inv := range r.Invocations {
		if inv.ExecutionSuccessful != nil && !*inv.ExecutionSuccessful {
			return last, errors.New("the tool says that it did not run to its end: executionSuccessful is false")
		}
		if inv.EndTimeUTC == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339Nano, inv.EndTimeUTC)
		if err != nil {
			return last, fmt.Errorf("endTimeUtc: %q is no instant", inv.EndTimeUTC)
		}
		if t.After(last) {
			last = t
		}
	}
	return last, nil
}

// scope is "" where the run names nothing but its tool.
func (r run) scope() string {
	said := r.Automation.ID
	for _, v := range r.Provenance {
		said += " " + v.RepositoryURI
		if v.Branch != "" {
			said += "@" + v.Branch
		}
	}
	if said == "" {
		return ""
	}
	return r.Tool.Driver.Name + " " + said
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	list, body, err := weakness.Read(conf, kind, p)
	if err != nil || list == nil {
		return nil, err
	}
	l, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	var out source.Reading
	for i, r := range l.Runs {
		for j, res := range r.Results {
			if !res.found() {
				continue
			}
			w, err := r.weakness(res)
			if err != nil {
				out.Refuse(fmt.Sprintf("run %d, result %d", i+1, j+1), err)
				continue
			}
			list.Add(w)
		}
	}
	list.Items(&out)
	return out.Done()
}
