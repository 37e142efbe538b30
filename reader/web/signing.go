package web

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/signature"
)

// signRoutes are for the keys with which people sign.
var signRoutes = []route{
	{pattern: "POST /account/signing", do: (*request).makeSigningKey},
}

// How often a passphrase may be wrong before its person waits, and how long.
const (
	wrongPassphrases = 5
	passphraseWait   = 15 * time.Minute
)

// guesses counts wrong passphrases by account. It is safe for concurrent use.
type guesses struct {
	mu sync.Mutex
	by map[string]*guessed
}

type guessed struct {
	n     int
	until time.Time // nothing is tried before
}

// may refuses who has guessed too often.
func (g *guesses) may(account string, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if x := g.by[account]; x != nil && now.Before(x.until) {
		return fmt.Errorf("%w: the passphrase was wrong %d times; wait %d minutes. Nothing was signed", audit.ErrInvalid, wrongPassphrases, int(passphraseWait/time.Minute))
	}
	return nil
}

// tell counts a wrong passphrase, or forgets those before a right one.
func (g *guesses) tell(account string, wrong bool, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !wrong {
		delete(g.by, account)
		return
	}
	if g.by == nil {
		g.by = map[string]*guessed{}
	}
	x := g.by[account]
	if x == nil {
		x = &guessed{}
		g.by[account] = x
	}
	if x.n++; x.n >= wrongPassphrases {
		x.n, x.until = 0, now.Add(passphraseWait)
	}
}

func (q *request) ring() signature.Keyring {
	return signature.Folder{Dir: filepath.Join(q.st.p.Dir, ".tieout", "keys")}
}

// A signing is what the template "sign" shows: who signs, with which key, and why
// they cannot.
type signing struct {
	Name, Key string
	Title     string // as it was typed
	Missing   string // "": they can sign
}

// signing is whether who is signed in can sign here, for the template "sign".
func (q *request) signing() (signing, error) {
	out := signing{Name: q.me.Name, Title: q.PostForm.Get("title")}
	k, err := signature.KeyOf(q.Context(), q.ring(), q.me.ID)
	switch {
	case errors.Is(err, audit.ErrNotFound):
		out.Missing = "You have no key to sign with. Make one on your account's page; its passphrase is kept nowhere."
	case err != nil:
		return out, err
	case k.Name != q.me.Name:
		out.Missing = fmt.Sprintf("Your key is of the name %s. Make another on your account's page.", k.Name)
	default:
		out.Key = k.ID()
	}
	return out, nil
}

// sign signs a digest (SHA-256, hex) with the key of who is signed in and the
// form's fields title and passphrase. What is the signed thing in words, such as
// "opinion". The passphrase is kept nowhere; a wrong one is audit.ErrInvalid, and
// who has just signed in is asked for.
func (q *request) sign(what, digest string) (engagement.Signature, error) {
	var none engagement.Signature
	if err := q.freshly(); err != nil {
		return none, err
	}
	k, err := signature.KeyOf(q.Context(), q.ring(), q.me.ID)
	if errors.Is(err, audit.ErrNotFound) {
		return none, fmt.Errorf("%w: you have no key to sign with; make one on your account's page", audit.ErrConflict)
	}
	if err == nil {
		err = q.s.guesses.may(q.me.ID, q.now())
	}
	if err != nil {
		return none, err
	}
	title := q.field("title")
	if title == "" {
		return none, fmt.Errorf("%w: title: write in which capacity you sign, such as Partner or Chief Executive Officer", audit.ErrInvalid)
	}
	sig, err := signature.Sign(k.Wrapped, q.PostForm.Get("passphrase"), signature.Statement{Signer: q.me.ID, Name: q.me.Name, Title: title, What: what, Digest: digest, At: q.now()})
	q.s.guesses.tell(q.me.ID, errors.Is(err, audit.ErrForbidden), q.now())
	if errors.Is(err, audit.ErrForbidden) {
		return none, fmt.Errorf("%w: the passphrase is not the one of your key; nothing was signed", audit.ErrInvalid)
	}
	return sig, err
}

// makeSigningKey makes a key for who is signed in; the log announces it.
func (q *request) makeSigningKey() error {
	if err := q.freshly(); err != nil {
		return err
	}
	passphrase := q.PostForm.Get("passphrase")
	if passphrase != q.PostForm.Get("again") {
		return q.selfProblem(errors.Join(audit.ErrInvalid, errors.New("the two passphrases differ; no key was made")), accountPage{})
	}
	by := audit.Actor{Kind: q.who.Kind, Name: q.who.Account}
	k, err := signature.Make(q.Context(), q.ring(), q.st.p.Seal, by, q.me.ID, q.me.Name, passphrase)
	if err != nil {
		return q.selfProblem(err, accountPage{})
	}
	return q.done("/account", "You sign with key "+k.ID()+" from now on. Nobody can find its passphrase again.")
}

// signingKey is the key of who is signed in, "" for none, and when it was made.
func (q *request) signingKey(ctx context.Context, a access.Account) (id string, made time.Time, err error) {
	k, err := signature.KeyOf(ctx, q.ring(), a.ID)
	if errors.Is(err, audit.ErrNotFound) {
		return "", made, nil
	}
	if err != nil {
		return "", made, err
	}
	return k.ID(), k.Made, nil
}
