// Package osquery reads the result logs that osqueryd writes (JSON Lines of
// snapshots and of differences) and draws from them what each computer looked
// like, at the times its own lines state.
package osquery

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// kindHost is the kind of page: the lines of one computer that make up what was
// known of it at one time.
const kindHost = "osquery.host"

// Driver is the osquery source.
var Driver = &source.Driver{
	Name: "osquery", Version: 2, Title: "Computers that osquery watches, by its result logs",
	Types:  []string{"device"},
	Scopes: []source.Scope{{Name: "read", Why: "the log files"}},
	Cannot: slices.Clone(cannot),
	Settings: []source.Setting{
		{Name: "files", Doc: "globs of result logs, relative to the workspace; .gz is unpacked", Example: "[logs/osqueryd.results*.log]", Required: true},
		{Name: "queries", Doc: "what a query of yours tells, by its name in the log; those of the pack tieout are known", Example: "{pack_halyard_filevault: disks}"},
		{Name: "maxAgeHours", Doc: "hours after which the result of a query counts no more; absent: 48", Example: "24"},
		{Name: "silentAfterHours", Doc: "hours without a line after which a computer counts as silent; absent: 48", Example: "72"},
		source.SupportedSetting,
	},
	Open: open, Normalize: normalize,
}

var cannot = []string{
	"computers that do not write into these logs: hold the devices to an inventory",
	"what changed and changed back between two runs of a query",
	"what osquery may not read on a computer, such as the settings of other users",
}

type settings struct {
	Files            []string             `json:"files"`
	Queries          map[string]string    `json:"queries"`
	MaxAgeHours      int                  `json:"maxAgeHours"`
	SilentAfterHours int                  `json:"silentAfterHours"`
	Supported        source.SupportedList `json:"supported"`
}

// config is what normalizing needs.
type config struct {
	Queries     map[string]string    `json:"queries,omitempty"` // beside the pack's
	MaxAgeHours int                  `json:"maxAgeHours"`
	Supported   source.SupportedList `json:"supported,omitempty"`
}

const defaultHours = 48

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s settings
	err := source.Strict(with, &s)
	if err == nil {
		err = s.problem()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	if s.MaxAgeHours == 0 {
		s.MaxAgeHours = defaultHours
	}
	if s.SilentAfterHours == 0 {
		s.SilentAfterHours = defaultHours
	}
	c := collector{name: name, dir: env.Dir, set: s, config: config{s.Queries, s.MaxAgeHours, s.Supported}, cannot: slices.Clone(cannot)}
	if len(s.Supported) > 0 {
		c.cannot = append(c.cannot, source.SupportedCannot)
	}
	b, err := canonical.Marshal(c.config)
	return c, b, err
}

func (s settings) problem() error {
	if len(s.Files) == 0 {
		return errors.New("files: name at least one glob, such as [logs/osqueryd.results*.log]")
	}
	for _, g := range s.Files {
		if _, err := filepath.Match(g, ""); err != nil || g == "" {
			return fmt.Errorf("files: %q is not a glob", g)
		}
	}
	for q, meaning := range s.Queries {
		if _, ok := meanings[meaning]; !ok {
			return fmt.Errorf("queries: %s: %q; write one of %s", q, meaning, strings.Join(meaningNames(), ", "))
		}
	}
	if s.MaxAgeHours < 0 || s.SilentAfterHours < 0 {
		return errors.New("maxAgeHours and silentAfterHours: more than none")
	}
	return s.Supported.Check()
}

// packPrefix begins the names of the queries of our pack, as osqueryd logs them.
const packPrefix = "pack_tieout_"

// means is what a query tells, "" where nobody says.
func (c config) means(query string) string {
	if m, ok := c.Queries[query]; ok {
		return m
	}
	name, ours := strings.CutPrefix(query, packPrefix)
	if !ours {
		return ""
	}
	for _, platform := range []string{"_posix", "_windows", "_darwin", "_linux"} {
		name = strings.TrimSuffix(name, platform)
	}
	if _, ok := meanings[name]; ok {
		return name
	}
	return ""
}

func (c config) maxAge() time.Duration { return time.Duration(c.MaxAgeHours) * time.Hour }
