package attest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/ledger"
)

// A Verdict says what one check showed. The zero value is Open.
type Verdict uint8

// Verdicts, most cautious first.
const (
	Open Verdict = iota // it cannot be said from what is here; the sentence says why
	Bad                 // something is not what was issued
	Good                // it holds
)

// String is the word a terminal prints before the sentence.
func (v Verdict) String() string {
	switch v {
	case Good:
		return "ok"
	case Bad:
		return "not ok"
	}
	return "open"
}

// Verified is one thing that was looked at, as a sentence.
type Verified struct {
	Verdict  Verdict
	Sentence string
}

// Checks are all that were made of a file, in order.
type Checks struct {
	List   []Verified
	Report string // its id, where the file's value could be read
	Digest string
}

// Add adds a check.
func (c *Checks) Add(v Verdict, format string, args ...any) {
	c.List = append(c.List, Verified{v, fmt.Sprintf(format, args...)})
}

// Err is ErrAltered with the first check that does not hold; nil where all do.
func (c *Checks) Err() error {
	for _, x := range c.List {
		if x.Verdict == Bad {
			return fmt.Errorf("%w: %s", audit.ErrAltered, x.Sentence)
		}
	}
	return nil
}

// Sentence says what all checks come to.
func (c *Checks) Sentence() string {
	bad, open := 0, 0
	for _, x := range c.List {
		switch x.Verdict {
		case Bad:
			bad++
		case Open:
			open++
		case Good:
		}
	}
	switch {
	case bad > 0:
		return fmt.Sprintf("Not as it was issued: %s of %s.", noun(bad, "check does not hold", "checks do not hold"), Number(len(c.List)))
	case open > 0:
		return fmt.Sprintf("As it was issued, as far as the file shows; %s open.", noun(open, "check is", "checks are"))
	}
	return "As it was issued."
}

func noun(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// Trust is what a reader knows from elsewhere than the file.
type Trust struct {
	Checkpoints [][]byte // published checkpoints of the logs, signed notes
	Signers     []string // verifier keys of people, note format
}

// VerifySignatures checks the signatures of r: each has to hold and to be over
// the value's digest, or over pages, the digest of a file's page table ("": of
// no file).
func (c *Checks) VerifySignatures(r Report, digest, pages string, t Trust) {
	body, sheets := false, false
	for _, s := range r.Signatures {
		over := map[string]string{digest: "the report", pages: "its pages"}[s.Digest]
		if err := s.Verify(); err != nil {
			c.Add(Bad, "%s", Reason(err))
			continue
		}
		if over == "" {
			c.Add(Bad, "the signature of %s covers %s, which is neither this report nor its pages", s.Name, Short(s.Digest))
			continue
		}
		body, sheets = body || s.Digest == digest, sheets || s.Digest == pages
		id := keyID(s.Key)
		switch {
		case slices.Contains(t.Signers, s.Key):
			c.Add(Good, "%s, %s, signed %s on %s with the key you gave, %s", s.Name, s.Title, over, Instant(s.At), id)
		case len(t.Signers) > 0:
			c.Add(Bad, "the signature of %s on %s is by the key %s, which is none of those you gave", s.Name, over, id)
		default:
			c.Add(Open, "%s, %s, signed %s on %s; the signature holds for the key %s, which stands in the file itself: compare it with the one the firm publishes", s.Name, s.Title, over, Instant(s.At), id)
		}
	}
	switch {
	case body:
	case r.Draft:
		c.Add(Open, "nobody signed it: it is a draft")
	default:
		c.Add(Open, "nobody signed the report")
	}
	if body && !sheets && pages != "" {
		c.Add(Open, "nobody signed the pages: that they are the report's rests on printing the value again")
	}
}

// keyID is a verifier key without its key material: name and hash.
func keyID(key string) string {
	parts := strings.SplitN(key, "+", 3)
	return strings.Join(parts[:min(2, len(parts))], "+")
}

// Reason is an error's words without its kind.
func Reason(err error) string {
	s := err.Error()
	for _, kind := range []error{audit.ErrAltered, audit.ErrInvalid} {
		s = strings.ReplaceAll(s, kind.Error()+": ", "")
	}
	return s
}

// VerifyAnnex checks that every step of the annex is in its log as of the
// checkpoint the annex rests on, and that the checkpoints a reader knows are the
// same.
func (c *Checks) VerifyAnnex(r Report, t Trust) {
	at := map[string]ledger.Checkpoint{}
	for _, l := range r.Annex.Logs {
		point, err := l.verify()
		if err != nil {
			c.Add(Bad, "the %s's log: %s", l.Whose, Reason(err))
			continue
		}
		at[l.Whose] = point
		n, err := stepsIn(r.Annex.Steps, l.Whose, point)
		if err != nil {
			c.Add(Bad, "%s", Reason(err))
			continue
		}
		c.Add(Good, "%s of the annex %s in the %s's log %s of %s entries", noun(n, "step", "steps"), isAre(n), l.Whose, point.Origin, Number(int(point.Size)))
	}
	if len(r.Annex.Logs) == 0 {
		c.Add(Open, "the annex names no log: the order of what happened cannot be checked")
		return
	}
	c.published(r.Annex.Logs, at, t.Checkpoints)
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// verify checks the log's checkpoint by its key.
func (l Log) verify() (ledger.Checkpoint, error) {
	chain, err := l.chain()
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	point, err := ledger.VerifyCosigned([]byte(l.Checkpoint), chain)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	if point.Checkpoint.Origin != l.Origin {
		return ledger.Checkpoint{}, fmt.Errorf("%w: its checkpoint is of the log %s, not %s", audit.ErrAltered, point.Checkpoint.Origin, l.Origin)
	}
	return point.Checkpoint, nil
}

// chain is the key of the log, which the checkpoint has to be signed with.
func (l Log) chain() (ledger.Chain, error) {
	key, err := ledger.ParseKey(l.Key)
	if err != nil {
		return ledger.Chain{}, err
	}
	return ledger.NewChain(key)
}

// InLog checks that every step of a log is in it as of its checkpoint; else
// audit.ErrAltered names the first that is not.
func InLog(steps []Step, l Log) error {
	point, err := l.verify()
	if err != nil {
		return err
	}
	_, err = stepsIn(steps, l.Whose, point)
	return err
}

func stepsIn(steps []Step, whose string, at ledger.Checkpoint) (int, error) {
	n := 0
	for _, s := range steps {
		if s.Whose != whose {
			continue
		}
		n++
		leaf, err := hash32(s.Leaf)
		if err != nil {
			return n, err
		}
		var proof [][32]byte
		for _, p := range s.Proof {
			h, err := hash32(p)
			if err != nil {
				return n, err
			}
			proof = append(proof, h)
		}
		if err := ledger.VerifyInclusion(leaf, s.Entry, at.Size, at.Root, proof); err != nil {
			return n, fmt.Errorf("%w: “%s” is not entry %d of the %s's log", audit.ErrAltered, s.What, s.Entry, whose)
		}
	}
	return n, nil
}

func hash32(s string) ([32]byte, error) {
	var out [32]byte
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		return out, fmt.Errorf("%w: %q is no SHA-256", audit.ErrInvalid, s)
	}
	copy(out[:], b)
	return out, nil
}

// published compares the annex's checkpoints with those the reader gave.
func (c *Checks) published(logs []Log, at map[string]ledger.Checkpoint, given [][]byte) {
	for _, g := range given {
		origin, _, _ := strings.Cut(string(g), "\n")
		i := slices.IndexFunc(logs, func(l Log) bool { return l.Origin == origin })
		if i < 0 {
			c.Add(Open, "the checkpoint you gave is of the log %q, which the annex does not name", short(origin))
			continue
		}
		if _, read := at[logs[i].Whose]; read {
			c.compare(logs[i], at[logs[i].Whose], g)
		}
	}
	if len(given) == 0 {
		c.Add(Open, "no published checkpoint was given: whether others saw the same logs is not checked")
	}
}

func (c *Checks) compare(l Log, at ledger.Checkpoint, given []byte) {
	other := l
	other.Checkpoint = string(given)
	point, err := other.verify()
	switch {
	case err != nil:
		c.Add(Bad, "the checkpoint you gave of %s: %s", l.Origin, Reason(err))
	case point.Size != at.Size:
		c.Add(Open, "the checkpoint you gave of %s has %s entries, the annex's %s: the file does not show whether one log grew from the other", l.Origin, strconv.FormatInt(point.Size, 10), strconv.FormatInt(at.Size, 10))
	case point.Root != at.Root:
		c.Add(Bad, "the checkpoint you gave of %s has another root than the annex's: there are two histories of this log", l.Origin)
	default:
		c.Add(Good, "the checkpoint you gave of %s is the one the annex rests on", l.Origin)
	}
}

func short(s string) string {
	if len(s) > 80 {
		return s[:80]
	}
	return s
}

// ErrNoReport is a file that carries no report of ours.
var ErrNoReport = errors.New("the file carries no report: it was not made by this program, or what it carries was taken out")
