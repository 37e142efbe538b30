package web

import "sync"

// A once is a value that is made when it is first asked for and kept as long as
// the state it belongs to. It is safe for concurrent use; an error is not kept.
type once[T any] struct {
	mu   sync.Mutex
	made bool
	v    T
}

func (o *once[T]) get(build func() (T, error)) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made {
		return o.v, nil
	}
	v, err := build()
	if err == nil {
		o.v, o.made = v, true
	}
	return v, err
}

// peek returns the value if it was made.
func (o *once[T]) peek() (T, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.v, o.made
}

// inherit takes over what a state of the same definitions made of the same
// evidence: what the sources see does not change with a decision.
func (st *state) inherit(old *state) {
	if old == nil || old.collected != st.collected || old.p.Def.Hash() != st.p.Def.Hash() {
		return
	}
	if s, ok := old.system.peek(); ok {
		st.system.v, st.system.made = s, true
	}
}
