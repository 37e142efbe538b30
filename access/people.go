package access

import (
	"context"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
	"golang.org/x/text/unicode/norm"

	"tieout/audit"
	"tieout/store"
)

// How long things last.
const (
	inviteFor  = 7 * 24 * time.Hour
	pendingFor = 10 * time.Minute // between the password and the second factor
	touchEvery = time.Minute      // at most, of a session's or token's last use

	// FreshFor is how long after signing in somebody can do what needs Again.
	FreshFor = 5 * time.Minute
	// MaxTokenLife is the longest life an API token can be given.
	MaxTokenLife = 366 * 24 * time.Hour
)

// Config is what People needs; only the durations have defaults.
type Config struct {
	Store     *store.Store
	Workspace Workspace
	Key       [32]byte // of this workspace, kept outside the store; encrypts second factors
	Sink      Sink
	Now       func() time.Time
	Issuer    string        // what an authenticator app or a passkey's prompt shows
	Idle      time.Duration // a session ends when it is not used so long; 0: 1 hour
	Absolute  time.Duration // a session ends so long after it began; 0: 12 hours

	// SecondFactor leaves whoever signed in with a password alone nothing to do but
	// to set up a second factor; see Session.NeedsFactor.
	SecondFactor bool

	// Origin is how browsers see this workspace, such as https://tieout.example.com:
	// scheme, host, a port where there is one, no path. Passkeys and providers
	// need it; "" turns both off. http is taken for this computer only.
	Origin string
	// RPID is the name that passkeys are bound to for good: the origin's host, or
	// a domain above it; "": the host. Another one voids all passkeys.
	RPID string
	// Providers are the OpenID providers people may sign in at.
	Providers []Provider
	// Groups gives roles to the members of groups that a directory keeps here
	// (SCIM): a group's name to grants as ParseGrant reads them. See Provider.Groups.
	Groups map[string][]string
}

// People keeps the accounts of one workspace. It is safe for concurrent use,
// also by several processes on one store.
type People struct {
	store          *store.Store
	kind           Workspace
	keys           keys
	sink           Sink
	clock          func() time.Time
	issuer         string
	idle, absolute time.Duration
	secondFactor   bool // see Config.SecondFactor
	passwords      *hasher
	changing       sync.Mutex
	party          *webauthn.WebAuthn // nil: no passkeys here
	providers      []*provider
	groups         Mapping
}

// Open checks the configuration. What a crash left unsealed is sealed before
// the next change, or by Seal.
func Open(c Config) (*People, error) {
	if c.Store == nil || c.Sink == nil || c.Now == nil {
		return nil, fmt.Errorf("%w: access: store, sink and clock have to be given", audit.ErrInvalid)
	}
	if c.Workspace != Company && c.Workspace != Firm {
		return nil, fmt.Errorf("%w: access: a workspace is a company's or a firm's, not %q", audit.ErrInvalid, c.Workspace)
	}
	k, err := newKeys(c.Key)
	if err != nil {
		return nil, err
	}
	p := &People{store: c.Store, kind: c.Workspace, keys: k, sink: c.Sink, clock: c.Now, issuer: c.Issuer,
		idle: c.Idle, absolute: c.Absolute, secondFactor: c.SecondFactor, passwords: newHasher(argonCost)}
	if p.idle <= 0 {
		p.idle = time.Hour
	}
	if p.absolute <= 0 {
		p.absolute = 12 * time.Hour
	}
	if p.party, err = newRelyingParty(c); err != nil {
		return nil, err
	}
	if p.providers, err = newProviders(c); err != nil {
		return nil, err
	}
	if p.groups, err = ParseMapping(c.Workspace, c.Groups); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *People) now() time.Time { return p.clock().UTC().Truncate(time.Microsecond) }

// A Status says what an account can do. The zero value can do nothing.
type Status string

// States of an account.
const (
	Invited   Status = "invited"   // nobody has used its link yet
	Active    Status = "active"    // can sign in
	Suspended Status = "suspended" // cannot; what it did stays
)

// An Account is what others may see of a person's account.
type Account struct {
	ID           string
	Email        string
	Name         string
	Status       Status
	Created      time.Time
	Grants       []Grant
	Password     bool    // has one
	SecondFactor bool    // is asked for one after a password: a code or a passkey
	App          bool    // has an authenticator app
	Recovery     int     // recovery codes left
	Passkeys     int     // how many
	Identities   int     // at providers, how many
	ByGroups     []Grant // those of Grants that groups give and take; see Provider.Groups
}

func account(a store.Account) Account {
	out := Account{ID: a.ID, Email: a.Email, Name: a.Name, Status: Status(a.Status), Created: a.Created,
		Password: a.Password != "", SecondFactor: hasSecond(a), App: a.OTPActive, Recovery: len(a.Recovery),
		Passkeys: int(a.Passkeys), Identities: int(a.Identities)}
	for _, g := range a.Grants {
		grant := Grant{RoleID(g.Role), Scope(g.Scope), g.Object}
		out.Grants = append(out.Grants, grant)
		if g.Via != "" {
			out.ByGroups = append(out.ByGroups, grant)
		}
	}
	return out
}

// hasSecond reports whether an account is asked for a second factor.
func hasSecond(a store.Account) bool { return a.OTPActive || a.Passkeys > 0 }

// stored are grants that a person gives.
func stored(grants []Grant) (out []store.AccountGrant) {
	for _, g := range grants {
		out = append(out, store.AccountGrant{Role: string(g.Role), Scope: string(g.Scope), Object: g.Object})
	}
	return out
}

// words are grants as the log names them, in one order.
func words(grants []Grant) string {
	var out []string
	for _, g := range grants {
		out = append(out, strings.TrimSuffix(string(g.Role)+":"+string(g.Scope)+":"+g.Object, ":"))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// Accounts returns everybody's accounts, in the order they were made.
func (p *People) Accounts(ctx context.Context, by Subject) ([]Account, error) {
	if err := p.may(by, ReadAccounts, p.coveredBy(by)); err != nil {
		return nil, err
	}
	rows, err := p.store.Accounts(ctx)
	out := make([]Account, len(rows))
	for i, a := range rows {
		out[i] = account(a)
	}
	return out, err
}

// A Named is an account as others see who did something.
type Named struct {
	ID, Name, Email string
	Active          bool
	Created         time.Time
	Roles           []RoleID // in the order they were given
}

// Has reports whether the account has a role, at whatever scope.
func (n Named) Has(r RoleID) bool { return slices.Contains(n.Roles, r) }

// Names returns everybody's name by account ID, those of suspended accounts
// too: what somebody did keeps their name. It asks for no permission; who calls
// shows a name only beside what its reader may see.
func (p *People) Names(ctx context.Context) (map[string]Named, error) {
	rows, err := p.store.Accounts(ctx)
	out := make(map[string]Named, len(rows))
	for _, a := range rows {
		n := Named{ID: a.ID, Name: a.Name, Email: a.Email, Active: Status(a.Status) == Active, Created: a.Created}
		for _, g := range a.Grants {
			n.Roles = append(n.Roles, RoleID(g.Role))
		}
		out[a.ID] = n
	}
	return out, err
}

// Empty reports whether nobody can administer the workspace: then whoever runs
// the program on its machine makes the first account, with Bootstrap.
func (p *People) Empty(ctx context.Context) (bool, error) {
	rows, err := p.store.Accounts(ctx)
	for _, a := range rows {
		for _, g := range account(a).Grants {
			if Status(a.Status) == Active && g == p.anchor() {
				return false, err
			}
		}
	}
	return true, err
}

// coveredBy is the list of accounts as an object: every engagement covers who
// has access to the record it examines.
func (p *People) coveredBy(by Subject) (o Object) {
	for _, g := range by.Grants {
		if g.Scope == ScopeEngagement {
			o.Engagements = append(o.Engagements, g.Object)
		}
	}
	return o
}

// Account returns one account: one's own, or with the permission account.read.
func (p *People) Account(ctx context.Context, by Subject, id string) (Account, error) {
	if by.Account == "" || by.Account != id {
		if err := p.may(by, ReadAccounts, p.coveredBy(by)); err != nil {
			return Account{}, err
		}
	}
	a, err := p.store.Account(ctx, id)
	return account(a), err
}

// Email returns an address as it is compared and kept: lower case, NFC. The
// error wraps audit.ErrInvalid.
func Email(typed string) (string, error) {
	s := strings.ToLower(norm.NFC.String(strings.TrimSpace(typed)))
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" || len(s) > 254 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", fmt.Errorf("%w: %q is not an e-mail address such as ana@example.com", audit.ErrInvalid, typed)
	}
	return s, nil
}

// Sweep forgets what has expired. It changes nobody's rights and is not
// recorded; run it about daily.
func (p *People) Sweep(ctx context.Context) error {
	now := p.now()
	return p.store.SweepAccess(ctx, now, now.Add(-knownFor))
}
