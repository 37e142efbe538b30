package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"sync"
	"time"
)

// policy lets a page use this server's style and typefaces, send its own forms
// here, and nothing else.
const policy = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers are on every answer.
func headers(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
}

// sessionLength is how long a session holds.
const sessionLength = 12 * time.Hour

// A door lets in who has the one-time link, once, and from then on the browser
// that it was exchanged in.
type door struct {
	cookie string // its name: two servers on one machine share their cookies
	now    func() time.Time

	mu      sync.Mutex
	key     [32]byte // hash of the link's key
	used    bool
	session [32]byte // hash of the session's secret
	until   time.Time
}

func newDoor(key string, now func() time.Time) *door {
	name := sha256.Sum256([]byte("tieout cookie " + key))
	return &door{cookie: "tieout-" + hex.EncodeToString(name[:4]), now: now, key: sha256.Sum256([]byte(key)), used: key == ""}
}

// enter exchanges the link's key for a session; false where it is not the key
// or was used before.
func (d *door) enter(w http.ResponseWriter, key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := sha256.Sum256([]byte(key))
	if d.used || subtle.ConstantTimeCompare(h[:], d.key[:]) != 1 {
		return false
	}
	secret := NewKey()
	d.used, d.session, d.until = true, sha256.Sum256([]byte(secret)), d.now().Add(sessionLength)
	http.SetCookie(w, &http.Cookie{Name: d.cookie, Value: secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	return true
}

// open reports whether r comes from the browser that was let in.
func (d *door) open(r *http.Request) bool {
	c, err := r.Cookie(d.cookie)
	if err != nil {
		return false
	}
	h := sha256.Sum256([]byte(c.Value))
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used && subtle.ConstantTimeCompare(h[:], d.session[:]) == 1 && d.now().Before(d.until)
}

// admit answers a request that carries a key, or has no session, and reports
// whether the page may be shown.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) bool {
	if key := r.URL.Query().Get("key"); key != "" {
		if r.Method == http.MethodGet && s.door.enter(w, key) || s.door.open(r) {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return false
		}
		fail(w, http.StatusForbidden, "This link does not open anything",
			"It was used before, or belongs to a server that has stopped. Stop 'tieout serve', start it again and open the new link.")
		return false
	}
	if !s.door.open(r) {
		fail(w, http.StatusForbidden, "Open the link first",
			"Open the link that 'tieout serve' printed when it started, in this browser. If it was used already, or twelve hours have gone by, start 'tieout serve' again.")
		return false
	}
	return true
}
