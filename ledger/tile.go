package ledger

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Tiles follow C2SP tlog-tiles: 256 hashes wide, at tile/<L>/<N>[.p/<W>];
// bundles of entries at tile/entries/<N>[.p/<W>].
const (
	tileWidth      = 256
	tileHeight     = 8
	maxTileLevel   = 7 // 256^8 entries are more than an index can count
	entriesLevel   = -1
	checkpointPath = "checkpoint"
	entrySize      = 2 + 32 // a length and a commitment
)

// tile names one file: hashes of level L, or entries at level -1.
type tile struct {
	level int
	n     int64
	width int // 1 to 256
}

// path is the file's name, slash separated.
func (t tile) path() string {
	p := t.fullPath()
	if t.width < tileWidth {
		p += ".p/" + strconv.Itoa(t.width)
	}
	return p
}

// fullPath is the name that the tile has once it is full.
func (t tile) fullPath() string {
	n := fmt.Sprintf("%03d", t.n%1000)
	for rest := t.n / 1000; rest > 0; rest /= 1000 {
		n = fmt.Sprintf("x%03d/%s", rest%1000, n)
	}
	level := "entries"
	if t.level >= 0 {
		level = strconv.Itoa(t.level)
	}
	return "tile/" + level + "/" + n
}

// parseTilePath accepts exactly the names that path gives.
func parseTilePath(path string) (tile, error) {
	bad := fmt.Errorf("%w: %q is not the path of a tile", ErrVerify, shorten(path))
	rest, ok := strings.CutPrefix(path, "tile/")
	level, rest, ok2 := strings.Cut(rest, "/")
	t := tile{level: entriesLevel, width: tileWidth}
	var err error
	if !ok || !ok2 {
		return tile{}, bad
	}
	if level != "entries" {
		if t.level, err = strconv.Atoi(level); err != nil || t.level < 0 || t.level > maxTileLevel {
			return tile{}, bad
		}
	}
	if full, width, partial := strings.Cut(rest, ".p/"); partial {
		rest = full
		if t.width, err = strconv.Atoi(width); err != nil || t.width < 1 || t.width >= tileWidth {
			return tile{}, bad
		}
	}
	for part := range strings.SplitSeq(rest, "/") {
		k, err := strconv.Atoi(strings.TrimPrefix(part, "x"))
		if err != nil || k < 0 || k > 999 || t.n > 1<<50 {
			return tile{}, bad
		}
		t.n = t.n*1000 + int64(k)
	}
	if t.path() != path {
		return tile{}, bad
	}
	return t, nil
}

// tilesBetween lists the tiles and bundles that a log of size new has and one
// of size old had not, lowest level first.
func tilesBetween(old, new int64) []tile {
	out := levelTiles(entriesLevel, old, new)
	for level := 0; new > 0; level++ {
		out = append(out, levelTiles(level, old, new)...)
		old, new = old/tileWidth, new/tileWidth
	}
	return out
}

// levelTiles does so for one level that grew from old to new hashes.
func levelTiles(level int, old, new int64) []tile {
	var out []tile
	if old == new {
		return nil
	}
	for n := old / tileWidth; n < new/tileWidth; n++ {
		out = append(out, tile{level, n, tileWidth})
	}
	if w := int(new % tileWidth); w > 0 {
		out = append(out, tile{level, new / tileWidth, w})
	}
	return out
}

// encodeEntries is an entry bundle: each commitment after its length as two
// bytes, big-endian.
func encodeEntries(commitments [][32]byte) []byte {
	out := make([]byte, 0, len(commitments)*entrySize)
	for _, c := range commitments {
		out = binary.BigEndian.AppendUint16(out, uint16(len(c)))
		out = append(out, c[:]...)
	}
	return out
}

// parseEntries accepts exactly what encodeEntries gives for up to 256 entries.
func parseEntries(data []byte) ([][32]byte, error) {
	if len(data) == 0 || len(data)%entrySize != 0 || len(data) > tileWidth*entrySize {
		return nil, fmt.Errorf("%w: entry bundle of %d bytes", ErrVerify, len(data))
	}
	out := make([][32]byte, 0, len(data)/entrySize)
	for ; len(data) > 0; data = data[entrySize:] {
		if n := binary.BigEndian.Uint16(data); n != 32 {
			return nil, fmt.Errorf("%w: entry %d of the bundle has %d bytes, a commitment has 32", ErrVerify, len(out), n)
		}
		out = append(out, [32]byte(data[2:entrySize]))
	}
	return out, nil
}

// encodeTile is a tile: its hashes, one after the other.
func encodeTile(hashes [][32]byte) []byte {
	out := make([]byte, 0, len(hashes)*32)
	for _, h := range hashes {
		out = append(out, h[:]...)
	}
	return out
}
