package bundle

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"

	"tieout/audit"
)

// pack makes a container of plain members, without asking what they mean.
func pack(t testing.TB, members ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := newWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range members {
		if err := w.add(name, []byte("content of "+name), zipped); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestWriterRefuses(t *testing.T) {
	tests := []struct {
		name   string
		before string
		member string
		size   int
	}{
		{"a member twice", "log/checkpoint", "log/checkpoint", 1},
		{"out of order", "log/checkpoint", "about.json", 1},
		{"names out of order", "results/b/0", "results/a/0", 1},
		{"no section", "about.json", "other.json", 1},
		{"a folder by itself", "about.json", "log/", 1},
		{"a way out", "about.json", "log/../about.json", 1},
		{"too large", "about.json", "log/checkpoint", maxContent + 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, err := newWriter(io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.add(tt.before, nil, plain); err != nil {
				t.Fatal(err)
			}
			if err := w.add(tt.member, make([]byte, tt.size), plain); err == nil {
				t.Errorf("member %s was taken after %s", tt.member, tt.before)
			}
		})
	}
}

type failing struct{ after int }

func (f *failing) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestWriteFailsWhereTheDiskDoes(t *testing.T) {
	c := smallWorld(t).contents()
	size := len(smallWorld(t).bundle())
	for after := 0; after < size-8; after += 97 {
		if _, err := Write(t.Context(), &failing{after}, c); !errors.Is(err, io.ErrShortWrite) {
			t.Fatalf("after %d bytes: got %v", after, err)
		}
	}
}

// bomb is a container whose index promises what its members do not hold.
func bomb(t *testing.T, edit func(*member)) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := newWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	content := make([]byte, 1<<20)
	c, err := coder()
	if err != nil {
		t.Fatal(err)
	}
	stored := c.pack.EncodeAll(content, nil)
	m := member{Name: "about.json", Pack: zipped, Size: int64(len(content)), Stored: int64(len(stored)), Digest: digestText(sha256.Sum256(stored)), at: w.at}
	edit(&m)
	w.members = append(w.members, m)
	if err := errors.Join(w.write(m.header()), w.write(stored)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestBombs(t *testing.T) {
	tests := []struct {
		name string
		edit func(*member)
		want string
	}{
		{"unpacks to more than it says", func(m *member) { m.Size = 10 }, "about.json"},
		{"unpacks to less than it says", func(m *member) { m.Size++ }, "about.json"},
		{"says more than may be", func(m *member) { m.Size = maxContent + 1 }, "index"},
		{"says less than nothing", func(m *member) { m.Size = -1 }, "index"},
		{"a name that leads out", func(m *member) { m.Name = "log/../../x" }, "index"},
		{"an unknown packing", func(m *member) { m.Pack = 7 }, "index"},
		{"longer than the file", func(m *member) { m.Stored = maxStored }, "index"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verify(t, bomb(t, tt.edit), Options{})
			if !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), ": "+tt.want+":") {
				t.Errorf("got %v, want %s named", err, tt.want)
			}
		})
	}
}

// FuzzContainer: what is read as a container writes the same bytes again.
func FuzzContainer(f *testing.F) {
	f.Add(pack(f))
	f.Add(pack(f, "about.json", "log/checkpoint", "records/0000000000000000"))
	f.Add([]byte(magic + endMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := openReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			if !errors.Is(err, audit.ErrAltered) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		var buf bytes.Buffer
		w, err := newWriter(&buf)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range b.members {
			stored, err := b.stored(m)
			if err != nil {
				return
			}
			if _, err := b.content(m); err != nil {
				return
			}
			m.at = w.at
			w.members = append(w.members, m)
			if err := errors.Join(w.write(m.header()), w.write(stored)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.close(); err != nil || !bytes.Equal(buf.Bytes(), data) {
			t.Fatalf("read %d bytes, wrote %d others: %v", len(data), buf.Len(), err)
		}
	})
}

// FuzzRecords: what is read as packed records packs to the same bytes.
func FuzzRecords(f *testing.F) {
	f.Add(packed{index: 3, how: bodyErased}.append(nil))
	f.Add(packed{index: 7, how: bodyWithheld, canonical: []byte("{}"), size: 12}.append(packed{how: bodyInline, canonical: []byte("{}"), size: 2, body: []byte("ab")}.append(nil)))
	f.Fuzz(func(t *testing.T, part []byte) {
		var again []byte
		_, err := unpack(part, -1, func(p packed) error {
			again = p.append(again)
			return nil
		})
		if err == nil && !bytes.Equal(again, part) {
			t.Fatalf("%x reads, and packs to %x", part, again)
		}
	})
}

// FuzzVerify: whatever the bytes, an answer and no panic.
func FuzzVerify(f *testing.F) {
	f.Add(smallWorld(f).bundle())
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := verify(t, data, Options{}); err == nil && len(c.List) < 5 {
			t.Fatalf("no error after %d checks", len(c.List))
		}
	})
}
