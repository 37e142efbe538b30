package definition

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"

	"tieout/audit"
)

// ServerConfig is how people reach the screens.
type ServerConfig struct {
	// URL is the address people open, such as https://tieout.example.com. Default:
	// plain HTTP on this machine. Passkeys, providers and links in mails need it.
	URL string `yaml:"url"`
	// Proxies are the networks of proxies before the server, such as 10.0.0.0/8;
	// only their X-Forwarded-For is believed. Default: none.
	Proxies []string `yaml:"proxies"`
}

// SignInConfig is how people sign in beside passwords.
type SignInConfig struct {
	Idle     string `yaml:"idle"`     // a session ends when it is not used so long; default: 1h
	Absolute string `yaml:"absolute"` // a session ends so long after it began; default: 12h
	// SecondFactor is FactorRequired or FactorOptional. Default: optional, and the
	// screens say who signs in with a password alone.
	SecondFactor string `yaml:"secondFactor"`

	PasskeyID string              `yaml:"passkeyId"` // name passkeys are bound to for good; default: the host of server.url
	Providers []ProviderConfig    `yaml:"providers"` // OpenID providers; default: none
	Groups    map[string][]string `yaml:"groups"`    // of a directory (SCIM): a group's name to roles, as for providers
}

// Whether a password alone is enough.
const (
	FactorRequired = "required" // who has no second factor can only set one up
	FactorOptional = "optional"
)

// ProviderConfig is an OpenID provider at which people sign in.
type ProviderConfig struct {
	ID            string              `yaml:"id"`            // in addresses: 1 to 32 of a-z, 0-9 and -
	Title         string              `yaml:"title"`         // on the button; default: the ID
	Issuer        string              `yaml:"issuer"`        // https address as the provider spells it
	ClientID      string              `yaml:"clientId"`      //
	ClientSecret  string              `yaml:"clientSecret"`  // reference; default: a public client
	Scopes        []string            `yaml:"scopes"`        // beside openid, email and profile
	VerifiedClaim string              `yaml:"verifiedClaim"` // default: email_verified
	GroupsClaim   string              `yaml:"groupsClaim"`   // default: groups
	Groups        map[string][]string `yaml:"groups"`        // a group to roles such as compliance-lead@workspace or control-owner@control:IAM-06
	Provision     bool                `yaml:"provision"`     // make an account for who has none, at one of domains
	Domains       []string            `yaml:"domains"`
	RequireMFA    bool                `yaml:"requireMFA"` // refuse whom the provider does not say to have shown a second factor
	MFA           []string            `yaml:"mfa"`        // what it says then; default: mfa
	ACR           []string            `yaml:"acr"`        // asked for as acr_values
}

var providerID = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

func (c *Config) checkServer(d *doc) {
	if u := c.Server.URL; u != "" && (!isWebAddress(u) || strings.HasSuffix(u, "/")) {
		d.bad(steps("server", "url"), "url %q is not an address without a path such as https://tieout.example.com", u)
	}
	for i, p := range c.Server.Proxies {
		if _, _, err := net.ParseCIDR(p); err != nil {
			d.bad(steps("server", "proxies", i), "%q is not a network such as 10.0.0.0/8", p)
		}
	}
	if len(c.SignIn.Providers) > 0 && c.Server.URL == "" {
		d.bad(steps("signIn", "providers"), "a provider sends people back to server.url; write it")
	}
	for name, v := range map[string]string{"idle": c.SignIn.Idle, "absolute": c.SignIn.Absolute} {
		if _, err := Length(v); err != nil {
			d.bad(steps("signIn", name), "%s: %q is not a length of time from 1m to 720h, such as 12h", name, v)
		}
	}
	if f := c.SignIn.SecondFactor; f != "" && f != FactorRequired && f != FactorOptional {
		d.bad(steps("signIn", "secondFactor"), "secondFactor %q is neither %s nor %s", f, FactorRequired, FactorOptional)
	}
	seen := map[string]bool{}
	for i, p := range c.SignIn.Providers {
		switch {
		case !providerID.MatchString(p.ID) || seen[p.ID]:
			d.bad(steps("signIn", "providers", i), "id %q: each provider has its own, of a-z, 0-9 and -", p.ID)
		case !isWebAddress(p.Issuer) || p.ClientID == "":
			d.bad(steps("signIn", "providers", i), "a provider has an issuer such as https://login.example.com and a clientId")
		}
		seen[p.ID] = true
		if p.ClientSecret != "" {
			wantReference(d, p.ClientSecret, "signIn", "providers", i, "clientSecret")
		}
	}
}

// Length reads a length of time such as 12h, from a minute to 30 days; "" is 0.
func Length(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < time.Minute || v > 30*24*time.Hour {
		return 0, fmt.Errorf("%w: %q is not a length of time from 1m to 720h", audit.ErrInvalid, s)
	}
	return v, nil
}
