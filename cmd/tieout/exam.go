package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/engagement/signature"
	"tieout/examination"
	"tieout/internal/natural"
	"tieout/period"
	"tieout/report/text"
)

// A place is where somebody works on an examination: the workspace, who acts and
// how people are called, the arguments, and which engagement.
type place struct {
	p     *period.Program
	by    access.Subject // nobody where a command only looks
	me    access.Account
	names map[string]access.Named
	args  []string
	id    string // of the engagement; "" where a command is not on one
}

// A firmDesk is one of the audit firm's own workspace.
type firmDesk struct {
	place
	*examination.Firm
}

// A clientDesk is one of the company that is examined.
type clientDesk struct {
	place
	*examination.Client
}

// How a command comes to a place.
type seat int

const (
	looks seat = 1 << iota // it only looks: whoever runs the program may
	none                   // it is not on one engagement
)

// onFirm runs f at a place of the firm's; in a company's workspace it says that
// the command belongs to a firm's.
func (a *app) onFirm(s seat, f func(ctx context.Context, d *firmDesk) error) func(*cobra.Command, []string) error {
	return a.onSide(s, f, nil)
}

// onClient runs f at a place of the company that is examined.
func (a *app) onClient(s seat, f func(ctx context.Context, d *clientDesk) error) func(*cobra.Command, []string) error {
	return a.onSide(s, nil, f)
}

// onSide runs what the workspace's kind asks for.
func (a *app) onSide(s seat, firm func(ctx context.Context, d *firmDesk) error, client func(ctx context.Context, d *clientDesk) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		return a.with(ctx, func(p *period.Program) error {
			if p.Def.IsFirm() != (firm != nil) && (firm == nil || client == nil) {
				whose := map[bool]string{true: "an audit firm's workspace", false: "the workspace of a company that is examined"}
				return fmt.Errorf("%w: '%s' belongs to %s; this is %s", audit.ErrUsage, cmd.CommandPath(), whose[firm != nil], whose[p.Def.IsFirm()])
			}
			d, err := a.sit(ctx, p, s, args)
			if err != nil {
				return err
			}
			if p.Def.IsFirm() {
				return a.atFirm(ctx, d, s, firm)
			}
			return a.atClient(ctx, d, s, client)
		})
	}
}

func (a *app) sit(ctx context.Context, p *period.Program, s seat, args []string) (d place, err error) {
	d = place{p: p, args: args, id: a.engagement}
	people, err := p.People(ctx, "")
	if err != nil {
		return d, err
	}
	if d.names, err = people.Names(ctx); err != nil || s&looks != 0 {
		return d, err
	}
	who, err := a.signedIn(ctx, people, p, d.names)
	if err != nil {
		return d, err
	}
	if d.by, d.me = who.Subject, who.Account; !p.Def.IsFirm() { // a firm's people are its accounts
		d.by.Eyes, err = p.Registers().Eyes(ctx)
	}
	return d, err
}

func (a *app) atFirm(ctx context.Context, d place, s seat, f func(ctx context.Context, d *firmDesk) error) error {
	firm, err := examination.NewFirm(d.p)
	if err != nil {
		return err
	}
	if s&none == 0 {
		err = firm.Files.Read(ctx, func(st *fieldwork.State) error {
			d.id, err = theEngagement(d.id, st.Files)
			return err
		})
	}
	if err != nil {
		return err
	}
	return d.spoken(f(ctx, &firmDesk{d, firm}))
}

func (a *app) atClient(ctx context.Context, d place, s seat, f func(ctx context.Context, d *clientDesk) error) error {
	client, err := examination.NewClient(d.p)
	if err != nil {
		return err
	}
	if s&none == 0 {
		err = client.Side.Read(ctx, func(st *management.State) error {
			d.id, err = theEngagement(d.id, st.Sides)
			return err
		})
	}
	if err != nil {
		return err
	}
	return d.spoken(f(ctx, &clientDesk{d, client}))
}

// theEngagement is the one of --engagement, or the only one there is.
func theEngagement[T any](want string, have map[string]T) (string, error) {
	var ids []string
	for id := range have {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, natural.Compare)
	switch {
	case want != "" && slices.Contains(ids, want):
		return want, nil
	case want != "":
		return "", fmt.Errorf("%w: there is no engagement %.40q; see 'tieout engagement list'", audit.ErrNotFound, want)
	case len(ids) == 0:
		return "", fmt.Errorf("%w: there is no engagement here yet; the firm opens one with 'tieout engagement open', and it comes to the client by 'tieout engagement exchange'", audit.ErrNotFound)
	case len(ids) > 1:
		return "", fmt.Errorf("%w: there are several engagements (%s); say which with --engagement", audit.ErrUsage, strings.Join(ids, ", "))
	}
	return ids[0], nil
}

// spoken is an error that calls people by their names, as a reader knows them.
func (d *place) spoken(err error) error {
	if err == nil {
		return nil
	}
	if list := joinedIn(err); list != nil {
		out := make([]error, len(list))
		for i, e := range list {
			out[i] = d.spoken(e)
		}
		return errors.Join(out...)
	}
	words := err.Error()
	for id, n := range d.names {
		words = strings.ReplaceAll(words, id, n.Name)
	}
	if words == err.Error() {
		return err
	}
	return reworded{words, err}
}

// A reworded is an error in other words, of the same kinds.
type reworded struct {
	words string
	err   error
}

func (s reworded) Error() string { return s.words }
func (s reworded) Unwrap() error { return s.err }

// name is how an account is called; what is none, as it is.
func (d *place) name(account string) string {
	if n, ok := d.names[account]; ok {
		return n.Name
	}
	return account
}

// file looks at the firm's file of the engagement.
func (d *firmDesk) file(ctx context.Context, f func(s *fieldwork.State, x *fieldwork.File) error) error {
	return d.Files.ReadFile(ctx, d.id, f)
}

// base is the revision of an object of the firm's as it is now: whoever changes it
// in between is told.
func (d *firmDesk) base(ctx context.Context, kind string, id ...string) (n int64, err error) {
	on := kind + ":" + strings.Join(append([]string{d.id}, id...), "/")
	err = d.file(ctx, func(s *fieldwork.State, _ *fieldwork.File) error { n = s.Revision(on); return nil })
	return n, err
}

// side looks at the client's side of the engagement.
func (d *clientDesk) side(ctx context.Context, f func(s *management.State, x *management.Side) error) error {
	return d.Side.Read(ctx, func(s *management.State) error {
		x, err := s.Side(d.id)
		if err != nil {
			return err
		}
		return f(s, x)
	})
}

func (d *clientDesk) base(ctx context.Context, kind string, id ...string) (n int64, err error) {
	on := kind + ":" + strings.Join(append([]string{d.id}, id...), "/")
	err = d.side(ctx, func(s *management.State, _ *management.Side) error { n = s.Revision(on); return nil })
	return n, err
}

// signs is how somebody signs with their own key.
type signs struct{ title, passphrase string }

func (s *signs) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.title, "title", "", "in which capacity you sign, such as Partner or Chief Executive Officer (needed)")
	cmd.Flags().StringVar(&s.passphrase, "passphrase", "", "where the key's passphrase is read from, in place of asking: env:NAME or file:PATH")
}

// sign signs a digest with the own key of who is signed in.
func (a *app) sign(ctx context.Context, d *place, s signs, what, digest string) (engagement.Signature, error) {
	var none engagement.Signature
	if s.title == "" {
		return none, fmt.Errorf("%w: --title: say in which capacity you sign, such as Partner or 'Chief Executive Officer'", audit.ErrUsage)
	}
	k, err := signature.KeyOf(ctx, ringOf(members{p: d.p}), d.me.ID)
	if errors.Is(err, audit.ErrNotFound) {
		return none, fmt.Errorf("%w: you have no key to sign with; make one: tieout key new %s", audit.ErrConflict, d.me.Email)
	}
	if err != nil {
		return none, err
	}
	passphrase, err := a.secret(ctx, d.p, s.passphrase, "--passphrase", "Passphrase of your key: ")
	if err != nil {
		return none, err
	}
	return signature.Sign(k.Wrapped, passphrase, signature.Statement{Signer: d.me.ID, Name: d.me.Name, Title: s.title, What: what, Digest: digest, At: audit.Instant(d.p.Now())})
}

// engagementFlags give a command, and those below it, the engagement it is on and
// who acts.
func (a *app) engagementFlags(cmd *cobra.Command) *cobra.Command {
	f := cmd.PersistentFlags()
	f.StringVarP(&a.engagement, "engagement", "e", "", "the engagement, such as EN-1 (default: the only one there is)")
	f.StringVar(&a.as, "as", "", "e-mail address of who acts, where several people are signed in here")
	return cmd
}

// actSchema is what a command that did something says as JSON.
const actSchema = "tieout.act/1"

// did says what a command did on an engagement.
func (a *app) did(d *place, value any, format string, args ...any) error {
	return a.tell(actSchema, fmt.Sprintf(format, args...), map[string]any{"engagement": d.id, "by": d.me.ID, "value": value})
}

// firmAct is a command with which somebody of the firm does something on an
// engagement.
func (a *app) firmAct(use, short string, args cobra.PositionalArgs, do func(ctx context.Context, d *firmDesk) error) *cobra.Command {
	return in(&cobra.Command{Use: use, Short: short, Args: args, RunE: a.onFirm(0, do)}, "table", "json")
}

// clientAct is one with which somebody of the company's does.
func (a *app) clientAct(use, short string, args cobra.PositionalArgs, do func(ctx context.Context, d *clientDesk) error) *cobra.Command {
	return in(&cobra.Command{Use: use, Short: short, Args: args, RunE: a.onClient(0, do)}, "table", "json")
}

// typed reads a text that people write: as it stands, or the file after "@".
func typed(flag, s string) (string, error) {
	path, ok := strings.CutPrefix(s, "@")
	if !ok {
		return s, nil
	}
	b, err := readBounded(path, maxTyped)
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// maxTyped is the longest text that is read from a file, in bytes.
const maxTyped = 1 << 20

// typedAll is typed for several texts, in place.
func typedAll(flags map[string]*string) (err error) {
	for flag, s := range flags {
		if *s, err = typed("--"+flag, *s); err != nil {
			return err
		}
	}
	return nil
}

// dayOf is a moment's day where the engagement counts its days, "" of none.
func dayOf(t engagement.Terms, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	loc, err := time.LoadLocation(t.Zone)
	if err != nil {
		loc = time.UTC
	}
	return at.In(loc).Format(time.DateOnly)
}

// prefixed reports whether a digest as it was typed, eight digits or more, is that
// digest.
func prefixed(typed, digest string) bool {
	typed = strings.TrimPrefix(strings.ToLower(typed), "sha256:")
	return len(typed) >= 8 && strings.HasPrefix(digest, typed)
}

// readRecords reads references of evidence, E-12 or 12.
func readRecords(flag string, list []string) (out []int64, err error) {
	for _, s := range list {
		n, err := strconv.ParseInt(strings.TrimPrefix(s, "E-"), 10, 64)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%w: --%s %.40q is no evidence such as E-481", audit.ErrUsage, flag, s)
		}
		out = append(out, n)
	}
	return out, nil
}

// cols are plain columns; one with "~" before its name is as wide as there is
// room, one with ">" holds numbers.
func cols(names ...string) (out []text.Column) {
	for _, n := range names {
		flex, right := strings.HasPrefix(n, "~"), strings.HasPrefix(n, ">")
		out = append(out, text.Column{Head: strings.TrimLeft(n, "~>"), Flex: flex, Right: right})
	}
	return out
}
