package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"tieout/procedure"
)

// A question is one condition on an account in every language it is asked in.
// They are written by hand side by side: each is what someone at home in that
// language would write. All are three-valued: what was not collected is neither
// yes nor no.
type question struct {
	cel   string // as a procedure writes it
	plain string // as CEL without our words writes it, where that differs
	yes   string // Rego: bodies that make it true, joined by |
	no    string // Rego: bodies that make it false, joined by |
	sql   string
	goes  func(a *account, cut int64) tri
	holds string // fields, as YAML, of an example in which it is true
	fails string // and in which it is false
}

// tri is yes, no or unknown in hand-written Go.
type tri uint8

const (
	unknown tri = iota
	no
	yes
)

func is(known, b bool) tri {
	switch {
	case !known:
		return unknown
	case b:
		return yes
	}
	return no
}

// or and not are Kleene's.
func or(a, b tri) tri {
	switch {
	case a == yes || b == yes:
		return yes
	case a == unknown || b == unknown:
		return unknown
	}
	return no
}

func and(a, b tri) tri { return not(or(not(a), not(b))) }

func not(a tri) tri {
	switch a {
	case yes:
		return no
	case no:
		return yes
	}
	return unknown
}

// rotation is how old a password may be: 150 days.
const rotation = 150 * 24 * 3600 * 1e6 // microseconds

// wheres say whom a check is about, holds what has to be true of them. CUT
// stands for the instant 150 days back.
var (
	wheres = []question{
		{
			cel: `account.kind == "human" && account.status == "active"`,
			yes: `input.kind == "human"; input.status == "active"`, no: `input.kind != "human"|input.status != "active"`,
			sql: `kind = 'human' and status = 'active'`,
			goes: func(a *account, _ int64) tri {
				return and(is(a.kind != nil, string(a.kind) == "human"), is(a.status != nil, string(a.status) == "active"))
			},
			holds: "kind: human, status: active",
		},
		{
			cel: `account.status == "active"`,
			yes: `input.status == "active"`, no: `input.status != "active"`,
			sql:   `status = 'active'`,
			goes:  func(a *account, _ int64) tri { return is(a.status != nil, string(a.status) == "active") },
			holds: "status: active",
		},
		{
			cel: `account.admin`,
			yes: `input.admin == true`, no: `input.admin == false`,
			sql:   `admin`,
			goes:  func(a *account, _ int64) tri { return is(a.has&hasAdmin != 0, a.admin) },
			holds: "admin: true",
		},
		{
			cel: `account.kind != "guest"`,
			yes: `input.kind != "guest"`, no: `input.kind == "guest"`,
			sql:   `kind <> 'guest'`,
			goes:  func(a *account, _ int64) tri { return is(a.kind != nil, string(a.kind) != "guest") },
			holds: "kind: service",
		},
		{
			cel: `account.system in ["okta", "aws"]`,
			yes: `input.system in {"okta", "aws"}`, no: `not input.system in {"okta", "aws"}; is_string(input.system)`,
			sql: `system in ('okta', 'aws')`,
			goes: func(a *account, _ int64) tri {
				return is(a.system != nil, string(a.system) == "okta" || string(a.system) == "aws")
			},
			holds: "system: okta",
		},
	}
	holds = []question{
		{
			cel: `account.mfa.enforced`,
			yes: `input.mfa.enforced == true`, no: `input.mfa.enforced == false`,
			sql:   `enforced`,
			goes:  func(a *account, _ int64) tri { return is(a.has&hasEnforced != 0, a.enforced) },
			holds: "mfa: { enforced: true }", fails: "mfa: { enforced: false }",
		},
		{
			cel: `account.mfa.enrolled`,
			yes: `input.mfa.enrolled == true`, no: `input.mfa.enrolled == false`,
			sql:   `enrolled`,
			goes:  func(a *account, _ int64) tri { return is(a.has&hasEnrolled != 0, a.enrolled) },
			holds: "mfa: { enrolled: true }", fails: "mfa: { enrolled: false }",
		},
		{
			cel: `account.sso || account.mfa.enforced`,
			yes: `input.sso == true|input.mfa.enforced == true`, no: `input.sso == false; input.mfa.enforced == false`,
			sql: `sso or enforced`,
			goes: func(a *account, _ int64) tri {
				return or(is(a.has&hasSSO != 0, a.sso), is(a.has&hasEnforced != 0, a.enforced))
			},
			holds: "sso: true", fails: "sso: false, mfa: { enforced: false }",
		},
		{
			cel: `never(account.disabledAt)`, plain: `account.disabledAt == never`,
			yes: `input.disabledAt == "never"`, no: `input.disabledAt != "never"`,
			sql:   `disabled_at = 'infinity'`,
			goes:  func(a *account, _ int64) tri { return is(a.has&hasDisabled != 0, a.disabled == never) },
			holds: "disabledAt: never", fails: `disabledAt: "-10d"`,
		},
		{
			cel: `account.email.endsWith("@example.com")`,
			yes: `endswith(input.email, "@example.com")`, no: `not endswith(input.email, "@example.com"); is_string(input.email)`,
			sql: `email like '%@example.com'`,
			goes: func(a *account, _ int64) tri {
				return is(a.email != nil, bytes.HasSuffix(a.email, []byte("@example.com")))
			},
			holds: `email: "u@example.com"`, fails: `email: "u@elsewhere.test"`,
		},
		{
			cel: `size(account.mfa.factors) > 0`,
			yes: `count(input.mfa.factors) > 0`, no: `count(input.mfa.factors) == 0`,
			sql:   `cardinality(factors) > 0`,
			goes:  func(a *account, _ int64) tri { return is(a.has&hasFactors != 0, len(a.factors) > 0) },
			holds: "mfa: { factors: [totp] }", fails: "mfa: { factors: [] }",
		},
		{
			cel: `!account.admin || account.mfa.enforced`,
			yes: `input.admin == false|input.mfa.enforced == true`, no: `input.admin == true; input.mfa.enforced == false`,
			sql: `not admin or enforced`,
			goes: func(a *account, _ int64) tri {
				return or(not(is(a.has&hasAdmin != 0, a.admin)), is(a.has&hasEnforced != 0, a.enforced))
			},
			holds: "mfa: { enforced: true }", fails: "admin: true, mfa: { enforced: false }",
		},
		{
			cel: `account.mfa.factors.exists(f, f != "sms")`,
			yes: `some f in input.mfa.factors; f != "sms"`, no: `every f in input.mfa.factors { f == "sms" }`,
			sql: `not (factors <@ array['sms'])`,
			goes: func(a *account, _ int64) tri {
				return is(a.has&hasFactors != 0, slices.ContainsFunc(a.factors, func(f []byte) bool { return string(f) != "sms" }))
			},
			holds: "mfa: { factors: [totp] }", fails: "mfa: { factors: [sms] }",
		},
		{
			cel: `account.login.startsWith("u")`,
			yes: `startswith(input.login, "u")`, no: `not startswith(input.login, "u"); is_string(input.login)`,
			sql:   `login like 'u%'`,
			goes:  func(a *account, _ int64) tri { return is(a.login != nil, bytes.HasPrefix(a.login, []byte("u"))) },
			holds: "login: u1", fails: "login: x1",
		},
		{
			cel: `account.createdAt <= account.passwordChangedAt`,
			yes: `input.createdAt <= input.passwordChangedAt`, no: `input.createdAt > input.passwordChangedAt`,
			sql: `created_at <= password_changed_at`,
			goes: func(a *account, _ int64) tri {
				return is(a.has&hasCreated != 0 && a.has&hasPassword != 0, a.created <= a.password)
			},
			holds: `createdAt: "-300d", passwordChangedAt: "-10d"`, fails: `createdAt: "-10d", passwordChangedAt: "-300d"`,
		},
	}

	// age takes the last one's place where some of the checks read the clock.
	age = question{
		cel:   `within(account.passwordChangedAt, "150d")`,
		plain: `account.passwordChangedAt >= cut && account.passwordChangedAt != never`,
		yes:   `input.passwordChangedAt >= "CUT"; input.passwordChangedAt != "never"`,
		no:    `input.passwordChangedAt < "CUT"|input.passwordChangedAt == "never"`,
		sql:   `password_changed_at >= timestamptz 'CUT' and password_changed_at <> 'infinity'`,
		goes: func(a *account, cut int64) tri {
			return is(a.has&hasPassword != 0, a.password >= cut && a.password != never)
		},
		holds: `passwordChangedAt: "-10d"`, fails: `passwordChangedAt: "-200d"`,
	}
)

// A check is whom it is about and what has to hold.
type check struct{ where, holds *question }

// A set is 50 checks: every where with every holds.
type set struct {
	wheres, holds []question
	checks        []check
}

// newSet returns the 50 checks of which none reads the clock, or of which five
// ask how long ago something was.
func newSet(clock bool) *set {
	s := &set{wheres: wheres, holds: slices.Clone(holds)}
	if clock {
		s.holds[len(holds)-1] = age
	}
	for i := range s.wheres {
		for k := range s.holds {
			s.checks = append(s.checks, check{&s.wheres[i], &s.holds[k]})
		}
	}
	return s
}

// document is the check as a procedure.
func (c check) document(n int) []byte {
	return fmt.Appendf(nil, `id: bench.c%d
title: Check %d of the benchmark
controls: [IAM-06]
population: { items: account, where: '%s' }
continuous: { holds: '%s', maxGap: 26h }
examples:
  - { given: { account: { %s } }, expect: operated }
  - { given: { account: { %s } }, expect: deviation }
`, n, n, c.where.cel, c.holds.cel, merged(c.where.holds, c.holds.holds), merged(c.where.holds, c.holds.fails))
}

// merged joins two lists of fields; where both say the same it is said once.
func merged(a, b string) string {
	for _, f := range strings.Split(a, ", ") {
		b = strings.TrimPrefix(strings.TrimPrefix(b, f), ", ")
	}
	return strings.Trim(a+", "+b, ", ")
}

func (s *set) procedures() ([]*procedure.Procedure, error) {
	out := make([]*procedure.Procedure, len(s.checks))
	for i, c := range s.checks {
		p, err := procedure.Parse(fmt.Sprintf("check%d.yaml", i), c.document(i))
		if err != nil {
			return nil, err
		}
		out[i] = p
	}
	return out, nil
}

// inPlainCEL is the question in CEL without our words.
func (q *question) inPlainCEL() string {
	if q.plain != "" {
		return q.plain
	}
	return q.cel
}
