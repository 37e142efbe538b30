package pdf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"tieout/audit"
	"tieout/report/attest/pdf/syntax"
)

// A hasher makes digests of values of a PDF that do not depend on the numbers of
// its objects, on compression or on how a number is written. A page is its
// number, so that a link's target is part of the digest.
type hasher struct {
	file  *syntax.File
	pages map[syntax.Ref]int // from 1
	done  map[syntax.Ref]string
	open  map[syntax.Ref]bool
	items map[syntax.Ref]bool // bookmarks that were read
}

func newHasher(f *syntax.File, pages []syntax.Ref) *hasher {
	h := &hasher{file: f, pages: map[syntax.Ref]int{}, done: map[syntax.Ref]string{}, open: map[syntax.Ref]bool{}, items: map[syntax.Ref]bool{}}
	for i, p := range pages {
		h.pages[p] = i + 1
	}
	return h
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// digest is the SHA-256, hex, of v and all it refers to.
func (h *hasher) digest(v any) (string, error) {
	b, err := h.append(nil, v)
	if err != nil {
		return "", err
	}
	return sum(b), nil
}

func (h *hasher) append(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case syntax.Ref:
		return h.ref(b, v)
	case syntax.Number:
		return append(b, v.Plain()...), nil
	case syntax.Array:
		return h.array(b, v)
	case syntax.Dict:
		return h.dict(b, v)
	case *syntax.Stream:
		return h.stream(b, v)
	}
	return syntax.Append(b, v), nil
}

func (h *hasher) ref(b []byte, r syntax.Ref) ([]byte, error) {
	if n := h.pages[r]; n > 0 {
		return append(append(b, "page "...), strconv.Itoa(n)...), nil
	}
	if d, ok := h.done[r]; ok {
		return append(b, d...), nil
	}
	if h.open[r] || len(h.open) > 100 {
		return nil, fmt.Errorf("%w: object %d of the PDF leads back to itself", audit.ErrInvalid, r)
	}
	h.open[r] = true
	defer delete(h.open, r)
	d, err := h.append(nil, h.file.Objects[int(r)])
	if err != nil {
		return nil, err
	}
	h.done[r] = string(d)
	return append(b, d...), nil
}

func (h *hasher) array(b []byte, a syntax.Array) ([]byte, error) {
	var c []byte
	for _, v := range a {
		var err error
		if c, err = h.append(append(c, ' '), v); err != nil {
			return nil, err
		}
	}
	return h.nested(b, append(c, " ]"...)), nil
}

// nested writes what an object of its own would be: whether a dictionary stands
// alone or inside is nothing a reader can see.
func (h *hasher) nested(b, c []byte) []byte { return append(append(append(b, '{'), sum(c)...), '}') }

func (h *hasher) dict(b []byte, d syntax.Dict) ([]byte, error) {
	c, err := h.entries(nil, d)
	if err != nil {
		return nil, err
	}
	return h.nested(b, c), nil
}

func (h *hasher) entries(b []byte, d syntax.Dict) ([]byte, error) {
	for _, k := range syntax.Keys(d) {
		if d[k] == nil {
			continue
		}
		b = append(syntax.Append(b, syntax.Name(k)), ' ')
		var err error
		if b, err = h.append(b, d[k]); err != nil {
			return nil, err
		}
		b = append(b, '\n')
	}
	return b, nil
}

func (h *hasher) stream(b []byte, s *syntax.Stream) ([]byte, error) {
	data, err := h.file.Data(s)
	if err != nil {
		return nil, err
	}
	d := syntax.Dict{}
	for k, v := range s.Dict {
		if k != "Filter" && k != "DecodeParms" && k != "Length" {
			d[k] = v
		}
	}
	c, err := h.entries(nil, d)
	if err != nil {
		return nil, err
	}
	return h.nested(b, append(append(c, "stream "...), sum(data)...)), nil
}

// contents returns the decoded content streams of a page, each alone.
func contents(f *syntax.File, page syntax.Dict) ([][]byte, error) {
	list, ok := f.Resolve(page["Contents"]).(syntax.Array)
	if !ok {
		list = syntax.Array{page["Contents"]}
	}
	var out [][]byte
	for _, v := range list {
		s, ok := f.Resolve(v).(*syntax.Stream)
		if !ok {
			return nil, fmt.Errorf("%w: a page of the PDF has no content", audit.ErrInvalid)
		}
		data, err := f.Data(s)
		if err != nil {
			return nil, err
		}
		out = append(out, bytes.TrimRight(data, "\r\n "))
	}
	return out, nil
}
