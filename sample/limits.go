package sample

import (
	"fmt"
	"math/big"
)

// MaxItems is the largest population or sample these functions take.
const MaxItems = 1 << 30

// UpperLimit returns the exact one-sided upper limit of the deviation rate: the
// smallest rate at which x or fewer deviations in n items have a probability of
// at most 1-conf (Clopper-Pearson). It supposes a population much larger than
// n, where UpperCount would be stricter than needed to state.
func UpperLimit(n, x int, conf float64) (float64, error) {
	if err := checkSample(n, x); err != nil {
		return 0, err
	}
	alpha, err := newBound(conf)
	if err != nil || x == n {
		return 1, err
	}
	lo, hi := 0.0, 1.0
	for range 200 {
		mid := (lo + hi) / 2
		if mid <= lo || mid >= hi {
			break
		}
		if binomialCDF(n, x, mid) <= alpha.f {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi, nil
}

// UpperCount returns the largest number of deviations that a population of N
// may hold while x or fewer in a sample of n keep a probability over 1-conf
// (hypergeometric, exact at ties). The limit as a rate is UpperCount/N.
func UpperCount(N, n, x int, conf float64) (int, error) {
	if err := checkPopulation(N, n); err != nil {
		return 0, err
	}
	if err := checkSample(n, x); err != nil {
		return 0, err
	}
	alpha, err := newBound(conf)
	if err != nil {
		return 0, err
	}
	lo, hi := x, N-n+x // lo always holds; more than hi cannot have given x
	for lo < hi {
		mid := lo + (hi-lo+1)/2
		if hyperAtMost(alpha, N, mid, n, x) {
			hi = mid - 1
		} else {
			lo = mid
		}
	}
	return lo, nil
}

// MinSample returns the smallest sample in which x deviations still keep the
// upper limit at or under the tolerable rate tdr, for a large population.
func MinSample(tdr float64, x int, conf float64) (int, error) {
	if !(tdr > 0 && tdr < 1) {
		return 0, fmt.Errorf("tolerable rate %v: give a number between 0 and 1, such as 0.05", tdr)
	}
	alpha, err := newBound(conf)
	if err != nil {
		return 0, err
	}
	if err := checkSample(MaxItems, x); err != nil {
		return 0, err
	}
	enough := func(n int) bool {
		return alpha.atMost(binomialCDF(n, x, tdr), func() *big.Rat { return binomialExact(n, x, decimal(tdr)) })
	}
	hi := x + 1
	for !enough(hi) {
		if hi > MaxItems/2 {
			return 0, fmt.Errorf("tolerable rate %v with %d deviations needs more than %d items", tdr, x, hi)
		}
		hi *= 2
	}
	return firstTrue(x+1, hi, enough), nil
}

// MinSampleOf is MinSample for a population of N, of which floor(N*tdr) are
// supposed to deviate. When even the whole population could not tell (the
// supposed number is not above x) it returns N: take every item.
func MinSampleOf(N int, tdr float64, x int, conf float64) (int, error) {
	if !(tdr > 0 && tdr < 1) {
		return 0, fmt.Errorf("tolerable rate %v: give a number between 0 and 1, such as 0.05", tdr)
	}
	alpha, err := newBound(conf)
	if err != nil {
		return 0, err
	}
	if err := checkPopulation(N, N); err != nil {
		return 0, err
	}
	if err := checkSample(N, x); err != nil {
		return 0, err
	}
	K := floorOf(N, tdr)
	if K <= x {
		return N, nil
	}
	return firstTrue(x+1, N, func(n int) bool { return hyperAtMost(alpha, N, K, n, x) }), nil
}

// Detection returns the probability that a sample of n from N items, of which K
// deviate, holds at least one deviation.
func Detection(N, K, n int) (float64, error) {
	if err := checkPopulation(N, n); err != nil {
		return 0, err
	}
	if K < 0 || K > N {
		return 0, fmt.Errorf("%d deviations in a population of %d: give 0 to %d", K, N, N)
	}
	return 1 - hypergeometricCDF(N, K, n, 0), nil
}

// Stage is a sample size, counted from the start, and the deviations accepted
// up to there.
type Stage struct{ Items, Accepted int }

// TwoStageRisk returns the probability of accepting a population that deviates
// at rate p when a first stage may be accepted at once and is otherwise
// extended to the second.
func TwoStageRisk(first, second Stage, p float64) (float64, error) {
	if err := checkSample(first.Items, first.Accepted); err != nil {
		return 0, err
	}
	if err := checkSample(second.Items, second.Accepted); err != nil {
		return 0, err
	}
	if second.Items < first.Items || second.Accepted < first.Accepted {
		return 0, fmt.Errorf("second stage (%d, %d) is smaller than the first (%d, %d): give totals from the start",
			second.Items, second.Accepted, first.Items, first.Accepted)
	}
	if !(p >= 0 && p <= 1) {
		return 0, fmt.Errorf("rate %v: give a number from 0 to 1", p)
	}
	risk := binomialCDF(first.Items, first.Accepted, p)
	for k := first.Accepted + 1; k <= min(second.Accepted, first.Items); k++ {
		exactly := binomialCDF(first.Items, k, p) - binomialCDF(first.Items, k-1, p)
		risk += exactly * binomialCDF(second.Items-first.Items, second.Accepted-k, p)
	}
	return risk, nil
}

func hyperAtMost(alpha bound, N, K, n, x int) bool {
	return alpha.atMost(hypergeometricCDF(N, K, n, x), func() *big.Rat { return hypergeometricExact(N, K, n, x) })
}

// floorOf is floor(N*rate) with rate taken as its decimal digits say.
func floorOf(N int, rate float64) int {
	r := new(big.Rat).Mul(big.NewRat(int64(N), 1), decimal(rate))
	return int(new(big.Int).Quo(r.Num(), r.Denom()).Int64())
}

// firstTrue returns the smallest n in [lo, hi] for which ok holds; ok is
// monotone and holds at hi.
func firstTrue(lo, hi int, ok func(int) bool) int {
	for lo < hi {
		mid := lo + (hi-lo)/2
		if ok(mid) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

func checkSample(n, x int) error {
	if n < 1 || n > MaxItems {
		return fmt.Errorf("sample of %d items: give 1 to %d", n, MaxItems)
	}
	if x < 0 || x > n {
		return fmt.Errorf("%d deviations in a sample of %d: give 0 to %d", x, n, n)
	}
	return nil
}

func checkPopulation(N, n int) error {
	if N < 1 || N > MaxItems {
		return fmt.Errorf("population of %d items: give 1 to %d", N, MaxItems)
	}
	if n < 1 || n > N {
		return fmt.Errorf("sample of %d from a population of %d: give 1 to %d", n, N, N)
	}
	return nil
}
