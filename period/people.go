package period

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/definition"
	"tieout/evidence"
	"tieout/internal/durable"
)

// accessSink seals what people do with accounts into the workspace's log.
type accessSink struct{ p *Program }

// Seal implements access.Sink: an activity is sealed once, however often it is
// handed over and by how many processes.
func (s accessSink) Seal(ctx context.Context, a access.Activity) (int64, error) {
	return s.p.Seal.SealOnce(ctx, evidence.Draft{
		ID: a.ID, Kind: audit.RecordActivity, Actor: a.By, Collected: a.At,
		Detail: audit.Activity{Through: "server", Act: string(a.Verb), On: a.On, Session: a.Session, Token: a.Token, Address: a.Address, Facts: a.Detail},
	})
}

// accessKeyPath is where the key of the second factors is kept: beside the
// log's key, never in the store.
func (p *Program) accessKeyPath() string { return filepath.Join(p.Dir, stateDir, "keys", "access.key") }

// People opens the accounts of the workspace. The key that encrypts second
// factors is made where there is none. Several processes share one store only
// with the same key file. origin is how browsers see the server, where
// tieout.yaml does not say it; "" turns passkeys off.
func (p *Program) People(ctx context.Context, origin string) (*access.People, error) {
	key, err := loadOrMakeKey(p.accessKeyPath())
	if err != nil {
		return nil, err
	}
	c := p.Def.Config
	o := access.Config{Store: p.Store, Workspace: p.Kind(), Key: key, Sink: accessSink{p}, Now: p.Now, Issuer: "Tieout " + c.Organization.Name,
		Origin: cmp.Or(c.Server.URL, origin), RPID: c.SignIn.PasskeyID, SecondFactor: c.SignIn.SecondFactor == definition.FactorRequired, Groups: c.SignIn.Groups}
	if o.Idle, err = definition.Length(c.SignIn.Idle); err != nil {
		return nil, err
	}
	if o.Absolute, err = definition.Length(c.SignIn.Absolute); err != nil {
		return nil, err
	}
	for _, pc := range c.SignIn.Providers {
		pr, err := p.provider(ctx, pc)
		if err != nil {
			return nil, err
		}
		o.Providers = append(o.Providers, pr)
	}
	return access.Open(o)
}

// provider is an OpenID provider with its secret.
func (p *Program) provider(ctx context.Context, c definition.ProviderConfig) (access.Provider, error) {
	out := access.Provider{ID: c.ID, Title: cmp.Or(c.Title, c.ID), Issuer: c.Issuer, ClientID: c.ClientID, Scopes: c.Scopes,
		VerifiedClaim: c.VerifiedClaim, GroupsClaim: c.GroupsClaim, Groups: c.Groups, Provision: c.Provision, Domains: c.Domains,
		RequireMFA: c.RequireMFA, MFA: c.MFA, ACR: c.ACR}
	if c.ClientSecret == "" {
		return out, nil
	}
	var err error
	out.Secret, err = p.Env.Secret(ctx, c.ClientSecret)
	return out, err
}

// loadOrMakeKey reads 32 bytes, as hex in a file only its owner can read.
func loadOrMakeKey(path string) (key [32]byte, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeAccessKey(path); err != nil {
			return key, err
		}
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return key, fmt.Errorf("key of the accounts: %w", err)
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(raw) != len(key) {
		return key, fmt.Errorf("%w: %s does not hold 32 bytes in hex. Bring the file back; without it second factors have to be set up anew", audit.ErrAltered, path)
	}
	return [32]byte(raw), nil
}

// makeAccessKey makes the key; of two processes that do it at once one wins.
func makeAccessKey(path string) error {
	if err := durable.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return err
	}
	err := durable.Create(path, []byte(hex.EncodeToString(key[:])+"\n"), 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}
