package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/report/text"
)

// accountCommand manages who has access, for whoever runs the program on its
// machine.
func (a *app) accountCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "account", Short: "Who has access: invite people, give roles, suspend, end sessions",
		Long: `Manages who may sign in to 'tieout serve', from the machine that holds the
workspace. Whoever can run these commands has the store and its keys; what they
do is sealed in the log under the name of this machine's user (TIEOUT_ACTOR).

An account is named by its e-mail address or its ID; a role by role@scope, such
as compliance-lead@workspace, control-owner@control:IAM-06 or employee@own.`,
	}
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "Accounts, what they may and how they sign in", Args: exactly(0, "no argument"), RunE: a.onPeople(a.listAccounts)},
		a.inviteCommand(), a.bootstrapCommand(), a.linkCommand(), a.welcomeCommand(), a.signInCommand(), a.signOutCommand(), a.rolesCommand(),
		in(&cobra.Command{Use: "suspend ACCOUNT", Short: "Let an account in no more; end its sessions, links and tokens", Args: exactly(1, "an account"),
			RunE: a.onPeople(a.suspend)}, "table", "json"),
		in(&cobra.Command{Use: "reactivate ACCOUNT", Short: "Let a suspended account in again with the roles it had", Args: exactly(1, "an account"),
			RunE: a.onPeople(a.reactivate)}, "table", "json"),
		&cobra.Command{Use: "sessions ACCOUNT", Short: "Sessions of an account that have not ended", Args: exactly(1, "an account"), RunE: a.onPeople(a.listSessions)},
		in(&cobra.Command{Use: "end-sessions ACCOUNT", Short: "Sign an account out everywhere", Args: exactly(1, "an account"),
			RunE: a.onPeople(a.endSessions)}, "table", "json"),
	)
	return cmd
}

// members are the workspace's people with who acts on them, and the arguments.
type members struct {
	*access.People
	p    *period.Program
	by   access.Subject
	args []string
}

// onPeople runs f with the workspace's people.
func (a *app) onPeople(f func(ctx context.Context, d members) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return a.with(cmd.Context(), func(p *period.Program) error {
			people, err := p.People(cmd.Context(), "")
			if err != nil {
				return err
			}
			return f(cmd.Context(), members{people, p, people.Operator(a.actor().Name), args})
		})
	}
}

// who is the account that the first argument names.
func (d members) who(ctx context.Context) (access.Account, error) {
	acc, err := d.AccountOf(ctx, d.by, d.args[0])
	if err != nil {
		return acc, fmt.Errorf("%w; see 'tieout account list'", err)
	}
	return acc, nil
}

func (a *app) listAccounts(ctx context.Context, d members) error {
	all, err := d.Accounts(ctx, d.by)
	if err != nil {
		return err
	}
	l := listing{schema: "tieout.accounts/1", summary: count(len(all), "account", "accounts") + ".", columns: []text.Column{
		{Head: "account"}, {Head: "name", Flex: true}, {Head: "status"}, {Head: "roles", Flex: true}, {Head: "signs in with", Flex: true},
	}}
	for _, x := range all {
		l.rows = append(l.rows, row{[]string{x.Email, x.Name, string(x.Status), roleWords(x.Grants), ways(x)}, accountValue(x)})
	}
	return a.show(l)
}

func roleWords(grants []access.Grant) string {
	out := make([]string, len(grants))
	for i, g := range grants {
		out[i] = g.Spec()
	}
	return strings.Join(out, " ")
}

// ways are how a person can sign in, in words.
func ways(x access.Account) string {
	var out []string
	for _, w := range []struct {
		has  bool
		word string
	}{{x.Password, "password"}, {x.App, "app"}, {x.Passkeys > 0, "passkey"}, {x.Identities > 0, "provider"}} {
		if w.has {
			out = append(out, w.word)
		}
	}
	return strings.Join(out, ", ")
}

// accountValue is an account for programs.
func accountValue(x access.Account) map[string]any {
	return map[string]any{"id": x.ID, "email": x.Email, "name": x.Name, "status": x.Status, "created": audit.FormatTime(x.Created),
		"roles": strings.Fields(roleWords(x.Grants)), "roles_by_groups": strings.Fields(roleWords(x.ByGroups)), "password": x.Password,
		"second_factor": x.SecondFactor, "passkeys": x.Passkeys, "identities": x.Identities}
}

// linkFlags are the flags of commands that make a link.
type linkFlags struct {
	name  string
	roles []string
	url   string
	reset bool
}

func (f *linkFlags) address(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.url, "url", "", "address people open (default: server.url of tieout.yaml, else http://localhost:8731)")
}

func (a *app) inviteCommand() *cobra.Command {
	var f linkFlags
	cmd := &cobra.Command{Use: "invite EMAIL", Short: "Make an account and a link with which its person sets a password",
		Long: "Makes an account and prints a link with which its person sets a password. The link works once, for seven days, and is shown only now: " +
			"send it to the person's own address.",
		Example: "  tieout account invite ana@example.com --name 'Ana Moss' \\\n      --role compliance-lead@workspace", Args: exactly(1, "an e-mail address"),
		RunE: a.onPeople(func(ctx context.Context, d members) error { return a.invite(ctx, d, f) })}
	cmd.Flags().StringVar(&f.name, "name", "", "the person's name")
	cmd.Flags().StringArrayVar(&f.roles, "role", nil, "a role, as role@scope; may be repeated")
	f.address(cmd)
	return in(cmd, "table", "json")
}

func (a *app) invite(ctx context.Context, d members, f linkFlags) error {
	grants, err := parseRoles(d.p.Kind(), f.roles)
	if err != nil {
		return err
	}
	return a.tellLink(d, f, func() (access.Invitation, error) {
		i, _, err := d.Invite(ctx, d.by, d.args[0], f.name, grants)
		return i, err
	})
}

// parseRoles reads roles as they are written on the command line.
func parseRoles(kind access.Workspace, list []string) (out []access.Grant, err error) {
	for _, s := range list {
		g, err := access.ParseGrant(kind, s)
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, nil
}

// tellLink makes a link and prints it, once it is known where it leads.
func (a *app) tellLink(d members, f linkFlags, invite func() (access.Invitation, error)) error {
	base := cmp.Or(f.url, d.p.Def.Config.Server.URL, "http://localhost:8731")
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%w: --url %q is not an address such as https://tieout.example.com", audit.ErrUsage, base)
	}
	i, err := invite()
	if err != nil {
		return err
	}
	link := strings.TrimSuffix(base, "/") + "/welcome?i=" + i.Secret
	if a.output == "json" {
		return a.writeJSON("tieout.invitation/1", "A link for "+i.Account.Email+".", "result",
			map[string]any{"account": i.Account.ID, "link": link, "expires": audit.FormatTime(i.Expires)})
	}
	fmt.Fprintln(a.env.Stdout, link)
	a.note("The link is for %s, works once, until %s, and is not shown again.", i.Account.Email, i.Expires.In(d.p.Period.Location()).Format("2 Jan 2006 15:04"))
	return nil
}

func (a *app) bootstrapCommand() *cobra.Command {
	var f linkFlags
	cmd := &cobra.Command{Use: "bootstrap EMAIL", Short: "Invite the first administrator, or a new one when none is left",
		Args: exactly(1, "an e-mail address"), RunE: a.onPeople(func(ctx context.Context, d members) error {
			return a.tellLink(d, f, func() (access.Invitation, error) {
				i, _, err := d.Bootstrap(ctx, d.args[0], cmp.Or(f.name, d.args[0]))
				return i, err
			})
		})}
	cmd.Flags().StringVar(&f.name, "name", "", "the person's name (default: the address)")
	f.address(cmd)
	return in(cmd, "table", "json")
}

func (a *app) linkCommand() *cobra.Command {
	var f linkFlags
	cmd := &cobra.Command{Use: "link ACCOUNT", Short: "Make a new link for an account, as for a forgotten password",
		Args: exactly(1, "an account"), RunE: a.onPeople(func(ctx context.Context, d members) error {
			x, err := d.who(ctx)
			if err != nil {
				return err
			}
			return a.tellLink(d, f, func() (access.Invitation, error) {
				i, _, err := d.InviteAgain(ctx, d.by, x.ID, f.reset)
				return i, err
			})
		})}
	cmd.Flags().BoolVar(&f.reset, "reset-second-factor", false, "using the link also removes the app, the passkeys and the recovery codes")
	f.address(cmd)
	return in(cmd, "table", "json")
}

func (a *app) rolesCommand() *cobra.Command {
	var none bool
	cmd := &cobra.Command{Use: "roles ACCOUNT [ROLE@SCOPE...]", Short: "Show an account's roles, or give it these in place of those it has",
		Example: "  tieout account roles ana@example.com compliance-lead@workspace employee@own\n  tieout account roles ana@example.com --none",
		Args:    between(1, 50, "an account, and the roles it is to have"),
		RunE:    a.onPeople(func(ctx context.Context, d members) error { return a.roles(ctx, d, none) })}
	cmd.Flags().BoolVar(&none, "none", false, "take all roles")
	return in(cmd, "table", "json")
}

func (a *app) roles(ctx context.Context, d members, none bool) error {
	x, err := d.who(ctx)
	if err != nil {
		return err
	}
	if none && len(d.args) > 1 {
		return fmt.Errorf("%w: roles, or --none; not both", audit.ErrUsage)
	}
	if none || len(d.args) > 1 {
		grants, err := parseRoles(d.p.Kind(), d.args[1:])
		if err != nil {
			return err
		}
		if _, err := d.SetGrants(ctx, d.by, x.ID, grants); err != nil {
			return err
		}
		if x, err = d.who(ctx); err != nil {
			return err
		}
	}
	return a.tell("tieout.account/1", fmt.Sprintf("%s: %s.", x.Email, cmp.Or(roleWords(x.Grants), "no role")), accountValue(x))
}

func (a *app) suspend(ctx context.Context, d members) error {
	return a.change(ctx, d, "%s is suspended. Its sessions, links and tokens have ended; what it did stays.", d.Suspend)
}

func (a *app) reactivate(ctx context.Context, d members) error {
	return a.change(ctx, d, "%s is let in again.", d.Reactivate)
}

func (a *app) endSessions(ctx context.Context, d members) error {
	return a.change(ctx, d, "%s is signed out everywhere.", d.EndSessions)
}

// change does one thing to an account and says so.
func (a *app) change(ctx context.Context, d members, sentence string, do func(context.Context, access.Subject, string) (access.Activity, error)) error {
	x, err := d.who(ctx)
	if err != nil {
		return err
	}
	if _, err := do(ctx, d.by, x.ID); err != nil {
		return err
	}
	if x, err = d.who(ctx); err != nil {
		return err
	}
	return a.tell("tieout.account/1", fmt.Sprintf(sentence, x.Email), accountValue(x))
}

func (a *app) listSessions(ctx context.Context, d members) error {
	x, err := d.who(ctx)
	if err != nil {
		return err
	}
	all, err := d.Sessions(ctx, d.by, x.ID)
	if err != nil {
		return err
	}
	zone := d.p.Period.Location()
	at := func(t time.Time) string { return t.In(zone).Format("2 Jan 2006 15:04") }
	l := listing{schema: "tieout.sessions/1", summary: count(len(all), "session", "sessions") + " of " + x.Email + ".", columns: []text.Column{
		{Head: "session"}, {Head: "signed in with"}, {Head: "began"}, {Head: "used"}, {Head: "ends"}, {Head: "from", Flex: true},
	}}
	for _, s := range all {
		l.rows = append(l.rows, row{[]string{s.ID, s.Method, at(s.Created), at(s.Used), at(s.Expires), s.Address}, map[string]any{
			"id": s.ID, "method": s.Method, "created": audit.FormatTime(s.Created), "used": audit.FormatTime(s.Used),
			"expires": audit.FormatTime(s.Expires), "address": s.Address, "agent": s.Agent}})
	}
	return a.show(l)
}
