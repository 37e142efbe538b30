package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/access"
	"tieout/audit"
	"tieout/report/text"
)

// tokenCommand manages API tokens, for whoever runs the program on its machine.
func (a *app) tokenCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "API tokens: list, create, revoke",
		Long: `Manages the tokens with which programs ask 'tieout serve', from the machine that
holds the workspace. A token acts for an account with at most the permissions it
was made for, and never does what needs a person. A directory that provisions
accounts (SCIM, at /scim/v2) needs one with account.provision.`}
	cmd.AddCommand(a.listTokensCommand(), a.createTokenCommand(),
		in(&cobra.Command{Use: "revoke TOKEN", Short: "End a token at once", Args: exactly(1, "the ID of a token"),
			RunE: a.onPeople(a.revokeToken)}, "table", "json"))
	return cmd
}

func (a *app) listTokensCommand() *cobra.Command {
	var account string
	cmd := &cobra.Command{Use: "list", Short: "Tokens, what they may and when they end", Args: exactly(0, "no argument"),
		RunE: a.onPeople(func(ctx context.Context, d members) error { return a.listTokens(ctx, d, account) })}
	cmd.Flags().StringVar(&account, "account", "", "only those of this account")
	return cmd
}

func (a *app) listTokens(ctx context.Context, d members, account string) error {
	people, err := d.Accounts(ctx, d.by)
	if err != nil {
		return err
	}
	id := ""
	if account != "" {
		d.args = []string{account}
		x, err := d.who(ctx)
		if err != nil {
			return err
		}
		id = x.ID
	}
	all, err := d.Tokens(ctx, d.by, id)
	if err != nil {
		return err
	}
	emails := map[string]string{}
	for _, x := range people {
		emails[x.ID] = x.Email
	}
	l := listing{schema: "tieout.tokens/1", summary: count(len(all), "token", "tokens") + ".", columns: []text.Column{
		{Head: "token"}, {Head: "name", Flex: true}, {Head: "account"}, {Head: "may", Flex: true}, {Head: "ends"}, {Head: "used"},
	}}
	for _, k := range all {
		l.rows = append(l.rows, row{[]string{k.ID, k.Name, emails[k.Account], mayWords(k.Permissions), day(d, k.Expires), day(d, k.Used)}, tokenValue(k)})
	}
	return a.show(l)
}

// day is a day in the period's zone, "never" for no day.
func day(d members, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.In(d.p.Period.Location()).Format("2 Jan 2006")
}

func mayWords(list []access.PermissionID) string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = string(p)
	}
	return strings.Join(out, " ")
}

func tokenValue(k access.Token) map[string]any {
	v := map[string]any{"id": k.ID, "account": k.Account, "name": k.Name, "permissions": k.Permissions,
		"created": audit.FormatTime(k.Created), "expires": audit.FormatTime(k.Expires)}
	if !k.Used.IsZero() {
		v["used"] = audit.FormatTime(k.Used)
	}
	return v
}

// tokenFlags are the flags of token create.
type tokenFlags struct {
	account string
	may     []string
	days    int
}

func (a *app) createTokenCommand() *cobra.Command {
	var f tokenFlags
	cmd := &cobra.Command{Use: "create NAME", Short: "Make a token of an account and print it once",
		Example: "  tieout token create okta --account ana@example.com \\\n      --may account.provision --days 365",
		Args:    exactly(1, "a name for the token"), RunE: a.onPeople(func(ctx context.Context, d members) error { return a.createToken(ctx, d, f) })}
	cmd.Flags().StringVar(&f.account, "account", "", "the account it acts for")
	cmd.Flags().StringSliceVar(&f.may, "may", nil, "what it may, such as period.read,evidence.export; see docs/formats/access.md")
	cmd.Flags().IntVar(&f.days, "days", 90, "days until it ends, at most 366")
	return in(cmd, "table", "json")
}

func (a *app) createToken(ctx context.Context, d members, f tokenFlags) error {
	if f.account == "" || len(f.may) == 0 {
		return fmt.Errorf("%w: say whose token it is with --account, and what it may with --may", audit.ErrUsage)
	}
	name := d.args[0]
	d.args = []string{f.account}
	x, err := d.who(ctx)
	if err != nil {
		return err
	}
	var may []access.PermissionID
	for _, m := range f.may {
		may = append(may, access.PermissionID(strings.TrimSpace(m)))
	}
	k, secret, _, err := d.CreateTokenFor(ctx, d.by, x.ID, name, may, a.env.Now().Add(time.Duration(f.days)*24*time.Hour))
	if err != nil {
		return err
	}
	if a.output == "json" {
		v := tokenValue(k)
		v["secret"] = secret
		return a.writeJSON("tieout.token/1", "A token of "+x.Email+".", "result", v)
	}
	fmt.Fprintln(a.env.Stdout, secret)
	a.note("The token acts for %s until %s and is not shown again.", x.Email, day(d, k.Expires))
	return nil
}

func (a *app) revokeToken(ctx context.Context, d members) error {
	if _, err := d.RevokeToken(ctx, d.by, d.args[0]); err != nil {
		return err
	}
	return a.tell("tieout.token/1", d.args[0]+" is revoked.", map[string]any{"id": d.args[0], "revoked": true})
}
