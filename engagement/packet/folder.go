package packet

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/internal/durable"
	"tieout/ledger"
)

// extension of packets as files.
const extension = ".packet"

// maxPending is how many packets a folder is read for at once.
const maxPending = 10_000

// A Pending is a packet that lies in a folder, by its header: nobody has checked
// it yet.
type Pending struct {
	Path   string
	Header Header
	Err    error // why it is no packet, in words; then Header is empty
}

// PendingIn lists the packets in a folder, by engagement, sender and number, so
// that they can be received in order. Other files are passed over; what claims to
// be a packet and is none comes last, with the reason.
func PendingIn(dir string) ([]Pending, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("packets in %s: %w", dir, err)
	}
	var out []Pending
	for _, e := range entries {
		if !e.Type().IsRegular() || filepath.Ext(e.Name()) != extension || durable.IsTemp(e.Name()) {
			continue
		}
		if len(out) == maxPending {
			return nil, fmt.Errorf("%w: %s holds more than %d packets", audit.ErrInvalid, dir, maxPending)
		}
		out = append(out, look(filepath.Join(dir, e.Name())))
	}
	slices.SortFunc(out, func(a, b Pending) int {
		return cmp.Or(boolean(a.Err != nil)-boolean(b.Err != nil), strings.Compare(a.Header.Engagement, b.Header.Engagement), strings.Compare(a.Header.From, b.Header.From),
			strings.Compare(a.Header.To, b.Header.To), cmp.Compare(a.Header.Number, b.Header.Number), strings.Compare(a.Path, b.Path))
	})
	return out, nil
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

func look(path string) Pending {
	f, err := os.Open(path)
	if err != nil {
		return Pending{Path: path, Err: err}
	}
	defer f.Close()
	h, err := readHead(f)
	return Pending{Path: path, Header: h.header, Err: err}
}

// Outbox writes the packets that the other side has not said it heard into a
// folder, each once and whole, and returns the paths of all of them. A file that
// is there already is left as it is if it is the same packet, else the error is
// an audit.ErrConflict.
func (p *Post) Outbox(ctx context.Context, dir string) ([]string, error) {
	_, received, err := p.Lanes(ctx)
	if err != nil {
		return nil, err
	}
	list, err := p.List(ctx, true, received.Heard)
	if err != nil {
		return nil, err
	}
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var paths []string
	for _, f := range list {
		h := Header{Engagement: p.sides.Engagement, To: p.other.Origin, Number: f.Number}
		path := filepath.Join(dir, h.FileName())
		if err := p.putOut(ctx, f, path); err != nil {
			return paths, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// putOut writes one packet; after a crash it is whole or absent.
func (p *Post) putOut(ctx context.Context, f Filed, path string) error {
	digest, err := fileDigest(path)
	switch {
	case err == nil && digest == f.Digest:
		return nil
	case err == nil:
		return fmt.Errorf("%w: %s is another file than packet %d: move it away", audit.ErrConflict, path, f.Number)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	in, _, err := p.Bytes(ctx, f.Number)
	if err != nil {
		return err
	}
	return errors.Join(durable.WriteFrom(path, in, 0o600), in.Close())
}

func fileDigest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return digestHash(sum), err
}

// Inbox receives the packets in a folder that are for this end of the exchange,
// in order, and calls take with each; what was received before comes again, with
// Again set. Files stay where they are. It returns how many were new. Where
// numbers are missing the error is a *Gap; those before it were received.
func (p *Post) Inbox(ctx context.Context, by audit.Actor, dir string, consent ledger.Consent, take func(context.Context, Received) error) (fresh int, err error) {
	list, err := PendingIn(dir)
	if err != nil {
		return 0, err
	}
	for _, x := range list {
		if x.Err == nil && p.sides.admits(x.Header, p.other) != nil {
			continue
		}
		if x.Err != nil {
			return fresh, fmt.Errorf("%s: %w", x.Path, x.Err)
		}
		again, err := p.receiveFile(ctx, by, x.Path, consent, take)
		if err != nil {
			return fresh, fmt.Errorf("%s: %w", x.Path, err)
		}
		if !again {
			fresh++
		}
	}
	return fresh, nil
}

func (p *Post) receiveFile(ctx context.Context, by audit.Actor, path string, consent ledger.Consent, take func(context.Context, Received) error) (again bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	got, err := p.Receive(ctx, by, f, consent)
	if err != nil {
		return false, err
	}
	if take != nil {
		err = take(ctx, got)
	}
	return got.Again, errors.Join(err, got.Close())
}
