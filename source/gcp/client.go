package gcp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

const oauthScope = "https://www.googleapis.com/auth/cloud-platform"

// A collector reads one scope.
type collector struct {
	name     string
	settings settings
	env      source.Env
	wait     func(ctx context.Context, d time.Duration) error // tests count instead of sleeping
}

// clients are the interfaces that are asked.
type clients struct {
	assets, projects, sql *rest.Client
}

// connect reads the secret and makes the clients.
func (c *collector) connect(ctx context.Context) (clients, error) {
	authorize, secret, err := c.authorizer(ctx)
	if err != nil {
		return clients{}, fmt.Errorf("source %s: %w", c.name, err)
	}
	made := map[string]*rest.Client{}
	for _, service := range []string{"cloudasset", "cloudresourcemanager", "sqladmin"} {
		base, err := c.settings.base(service)
		if err != nil {
			return clients{}, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, c.name, err)
		}
		headers := map[string]string{}
		if q := c.settings.QuotaProject; q != "" {
			headers["X-Goog-User-Project"] = q
		}
		made[service] = &rest.Client{HTTP: source.Guard(c.env.HTTP, c.settings.Allow, base), Base: base, Headers: headers,
			Authorize: authorize, Secrets: []string{secret}, Wait: c.wait}
	}
	return clients{assets: made["cloudasset"], projects: made["cloudresourcemanager"], sql: made["sqladmin"]}, nil
}

// A keyFile is a service account's key as Google gives it out.
type keyFile struct {
	Type     string `json:"type"`
	Email    string `json:"client_email"`
	KeyID    string `json:"private_key_id"`
	Key      string `json:"private_key"`
	TokenURI string `json:"token_uri"`
}

func (c *collector) authorizer(ctx context.Context) (rest.Authorizer, string, error) {
	if c.settings.Token != "" {
		token, err := c.env.ResolveSecret(ctx, "token", c.settings.Token)
		return rest.Header("Authorization", "Bearer "+token), token, err
	}
	text, err := c.env.ResolveSecret(ctx, "key", c.settings.Key)
	if err != nil {
		return nil, "", err
	}
	var k keyFile
	if json.Unmarshal([]byte(text), &k) != nil || k.Type != "service_account" || k.Email == "" || k.Key == "" {
		return nil, "", fmt.Errorf("%w: key: what %s holds is no key file of a service account (JSON with type, client_email and private_key)", audit.ErrInvalid, c.settings.Key)
	}
	client, err := c.tokenClient(k.TokenURI)
	if err != nil {
		return nil, "", err
	}
	return rest.Assertion(client, rest.Grant{Issuer: k.Email, KeyID: k.KeyID, Key: []byte(k.Key), TokenURL: k.TokenURI, Scopes: []string{oauthScope}}), k.Key, nil
}

// tokenClient is a client that asks the token endpoint of a key file only.
func (c *collector) tokenClient(uri string) (*http.Client, error) {
	base, err := source.BaseURL("key: token_uri", uri, "", c.settings.Allow)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	return source.Guard(c.env.HTTP, c.settings.Allow, base), nil
}

// query encodes parameters; a name may stand more than once.
func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return "?" + q.Encode()
}
