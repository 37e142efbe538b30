package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tieout/access"
	"tieout/audit"
	"tieout/internal/durable"
	"tieout/period"
)

// Commands that act on an examination are done by people, not by a machine: the
// file tells who tested, who reviewed and who signed. A person signs in by
// command as by the browser; the session's secret lies in the person's own home,
// its hash in the store, and it ends as any session does.

// fromShell is what sessions of commands say they were begun with.
var fromShell = access.From{Agent: "tieout on a command line"}

func (a *app) signInCommand() *cobra.Command {
	var password, code string
	cmd := &cobra.Command{Use: "sign-in ACCOUNT", Short: "Sign in for commands that only a person may do, as those of an examination",
		Long: `Signs a person in on this machine, with the password and, where the account has
one, a second factor. Commands that act on an examination are then theirs, until
the session ends or 'tieout account sign-out'. What is signed or concluded asks
for a sign-in of the last five minutes: do it again, and the session before
ends.

The session is kept in the person's own home (XDG_STATE_HOME, else
~/.local/state), readable by nobody else. Where several people are signed in on
one machine, --as says who acts.`,
		Example: "  tieout account sign-in dana@brookline.example",
		Args:    exactly(1, "an account"), RunE: a.onPeople(func(ctx context.Context, d members) error { return a.signIn(ctx, d, password, code) })}
	cmd.Flags().StringVar(&password, "password", "", "where the password is read from, in place of asking: env:NAME or file:PATH")
	cmd.Flags().StringVar(&code, "code", "", "code of the second factor, or a recovery code")
	return in(cmd, "table", "json")
}

func (a *app) signIn(ctx context.Context, d members, password, code string) error {
	email, err := d.email(ctx)
	if err != nil {
		return err
	}
	if _, err := a.sessionFolder(d.p); err != nil {
		return err
	}
	typed, err := a.secret(ctx, d.p, password, "--password", "Password: ")
	if err != nil {
		return err
	}
	s, _, err := d.SignIn(ctx, access.Attempt{Email: email, Password: typed, From: fromShell})
	if err == nil && s.Pending {
		if code == "" {
			if code, err = a.secret(ctx, d.p, "", "--code", "Code: "); err != nil {
				return err
			}
		}
		s, _, err = d.SecondFactor(ctx, s.Secret, code, fromShell)
	}
	if err != nil {
		return err
	}
	if s.Session.NeedsFactor {
		_, out := d.SignOut(ctx, s.Secret)
		return errors.Join(fmt.Errorf("%w: this workspace asks for a second factor and the account has none; set one up in the browser, under 'tieout serve'", audit.ErrForbidden), out)
	}
	earlier, err := a.kept(d.p, s.Account.ID)
	if err == nil {
		err = a.keepSession(d.p, s.Account.ID, s.Secret)
	}
	if err == nil && earlier != "" { // it lies nowhere any more: nobody could end it by 'sign-out'
		_, err = d.SignOut(ctx, earlier)
	}
	if err != nil {
		return err
	}
	return a.tell("tieout.session/1", fmt.Sprintf("%s is signed in until %s at the latest.", s.Account.Name, s.Session.Expires.UTC().Format("2006-01-02 15:04 UTC")),
		map[string]any{"account": s.Account.ID, "email": s.Account.Email, "expires": audit.FormatTime(s.Session.Expires)})
}

// email is the address of the account that the first argument names; it says
// nothing of whether there is one.
func (d members) email(ctx context.Context) (string, error) {
	if !access.IsAccount(d.args[0]) {
		return d.args[0], nil
	}
	x, err := d.who(ctx)
	return x.Email, err
}

// secret reads a secret from where reference says, or asks the person.
func (a *app) secret(ctx context.Context, p *period.Program, reference, flag, prompt string) (string, error) {
	if reference != "" {
		return p.Env.Secret(ctx, reference)
	}
	in, ok := a.env.Stdin.(*os.File)
	if !ok || a.noInput || !terminal(in) {
		return "", fmt.Errorf("%w: there is nobody to ask; name it with %s env:NAME or file:PATH", audit.ErrUsage, flag)
	}
	return a.hidden(in, prompt)
}

func (a *app) signOutCommand() *cobra.Command {
	return in(&cobra.Command{Use: "sign-out [ACCOUNT]", Short: "End the sessions that 'sign-in' began on this machine, or one account's", Args: atMost(1, "an account"),
		RunE: a.onPeople(a.signOut)}, "table", "json")
}

func (a *app) signOut(ctx context.Context, d members) error {
	only := ""
	if len(d.args) == 1 {
		x, err := d.who(ctx)
		if err != nil {
			return err
		}
		only = x.ID
	}
	have, err := a.sessions(d.p)
	if err != nil {
		return err
	}
	n := 0
	for _, id := range have {
		if only != "" && id != only {
			continue
		}
		secret, err := a.kept(d.p, id)
		if err != nil {
			return err
		}
		if _, err := d.SignOut(ctx, secret); err != nil && !errors.Is(err, audit.ErrForbidden) {
			return err
		}
		if err := a.forget(d.p, id); err != nil {
			return err
		}
		n++
	}
	return a.tell("tieout.session/1", fmt.Sprintf("%s on this machine ended.", count(n, "session", "sessions")), map[string]any{"ended": n})
}

func (a *app) welcomeCommand() *cobra.Command {
	var password string
	cmd := &cobra.Command{Use: "accept LINK", Short: "Use a link of 'invite' or 'link': set the account's password",
		Long: "Uses a link once, as opening it in the browser does: sets the password, which makes the account active, and ends its sessions. Sign in afterwards.",
		Args: exactly(1, "a link"), RunE: a.onPeople(func(ctx context.Context, d members) error { return a.welcome(ctx, d, password) })}
	cmd.Flags().StringVar(&password, "password", "", "where the new password is read from, in place of asking: env:NAME or file:PATH")
	return in(cmd, "table", "json")
}

func (a *app) welcome(ctx context.Context, d members, password string) error {
	u, err := url.Parse(d.args[0])
	if err != nil || u.Query().Get("i") == "" {
		return fmt.Errorf("%w: that is no link of 'tieout account invite'", audit.ErrUsage)
	}
	typed, err := a.secret(ctx, d.p, password, "--password", "New password: ")
	if err != nil {
		return err
	}
	x, _, err := d.Accept(ctx, u.Query().Get("i"), typed, fromShell)
	if err != nil {
		return err
	}
	return a.tell("tieout.account/1", fmt.Sprintf("%s has a password now. Sign in with 'tieout account sign-in %s'.", x.Name, x.Email), map[string]any{"account": x.ID, "email": x.Email})
}

// sessionFolder is where this person's sessions in a workspace lie: outside of
// the workspace, which others may share. Without a home there is no such place.
func (a *app) sessionFolder(p *period.Program) (string, error) {
	state := a.env.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // as the XDG specification asks: a relative one is passed over
		home := a.env.Getenv("HOME")
		if !filepath.IsAbs(home) {
			return "", fmt.Errorf("%w: sessions are kept in your own home, and neither HOME nor XDG_STATE_HOME says where that is", audit.ErrUsage)
		}
		state = filepath.Join(home, ".local", "state")
	}
	sum := sha256.Sum256([]byte(p.Log.Keys().Links()[0].Key.VKey()))
	return filepath.Join(state, "tieout", "sessions", hex.EncodeToString(sum[:8])), nil
}

// kept is the secret of an account's session on this machine, "" of none.
func (a *app) kept(p *period.Program, account string) (string, error) {
	dir, err := a.sessionFolder(p)
	if err != nil {
		return "", err
	}
	secret, err := os.ReadFile(filepath.Join(dir, account))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(secret)), err
}

func (a *app) keepSession(p *period.Program, account, secret string) error {
	dir, err := a.sessionFolder(p)
	if err == nil {
		err = durable.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return err
	}
	return durable.WriteFrom(filepath.Join(dir, account), strings.NewReader(secret+"\n"), 0o600)
}

func (a *app) forget(p *period.Program, account string) error {
	dir, err := a.sessionFolder(p)
	if err != nil {
		return err
	}
	return os.Remove(filepath.Join(dir, account))
}

// sessions are the accounts that are signed in on this machine.
func (a *app) sessions(p *period.Program) (out []string, err error) {
	dir, err := a.sessionFolder(p)
	if err != nil {
		return nil, err
	}
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range list {
		if access.IsAccount(e.Name()) && e.Type().IsRegular() {
			out = append(out, e.Name())
		}
	}
	return out, err
}

// signedIn is who acts: the account of --as, or the only one that is signed in on
// this machine.
func (a *app) signedIn(ctx context.Context, people *access.People, p *period.Program, names map[string]access.Named) (access.Signed, error) {
	who, err := a.chosen(p, names)
	if err != nil {
		return access.Signed{}, err
	}
	secret, err := a.kept(p, who)
	if err != nil {
		return access.Signed{}, err
	}
	if secret == "" {
		return access.Signed{}, fmt.Errorf("%w: %s is not signed in here; see 'tieout account sign-in --help'", audit.ErrForbidden, names[who].Email)
	}
	s, err := people.Resume(ctx, secret, fromShell)
	if errors.Is(err, audit.ErrForbidden) {
		return s, errors.Join(fmt.Errorf("%w: the session of %s has ended; 'tieout account sign-in %s' begins another", audit.ErrForbidden, names[who].Name, names[who].Email),
			a.forget(p, who))
	}
	if err == nil && s.Secret != "" {
		err = a.keepSession(p, who, s.Secret)
	}
	return s, err
}

func (a *app) chosen(p *period.Program, names map[string]access.Named) (string, error) {
	if a.as != "" {
		return accountOf(names, a.as)
	}
	have, err := a.sessions(p)
	switch {
	case err != nil:
		return "", err
	case len(have) == 0:
		return "", fmt.Errorf("%w: only a person does that. Sign in first: tieout account sign-in ADDRESS", audit.ErrForbidden)
	case len(have) > 1:
		var list []string
		for _, id := range have {
			list = append(list, names[id].Email)
		}
		slices.Sort(list)
		return "", fmt.Errorf("%w: several people are signed in here (%s); say who acts with --as ADDRESS", audit.ErrUsage, strings.Join(list, ", "))
	}
	return have[0], nil
}
