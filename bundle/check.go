package bundle

import (
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/ledger"
)

// A Verdict says what one check showed. The zero value is Open.
type Verdict uint8

// Verdicts, most cautious first.
const (
	Open Verdict = iota // it cannot be said from what is here; the sentence says why
	Bad                 // something is not what was sealed
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

// A Check is one thing that was looked at, as a sentence.
type Check struct {
	Verdict  Verdict
	Sentence string
}

// Checks are all that were made, in order, and what they come to.
type Checks struct {
	List []Check
	ID   string // identity of the bundle: the digest of its index
	About
	Members   int
	Bytes     int64
	LogSize   int64
	Records   int // in the bundle, erased ones included
	Erased    []int64
	Withheld  int
	Witnessed []string // who outside has seen the checkpoint, in words; empty: order not externally witnessed
}

func (c *Checks) add(v Verdict, format string, args ...any) {
	c.List = append(c.List, Check{v, fmt.Sprintf(format, args...)})
}

// fail adds what err says as a check that does not hold, and gives err back.
func (c *Checks) fail(what string, err error) error {
	c.add(Bad, "%s: %s", what, strings.ReplaceAll(err.Error(), audit.ErrAltered.Error()+": ", ""))
	return err
}

// Sentence sums the checks up. It never speaks of a time before the checkpoint
// without saying whose clock it is.
func (c *Checks) Sentence() string {
	for _, k := range c.List {
		if k.Verdict == Bad {
			return "Altered: " + k.Sentence + "."
		}
	}
	if len(c.Witnessed) == 0 {
		return fmt.Sprintf("Unchanged since it was sealed; the order and times of the log's %s entries are the key holder's word: order not externally witnessed. Checked offline.", count(c.LogSize))
	}
	return fmt.Sprintf("Unchanged since the checkpoint of %s entries that %s. Times before that are this server's clock. Checked offline.",
		count(c.LogSize), strings.Join(c.Witnessed, " and "))
}

// String is the checks as a terminal shows them, a line each.
func (c *Checks) String() string {
	var b strings.Builder
	for _, k := range c.List {
		fmt.Fprintf(&b, "  %-6s  %s\n", k.Verdict, k.Sentence)
	}
	return b.String() + "  " + c.Sentence() + "\n"
}

// Options are what the person who verifies brings along.
type Options struct {
	// Key is the log's first key, known from elsewhere than the bundle; the zero
	// Key: none, and the bundle's own is used and named.
	Key ledger.Key
	// Vouched are keys known from elsewhere that signed without a hand-over.
	Vouched []ledger.Key
	// Witnesses are the keys of witnesses that are believed.
	Witnesses []ledger.Key
	// TSA is what is believed of time-stamp authorities.
	TSA ledger.TSATrust
	// Now is the reader's clock; no time stamp may lie after it.
	Now time.Time
	// Progress is told how far the work is, in bytes or items of one phase; may be nil.
	Progress func(phase string, done, total int64)
}

func (o *Options) progress(phase string) func(done, total int64) {
	if o.Progress == nil {
		return func(int64, int64) {}
	}
	return func(done, total int64) { o.Progress(phase, done, total) }
}

// count writes n with thousands set apart.
func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}
