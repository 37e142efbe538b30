package packet

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"

	"tieout/audit"
	"tieout/ledger"
	"tieout/store"
)

// askTag is the statement with which one side asks the other what waits.
const askTag = "tieout exchange request 1"

// askWindow is how far a request's time may lie from the clock of who is asked.
const askWindow = 5 * time.Minute

// maxAsk bounds a request: a few lines and what it shows of the asker's log.
const maxAsk = 2 * maxLog

// An ask is a signed short request: what is wanted, once, and soon.
type ask struct {
	engagement, from, to string
	what                 string // "list 3", "get 4 0"
	at                   time.Time
	nonce                string // 16 bytes, hex
	log                  ledger.Parcel
}

func (a ask) text() string {
	return strings.Join([]string{a.engagement, a.from, a.to, a.what, audit.FormatTime(a.at), a.nonce,
		base64.StdEncoding.EncodeToString(a.log.Encode())}, "\n") + "\n"
}

var (
	askWords  = regexp.MustCompile(`^(list [0-9]{1,7}|get [0-9]{1,7} [0-9]{1,15})$`)
	nonceForm = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// parseAsk reads the text of a request; what it accepts, text gives back unchanged.
func parseAsk(text string) (ask, error) {
	bad := func(what string) (ask, error) { return ask{}, invalid("the request: %s", what) }
	lines := strings.Split(text, "\n")
	if len(lines) != 8 || len(text) > maxAsk {
		return bad("it does not have its seven lines")
	}
	a := ask{engagement: lines[0], from: lines[1], to: lines[2], what: lines[3], nonce: lines[5]}
	var err error
	if a.at, err = audit.ParseTime(lines[4]); err != nil {
		return bad("its time is none")
	}
	raw, err := base64.StdEncoding.DecodeString(lines[6])
	if err == nil {
		a.log, err = ledger.ParseParcel(raw)
	}
	switch {
	case err != nil:
		return bad("what it shows of the asker's log is not readable")
	case !engagementID.MatchString(a.engagement), !origin(a.from), !origin(a.to), !askWords.MatchString(a.what), !nonceForm.MatchString(a.nonce):
		return bad("its lines are not as they should be")
	case a.text() != text:
		return bad("it is not in its one spelling")
	}
	return a, nil
}

// Ask returns a request to the other side, signed with the key of this
// workspace's log. It can be used once, within five minutes.
func (p *Post) Ask(ctx context.Context, what string) ([]byte, error) {
	if err := p.fresh(ctx); err != nil {
		return nil, err
	}
	var h Header
	if err := p.show(ctx, &h, Lane{}); err != nil {
		return nil, err
	}
	log, err := ledger.ParseParcel([]byte(h.Log))
	if err != nil {
		return nil, err
	}
	var nonce [16]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	a := ask{engagement: p.sides.Engagement, from: p.own.Origin, to: p.other.Origin, what: what,
		at: audit.Instant(p.reg.now()), nonce: hex.EncodeToString(nonce[:]), log: log}
	if _, err := parseAsk(a.text()); err != nil {
		return nil, err
	}
	return ledger.SignStatement(p.reg.seal.Log.Signer(), askTag, a.text())
}

// readAsk reads a request that nobody has checked yet.
func readAsk(msg []byte) (ask, error) {
	text, err := ledger.ReadStatement(msg, askTag)
	if err != nil {
		return ask{}, fmt.Errorf("%w: %w", ErrNotSigned, err)
	}
	return parseAsk(text)
}

// Admit checks a request for what: that the other side signed it for this
// exchange, less than five minutes ago, and that it was not used before, here or
// by another process on the store. Errors: ErrNotSigned, audit.ErrForbidden.
func (p *Post) Admit(ctx context.Context, msg []byte, what string) error {
	a, err := readAsk(msg)
	if err != nil {
		return err
	}
	if a.engagement != p.sides.Engagement || a.from != p.other.Origin || a.to != p.own.Origin || a.what != what {
		return fmt.Errorf("%w: the request is for something else", audit.ErrForbidden)
	}
	if err := p.signedNow(ctx, msg, a.log); err != nil {
		return err
	}
	now := p.reg.now()
	if a.at.Before(now.Add(-askWindow)) || a.at.After(now.Add(askWindow)) {
		return fmt.Errorf("%w: the request was made at %s, here it is %s: it counts for five minutes; set the clocks", audit.ErrForbidden,
			audit.FormatTime(a.at), audit.FormatTime(now))
	}
	return p.first(ctx, a.nonce, now)
}

// signedNow demands a signature by the key that is in force now: keys the
// request shows beyond those known have to be handed over.
func (p *Post) signedNow(ctx context.Context, msg []byte, log ledger.Parcel) error {
	_, received, err := p.Lanes(ctx)
	if err != nil {
		return err
	}
	if log.First != p.key.VKey() || !strings.HasPrefix(log.Keys(), received.keys) || len(log.Vouched(received.keys)) > 0 {
		return fmt.Errorf("%w: the request shows other keys than are known of %s", ErrNotSigned, p.other.Origin)
	}
	chain, err := log.Chain()
	if err == nil {
		_, _, err = ledger.VerifyStatement(msg, askTag, chain.Current())
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSigned, err)
	}
	return nil
}

// first uses a nonce up, for all processes on the store. It is forgotten with
// the attempts to sign in, long after its request has run out.
func (p *Post) first(ctx context.Context, nonce string, now time.Time) error {
	subject := "exchange " + nonce
	return p.reg.seal.Store.CountAttempts(ctx, []string{subject}, func(counts map[string]*store.Attempts) error {
		if counts[subject].Failures > 0 {
			return fmt.Errorf("%w: the request was used before", audit.ErrForbidden)
		}
		*counts[subject] = store.Attempts{Failures: 1, At: now, Blocked: now.Add(2 * askWindow)}
		return nil
	})
}
