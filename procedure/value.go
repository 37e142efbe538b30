package procedure

import (
	"fmt"
	"reflect"
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"tieout/audit"
	"tieout/internal/canonical"
)

// A row is one state of one item: its slots, and the CEL values made of them
// so far. For one goroutine.
type row struct {
	layout  *layout
	name    string // what expressions and reasons call it: "account"
	id      string
	slots   []slot
	vals    []ref.Val
	differs uint64  // slots that changed around the instant asked about: unknown
	between string  // "between A and B", for differs
	joined  bool    // reasons name the id
	none    ref.Val // where set: every field is this unknown
}

func newRow(l *layout, name string) *row {
	return &row{layout: l, name: name, slots: make([]slot, len(l.names)), vals: make([]ref.Val, len(l.names))}
}

// load fills r with the version v of h.
func (r *row) load(h *audit.History, v *audit.Version, want uint64) error {
	clear(r.slots)
	clear(r.vals)
	r.id, r.differs, r.none = h.ID, 0, nil
	if want&(1<<slotID) != 0 {
		r.slots[slotID] = slot{raw: canonical.AppendString(nil, h.ID)}
	}
	if r.layout.typ.Event {
		at := micros(v.From.At)
		r.slots[slotAt] = slot{raw: []byte(`"` + text(at) + `"`), num: at}
	}
	if err := decodeBody(r.layout, v.Body, want, r.slots); err != nil {
		return fmt.Errorf("%s %q, record %s: %w", r.layout.typ.Name, h.ID, audit.EvidenceRef(v.Record), err)
	}
	return nil
}

func (r *row) of() string {
	if r.joined {
		return " of " + r.id
	}
	return ""
}

// get is the value of a slot: typed, or an Unknown that says why.
func (r *row) get(i int) ref.Val {
	if v := r.vals[i]; v != nil {
		return v
	}
	v := r.make(i)
	r.vals[i] = v
	return v
}

func (r *row) make(i int) ref.Val {
	if r.none != nil {
		return r.none
	}
	if r.differs>>i&1 == 1 {
		name := r.name + "." + r.layout.names[i]
		return unknownFor(fmt.Sprintf("%s of %s changed %s", name, r.id, r.between), name+" changed between two observations around the instant")
	}
	s := &r.slots[i]
	if s.raw == nil {
		name := r.name + "." + r.layout.names[i]
		return unknownFor(name+r.of()+" was not collected", name+" was not collected")
	}
	switch r.layout.kinds[i] {
	case audit.Bool:
		return types.Bool(s.num == 1)
	case audit.Int:
		return types.Int(s.num)
	case audit.String:
		return types.String(unquote(s.raw))
	case audit.Time:
		return types.Timestamp{Time: instant(s.num)}
	}
	return types.NewStringList(types.DefaultTypeAdapter, unquoteAll(s.raw))
}

// known reports whether a slot has a value.
func (r *row) known(i int) bool {
	return r.none == nil && r.differs>>i&1 == 0 && r.slots[i].raw != nil
}

// show writes a slot as JSON text for people, or "not collected".
func (r *row) show(i int) string {
	if !r.known(i) {
		return "not collected"
	}
	return string(r.slots[i].raw)
}

// A row is a CEL object: lists of joined items hold rows. Only field access
// is defined on it; the type checker lets nothing else through.
var _ ref.Val = (*row)(nil)

// ConvertToNative is not defined: rows never leave an expression.
func (r *row) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("an item cannot become %v", t)
}

// ConvertToType is not defined: rows never leave an expression.
func (r *row) ConvertToType(ref.Type) ref.Val { return types.NewErr("an item has no other type") }

// Equal compares by id.
func (r *row) Equal(o ref.Val) ref.Val {
	b, ok := o.(*row)
	return types.Bool(ok && b.layout == r.layout && b.id == r.id)
}

// Type is the CEL type of the item.
func (r *row) Type() ref.Type { return objectType(r.layout.typ.Name) }

// Value is the row itself.
func (r *row) Value() any { return r }

// unknown is a CEL Unknown whose only content is the reason, a sentence
// without its full stop.
func unknown(reason string) *types.Unknown {
	return types.NewUnknown(1, types.NewAttributeTrail(reason))
}

// unknownFor is unknown with what the gap is, the same for everything it hides.
func unknownFor(reason, cause string) *types.Unknown { return unknown(reason + markCause + cause) }

// Reasons that are no lack of evidence carry a mark no text can start with.
const (
	markCause   = "\x01" // between a reason and its cause
	markPending = "\x00pending"
	markTail    = "\x00outstanding"
	markEmpty   = "\x00empty " // followed by the digit of the stated outcome and the reason
)

var (
	pendingUnknown     = unknown(markPending)
	outstandingUnknown = unknown(markTail)
)

// stated is the value of what hangs on an empty list: the outcome that the
// procedure's `empty` gives it.
func stated(o audit.Outcome, reason string) *types.Unknown {
	if o == audit.NoEvidence {
		return unknown(reason)
	}
	return unknown(markEmpty + strconv.Itoa(int(o)) + reason)
}

// reasons lists what an Unknown hangs on, in a stable order.
func reasons(u *types.Unknown) []string {
	var out []string
	for _, id := range u.IDs() {
		trails, _ := u.GetAttributeTrails(id)
		for _, t := range trails {
			out = append(out, t.Variable())
		}
	}
	return out
}

// A partial is a list some of whose elements are not known: what is known of
// it, then one Unknown that stands for the rest. exists over it can still be
// true and all can still be false; nothing else is decided by it.
type partial struct {
	traits.Lister
	known []ref.Val
	rest  *types.Unknown
}

func newPartial(known []ref.Val, rest *types.Unknown) ref.Val {
	if rest == nil {
		return types.NewRefValList(types.DefaultTypeAdapter, known)
	}
	all := append(append(make([]ref.Val, 0, len(known)+1), known...), rest)
	return &partial{types.NewRefValList(types.DefaultTypeAdapter, all), known, rest}
}

// Size is not known.
func (p *partial) Size() ref.Val { return p.rest }

// Get is not known: neither is the order.
func (p *partial) Get(ref.Val) ref.Val { return p.rest }

// Equal is not known.
func (p *partial) Equal(ref.Val) ref.Val { return p.rest }

// Add is not known.
func (p *partial) Add(ref.Val) ref.Val { return p.rest }

// Contains is true where the value is among the known elements, else unknown.
func (p *partial) Contains(v ref.Val) ref.Val {
	for _, k := range p.known {
		if k.Equal(v) == types.True {
			return types.True
		}
	}
	return p.rest
}

// Fold visits the known elements, then the rest.
func (p *partial) Fold(f traits.Folder) { types.ToFoldableList(p.Lister).Fold(f) }
