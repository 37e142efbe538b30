package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement/signature"
	"tieout/report/text"
)

// keyCommand makes the keys with which people sign reports, assertions and
// letters.
func (a *app) keyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "Keys with which people sign: make one, list, export",
		Long: `Makes the keys with which people sign reports, assertions, letters of
representation and bridge letters. The private half is wrapped with a passphrase
that is kept nowhere: whoever holds this machine cannot sign in somebody's name.
It lies in .tieout/keys; the public half is announced in the log.

A key whose passphrase is lost is of no use any more: its person makes another.
What was signed with it stays signed.`}
	list := &cobra.Command{Use: "list", Short: "Keys, whose they are, and where the log announces them", Args: exactly(0, "no argument"), RunE: a.onPeople(a.listKeys)}
	cmd.AddCommand(a.newKeyCommand(), list, a.exportKeyCommand())
	return cmd
}

func ringOf(d members) signature.Folder {
	return signature.Folder{Dir: filepath.Join(d.p.Dir, ".tieout", "keys")}
}

func (a *app) newKeyCommand() *cobra.Command {
	var reference string
	cmd := &cobra.Command{Use: "new ACCOUNT", Short: "Make a person's key; the person types its passphrase",
		Example: "  tieout key new dana@brookline.example",
		Args:    exactly(1, "an account"), RunE: a.onPeople(func(ctx context.Context, d members) error { return a.newKey(ctx, d, reference) })}
	cmd.Flags().StringVar(&reference, "passphrase", "", "where the passphrase is read from, in place of asking: env:NAME or file:PATH")
	return in(cmd, "table", "json")
}

func (a *app) newKey(ctx context.Context, d members, reference string) error {
	x, err := d.who(ctx)
	if err != nil {
		return err
	}
	if x.Status == access.Suspended || x.Name == "" {
		return fmt.Errorf("%w: %s is suspended or has no name; a key carries its person's name", audit.ErrConflict, x.Email)
	}
	passphrase, err := a.passphrase(ctx, d, reference)
	if err != nil {
		return err
	}
	k, err := signature.Make(ctx, ringOf(d), d.p.Seal, audit.Actor{Kind: d.by.Kind, Name: d.by.Account}, x.ID, x.Name, passphrase)
	if err != nil {
		return err
	}
	said, err := signature.AnnouncedKey(ctx, d.p.Store, k.Verifier)
	if err != nil {
		return err
	}
	a.note("The passphrase is kept nowhere. Without it the key is of no use.")
	v, err := keyValue(ctx, d, x.Email, k)
	if err != nil {
		return err
	}
	return a.tell("tieout.key/1", fmt.Sprintf("%s signs with key %s from now on. The log announces it as %s.", k.Name, k.ID(), audit.EvidenceRef(said.Record)), v)
}

// passphrase reads a new key's, from a reference or twice from the person.
func (a *app) passphrase(ctx context.Context, d members, reference string) (string, error) {
	if reference != "" {
		return d.p.Env.Secret(ctx, reference)
	}
	in, ok := a.env.Stdin.(*os.File)
	if !ok || a.noInput || !terminal(in) {
		return "", fmt.Errorf("%w: there is nobody to ask for a passphrase; name one with --passphrase env:NAME or file:PATH", audit.ErrUsage)
	}
	first, err := a.hidden(in, "Passphrase of the new key: ")
	if err != nil {
		return "", err
	}
	if err := signature.CheckPassphrase(first); err != nil {
		return "", err
	}
	again, err := a.hidden(in, "Once more: ")
	if err == nil && again != first {
		err = fmt.Errorf("%w: the two are not the same; no key was made", audit.ErrUsage)
	}
	return first, err
}

// hidden reads a line that is not shown.
func (a *app) hidden(in *os.File, prompt string) (string, error) {
	fmt.Fprint(a.env.Stderr, prompt)
	b, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(a.env.Stderr)
	return string(b), err
}

func (a *app) listKeys(ctx context.Context, d members) error {
	keys, emails, err := keysOf(ctx, d)
	if err != nil {
		return err
	}
	l := listing{schema: "tieout.keys/1", summary: count(len(keys), "key", "keys") + ".", columns: []text.Column{
		{Head: "key"}, {Head: "name", Flex: true}, {Head: "account"}, {Head: "made"}, {Head: "announced"},
	}}
	for _, k := range keys {
		v, err := keyValue(ctx, d, emails[k.Account], k)
		if err != nil {
			return err
		}
		said, ok := v["announced"].(string)
		if !ok {
			said = "not announced"
		}
		l.rows = append(l.rows, row{[]string{k.ID(), k.Name, emails[k.Account], day(d, k.Made), said}, v})
	}
	return a.show(l)
}

// keysOf are all keys, and the addresses of their accounts.
func keysOf(ctx context.Context, d members) ([]signature.Key, map[string]string, error) {
	keys, err := ringOf(d).Keys(ctx)
	if err != nil {
		return nil, nil, err
	}
	all, err := d.Accounts(ctx, d.by)
	emails := map[string]string{}
	for _, x := range all {
		emails[x.ID] = x.Email
	}
	return keys, emails, err
}

// keyValue is a key for programs. It holds nothing of the private half.
func keyValue(ctx context.Context, d members, email string, k signature.Key) (map[string]any, error) {
	v := map[string]any{"id": k.ID(), "account": k.Account, "email": email, "name": k.Name, "key": k.Verifier, "made": audit.FormatTime(k.Made)}
	said, err := signature.AnnouncedKey(ctx, d.p.Store, k.Verifier)
	if err == nil {
		v["announced"] = audit.EvidenceRef(said.Record)
	}
	if errors.Is(err, audit.ErrNotFound) {
		err = nil
	}
	return v, err
}

func (a *app) exportKeyCommand() *cobra.Command {
	var wrapped bool
	cmd := &cobra.Command{Use: "export KEY", Short: "Print the public half of a key, by its ID or its person's account",
		Long: "Prints the public half of a key (signed-note verifier key), to be given to whoever checks signatures. With --wrapped it prints the " +
			"private half as it is kept, wrapped with the passphrase (an age file), for a copy in a safe place.",
		Args: exactly(1, "a key or an account"), RunE: a.onPeople(func(ctx context.Context, d members) error { return a.exportKey(ctx, d, wrapped) })}
	cmd.Flags().BoolVar(&wrapped, "wrapped", false, "print the wrapped private half")
	return in(cmd, "table")
}

func (a *app) exportKey(ctx context.Context, d members, wrapped bool) error {
	keys, emails, err := keysOf(ctx, d)
	if err != nil {
		return err
	}
	want := strings.ToLower(d.args[0])
	for _, k := range slices.Backward(keys) {
		if want != k.ID() && want != k.Account && want != emails[k.Account] {
			continue
		}
		out := k.Verifier + "\n"
		if wrapped {
			out = string(k.Wrapped)
		}
		_, err := fmt.Fprint(a.env.Stdout, out)
		return err
	}
	return fmt.Errorf("%w: there is no key %.80q; see 'tieout key list'", audit.ErrNotFound, d.args[0])
}
