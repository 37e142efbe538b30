package sample

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestVectors runs every row of the worked values; the count makes sure that
// none is passed over.
func TestVectors(t *testing.T) {
	f, err := os.Open("testdata/sampling_vectors.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		col := strings.Split(s.Text(), "\t")
		if col[0] == "function" {
			continue
		}
		rows++
		run, ok := vectorFuncs[col[0]]
		if !ok {
			t.Errorf("no function for vector %q", s.Text())
			continue
		}
		if got := run(t, col[1]); got != col[2] {
			t.Errorf("%s(%s) = %s; want %s", col[0], col[1], got, col[2])
		}
	}
	if rows != 163 {
		t.Errorf("ran %d vectors; want 163", rows)
	}
}

var vectorFuncs = map[string]func(*testing.T, string) string{
	"binomial_upper_deviation_limit": func(t *testing.T, in string) string {
		a := parse(t, in)
		return rate(t)(UpperLimit(a.int("n"), a.int("x"), a.float("conf")))
	},
	"hypergeometric_upper_deviation_count": func(t *testing.T, in string) string {
		a := parse(t, in)
		return count(t)(UpperCount(a.int("N"), a.int("n"), a.int("x"), a.float("conf")))
	},
	"binomial_min_sample": func(t *testing.T, in string) string {
		a := parse(t, in)
		return count(t)(MinSample(a.float("tdr"), a.int("x"), a.float("conf")))
	},
	"hypergeometric_min_sample": func(t *testing.T, in string) string {
		a := parse(t, in)
		return count(t)(MinSampleOf(a.int("N"), a.float("tdr"), a.int("x"), a.float("conf")))
	},
	"detection_probability": func(t *testing.T, in string) string {
		a := parse(t, in)
		return rate(t)(Detection(a.int("N"), a.int("K"), a.int("n")))
	},
	"two_stage_acceptance_risk": func(t *testing.T, in string) string {
		var a, b Stage
		var p float64
		if _, err := fmt.Sscanf(in, "stage1=(%d,%d);stage2=(%d,%d);p=%g", &a.Items, &a.Accepted, &b.Items, &b.Accepted, &p); err != nil {
			t.Fatal(err)
		}
		return rate(t)(TwoStageRisk(a, b, p))
	},
	"hash_rank_selection": func(t *testing.T, in string) string {
		a := parse(t, in)
		if a["ids"] != "CHG-0001..CHG-0040" {
			t.Fatalf("unknown id range %q", a["ids"])
		}
		got, err := Select([]byte(a["seed"]), changeIDs(40), a.int("n"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(got, ",")
	},
	"systematic_selection": func(t *testing.T, in string) string {
		var N, n, start int
		if _, err := fmt.Sscanf(in, "N=%d;n=%d;start=%d", &N, &n, &start); err != nil {
			t.Fatal(err)
		}
		return list(t)(Systematic(N, n, start))
	},
	"stratified_allocation": func(t *testing.T, in string) string {
		a := parse(t, in)
		var strata []int
		for _, s := range strings.Split(a["strata"], ",") {
			strata = append(strata, args{"s": s}.int("s"))
		}
		return list(t)(Allocate(strata, a.int("n"), false))
	},
}

type args map[string]string

func parse(t *testing.T, in string) args {
	a := args{}
	for _, kv := range strings.Split(in, ";") {
		k, v, ok := strings.Cut(kv, "=")
		if !ok {
			t.Fatalf("input %q: no = in %q", in, kv)
		}
		a[k] = v
	}
	return a
}

func (a args) int(k string) int {
	n, err := strconv.Atoi(a[k])
	if err != nil {
		panic(err)
	}
	return n
}

func (a args) float(k string) float64 {
	v, err := strconv.ParseFloat(a[k], 64)
	if err != nil {
		panic(err)
	}
	return v
}

func rate(t *testing.T) func(float64, error) string {
	return func(v float64, err error) string {
		if err != nil {
			t.Error(err)
		}
		return fmt.Sprintf("%.6f", v)
	}
}

func count(t *testing.T) func(int, error) string {
	return func(v int, err error) string {
		if err != nil {
			t.Error(err)
		}
		return strconv.Itoa(v)
	}
}

func list(t *testing.T) func([]int, error) string {
	return func(v []int, err error) string {
		if err != nil {
			t.Error(err)
		}
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(v), "[]"), " ", ",")
	}
}

func changeIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("CHG-%04d", i+1)
	}
	return ids
}

func TestTiesAreExact(t *testing.T) {
	// P(X=0 | N=10, K=1, n=9) is exactly one tenth, which is not over 1-0.9.
	if got, err := UpperCount(10, 9, 0, 0.9); err != nil || got != 0 {
		t.Errorf("UpperCount(10, 9, 0, 0.9) = %d, %v; want 0", got, err)
	}
	// P(X=0 | p=0.5, n=2) is exactly a quarter, which is enough at 0.75.
	if got, err := MinSample(0.5, 0, 0.75); err != nil || got != 2 {
		t.Errorf("MinSample(0.5, 0, 0.75) = %d, %v; want 2", got, err)
	}
	if got, err := MinSampleOf(10, 0.1, 0, 0.9); err != nil || got != 9 {
		t.Errorf("MinSampleOf(10, 0.1, 0, 0.9) = %d, %v; want 9", got, err)
	}
}

func TestFloatAgreesWithExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		N := rapid.IntRange(1, 300).Draw(t, "N")
		K := rapid.IntRange(0, N).Draw(t, "K")
		n := rapid.IntRange(1, N).Draw(t, "n")
		x := rapid.IntRange(0, n).Draw(t, "x")
		want, _ := hypergeometricExact(N, K, n, x).Float64()
		if got := hypergeometricCDF(N, K, n, x); math.Abs(got-want) > 1e-10*math.Max(want, 1e-3) {
			t.Fatalf("hypergeometricCDF(%d, %d, %d, %d) = %v; want %v", N, K, n, x, got, want)
		}
		p := rapid.Float64Range(0.001, 0.999).Draw(t, "p")
		want, _ = binomialExact(n, x, decimal(p)).Float64()
		if got := binomialCDF(n, x, p); math.Abs(got-want) > 1e-10*math.Max(want, 1e-3) {
			t.Fatalf("binomialCDF(%d, %d, %v) = %v; want %v", n, x, p, got, want)
		}
	})
}

func TestLimitsAreTight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		N := rapid.IntRange(1, 400).Draw(t, "N")
		n := rapid.IntRange(1, N).Draw(t, "n")
		x := rapid.IntRange(0, n).Draw(t, "x")
		conf := rapid.SampledFrom([]float64{0.8, 0.9, 0.95, 0.99}).Draw(t, "conf")
		K, err := UpperCount(N, n, x, conf)
		if err != nil {
			t.Fatal(err)
		}
		alpha, _ := newBound(conf)
		for k := x; k <= N-n+x; k++ {
			within := hypergeometricExact(N, k, n, x).Cmp(alpha.r) > 0
			if within != (k <= K) {
				t.Fatalf("N=%d n=%d x=%d conf=%v: limit %d, but K=%d has within=%v", N, n, x, conf, K, k, within)
			}
		}
	})
}

func TestLargeNumbers(t *testing.T) {
	got, err := UpperLimit(1_000_000, 400_000, 0.95)
	if err != nil || math.Abs(got-0.400806) > 1e-5 {
		t.Errorf("UpperLimit(1e6, 4e5) = %v, %v; want about 0.400806", got, err)
	}
	K, err := UpperCount(50_000_000, 60, 0, 0.95)
	if err != nil || math.Abs(float64(K)/50e6-0.0487) > 1e-4 {
		t.Errorf("UpperCount(5e7, 60, 0) = %d, %v; want about 4.87%%", K, err)
	}
}

func TestRefusals(t *testing.T) {
	cases := map[string]func() error{
		"no items":            func() error { _, err := UpperLimit(0, 0, 0.9); return err },
		"more found than n":   func() error { _, err := UpperLimit(5, 6, 0.9); return err },
		"confidence of one":   func() error { _, err := UpperLimit(5, 0, 1); return err },
		"confidence not a no": func() error { _, err := UpperLimit(5, 0, math.NaN()); return err },
		"sample over N":       func() error { _, err := UpperCount(5, 6, 0, 0.9); return err },
		"rate of zero":        func() error { _, err := MinSample(0, 0, 0.9); return err },
		"K over N":            func() error { _, err := Detection(5, 6, 1); return err },
		"shrinking stage":     func() error { _, err := TwoStageRisk(Stage{45, 0}, Stage{44, 1}, 0.1); return err },
		"empty id":            func() error { _, err := Rank(nil, []string{"a", ""}); return err },
		"repeated id":         func() error { _, err := Rank(nil, []string{"a", "b", "a"}); return err },
		"more than there are": func() error { _, err := Select(nil, []string{"a"}, 2); return err },
		"start too far":       func() error { _, err := Systematic(40, 5, 9); return err },
		"too few for floor":   func() error { _, err := Allocate([]int{3, 3, 3}, 2, true); return err },
		"no strata":           func() error { _, err := Allocate(nil, 1, false); return err },
	}
	for name, call := range cases {
		if call() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSelectionProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.StringN(1, 8, -1), 1, 40, rapid.ID).Draw(t, "ids")
		seed := rapid.SliceOf(rapid.Byte()).Draw(t, "seed")
		want, err := Rank(seed, ids)
		if err != nil {
			t.Fatal(err)
		}
		shuffled := rapid.Permutation(ids).Draw(t, "shuffled")
		if got, _ := Rank(seed, shuffled); !slices.Equal(got, want) {
			t.Fatalf("order depends on input order: %q and %q", got, want)
		}
		n := rapid.IntRange(0, len(ids)).Draw(t, "n")
		if got, _ := Select(seed, ids, n); !slices.Equal(got, want[:n]) {
			t.Fatalf("Select(%d) = %q; want the first of %q", n, got, want)
		}
	})
}

func TestSeedUsesEveryField(t *testing.T) {
	base := Draw{Engagement: "E1", Control: "C1", Round: "1"}
	draws := []Draw{base}
	for _, change := range []func(*Draw){
		func(d *Draw) { d.Root[31] = 1 },
		func(d *Draw) { d.Nonce[0] = 1 },
		func(d *Draw) { d.Engagement = "E2" },
		func(d *Draw) { d.Control = "C2" },
		func(d *Draw) { d.Round = "2" },
		func(d *Draw) { d.Stratum = "S" },
		func(d *Draw) { d.Engagement, d.Control = "E", "1C1" },
	} {
		d := base
		change(&d)
		draws = append(draws, d)
	}
	seen := map[[32]byte]int{}
	for i, d := range draws {
		if j, dup := seen[d.Seed()]; dup {
			t.Errorf("draws %d and %d share a seed", i, j)
		}
		seen[d.Seed()] = i
	}
	if got, want := fmt.Sprintf("%x", base.Seed()), seedOfBase; got != want {
		t.Errorf("seed = %s; want %s", got, want)
	}
}

func TestAllocateAtLeastOne(t *testing.T) {
	got, err := Allocate([]int{7, 3, 390, 0}, 25, true)
	if err != nil || !slices.Equal(got, []int{1, 1, 23, 0}) {
		t.Errorf("Allocate = %v, %v; want [1 1 23 0]", got, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		strata := rapid.SliceOfN(rapid.IntRange(1, 50), 1, 10).Draw(t, "strata")
		total := 0
		for _, s := range strata {
			total += s
		}
		n := rapid.IntRange(len(strata), total).Draw(t, "n")
		got, err := Allocate(strata, n, true)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0
		for i, k := range got {
			sum += k
			if k < 1 || k > strata[i] {
				t.Fatalf("Allocate(%v, %d) = %v: stratum %d gets %d of %d", strata, n, got, i, k, strata[i])
			}
		}
		if sum != n {
			t.Fatalf("Allocate(%v, %d) = %v: sum %d", strata, n, got, sum)
		}
	})
}
