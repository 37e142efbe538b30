package sample

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
)

// nearTie is how close, relative to the bound, a floating-point probability may
// come before the comparison is made again in exact rational arithmetic.
const nearTie = 1e-9

// bound is 1-conf, both as a float and exactly as its decimal digits say, so
// that 0.9 means nine tenths and a probability of exactly one tenth ties.
type bound struct {
	f float64
	r *big.Rat
}

func newBound(conf float64) (bound, error) {
	if !(conf > 0 && conf < 1) {
		return bound{}, fmt.Errorf("confidence %v: give a number between 0 and 1, such as 0.95", conf)
	}
	r := new(big.Rat).Sub(big.NewRat(1, 1), decimal(conf))
	f, _ := r.Float64()
	return bound{f: f, r: r}, nil
}

// decimal is v as the shortest decimal that denotes it.
func decimal(v float64) *big.Rat {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(v, 'g', -1, 64))
	if !ok {
		panic("sample: decimal of a number that is not finite")
	}
	return r
}

// atMost tells whether the probability is <= the bound; exact is asked only
// when p is too close to it for a float to decide.
func (b bound) atMost(p float64, exact func() *big.Rat) bool {
	if math.Abs(p-b.f) > nearTie*b.f {
		return p < b.f
	}
	return exact().Cmp(b.r) <= 0
}

// binomialCDF is P(X <= x) for n independent items that deviate at rate p.
func binomialCDF(n, x int, p float64) float64 {
	switch {
	case x >= n:
		return 1
	case p <= 0:
		return 1
	case p >= 1:
		return 0
	}
	term := float64(n) * math.Log1p(-p)
	odds := math.Log(p) - math.Log1p(-p)
	sum := logSum(math.Inf(-1), term)
	for j := range x {
		term += math.Log(float64(n-j)/float64(j+1)) + odds
		sum = logSum(sum, term)
	}
	return math.Min(1, math.Exp(sum))
}

// binomialExact is binomialCDF in rational arithmetic.
func binomialExact(n, x int, p *big.Rat) *big.Rat {
	q := new(big.Rat).Sub(big.NewRat(1, 1), p)
	sum := new(big.Rat)
	for j := 0; j <= min(x, n); j++ {
		term := new(big.Rat).SetInt(new(big.Int).Binomial(int64(n), int64(j)))
		term.Mul(term, power(p, j)).Mul(term, power(q, n-j))
		sum.Add(sum, term)
	}
	return sum
}

func power(r *big.Rat, k int) *big.Rat {
	e := big.NewInt(int64(k))
	return new(big.Rat).SetFrac(new(big.Int).Exp(r.Num(), e, nil), new(big.Int).Exp(r.Denom(), e, nil))
}

// hypergeometricCDF is P(X <= x) for n items drawn without return from N, of
// which K deviate.
func hypergeometricCDF(N, K, n, x int) float64 {
	first := max(0, n-(N-K))
	if x < first {
		return 0
	}
	if x >= min(n, K) {
		return 1
	}
	term := logFirst(N, K, n, first)
	sum := logSum(math.Inf(-1), term)
	for j := first; j < x; j++ {
		term += math.Log(float64(K-j)*float64(n-j)) - math.Log(float64(j+1)*float64(N-K-n+j+1))
		sum = logSum(sum, term)
	}
	return math.Min(1, math.Exp(sum))
}

// logFirst is the logarithm of P(X = first), the smallest count that can occur.
func logFirst(N, K, n, first int) float64 {
	top, steps := N-K, min(n, K)
	switch {
	case first > 0:
		top, steps = K, N-n
	case steps == K:
		top = N - n
	}
	sum := 0.0
	for i := range steps {
		sum += math.Log(float64(top-i)) - math.Log(float64(N-i))
	}
	return sum
}

// hypergeometricExact is hypergeometricCDF in rational arithmetic.
func hypergeometricExact(N, K, n, x int) *big.Rat {
	sum := new(big.Int)
	for j := max(0, n-(N-K)); j <= min(x, min(n, K)); j++ {
		a := new(big.Int).Binomial(int64(K), int64(j))
		sum.Add(sum, a.Mul(a, new(big.Int).Binomial(int64(N-K), int64(n-j))))
	}
	return new(big.Rat).SetFrac(sum, new(big.Int).Binomial(int64(N), int64(n)))
}

// logSum is log(exp(a)+exp(b)).
func logSum(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(b, -1) {
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}
