package period

import (
	"io"
	"io/fs"
	"sync"
)

// readAhead is r with up to two pieces read before they are asked for, by a
// goroutine that ends with Close: what is read is unpacked and hashed while what
// was read is worked on.
func readAhead(r io.ReadCloser) io.ReadCloser {
	a := &ahead{r: r, full: make(chan piece, 1), free: make(chan []byte, 2), stop: make(chan struct{})}
	for range cap(a.free) {
		a.free <- make([]byte, 1<<20)
	}
	a.done.Go(a.fill)
	return a
}

type piece struct {
	b   []byte
	err error // after b; io.EOF at the end
}

type ahead struct {
	r    io.ReadCloser
	full chan piece
	free chan []byte
	stop chan struct{}
	done sync.WaitGroup
	end  sync.Once
	shut error // of closing what is read

	buf  []byte // of the piece that is read from
	left []byte
	err  error
}

func (a *ahead) fill() {
	for {
		var buf []byte
		select {
		case buf = <-a.free:
		case <-a.stop:
			return
		}
		n, err := 0, error(nil)
		for n < len(buf) && err == nil { // not io.ReadFull: a cut off stream has to stay an error
			var m int
			m, err = a.r.Read(buf[n:])
			n += m
		}
		select {
		case a.full <- piece{buf[:n], err}:
		case <-a.stop:
			return
		}
		if err != nil {
			return
		}
	}
}

// Read implements io.Reader for one goroutine; after Close it is fs.ErrClosed.
func (a *ahead) Read(p []byte) (int, error) {
	select {
	case <-a.stop:
		return 0, fs.ErrClosed
	default:
	}
	for len(a.left) == 0 {
		if a.err != nil {
			return 0, a.err
		}
		if a.buf != nil {
			a.free <- a.buf[:cap(a.buf)]
			a.buf = nil
		}
		select {
		case next := <-a.full:
			a.buf, a.left, a.err = next.b, next.b, next.err
		case <-a.stop:
			return 0, fs.ErrClosed
		}
	}
	n := copy(p, a.left)
	a.left = a.left[n:]
	return n, nil
}

// Close ends the reading ahead and closes what is read, once however often it is
// called.
func (a *ahead) Close() error {
	a.end.Do(func() {
		close(a.stop)
		a.done.Wait()
		a.shut = a.r.Close()
	})
	return a.shut
}
