package http

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/source"
	"tieout/source/mapping"
)

// Paging says how an endpoint hands out a list in parts.
type Paging struct {
	By        string `json:"by"`        // page, offset, cursor, link or url
	Parameter string `json:"parameter"` // of page, offset and cursor: the query parameter
	First     *int   `json:"first"`     // number of the first page (1) or offset (0)
	At        string `json:"at"`        // of cursor and url: dotted path of the next one in the body
	Size      *Size  `json:"size"`      // rows asked for a page
}

// Size is the query parameter that says how many rows a page should have.
type Size struct {
	Parameter string `json:"parameter"`
	Value     int    `json:"value"`
}

func (p *Paging) check() error {
	switch p.By {
	case "page", "offset":
		if p.Parameter == "" || p.At != "" {
			return fmt.Errorf("by %s: write parameter, and no at", p.By)
		}
	case "cursor":
		if p.Parameter == "" || p.At == "" {
			return errors.New("by cursor: write parameter and at")
		}
	case "url":
		if p.At == "" || p.Parameter != "" {
			return errors.New("by url: write at, and no parameter")
		}
	case "link":
		if p.At != "" || p.Parameter != "" {
			return errors.New("by link: the Link header says all")
		}
	default:
		return fmt.Errorf("by %q; write page, offset, cursor, link or url", p.By)
	}
	if p.First != nil && p.By != "page" && p.By != "offset" {
		return fmt.Errorf("first: pages by %s have no number", p.By)
	}
	if p.Size != nil && (p.Size.Parameter == "" || p.Size.Value < 1) {
		return errors.New("size: write parameter and value")
	}
	return nil
}

// A place is where a page starts, and what was read before it: the cursor of
// an interrupted collection.
type place struct {
	Page   int    `json:"page"` // from 1
	Rows   int    `json:"rows"` // read before
	Cursor string `json:"cursor,omitempty"`
	URL    string `json:"url,omitempty"`   // path and query
	First  string `json:"first,omitempty"` // digest of the first page's address
}

// listOf names the list that a place is in: its first page's address. Another one
// ends elsewhere, such as with an earlier day.
func listOf(first *url.URL) string {
	sum := sha256.Sum256([]byte(first.String()))
	return hex.EncodeToString(sum[:8])
}

func (p place) String() string {
	b, err := json.Marshal(p)
	if err != nil {
		return "" // strings and numbers always have a JSON form
	}
	return string(b)
}

func parsePlace(s string) (place, error) {
	p := place{Page: 1}
	if s == "" {
		return p, nil
	}
	if err := strict([]byte(s), &p); err != nil || p.Page < 1 || p.Rows < 0 {
		return p, fmt.Errorf("the cursor %q of the interrupted collection is not understood", s)
	}
	return p, nil
}

// address is the URL of the page at p.
func (s *stream) address(base, first *url.URL, p place) (*url.URL, error) {
	if p.URL != "" {
		return resolve(base, p.URL)
	}
	u := *first
	if s.Pages == nil {
		return &u, nil
	}
	q := u.Query()
	switch s.Pages.By {
	case "page":
		q.Set(s.Pages.Parameter, strconv.Itoa(s.Pages.start(1)+p.Page-1))
	case "offset":
		q.Set(s.Pages.Parameter, strconv.Itoa(s.Pages.start(0)+p.Rows))
	case "cursor":
		if p.Cursor != "" {
			q.Set(s.Pages.Parameter, p.Cursor)
		}
	}
	if s.Pages.Size != nil {
		q.Set(s.Pages.Size.Parameter, strconv.Itoa(s.Pages.Size.Value))
	}
	u.RawQuery = q.Encode()
	return &u, nil
}

func (p *Paging) start(otherwise int) int {
	if p.First != nil {
		return *p.First
	}
	return otherwise
}

// next is where the page after an answer starts; more is false at the end. A
// short page is not taken for the last: some endpoints cap the size. Lists by
// number end at an empty page or at the stated total.
func (s *stream) next(a *answer, p place, rows int, base *url.URL, stated *int64) (n place, more bool, err error) {
	n = place{Page: p.Page + 1, Rows: p.Rows + rows, First: p.First}
	if s.Pages == nil {
		return n, false, nil
	}
	switch s.Pages.By {
	case "page", "offset":
		if rows == 0 {
			return n, false, nil
		}
		return n, !s.reached(n, stated), nil
	case "cursor":
		n.Cursor, err = optional(a.body, s.Pages.At)
		if n.Cursor != "" && n.Cursor == p.Cursor {
			err = fmt.Errorf("the endpoint gives the same cursor again")
		}
		return n, n.Cursor != "", err
	}
	ref := linkNext(a.header)
	if s.Pages.By == "url" {
		if ref, err = optional(a.body, s.Pages.At); err != nil {
			return n, false, err
		}
	}
	if ref == "" {
		return n, false, nil
	}
	u, err := resolve(a.url, ref)
	if err != nil {
		return n, false, fmt.Errorf("next page: %w", err)
	}
	if !source.SameOrigin(base, u) {
		return n, false, fmt.Errorf("next page: another origin than %s", base.Host)
	}
	if n.URL = u.RequestURI(); n.URL == a.url.RequestURI() {
		return n, false, fmt.Errorf("the endpoint gives the same page as its next")
	}
	return n, true, nil
}

// reached: the stated total is read, so that no empty page need be asked for.
func (s *stream) reached(n place, stated *int64) bool {
	if stated == nil {
		return false
	}
	if s.Total.Pages {
		return int64(n.Page-1) >= *stated
	}
	return int64(n.Rows) >= *stated
}

// optional is the text at a path, or "" where there is none.
func optional(body []byte, path string) (string, error) {
	text, err := mapping.At(body, path)
	if errors.Is(err, audit.ErrNotFound) {
		return "", nil
	}
	return text, err
}

// linkNext is the target of the Link header whose relation is next (RFC 8288).
func linkNext(h http.Header) string {
	for _, line := range h.Values("Link") {
		for rest := line; ; {
			_, after, ok := strings.Cut(rest, "<")
			if !ok {
				break
			}
			target, params, ok := strings.Cut(after, ">")
			if !ok {
				break
			}
			rest = params
			if i := strings.IndexByte(params, '<'); i >= 0 {
				params = params[:i]
			}
			if hasRelNext(params) {
				return target
			}
		}
	}
	return ""
}

func hasRelNext(params string) bool {
	for part := range strings.SplitSeq(params, ";") {
		k, v, ok := strings.Cut(part, "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(k), "rel") {
			continue
		}
		v = strings.Trim(strings.TrimSpace(v), "\", \t")
		for rel := range strings.FieldsSeq(v) {
			if strings.EqualFold(rel, "next") {
				return true
			}
		}
	}
	return false
}

// stated reads the total an answer states.
func (t *Total) stated(a *answer) (*int64, error) {
	text := a.header.Get(t.Header)
	if t.Header == "" {
		var err error
		if text, err = optional(a.body, t.Field); err != nil {
			return nil, err
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("total: the answer states %q, which is no number", text)
	}
	return &n, nil
}
