package engaged

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
	request    string
}

// clean are procedures of which nothing was seeded; the rest of what is tested has
// something to be found.
var clean = []string{"deployment.change", "processing.reconciliation", "service.level", "recovery.test", "penetration.test", "incident.exercise", "risk.register",
	"people.acknowledgement.yearly", "people.performance", "risk.assessment", "firewall.review", "vendor.register",
	"vendor.terms", "management.review", "datastore.retention", "datastore.transit", "repository.scanning", "customer.deletion", "access.root", "plan.incident"}

// tests are those of operation, from what Halyard's own procedures compute over
// whole populations.
func (x *exam) tests(set *engagement.ControlSet, t engagement.Terms) (out []*planned) {
	seeded := map[string]bool{}
	for what := range x.Why {
		procedure, _, _ := strings.Cut(what, " ")
		seeded[procedure] = true
	}
	n := map[string]int{}
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
			out = append(out, &planned{procedure: c.ID, Test: engagement.Test{
				ID: fmt.Sprintf("T-%s-%d", control, n[control]), Control: control, Phase: engagement.Operation, Kind: engagement.Inspection, Population: true,
				Text: "Inspected the evidence of each sampled item. Halyard's own test over all of them: " + c.Text, Criteria: criteria, Extra: extra,
				Attributes: []engagement.Attribute{{Name: "A", Text: c.Title + ".", Procedure: c.ID}}}})
		}
	}
	return out
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
	for _, p := range fieldwork.ProposeTests(*set, t) {
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
	x.plan = x.tests(set, x.terms)
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
			{Text: "Evidence of tickets is missing for November; what rests on it alone is looked at in the ticket system.", Tests: []string{}}},
		Internal: "Halyard's own tests are used as evidence once their completeness is tested; no work of internal audit is used.",
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
		id, err := x.ask(ctx, engagement.Request{Kind: "population", Title: title + ": populations of the year", Asks: "Freeze the whole populations of " + strings.Join(tests[family], ", ") + ", and say how each was shown to be complete.", Tests: tests[family], Due: "2026-02-06"})
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
