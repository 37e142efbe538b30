package access

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"tieout/audit"
	"tieout/store"
)

const (
	maxPasskeys  = 20       // of one account
	maxCeremony  = 64 << 10 // bytes of what a browser answers
	maxPasskeyID = 2000     // characters, as passkeys are named to browsers
)

// errPasskey is all that a sign-in with a passkey says that did not succeed.
var errPasskey = fmt.Errorf("%w: the passkey is not known here, or its answer is not right", audit.ErrForbidden)

// A Passkey is what its person may see of one.
type Passkey struct {
	ID      string // credential ID in base64url (RFC 4648, 5)
	Name    string
	Created time.Time
	Used    time.Time // zero: never
	Synced  bool      // it may be on several devices of the person
}

// origin checks the address under which browsers see the workspace and returns
// its host.
func origin(s string) (host string, err error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", fmt.Errorf("%w: access: the origin %q is not like https://tieout.example.com, without a path", audit.ErrInvalid, s)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return "", fmt.Errorf("%w: access: the origin %q has to be https; http is for this computer only", audit.ErrInvalid, s)
	}
	return u.Hostname(), nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// newRelyingParty returns nil where browsers offer no passkeys: without an
// origin, or where it is a number and not a name (WebAuthn 3, 5.1.3).
func newRelyingParty(c Config) (*webauthn.WebAuthn, error) {
	if c.Origin == "" {
		return nil, nil
	}
	host, err := origin(c.Origin)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil, nil
	}
	id := c.RPID
	if id == "" {
		id = host
	}
	if host != id && !strings.HasSuffix(host, "."+id) {
		return nil, fmt.Errorf("%w: access: passkeys of %s cannot be bound to %s, which is not it or above it", audit.ErrInvalid, host, id)
	}
	name := c.Issuer
	if name == "" {
		name = host
	}
	w, err := webauthn.New(&webauthn.Config{RPID: id, RPDisplayName: name, RPOrigins: []string{c.Origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired}})
	if err != nil {
		return nil, fmt.Errorf("%w: access: passkeys: %w", audit.ErrInvalid, err)
	}
	return w, nil
}

// CanPasskey reports whether browsers can use passkeys here: Config.Origin is
// set and names a host.
func (p *People) CanPasskey() bool { return p.party != nil }

func (p *People) needParty() error {
	if p.party == nil {
		return fmt.Errorf("%w: passkeys need the server's address under a name; say it in the settings", audit.ErrInvalid)
	}
	return nil
}

// A holder is an account as the ceremonies see it.
type holder struct {
	account store.Account
	keys    []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return []byte(h.account.ID) }
func (h holder) WebAuthnName() string                       { return h.account.Email }
func (h holder) WebAuthnDisplayName() string                { return h.account.Name }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

func (p *People) holder(a store.Account, rows []store.Passkey) (holder, error) {
	h := holder{account: a}
	for _, r := range rows {
		c, err := p.credential(r)
		if err != nil {
			return h, err
		}
		h.keys = append(h.keys, c)
	}
	return h, nil
}

func (p *People) holderOf(ctx context.Context, a store.Account) (holder, error) {
	rows, err := p.store.Passkeys(ctx, a.ID)
	if err != nil {
		return holder{}, err
	}
	return p.holder(a, rows)
}

func (p *People) credential(r store.Passkey) (c webauthn.Credential, err error) {
	body, err := p.keys.open("passkey", r.Account+"\x1f"+string(r.ID), r.Credential)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return c, fmt.Errorf("%w: passkey in the store: %w", audit.ErrAltered, err)
	}
	return c, nil
}

// kept is a credential as it is kept: without what only its maker's statement
// was about, and encrypted for its account.
func (p *People) kept(account string, c webauthn.Credential) ([]byte, error) {
	c.Attestation = webauthn.CredentialAttestation{}
	body, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return p.keys.seal("passkey", account+"\x1f"+string(c.ID), body), nil
}

// BeginPasskey starts to register a passkey for the person of a session who
// has just signed in. options is what navigator.credentials.create takes, as
// JSON {"publicKey": PublicKeyCredentialCreationOptionsJSON} (WebAuthn 3, 5.4);
// the answer goes to FinishPasskey within five minutes, in the same session.
func (p *People) BeginPasskey(ctx context.Context, by Subject) (options []byte, err error) {
	if err := p.needParty(); err != nil {
		return nil, err
	}
	a, err := p.self(ctx, by)
	if err != nil {
		return nil, err
	}
	h, err := p.holderOf(ctx, a)
	if err != nil {
		return nil, err
	}
	if len(h.keys) >= maxPasskeys {
		return nil, fmt.Errorf("%w: an account has at most %d passkeys; remove one first", audit.ErrConflict, maxPasskeys)
	}
	var exclude []protocol.CredentialDescriptor
	for _, c := range h.keys {
		exclude = append(exclude, c.Descriptor())
	}
	creation, data, err := p.party.BeginRegistration(h, webauthn.WithExclusions(exclude))
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	if err := p.pose(ctx, "passkey registration", by.Session, data, challengeFor); err != nil {
		return nil, err
	}
	return json.Marshal(creation)
}

// FinishPasskey takes the browser's answer to BeginPasskey, a
// RegistrationResponseJSON, and adds the passkey under a name. Where it is the
// account's first second factor the recovery codes are returned, to be shown
// once. Sessions of the account get new secrets when they are used next.
func (p *People) FinishPasskey(ctx context.Context, by Subject, name string, response []byte) (Passkey, []string, Activity, error) {
	fail := func(err error) (Passkey, []string, Activity, error) { return Passkey{}, nil, Activity{}, err }
	if err := p.needParty(); err != nil {
		return fail(err)
	}
	a, err := p.self(ctx, by)
	if err != nil {
		return fail(err)
	}
	if name, err = passkeyName(name); err != nil {
		return fail(err)
	}
	made, err := p.registered(ctx, a, by.Session, response)
	if err != nil {
		return fail(err)
	}
	k := store.Passkey{ID: made.ID, Account: a.ID, Name: name, Created: p.now()}
	if k.Credential, err = p.kept(a.ID, *made); err != nil {
		return fail(err)
	}
	var codes []string
	if len(a.Recovery) == 0 {
		codes, a.Recovery = newRecovery(a.ID)
	}
	a.Rights++
	act, err := p.change(ctx, by, DidAddPasskey, "account:"+a.ID, map[string]string{"passkey": passkeyID(made.ID)},
		store.AccessChange{Account: &a, Passkey: &k})
	if err != nil {
		return Passkey{}, nil, act, err
	}
	return passkey(k, *made), codes, act, nil
}

// registered checks a browser's answer to BeginPasskey.
func (p *People) registered(ctx context.Context, a store.Account, session string, response []byte) (*webauthn.Credential, error) {
	var data webauthn.SessionData
	if err := p.answered(ctx, "passkey registration", session, &data); err != nil {
		return nil, err
	}
	parsed, err := parseCreation(response)
	if err != nil {
		return nil, err
	}
	made, err := p.party.CreateCredential(holder{account: a}, data, parsed)
	if err != nil {
		return nil, fmt.Errorf("%w: the passkey was not accepted: %s", audit.ErrInvalid, said(err))
	}
	if len(made.ID) == 0 || len(made.ID) > 1023 {
		return nil, fmt.Errorf("%w: the passkey's ID has %d bytes", audit.ErrInvalid, len(made.ID))
	}
	return made, nil
}

// said is what the ceremony says was wrong, without what was shown.
func said(err error) string {
	var e *protocol.Error
	if errors.As(err, &e) {
		return e.Details
	}
	return "its answer is not right"
}

// parseCreation and parseAssertion read what a browser answers: JSON of at most
// 64 KiB with CBOR in it. The error wraps audit.ErrInvalid.
func parseCreation(b []byte) (*protocol.ParsedCredentialCreationData, error) {
	if len(b) > maxCeremony {
		return nil, fmt.Errorf("%w: the browser's answer is longer than %d bytes", audit.ErrInvalid, maxCeremony)
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(b)
	if err != nil {
		return nil, fmt.Errorf("%w: the browser's answer: %s", audit.ErrInvalid, said(err))
	}
	return parsed, nil
}

func parseAssertion(b []byte) (*protocol.ParsedCredentialAssertionData, error) {
	if len(b) > maxCeremony {
		return nil, fmt.Errorf("%w: the browser's answer is longer than %d bytes", audit.ErrInvalid, maxCeremony)
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(b)
	if err != nil {
		return nil, fmt.Errorf("%w: the browser's answer: %s", audit.ErrInvalid, said(err))
	}
	return parsed, nil
}

func passkeyName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" || utf8.RuneCountInString(name) > 100 || cut(name) != name {
		return "", fmt.Errorf("%w: a passkey's name has 1 to 100 characters", audit.ErrInvalid)
	}
	return name, nil
}

func passkeyID(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

func passkey(k store.Passkey, c webauthn.Credential) Passkey {
	return Passkey{ID: passkeyID(k.ID), Name: k.Name, Created: k.Created, Used: k.Used, Synced: c.Flags.BackupEligible}
}

// Passkeys returns the passkeys of an account, the oldest first: one's own, or
// with account.read of the whole workspace.
func (p *People) Passkeys(ctx context.Context, by Subject, account string) ([]Passkey, error) {
	if err := p.ownOr(by, account, ReadAccounts); err != nil {
		return nil, err
	}
	rows, err := p.store.Passkeys(ctx, account)
	if err != nil {
		return nil, err
	}
	out := make([]Passkey, len(rows))
	for i, r := range rows {
		c, err := p.credential(r)
		if err != nil {
			return nil, err
		}
		out[i] = passkey(r, c)
	}
	return out, nil
}

// ownPasskey reads one of the passkeys of a person who has just signed in.
func (p *People) ownPasskey(ctx context.Context, by Subject, id string) (store.Account, store.Passkey, error) {
	a, err := p.self(ctx, by)
	if err != nil {
		return a, store.Passkey{}, err
	}
	unknown := fmt.Errorf("%w: you have no passkey %.20q", audit.ErrNotFound, id)
	if len(id) > maxPasskeyID {
		return a, store.Passkey{}, unknown
	}
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		return a, store.Passkey{}, unknown
	}
	k, err := p.store.Passkey(ctx, raw)
	if errors.Is(err, audit.ErrNotFound) || err == nil && k.Account != a.ID {
		return a, store.Passkey{}, unknown
	}
	return a, k, err
}

// RenamePasskey gives one of one's own passkeys another name.
func (p *People) RenamePasskey(ctx context.Context, by Subject, id, name string) (Activity, error) {
	a, k, err := p.ownPasskey(ctx, by, id)
	if err != nil {
		return Activity{}, err
	}
	if k.Name, err = passkeyName(name); err != nil {
		return Activity{}, err
	}
	return p.change(ctx, by, DidRenamePasskey, "account:"+a.ID, map[string]string{"passkey": id}, store.AccessChange{Passkey: &k})
}

// RemovePasskey removes one of one's own passkeys. The last way to sign in
// stays. Recovery codes go with the last second factor.
func (p *People) RemovePasskey(ctx context.Context, by Subject, id string) (Activity, error) {
	a, k, err := p.ownPasskey(ctx, by, id)
	if err != nil {
		return Activity{}, err
	}
	if a.Passkeys == 1 && a.Password == "" && a.Identities == 0 {
		return Activity{}, fmt.Errorf("%w: it is the only way you sign in; add another passkey first", audit.ErrConflict)
	}
	if a.Passkeys == 1 && !a.OTPActive {
		if err := p.keepsFactor(a); err != nil {
			return Activity{}, err
		}
		a.Recovery = nil
	}
	a.Rights++
	return p.change(ctx, by, DidRemovePasskey, "account:"+a.ID, map[string]string{"passkey": id},
		store.AccessChange{Account: &a, DropPasskey: &store.PasskeyRef{ID: k.ID, Account: a.ID}})
}
