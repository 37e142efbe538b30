package period

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"testing"
	"testing/iotest"
)

type counted struct {
	io.Reader
	closed int
}

func (c *counted) Close() error { c.closed++; return nil }

func TestReadAhead(t *testing.T) {
	whole := bytes.Repeat([]byte("0123456789abcdef"), 5<<16) // five pieces
	broken := errors.New("the disk is gone")
	for _, tt := range []struct {
		name string
		r    io.Reader
		n    int
		want error
	}{
		{"nothing", bytes.NewReader(nil), 0, nil},
		{"a little", bytes.NewReader(whole[:3]), 3, nil},
		{"whole pieces", bytes.NewReader(whole), len(whole), nil},
		{"a byte more", io.MultiReader(bytes.NewReader(whole), bytes.NewReader(whole[:1])), len(whole) + 1, nil},
		{"by halves", iotest.HalfReader(bytes.NewReader(whole)), len(whole), nil},
		{"cut off", io.MultiReader(bytes.NewReader(whole[:7]), iotest.ErrReader(io.ErrUnexpectedEOF)), 7, io.ErrUnexpectedEOF},
		{"broken after two pieces", io.MultiReader(bytes.NewReader(whole[:2<<20]), iotest.ErrReader(broken)), 2 << 20, broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &counted{Reader: tt.r}
			r := readAhead(c)
			got, err := io.ReadAll(r)
			if !errors.Is(err, tt.want) || len(got) != tt.n || !bytes.HasPrefix(append(whole, '0'), got) {
				t.Errorf("%d bytes, %v; want %d, %v", len(got), err, tt.n, tt.want)
			}
			must(t, r.Close())
			if c.closed != 1 {
				t.Errorf("closed %d times", c.closed)
			}
		})
	}
	c := &counted{Reader: bytes.NewReader(whole)}
	r := readAhead(c)
	if _, err := r.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	must(t, r.Close()) // in the midst
	must(t, r.Close())
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, fs.ErrClosed) || c.closed != 1 {
		t.Errorf("after Close: %d bytes, %v, closed %d times", n, err, c.closed)
	}
}
