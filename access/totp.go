package access

import (
	"crypto/hmac"
	"crypto/sha1" // HMAC-SHA-1 is what RFC 6238 names and authenticator apps speak
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"
)

// Parameters of the codes: those every authenticator app assumes.
const (
	otpDigits = 6
	otpStep   = 30 * time.Second
	otpDrift  = 1  // steps a clock may be off, either way
	otpSecret = 20 // bytes
)

// hotp is RFC 4226: the code of a counter.
func hotp(secret []byte, counter int64, digits int) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(counter)))
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	mod := uint32(1)
	for range digits {
		mod *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%mod)
}

// checkTOTP returns the time step (RFC 6238, T) whose code it is, if that step
// is newer than the last one used; false otherwise.
func checkTOTP(secret []byte, code string, now time.Time, last int64) (step int64, ok bool) {
	current := now.Unix() / int64(otpStep/time.Second)
	for s := current - otpDrift; s <= current+otpDrift; s++ {
		same := subtle.ConstantTimeCompare([]byte(hotp(secret, s, otpDigits)), []byte(code)) == 1
		if same && s > last && !ok {
			step, ok = s, true
		}
	}
	return step, ok
}

// otpURI is what authenticator apps read from a QR code.
func otpURI(issuer, email string, secret []byte) string {
	q := url.Values{"secret": {otpText(secret)}, "issuer": {issuer}}
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + email, RawQuery: q.Encode()}
	return u.String()
}

func otpText(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}
