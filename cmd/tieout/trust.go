package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/engagement/management"
	"tieout/report"
	readers "tieout/trust"
)

func (a *app) trustCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "trust", Short: "Give outsiders access to an issued report: publish, decide, end, and who did what",
		Long: `Says in public that a report exists, sets the terms under which it is given, and
gives single readers access on a ground and until a day. Nothing is published and
nobody has access until a person says so. Every step is an entry of the log.`,
		Example: "  tieout trust publish\n  tieout trust nda set terms.md\n  tieout trust grant AQ-1 --class prospect"}
	cmd.AddCommand(a.trustPublishCommand(), a.trustTermsCommand(), a.trustRequestsCommand(), a.trustListCommand(), a.trustGrantCommand(), a.trustRefuseCommand(), a.trustRevokeCommand())
	return a.engagementFlags(cmd)
}

func (a *app) trustPublishCommand() *cobra.Command {
	var off bool
	cmd := a.clientAct("publish", "Have the public page speak of the report in force, or no more with --off", exactly(0, "no argument"), func(ctx context.Context, d *clientDesk) error {
		if off {
			if err := d.p.Trust().Unpublish(ctx, d.by, d.id); err != nil {
				return err
			}
			return a.did(&d.place, d.id, "The report of %s is not spoken of in public any more. Whoever has access keeps it.", d.id)
		}
		if err := d.Publish(ctx, d.by, d.id); err != nil {
			return err
		}
		return a.did(&d.place, d.id, "The public page speaks of the report of %s: that it exists, and nothing of what it says.", d.id)
	})
	cmd.Flags().BoolVar(&off, "off", false, "take it off the public page")
	return cmd
}

func (a *app) trustTermsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "nda", Short: "The terms that readers agree to before anything is shown"}
	show := in(&cobra.Command{Use: "show", Short: "The terms in force", Args: exactly(0, "no argument"), RunE: a.onClient(looks|none, func(ctx context.Context, d *clientDesk) error {
		t, _, err := d.p.Trust().InForce(ctx)
		if err != nil {
			return err
		}
		if t == nil {
			return fmt.Errorf("%w: no terms of access are set; 'tieout trust nda set FILE' sets them", audit.ErrNotFound)
		}
		say := fmt.Sprintf("Version %d of the terms of access, sha256:%s.", t.Version, t.Digest)
		if a.output == "json" {
			return a.writeJSON("tieout.trust.terms/1", say, "terms", map[string]any{"version": t.Version, "digest": t.Digest, "text": t.Text, "by": t.By, "at": audit.FormatTime(t.At)})
		}
		a.say(say)
		fmt.Fprintln(a.env.Stdout, t.Text)
		return nil
	})}, "table", "json")
	set := in(&cobra.Command{Use: "set FILE", Short: "Put a text (Markdown) in force as the next version", Args: exactly(1, "the file with the terms"), RunE: a.onClient(none, func(ctx context.Context, d *clientDesk) error {
		text, err := typed("FILE", "@"+d.args[0])
		if err != nil {
			return err
		}
		_, revision, err := d.p.Trust().InForce(ctx)
		if err != nil {
			return err
		}
		t, err := d.p.Trust().SetTerms(ctx, d.by, text, revision)
		if err != nil {
			return err
		}
		return a.did(&d.place, t.Digest, "Version %d of the terms of access is in force, sha256:%s.", t.Version, t.Digest)
	})}, "table", "json")
	cmd.AddCommand(show, set)
	return cmd
}

func (a *app) trustRequestsCommand() *cobra.Command {
	return &cobra.Command{Use: "requests", Short: "Who asked for a report through the public page", Args: exactly(0, "no argument"), RunE: a.onClient(looks|none, func(ctx context.Context, d *clientDesk) error {
		list, _, err := d.p.Trust().All(ctx)
		if err != nil {
			return err
		}
		l := listing{schema: "tieout.trust.requests/1", columns: cols("request", "report", "class", "name", "~organization", "mail", "asked", "state")}
		waits := 0
		for _, r := range list {
			state := "waits"
			switch {
			case r.Grant != "":
				state = "given: " + r.Grant
			case r.Refused != "":
				state = "refused"
			default:
				waits++
			}
			l.rows = append(l.rows, row{[]string{r.ID, r.Engagement, string(r.Class), r.Name, r.Organization, r.Mail, trustDay(d, r.At), state}, map[string]any{
				"id": r.ID, "engagement": r.Engagement, "report": r.Report, "class": r.Class, "name": r.Name, "organization": r.Organization, "mail": r.Mail, "reason": r.Reason, "at": audit.FormatTime(r.At), "grant": r.Grant, "refused": r.Refused}})
		}
		l.summary = report.Capital(report.Plural(waits, "request waits", "requests wait")) + " for an answer. Nobody has checked what they say of themselves."
		return a.show(l)
	})}
}

func trustDay(d *clientDesk, t time.Time) string { return report.Day(t, d.p.Period.Location()) }

func (a *app) trustListCommand() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "Who was given access to a report, until when, and what they did", Args: exactly(0, "no argument"), RunE: a.onClient(looks|none, func(ctx context.Context, d *clientDesk) error {
		_, list, err := d.p.Trust().All(ctx)
		if err != nil {
			return err
		}
		inForce := map[string]string{}
		err = d.Side.Read(ctx, func(s *management.State) error {
			for id, x := range s.Sides {
				if r := x.InForce(); r != nil {
					inForce[id] = r.Report
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		l := listing{schema: "tieout.trust.grants/1", columns: cols("access", "report", "class", "basis", "name", "~organization", "until", "state", ">looked", ">copies")}
		open := 0
		for i := range list {
			g := &list[i]
			state := "open"
			switch at := g.Ended(d.p.Now()); {
			case !at.IsZero():
				state = "ended " + trustDay(d, at)
			case inForce[g.Engagement] != g.Report:
				state = "ended with its report"
			default:
				if open++; g.Agrees() {
					state = "terms not agreed to"
				}
			}
			copies := []string{}
			for _, f := range g.Fetches {
				copies = append(copies, f.Copy)
			}
			l.rows = append(l.rows, row{[]string{g.ID, g.Engagement, string(g.Class), string(g.Basis), g.Name, g.Organization, trustDay(d, g.Expires), state, plain(len(g.Views)), plain(len(g.Fetches))}, map[string]any{
				"id": g.ID, "engagement": g.Engagement, "report": g.Report, "class": g.Class, "basis": g.Basis, "ground": g.Ground, "name": g.Name, "organization": g.Organization, "mail": g.Mail,
				"expires": audit.FormatTime(g.Expires), "state": state, "looks": len(g.Views), "copies": copies, "why": g.Why}})
		}
		l.summary = report.Capital(report.Plural(open, "person outside", "people outside")) + " can open a report."
		return a.show(l)
	})}
}

func (a *app) trustGrantCommand() *cobra.Command {
	var g readers.Giving
	var class, basis, until, address string
	cmd := in(&cobra.Command{Use: "grant [REQUEST]", Short: "Give one person access to the report in force; the link is told once", Args: atMost(1, "a request such as AQ-1"),
		Long: `Gives access to the report in force and to the letters that continue it. With a
request, who asked and what they are is taken from it where no flag says otherwise.
The usual ground and the last day are the class's: docs/formats/trust.md has the
table. It is yours to check who they are before you send them the link.`,
		Example: "  tieout trust grant AQ-1\n  tieout trust grant --name 'Ana Lima' --organization Meridian \\\n      --mail ana@meridian.example --class prospect",
		RunE: a.onClient(0, func(ctx context.Context, d *clientDesk) error {
			g.Class, g.Basis, g.Engagement = readers.ClassID(class), readers.Basis(basis), d.id
			if err := a.fillGiving(ctx, d, &g, until); err != nil {
				return err
			}
			base, err := trustBase(d, address)
			if err != nil {
				return err
			}
			id, secret, err := d.GiveAccess(ctx, d.by, g)
			if err != nil {
				return err
			}
			return a.did(&d.place, map[string]string{"grant": id, "link": base + "/trust/access/" + secret}, "%s: %s of %s can open the report until %s with this link, which is told once:\n%s", id, g.Name, g.Organization, trustDay(d, g.Expires), base+"/trust/access/"+secret)
		})}, "table", "json")
	f := cmd.Flags()
	f.StringVar(&g.Name, "name", "", "name of the person")
	f.StringVar(&g.Organization, "organization", "", "their organization")
	f.StringVar(&g.Mail, "mail", "", "their mail address")
	f.StringVar(&class, "class", "", "what they are: customer, user-auditor, prospect, business-partner, regulator, cyber-insurer, investor-board, other")
	f.StringVar(&basis, "basis", "", "on what ground: nda, contract, legal (default: the usual one of the class)")
	f.StringVar(&g.Ground, "ground", "", "the contract or the law, with its clause")
	f.StringVar(&until, "until", "", "last day, such as 2026-09-14 (default: the class's)")
	f.StringVar(&address, "url", "", "address people open the server at (default: server.url of tieout.yaml)")
	return cmd
}

// fillGiving takes what no flag says from the request and from the class.
func (a *app) fillGiving(ctx context.Context, d *clientDesk, g *readers.Giving, until string) error {
	if len(d.args) == 1 {
		r, err := d.p.Trust().Request(ctx, d.args[0])
		if err != nil {
			return err
		}
		if r.Engagement != d.id {
			return fmt.Errorf("%w: %s asks for the report of %s; say so with --engagement", audit.ErrUsage, r.ID, r.Engagement)
		}
		g.Request, g.Name, g.Organization, g.Mail, g.Class = r.ID, cmp.Or(g.Name, r.Name), cmp.Or(g.Organization, r.Organization), cmp.Or(g.Mail, r.Mail), cmp.Or(g.Class, r.Class)
	}
	c, ok := readers.ClassOf(g.Class)
	if !ok {
		return fmt.Errorf("%w: --class: say what they are; 'tieout trust grant --help' lists the classes", audit.ErrUsage)
	}
	zone := d.p.Period.Location()
	last := d.p.Now().In(zone).AddDate(0, 0, c.Days)
	if until != "" {
		var err error
		if last, err = time.ParseInLocation(time.DateOnly, until, zone); err != nil {
			return fmt.Errorf("%w: --until %q is not a day such as 2026-09-14", audit.ErrUsage, until)
		}
	}
	y, m, day := last.Date()
	g.Basis, g.Expires = cmp.Or(g.Basis, c.Bases[0]), time.Date(y, m, day, 23, 59, 59, 0, zone)
	return nil
}

// trustBase is the address that links begin with.
func trustBase(d *clientDesk, address string) (string, error) {
	base := cmp.Or(address, d.p.Def.Config.Server.URL, "http://localhost:8731")
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", fmt.Errorf("%w: --url %q is not an address such as https://tieout.example.com", audit.ErrUsage, base)
	}
	return strings.TrimSuffix(base, "/"), nil
}

func (a *app) trustRefuseCommand() *cobra.Command {
	var why string
	cmd := in(&cobra.Command{Use: "refuse REQUEST", Short: "Refuse a request, with the reason for the record", Args: exactly(1, "a request such as AQ-1"), RunE: a.onClient(none, func(ctx context.Context, d *clientDesk) error {
		if err := d.p.Trust().Refuse(ctx, d.by, d.args[0], why); err != nil {
			return err
		}
		return a.did(&d.place, d.args[0], "%s is refused. Nothing is sent to them from here.", d.args[0])
	})}, "table", "json")
	cmd.Flags().StringVar(&why, "why", "", "why, for the record (needed)")
	return needed(cmd, "why")
}

func (a *app) trustRevokeCommand() *cobra.Command {
	var why string
	cmd := in(&cobra.Command{Use: "revoke ACCESS", Short: "End somebody's access at once", Args: exactly(1, "access such as G-1"), RunE: a.onClient(none, func(ctx context.Context, d *clientDesk) error {
		if err := d.p.Trust().Revoke(ctx, d.by, d.args[0], why); err != nil {
			return err
		}
		return a.did(&d.place, d.args[0], "%s has ended: its link opens nothing any more. Copies that were taken stay with them.", d.args[0])
	})}, "table", "json")
	cmd.Flags().StringVar(&why, "why", "", "why, for the record (needed)")
	return needed(cmd, "why")
}
