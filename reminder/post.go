package reminder

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

// Signature is the header with which another program checks that what it is
// sent comes from here: "t=UNIX SECONDS,v1=HEX". HEX is HMAC-SHA256 under the
// shared secret over the seconds, a dot and the body.
const Signature = "Tieout-Signature"

// Tolerance is how old a signature may be for Verify.
const Tolerance = 5 * time.Minute

// A Hook is an address that something is sent to.
type Hook struct {
	URL    string
	Secret string // signs what is sent; "": it is not signed
	Allow  string // "loopback" or "private": where it may lead beside the internet
	// Client is used in place of the standard one; what it may connect to is
	// guarded all the same.
	Client *http.Client
}

// Chat sends a text to an incoming webhook as Slack, Mattermost and others
// speak it: a JSON object with "text".
func (h Hook) Chat(ctx context.Context, text string) error {
	body, err := json.Marshal(map[string]string{"text": escapeChat(text)})
	if err != nil {
		return fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	return h.post(ctx, body, time.Time{})
}

// escapeChat keeps a text from meaning a link, a person or everybody in a chat.
func escapeChat(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// Post sends a value as JSON, signed at now.
func (h Hook) Post(ctx context.Context, value any, now time.Time) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	return h.post(ctx, body, now)
}

// post sends a body. The address is said nowhere: that of a chat is a secret.
func (h Hook) post(ctx context.Context, body []byte, at time.Time) error {
	u, err := address(h.URL)
	if err != nil {
		return err
	}
	if u.Scheme != "https" && h.Allow == "" {
		return fmt.Errorf("%w: what is sent over the internet goes over https", audit.ErrInvalid)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: the address cannot be asked", audit.ErrInvalid)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "tieout")
	if h.Secret != "" {
		req.Header.Set(Signature, Sign(h.Secret, body, at))
	}
	res, err := source.Guard(h.Client, h.Allow, u).Do(req)
	if err != nil {
		return unsent(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // what it answers is not looked at
	switch {
	case res.StatusCode/100 == 2:
		return nil
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode >= 500:
		return fmt.Errorf("%w: it answered %d", audit.ErrUnavailable, res.StatusCode)
	}
	return fmt.Errorf("%w: it answered %d", audit.ErrForbidden, res.StatusCode)
}

// unsent says why nothing was sent, without the address.
func unsent(err error) error {
	kind := audit.ErrUnavailable
	if errors.Is(err, source.ErrAddress) || errors.Is(err, source.ErrElsewhere) {
		kind = audit.ErrForbidden
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		err = e                                                 // the innermost says what happened; those around it say where
		if e == source.ErrAddress || e == source.ErrElsewhere { //nolint:errorlint // walking the chain
			break
		}
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// Sign is the value of the header Signature for a body.
func Sign(secret string, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

func mac(secret, t string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(t + "."))
	h.Write(body)
	return h.Sum(nil)
}

// Verify checks a header Signature against a body, at now. What is wrong wraps
// audit.ErrForbidden.
func Verify(secret, header string, body []byte, now time.Time) error {
	var t, v1 string
	for _, part := range strings.Split(header, ",") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "t":
			t = value
		case "v1":
			v1 = value
		}
	}
	seconds, err := strconv.ParseInt(t, 10, 64)
	given, herr := hex.DecodeString(v1)
	if err != nil || herr != nil || secret == "" || !hmac.Equal(given, mac(secret, t, body)) {
		return fmt.Errorf("%w: the signature does not match", audit.ErrForbidden)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > Tolerance || age < -Tolerance {
		return fmt.Errorf("%w: the signature is of another time", audit.ErrForbidden)
	}
	return nil
}
