package github

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"tieout/audit"
	"tieout/internal/durable"
)

// WebhookOptions say where deliveries of GitHub's webhooks go.
type WebhookOptions struct {
	Secret []byte           // the webhook's own, which GitHub signs each delivery with
	Folder string           // the journal; made where it is not there
	Now    func() time.Time // nil: time.Now
}

// A Delivery is one line of the journal, JSON, in the order of arrival. Its
// payload is kept byte for byte, so that the signature can be checked again.
type Delivery struct {
	ID        string `json:"delivery"` // X-GitHub-Delivery; the same when it is sent again
	Event     string `json:"event"`    // X-GitHub-Event: "push", "pull_request" ...
	Hook      string `json:"hook,omitempty"`
	Received  string `json:"received"`  // as audit.TimeLayout
	Signature string `json:"signature"` // X-Hub-Signature-256
	Payload   string `json:"payload"`
}

// JournalName is the journal's file of the day that at lies in, UTC.
func JournalName(at time.Time) string {
	return "deliveries-" + at.UTC().Format(time.DateOnly) + ".jsonl"
}

// MaxDelivery is the largest payload that GitHub sends, and a little more.
const MaxDelivery = 26 << 20

// Webhooks takes deliveries of GitHub's webhooks ("Validating webhook
// deliveries"). It answers 202 only when the delivery is durable in the journal;
// then it outlives a crash. What is not signed with the secret is refused with
// 401 and leaves no trace. It may be called concurrently.
func Webhooks(o WebhookOptions) (http.Handler, error) {
	if len(o.Secret) < 16 {
		return nil, fmt.Errorf("%w: webhooks: the secret has fewer than 16 bytes; without a good one anybody could write the journal", audit.ErrInvalid)
	}
	if o.Folder == "" {
		return nil, fmt.Errorf("%w: webhooks: no folder for the journal", audit.ErrInvalid)
	}
	if err := durable.MkdirAll(o.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("webhooks: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &webhooks{WebhookOptions: o}, nil
}

type webhooks struct {
	WebhookOptions
	mu sync.Mutex
}

var (
	deliveryID = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)
	eventName  = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)
)

func (h *webhooks) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	status, words := h.take(w, req)
	http.Error(w, words, status)
}

func (h *webhooks) take(w http.ResponseWriter, req *http.Request) (status int, words string) {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, "deliveries are posted"
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, MaxDelivery))
	if err != nil {
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			return http.StatusRequestEntityTooLarge, "the delivery is too large"
		}
		return http.StatusBadRequest, "the delivery broke off"
	}
	d := Delivery{ID: req.Header.Get("X-GitHub-Delivery"), Event: req.Header.Get("X-GitHub-Event"), Hook: req.Header.Get("X-GitHub-Hook-ID"),
		Signature: req.Header.Get("X-Hub-Signature-256"), Received: audit.FormatTime(audit.Instant(h.Now())), Payload: string(body)}
	switch {
	case !Signed(h.Secret, body, d.Signature):
		return http.StatusUnauthorized, "the delivery is not signed with the webhook's secret"
	case !deliveryID.MatchString(d.ID) || !eventName.MatchString(d.Event) || d.Hook != "" && !deliveryID.MatchString(d.Hook):
		return http.StatusBadRequest, "the delivery does not say which it is"
	case !strings.HasPrefix(cmp.Or(req.Header.Get("Content-Type"), "none"), "application/json") || !json.Valid(body):
		return http.StatusUnsupportedMediaType, "set the webhook's content type to application/json"
	}
	if err := h.write(d); err != nil {
		return http.StatusInternalServerError, "the delivery could not be kept"
	}
	return http.StatusAccepted, "kept"
}

// Signed reports whether signature is that of body under secret. It takes as
// long whether or not it is.
func Signed(secret, body []byte, signature string) bool {
	got, err := hex.DecodeString(strings.TrimPrefix(signature, "sha256="))
	if err != nil || !strings.HasPrefix(signature, "sha256=") {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hmac.Equal(got, mac.Sum(nil))
}

// write appends one line and waits until it is durable, and its folder's entry.
func (h *webhooks) write(d Delivery) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	at, err := audit.ParseTime(d.Received)
	if err != nil {
		return err
	}
	path := filepath.Join(h.Folder, JournalName(at))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	fresh, err := mend(f)
	if err != nil {
		return err
	}
	if _, err := f.Write(line.Bytes()); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if fresh {
		return syncFolder(h.Folder)
	}
	return nil
}

// mend ends a line that a crash cut off, so that the next stands by itself.
func mend(f *os.File) (fresh bool, err error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return true, err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return false, err
	}
	_, err = f.WriteString("\n")
	return false, err
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
