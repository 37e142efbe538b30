// Package uuid7 makes IDs that sort by when they were made.
package uuid7

import (
	"crypto/rand"
	"encoding/hex"
	"time"
)

// New returns a UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds, then 74 bits
// of chance.
func New(now time.Time) string {
	var b [16]byte
	rand.Read(b[6:]) // never fails (crypto/rand)
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
