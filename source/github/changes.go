package github

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"tieout/audit"
)

// A history is one repository's changes while they are read.
type history struct {
	*run
	repo    repo
	queue   bool // checks ran on the merged commit before it was put on the branch, or may have
	changes *stream
	checks  *stream
	seen    map[int64]bool   // requests read
	merged  map[string]merge // by the commit they were merged as
	noCheck string           // why checks are not asked for any more
}

// A merge is one request that was merged.
type merge struct {
	number int64  // 0 where the commits of the window need not show it
	head   string // its last commit
}

// startMargin: a commit may be a little older than the merge that made it.
const startMargin = time.Hour

// maxPasses is how often the top of a list that moves is read again.
const maxPasses = 5

// changes reads what reached the default branch in the window: merged
// requests, and commits that belong to none.
func (r *run) changes(ctx context.Context, p repo, queue bool) error {
	h := &history{run: r, repo: p, queue: queue, seen: map[int64]bool{}, merged: map[string]merge{},
		changes: r.events("change", p.FullName, cannotChange, kindChange, kindCommit),
		checks:  r.events("check", p.FullName, cannotCheck, kindChange)}
	if err := h.read(ctx); err != nil {
		return err
	}
	if err := r.close(ctx, h.changes); err != nil {
		return err
	}
	return r.close(ctx, h.checks)
}

func (h *history) read(ctx context.Context) error {
	switch {
	case h.covers.Empty():
		h.changes.fail(errWindow.Error())
		h.checks.fail(errWindow.Error())
		return nil
	case h.repo.DefaultBranch == "":
		h.changes.query("GET " + h.repo.path())
		h.checks.query("GET " + h.repo.path())
		h.changes.note("the repository has no branch yet")
		return nil
	}
	if err := h.requests(ctx); err != nil {
		return err
	}
	if err := h.commits(ctx); err != nil {
		return err
	}
	if h.noCheck != "" {
		h.checks.fail("checks: " + h.noCheck)
		h.changes.note("checks are not collected: " + h.noCheck)
	}
	return h.numbers(ctx)
}

// pullAnswer is what the reading of a closed request needs of the list.
type pullAnswer struct {
	Number  int64   `json:"number"`
	Updated string  `json:"updated_at"`
	Merged  *string `json:"merged_at"`
	Commit  *string `json:"merge_commit_sha"`
	Head    struct {
		SHA string `json:"sha"`
	} `json:"head"`
	Base struct {
		Ref string `json:"ref"`
	} `json:"base"`
}

// requests reads the closed requests, the last changed first, back to the
// window's start. Whatever changes meanwhile moves to the top, so the top is
// read again until nothing there is new.
func (h *history) requests(ctx context.Context) error {
	h.changes.query("GET " + h.repo.path() + "/pulls/{number}, /pulls/{number}/reviews, /commits/{sha}/check-runs?filter=all, /commits/{sha}/statuses")
	h.checks.query("GET " + h.repo.path() + "/commits/{sha}/check-runs?filter=all, /commits/{sha}/statuses")
	path := h.repo.path() + "/pulls?state=closed&sort=updated&direction=desc&base=" + url.QueryEscape(h.repo.DefaultBranch) + "&per_page=100"
	since := h.covers.From
	for pass := 1; ; pass++ {
		before := len(h.seen)
		newest, pages, bad, err := h.pass(ctx, path, since)
		if err != nil {
			return err
		}
		if bad.why != "" {
			h.changes.fail("closed requests: " + bad.why)
			h.checks.fail("closed requests: " + bad.why)
			return nil
		}
		if pages < 2 && pass == 1 || pass > 1 && len(h.seen) == before {
			return nil
		}
		if pass == maxPasses {
			h.changes.fail("closed requests: the list changed each time it was read")
			return nil
		}
		since = newest
	}
}

// pass reads the list down to what was last changed before since, and returns
// when the topmost was.
func (h *history) pass(ctx context.Context, path string, since time.Time) (newest time.Time, pages int, bad fault, err error) {
	newest = since
	sh := sheet{kind: kindPulls, scope: h.repo.FullName, about: h.covers}
	bad, err = h.list(ctx, sh, path, []*stream{h.changes}, func(elements []json.RawMessage) (bool, error) {
		pages++
		for _, e := range elements {
			var p pullAnswer
			updated, err := time.Time{}, json.Unmarshal(e, &p)
			if err == nil {
				updated, err = instant(p.Updated)
			}
			if err != nil || p.Number <= 0 {
				h.changes.fail("a closed request without a number or an instant")
				continue
			}
			if updated.Before(since) {
				return false, nil
			}
			if updated.After(newest) {
				newest = updated
			}
			if err := h.request(ctx, p); err != nil {
				return false, err
			}
		}
		h.sink.Progress("change "+h.repo.FullName, len(h.seen), 0)
		return true, nil
	})
	return newest, pages, bad, err
}

// request reads one request, if it was merged into the branch in the window.
func (h *history) request(ctx context.Context, p pullAnswer) error {
	if p.Merged == nil || p.Base.Ref != h.repo.DefaultBranch || h.seen[p.Number] {
		return nil
	}
	at, err := instant(*p.Merged)
	if err != nil {
		h.changes.fail(fmt.Sprintf("request %d: merged at %q", p.Number, *p.Merged))
		return nil
	}
	if !h.covers.Contains(at) {
		return nil
	}
	h.seen[p.Number] = true
	h.changes.m.Items++
	if p.Commit != nil {
		m := merge{head: p.Head.SHA}
		if at.Sub(h.covers.From) > startMargin {
			m.number = p.Number
		}
		h.merged[*p.Commit] = m
	}
	base := fmt.Sprintf("%s/pulls/%d", h.repo.path(), p.Number)
	pull, err := h.client.ask(ctx, "pull", h.client.at(base), false)
	if err != nil {
		return err
	}
	reviews, err := h.gather(ctx, "reviews", base+"/reviews?per_page=100", false)
	if err != nil {
		return err
	}
	checks, err := h.checksOf(ctx, p)
	if err != nil {
		return err
	}
	sh := sheet{kind: kindChange, scope: h.repo.FullName, about: h.covers, facts: facts{Branch: h.repo.DefaultBranch}}
	answers := append(append([]answer{pull}, reviews...), checks...)
	if err := h.seal(ctx, sh, []*stream{h.changes, h.checks}, answers...); err != nil {
		return err
	}
	h.judge(p.Number, pull, reviews, checks)
	return nil
}

// checksOf asks for check runs and statuses of the request's last commit, and
// of the commit it was merged as where a queue may have tested that.
func (h *history) checksOf(ctx context.Context, p pullAnswer) ([]answer, error) {
	shas := []string{p.Head.SHA}
	if h.queue && p.Commit != nil && *p.Commit != p.Head.SHA {
		shas = append(shas, *p.Commit)
	}
	var out []answer
	for _, sha := range shas {
		if h.noCheck != "" {
			break
		}
		if !isHash(sha) {
			h.checks.fail(fmt.Sprintf("request %d: its last commit is not told", p.Number))
			continue
		}
		for _, part := range []string{"check-runs?filter=all&per_page=100", "statuses?per_page=100"} {
			name := "statuses"
			if part[0] == 'c' {
				name = "runs"
			}
			answers, err := h.gather(ctx, name, h.repo.path()+"/commits/"+sha+"/"+part, false)
			if err != nil {
				return nil, err
			}
			out = append(out, answers...)
		}
	}
	return out, nil
}

// judge says what of one request's answers keeps a stream from being complete.
func (h *history) judge(number int64, pull answer, reviews, checks []answer) {
	if !pull.ok() {
		h.changes.fail(fmt.Sprintf("request %d: %s", number, pull.fault()))
		h.checks.fail(fmt.Sprintf("request %d: %s", number, pull.fault()))
	}
	if bad := worst(reviews); bad != nil {
		h.changes.fail(fmt.Sprintf("reviews of request %d: %s", number, bad.fault()))
	}
	bad := worst(checks)
	switch {
	case bad == nil:
	case bad.Status == 403 && bad.refused():
		h.noCheck = bad.fault() // the next request would be refused too
	case bad.refused():
		h.checks.fail(fmt.Sprintf("checks of request %d: %s", number, bad.fault()))
		h.changes.note(fmt.Sprintf("checks are not collected where a commit is not to be had any more, such as of request %d: %s", number, bad.fault()))
	default:
		h.checks.fail(fmt.Sprintf("checks of request %d: %s", number, bad.fault()))
		h.changes.fail(fmt.Sprintf("checks of request %d: %s", number, bad.fault()))
	}
}

// commitAnswer is what the walk along the branch needs of the list.
type commitAnswer struct {
	SHA    string `json:"sha"`
	Commit struct {
		Committer *struct {
			Date string `json:"date"`
		} `json:"committer"`
	} `json:"commit"`
	Parents []struct {
		SHA string `json:"sha"`
	} `json:"parents"`
}

// A walk follows the branch from its tip along first parents.
type walk struct {
	begun  bool
	want   string          // the next commit; "" after the first one of all
	listed map[string]bool // commits that came, on the way or beside it
}

// commits walks the branch and asks, for each commit of the window that no
// request was merged as, which requests hold it.
func (h *history) commits(ctx context.Context) error {
	w := &walk{listed: map[string]bool{}}
	path := h.repo.path() + "/commits?sha=" + url.QueryEscape(h.repo.DefaultBranch) + "&since=" +
		url.QueryEscape(h.covers.From.UTC().Format(time.RFC3339)) + "&per_page=100"
	sh := sheet{kind: kindCommits, scope: h.repo.FullName, about: h.covers}
	bad, err := h.list(ctx, sh, path, []*stream{h.changes}, func(elements []json.RawMessage) (bool, error) {
		for _, e := range elements {
			if err := h.step(ctx, w, e); err != nil {
				return false, err
			}
		}
		return true, nil
	})
	switch {
	case err != nil || bad.empty():
		return err
	case bad.why != "":
		h.changes.fail("commits: " + bad.why)
		return nil
	}
	h.found(w)
	return h.below(ctx, w)
}

func (h *history) step(ctx context.Context, w *walk, element []byte) error {
	var c commitAnswer
	if json.Unmarshal(element, &c) != nil || !isHash(c.SHA) || c.Commit.Committer == nil {
		h.changes.fail("a commit without an id or a committer")
		return nil
	}
	w.listed[c.SHA] = true
	if w.begun && c.SHA != w.want {
		return nil
	}
	w.begun, w.want = true, ""
	if len(c.Parents) > 0 {
		w.want = c.Parents[0].SHA
	}
	if w.listed[w.want] {
		h.changes.fail(fmt.Sprintf("commits are not in order at %s: the branch cannot be followed past it", c.SHA))
	}
	return h.commit(ctx, c, element)
}

// found holds the commits to the requests: what a request was merged as well
// within the window is on the branch, or its own last commit is, unless history
// was overwritten or a commit with a wrong time hides what is below it.
func (h *history) found(w *walk) {
	for _, sha := range slices.Sorted(maps.Keys(h.merged)) {
		if m := h.merged[sha]; m.number > 0 && !w.listed[sha] && !w.listed[m.head] {
			h.changes.fail(fmt.Sprintf("request %d was merged as %s, which the branch does not hold: it was overwritten, or a wrong time hides it", m.number, sha))
		}
	}
}

// below looks at where the walk left the window: the host stops at a commit
// that says it is older, also where younger ones lie below it.
func (h *history) below(ctx context.Context, w *walk) error {
	if !isHash(w.want) || w.listed[w.want] {
		return nil
	}
	a, err := h.client.ask(ctx, "list", h.client.at(h.repo.path()+"/commits?sha="+w.want+"&per_page=100"), false)
	if err != nil {
		return err
	}
	h.changes.query("GET " + h.client.at(h.repo.path()+"/commits?sha={below}"))
	if err := h.seal(ctx, sheet{kind: kindCommits, scope: h.repo.FullName, about: h.covers}, []*stream{h.changes}, a); err != nil {
		return err
	}
	var list []commitAnswer
	if !a.ok() || json.Unmarshal(a.bytes(), &list) != nil {
		h.changes.fail("commits below the window: " + a.fault())
		return nil
	}
	for _, c := range list {
		if c.Commit.Committer == nil {
			continue
		}
		if at, err := instant(c.Commit.Committer.Date); err == nil && !at.Before(h.covers.From) {
			h.changes.fail(fmt.Sprintf("commit %s lies in the window, below %s, which says it is older: what is between is not known", c.SHA, w.want))
			return nil
		}
	}
	return nil
}

// commit reads which requests hold c, if that is to be asked.
func (h *history) commit(ctx context.Context, c commitAnswer, element []byte) error {
	at, err := instant(c.Commit.Committer.Date)
	if err != nil {
		h.changes.fail("commit " + c.SHA + ": " + err.Error())
		return nil
	}
	if _, merged := h.merged[c.SHA]; merged || !h.covers.Contains(at) {
		return nil
	}
	pulls, err := h.gather(ctx, "pulls", h.repo.path()+"/commits/"+c.SHA+"/pulls?per_page=100", true)
	if err != nil {
		return err
	}
	h.changes.query("GET " + h.repo.path() + "/commits/{sha}/pulls")
	sh := sheet{kind: kindCommit, scope: h.repo.FullName, about: h.covers, query: pulls[0].Request, facts: facts{Branch: h.repo.DefaultBranch}}
	if err := h.seal(ctx, sh, []*stream{h.changes}, append([]answer{elementAnswer("commit", element)}, pulls...)...); err != nil {
		return err
	}
	if bad := worst(pulls); bad != nil {
		h.changes.fail("requests of commit " + c.SHA + ": " + bad.fault())
		return nil
	}
	h.reconcile(c.SHA, pulls)
	return nil
}

// reconcile holds the list of requests to the commits, which are listed apart.
func (h *history) reconcile(sha string, pulls []answer) {
	p, err := broughtBy(pulls, h.repo.DefaultBranch)
	if err != nil || p == nil {
		return // the page does not normalize, or is of a commit without a request
	}
	if at, err := instant(*p.Merged); err == nil && h.covers.Contains(at) && !h.seen[p.Number] {
		h.changes.fail(fmt.Sprintf("request %d brought commit %s and is not in the list of closed requests", p.Number, sha))
	}
}

// numbers compares the highest number of an issue or request with how many
// there are: numbers are given in order and never twice.
func (h *history) numbers(ctx context.Context) error {
	const cannot = "that no request was deleted: "
	a, err := h.client.ask(ctx, "numbers", h.client.at(h.repo.path()+"/issues?state=all&sort=created&direction=desc&per_page=1"), false)
	if err != nil {
		return err
	}
	if err := h.seal(ctx, sheet{kind: kindNumbers, scope: h.repo.FullName, about: h.now}, []*stream{h.changes}, a); err != nil {
		return err
	}
	h.changes.query(a.Request)
	if !a.ok() {
		h.changes.note(cannot + "the numbers could not be asked for: " + a.fault())
		return nil
	}
	var list []struct {
		Number int `json:"number"`
	}
	next, count, err := h.client.next(a)
	if json.Unmarshal(a.bytes(), &list) != nil || err != nil || next != "" && count == 0 {
		h.changes.note(cannot + "how many issues and requests there are is not told")
		return nil
	}
	highest := 0
	if len(list) > 0 {
		highest, count = list[0].Number, max(count, 1)
	}
	if count != highest {
		h.changes.note(fmt.Sprintf(cannot+"%d issues and requests are there and the highest number is %d; the others were deleted or moved", count, highest))
		return nil
	}
	h.changes.m.Checks = append(h.changes.m.Checks, audit.Reconciling{Name: "numbers of issues and requests without a gap",
		Want: fmt.Sprint(highest), Got: fmt.Sprint(count), OK: true})
	return nil
}
