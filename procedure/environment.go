package procedure

import (
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/parser"

	"tieout/audit"
)

// Hidden names of expressions. People cannot write an @.
const (
	clockName  = "@clock"
	fnWithin   = "@within"
	fnPast     = "@past"
	fnDeadline = "@noLaterThan"
	fnIsEmpty  = "@isEmpty"
	emptyName  = "@empty:" // followed by the list's name in `empty`
)

const typePrefix = "item." // of the CEL types of items, so that no variable can shadow one

var objectTypes = sync.OnceValue(func() map[string]*types.Type {
	m := map[string]*types.Type{}
	for name, l := range layouts() {
		for group := range l.groups {
			full := objectName(name, group)
			m[full] = types.NewObjectType(full)
		}
	}
	return m
})

func objectName(item, group string) string {
	if group == "" {
		return typePrefix + item
	}
	return typePrefix + item + "." + group
}

func objectType(item string) *types.Type { return objectTypes()[objectName(item, "")] }

// fieldType is the CEL type of a field.
func fieldType(k audit.FieldKind) *types.Type {
	switch k {
	case audit.Bool:
		return types.BoolType
	case audit.Int:
		return types.IntType
	case audit.String:
		return types.StringType
	case audit.Time:
		return types.TimestampType
	}
	return types.NewListType(types.StringType)
}

// A provider tells CEL the item types: an item and each group of its fields
// is an object type whose value is a *row.
type provider struct{ *types.Registry }

// FindStructType finds an item type or a group of its fields.
func (p provider) FindStructType(name string) (*types.Type, bool) {
	t, ok := objectTypes()[name]
	if !ok {
		return nil, false
	}
	return types.NewTypeTypeWithParam(t), true
}

// FindStructFieldNames lists what an item type or group has.
func (p provider) FindStructFieldNames(name string) ([]string, bool) {
	l, group := splitObject(name)
	if l == nil {
		return nil, false
	}
	var out []string
	for k := range l.groups[group] {
		out = append(out, k)
	}
	return out, true
}

// FindStructFieldType finds one field.
func (p provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	l, group := splitObject(name)
	if l == nil {
		return nil, false
	}
	slot, ok := l.groups[group][field]
	if !ok {
		return nil, false
	}
	if slot < 0 {
		return groupField(objectTypes()[name+"."+field]), true
	}
	return &types.FieldType{
		Type:  fieldType(l.kinds[slot]),
		IsSet: func(any) bool { return true },
		GetFrom: func(obj any) (any, error) {
			if r, ok := obj.(*row); ok {
				return r.get(slot), nil
			}
			return unknownObject(obj)
		},
	}, true
}

// groupField: a group of an item's fields is the item itself under another type.
func groupField(t *types.Type) *types.FieldType {
	return &types.FieldType{
		Type:    t,
		IsSet:   func(any) bool { return true },
		GetFrom: func(obj any) (any, error) { return obj, nil },
	}
}

func unknownObject(obj any) (any, error) {
	if u, ok := obj.(*types.Unknown); ok {
		return u, nil
	}
	return nil, fmt.Errorf("%T has no fields", obj)
}

func splitObject(name string) (*layout, string) {
	rest, ok := strings.CutPrefix(name, typePrefix)
	if !ok {
		return nil, ""
	}
	item, group, _ := strings.Cut(rest, ".")
	return layouts()[item], group
}

// baseEnv is what all procedures share: functions and types.
var baseEnv = sync.OnceValues(func() (*cel.Env, error) {
	reg, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	return cel.NewCustomEnv(
		cel.StdLib(), cel.ClearMacros(),
		cel.ParserRecursionLimit(48), cel.ParserExpressionSizeLimit(8000),
		cel.CustomTypeProvider(provider{reg}),
		cel.Variable(clockName, clockType),
		cel.Function("never", cel.Overload("never_time", []*cel.Type{cel.TimestampType}, cel.BoolType,
			cel.UnaryBinding(func(t ref.Val) ref.Val { return types.Bool(micros(t.(types.Timestamp).Time) == never) }))),
		cel.Function(fnWithin, cel.Overload("within_time", []*cel.Type{cel.TimestampType, cel.IntType, clockType}, cel.BoolType,
			cel.FunctionBinding(func(a ...ref.Val) ref.Val {
				return types.Bool(a[2].(*clock).within(timeOf(a[0]), length(a[1].(types.Int))))
			}))),
		cel.Function(fnPast, cel.Overload("past_time", []*cel.Type{cel.TimestampType, clockType}, cel.BoolType,
			cel.BinaryBinding(func(t, c ref.Val) ref.Val { return types.Bool(c.(*clock).past(timeOf(t))) }))),
		cel.Function(fnDeadline, cel.Overload("deadline_time", []*cel.Type{cel.TimestampType, cel.TimestampType, cel.IntType, clockType}, cel.BoolType,
			cel.FunctionBinding(func(a ...ref.Val) ref.Val {
				return a[3].(*clock).noLaterThan(timeOf(a[0]), timeOf(a[1]), length(a[2].(types.Int)))
			}))),
		cel.Function(fnIsEmpty, cel.Overload("is_empty_list", []*cel.Type{cel.DynType}, cel.BoolType,
			cel.UnaryBinding(isEmpty))),
	)
})

func timeOf(v ref.Val) int64 { return micros(v.(types.Timestamp).Time) }

// isEmpty is unknown of a list none of whose elements is known.
func isEmpty(v ref.Val) ref.Val {
	if p, ok := v.(*partial); ok {
		if len(p.known) == 0 {
			return p.rest
		}
		return types.False
	}
	return types.Bool(v.(traits.Sizer).Size() == types.IntZero)
}

// macros are the words of expressions that take them apart before typing.
func (s *scope) macros() []cel.Macro {
	return []cel.Macro{
		cel.ReceiverMacro("all", 2, s.expandAll),
		cel.ReceiverMacro("exists", 2, parser.MakeExists),
		cel.ReceiverMacro("exists_one", 2, parser.MakeExistsOne),
		cel.ReceiverMacro("filter", 2, parser.MakeFilter),
		cel.ReceiverMacro("map", 2, parser.MakeMap),
		cel.GlobalMacro("within", 2, s.expandWithin),
		cel.GlobalMacro("olderThan", 2, s.expandOlder),
		cel.GlobalMacro("past", 1, func(eh parser.ExprHelper, _ ast.Expr, a []ast.Expr) (ast.Expr, *common.Error) {
			return eh.NewCall(fnPast, a[0], eh.NewIdent(clockName)), nil
		}),
		cel.GlobalMacro("noLaterThan", 3, func(eh parser.ExprHelper, _ ast.Expr, a []ast.Expr) (ast.Expr, *common.Error) {
			l, err := s.lengthArg(eh, a[2])
			if err != nil {
				return nil, err
			}
			return eh.NewCall(fnDeadline, a[0], a[1], l, eh.NewIdent(clockName)), nil
		}),
	}
}

func (s *scope) expandWithin(eh parser.ExprHelper, _ ast.Expr, a []ast.Expr) (ast.Expr, *common.Error) {
	l, err := s.lengthArg(eh, a[1])
	if err != nil {
		return nil, err
	}
	return eh.NewCall(fnWithin, a[0], l, eh.NewIdent(clockName)), nil
}

// expandOlder: older is exactly not within, so that what never happened is old.
func (s *scope) expandOlder(eh parser.ExprHelper, t ast.Expr, a []ast.Expr) (ast.Expr, *common.Error) {
	e, err := s.expandWithin(eh, t, a)
	if err != nil {
		return nil, err
	}
	return eh.NewCall(operators.LogicalNot, e), nil
}

// lengthArg reads a duration: "30d" or params.NAME.
func (s *scope) lengthArg(eh parser.ExprHelper, e ast.Expr) (ast.Expr, *common.Error) {
	var word string
	switch e.Kind() {
	case ast.LiteralKind:
		word, _ = e.AsLiteral().Value().(string)
	case ast.SelectKind:
		name := strings.TrimPrefix(pathOf(e), "params.")
		p, ok := s.params[name]
		if !ok || !p.isLength() {
			return nil, eh.NewError(e.ID(), fmt.Sprintf("params.%s is not a duration of parameters:", name))
		}
		word = p.value.(string)
	}
	l, err := parseLength(word)
	if err != nil {
		return nil, eh.NewError(e.ID(), `want a duration such as "30d", "26h" or "1bd", or a parameter that is one`)
	}
	return eh.NewLiteral(types.Int(l)), nil
}

// expandAll makes all() over an empty list answer what `empty` states.
func (s *scope) expandAll(eh parser.ExprHelper, target ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
	all, err := parser.MakeAll(eh, target, args)
	if err != nil || target.Kind() == ast.ListKind && target.AsList().Size() > 0 {
		return all, err
	}
	root := target
	for root.Kind() == ast.ComprehensionKind {
		root = root.AsComprehension().IterRange()
	}
	key, ok := s.statedFor(pathOf(root))
	if !ok {
		return nil, eh.NewError(target.ID(), fmt.Sprintf("all() over an empty list is true; say what it means where %[1]s is empty, "+
			"such as `empty: { %[1]s: deviation }`", orList(pathOf(root))))
	}
	return eh.NewCall(operators.Conditional, eh.NewCall(fnIsEmpty, eh.Copy(target)), eh.NewIdent(emptyName+key), all), nil
}

func orList(path string) string {
	if path == "" {
		return "the list"
	}
	return path
}

// statedFor finds the entry of `empty` for a list as an expression writes it.
// A list of a quantifier's variable (a.factors) may be named by its item
// (accounts.factors). An empty join is no evidence unless an entry says more.
func (s *scope) statedFor(path string) (string, bool) {
	if _, ok := s.empty[path]; ok {
		return path, true
	}
	if _, ok := s.lists[path]; ok {
		return path, true
	}
	head, tail, ok := strings.Cut(path, ".")
	if !ok || s.items[head] != nil || head == "params" {
		return "", false
	}
	for _, k := range sortedKeys(s.empty) {
		if _, t, ok := strings.Cut(k, "."); ok && t == tail {
			return k, true
		}
	}
	return "", false
}

// pathOf writes a chain of selects as a dotted path; "" where e is none.
func pathOf(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent()
	case ast.SelectKind:
		if e.AsSelect().IsTestOnly() {
			return ""
		}
		if base := pathOf(e.AsSelect().Operand()); base != "" {
			return base + "." + e.AsSelect().FieldName()
		}
	}
	return ""
}
