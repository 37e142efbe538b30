package procedure

import (
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"tieout/audit"
)

// enumerations refuses comparisons of a field with a text it never has.
func (c *checker) enumerations(tree *ast.AST) {
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		call := e.AsCall()
		switch call.FunctionName() {
		case operators.Equals, operators.NotEquals:
			c.possible(tree, call.Args()[0], call.Args()[1:])
			c.possible(tree, call.Args()[1], call.Args()[:1])
		case operators.In:
			if call.Args()[1].Kind() == ast.ListKind {
				c.possible(tree, call.Args()[0], call.Args()[1].AsList().Elements())
			}
		}
	}))
}

func (c *checker) possible(tree *ast.AST, field ast.Expr, values []ast.Expr) {
	f := c.fieldOf(tree, field)
	if f == nil || f.Kind != audit.String {
		return
	}
	for _, v := range values {
		if v.Kind() != ast.LiteralKind {
			continue
		}
		if s, ok := v.AsLiteral().Value().(string); ok {
			if why := enumFault(f, s); why != "" {
				c.failf(v, "%s", why)
			}
		}
	}
}

// fieldOf is the field that an expression names, or nil.
func (c *checker) fieldOf(tree *ast.AST, e ast.Expr) *audit.Field {
	if head, rest, ok := strings.Cut(pathOf(e), "."); ok && c.items[head] != nil {
		if slot, ok := c.items[head].index[rest]; ok {
			return c.items[head].fields[slot]
		}
	}
	if e.Kind() != ast.SelectKind {
		return nil
	}
	l, group := splitObject(tree.GetType(e.AsSelect().Operand().ID()).TypeName())
	if l == nil {
		return nil
	}
	if slot, ok := l.groups[group][e.AsSelect().FieldName()]; ok && slot >= 0 {
		return l.fields[slot]
	}
	return nil
}
