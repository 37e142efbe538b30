package packet

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"tieout/audit"
	"tieout/book"
	"tieout/ledger"
)

// A Doer makes requests: an http.Client that connects only where it may.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// A Client exchanges packets with the other side's server.
type Client struct {
	URL  *url.URL // the other side's server, such as https://tieout.brookline.example
	HTTP Doer
	Post *Post
	By   audit.Actor // who exchanges
	// Take is called with each packet that arrived, once it is sealed; nil: nobody
	// is told. An error ends the exchange. The packet is in the log then and does not
	// come again: who could not act on it yet does so from there (Post.Each).
	Take func(ctx context.Context, r Received) error
}

// ParseURL reads the address of the other side's server: https, or http to this
// machine itself, where packets do not cross a network.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, invalid("%q is no server's address such as https://tieout.brookline.example", short(text))
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return nil, invalid("%q: https only; http is for this machine itself", short(text))
	}
	return u, nil
}

// Exchanged is what an exchange did.
type Exchanged struct {
	Pushed []int64 // numbers that the other side took
	Pulled []int64 // numbers that were taken here
}

// tries is how often a transfer that broke off is gone on with.
const tries = 5

// Sync sends what the other side has not heard and fetches what it has for this
// one, both in order. It can be called again at any time: what arrived is not
// sent again, and what was cut off is gone on with. The error is that of the
// first packet that did not go through; those before it did.
func (c *Client) Sync(ctx context.Context) (Exchanged, error) {
	var done Exchanged
	w, err := c.waiting(ctx)
	if err != nil {
		return done, err
	}
	list, err := c.Post.List(ctx, true, w.Heard)
	if err != nil {
		return done, err
	}
	for _, f := range list {
		if err := c.push(ctx, f); err != nil {
			return done, fmt.Errorf("send packet %d: %w", f.Number, err)
		}
		done.Pushed = append(done.Pushed, f.Number)
	}
	for len(w.Packets) > 0 {
		for _, f := range w.Packets {
			if err := c.pull(ctx, f); err != nil {
				return done, fmt.Errorf("fetch packet %d: %w", f.Number, err)
			}
			done.Pulled = append(done.Pulled, f.Number)
		}
		if w, err = c.waiting(ctx); err != nil {
			return done, err
		}
	}
	return done, nil
}

// at is an address on the other side's server.
func (c *Client) at(query string, words ...string) string {
	u := c.URL.JoinPath(append([]string{"exchange", c.Post.sides.Engagement, "packets"}, words...)...)
	u.RawQuery = query
	return u.String()
}

// waiting asks what waits here for this side.
func (c *Client) waiting(ctx context.Context) (waiting, error) {
	_, received, err := c.Post.Lanes(ctx)
	if err != nil {
		return waiting{}, err
	}
	after := received.Last
	resp, err := c.ask(ctx, listWords(after), c.at(fmt.Sprintf("after=%d", after)))
	if err != nil {
		return waiting{}, err
	}
	defer resp.Body.Close()
	var w waiting
	if err := readAnswer(resp.Body, &w); err != nil {
		return w, err
	}
	for i, f := range w.Packets {
		if f.Number != after+1+int64(i) || !validDigest(f.Digest) || f.Size < 1 || f.Size > maxFile {
			return w, invalid("the other side's list of what waits does not go on from %d", after)
		}
	}
	return w, nil
}

// maxAnswer bounds answers that are not packets.
const maxAnswer = 1 << 20

func readAnswer(r io.Reader, v any) error {
	b, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("%w: the other side's answer broke off: %w", audit.ErrUnavailable, err)
	}
	if len(b) > maxAnswer || book.Strict(b, v) != nil {
		return fmt.Errorf("%w: what answers there is no exchange of this version", audit.ErrUnavailable)
	}
	return nil
}

// ask makes a signed GET.
func (c *Client) ask(ctx context.Context, what, address string) (*http.Response, error) {
	msg, err := c.Post.Ask(ctx, what)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", scheme+base64.StdEncoding.EncodeToString(msg))
	return c.do(req)
}

// do returns the answer if it is one of success.
func (c *Client) do(req *http.Request) (*http.Response, error) {
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrUnavailable, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, refused(resp)
}

// refused is the other side's refusal, in its words.
func refused(resp *http.Response) error {
	var r refusal
	if err := readAnswer(resp.Body, &r); err != nil {
		return fmt.Errorf("%w: the other side answered %s", audit.ErrUnavailable, http.StatusText(resp.StatusCode))
	}
	words := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, r.Error)
	for _, k := range crossing {
		if k.name == r.Kind {
			return fmt.Errorf("%w: the other side says: %s", k.kind, strings.TrimPrefix(cut(words), k.kind.Error()+": "))
		}
	}
	return fmt.Errorf("%w: the other side says: %s", audit.ErrUnavailable, cut(words))
}

func cut(s string) string {
	if len(s) > 1000 {
		return strings.ToValidUTF8(s[:1000], "") + "..."
	}
	return s
}

// push sends one packet, again where the connection broke.
func (c *Client) push(ctx context.Context, f Filed) (err error) {
	for range tries {
		if err = c.pushOnce(ctx, f); err == nil || !errors.Is(err, audit.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (c *Client) pushOnce(ctx context.Context, f Filed) error {
	body, _, err := c.Post.Bytes(ctx, f.Number)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.at(""), &outgoing{in: body})
	if err != nil {
		return errors.Join(err, body.Close())
	}
	req.ContentLength = f.Size
	req.Header.Set("Content-Type", Media)
	resp, err := c.do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var a struct {
		Format string `json:"format"`
		Number int64  `json:"number"`
		Digest string `json:"digest"`
		Again  bool   `json:"again"`
	}
	if err := readAnswer(resp.Body, &a); err != nil {
		return err
	}
	if a.Number != f.Number || a.Digest != f.Digest {
		return altered("answer", "the other side says it took packet %d with digest %s; sent was packet %d with %s", a.Number, short(a.Digest), f.Number, f.Digest)
	}
	return nil
}

// outgoing is a request's body. Whoever sends it closes it, also while it is read
// and after the answer came: a server that refuses answers before the end.
type outgoing struct {
	mu   sync.Mutex
	in   io.ReadCloser
	over bool
}

// Read implements io.Reader.
func (o *outgoing) Read(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return 0, http.ErrBodyReadAfterClose
	}
	return o.in.Read(b)
}

// Close implements io.Closer.
func (o *outgoing) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return nil
	}
	o.over = true
	return o.in.Close()
}

// pull fetches one packet into a spool file, going on where it broke off, and
// receives it.
func (c *Client) pull(ctx context.Context, f Filed) (err error) {
	if f.Size > c.Post.reg.limit()+maxNote+maxHeader+1<<10 {
		return invalid("packet %d has %d bytes; this workspace takes at most %d", f.Number, f.Size, c.Post.reg.limit())
	}
	spool, err := c.Post.reg.spool()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop(spool)) }()
	for range tries {
		if err = c.fetch(ctx, f, spool); err == nil || !errors.Is(err, audit.ErrUnavailable) || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return err
	}
	got, err := c.Post.Receive(ctx, c.By, io.NewSectionReader(spool, 0, f.Size), ledger.Consent{})
	if err != nil {
		return err
	}
	if c.Take != nil {
		err = c.Take(ctx, got)
	}
	return errors.Join(err, got.Close())
}

// fetch appends to the spool what it lacks of the packet.
func (c *Client) fetch(ctx context.Context, f Filed, spool *os.File) error {
	have, err := spool.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	resp, err := c.ask(ctx, getWords(f.Number, have), c.at("from="+strconv.FormatInt(have, 10), strconv.FormatInt(f.Number, 10)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.Copy(spool, io.LimitReader(resp.Body, f.Size-have+1))
	switch {
	case err != nil && ctx.Err() == nil:
		return fmt.Errorf("%w: packet %d broke off after %d of %d bytes: %w", audit.ErrUnavailable, f.Number, have+n, f.Size, err)
	case err != nil:
		return err
	case have+n != f.Size:
		return altered("size", "packet %d was announced with %d bytes and came with %d", f.Number, f.Size, have+n)
	}
	return nil
}
