package access

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tieout/audit"
)

// A Provider is an OpenID provider at which people sign in (OpenID Connect
// Core 1.0, authorization code with PKCE). Who somebody is there is the issuer
// and the subject, never the address: an address only finds the invitation of a
// first sign-in.
type Provider struct {
	ID       string // in addresses and the log: 1 to 32 of a-z, 0-9 and -
	Title    string // on the button: "Halyard SSO"
	Issuer   string // https address, as the provider spells it; http for this computer only
	ClientID string
	Secret   string // the client's secret, not a reference to it; "" for a public client

	Scopes        []string // asked for beside openid, email and profile
	VerifiedClaim string   // says that the address is the person's; "": email_verified (Microsoft Entra: xms_edov)
	GroupsClaim   string   // names the person's groups; "": groups

	// Groups gives roles: a group's name or ID, as the claim has it, to grants as
	// ParseGrant reads them. They are looked at at every sign-in: what the groups
	// give is given, what they gave before and no longer give is taken; what a
	// person gave stays. nil looks at no groups.
	Groups map[string][]string

	// Provision makes an account for who has none, at an address of one of
	// Domains. Without it only who was invited at the verified address gets in.
	Provision bool
	Domains   []string // lower case, such as halyard.example; Provision needs one

	// RequireMFA refuses whom the provider does not say to have shown a second
	// factor: one of MFA has to be among amr (RFC 8176) or be the acr.
	RequireMFA bool
	MFA        []string // nil: "mfa"
	ACR        []string // asked for as acr_values

	HTTP *http.Client // nil: one that waits 10 s, follows no redirects
}

// A ProviderName is what a sign-in page shows of a provider.
type ProviderName struct{ ID, Title string }

// Providers returns the providers people can sign in at, as configured.
func (p *People) Providers() []ProviderName {
	out := make([]ProviderName, len(p.providers))
	for i, pr := range p.providers {
		out[i] = ProviderName{pr.ID, pr.Title}
	}
	return out
}

// CallbackPath is the path at Config.Origin to which a provider sends browsers
// back: what has to be registered there as the redirect address. Its GET
// handler gives the query to FinishOIDC.
func CallbackPath(provider string) string { return "/sign-in/" + provider + "/callback" }

// LocalPath returns where to go on after signing in: the path it is given when
// that is one of this server, with its query; else an error that wraps
// audit.ErrInvalid. "" is "/".
func LocalPath(s string) (string, error) {
	if s == "" {
		return "/", nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil, len(s) > 2000,
		strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }),
		!strings.HasPrefix(s, "/"), strings.HasPrefix(s, "//"), u.IsAbs(), u.Host != "", u.User != nil, strings.HasPrefix(u.Path, "//"):
		return "", fmt.Errorf("%w: %.60q is not a path of this server", audit.ErrInvalid, s)
	}
	return s, nil
}

// A provider is one that was checked; what its issuer says of itself is read
// when it is needed first.
type provider struct {
	Provider
	mapping  Mapping
	redirect string
	client   *http.Client

	mu    sync.Mutex
	found *oidc.Provider
	iss   bool // it says in every answer who it is (RFC 9207)
}

var providerID = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

func newProviders(c Config) (out []*provider, err error) {
	for _, x := range c.Providers {
		pr, err := newProvider(c, x)
		if err != nil {
			return nil, fmt.Errorf("access: provider %q: %w", x.ID, err)
		}
		if slices.ContainsFunc(out, func(o *provider) bool { return o.ID == pr.ID || o.Issuer == pr.Issuer }) {
			return nil, fmt.Errorf("access: provider %q: %w: its ID or its issuer is there twice", x.ID, audit.ErrInvalid)
		}
		out = append(out, pr)
	}
	return out, nil
}

func newProvider(c Config, x Provider) (*provider, error) {
	if c.Origin == "" {
		return nil, fmt.Errorf("%w: the server's address is not known; providers send browsers back to it", audit.ErrInvalid)
	}
	if _, err := origin(c.Origin); err != nil {
		return nil, err
	}
	if err := x.check(); err != nil {
		return nil, err
	}
	m, err := ParseMapping(c.Workspace, x.Groups)
	if err != nil {
		return nil, err
	}
	if x.VerifiedClaim == "" {
		x.VerifiedClaim = "email_verified"
	}
	if x.GroupsClaim == "" {
		x.GroupsClaim = "groups"
	}
	if x.MFA == nil {
		x.MFA = []string{"mfa"}
	}
	pr := &provider{Provider: x, mapping: m, redirect: c.Origin + CallbackPath(x.ID)}
	pr.client = pr.boundedClient()
	return pr, nil
}

func (x Provider) check() error {
	u, err := url.Parse(x.Issuer)
	switch {
	case !providerID.MatchString(x.ID):
		return fmt.Errorf("%w: an ID has 1 to 32 of a-z, 0-9 and -", audit.ErrInvalid)
	case strings.TrimSpace(x.Title) == "" || utf8.RuneCountInString(x.Title) > 60:
		return fmt.Errorf("%w: a title has 1 to 60 characters", audit.ErrInvalid)
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return fmt.Errorf("%w: the issuer %q is not an https address", audit.ErrInvalid, x.Issuer)
	case x.ClientID == "":
		return fmt.Errorf("%w: no client ID", audit.ErrInvalid)
	case x.Provision && len(x.Domains) == 0:
		return fmt.Errorf("%w: provision needs the domains whose people get accounts", audit.ErrInvalid)
	case slices.Contains(x.Domains, ""):
		return fmt.Errorf("%w: a domain is empty", audit.ErrInvalid)
	}
	return nil
}

// via names the provider as what gave a role, and in the log.
func (pr *provider) via() string { return viaProvider + pr.ID }

// viaProvider begins the method of a session that a provider opened.
const viaProvider = "provider "

func (p *People) provider(id string) (*provider, error) {
	for _, pr := range p.providers {
		if pr.ID == id {
			return pr, nil
		}
	}
	return nil, fmt.Errorf("%w: there is no provider %.40q", audit.ErrNotFound, id)
}

// maxAnswer bounds every answer of a provider: metadata, keys, tokens, claims.
const maxAnswer = 1 << 20

func (pr *provider) boundedClient() *http.Client {
	c := http.Client{Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if pr.HTTP != nil {
		c = *pr.HTTP
	}
	next := c.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	c.Transport = bounded{next}
	return &c
}

// bounded ends every answer at maxAnswer.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

func (pr *provider) ctx(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, pr.client)
}

// discover reads what the issuer says of itself, once.
func (pr *provider) discover(ctx context.Context) (*oidc.Provider, error) {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	if pr.found != nil {
		return pr.found, nil
	}
	found, err := oidc.NewProvider(pr.ctx(ctx), pr.Issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %s does not say how to sign in there: %w", audit.ErrUnavailable, pr.Issuer, err)
	}
	var more struct {
		ISS bool `json:"authorization_response_iss_parameter_supported"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", audit.ErrUnavailable, pr.Issuer, err)
	}
	pr.found, pr.iss = found, more.ISS
	return found, nil
}

func (pr *provider) oauth(found *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: pr.ClientID, ClientSecret: pr.Secret, Endpoint: found.Endpoint(), RedirectURL: pr.redirect,
		Scopes: append([]string{oidc.ScopeOpenID, "email", "profile"}, pr.Scopes...)}
}
