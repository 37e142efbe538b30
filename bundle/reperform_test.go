package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/procedure"
	"tieout/source"
	"tieout/timeline"
)

const mfaDocument = `id: access.mfa
title: Every active person's account signs in with a second factor
controls: [IAM-06]
since: "2026-01-01"
history: [ { on: "2026-01-01", what: First version. } ]
statement: Inspected every active human account at every observation.
why: A stolen password alone must not open the systems.
ask: The sign-in policy.
fix: Enforce the second factor.
population:
  items: account
  where: 'account.kind == "human" && account.status == "active"'
  sentence: All active human accounts.
continuous: { holds: 'account.mfa.enforced', maxGap: 26h }
examples:
  - name: enforced
    given: { account: { kind: human, status: active, mfa: { enforced: true } } }
    expect: operated
  - name: not enforced
    given: { account: { kind: human, status: active, mfa: { enforced: false } } }
    expect: deviation
`

// observedDays is what the collections of daily snapshots come to, made without the
// code under test: by observations written out.
func observedDays(days map[int]string, records map[int][2]int64, perPage int) []audit.Observation {
	var out []audit.Observation
	for day := range records {
		accounts := days[day]
		o := audit.Observation{Stream: audit.StreamKey{Source: "okta", Type: "account"}, Mode: audit.ModeSnapshot,
			Covers: audit.At(noon(1).AddDate(0, 0, day-1)), Complete: true, Record: records[day][1]}
		for i, a := range strings.Fields(accounts) {
			name, enforced, _ := strings.Cut(a, "=")
			body := fmt.Sprintf(`{"kind":"human","login":%q,"mfa":{"enforced":%s},"status":"active"}`, name, enforced)
			it := audit.Item{Type: "account", ID: "okta/" + name, Body: json.RawMessage(body)}
			o.Items = append(o.Items, audit.Seen{Item: it, Record: records[day][0] + int64(i/perPage)})
		}
		out = append(out, o)
	}
	return out
}

// tested collects the days, in the order given, runs the procedure over them and
// seals the run.
func tested(t testing.TB, days map[int]string, order []int, perPage int) *world {
	return testedOver(t, testPeriod, days, order, perPage)
}

func testedOver(t testing.TB, period audit.Period, days map[int]string, order []int, perPage int) *world {
	w := newWorld(t)
	w.seal(audit.Record{Kind: audit.RecordDefinition, Actor: testActor}, w.defs)
	if w.about.Period = period; period != testPeriod {
		w.about.AsOf = period.To
	}
	records := map[int][2]int64{}
	for _, d := range order {
		first := int64(len(w.records)) + 1
		w.collect(d, days[d], perPage)
		records[d] = [2]int64{first, int64(len(w.records)) - 2}
	}
	proc, err := procedure.Parse("procedures/access.mfa.yaml", []byte(mfaDocument))
	if err != nil {
		t.Fatal(err)
	}
	tls, err := timeline.Observe(observedDays(days, records, perPage))
	if err != nil {
		t.Fatal(err)
	}
	w.about.Versions.Engine = procedure.EngineVersion
	in := procedure.Input{Period: w.about.Period, AsOf: w.about.AsOf, Timeline: timelineOf(tls)}
	var results []byte
	n := 0
	figures, err := procedure.Run(t.Context(), in, []*procedure.Procedure{proc}, func(r *audit.Result) error {
		results, n = append(r.AppendJSON(results), '\n'), n+1
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range figures {
		figures[i].Marks = []audit.Mark{{Span: w.about.Period.Span, Outcome: audit.Deviated, Count: 1}} // drawn after the run
	}
	w.sealRun(proc, figures, results, n)
	return w
}

// sealRun seals the run and puts procedure, results and report beside it.
func (w *world) sealRun(proc *procedure.Procedure, figures []audit.Tested, results []byte, n int) {
	run := map[string]any{
		"period": w.about.Period, "asOf": w.about.AsOf, "definitions": w.about.Definitions, "versions": w.about.Versions, "tested": figures,
		"results": []any{map[string]any{"procedure": proc.ID, "hash": proc.Hash, "digest": digestText(sha256.Sum256(results)), "lines": n}},
	}
	w.about.Run = w.sealJSON(audit.Record{Kind: audit.RecordRun, About: testPeriod.Span, Actor: testActor}, run)
	w.procs = []Procedure{{ID: proc.ID, Hash: proc.Hash, File: "procedures/access.mfa.yaml", Document: []byte(mfaDocument)}}
	w.results = []Results{{Procedure: proc.ID, Hash: proc.Hash, Open: opener(results)}}
	rep := audit.Report{Controls: []audit.ControlReport{{Control: audit.Control{ID: "IAM-06"}, Procedures: figures}}, Evidence: []audit.EvidenceLine{{Index: 2}}}
	var err error
	if w.report, err = canonical.Marshal(rep); err != nil {
		w.t.Fatal(err)
	}
}

var threeDays = map[int]string{1: "ana=true bob=true cyd=true", 2: "ana=true bob=false cyd=true", 3: "ana=true bob=false"}

func reperform(t testing.TB, data []byte, drivers source.Registry) (*Reperformance, error) {
	t.Helper()
	return Reperform(t.Context(), bytes.NewReader(data), int64(len(data)), Options{Now: noon(31)}, drivers)
}

func TestReperformAgrees(t *testing.T) {
	tests := []struct {
		name    string
		order   []int
		perPage int
	}{
		{"in order", []int{1, 2, 3}, 2}, {"late evidence", []int{1, 3, 2}, 2}, {"one account a page", []int{2, 1, 3}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := reperform(t, tested(t, threeDays, tt.order, tt.perPage).bundle(), drivers())
			if err != nil {
				t.Fatalf("%v\n%s%s", err, r.Checks, r)
			}
			if r.Items != (Tally{8, 8}) || r.Results.Of == 0 || r.Results.Agree != r.Results.Of || r.Figures != (Tally{1, 1}) {
				t.Errorf("got\n%s", r)
			}
			for _, want := range []string{"the definitions were applied as E-0", "1 procedure are those of the run", "as sealed, and every record they rest on is here", "the report's figures are those of the run"} {
				if !strings.Contains(r.Checks.String(), want) {
					t.Errorf("no line with %q in:\n%s", want, r.Checks)
				}
			}
		})
	}
}

// TestEvidenceSealedAfterTheRun: what came later, also about earlier days, is in
// the bundle and was not considered.
func TestEvidenceSealedAfterTheRun(t *testing.T) {
	w := tested(t, threeDays, []int{1, 3}, 2)
	w.collect(2, "ana=false", 2)
	if r, err := reperform(t, w.bundle(), drivers()); err != nil || r.Items != (Tally{6, 6}) {
		t.Errorf("got %v\n%s", err, r)
	}
}

func TestVerifyHoldsTheRunToTheLog(t *testing.T) {
	data := tested(t, threeDays, []int{1, 2, 3}, 2).bundle()
	tests := []struct {
		name string
		edit func(string, []byte) []byte
		want string
	}{
		{"a deviation made good", onlyIn("results/", func(c []byte) []byte { return bytes.Replace(c, []byte(`"deviation"`), []byte(`"operated"`), 1) }), "results/access.mfa/"},
		{"a result left out", onlyIn("results/", func(c []byte) []byte { return c[bytes.IndexByte(c, '\n')+1:] }), "results/access.mfa/"},
		{"all results left out", onlyIn("results/", func([]byte) []byte { return nil }), "results/access.mfa/"},
		{"another spelling of a result", onlyIn("results/", func(c []byte) []byte { return bytes.Replace(c, []byte("{"), []byte("{ "), 1) }), "one spelling"},
		{"a last line cut off", onlyIn("results/", func(c []byte) []byte { return c[:len(c)-1] }), "cut off"},
		{"a result that rests on nothing", onlyIn("results/", func(c []byte) []byte {
			i := bytes.Index(c, []byte(`"records":[`))
			return append(append(bytes.Clone(c[:i]), `"records":[9999,`...), c[i+len(`"records":[`):]...)
		}), "E-9999"},
		{"a procedure left out", onlyIn("definitions/procedures/", func([]byte) []byte { return nil }), "definitions/procedures/access.mfa.json"},
		{"another period", onlyIn("about.json", func(c []byte) []byte { return bytes.Replace(c, []byte("2026-04-01T"), []byte("2026-03-30T"), 1) }), "about.json"},
		{"another run", onlyIn("about.json", func(c []byte) []byte { return bytes.Replace(c, []byte(`"run":`), []byte(`"run":1`), 1) }), "about.json"},
		{"another figure in the report", onlyIn("report.json/", func(c []byte) []byte { return bytes.Replace(c, []byte(`"items":3`), []byte(`"items":4`), 1) }), "report.json"},
		{"evidence in the report that is not here", onlyIn("report.json/", func(c []byte) []byte { return bytes.Replace(c, []byte(`"index":2`), []byte(`"index":777`), 1) }), "E-777"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := verify(t, repack(t, data, tt.edit), Options{})
			if !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s named\n%s", err, tt.want, c)
			}
		})
	}
}

// TestReperformFindsWhatTheLogCannot changes what no record is bound to, or what
// was sealed wrong in the first place.
func TestReperformFindsWhatTheLogCannot(t *testing.T) {
	honest := tested(t, threeDays, []int{1, 2, 3}, 2)
	lied := tested(t, map[int]string{1: threeDays[1], 2: threeDays[1], 3: threeDays[3]}, []int{1, 2, 3}, 2)
	relabeled := tested(t, threeDays, []int{1, 2, 3}, 2)
	relabeled.procs[0].Document = bytes.Replace(relabeled.procs[0].Document, []byte("'account.mfa.enforced'"), []byte("'account.mfa.enforced || account.login == \"bob\"'"), 1)
	swapped := tested(t, threeDays, []int{1, 2, 3}, 2)
	page := `ana=true` + "\n" + `bob=true`
	swap(t, swapped, page)
	tests := []struct {
		name    string
		data    []byte
		drivers source.Registry
		kind    error
		want    string
	}{
		{"an item changed", repack(t, honest.bundle(), onlyIn("items/", func(c []byte) []byte { return bytes.Replace(c, []byte("false"), []byte("true"), 1) })), drivers(), audit.ErrAltered, "E-7"},
		{"an item added", repack(t, honest.bundle(), onlyIn("items/", func(c []byte) []byte { return append(c, c[:bytes.IndexByte(c, '\n')+1]...) })), drivers(), audit.ErrAltered, "of no page"},
		{"results sealed that the evidence does not give", swapResults(t, honest, lied), drivers(), audit.ErrAltered, "access.mfa"},
		{"a procedure with another text", relabeled.bundle(), drivers(), audit.ErrAltered, "definitions/procedures/access.mfa.json"},
		{"another normalizer, same outcome", honest.bundle(), source.Registry{listDriver(2)}, nil, ""},
		{"another normalizer, other outcome", honest.bundle(), source.Registry{blind(2)}, audit.ErrInconclusive, "normalizer of list: version 2 here, 1 in the bundle"},
		{"no such driver", honest.bundle(), nil, audit.ErrInconclusive, "does not have it"},
		{"same version, other outcome", honest.bundle(), source.Registry{blind(1)}, audit.ErrAltered, "items"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := reperform(t, tt.data, tt.drivers)
			if tt.kind == nil && err != nil || tt.kind != nil && (!errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %v with %q\n%s%s", err, tt.kind, tt.want, r.Checks, r)
			}
		})
	}
}

// blind is a normalizer that sees a second factor everywhere.
func blind(version int) *source.Driver {
	d := listDriver(version)
	sighted := d.Normalize
	d.Normalize = func(config json.RawMessage, p audit.Page) ([]audit.Item, error) {
		p.Body = bytes.ReplaceAll(p.Body, []byte("=false"), []byte("=true"))
		return sighted(config, p)
	}
	return d
}

// swap is unused bytes of a page that were never sealed: the log finds them.
func swap(t testing.TB, w *world, page string) {
	t.Helper()
	w.records[2].Body = opener([]byte(page + "\n")[:len(page)])
	if _, err := verify(t, w.bundle(), Options{}); err != nil {
		t.Fatal("the same bytes:", err)
	}
	forged := strings.Replace(page, "bob", "bab", 1)
	w.records[2].Body = opener([]byte(forged))
	if _, err := verify(t, w.bundle(), Options{}); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "E-2:") {
		t.Fatalf("other bytes in a page: got %v, want E-2 named", err)
	}
}

// swapResults is the bundle of w with a run that was sealed with o's results.
func swapResults(t testing.TB, w, o *world) []byte {
	t.Helper()
	last := &w.records[len(w.records)-1]
	clone := newWorld(t)
	clone.about, clone.procs, clone.results, clone.report = w.about, w.procs, o.results, o.report
	for _, r := range w.records[:len(w.records)-1] {
		clone.backendAdd(r)
	}
	var rec audit.Record
	if err := json.Unmarshal(last.Canonical, &rec); err != nil {
		t.Fatal(err)
	}
	body, err := o.records[len(o.records)-1].read(t.Context(), sizeOf(t, o.records[len(o.records)-1]))
	if err != nil {
		t.Fatal(err)
	}
	clone.seal(rec, body)
	return clone.bundle()
}

func (w *world) backendAdd(r Record) {
	var rec audit.Record
	if err := json.Unmarshal(r.Canonical, &rec); err != nil {
		w.t.Fatal(err)
	}
	body, err := r.read(w.t.Context(), rec.Size)
	if err != nil {
		w.t.Fatal(err)
	}
	w.seal(rec, body)
}

func sizeOf(t testing.TB, r Record) int64 {
	var rec audit.Record
	if err := json.Unmarshal(r.Canonical, &rec); err != nil {
		t.Fatal(err)
	}
	return rec.Size
}

func TestReperformAfterErasure(t *testing.T) {
	w := tested(t, threeDays, []int{1, 2, 3}, 2)
	w.erase(7)
	r, err := reperform(t, w.bundle(), drivers())
	if !errors.Is(err, audit.ErrInconclusive) || r.Missing != 1 || r.Items.Agree != r.Items.Of {
		t.Errorf("got %v\n%s%s", err, r.Checks, r)
	}
}

func TestReperformWithoutRun(t *testing.T) {
	if _, err := reperform(t, smallWorld(t).bundle(), drivers()); !errors.Is(err, audit.ErrInconclusive) {
		t.Errorf("got %v", err)
	}
}

func TestReperformCanceled(t *testing.T) {
	data := tested(t, threeDays, []int{1, 2, 3}, 2).bundle()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Reperform(ctx, bytes.NewReader(data), int64(len(data)), Options{Now: noon(31)}, drivers()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWriteIsDeterministic(t *testing.T) {
	w := tested(t, threeDays, []int{1, 2, 3}, 2)
	if a, b := w.bundle(), w.bundle(); !bytes.Equal(a, b) {
		t.Error("two writes of the same contents differ")
	}
}
