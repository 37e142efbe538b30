//go:build unix

package procedure

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"tieout/audit"
)

// The size the bars are set for: a year of 100,000 items with 4 versions each
// under 50 procedures. The naive run is scaled down and counted per item-day.
const (
	benchItems = 100_000
	benchNaive = 100
	benchDays  = 365
)

var benchExprs = []string{
	"account.mfa.enforced", "account.mfa.enrolled", "account.sso || account.mfa.enforced", `account.system != "legacy"`,
	`account.status != "pending" || !account.admin`, `account.email != ""`, `size(account.mfa.factors) > 0`, `!account.admin || account.mfa.enforced`,
	`account.mfa.factors.exists(f, f != "sms")`, `account.login.startsWith("u")`,
}

var benchWheres = []string{
	`account.kind == "human" && account.status == "active"`, `account.status == "active"`, `account.admin`, `account.kind != "guest"`, `account.system in ["okta", "aws"]`,
}

func benchProcedures(tb testing.TB) []*Procedure {
	var out []*Procedure
	for i, w := range benchWheres {
		for k, h := range benchExprs {
			doc := fmt.Sprintf("id: p%d.%d\ntitle: t\ncontrols: [X]\npopulation: { items: account, where: %s }\ncontinuous: { holds: %s }\n"+
				"examples:\n  - { given: { account: {} }, expect: operated }\n  - { given: { account: {} }, expect: deviation }\n", i, k, quote(w), quote(h))
			p, err := parse("bench.yaml", []byte(doc), nil)
			if err != nil {
				tb.Fatal(err)
			}
			out = append(out, p)
		}
	}
	return out
}

// benchTimeline has daily snapshots with one gap and, in one item of two
// hundred, something wrong or not collected.
func benchTimeline(items int) *audit.Timeline {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tl := &audit.Timeline{Type: "account", Streams: []audit.Stream{{StreamKey: audit.StreamKey{Source: "okta", Type: "account"}, Mode: audit.ModeSnapshot}}}
	for d := range benchDays + 1 {
		if d == 100 || d == 101 {
			continue
		}
		tl.Streams[0].Points = append(tl.Streams[0].Points, audit.Point{At: start.AddDate(0, 0, d), Record: int64(d)})
	}
	for i := range items {
		h := audit.History{ID: fmt.Sprintf("okta/u%06d", i)}
		for v := range 4 {
			d := v*80 + i%30
			if d == 100 || d == 101 {
				d = 102 // first seen when it was seen again
			}
			at := start.AddDate(0, 0, d)
			h.Versions = append(h.Versions, audit.Version{From: audit.Bound{After: at.AddDate(0, 0, -1), At: at}, Body: benchBody(i, v), Record: int64(i)})
		}
		tl.Histories = append(tl.Histories, h)
	}
	return tl
}

func benchBody(i, v int) []byte {
	mfa := `"mfa":{"enforced":true,"enrolled":true,"factors":["totp","webauthn"]},`
	switch {
	case i%400 == 7 && v == 2:
		mfa = `"mfa":{"enforced":false,"enrolled":true,"factors":["totp"]},`
	case i%400 == 9 && v == 1:
		mfa = `"mfa":{"enrolled":true,"factors":["totp"]},`
	}
	kinds := []string{"human", "human", "human", "service", "shared"}
	return []byte(fmt.Sprintf(`{"admin":%v,"createdAt":"2025-03-0%dT08:00:00Z","disabledAt":"never","email":"user%06d@example.com","kind":"%s","login":"u%06d",%s"passwordChangedAt":"2026-0%d-11T09:30:00Z","sso":%v,"status":"active","system":"okta"}`,
		i%50 == 0, i%9+1, i, kinds[i%5], i, mfa, v+1, v%2 == 0))
}

func benchInput(tl *audit.Timeline) Input {
	p, err := audit.NewPeriod("2026-01-01", "2026-12-31", "UTC")
	if err != nil {
		panic(err)
	}
	return Input{Period: p, AsOf: p.To, Timeline: func(string) (*audit.Timeline, error) { return tl, nil }}
}

// BenchmarkEngine reports how many times the decode-only time a full run takes
// (bar: at most 3) and how many times faster it is than a naive daily run (bar:
// at least 100). Coverage, gaps, reasons and deviations are included.
func BenchmarkEngine(b *testing.B) {
	ps, tl := benchProcedures(b), benchTimeline(benchItems)
	in := benchInput(tl)
	naive := naiveDaily(b, ps, benchTimeline(benchNaive)) // per item-day-procedure
	decode := decodeOnly(b, ps, tl)
	runtime.GC()
	b.ResetTimer()
	start := cpu()
	for b.Loop() {
		if _, err := Run(context.Background(), in, ps, nil); err != nil {
			b.Fatal(err)
		}
	}
	engine := (cpu() - start) / time.Duration(b.N)
	b.ReportMetric(engine.Seconds(), "cpu-s/op")
	b.ReportMetric(float64(engine)/float64(decode), "x-decode")
	total := naive * float64(benchItems) * benchDays * float64(len(ps))
	b.ReportMetric(total/float64(engine), "x-faster-than-naive")
	b.ReportMetric(naive, "naive-ns/item-day-procedure")
	b.ReportMetric(float64(decode)/float64(benchItems*4), "decode-ns/version")
}

// cpu is the CPU time this process has used: on a busy machine the wall clock
// measures the others.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// decodeOnly is the time to decode every version once into typed slots, on as
// many cores as the engine uses.
func decodeOnly(b *testing.B, ps []*Procedure, tl *audit.Timeline) time.Duration {
	l := layouts()["account"]
	var want uint64
	for _, p := range ps {
		want |= p.wants()
	}
	best := time.Duration(1<<62 - 1)
	for range 3 {
		runtime.GC()
		start := cpu()
		done := make(chan error, 2)
		half := len(tl.Histories) / 2
		for _, part := range [][]audit.History{tl.Histories[:half], tl.Histories[half:]} {
			go func() { done <- decodeAll(l, part, want) }()
		}
		for range 2 {
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		}
		best = min(best, cpu()-start)
	}
	return best
}

func decodeAll(l *layout, hs []audit.History, want uint64) error {
	r := newRow(l, "account")
	for i := range hs {
		for k := range hs[i].Versions {
			if err := r.load(&hs[i], &hs[i].Versions[k], want); err != nil {
				return err
			}
		}
	}
	return nil
}

// naiveDaily evaluates every procedure for every item on every day with the
// same CEL programs, and checks the engine against it. It returns nanoseconds
// for one item, day and procedure.
func naiveDaily(b *testing.B, ps []*Procedure, tl *audit.Timeline) float64 {
	in := benchInput(tl)
	start := cpu()
	counts := make([]map[string]audit.Outcome, len(ps)) // worst by item
	n := 0
	for pi, p := range ps {
		counts[pi] = map[string]audit.Outcome{}
		for i := range tl.Histories {
			h := &tl.Histories[i]
			for d := range benchDays {
				if out, there := dayOutcome(b, p, tl, h, in.Period.From.AddDate(0, 0, d)); there {
					old, seen := counts[pi][h.ID]
					if !seen || Worse(old, out) == out {
						counts[pi][h.ID] = out
					}
				}
				n++
			}
		}
	}
	took := cpu() - start
	tested, err := Run(context.Background(), in, ps, nil)
	if err != nil {
		b.Fatal(err)
	}
	for pi := range ps {
		var want [audit.NumOutcomes]int
		for _, o := range counts[pi] {
			want[o]++
		}
		if tested[pi].Counts != want {
			b.Fatalf("%s: engine %v, naive %v", ps[pi].ID, tested[pi].Counts, want)
		}
	}
	return float64(took.Nanoseconds()) / float64(n)
}

// dayOutcome is one procedure about one item on one day, from scratch.
func dayOutcome(b *testing.B, p *Procedure, tl *audit.Timeline, h *audit.History, day time.Time) (audit.Outcome, bool) {
	cur := -1
	for k := range h.Versions {
		if !h.Versions[k].From.At.After(day) {
			cur = k
		}
	}
	if cur < 0 {
		return 0, false
	}
	r := newRow(p.item, "account")
	if err := r.load(h, &h.Versions[cur], p.wants()); err != nil {
		b.Fatal(err)
	}
	a := &activation{item: r}
	where, err := a.ask(p.where)
	if err != nil {
		b.Fatal(err)
	}
	holds, err := a.ask(p.holds)
	if err != nil {
		b.Fatal(err)
	}
	out := combine(where, holds).out
	if out != audit.NotApplicable && !seenOn(tl, day) {
		out = audit.NoEvidence
	}
	return out, true
}

func seenOn(tl *audit.Timeline, day time.Time) bool {
	for _, p := range tl.Streams[0].Points {
		if p.At.Equal(day) {
			return true
		}
	}
	return false
}

// BenchmarkParse is the time to load one document with its examples.
func BenchmarkParse(b *testing.B) {
	doc := []byte(strings.ReplaceAll(validDoc, "ID", "access.mfa"))
	for b.Loop() {
		if _, err := Parse("p.yaml", doc); err != nil {
			b.Fatal(err)
		}
	}
}
