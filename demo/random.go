package demo

// A random is a splitmix64 generator. It is ours so that no Go release can
// change what a seed gives.
type random struct{ state uint64 }

// newRandom returns the generator of one named thing: the same seed, tag and
// number always give the same sequence, whatever else was generated before.
func newRandom(seed uint64, tag string, n int) *random {
	h := seed ^ 0xcbf29ce484222325
	for i := 0; i < len(tag); i++ {
		h = (h ^ uint64(tag[i])) * 0x100000001b3
	}
	r := &random{h ^ uint64(n)*0x9e3779b97f4a7c15}
	r.next()
	return r
}

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number in [0, n).
func (r *random) below(n int) int { return int(r.next() % uint64(n)) }

// between returns a number in [lo, hi].
func (r *random) between(lo, hi int) int { return lo + r.below(hi-lo+1) }

// hex returns n hexadecimal digits.
func (r *random) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := 0; i < n; i += 16 {
		v := r.next()
		for j := i; j < n && j < i+16; j++ {
			b[j] = digits[v&15]
			v >>= 4
		}
	}
	return string(b)
}
