package gcp

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"tieout/source"
	"tieout/source/rest"
)

// A project as Resource Manager (v3) lists it.
type project struct {
	Name   string `json:"name"` // projects/NUMBER
	ID     string `json:"projectId"`
	Parent string `json:"parent"` // folders/N or organizations/N
	State  string `json:"state"`
}

type folder struct {
	Name   string `json:"name"`
	Parent string `json:"parent"`
}

const projectType = "cloudresourcemanager.googleapis.com/Project"

// noteProject keeps the number of an active project that the inventory has.
func (p *collection) noteProject(a asset) {
	var d struct {
		State     string `json:"state"`
		Lifecycle string `json:"lifecycleState"`
	}
	if a.AssetType != projectType || json.Unmarshal(a.Resource.Data, &d) != nil || d.State+d.Lifecycle != "ACTIVE" {
		return
	}
	p.found = append(p.found, strings.TrimPrefix(a.Name, "//cloudresourcemanager.googleapis.com/"))
}

// readProjects lists the projects apart from the inventory, and holds the
// inventory to that list.
func (p *collection) readProjects(ctx context.Context) error {
	var projects []project
	fault, err := p.readTree(ctx, &projects)
	if err != nil {
		return err
	}
	for _, s := range p.streams() {
		s.Fail(prefixed("projects could not be listed apart from the inventory: ", fault.Why))
	}
	if p.broken != "" {
		for _, s := range p.streams() {
			s.Fail("projects could not be compared with the inventory: " + p.broken)
		}
	}
	if !fault.Whole() || p.broken != "" {
		return nil
	}
	parents := map[string]string{}
	if !strings.HasPrefix(p.config.Scope, "projects/") {
		if fault, err = p.readFolders(ctx, parents); err != nil {
			return err
		}
	}
	want, unknown := p.within(projects, parents)
	for _, s := range p.streams() {
		s.Fail(prefixed("folders could not be listed: ", fault.Why))
		s.Fail(prefixed("projects whose folder is not shown, and that the inventory does not have: ", strings.Join(unknown, ", ")))
		s.ReconcileNames("projects listed", want, p.found)
	}
	return nil
}

func prefixed(prefix, why string) string {
	if why == "" {
		return ""
	}
	return prefix + why
}

// readTree reads the projects that may be shown; of a scope that is one
// project, that one.
func (p *collection) readTree(ctx context.Context, out *[]project) (rest.Fault, error) {
	c := p.clients.projects
	if strings.HasPrefix(p.config.Scope, "projects/") {
		ask := rest.Ask{URI: c.At("/v3/" + p.config.Scope)}
		for _, s := range p.streams() {
			s.Asked(ask.Query())
		}
		return c.Read(ctx, p.run, rest.List{Kind: kindProjects, Scope: p.config.Scope, Ask: ask, Each: func(a rest.Answer) (bool, error) {
			var one project
			err := json.Unmarshal(a.Body, &one)
			*out = append(*out, one)
			return false, err
		}})
	}
	return readNames(ctx, c, p.run, kindProjects, p.config.Scope, "/v3/projects:search", "projects", p.streams(), func(e project) { *out = append(*out, e) })
}

func (p *collection) readFolders(ctx context.Context, parents map[string]string) (rest.Fault, error) {
	return readNames(ctx, p.clients.projects, p.run, kindFolders, p.config.Scope, "/v3/folders:search", "folders", p.streams(), func(f folder) { parents[f.Name] = f.Parent })
}

func readNames[T any](ctx context.Context, c *rest.Client, run *source.Run, kind, scope, path, name string, streams []*source.Stream, take func(T)) (rest.Fault, error) {
	ask := rest.Ask{URI: c.At(path)}
	l := rest.List{Kind: kind, Scope: scope, Ask: ask, Next: rest.NextToken(ask, "nextPageToken", "pageToken")}
	l.Each = func(a rest.Answer) (bool, error) {
		list, err := elements(a.Scan, name)
		for _, raw := range list {
			var e T
			if err := json.Unmarshal(raw, &e); err != nil {
				return false, fmt.Errorf("%s: %w", name, err)
			}
			take(e)
		}
		return err == nil, err
	}
	f, err := c.Read(ctx, run, l)
	for _, s := range streams {
		s.Asked(ask.Query())
	}
	return f, err
}

// within returns the active projects below the scope, and those of which it is
// not known whether they are and which the inventory lacks.
func (p *collection) within(projects []project, parents map[string]string) (want, unknown []string) {
	have := map[string]bool{}
	for _, n := range p.found {
		have[n] = true
	}
	for _, e := range projects {
		inside, known := p.below(e, parents)
		switch {
		case e.State != "ACTIVE":
		case inside || !known && have[e.Name]:
			want = append(want, e.Name)
		case !known:
			unknown = append(unknown, e.ID)
		}
	}
	return want, unknown
}

// below follows a project's parents up to the scope or to an organization.
func (p *collection) below(e project, parents map[string]string) (inside, known bool) {
	if strings.HasPrefix(p.config.Scope, "projects/") {
		return true, true
	}
	at := e.Parent
	for range 32 { // deeper than any hierarchy may be
		switch {
		case at == p.config.Scope:
			return true, true
		case strings.HasPrefix(at, "organizations/") || at == "" && e.Parent == "":
			return false, true // another organization's, or nobody's
		}
		up, ok := parents[at]
		if !ok {
			return false, false
		}
		at = up
	}
	return false, false
}
