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
