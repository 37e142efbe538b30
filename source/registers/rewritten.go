package registers

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
)

// maxReflog is how many earlier tips of the branch are looked at.
const maxReflog = 2000

// A formerTip is a commit the branch once ended in and does not hold any more.
type formerTip struct {
	hash     string
	replaced time.Time // when another took its place
}

// dropped lists the tips that this clone remembers of the branch (its reflog)
// and that cannot be reached from it now.
func (g *gitRun) dropped(ctx context.Context) ([]formerTip, error) {
	if g.ref == "" {
		return nil, nil
	}
	log, err := g.repo.out(ctx, "log", "--walk-reflogs", "--date=unix", "--format=%H %gd", "--max-count="+strconv.Itoa(maxReflog), g.ref, "--")
	if err != nil {
		return nil, ctx.Err() // the clone keeps no such log: nothing can be told from it
	}
	tips := formerTips(log)
	args := []string{"--ignore-missing"}
	for _, t := range tips {
		args = append(args, t.hash)
	}
	lost, err := g.repo.commits(ctx, append(args, "^"+g.tip)...)
	if err != nil {
		return nil, ctx.Err()
	}
	gone := map[string]bool{}
	for _, c := range lost {
		gone[c.hash] = true
	}
	return slices.DeleteFunc(tips, func(t formerTip) bool { return !gone[t.hash] }), nil
}

// formerTips reads lines "HASH BRANCH@{SECONDS}", the newest first: the time of
// a line is when its commit took the place of the one on the next line.
func formerTips(log string) []formerTip {
	var out []formerTip
	var replaced time.Time
	seen := map[string]bool{}
	for line := range strings.Lines(log) {
		hash, selector, _ := strings.Cut(strings.TrimSpace(line), " ")
		sec, err := strconv.ParseInt(strings.TrimSuffix(selector[strings.LastIndexByte(selector, '{')+1:], "}"), 10, 64)
		if err != nil || !isHash(hash) {
			continue
		}
		if !replaced.IsZero() && !seen[hash] {
			out = append(out, formerTip{hash, replaced})
		}
		seen[hash], replaced = true, audit.Instant(time.Unix(sec, 0))
	}
	return out
}

// rewritten are the stretches in which the branch held commits that touched
// dirs and that it does not hold any more.
func (g *gitRun) rewritten(ctx context.Context, tips []formerTip, dirs []folder) ([]hole, error) {
	var out []hole
	for _, t := range tips {
		lost, err := g.repo.commits(ctx, append([]string{t.hash, "^" + g.tip, "--"}, g.paths(dirs)...)...)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil || len(lost) == 0 {
			continue // cleared away, or about other files
		}
		first := slices.MinFunc(lost, func(a, b commit) int { return a.at.Compare(b.at) })
		span := audit.Span{From: audit.Instant(first.at), To: t.replaced}
		if !span.Empty() {
			out = append(out, hole{span, fmt.Sprintf("history was rewritten at %s: commit %s is not on the branch any more", audit.FormatTime(span.To), short(lost[0].hash))})
		}
	}
	return out, nil
}
