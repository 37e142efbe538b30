package gitea

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/forge"
)

// change adds the item of one merged request, and its checks.
func (r *reading) change() error {
	branch, err := r.branch()
	if err != nil {
		return err
	}
	var q request
	if whole, err := r.One("request", &q); err != nil || !whole {
		return errors.Join(err, errors.New("the page does not hold one request"))
	}
	merged, err := forge.Maybe(q.Merged)
	if err != nil {
		return err
	}
	opened, err := forge.Instant(q.Created)
	if err != nil {
		return err
	}
	if q.Number <= 0 || merged.IsZero() {
		return errors.New("a request without a number, or not merged")
	}
	f := source.Fields{"repository": r.page.Scope, "branch": branch, "number": q.Number, "openedAt": opened, "direct": false}
	w := forge.Words{Title: q.Title, Text: q.Body, Ref: q.Head.Ref, Self: fmt.Sprintf("#%d", q.Number)}
	for _, l := range q.Labels {
		w.Labels = append(w.Labels, l.Name)
	}
	r.Says(f, w)
	if q.User.known() {
		f["author"] = q.User.Login
	}
	if q.By.known() {
		f["mergedBy"] = q.By.Login
	}
	if q.Commit != nil && forge.Hash(*q.Commit) {
		f["commit"] = *q.Commit
	}
	if err := r.approved(f, &q, merged); err != nil {
		return err
	}
	if err := r.checks(f, merged); err != nil {
		return err
	}
	r.Add("change", fmt.Sprintf("%s#%d", r.page.Scope, q.Number), merged, f)
	return nil
}

// reviewAnswer is one review of a request.
type reviewAnswer struct {
	User      *user  `json:"user"`
	State     string `json:"state"`
	Official  bool   `json:"official"`
	Dismissed bool   `json:"dismissed"`
	Submitted string `json:"submitted_at"`
}

// approved adds who approved. An approval that the host does not call official
// is of somebody whose approval it does not count; one that was dismissed says
// nothing any more, and neither do comments.
func (r *reading) approved(f source.Fields, q *request, merged time.Time) error {
	list, whole, err := forge.All[reviewAnswer](r.Envelope, "reviews")
	if err != nil || !whole {
		return err
	}
	var reviews []forge.Review
	for _, v := range list {
		yes := v.State == "APPROVED" && v.Official && !v.Dismissed
		if !v.User.known() || v.State != "APPROVED" && v.State != "REQUEST_CHANGES" {
			if yes {
				return nil // an approver who cannot be told from the author
			}
			continue
		}
		at, err := forge.Instant(v.Submitted)
		if err != nil {
			return fmt.Errorf("reviews: %w", err)
		}
		reviews = append(reviews, forge.Review{By: v.User.Login, Yes: yes, At: at})
	}
	author := ""
	if q.User.known() {
		author = q.User.Login
	} else if len(reviews) > 0 {
		return nil // who wrote it is not known, so neither is whether others approved
	}
	forge.Approved(f, reviews, author, merged)
	return nil
}

// statusAnswer is one status that a commit was given.
type statusAnswer struct {
	ID      int64  `json:"id"`
	State   string `json:"status"`
	Context string `json:"context"`
	Created string `json:"created_at"`
}

var results = map[string]string{"success": "success", "failure": "failure", "error": "failure", "warning": "neutral", "skipped": "skipped"}

// checks adds what the statuses said at the instant of the merge, and an item
// for each that ended within the page's stretch.
func (r *reading) checks(f source.Fields, merged time.Time) error {
	answers, whole := r.Part("statuses")
	if !whole {
		return nil
	}
	_, rest, _ := strings.Cut(answers[0].Request, "/commits/")
	sha, _, _ := strings.Cut(rest, "/")
	list, _, err := forge.All[statusAnswer](r.Envelope, "statuses")
	if err != nil {
		return err
	}
	var all []forge.Check
	for _, s := range list {
		at, err := forge.Instant(s.Created)
		if err != nil || s.ID <= 0 || s.Context == "" || !forge.Hash(sha) {
			return errors.New("statuses: one without an id, a name, a commit or an instant")
		}
		c := forge.Check{ID: fmt.Sprintf("status-%d", s.ID), Number: s.ID, Commit: sha, Name: s.Context, Begun: at}
		if result := results[s.State]; result != "" {
			c.Result, c.Ended = result, at
		}
		all = append(all, c)
	}
	f["checks.failed"], f["checks.succeeded"] = forge.AsOf(all, merged)
	forge.AddChecks(&r.Reading, r.page.Scope, r.page.About, all)
	return nil
}

// commit adds the change of a commit that no request brought to the branch. One
// whose request could not be asked for gives none.
func (r *reading) commit() error {
	branch, err := r.branch()
	if err != nil {
		return err
	}
	own, whole := r.Part("commit")
	brought, _ := r.Part("request")
	if len(own) != 1 || !whole || len(brought) != 1 {
		return errors.New("the page does not hold one commit")
	}
	var q request
	if told, err := r.One("request", &q); err != nil || !told && !brought[0].Missing() {
		return err
	} else if told && q.Base.Ref == branch && q.Merged != nil {
		return nil
	}
	var c commit
	at, err := c.read(own[0].Bytes())
	if err != nil {
		return err
	}
	title, text, _ := strings.Cut(c.Commit.Message, "\n")
	f := source.Fields{"repository": r.page.Scope, "branch": branch, "number": 0, "commit": c.SHA, "parents": len(c.Parents), "direct": true,
		"openedAt": audit.Never, "approvals": []string{}, "approvedLater": []string{}, "approvedLaterAt": audit.Never,
		"author": named(c.User, c.Commit.Author), "mergedBy": named(c.By, c.Commit.Committer)}
	if v := c.Commit.Verified; v != nil {
		f["signed"] = v.Signature != nil && *v.Signature != ""
	}
	r.Says(f, forge.Words{Title: title, Text: text})
	r.Add("change", r.page.Scope+"@"+c.SHA, at, f)
	return nil
}

// named is the account of a commit's author, else the address the commit gives.
func named(u *user, s *signature) string {
	if u.known() {
		return u.Login
	}
	if s != nil {
		return strings.ToLower(s.Email)
	}
	return ""
}
