package github

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tieout/audit"
)

// An App is a GitHub App that was installed in the organization. It asks with
// installation tokens of an hour each ("Authenticating as a GitHub App
// installation").
type App struct {
	ID  AppID  `json:"id"`  // App ID or client ID
	Key string `json:"key"` // reference to its private key, PEM
}

// An AppID is a number, or the text of a client ID.
type AppID string

// UnmarshalJSON reads a number or a text.
func (i *AppID) UnmarshalJSON(b []byte) error {
	*i = AppID(strings.Trim(string(b), `"`))
	return nil
}

var appID = regexp.MustCompile(`^[A-Za-z0-9.]{1,64}$`)

// check refuses an App that is not whole, or stands beside a token.
func (a *App) check(token string) error {
	switch {
	case a == nil:
		return nil
	case token != "":
		return errors.New("app: it stands in place of token; leave one of the two out")
	case !appID.MatchString(string(a.ID)):
		return fmt.Errorf("app: id: %q is not the id of an App", a.ID)
	case !secretReference.MatchString(a.Key):
		return errors.New("app: key: write a reference such as file:PATH, never the key itself")
	}
	return nil
}

// An installation is an App's place in one organization.
type installation struct {
	ID        int64   `json:"id"`
	Selection string  `json:"repository_selection"`
	Suspended *string `json:"suspended_at"`
}

// install gets the first token and learns whether the App was given all
// repositories.
func (r *run) install(ctx context.Context) error {
	text, err := r.env.ResolveSecret(ctx, "app: key", r.app.Key)
	if err != nil {
		return err
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(text))
	if err != nil {
		return fmt.Errorf("%w: app: key: what %s holds is not an RSA private key in PEM", audit.ErrInvalid, r.app.Key)
	}
	var in installation
	if err := r.asApp(ctx, key, http.MethodGet, r.org()+"/installation", &in); err != nil {
		return fmt.Errorf("app: its installation: %w", err)
	}
	if in.ID <= 0 || in.Suspended != nil {
		return fmt.Errorf("%w: app: it is not installed in %s, or is suspended there", audit.ErrInvalid, r.rules.Organization)
	}
	if in.Selection != "all" {
		r.partial = "the App was given selected repositories only: the others are not known"
	}
	r.client.renew = func(ctx context.Context) (string, error) {
		var out struct {
			Token string `json:"token"`
		}
		err := r.asApp(ctx, key, http.MethodPost, fmt.Sprintf("/app/installations/%d/access_tokens", in.ID), &out)
		if err == nil && out.Token == "" {
			err = errors.New("the answer holds no token")
		}
		return out.Token, err
	}
	r.client.token, err = r.client.renew(ctx)
	if err != nil {
		return fmt.Errorf("app: its token: %w", err)
	}
	return nil
}

// assertion proves for a few minutes that whoever asks holds the key. Its times
// are this machine's: they are of the moment of asking and no evidence. A minute
// is allowed for a clock that is ahead.
func assertion(id string, key *rsa.PrivateKey, now time.Time) (string, error) {
	claims := jwt.RegisteredClaims{Issuer: id, IssuedAt: jwt.NewNumericDate(now.Add(-time.Minute)), ExpiresAt: jwt.NewNumericDate(now.Add(8 * time.Minute))}
	return jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(key)
}

const maxTokenAnswer = 1 << 20

// asApp asks as the App itself. Nothing of it is sealed: an answer may be a
// token. Errors hold what the host says, never what it was asked with.
func (r *run) asApp(ctx context.Context, key *rsa.PrivateKey, method, path string, into any) error {
	signed, err := assertion(string(r.app.ID), key, time.Now())
	if err != nil {
		return errors.New("the key does not sign")
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	as := &client{http: r.client.http, base: r.client.base, token: signed}
	req, err := as.request(ctx, as.at(path))
	if err != nil {
		return errors.New("the address cannot be asked")
	}
	req.Method = method
	resp, err := as.http.Do(req)
	if err != nil {
		return errors.New(as.words(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenAnswer))
	if err != nil {
		return errors.New("the answer broke off")
	}
	if resp.StatusCode/100 != 2 {
		a := answer{Status: resp.StatusCode, Body: strings.ToValidUTF8(string(body), "\uFFFD")}
		return errors.New(a.fault())
	}
	if err := json.Unmarshal(body, into); err != nil {
		return errors.New("the answer is not understood")
	}
	return nil
}
