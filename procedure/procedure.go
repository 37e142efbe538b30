package procedure

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
)

// A Procedure is one test, compiled. It is immutable and safe for concurrent use.
type Procedure struct {
	ID         string
	Title      string
	Hash       string // "sha256:" and hex, of the document's content and its parameters
	Controls   []string
	Form       audit.Form
	Statement  string // what was done, in an auditor's past tense
	Why        string
	Ask        string // what an auditor may want to see besides
	Fix        string
	Population string   // in a sentence
	ItemType   string   // of the population; "" for a manual procedure without one
	Types      []string // every item type it reads, sorted
	Effective  audit.Effective
	Questions  []string       // for a person
	Evidence   []string       // what a manual procedure asks for
	Parameters map[string]any // bool, int64, string, []string by name

	name      string // of the file
	data      []byte
	item      *layout
	where     *program // nil: every item
	joins     []*join
	empty     map[string]audit.Outcome
	maxGap    int64
	holds     *program // continuous
	grace     int64
	at        path // event
	attrs     []*attribute
	cadence   *cadence
	examples  []*example
	overrides map[string]any
	later     *compiling // of one that is compiled when it is performed; where, joins, holds and the like are missing till then
}

// A join relates items of another type.
type join struct {
	name     string
	alias    string // of one candidate in on and where
	layout   *layout
	on       []pairing
	where    *program // nil: every candidate
	at       *path
	from, to *path
	after    length
	before   length
	one      bool
	want     uint64 // slots of the joined item that are read
}

// A pairing asks that a field of the joined item is a value of path.
type pairing struct {
	slot int
	src  path
}

// A path is a field of the item (join -1) or of an earlier join.
type path struct {
	join int
	slot int
	text string
}

// An attribute is one thing an occurrence has to show.
type attribute struct {
	name  string
	text  string
	ask   string // for a person; holds and late are nil then
	holds *program
	late  *program
}

// A cadence says when occurrences are due.
type cadence struct {
	every     string
	performed *program // nil: every event of the population
	due, late length
	each      *each
}

// An each makes one occurrence per window and item.
type each struct {
	layout *layout
	where  *program
	key    int // slot of the event that holds the item's id
}

// An example is a small timeline with the outcome it must give.
type example struct {
	root   *yaml.Node
	node   *yaml.Node // its expect
	name   string
	given  *yaml.Node
	at     int64
	asOf   int64 // 0: 400 days after at
	expect audit.Outcome
}

// Parse reads, compiles and checks one document: unknown keys, undefined
// fields and wrong types, questions that always have the same answer or that
// something not collected could answer, and its examples, which run through
// the engine. The error is an *Error with file:line:column for each fault.
func Parse(name string, data []byte) (*Procedure, error) {
	p, err := parse(name, data, nil)
	if err != nil {
		return nil, err
	}
	if err := p.checkExamples(); err != nil {
		return nil, err
	}
	return p, nil
}

// WithParameters returns the procedure with other values for some of its
// parameters, and so with another hash. Examples speak of the values of the
// document and are not run again. Errors wrap audit.ErrInvalid.
func (p *Procedure) WithParameters(values map[string]any) (*Procedure, error) {
	merged := map[string]any{}
	for k, v := range p.overrides {
		merged[k] = v
	}
	for _, k := range sortedKeys(values) {
		old, ok := p.Parameters[k]
		if !ok {
			return nil, fmt.Errorf("%w: procedure %s has no parameter %q%s", audit.ErrInvalid, p.ID, k, meant(k, sortedKeys(p.Parameters)))
		}
		v, err := plainParam(values[k])
		if err != nil {
			return nil, fmt.Errorf("%w: procedure %s, parameter %s: %w", audit.ErrInvalid, p.ID, k, err)
		}
		a, b := param{k, old}, param{k, v}
		if !a.celType().IsExactType(b.celType()) || a.isLength() != b.isLength() {
			return nil, fmt.Errorf("%w: procedure %s, parameter %s: %v is not of the same kind as %v", audit.ErrInvalid, p.ID, k, v, old)
		}
		merged[k] = v
	}
	return parse(p.name, p.data, merged)
}

// plainParam turns what YAML, JSON or Go code give into a parameter's value.
func plainParam(v any) (any, error) {
	switch t := v.(type) {
	case bool, int64, string, []string:
		return v, nil
	case int:
		return int64(t), nil
	case float64:
		if t == float64(int64(t)) && t < 1<<53 && t > -(1<<53) {
			return int64(t), nil
		}
	case []any:
		out := make([]string, len(t))
		for i, e := range t {
			s, ok := e.(string)
			if !ok {
				return nil, fmt.Errorf("element %v of the list is no text", e)
			}
			out[i] = s
		}
		return out, nil
	}
	return nil, fmt.Errorf("%v is neither true/false, an integer, text nor a list of texts", v)
}

// hash is over the document's content and the parameters in force.
func (p *Procedure) hash(root *yaml.Node) error {
	params := map[string]any{}
	for k, v := range p.Parameters {
		params[k] = v
	}
	b, err := canonicalTree(map[string]any{"document": tree(root), "parameters": params})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	p.Hash = "sha256:" + hex.EncodeToString(sum[:])
	return nil
}

// types lists what the procedure reads.
func (p *Procedure) types() []string {
	var out []string
	if p.item != nil {
		out = append(out, p.ItemType)
	}
	for _, j := range p.joins {
		out = append(out, j.layout.typ.Name)
	}
	if p.cadence != nil && p.cadence.each != nil {
		out = append(out, p.cadence.each.layout.typ.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// statedOutcome is what `empty` says of a join; no evidence unless it speaks.
func (p *Procedure) statedOutcome(join string) audit.Outcome { return p.empty[join] }

// File is the name the document was read under.
func (p *Procedure) File() string { return p.name }

// Document returns the bytes of the document, as they were read.
func (p *Procedure) Document() []byte { return slices.Clone(p.data) }

// Overrides returns the parameters that WithParameters gave other values; nil
// where the document's own are in force.
func (p *Procedure) Overrides() map[string]any { return maps.Clone(p.overrides) }
