package oscal

import (
	"slices"
	"strings"

	"tieout/report/attest"
	"tieout/report/oscal"
)

// catalog lists the criteria by set, each with the text the report prints.
func (b *builder) catalog() catalog {
	out := catalog{UUID: b.document(kindCatalog), Metadata: b.metadata("Criteria of the report")}
	at := map[string]int{}
	for _, c := range b.criteria {
		i, seen := at[c.set]
		if !seen {
			i, at[c.set] = len(out.Groups), len(out.Groups)
			out.Groups = append(out.Groups, group{ID: oscal.Token("set_" + c.set), Title: oscal.Line(b.r.SetName(c.set))})
		}
		out.Groups[i].Controls = append(out.Groups[i].Controls, b.criterion(c))
	}
	return out
}

func (b *builder) criterion(c criterion) control {
	out := control{ID: c.token, Title: oscal.Line(c.id), Props: []oscal.Property{oscal.Prop("label", c.id)}}
	if c.group == nil {
		out.Props = append(out.Props, oscal.Prop("text", "none: the report names this criterion beside a control that others operate"))
		return out
	}
	out.Props = append(out.Props, oscal.Prop("text", source(*c.group)), oscal.Prop("examined", yes(b.r.Examined(*c.group))))
	out.Parts = []part{{ID: statement(c.token), Name: "statement", Prose: prose(c.group.Text)}}
	return out
}

func source(g attest.Group) string {
	switch {
	case g.Set == "objectives":
		return "management's control objective"
	case g.Official == "":
		return "paraphrase"
	}
	return "official, sha256:" + strings.TrimPrefix(g.Official, "sha256:")
}

func statement(token string) string { return token + "_smt" }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (b *builder) security() security {
	catalog, back := b.to(kindCatalog, "Criteria of the report")
	r := b.r
	return security{
		UUID: b.document(kindSSP), Metadata: b.metadata("Description of the system"), ImportProfile: catalog,
		System: characteristics{
			IDs: []systemID{{b.id("system")}}, Name: oscal.Line(r.System), Description: b.described("DC 1"),
			Information: information{[]informationType{{b.id("information"), "Information in the system", "The report does not class information by type. What the system holds is said in its description."}}},
			Status:      state{"operational", "As the description says, " + oscal.Line(r.Span()) + "."},
			Boundary:    described{Description: b.described("DC 3")},
		},
		Implementation: implementation{b.components()},
		Controls:       implemented{"How management states that the criteria are met. What the service auditor found is in the assessment results.", b.requirements()},
		Back:           back,
	}
}

// described is what the description says under one of its criteria.
func (b *builder) described(id string) string {
	for _, dc := range b.r.Description {
		if dc.ID != id {
			continue
		}
		var paragraphs []string
		for _, p := range dc.Paragraphs {
			paragraphs = append(paragraphs, prose(p.Text))
		}
		return prose(strings.Join(append([]string{dc.Title}, paragraphs...), "\n\n"))
	}
	return "The report's description has no part " + id + "."
}

// components are the system, its controls and the organizations that take part.
func (b *builder) components() []component {
	used := state{State: "operational"}
	out := []component{{UUID: b.id("system"), Type: "this-system", Title: oscal.Line(b.r.System), Description: "The system that the report is on.", Status: used}}
	seen := map[string]bool{}
	for _, g := range b.r.Groups {
		for _, c := range g.Controls {
			if seen[c.ID] {
				continue
			}
			seen[c.ID] = true
			out = append(out, component{UUID: b.id("control", c.ID), Type: "process-procedure", Title: oscal.Line(c.ID), Description: prose(c.Statement()), Status: used})
		}
	}
	for _, s := range b.r.Subservices {
		one := component{
			UUID: b.id("subservice", s.Name), Type: "service", Title: oscal.Line(s.Name), Description: prose(s.Service), Status: used,
			Props: []oscal.Property{oscal.Prop("method", strings.ToLower(s.Method()))},
		}
		for _, m := range s.Monitored {
			one.Props = append(one.Props, oscal.Prop("monitored-by", m))
		}
		out = append(out, one)
	}
	return out
}

// requirements say of each criterion which controls implement it, what is
// expected of user entities and what comes from subservice organizations.
func (b *builder) requirements() []requirement {
	var out []requirement
	for _, c := range b.criteria {
		one := requirement{UUID: b.id("requirement", c.set, c.id), ControlID: c.token}
		if c.group != nil {
			for _, x := range c.group.Controls {
				one.ByComponents = append(one.ByComponents, byComponent{Component: b.id("control", x.ID), UUID: b.id("implements", c.set, c.id, x.ID), Description: prose(x.Statement())})
			}
		}
		if own := b.exported(c); own != nil {
			one.ByComponents = append(one.ByComponents, *own)
		}
		out = append(out, requirement{one.UUID, one.ControlID, append(one.ByComponents, b.inherited(c)...)})
	}
	return out
}

// names reports whether a control that others operate is said to serve c: where
// two sets have a criterion of that name, the first.
func (b *builder) names(e attest.Expected, c criterion) bool {
	if !slices.Contains(e.Criteria, c.id) {
		return false
	}
	for _, other := range b.criteria {
		if other.id == c.id {
			return other.set == c.set
		}
	}
	return false
}

func (b *builder) exported(c criterion) *byComponent {
	var list []described
	for _, e := range b.r.Expected {
		if b.names(e, c) {
			list = append(list, described{b.id("user entity", e.ID, c.set, c.id), prose(e.ID + ": " + e.Text)})
		}
	}
	if len(list) == 0 {
		return nil
	}
	return &byComponent{Component: b.id("system"), UUID: b.id("system for", c.set, c.id), Description: "Controls that user entities are expected to operate.", Export: &export{list}}
}

func (b *builder) inherited(c criterion) []byComponent {
	var out []byComponent
	for _, s := range b.r.Subservices {
		var list []described
		for _, e := range s.Expected {
			if b.names(e, c) {
				list = append(list, described{b.id("subservice control", s.Name, e.ID, c.set, c.id), prose(e.ID + ": " + e.Text)})
			}
		}
		if len(list) == 0 {
			continue
		}
		what := "Controls that are expected at " + s.Name + " and were not examined."
		if s.Inclusive {
			what = "Controls of " + s.Name + " that are part of the description."
		}
		out = append(out, byComponent{Component: b.id("subservice", s.Name), UUID: b.id("subservice for", s.Name, c.set, c.id), Description: prose(what), Inherited: list})
	}
	return out
}
