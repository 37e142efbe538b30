package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"tieout/audit"
)

// policy is the checks in Rego. An input without a field makes a body
// undefined, neither yes nor no, and so an answer of no evidence.
func (s *set) policy() string {
	var b strings.Builder
	b.WriteString("package checks\n\n")
	rule := func(name, bodies string) {
		for body := range strings.SplitSeq(bodies, "|") {
			fmt.Fprintf(&b, "%s if { %s }\n", name, strings.ReplaceAll(body, "CUT", cutText))
		}
	}
	for i, q := range s.wheres {
		rule(fmt.Sprintf("w%d_yes", i), q.yes)
		rule(fmt.Sprintf("w%d_no", i), q.no)
	}
	for i, q := range s.holds {
		rule(fmt.Sprintf("h%d_yes", i), q.yes)
		rule(fmt.Sprintf("h%d_no", i), q.no)
	}
	for i := range s.checks {
		w, h := i/len(s.holds), i%len(s.holds)
		fmt.Fprintf(&b, "default c%d := \"no evidence\"\nc%d := \"not applicable\" if w%d_no\nc%d := \"operated\" if { w%d_yes; h%d_yes }\nc%d := \"deviation\" if { w%d_yes; h%d_no }\n",
			i, i, w, i, w, h, i, w, h)
	}
	b.WriteString("all := {")
	for i := range s.checks {
		fmt.Fprintf(&b, "\"c%d\": c%d, ", i, i)
	}
	b.WriteString("}\n")
	return b.String()
}

// askOPA asks in the three ways a program embeds OPA and takes the cheapest: a
// prepared query a check, with and without partial evaluation beforehand, and
// one prepared query for all checks. An account becomes OPA's value once.
func askOPA(ctx context.Context, _ *bench, tl *audit.Timeline, want *answers, items int) (cost, error) {
	var best cost
	for _, how := range []struct {
		queries []string
		partial bool
	}{{want.eachCheck(), true}, {want.eachCheck(), false}, {[]string{"data.checks.all"}, false}} {
		c, err := askRego(ctx, tl, want, items, how.queries, how.partial)
		if err != nil {
			return cost{}, err
		}
		if best.cpu == 0 || c.cpu < best.cpu {
			best = c
		}
	}
	return best, nil
}

func (s *set) eachCheck() (out []string) {
	for i := range s.checks {
		out = append(out, fmt.Sprintf("data.checks.c%d", i))
	}
	return out
}

func askRego(ctx context.Context, tl *audit.Timeline, want *answers, items int, queries []string, partial bool) (cost, error) {
	var prepared []rego.PreparedEvalQuery
	var opts []rego.PrepareOption
	if partial {
		opts = append(opts, rego.WithPartialEval())
	}
	for _, q := range queries {
		p, err := rego.New(rego.Query(q), rego.Module("checks.rego", want.policy())).PrepareForEval(ctx, opts...)
		if err != nil {
			return cost{}, err
		}
		prepared = append(prepared, p)
	}
	got := want.newAnswers(items)
	c, err := measure(func() error {
		for i := range items {
			input, err := ast.ValueFromReader(strings.NewReader(string(tl.Histories[i].Versions[0].Body)))
			if err != nil {
				return err
			}
			if err := evalAll(ctx, prepared, input, got.of(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return c, err
	}
	return c, want.same(got, items)
}

func evalAll(ctx context.Context, prepared []rego.PreparedEvalQuery, input ast.Value, out []audit.Outcome) error {
	for k, q := range prepared {
		rs, err := q.Eval(ctx, rego.EvalParsedInput(input))
		if err != nil {
			return err
		}
		if len(rs) != 1 {
			return fmt.Errorf("%d results of query %d", len(rs), k)
		}
		switch v := rs[0].Expressions[0].Value.(type) {
		case string:
			err = out[k].UnmarshalText([]byte(v))
		case map[string]any:
			err = fromMap(v, out)
		default:
			err = fmt.Errorf("a result of type %T", v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func fromMap(m map[string]any, out []audit.Outcome) error {
	for i := range out {
		s, _ := m[fmt.Sprintf("c%d", i)].(string)
		if err := out[i].UnmarshalText([]byte(s)); err != nil {
			return err
		}
	}
	return nil
}
