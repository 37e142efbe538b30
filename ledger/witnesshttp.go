package ledger

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// What C2SP tlog-witness names.
const (
	addPath   = "/add-checkpoint"
	sizeMedia = "text/x.tlog.size"
	maxProof  = 63
)

// maxSubmission bounds a request: a checkpoint and a proof of 63 lines.
const maxSubmission = maxNote + 8<<10

var (
	// ErrRefused: a witness answered and did not cosign; the message says why.
	ErrRefused = errors.New("the witness refused")
	// ErrNoAnswer: a witness could not be reached or did not answer in full.
	ErrNoAnswer = errors.New("the witness did not answer")
)

// A submission is the body of add-checkpoint.
type submission struct {
	old int64
	Exchange
}

func (s submission) encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", s.old)
	for _, h := range s.Proof {
		b.WriteString(formatHash(h) + "\n")
	}
	b.WriteByte('\n')
	b.Write(s.Checkpoint)
	return b.Bytes()
}

// parseSubmission reads a body; what it accepts, encode gives back unchanged.
func parseSubmission(body []byte) (submission, error) {
	head, note, ok := bytes.Cut(body, []byte("\n\n"))
	first, rest, _ := strings.Cut(string(head), "\n")
	old, isOld := strings.CutPrefix(first, "old ")
	if !ok || !isOld {
		return submission{}, fmt.Errorf("%w: a submission begins with an old line and has an empty line before the checkpoint", ErrVerify)
	}
	s := submission{Exchange: Exchange{Checkpoint: note}}
	var err error
	if s.old, err = strconv.ParseInt(old, 10, 64); err != nil || s.old < 0 {
		return submission{}, fmt.Errorf("%w: old size %q", ErrVerify, shorten(old))
	}
	if s.Proof, err = parseProof(rest); err != nil {
		return submission{}, err
	}
	if !bytes.Equal(s.encode(), body) {
		return submission{}, fmt.Errorf("%w: the submission is not in its canonical spelling", ErrVerify)
	}
	return s, nil
}

func parseProof(lines string) ([][32]byte, error) {
	var proof [][32]byte
	for line := range strings.Lines(lines) {
		h, err := parseHash(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, err
		}
		if proof = append(proof, h); len(proof) > maxProof {
			return nil, fmt.Errorf("%w: a proof of more than %d hashes", ErrVerify, maxProof)
		}
	}
	return proof, nil
}

// A refusal is an answer other than a cosignature.
type refusal struct {
	status int
	size   int64 // with 409: what the witness cosigned last
	why    string
}

// Handler serves the witness to the logs it follows by C2SP tlog-witness: POST
// to /add-checkpoint. A new epoch is not accepted here, because a person has to
// read why it was opened; until AcceptEpoch it is answered with 404, as a log
// the witness does not follow.
func (w *Witness) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+addPath, w.serve)
	return mux
}

func (w *Witness) serve(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxSubmission))
	if err != nil {
		http.Error(rw, "the request could not be read", http.StatusBadRequest)
		return
	}
	s, err := parseSubmission(body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	line, no := w.add(r.Context(), s)
	switch {
	case no == nil:
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = rw.Write(line) // a client that has gone gets no answer
	case no.status == http.StatusConflict:
		rw.Header().Set("Content-Type", sizeMedia)
		rw.WriteHeader(no.status)
		fmt.Fprintf(rw, "%d\n", no.size)
	default:
		http.Error(rw, no.why, no.status)
	}
}

// add compares the old size, checks the proof and keeps the checkpoint without
// letting go of the lock.
func (w *Witness) add(ctx context.Context, s submission) ([]byte, *refusal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	bare, next, no := w.admit(s)
	if no != nil {
		return nil, no
	}
	last, kept, err := w.seen(ctx, next.Log)
	if err != nil {
		return nil, &refusal{status: http.StatusInternalServerError, why: "the witness cannot read what it saw last"}
	}
	if kept == nil {
		last = Checkpoint{Epoch: 1, Root: EmptyRoot}
	}
	switch {
	case next.Epoch != last.Epoch:
		return nil, &refusal{status: http.StatusNotFound, why: fmt.Sprintf("this witness follows epoch %d; a person has to accept epoch %d first", last.Epoch, next.Epoch)}
	case s.old > next.Size:
		return nil, &refusal{status: http.StatusBadRequest, why: "the old size is larger than the checkpoint"}
	case s.old != last.Size, s.old == next.Size && last.Root != next.Root:
		return nil, &refusal{status: http.StatusConflict, size: last.Size}
	}
	line, err := w.take(ctx, Exchange{Checkpoint: bare, Proof: s.Proof}, false)
	if errors.Is(err, ErrForked) {
		return nil, &refusal{status: http.StatusUnprocessableEntity, why: "the proof does not lead from what this witness saw to the checkpoint"}
	}
	if err != nil {
		return nil, &refusal{status: http.StatusInternalServerError, why: "the witness could not keep the checkpoint"}
	}
	return line, nil
}

// admit reads the checkpoint of a followed log and leaves strangers' signatures off.
func (w *Witness) admit(s submission) ([]byte, Checkpoint, *refusal) {
	origin, _, _ := strings.Cut(string(s.Checkpoint), "\n")
	name, _, err := splitOrigin(origin)
	keys, ok := w.logs[name]
	if err != nil || !ok {
		return nil, Checkpoint{}, &refusal{status: http.StatusNotFound, why: "this witness does not follow the log"}
	}
	text, _, err := splitNote(s.Checkpoint)
	if err == nil {
		_, err = parseCheckpoint(text)
	}
	if err != nil {
		return nil, Checkpoint{}, &refusal{status: http.StatusBadRequest, why: err.Error()}
	}
	bare, err := keys.Bare(s.Checkpoint)
	var c Checkpoint
	if err == nil {
		c, err = keys.VerifyCheckpoint(bare)
	}
	if err != nil {
		return nil, Checkpoint{}, &refusal{status: http.StatusForbidden, why: "no signature by a key that is in force for this log"}
	}
	return bare, c, nil
}

// Bare returns the checkpoint with the signatures of the log's own keys alone,
// as it was signed: what cosignatures and timestamps are made over.
func (c Chain) Bare(msg []byte) ([]byte, error) {
	text, sigs, err := splitNote(msg)
	if err != nil {
		return nil, err
	}
	var own []sigLine
	for _, s := range sigs {
		if c.signs(s) {
			own = append(own, s)
		}
	}
	if len(own) == 0 {
		return nil, fmt.Errorf("checkpoint: %w: no signature by a key of log %q", ErrVerify, c.Log())
	}
	return joinNote(text, own), nil
}

// WitnessClient asks one witness over HTTP (C2SP tlog-witness), with a Client
// that the caller has given a timeout.
type WitnessClient struct {
	URL    string // submission prefix
	Key    Key
	Client *http.Client
}

// Cosign asks for a cosignature of the log's newest checkpoint and returns the
// verified line. seen is what the witness is thought to have cosigned last, the
// zero Checkpoint if that is not known; a witness that saw another size says so
// and is asked once more. Errors: ErrNoAnswer; ErrRefused with what the witness
// says; ErrForked where it has seen what the log does not hold; ErrVerify where
// its answer does not hold.
func (c WitnessClient) Cosign(ctx context.Context, l *Log, seen Checkpoint) (Cosignature, []byte, error) {
	if c.Client == nil || c.Key.zero() || !c.Key.witness {
		return Cosignature{}, nil, errors.New("witness client: it needs an HTTP client and a witness key")
	}
	head := l.Checkpoint()
	if seen.Epoch != head.Epoch || seen.Size > head.Size {
		seen = Checkpoint{} // each epoch has an origin of its own
	}
	asked := seen
	for range 2 {
		x, err := l.Show(ctx, asked)
		if err != nil {
			return Cosignature{}, nil, err
		}
		body, conflict, err := c.submit(ctx, submission{asked.Size, x})
		if err != nil {
			return Cosignature{}, nil, fmt.Errorf("witness %s: %w", c.Key.Name(), err)
		}
		if conflict < 0 {
			cosigned, line, err := c.pick(x.Checkpoint, body)
			return cosigned, line, err
		}
		if err := c.forked(conflict, asked.Size, head); err != nil {
			return Cosignature{}, nil, err
		}
		asked = Checkpoint{Epoch: head.Epoch, Size: conflict}
	}
	return Cosignature{}, nil, fmt.Errorf("witness %s: %w: it names another size each time it is asked", c.Key.Name(), ErrRefused)
}

// forked tells whether the size a witness names shows two histories.
func (c WitnessClient) forked(said, asked int64, head Checkpoint) error {
	switch {
	case said > head.Size:
		return fmt.Errorf("witness %s: %w: it has cosigned %d entries, the log holds %d", c.Key.Name(), ErrForked, said, head.Size)
	case said == asked:
		return fmt.Errorf("witness %s: %w: it has cosigned other entries than the first %d of this log", c.Key.Name(), ErrForked, said)
	}
	return nil
}

// submit posts once. conflict is the size of a 409, else -1.
func (c WitnessClient) submit(ctx context.Context, s submission) (body []byte, conflict int64, err error) {
	url := strings.TrimSuffix(c.URL, "/") + addPath
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(s.encode()))
	if err != nil {
		return nil, -1, err
	}
	resp, err := c.Client.Do(req)
	if err != nil {
		return nil, -1, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxNote+1))
	if err != nil || len(body) > maxNote {
		return nil, -1, fmt.Errorf("%w: its answer broke off or has more than %d bytes", ErrNoAnswer, maxNote)
	}
	if resp.StatusCode == http.StatusConflict {
		conflict, err = conflictSize(resp, body)
		return nil, conflict, err
	}
	return body, -1, statusError(resp, body)
}

func conflictSize(resp *http.Response, body []byte) (int64, error) {
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	text := strings.TrimSuffix(string(body), "\n")
	size, err := strconv.ParseInt(text, 10, 64)
	if media != sizeMedia || err != nil || size < 0 || strconv.FormatInt(size, 10) != text {
		return -1, fmt.Errorf("%w: it answered 409 without the size it saw", ErrVerify)
	}
	return size, nil
}

func statusError(resp *http.Response, body []byte) error {
	said := ""
	if line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n"); line != "" {
		said = fmt.Sprintf(" (%q)", shorten(line))
	}
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		return nil
	case code == http.StatusNotFound:
		return fmt.Errorf("%w: it does not know this log, or this epoch of it%s: give it the log's name and key", ErrRefused, said)
	case code == http.StatusForbidden:
		return fmt.Errorf("%w: it does not know the key that signs the log now%s: give it the hand-over or the new key", ErrRefused, said)
	case code == http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: the witness does not see that this log continues what it cosigned%s", ErrForked, said)
	case code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout:
		return fmt.Errorf("%w: HTTP status %s%s", ErrNoAnswer, resp.Status, said)
	}
	return fmt.Errorf("%w: HTTP status %s%s", ErrRefused, resp.Status, said)
}

// pick takes the line by the witness's own key out of an answer, and ignores others.
func (c WitnessClient) pick(checkpoint, body []byte) (Cosignature, []byte, error) {
	for line := range strings.Lines(string(body)) {
		s, err := parseSigLine(line)
		if err != nil {
			return Cosignature{}, nil, fmt.Errorf("witness %s: %w", c.Key.Name(), err)
		}
		if s.by(c.Key) {
			cosigned, err := VerifyCosignature(checkpoint, []byte(line), c.Key)
			if err != nil {
				return Cosignature{}, nil, fmt.Errorf("witness %s: %w", c.Key.Name(), err)
			}
			return cosigned, []byte(line), nil
		}
	}
	return Cosignature{}, nil, fmt.Errorf("witness %s: %w: its answer holds no cosignature by its key %s", c.Key.Name(), ErrVerify, c.Key.ID())
}

// b64 is the base64 of everything here.
var b64 = base64.StdEncoding
