package web

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tieout/audit"
	"tieout/engagement/fieldwork"
)

// Addresses of what an engagement's file holds.
func gridPopHref(id, population string) string { return gridUnder(id, "populations", population) }
func gridSampleHref(id, sample string) string  { return gridUnder(id, "samples", sample) }
func gridFindingHref(id, finding string) string {
	return gridUnder(id, "findings", finding)
}

func gridUnder(id, kind, name string) string {
	return "/engagements/" + url.PathEscape(id) + "/" + kind + "/" + url.PathEscape(name)
}

// gridSend gives out bytes of the firm's store as a file to keep, never as a page.
func (q *request) gridSend(digest, name string) error {
	r, err := q.st.p.Seal.Blobs.Get(q.Context(), "sha256:"+digest)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer r.Close()
	return q.gridFileOf(name, func(w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	})
}

// gridFileOf gives out what write writes as a file to keep. Whoever gets it never
// takes a part of it for the whole, or a page for it: what goes wrong before the
// first byte is said, what goes wrong later breaks the answer off.
func (q *request) gridFileOf(name string, write func(io.Writer) error) error {
	w := &firstByte{w: q.w, before: func() {
		gridFileHead(q.w.Header(), name)
		_ = http.NewResponseController(q.w).SetWriteDeadline(time.Now().Add(carryTime)) // a writer of tests has none
	}}
	err := write(w)
	if err != nil && !w.begun {
		return err
	}
	if !w.begun { // an empty file is one
		w.before()
	}
	return q.streamed(0, err)
}

// A firstByte is a writer that does something before its first byte.
type firstByte struct {
	w      io.Writer
	before func()
	begun  bool
}

func (f *firstByte) Write(b []byte) (int, error) {
	if !f.begun {
		f.begun = true
		f.before()
	}
	return f.w.Write(b)
}

// gridFrame is what a page of an engagement's file shows around its own part,
// however often it is made.
func (q *request) gridFrame(f *fieldwork.File, here string) {
	q.Tabs = nil
	q.firmFrame(f, here)
}

// gridFileHead makes of an answer a file to keep.
func gridFileHead(h http.Header, name string) {
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
}

// gridBaseOf is the revision of its object that a form was shown at.
func gridBaseOf(q *request) (int64, error) {
	n, err := strconv.ParseInt(q.field("base"), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: the form does not say which revision it was made from; load the page again", audit.ErrInvalid)
	}
	return n, nil
}
