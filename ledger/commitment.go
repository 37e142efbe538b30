package ledger

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"

	"golang.org/x/mod/sumdb/tlog"
)

// commitTag names what a commitment hash is for, so that no other hash of ours
// can be taken for one.
const commitTag = "tieout/commitment/v1"

// Commit returns the salted commitment to a canonical record: SHA-256 over the
// domain tag, the salt and the record, each preceded by its length as 8 bytes,
// big-endian. Without salt and record it tells nothing; once both are erased it
// stays a valid leaf of the log.
func Commit(salt [32]byte, canonical []byte) [32]byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(commitTag), salt[:], canonical} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return [32]byte(h.Sum(nil))
}

// NewSalt returns 32 fresh random bytes; every record has its own.
func NewSalt() [32]byte {
	var salt [32]byte
	rand.Read(salt[:]) // never fails: crypto/rand ends the program instead
	return salt
}

// LeafHash returns the RFC 6962 leaf hash of a commitment.
func LeafHash(commitment [32]byte) [32]byte {
	return tlog.RecordHash(commitment[:])
}
