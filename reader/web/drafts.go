package web

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"tieout/period"
	"tieout/reader/connect"
	"tieout/source"
)

// Limits of connections that are being made.
const (
	maxDrafts   = 32
	draftExpiry = 30 * time.Minute
)

// A draft is a connection somebody is making: what must not go through their
// browser again, and what was tried. It is kept in memory only.
type draft struct {
	account, kind string
	secrets       map[string]string // by setting, as typed
	tested        string            // the file that was tried last
	file          []byte            // an export that was brought
	fileName      string
	expires       time.Time
}

// drafts are the connections that are being made. It is safe for concurrent use.
type drafts struct {
	mu sync.Mutex
	at map[string]draft
}

// get is the draft with that key, if it is this account's and of that kind.
func (d *drafts) get(key, account, kind string, now time.Time) (draft, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	x, ok := d.at[key]
	return x, ok && x.account == account && x.kind == kind && x.expires.After(now)
}

// put keeps a draft under a key; "" makes one. Where there are too many, the one
// that ends first makes room.
func (d *drafts) put(key string, x draft, now time.Time) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if key == "" {
		key = NewKey()
	}
	if d.at == nil {
		d.at = map[string]draft{}
	}
	x.expires = now.Add(draftExpiry)
	d.at[key] = x
	for k, o := range d.at {
		if !o.expires.After(now) {
			delete(d.at, k)
		}
	}
	for len(d.at) > maxDrafts {
		first := key
		for k, o := range d.at {
			if o.expires.Before(d.at[first].expires) {
				first = k
			}
		}
		delete(d.at, first)
	}
	return key
}

func (d *drafts) drop(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.at, key)
}

// lend is what the workspace lends a connection that is tried: its own secrets
// and those typed for this connection, which are in no file yet.
func (x draft) lend(p *period.Program, name string) source.Env {
	env := p.Env
	env.Secret = func(ctx context.Context, ref string) (string, error) {
		for setting, secret := range x.secrets {
			if ref == "file:"+connect.SecretFile(name, setting) {
				return secret, nil
			}
		}
		return p.Env.Secret(ctx, ref)
	}
	return env
}

// definitionDigest is the SHA-256 of a file that was tried, in hex.
func definitionDigest(body []byte) string { return fmt.Sprintf("%x", sha256.Sum256(body)) }
