package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"tieout/access"
	"tieout/audit"
)

// Cookies of a sign-in that is under way elsewhere: at a provider, or with a
// passkey. They hold a secret whose hash the store keeps for a few minutes.
const (
	providerCookie = "tieout-provider"
	passkeyCookie  = "tieout-passkey"
	maxAnswer      = 64 << 10 // bytes of what a passkey answers
)

func (s *Server) lend(w http.ResponseWriter, name, secret string, seconds int) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: secret, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode})
}

// lent takes a cookie that was lent.
func (s *Server) lent(w http.ResponseWriter, r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) > 200 {
		return ""
	}
	s.lend(w, name, "", -1)
	return c.Value
}

// toProvider sends a browser to a provider to sign in.
func (v *visit) toProvider() error {
	to, err := v.s.people.BeginOIDC(v.Context(), v.PathValue("provider"), v.Next)
	if err != nil {
		return err
	}
	return v.s.send(v.w, v.Request, to)
}

// send sends a browser to a provider. Its address is the provider's own, from
// its published description, never from the request. It is a page and not a
// redirect: a form may lead to this server only, and a redirect of its answer
// would count as the form's.
func (s *Server) send(w http.ResponseWriter, r *http.Request, to access.Redirect) error {
	u, err := url.Parse(to.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%w: the provider's address cannot be opened", audit.ErrUnavailable)
	}
	s.lend(w, providerCookie, to.Secret, 600)
	w.Header().Set("Refresh", "0;url="+u.String())
	page := doorPage{Title: "Sign in", Say: "You are sent to " + u.Host + " to sign in there.", Secret: u.String()}
	return (&request{Request: r, w: w, s: s}).render("elsewhere.html", &page)
}

// fromProvider takes what a browser brings back from a provider.
func (v *visit) fromProvider() error {
	got, _, err := v.s.people.FinishOIDC(v.Context(), access.OIDCAnswer{Provider: v.PathValue("provider"), Query: v.URL.Query(),
		Secret: v.s.lent(v.w, v.Request, providerCookie), Session: v.s.secret(v.Request), From: v.s.from(v.Request)})
	if err != nil {
		return v.again(err, (*visit).signInPage)
	}
	v.s.names.forget()
	if got.Secret != "" {
		v.s.keep(v.w, got.Secret)
	}
	next := local(got.Return)
	switch {
	case got.Pending:
		next = "/sign-in/code?next=" + url.QueryEscape(next)
	case got.Linked:
		v.s.tell(v.w, "Linked: you can sign in there from now on.")
	}
	http.Redirect(v.w, v.Request, next, http.StatusSeeOther)
	return nil
}

// askPasskey answers what a browser is asked to do with a passkey, as JSON.
func (v *visit) askPasskey() error {
	c, err := v.s.people.BeginPasskeySignIn(v.Context())
	if err != nil {
		return refuseJSON(v.w, err)
	}
	v.s.lend(v.w, passkeyCookie, c.Secret, 300)
	return sendJSON(v.w, http.StatusOK, json.RawMessage(c.Options))
}

// takePasskey takes what a passkey answered, and says where to go on.
func (v *visit) takePasskey() error {
	answer, err := io.ReadAll(http.MaxBytesReader(v.w, v.Body, maxAnswer))
	if err != nil {
		return refuseJSON(v.w, formError(err))
	}
	signed, _, err := v.s.people.FinishPasskeySignIn(v.Context(), access.PasskeyAttempt{Secret: v.s.lent(v.w, v.Request, passkeyCookie), Response: answer,
		From: v.s.from(v.Request), Replaces: v.s.secret(v.Request)})
	return v.entered(signed, err)
}

// askFactor asks for a passkey as the second factor.
func (v *visit) askFactor() error {
	options, err := v.s.people.BeginPasskeyFactor(v.Context(), v.s.secret(v.Request))
	if err != nil {
		return refuseJSON(v.w, err)
	}
	return sendJSON(v.w, http.StatusOK, json.RawMessage(options))
}

// takeFactor takes a passkey's answer as the second factor.
func (v *visit) takeFactor() error {
	answer, err := io.ReadAll(http.MaxBytesReader(v.w, v.Body, maxAnswer))
	if err != nil {
		return refuseJSON(v.w, formError(err))
	}
	signed, _, err := v.s.people.FinishPasskeyFactor(v.Context(), v.s.secret(v.Request), answer, v.s.from(v.Request))
	return v.entered(signed, err)
}

// entered keeps a session that a passkey opened, and says where to go on.
func (v *visit) entered(signed access.Signed, err error) error {
	if err != nil {
		return refuseJSON(v.w, err)
	}
	v.s.keep(v.w, signed.Secret)
	return sendJSON(v.w, http.StatusOK, map[string]string{"next": local(v.URL.Query().Get("next"))})
}

func sendJSON(w http.ResponseWriter, status int, what any) error {
	b, err := json.Marshal(what)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // who asked is gone
	return nil
}

// refuseJSON says to a page's script what a person can mend; anything else is
// for the caller.
func refuseJSON(w http.ResponseWriter, err error) error {
	for kind, status := range map[error]int{audit.ErrForbidden: http.StatusForbidden, audit.ErrInvalid: http.StatusUnprocessableEntity, audit.ErrConflict: http.StatusConflict} {
		if errors.Is(err, kind) {
			return sendJSON(w, status, map[string]string{"problem": sentence(reason(err, kind))})
		}
	}
	return err
}

// A passkeyRow is one passkey of a person.
type passkeyRow struct{ ID, Name, Made, Used, Kept string }

// wayRoutes are a person's passkeys and identities elsewhere.
var wayRoutes = []route{
	{pattern: "POST /account/passkeys/new", do: (*request).askNewPasskey},
	{pattern: "POST /account/passkeys", do: (*request).takeNewPasskey},
	{pattern: "POST /account/passkeys/{id}/remove", do: (*request).removePasskey},
	{pattern: "POST /account/providers/{provider}", do: (*request).linkProvider},
	{pattern: "POST /account/providers/remove", do: (*request).unlinkProvider},
	{pattern: "POST /again/to/{provider}", do: (*request).againAt},
	{pattern: "POST /again/passkey", do: (*request).askAgain},
	{pattern: "POST /again/passkey/answer", do: (*request).takeAgain},
}

func (q *request) askNewPasskey() error {
	options, err := q.s.people.BeginPasskey(q.Context(), q.who)
	if err != nil {
		return refuseJSON(q.w, err)
	}
	return sendJSON(q.w, http.StatusOK, json.RawMessage(options))
}

// takeNewPasskey adds a passkey. Recovery codes that come with the first one are
// in the answer, and nowhere afterwards.
func (q *request) takeNewPasskey() error {
	var in struct {
		Name     string          `json:"name"`
		Response json.RawMessage `json:"response"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(q.w, q.Body, maxAnswer)).Decode(&in); err != nil {
		return refuseJSON(q.w, fmt.Errorf("%w: %w", audit.ErrInvalid, err))
	}
	_, codes, _, err := q.s.people.FinishPasskey(q.Context(), q.who, in.Name, in.Response)
	if err != nil {
		return refuseJSON(q.w, err)
	}
	q.s.tell(q.w, "The passkey is added.")
	next := "/account"
	if q.sess.NeedsFactor { // everything else opens now
		next = "/"
	}
	return sendJSON(q.w, http.StatusOK, map[string]any{"next": next, "codes": codes})
}

func (q *request) removePasskey() error {
	if _, err := q.s.people.RemovePasskey(q.Context(), q.who, q.PathValue("id")); err != nil {
		return q.selfProblem(err, accountPage{})
	}
	return q.done("/account", "The passkey is removed.")
}

func (q *request) linkProvider() error {
	to, err := q.s.people.BeginOIDCLink(q.Context(), q.who, q.PathValue("provider"), "/account")
	if err != nil {
		return q.selfProblem(err, accountPage{})
	}
	return q.s.send(q.w, q.Request, to)
}

func (q *request) unlinkProvider() error {
	if _, err := q.s.people.Unlink(q.Context(), q.who, q.field("issuer"), q.field("subject")); err != nil {
		return q.selfProblem(err, accountPage{})
	}
	return q.done("/account", "You no longer sign in there.")
}

func (q *request) againAt() error {
	to, err := q.s.people.BeginOIDCConfirm(q.Context(), q.s.secret(q.Request), q.PathValue("provider"), local(q.field("next")))
	if err != nil {
		return err
	}
	return q.s.send(q.w, q.Request, to)
}

func (q *request) askAgain() error {
	options, err := q.s.people.BeginPasskeyConfirm(q.Context(), q.s.secret(q.Request))
	if err != nil {
		return refuseJSON(q.w, err)
	}
	return sendJSON(q.w, http.StatusOK, json.RawMessage(options))
}

func (q *request) takeAgain() error {
	answer, err := io.ReadAll(http.MaxBytesReader(q.w, q.Body, maxAnswer))
	if err != nil {
		return refuseJSON(q.w, formError(err))
	}
	signed, _, err := q.s.people.FinishPasskeyConfirm(q.Context(), q.s.secret(q.Request), answer, q.s.from(q.Request))
	if err != nil {
		return refuseJSON(q.w, err)
	}
	q.s.keep(q.w, signed.Secret)
	return sendJSON(q.w, http.StatusOK, map[string]string{"next": local(q.URL.Query().Get("next"))})
}
