package web

import (
	"fmt"
	"io"
	"mime"
	"net/url"
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
	h := q.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	_, err = io.Copy(q.w, r)
	return err
}
