package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/examination"
)

// PersonHeader carries a person's own signature over the request: base64url,
// without padding, of the JSON of an engagement.Signature. A token says whose
// rights a request has; only with this it is the person who acts.
const PersonHeader = "Tieout-Person"

// signedFor is how long a signature over a request counts: as long as a sign-in
// counts as fresh.
const signedFor = access.FreshFor

// clockSlack is how far ahead of this server's a person's clock may be.
const clockSlack = time.Minute

type personKey struct{}

// A Signing is what a person signs of a request.
type Signing struct {
	Workspace string // origin of the workspace's log
	Method    string // "PUT"
	Target    string // path with its query, as it is sent: "/api/v1/engagements/EN-1/state"
	Key       string // Idempotency-Key
	IfMatch   string // If-Match, "" without
	Body      []byte
}

// Digest is what the signature is over: SHA-256, hex, of the line "tieout request
// 1" and a line for each part, the body by its SHA-256 in hex.
func (s Signing) Digest() string {
	body := sha256.Sum256(s.Body)
	lines := []string{"tieout request 1", s.Workspace, s.Method, s.Target, s.Key, s.IfMatch, hex.EncodeToString(body[:]), ""}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

// signer is the request with who signed it, where somebody did: the account of
// the token, with the key that this account announced in the log. A signature
// that is none, of another request or too old is refused, whatever is asked.
func (s *Server) signer(r *http.Request, who access.Subject) (*http.Request, error) {
	header := r.Header.Get(PersonHeader)
	if header == "" {
		return r, nil
	}
	var sig engagement.Signature
	raw, err := base64.RawURLEncoding.DecodeString(header)
	if err == nil {
		err = json.Unmarshal(raw, &sig)
	}
	if err != nil {
		return nil, unsigned("is not base64url of a signature")
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, newProblem(http.StatusRequestEntityTooLarge, "A request that a person signs has at most 256 KiB.")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err := s.signs(r, who, sig, body); err != nil {
		return nil, err
	}
	return r.WithContext(context.WithValue(r.Context(), personKey{}, sig)), nil
}

func (s *Server) signs(r *http.Request, who access.Subject, sig engagement.Signature, body []byte) error {
	key, now := r.Header.Get("Idempotency-Key"), s.o.Now()
	want := Signing{s.o.Web.Home().Log.Keys().Log(), r.Method, r.URL.RequestURI(), key, r.Header.Get("If-Match"), body}.Digest()
	switch {
	case key == "":
		return unsigned("needs an Idempotency-Key beside it: what a person signed is done once, however often it is sent")
	case sig.Digest != want:
		return unsigned("is over another request")
	case sig.At.Before(now.Add(-signedFor)) || sig.At.After(now.Add(clockSlack)):
		return unsigned("is older than five minutes, or of a clock that is ahead")
	}
	err := examination.Keys{Store: s.o.Web.Home().Store}.CheckSignature(r.Context(), who.Account, sig)
	if errors.Is(err, audit.ErrNotFound) || errors.Is(err, audit.ErrAltered) || errors.Is(err, audit.ErrForbidden) {
		return unsigned("is not by a key that the token's account announced in the log")
	}
	return err
}

func unsigned(why string) *problem {
	return newProblem(http.StatusForbidden, "The signature over the request does not count.").at("header."+PersonHeader, why)
}

// acting is who does what only a person may: with the rights of the account, and
// not of the token, where the person signed this very request; else the token,
// whom the table of rights then refuses.
func acting(ctx context.Context, who access.Subject) access.Subject {
	sig, ok := ctx.Value(personKey{}).(engagement.Signature)
	if !ok {
		return who
	}
	_, id, _ := strings.Cut(sig.Key, "+")
	id, _, _ = strings.Cut(id, "+")
	who.Kind, who.Limit, who.Token, who.Fresh, who.Session = audit.ActorPerson, nil, "", true, "key "+id
	return who
}
