package agent

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/durable"
	format "tieout/source/agent"
)

// A waiting report is one look at the computer that no receiver has accepted
// yet. It is numbered and signed when it is sent, since only then the report
// before it is known.
type waiting struct {
	At    string `json:"at"`
	Kind  string `json:"kind"`
	Query string `json:"query"`
	Media string `json:"media"`
	Body  string `json:"body"` // base64
}

func (c *Computer) queue() string { return filepath.Join(c.Folder, "queue") }

// maxWaiting bounds the queue: the oldest are kept, since what is sent must not
// have holes; a computer that is offline for longer looks no more.
const maxWaiting = 1000

// Collect looks at the computer and puts what it saw into the queue, durably.
func (c *Computer) Collect(ctx context.Context) error {
	names, err := c.Waiting()
	if err != nil {
		return err
	}
	if len(names) >= maxWaiting {
		return fmt.Errorf("%w: %d reports wait to be sent, none is added", audit.ErrConflict, len(names))
	}
	at := audit.Instant(c.Now())
	p, err := c.look(ctx, at)
	if err != nil {
		return err
	}
	if len(p.Body) > format.MaxBody {
		return fmt.Errorf("%w: what the probes gave is larger than %d bytes", audit.ErrInvalid, format.MaxBody)
	}
	b, err := format.Encode(waiting{audit.FormatTime(at), p.Kind, p.Query, p.Media, base64.StdEncoding.EncodeToString(p.Body)})
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(c.queue(), 0o700); err != nil {
		return err
	}
	return durable.Create(filepath.Join(c.queue(), fileName(at)), b, 0o600)
}

// fileName orders files as their times.
func fileName(at time.Time) string { return at.Format("20060102T150405.000000") + ".json" }

// Waiting are the names of the reports in the queue, oldest first.
func (c *Computer) Waiting() ([]string, error) { return names(c.queue()) }

// RefusedReports are the names of reports that a receiver refused for their
// time: they are kept, and not sent again.
func (c *Computer) RefusedReports() ([]string, error) {
	return names(filepath.Join(c.Folder, "refused"))
}

func names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") && !durable.IsTemp(e.Name()) {
			out = append(out, e.Name())
		}
	}
	slices.Sort(out)
	return out, err
}

// Sent counts what one call of Send did.
type Sent struct {
	Accepted int `json:"accepted"`
	Refused  int `json:"refused"` // for the time they state; put aside
	Left     int `json:"left"`    // in the queue
}

// Send sends the queue in order until it is empty or the receiver cannot be
// reached. A report is taken off the queue only after the receiver's signed
// answer that it is kept; one that is refused for its time is put aside.
func (c *Computer) Send(ctx context.Context) (Sent, error) {
	var done Sent
	list, err := c.Waiting()
	if err != nil {
		return done, err
	}
	done.Left = len(list)
	for _, name := range list {
		kept, err := c.sendOne(ctx, name)
		if err != nil {
			return done, err
		}
		done.Left--
		if kept {
			done.Accepted++
		} else {
			done.Refused++
		}
	}
	return done, nil
}

// sendOne sends one report: kept is false where its time was refused.
func (c *Computer) sendOne(ctx context.Context, name string) (kept bool, err error) {
	s, err := c.State()
	if err != nil {
		return false, err
	}
	path := filepath.Join(c.queue(), name)
	b, err := durable.Read(path, 2*format.MaxBody)
	if err != nil {
		return false, err
	}
	if format.Digest(b) == s.Sent { // it was accepted, and the program ended before it was taken off
		return true, os.Remove(path)
	}
	msg, link, err := c.message(s, b)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	key, err := format.PublicKey(s.ServerKey)
	if err != nil {
		return false, err
	}
	u, err := ServerURL(s.Server)
	if err != nil {
		return false, err
	}
	a, err := c.post(ctx, u.JoinPath(PathReport), key, msg)
	if err != nil {
		return false, err
	}
	switch {
	case a.Outcome == Accepted && a.Device == s.Device && a.Sequence == s.Sequence+1 && a.Previous == link:
		s.Sequence, s.Previous, s.Accepted, s.Sent = a.Sequence, link, a.At, format.Digest(b)
		if err := c.save(s); err != nil {
			return false, err
		}
		return true, os.Remove(path)
	case a.Reason == ReasonClock || a.Reason == ReasonOrder:
		return false, c.putAside(path)
	}
	return false, fmt.Errorf("%w: report %d was refused: %s (the receiver has %d)", audit.ErrForbidden, s.Sequence+1, a.Say, a.Sequence)
}

// message numbers and signs a waiting report. Sent again it is the same bytes.
func (c *Computer) message(s State, b []byte) (msg []byte, link string, err error) {
	var w waiting
	if err := decode(b, &w); err != nil {
		return nil, "", err
	}
	body, err := base64.StdEncoding.DecodeString(w.Body)
	if err != nil {
		return nil, "", fmt.Errorf("%w: its body is not base64", audit.ErrInvalid)
	}
	key, err := c.key()
	if err != nil {
		return nil, "", err
	}
	r, err := format.NewReport(key, format.Header{Device: s.Device, Sequence: s.Sequence + 1, Previous: s.Previous, At: w.At, Kind: w.Kind, Query: w.Query, Media: w.Media}, body)
	if err != nil {
		return nil, "", err
	}
	if link, err = r.Header.Link(); err != nil {
		return nil, "", err
	}
	msg, err = format.Encode(r)
	return msg, link, err
}

func (c *Computer) putAside(path string) error {
	dir := filepath.Join(c.Folder, "refused")
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.Rename(path, filepath.Join(dir, filepath.Base(path)))
}
