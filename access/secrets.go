package access

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
)

// newSecret returns 256 random bits as 43 characters that need no quoting.
func newSecret() (string, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("make a secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// hashOf is how a secret of 256 random bits is kept.
func hashOf(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// shortID names what is listed: 16 characters of base 32, no secret.
func shortID() string { return strings.ToLower(rand.Text()[:16]) }

// newID returns a UUIDv7 (RFC 9562, 5.7).
func newID(now time.Time) (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[6:]); err != nil {
		return "", fmt.Errorf("make an id: %w", err)
	}
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6], b[8] = b[6]&0x0f|0x70, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], nil
}

// keys are made from the workspace's key, one for each use.
type keys struct {
	otp   cipher.AEAD
	boxes cipher.AEAD // challenges and passkeys
	names []byte
}

func newKeys(key [32]byte) (keys, error) {
	if key == ([32]byte{}) {
		return keys{}, fmt.Errorf("%w: access: no key; make 32 random bytes and keep them beside the log's key, not in the store", audit.ErrInvalid)
	}
	sub := func(info string) ([]byte, error) { return hkdf.Key(sha256.New, key[:], nil, info, 32) }
	names, err := sub("tieout access names")
	if err != nil {
		return keys{}, err
	}
	aead := func(info string) (cipher.AEAD, error) {
		key, err := sub(info)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCMWithRandomNonce(block)
	}
	otp, err := aead("tieout access second factors")
	if err != nil {
		return keys{}, err
	}
	boxes, err := aead("tieout access boxes")
	return keys{otp, boxes, names}, err
}

// seal encrypts what opens only as the same kind of thing, for the same owner.
func (k keys) seal(kind, owner string, body []byte) []byte {
	return k.boxes.Seal(nil, nil, body, []byte(kind+"\x1f"+owner))
}

func (k keys) open(kind, owner string, sealed []byte) ([]byte, error) {
	body, err := k.boxes.Open(nil, nil, sealed, []byte(kind+"\x1f"+owner))
	if err != nil {
		return nil, fmt.Errorf("%w: a %s in the store does not open; is this the workspace's key?", audit.ErrAltered, kind)
	}
	return body, nil
}

// sealOTP encrypts a second factor's secret; it opens for that account only.
func (k keys) sealOTP(account string, secret []byte) []byte {
	return k.otp.Seal(nil, nil, secret, []byte(account))
}

func (k keys) openOTP(account string, sealed []byte) ([]byte, error) {
	secret, err := k.otp.Open(nil, nil, sealed, []byte(account))
	if err != nil {
		return nil, fmt.Errorf("%w: the second factor of account %s does not open; is this the workspace's key?", audit.ErrAltered, account)
	}
	return secret, nil
}

// name hides what was typed, or an address, in the count of attempts.
func (k keys) name(kind string, parts ...string) string {
	mac := hmac.New(sha256.New, k.names)
	mac.Write([]byte(kind + "\x1f" + strings.Join(parts, "\x1f")))
	return kind + ":" + hex.EncodeToString(mac.Sum(nil)[:16])
}

// recoveryCodes is how many there are, each of 80 random bits.
const recoveryCodes = 10

// newRecovery returns codes to show once, and their hashes to keep.
func newRecovery(account string) (codes []string, hashes [][32]byte) {
	for range recoveryCodes {
		t := strings.ToLower(rand.Text()[:16])
		codes = append(codes, t[:4]+"-"+t[4:8]+"-"+t[8:12]+"-"+t[12:])
		hashes = append(hashes, recoveryHash(account, t))
	}
	return codes, hashes
}

// recoveryHash takes a code as it is typed: case, spaces and dashes are free.
func recoveryHash(account, code string) [32]byte {
	code = strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(code))
	return sha256.Sum256([]byte("tieout recovery\x1f" + account + "\x1f" + code))
}
