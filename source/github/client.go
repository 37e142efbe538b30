package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tieout/source"
)

// Limits of asking.
const (
	maxTries       = 5
	maxPause       = 65 * time.Minute // the primary rate limit is of one hour
	failurePause   = 2 * time.Second  // after a failure of theirs; doubled each time
	requestTimeout = 60 * time.Second
	maxAnswer      = 32 << 20
	apiVersion     = "2022-11-28"
)

// A client asks in the name of one collection. It is used by one goroutine.
type client struct {
	http  *http.Client
	base  *url.URL
	token string
	renew func(ctx context.Context) (string, error) // gives another token where one ended; nil: there is none
	wait  func(ctx context.Context, d time.Duration) error
	kept  keeper
}

// wait sleeps for d, or until ctx is done.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// at is the request URI of a path below the base.
func (c *client) at(path string) string { return c.base.Path + path }

// ask returns the last answer to a GET of uri, whatever it is, after bounded
// retries; the error is only for a context that is done. With keep, an answer
// that has an ETag is kept, and asked for again by it.
func (c *client) ask(ctx context.Context, part, uri string, keep bool) (answer, error) {
	renewed := false
	for try := 1; ; try++ {
		if err := ctx.Err(); err != nil {
			return answer{}, err
		}
		a, pause := c.once(ctx, part, uri, keep)
		if err := ctx.Err(); err != nil {
			return answer{}, err
		}
		if a.Status == http.StatusUnauthorized && c.renew != nil && !renewed {
			if token, err := c.renew(ctx); err == nil {
				c.token, renewed = token, true
				continue
			}
		}
		if pause > maxPause {
			a.Problem = fmt.Sprintf("it asks to wait %s, longer than the %s that are waited for", pause.Round(time.Second), maxPause)
			return a, nil
		}
		if pause == 0 || try == maxTries || !source.Waits(ctx, pause, pause != failurePause) {
			return a, nil
		}
		if pause == failurePause {
			pause <<= try - 1
		}
		if err := c.wait(ctx, pause+jitter(time.Second)); err != nil {
			return answer{}, err
		}
	}
}

func jitter(d time.Duration) time.Duration { return rand.N(d) }

// once asks one time. pause is how long to wait before asking again, 0 if
// that would change nothing.
func (c *client) once(ctx context.Context, part, uri string, keep bool) (a answer, pause time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	a = answer{Part: part, Request: "GET " + uri}
	req, err := c.request(ctx, uri)
	if err != nil {
		a.Problem = "the address cannot be asked"
		return a, 0
	}
	kept, ok := c.kept.get(uri)
	if ok && keep {
		req.Header.Set("If-None-Match", kept.ETag)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		a.Problem = c.words(err)
		if source.Final(err) {
			return a, 0
		}
		return a, failurePause
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	a.Status, a.ETag, a.Link = resp.StatusCode, resp.Header.Get("ETag"), resp.Header.Get("Link")
	if err != nil {
		a.Problem = "the answer broke off: " + c.words(err)
		return a, failurePause
	}
	if len(body) > maxAnswer {
		a.Problem = fmt.Sprintf("the answer is larger than %d bytes", maxAnswer)
		return a, 0
	}
	if a.Status == http.StatusNotModified && ok && keep {
		kept.Part, kept.Again = part, true
		return kept, 0
	}
	a.setBody(body)
	if keep && a.ok() {
		c.kept.put(uri, a)
	}
	return a, retryAfter(resp, body)
}

func (c *client) request(ctx context.Context, uri string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.Scheme+"://"+c.base.Host+uri, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("X-GitHub-Api-Version", apiVersion)
	req.Header.Set("User-Agent", "tieout")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req, nil
}

// words says what went wrong, without the address and never with the token.
func (c *client) words(err error) string {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	s := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		s = fmt.Sprintf("no answer within %s", requestTimeout)
	}
	if c.token != "" {
		s = strings.ReplaceAll(s, c.token, "***")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// retryAfter is how long to wait before the same request may succeed, 0 if it
// will not: GitHub's primary and secondary rate limits, and failures of theirs.
func retryAfter(resp *http.Response, body []byte) time.Duration {
	limited := resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusForbidden
	switch {
	case resp.StatusCode >= 500:
		if d, ok := secondsOf(resp, "Retry-After"); ok {
			return max(d, time.Second)
		}
		return failurePause
	case !limited:
		return 0
	}
	if d, ok := secondsOf(resp, "Retry-After"); ok {
		return max(d, time.Second)
	}
	if resp.Header.Get("X-RateLimit-Remaining") == "0" {
		return untilReset(resp)
	}
	if resp.StatusCode == http.StatusTooManyRequests || strings.Contains(string(body[:min(len(body), 4096)]), "rate limit") {
		return time.Minute
	}
	return 0
}

func secondsOf(resp *http.Response, header string) (time.Duration, bool) {
	n, err := strconv.ParseInt(resp.Header.Get(header), 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	return time.Duration(min(n, 1<<30)) * time.Second, true
}

// untilReset counts from the server's own Date, so that this machine's clock
// does not matter.
func untilReset(resp *http.Response) time.Duration {
	reset, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64)
	now, dateErr := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || dateErr != nil {
		return time.Minute
	}
	return max(time.Unix(reset, 0).Sub(now)+time.Second, time.Second)
}

// next returns the request URI of the page that follows a, "" if a is the
// last, and the number of pages, 0 where it is not told.
func (c *client) next(a answer) (uri string, pages int, err error) {
	links := parseLink(a.Link)
	if last := links["last"]; last != "" {
		if u, err := url.Parse(last); err == nil {
			pages, _ = strconv.Atoi(u.Query().Get("page"))
		}
	}
	if links["next"] == "" {
		return "", pages, nil
	}
	u, err := url.Parse(links["next"])
	if err != nil || !source.SameOrigin(c.base, u) {
		return "", pages, source.ErrElsewhere
	}
	return u.RequestURI(), pages, nil
}

// parseLink reads a Link header (RFC 8288) as GitHub writes it: by relation.
func parseLink(header string) map[string]string {
	out := map[string]string{}
	for entry := range strings.SplitSeq(header, ",") {
		target, params, ok := strings.Cut(strings.TrimSpace(entry), ">")
		if !ok || !strings.HasPrefix(target, "<") {
			continue
		}
		for p := range strings.SplitSeq(params, ";") {
			if rel, ok := strings.CutPrefix(strings.TrimSpace(p), "rel="); ok {
				out[strings.Trim(rel, `"`)] = target[1:]
			}
		}
	}
	return out
}

// A keeper keeps answers that are likely to be asked for again within one
// repository, up to a limit; the oldest goes first.
type keeper struct {
	answers map[string]answer
	order   []string
	size    int
}

const maxKept = 16 << 20

func (k *keeper) get(uri string) (answer, bool) {
	a, ok := k.answers[uri]
	return a, ok
}

func (k *keeper) put(uri string, a answer) {
	if a.ETag == "" || a.size() > maxKept/2 {
		return
	}
	if k.answers == nil {
		k.answers = map[string]answer{}
	}
	if old, ok := k.answers[uri]; ok {
		k.size -= old.size()
	} else {
		k.order = append(k.order, uri)
	}
	k.answers[uri] = a
	k.size += a.size()
	for k.size > maxKept && len(k.order) > 1 {
		k.size -= k.answers[k.order[0]].size()
		delete(k.answers, k.order[0])
		k.order = k.order[1:]
	}
}

func (k *keeper) clear() { *k = keeper{} }
