package git

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
)

// skew is how far a committer's clock may be off before a commit's time is
// taken to hide it from the window.
const skew = 24 * time.Hour

// A survey is what one walk of the whole first-parent history shows.
type survey struct {
	total        int64
	listed       int64  // commits from the tip down to the oldest in the window
	inWindow     int64  // of those, in the window
	strange      int64  // commits whose time puts them outside although they lie among those within
	strangeFirst string // the newest of them
}

// survey walks the branch from its tip in constant memory.
func (c *collector) survey(ctx context.Context, tip string, covers audit.Span, asOf time.Time) (survey, error) {
	var s survey
	var pending int64
	var pendingFirst string
	sawOlder := false
	err := c.repo.stream(ctx, func(r io.Reader) error {
		return eachLine(r, func(line string) error {
			e, err := parseListed(line)
			if err != nil {
				return err
			}
			s.total++
			switch {
			case covers.Contains(e.at):
				s.listed = s.total
				s.inWindow++
				s.note(pending, pendingFirst)
				pending, pendingFirst = 0, ""
			case e.at.Before(covers.From.Add(-skew)), e.at.After(covers.To.Add(skew)) && s.inWindow > 0:
				sawOlder = sawOlder || e.at.Before(covers.From)
				if pending++; pendingFirst == "" {
					pendingFirst = e.hash
				}
			case e.at.After(asOf.Add(skew)) && !sawOlder:
				s.note(1, e.hash)
			}
			return nil
		})
	}, "rev-list", "--first-parent", "--timestamp", tip)
	return s, err
}

func (s *survey) note(n int64, first string) {
	if s.strange == 0 {
		s.strangeFirst = first
	}
	s.strange += n
}

// A listed is one line of git rev-list --timestamp --parents.
type listed struct {
	at      time.Time
	hash    string
	parents []string
}

func parseListed(line string) (listed, error) {
	f := strings.Split(line, " ")
	sec, err := strconv.ParseUint(f[0], 10, 64)
	if err != nil || len(f) < 2 {
		return listed{}, fmt.Errorf("%w: git rev-list answered %q", audit.ErrUnavailable, line)
	}
	for _, h := range f[1:] {
		if !isHash(h) {
			return listed{}, fmt.Errorf("%w: git rev-list answered %q", audit.ErrUnavailable, line)
		}
	}
	return listed{time.Unix(int64(min(sec, maxSeconds)), 0).UTC(), f[1], f[2:]}, nil
}

func eachLine(r io.Reader, do func(string) error) error {
	br := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := br.ReadString('\n')
		if line != "" {
			if err := do(strings.TrimSuffix(line, "\n")); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// graph holds the parents of every commit that is on the branch and not
// reachable from base. It is as large as the window's history.
func (c *collector) graph(ctx context.Context, tip, base string) (map[string][]string, error) {
	g := map[string][]string{}
	args := append([]string{"rev-list", "--parents"}, since(tip, base)...)
	err := c.repo.stream(ctx, func(r io.Reader) error {
		return eachLine(r, func(line string) error {
			f := strings.Split(line, " ")
			g[f[0]] = f[1:]
			return nil
		})
	}, args...)
	return g, err
}

func since(tip, base string) []string {
	if base == "" {
		return []string{tip}
	}
	return []string{tip, "^" + base}
}

// merged returns the commits that a merge brought onto the branch and no
// earlier one did, at most limit, and whether there were more. Taken commits
// leave the graph, so a commit belongs to the first merge that brought it.
func merged(g map[string][]string, e listed, limit int) (out []string, cut bool) {
	if len(e.parents) < 2 {
		return nil, false
	}
	stack := reversed(e.parents[1:])
	for len(stack) > 0 {
		h := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		parents, ok := g[h]
		if !ok {
			continue
		}
		delete(g, h)
		if len(out) < limit {
			out = append(out, h)
		} else {
			cut = true
		}
		stack = append(stack, reversed(parents)...)
	}
	return out, cut
}

func reversed(list []string) []string {
	out := make([]string, 0, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		out = append(out, list[i])
	}
	return out
}

// Patterns for git rev-list --grep (POSIX extended, case ignored): what a line
// of a message looks like that names a reviewer, a tester or a request.
var (
	grepRequests = []string{`\(([A-Za-z0-9._-]+/[A-Za-z0-9._-]+)?#[0-9]+\)$`, `^Reviewed-on: `, `^See merge request `, `^Differential Revision: `, `^Merged PR [0-9]+: `}
	grepShort    = []string{`(^|[ ,(])r=[A-Za-z@]`}
)

func grepTrailers(names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, `^[[:space:]]*([*-][[:space:]]+)?`+strings.ReplaceAll(regexp.QuoteMeta(n), "-", "[ _-]")+`[[:space:]]*:[[:space:]]*[^[:space:]]`)
	}
	return out
}

// conventionOf lets git count how the branch takes changes in.
func (c *collector) conventionOf(ctx context.Context, tip, base string) (convention, error) {
	reviews := append(grepTrailers(c.rules.reviews), grepShort...)
	tests := grepTrailers(testTrailers)
	var v convention
	for _, q := range []struct {
		into *int64
		args []string
		grep []string
	}{
		{&v.Changes, []string{"--first-parent"}, nil},
		{&v.Merges, []string{"--first-parent", "--merges"}, nil},
		{&v.Requests, []string{"--first-parent", "--no-merges"}, grepRequests},
		{&v.Reviewed, []string{"--first-parent"}, reviews},
		{&v.Tested, []string{"--first-parent"}, tests},
		{&v.All, []string{"--no-merges"}, nil},
		{&v.AllReviewed, []string{"--no-merges"}, reviews},
		{&v.AllTested, []string{"--no-merges"}, tests},
	} {
		args := q.args
		if q.grep != nil {
			args = append(args, "--extended-regexp", "--regexp-ignore-case")
		}
		for _, g := range q.grep {
			args = append(args, "--grep="+g)
		}
		var err error
		if *q.into, err = c.repo.count(ctx, append(args, since(tip, base)...)...); err != nil {
			return v, err
		}
	}
	return v, nil
}
