package definition

import (
	"regexp"
	"slices"
	"strings"

	"tieout/audit"
)

var (
	controlID    = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*([.-][A-Za-z0-9]+)+$`)
	natures      = []string{"manual", "automated", "itdm"}
	controlTypes = []string{"P", "D", "C"}
	automations  = []string{"full", "partial", "none"}
	categories   = []audit.Category{audit.Security, audit.Availability, audit.ProcessingIntegrity, audit.Confidentiality, audit.Privacy}
)

func validCategory(c audit.Category) bool { return slices.Contains(categories, c) }

func categoryList() string {
	names := make([]string, len(categories))
	for i, c := range categories {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}

// checkControl notes everything that is wrong with ctl, which stands at path
// at of d. Criteria are looked up in the criteria set called set.
func (c *Catalog) checkControl(d *doc, at []any, ctl *audit.Control, set string) {
	bad := func(key, format string, args ...any) { d.bad(append(slices.Clone(at), key), format, args...) }
	if !controlID.MatchString(ctl.ID) {
		bad("id", "control id %q is not of the form IAM-06 or CC6.1-03", ctl.ID)
	}
	if ctl.Title == "" {
		bad("title", "control %s has no title", ctl.ID)
	}
	if ctl.Description == "" {
		bad("description", "control %s has no description; say who does what, how often and within what time", ctl.ID)
	}
	if !slices.Contains(natures, ctl.Nature) {
		bad("nature", "nature %q is not one of %s", ctl.Nature, strings.Join(natures, ", "))
	}
	for _, t := range ctl.Type {
		if !slices.Contains(controlTypes, t) {
			bad("type", "type %q is not one of P (preventive), D (detective), C (corrective)", t)
		}
	}
	if ctl.Automation != "" && !slices.Contains(automations, ctl.Automation) {
		bad("automation", "automation %q is not one of %s", ctl.Automation, strings.Join(automations, ", "))
	}
	if ctl.Owner == "" {
		bad("owner", "control %s has no owner", ctl.ID)
	}
	if len(ctl.Criteria) == 0 {
		bad("criteria", "control %s names no criterion", ctl.ID)
	}
	c.checkCriteria(d, append(slices.Clone(at), "criteria"), ctl.Criteria, set)
	checkCategories(d, append(slices.Clone(at), "categories"), ctl.Categories)
}

func (c *Catalog) checkCriteria(d *doc, at []any, ids []string, set string) {
	s := c.Set(set)
	if s == nil {
		return // said where the set is named
	}
	for i, id := range ids {
		if s.Criterion(id) == nil {
			d.bad(append(slices.Clone(at), i), "there is no criterion %q in %s", id, s.ID)
		}
	}
}

func checkCategories(d *doc, at []any, list []audit.Category) {
	for i, cat := range list {
		if !validCategory(cat) {
			d.bad(append(slices.Clone(at), i), "category %q is not one of %s", cat, categoryList())
		}
		if slices.Contains(list[:i], cat) {
			d.bad(append(slices.Clone(at), i), "category %s is named twice", cat)
		}
	}
}
