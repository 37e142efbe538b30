// Package redraw picks the items of a sample from a frozen population, and lets
// anybody pick them again: a firm's workspace draws with it, and a third party
// checks with it from what the client has. It reads item lines in one pass, in
// memory that does not grow with what an item holds.
package redraw

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/internal/jsonscan"
)

// MaxLine is how long one item line can be, in bytes.
const MaxLine = 1 << 20

// MaxItems is how many items a population can have.
const MaxItems = 20_000_000

// An ID is an item as a draw needs it.
type ID struct {
	ID, Stratum string
	At          time.Time // zero: the item has none
}

// A Total is what item lines add up to.
type Total struct {
	Count  int
	Digest string         // SHA-256 of all bytes, hex
	Strata map[string]int // items by stratum; of a population without strata it is empty
}

// Read calls f with every item line of r, in order, and returns what they add
// up to. A line that is no item, an item without an ID or one that comes twice is
// audit.ErrInvalid and names the line.
func Read(r io.Reader, f func(ID) error) (Total, error) {
	return read(r, nil, f, true)
}

// ReadStrict is Read for lines nobody has looked at yet: every field has to be
// one an item has, spelled as an item spells it, there once and of its type, and
// there are no more values than columns.
func ReadStrict(r io.Reader, columns int, f func(ID) error) (Total, error) {
	return read(r, func(line []byte) error { return strict(line, columns) }, f, true)
}

func read(r io.Reader, look func([]byte) error, f func(ID) error, once bool) (Total, error) {
	sum := sha256.New()
	in := bufio.NewReaderSize(io.TeeReader(r, sum), MaxLine)
	t := Total{Strata: map[string]int{}}
	var seen unique
	strata := names{}
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return t, fmt.Errorf("item line %d: %w", t.Count+1, err) // the reader's own trouble, not the lines'
		}
		item, err := strata.itemOf(line, err, look)
		if err == nil && t.Count == MaxItems {
			err = fmt.Errorf("a population has at most %d items", MaxItems)
		}
		if err != nil {
			return t, fmt.Errorf("%w: item line %d: %w", audit.ErrInvalid, t.Count+1, err)
		}
		t.Count++
		if item.Stratum != "" {
			t.Strata[item.Stratum]++
		}
		if once {
			seen.add(item.ID)
		}
		if err := f(item); err != nil {
			return t, err
		}
	}
	t.Digest = hex.EncodeToString(sum.Sum(nil))
	if n := seen.twice(); n > 0 {
		return t, fmt.Errorf("%w: item line %d has an ID that another line has too: an item may be in a population once", audit.ErrInvalid, n)
	}
	return t, nil
}

// itemOf reads one line as it was read from the stream.
func (n *names) itemOf(line []byte, readErr error, look func([]byte) error) (ID, error) {
	switch {
	case errors.Is(readErr, bufio.ErrBufferFull):
		return ID{}, fmt.Errorf("longer than %d bytes", MaxLine)
	case errors.Is(readErr, io.EOF):
		return ID{}, errors.New("does not end with a line feed: the lines are cut off")
	}
	line = line[:len(line)-1]
	if look != nil {
		if err := look(line); err != nil {
			return ID{}, err
		}
	}
	return n.short(line)
}

// short finds what a draw needs of a line and leaves the rest alone.
func (n *names) short(line []byte) (ID, error) {
	var it ID
	seen := 0
	err := fields(line, func(name, raw []byte) error {
		ok, bit := true, 0
		switch string(name) {
		case `"id"`:
			bit = 1
			it.ID, ok = jsonscan.Text(raw)
		case `"stratum"`:
			bit = 2
			it.Stratum, ok = n.text(raw)
		case `"at"`:
			bit = 4
			it.At, ok = instant(raw)
		}
		if !ok || seen&bit != 0 {
			return fmt.Errorf("%s: %.60s is not what it should be", name, raw)
		}
		seen |= bit
		return nil
	})
	if err == nil && it.ID == "" {
		err = errors.New("the item has no id")
	}
	return it, err
}

// names keeps each name of a stratum once.
type names map[string]string

func (n *names) text(raw []byte) (string, bool) {
	if s, ok := (*n)[string(raw)]; ok {
		return s, true
	}
	s, ok := jsonscan.Text(raw)
	if ok && len(*n) < 1000 {
		(*n)[string(raw)] = s
	}
	return s, ok
}

func instant(raw []byte) (time.Time, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, string(raw[1:len(raw)-1]))
	return t, err == nil
}

func strict(line []byte, columns int) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	var it engagement.Item
	if err := dec.Decode(&it); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("more than one item")
	}
	if err := spelled(line); err != nil {
		return err
	}
	if len(it.Values) > columns {
		return fmt.Errorf("%d values, but the population has %d columns", len(it.Values), columns)
	}
	if len(it.ID) > 500 {
		return errors.New("an id of over 500 bytes")
	}
	return nil
}

// itemFields are the fields of an item, as its line spells them.
var itemFields = []string{`"at"`, `"id"`, `"label"`, `"records"`, `"results"`, `"stratum"`, `"values"`}

// spelled refuses a field under another spelling of its name, in other case or
// with escapes, and one that comes twice: readers differ in what they make of it.
func spelled(line []byte) error {
	seen := 0
	return fields(line, func(name, _ []byte) error {
		i := slices.Index(itemFields, string(name))
		if i < 0 || seen&(1<<i) != 0 {
			return fmt.Errorf("%.60s is no field of an item, or comes twice", name)
		}
		seen |= 1 << i
		return nil
	})
}

// unique finds IDs that come twice, in 24 bytes an item.
type unique []mark

type mark struct {
	sum  [16]byte
	line int
}

func (u *unique) add(id string) {
	sum := sha256.Sum256([]byte(id))
	*u = append(*u, mark{[16]byte(sum[:16]), len(*u) + 1})
}

// twice is the first line whose ID an earlier one has; 0 if none.
func (u unique) twice() (line int) {
	slices.SortFunc(u, func(a, b mark) int {
		return cmp.Or(bytes.Compare(a.sum[:], b.sum[:]), cmp.Compare(a.line, b.line))
	})
	for i := 1; i < len(u); i++ {
		if u[i].sum == u[i-1].sum && (line == 0 || u[i].line < line) {
			line = u[i].line
		}
	}
	return line
}
