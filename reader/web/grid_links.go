package web

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"

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
	gridFileHead(q.w.Header(), name)
	_, err = io.Copy(q.w, r)
	return err
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

// gridReleased says what was done, and seals the packet for what the client is to
// know of it. What went wrong with that is said; the act stands.
func (q *request) gridReleased(to, words string) error {
	if q.s.flush != nil {
		if err := q.s.flush(q.Context(), q.PathValue("id")); err != nil {
			q.s.note(q.Request, err)
			words += " The packet for the client is not sealed yet: " + refusalOf(err) + " It is sealed with the next one."
		}
	}
	return q.done(to, words)
}
