package gitlab

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"tieout/source"
	"tieout/source/forge"
	"tieout/source/rest"
)

// A history is one project's changes while they are read.
type history struct {
	*run
	p       project
	changes *source.Stream
	checks  *source.Stream
	seen    map[int64]bool   // requests listed
	merged  map[string]merge // by each commit a request was merged as
	noCheck string           // why checks are not asked for any more
	noVote  string           // why approvals are not asked for any more
}

// A merge is one request that was merged in the window.
type merge struct {
	number int64
	sure   bool // the window's commits must show it
}

// startMargin: a commit may be a little older than the merge that made it.
const startMargin = time.Hour

// changes reads what reached the default branch in the window: merged
// requests, and commits that belong to none.
func (r *run) changes(ctx context.Context, p project) error {
	h := &history{run: r, p: p, seen: map[int64]bool{}, merged: map[string]merge{},
		changes: r.Events("change", p.Path, cannotChange, kindChange, kindCommit),
		checks:  r.Events("check", p.Path, cannotCheck, kindChange)}
	switch {
	case r.Covers().Empty():
		return r.Refuse(ctx, errWindow, h.changes, h.checks)
	case p.Branch == "":
		for _, s := range []*source.Stream{h.changes, h.checks} {
			s.Asked("GET " + r.At(p.at()))
			s.Note("the project has no branch yet")
		}
		return r.Close(ctx, h.changes, h.checks)
	}
	for _, read := range []func(context.Context) error{h.requests, h.commits, h.numbers} {
		if err := read(ctx); err != nil {
			return err
		}
	}
	if h.noCheck != "" {
		h.checks.Fail("checks: " + h.noCheck)
		h.changes.Note("checks are not collected: " + h.noCheck)
	}
	if h.noVote != "" {
		h.changes.Note("approvals are not collected: " + h.noVote)
	}
	return r.Close(ctx, h.changes, h.checks)
}

// request is one merge request, as lists give it.
type request struct {
	Number      int64     `json:"iid"`
	Title       string    `json:"title"`
	Description *string   `json:"description"`
	State       string    `json:"state"`
	Created     string    `json:"created_at"`
	Merged      *string   `json:"merged_at"`
	Target      string    `json:"target_branch"`
	Source      string    `json:"source_branch"`
	SHA         *string   `json:"sha"`
	MergeSHA    *string   `json:"merge_commit_sha"`
	SquashSHA   *string   `json:"squash_commit_sha"`
	Labels      []string  `json:"labels"`
	Author      *userName `json:"author"`
	MergeUser   *userName `json:"merge_user"`
	MergedBy    *userName `json:"merged_by"`
}

type userName struct {
	Name string `json:"username"`
}

// commits are those the request may have been merged as, the one on the branch first.
func (q *request) commits() []string {
	var out []string
	for _, s := range []*string{q.MergeSHA, q.SquashSHA, q.SHA} {
		if s != nil && forge.Hash(*s) {
			out = append(out, *s)
		}
	}
	return out
}

// requests lists merged requests in the order they were opened, which does not
// change while it is read, of those that changed since the window began.
func (h *history) requests(ctx context.Context) error {
	covers := h.Covers()
	path := fmt.Sprintf("%s/merge_requests?scope=all&state=merged&target_branch=%s&updated_after=%s&order_by=created_at&sort=asc&per_page=100",
		h.p.at(), url.QueryEscape(h.p.Branch), stamp(covers.From))
	asked := h.p.at() + "/merge_requests/{iid}/approvals, /notes, /pipelines and " + h.p.at() + "/repository/commits/{sha}/statuses?all=true"
	h.changes.Asked("GET " + h.At(asked))
	h.checks.Asked("GET " + h.At(asked))
	l := rest.List{Kind: kindRequests, Scope: h.p.Path, About: covers, Ask: rest.Ask{URI: h.At(path)}}
	walked, err := h.Walk(ctx, l, func(list []json.RawMessage) (bool, error) {
		for _, e := range list {
			if err := h.request(ctx, e); err != nil {
				return false, err
			}
		}
		h.Progress("change "+h.p.Path, len(h.seen), 0)
		return true, nil
	}, h.changes)
	if err != nil {
		return err
	}
	h.checks.Fail(walked.Why)
	if walked.Whole() && walked.Total >= 0 {
		h.changes.Reconcile("merged requests listed, of those the host counts", walked.Total, len(h.seen))
	}
	return nil
}

// request reads one request, if it was merged in the window.
func (h *history) request(ctx context.Context, element []byte) error {
	var q request
	if json.Unmarshal(element, &q) != nil || q.Number <= 0 {
		h.changes.Fail("a merged request without a number")
		return nil
	}
	if h.seen[q.Number] {
		return nil
	}
	h.seen[q.Number] = true
	at, err := forge.Maybe(q.Merged)
	if err != nil || at.IsZero() {
		h.changes.Fail(fmt.Sprintf("request %d: when it was merged is not told", q.Number))
		return nil
	}
	if !h.Covers().Contains(at) || q.Target != h.p.Branch {
		return nil
	}
	h.changes.Items++
	for _, sha := range q.commits() {
		h.merged[sha] = merge{number: q.Number, sure: at.Sub(h.Covers().From) > startMargin}
	}
	answers := []forge.Answer{forge.Element("request", element)}
	votes, err := h.votes(ctx, q.Number)
	if err != nil {
		return err
	}
	checks, err := h.checksOf(ctx, &q, at)
	if err != nil {
		return err
	}
	sh := forge.Sheet{Kind: kindChange, Scope: h.p.Path, About: h.Covers(), Facts: branchFacts{h.p.Branch}}
	return h.SealAll(ctx, sh, append(append(answers, votes...), checks...), h.changes, h.checks)
}

// votes asks who approves the request, and when they said so.
func (h *history) votes(ctx context.Context, number int64) ([]forge.Answer, error) {
	if h.noVote != "" {
		return nil, nil
	}
	base := fmt.Sprintf("%s/merge_requests/%d", h.p.at(), number)
	approvals, err := h.Ask(ctx, "approvals", base+"/approvals")
	if err != nil {
		return nil, err
	}
	notes, err := h.Gather(ctx, "notes", base+"/notes?order_by=created_at&sort=asc&per_page=100")
	if err != nil {
		return nil, err
	}
	answers := append([]forge.Answer{approvals}, notes...)
	switch bad := forge.Worst(answers); {
	case bad == nil:
	case bad.Refused() && bad.Part == "approvals":
		h.noVote = bad.Fault() // the plan or the token has none: the next would be refused too
	default:
		h.changes.Fail(fmt.Sprintf("%s of request %d: %s", bad.Part, number, bad.Fault()))
	}
	return answers, nil
}

// checksOf asks for jobs and statuses of the request's last commit, and of the
// commit that its last pipeline before the merge ran on, which a merge train or
// a merged result makes another.
func (h *history) checksOf(ctx context.Context, q *request, merged time.Time) ([]forge.Answer, error) {
	if h.noCheck != "" {
		return nil, nil
	}
	lines, err := h.Gather(ctx, "pipelines", fmt.Sprintf("%s/merge_requests/%d/pipelines?per_page=100", h.p.at(), q.Number))
	if err != nil {
		return nil, err
	}
	if err := h.SealAll(ctx, forge.Sheet{Kind: kindSupport, Scope: h.p.Path, About: h.Covers()}, lines, h.checks); err != nil {
		return nil, err
	}
	out := lines
	if forge.Worst(lines) == nil {
		for _, sha := range testedOn(q, lines, merged) {
			statuses, err := h.Gather(ctx, "statuses", h.p.at()+"/repository/commits/"+sha+"/statuses?all=true&per_page=100")
			if err != nil {
				return nil, err
			}
			out = append(out, statuses...)
		}
	}
	h.judgeChecks(q.Number, out)
	return out, nil
}

func (h *history) judgeChecks(number int64, answers []forge.Answer) {
	bad := forge.Worst(answers)
	switch {
	case bad == nil:
	case bad.Status == 403 && bad.Refused():
		h.noCheck = bad.Fault() // pipelines are closed to the token
	case bad.Refused():
		h.checks.Fail(fmt.Sprintf("checks of request %d: %s", number, bad.Fault()))
		h.changes.Note(fmt.Sprintf("checks are not collected where a commit is not to be had any more, such as of request %d: %s", number, bad.Fault()))
	default:
		h.checks.Fail(fmt.Sprintf("checks of request %d: %s", number, bad.Fault()))
		h.changes.Fail(fmt.Sprintf("checks of request %d: %s", number, bad.Fault()))
	}
}

// testedOn are the commits whose checks count for the request.
func testedOn(q *request, lines []forge.Answer, merged time.Time) []string {
	var out []string
	if q.SHA != nil && forge.Hash(*q.SHA) {
		out = append(out, *q.SHA)
	}
	newest, sha := time.Time{}, ""
	for _, a := range lines {
		var list []struct {
			SHA     string `json:"sha"`
			Created string `json:"created_at"`
		}
		if json.Unmarshal(a.Bytes(), &list) != nil {
			continue // the page does not normalize either
		}
		for _, l := range list {
			at, err := forge.Instant(l.Created)
			if err == nil && !at.After(merged) && at.After(newest) && forge.Hash(l.SHA) {
				newest, sha = at, l.SHA
			}
		}
	}
	if sha != "" && !slices.Contains(out, sha) {
		out = append(out, sha)
	}
	return out
}

// commit is one commit of a branch.
type commit struct {
	ID        string   `json:"id"`
	Parents   []string `json:"parent_ids"`
	Title     string   `json:"title"`
	Message   string   `json:"message"`
	Author    string   `json:"author_email"`
	Committer string   `json:"committer_email"`
	Committed string   `json:"committed_date"`
}

func (c *commit) read(element []byte) (at time.Time, err error) {
	if err := json.Unmarshal(element, c); err != nil || !forge.Hash(c.ID) {
		return at, fmt.Errorf("a commit without an id")
	}
	return forge.Instant(c.Committed)
}

// commits walks the branch along first parents and asks, for each commit of the
// window that no listed request was merged as, which requests hold it.
func (h *history) commits(ctx context.Context) error {
	var trail forge.Trail
	path := h.p.at() + "/repository/commits?ref_name=" + url.QueryEscape(h.p.Branch) + "&first_parent=true&since=" + stamp(h.Covers().From) + "&per_page=100"
	l := rest.List{Kind: kindCommits, Scope: h.p.Path, About: h.Covers(), Ask: rest.Ask{URI: h.At(path)}}
	walked, err := h.Walk(ctx, l, func(list []json.RawMessage) (bool, error) {
		for _, e := range list {
			if err := h.step(ctx, &trail, e); err != nil {
				return false, err
			}
		}
		return true, nil
	}, h.changes)
	if err != nil || !walked.Whole() {
		return err
	}
	h.found(&trail)
	return h.below(ctx, &trail)
}

// found holds the commits to the requests: the branch holds one of those that a
// request was merged as, unless history was overwritten.
func (h *history) found(t *forge.Trail) {
	shown, missing := map[int64]bool{}, map[int64]string{}
	for _, sha := range slices.Sorted(maps.Keys(h.merged)) {
		m := h.merged[sha]
		shown[m.number] = shown[m.number] || t.Listed(sha)
		if m.sure {
			missing[m.number] = sha
		}
	}
	for _, n := range slices.Sorted(maps.Keys(missing)) {
		if !shown[n] {
			h.changes.Fail(fmt.Sprintf("request %d was merged as %s, which the branch does not hold: it was overwritten, or a wrong time hides it", n, missing[n]))
		}
	}
}

func (h *history) step(ctx context.Context, t *forge.Trail, element []byte) error {
	var c commit
	at, err := c.read(element)
	if err != nil {
		h.changes.Fail(err.Error())
		return nil
	}
	on, err := t.Step(c.ID, c.Parents)
	if err != nil {
		h.changes.Fail(err.Error() + " at " + c.ID)
	}
	if _, merged := h.merged[c.ID]; !on || merged || !h.Covers().Contains(at) {
		return nil
	}
	brought, err := h.Gather(ctx, "requests", h.p.at()+"/repository/commits/"+c.ID+"/merge_requests?per_page=100")
	if err != nil {
		return err
	}
	h.changes.Asked("GET " + h.At(h.p.at()+"/repository/commits/{sha}/merge_requests"))
	sh := forge.Sheet{Kind: kindCommit, Scope: h.p.Path, About: h.Covers(), Facts: branchFacts{h.p.Branch}}
	if err := h.SealAll(ctx, sh, append([]forge.Answer{forge.Element("commit", element)}, brought...), h.changes); err != nil {
		return err
	}
	if bad := forge.Worst(brought); bad != nil {
		h.changes.Fail("requests of commit " + c.ID + ": " + bad.Fault())
		return nil
	}
	h.reconcile(c.ID, brought)
	return nil
}

// reconcile holds the list of requests to the commits, which are listed apart.
func (h *history) reconcile(sha string, answers []forge.Answer) {
	q, err := broughtBy(forge.Envelope{Answers: answers}, h.p.Branch)
	if err != nil || q == nil {
		return // the page does not normalize, or is of a commit without a request
	}
	if at, err := forge.Maybe(q.Merged); err == nil && h.Covers().Contains(at) && !h.seen[q.Number] {
		h.changes.Fail(fmt.Sprintf("request %d brought commit %s and is not in the list of merged requests", q.Number, sha))
	}
}

// below looks at where the trail left the window: the host stops at a commit
// that says it is older, also where younger ones lie below it.
func (h *history) below(ctx context.Context, t *forge.Trail) error {
	sha := t.Below()
	if sha == "" {
		return nil
	}
	a, err := h.Ask(ctx, "list", h.p.at()+"/repository/commits?ref_name="+sha+"&first_parent=true&per_page=100")
	if err != nil {
		return err
	}
	h.changes.Asked("GET " + h.At(h.p.at()+"/repository/commits?ref_name={below}"))
	if err := h.SealAll(ctx, forge.Sheet{Kind: kindSupport, Scope: h.p.Path, About: h.Covers()}, []forge.Answer{a}, h.changes); err != nil {
		return err
	}
	var list []commit
	if !a.OK() || json.Unmarshal(a.Bytes(), &list) != nil {
		h.changes.Fail("commits below the window: " + a.Fault())
		return nil
	}
	for _, c := range list {
		if at, err := forge.Instant(c.Committed); err == nil && !at.Before(h.Covers().From) {
			h.changes.Fail(fmt.Sprintf("commit %s lies in the window, below %s, which says it is older: what is between is not known", c.ID, sha))
			break
		}
	}
	return nil
}

// numbers compares the highest number of a request with how many there are:
// numbers are given in order and never twice.
func (h *history) numbers(ctx context.Context) error {
	const cannot = "that no request was deleted: "
	highest := 0
	l := rest.List{Kind: kindSupport, Scope: h.p.Path, About: h.Covers(),
		Ask: rest.Ask{URI: h.At(h.p.at() + "/merge_requests?scope=all&state=all&order_by=created_at&sort=desc&per_page=1")}}
	aside := h.Snapshot("change", h.p.Path, nil)
	walked, err := h.Walk(ctx, l, func(list []json.RawMessage) (bool, error) {
		var q request
		if len(list) > 0 && json.Unmarshal(list[0], &q) == nil {
			highest = int(q.Number)
		}
		return false, nil
	}, aside)
	switch {
	case err != nil:
		return err
	case !walked.Whole():
		h.changes.Note(cannot + "the numbers could not be asked for: " + walked.Why)
	case walked.Total < 0:
		h.changes.Note(cannot + "how many requests there are is not told")
	case walked.Total != highest:
		h.changes.Note(fmt.Sprintf(cannot+"%d requests are there and the highest number is %d", walked.Total, highest))
	default:
		h.changes.Reconcile("numbers of requests without a gap", highest, walked.Total)
	}
	return nil
}
