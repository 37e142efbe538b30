package ledger

import (
	"fmt"
	"strconv"
	"strings"
)

// handoverTag is the first line of a hand-over statement.
const handoverTag = "tieout-log-handover/v1"

// Handover is a log's change of key: the old key says that the new one signs
// every checkpoint after Size, and the new key says that it takes over there.
type Handover struct {
	Log   string
	Old   Key
	New   Key
	Epoch int64
	Size  int64 // of the last checkpoint of the old key
	Root  [32]byte
}

func (h Handover) text() string {
	return fmt.Sprintf("%s\n%s\nfrom %s\nto %s\nepoch %d\nsize %d\nroot %s\n",
		handoverTag, h.Log, h.Old.vkey, h.New.vkey, h.Epoch, h.Size, formatHash(h.Root))
}

// SignHandover returns the statement, signed by both keys, that next takes over
// from old after the checkpoint at, which old has signed. Both keys carry the
// log's name.
func SignHandover(old, next Signer, at Checkpoint) ([]byte, error) {
	h := Handover{Log: at.Log, Old: old.key, New: next.key, Epoch: at.Epoch, Size: at.Size, Root: at.Root}
	if at.Key.vkey != old.key.vkey {
		return nil, fmt.Errorf("hand-over at size %d: the checkpoint is not verified as signed by %s", at.Size, old.key.ID())
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	return sign(h.text(), old, next)
}

// VerifyHandover reads a hand-over statement given by the old key. It demands
// both signatures and no other; a changed byte anywhere is an error.
func VerifyHandover(msg []byte, old Key) (Handover, error) {
	text, sigs, err := splitNote(msg)
	if err != nil {
		return Handover{}, fmt.Errorf("hand-over: %w", err)
	}
	h, err := parseHandover(text)
	if err != nil {
		return Handover{}, err
	}
	if h.Old.vkey != old.vkey {
		return Handover{}, fmt.Errorf("hand-over: %w: it is given by %s, not by %s", ErrVerify, h.Old.ID(), old.ID())
	}
	signers, err := verifyAll(text, sigs, []Key{h.Old, h.New})
	if err != nil {
		return Handover{}, fmt.Errorf("hand-over: %w", err)
	}
	if len(signers) != 2 {
		return Handover{}, fmt.Errorf("hand-over: %w: only %s signed it; both keys must", ErrVerify, signers[0].ID())
	}
	return h, nil
}

// parseHandover reads the text; what it accepts, text gives back unchanged.
func parseHandover(text string) (Handover, error) {
	bad := func(what string) error { return fmt.Errorf("hand-over: %w: %s", ErrVerify, what) }
	lines := strings.Split(text, "\n")
	if len(lines) != 8 || lines[0] != handoverTag {
		return Handover{}, bad("it does not have the seven lines of " + handoverTag)
	}
	values := make([]string, 0, 5)
	for i, label := range []string{"from ", "to ", "epoch ", "size ", "root "} {
		v, ok := strings.CutPrefix(lines[i+2], label)
		if !ok {
			return Handover{}, bad(fmt.Sprintf("line %d is not the %sline", i+3, label))
		}
		values = append(values, v)
	}
	h := Handover{Log: lines[1]}
	var errs [5]error
	h.Old, errs[0] = ParseKey(values[0])
	h.New, errs[1] = ParseKey(values[1])
	h.Epoch, errs[2] = strconv.ParseInt(values[2], 10, 32)
	h.Size, errs[3] = strconv.ParseInt(values[3], 10, 64)
	h.Root, errs[4] = parseHash(values[4])
	for i, err := range errs {
		if err != nil {
			return Handover{}, bad(fmt.Sprintf("line %d: %v", i+3, err))
		}
	}
	if h.text() != text {
		return Handover{}, bad("it is not in its canonical spelling")
	}
	return h, h.check()
}

func (h Handover) check() error {
	switch {
	case h.Old.Name() != h.Log || h.New.Name() != h.Log:
		return fmt.Errorf("hand-over: %w: the keys are named %q and %q, the log %q", ErrVerify, h.Old.Name(), h.New.Name(), h.Log)
	case h.Old.vkey == h.New.vkey:
		return fmt.Errorf("hand-over: %w: old and new key are the same", ErrVerify)
	case h.Epoch < 1 || h.Size < 0:
		return fmt.Errorf("hand-over: %w: epoch %d, size %d", ErrVerify, h.Epoch, h.Size)
	}
	return nil
}
