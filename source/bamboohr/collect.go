package bamboohr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// Kinds of page.
const (
	kindPeople  = "bamboohr.people"  // the report and the job tables
	kindChanges = "bamboohr.changes" // every employee that ever changed; no items
)

// Parts of a page of people.
const (
	partReport = "report"
	partJobs   = "jobs"
)

type collector struct {
	source string
	with   Settings
	base   *url.URL
	env    source.Env
	wait   func(ctx context.Context, d time.Duration) error // nil: for real
}

// facts are what reading a page takes besides its bytes.
type facts struct {
	Zone string `json:"zone"` // of the organization: days are in it
}

// standard are the fields of the report.
var standard = []string{"id", "employeeNumber", "firstName", "lastName", "workEmail", "hireDate", "terminationDate", "status", "employmentHistoryStatus",
	"supervisorEId", "department", "jobTitle"}

// The list of changes reaches back to 2011, where BambooHR's begins.
const everything = "since=2000-01-01T00%3A00%3A00Z"

// Collect reads one report of everybody and holds it to BambooHR's list of changes.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	r := &source.Run{Source: c.source, Window: w, Sink: sink}
	s := r.Snapshot("person", "", cannot, kindPeople)
	key, err := c.env.ResolveSecret(ctx, "apiKey", c.with.APIKey)
	if err != nil {
		return errors.Join(r.Refuse(ctx, err.Error(), s), fmt.Errorf("source %s: %w", c.source, err))
	}
	cl := c.client(key)
	people, err := c.people(ctx, cl, r, s)
	if err != nil {
		return err
	}
	if !s.Failed() {
		if err := c.changed(ctx, cl, r, s, people); err != nil {
			return err
		}
	}
	return r.Close(ctx, s)
}

func (c *collector) report(cl *rest.Client) rest.Ask {
	fields := slices.Clone(standard)
	for _, name := range slices.Sorted(maps.Keys(c.with.Fields)) {
		fields = append(fields, c.with.Fields[name])
	}
	body, err := json.Marshal(map[string]any{"title": "Tieout", "fields": fields})
	if err != nil { // texts always encode
		panic(err)
	}
	uri := c.uri(cl, "/reports/custom?format=JSON&onlyCurrent=false")
	return rest.Ask{Method: http.MethodPost, URI: uri, Body: body, Header: map[string]string{"Content-Type": "application/json"},
		Name: "POST " + uri + " " + strings.Join(fields, ",")}
}

// people asks for the report and the job tables, seals them together and
// returns the ids that the report names, sorted.
func (c *collector) people(ctx context.Context, cl *rest.Client, r *source.Run, s *source.Stream) ([]string, error) {
	ask := c.report(cl)
	jobs := rest.Ask{URI: c.uri(cl, "/employees/changed/tables/jobInfo?"+everything)}
	s.Asked(ask.Query())
	s.Asked(jobs.Query())
	sheet := rest.NewSheet(facts{r.Window.Zone})
	a, err := cl.Do(ctx, ask)
	if err != nil {
		return nil, err
	}
	sheet.Add(partReport, a)
	s.Fail(a.Fault())
	if a.OK() {
		j, err := cl.Do(ctx, jobs)
		if err != nil {
			return nil, err
		}
		sheet.Add(partJobs, j)
		if !j.OK() {
			s.Note("when people last moved to another role or department: " + j.Fault())
		}
	}
	page := audit.Page{Kind: kindPeople, Query: ask.Query(), Body: sheet.Encode()}
	if !a.OK() {
		page = rest.Failed(page, a)
	}
	if err := r.Seal(ctx, page, s); err != nil || !a.OK() {
		return nil, err
	}
	return c.look(a.Body, s), nil
}

// look reads a sealed report for what its manifest says.
func (c *collector) look(body []byte, s *source.Stream) []string {
	list, err := source.Elements(body, "employees")
	if err != nil {
		s.Fail(err.Error())
		return nil
	}
	var ids []string
	came := map[string]bool{}
	for _, e := range list {
		p, err := readPerson(e)
		if err != nil {
			continue // normalizing names it
		}
		ids = append(ids, p.text("id"))
		for name := range p {
			came[name] = true
		}
	}
	if len(list) == 0 {
		s.Fail("the report names nobody")
	}
	slices.Sort(ids)
	s.Reconcile("employees with an id of their own", len(list), len(slices.Compact(slices.Clone(ids))))
	for _, name := range slices.Concat(standard, slices.Sorted(maps.Values(c.with.Fields))) {
		if len(ids) > 0 && !came[strings.ToLower(name)] {
			s.Note(fmt.Sprintf("%s: the API key's user may not see it, or there is no such field", name))
		}
	}
	return ids
}

// changed asks for everybody who ever changed, and fails s where the report
// lacks one who was not deleted. BambooHR keeps changes since June 2011:
// nobody is missed in the report only because the list lacks them.
func (c *collector) changed(ctx context.Context, cl *rest.Client, r *source.Run, s *source.Stream, people []string) error {
	var want []string
	deleted := 0
	l := rest.List{Kind: kindChanges, Ask: rest.Ask{URI: c.uri(cl, "/employees/changed?"+everything)}, Each: func(a rest.Answer) (bool, error) {
		var doc struct {
			Employees map[string]struct {
				Action string `json:"action"`
			} `json:"employees"`
		}
		if err := json.Unmarshal(a.Body, &doc); err != nil || doc.Employees == nil {
			return false, errors.New("it is not the list of changes")
		}
		for id, e := range doc.Employees {
			if strings.EqualFold(e.Action, "deleted") {
				deleted++
			} else {
				want = append(want, id)
			}
		}
		return false, nil
	}}
	s.Asked(l.Ask.Query())
	f, err := cl.Read(ctx, r, l) // without the stream: its refusal says nothing against the report
	if err != nil {
		return err
	}
	if !f.Whole() {
		s.Note("whether the report lacks somebody: BambooHR's list of changes cannot be had: " + f.Why)
		return nil
	}
	got := slices.DeleteFunc(slices.Clone(want), func(id string) bool { _, found := slices.BinarySearch(people, id); return !found })
	s.ReconcileNames("employees in the list of changes", want, got)
	if deleted > 0 {
		s.Note(fmt.Sprintf("the %d employees whose records were deleted", deleted))
	}
	return nil
}
