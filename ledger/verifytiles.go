package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"golang.org/x/mod/sumdb/tlog"
)

// TileFacts are what VerifyTiles found.
type TileFacts struct {
	Checkpoint Checkpoint
	Entries    int64    // bundled entries, all of which give the signed root
	Files      int      // files that were verified, with the checkpoint
	Beyond     []string // files the checkpoint does not cover; an export was interrupted, or they do not belong here
}

// VerifyTiles checks an exported log: the checkpoint by the log's keys, its root
// from the entries alone, and every tile and bundle, partial ones of older
// exports too, against what the entries give. Memory stays small whatever the
// size of the log. The error names the first file that does not match.
func VerifyTiles(fsys fs.FS, keys Chain) (TileFacts, error) {
	note, err := readLimited(fsys, checkpointPath, maxNote)
	if err != nil {
		return TileFacts{}, fmt.Errorf("verify tiles: %w", err)
	}
	c, err := keys.VerifyCheckpoint(note)
	if err != nil {
		return TileFacts{}, fmt.Errorf("verify tiles: %w", err)
	}
	v := tileVerifier{fsys: fsys, size: c.Size, seen: map[string]bool{checkpointPath: true}}
	tree := NewTree()
	if err := v.entries(tree); err != nil {
		return TileFacts{}, fmt.Errorf("verify tiles: %w", err)
	}
	if tree.Root() != c.Root {
		return TileFacts{}, fmt.Errorf("verify tiles: %w: the %d entries do not give the signed root", ErrVerify, c.Size)
	}
	beyond, err := v.beyond()
	if err != nil {
		return TileFacts{}, fmt.Errorf("verify tiles: %w", err)
	}
	return TileFacts{Checkpoint: c, Entries: tree.Size(), Files: len(v.seen), Beyond: beyond}, nil
}

// tileVerifier recomputes the tiles from the entries, level over level, holding
// one unfinished tile of each.
type tileVerifier struct {
	fsys   fs.FS
	size   int64
	levels []level
	seen   map[string]bool
}

type level struct {
	n      int64 // of the unfinished tile
	hashes [][32]byte
}

func (v *tileVerifier) entries(tree *Tree) error {
	for _, t := range levelTiles(entriesLevel, 0, v.size) {
		leaves, err := v.bundle(t)
		if err != nil {
			return err
		}
		for _, leaf := range leaves {
			tree.Add(leaf)
			if err := v.add(0, LeafHash(leaf)); err != nil {
				return err
			}
		}
	}
	for i, l := range v.levels {
		if len(l.hashes) == 0 {
			continue
		}
		if err := v.match(tile{i, l.n, len(l.hashes)}, encodeTile(l.hashes)); err != nil {
			return err
		}
	}
	return nil
}

// bundle reads the entries of one bundle and checks shorter ones of its place.
func (v *tileVerifier) bundle(t tile) ([][32]byte, error) {
	data, err := readLimited(v.fsys, t.path(), tileWidth*entrySize)
	if err != nil {
		return nil, err
	}
	leaves, err := parseEntries(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.path(), err)
	}
	if len(leaves) != t.width {
		return nil, fmt.Errorf("%s: %w: %d entries, the checkpoint calls for %d", t.path(), ErrVerify, len(leaves), t.width)
	}
	return leaves, v.match(t, data)
}

// add appends a hash to a level; a full tile is compared and becomes one hash of
// the level above.
func (v *tileVerifier) add(i int, h [32]byte) error {
	if i == len(v.levels) {
		v.levels = append(v.levels, level{})
	}
	l := &v.levels[i]
	l.hashes = append(l.hashes, h)
	if len(l.hashes) < tileWidth {
		return nil
	}
	if err := v.match(tile{i, l.n, tileWidth}, encodeTile(l.hashes)); err != nil {
		return err
	}
	up := collapse(l.hashes)
	l.n, l.hashes = l.n+1, l.hashes[:0]
	return v.add(i+1, up)
}

// collapse is the root of a full tile.
func collapse(hashes [][32]byte) [32]byte {
	row := toHashes(hashes)
	for len(row) > 1 {
		for i := range len(row) / 2 {
			row[i] = tlog.NodeHash(row[2*i], row[2*i+1])
		}
		row = row[:len(row)/2]
	}
	return row[0]
}

// match compares the file of a tile, and every partial one in its place, with
// what it must hold.
func (v *tileVerifier) match(t tile, want []byte) error {
	if err := v.compare(t.path(), want); err != nil {
		return err
	}
	each := len(want) / t.width
	partial, err := fs.ReadDir(v.fsys, t.fullPath()+".p")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range partial {
		p, err := parseTilePath(t.fullPath() + ".p/" + e.Name())
		if err != nil || p.width >= t.width {
			continue // counted as beyond the checkpoint
		}
		if err := v.compare(p.path(), want[:p.width*each]); err != nil {
			return err
		}
	}
	return nil
}

func (v *tileVerifier) compare(name string, want []byte) error {
	got, err := readLimited(v.fsys, name, tileWidth*entrySize)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s: %w: it is not what the entries give", name, ErrVerify)
	}
	v.seen[name] = true
	return nil
}

// beyond lists the files under tile/ that were not verified.
func (v *tileVerifier) beyond() ([]string, error) {
	var out []string
	err := fs.WalkDir(v.fsys, "tile", func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == "tile" {
			return nil
		}
		if err == nil && !d.IsDir() && !v.seen[path.Clean(name)] {
			out = append(out, name)
		}
		return err
	})
	return out, err
}

func readLimited(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: %w: more than %d bytes", name, ErrVerify, limit)
	}
	return data, err
}
