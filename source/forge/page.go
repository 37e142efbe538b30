package forge

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

const pageFormat = 1

// An Envelope is the body of a page made of several answers: each as it came,
// and what the reading of them depends on besides.
type Envelope struct {
	Format  int             `json:"format"`
	Facts   json.RawMessage `json:"facts,omitempty"`
	Answers []Answer        `json:"answers"`
}

// An Answer is one answer as it came. Body holds its bytes where they are
// UTF-8, else Base64 does.
type Answer struct {
	Part    string `json:"part"`              // what it is within the page
	Request string `json:"request,omitempty"` // method and request URI; "" where Body is an element of a page sealed before
	Status  int    `json:"status"`            // 0: no answer came
	Problem string `json:"problem,omitempty"`
	Total   *int   `json:"total,omitempty"` // how many elements the list has, where a header says so
	Body    string `json:"body,omitempty"`
	Base64  []byte `json:"base64,omitempty"`
}

func (a *Answer) setBody(b []byte) {
	if utf8.Valid(b) {
		a.Body = string(b)
		return
	}
	a.Base64 = b
}

// Bytes are the answer's body as it came.
func (a Answer) Bytes() []byte {
	if a.Base64 != nil {
		return a.Base64
	}
	return []byte(a.Body)
}

func (a Answer) rest() rest.Answer {
	return rest.Answer{Status: a.Status, Problem: a.Problem, Body: a.Bytes()}
}

// OK reports whether it came whole and is what was asked for.
func (a Answer) OK() bool { return a.rest().OK() }

// Refused reports whether the host says that it cannot be had.
func (a Answer) Refused() bool { return a.Problem == "" && a.rest().Refused() }

// Missing reports whether the host says that there is no such thing.
func (a Answer) Missing() bool { return a.Problem == "" && a.Status == http.StatusNotFound }

// Fault says what is wrong with the answer, "" if nothing is.
func (a Answer) Fault() string { return a.rest().Fault() }

// Element is one element of a list that was sealed before, byte for byte.
func Element(part string, element []byte) Answer {
	a := Answer{Part: part, Status: http.StatusOK}
	a.setBody(element)
	return a
}

// Worst returns the answer that failed, or nil.
func Worst(answers []Answer) *Answer {
	for i := range answers {
		if !answers[i].OK() {
			return &answers[i]
		}
	}
	return nil
}

// Decode reads the body of a page. The error wraps audit.ErrInvalid.
func Decode(body []byte) (Envelope, error) {
	var e Envelope
	if err := source.Strict(body, &e); err != nil {
		return e, fmt.Errorf("page: %w", err)
	}
	if e.Format != pageFormat {
		return e, fmt.Errorf("%w: page format %d; this program reads %d", audit.ErrInvalid, e.Format, pageFormat)
	}
	return e, nil
}

// Part returns the answers of one part, and whether they are there and all came whole.
func (e Envelope) Part(name string) (answers []Answer, whole bool) {
	for _, a := range e.Answers {
		if a.Part == name {
			answers = append(answers, a)
		}
	}
	return answers, len(answers) > 0 && Worst(answers) == nil
}

// One decodes the single answer of a part into v; false where it did not come whole.
func (e Envelope) One(part string, v any) (bool, error) {
	answers, whole := e.Part(part)
	if len(answers) != 1 || !whole {
		return false, nil
	}
	if err := json.Unmarshal(answers[0].Bytes(), v); err != nil {
		return false, fmt.Errorf("%s: %w", part, err)
	}
	return true, nil
}

// All decodes the lists of a part, one after the other; false where one did not come whole.
func All[T any](e Envelope, part string) (all []T, whole bool, err error) {
	answers, whole := e.Part(part)
	if !whole {
		return nil, false, nil
	}
	for _, a := range answers {
		var list []T
		if err := json.Unmarshal(a.Bytes(), &list); err != nil {
			return nil, false, fmt.Errorf("%s: %w", part, err)
		}
		all = append(all, list...)
	}
	return all, true, nil
}

// An Asker asks in the name of one collection.
type Asker struct {
	*rest.Client
	Run  *source.Run
	Next func(r rest.Answer) (*rest.Ask, error) // what follows a page of a list; nil: the Link header says it
}

func (a *Asker) next(r rest.Answer) (*rest.Ask, error) {
	if a.Next != nil {
		return a.Next(r)
	}
	return a.NextLink(r)
}

// Ask asks for one part of a page, without looking into it.
func (a *Asker) Ask(ctx context.Context, part, path string) (Answer, error) {
	r, err := a.Get(ctx, path)
	return answer(part, r), err
}

func answer(part string, r rest.Answer) Answer {
	out := Answer{Part: part, Request: r.Query, Status: r.Status, Problem: r.Problem}
	if n := total(r.Header); n >= 0 {
		out.Total = &n
	}
	out.setBody(r.Body)
	return out
}

const maxParts = 100 // pages of one part

// Gather asks for all pages of one part. The last answer is the one that
// failed, if one did.
func (a *Asker) Gather(ctx context.Context, part, path string) ([]Answer, error) {
	ask := &rest.Ask{URI: a.At(path)}
	var out []Answer
	for ask != nil {
		r, err := a.Do(ctx, *ask)
		if err != nil {
			return nil, err
		}
		next, err := a.next(r)
		switch {
		case err != nil:
			r.Problem = "the next page: " + err.Error()
		case next != nil && len(out) == maxParts-1:
			r.Problem = fmt.Sprintf("more than %d pages", maxParts)
		}
		out = append(out, answer(part, r))
		if !r.OK() {
			break
		}
		ask = next
	}
	return out, nil
}

// Short says that a list of several answers has fewer elements than the host
// counts, "" where it has not or the host does not count. The answers were
// sealed before.
func Short(answers []Answer) string {
	listed, want := 0, -1
	for _, a := range answers {
		list, err := source.Elements(a.Bytes())
		if err != nil {
			return "" // what is wrong with it is said by who reads it
		}
		listed += len(list)
		if a.Total != nil {
			want = *a.Total
		}
	}
	if want < 0 || listed >= want {
		return ""
	}
	return fmt.Sprintf("%d of %d listed", listed, want)
}

// A Sheet is what a page of several answers is, besides those.
type Sheet struct {
	Kind, Scope string
	About       audit.Span // zero: now
	Facts       any        // nil: none
}

// SealAll seals answers as one page. When it returns nil they may be looked into.
func (a *Asker) SealAll(ctx context.Context, sh Sheet, answers []Answer, streams ...*source.Stream) error {
	e := Envelope{Format: pageFormat, Answers: answers}
	if sh.Facts != nil {
		facts, err := json.Marshal(sh.Facts)
		if err != nil {
			return fmt.Errorf("page %s: %w", sh.Kind, err)
		}
		e.Facts = facts
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return fmt.Errorf("page %s: %w", sh.Kind, err)
	}
	p := audit.Page{Kind: sh.Kind, Scope: sh.Scope, About: sh.About, Query: query(answers), Body: bytes.TrimSuffix(b.Bytes(), []byte("\n"))}
	return a.Run.Seal(ctx, p, streams...)
}

func query(answers []Answer) string {
	for _, a := range answers {
		if a.Request != "" {
			return a.Request
		}
	}
	return "elements of a page sealed before"
}

// A Walked says how a list was read.
type Walked struct {
	rest.Fault
	Total  int // what the last page's header says there are; -1 where it says nothing
	Listed int // elements that came
}

// Reconcile holds what came to the host's own number, where it gives one.
func (w Walked) Reconcile(s *source.Stream, name string) {
	if w.Whole() && w.Total >= 0 {
		s.Reconcile(name, w.Total, w.Listed)
	}
}

// Walk reads a list of many pages by their Link headers and hands the elements
// of each to each, after the page was sealed. A fault is a reason of the
// streams; the error is the context's, the sink's or that of each.
func (a *Asker) Walk(ctx context.Context, l rest.List, each func(list []json.RawMessage) (more bool, err error), streams ...*source.Stream) (Walked, error) {
	w := Walked{Total: -1}
	var stop error
	l.Next = a.next
	l.Each = func(r rest.Answer) (bool, error) {
		list, err := source.Elements(r.Body)
		if err != nil {
			return false, err
		}
		w.Total = total(r.Header)
		w.Listed += len(list)
		more, err := each(list)
		if err != nil {
			stop = err
			return false, nil
		}
		return more, nil
	}
	var err error
	w.Fault, err = a.Read(ctx, a.Run, l, streams...)
	return w, cmp.Or(err, stop)
}

// total is how many elements a list has, from the headers that hosts name it with.
func total(h http.Header) int {
	for _, name := range []string{"X-Total", "X-Total-Count"} {
		if n, err := strconv.Atoi(strings.TrimSpace(h.Get(name))); err == nil && n >= 0 {
			return n
		}
	}
	return -1
}

// Onward goes on to the end of a list.
func Onward([]json.RawMessage) (bool, error) { return true, nil }
