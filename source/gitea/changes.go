package gitea

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"tieout/source"
	"tieout/source/forge"
	"tieout/source/rest"
)

// A history is one repository's changes while they are read.
type history struct {
	*run
	p       repo
	changes *source.Stream
	checks  *source.Stream
	seen    map[int64]bool   // requests read
	merged  map[string]merge // by the commit they were merged as
	noCheck string           // why statuses are not asked for any more
}

// A merge is one request that was merged in the window.
type merge struct {
	number int64
	head   string // its last commit
	sure   bool   // the window's commits must show it
}

// maxPasses is how often the top of a list that moves is read again.
const maxPasses = 5

// changes reads what reached the default branch in the window: merged
// requests, and commits that belong to none.
func (r *run) changes(ctx context.Context, p repo) error {
	h := &history{run: r, p: p, seen: map[int64]bool{}, merged: map[string]merge{},
		changes: r.Events("change", p.Name, cannotChange, kindChange, kindCommit),
		checks:  r.Events("check", p.Name, cannotCheck, kindChange)}
	switch {
	case r.Covers().Empty():
		return r.Refuse(ctx, errWindow, h.changes, h.checks)
	case p.none():
		for _, s := range []*source.Stream{h.changes, h.checks} {
			s.Asked("GET " + r.At(p.at()))
			s.Note("the repository has no branch yet")
		}
		return r.Close(ctx, h.changes, h.checks)
	}
	if err := h.requests(ctx); err != nil {
		return err
	}
	if err := h.commits(ctx); err != nil {
		return err
	}
	if h.noCheck != "" {
		h.checks.Fail("statuses: " + h.noCheck)
		h.changes.Note("checks are not collected: " + h.noCheck)
	}
	return r.Close(ctx, h.changes, h.checks)
}

// request is one request, as lists give it.
type request struct {
	Number  int64   `json:"number"`
	Title   string  `json:"title"`
	Body    string  `json:"body"`
	Created string  `json:"created_at"`
	Updated string  `json:"updated_at"`
	Merged  *string `json:"merged_at"`
	Commit  *string `json:"merge_commit_sha"`
	User    *user   `json:"user"`
	By      *user   `json:"merged_by"`
	Labels  []struct {
		Name string `json:"name"`
	} `json:"labels"`
	Base struct {
		Ref string `json:"ref"`
	} `json:"base"`
	Head struct {
		Ref string `json:"ref"`
		SHA string `json:"sha"`
	} `json:"head"`
}

// requests reads the closed requests, the last changed first, back to the
// window's start. Whatever changes meanwhile moves to the top, so the top is
// read again until nothing there is new.
func (h *history) requests(ctx context.Context) error {
	asked := "GET " + h.At(h.p.at()+"/pulls/{number}/reviews, "+h.p.at()+"/commits/{sha}/statuses")
	h.changes.Asked(asked)
	h.checks.Asked(asked)
	since := h.Covers().From
	for pass := 1; ; pass++ {
		before := len(h.seen)
		newest, walked, err := h.pass(ctx, since)
		switch {
		case err != nil:
			return err
		case !walked.Whole():
			h.checks.Fail("closed requests: " + walked.Why)
			return nil
		case pass == 1 && walked.Listed < perPage || pass > 1 && len(h.seen) == before:
			return nil
		case pass == maxPasses:
			h.changes.Fail("closed requests: the list changed each time it was read")
			return nil
		}
		since = newest
	}
}

// pass reads the list down to what was last changed before since, and returns
// when the topmost was.
func (h *history) pass(ctx context.Context, since time.Time) (newest time.Time, w forge.Walked, err error) {
	newest = since
	uri := h.At(fmt.Sprintf("%s/pulls?state=closed&sort=recentupdate&limit=%d", h.p.at(), perPage))
	w, err = h.Walk(ctx, rest.List{Kind: kindList, Scope: h.p.Name, About: h.Covers(), Ask: rest.Ask{URI: uri}}, func(list []json.RawMessage) (bool, error) {
		for _, e := range list {
			var q request
			updated, err := time.Time{}, json.Unmarshal(e, &q)
			if err == nil {
				updated, err = forge.Instant(q.Updated)
			}
			switch {
			case err != nil || q.Number <= 0:
				h.changes.Fail("a closed request without a number or an instant")
				continue
			case updated.Before(since):
				return false, nil
			case updated.After(newest):
				newest = updated
			}
			if err := h.request(ctx, q, e); err != nil {
				return false, err
			}
		}
		h.Progress("change "+h.p.Name, len(h.seen), 0)
		return true, nil
	}, h.changes)
	return newest, w, err
}

// request reads one request, if it was merged into the branch in the window.
func (h *history) request(ctx context.Context, q request, element []byte) error {
	at, err := forge.Maybe(q.Merged)
	if err != nil {
		h.changes.Fail(fmt.Sprintf("request %d: %v", q.Number, err))
		return nil
	}
	if h.seen[q.Number] || !h.Covers().Contains(at) || q.Base.Ref != h.p.Branch {
		return nil
	}
	h.seen[q.Number] = true
	h.changes.Items++
	if q.Commit != nil {
		h.merged[*q.Commit] = merge{number: q.Number, head: q.Head.SHA, sure: at.Sub(h.Covers().From) > startMargin}
	}
	reviews, err := h.Gather(ctx, "reviews", fmt.Sprintf("%s/pulls/%d/reviews?limit=%d", h.p.at(), q.Number, perPage))
	if err != nil {
		return err
	}
	checks, err := h.checksOf(ctx, &q)
	if err != nil {
		return err
	}
	answers := append([]forge.Answer{forge.Element("request", element)}, reviews...)
	sh := forge.Sheet{Kind: kindChange, Scope: h.p.Name, About: h.Covers(), Facts: branchFacts{h.p.Branch}}
	if err := h.SealAll(ctx, sh, append(answers, checks...), h.changes, h.checks); err != nil {
		return err
	}
	h.judge(q.Number, reviews, checks)
	return nil
}

// checksOf asks for the statuses of the request's last commit.
func (h *history) checksOf(ctx context.Context, q *request) ([]forge.Answer, error) {
	if h.noCheck != "" {
		return nil, nil
	}
	if !forge.Hash(q.Head.SHA) {
		h.checks.Fail(fmt.Sprintf("request %d: its last commit is not told", q.Number))
		return nil, nil
	}
	return h.Gather(ctx, "statuses", fmt.Sprintf("%s/commits/%s/statuses?limit=%d", h.p.at(), q.Head.SHA, perPage))
}

// judge says what of one request's answers keeps a stream from being complete.
func (h *history) judge(number int64, reviews, checks []forge.Answer) {
	if bad := forge.Worst(reviews); bad != nil {
		h.changes.Fail(fmt.Sprintf("reviews of request %d: %s", number, bad.Fault()))
	} else if short := forge.Short(reviews); short != "" {
		h.changes.Fail(fmt.Sprintf("reviews of request %d: %s", number, short))
	}
	bad := forge.Worst(checks)
	switch {
	case bad == nil:
		if short := forge.Short(checks); short != "" {
			h.checks.Fail(fmt.Sprintf("statuses of request %d: %s", number, short))
			h.changes.Fail(fmt.Sprintf("statuses of request %d: %s", number, short))
		}
	case bad.Status == 403 && bad.Refused():
		h.noCheck = bad.Fault() // the next request would be refused too
	case bad.Refused():
		h.checks.Fail(fmt.Sprintf("statuses of request %d: %s", number, bad.Fault()))
		h.changes.Note(fmt.Sprintf("checks are not collected where a commit is not to be had any more, such as of request %d: %s", number, bad.Fault()))
	default:
		h.checks.Fail(fmt.Sprintf("statuses of request %d: %s", number, bad.Fault()))
		h.changes.Fail(fmt.Sprintf("statuses of request %d: %s", number, bad.Fault()))
	}
}

// commit is one commit of a branch.
type commit struct {
	SHA    string `json:"sha"`
	User   *user  `json:"author"`
	By     *user  `json:"committer"`
	Commit struct {
		Message   string     `json:"message"`
		Author    *signature `json:"author"`
		Committer *signature `json:"committer"`
		Verified  *struct {
			Signature *string `json:"signature"`
		} `json:"verification"`
	} `json:"commit"`
	Parents []struct {
		SHA string `json:"sha"`
	} `json:"parents"`
}

// A signature is who a commit says wrote it, and when.
type signature struct {
	Email string `json:"email"`
	Date  string `json:"date"`
}

func (c *commit) read(element []byte) (at time.Time, err error) {
	if err := json.Unmarshal(element, c); err != nil || !forge.Hash(c.SHA) || c.Commit.Committer == nil {
		return at, fmt.Errorf("a commit without an id or a committer")
	}
	return forge.Instant(c.Commit.Committer.Date)
}

func (c *commit) parents() []string {
	var out []string
	for _, p := range c.Parents {
		out = append(out, p.SHA)
	}
	return out
}

// mark is what a rebase keeps of a commit: who wrote it when, and its words.
func (c *commit) mark() string {
	if c.Commit.Author == nil {
		return ""
	}
	at, err := forge.Instant(c.Commit.Author.Date)
	if err != nil {
		return ""
	}
	return at.String() + "\x1f" + strings.ToLower(c.Commit.Author.Email) + "\x1f" + strings.TrimSpace(c.Commit.Message)
}

// A walk follows the branch from its tip.
type walk struct {
	forge.Trail
	rebased map[string]bool // marks of the request whose commits may follow
	young   bool            // a commit of this page lies in the window
}

// commits walks the branch from its tip until a whole page is older than the
// window, and asks for each commit of the window that no listed request brought
// which request did.
func (h *history) commits(ctx context.Context) error {
	w := &walk{}
	uri := h.At(fmt.Sprintf("%s/commits?sha=%s&stat=false&files=false&limit=%d", h.p.at(), url.QueryEscape(h.p.Branch), perPage))
	walked, err := h.Walk(ctx, rest.List{Kind: kindList, Scope: h.p.Name, About: h.Covers(), Ask: rest.Ask{URI: uri}}, func(list []json.RawMessage) (bool, error) {
		w.young = false
		for _, e := range list {
			if err := h.step(ctx, w, e); err != nil {
				return false, err
			}
		}
		return w.young, nil
	}, h.changes)
	if err != nil || !walked.Whole() {
		return err
	}
	h.found(w)
	return nil
}

// found holds the commits to the requests: what a request was merged as is on
// the branch, or its own last commit is, unless history was overwritten.
func (h *history) found(w *walk) {
	for _, sha := range slices.Sorted(maps.Keys(h.merged)) {
		if m := h.merged[sha]; m.sure && !w.Listed(sha) && !w.Listed(m.head) {
			h.changes.Fail(fmt.Sprintf("request %d was merged as %s, which the branch does not hold: it was overwritten, or a wrong time hides it", m.number, sha))
		}
	}
}

func (h *history) step(ctx context.Context, w *walk, element []byte) error {
	var c commit
	at, err := c.read(element)
	if err != nil {
		h.changes.Fail(err.Error())
		return nil
	}
	w.young = w.young || !at.Before(h.Covers().From)
	on, err := w.Step(c.SHA, c.parents())
	if err != nil {
		h.changes.Fail(err.Error() + " at " + c.SHA)
	}
	if !on {
		return nil
	}
	if m, merged := h.merged[c.SHA]; merged {
		return h.rebased(ctx, w, m, &c)
	}
	if w.rebased[c.mark()] && c.mark() != "" {
		return nil // it came with the request above it
	}
	w.rebased = nil
	if !h.Covers().Contains(at) {
		return nil
	}
	return h.direct(ctx, c.SHA, element)
}

// rebased learns the commits of a request that was put on the branch without a
// merge commit: those right below carry their marks.
func (h *history) rebased(ctx context.Context, w *walk, m merge, c *commit) error {
	w.rebased = nil
	if len(c.Parents) != 1 {
		return nil
	}
	answers, err := h.Gather(ctx, "commits", fmt.Sprintf("%s/pulls/%d/commits?limit=%d", h.p.at(), m.number, perPage))
	if err != nil {
		return err
	}
	h.changes.Asked("GET " + h.At(h.p.at()+"/pulls/{number}/commits"))
	if err := h.SealAll(ctx, forge.Sheet{Kind: kindSupport, Scope: h.p.Name, About: h.Covers()}, answers, h.changes); err != nil {
		return err
	}
	list, whole, err := forge.All[commit](forge.Envelope{Answers: answers}, "commits")
	if err != nil || !whole {
		return nil // then each commit is asked for by itself
	}
	w.rebased = map[string]bool{}
	for i := range list {
		w.rebased[list[i].mark()] = true
	}
	return nil
}

// direct asks which request brought a commit; the host answers 404 where none did.
func (h *history) direct(ctx context.Context, sha string, element []byte) error {
	brought, err := h.Ask(ctx, "request", h.p.at()+"/commits/"+sha+"/pull")
	if err != nil {
		return err
	}
	h.changes.Asked("GET " + h.At(h.p.at()+"/commits/{sha}/pull"))
	sh := forge.Sheet{Kind: kindCommit, Scope: h.p.Name, About: h.Covers(), Facts: branchFacts{h.p.Branch}}
	if err := h.SealAll(ctx, sh, []forge.Answer{forge.Element("commit", element), brought}, h.changes); err != nil {
		return err
	}
	var q request
	switch {
	case brought.Missing():
	case !brought.OK():
		h.changes.Fail("request of commit " + sha + ": " + brought.Fault())
	case json.Unmarshal(brought.Bytes(), &q) == nil && q.Base.Ref == h.p.Branch:
		if at, err := forge.Maybe(q.Merged); err == nil && h.Covers().Contains(at) && !h.seen[q.Number] {
			h.changes.Fail(fmt.Sprintf("request %d brought commit %s and is not in the list of closed requests", q.Number, sha))
		}
	}
	return nil
}
