package source

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

const maxRedirects = 5

// ErrElsewhere: an answer leads to another host than the one that was asked. It
// is never followed: what a source may read is what its settings name.
var ErrElsewhere = errors.New("it leads to another host, which is not followed")

// ErrAddress: the settings do not let a source connect to that address.
var ErrAddress = errors.New("this address is not allowed")

// Guard returns a client that connects only where allow lets it ("loopback",
// "private", or "" for neither) and follows redirects only within base's
// origin. Addresses are looked at after names were resolved, so that no name
// can lead into a network it must not reach (server-side request forgery). A
// transport that is not the standard library's, such as a recording in tests,
// is used as it is. The client's own timeout stays; without one it is two minutes.
func Guard(given *http.Client, allow string, base *url.URL) *http.Client {
	c := &http.Client{Timeout: 2 * time.Minute}
	if given != nil {
		*c = *given
	}
	c.Jar = nil
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) >= maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		if !SameOrigin(base, req.URL) {
			return fmt.Errorf("redirect to %s://%s: %w", req.URL.Scheme, req.URL.Host, ErrElsewhere)
		}
		return nil
	}
	t, ok := c.Transport.(*http.Transport)
	if c.Transport != nil && !ok {
		return c
	}
	if t == nil {
		t = http.DefaultTransport.(*http.Transport)
	}
	t = t.Clone()
	t.Proxy = nil // a proxy would connect where the guard does not look
	t.DialTLSContext = nil
	t.Dial, t.DialTLS = nil, nil //nolint:staticcheck // a caller's old-style dialer must not go round the guard
	t.DialContext = Dialer(allow).DialContext
	c.Transport = t
	return c
}

// SameOrigin reports whether two addresses have scheme and host in common, and
// the second names no user.
func SameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b) && b.User == nil
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// guard refuses addresses after names were resolved, so that no name can lead
// a request into a network it must not reach.
func guard(allow string) func(network, address string, c syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("address %s is not understood", address)
		}
		return checkAddr(ap.Addr(), allow)
	}
}

// Stretches of addresses that are neither public nor the company's own.
var reserved = prefixes("0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/3", "::/128", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10")

var private = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// checkAddr refuses addresses of this machine and of private networks unless
// allow names them, and all that is neither public nor those.
func checkAddr(a netip.Addr, allow string) error {
	a = a.Unmap().WithZone("")
	switch {
	case a.IsLoopback():
		if allow == "loopback" {
			return nil
		}
		return fmt.Errorf("%s is this machine: %w; say `allow: loopback` if it is meant", a, ErrAddress)
	case a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || within(a, reserved):
		return fmt.Errorf("%s is reserved: %w", a, ErrAddress)
	case within(a, private):
		if allow == "private" {
			return nil
		}
		return fmt.Errorf("%s lies in a private network: %w; say `allow: private` if it is meant", a, ErrAddress)
	}
	return nil
}

func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Dialer returns a dialer that connects only where allow lets it, as Guard's
// client does; for what is not HTTP.
func Dialer(allow string) *net.Dialer {
	return &net.Dialer{Timeout: 30 * time.Second, Control: guard(allow)}
}
