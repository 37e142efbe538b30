package engaged

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/sample"
)

// A planned test of operation is performed on the population of one of Halyard's
// procedures.
type planned struct {
	engagement.Test
	procedure  string
	round      string
	population string
	sample     string
	items      map[string]engagement.Item // of the population, by ID
	source     []string                   // systems of record of the population
	checks     []engagement.Reconciled    // of its completeness
	request    string
}

// clean are procedures of which nothing was seeded; the rest of what is tested has
// something to be found. Together they leave no control without a test of its
// operation but those of untestable.
var clean = []string{"deployment.change", "processing.reconciliation", "service.level", "recovery.test", "penetration.test", "incident.exercise", "risk.register",
	"people.acknowledgement.yearly", "people.performance", "risk.assessment", "firewall.review", "vendor.register",
	"vendor.terms", "management.review", "datastore.retention", "datastore.transit", "repository.scanning", "customer.deletion", "access.root", "plan.incident",
	"audit.internal", "people.manager", "datastore.owner", "datastore.register", "repository.dependencies", "document.notice", "privacy.review", "document.baseline",
	"backup.protected", "access.sso", "datastore.testdata", "badge.review", "vendor.report", "device.media", "device.firewall", "device.admins", "resource.code",
	"plan.continuity", "datastore.redundant", "halyard.specification"}

// untestable are controls whose operation cannot be tested, and why.
var untestable = map[string]string{
	"VUL-03": "Operation was not tested: Halyard replaces its production hosts with each release and patches none of them, and it keeps no list of hosts with the age of their images, so that there is no population to test.",
}

// tests are those of operation, on the populations that Halyard's own procedures
// computed. A control in scope has one, unless it is untestable.
func (x *exam) tests(set *engagement.ControlSet, t engagement.Terms) (out []*planned, err error) {
	seeded, n := x.seeded(), map[string]int{}
	for _, c := range set.Tests {
		if !seeded[c.ID] && !slices.Contains(clean, c.ID) || c.Items == 0 {
			continue
		}
		for _, control := range c.Controls {
			criteria, extra := criteriaOf(set, control, t), objectivesOf(t, control)
			if len(criteria)+len(extra) == 0 {
				continue // it serves nothing that is examined
			}
			n[control]++
			one, err := x.operation(c, fmt.Sprintf("T-%s-%d", control, n[control]), control)
			if err != nil {
				return nil, err
			}
			one.Criteria, one.Extra = criteria, extra
			out = append(out, one)
		}
	}
	for _, c := range set.Controls {
		if n[c.ID] == 0 && untestable[c.ID] == "" && t.Covers(c) {
			return nil, fmt.Errorf("%w: control %s has no test of its operation, and nobody says why", audit.ErrInvalid, c.ID)
		}
	}
	return out, nil
}

// seeded are the procedures of which something was.
func (x *exam) seeded() map[string]bool {
	out := map[string]bool{}
	for what := range x.Why {
		procedure, _, _ := strings.Cut(what, " ")
		out[procedure] = true
	}
	return out
}

// operation is the firm's test on the population of one of Halyard's procedures,
// in the firm's words, which say of which days observations were missing.
func (x *exam) operation(c engagement.ClientTest, id, control string) (*planned, error) {
	w, ok := wordings[c.ID]
	if !ok {
		return nil, fmt.Errorf("%w: the firm has no words for the test of %s", audit.ErrInvalid, c.ID)
	}
	kind := engagement.Inspection
	if strings.Contains(w.did, "recalculated") {
		kind = engagement.Reperformance
	}
	return &planned{procedure: c.ID, Test: engagement.Test{ID: id, Control: control, Phase: engagement.Operation, Kind: kind, Population: true,
		Text: strings.TrimSpace(w.did + " " + x.short[c.ID]), Attributes: []engagement.Attribute{{Name: "A", Text: w.confirmed, Procedure: c.ID}}}}, nil
}

// criteriaOf are the criteria in scope that a control is for.
func criteriaOf(set *engagement.ControlSet, control string, t engagement.Terms) []string {
	out := []string{}
	for _, c := range set.Controls {
		if c.ID == control {
			for _, id := range c.Criteria {
				if slices.Contains(t.Criteria(), id) && !slices.Contains(out, id) {
					out = append(out, id)
				}
			}
		}
	}
	return out
}

func objectivesOf(t engagement.Terms, control string) (out []string) {
	for _, o := range t.Objectives {
		if slices.Contains(o.Controls, control) {
			out = append(out, o.ID)
		}
	}
	return out
}

// designs are a test of design of every control, as a plan proposes them.
func designs(set *engagement.ControlSet, t engagement.Terms) (out []engagement.Test) {
	for _, p := range fieldwork.ProposeTests(*set, t, nil) {
		if p.Phase == engagement.Design {
			p.ID = "T-" + p.Control + "-D"
			out = append(out, p)
		}
	}
	return out
}

// planned writes the plan, binds the firm to its draws and asks for the
// populations, all before Halyard freezes.
func (x *exam) planned(ctx context.Context) error {
	var set *engagement.ControlSet
	if err := x.read(ctx, func(_ *fieldwork.State, f *fieldwork.File) { set = f.Controls }); err != nil {
		return err
	}
	var err error
	if x.short, err = x.incomplete(ctx); err != nil {
		return err
	}
	if x.plan, err = x.tests(set, x.terms); err != nil {
		return err
	}
	inRounds(x.plan)
	all := designs(set, x.terms)
	for _, t := range x.plan {
		all = append(all, t.Test)
	}
	return first(
		func() error { return x.sized(ctx) },
		func() error { return x.Firm.Files.PlanTests(ctx, x.Manager.By, x.id, all, "") },
		func() error { return x.bound(ctx) },
		func() error { return x.asked(ctx) },
		func() error { return x.move(ctx, engagement.Fieldwork) },
		func() error { return x.toClient(ctx) },
	)
}

// sized puts the plan's texts and the table of sample sizes in force.
func (x *exam) sized(ctx context.Context) error {
	plan := fieldwork.PlanText{
		Materiality: "A merchant reads this report to rely on its payments being kept apart, matched and available. A deviation that let a payment be changed, lost or seen by another merchant would matter alone; others are weighed by how often and how long.",
		Risks: []fieldwork.PlannedRisk{{Text: "Accounts of people who left are closed by hand in three systems.", Tests: []string{}}, {Text: "The rules on branches can be switched off by two people.", Tests: []string{}},
			{Text: "Exports failed in five stretches of the year. Where the stretch is short the observations before and after it are inspected; where it is long, or of tickets, the items are not tested.", Tests: []string{}}},
		Internal: "Halyard computes tests of its own over whole populations. They are used to find deviations outside the samples, once the completeness of each population is tested; marks are made from the evidence of each item, and Halyard's result is shown after the mark. No work of internal audit is used.",
	}
	base, err := x.revision(ctx, "plan:"+x.id)
	if err != nil {
		return err
	}
	if err := x.Firm.Files.SetPlan(ctx, x.Manager.By, x.id, plan, base); err != nil {
		return err
	}
	if base, err = x.revision(ctx, "sizes:"+x.id); err != nil {
		return err
	}
	return x.Firm.Files.SetSizes(ctx, x.Manager.By, x.id, "sizes.yaml", sample.ExampleTable(), base)
}

// bound fixes what the work on each control rests on, and commits a nonce for
// each draw.
func (x *exam) bound(ctx context.Context) error {
	done, files := map[string]bool{}, x.Firm.Files
	for _, t := range x.plan {
		if !done[t.Control] {
			done[t.Control] = true
			if err := files.SetReliance(ctx, x.Manager.By, x.id, t.Control, engagement.ToolOutput, "Completeness is tested for each population before it is drawn from.", 0); err != nil {
				return err
			}
		}
		if _, err := files.CommitNonce(ctx, x.Staff.By, x.id, t.Control, t.round, ""); err != nil {
			return err
		}
	}
	return nil
}

// inRounds numbers the populations of each control: a nonce is bound to a control
// and a round, and a control's second population is its second round.
func inRounds(plan []*planned) {
	used := map[string]int{}
	for _, procedure := range procedures(plan) {
		round := 0
		for _, t := range plan {
			if t.procedure == procedure {
				round = max(round, used[t.Control]+1)
			}
		}
		for _, t := range plan {
			if t.procedure == procedure {
				t.round, used[t.Control] = fmt.Sprint(round), round
			}
		}
	}
}

// procedures are those of a plan, each once, in order.
func procedures(plan []*planned) (out []string) {
	for _, t := range plan {
		if !slices.Contains(out, t.procedure) {
			out = append(out, t.procedure)
		}
	}
	return out
}

// families are what controls begin with, in words.
var families = map[string]string{"IAM": "Access", "SDL": "Changes and releases", "HR": "People", "AWR": "Training", "END": "Laptops", "NET": "Networks", "LOG": "Logs", "CRY": "Encryption and keys",
	"BKP": "Backups", "VUL": "Vulnerabilities", "INC": "Incidents", "VND": "Vendors", "PRI": "Privacy", "POL": "Policies", "GOV": "Governance", "RSK": "Risks", "MON": "Monitoring", "CAP": "Capacity",
	"AST": "Assets", "PHY": "Devices that are disposed of", "BCP": "Continuity", "CNF": "Confidential data", "PIN": "Processing"}

// asked sends one request a family of controls, and one for a document.
func (x *exam) asked(ctx context.Context) error {
	tests := map[string][]string{}
	var order, ids []string
	for _, t := range x.plan {
		family, _, _ := strings.Cut(t.Control, "-")
		if tests[family] == nil {
			order = append(order, family)
		}
		tests[family] = append(tests[family], t.ID)
	}
	for _, family := range order {
		title := families[family]
		if title == "" {
			title = family
		}
		id, err := x.ask(ctx, engagement.Request{Kind: "population", Title: title + ": populations of the year", Asks: "Freeze the whole populations of " + strings.Join(tests[family], ", ") + ", and say how each was shown to be complete.", Tests: tests[family], Due: x.in(5)})
		if err != nil {
			return err
		}
		for _, t := range x.plan {
			if slices.Contains(tests[family], t.ID) {
				t.request = id
			}
		}
		ids = append(ids, id)
	}
	return x.Firm.Files.ReleaseRequests(ctx, x.Staff.By, x.id, ids...)
}

func (x *exam) ask(ctx context.Context, r engagement.Request) (string, error) {
	got, err := x.Firm.Files.SetRequest(ctx, x.Staff.By, x.id, r, 0)
	return got.ID, err
}

// untestableInOrder are the controls of untestable, by ID.
func untestableInOrder() []string { return slices.Sorted(maps.Keys(untestable)) }
