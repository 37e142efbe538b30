package agent

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"tieout/audit"
	"tieout/internal/durable"
	format "tieout/source/agent"
)

// Paths of the receiver.
const (
	PathEnroll = "/agent/1/enroll"
	PathReport = "/agent/1/report"
)

// maxAhead is how far a computer's clock may be ahead of the receiver's.
const maxAhead = 5 * time.Minute

// Options of a receiver.
type Options struct {
	Folder string           // format.Journal's layout, tokens and the receiver's key
	Now    func() time.Time // the receiver's clock
	Log    *slog.Logger     // nil: nothing is logged
}

// A Receiver keeps what enrolled computers report. Only one may write to a
// folder at a time; two would refuse each other's reports, not mix them.
type Receiver struct {
	Options
	key     ed25519.PrivateKey
	journal format.Journal
	mu      sync.Mutex // one message at a time changes the folder
}

// NewReceiver opens the folder, and makes it and the key on first use.
func NewReceiver(o Options) (*Receiver, error) {
	key, err := serverKey(o.Folder)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"tokens", "devices", "reports"} {
		if err := durable.MkdirAll(filepath.Join(o.Folder, name), 0o700); err != nil {
			return nil, err
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Receiver{Options: o, key: key, journal: format.Journal{Dir: o.Folder}}, nil
}

// ServeHTTP takes enrollments and reports. Every answer to a message that could
// be read whole is signed. A 200 means that it is durable.
func (s *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	take := map[string]func([]byte) Answer{PathEnroll: s.enroll, PathReport: s.report}[r.URL.Path]
	switch {
	case take == nil:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			http.Error(w, "the message is too large", http.StatusRequestEntityTooLarge)
			return
		}
		http.Error(w, "the message broke off", http.StatusBadRequest)
		return
	}
	a := take(body)
	a.Format, a.To, a.At = format.FormatAnswer, format.Digest(body), audit.FormatTime(s.Now())
	s.Log.Info("agent", "path", r.URL.Path, "device", a.Device, "outcome", a.Outcome, "reason", a.Reason, "sequence", a.Sequence)
	s.answer(w, a)
}

func (s *Receiver) answer(w http.ResponseWriter, a Answer) {
	sig, err := format.Sign(s.key, format.FormatAnswer, a)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	b, err := format.Encode(SignedAnswer{a, sig})
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status(a))
	_, _ = w.Write(b) // the computer asks again
}

func status(a Answer) int {
	switch a.Reason {
	case "":
		return http.StatusOK
	case ReasonMalformed:
		return http.StatusBadRequest
	case ReasonToken, ReasonSignature, ReasonDevice:
		return http.StatusForbidden
	case ReasonFailed:
		return http.StatusInternalServerError
	}
	return http.StatusConflict
}

func refuse(reason, formatted string, args ...any) Answer {
	return Answer{Outcome: Refused, Reason: reason, Say: fmt.Sprintf(formatted, args...)}
}

// failed is a fault of the receiver's own; what it was is logged, not told.
func (s *Receiver) failed(what string, err error) Answer {
	s.Log.Error("agent", "what", what, "error", err)
	return refuse(ReasonFailed, "the receiver could not keep it")
}

// enroll takes a computer in if its token is one of ours, not expired and not
// used by another. The same request again gives the same answer.
func (s *Receiver) enroll(body []byte) Answer {
	var e Enrollment
	if err := decode(body, &e); err != nil || e.Request.Format != format.FormatEnroll {
		return refuse(ReasonMalformed, "this is no request to enroll")
	}
	key, err := format.PublicKey(e.Request.PublicKey)
	if err != nil {
		return refuse(ReasonMalformed, "%v", err)
	}
	if err := format.Verify(key, format.FormatEnroll, e.Request, e.Signature); err != nil {
		return refuse(ReasonSignature, "the request is not signed by the key it names")
	}
	secret, err := base64.StdEncoding.DecodeString(e.Request.Secret)
	if err != nil || len(secret) != 32 {
		return refuse(ReasonToken, "the token is not one of this receiver's")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.admit(e.Request, secret, format.DeviceID(key))
}

func (s *Receiver) admit(r Request, secret []byte, id string) Answer {
	file := grantFile(s.Folder, secret)
	b, err := durable.Read(file, 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return refuse(ReasonToken, "the token is not one of this receiver's")
	}
	var g Grant
	if err == nil {
		err = decode(b, &g)
	}
	if err != nil {
		return s.failed("read a token", err)
	}
	until, err := audit.ParseTime(g.Expires)
	if err != nil {
		return s.failed("read a token", err)
	}
	by, err := s.useToken(file, id, s.Now().Before(until))
	switch {
	case errors.Is(err, audit.ErrForbidden):
		return refuse(ReasonToken, "the token has expired")
	case err != nil:
		return s.failed("use a token", err)
	case by != id:
		return refuse(ReasonToken, "the token was used by another computer")
	}
	return s.keepDevice(r, g, id)
}

// useToken marks a token as used by a device and returns which device used it.
func (s *Receiver) useToken(file, id string, valid bool) (string, error) {
	mark := file + ".used"
	b, err := durable.Read(mark, 4096)
	if errors.Is(err, fs.ErrNotExist) {
		if !valid {
			return "", audit.ErrForbidden
		}
		if b, err = format.Encode(use{id}); err == nil {
			err = durable.Create(mark, b, 0o600)
		}
	}
	if err != nil {
		return "", err
	}
	var u use
	err = decode(b, &u)
	return u.Device, err
}

func (s *Receiver) keepDevice(r Request, g Grant, id string) Answer {
	d := format.Device{ID: id, PublicKey: r.PublicKey, Hostname: r.Hostname, Serial: r.Serial, Platform: r.Platform,
		AssignedTo: g.AssignedTo, Kind: g.Kind, Enrolled: audit.FormatTime(s.Now())}
	b, err := format.Encode(d)
	if err == nil {
		err = durable.Create(s.journal.DeviceFile(id), b, 0o600)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return s.failed("keep a device", err)
	}
	if err := durable.MkdirAll(filepath.Dir(s.journal.ReportFile(id, 1)), 0o700); err != nil {
		return s.failed("keep a device", err)
	}
	return s.standing(id, Answer{Device: id, Outcome: Enrolled})
}

// report keeps a report if it is the next of an enrolled computer. The last one
// again is accepted and not kept twice: its answer may have been lost.
func (s *Receiver) report(body []byte) Answer {
	var r format.Report
	if err := decode(body, &r); err != nil {
		return refuse(ReasonMalformed, "this is no report")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.journal.Device(r.Header.Device)
	switch {
	case errors.Is(err, audit.ErrNotFound), errors.Is(err, audit.ErrInvalid):
		return refuse(ReasonDevice, "this computer is not enrolled here")
	case err != nil:
		return s.failed("read a device", err)
	}
	_, at, err := r.Check(d)
	switch {
	case errors.Is(err, audit.ErrAltered):
		return refuse(ReasonSignature, "%v", err)
	case err != nil:
		return refuse(ReasonMalformed, "%v", err)
	}
	if gone, err := s.journal.Revoked(d.ID); err != nil || gone != nil {
		return refuse(ReasonDevice, "this computer was taken out of use")
	}
	return s.standing(d.ID, s.place(r, d, at))
}

// place keeps a report that was checked, if it is the next.
func (s *Receiver) place(r format.Report, d format.Device, at time.Time) Answer {
	last, err := s.last(d.ID)
	if err != nil {
		return s.failed("read the reports", err)
	}
	h := r.Header
	switch {
	case last != nil && last.Report.Header == h:
		return Answer{Device: d.ID, Outcome: Accepted}
	case h.Sequence != last.sequence()+1:
		return refuse(ReasonSequence, "report %d comes next, this is %d", last.sequence()+1, h.Sequence)
	case h.Previous != last.link():
		return refuse(ReasonSequence, "it does not follow the report this receiver has")
	case at.After(s.Now().Add(maxAhead)):
		return refuse(ReasonClock, "its time %s lies ahead: the receiver's clock says %s", h.At, audit.FormatTime(s.Now()))
	case at.Before(last.at(d)):
		return refuse(ReasonOrder, "its time %s lies before what was reported before", h.At)
	}
	b, err := format.Encode(format.Entry{Received: audit.FormatTime(s.Now()), Report: r})
	if err == nil {
		err = durable.Create(s.journal.ReportFile(d.ID, h.Sequence), b, 0o600)
	}
	if err != nil {
		return s.failed("keep a report", err)
	}
	return Answer{Device: d.ID, Outcome: Accepted}
}

// standing adds how far the receiver is with a device.
func (s *Receiver) standing(id string, a Answer) Answer {
	last, err := s.last(id)
	if err != nil {
		return s.failed("read the reports", err)
	}
	a.Device, a.Sequence, a.Previous = id, last.sequence(), last.link()
	return a
}

// A kept report is the last one of a device; nil: there is none.
type kept struct{ format.Entry }

func (s *Receiver) last(id string) (*kept, error) {
	list, err := s.journal.Sequences(id)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	b, err := s.journal.Report(id, list[len(list)-1])
	if err != nil {
		return nil, err
	}
	e, err := format.ReadEntry(b)
	if err == nil && e.Report.Header.Sequence != list[len(list)-1] {
		err = fmt.Errorf("%w: report %d of device %s says that it is another", audit.ErrAltered, list[len(list)-1], id)
	}
	return &kept{e}, err
}

func (k *kept) sequence() int64 {
	if k == nil {
		return 0
	}
	return k.Report.Header.Sequence
}

func (k *kept) link() string {
	if k == nil {
		return ""
	}
	link, err := k.Report.Header.Link()
	if err != nil { // it was encoded before
		return "unknown"
	}
	return link
}

// at is the earliest time the next report may have: that of the last one, or
// what the receiver's clock said at enrollment, as far as clocks may differ.
func (k *kept) at(d format.Device) time.Time {
	text := d.Enrolled
	if k != nil {
		text = k.Report.Header.At
	}
	t, err := audit.ParseTime(text)
	if err != nil {
		return audit.Never
	}
	if k == nil {
		t = t.Add(-maxAhead)
	}
	return t
}

// Revoke takes a computer out of use: it can report no more.
func Revoke(folder, id string, at time.Time) error {
	j := format.Journal{Dir: folder}
	if _, err := j.Device(id); err != nil {
		return err
	}
	b, err := format.Encode(format.Revoked{Device: id, At: audit.FormatTime(at)})
	if err != nil {
		return err
	}
	err = durable.Create(j.RevokedFile(id), b, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: device %s was taken out of use before", audit.ErrConflict, id)
	}
	return err
}
