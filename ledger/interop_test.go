package ledger

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	flog "github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// TestOthersReadOurs has the ecosystem's own readers take our checkpoint, our
// cosignature and our tiles.
func TestOthersReadOurs(t *testing.T) {
	o := openLog(t, 300)
	w := newWitness(t, "witness.example")
	w.Follow(o.Keys())
	line, err := w.Cosign(t.Context(), show(t, o.Log, w))
	if err != nil {
		t.Fatal(err)
	}
	cosigned, err := WithCosignatures(o.Head().Note, line)
	if err != nil {
		t.Fatal(err)
	}
	logVerifier, err := note.NewVerifier(o.signer.Key().VKey())
	if err != nil {
		t.Fatal(err)
	}
	witnessVerifier, err := fnote.NewVerifierForCosignatureV1(w.Key().VKey())
	if err != nil {
		t.Fatal(err)
	}
	c, _, n, err := flog.ParseCheckpoint(cosigned, testLog, logVerifier, witnessVerifier)
	if err != nil || c.Size != 300 || len(n.Sigs) != 2 {
		t.Errorf("ParseCheckpoint = %+v, %v; want size 300 and 2 signatures", c, err)
	}
	dir := t.TempDir()
	if _, err := ExportTiles(t.Context(), o.backend, dir, o.Keys()); err != nil {
		t.Fatal(err)
	}
	reader := tlog.TileHashReader(tlog.Tree{N: 300, Hash: o.Head().Root}, tileFolder(dir))
	for _, i := range []int64{0, 255, 256, 299} {
		leaves, err := o.backend.LeafRange(t.Context(), i, i+1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
		if err != nil || got[0] != tlog.RecordHash(leaves[0][:]) {
			t.Errorf("leaf %d from tiles: %v", i, err)
		}
	}
}

// tileFolder lets sumdb's client read exported tiles.
type tileFolder string

func (tileFolder) Height() int { return tileHeight }

func (d tileFolder) ReadTiles(tiles []tlog.Tile) (out [][]byte, err error) {
	for _, t := range tiles {
		data, err := os.ReadFile(filepath.Join(string(d), tile{t.L, t.N, t.W}.path()))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

func (tileFolder) SaveTiles([]tlog.Tile, [][]byte) {}

// TestOursReadOthers takes a note that sumdb signed.
func TestOursReadOthers(t *testing.T) {
	s := newSigner(t, testLog)
	text := testLog + "\n0\n" + formatHash(EmptyRoot) + "\n"
	theirs, err := note.Sign(&note.Note{Text: text}, s.signer)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := sign(text, s)
	if err != nil || !bytes.Equal(theirs, ours) {
		t.Errorf("ours is %q, theirs %q, %v", ours, theirs, err)
	}
	if _, err := VerifyCheckpoint(theirs, s.Key()); err != nil {
		t.Error(err)
	}
}
