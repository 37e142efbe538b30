package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tieout/audit"
)

// table is the accounts with a typed column for every field: faster to ask than
// a jsonb column. What was not collected is null, never is infinity.
const table = `create temporary table account (id int primary key, admin bool, created_at timestamptz, disabled_at timestamptz, email text,
	kind text, login text, enforced bool, enrolled bool, factors text[], password_changed_at timestamptz, sso bool, status text, system text)`

var columns = []string{"id", "admin", "created_at", "disabled_at", "email", "kind", "login", "enforced", "enrolled", "factors",
	"password_changed_at", "sso", "status", "system"}

// query is the check as a statement that gives a row an account: SQL's three
// values are Kleene's. Outcomes come as audit.Outcome's numbers.
func (c check) query() string {
	q := fmt.Sprintf("select id, (case when not (%[1]s) then %[3]d when (%[1]s) and (%[2]s) then %[4]d when (%[1]s) and not (%[2]s) then %[5]d else %[6]d end)::int2 from account",
		c.where.sql, c.holds.sql, audit.NotApplicable, audit.Operated, audit.Deviated, audit.NoEvidence)
	return strings.ReplaceAll(q, "CUT", cutText)
}

func askSQL(ctx context.Context, b *bench, tl *audit.Timeline, want *answers, items int) (c cost, err error) {
	if b.dsn == "" {
		return c, errors.New("no server; run scripts/bench.sh, or name one with -postgres")
	}
	conn, err := pgx.Connect(ctx, b.dsn)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if err := fill(ctx, conn, tl, items); err != nil {
		return c, err
	}
	pid := int(conn.PgConn().PID())
	got := want.newAnswers(items)
	server, seen := processCPU(pid)
	c, err = measure(func() error {
		for k, x := range want.checks {
			if err := askCheck(ctx, conn, x, k, got, items); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return c, err
	}
	if after, ok := processCPU(pid); ok && seen {
		c.cpu += after - server
	} else {
		c.cpu = c.wall // another machine's, or not to be seen
	}
	return c, want.same(got, items)
}

func askCheck(ctx context.Context, conn *pgx.Conn, x check, k int, got *answers, items int) error {
	rows, err := conn.Query(ctx, x.query())
	if err != nil {
		return err
	}
	var id int32
	var o int16
	n := 0
	_, err = pgx.ForEachRow(rows, []any{&id, &o}, func() error {
		got.of(int(id))[k] = audit.Outcome(o)
		n++
		return nil
	})
	if err == nil && n != items {
		err = fmt.Errorf("%d rows of %d", n, items)
	}
	return err
}

// fill loads the accounts and lets the server gather its statistics.
func fill(ctx context.Context, conn *pgx.Conn, tl *audit.Timeline, items int) error {
	for _, stmt := range []string{"set max_parallel_workers_per_gather = 0", table} {
		if _, err := conn.Exec(ctx, stmt); err != nil {
			return err
		}
	}
	var a account
	_, err := conn.CopyFrom(ctx, pgx.Identifier{"account"}, columns, pgx.CopyFromSlice(items, func(i int) ([]any, error) {
		if err := a.decode(tl.Histories[i].Versions[0].Body); err != nil {
			return nil, err
		}
		return a.columns(i), nil
	}))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "analyze account")
	return err
}

func (a *account) columns(i int) []any {
	flag := func(bit uint16, b bool) any {
		if a.has&bit == 0 {
			return nil
		}
		return b
	}
	at := func(bit uint16, us int64) any {
		switch {
		case a.has&bit == 0:
			return nil
		case us == never:
			return pgtype.Timestamptz{Valid: true, InfinityModifier: pgtype.Infinity}
		}
		return time.UnixMicro(us).UTC()
	}
	word := func(b []byte) any {
		if b == nil {
			return nil
		}
		return string(b)
	}
	var factors any
	if a.has&hasFactors != 0 {
		list := []string{}
		for _, f := range a.factors {
			list = append(list, string(f))
		}
		factors = list
	}
	return []any{int32(i), flag(hasAdmin, a.admin), at(hasCreated, a.created), at(hasDisabled, a.disabled), word(a.email), word(a.kind), word(a.login),
		flag(hasEnforced, a.enforced), flag(hasEnrolled, a.enrolled), factors, at(hasPassword, a.password), flag(hasSSO, a.sso), word(a.status), word(a.system)}
}
