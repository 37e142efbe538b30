package ledger

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
	"testing"
)

// inapplicable are the vectors that cannot be asked of this package, with the
// reason. Everything else under testdata/merkle must agree with its wantErr.
var inapplicable = map[string]string{
	"consistency/additional/sizes-are-equal-one-and-proof-is-empty.json": "its roots have 12 bytes; a root here is 32 bytes by type",
}

type vector struct {
	LeafIdx, TreeSize uint64
	Size1, Size2      uint64
	Root, LeafHash    string
	Root1, Root2      string
	Proof             []string
	WantErr           bool
}

func TestMerkleVectors(t *testing.T) {
	ran, skipped, good := 0, 0, 0
	walkVectors(t, func(name string, v vector) {
		if why := inapplicable[name]; why != "" {
			t.Logf("does not apply: %s: %s", name, why)
			skipped++
			return
		}
		ran++
		err := v.verify(strings.HasPrefix(name, "inclusion/"))
		if (err != nil) != v.WantErr {
			t.Errorf("%s: error %v; want an error: %v", name, err, v.WantErr)
		}
		if err == nil {
			good++
		}
	})
	if ran+skipped != 196 || skipped != len(inapplicable) || good < 10 {
		t.Errorf("ran %d vectors (%d verified), %d do not apply; want 195 and 1", ran, good, skipped)
	}
}

func walkVectors(t *testing.T, each func(name string, v vector)) {
	t.Helper()
	fsys := os.DirFS("testdata/merkle")
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".json") {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		var v vector
		if err := json.Unmarshal(data, &v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		each(name, v)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// verify asks this package; what does not even have the shape of a question to
// it (a root of 12 bytes, an index over 2^63) counts as refused.
func (v vector) verify(inclusion bool) error {
	var proof [][32]byte
	for _, p := range v.Proof {
		h, err := vectorHash(p)
		if err != nil {
			return err
		}
		proof = append(proof, h)
	}
	if inclusion {
		return v.verifyInclusion(proof)
	}
	root1, err := vectorHash(v.Root1)
	if err != nil {
		return err
	}
	root2, err := vectorHash(v.Root2)
	if err != nil {
		return err
	}
	if v.Size1 > math.MaxInt64 || v.Size2 > math.MaxInt64 {
		return fmt.Errorf("size over 2^63")
	}
	return VerifyConsistency(int64(v.Size1), root1, int64(v.Size2), root2, proof)
}

func (v vector) verifyInclusion(proof [][32]byte) error {
	root, err := vectorHash(v.Root)
	if err != nil {
		return err
	}
	leaf, err := vectorHash(v.LeafHash)
	if err != nil {
		return err
	}
	if v.LeafIdx > math.MaxInt64 || v.TreeSize > math.MaxInt64 {
		return fmt.Errorf("index over 2^63")
	}
	return checkInclusion(leaf, int64(v.LeafIdx), int64(v.TreeSize), root, proof)
}

func vectorHash(s string) ([32]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(raw) != 32 {
		return [32]byte{}, fmt.Errorf("hash of %d bytes: %v", len(raw), err)
	}
	return [32]byte(raw), nil
}
