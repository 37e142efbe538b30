package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"tieout/audit"
)

// cost is what one hash costs: KiB of memory, passes, lanes.
type cost struct {
	memory, time uint32
	lanes        uint8
}

// argonCost is OWASP's second set of parameters for argon2id.
var argonCost = cost{memory: 19456, time: 2, lanes: 1}

// Bounds of what is accepted from the store, so that an altered row cannot
// take the machine's memory.
const (
	maxMemory = 1 << 20 // KiB
	maxTime   = 64
	saltSize  = 16
	hashSize  = 32
)

// A hasher hashes passwords with argon2id (RFC 9106), few at a time: each takes
// 19 MiB and a core for tens of milliseconds. At most half the cores hash, so that
// however many sign in at once, whoever is reading is answered by the other half;
// who waits is served in the order of coming.
type hasher struct {
	cost  cost
	slots chan struct{}
}

func newHasher(c cost) *hasher {
	return &hasher{cost: c, slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

// key waits for a slot, or for ctx.
func (h *hasher) key(ctx context.Context, password string, salt []byte, c cost, size uint32) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: waiting to check a password: %w", audit.ErrUnavailable, ctx.Err())
	}
	defer func() { <-h.slots }()
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, c.time, c.memory, c.lanes, size), nil
}

// hash returns the encoded hash of a password under a new salt, in the PHC
// string format.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("make a salt: %w", err)
	}
	sum, err := h.key(ctx, password, salt, h.cost, hashSize)
	if err != nil {
		return "", err
	}
	return encoded{h.cost, salt, sum}.String(), nil
}

// verify reports whether the password is the one, and whether its hash was made
// at another cost than today's. For an empty encoding (nobody's) it takes as
// long and says no.
func (h *hasher) verify(ctx context.Context, encoding, password string) (ok, stale bool, err error) {
	if encoding == "" {
		_, err := h.key(ctx, password, make([]byte, saltSize), h.cost, hashSize)
		return false, false, err
	}
	e, err := parseHash(encoding)
	if err != nil {
		return false, false, err
	}
	sum, err := h.key(ctx, password, e.salt, e.cost, uint32(len(e.sum)))
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(sum, e.sum) == 1, e.cost != h.cost, nil
}

// An encoded hash is written $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH.
type encoded struct {
	cost cost
	salt []byte
	sum  []byte
}

func (e encoded) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, e.cost.memory, e.cost.time, e.cost.lanes, b64(e.salt), b64(e.sum))
}

// parseHash reads what String writes and nothing else; the error wraps
// audit.ErrAltered and does not show the hash.
func parseHash(s string) (encoded, error) {
	bad := fmt.Errorf("%w: a password's hash in the store is not readable", audit.ErrAltered)
	parts := strings.Split(s, "$")
	if len(parts) != 6 {
		return encoded{}, bad
	}
	var e encoded
	var err error
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &e.cost.memory, &e.cost.time, &e.cost.lanes); err != nil {
		return encoded{}, bad
	}
	strict := base64.RawStdEncoding.Strict()
	if e.salt, err = strict.DecodeString(parts[4]); err != nil {
		return encoded{}, bad
	}
	if e.sum, err = strict.DecodeString(parts[5]); err != nil {
		return encoded{}, bad
	}
	c := e.cost
	within := c.memory >= 8*uint32(c.lanes) && c.memory <= maxMemory && c.time >= 1 && c.time <= maxTime && c.lanes >= 1
	if !within || len(e.salt) < 8 || len(e.salt) > 64 || len(e.sum) < 16 || len(e.sum) > 64 || e.String() != s {
		return encoded{}, bad
	}
	return e, nil
}

// Lengths of a password, in characters.
const (
	minPassword = 12
	maxPassword = 256
)

// CheckPassword refuses passwords that are too short, too long, of hardly any
// different characters, or made of the person's own name or address. There are
// no other rules of composition and no forced change (NIST SP 800-63B). The
// error wraps audit.ErrInvalid and never shows the password.
func CheckPassword(password, email, name string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case n < minPassword:
		return fmt.Errorf("%w: the password has %d characters; it needs at least %d. A few words in a row are easy to keep in mind", audit.ErrInvalid, n, minPassword)
	case n > maxPassword:
		return fmt.Errorf("%w: the password has %d characters; at most %d are taken", audit.ErrInvalid, n, maxPassword)
	case !utf8.ValidString(password):
		return fmt.Errorf("%w: the password is not UTF-8 text", audit.ErrInvalid)
	}
	different := map[rune]bool{}
	for _, r := range password {
		different[r] = true
	}
	if len(different) < 5 {
		return fmt.Errorf("%w: the password has %d different characters; it needs at least 5", audit.ErrInvalid, len(different))
	}
	lower := strings.ToLower(password)
	local, _, _ := strings.Cut(email, "@")
	for _, own := range append(strings.Fields(strings.ToLower(name)), strings.ToLower(local)) {
		if len(own) >= 3 && utf8.RuneCountInString(strings.ReplaceAll(lower, own, "")) < minPassword-4 {
			return fmt.Errorf("%w: the password is mostly your own name or address", audit.ErrInvalid)
		}
	}
	return nil
}
