package redraw

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"tieout/audit"
	"tieout/engagement"
	"tieout/sample"
)

// hiddenTag names what a commitment to a nonce is for.
const hiddenTag = "tieout/sample-nonce/v1"

// Hidden is the commitment to a nonce: SHA-256 over the domain tag, the salt and
// the nonce, each preceded by its length as 8 bytes, big-endian; hex. It tells
// nothing of the nonce, and no other nonce gives it.
func Hidden(salt, nonce [32]byte) string {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(hiddenTag), salt[:], nonce[:]} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Bytes32 reads 32 bytes in hex; name says what they are.
func Bytes32(name, s string) ([32]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		return [32]byte{}, fmt.Errorf("%w: %s is not 32 bytes in hex", audit.ErrInvalid, name)
	}
	return [32]byte(b), nil
}

// Seed is what one stratum of a sample is picked with: see sample.Draw.
func Seed(engagement string, p engagement.Population, control, stratum, nonce string) ([32]byte, error) {
	root, err := Bytes32("root of the freeze", p.Freeze.Root)
	if err != nil {
		return root, err
	}
	n, err := Bytes32("nonce", nonce)
	if err != nil {
		return n, err
	}
	return sample.Draw{Root: root, Nonce: n, Engagement: engagement, Control: control, Round: p.Round, Stratum: stratum}.Seed(), nil
}

// Supplement is the stratum of a draw over rows that came after an interim round.
const Supplement = "supplement"

// Whole is the stratum that a draw over a whole population names in its seed.
func Whole(p engagement.Population) string {
	if p.Supplement {
		return Supplement
	}
	return ""
}

// Selections are how a sample's draws pick: by stratum where it is stratified,
// else over the whole population.
func Selections(s engagement.Sample) ([]Selection, error) {
	out := make([]Selection, len(s.Draws))
	for i, d := range s.Draws {
		seed, err := Bytes32("seed", d.Seed)
		if err != nil {
			return nil, err
		}
		out[i] = Selection{Seed: seed, Size: d.Size}
		if s.Method == engagement.Stratified {
			out[i].Stratum = d.Stratum
		}
	}
	return out, nil
}
