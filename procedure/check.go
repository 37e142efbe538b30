package procedure

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"go.yaml.in/yaml/v4"

	"tieout/audit"
)

// maxNesting is how deeply quantifiers may be nested: it bounds the cost of an
// expression by the product of that many lists.
const maxNesting = 3

// A checker walks a parsed expression before CEL types it: names, allowed
// operations, answers that can never change.
type checker struct {
	*scope
	doc  *document
	node *yaml.Node
	what string
	src  string
	info *ast.SourceInfo
	prog *program
}

// refused says why a word that CEL has does not exist here.
var refused = map[string]string{
	"has":           "a field that was not collected is unknown and must stay so",
	"dyn":           "every value has its type",
	"type":          "every value has its type",
	operators.Index: "an element that is not there would stop the run; use exists, all, filter or map",
}

// allowed are the functions of expressions. + stands in here for the lists
// that filter and map build; it is refused elsewhere.
var allowed = map[string]bool{
	operators.Equals: true, operators.NotEquals: true, operators.Less: true, operators.LessEquals: true,
	operators.Greater: true, operators.GreaterEquals: true, operators.LogicalAnd: true, operators.LogicalOr: true,
	operators.LogicalNot: true, operators.Conditional: true, operators.In: true, operators.NotStrictlyFalse: true,
	"size": true, "startsWith": true, "endsWith": true, "contains": true, "matches": true, "never": true,
	fnWithin: true, fnPast: true, fnDeadline: true, fnIsEmpty: true,
}

func (c *checker) failf(e ast.Expr, format string, args ...any) {
	for e.Kind() == ast.SelectKind {
		e = e.AsSelect().Operand() // where the chain begins
	}
	loc := c.info.GetStartLocation(e.ID())
	line, column := max(loc.Line(), 1), max(loc.Column(), 0)
	line, column = c.doc.within(c.node, line, column)
	c.doc.failAt(line, column, "%s: %s", c.what, fmt.Sprintf(format, args...))
}

// visit checks e; vars are the quantifiers' variables around it.
func (c *checker) visit(e ast.Expr, vars []string, depth int) {
	switch e.Kind() {
	case ast.IdentKind, ast.SelectKind:
		c.name(e, vars, depth)
	case ast.CallKind:
		c.call(e, vars, depth)
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			c.visit(x, vars, depth)
		}
	case ast.ComprehensionKind:
		c.comprehension(e, vars, depth)
	case ast.LiteralKind:
		if e.AsLiteral() == types.NullValue {
			c.failf(e, "there is no null: what was not collected is unknown, what is known to be absent is never, \"\" or an empty list")
		}
		if e.AsLiteral().Type() == types.DoubleType {
			c.failf(e, "there are no fractions; numbers are integers")
		}
	default:
		c.failf(e, "maps and objects cannot be written in expressions")
	}
}

func (c *checker) comprehension(e ast.Expr, vars []string, depth int) {
	f := e.AsComprehension()
	c.visit(f.IterRange(), vars, depth)
	v := f.IterVar()
	if c.items[v] != nil || c.lists[v] != nil || v == "params" {
		c.failf(e, "%q is the name of something else; choose another variable", v)
		return
	}
	if depth >= maxNesting {
		c.failf(e, "lists are nested deeper than %d; ask less at once", maxNesting)
		return
	}
	c.prog.nested = c.prog.nested || depth > 0
	inner := append(slices.Clone(vars), v, f.AccuVar())
	for _, x := range []ast.Expr{f.AccuInit(), f.LoopCondition(), f.LoopStep(), f.Result()} {
		c.visit(x, inner, depth+1)
	}
}

func (c *checker) call(e ast.Expr, vars []string, depth int) {
	call := e.AsCall()
	fn := call.FunctionName()
	switch {
	case refused[fn] != "":
		c.failf(e, "there is no %s in procedures: %s", strings.Trim(fn, "_"), refused[fn])
		return
	case fn == operators.Add && isAccu(call.Args()[0], vars):
	case !allowed[fn]:
		c.failf(e, "there is no %s in procedures; see docs/formats/procedures.md for what there is", strings.Trim(fn, "_@"))
		return
	}
	if fn == fnWithin || fn == fnPast || fn == fnDeadline {
		c.prog.clock = true
	}
	if fn == "matches" {
		c.pattern(call)
	}
	c.constant(e)
	if call.IsMemberFunction() {
		c.visit(call.Target(), vars, depth)
	}
	for _, a := range call.Args() {
		c.visit(a, vars, depth)
	}
}

func isAccu(e ast.Expr, vars []string) bool {
	return e.Kind() == ast.IdentKind && slices.Contains(vars, e.AsIdent()) && strings.ContainsAny(e.AsIdent(), "@_")
}

func (c *checker) pattern(call ast.CallExpr) {
	p := call.Args()[len(call.Args())-1]
	if p.Kind() != ast.LiteralKind {
		c.failf(p, "matches wants its pattern written out")
		return
	}
	s, _ := p.AsLiteral().Value().(string)
	if _, err := regexp.Compile(s); err != nil {
		c.failf(p, "pattern %q: %v", s, err)
	}
}

// constant refuses questions whose answer the form alone decides.
func (c *checker) constant(e ast.Expr) {
	call := e.AsCall()
	switch fn := call.FunctionName(); fn {
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		if shape(call.Args()[0]) == shape(call.Args()[1]) {
			c.failf(e, "both sides are the same, so the answer is always the same")
		}
	case operators.LogicalAnd, operators.LogicalOr:
		seen := map[string]bool{}
		for _, x := range operands(e, fn) {
			seen[shape(x)] = true
		}
		for p := range seen {
			if seen["(!_ "+p+")"] {
				c.failf(e, "it joins a question with its own opposite, so the answer is always the same")
				return
			}
		}
		for _, x := range operands(e, fn) {
			if x.Kind() == ast.LiteralKind {
				c.failf(x, "%v is no question", x.AsLiteral().Value())
			}
		}
	}
}

// operands flattens a chain of the same logical operator.
func operands(e ast.Expr, fn string) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != fn {
		return []ast.Expr{e}
	}
	var out []ast.Expr
	for _, a := range e.AsCall().Args() {
		out = append(out, operands(a, fn)...)
	}
	return out
}

// shape writes an expression so that the same text means the same question.
func shape(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent()
	case ast.SelectKind:
		return shape(e.AsSelect().Operand()) + "." + e.AsSelect().FieldName()
	case ast.LiteralKind:
		return fmt.Sprintf("%T:%v", e.AsLiteral(), e.AsLiteral().Value())
	case ast.CallKind:
		parts := []string{e.AsCall().FunctionName()}
		if e.AsCall().IsMemberFunction() {
			parts = append(parts, shape(e.AsCall().Target()))
		}
		for _, a := range e.AsCall().Args() {
			parts = append(parts, shape(a))
		}
		return "(" + strings.Join(parts, " ") + ")"
	case ast.ListKind:
		var parts []string
		for _, x := range e.AsList().Elements() {
			parts = append(parts, shape(x))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprintf("#%d", e.ID())
}

// name checks a variable or a chain of selects and notes what it reads.
func (c *checker) name(e ast.Expr, vars []string, depth int) {
	path := pathOf(e)
	if path == "" {
		if e.AsSelect().IsTestOnly() {
			c.failf(e, "there is no has in procedures: %s", refused["has"])
			return
		}
		c.visit(e.AsSelect().Operand(), vars, depth)
		return
	}
	root, rest, _ := strings.Cut(path, ".")
	switch {
	case slices.Contains(vars, root) || strings.HasPrefix(root, "@"):
	case root == "params":
		if _, ok := c.params[rest]; !ok {
			c.failf(e, "parameters: has no %q%s", rest, meant(rest, sortedKeys(c.params)))
		}
	case c.items[root] != nil:
		c.field(e, root, rest)
	case c.lists[root] != nil:
		if rest != "" {
			c.failf(e, "%s is a list; use %[1]s.exists(x, x.%s ...) or all, filter, map", root, rest)
			return
		}
		c.prog.lists = append(c.prog.lists, root)
	default:
		known := append(sortedKeys(c.items), sortedKeys(c.lists)...)
		c.failf(e, "there is no %q here%s; there is %s", root, meant(root, known), strings.Join(append(known, "params"), ", "))
	}
}

func (c *checker) field(e ast.Expr, root, name string) {
	l := c.items[root]
	slot, ok := l.index[name]
	if ok && l.kinds[slot] != audit.Records {
		c.prog.reads[root] |= 1 << slot
		return
	}
	if l.groups[name] != nil {
		c.failf(e, "%s.%s is a group of fields: %s", root, name, strings.Join(sortedKeys(l.groups[name]), ", "))
		return
	}
	near := meant(name, l.names)
	if near == "" {
		near = "; it has " + strings.Join(l.names, ", ")
	}
	c.failf(e, "%s has no field %q%s", root, name, near)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
