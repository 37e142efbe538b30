package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// A buffer holds an answer until all of it is made.
type buffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newBuffer() *buffer { return &buffer{header: http.Header{}} }

// Header implements http.ResponseWriter.
func (b *buffer) Header() http.Header { return b.header }

// WriteHeader implements http.ResponseWriter.
func (b *buffer) WriteHeader(status int) {
	if b.status == 0 {
		b.status = status
	}
}

// Write implements http.ResponseWriter.
func (b *buffer) Write(p []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	return b.body.Write(p)
}

func (b *buffer) reset() {
	clear(b.header)
	b.status = 0
	b.body.Reset()
}

// flush sends the answer. One that shows something and has no tag of its own is
// tagged by its bytes; who has those is not sent them again (RFC 9110, 13.1.2).
func (b *buffer) flush(w http.ResponseWriter, r *http.Request) {
	b.WriteHeader(http.StatusOK)
	for k, v := range b.header {
		w.Header()[k] = v
	}
	if b.status == http.StatusOK && (r.Method == http.MethodGet || r.Method == http.MethodHead) && w.Header().Get("ETag") == "" {
		sum := sha256.Sum256(b.body.Bytes())
		tag := `"` + hex.EncodeToString(sum[:16]) + `"`
		w.Header().Set("ETag", tag)
		if has(r.Header.Get("If-None-Match"), tag) {
			w.Header().Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if b.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(b.body.Len()))
	}
	w.WriteHeader(b.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b.body.Bytes()) // who asked is gone
	}
}

// has reports whether a list of tags names one; weak ones compare as they are
// for what is only read (RFC 9110, 8.8.3.2).
func has(list, tag string) bool {
	for _, one := range strings.Split(list, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}
