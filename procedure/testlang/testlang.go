// Package testlang is the text language in which procedures are tested: what
// was seen and when, which procedure runs, what it has to find. The language
// is described in docs/formats/intervals.md; every rule there names a case
// that is a test of the same name.
package testlang

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/procedure"
)

// Test runs every case of the .test files that match glob as a subtest.
func Test(t *testing.T, glob string) {
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		t.Fatalf("no test files match %s (%v)", glob, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range split(f, string(data)) {
			t.Run(c.name, func(t *testing.T) {
				if err := c.run(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A script is one case: its lines, with indented lines under their command.
type script struct {
	name  string
	file  string
	lines []command
}

type command struct {
	line int
	word string
	rest string
	body []string // indented lines below, as written
}

// split cuts a file into cases. Blank lines and lines that start with # are
// read over, except inside an indented block.
func split(file, data string) []script {
	var out []script
	for n, raw := range strings.Split(data, "\n") {
		line := strings.TrimRight(raw, " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		if word == "case" {
			out = append(out, script{name: rest, file: file})
			continue
		}
		if len(out) == 0 {
			out = append(out, script{name: "first", file: file})
		}
		c := &out[len(out)-1]
		if line[0] == ' ' {
			if k := len(c.lines); k > 0 {
				c.lines[k-1].body = append(c.lines[k-1].body, line)
			}
			continue
		}
		c.lines = append(c.lines, command{line: n + 1, word: word, rest: strings.TrimSpace(rest)})
	}
	return out
}

// A session is the state of a running case.
type session struct {
	dir      string
	period   audit.Period
	asOf     time.Time
	holidays []string
	procs    []*procedure.Procedure
	worlds   map[string]*world // by item type
	tested   audit.Tested
	results  []audit.Result
	used     []bool
}

func (c *script) run() error {
	s := &session{dir: filepath.Dir(c.file), worlds: map[string]*world{}}
	for _, cmd := range c.lines {
		if err := s.do(cmd); err != nil {
			return fmt.Errorf("%s:%d: %s %s: %w", c.file, cmd.line, cmd.word, cmd.rest, err)
		}
	}
	return nil
}

func (s *session) do(c command) error {
	switch c.word {
	case "period":
		return s.setPeriod(strings.Fields(c.rest))
	case "asof":
		t, err := parseTime(c.rest)
		s.asOf = t
		return err
	case "holidays":
		s.holidays = strings.Fields(c.rest)
		return nil
	case "procedure":
		p, err := procedure.Parse("procedure", []byte(dedent(c.body)))
		s.procs = append(s.procs, p)
		return err
	case "use":
		data, err := os.ReadFile(filepath.Join(s.dir, c.rest+".yaml"))
		if err != nil {
			return err
		}
		p, err := procedure.Parse(c.rest+".yaml", data)
		s.procs = append(s.procs, p)
		return err
	case "snapshot", "daily", "partial", "failed", "changes", "events":
		return s.observe(c)
	case "clear":
		s.worlds = map[string]*world{}
		return nil
	case "run":
		return s.runProcedure(c.rest)
	case "expect":
		return s.expect(c.rest)
	}
	return fmt.Errorf("there is no command %q", c.word)
}

func (s *session) setPeriod(words []string) error {
	if len(words) < 2 || len(words) > 3 {
		return fmt.Errorf("want: period FIRST LAST [ZONE]")
	}
	p, err := newPeriod(words)
	s.period, s.asOf = p, p.To
	return err
}

func newPeriod(words []string) (audit.Period, error) {
	zone := "UTC"
	if len(words) == 3 {
		zone = words[2]
	}
	return audit.NewPeriod(words[0], words[1], zone)
}

func dedent(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	n := len(lines[0]) - len(strings.TrimLeft(lines[0], " "))
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l[min(n, len(l)-len(strings.TrimLeft(l, " "))):]
	}
	return strings.Join(out, "\n") + "\n"
}

func (s *session) runProcedure(id string) error {
	i := slices.IndexFunc(s.procs, func(p *procedure.Procedure) bool { return p.ID == id })
	if i < 0 {
		return fmt.Errorf("no procedure of that id was given")
	}
	s.results = nil
	in := procedure.Input{Period: s.period, AsOf: s.asOf, Holidays: s.holidays, Timeline: func(typ string) (*audit.Timeline, error) {
		if w := s.worlds[typ]; w != nil {
			return w.timeline()
		}
		return nil, nil
	}}
	tested, err := procedure.Run(context.Background(), in, s.procs[i:i+1], func(r *audit.Result) error {
		s.results = append(s.results, *r)
		return nil
	})
	if err != nil {
		return err
	}
	s.tested, s.used = tested[0], make([]bool, len(s.results))
	quiet, err := procedure.Run(context.Background(), in, s.procs[i:i+1], nil)
	if err == nil && (quiet[0].Counts != s.tested.Counts || quiet[0].Items != s.tested.Items) {
		err = fmt.Errorf("without a listener the counts are %v of %d, with one %v of %d", quiet[0].Counts, quiet[0].Items, s.tested.Counts, s.tested.Items)
	}
	return err
}
