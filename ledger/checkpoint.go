package ledger

import (
	"fmt"
	"strconv"
	"strings"
)

// epochMark stands between a log's name and the number of a later epoch.
const epochMark = "/epoch/"

// Checkpoint is what a signed checkpoint says.
type Checkpoint struct {
	Origin string // the log's name, with /epoch/N from the second epoch on
	Log    string // the log's name alone
	Epoch  int64
	Size   int64
	Root   [32]byte
	Epochs []EpochStart // how each epoch from the second on began
	Key    Key          // whose signature was verified; zero if none was
}

// Reason says why an epoch was opened.
type Reason string

const (
	// Restored: the store came back behind a checkpoint already published.
	Restored Reason = "restored"
	// KeyLost: the signing key is gone and could not sign a hand-over.
	KeyLost Reason = "key-lost"
	// KeyExposed: the signing key may be in other hands.
	KeyExposed Reason = "key-exposed"
)

// EpochStart tells how an epoch began. Every checkpoint of the epoch carries it
// as an extension line, so one checkpoint tells the whole story.
type EpochStart struct {
	Epoch    int64
	Reason   Reason
	From     int64 // the epoch continues the tree of this size
	FromRoot [32]byte
	Last     int64 // size of the last checkpoint published before
	LastRoot [32]byte
}

// Abandoned tells whether entries were published that the epoch does not hold,
// or holds differently; then no proof leads from the old checkpoint to the new.
func (e EpochStart) Abandoned() bool {
	return e.Last > e.From || e.Last == e.From && e.LastRoot != e.FromRoot
}

// String is the fact in words.
func (e EpochStart) String() string {
	why := map[Reason]string{Restored: "after the store was restored", KeyLost: "because the signing key was lost",
		KeyExposed: "because the signing key may be known to others"}[e.Reason]
	s := fmt.Sprintf("epoch %d was opened %s, from %d entries", e.Epoch, why, e.From)
	if e.Abandoned() {
		return s + fmt.Sprintf("; a checkpoint of %d entries had been published that it does not continue", e.Last)
	}
	return s
}

// text is the checkpoint body that is signed.
func (c Checkpoint) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%d\n%s\n", c.Origin, c.Size, formatHash(c.Root))
	for _, e := range c.Epochs {
		fmt.Fprintf(&b, "epoch %d %s from %d %s last %d %s\n",
			e.Epoch, e.Reason, e.From, formatHash(e.FromRoot), e.Last, formatHash(e.LastRoot))
	}
	return b.String()
}

// parseCheckpoint reads a body; what it accepts, text gives back unchanged.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[len(lines)-1] != "" {
		return Checkpoint{}, fmt.Errorf("%w: checkpoint needs an origin, a size and a root line", ErrVerify)
	}
	var c Checkpoint
	var err error
	c.Origin = lines[0]
	if c.Log, c.Epoch, err = splitOrigin(lines[0]); err != nil {
		return Checkpoint{}, err
	}
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 {
		return Checkpoint{}, fmt.Errorf("%w: checkpoint size %q", ErrVerify, shorten(lines[1]))
	}
	if c.Root, err = parseHash(lines[2]); err != nil {
		return Checkpoint{}, err
	}
	for _, line := range lines[3 : len(lines)-1] {
		e, err := parseEpochStart(line)
		if err != nil {
			return Checkpoint{}, err
		}
		c.Epochs = append(c.Epochs, e)
	}
	return c, c.check(text)
}

func parseEpochStart(line string) (EpochStart, error) {
	bad := fmt.Errorf("%w: checkpoint extension line %q", ErrVerify, shorten(line))
	f := strings.Split(line, " ")
	if len(f) != 9 || f[0] != "epoch" || f[3] != "from" || f[6] != "last" {
		return EpochStart{}, bad
	}
	e := EpochStart{Reason: Reason(f[2])}
	for i, dst := range map[int]*int64{1: &e.Epoch, 4: &e.From, 7: &e.Last} {
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil || n < 0 {
			return EpochStart{}, bad
		}
		*dst = n
	}
	var err1, err2 error
	e.FromRoot, err1 = parseHash(f[5])
	e.LastRoot, err2 = parseHash(f[8])
	if err1 != nil || err2 != nil || !e.Reason.valid() {
		return EpochStart{}, bad
	}
	return e, nil
}

func (r Reason) valid() bool { return r == Restored || r == KeyLost || r == KeyExposed }

// check demands one line for each epoch from the second on, sizes that fit, and
// the canonical spelling.
func (c Checkpoint) check(text string) error {
	if int64(len(c.Epochs)) != c.Epoch-1 {
		return fmt.Errorf("%w: checkpoint of epoch %d explains %d epochs", ErrVerify, c.Epoch, len(c.Epochs))
	}
	for i, e := range c.Epochs {
		if e.Epoch != int64(i)+2 {
			return fmt.Errorf("%w: checkpoint explains epoch %d in the place of %d", ErrVerify, e.Epoch, i+2)
		}
	}
	if n := len(c.Epochs); n > 0 {
		last := c.Epochs[n-1]
		if c.Size < last.From || c.Size == last.From && c.Root != last.FromRoot {
			return fmt.Errorf("%w: checkpoint of %d entries in an epoch that began with %d", ErrVerify, c.Size, last.From)
		}
	}
	if c.text() != text {
		return fmt.Errorf("%w: checkpoint is not in its canonical spelling", ErrVerify)
	}
	return nil
}

// splitOrigin takes "name" or "name/epoch/N" apart, N from 2 on.
func splitOrigin(origin string) (name string, epoch int64, err error) {
	name, epoch = origin, 1
	if i := strings.LastIndex(origin, epochMark); i >= 0 {
		name = origin[:i]
		epoch, err = strconv.ParseInt(origin[i+len(epochMark):], 10, 32)
		if err != nil || epoch < 2 || originOf(name, epoch) != origin {
			return "", 0, fmt.Errorf("%w: origin %q does not name an epoch as /epoch/N", ErrVerify, shorten(origin))
		}
	}
	if !validName(name) || strings.Contains(name, epochMark) {
		return "", 0, fmt.Errorf("%w: origin %q", ErrVerify, shorten(origin))
	}
	return name, epoch, nil
}

func originOf(name string, epoch int64) string {
	if epoch == 1 {
		return name
	}
	return name + epochMark + strconv.FormatInt(epoch, 10)
}

// VerifyCheckpoint reads a signed checkpoint and demands that every signature
// line on it was made with one of the keys, and that the log's own key is among
// them: the key's name is the log's name. A changed byte anywhere is an error.
// When keys have succeeded each other use Chain.VerifyCheckpoint, which also
// knows which of them was in force.
func VerifyCheckpoint(msg []byte, keys ...Key) (Checkpoint, error) {
	text, sigs, err := splitNote(msg)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	signers, err := verifyAll(text, sigs, keys)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	c, err := parseCheckpoint(text)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, k := range signers {
		if !k.witness && k.Name() == c.Log {
			c.Key = k
			return c, nil
		}
	}
	return Checkpoint{}, fmt.Errorf("checkpoint: %w: not signed by a key named %q", ErrVerify, c.Log)
}
