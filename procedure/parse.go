package procedure

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"go.yaml.in/yaml/v4"

	"tieout/audit"
)

const defaultMaxGap = 26 * hour

var (
	idPattern   = regexp.MustCompile(`^[a-z][a-z0-9]*([.-][a-z0-9]+)*$`)
	namePattern = regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`)
)

var documentKeys = []string{"id", "title", "controls", "since", "history", "statement", "why", "ask", "fix", "effective",
	"parameters", "population", "with", "empty", "continuous", "event", "cadence", "manual", "examples"}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// A builder makes a Procedure of a document.
type builder struct {
	*document
	p      *Procedure
	params map[string]param
	base   *scope // the population's item
	full   *scope // with joins
}

func parse(name string, data []byte, overrides map[string]any) (*Procedure, error) {
	d, err := openDocument(name, data)
	if err != nil {
		return nil, err
	}
	b := &builder{document: d, p: &Procedure{name: name, data: data, overrides: overrides, maxGap: defaultMaxGap}}
	m := d.mapping(d.root, "a procedure", documentKeys...)
	b.head(m)
	b.parameters(m["parameters"])
	form := b.form(m)
	b.population(m)
	if d.err() == nil && b.p.item != nil {
		b.open(m, form)
	}
	if d.err() == nil && form != nil {
		b.body(m, form)
	}
	b.exampleList(m["examples"])
	if err := d.err(); err != nil {
		return nil, err
	}
	b.p.Types = b.p.types()
	if err := b.p.hash(d.root); err != nil {
		return nil, err
	}
	return b.p, nil
}

func (b *builder) head(m map[string]*yaml.Node) {
	p := b.p
	p.ID = b.required(m, "id", b.root)
	if p.ID != "" && !idPattern.MatchString(p.ID) {
		b.failf(m["id"], "id: %q is not lower case and dotted, such as access.mfa", p.ID)
	}
	p.Title = b.required(m, "title", b.root)
	p.Controls = b.strs(m["controls"], "controls")
	if len(p.Controls) == 0 {
		b.failf(orNode(m["controls"], b.root), "controls: names at least one control, such as [IAM-06]")
	}
	p.Statement = strings.TrimSpace(b.str(m["statement"], "statement"))
	p.Why = strings.TrimSpace(b.str(m["why"], "why"))
	p.Ask = strings.TrimSpace(b.str(m["ask"], "ask"))
	p.Fix = strings.TrimSpace(b.str(m["fix"], "fix"))
	b.date(m["since"], "since")
	for _, h := range b.list(m["history"], "history") {
		e := b.mapping(h, "an entry of history", "on", "what")
		b.required(e, "what", h)
		if b.required(e, "on", h) != "" {
			b.date(e["on"], "on")
		}
	}
	if n := m["effective"]; n != nil {
		e := b.mapping(n, "effective", "from", "to")
		p.Effective = audit.Effective{From: b.date(e["from"], "from"), To: b.date(e["to"], "to")}
		if p.Effective.From != "" && p.Effective.To != "" && p.Effective.To < p.Effective.From {
			b.failf(n, "effective: ends on %s, before it starts on %s", p.Effective.To, p.Effective.From)
		}
	}
}

func orNode(n, other *yaml.Node) *yaml.Node {
	if n != nil {
		return n
	}
	return other
}

func (b *builder) parameters(n *yaml.Node) {
	b.params, b.p.Parameters = map[string]param{}, map[string]any{}
	for _, e := range b.pairs(n, "parameters") {
		if !namePattern.MatchString(e.key) {
			b.failf(e.at, "parameters: %q is not a name such as idle", e.key)
		}
		v := b.paramValue(e.value)
		if o, ok := b.p.overrides[e.key]; ok {
			v = o
		}
		b.params[e.key], b.p.Parameters[e.key] = param{e.key, v}, v
	}
}

func (b *builder) paramValue(n *yaml.Node) any {
	switch n.Kind {
	case yaml.SequenceNode:
		out := b.strs(n, "a parameter's list")
		if len(out) == 0 {
			b.failf(n, "parameters: an empty list; name at least one value")
		}
		return out
	case yaml.ScalarNode:
		v := scalar(n)
		if s, ok := v.(string); ok && (n.Tag == "!!float" || n.Tag == "!!null") {
			b.failf(n, "parameters: %q is neither true/false, an integer, a duration, text nor a list of texts", s)
		}
		return v
	}
	b.failf(n, "parameters: want true/false, an integer, a duration, text or a list of texts")
	return ""
}

var forms = []string{"continuous", "event", "cadence", "manual"}

// form finds the one form key.
func (b *builder) form(m map[string]*yaml.Node) *yaml.Node {
	var found *yaml.Node
	for _, f := range forms {
		if m[f] == nil {
			continue
		}
		if found != nil {
			b.failf(m[f], "%s: a procedure has one form, and this one has %s already", f, b.p.Form)
			continue
		}
		found, b.p.Form = m[f], audit.Form(f)
	}
	if found == nil {
		b.failf(b.root, "a procedure has one of %s", strings.Join(forms, ", "))
	}
	return found
}

// itemType reads the name of an item type.
func (b *builder) itemType(n *yaml.Node, what string) *layout {
	name := b.str(n, what)
	l := layouts()[name]
	if l == nil {
		all := sortedKeys(layouts())
		b.failf(n, "%s: there is no item type %q%s; there are %s", what, name, meant(name, all), strings.Join(all, ", "))
	}
	return l
}

func (b *builder) population(m map[string]*yaml.Node) {
	n := m["population"]
	pop := b.populationText(n)
	if pop == nil {
		return
	}
	b.base = &scope{items: map[string]*layout{b.p.ItemType: b.p.item}, lists: map[string]*layout{}, params: b.params}
	if err := b.base.open(); err != nil {
		b.failf(n, "%v", err)
		return
	}
	if w := pop["where"]; w != nil {
		b.p.where = b.question(b.base, w, "where")
	}
}

// question compiles an expression and asks it of an item of which nothing was
// collected: the answer must be unknown.
func (b *builder) question(s *scope, n *yaml.Node, what string) *program {
	p := s.compile(b.document, n, what)
	if p == nil {
		return nil
	}
	v, err := p.eval(context.Background(), nothing{s.params})
	if err != nil {
		b.failf(n, "%s: %v", what, err)
		return nil
	}
	if !types.IsUnknown(v) {
		b.failf(n, "%s: answers %v for an item of which nothing was collected; it must need evidence", what, v)
		return nil
	}
	return p
}

// open makes the scope of the test: the item and what is joined to it.
func (b *builder) open(m map[string]*yaml.Node, form *yaml.Node) {
	b.full = &scope{items: map[string]*layout{b.p.ItemType: b.p.item}, lists: map[string]*layout{}, params: b.params,
		empty: map[string]audit.Outcome{}, joins: map[string]int{}}
	b.joinList(m["with"])
	for i, j := range b.p.joins {
		b.full.joins[j.name] = i
		if j.one {
			b.full.items[j.name] = j.layout
		} else {
			b.full.lists[j.name] = j.layout
		}
	}
	for _, e := range b.pairs(m["empty"], "empty") {
		b.emptyEntry(e)
	}
	b.p.empty = b.full.empty
	if err := b.full.open(); err != nil {
		b.failf(form, "%v", err)
	}
}

func (b *builder) emptyEntry(e pair) {
	o, ok := emptyOutcomes[b.str(e.value, "empty")]
	if !ok {
		b.failf(e.value, "empty: %q; want no evidence, deviation, operated, late or not applicable", e.value.Value)
	}
	b.full.empty[e.key] = o
	if !strings.Contains(e.key, ".") && b.full.items[e.key] == nil && b.full.lists[e.key] == nil {
		b.failf(e.at, "empty: %q is neither a join nor a list of the item%s", e.key, meant(e.key, sortedKeys(b.full.lists)))
	}
}

var emptyOutcomes = map[string]audit.Outcome{
	"no evidence": audit.NoEvidence, "deviation": audit.Deviated, "operated": audit.Operated,
	"late": audit.Late, "not applicable": audit.NotApplicable,
}

func (b *builder) body(m map[string]*yaml.Node, form *yaml.Node) {
	if b.p.item == nil && b.p.Form != audit.Manual {
		return
	}
	switch b.p.Form {
	case audit.Continuous:
		b.continuous(form)
	case audit.Event:
		b.event(form)
	case audit.Cadence:
		b.cadence(form)
	case audit.Manual:
		f := b.mapping(form, "manual", "questions", "evidence")
		b.p.Questions = append(b.p.Questions, b.strs(f["questions"], "questions")...)
		b.p.Evidence = b.strs(f["evidence"], "evidence")
		if len(b.p.Questions) == 0 {
			b.failf(form, "manual: questions: asks at least one question")
		}
	}
	b.joinReads()
}

func (b *builder) continuous(n *yaml.Node) {
	f := b.mapping(n, "continuous", "holds", "maxGap", "grace")
	if b.p.item.typ.Event {
		b.failf(n, "continuous: %s happens once; use event: or cadence:", b.p.ItemType)
		return
	}
	b.maxGap(f["maxGap"])
	if f["holds"] == nil {
		b.failf(n, "continuous: holds: is missing; it is what must be true of every item")
		return
	}
	b.p.holds = b.question(b.full, f["holds"], "holds")
	if g := f["grace"]; g != nil {
		e := b.mapping(g, "grace", "for", "because")
		b.required(e, "because", g)
		if b.required(e, "for", g) != "" {
			b.p.grace = int64(b.realLength(e["for"], "for"))
		}
	}
}

func (b *builder) maxGap(n *yaml.Node) {
	if n == nil {
		return
	}
	if b.p.maxGap = int64(b.realLength(n, "maxGap")); b.p.maxGap == 0 && b.err() == nil {
		b.failf(n, "maxGap: must be more than nothing")
	}
}

// length reads a duration: written out, or the name of the parameter that
// holds it.
func (b *builder) length(n *yaml.Node, what string) length {
	if n == nil {
		return 0
	}
	name, ok := strings.CutPrefix(n.Value, "params.")
	if !ok {
		return b.document.length(n, what)
	}
	p, ok := b.params[name]
	if !ok {
		b.failf(n, "%s: parameters: has no %q%s", what, name, meant(name, sortedKeys(b.params)))
		return 0
	}
	text, _ := p.value.(string)
	l, err := parseLength(text)
	if err != nil {
		b.failf(n, "%s: params.%s: %v", what, name, err)
	}
	return l
}

// realLength reads a duration that is not in business days.
func (b *builder) realLength(n *yaml.Node, what string) length {
	l := b.length(n, what)
	if l < 0 {
		b.failf(n, "%s: business days are for deadlines; write hours or days", what)
		return 0
	}
	return l
}

func (b *builder) event(n *yaml.Node) {
	f := b.mapping(n, "event", "at", "attributes", "maxGap")
	b.maxGap(f["maxGap"])
	if f["at"] == nil {
		b.failf(n, "event: at: is missing; it is the field that says when it happened")
		return
	}
	if at := b.timePath(f["at"], "at", 0); at != nil {
		b.p.at = *at
		if at.join >= 0 {
			b.failf(f["at"], "at: must be a field of %s itself", b.p.ItemType)
		}
	}
	b.attributes(f["attributes"], n)
	if len(b.p.attrs) == 0 && b.err() == nil {
		b.failf(n, "event: attributes: names at least one, such as A: { text: ..., holds: ... }")
	}
}

func (b *builder) attributes(n, owner *yaml.Node) {
	for _, e := range b.pairs(n, "attributes") {
		a := b.mapping(e.value, "attribute "+e.key, "text", "holds", "late", "ask")
		x := &attribute{name: e.key, text: b.required(a, "text", e.value), ask: b.str(a["ask"], "ask")}
		switch {
		case (a["holds"] == nil) == (a["ask"] == nil):
			b.failf(e.value, "attribute %s has either holds: or ask:", e.key)
		case a["ask"] != nil && a["late"] != nil:
			b.failf(a["late"], "attribute %s: late: needs holds:", e.key)
		case a["ask"] != nil:
			b.p.Questions = append(b.p.Questions, x.ask)
		default:
			x.holds = b.question(b.full, a["holds"], "holds")
			if a["late"] != nil {
				x.late = b.question(b.full, a["late"], "late")
			}
		}
		b.p.attrs = append(b.p.attrs, x)
	}
}

var windows = []string{"day", "week", "month", "quarter", "half-year", "year"}

func (b *builder) cadence(n *yaml.Node) {
	f := b.mapping(n, "cadence", "every", "each", "performed", "due", "late", "attributes", "maxGap")
	if !b.p.item.typ.Event {
		b.failf(n, "cadence: %s does not happen, it exists; a cadence counts events such as revision, restore or accessReview", b.p.ItemType)
		return
	}
	b.maxGap(f["maxGap"])
	c := &cadence{every: b.required(f, "every", n), due: b.length(f["due"], "due"), late: b.length(f["late"], "late")}
	if c.every != "" && !slices.Contains(windows, c.every) {
		b.failf(f["every"], "every: %q; want one of %s", c.every, strings.Join(windows, ", "))
	}
	if f["performed"] != nil {
		c.performed = b.question(b.base, f["performed"], "performed")
	}
	if f["each"] != nil {
		c.each = b.each(f["each"])
	}
	b.attributes(f["attributes"], n)
	b.p.cadence = c
}

func (b *builder) each(n *yaml.Node) *each {
	f := b.mapping(n, "each", "items", "where", "key")
	if b.required(f, "items", n) == "" || b.required(f, "key", n) == "" {
		return nil
	}
	e := &each{layout: b.itemType(f["items"], "items")}
	if e.layout == nil {
		return nil
	}
	if e.layout.typ.Event {
		b.failf(f["items"], "each: %s happens, it does not exist over time", e.layout.typ.Name)
	}
	key, ok := strings.CutPrefix(f["key"].Value, b.p.ItemType+".")
	slot, found := b.p.item.index[key]
	if !ok || !found || b.p.item.kinds[slot] != audit.String {
		b.failf(f["key"], "key: %q is not a text field of %s that holds the id of a %s", f["key"].Value, b.p.ItemType, e.layout.typ.Name)
		return nil
	}
	e.key = slot
	if f["where"] != nil {
		s := &scope{items: map[string]*layout{e.layout.typ.Name: e.layout}, lists: map[string]*layout{}, params: b.params}
		if err := s.open(); err != nil {
			b.failf(n, "%v", err)
			return nil
		}
		e.where = b.question(s, f["where"], "where")
	}
	return e
}
