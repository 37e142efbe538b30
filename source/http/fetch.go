package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"tieout/source"
)

// Limits of asking.
const (
	maxTries = 5
	maxWait  = 2 * time.Minute // of one pause; an endpoint that asks for more is given up
	maxBody  = 32 << 20
	maxPages = 100_000
)

// An answer is one successful response.
type answer struct {
	url    *url.URL
	status int
	header http.Header
	body   []byte
}

// A fetcher asks one endpoint in the name of one collection.
type fetcher struct {
	client  *http.Client
	header  http.Header
	cache   *cache
	pause   func(ctx context.Context, d time.Duration) error
	retries int
}

// get asks until there is an answer, with bounded, jittered pauses. The error
// says in words why there is none.
func (f *fetcher) get(ctx context.Context, u *url.URL) (*answer, error) {
	for try := 1; ; try++ {
		a, wait, err := f.once(ctx, u)
		if err == nil {
			return a, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var final finalError
		if errors.As(err, &final) || try == maxTries || !source.Waits(ctx, wait, wait > 0) {
			return nil, err
		}
		if wait > maxWait {
			return nil, fmt.Errorf("%w; it asks to wait %s", err, wait)
		}
		f.retries++
		if err := f.pause(ctx, max(wait, backOff(try))); err != nil {
			return nil, err
		}
	}
}

// A finalError is one that asking again would not mend.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// backOff is between half and all of 0.5 s, 1 s, 2 s ...
func backOff(try int) time.Duration {
	full := 500 * time.Millisecond << (try - 1)
	return full/2 + time.Duration(rand.Int64N(int64(full/2)))
}

func (f *fetcher) once(ctx context.Context, u *url.URL) (*answer, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, 0, finalError{errors.New("the address cannot be asked")}
	}
	req.Header = f.header.Clone()
	known := f.cache.find(u)
	if known != nil {
		req.Header.Set("If-None-Match", known.header.Get("ETag"))
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, 0, networkError(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified && known != nil {
		return known, 0, nil
	}
	if resp.StatusCode != http.StatusOK {
		return nil, retryAfter(resp.Header), statusError(resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, 0, fmt.Errorf("the answer broke off: %w", err)
	}
	if len(body) > maxBody {
		return nil, 0, finalError{fmt.Errorf("the answer has more than %d bytes; ask for fewer rows a page", maxBody)}
	}
	a := &answer{resp.Request.URL, resp.StatusCode, resp.Header, body}
	f.cache.keep(u, a)
	return a, 0, nil
}

// networkError leaves the address out, which may hold a secret.
func networkError(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	if source.Final(err) || !isTransport(err) {
		return finalError{err}
	}
	return err
}

// isTransport: the network failed, not a rule of ours.
func isTransport(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func statusError(code int) error {
	err := fmt.Errorf("%d %s", code, http.StatusText(code))
	switch code {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusRequestTimeout:
		return err
	}
	return finalError{err}
}

// retryAfter is how long the endpoint asks to wait, by its own clock.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n >= 0 {
		return time.Duration(min(n, 1<<30)) * time.Second
	}
	at, err := http.ParseTime(v)
	now, errNow := http.ParseTime(h.Get("Date"))
	if err != nil || errNow != nil {
		return 0
	}
	return max(0, at.Sub(now))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// A cache keeps answers that carry an ETag while a collector is in use, so
// that an endpoint need not send again what it says is unchanged. Such an
// answer is sealed again as what the endpoint confirmed. It is safe for
// concurrent use.
type cache struct {
	mu    sync.Mutex
	kept  map[string]*answer
	bytes int
}

const maxCache = 16 << 20

func (c *cache) find(u *url.URL) *answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept[u.String()]
}

func (c *cache) keep(u *url.URL, a *answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := u.String()
	if old := c.kept[key]; old != nil {
		c.bytes -= len(old.body)
		delete(c.kept, key)
	}
	if a.header.Get("ETag") == "" || c.bytes+len(a.body) > maxCache {
		return
	}
	if c.kept == nil {
		c.kept = map[string]*answer{}
	}
	c.kept[key] = a
	c.bytes += len(a.body)
}
