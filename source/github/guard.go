package github

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

const maxRedirects = 3

// errElsewhere: an answer leads to another host. It is never followed.
var errElsewhere = errors.New("it leads to another host, which is not followed")

// guardedClient asks only base's host, follows redirects only there, and
// connects only where allow lets it. A transport that is not the standard
// library's, such as a recording, is used as it is.
func guardedClient(given *http.Client, allow string, base *url.URL) *http.Client {
	c := &http.Client{}
	if given != nil {
		*c = *given
	}
	c.Jar = nil
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if !sameHost(base, req.URL) {
			return errElsewhere
		}
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
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
	t.DialContext = (&net.Dialer{Timeout: 30 * time.Second, Control: guard(allow)}).DialContext
	c.Transport = t
	return c
}

func sameHost(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) && b.User == nil
}

// guard looks at the address after its name was resolved, so that no name can
// lead into a network that must not be reached.
func guard(allow string) func(network, address string, c syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("address %s is not understood", address)
		}
		return checkAddr(ap.Addr(), allow)
	}
}

var sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

// checkAddr refuses addresses of this machine and of private networks unless
// allow names them, and all that is neither public nor those.
func checkAddr(a netip.Addr, allow string) error {
	a = a.Unmap().WithZone("")
	switch {
	case a.IsLoopback():
		if allow != "loopback" {
			return fmt.Errorf("%s is this machine; say `allow: loopback` if it is meant", a)
		}
	case a.IsPrivate() || sharedSpace.Contains(a):
		if allow != "private" {
			return fmt.Errorf("%s lies in a private network; say `allow: private` if it is meant", a)
		}
	case !a.IsGlobalUnicast() || a.IsLinkLocalUnicast():
		return fmt.Errorf("%s is not an address of a server", a)
	}
	return nil
}
