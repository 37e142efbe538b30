package procedure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"tieout/audit"
)

const validDoc = `id: ID
title: Every active person's account signs in with a second factor
controls: [IAM-06]
population:
  items: account
  where: 'account.kind == "human" && account.status == "active"'
continuous:
  holds: 'account.mfa.enforced'
examples:
  - given: { account: { kind: human, status: active, mfa: { enforced: true } } }
    expect: operated
  - given: { account: { kind: human, status: active, mfa: { enforced: false } } }
    expect: deviation
`

// doc writes validDoc with one part replaced.
func doc(old, new string) string {
	return strings.Replace(strings.Replace(validDoc, "ID", "access.mfa", 1), old, new, 1)
}

func TestParseFaults(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"unknown key", "title:", "titel: x\ntitle:", `p.yaml:2:1: a procedure has no key "titel"; did you mean "title"?`},
		{"key twice", "title:", "title: x\ntitle:", `p.yaml:3:1: a procedure: key "title" appears twice`},
		{"no id", "id: access.mfa", "since: \"2026-01-01\"", "p.yaml:1:1: id: is missing"},
		{"bad id", "access.mfa", "Access MFA", "p.yaml:1:5: id: \"Access MFA\" is not lower case"},
		{"no controls", "controls: [IAM-06]", "controls: []", "p.yaml:3:11: controls: names at least one control"},
		{"bad date", "title:", "since: someday\ntitle:", `p.yaml:2:8: since: "someday" is not a date`},
		{"no form", "continuous:\n  holds: 'account.mfa.enforced'\n", "", "a procedure has one of continuous"},
		{"two forms", "examples:", "manual: { questions: [Why?] }\nexamples:", "manual: a procedure has one form, and this one has continuous already"},
		{"unknown type", "items: account", "items: acount", `p.yaml:5:10: items: there is no item type "acount"; did you mean "account"?`},
		{"unknown field", "'account.mfa.enforced'", "'account.mfa.enforce'", `p.yaml:8:11: holds: account has no field "mfa.enforce"; did you mean "mfa.enforced"?`},
		{"a group", "'account.mfa.enforced'", "'account.mfa'", "p.yaml:8:11: holds: account.mfa is a group of fields: enforced, enrolled, factors"},
		{"unknown name", "'account.mfa.enforced'", "'acount.sso'", `holds: there is no "acount" here; did you mean "account"?`},
		{"where is wrong at its column", `account.status == "active"'`, `account.stat == "active"'`, `p.yaml:6:38: where: account has no field "stat"`},
		{"syntax", "'account.mfa.enforced'", "'account.mfa.enforced &&'", "p.yaml:8:"},
		{"wrong type", "'account.mfa.enforced'", "'account.mfa.enforced == \"yes\"'", "p.yaml:8:32: holds: found no matching overload"},
		{"not a question", "'account.mfa.enforced'", "account.login", "holds: is of type string; want a question"},
		{"value never had", `"human"`, `"humen"`, `p.yaml:6:27: where: kind is never "humen"; did you mean "human"?`},
		{"value never had in a list", `account.kind == "human"`, `account.kind in ["human", "robot"]`, `kind is never "robot"`},
		{"always true", "'account.mfa.enforced'", "'account.mfa.enforced || true'", "true is no question"},
		{"always the same", "'account.mfa.enforced'", "'account.login == account.login'", "both sides are the same"},
		{"its own opposite", "'account.mfa.enforced'", "'account.sso || !account.sso'", "joins a question with its own opposite"},
		{"reads nothing", "'account.mfa.enforced'", "'1 < 2'", "reads no field"},
		{"has", "'account.mfa.enforced'", "'has(account.sso) || account.sso'", "there is no has"},
		{"presence under or", "'account.mfa.enforced'", "'!has(account.mfa.enforced) || account.mfa.enforced'", "there is no has"},
		{"null", "'account.mfa.enforced'", "'account.login == null'", "there is no null"},
		{"dyn", "'account.mfa.enforced'", "'dyn(account.sso)'", "there is no dyn"},
		{"optional", "'account.mfa.enforced'", "'account.?sso.orValue(true)'", "p.yaml:8:"},
		{"now", "'account.mfa.enforced'", "'account.createdAt < now'", `there is no "now" here`},
		{"index", "'account.mfa.enforced'", `'account.mfa.factors[0] == "totp"'`, "use exists, all, filter or map"},
		{"arithmetic", "'account.mfa.enforced'", "'size(account.mfa.factors) + 1 > 1'", "in procedures"},
		{"bad pattern", "'account.mfa.enforced'", "'account.login.matches(\"(\")'", "p.yaml:8:33: holds: pattern"},
		{"pattern from a field", "'account.mfa.enforced'", "'account.login.matches(account.email)'", "matches wants its pattern written out"},
		{"all without a word for empty", "'account.mfa.enforced'", "'account.mfa.factors.all(f, f != \"sms\")'", "such as `empty: { account.mfa.factors: deviation }`"},
		{"bad duration", "'account.mfa.enforced'", "'within(account.createdAt, \"3 days\")'", "want a duration such as"},
		{"no such parameter", "'account.mfa.enforced'", "'params.x && account.sso'", `parameters: has no "x"`},
		{"variable shadows", "'account.mfa.enforced'", "'account.mfa.factors.exists(account, account == \"a\")'", "choose another variable"},
		{"continuous of events", "items: account\n  where: 'account.kind == \"human\" && account.status == \"active\"'", "items: change", "change happens once"},
		{"no deviation shown", "expect: deviation", "expect: operated", "none expects deviation"},
		{"example is wrong", "enforced: false } } }\n    expect: deviation", "enforced: true } } }\n    expect: deviation", "p.yaml:13:13: example 2: expects deviation, the engine answers operated"},
		{"example with an unknown field", "given: { account: { kind", "given: { account: { kindd", `p.yaml:10:25: account has no field "kindd"; did you mean "kind"?`},
		{"example with a wrong value", "status: active, mfa: { enforced: true", "status: activ, mfa: { enforced: true", `status is never "activ"; did you mean "active"?`},
		{"alias", "title: Every", "why: &a x\nask: *a\ntitle: Every", "aliases (*) are not allowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("p.yaml", []byte(doc(tt.old, tt.new)))
			if err == nil {
				t.Fatalf("got no error, want %q", tt.want)
			}
			if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			for _, line := range strings.Split(err.Error(), "\n") {
				if !strings.HasPrefix(line, "p.yaml:") {
					t.Errorf("a fault without its place: %s", line)
				}
			}
		})
	}
}

func TestHash(t *testing.T) {
	base := mustParse(t, doc("", ""))
	same := mustParse(t, "# a comment\n"+doc("controls: [IAM-06]", "controls:\n  - IAM-06   # here"))
	if base.Hash != same.Hash {
		t.Errorf("comments and layout changed the hash: got %s, want %s", same.Hash, base.Hash)
	}
	for _, change := range []string{"expect: operated\n    name: x", "expect: operated\n    at: \"2026-06-16\""} {
		if other := mustParse(t, doc("expect: operated", change)); other.Hash == base.Hash {
			t.Errorf("content %q did not change the hash", change)
		}
	}
	if !strings.HasPrefix(base.Hash, "sha256:") || len(base.Hash) != 71 {
		t.Errorf("got hash %q", base.Hash)
	}
}

func TestWithParameters(t *testing.T) {
	src := doc("population:", "parameters: { age: 90d, names: [okta], n: 3, on: true }\npopulation:")
	src = strings.Replace(src, "'account.mfa.enforced'", "'account.mfa.enforced && within(account.createdAt, params.age)'", 1)
	src = strings.Replace(src, "mfa: { enforced: true }", "createdAt: -80d, mfa: { enforced: true }", 1)
	p := mustParse(t, src)
	q, err := p.WithParameters(map[string]any{"age": "30d", "names": []any{"aws"}, "n": 4.0, "on": false})
	if err != nil {
		t.Fatal(err)
	}
	if q.Hash == p.Hash || q.Parameters["age"] != "30d" || p.Parameters["age"] != "90d" || q.Parameters["n"] != int64(4) {
		t.Errorf("got %v and hash %s, from %v and hash %s", q.Parameters, q.Hash, p.Parameters, p.Hash)
	}
	again, err := q.WithParameters(map[string]any{"age": "90d", "names": []string{"okta"}, "n": 3, "on": true})
	if err != nil || again.Hash != p.Hash {
		t.Errorf("back to the document's values: got hash %v (%v), want %s", again, err, p.Hash)
	}
	for _, bad := range []map[string]any{{"agee": "1d"}, {"age": "soon"}, {"n": "x"}, {"n": 1.5}, {"names": 3}} {
		if _, err := p.WithParameters(bad); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%v: got %v, want an error of kind invalid", bad, err)
		}
	}
}

func mustParse(t testing.TB, src string) *Procedure {
	t.Helper()
	p, err := Parse("p.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestManual(t *testing.T) {
	p := mustParse(t, "id: visit\ntitle: A walk\ncontrols: [PHY-01]\nmanual: { questions: [Is the door locked?], evidence: [photo] }\n")
	tested, err := Run(t.Context(), benchInput(nil), []*Procedure{p}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := tested[0]
	if got.Form != audit.Manual || len(got.Questions) != 1 || got.Counts[audit.Pending] != 1 || got.Counts[audit.Operated] != 0 {
		t.Errorf("got %+v, want one question and pending", got)
	}
}

func TestEvaluationErrorEndsTheRun(t *testing.T) {
	p := mustParse(t, doc("", ""))
	tl := &audit.Timeline{Type: "account", Streams: []audit.Stream{{Mode: audit.ModeSnapshot, Points: []audit.Point{{At: benchInput(nil).Period.From}}}}}
	for _, body := range []string{``, `null`, `{"kind":null}`, `{"kind":"human","kind":"human"}`, `{"status":"active","kind":"human"}`, `{"x":1}`, `{"createdAt":"yesterday"}`, `{"kind":"human"} `} {
		tl.Histories = []audit.History{{ID: "a", Versions: []audit.Version{{From: audit.ExactBound(benchInput(nil).Period.From), Body: []byte(body)}}}}
		if _, err := Run(t.Context(), benchInput(tl), []*Procedure{p}, nil); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("body %q: got %v, want an error of kind invalid", body, err)
		}
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, benchInput(benchTimeline(2000)), []*Procedure{mustParse(t, doc("", ""))}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context canceled", err)
	}
}

// TestDeterministic runs many items on all cores: the same results in the same
// order every time, and the same counts whether someone listens or not.
func TestDeterministic(t *testing.T) {
	ps, in := benchProcedures(t)[:7], benchInput(benchTimeline(1500))
	list := func() (out []string) {
		tested, err := Run(t.Context(), in, ps, func(r *audit.Result) error {
			out = append(out, fmt.Sprintf("%s %s %s %v", r.Procedure, r.Item, r.Outcome, r.Span))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return append(out, fmt.Sprintf("%+v", tested))
	}
	first := list()
	if second := list(); !slices.Equal(first, second) {
		t.Error("two runs differ")
	}
	quiet, err := Run(t.Context(), in, ps, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%+v", quiet); got != first[len(first)-1] {
		t.Errorf("without a listener\ngot  %s\nwant %s", got, first[len(first)-1])
	}
}

func FuzzParse(f *testing.F) {
	f.Add(doc("", ""))
	files, _ := filepath.Glob("testlang/testdata/*.yaml")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, err := Parse("f", []byte(src))
		if err != nil {
			if !errors.Is(err, audit.ErrInvalid) || !strings.HasPrefix(err.Error(), "f:") {
				t.Fatalf("error without kind or place: %v", err)
			}
			return
		}
		again, err := Parse("f", []byte(src))
		if err != nil || again.Hash != p.Hash {
			t.Fatalf("the second reading differs: %v", err)
		}
	})
}

// FuzzDecodeBody holds the scanner to encoding/json: what it accepts says the
// same there.
func FuzzDecodeBody(f *testing.F) {
	for _, s := range []string{`{}`, `{"admin":true,"createdAt":"2026-01-31T09:00:00.5Z","login":"a\n","mfa":{"enforced":false,"factors":["totp","x"]}}`,
		`{"createdAt":"never"}`, `{"admin":null}`, `{"login":"\u001f"}`, `{"createdAt":"2026-02-29T00:00:00Z"}`, string(benchBody(1, 2))} {
		f.Add(s)
	}
	l := layouts()["account"]
	f.Fuzz(func(t *testing.T, body string) {
		r := newRow(l, "account")
		if decodeBody(l, []byte(body), ^uint64(0), r.slots) != nil {
			return
		}
		var m map[string]any
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatalf("accepted what is no JSON: %v", err)
		}
		for i, name := range l.names {
			if l.fields[i] == nil {
				continue
			}
			want := lookup(m, name)
			if (want == nil) != (r.slots[i].raw == nil) {
				t.Fatalf("%s: slot %q, JSON %v", name, r.slots[i].raw, want)
			}
			if want != nil {
				sameValue(t, name, r.get(i), want)
			}
		}
	})
}

func sameValue(t *testing.T, name string, got ref.Val, want any) {
	switch w := want.(type) {
	case bool:
		if got != types.Bool(w) {
			t.Errorf("%s: got %v, want %v", name, got, w)
		}
	case string:
		if ts, ok := got.(types.Timestamp); ok {
			if audit.FormatTime(ts.Time) != w {
				t.Errorf("%s: got %v, want %v", name, ts, w)
			}
			return
		}
		if utf8.ValidString(string(got.(types.String))) && string(got.(types.String)) != w {
			t.Errorf("%s: got %q, want %q", name, got, w)
		}
	case []any:
		if int(got.(traits.Sizer).Size().(types.Int)) != len(w) {
			t.Errorf("%s: got %v, want %v", name, got, w)
		}
	}
}
