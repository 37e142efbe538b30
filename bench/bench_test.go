package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
)

// TestSmall runs every comparison that needs no server at a small size: each
// asserts that both sides give the same results.
// TestMain lets the test's own program be the server that collecting is measured
// against.
func TestMain(m *testing.M) {
	if !serveIfAsked() {
		os.Exit(m.Run())
	}
}

func TestSmall(t *testing.T) {
	b := &bench{scale: 0.001, items: 1200, dir: t.TempDir()}
	for _, s := range sections {
		if slices.Contains([]string{"peers", "demo", "engagement", "serve"}, s.name) {
			continue // a server, and the built product
		}
		t.Run(s.name, func(t *testing.T) {
			rows, err := s.rows(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) == 0 {
				t.Fatal("no rows")
			}
		})
	}
}

// TestPeersAgree holds Go, CEL and Rego to the engine on every kind of account.
func TestPeersAgree(t *testing.T) {
	const items = 600
	set := newSet(true)
	ps, err := set.procedures()
	if err != nil {
		t.Fatal(err)
	}
	tl, want := look(items), set.newAnswers(items)
	if err := askEngine(t.Context(), ps, tl, want); err != nil {
		t.Fatal(err)
	}
	var seen [audit.NumOutcomes]int
	for _, o := range want.all {
		seen[o]++
	}
	for _, o := range []audit.Outcome{audit.Operated, audit.Deviated, audit.NotApplicable, audit.NoEvidence} {
		if seen[o] == 0 {
			t.Errorf("no account is %v under any check: the peers are not compared on it", o)
		}
	}
	for name, ask := range map[string]func() (cost, error){
		"Go":  func() (cost, error) { return askGo(t.Context(), nil, tl, want, items) },
		"CEL": func() (cost, error) { return askCEL(t.Context(), nil, tl, want, items) },
		"OPA": func() (cost, error) { return askOPA(t.Context(), nil, tl, want, 60) },
	} {
		if _, err := ask(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDifferenceIsFound: a comparison that cannot fail would say nothing.
func TestDifferenceIsFound(t *testing.T) {
	const items = 3
	set := newSet(false)
	a, b := set.newAnswers(items), set.newAnswers(items)
	b.of(2)[7] = audit.Operated
	if err := a.same(b, items); err == nil || !strings.Contains(err.Error(), "account 2, check 7") {
		t.Errorf("got %v, want the account and check that differ", err)
	}
	ps, err := set.procedures()
	if err != nil {
		t.Fatal(err)
	}
	tl := year(40)
	if err := set.sameAsNaive(t.Context(), ps, tl, 40); err != nil {
		t.Fatal(err)
	}
	p, err := set.plainCEL()
	if err != nil {
		t.Fatal(err)
	}
	p.what[0] = p.what[1] // another question
	out := make([]audit.Outcome, len(set.checks))
	if _, err := p.day(tl, &tl.Histories[7], 200, out); err != nil || out[0] != audit.Operated {
		t.Errorf("with the wrong question: got %v, %v; account 7 is enrolled and not enforced", out[0], err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"empty":            ``,
		"unknown key":      `{"color":"red"}`,
		"key twice":        `{"admin":true,"admin":true}`,
		"keys not sorted":  `{"kind":"human","admin":true}`,
		"wrong type":       `{"admin":"yes"}`,
		"impossible time":  `{"createdAt":"2026-13-01T00:00:00Z"}`,
		"rest":             `{"admin":true} `,
		"text not ended":   `{"email":"a`,
		"null":             `{"email":null}`,
		"list not ended":   `{"mfa":{"factors":["totp"`,
		"group of unknown": `{"mfa":{"app":true}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if err := new(account).decode([]byte(body)); err == nil {
				t.Errorf("%s was read", body)
			}
		})
	}
	var a account
	if err := a.decode(body(7, 2, 187)); err != nil || a.enforced || string(a.login) != "u000007" || len(a.factors) != 1 || a.disabled != never {
		t.Errorf("got %+v, %v", a, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(body(0, 0, 0))
	f.Add([]byte(`{"mfa":{"factors":[]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var a account
		_ = a.decode(b) // must end, and read nothing outside b
	})
}

func TestTable(t *testing.T) {
	var buf bytes.Buffer
	rows := []row{under("a", "1 s", 2.5, 3, "x"), over("b", "é", 19, 20, "x"), plain("c", "1", 1, "x")}
	if err := write(&buf, rows); err != nil {
		t.Fatal(err)
	}
	want := `| what | figure | ratio | bar            | met |
|------|--------|-------|----------------|-----|
| a    | 1 s    | 2.50x | at most 3.00x  | yes |
| b    | é      | 19.0x | at least 20.0x | NO  |
| c    | 1      | 1.00x |                |     |
`
	if got := buf.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		230: "230 ns", 1500: "1.5 µs", 2500 * time.Microsecond: "2.5 ms", 90 * time.Second: "90.00 s",
	} {
		if got := short(d); got != want {
			t.Errorf("%d ns: got %s, want %s", d, got, want)
		}
	}
}

func TestQuantile(t *testing.T) {
	var all []time.Duration
	for i := 1; i <= 20; i++ {
		all = append(all, time.Duration(i))
	}
	for percent, want := range map[int]time.Duration{50: 10, 95: 19, 99: 20, 100: 20} {
		if got := quantile(all, percent); got != want {
			t.Errorf("%d of 100: got %d, want %d", percent, got, want)
		}
	}
	if got := quantile(all[:1], 50); got != 1 {
		t.Errorf("of one: got %d", got)
	}
}

func TestKindOf(t *testing.T) {
	for path, want := range map[string]string{
		"/": kindPeriod, "/period/2025": kindPeriod, "/controls": kindList, "/controls?owner=x": kindList, "/controls/IAM-02": kindThing,
		"/evidence/E-42?near=x": kindThing, "/evidence/E-42/raw": "", "/evidence/new": "", "/me": kindOwn, "/me/work": kindOwn, "/account": "", "/assets/x.css": "",
	} {
		if got := kindOf(path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestCastOf(t *testing.T) {
	said := "Sign in as, all with the password ab-cd\n  administrator      a@halyard.example     Ana A\n  compliance lead    b@halyard.example     Ben B\n" +
		"  employee           c@halyard.example     Cleo C\n  auditor's guest    d@brookline.example     Dan D\n"
	c, err := castOf(said)
	if err != nil || c.password != "ab-cd" || c.email[lead] != "b@halyard.example" || c.email[guest] != "d@brookline.example" {
		t.Errorf("got %+v, %v", c, err)
	}
	for _, bad := range []string{"", "Sign in as, all with the password ab-cd\n"} {
		if _, err := castOf(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestPerOperation reads a time as Go's benchmarks print it, and refuses what holds none.
func TestPerOperation(t *testing.T) {
	got, err := perOperation([]byte("goos: linux\nBenchmarkDraw2M-2   \t       3\t1663206114 ns/op\t  91208 B/op\nPASS\n"))
	if err != nil || got != 1663206114*time.Nanosecond {
		t.Errorf("read %v, %v; want 1.663206114s", got, err)
	}
	if got, err := perOperation([]byte("testing: warning: no tests to run\nPASS\n")); err == nil {
		t.Errorf("read %v where no benchmark ran; want an error", got)
	}
}
