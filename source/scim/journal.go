package scim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/durable"
)

// Events of the journal.
const (
	eventStart   = "start"   // a receiver began to listen
	eventBeat    = "beat"    // it still listens
	eventStop    = "stop"    // it ended as it should
	eventRequest = "request" // a request was accepted, and this is the state since
)

// An entry is one line of the journal. Entries are numbered from 1 and each
// holds the digest of the line before it, across files.
type entry struct {
	Seq      int64     `json:"seq"`
	At       time.Time `json:"at"`
	Previous string    `json:"previous"` // "sha256:" and hex; "" for the first
	Event    string    `json:"event"`

	// Cut says, of a start, that the file before ends in a line that was cut
	// off: a request that was never answered as accepted.
	Cut bool `json:"cut,omitempty"`
	// Clock is what the clock said where it had gone back: At goes on from the
	// entry before.
	Clock *time.Time `json:"clock,omitempty"`

	Method string          `json:"method,omitempty"`
	Path   string          `json:"path,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"` // as it came, without passwords

	User     *user    `json:"user,omitempty"`     // its state since
	Group    *group   `json:"group,omitempty"`    // its state since, without members
	Set      []string `json:"set,omitempty"`      // ids of users who are in the group, as far as this says something new
	Gone     []string `json:"gone,omitempty"`     // ids of users who no longer are; of a user: of groups it was in
	Deleted  bool     `json:"deleted,omitempty"`  // the user or group is no more
	Unlinked bool     `json:"unlinked,omitempty"` // the user has no employee number any more
}

// A user is one account as the identity provider described it.
type user struct {
	ID         string         `json:"id"`
	Version    int            `json:"version"`
	Created    time.Time      `json:"created"`
	Modified   time.Time      `json:"modified"`
	DisabledAt *time.Time     `json:"disabledAt,omitempty"` // since when `active` is false
	Attributes map[string]any `json:"attributes"`
}

// A group is one group; its members are kept apart.
type group struct {
	ID         string         `json:"id"`
	Version    int            `json:"version"`
	Created    time.Time      `json:"created"`
	Modified   time.Time      `json:"modified"`
	Attributes map[string]any `json:"attributes"`
}

const (
	suffix     = ".jsonl"
	maxSegment = 8 << 20
	maxLine    = 4 << 20
)

func segmentName(seq int64) string { return fmt.Sprintf("%012d%s", seq, suffix) }

// segments are the journal's files, oldest first.
func segments(dir string) ([]string, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range list {
		if name := e.Name(); !e.IsDir() && strings.HasSuffix(name, suffix) && len(name) == len(segmentName(0)) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// A chain follows entries from line to line and from file to file.
type chain struct {
	seq      int64
	previous string
	at       time.Time
	cut      string // file whose last line is cut off, and not yet spoken of
}

// take checks that a line follows the one before.
func (c *chain) take(line []byte) (entry, error) {
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		return e, errors.New("it is no entry of a journal")
	}
	e.At = audit.Instant(e.At)
	switch {
	case e.Seq != c.seq+1:
		return e, fmt.Errorf("entry %d follows entry %d", e.Seq, c.seq)
	case e.Previous != c.previous:
		return e, fmt.Errorf("entry %d does not follow the line before it: one of them was changed", e.Seq)
	case !e.At.After(c.at):
		return e, fmt.Errorf("entry %d is not later than the one before", e.Seq)
	}
	c.seq, c.at, c.previous = e.Seq, e.At, digest(line)
	return e, nil
}

func digest(line []byte) string {
	sum := sha256.Sum256(line)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// lines calls take with every whole line and reports whether the last one is
// cut off. where is the number of the line that take refused.
func lines(body []byte, take func(line []byte) error) (cut bool, where int, err error) {
	for n := 1; len(body) > 0; n++ {
		line, rest, whole := bytes.Cut(body, []byte("\n"))
		if !whole {
			return true, n, nil
		}
		if err := take(line); err != nil {
			return false, n, err
		}
		body = rest
	}
	return false, 0, nil
}

// readSegment reads one file.
func readSegment(dir, name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSegment+maxLine+1))
	if err == nil && len(b) > maxSegment+maxLine {
		err = errors.New("it is larger than a journal's file can be")
	}
	return b, err
}

// A journal is written by one receiver. What append returned nil for is on disk.
type journal struct {
	dir  string
	now  func() time.Time
	file *os.File
	name string
	size int64
	most int64 // bytes of a file, after which the next is begun
	chain
	failed error // nothing is written any more
}

// openJournal reads what is there, calls replay with every entry, and begins a
// file of its own. A journal that does not follow is refused.
func openJournal(dir string, now func() time.Time, replay func(entry) error) (*journal, error) {
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	j := &journal{dir: dir, now: now, most: maxSegment}
	names, err := segments(dir)
	if err != nil {
		return nil, err
	}
	cut := false
	for _, name := range names {
		b, err := readSegment(dir, name)
		if err != nil {
			return nil, err
		}
		var where int
		cut, where, err = lines(b, func(line []byte) error {
			e, err := j.take(line)
			if err != nil {
				return err
			}
			return replay(e)
		})
		if err != nil {
			return nil, fmt.Errorf("%w: journal %s:%d: %w; move the folder away and have the identity provider send everything anew", audit.ErrInvalid, filepath.Join(dir, name), where, err)
		}
	}
	if err := j.begin(); err != nil {
		return nil, err
	}
	return j, j.append(&entry{Event: eventStart, Cut: cut})
}

// begin opens a new file. Its name must not exist: a second receiver of the
// same journal cannot begin the same one.
func (j *journal) begin() error {
	name := segmentName(j.seq + 1)
	if err := durable.Create(filepath.Join(j.dir, name), nil, 0o600); err != nil {
		if !errors.Is(err, os.ErrExist) || !j.empty(name) {
			return err
		}
	}
	f, err := os.OpenFile(filepath.Join(j.dir, name), os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if j.file != nil {
		j.file.Close()
	}
	j.file, j.name, j.size = f, name, 0
	return nil
}

// empty reports that a receiver began a file and ended before its first entry.
func (j *journal) empty(name string) bool {
	info, err := os.Stat(filepath.Join(j.dir, name))
	return err == nil && info.Size() == 0
}

// append writes e, with number, instant and digest filled in, and returns once
// it is on disk. After a failure nothing is written any more: what stands at
// the end of the file is then not known.
func (j *journal) append(e *entry) error {
	if j.failed != nil {
		return j.failed
	}
	line, err := j.line(e)
	if err != nil {
		return err
	}
	if err := j.alone(); err != nil {
		j.failed = err
		return err
	}
	if j.size+int64(len(line)) > j.most && j.size > 0 {
		if err := j.begin(); err != nil {
			j.failed = err
			return err
		}
	}
	_, err = j.file.Write(append(line, '\n'))
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.failed = fmt.Errorf("the journal cannot be written: %w", err)
		return j.failed
	}
	j.seq, j.previous, j.at, j.size = e.Seq, digest(line), e.At, j.size+int64(len(line))+1
	return nil
}

func (j *journal) line(e *entry) ([]byte, error) {
	now := audit.Instant(j.now())
	e.Seq, e.Previous, e.At = j.seq+1, j.previous, now
	if !now.After(j.at) {
		e.At = j.at.Add(time.Microsecond)
		if j.at.Sub(now) > time.Second {
			e.Clock = &now
		}
	}
	line, err := json.Marshal(e)
	if err == nil && len(line) > maxLine {
		err = errTooLarge
	}
	return line, err
}

var errTooLarge = errors.New("what it describes is too large")

// alone refuses to write where another receiver began a later file.
func (j *journal) alone() error {
	names, err := segments(j.dir)
	if err != nil {
		return err
	}
	if len(names) == 0 || names[len(names)-1] != j.name {
		return errors.New("another receiver writes this journal")
	}
	return nil
}

func (j *journal) close() error {
	err := j.append(&entry{Event: eventStop})
	return errors.Join(err, j.file.Close())
}
