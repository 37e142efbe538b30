package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/internal/strictyaml"
)

// A termsFile is the terms of an examination as people write them
// (docs/formats/engagement-terms.md): YAML, or JSON, which is YAML too. The firm
// is the workspace's own.
type termsFile struct {
	ID          string              `yaml:"id"` // the number it is opened under; "": the next that is free
	Type        string              `yaml:"type"`
	Client      partyFile           `yaml:"client"`
	System      string              `yaml:"system"`
	Zone        string              `yaml:"zone"`
	First       string              `yaml:"first"`
	Last        string              `yaml:"last"`
	AsOf        string              `yaml:"asOf"`
	RestsOn     string              `yaml:"restsOn"`
	Quality     bool                `yaml:"qualityReview"`
	Categories  map[string]string   `yaml:"categories"`
	Extra       []extraFile         `yaml:"extra"`
	Objectives  []objectiveFile     `yaml:"objectives"`
	Subservices []subserviceFile    `yaml:"subservices"`
	Milestones  map[string]string   `yaml:"milestones"`
	Prior       []map[string]string `yaml:"prior"`
}

type partyFile struct {
	Name string `yaml:"name"`
	Key  string `yaml:"key"` // of the client's log
}

type extraFile struct {
	ID       string   `yaml:"id"`
	Name     string   `yaml:"name"`
	Examined bool     `yaml:"examined"`
	Criteria []string `yaml:"criteria"`

	Framework string `yaml:"framework"` // id of the mapping that relates it
}

type objectiveFile struct {
	ID       string   `yaml:"id"`
	Text     string   `yaml:"text"`
	Controls []string `yaml:"controls"`
}

type subserviceFile struct {
	Name      string         `yaml:"name"`
	Service   string         `yaml:"service"`
	Inclusive bool           `yaml:"inclusive"`
	Expected  []expectedFile `yaml:"expected"`
	Monitor   []string       `yaml:"monitor"`
}

// An expectedFile is a control that somebody else operates.
type expectedFile struct {
	ID       string   `yaml:"id"`
	Text     string   `yaml:"text"`
	Criteria []string `yaml:"criteria"`
}

// inScopeWord is what a file says of a category that is examined.
const inScopeWord = "in"

// terms are what a file says; what makes no examination the Book refuses.
func (t termsFile) terms(firm engagement.Party) engagement.Terms {
	out := engagement.Terms{ID: t.ID, Type: engagement.Type(t.Type), Client: engagement.Party{Name: t.Client.Name, Key: t.Client.Key, Origin: originOf(t.Client.Key)}, Firm: firm,
		System: t.System, Zone: t.Zone, First: t.First, Last: t.Last, AsOf: t.AsOf, RestsOn: t.RestsOn, Quality: t.Quality}
	for _, c := range sortedKeys(t.Categories) {
		choice := engagement.Choice{Category: audit.Category(c), Why: t.Categories[c]}
		if strings.EqualFold(choice.Why, inScopeWord) {
			choice.In, choice.Why = true, ""
		}
		out.Categories = append(out.Categories, choice)
	}
	for _, x := range t.Extra {
		out.Extra = append(out.Extra, engagement.CriteriaSet{ID: x.ID, Name: x.Name, Examined: x.Examined, Criteria: x.Criteria, Framework: x.Framework})
	}
	for _, x := range t.Objectives {
		out.Objectives = append(out.Objectives, engagement.Objective{ID: x.ID, Text: x.Text, Controls: x.Controls})
	}
	for _, x := range t.Subservices {
		out.Subservices = append(out.Subservices, engagement.Subservice{Name: x.Name, Service: x.Service, Inclusive: x.Inclusive, Monitor: x.Monitor, Expected: expectedOf(x.Expected)})
	}
	for _, day := range sortedKeys(t.Milestones) {
		out.Milestones = append(out.Milestones, engagement.Milestone{Day: day, Name: t.Milestones[day]})
	}
	for _, x := range t.Prior {
		out.Prior = append(out.Prior, engagement.Prior{Control: x["control"], Text: x["text"], Became: x["became"]})
	}
	return out
}

func expectedOf(list []expectedFile) []engagement.Expected {
	out := []engagement.Expected{}
	for _, x := range list {
		out = append(out, engagement.Expected{ID: x.ID, Text: x.Text, Criteria: x.Criteria})
	}
	return out
}

// originOf is the origin of the log whose key that is: the name of a signed-note
// verifier key.
func originOf(key string) string {
	name, _, _ := strings.Cut(key, "+")
	return name
}

// decodeFile reads a file that people write; every error is audit.ErrInvalid and
// says file, line and column.
func decodeFile(path string, data []byte, v any) error {
	err := strictyaml.Decode(path, data, v)
	if err == nil {
		return nil
	}
	lines := strings.Split(err.Error(), "\n")
	for i, l := range lines {
		if before, _, ok := strings.Cut(l, " in type "); ok { // what it is called here says nothing to who wrote the file
			lines[i] = strings.Replace(before, ": field ", ": key ", 1)
		}
	}
	return fmt.Errorf("%w: %s", audit.ErrInvalid, strings.Join(lines, "\n"))
}

// readTerms reads a file of terms; what is wrong in it is named by file, line and
// column.
func readTerms(path string, firm engagement.Party) (engagement.Terms, error) {
	data, err := readBounded(path, strictyaml.MaxSize)
	if err != nil {
		return engagement.Terms{}, err
	}
	return parseTerms(path, data, firm)
}

// readTerms reads the file of terms that the command names, with what the library
// knows of the sets of criteria that it names.
func (d *firmDesk) readTerms() (engagement.Terms, error) {
	t, err := readTerms(d.args[0], d.Party())
	if err != nil {
		return t, err
	}
	if t, err = examination.ReadyTerms(d.p.Def.Catalog, t); err != nil {
		return t, fmt.Errorf("%s: %w", d.args[0], err)
	}
	return t, nil
}

func parseTerms(path string, data []byte, firm engagement.Party) (engagement.Terms, error) {
	var t termsFile
	if err := decodeFile(path, data, &t); err != nil {
		return engagement.Terms{}, err
	}
	for i, x := range t.Prior {
		for k := range x {
			if k != "control" && k != "text" && k != "became" {
				return engagement.Terms{}, fmt.Errorf("%w: %s: prior, entry %d: there is no %q; an exception of the report before has control, text, became", audit.ErrInvalid, path, i+1, k)
			}
		}
	}
	return t.terms(firm), nil
}

func (a *app) openEngagementCommand() *cobra.Command {
	var after string
	cmd := in(&cobra.Command{Use: "open [FILE]", Short: "Open an examination from a file of terms",
		Long: "Opens an examination from a file of its terms, YAML or JSON: its kind, the client with the key of the client's log, the system, the period or the day, " +
			"the categories with a reason for each that is left out. docs/formats/engagement-terms.md describes it. The firm's own name, license and peer review " +
			"come from its tieout.yaml. With --after EN-1 nothing is opened: the file for the engagement that follows EN-1 is printed, over the days after its own, " +
			"with the exceptions that stand and what management answered.",
		Example: "  tieout engagement open acme-2026.yaml\n  tieout engagement open --after EN-1 > acme-2027.yaml",
		Args:    atMost(1, "a file of terms"),
		RunE: a.onFirm(none, func(ctx context.Context, d *firmDesk) error {
			if (after != "") == (len(d.args) == 1) {
				return fmt.Errorf("%w: a file of terms, or --after and the engagement that the next one follows", audit.ErrUsage)
			}
			if after != "" {
				return a.printNext(ctx, d, after)
			}
			t, err := d.readTerms()
			if err != nil {
				return err
			}
			if t, err = d.Files.OpenEngagement(ctx, d.by, t); err != nil {
				return fmt.Errorf("%s: %w", d.args[0], err)
			}
			d.id = t.ID
			if err := a.noteDays(ctx, d, t); err != nil {
				return err
			}
			a.note("Everybody on it declares independence ('engagement declare'), a partner accepts it ('engagement accept'); then its terms go to the client.")
			return a.did(&d.place, t, "%s is open: a %s of %s %s.", t.ID, t.Type, t.Client.Name, spanWords(t))
		})}, "table", "json")
	cmd.Flags().StringVar(&after, "after", "", "the engagement that the next one follows: its file is printed")
	return cmd
}

func (a *app) changeTermsCommand() *cobra.Command {
	var why, judgment string
	cmd := a.firmAct("terms FILE", "Change the terms, with the reason; management agrees to them again", exactly(1, "a file of terms"), func(ctx context.Context, d *firmDesk) error {
		t, err := d.readTerms()
		if err != nil {
			return err
		}
		if t.ID != "" && t.ID != d.id {
			return fmt.Errorf("%w: %s: id: the file is of %.40s, and the terms are those of %s; an engagement keeps its number", audit.ErrInvalid, d.args[0], t.ID, d.id)
		}
		err = d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error { t.ID, t.Firm = d.id, x.Terms.Firm; return nil })
		base, berr := d.base(ctx, "engagement")
		if err == nil && berr == nil {
			err = d.Files.ChangeTerms(ctx, d.by, t, why, judgment, base)
		}
		if err != nil || berr != nil {
			return fmt.Errorf("%s: %w", d.args[0], first(err, berr))
		}
		return a.did(&d.place, t, "The terms of %s are changed. Management agrees to them again.", d.id)
	})
	cmd.Flags().StringVar(&why, "why", "", "the reason (needed)")
	cmd.Flags().StringVar(&judgment, "judgment", "", "where something examined is taken away: the auditor's judgment that no result is hidden by it")
	return needed(cmd, "why")
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) logKeyCommand() *cobra.Command {
	return in(&cobra.Command{Use: "key", Short: "Print the key of this workspace's log, as the other side asks for it",
		Long: "Prints the public key of this workspace's log. The firm gives it to the client, who invites the firm with it ('engagement invite'), and the client gives its own " +
			"to the firm, who writes it into the terms. Give it by a way of its own, not by the packets it checks.",
		Args: exactly(0, "no argument"), RunE: a.onSide(looks|none,
			func(_ context.Context, d *firmDesk) error { return a.tellKey(&d.place) }, func(_ context.Context, d *clientDesk) error { return a.tellKey(&d.place) })}, "table", "json")
}

func (a *app) tellKey(d *place) error {
	key := d.p.Log.Keys().Links()[0].Key.VKey()
	if a.output == "json" {
		return a.writeJSON("tieout.log.key/1", "The key of the log of "+d.p.Def.Organization.Name+".", "result", map[string]string{"name": d.p.Def.Organization.Name, "origin": originOf(key), "key": key})
	}
	_, err := fmt.Fprintln(a.env.Stdout, key)
	return err
}

func (a *app) inviteFirmCommand() *cobra.Command {
	var address string
	cmd := in(&cobra.Command{Use: "invite NAME KEY", Short: "Say which firm's packets are taken, by the key of its log",
		Long:    "Says which audit firm's packets are taken here: its name, and the key of its log as the firm gave it by a way of its own ('tieout engagement key', at the firm).",
		Example: "  tieout engagement invite 'Brookline Assurance LLP' \\\n      brookline.example+1a2b3c4d+A... --address https://tieout.brookline.example",
		Args:    exactly(2, "the firm's name and the key of its log"),
		RunE: a.onClient(none, func(ctx context.Context, d *clientDesk) error {
			if err := d.Side.InviteFirm(ctx, d.by, d.args[0], d.args[1], address); err != nil {
				return err
			}
			return a.did(&d.place, originOf(d.args[1]), "Packets of %s are taken, signed by its log %s.", d.args[0], originOf(d.args[1]))
		})}, "table", "json")
	cmd.Flags().StringVar(&address, "address", "", "address of the firm's server, where packets are not carried by hand")
	return cmd
}

func (a *app) endFirmCommand() *cobra.Command {
	var why string
	cmd := in(&cobra.Command{Use: "uninvite ORIGIN", Short: "Take no more packets of a firm, and send it none",
		Long: "Takes no more packets of a firm and sends it none, by folder as over HTTPS; its server fetches nothing here. What came stays. Invited again with the same key it goes on where it was.", Args: exactly(1, "the origin of the firm's log"),
		RunE: a.onClient(none, func(ctx context.Context, d *clientDesk) error {
			if err := d.Side.EndFirm(ctx, d.by, d.args[0], why); err != nil {
				return err
			}
			return a.did(&d.place, d.args[0], "No more packets of %s are taken, and none are sent to it.", d.args[0])
		})}, "table", "json")
	cmd.Flags().StringVar(&why, "why", "", "the reason (needed)")
	return needed(cmd, "why")
}

func (a *app) agreeCommand() *cobra.Command {
	var seen string
	var s signs
	cmd := a.clientAct("agree", "Agree to the terms as they were read: a management signer, with their key", exactly(0, "no argument"), func(ctx context.Context, d *clientDesk) error {
		digest, err := d.offered(ctx)
		if err != nil {
			return err
		}
		if !prefixed(seen, digest) {
			return fmt.Errorf("%w: --terms: read the terms ('tieout engagement show') and name the first eight digits or more of their digest; you sign what you read", audit.ErrUsage)
		}
		sig, err := a.sign(ctx, &d.place, s, "terms of "+d.id, digest)
		if err == nil {
			err = d.Side.Agree(ctx, d.by, d.id, digest, sig, examination.Keys{Store: d.p.Store}.Own(ctx))
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, sig, "%s, %s, agreed to the terms of %s.", sig.Name, sig.Title, d.id)
	})
	cmd.Flags().StringVar(&seen, "terms", "", "digest of the terms as you read them, eight digits or more (needed)")
	s.flags(cmd)
	return needed(cmd, "terms", "title")
}

// offered is the digest of the terms as the firm last offered them.
func (d *clientDesk) offered(ctx context.Context) (digest string, err error) {
	err = d.side(ctx, func(_ *management.State, x *management.Side) error { digest = x.Digest; return nil })
	return digest, err
}
