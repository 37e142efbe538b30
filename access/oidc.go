package access

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tieout/audit"
)

const (
	oidcFor     = 10 * time.Minute // from being sent to a provider to coming back
	clockSlack  = time.Minute      // that a provider's clock may be ahead
	maxGroups   = 1000             // of one person
	maxGroupLen = 300              // characters of one group's name
)

// What somebody goes to a provider for.
const (
	forSignIn  = "sign-in"
	forConfirm = "confirm"
	forLink    = "link"
)

// A Redirect sends a browser to a provider.
type Redirect struct {
	URL    string
	Secret string // for a cookie of that browser: HttpOnly, SameSite=Lax, 10 minutes; FinishOIDC asks for it
}

// A flow is what is kept while somebody is at a provider.
type flow struct {
	Provider string `json:"provider"`
	For      string `json:"for"`
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Return   string `json:"return"`
	Session  string `json:"session,omitempty"` // ID of the session it belongs to
}

// BeginOIDC sends a browser to a provider to sign in. next is where it goes on
// afterwards, a path of this server (LocalPath).
func (p *People) BeginOIDC(ctx context.Context, provider, next string) (Redirect, error) {
	return p.sendTo(ctx, provider, flow{For: forSignIn, Return: next})
}

// BeginOIDCConfirm sends the person of a session to a provider to sign in
// again: the provider is told to ask them, whatever it remembers.
func (p *People) BeginOIDCConfirm(ctx context.Context, secret, provider, next string) (Redirect, error) {
	x, _, err := p.find(ctx, secret)
	if err != nil {
		return Redirect{}, err
	}
	return p.sendTo(ctx, provider, flow{For: forConfirm, Return: next, Session: x.ID})
}

// BeginOIDCLink sends a person who has just signed in to a provider, to link
// who they are there with their account.
func (p *People) BeginOIDCLink(ctx context.Context, by Subject, provider, next string) (Redirect, error) {
	if _, err := p.self(ctx, by); err != nil {
		return Redirect{}, err
	}
	return p.sendTo(ctx, provider, flow{For: forLink, Return: next, Session: by.Session})
}

func (p *People) sendTo(ctx context.Context, id string, f flow) (Redirect, error) {
	pr, err := p.provider(id)
	if err != nil {
		return Redirect{}, err
	}
	if f.Return, err = LocalPath(f.Return); err != nil {
		return Redirect{}, err
	}
	found, err := pr.discover(ctx)
	if err != nil {
		return Redirect{}, err
	}
	f.Provider, f.Verifier = id, oauth2.GenerateVerifier()
	var secret string
	for _, s := range []*string{&secret, &f.State, &f.Nonce} {
		if *s, err = newSecret(); err != nil {
			return Redirect{}, err
		}
	}
	if err := p.pose(ctx, "provider", secret, f, oidcFor); err != nil {
		return Redirect{}, err
	}
	opts := []oauth2.AuthCodeOption{oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)}
	if f.For == forConfirm {
		opts = append(opts, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	if len(pr.ACR) > 0 {
		opts = append(opts, oauth2.SetAuthURLParam("acr_values", strings.Join(pr.ACR, " ")))
	}
	return Redirect{pr.oauth(found).AuthCodeURL(f.State, opts...), secret}, nil
}

// errOIDC is what a sign-in at a provider says whose answer is not right.
var errOIDC = fmt.Errorf("%w: the provider's answer is not right; start again", audit.ErrForbidden)

var oauthError = regexp.MustCompile(`^[a-z_]{1,64}$`)

// came checks what a browser brings back and exchanges it for claims.
func (p *People) came(ctx context.Context, at OIDCAnswer) (flow, *provider, claims, error) {
	var f flow
	fail := func(err error) (flow, *provider, claims, error) { return f, nil, claims{}, err }
	if err := p.answered(ctx, "provider", at.Secret, &f); err != nil {
		return fail(err)
	}
	pr, err := p.provider(at.Provider)
	if err != nil {
		return fail(err)
	}
	found, err := pr.discover(ctx)
	if err != nil {
		return fail(err)
	}
	if err := pr.checkAnswer(f, at.Query); err != nil {
		return fail(err)
	}
	token, err := pr.oauth(found).Exchange(pr.ctx(ctx), at.Query.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return fail(exchangeError(err))
	}
	c, err := p.claimsOf(ctx, pr, found, token, f.Nonce)
	return f, pr, c, err
}

// checkAnswer holds the query of the callback to what was kept.
func (pr *provider) checkAnswer(f flow, q url.Values) error {
	if f.Provider != pr.ID || subtle.ConstantTimeCompare([]byte(f.State), []byte(q.Get("state"))) != 1 {
		return errOIDC
	}
	for _, name := range []string{"code", "state", "iss", "error"} {
		if len(q[name]) > 1 {
			return errOIDC
		}
	}
	if iss := q.Get("iss"); iss != pr.Issuer && (iss != "" || pr.iss) {
		return errOIDC // RFC 9207: the answer of another provider
	}
	if e := q.Get("error"); e != "" {
		if !oauthError.MatchString(e) {
			e = "an error"
		}
		return fmt.Errorf("%w: %s answered %s", audit.ErrForbidden, pr.Title, e)
	}
	if q.Get("code") == "" {
		return errOIDC
	}
	return nil
}

func exchangeError(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return fmt.Errorf("%w: the provider did not take the code; check the client's ID and secret", audit.ErrForbidden)
	}
	return fmt.Errorf("%w: the provider's token endpoint did not answer", audit.ErrUnavailable)
}

// claims are what a provider says of a person.
type claims struct {
	issuer, subject string
	email, name     string
	verified        bool
	groups          []string
	mfa             bool
	authTime        time.Time // zero: it does not say
}

// claimsOf verifies the ID token and adds what only the user info endpoint says.
func (p *People) claimsOf(ctx context.Context, pr *provider, found *oidc.Provider, token *oauth2.Token, nonce string) (claims, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return claims{}, errOIDC
	}
	id, err := found.VerifierContext(pr.ctx(ctx), &oidc.Config{ClientID: pr.ClientID, Now: p.now}).Verify(pr.ctx(ctx), raw)
	if err != nil {
		return claims{}, fmt.Errorf("%w (%s)", errOIDC, verifyWords(err))
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return claims{}, errOIDC
	}
	if id.AccessTokenHash != "" && id.VerifyAccessToken(token.AccessToken) != nil {
		return claims{}, errOIDC
	}
	said := map[string]json.RawMessage{}
	if err := id.Claims(&said); err != nil {
		return claims{}, errOIDC
	}
	if azp := text(said["azp"]); azp != "" && azp != pr.ClientID {
		return claims{}, errOIDC
	}
	if err := pr.addInfo(ctx, found, token, id.Subject, said); err != nil {
		return claims{}, err
	}
	return pr.read(id, said)
}

// verifyWords says why a token was refused, without the token.
func verifyWords(err error) string {
	var expired *oidc.TokenExpiredError
	if errors.As(err, &expired) {
		return "its token has expired; compare the clocks"
	}
	return "its token is not for this server, or not signed by it"
}

// addInfo adds claims that the ID token does not have. The endpoint has to
// speak of the same person.
func (pr *provider) addInfo(ctx context.Context, found *oidc.Provider, token *oauth2.Token, subject string, said map[string]json.RawMessage) error {
	_, email := said["email"]
	_, groups := said[pr.GroupsClaim]
	if found.UserInfoEndpoint() == "" || email && (groups || len(pr.mapping) == 0) {
		return nil
	}
	info, err := found.UserInfo(pr.ctx(ctx), oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("%w: the provider's user info endpoint did not answer", audit.ErrUnavailable)
	}
	if info.Subject != subject {
		return errOIDC
	}
	more := map[string]json.RawMessage{}
	if err := info.Claims(&more); err != nil {
		return errOIDC
	}
	for k, v := range more {
		if _, ok := said[k]; !ok && k != "amr" && k != "acr" && k != "auth_time" {
			said[k] = v
		}
	}
	return nil
}

// read makes claims of what was said, and refuses what it cannot read whole.
func (pr *provider) read(id *oidc.IDToken, said map[string]json.RawMessage) (claims, error) {
	c := claims{issuer: id.Issuer, subject: id.Subject, email: text(said["email"]), name: cut(text(said["name"]))}
	if id.Subject == "" || len(id.Subject) > 255 {
		return c, errOIDC
	}
	v := said[pr.VerifiedClaim]
	c.verified = string(v) == "true" || string(v) == "1" || text(v) == "true" || text(v) == "1"
	for _, how := range append(texts(said["amr"]), text(said["acr"])) {
		c.mfa = c.mfa || how != "" && slices.Contains(pr.MFA, how)
	}
	var at float64
	if json.Unmarshal(said["auth_time"], &at) == nil && at > 0 && at < 1<<40 {
		c.authTime = time.Unix(int64(at), 0).UTC()
	}
	if len(pr.mapping) == 0 {
		return c, nil
	}
	var elsewhere map[string]json.RawMessage
	_ = json.Unmarshal(said["_claim_names"], &elsewhere) // OpenID Connect Core 5.6.2; anything else names nothing
	if _, cut := elsewhere[pr.GroupsClaim]; cut {
		return c, fmt.Errorf("%w: %s does not list all groups of this person; have it list only those that are assigned to this server", audit.ErrUnavailable, pr.Title)
	}
	c.groups = texts(said[pr.GroupsClaim])
	if len(c.groups) > maxGroups || slices.ContainsFunc(c.groups, func(g string) bool { return len(g) > 4*maxGroupLen }) {
		return c, fmt.Errorf("%w: %s lists more than %d groups, or one with a name of more than %d characters", audit.ErrInvalid, pr.Title, maxGroups, maxGroupLen)
	}
	return c, nil
}

// text is a JSON string, "" for anything else.
func text(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// texts is a JSON array of strings, or one string.
func texts(raw json.RawMessage) (out []string) {
	if s := text(raw); s != "" {
		return []string{s}
	}
	if json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}
