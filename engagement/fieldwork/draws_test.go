package fieldwork_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/redraw"
	"tieout/sample"
)

// ready is a world with a planned test on CHG-01, a nonce for round 1, and an
// accepted population P-1 of n items.
func ready(t testing.TB, n int) *world {
	t.Helper()
	w := planned(t, "CHG-01")
	must[fieldwork.Commitment](t)(w.book.CommitNonce(t.Context(), staff, "EN-1", "CHG-01", "1", ""))
	w.fed(n, "CHG-01")
	return w
}

func random(size int) fieldwork.Order {
	o := fieldwork.Order{Population: "P-1", Control: "CHG-01", Method: engagement.Random, Size: size}
	if size > 0 {
		o.Basis = "agreed with the partner"
	} else {
		o.Risk = sample.Moderate
	}
	return o
}

func TestDrawIsByTableAndSeed(t *testing.T) {
	w := ready(t, 120)
	x := must[fieldwork.Sample](t)(w.book.DrawSample(t.Context(), staff, "EN-1", random(0)))
	if x.ID != "S-1" || len(x.Items) != 12 || !strings.Contains(x.Basis, "an example that no firm has adopted: moderate risk, population of 120") {
		t.Fatalf("drew %s, %d items, basis %q; want S-1, 12 by the example", x.ID, len(x.Items), x.Basis)
	}
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		p, d := f.Populations["P-1"], x.Draws[0]
		root, nonce := bytes32(t, p.Freeze.Root), bytes32(t, d.Nonce)
		seed := sample.Draw{Root: root, Nonce: nonce, Engagement: "EN-1", Control: "CHG-01", Round: "1"}.Seed()
		var ids []string
		for i := range 120 {
			ids = append(ids, fmt.Sprintf("CHG-%04d", i+1))
		}
		want := must[[]string](t)(sample.Select(seed[:], ids, 12))
		if !slices.Equal(x.Items, want) {
			t.Errorf("picked %v; want %v, as sample.Select does", x.Items, want)
		}
		if q := x.Spread; len(q) != 4 || q[0].Name != "Q1 2026" || q[0].Items+q[1].Items+q[2].Items+q[3].Items != 120 {
			t.Errorf("spread %+v; want 120 items over four quarters", q)
		}
	})
	if got := must[[]fieldwork.Commitment](t)(w.book.Unopened(t.Context(), "EN-1")); len(got) != 0 {
		t.Errorf("unopened %v; want none", got)
	}
}

func bytes32(t testing.TB, s string) [32]byte {
	t.Helper()
	return [32]byte(must[[]byte](t)(hex.DecodeString(s)))
}

func TestDrawKeepsItsOrder(t *testing.T) {
	draw := func(w *world, o fieldwork.Order) error {
		_, err := w.book.DrawSample(t.Context(), staff, "EN-1", o)
		return err
	}
	cases := []struct {
		name, want string
		world      func() *world
	}{
		{"not accepted", "not accepted", func() *world {
			w := planned(t, "CHG-01")
			must[fieldwork.Commitment](t)(w.book.CommitNonce(t.Context(), staff, "EN-1", "CHG-01", "1", ""))
			lines := items(40, nil)
			w.feed(frozen("P-1", lines, "CHG-01"), lines)
			return w
		}},
		{"no nonce", "no nonce was committed", func() *world { w := planned(t, "CHG-01"); w.fed(40, "CHG-01"); return w }},
		{"nonce the client had not seen", "nobody could tell", func() *world {
			w := planned(t, "CHG-01")
			before := w.size()
			must[fieldwork.Commitment](t)(w.book.CommitNonce(t.Context(), staff, "EN-1", "CHG-01", "1", ""))
			lines := items(40, nil)
			p := frozen("P-1", lines, "CHG-01")
			w.to("2027-01-05")
			check(t, w.book.TakePopulation(t.Context(), receiver, "EN-1", p, strings.NewReader(lines), 0, before))
			w.accept("P-1")
			return w
		}},
		{"reliance not fixed", "reliance mode", func() *world {
			w := opened(t)
			must[fieldwork.Commitment](t)(w.book.CommitNonce(t.Context(), staff, "EN-1", "CHG-01", "1", ""))
			w.fed(40, "CHG-01")
			return w
		}},
		{"superseded", "superseded", func() *world {
			w := ready(t, 40)
			lines := items(41, nil)
			p := frozen("P-2", lines, "CHG-01")
			p.Round, p.Supersedes = "2", "P-1"
			w.feed(p, lines)
			w.accept("P-2")
			return w
		}},
		{"drawn before", "drawn from once", func() *world { w := ready(t, 40); check(t, draw(w, random(3))); return w }},
		{"nothing to draw from", "did not occur", func() *world {
			w := planned(t, "CHG-01")
			p := frozen("P-1", "", "CHG-01")
			w.feed(p, "")
			w.accept("P-1")
			return w
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := c.world()
			if err := draw(w, random(5)); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want it refused with %q", err, c.want)
			}
		})
	}
}

func TestDrawIsRefused(t *testing.T) {
	w := ready(t, 40)
	for _, c := range []struct {
		name, want string
		by         func(*fieldwork.Order)
	}{
		{"size without a basis", "basis is missing", func(o *fieldwork.Order) { o.Basis = "" }},
		{"more than there are", "size is 1 to 40", func(o *fieldwork.Order) { o.Size = 41 }},
		{"strata of none", "has no strata", func(o *fieldwork.Order) { o.Method = engagement.Stratified }},
		{"judgment without reasons", "names its items", func(o *fieldwork.Order) { o.Method = engagement.Judgmental }},
		{"judgment on what is not there", "is not in it", func(o *fieldwork.Order) {
			o.Method, o.Why, o.Picked = engagement.Judgmental, "risk", map[string]string{"CHG-9999": "large"}
		}},
		{"systematic unexplained", "repeats at that step", func(o *fieldwork.Order) { o.Method = engagement.Systematic }},
		{"stages that do not begin with the size", "the first has", func(o *fieldwork.Order) { o.Stages = []fieldwork.Stage{{Items: 6}} }},
		{"another control", "is not of", func(o *fieldwork.Order) { o.Control = "IAM-01" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := random(5)
			c.by(&o)
			if _, err := w.book.DrawSample(t.Context(), staff, "EN-1", o); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want an invalid one that says %q", err, c.want)
			}
		})
	}
	if _, err := w.book.DrawSample(t.Context(), stranger, "EN-1", random(5)); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("somebody of another engagement draws: %v; want it forbidden", err)
	}
}

func TestNonceIsMadeOnceAndBeforeTheFreeze(t *testing.T) {
	w := opened(t)
	ctx := t.Context()
	c := must[fieldwork.Commitment](t)(w.book.CommitNonce(ctx, staff, "EN-1", "CHG-01", "1", ""))
	if c.Nonce != "" || c.Salt != "" || len(c.Hidden) != 64 || c.Size != c.Record+1 {
		t.Errorf("commitment %+v; want it hidden, with its place", c)
	}
	if _, err := w.book.CommitNonce(ctx, staff, "EN-1", "CHG-01", "1", ""); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("a second nonce: %v; want it refused", err)
	}
	w.fed(4, "IAM-01")
	if _, err := w.book.CommitNonce(ctx, staff, "EN-1", "IAM-01", "1", ""); err == nil || !strings.Contains(err.Error(), "could be chosen") {
		t.Errorf("a nonce after the freeze: %v; want it refused", err)
	}
	if got := must[[]fieldwork.Commitment](t)(w.book.Unopened(ctx, "EN-1")); len(got) != 1 || got[0].Control != "CHG-01" {
		t.Errorf("unopened %+v; want that of CHG-01 reported", got)
	}
}

func TestStratifiedDrawTakesFromEveryStratum(t *testing.T) {
	w := planned(t, "CHG-01")
	ctx := t.Context()
	for _, s := range []string{"app", "db", "net"} {
		must[fieldwork.Commitment](t)(w.book.CommitNonce(ctx, staff, "EN-1", "CHG-01", "1", s))
	}
	lines := items(50, func(i int) string { return map[bool]string{true: "net", false: []string{"app", "db"}[i%2]}[i == 7] })
	w.feed(frozen("P-1", lines, "CHG-01"), lines)
	w.accept("P-1")
	o := random(6)
	o.Method, o.Stages = engagement.Stratified, []fieldwork.Stage{{Items: 6}, {Items: 12, Accepted: 1}}
	x := must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", o))
	if len(x.Draws) != 3 || x.Draws[2].Stratum != "net" || x.Draws[2].Size != 1 || len(x.Items) != 6 {
		t.Fatalf("draws %+v; want three strata, one of the small one, 6 items", x.Draws)
	}
	y := must[fieldwork.Sample](t)(w.book.ExtendSample(ctx, staff, "EN-1", "S-1", x.Revision))
	for _, it := range x.Items {
		if !slices.Contains(y.Items, it) {
			t.Errorf("%s was picked and is gone after the extension", it)
		}
	}
	if len(y.Items) < 12 {
		t.Errorf("%d items after the extension; want 12", len(y.Items))
	}
	if _, err := w.book.ExtendSample(ctx, staff, "EN-1", "S-1", y.Revision); err == nil || !strings.Contains(err.Error(), "no further stage") {
		t.Errorf("an unplanned extension: %v; want it refused", err)
	}
}

func TestSystematicDraw(t *testing.T) {
	w := ready(t, 40)
	o := random(5)
	o.Method, o.Why = engagement.Systematic, "numbers are given in the order of creation; no cycle of eight"
	x := must[fieldwork.Sample](t)(w.book.DrawSample(t.Context(), staff, "EN-1", o))
	start := x.Draws[0].Start
	for i, it := range x.Items {
		if want := fmt.Sprintf("CHG-%04d", start+8*i); it != want {
			t.Errorf("item %d is %s; want %s", i, it, want)
		}
	}
}

func TestJudgmentalAndWholePicksAreNotProjected(t *testing.T) {
	w := ready(t, 40)
	o := fieldwork.Order{Population: "P-1", Control: "CHG-01", Method: engagement.Judgmental, Why: "emergency changes", Picked: map[string]string{"CHG-0007": "at night", "CHG-0031": "rolled back"}}
	x := must[fieldwork.Sample](t)(w.book.DrawSample(t.Context(), staff, "EN-1", o))
	if x.Projectable() || !slices.Equal(x.Items, []string{"CHG-0007", "CHG-0031"}) || x.Reasons["CHG-0007"] != "at night" {
		t.Errorf("sample %+v; want the two items with reasons, not projectable", x)
	}
	if _, err := fieldwork.Limits(x, 0); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("limits of a judgmental pick: %v; want them refused", err)
	}
	y := must[fieldwork.Sample](t)(w.book.DrawSample(t.Context(), staff, "EN-1", fieldwork.Order{Population: "P-1", Control: "CHG-01", Method: engagement.EveryItem}))
	if len(y.Items) != 40 || y.Projectable() {
		t.Errorf("%d items; want all 40", len(y.Items))
	}
}

func TestReplacementAndRelease(t *testing.T) {
	w := ready(t, 40)
	ctx := t.Context()
	o := random(5)
	o.Stages = []fieldwork.Stage{{Items: 5}, {Items: 10, Accepted: 1}}
	x := must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", o))
	if _, err := w.book.Released(ctx, "EN-1", "S-1"); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("the client is sent an unreleased sample: %v", err)
	}
	if err := w.book.ReleaseSample(ctx, staff, "EN-1", "S-1", x.Revision); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("staff releases: %v; want it forbidden", err)
	}
	check(t, w.book.ReleaseSample(ctx, manager, "EN-1", "S-1", x.Revision))
	if _, err := w.book.ReplaceItem(ctx, staff, "EN-1", "S-1", x.Items[1], "a test entry of the tool itself", nil, 2); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("replaced without proof: %v; want it refused", err)
	}
	r := must[engagement.Replacement](t)(w.book.ReplaceItem(ctx, staff, "EN-1", "S-1", x.Items[1], "a test entry of the tool itself", []int64{17}, 2))
	if _, err := w.book.Released(ctx, "EN-1", "S-1"); err == nil {
		t.Error("a changed sample still counts as released")
	}
	y := must[fieldwork.Sample](t)(w.book.ExtendSample(ctx, staff, "EN-1", "S-1", 3))
	if len(y.Items) != 10 || slices.Contains(y.Items, x.Items[1]) || !slices.Contains(y.Items, r.By) {
		t.Errorf("items %v; want 10, without the void %s, with %s", y.Items, x.Items[1], r.By)
	}
	if y.Draws[0].Items[5] != r.By {
		t.Errorf("replaced by %s; want the next in order, %s", r.By, y.Draws[0].Items[5])
	}
}

func TestLimitsAreExact(t *testing.T) {
	w := ready(t, 250)
	x := must[fieldwork.Sample](t)(w.book.DrawSample(t.Context(), staff, "EN-1", random(25)))
	got := must[[]fieldwork.Limit](t)(fieldwork.Limits(x, 0))
	if len(got) != 2 || fmt.Sprintf("%.4f", got[1].Rate) != "0.1129" || got[1].Count != 26 || got[1].Of != 250 {
		t.Errorf("limits %+v; want 0.1129 and 26 of 250 at 95 percent", got)
	}
}

// lineReader gives n item lines without holding them.
type lineReader struct {
	n, at int
	buf   []byte
}

func (r *lineReader) Read(b []byte) (int, error) {
	for len(r.buf) < len(b) && r.at < r.n {
		r.at++
		r.buf = fmt.Appendf(r.buf, `{"at":"2026-%02d-%02dT09:00:00Z","id":"CHG-%08d","label":"Change number %d of the year","records":[%d],"results":{"change.review":"operated"},"values":["approved","main"]}`+"\n",
			r.at%12+1, r.at%28+1, r.at, r.at, r.at)
	}
	if len(r.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.buf)
	r.buf = r.buf[n:]
	return n, nil
}

// BenchmarkDraw2M draws 3,000 of 2,000,000 items.
func BenchmarkDraw2M(b *testing.B) {
	const n = 2_000_000
	w := planned(b, "CHG-01")
	must[fieldwork.Commitment](b)(w.book.CommitNonce(b.Context(), staff, "EN-1", "CHG-01", "1", ""))
	sum := sha256.New()
	if _, err := io.Copy(sum, &lineReader{n: n}); err != nil {
		b.Fatal(err)
	}
	p := frozen("P-1", "", "CHG-01")
	p.Count, p.Digest, p.Columns = n, hex.EncodeToString(sum.Sum(nil)), []string{"state", "branch"}
	w.to("2027-01-05")
	check(b, w.book.TakePopulation(b.Context(), receiver, "EN-1", p, &lineReader{n: n}, 0, w.size()))
	w.accept("P-1")
	pop := must[fieldwork.Population](b)(w.book.Population(b.Context(), "EN-1", "P-1"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.book.Redraw(b.Context(), pop, 3000); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	x := must[fieldwork.Sample](b)(w.book.DrawSample(b.Context(), staff, "EN-1", random(3000)))
	if len(x.Items) != 3000 {
		b.Errorf("%d items; want 3000", len(x.Items))
	}
}

func hexOf(b [32]byte) string { return hex.EncodeToString(b[:]) }

func TestTwoDrawAtOnceAndOneCounts(t *testing.T) {
	w := ready(t, 40)
	books := []*fieldwork.Book{w.book, w.again()}
	errs := make(chan error, len(books))
	for i, b := range books {
		go func() {
			_, err := b.DrawSample(t.Context(), []access.Subject{staff, tester}[i], "EN-1", random(5))
			errs <- err
		}()
	}
	won := 0
	for range books {
		if err := <-errs; err == nil {
			won++
		} else if !errors.Is(err, audit.ErrConflict) {
			t.Errorf("the other draw: %v; want a conflict", err)
		}
	}
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if won != 1 || len(f.Samples) != 1 {
			t.Errorf("%d draws won, %d samples; want one of each", won, len(f.Samples))
		}
	})
}

func TestLateRowsAreAStratumOfTheirOwn(t *testing.T) {
	w := ready(t, 40)
	ctx := t.Context()
	must[fieldwork.Commitment](t)(w.book.CommitNonce(ctx, staff, "EN-1", "CHG-01", "2", redraw.Supplement))
	lines := strings.ReplaceAll(items(8, nil), "CHG-", "LATE-")
	p := frozen("P-2", lines, "CHG-01")
	p.Round, p.Supplement = "2", true
	w.feed(p, lines)
	w.accept("P-2")
	o := random(3)
	o.Population = "P-2"
	x := must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", o))
	if x.Draws[0].Stratum != redraw.Supplement || len(x.Items) != 3 || !strings.HasPrefix(x.Items[0], "LATE-") {
		t.Errorf("drew %+v; want three late rows, in the supplementary stratum", x.Draws)
	}
}

func TestSpreadWarnsOfAnEmptyQuarter(t *testing.T) {
	got := redraw.Warnings([]redraw.Quarter{{Name: "Q1 2026", Items: 10, Picked: 2}, {Name: "Q2 2026", Items: 4}, {Name: "Q3 2026"}})
	if len(got) != 1 || got[0] != "Q2 2026 has 4 items in the population and none in the sample" {
		t.Errorf("warnings %q; want one, of the second quarter", got)
	}
}
