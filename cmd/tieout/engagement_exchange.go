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
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/engagement/packet"
	"tieout/ledger"
	"tieout/source"
)

// An end is one side's end of the exchange of one engagement.
type end struct {
	id    string
	post  *packet.Post
	flush func(ctx context.Context, id string) error // seals packets for what was decided; nil: nothing is to be sent yet
	take  func(ctx context.Context, r packet.Received) error
}

// An exchanged is what an exchange did, for programs.
type exchanged struct {
	Engagement string   `json:"engagement"`
	Sent       int      `json:"sent"`  // packets that the other side took, or that lie in the folder for it
	Taken      int      `json:"taken"` // packets that are new here
	Files      []string `json:"files,omitempty"`
}

func (a *app) exchangeCommand() *cobra.Command {
	var folder, address string
	cmd := in(&cobra.Command{Use: "exchange [ENGAGEMENT]", Short: "Send what was released and take what came, over HTTPS or by a folder carried by hand",
		Long: `Seals a packet for everything that was released to the other side and not sent
yet, and takes the other side's packets. With --folder both go by a folder that
is carried there and back: packets for the company lie in to-client below it,
those for the firm in to-firm. Without it packets go over HTTPS to the other
side's server: the client knows the firm's from 'engagement invite', or
--address names it. Running it again sends nothing twice.

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
			ends, known, err := d.ends(ctx, folder)
			if err != nil {
				return err
			}
			return a.exchange(ctx, &d.place, ends, folder, cmp.Or(address, known))
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
	var ids []string
	err = d.Files.Read(ctx, func(s *fieldwork.State) error {
		for id, x := range s.Files {
			if d.id == id || d.id == "" && x.Terms.Client.Key != "" {
				ids = append(ids, id)
			}
		}
		return nil
	})
	slices.SortFunc(ids, cmpIDs)
	if err == nil && len(ids) == 0 {
		err = fmt.Errorf("%w: there is no engagement %swhose terms name the key of the client's log; see 'tieout engagement list'", audit.ErrNotFound, spaced(d.id))
	}
	for _, id := range ids {
		if err != nil {
			break
		}
		var post *packet.Post
		if post, err = d.Post(ctx, id, ""); err == nil {
			out = append(out, end{id, post, d.Flush, d.Take})
		}
	}
	return out, err
}

func spaced(s string) string {
	if s == "" {
		return ""
	}
	return s + " "
}

// ends are the client's: those whose terms are here, and those a firm that is
// invited sends terms of in the folder. known is the firm's address, where one is
// known and all have the same.
func (d *clientDesk) ends(ctx context.Context, folder string) (out []end, known string, err error) {
	other := map[string]string{} // origin of the firm's log, by engagement
	terms := map[string]bool{}
	addresses := map[string]bool{}
	err = d.Side.Read(ctx, func(s *management.State) error {
		for id, x := range s.Sides {
			if d.id == "" || d.id == id {
				other[id], terms[id] = x.Terms.Firm.Origin, true
			}
		}
		for origin, f := range s.Firms {
			if !f.Ended.IsZero() {
				continue
			}
			addresses[f.Address] = true
			known = f.Address
			if d.id != "" && other[d.id] == "" {
				other[d.id] = origin // over HTTPS its terms are asked for
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	if len(addresses) > 1 {
		known = ""
	}
	if err := d.inFolder(ctx, folder, other); err != nil {
		return nil, "", err
	}
	ids := sortedKeys(other)
	slices.SortFunc(ids, cmpIDs)
	for _, id := range ids {
		post, err := d.Post(ctx, id, other[id])
		if err != nil {
			return nil, "", err
		}
		e := end{id, post, d.Flush, d.Take}
		if !terms[id] {
			e.flush = nil
		}
		out = append(out, e)
	}
	if len(out) == 0 {
		err = fmt.Errorf("%w: no terms of an engagement are here, and none are in the folder. The firm sends them once a partner accepted it; over HTTPS name it with --engagement", audit.ErrNotFound)
	}
	return out, known, err
}

// inFolder adds the engagements whose first packets lie in a folder, from firms
// that are invited. Packets of others are left where they lie.
func (d *clientDesk) inFolder(ctx context.Context, folder string, other map[string]string) error {
	if folder == "" {
		return nil
	}
	from, _ := inOut(&d.place, folder)
	list, err := packet.PendingIn(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.Side.Read(ctx, func(s *management.State) error {
		for _, p := range list {
			f := s.Firms[p.Header.From]
			if p.Err == nil && f != nil && f.Ended.IsZero() && other[p.Header.Engagement] == "" && (d.id == "" || d.id == p.Header.Engagement) {
				other[p.Header.Engagement] = f.Origin
			}
		}
		return nil
	})
}

func (a *app) exchange(ctx context.Context, d *place, ends []end, folder, address string) error {
	var done []exchanged
	for _, e := range ends {
		x := exchanged{Engagement: e.id}
		if err := e.seal(ctx); err != nil {
			return err
		}
		var err error
		if folder != "" {
			err = a.byFolder(ctx, d, e, folder, &x)
		} else {
			err = a.byHTTPS(ctx, e, address, &x)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.id, err)
		}
		done = append(done, x)
	}
	if a.output == "json" {
		return a.writeJSON("tieout.exchange/1", exchangeSentence(done[len(done)-1], folder), "items", done)
	}
	for _, x := range done {
		a.say(exchangeSentence(x, folder))
	}
	return nil
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
