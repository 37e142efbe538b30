package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"tieout/audit"
)

// Summary holds the one sentence about an answer.
type Summary struct {
	Text string `json:"text" doc:"The one sentence, as screens, command line and e-mail say it"`
}

// List is a page of a list.
type List[T any] struct {
	Schema  string  `json:"schema" doc:"What the items are and in which version of their form"`
	Summary Summary `json:"summary"`
	Items   []T     `json:"items" nullable:"false"`
	Page    Page    `json:"page"`
}

// Page says where a page is in its list.
type Page struct {
	Total int    `json:"total,omitempty" doc:"Items of the whole list, where that is known"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page; missing on the last"`
}

// One is one object.
type One[T any] struct {
	Schema  string  `json:"schema" doc:"What the result is and in which version of its form"`
	Summary Summary `json:"summary"`
	Result  T       `json:"result"`
}

type listOut[T any] struct {
	Link string `header:"Link" doc:"The address of the next page, rel=next (RFC 8288)"`
	Body List[T]
}

type oneOut[T any] struct {
	ETag     string `header:"ETag" doc:"The revision of the object, for If-Match"`
	Location string `header:"Location" doc:"Of what was made"`
	Status   int
	Body     One[T]
}

func one[T any](schema, sentence string, result T) *oneOut[T] {
	return &oneOut[T]{Status: 200, Body: One[T]{Schema: schema, Summary: Summary{sentence}, Result: result}}
}

// tagged is one with the revision of what it holds.
func tagged[T any](schema, sentence string, revision int64, result T) *oneOut[T] {
	out := one(schema, sentence, result)
	out.ETag = tagOf(revision)
	return out
}

// made is tagged for what is new, at its address.
func made[T any](out *oneOut[T], kind, id string) *oneOut[T] {
	out.Status, out.Location = 201, Prefix+"/"+kind+"/"+url.PathEscape(id)
	return out
}

// Paging is asked by lists.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"300" doc:"Where a page begins: page.next of the page before, with the same filters"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"100" doc:"How many items at most"`
}

// A place is what a cursor holds: where in which list. It says nothing that its
// reader does not know.
type place struct {
	At int64  `json:"at"`
	Of string `json:"of"` // of the list and its filters
}

// from is where the page of a list begins that filters name.
func (p *Paging) from(filters ...string) (int64, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	var at place
	raw, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err == nil {
		err = json.Unmarshal(raw, &at)
	}
	if err != nil || at.At < 0 || at.Of != listOf(filters) {
		return 0, newProblem(422, "The cursor is not of this list, or the filters are others. Leave it out to begin anew.").at("query.cursor", "is not a cursor of this list")
	}
	return at.At, nil
}

func (p *Paging) cursor(at int64, filters []string) string {
	raw, _ := json.Marshal(place{at, listOf(filters)}) // numbers and texts
	return base64.RawURLEncoding.EncodeToString(raw)
}

func listOf(filters []string) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%q", filters)))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// cut is one page of a list that filters name; path and query lead to the next.
func cut[T any](p *Paging, schema, sentence string, all []T, path string, filters ...string) (*listOut[T], error) {
	at, err := p.from(append([]string{path}, filters...)...)
	if err != nil {
		return nil, err
	}
	from := min(int(at), len(all))
	to := min(from+p.Limit, len(all))
	out := &listOut[T]{Body: List[T]{Schema: schema, Summary: Summary{sentence}, Items: append([]T{}, all[from:to]...), Page: Page{Total: len(all)}}}
	if to < len(all) {
		out.follow(p, int64(to), path, filters)
	}
	return out, nil
}

// follow names the next page: filters are pairs of a query's name and value; of
// "run" only the cursor speaks.
func (o *listOut[T]) follow(p *Paging, at int64, path string, filters []string) {
	o.Body.Page.Next = p.cursor(at, append([]string{path}, filters...))
	v := url.Values{"cursor": {o.Body.Page.Next}, "limit": {strconv.Itoa(p.Limit)}}
	for i := 0; i+1 < len(filters); i += 2 {
		if filters[i+1] != "" && filters[i] != "run" {
			v.Set(filters[i], filters[i+1])
		}
	}
	o.Link = "<" + Prefix + path + "?" + v.Encode() + `>; rel="next"`
}

// notFound names what is not there.
func notFound(kind, id string) error {
	return fmt.Errorf("%w: %s %q", audit.ErrNotFound, kind, id)
}

// errEnough ends a walk over what is there.
var errEnough = errors.New("enough")

func enough(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
