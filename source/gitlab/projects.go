package gitlab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"tieout/source"
	"tieout/source/forge"
	"tieout/source/rest"
)

// A project is what the reading of one project needs of the list.
type project struct {
	ID     int64             `json:"id"`
	Path   string            `json:"path_with_namespace"`
	Branch string            `json:"default_branch"`
	Shared []json.RawMessage `json:"shared_with_groups"`
}

func (p project) at() string { return fmt.Sprintf("/projects/%d", p.ID) }

func stamp(t time.Time) string { return url.QueryEscape(t.UTC().Format(time.RFC3339)) }

// projects lists all projects of the group and below, selected or not, and
// returns the selected ones.
func (r *run) projects(ctx context.Context) ([]project, error) {
	s := r.Snapshot("repository", "", cannotRepository, kindProject)
	var out []project
	seen := map[int64]bool{}
	path := r.group() + "/projects?include_subgroups=true&with_shared=false&order_by=id&sort=asc&per_page=100"
	walked, err := r.Walk(ctx, rest.List{Kind: kindProjects, Ask: rest.Ask{URI: r.At(path)}}, func(list []json.RawMessage) (bool, error) {
		for _, e := range list {
			var p project
			if json.Unmarshal(e, &p) != nil || p.ID <= 0 || !forge.FullName(p.Path) {
				s.Fail("a project without an id or a path")
				continue
			}
			if !seen[p.ID] && r.rules.Selected(p.Path) {
				out = append(out, p)
				if err := r.scanners(ctx, p, e, s); err != nil {
					return false, err
				}
			}
			seen[p.ID] = true
		}
		return true, nil
	}, s)
	if err != nil {
		return nil, err
	}
	walked.Reconcile(s, "projects listed, of those the host counts")
	s.Items = len(out)
	return out, r.Close(ctx, s)
}

// scanners reads the jobs of the default branch's last pipeline, whose reports
// show which scanners ran, and seals them with the project. Where pipelines are
// not to be had, nothing is said of scanners.
func (r *run) scanners(ctx context.Context, p project, element []byte, s *source.Stream) error {
	answers := []forge.Answer{forge.Element("project", element)}
	if p.Branch != "" {
		last, err := r.Ask(ctx, "pipeline", p.at()+"/pipelines/latest?ref="+url.QueryEscape(p.Branch))
		if err != nil {
			return err
		}
		if err := r.SealAll(ctx, forge.Sheet{Kind: kindSupport}, []forge.Answer{last}, s); err != nil {
			return err
		}
		s.Asked("GET " + r.At("/projects/{id}/pipelines/latest, /projects/{id}/pipelines/{id}/jobs"))
		jobs, why, err := r.jobs(ctx, p, last)
		if err != nil {
			return err
		}
		s.Note(why)
		answers = append(answers, jobs...)
	}
	return r.SealAll(ctx, forge.Sheet{Kind: kindProject}, answers, s)
}

// jobs reads the jobs of a pipeline; why says what keeps scanners from being known.
func (r *run) jobs(ctx context.Context, p project, last forge.Answer) (jobs []forge.Answer, why string, err error) {
	const unknown = "which scanners ran is not collected of some projects, such as "
	var line struct {
		ID int64 `json:"id"`
	}
	switch {
	case last.Missing():
		return nil, "", nil // it has no pipeline
	case !last.OK() || json.Unmarshal(last.Bytes(), &line) != nil || line.ID <= 0:
		return nil, unknown + p.Path + ": " + last.Fault(), nil
	}
	jobs, err = r.Gather(ctx, "jobs", fmt.Sprintf("%s/pipelines/%d/jobs?per_page=100", p.at(), line.ID))
	if bad := forge.Worst(jobs); err == nil && bad != nil {
		why = unknown + p.Path + ": " + bad.Fault()
	}
	return jobs, why, err
}

type branchFacts struct {
	Branch string `json:"branch"`
}

// protection reads protected branches, approval rules and settings, push rules
// and outside checks. What the plan does not have is left out and noted.
func (r *run) protection(ctx context.Context, p project) error {
	s := r.Snapshot("protection", p.Path, cannotProtection, kindProtection)
	if p.Branch == "" {
		s.Asked("GET " + r.At(p.at()))
		s.Note("the project has no branch yet")
		return r.Close(ctx, s)
	}
	var answers []forge.Answer
	parts := []struct{ name, path, what string }{
		{"project", "", "merge settings"},
		{"branches", "/protected_branches?per_page=100", "protected branches"},
		{"rules", "/approval_rules?per_page=100", "approval rules"},
		{"approvals", "/approvals", "approval settings"},
		{"push", "/push_rule", "push rules"},
		{"outside", "/external_status_checks?per_page=100", "checks by other systems"},
	}
	for _, part := range parts {
		got, err := r.Gather(ctx, part.name, p.at()+part.path)
		if err != nil {
			return err
		}
		s.Asked(got[0].Request)
		answers = append(answers, got...)
		switch bad := forge.Worst(got); {
		case bad == nil:
		case bad.Refused() && part.name != "branches" && part.name != "project":
			s.Note(part.what + " are not collected: " + bad.Fault())
		default:
			s.Fail(part.what + ": " + bad.Fault())
		}
	}
	sh := forge.Sheet{Kind: kindProtection, Scope: p.Path, Facts: branchFacts{p.Branch}}
	if err := r.SealAll(ctx, sh, answers, s); err != nil {
		return err
	}
	return r.Close(ctx, s)
}

// findings reads weaknesses that scanners reported, where the plan keeps them.
func (r *run) findings(ctx context.Context, p project) error {
	s := r.Snapshot("vulnerability", p.Path, cannotFinding, kindFindings)
	l := rest.List{Kind: kindFindings, Scope: p.Path, Ask: rest.Ask{URI: r.At(p.at() + "/vulnerabilities?per_page=100")}}
	walked, err := r.Walk(ctx, l, forge.Onward, s)
	if err != nil {
		return err
	}
	walked.Reconcile(s, "weaknesses listed, of those the host counts")
	return r.Close(ctx, s)
}

type deployment struct {
	ID      int64  `json:"id"`
	SHA     string `json:"sha"`
	Status  string `json:"status"`
	Created string `json:"created_at"`
	User    *struct {
		Name string `json:"username"`
	} `json:"user"`
	Environment struct {
		Name string `json:"name"`
	} `json:"environment"`
	Job json.RawMessage `json:"deployable"`
}

// read reports false for a deployment that cannot be told from others or dated.
func (d *deployment) read(element []byte) (at time.Time, ok bool) {
	if json.Unmarshal(element, d) != nil || d.ID <= 0 || !forge.Hash(d.SHA) || d.Environment.Name == "" {
		return at, false
	}
	at, err := forge.Instant(d.Created)
	return at, err == nil
}

// deployments reads the deployments made in the window, newest first.
func (r *run) deployments(ctx context.Context, p project) error {
	s := r.Events("deployment", p.Path, cannotDeployment, kindDeployment)
	covers := r.Covers()
	if covers.Empty() {
		return r.Refuse(ctx, errWindow, s)
	}
	seen := map[int64]bool{}
	l := rest.List{Kind: kindDeployments, Scope: p.Path, About: covers, Ask: rest.Ask{URI: r.At(p.at() + "/deployments?order_by=id&sort=desc&per_page=100")}}
	_, err := r.Walk(ctx, l, func(list []json.RawMessage) (bool, error) {
		for _, e := range list {
			var d deployment
			at, ok := d.read(e)
			switch {
			case !ok:
				s.Fail("a deployment without an id, a commit, an environment or an instant")
				continue
			case at.Before(covers.From):
				return false, nil
			case !covers.Contains(at) || seen[d.ID]:
				continue
			}
			seen[d.ID] = true
			if err := r.deployment(ctx, p, d, e, s); err != nil {
				return false, err
			}
		}
		return true, nil
	}, s)
	if err != nil {
		return err
	}
	s.Items = len(seen)
	return r.Close(ctx, s)
}

// deployment asks which request the commit of one came by.
func (r *run) deployment(ctx context.Context, p project, d deployment, element []byte, s *source.Stream) error {
	brought, err := r.Gather(ctx, "requests", p.at()+"/repository/commits/"+d.SHA+"/merge_requests?per_page=100")
	if err != nil {
		return err
	}
	s.Asked("GET " + r.At(p.at()+"/repository/commits/{sha}/merge_requests"))
	sh := forge.Sheet{Kind: kindDeployment, Scope: p.Path, About: r.Covers(), Facts: branchFacts{p.Branch}}
	if err := r.SealAll(ctx, sh, append([]forge.Answer{forge.Element("deployment", element)}, brought...), s); err != nil {
		return err
	}
	switch bad := forge.Worst(brought); {
	case bad == nil:
	case bad.Refused():
		s.Note("the change a deployment carried is not collected where its commit is not to be had: " + bad.Fault())
	default:
		s.Fail(fmt.Sprintf("requests of deployment %d: %s", d.ID, bad.Fault()))
	}
	return nil
}

const errWindow = "the window ends before it starts"
