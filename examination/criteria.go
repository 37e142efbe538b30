package examination

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/definition"
	"tieout/engagement"
	"tieout/internal/natural"
)

// ReadyTerms fills in what terms say of other sets of criteria by their ID: the name
// and the mapping of a set of the library, and its criteria where they list none of
// it, or a section such as 164.312. A set that is only mapped, and lists nothing, has
// every place of its mapping. A mapping that is not known is audit.ErrInvalid.
func ReadyTerms(c *definition.Catalog, t engagement.Terms) (engagement.Terms, error) {
	t.Extra = slices.Clone(t.Extra)
	for i, x := range t.Extra {
		set := c.Other(x.ID)
		if set != nil {
			x.Name, x.Framework = cmp.Or(x.Name, set.Title), cmp.Or(x.Framework, set.Framework)
			x.Criteria = sections(set, x.Criteria)
		}
		if x.Framework != "" && c.Framework(x.Framework) == nil {
			return t, fmt.Errorf("%w: criteria set %s: framework: there is no mapping %q; there are %s", audit.ErrInvalid, x.ID, x.Framework, strings.Join(c.FrameworkIDs(), ", "))
		}
		if !x.Examined && len(x.Criteria) == 0 {
			x.Criteria = places(c, x.Framework)
		}
		t.Extra[i] = x
	}
	return t, nil
}

// sections are the criteria of a set that are listed, by themselves or by the
// beginning of their reference; all, where none is. What is none of the set's stays as
// it was written: a firm may examine more.
func sections(set *definition.OtherSet, listed []string) (out []string) {
	if len(listed) == 0 {
		return set.IDs()
	}
	for _, ref := range listed {
		of := []string{ref}
		if set.Requirement(ref) == nil {
			if under := slices.DeleteFunc(set.IDs(), func(id string) bool { return !strings.HasPrefix(id, ref+"(") }); len(under) > 0 {
				of = under
			}
		}
		for _, id := range of {
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// places are those of a framework that a mapping names, as people count.
func places(c *definition.Catalog, framework string) (out []string) {
	f := c.Framework(framework)
	if f == nil {
		return nil
	}
	for _, m := range c.Mappings {
		if m.Framework == f.Name && !slices.Contains(out, m.Ref) {
			out = append(out, m.Ref)
		}
	}
	slices.SortFunc(out, natural.Compare)
	return out
}

// Ties lead from a trust services criterion to the criteria of other examined sets
// that a mapping relates to it, for a plan to propose. Of the ways to a place those
// that the mapping is surest of are proposed; whether a test shows the one and the
// other a person says.
func Ties(c *definition.Catalog, t engagement.Terms) map[string][]string {
	out := map[string][]string{}
	for _, set := range t.Extra {
		if !set.Examined {
			continue
		}
		for _, ref := range set.Criteria {
			for _, m := range surest(c.Ties(frameworkOf(c, set), ref)) {
				out[m.Criterion] = append(out[m.Criterion], ref)
			}
		}
	}
	return out
}

// surest are the mappings of a place with the highest confidence among them.
func surest(all []audit.Mapping) []audit.Mapping {
	for _, sure := range []string{"high", "medium", "low"} {
		if out := slices.DeleteFunc(slices.Clone(all), func(m audit.Mapping) bool { return m.Confidence != sure }); len(out) > 0 {
			return out
		}
	}
	return nil
}
