package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"tieout/audit"
	"tieout/internal/jsonscan"
	"tieout/source"
)

// A List is a list of many pages. Each answer becomes one page of evidence, as
// it came.
type List struct {
	Kind  string // of the pages
	Scope string
	About audit.Span // zero: now
	Ask   Ask        // for the first page
	Asked string     // what the manifest says was asked; "": the first ask's query

	// Next returns what to ask for after a; nil where a is the last. A nil Next
	// means that there is one page.
	Next func(a Answer) (*Ask, error)
	// Each looks into an answer after it was sealed; nil: nobody has to. more
	// says whether to go on. An error makes the streams incomplete and ends the list.
	Each func(a Answer) (more bool, err error)
	// Facts are what the reading of a page depends on besides its bytes. Where
	// there are any, each answer is sealed as a Sheet, in the part "list".
	Facts any
}

// A Fault says why a list is not whole; the zero fault says that it is.
type Fault struct {
	Why     string // "page 3: 502 Bad Gateway"
	Refused bool   // the system says that it cannot be had
	Status  int    // of the answer that failed, 0 where it is not that
}

// Whole reports that nothing is missing.
func (f Fault) Whole() bool { return f.Why == "" }

// Read asks for every page of l and seals each before looking into it. A fault
// is added to the streams as the reason why they are incomplete and returned as
// well; the error is the context's or the sink's, and ends the collection.
func (c *Client) Read(ctx context.Context, run *source.Run, l List, streams ...*source.Stream) (Fault, error) {
	for _, s := range streams {
		s.Asked(first(l.Asked, l.Ask.Query()))
	}
	f, err := c.read(ctx, run, l, streams)
	for _, s := range streams {
		s.Fail(f.Why)
	}
	return f, err
}

// ReadEach is Read for answers that hold a list at path ("": the answer is
// one): each is called with its elements, where it is not nil. An error of each
// is the sink's or the context's, and is returned.
func (c *Client) ReadEach(ctx context.Context, run *source.Run, l List, path string, each func([]json.RawMessage) error, streams ...*source.Stream) (Fault, error) {
	var names []string
	if path != "" {
		names = []string{path}
	}
	var failed error
	l.Each = func(a Answer) (bool, error) {
		elements, err := source.Elements(a.Body, names...)
		if err != nil || each == nil {
			return true, err
		}
		failed = each(elements)
		return failed == nil, nil
	}
	f, err := c.Read(ctx, run, l, streams...)
	if failed != nil {
		return f, failed
	}
	return f, err
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

const maxPages = 1_000_000

func (c *Client) read(ctx context.Context, run *source.Run, l List, streams []*source.Stream) (Fault, error) {
	ask := l.Ask
	var round circle
	for n := 1; n <= maxPages; n++ {
		a, err := c.Do(ctx, ask)
		if err != nil {
			return Fault{}, err
		}
		next, more, fault := c.take(l, a, n)
		p := page(l, a)
		if err := run.Seal(ctx, p, streams...); err != nil {
			return Fault{}, err
		}
		if fault.Why != "" {
			return fault, nil
		}
		if l.Each != nil {
			if more, err = l.Each(a); err != nil {
				return Fault{Why: fmt.Sprintf("page %d: %v", n, err)}, ctx.Err()
			}
		}
		if !more || next == nil {
			return Fault{}, nil
		}
		if next.same(ask) {
			return Fault{Why: fmt.Sprintf("page %d names itself as the next", n)}, nil
		}
		if round.closes(n, *next) {
			return Fault{Why: fmt.Sprintf("page %d names one that was read before as the next", n)}, nil
		}
		ask = *next
	}
	return Fault{Why: fmt.Sprintf("more than %d pages", maxPages)}, nil
}

func (q Ask) same(other Ask) bool {
	return q.method() == other.method() && q.URI == other.URI && string(q.Body) == string(other.Body)
}

// A circle finds pages that lead back to one of them (Brent's algorithm): it
// keeps one ask, replaced at every page whose number is a power of two.
type circle struct{ kept Ask }

// closes reports whether what page n names as the next was kept.
func (c *circle) closes(n int, next Ask) bool {
	if c.kept.URI != "" && next.same(c.kept) {
		return true
	}
	if n&(n-1) == 0 {
		c.kept = next
	}
	return false
}

// take finds what follows an answer. Where the next page stands is the only
// thing that is read before sealing: the cursor is sealed beside the bytes.
func (c *Client) take(l List, a Answer, n int) (next *Ask, more bool, f Fault) {
	if !a.OK() {
		return nil, false, Fault{Why: pageWords(n) + a.Fault(), Refused: a.Refused(), Status: a.Status}
	}
	if l.Next == nil {
		return nil, true, Fault{}
	}
	next, err := l.Next(a)
	if err != nil {
		return nil, false, Fault{Why: fmt.Sprintf("page %d: %v", n, err)}
	}
	return next, true, Fault{}
}

func pageWords(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf("page %d: ", n)
}

// page is the page of an answer. A failed one is kept too, as what it is.
func page(l List, a Answer) audit.Page {
	p := audit.Page{Kind: l.Kind, Scope: l.Scope, About: l.About, Query: a.Query, Media: media(a), Body: a.Body}
	if !a.OK() {
		return Failed(p, a)
	}
	if l.Facts != nil {
		s := NewSheet(l.Facts)
		s.Add("list", a)
		p.Body, p.Media = s.Encode(), "application/json"
	}
	return p
}

func media(a Answer) string {
	m, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	return strings.TrimSpace(m)
}

// Failed turns p into the page of an answer that was not what was asked for:
// its status, its problem in words, and what came.
func Failed(p audit.Page, a Answer) audit.Page {
	body, err := json.Marshal(struct {
		Kind    string `json:"kind"`
		Status  int    `json:"status"`
		Problem string `json:"problem,omitempty"`
		Body    string `json:"body,omitempty"`
	}{p.Kind, a.Status, a.Problem, strings.ToValidUTF8(string(a.Body), "\uFFFD")})
	if err != nil { // texts and a number always encode
		panic(err)
	}
	p.Kind, p.Media, p.Body, p.Cursor = source.KindFailed, "application/json", body, ""
	return p
}

// NextLink follows the Link header (RFC 8288), relation "next".
func (c *Client) NextLink(a Answer) (*Ask, error) {
	for _, header := range a.Header.Values("Link") {
		if target := Links(header)["next"]; target != "" {
			return c.follow(target)
		}
	}
	return nil, nil
}

// follow asks for an address the answer names, within the same origin.
func (c *Client) follow(address string) (*Ask, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address of the next page cannot be read")
	}
	u = c.Base.ResolveReference(u)
	if !source.SameOrigin(c.Base, u) {
		return nil, source.ErrElsewhere
	}
	return &Ask{URI: u.RequestURI()}, nil
}

// NextURL follows an address within the answer, such as "@odata.nextLink" or
// "links.next"; a dot goes into an object unless the name itself exists.
func (c *Client) NextURL(path string) func(a Answer) (*Ask, error) {
	return func(a Answer) (*Ask, error) {
		s, err := a.textAt(path)
		if err != nil || s == "" {
			return nil, err
		}
		return c.follow(s)
	}
}

// NextToken asks the same again with the token found at path as a parameter.
func NextToken(ask Ask, path, parameter string) func(a Answer) (*Ask, error) {
	return func(a Answer) (*Ask, error) {
		token, err := a.textAt(path)
		if err != nil || token == "" {
			return nil, err
		}
		u, err := url.ParseRequestURI(ask.URI)
		if err != nil {
			return nil, errors.New("the address cannot be read")
		}
		q := u.Query()
		q.Set(parameter, token)
		u.RawQuery = q.Encode()
		n := ask
		n.URI = u.RequestURI()
		return &n, nil
	}
}

// textAt is the text at path within the answer, "" where there is none.
func (a Answer) textAt(path string) (string, error) {
	d, err := a.Scan()
	return textIn(d, err, path)
}

func textIn(d jsonscan.Doc, err error, path string) (string, error) {
	if err != nil {
		return "", errors.New("the answer is not a JSON object")
	}
	if _, list := d.Elements(""); list {
		return "", errors.New("the answer is not a JSON object")
	}
	raw, ok := d.Field(path)
	if head, rest, dotted := strings.Cut(path, "."); !ok && dotted {
		if raw, ok = d.Field(head); !ok || string(raw) == "null" {
			return "", nil
		}
		inner, err := jsonscan.Scan(raw)
		return textIn(inner, err, rest)
	}
	if !ok || string(raw) == "null" {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", fmt.Errorf("%s is not a text", path)
	}
	return s, nil
}

// Links reads a Link header (RFC 8288) by relation.
func Links(header string) map[string]string {
	out := map[string]string{}
	for header != "" {
		_, after, ok := strings.Cut(header, "<")
		if !ok {
			break
		}
		target, params, ok := strings.Cut(after, ">")
		if !ok {
			break
		}
		params, header, _ = strings.Cut(params, ",")
		for p := range strings.SplitSeq(params, ";") {
			name, rels, _ := strings.Cut(p, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "rel") {
				continue
			}
			for _, rel := range strings.Fields(strings.Trim(strings.TrimSpace(rels), `"`)) {
				out[strings.ToLower(rel)] = target
			}
		}
	}
	return out
}
