package github

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// checksKept is how long GitHub keeps checks; older ones may be missing.
const checksKept = 400 * 24 * time.Hour

// A checkRun is one check run, or one status that a commit was given.
type checkRun struct {
	id         string
	number     int64 // in order of making
	commit     string
	name, app  string
	started    time.Time // zero: not known, it waits
	completed  time.Time // zero: it has not ended
	conclusion string    // as the schema says; "" if it has not ended
}

// runsAnswer is one page of check runs.
type runsAnswer struct {
	Runs []struct {
		ID         int64   `json:"id"`
		SHA        string  `json:"head_sha"`
		Name       string  `json:"name"`
		Conclusion *string `json:"conclusion"`
		Started    *string `json:"started_at"`
		Completed  *string `json:"completed_at"`
		App        *struct {
			ID int64 `json:"id"`
		} `json:"app"`
	} `json:"check_runs"`
}

var conclusions = map[string]string{
	"success": "success", "failure": "failure", "timed_out": "failure", "action_required": "failure", "startup_failure": "failure",
	"stale": "failure", "cancelled": "canceled", "skipped": "skipped", "neutral": "neutral",
}

func readRuns(a answer) ([]checkRun, error) {
	var page runsAnswer
	if err := json.Unmarshal(a.bytes(), &page); err != nil {
		return nil, fmt.Errorf("check runs: %w", err)
	}
	var out []checkRun
	for _, c := range page.Runs {
		if c.ID <= 0 || c.Name == "" || !isHash(c.SHA) {
			return nil, errors.New("check runs: one without an id, a name or a commit")
		}
		run := checkRun{id: fmt.Sprintf("run-%d", c.ID), number: c.ID, commit: c.SHA, name: c.Name}
		if c.App != nil {
			run.app = fmt.Sprint(c.App.ID)
		}
		var err error
		if c.Started != nil {
			if run.started, err = instant(*c.Started); err != nil {
				return nil, fmt.Errorf("check run %d: %w", c.ID, err)
			}
		}
		if c.Completed != nil && c.Conclusion != nil {
			if run.completed, err = instant(*c.Completed); err != nil {
				return nil, fmt.Errorf("check run %d: %w", c.ID, err)
			}
			if run.conclusion = conclusions[*c.Conclusion]; run.conclusion == "" {
				return nil, fmt.Errorf("check run %d: it ended with %q, which this program does not know", c.ID, *c.Conclusion)
			}
		}
		out = append(out, run)
	}
	return out, nil
}

// statusAnswer is one status a commit was given.
type statusAnswer struct {
	ID      int64  `json:"id"`
	State   string `json:"state"`
	Context string `json:"context"`
	Created string `json:"created_at"`
}

// readStatuses reads statuses of one commit, which their address names.
func readStatuses(a answer) ([]checkRun, error) {
	var list []statusAnswer
	if err := json.Unmarshal(a.bytes(), &list); err != nil {
		return nil, fmt.Errorf("statuses: %w", err)
	}
	commit := commitOf(a.Request)
	if commit == "" {
		return nil, errors.New("statuses: their address names no commit")
	}
	var out []checkRun
	for _, s := range list {
		at, err := instant(s.Created)
		if err != nil || s.ID <= 0 || s.Context == "" {
			return nil, errors.New("statuses: one without an id, a name or an instant")
		}
		run := checkRun{id: fmt.Sprintf("status-%d", s.ID), number: s.ID, commit: commit, name: s.Context, app: "status", started: at}
		switch s.State {
		case "success":
			run.completed, run.conclusion = at, "success"
		case "failure", "error":
			run.completed, run.conclusion = at, "failure"
		case "pending":
		default:
			return nil, fmt.Errorf("status %d: state %q, which this program does not know", s.ID, s.State)
		}
		out = append(out, run)
	}
	return out, nil
}

// checks adds what the checks said at the instant of the merge to f, and an
// item for each check that ended within the page's stretch. Without all
// answers, and of merges so old that checks may be deleted, nothing is said.
func (r *reading) checks(f map[string]any, number int64, merged time.Time) error {
	runAnswers, runsWhole := r.part("runs")
	statusAnswers, statusesWhole := r.part("statuses")
	var all []checkRun
	for _, a := range runAnswers {
		if !a.ok() {
			continue
		}
		runs, err := readRuns(a)
		if err != nil {
			return err
		}
		all = append(all, runs...)
	}
	for _, a := range statusAnswers {
		if !a.ok() {
			continue
		}
		runs, err := readStatuses(a)
		if err != nil {
			return err
		}
		all = append(all, runs...)
	}
	if runsWhole && statusesWhole && r.about.To.Sub(merged) < checksKept {
		f["checks"] = asOf(all, merged)
	}
	return r.checkItems(all)
}

// asOf says which checks had succeeded at an instant and which had failed or
// were not done. Of runs of the same name the last begun until then counts,
// and it counts against each commit apart.
func asOf(all []checkRun, at time.Time) map[string]any {
	type key struct{ commit, app, name string }
	last := map[key]checkRun{}
	for _, c := range all {
		if c.started.After(at) {
			continue
		}
		k := key{c.commit, c.app, c.name}
		if old, ok := last[k]; !ok || c.later(old) {
			last[k] = c
		}
	}
	failed, succeeded := []string{}, []string{}
	for _, c := range last {
		ended := c.conclusion != "" && !c.completed.After(at)
		switch {
		case ended && c.conclusion == "success":
			succeeded = append(succeeded, c.name)
		case ended && (c.conclusion == "skipped" || c.conclusion == "neutral"):
		default:
			failed = append(failed, c.name)
		}
	}
	slices.Sort(failed)
	slices.Sort(succeeded)
	failed, succeeded = slices.Compact(failed), slices.Compact(succeeded)
	succeeded = slices.DeleteFunc(succeeded, func(s string) bool { return slices.Contains(failed, s) })
	return map[string]any{"failed": failed, "succeeded": succeeded}
}

// later reports whether c began after o; one that still waits is the latest.
func (c checkRun) later(o checkRun) bool {
	if c.started.IsZero() != o.started.IsZero() {
		return c.started.IsZero()
	}
	return cmp.Or(c.started.Compare(o.started), cmp.Compare(c.number, o.number)) > 0
}

func (r *reading) checkItems(all []checkRun) error {
	for _, c := range all {
		if c.conclusion == "" || !r.about.Contains(c.completed) || !isHash(c.commit) {
			continue
		}
		f := map[string]any{"repository": r.repository, "commit": c.commit, "name": c.name, "result": c.conclusion}
		if err := r.add("check", r.repository+"/"+c.id, c.completed, f); err != nil {
			return err
		}
	}
	return nil
}

// deploymentAnswer is one deployment.
type deploymentAnswer struct {
	ID          int64           `json:"id"`
	SHA         string          `json:"sha"`
	Environment string          `json:"environment"`
	Created     string          `json:"created_at"`
	Creator     *user           `json:"creator"`
	App         json.RawMessage `json:"performed_via_github_app"`
}

// read reports false for a deployment that cannot be told from others or dated.
func (d *deploymentAnswer) read(element []byte) (at time.Time, ok bool) {
	if json.Unmarshal(element, d) != nil || d.ID <= 0 || !isHash(d.SHA) || d.Environment == "" {
		return at, false
	}
	at, err := instant(d.Created)
	return at, err == nil
}

func (r *reading) deployment() {
	if err := r.readDeployment(); err != nil {
		r.refuse("deployment", err)
	}
}

func (r *reading) readDeployment() error {
	own, whole := r.part("deployment")
	var d deploymentAnswer
	if r.repository == "" || len(own) != 1 || !whole {
		return errors.New("the page does not hold one deployment of one repository")
	}
	at, ok := d.read(own[0].bytes())
	if !ok {
		return errors.New("it has no id, commit, environment or instant")
	}
	f := map[string]any{"repository": r.repository, "commit": d.SHA, "environment": d.Environment}
	if d.Creator.known() {
		app := len(d.App) > 0 && string(d.App) != "null"
		f["by"], f["automated"] = d.Creator.Login, d.Creator.program() || app
	}
	if err := r.ended(f); err != nil {
		return err
	}
	if answers, whole := r.part("pulls"); whole {
		p, err := broughtBy(answers, r.Facts.Branch)
		if err != nil {
			return err
		}
		f["change"] = r.repository + "@" + d.SHA
		if p != nil {
			f["change"] = fmt.Sprintf("%s#%d", r.repository, p.Number)
		}
	}
	return r.add("deployment", fmt.Sprintf("%s/deployment-%d", r.repository, d.ID), at, f)
}

// ended adds how the deployment ended: the last of its statuses that says so.
// One that was replaced by another ("inactive") keeps its own end.
func (r *reading) ended(f map[string]any) error {
	answers, whole := r.part("statuses")
	if !whole {
		return nil
	}
	var last time.Time
	for _, a := range answers {
		var list []struct {
			State   string `json:"state"`
			Created string `json:"created_at"`
		}
		if err := json.Unmarshal(a.bytes(), &list); err != nil {
			return fmt.Errorf("statuses: %w", err)
		}
		for _, s := range list {
			at, err := instant(s.Created)
			if err != nil {
				return fmt.Errorf("statuses: %w", err)
			}
			result := map[string]string{"success": "success", "failure": "failure", "error": "failure"}[s.State]
			if result != "" && (f["result"] == nil || at.After(last)) {
				f["result"], last = result, at
			}
		}
	}
	return nil
}

// commitOf is the commit that the address of an answer names, or "".
func commitOf(request string) string {
	_, rest, _ := strings.Cut(request, "/commits/")
	sha, _, _ := strings.Cut(rest, "/")
	if !isHash(sha) {
		return ""
	}
	return sha
}
