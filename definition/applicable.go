package definition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
)

// maxReason is how many characters a reason in tieout.yaml may have.
const maxReason = 1000

// checkNotApplicable holds organization.notApplicable to the criteria of the
// organization's categories: each has a reason that can be read.
func (c *Config) checkNotApplicable(d *doc, catalog *Catalog) {
	set := catalog.Set(c.Criteria)
	if set == nil {
		return // said where the set is
	}
	in := set.In(c.Organization.Categories)
	for _, id := range sortedKeys(c.Organization.NotApplicable) {
		why, at := strings.TrimSpace(c.Organization.NotApplicable[id]), steps("organization", "notApplicable", id)
		switch {
		case !slices.ContainsFunc(in, func(k audit.Criterion) bool { return k.ID == id }):
			d.bad(at, "criterion %q is none of the organization's categories, so that nothing has to say why it does not apply", id)
		case why == "":
			d.bad(at, "say why %s does not apply: the description of the system prints the reason", id)
		case len([]rune(why)) > maxReason || strings.ContainsAny(why, "\n\r"):
			d.bad(at, "the reason why %s does not apply is one line of at most %d characters", id, maxReason)
		}
	}
}

// LeftOut is why a criterion of the organization's categories does not apply, in
// management's words; "" where no reason is written.
func (w *Workspace) LeftOut(criterion string) string {
	return strings.TrimSpace(w.Config.Organization.NotApplicable[criterion])
}

// Undecided are the criteria of the organization's categories that none of these
// controls meets and that no reason leaves out, in the standard's order: whether
// they apply nobody has said.
func (w *Workspace) Undecided(controls []audit.Control) (out []string) {
	for _, k := range w.Criteria() {
		if w.LeftOut(k.ID) == "" && !meets(controls, k.ID) {
			out = append(out, k.ID)
		}
	}
	return out
}

func meets(controls []audit.Control, criterion string) bool {
	return slices.ContainsFunc(controls, func(c audit.Control) bool { return slices.Contains(c.Criteria, criterion) })
}

// reasons are the criteria that do not apply with their reasons, as a plan
// compares them.
func (c *Config) reasons() (out []string) {
	for _, id := range sortedKeys(c.Organization.NotApplicable) {
		out = append(out, fmt.Sprintf("%s (%s)", id, strings.TrimSpace(c.Organization.NotApplicable[id])))
	}
	return out
}

// checkLegal holds the legal name and the services to what a cover and a sentence
// can print.
func (o *OrganizationConfig) checkLegal(d *doc) {
	if !isLine(o.LegalName, 0) {
		d.bad(steps("organization", "legalName"), "legalName is one line of at most %d characters, or left out", maxLine)
	}
	if len(o.Services) > maxServices {
		d.bad(steps("organization", "services"), "%d services; name at most %d", len(o.Services), maxServices)
	}
	for i, s := range o.Services {
		if !isLine(s, 1) {
			d.bad(steps("organization", "services", i), "a service is one line of 1 to %d characters", maxLine)
		}
	}
}

const (
	maxLine     = 200
	maxServices = 20
)

func isLine(s string, least int) bool {
	n := len([]rune(strings.TrimSpace(s)))
	return n >= least && n <= maxLine && !strings.ContainsAny(s, "\n\r")
}

// LegalName is the organization's as contracts have it: its name where no other is
// written.
func (w *Workspace) LegalName() string {
	return cmp.Or(strings.TrimSpace(w.Config.Organization.LegalName), w.Organization.Name)
}

// Services are what the organization provides with its system, as it names them.
func (w *Workspace) Services() (out []string) {
	for _, s := range w.Config.Organization.Services {
		out = append(out, strings.TrimSpace(s))
	}
	return out
}
