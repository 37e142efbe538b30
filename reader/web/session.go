package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"tieout/access"
	"tieout/audit"
)

// contentPolicy lets a page use this server's style, script and typefaces, send its own
// forms here, and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers are on every answer.
func headers(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
}

// cookieName is the session's cookie: of TLS one that no other host of the
// domain can set; of plain HTTP one of this port, as servers on one machine
// share their cookies.
func (s *Server) cookieName() string {
	if s.secure() {
		return "__Host-tieout"
	}
	name := sha256.Sum256([]byte(strings.Join(s.o.Hosts, " ")))
	return "tieout-" + hex.EncodeToString(name[:4])
}

// keep sets the session's cookie. Lax: a link in a mail opens the page it leads
// to; what changes something is checked by where it comes from.
func (s *Server) keep(w http.ResponseWriter, secret string) {
	http.SetCookie(w, &http.Cookie{Name: s.cookieName(), Value: secret, Path: "/", HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode})
}

func (s *Server) forget(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: s.cookieName(), Path: "/", MaxAge: -1, HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode})
}

// secret is what the browser showed, or "".
func (s *Server) secret(r *http.Request) string {
	c, err := r.Cookie(s.cookieName())
	if err != nil || len(c.Value) > 200 {
		return ""
	}
	return c.Value
}

// from is where a request came from.
func (s *Server) from(r *http.Request) access.From {
	return access.From{Address: s.Address(r), Agent: r.UserAgent()}
}

// Address is the visitor's, as far as the chain of proxies is believed.
func (s *Server) Address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusted(host); i-- {
		ip := net.ParseIP(strings.TrimSpace(hops[i]))
		if ip == nil {
			break
		}
		host = ip.String()
	}
	return host
}

func (s *Server) trusted(host string) bool {
	ip := net.ParseIP(host)
	for _, n := range s.o.Proxies {
		if ip != nil && n.Contains(ip) {
			return true
		}
	}
	return false
}

// admit returns who is signed in. Who is not is sent to sign in, and afterwards
// back to where they wanted to go.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) (access.Signed, bool) {
	secret := s.secret(r)
	if secret != "" {
		signed, err := s.people.Resume(r.Context(), secret, s.from(r))
		if err == nil && !signed.Pending {
			if signed.Secret != "" {
				s.keep(w, signed.Secret)
			}
			if signed.Session.NeedsFactor && !opensBare[r.Pattern] {
				toFactor(w, r)
				return access.Signed{}, false
			}
			return signed, true
		}
		if err != nil && !errors.Is(err, audit.ErrForbidden) {
			s.wrong(w, r, err)
			return access.Signed{}, false
		}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		fail(w, http.StatusForbidden, "Sign in first", "The session has ended, and nothing was changed. Sign in in another window, come back here and send it again.")
		return access.Signed{}, false
	}
	to := "/sign-in"
	if r.URL.Path != "/" {
		to += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return access.Signed{}, false
}

// local is a path of this server to go on to, or "/": never another site.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsAny(next, "\\\r\n\t") || strings.HasPrefix(u.Path, "//") || strings.HasPrefix(u.Path, "/sign-") {
		return "/"
	}
	return u.RequestURI()
}

// saidCookie holds the words of what was just done, until the next page.
const saidCookie = "tieout-said"

func (s *Server) tell(w http.ResponseWriter, words string) {
	http.SetCookie(w, &http.Cookie{Name: saidCookie, Value: base64.RawURLEncoding.EncodeToString([]byte(words)), Path: "/", MaxAge: 60,
		HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteStrictMode})
}

// told takes the words off the browser.
func (s *Server) told(w http.ResponseWriter, r *http.Request) string {
	c, err := r.Cookie(saidCookie)
	if err != nil || len(c.Value) > 2000 {
		return ""
	}
	http.SetCookie(w, &http.Cookie{Name: saidCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteStrictMode})
	words, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(string(words), "")
}

// names are everybody's names, read anew now and then and for who is not among them.
type names struct {
	people *access.People
	mu     sync.Mutex
	at     time.Time
	by     map[string]access.Named
}

// namesFor is how long names are kept.
const namesFor = 10 * time.Second

// all returns everybody by account ID; the map is not changed afterwards.
func (n *names) all(ctx context.Context, now time.Time) (map[string]access.Named, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.by != nil && now.Sub(n.at) < namesFor && now.Sub(n.at) >= 0 {
		return n.by, nil
	}
	by, err := n.people.Names(ctx)
	if err != nil {
		return nil, err
	}
	n.by, n.at = by, now
	return by, nil
}

// forget has names read anew, after an account was made or changed.
func (n *names) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.by = nil
}
