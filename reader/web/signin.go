package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"tieout/access"
	"tieout/audit"
	"tieout/report"
)

// A doorway is an address of who is not signed in.
type doorway struct {
	pattern string
	do      func(*visit) error
}

var doors = []doorway{
	{"GET /sign-in", (*visit).signInPage},
	{"POST /sign-in", (*visit).signIn},
	{"GET /sign-in/code", (*visit).codePage},
	{"POST /sign-in/code", (*visit).code},
	{"POST /sign-in/to/{provider}", (*visit).toProvider},
	{"GET /sign-in/{provider}/callback", (*visit).fromProvider},
	{"POST /sign-in/passkey", (*visit).askPasskey},
	{"POST /sign-in/passkey/answer", (*visit).takePasskey},
	{"POST /sign-in/code/passkey", (*visit).askFactor},
	{"POST /sign-in/code/passkey/answer", (*visit).takeFactor},
	{"POST /sign-out", (*visit).signOut},
	{"GET /welcome", (*visit).welcomePage},
	{"POST /welcome", (*visit).welcome},
	{"GET /setup", (*visit).setupPage},
	{"POST /setup", (*visit).makeFirst},
}

// A visit is one request of who is not signed in.
type visit struct {
	*http.Request
	w http.ResponseWriter
	s *Server
	doorPage
}

// A doorPage is a page before the door.
type doorPage struct {
	Title, Say string
	Problem    []string
	Told       string
	Next       string // where to go on to
	Email      string // as it was typed
	Name       string
	Secret     string                // of an invitation
	Ways       []access.ProviderName // other ways to sign in
	Passkeys   bool
	status     int
}

// door makes a handler of a page before the door.
func (s *Server) door(do func(*visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.crowded(w, r) {
			return
		}
		v := &visit{Request: r, w: w, s: s}
		err := error(nil)
		if !strings.Contains(r.URL.Path, "/passkey") { // those send JSON, and read it themselves
			err = (&request{Request: r, w: w, s: s}).parse()
		}
		if err == nil {
			v.Next = local(r.FormValue("next"))
			err = do(v)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			s.wrong(w, r, err)
		}
	})
}

func (v *visit) show(name string) error {
	v.Told = v.s.told(v.w, v.Request)
	return (&request{Request: v.Request, w: v.w, s: v.s, page: page{status: v.status}}).render(name, &v.doorPage)
}

// again shows a page before the door once more, with what is wrong.
func (v *visit) again(err error, page func(*visit) error) error {
	var wait *access.WaitError
	switch {
	case errors.As(err, &wait):
		v.status = http.StatusTooManyRequests
		v.Problem = []string{"Too many attempts. Wait until " + report.Moment(wait.Until, v.s.home.Period.Location()) + " and try again; nothing you type before then is looked at."}
	case errors.Is(err, audit.ErrForbidden):
		v.status = http.StatusForbidden
		v.Problem = []string{sentence(reason(err, audit.ErrForbidden))}
	case errors.Is(err, audit.ErrInvalid):
		v.status = http.StatusUnprocessableEntity
		v.Problem = []string{sentence(reason(err, audit.ErrInvalid))}
	default:
		return err
	}
	return page(v)
}

func (v *visit) signInPage() error {
	if !v.s.setup.used.Load() {
		empty, err := v.s.people.Empty(v.Context())
		if err != nil {
			return err
		}
		if empty {
			return v.setupPage()
		}
		v.s.setup.used.Store(true)
	}
	v.Title, v.Say = "Sign in", "Sign in to "+v.s.home.Def.Organization.Name+"."
	v.Ways, v.Passkeys = v.s.people.Providers(), v.s.people.CanPasskey()
	return v.show("signin.html")
}

func (v *visit) signIn() error {
	v.Email = v.PostForm.Get("email")
	signed, _, err := v.s.people.SignIn(v.Context(), access.Attempt{Email: v.Email, Password: v.PostForm.Get("password"), From: v.s.from(v.Request), Replaces: v.s.secret(v.Request)})
	if err != nil {
		return v.again(err, (*visit).signInPage)
	}
	v.s.keep(v.w, signed.Secret)
	if signed.Pending {
		http.Redirect(v.w, v.Request, "/sign-in/code?next="+url.QueryEscape(v.Next), http.StatusSeeOther)
		return nil
	}
	http.Redirect(v.w, v.Request, v.Next, http.StatusSeeOther)
	return nil
}

func (v *visit) codePage() error {
	v.Title, v.Say = "Second factor", "Enter the code your app shows now, or one of your recovery codes."
	v.Passkeys = v.s.people.CanPasskey()
	return v.show("code.html")
}

func (v *visit) code() error {
	signed, _, err := v.s.people.SecondFactor(v.Context(), v.s.secret(v.Request), v.PostForm.Get("code"), v.s.from(v.Request))
	if err != nil {
		return v.again(err, (*visit).codePage)
	}
	v.s.keep(v.w, signed.Secret)
	http.Redirect(v.w, v.Request, v.Next, http.StatusSeeOther)
	return nil
}

func (v *visit) signOut() error {
	if _, err := v.s.people.SignOut(v.Context(), v.s.secret(v.Request)); err != nil {
		return err
	}
	v.s.forget(v.w)
	v.s.tell(v.w, "You are signed out.")
	http.Redirect(v.w, v.Request, "/sign-in", http.StatusSeeOther)
	return nil
}

// welcomePage is where an invitation's link leads. Its secret is in the form
// afterwards, and in no address.
func (v *visit) welcomePage() error {
	if v.Secret == "" {
		v.Secret = v.URL.Query().Get("i")
	}
	v.Title, v.Say = "Welcome", "Choose a password of at least 12 characters; a sentence is easier to keep in mind than a riddle."
	return v.show("welcome.html")
}

func (v *visit) welcome() error {
	v.Secret = v.PostForm.Get("i")
	password := v.PostForm.Get("password")
	if password != v.PostForm.Get("again") {
		return v.again(fmt.Errorf("%w: the two passwords differ", audit.ErrInvalid), (*visit).welcomePage)
	}
	a, _, err := v.s.people.Accept(v.Context(), v.Secret, password, v.s.from(v.Request))
	if err != nil {
		return v.again(err, (*visit).welcomePage)
	}
	v.s.names.forget()
	return v.first(a.Email, password, "/")
}

// first signs in who has just chosen a password, and leads on to the screen at to.
func (v *visit) first(email, password, to string) error {
	signed, _, err := v.s.people.SignIn(v.Context(), access.Attempt{Email: email, Password: password, From: v.s.from(v.Request), Replaces: v.s.secret(v.Request)})
	if err != nil {
		return err
	}
	v.s.keep(v.w, signed.Secret)
	v.s.tell(v.w, "Your account is ready. Add a second factor under your name, so that a stolen password opens nothing.")
	http.Redirect(v.w, v.Request, to, http.StatusSeeOther)
	return nil
}

// A setup is the one-time link with which the first administrator is made.
type setup struct {
	key  [32]byte
	used *atomic.Bool
}

func newSetup(key string) setup {
	s := setup{key: sha256.Sum256([]byte(key)), used: &atomic.Bool{}}
	s.used.Store(key == "")
	return s
}

func (s setup) opens(key string) bool {
	h := sha256.Sum256([]byte(key))
	return !s.used.Load() && subtle.ConstantTimeCompare(h[:], s.key[:]) == 1
}

func (v *visit) setupPage() error {
	v.Secret = v.FormValue("key")
	empty, err := v.s.people.Empty(v.Context())
	if err != nil {
		return err
	}
	if !empty {
		http.Redirect(v.w, v.Request, "/sign-in", http.StatusSeeOther)
		return nil
	}
	if !v.s.setup.opens(v.Secret) {
		fail(v.w, http.StatusForbidden, "Open the link first",
			"Nobody administers this workspace yet. Open the link that 'tieout serve' printed when it started; if it was used or lost, stop 'tieout serve', start it again and open the new link.")
		return nil
	}
	v.Title, v.Say = "Set up", "You make the first account here: an administrator, who gives everybody else access."
	return v.show("setup.html")
}

// makeFirst makes the first administrator's account, who runs the program too.
func (v *visit) makeFirst() error {
	v.Secret, v.Email, v.Name = v.PostForm.Get("key"), v.PostForm.Get("email"), v.PostForm.Get("name")
	if !v.s.setup.opens(v.Secret) {
		return v.setupPage()
	}
	password := v.PostForm.Get("password")
	if err := access.CheckPassword(password, v.Email, v.Name); err != nil {
		return v.again(err, (*visit).setupPage)
	}
	if password != v.PostForm.Get("again") {
		return v.again(fmt.Errorf("%w: the two passwords differ", audit.ErrInvalid), (*visit).setupPage)
	}
	var also []access.Grant
	if v.PostForm.Get("lead") == "yes" {
		also = []access.Grant{{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}}
	}
	i, _, err := v.s.people.Bootstrap(v.Context(), v.Email, v.Name, also...)
	if err != nil {
		return v.again(err, (*visit).setupPage)
	}
	a, _, err := v.s.people.Accept(v.Context(), i.Secret, password, v.s.from(v.Request))
	if err != nil {
		return v.again(err, (*visit).setupPage)
	}
	v.s.setup.used.Store(true)
	v.s.names.forget()
	return v.first(strings.TrimSpace(a.Email), password, startPath)
}
