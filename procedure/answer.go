package procedure

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"tieout/audit"
)

// A tri is a truth value; its zero value is not known.
type tri uint8

const (
	unsure tri = iota
	no
	yes
)

// An answer is what an expression said: where it is unsure, the outcome that
// follows (no evidence, pending, or what `empty` states) and why.
type answer struct {
	tri   tri
	out   audit.Outcome
	why   string
	cause string // what the gap is, the same for all it hides; "": what why says
}

// gap is what an answer without evidence is counted under.
func (a *answer) gap() string { return cmp.Or(a.cause, a.why) }

// classify reads an expression's value. What was not collected outweighs what
// is pending, and that outweighs what was stated of an empty list.
func classify(v ref.Val) answer {
	switch t := v.(type) {
	case types.Bool:
		if t {
			return answer{tri: yes}
		}
		return answer{tri: no}
	case *types.Unknown:
		return classifyUnknown(t)
	}
	return answer{why: fmt.Sprintf("the answer is %v", v)}
}

func classifyUnknown(u *types.Unknown) answer {
	var missing, causes, stated []string
	pending, worst := "", audit.NotApplicable
	for _, r := range reasons(u) {
		switch rest, ok := strings.CutPrefix(r, markEmpty); {
		case r == markPending:
			pending = "the deadline has not passed"
		case r == markTail:
			pending = cmp.Or(pending, outstanding)
		case ok:
			worst = Worse(worst, audit.Outcome(rest[0]-'0'))
			stated = append(stated, rest[1:])
		default:
			why, cause, _ := strings.Cut(r, markCause)
			missing, causes = append(missing, why), append(causes, cmp.Or(cause, why))
		}
	}
	switch {
	case len(missing) > 0:
		return answer{out: audit.NoEvidence, why: few(missing), cause: few(causes)}
	case pending != "":
		return answer{out: audit.Pending, why: pending}
	}
	return answer{out: worst, why: strings.Join(unique(stated), "; ")}
}

// few joins reasons; of many it names three.
func few(reasons []string) string {
	reasons = unique(reasons)
	if n := len(reasons); n > 4 {
		reasons = append(slices.Clone(reasons[:3]), fmt.Sprintf("and %d other reasons", n-3))
	}
	return strings.Join(reasons, "; ")
}

// outstanding is why an answer is pending that hangs on the newest part of a
// history, which the next collection brings.
const outstanding = "what it hangs on is not collected yet"

// severity orders outcomes for "the worst of": findings first, because what
// was seen stays seen whatever else is not known.
var severity = [audit.NumOutcomes]int{
	audit.Deviated: 6, audit.Late: 5, audit.NoEvidence: 4, audit.Pending: 3,
	audit.Operated: 2, audit.NoOccurrence: 1, audit.NotApplicable: 0,
}

// Worse returns the worse of two outcomes of one item, as an item with several
// results is counted.
func Worse(a, b audit.Outcome) audit.Outcome {
	if severity[b] > severity[a] {
		return b
	}
	return a
}

// combine gives the outcome of one state: outside the population, or what
// holds says. An item that may be outside is no evidence, whatever holds says.
func combine(where, holds answer) answer {
	switch {
	case where.tri == no:
		return answer{out: audit.NotApplicable}
	case where.tri == unsure:
		return answer{out: audit.NoEvidence, why: where.why}
	case holds.tri == yes:
		return answer{out: audit.Operated}
	case holds.tri == no:
		return answer{out: audit.Deviated}
	}
	return holds
}

// An activation gives an expression its values. For one goroutine.
type activation struct {
	ctx   context.Context // of the run: stops an expression over nested lists
	binds map[string]binding
	item  *row
	cand  *row
	joins []joined
	from  int64 // start of what is tested: joined events need no coverage before it
	clock *clock
}

// ResolveName finds the value of one name.
func (a *activation) ResolveName(name string) (any, bool) {
	b, ok := a.binds[name]
	if !ok {
		return nil, false
	}
	switch b.kind {
	case bindItem:
		return a.item.get(b.slot), true
	case bindCandidate:
		return a.cand.get(b.slot), true
	case bindJoin:
		return a.joins[b.join].single.get(b.slot), true
	case bindList:
		return a.joins[b.join].list, true
	case bindClock:
		return a.clock, true
	}
	return b.val, true
}

// Parent is none.
func (a *activation) Parent() interpreter.Activation { return nil }

// ask evaluates p with the activation's values; nil asks nothing and is true.
func (a *activation) ask(p *program) (answer, error) {
	if p == nil {
		return answer{tri: yes}, nil
	}
	a.binds = p.binds
	v, err := p.eval(a.ctx, a)
	if err != nil {
		return answer{}, err
	}
	return classify(v), nil
}
