package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/report"
)

// ownStart is the first page of who reads no period: what is theirs to do.
const ownStart = "/me"

// selfRoutes are what everybody does with their own account.
var selfRoutes = []route{
	{pattern: "GET /account", do: (*request).ownAccount},
	{pattern: "POST /account/password", do: (*request).changePassword},
	{pattern: "POST /account/factor", do: (*request).startFactor},
	{pattern: "POST /account/factor/confirm", do: (*request).confirmFactor},
	{pattern: "POST /account/factor/remove", do: (*request).removeFactor},
	{pattern: "POST /account/codes", do: (*request).newCodes},
	{pattern: "POST /account/sessions/{id}/end", do: (*request).endSession},
	{pattern: "POST /account/sessions/end", do: (*request).endSessions},
	{pattern: "POST /account/keys", do: (*request).setKeys},
	{pattern: "GET /again", do: (*request).againPage},
	{pattern: "POST /again", do: (*request).confirm},
}

// keysCookie remembers that single keys are switched off in a browser (WCAG 2.2, 2.1.4).
const keysCookie = "tieout-keys"

// keysOn reports whether single keys press buttons.
func (q *request) keysOn() bool {
	c, err := q.Cookie(keysCookie)
	return err != nil || c.Value != "off"
}

func (q *request) setKeys() error {
	value := "on"
	if q.field("keys") == "off" {
		value = "off"
	}
	http.SetCookie(q.w, &http.Cookie{Name: keysCookie, Value: value, Path: "/", MaxAge: 366 * 24 * 3600, HttpOnly: true, Secure: q.s.secure(), SameSite: http.SameSiteLaxMode})
	return q.done("/account", map[string]string{"on": "Single keys press buttons again.", "off": "Single keys are switched off in this browser."}[value])
}

// A sessionRow is one session of a person.
type sessionRow struct {
	ID, Began, Used, Ends, From, How string
	Agent                            string // as the browser named itself
	Here                             bool
}

// An accountPage is a person's own account.
type accountPage struct {
	*page
	A        access.Account
	Roles    []string
	Sessions []sessionRow
	Factor   *access.Factor // being set up
	Codes    []string       // new recovery codes, shown once
	Fresh    bool
	KeysOn   bool
	Signs    string // key they sign with; "": none
	SignsAt  string // since when
	First    bool   // the second factor was set up just now, and everything else opens

	CanPasskey bool
	Passkeys   []passkeyRow
	Providers  []access.ProviderName
	Identities []access.Identity
}

func (q *request) ownAccount() error { return q.showAccount(accountPage{}) }

func (q *request) showAccount(data accountPage) error {
	a, err := q.s.people.Account(q.Context(), q.who, q.me.ID)
	if err != nil {
		return err
	}
	sessions, err := q.s.people.Sessions(q.Context(), q.who, q.me.ID)
	if err != nil {
		return err
	}
	loc := q.zone()
	if err := q.signInWays(&data, loc); err != nil {
		return err
	}
	data.page, data.A, data.Fresh, data.KeysOn, data.First = &q.page, a, q.who.Fresh, q.keysOn(), q.sess.NeedsFactor
	if q.sess.NeedsFactor && !a.SecondFactor {
		return q.showBare(data)
	}
	signs, made, err := q.signingKey(q.Context(), a)
	if err != nil {
		return err
	}
	if data.Signs = signs; signs != "" {
		data.SignsAt = report.Day(made, loc)
	}
	for _, g := range a.Grants {
		data.Roles = append(data.Roles, report.Capital(g.String()))
	}
	for _, x := range sessions {
		data.Sessions = append(data.Sessions, sessionRow{x.ID, report.Moment(x.SignedIn, loc), report.Moment(x.Used, loc), report.Moment(x.Expires, loc),
			strings.Join(nonEmpty(agentWords(x.Agent), x.Address), ", "), x.Method, x.Agent, x.ID == q.sess.ID})
	}
	q.Title, q.Heading, q.Say = "Your account", a.Name, sayAccount(a, len(sessions))
	q.Code = []string{"tieout account sessions " + a.ID}
	return q.render("account.html", data)
}

// signInWays fills in passkeys and providers.
func (q *request) signInWays(data *accountPage, loc *time.Location) error {
	data.CanPasskey, data.Providers = q.s.people.CanPasskey(), q.s.people.Providers()
	keys, err := q.s.people.Passkeys(q.Context(), q.who, q.me.ID)
	if err != nil {
		return err
	}
	for _, k := range keys {
		row := passkeyRow{ID: k.ID, Name: k.Name, Made: report.Moment(k.Created, loc), Used: "Never", Kept: "On one device"}
		if !k.Used.IsZero() {
			row.Used = report.Moment(k.Used, loc)
		}
		if k.Synced {
			row.Kept = "On several devices"
		}
		data.Passkeys = append(data.Passkeys, row)
	}
	data.Identities, err = q.s.people.Identities(q.Context(), q.who, q.me.ID)
	return err
}

// sayAccount says how an account is protected and where it is signed in.
func sayAccount(a access.Account, sessions int) string {
	s := "You sign in with a password"
	switch {
	case !a.Password:
		s = "You sign in without a password"
	case a.SecondFactor:
		s += " and a second factor"
	default:
		s += " only; add a second factor, so that a stolen password opens nothing"
	}
	if sessions == 1 {
		return s + ". You are signed in here only."
	}
	return s + ". You are signed in in " + report.Plural(sessions, "place", "places") + "."
}

// selfProblem shows the account's page again with what is wrong.
func (q *request) selfProblem(err error, data accountPage) error {
	var wait *access.WaitError
	switch {
	case errors.As(err, &wait):
		q.status, q.Problem = http.StatusTooManyRequests, []string{"Too many attempts. Wait until " + report.Moment(wait.Until, q.zone()) + " and try again."}
	case errors.Is(err, audit.ErrForbidden):
		q.status, q.Problem = http.StatusForbidden, []string{sentence(reason(err, audit.ErrForbidden))}
	default:
		if err := q.problem(err); err != nil {
			return err
		}
	}
	return q.showAccount(data)
}

func (q *request) changePassword() error {
	if q.PostForm.Get("new") != q.PostForm.Get("again") {
		return q.selfProblem(errors.Join(audit.ErrInvalid, errors.New("the two new passwords differ")), accountPage{})
	}
	signed, _, err := q.s.people.ChangePassword(q.Context(), q.s.secret(q.Request), q.PostForm.Get("old"), q.PostForm.Get("new"), q.s.from(q.Request))
	if err != nil {
		return q.selfProblem(err, accountPage{})
	}
	q.s.keep(q.w, signed.Secret)
	return q.done("/account", "Your password is changed, and all your other sessions have ended.")
}

func (q *request) startFactor() error {
	f, _, err := q.s.people.StartFactor(q.Context(), q.who)
	if err != nil {
		return q.selfProblem(err, accountPage{})
	}
	return q.showAccount(accountPage{Factor: &f})
}

func (q *request) confirmFactor() error {
	codes, _, err := q.s.people.ConfirmFactor(q.Context(), q.who, q.field("code"))
	if err != nil {
		return q.selfProblem(err, accountPage{})
	}
	return q.showAccount(accountPage{Codes: codes})
}

func (q *request) removeFactor() error {
	if _, err := q.s.people.RemoveFactor(q.Context(), q.who); err != nil {
		return q.selfProblem(err, accountPage{})
	}
	return q.done("/account", "The second factor is removed: a password alone opens your account now.")
}

func (q *request) newCodes() error {
	codes, _, err := q.s.people.NewRecoveryCodes(q.Context(), q.who)
	if err != nil {
		return q.selfProblem(err, accountPage{})
	}
	return q.showAccount(accountPage{Codes: codes})
}

func (q *request) endSession() error {
	if _, err := q.s.people.EndSession(q.Context(), q.who, q.me.ID, q.PathValue("id")); err != nil {
		return err
	}
	return q.done("/account", "That session has ended.")
}

func (q *request) endSessions() error {
	if _, err := q.s.people.EndSessions(q.Context(), q.who, q.me.ID); err != nil {
		return err
	}
	q.s.forget(q.w)
	return q.done("/sign-in", "You are signed out everywhere.")
}

// againPage asks who is signed in to show it once more, before what needs that.
func (q *request) againPage() error { return q.showAgain(q.URL.Query().Get("next")) }

func (q *request) showAgain(next string) error {
	q.Title, q.Heading, q.Say = "Sign in again", "Sign in again", "What comes next is done only by somebody who has just shown who they are. It holds for five minutes."
	return q.render("again.html", struct {
		*page
		Next      string
		Password  bool
		Factor    bool
		Passkeys  bool
		Providers []access.ProviderName
	}{&q.page, local(next), q.me.Password, q.me.SecondFactor, q.s.people.CanPasskey(), q.s.people.Providers()})
}

func (q *request) confirm() error {
	signed, _, err := q.s.people.Confirm(q.Context(), q.s.secret(q.Request), q.PostForm.Get("password"), q.PostForm.Get("code"), q.s.from(q.Request))
	if errors.Is(err, audit.ErrForbidden) {
		q.status, q.Problem = http.StatusForbidden, []string{sentence(reason(err, audit.ErrForbidden))}
		return q.showAgain(q.field("next"))
	}
	if err != nil {
		return err
	}
	q.s.keep(q.w, signed.Secret)
	http.Redirect(q.w, q.Request, local(q.field("next")), http.StatusSeeOther)
	return nil
}

// toAgain is the address of the page that asks once more, and comes back to next.
func toAgain(next string) string { return "/again?next=" + url.QueryEscape(next) }
