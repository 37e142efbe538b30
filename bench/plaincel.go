package main

import (
	"fmt"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"tieout/audit"
)

// plainCEL evaluates checks with cel-go alone, bound to a decoded account field
// by field: no versions, no memory of earlier answers, no reasons.
type plainCEL struct {
	*set
	whom, what []cel.Program // of wheres and holds
	at         fields
}

var fieldTypes = map[string]*cel.Type{
	"admin": cel.BoolType, "sso": cel.BoolType, "mfa.enforced": cel.BoolType, "mfa.enrolled": cel.BoolType,
	"createdAt": cel.TimestampType, "disabledAt": cel.TimestampType, "passwordChangedAt": cel.TimestampType,
	"email": cel.StringType, "kind": cel.StringType, "login": cel.StringType, "status": cel.StringType, "system": cel.StringType,
	"mfa.factors": cel.ListType(cel.StringType),
}

func (s *set) plainCEL() (*plainCEL, error) {
	opts := []cel.EnvOption{cel.Variable("never", cel.TimestampType), cel.Variable("cut", cel.TimestampType)}
	for name, t := range fieldTypes {
		opts = append(opts, cel.Variable("account."+name, t))
	}
	env, err := cel.NewEnv(opts...)
	if err != nil {
		return nil, err
	}
	p := &plainCEL{set: s}
	if p.whom, err = programs(env, s.wheres); err != nil {
		return nil, err
	}
	p.what, err = programs(env, s.holds)
	return p, err
}

func programs(env *cel.Env, qs []question) (out []cel.Program, err error) {
	for i := range qs {
		ast, iss := env.Compile(qs[i].inPlainCEL())
		if iss.Err() != nil {
			return nil, iss.Err()
		}
		prog, err := env.Program(ast)
		if err != nil {
			return nil, err
		}
		out = append(out, prog)
	}
	return out, nil
}

// outcomes answers every check about a body at an instant into out.
func (p *plainCEL) outcomes(body []byte, at time.Time, out []audit.Outcome) error {
	if err := p.at.decode(body); err != nil {
		return err
	}
	p.at.cut = types.Timestamp{Time: at.Add(-150 * 24 * time.Hour)}
	for i := range p.checks {
		where, err := p.ask(p.whom[i/len(p.what)])
		if err != nil {
			return err
		}
		if where == no {
			out[i] = audit.NotApplicable
			continue
		}
		hold, err := p.ask(p.what[i%len(p.what)])
		if err != nil {
			return err
		}
		out[i] = outcome(where, hold)
	}
	return nil
}

func (p *plainCEL) ask(prog cel.Program) (tri, error) {
	v, _, err := prog.Eval(&p.at)
	if err != nil {
		return unknown, err
	}
	switch v := v.(type) {
	case types.Bool:
		return is(true, bool(v)), nil
	case *types.Unknown:
		return unknown, nil
	}
	return unknown, fmt.Errorf("an answer of type %T", v)
}

// outcome is what two answers come to.
func outcome(where, holds tri) audit.Outcome {
	switch {
	case where == no:
		return audit.NotApplicable
	case where == unknown || holds == unknown:
		return audit.NoEvidence
	case holds == yes:
		return audit.Operated
	}
	return audit.Deviated
}

// fields lets cel-go read an account: it is a cel.Activation.
type fields struct {
	account
	cut types.Timestamp
}

var (
	notCollected = types.NewUnknown(1, nil)
	neverValue   = types.Timestamp{Time: audit.Never}
)

// Parent implements cel.Activation.
func (f *fields) Parent() cel.Activation { return nil }

// ResolveName implements cel.Activation.
func (f *fields) ResolveName(name string) (any, bool) {
	switch name {
	case "never":
		return neverValue, true
	case "cut":
		return f.cut, true
	case "account.admin":
		return f.flag(hasAdmin, f.admin), true
	case "account.sso":
		return f.flag(hasSSO, f.sso), true
	case "account.mfa.enforced":
		return f.flag(hasEnforced, f.enforced), true
	case "account.mfa.enrolled":
		return f.flag(hasEnrolled, f.enrolled), true
	case "account.createdAt":
		return f.instant(hasCreated, f.created), true
	case "account.disabledAt":
		return f.instant(hasDisabled, f.disabled), true
	case "account.passwordChangedAt":
		return f.instant(hasPassword, f.password), true
	case "account.mfa.factors":
		return f.list(), true
	case "account.email":
		return text(f.email), true
	case "account.kind":
		return text(f.kind), true
	case "account.login":
		return text(f.login), true
	case "account.status":
		return text(f.status), true
	case "account.system":
		return text(f.system), true
	}
	return nil, false
}

func (f *fields) flag(bit uint16, b bool) ref.Val {
	if f.has&bit == 0 {
		return notCollected
	}
	return types.Bool(b)
}

func (f *fields) instant(bit uint16, us int64) ref.Val {
	if f.has&bit == 0 {
		return notCollected
	}
	return types.Timestamp{Time: time.UnixMicro(us).UTC()}
}

func (f *fields) list() ref.Val {
	if f.has&hasFactors == 0 {
		return notCollected
	}
	out := make([]string, len(f.factors))
	for i, x := range f.factors {
		out[i] = string(x)
	}
	return types.NewStringList(types.DefaultTypeAdapter, out)
}

func text(b []byte) ref.Val {
	if b == nil {
		return notCollected
	}
	return types.String(b)
}
