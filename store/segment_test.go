package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
)

func versionRows(n int) []VersionRow {
	rows := make([]VersionRow, n)
	for i := range rows {
		at := time.Date(2026, 1, 1, 0, 0, i, 1000, time.UTC)
		v := audit.Version{From: audit.Bound{After: at.Add(-time.Hour), At: at}, Body: json.RawMessage(fmt.Sprintf(`{"n":%d}`, i)), Record: int64(i)}
		if i%7 == 3 {
			v.Gone, v.Body = true, nil
		}
		rows[i] = VersionRow{Item: fmt.Sprintf("item/%d", i%100), Version: v}
	}
	return rows
}

func unpackAll(t testing.TB, segs []packed) (rows []VersionRow) {
	t.Helper()
	for _, p := range segs {
		raw, err := unpack(p.data, int64(p.raw))
		if err != nil {
			t.Fatal(err)
		}
		n := len(rows)
		err = eachVersion(raw, func(item []byte, v audit.Version) error {
			rows = append(rows, VersionRow{string(item), v})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(rows)-n != p.versions {
			t.Fatalf("segment has %d rows, says %d", len(rows)-n, p.versions)
		}
	}
	return rows
}

func TestSegmentsRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 1000, 60_000} {
		want := versionRows(n)
		segs, err := pack(want)
		if err != nil {
			t.Fatal(err)
		}
		got := unpackAll(t, segs)
		if len(got) != n {
			t.Fatalf("got %d rows, want %d", len(got), n)
		}
		for i := range got {
			if d := cmp.Diff(want[i], got[i]); d != "" {
				t.Fatalf("row %d of %d (-want +got):\n%s", i, n, d)
			}
		}
	}
}

// TestBodiesDoNotRunIntoEachOther: appending to one body must not overwrite
// the next item, although both lie in one buffer.
func TestBodiesDoNotRunIntoEachOther(t *testing.T) {
	segs, err := pack(versionRows(3))
	if err != nil {
		t.Fatal(err)
	}
	rows := unpackAll(t, segs)
	_ = append(rows[0].Version.Body, bytes.Repeat([]byte("x"), 200)...)
	if d := cmp.Diff(versionRows(3), rows); d != "" {
		t.Fatalf("after appending to the first body (-want +got):\n%s", d)
	}
}

func TestDamagedSegments(t *testing.T) {
	segs, err := pack(versionRows(50))
	if err != nil {
		t.Fatal(err)
	}
	good := segs[0]
	for i := range good.data {
		bad := bytes.Clone(good.data)
		bad[i] ^= 1
		raw, err := unpack(bad, int64(good.raw))
		if err == nil && !bytes.Equal(raw, mustUnpack(t, good)) {
			t.Fatalf("byte %d flipped: other rows without an error", i)
		}
		if err != nil && !errors.Is(err, audit.ErrAltered) {
			t.Fatalf("byte %d flipped: got %v, want altered", i, err)
		}
	}
	for _, raw := range []int64{-1, 0, 1, int64(good.raw) - 1, int64(good.raw) + 1, maxRaw + 1} {
		if _, err := unpack(good.data, raw); !errors.Is(err, audit.ErrAltered) {
			t.Errorf("size %d instead of %d: got %v, want altered", raw, good.raw, err)
		}
	}
}

func mustUnpack(t testing.TB, p packed) []byte {
	t.Helper()
	raw, err := unpack(p.data, int64(p.raw))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// FuzzSegment: whatever is taken for a segment is what appendRow writes for
// its rows, and nothing panics.
func FuzzSegment(f *testing.F) {
	for _, n := range []int{1, 2, 20} {
		segs, err := pack(versionRows(n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(mustUnpack(f, segs[0]))
	}
	f.Add([]byte{segmentForm})
	f.Add([]byte{segmentForm, 1, 'a', 0, 0, 2, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var rows []VersionRow
		err := eachVersion(raw, func(item []byte, v audit.Version) error {
			rows = append(rows, VersionRow{string(item), v})
			return nil
		})
		if err != nil {
			if !errors.Is(err, audit.ErrAltered) {
				t.Fatalf("got %v, want altered", err)
			}
			return
		}
		again := []byte{segmentForm}
		for i := range rows {
			again = appendRow(again, &rows[i])
		}
		var back []VersionRow
		if err := eachVersion(again, func(item []byte, v audit.Version) error {
			back = append(back, VersionRow{string(item), v})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(rows, back); d != "" {
			t.Fatalf("rows (-read +written and read):\n%s", d)
		}
	})
}
