package management

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/internal/canonical"
)

var bridgeTakers = map[string]taker{"bridge.sign": signBridge}

// MaxBridge is the longest span a bridge letter may speak about unless the
// workspace's policy says less, in days: about three months. A longer one is for
// the next report to cover.
const MaxBridge = 92

// A Bridge is a bridge letter: management's own word on the days after a report's
// period. Nobody examined it.
type Bridge struct {
	BridgeData
	ID     string
	At     time.Time
	Record int64
}

// BridgeData is what a letter says.
type BridgeData struct {
	Report    string               `json:"report"` // digest of the report it continues
	From      string               `json:"from"`   // the day after its period
	To        string               `json:"to"`
	Text      string               `json:"text"`      // management's words, Markdown
	Disclosed []Disclosure         `json:"disclosed"` // each thing a reader has to know of, in management's words
	Known     []string             `json:"known"`     // references of all that is on record for those days, as the guard listed them
	Next      string               `json:"next"`      // when the next report is expected
	Limit     int                  `json:"limit"`     // days, by policy; at most MaxBridge
	Signed    engagement.Signature `json:"signed"`
}

// A Disclosure is one incident, deviation, change or modified opinion that the
// letter names.
type Disclosure struct {
	Ref  string `json:"ref"` // "incident:INC-4", "deviation:D-9a12b3c4", "change:C-2", "opinion:operation"
	Text string `json:"text"`
}

// ToSign is what a letter's signature is over: SHA-256, hex, of its canonical JSON
// without the signature.
func (d BridgeData) ToSign() (string, error) {
	d.Signed = engagement.Signature{}
	raw, err := canonical.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("%w: bridge letter: %w", audit.ErrInvalid, err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

// SignBridge signs a bridge letter. known are references of what the registers
// hold for its days, which the caller looked up (incidents, confirmed and open
// deviations, material changes); together with the report's modified opinions
// each has to be disclosed. It needs bridge.sign.
func (b *Book) SignBridge(ctx context.Context, by access.Subject, id string, d BridgeData, verify Verify) (string, error) {
	if err := access.Require(by, "bridge.sign", of(id)); err != nil {
		return "", err
	}
	d.Disclosed, d.Known = book.List(d.Disclosed), book.List(d.Known)
	digest, err := d.ToSign()
	if err == nil {
		err = signedBy(by, d.Signed, digest, verify)
	}
	if err != nil {
		return "", err
	}
	return b.book.Numbered(ctx, by, "bridge", id+"/L", func(on string) error {
		_, err := b.book.Write(ctx, by, "bridge.sign", "bridge:"+on, 0, d)
		return err
	})
}

func signBridge(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[BridgeData](e)
	x, rest, xerr := s.on(e, "bridge")
	if err = book.First(err, xerr, book.Text("text", d.Text, 1, maxText), book.Day("from", d.From, true), book.Day("to", d.To, true), book.Day("next", d.Next, true),
		book.When(d.Signed.Value == "" || d.Signed.Signer != e.By.Name, "a bridge letter is signed by whoever gives it"),
		book.When(d.Limit < 1 || d.Limit > MaxBridge, fmt.Sprintf("limit is 1 to %d days", MaxBridge))); err != nil {
		return book.Change{}, err
	}
	if err := x.mayBridge(d); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "bridge letter for " + d.From + " to " + d.To, Do: func() { x.Bridges = append(x.Bridges, Bridge{d, rest, e.At, e.Record}) }}, nil
}

// mayBridge says why a letter cannot be given, or what it leaves out.
func (x *Side) mayBridge(d BridgeData) error {
	if len(x.Releases) == 0 {
		return book.TooEarly("there is no report yet that a letter could continue")
	}
	r := x.Releases[len(x.Releases)-1]
	if r.Withdrawn != "" {
		return book.TooEarly("the firm has withdrawn the report: nothing continues it")
	}
	if r.Report != d.Report {
		return book.TooEarly("the letter continues another report; the newest is dated %s", r.Dated)
	}
	if !r.Terms.Type.OverPeriod() {
		return fmt.Errorf("%w: a %s speaks of a date; there is no period that a letter could continue", audit.ErrInvalid, r.Terms.Type)
	}
	from, _ := time.Parse(time.DateOnly, d.From)
	to, _ := time.Parse(time.DateOnly, d.To)
	last, err := time.Parse(time.DateOnly, r.Terms.Last)
	switch {
	case err != nil || !from.Equal(last.AddDate(0, 0, 1)):
		return fmt.Errorf("%w: a letter begins the day after the report's period, which ended on %s", audit.ErrInvalid, r.Terms.Last)
	case to.Before(from):
		return fmt.Errorf("%w: it ends before it begins", audit.ErrInvalid)
	case to.Sub(last) > time.Duration(d.Limit)*24*time.Hour:
		return fmt.Errorf("%w: %d days; policy allows at most %d. The days after are for the next report", audit.ErrInvalid, int(to.Sub(last).Hours()/24), d.Limit)
	case d.Next <= d.To:
		return fmt.Errorf("%w: next: the next report is expected after the letter's last day, %s", audit.ErrInvalid, d.To)
	}
	return x.discloses(r, d)
}

// discloses says what the letter does not name: a modified opinion, and whatever
// is on record for its days.
func (x *Side) discloses(r Release, d BridgeData) error {
	need := slices.Clone(d.Known)
	for part, word := range r.Opinions {
		if word != string(engagement.Unmodified) {
			need = append(need, "opinion:"+part)
		}
	}
	slices.Sort(need)
	var missing []string
	for _, ref := range slices.Compact(need) {
		if !slices.ContainsFunc(d.Disclosed, func(n Disclosure) bool { return n.Ref == ref && strings.TrimSpace(n.Text) != "" }) {
			missing = append(missing, ref)
		}
	}
	if len(missing) > 0 {
		return book.TooEarly("the letter does not disclose %s", strings.Join(missing, ", "))
	}
	return nil
}
