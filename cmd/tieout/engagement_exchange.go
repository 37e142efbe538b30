package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/engagement/packet"
	"tieout/internal/natural"
	"tieout/ledger"
	"tieout/source"
)

// An end is one side's end of the exchange of one engagement.
type end struct {
	id      string
	other   engagement.Party // the other side, by its name and the origin of its log
	address string           // of the other side's server; "": nobody wrote it down here
	post    *packet.Post
	err     error                                      // why there is no exchange with it
	flush   func(ctx context.Context, id string) error // seals packets for what was decided; nil: nothing is to be sent yet
	take    func(ctx context.Context, r packet.Received) error
}

// An exchanged is what an exchange did, for programs.
type exchanged struct {
	Engagement string   `json:"engagement"`
	Sent       int      `json:"sent"`  // packets that the other side took, or that lie in the folder for it
	Taken      int      `json:"taken"` // packets that are new here
	Files      []string `json:"files,omitempty"`
	Error      string   `json:"error,omitempty"` // why not everything went through
}

func (a *app) exchangeCommand() *cobra.Command {
	var folder, address string
	cmd := in(&cobra.Command{Use: "exchange [ENGAGEMENT]", Short: "Send what was released and take what came, over HTTPS or by a folder carried by hand",
		Long: `Seals a packet for everything that was released to the other side and not sent
yet, and takes the other side's packets. With --folder both go by a folder that
is carried there and back: packets for the company lie in to-client below it,
those for the firm in to-firm. Without it packets go over HTTPS to the other
side's server: the client knows the firm's from 'engagement invite', or
--address names it. Running it again sends nothing twice. Without an engagement
it is all of them, each with its own other side; a folder or an address is of
one: where several are meant, name the engagement.

Nothing is sent that was not released. Every packet is signed by its sender's
log, and its checkpoint is witnessed here.`,
		Example: "  tieout engagement exchange --folder /media/usb\n  tieout engagement exchange --address https://tieout.acme.example",
		Args:    atMost(1, "an engagement such as EN-1"),
		RunE: a.ofOne(a.onSide(looks|none, func(ctx context.Context, d *firmDesk) error {
			ends, err := d.ends(ctx)
			if err != nil {
				return err
			}
			return a.exchange(ctx, &d.place, ends, folder, address)
		}, func(ctx context.Context, d *clientDesk) error {
			ends, err := d.ends(ctx, folder, address)
			if err != nil {
				return err
			}
			return a.exchange(ctx, &d.place, ends, folder, address)
		}))}, "table", "json")
	cmd.Flags().StringVar(&folder, "folder", "", "folder that is carried between the two sides")
	cmd.Flags().StringVar(&address, "address", "", "address of the other side's server, such as https://tieout.acme.example")
	return cmd
}

// ofOne is a command on the engagement that its argument names, where there is
// one.
func (a *app) ofOne(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			a.engagement = args[0]
		}
		return run(cmd, nil)
	}
}

// ends are the firm's: of the engagement that --engagement names, else of all
// whose terms name the client's log.
func (d *firmDesk) ends(ctx context.Context) (out []end, err error) {
	err = d.Files.Read(ctx, func(s *fieldwork.State) error {
		for id, x := range s.Files {
			if d.id == id || d.id == "" && x.Terms.Client.Key != "" {
				out = append(out, end{id: id, other: x.Terms.Client, flush: d.Flush, take: d.Take})
			}
		}
		return nil
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%w: there is no engagement %swhose terms name the key of the client's log; see 'tieout engagement list'", audit.ErrNotFound, spaced(d.id))
	}
	slices.SortFunc(out, func(a, b end) int { return natural.Compare(a.id, b.id) })
	for i := range out {
		out[i].post, out[i].err = d.Post(ctx, out[i].id, "")
	}
	return out, err
}

func spaced(s string) string {
	if s == "" {
		return ""
	}
	return s + " "
}

// ends are the client's: those whose terms are here, of firms that are invited,
// and those that an invited firm sends terms of in the folder. An engagement that
// is named is asked for also where nothing of it is here yet.
func (d *clientDesk) ends(ctx context.Context, folder, address string) ([]end, error) {
	list, err := d.pending(folder)
	if err != nil {
		return nil, err
	}
	have, gone := map[string]end{}, map[string]end{}
	err = d.Side.Read(ctx, func(s *management.State) error {
		for id, x := range s.Sides {
			e := end{id: id, other: x.Terms.Firm, flush: d.Flush, take: d.Take}
			f := s.Firms[e.other.Origin]
			switch {
			case d.id != "" && d.id != id:
			case f == nil || !f.Ended.IsZero():
				gone[id] = e
			default:
				e.address = f.Address
				have[id] = e
			}
		}
		if err := d.inFolder(s, list, have); err != nil || folder != "" || d.id == "" || s.Sides[d.id] != nil {
			return err
		}
		return d.firmsAt(s, address, have)
	})
	if err != nil {
		return nil, err
	}
	if len(have) == 0 {
		have = gone // their firms are not invited any more, and that is what is said of them
	}
	if len(have) == 0 {
		return nil, fmt.Errorf("%w: no terms of an engagement are here, and none are in the folder. The firm sends them once a partner accepted it; over HTTPS name it with --engagement", audit.ErrNotFound)
	}
	out := slices.SortedFunc(maps.Values(have), func(a, b end) int { return natural.Compare(a.id, b.id) })
	for i := range out {
		out[i].post, out[i].err = d.Post(ctx, out[i].id, out[i].other.Origin)
	}
	return out, nil
}

// pending are the packets in a folder that are for this side's log. Other files
// are left where they lie.
func (d *clientDesk) pending(folder string) ([]packet.Pending, error) {
	if folder == "" {
		return nil, nil
	}
	from, _ := inOut(&d.place, folder)
	list, err := packet.PendingIn(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	own := d.p.Log.Keys().Log()
	return slices.DeleteFunc(list, func(p packet.Pending) bool { return p.Err != nil || p.Header.To != own }), err
}

// inFolder adds the engagements whose first packets lie in a folder, from firms
// that are invited; packets of others are left where they lie. A packet under the
// number of another firm's engagement is an audit.ErrConflict: a folder that one
// firm filled goes to no other.
func (d *clientDesk) inFolder(s *management.State, list []packet.Pending, have map[string]end) error {
	for _, p := range list {
		id, f := p.Header.Engagement, s.Firms[p.Header.From]
		if f == nil || !f.Ended.IsZero() || d.id != "" && d.id != id {
			continue
		}
		known := have[id].other
		if x := s.Sides[id]; x != nil {
			known = x.Terms.Firm
		}
		switch known.Origin {
		case "":
			have[id] = d.newEnd(id, f)
		case f.Origin:
		default:
			return fmt.Errorf("%w: the folder brings %s of %s, and %s is an engagement of %s here: each firm numbers its own. Ask %s to open it under another number, with 'id:' in its file of terms",
				audit.ErrConflict, id, f.Name, id, known.Name, f.Name)
		}
	}
	return nil
}

// newEnd is that of an engagement nothing is here of yet, with an invited firm.
func (d *clientDesk) newEnd(id string, f *management.Firm) end {
	return end{id: id, other: engagement.Party{Name: f.Name, Origin: f.Origin, Key: f.Key}, address: f.Address, take: d.Take}
}

// firmsAt adds the engagement that is named, of which nothing is here: over
// HTTPS its terms are asked for, of the only firm that is invited or the one at
// the address.
func (d *clientDesk) firmsAt(s *management.State, address string, have map[string]end) error {
	var list []*management.Firm
	for _, f := range book.Sorted(s.Firms) {
		if f.Ended.IsZero() {
			list = append(list, f)
		}
	}
	if at := slices.DeleteFunc(slices.Clone(list), func(f *management.Firm) bool { return f.Address != address }); address != "" && len(at) > 0 {
		list = at
	}
	switch len(list) {
	case 0:
		return nil
	case 1:
		have[d.id] = d.newEnd(d.id, list[0])
		return nil
	}
	return fmt.Errorf("%w: several firms are invited (%s), and nothing of %s is here yet: say whose it is with --address, as it was invited with", audit.ErrUsage, joinedNames(list), d.id)
}

func joinedNames(list []*management.Firm) string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = f.Name
	}
	return strings.Join(out, ", ")
}

// oneOther refuses one folder, or one address, for what goes to several others:
// each would get to know what was released to another.
func oneOther(d *place, ends []end, folder, address string) error {
	names := map[string]string{}
	for _, e := range ends {
		names[e.other.Origin] = e.other.Name
	}
	if folder == "" && address == "" || len(names) < 2 {
		return nil
	}
	others := map[bool]string{true: "clients", false: "firms"}[d.p.Def.IsFirm()]
	return fmt.Errorf("%w: several %s (%s); name the engagement", audit.ErrUsage, others, strings.Join(slices.Sorted(maps.Values(names)), ", "))
}

// exchange is that of each engagement in turn. One that fails keeps no other from
// going through: what was done is said, and then what was not.
func (a *app) exchange(ctx context.Context, d *place, ends []end, folder, address string) error {
	if err := oneOther(d, ends, folder, address); err != nil {
		return err
	}
	var done []exchanged
	var words []string
	var failed error
	for _, e := range ends {
		x, err := a.exchangeOne(ctx, d, e, folder, cmp.Or(address, e.address))
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", e.id, err))
			x.Error = d.spoken(err).Error()
		}
		if err == nil || x.Sent+x.Taken > 0 {
			words = append(words, exchangeSentence(x, folder))
		}
		done = append(done, x)
	}
	switch {
	case len(words) == 0:
		return failed
	case a.output == "json":
		return errors.Join(failed, a.writeJSON("tieout.exchange/1", strings.Join(words, " "), "items", done))
	}
	for _, w := range words {
		a.say(w)
	}
	return failed
}

func (a *app) exchangeOne(ctx context.Context, d *place, e end, folder, address string) (exchanged, error) {
	x, err := exchanged{Engagement: e.id}, e.err
	if err == nil {
		err = e.seal(ctx)
	}
	switch {
	case err != nil:
	case folder != "":
		err = a.byFolder(ctx, d, e, folder, &x)
	default:
		err = a.byHTTPS(ctx, e, address, &x)
	}
	return x, err
}

// seal makes packets for what was decided and not sent yet.
func (e end) seal(ctx context.Context) error {
	if e.flush == nil {
		return nil
	}
	return e.flush(ctx, e.id)
}

// byFolder takes what lies there for this side, then writes what the other side
// has not heard: what was taken may call for an answer.
func (a *app) byFolder(ctx context.Context, d *place, e end, folder string, x *exchanged) (err error) {
	from, to := inOut(d, folder)
	if _, serr := os.Stat(from); serr == nil {
		if x.Taken, err = e.post.Inbox(ctx, a.actor(), from, ledger.Consent{}, e.take); err != nil {
			return err
		}
	}
	if err := e.seal(ctx); err != nil {
		return err
	}
	x.Files, err = e.post.Outbox(ctx, to)
	x.Sent = len(x.Files)
	return err
}

// inOut are the folders below one that is carried: what is for this side, and
// what is for the other.
func inOut(d *place, folder string) (from, to string) {
	client, firm := filepath.Join(folder, "to-client"), filepath.Join(folder, "to-firm")
	if d.p.Def.IsFirm() {
		return firm, client
	}
	return client, firm
}

func (a *app) byHTTPS(ctx context.Context, e end, address string, x *exchanged) error {
	if address == "" {
		return fmt.Errorf("%w: say where the other side's server is with --address https://..., or carry packets by hand with --folder", audit.ErrUsage)
	}
	u, err := packet.ParseURL(address)
	if err != nil {
		return err
	}
	allow := "private" // the address is this side's own people's word
	if u.Scheme == "http" {
		allow = "loopback"
	}
	c := packet.Client{URL: u, HTTP: source.Guard(&http.Client{Timeout: exchangeTimeout}, allow, u), Post: e.post, By: a.actor(), Take: e.take}
	done, err := c.Sync(ctx)
	x.Sent, x.Taken = len(done.Pushed), len(done.Pulled)
	return err
}

// exchangeSentence says what came of an exchange.
func exchangeSentence(x exchanged, folder string) string {
	switch {
	case folder != "" && x.Sent == 0 && x.Taken == 0:
		return fmt.Sprintf("%s: nothing is new, and nothing waits for the other side.", x.Engagement)
	case folder != "":
		return fmt.Sprintf("%s: %s taken; %s in %s for the other side.", x.Engagement, howMany(x.Taken, "packet", "packets"), howMany(x.Sent, "packet lies", "packets lie"), folder)
	case x.Sent == 0 && x.Taken == 0:
		return fmt.Sprintf("%s: nothing is new on either side.", x.Engagement)
	}
	return fmt.Sprintf("%s: %s sent, %s taken.", x.Engagement, count(x.Sent, "packet", "packets"), count(x.Taken, "packet", "packets"))
}

// exchangeTimeout is how long one packet may take.
const exchangeTimeout = 30 * time.Minute

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// howMany is a count of things, in words where there are none.
func howMany(n int, one, many string) string {
	if n == 0 {
		return "no " + one
	}
	return count(n, one, many)
}
