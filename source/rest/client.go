// Package rest is how sources ask plain HTTP interfaces: read-only, one origin,
// with bounded retries, back-off as the server asks for it, lists of many
// pages, and answers that are sealed before anyone looks into them.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tieout/internal/jsonscan"
	"tieout/source"
)

// Limits of asking, where a Client does not set its own.
const (
	MaxTries     = 5
	MaxPause     = 65 * time.Minute // the longest rate limits are of one hour
	failurePause = 2 * time.Second  // after a failure of theirs; doubled each time
	askTimeout   = 2 * time.Minute
	MaxAnswer    = 64 << 20
)

// A Client asks one origin in the name of one collection. It is used by one
// goroutine.
type Client struct {
	HTTP    *http.Client // made by source.Guard
	Base    *url.URL     // origin and the path that all request URIs start with
	Headers map[string]string

	// Authorize adds credentials to a request; nil: none are needed. An error
	// of it is a fault of the answer, in words without secrets.
	Authorize func(ctx context.Context, req *http.Request, body []byte) error
	// Secrets are values that must be in no error.
	Secrets []string
	// Pause says how long to wait before the same request may succeed, 0 if it
	// will not; nil: RetryAfter.
	Pause func(resp *http.Response, body []byte) time.Duration
	// Wait sleeps; nil: for real. Tests count instead.
	Wait func(ctx context.Context, d time.Duration) error
}

// An Ask is one request.
type Ask struct {
	Method string // "": GET
	URI    string // request URI: path with query, from the origin's root
	Body   []byte
	Header map[string]string
	Name   string // how queries name it; "": method and URI
}

func (q Ask) method() string {
	if q.Method == "" {
		return http.MethodGet
	}
	return q.Method
}

// Query is what is written as a page's query: never a header or a secret.
func (q Ask) Query() string {
	if q.Name != "" {
		return q.Name
	}
	return q.method() + " " + q.URI
}

// An Answer is what came back, whatever it is.
type Answer struct {
	Query   string
	Status  int // 0: there was no answer
	Header  http.Header
	Body    []byte
	Problem string // why there is no whole answer, in words; "" if there is

	scan *scan
}

// A scan is the outermost structure of an answer, found once.
type scan struct {
	doc  jsonscan.Doc
	err  error
	done bool
}

// Scan finds the outermost fields and lists of an answer that is JSON. It looks
// at the bytes once, however often it is called; what it returns shares them.
func (a Answer) Scan() (jsonscan.Doc, error) {
	if a.scan == nil {
		return jsonscan.Scan(a.Body)
	}
	if !a.scan.done {
		a.scan.doc, a.scan.err = jsonscan.Scan(a.Body)
		a.scan.done = true
	}
	return a.scan.doc, a.scan.err
}

// OK reports whether the answer is one to read.
func (a Answer) OK() bool { return a.Problem == "" && a.Status >= 200 && a.Status < 300 }

// Refused reports whether the system says that it cannot be had: not allowed,
// not there, not switched on, not licensed.
func (a Answer) Refused() bool {
	switch a.Status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusGone, http.StatusNotImplemented, http.StatusUnavailableForLegalReasons:
		return true
	}
	return false
}

// Fault says what is wrong with an answer, "" if nothing is.
func (a Answer) Fault() string {
	switch {
	case a.Problem != "":
		return a.Problem
	case a.OK():
		return ""
	}
	s := fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))
	if m := message(a.Body); m != "" {
		s += ": " + m
	}
	return s
}

// message finds what an error answer says, in the places where interfaces put it.
func message(body []byte) string {
	var e map[string]any
	if json.Unmarshal(body, &e) != nil {
		return xmlMessage(body)
	}
	for _, name := range []string{"message", "error_description", "errorSummary", "error", "detail", "title", "Message", "errorMessages", "__type"} {
		if s := words(e[name]); s != "" {
			return s
		}
	}
	return ""
}

// xmlMessage finds the first Code and Message elements, where interfaces that
// answer in XML put what is wrong.
func xmlMessage(body []byte) string {
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return ""
	}
	var in string
	said := map[string]string{}
	dec := xml.NewDecoder(bytes.NewReader(body))
	for range 100 {
		t, err := dec.Token()
		if err != nil {
			break
		}
		switch t := t.(type) {
		case xml.StartElement:
			in = t.Name.Local
		case xml.EndElement:
			in = ""
		case xml.CharData:
			if (in == "Code" || in == "Message") && said[in] == "" {
				said[in] = strings.TrimSpace(string(t))
			}
		}
	}
	if said["Code"] == "" || said["Message"] == "" {
		return clip(said["Code"] + said["Message"])
	}
	return clip(said["Code"] + ": " + said["Message"])
}

func words(v any) string {
	switch v := v.(type) {
	case string:
		return clip(v)
	case map[string]any:
		for _, name := range []string{"message", "code"} {
			if s := words(v[name]); s != "" {
				return s
			}
		}
	case []any:
		if len(v) > 0 {
			return words(v[0])
		}
	}
	return ""
}

// clip makes a text fit for one line of a reason.
func clip(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "..."
	}
	return s
}

// Get asks for a path below the base, with a query if it has one.
func (c *Client) Get(ctx context.Context, path string) (Answer, error) {
	return c.Do(ctx, Ask{URI: c.At(path)})
}

// At is the request URI of a path below the base.
func (c *Client) At(path string) string { return c.Base.Path + path }

// Do returns the last answer to q, whatever it is, after bounded retries. The
// error is only for a context that is done. Asking must change nothing at the
// system: it may happen more than once.
func (c *Client) Do(ctx context.Context, q Ask) (Answer, error) {
	for try := 1; ; try++ {
		if err := ctx.Err(); err != nil {
			return Answer{}, err
		}
		a, pause := c.once(ctx, q)
		if err := ctx.Err(); err != nil {
			return Answer{}, err
		}
		if pause > MaxPause {
			a.Problem = fmt.Sprintf("it asks to wait %s, longer than the %s that are waited for", pause.Round(time.Second), MaxPause)
			return a, nil
		}
		if pause == 0 || try == MaxTries || !source.Waits(ctx, pause, pause != failurePause) {
			return a, nil
		}
		if pause == failurePause {
			pause <<= try - 1
		}
		if err := c.wait(ctx, pause+rand.N(time.Second)); err != nil {
			return Answer{}, err
		}
	}
}

func (c *Client) wait(ctx context.Context, d time.Duration) error {
	if c.Wait != nil {
		return c.Wait(ctx, d)
	}
	return Sleep(ctx, d)
}

// Sleep waits for d, or until ctx is done.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// once asks one time. pause is how long to wait before asking again, 0 if
// that would change nothing.
func (c *Client) once(ctx context.Context, q Ask) (a Answer, pause time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	a = Answer{Query: q.Query(), scan: &scan{}}
	req, err := c.request(ctx, q)
	if err != nil {
		a.Problem = c.clean(err)
		return a, again(err)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		a.Problem = c.clean(err)
		if source.Final(err) {
			return a, 0
		}
		return a, failurePause
	}
	defer resp.Body.Close()
	a.Status, a.Header = resp.StatusCode, resp.Header
	a.Body, err = readAll(resp)
	if err != nil {
		a.Problem = "the answer broke off: " + c.clean(err)
		return a, failurePause
	}
	if len(a.Body) > MaxAnswer {
		a.Body, a.Problem = nil, fmt.Sprintf("the answer is larger than %d bytes", MaxAnswer)
		return a, 0
	}
	if a.OK() {
		return a, 0
	}
	a.Body = hide(a.Body, append(credentials(req), c.Secrets...)...)
	if c.Pause != nil {
		return a, c.Pause(resp, a.Body)
	}
	return a, RetryAfter(resp, a.Body)
}

// readAll reads an answer, one byte beyond the limit where it is larger.
func readAll(resp *http.Response) ([]byte, error) {
	var b bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= MaxAnswer {
		b.Grow(int(n) + bytes.MinRead)
	}
	_, err := b.ReadFrom(io.LimitReader(resp.Body, MaxAnswer+1))
	return b.Bytes(), err
}

func (c *Client) request(ctx context.Context, q Ask) (*http.Request, error) {
	var body io.Reader
	if q.Body != nil {
		body = bytes.NewReader(q.Body)
	}
	req, err := http.NewRequestWithContext(ctx, q.method(), c.Base.Scheme+"://"+c.Base.Host+q.URI, body)
	if err != nil {
		return nil, errors.New("the address cannot be asked")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "tieout")
	for _, headers := range []map[string]string{c.Headers, q.Header} {
		for k, v := range headers {
			req.Header.Set(k, v)
		}
	}
	if c.Authorize == nil {
		return req, nil
	}
	return req, c.Authorize(ctx, req, q.Body)
}

// clean says what went wrong, without the address and never with a secret.
func (c *Client) clean(err error) string {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	s := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		s = fmt.Sprintf("no answer within %s", askTimeout)
	}
	return clip(string(hide([]byte(s), c.Secrets...)))
}

// credentials are what a request was authorized with: a token that lives for an
// hour is a secret too.
func credentials(req *http.Request) []string {
	_, value, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	if len(value) < 8 {
		return nil
	}
	return []string{value}
}

// hide takes secrets out of what an error or a refusal says: some systems
// repeat what they were asked with.
func hide(text []byte, secrets ...string) []byte {
	for _, secret := range secrets {
		if secret != "" && bytes.Contains(text, []byte(secret)) {
			text = bytes.ReplaceAll(text, []byte(secret), []byte("***"))
		}
	}
	return text
}

// RetryAfter is how long to wait before the same request may succeed, 0 if it
// will not: Retry-After (RFC 9110) in seconds or as a date, the usual
// X-RateLimit headers, and failures of theirs.
func RetryAfter(resp *http.Response, body []byte) time.Duration {
	limited := resp.StatusCode == http.StatusTooManyRequests
	if resp.StatusCode == http.StatusForbidden {
		limited = bytes.Contains(bytes.ToLower(body[:min(len(body), 4096)]), []byte("rate limit")) || resp.Header.Get("X-RateLimit-Remaining") == "0"
	}
	switch {
	case resp.StatusCode == http.StatusNotImplemented:
		return 0
	case resp.StatusCode < 500 && !limited && resp.StatusCode != http.StatusRequestTimeout:
		return 0
	}
	if d, ok := stated(resp); ok {
		return max(d, time.Second)
	}
	if limited {
		return time.Minute
	}
	return failurePause
}

// stated is the pause that headers name. Instants are counted from the
// server's own Date, so that this machine's clock does not matter.
func stated(resp *http.Response) (time.Duration, bool) {
	now, dateErr := http.ParseTime(resp.Header.Get("Date"))
	if text := resp.Header.Get("Retry-After"); text != "" {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
			return time.Duration(min(n, 1<<30)) * time.Second, true
		}
		if at, err := http.ParseTime(text); err == nil && dateErr == nil {
			return at.Sub(now), true
		}
	}
	for _, name := range []string{"X-RateLimit-Reset", "X-Rate-Limit-Reset", "RateLimit-Reset"} {
		n, err := strconv.ParseInt(resp.Header.Get(name), 10, 64)
		switch {
		case err != nil || n < 0:
		case n < 1_000_000_000: // seconds to go, not an instant
			return time.Duration(n) * time.Second, true
		case dateErr == nil:
			return time.Unix(n, 0).Sub(now) + time.Second, true
		}
	}
	return 0, false
}
