package gitlab

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/forge"
)

// branch is the branch that the page's facts name.
func (r *reading) branch() (string, error) {
	var facts branchFacts
	if err := source.Strict(r.Facts, &facts); err != nil {
		return "", err
	}
	if !forge.FullName(r.page.Scope) || !forge.Branch(facts.Branch) {
		return "", errors.New("the page does not say which project and branch it is of")
	}
	return facts.Branch, nil
}

// change adds the item of one merged request, and its checks.
func (r *reading) change() error {
	branch, err := r.branch()
	if err != nil {
		return err
	}
	var q request
	if whole, err := r.One("request", &q); err != nil || !whole {
		return errors.Join(err, missing(whole, "one request"))
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
	w := forge.Words{Title: q.Title, Ref: q.Source, Labels: q.Labels, Self: fmt.Sprintf("!%d", q.Number)}
	if q.Description != nil {
		w.Text = *q.Description
	}
	r.Says(f, w)
	q.people(f)
	if c := q.commits(); len(c) > 0 {
		f["commit"] = c[0]
	}
	if err := r.approved(f, &q, merged); err != nil {
		return err
	}
	if err := r.checks(f, merged); err != nil {
		return err
	}
	r.Add("change", fmt.Sprintf("%s!%d", r.page.Scope, q.Number), merged, f)
	return nil
}

func missing(whole bool, what string) error {
	if whole {
		return nil
	}
	return errors.New("the page does not hold " + what)
}

func (u *userName) known() bool { return u != nil && u.Name != "" && u.Name != "ghost" }

func (q *request) people(f source.Fields) {
	if q.Author.known() {
		f["author"], f["bot"] = q.Author.Name, botName.MatchString(q.Author.Name)
	}
	by := q.MergeUser
	if !by.known() {
		by = q.MergedBy
	}
	if by.known() {
		f["mergedBy"] = by.Name
	}
}

// approvalsAnswer is who approves a request now.
type approvalsAnswer struct {
	By []struct {
		User *userName `json:"user"`
		At   *string   `json:"approved_at"`
	} `json:"approved_by"`
}

// noteAnswer is one note on a request; the system's own say what happened.
type noteAnswer struct {
	Body    string    `json:"body"`
	System  bool      `json:"system"`
	Author  *userName `json:"author"`
	Created string    `json:"created_at"`
}

// approved adds who approved before the merge and after it. Who approves now is
// told with the instant by newer versions; the system's notes tell it of all,
// and who took an approval back after the merge. Where an approval's instant is
// told by neither, nothing is said.
func (r *reading) approved(f source.Fields, q *request, merged time.Time) error {
	var now approvalsAnswer
	whole, err := r.One("approvals", &now)
	if err != nil || !whole {
		return err
	}
	notes, _, err := forge.All[noteAnswer](r.Envelope, "notes")
	if err != nil {
		return err
	}
	said, err := words(notes)
	if err != nil {
		return err
	}
	reviews, known, err := standing(now, said, merged)
	if err != nil || !known {
		return err
	}
	reviews = slices.DeleteFunc(reviews, func(v forge.Review) bool { return botName.MatchString(v.By) })
	author := ""
	if q.Author.known() {
		author = q.Author.Name
	} else if len(reviews) > 0 {
		return nil // who wrote it is not known, so neither is whether others approved
	}
	forge.Approved(f, reviews, author, merged)
	return nil
}

// words are the approvals and withdrawals that the system noted, in order.
func words(notes []noteAnswer) ([]forge.Review, error) {
	var out []forge.Review
	for _, n := range notes {
		yes, no := n.Body == "approved this merge request", n.Body == "unapproved this merge request"
		if !n.System || !yes && !no || !n.Author.known() {
			continue
		}
		at, err := forge.Instant(n.Created)
		if err != nil {
			return nil, fmt.Errorf("notes: %w", err)
		}
		out = append(out, forge.Review{By: n.Author.Name, Yes: yes, At: at})
	}
	slices.SortStableFunc(out, func(a, b forge.Review) int { return a.At.Compare(b.At) })
	return out, nil
}

// standing puts together who approves now and what the notes say. An approval
// that is noted but does not stand was voided by a push, unless it was taken
// back after the merge only.
func standing(now approvalsAnswer, said []forge.Review, merged time.Time) (out []forge.Review, known bool, err error) {
	for _, a := range now.By {
		if !a.User.known() {
			return nil, false, nil
		}
		at, err := forge.Maybe(a.At)
		if err != nil {
			return nil, false, fmt.Errorf("approvals: %w", err)
		}
		for _, n := range said {
			if a.At == nil && n.By == a.User.Name && n.Yes {
				at = n.At
			}
		}
		if at.IsZero() {
			return nil, false, nil
		}
		out = append(out, forge.Review{By: a.User.Name, Yes: true, At: at})
	}
	return append(out, takenBack(said, merged)...), true, nil
}

// takenBack are the words of those who approved before the merge and took it
// back after it.
func takenBack(said []forge.Review, merged time.Time) []forge.Review {
	var out []forge.Review
	last := map[string]forge.Review{}
	for _, n := range said {
		if before := last[n.By]; !n.Yes && n.At.After(merged) && before.Yes && !before.At.After(merged) {
			out = append(out, before)
		}
		last[n.By] = n
	}
	return out
}

// statusAnswer is one job, or one status another system gave.
type statusAnswer struct {
	ID       int64   `json:"id"`
	SHA      string  `json:"sha"`
	Name     string  `json:"name"`
	Status   string  `json:"status"`
	Optional bool    `json:"allow_failure"`
	Created  string  `json:"created_at"`
	Finished *string `json:"finished_at"`
}

var results = map[string]string{"success": "success", "failed": "failure", "canceled": "canceled", "skipped": "skipped"}

// checks adds what the checks said at the instant of the merge, and an item for
// each that ended within the page's stretch.
func (r *reading) checks(f source.Fields, merged time.Time) error {
	list, whole, err := forge.All[statusAnswer](r.Envelope, "statuses")
	if err != nil || !whole {
		return err
	}
	var all []forge.Check
	for _, s := range list {
		c, err := s.check()
		if err != nil {
			return err
		}
		all = append(all, c)
	}
	f["checks.failed"], f["checks.succeeded"] = forge.AsOf(all, merged)
	forge.AddChecks(&r.Reading, r.page.Scope, r.page.About, all)
	return nil
}

func (s statusAnswer) check() (c forge.Check, err error) {
	if s.ID <= 0 || s.Name == "" || !forge.Hash(s.SHA) {
		return c, errors.New("statuses: one without an id, a name or a commit")
	}
	c = forge.Check{ID: fmt.Sprintf("status-%d", s.ID), Number: s.ID, Commit: s.SHA, Name: s.Name, Optional: s.Optional}
	if c.Begun, err = forge.Instant(s.Created); err != nil {
		return c, fmt.Errorf("status %d: %w", s.ID, err)
	}
	c.Ended, err = forge.Maybe(s.Finished)
	switch result := results[s.Status]; {
	case err != nil:
		return c, fmt.Errorf("status %d: %w", s.ID, err)
	case result == "skipped" && c.Ended.IsZero():
		c.Ended, c.Result = c.Begun, result // it was never begun
	case result != "" && !c.Ended.IsZero():
		c.Result = result
	}
	return c, nil
}

// broughtBy returns the first request, by instant of the merge, that was merged
// into branch; nil if there is none.
func broughtBy(e forge.Envelope, branch string) (*request, error) {
	list, _, err := forge.All[request](e, "requests")
	if err != nil {
		return nil, err
	}
	var first *request
	var when time.Time
	for i := range list {
		q := &list[i]
		if q.State != "merged" || q.Target != branch {
			continue
		}
		at, err := forge.Maybe(q.Merged)
		if err != nil || at.IsZero() || q.Number <= 0 {
			return nil, errors.New("requests of the commit: one without a number or an instant")
		}
		if first == nil || at.Before(when) {
			first, when = q, at
		}
	}
	return first, nil
}

// commit adds the change of a commit that no request brought to the branch. One
// whose requests could not be read gives none.
func (r *reading) commit() error {
	branch, err := r.branch()
	if err != nil {
		return err
	}
	own, whole := r.Part("commit")
	if len(own) != 1 || !whole {
		return missing(false, "one commit")
	}
	if _, whole := r.Part("requests"); !whole {
		return nil
	}
	q, err := broughtBy(r.Envelope, branch)
	if err != nil || q != nil {
		return err
	}
	var c commit
	at, err := c.read(own[0].Bytes())
	if err != nil {
		return err
	}
	title, text, _ := strings.Cut(c.Message, "\n")
	f := source.Fields{"repository": r.page.Scope, "branch": branch, "number": 0, "commit": c.ID, "parents": len(c.Parents), "direct": true,
		"openedAt": audit.Never, "approvals": []string{}, "approvedLater": []string{}, "approvedLaterAt": audit.Never,
		"author": strings.ToLower(c.Author), "mergedBy": strings.ToLower(c.Committer)}
	r.Says(f, forge.Words{Title: title, Text: text})
	r.Add("change", r.page.Scope+"@"+c.ID, at, f)
	return nil
}

func (r *reading) deployment() error {
	branch, err := r.branch()
	if err != nil {
		return err
	}
	own, whole := r.Part("deployment")
	if len(own) != 1 || !whole {
		return missing(false, "one deployment")
	}
	var d deployment
	at, ok := d.read(own[0].Bytes())
	if !ok {
		return errors.New("it has no id, commit, environment or instant")
	}
	f := source.Fields{"repository": r.page.Scope, "commit": d.SHA, "environment": d.Environment.Name,
		"result": map[string]string{"success": "success", "failed": "failure"}[d.Status]}
	if d.User != nil {
		f["by"] = d.User.Name
	}
	if len(d.Job) > 0 && string(d.Job) != "null" {
		f["automated"] = true
	}
	if _, whole := r.Part("requests"); whole {
		q, err := broughtBy(r.Envelope, branch)
		if err != nil {
			return err
		}
		f["change"] = r.page.Scope + "@" + d.SHA
		if q != nil {
			f["change"] = fmt.Sprintf("%s!%d", r.page.Scope, q.Number)
		}
	}
	r.Add("deployment", fmt.Sprintf("%s/deployment-%d", r.page.Scope, d.ID), at, f)
	return nil
}
