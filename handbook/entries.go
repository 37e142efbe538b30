package handbook

import (
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/definition"
	"tieout/procedure"
	"tieout/source"
)

// criterion is the page of one criterion: our own words, the controls that name
// it and the procedures that test these.
func (b *book) criterion(c audit.Criterion) Page {
	p := Page{Name: "criteria/" + c.ID, Kind: "Criterion", Ref: c.ID, Title: strings.TrimSuffix(c.Summary, "."),
		Facts: []fact{{"Category", say(categoryWords[c.Category])}, {"Group", say(c.Group + " " + c.GroupName)}, {"Applies to", say(c.Applies)}}}
	if c.COSO != "" {
		p.Facts = append(p.Facts, fact{"COSO 2013", say("principle " + c.COSO)})
	}
	p.Lead = "In our own words, for working with. The criterion's text is the standard's: " + b.set.Standard + "."
	if c.Note != "" {
		p.Lead = sentence(c.Note) + " " + p.Lead
	}
	p.Parts = append(p.Parts, part{"controls", "Controls that name it", []block{b.controlTable(b.controls[c.ID])}})
	points := table{caption: "Points of focus", heads: []string{"No.", "In our own words", "For"}}
	for _, pt := range c.Points {
		points.rows = append(points.rows, []line{say(fmt.Sprint(pt.N)), say(pt.Label), say(b.set.Scopes[pt.Scope])})
	}
	p.Parts = append(p.Parts, part{"points", "Points of focus", []block{
		paragraph(say("Guidance beside the criterion, never a requirement: it may be met without addressing each of them.")), points}})
	return b.withMappings(p, b.catalog.MappingsOf(c.ID))
}

func (b *book) withMappings(p Page, maps []audit.Mapping) Page {
	if len(maps) == 0 {
		return p
	}
	var names []string
	refs := map[string][]string{}
	for _, m := range maps {
		if !slices.Contains(names, m.Framework) {
			names = append(names, m.Framework)
		}
		refs[m.Framework] = append(refs[m.Framework], m.Ref)
	}
	t := table{caption: "Other frameworks", heads: []string{"Framework", "Places that relate to it", "Mapping"}}
	for _, n := range names {
		t.rows = append(t.rows, []line{say(n), exact(strings.Join(refs[n], " ")), say(b.mappingOf(n))})
	}
	p.Parts = append(p.Parts, part{"mappings", "Other frameworks", []block{paragraph(say("A relation is no equivalence: what is tested here may be part of what is asked there.")), t}})
	return p
}

// mappingOf says which mapping relates a framework, and where it comes from.
func (b *book) mappingOf(framework string) string {
	for _, f := range b.catalog.Frameworks {
		if f.Name == framework {
			return f.Source()
		}
	}
	return ""
}

// controlTable lists controls with the procedures that test each.
func (b *book) controlTable(controls []audit.Control) table {
	t := table{caption: "Controls and their procedures", heads: []string{"Control", "What is done", "Procedures"}}
	for _, c := range controls {
		t.rows = append(t.rows, []line{controlLink(c.ID), line{{text: c.Title, look: strong}}.and(say("\n" + c.Description)), each(procedureIDs(b.tests[c.ID]), procedureLink)})
	}
	return t
}

var automationWords = map[string]string{"full": "from data alone", "partial": "from data, and by a person in part", "none": "by a person"}

var natureWords = map[string]string{"manual": "Manual", "automated": "Automated", "itdm": "IT-dependent manual"}

var typeWords = map[string]string{"P": "preventive", "D": "detective", "C": "corrective"}

// control is the page of one control.
func (b *book) control(c audit.Control) Page {
	kinds := make([]string, len(c.Type))
	for i, t := range c.Type {
		kinds[i] = typeWords[t]
	}
	p := Page{Name: "controls/" + c.ID, Kind: "Control", Ref: c.ID, Title: c.Title, Lead: c.Description, Facts: []fact{
		{"Happens", say(capital(c.Frequency))}, {"Nature", say(natureWords[c.Nature] + ", " + strings.Join(kinds, " and "))}, {"Owner", say(c.Owner)},
		{"Criteria", each(b.inOrder(c.Criteria), criterionLink)}, {"Categories", say(categoriesText(c.Categories))}, {"Can be tested", say(automationWords[c.Automation])}}}
	p.Facts = append(p.Facts, b.controlHere(c)...)
	tests := b.procedureTable(b.tests[c.ID])
	p.Parts = append(p.Parts,
		part{"procedures", "Procedures that test it", []block{tests}},
		part{"population", "Population", []block{paragraph(say(sentence(c.Population)))}},
		part{"tests", "What a tester does", []block{paragraph(say(sentence(c.Tests)))}},
		part{"evidence", "Evidence seen as a rule", []block{paragraph(say(sentence(c.Evidence)))}},
		part{"sampling", "If a sample is drawn", []block{paragraph(say(sentence(c.Sampling) + " The procedures above look at the whole population."))}})
	if types := typesOf(b.tests[c.ID]); len(types) > 0 {
		t := table{caption: "Data and sources", heads: []string{"Data", "Given by"}}
		for _, typ := range types {
			t.rows = append(t.rows, []line{typeLink(typ), b.givenBy(typ)})
		}
		p.Parts = append(p.Parts, part{"data", "What the procedures read, and from where", []block{t}})
	}
	return p
}

func typesOf(procs []*procedure.Procedure) []string {
	var out []string
	for _, p := range procs {
		out = append(out, p.Types...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func categoriesText(list []audit.Category) string {
	words := make([]string, len(list))
	for i, c := range list {
		words[i] = categoryWords[c]
	}
	return strings.Join(words, ", ")
}

// procedureTable lists procedures with what each did.
func (b *book) procedureTable(procs []*procedure.Procedure) table {
	t := table{caption: "Procedures", heads: []string{"Procedure", "What was done", "Tested"}}
	for _, p := range procs {
		t.rows = append(t.rows, []line{procedureLink(p.ID), line{{text: p.Title, look: strong}}.and(say("\n" + p.Statement)), say(formWords[p.Form])})
	}
	return t
}

// source is the page of one kind of source: what it must be allowed, what it
// gives, what it cannot see, how it is set up.
func (b *book) source(d *source.Driver) Page {
	p := Page{Name: "sources/" + d.Name, Kind: "Source", Ref: d.Name, Title: d.Title,
		Lead:  "Read only. Every answer is sealed as it came before anything is made of it.",
		Facts: []fact{{"Kind", exact(d.Name)}, {"Gives", each(d.Types, typeLink)}, {"Normalizer", say("version " + fmt.Sprint(d.Version))}}}
	if readsAnything(d) {
		p.Facts[1].value = link("any data that people map", "data")
	}
	scopes := table{caption: "Permissions", heads: []string{"Permission", "What for"}}
	for _, s := range d.Scopes {
		scopes.rows = append(scopes.rows, []line{exact(s.Name), spoken(s.Why)})
	}
	p.Parts = append(p.Parts, part{"scopes", "What it must be allowed to read, and nothing else", []block{scopes}})
	p.Parts = append(p.Parts, part{"cannot", "What it cannot see", []block{lines(sentences(d.Cannot))}})
	if !readsAnything(d) {
		p.Parts = append(p.Parts, part{"data", "What it gives", []block{b.givesTable(d)}})
	}
	return withSettings(p, d)
}

func sentences(in []string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = sentence(s)
	}
	return out
}

func (b *book) givesTable(d *source.Driver) table {
	t := table{caption: "Data", heads: []string{"Data", "What it is", "Read by"}}
	for _, typ := range slices.Sorted(slices.Values(d.Types)) {
		it, err := audit.TypeByName(typ)
		if err != nil {
			continue
		}
		t.rows = append(t.rows, []line{typeLink(typ), say(it.Doc), each(procedureIDs(b.procedures[typ]), procedureLink)})
	}
	return t
}

func withSettings(p Page, d *source.Driver) Page {
	if len(d.Settings) == 0 {
		return p
	}
	t := table{caption: "Settings", heads: []string{"Setting", "What it is", "Example"}}
	for _, s := range d.Settings {
		doc := sentence(s.Doc)
		if s.Required {
			doc += " Needed."
		}
		if s.Secret {
			doc += " A reference to the secret, never the secret itself."
		}
		t.rows = append(t.rows, []line{exact(s.Name), spoken(doc), exact(s.Example)})
	}
	p.Parts = append(p.Parts, part{"settings", "Settings", []block{paragraph(say("Under with: in sources/NAME.yaml.")), t}})
	return p
}

// dataPage lists every item type with its fields: the words expressions use.
func (b *book) dataPage() Page {
	p := Page{Name: "data", Kind: "Data", Title: "What procedures read", Facts: []fact{{"Item types", say(fmt.Sprint(len(audit.ItemTypes)))}},
		Lead: "Every answer of a source becomes items of these types. A field that a source does not give is left out and makes no evidence; it is never filled in."}
	for _, it := range audit.ItemTypes {
		t := table{caption: "Fields of " + it.Name, heads: []string{"Field", "What it is", "Known absence means"}}
		for _, f := range it.Fields {
			doc := f.Doc
			if len(f.Enum) > 0 {
				doc += " One of: " + strings.Join(f.Enum, ", ") + "."
			}
			t.rows = append(t.rows, []line{exact(f.Name), say(doc), say(f.None)})
		}
		use := say("Given by ").and(b.givenBy(it.Name))
		if procs := b.procedures[it.Name]; len(procs) > 0 {
			use = use.and(say(". Read by "), each(procedureIDs(procs), procedureLink))
		}
		p.Parts = append(p.Parts, part{anchorOf(it.Name), it.Name, []block{paragraph(say(it.Doc)), paragraph(use.and(say("."))), t}})
	}
	return p
}

// index is the first page.
func (b *book) index() Page {
	reached := definition.Reach(b.set.Criteria, b.list, b.runs)
	automated := 0
	for _, r := range reached {
		if r.By(definition.Automated) {
			automated++
		}
	}
	p := Page{Name: "index", Kind: "Handbook", Title: "What is tested, how, and on which population",
		Lead:  b.indexLead(reached, automated),
		Facts: []fact{{"Criteria", say(b.set.Title)}, {"Standard", say(b.set.Standard)}, {"Library", exact(strings.TrimPrefix(b.catalog.Version, "sha256:")[:12])}}}
	p.Parts = append(p.Parts, part{"read", "How to read it", []block{list{
		say("Start at a ").and(link("criterion", "criteria")).and(say(" and follow it to the controls that name it and the procedures that test them.")),
		say("A ").and(link("procedure", "procedures")).and(say(" says in an auditor's past tense what was done, on which population, what was asked exactly, and shows by examples what operates and what deviates.")),
		say("A ").and(link("source", "sources")).and(say(" says what it must be allowed to read, what it gives and what it cannot see.")),
		say("Outcomes are ").and(result("operated"), say(", "), result("late"), say(", "), result("deviation"), say(" and "), result("no evidence"), say(": what was not collected is never taken for something that operated.")),
		say("Software never concludes. Whether a deviation matters to a criterion is for people to judge."),
	}}})
	p.Parts = append(p.Parts, part{"criteria", "Criteria", []block{b.criteriaTable()}})
	return p
}

// indexLead says what the first page leads to.
func (b *book) indexLead(reached []definition.Reached, automated int) string {
	if b.own != nil {
		return b.ownLead()
	}
	return fmt.Sprintf("%s test %s, which reach all of the %d criteria; %d of these by a procedure that needs no person. %s give the data.",
		capital(count(len(b.runs), "procedure", "procedures")), count(len(b.list), "control", "controls"), len(reached), automated,
		capital(count(len(b.drivers), "kind of source", "kinds of source")))
}

func (b *book) criteriaTable() table {
	t := table{caption: "Criteria", heads: []string{"Criterion", "In our own words", "Controls", "Procedures"}}
	for _, c := range b.set.Criteria {
		procs := map[string]bool{}
		for _, ctl := range b.controls[c.ID] {
			for _, p := range b.tests[ctl.ID] {
				procs[p.ID] = true
			}
		}
		t.rows = append(t.rows, []line{criterionLink(c.ID), say(c.Summary), say(fmt.Sprint(len(b.controls[c.ID]))), say(fmt.Sprint(len(procs)))})
	}
	return t
}

func (b *book) criteriaIndex() Page {
	p := Page{Name: "criteria", Kind: "Criteria", Title: b.set.Title, Lead: "Identifiers are the standard's; every sentence is our own wording, for working with."}
	var groups []string
	rows := map[string]*table{}
	for _, c := range b.set.Criteria {
		name := c.Group + " " + c.GroupName
		if rows[name] == nil {
			groups = append(groups, name)
			rows[name] = &table{caption: name, heads: []string{"Criterion", "In our own words", "Controls"}}
		}
		rows[name].rows = append(rows[name].rows, []line{criterionLink(c.ID), say(c.Summary), each(controlIDs(b.controls[c.ID]), controlLink)})
	}
	for _, g := range groups {
		p.Parts = append(p.Parts, part{anchorOf(g), g, []block{*rows[g]}})
	}
	p.Facts = []fact{{"Criteria", say(fmt.Sprint(len(b.set.Criteria)))}, {"Standard", say(b.set.Standard)}, {"For", say(b.set.Effective)}}
	return p
}

func controlIDs(list []audit.Control) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.ID
	}
	return out
}

// familyNames are what the letters of control ids stand for.
var familyNames = map[string]string{
	"AST": "Assets", "AWR": "Awareness", "BCP": "Continuity", "BKP": "Backups", "CAP": "Capacity", "CFG": "Configuration", "CNF": "Confidentiality",
	"COM": "Communication", "CRY": "Cryptography", "END": "Endpoints", "GOV": "Governance", "HR": "People", "IAM": "Identity and access", "INC": "Incidents",
	"LOG": "Logging", "MON": "Monitoring", "NET": "Networks", "PHY": "Physical access", "PIN": "Processing integrity", "POL": "Policies", "PRI": "Privacy",
	"RSK": "Risk", "SDL": "Change", "VND": "Vendors", "VUL": "Vulnerabilities",
}

func (b *book) controlIndex() Page {
	p := Page{Name: "controls", Kind: "Controls", Title: "Controls of the library",
		Lead: "Starting points, in our own words: an organization copies what it does, changes what it does otherwise and leaves out the rest."}
	if b.own != nil {
		p.Title, p.Lead = "Controls in scope", "As they stand in the workspace's files: what the organization says it does, in its own words or in the library's."
	}
	p.Facts = []fact{{"Controls", say(fmt.Sprint(len(b.list)))}}
	var families []string
	rows := map[string]*table{}
	for _, c := range b.list {
		f, _, _ := strings.Cut(c.ID, "-")
		if rows[f] == nil {
			families = append(families, f)
			rows[f] = &table{caption: f, heads: []string{"Control", "Title", "Happens", "Procedures"}}
		}
		rows[f].rows = append(rows[f].rows, []line{controlLink(c.ID), say(c.Title), say(capital(c.Frequency)), each(procedureIDs(b.tests[c.ID]), procedureLink)})
	}
	for _, f := range families {
		p.Parts = append(p.Parts, part{anchorOf(f), familyNames[f], []block{*rows[f]}})
	}
	return p
}

func (b *book) procedureIndex() Page {
	p := Page{Name: "procedures", Kind: "Procedures", Title: "Procedures of the library",
		Lead: "Each is one file that a person can read aloud. A workspace takes them as they are, with other parameters, or writes its own."}
	if b.own != nil {
		p.Title, p.Lead = "Procedures that run here", "Each is one file that a person can read aloud: taken from the library, with other parameters, or written here."
	}
	for _, f := range []audit.Form{audit.Continuous, audit.Event, audit.Cadence, audit.Manual} {
		t := table{caption: formWords[f], heads: []string{"Procedure", "What it shows", "Controls", "Reads"}}
		for _, proc := range b.runs {
			if proc.Form == f {
				t.rows = append(t.rows, []line{procedureLink(proc.ID), say(proc.Title), each(b.onPages(proc.Controls), controlLink), each(proc.Types, typeLink)})
			}
		}
		p.Facts = append(p.Facts, fact{formWords[f], say(fmt.Sprint(len(t.rows)))})
		p.Parts = append(p.Parts, part{string(f), formWords[f], []block{t}})
	}
	return p
}

func (b *book) sourceIndex() Page {
	p := Page{Name: "sources", Kind: "Sources", Title: "Kinds of source", Lead: "What can be connected. Each reads only, with the least permission that is enough."}
	t := table{caption: "Sources", heads: []string{"Source", "What it is", "Gives"}}
	for _, d := range b.drivers {
		gives := each(d.Types, typeLink)
		if readsAnything(d) {
			gives = say("any data that people map")
		}
		t.rows = append(t.rows, []line{sourceLink(d.Name), say(d.Title), gives})
	}
	p.Facts = []fact{{"Sources", say(fmt.Sprint(len(b.drivers)))}}
	p.Parts = append(p.Parts, part{"all", "All of them", []block{t}})
	return p
}
