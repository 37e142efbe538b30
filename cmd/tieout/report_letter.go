package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/report/letter"
)

// letterFormats are the ways a bridge letter is printed, by the end of its name.
var letterFormats = map[string]func(letter.Letter) ([]byte, error){".pdf": letter.PDF, ".html": letter.HTML, ".docx": letter.DOCX}

func (a *app) letterCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "letter", Short: "Management's bridge letter for the days after a report: look, sign, render",
		Long: `Management's own word on the days after the report's period, which nobody
examined and which it says on its face. 'look' names everything on record for
those days; each is disclosed in the letter, in management's words, or it is not
signed. Policy says how long it may speak, at most 92 days.`}
	cmd.AddCommand(a.lookLetterCommand(), a.signLetterCommand(), a.renderLetterCommand())
	return cmd
}

func (a *app) lookLetterCommand() *cobra.Command {
	var to string
	cmd := &cobra.Command{Use: "look", Short: "What a letter has to disclose: all that is on record for its days", Args: exactly(0, "no argument"), RunE: a.onClient(looks, func(ctx context.Context, d *clientDesk) error {
		var terms engagement.Terms
		err := d.side(ctx, func(_ *management.State, x *management.Side) error { terms = x.Terms; return nil })
		if err != nil {
			return err
		}
		g, err := d.BridgeGround(ctx, d.id, to)
		if err != nil {
			return err
		}
		l := listing{schema: "tieout.letter.ground/1", columns: cols("reference", "began", "~what")}
		for _, list := range [][]examination.Known{g.Modified, g.Known} {
			for _, k := range list {
				l.rows = append(l.rows, row{[]string{k.Ref, dayOf(terms, k.At), k.What}, k})
			}
		}
		l.summary = fmt.Sprintf("A letter from %s to %s (at most to %s, %d days by policy) discloses %s.", g.From, g.To, g.Latest, g.Limit, count(len(l.rows), "thing", "things"))
		return a.show(l)
	})}
	cmd.Flags().StringVar(&to, "to", "", "last day of the letter (default: the latest it may have)")
	return cmd
}

func (a *app) signLetterCommand() *cobra.Command {
	var to, text, next string
	var disclose []string
	var s signs
	cmd := a.clientAct("sign", "Sign a bridge letter; a management signer does", exactly(0, "no argument"), func(ctx context.Context, d *clientDesk) error {
		text, err := typed("--text", text)
		if err != nil {
			return err
		}
		var told []management.Disclosure
		for _, x := range disclose {
			ref, said, ok := strings.Cut(x, "=")
			if !ok {
				return fmt.Errorf("%w: --disclose %q is not REFERENCE=WORDS", audit.ErrUsage, x)
			}
			told = append(told, management.Disclosure{Ref: ref, Text: said})
		}
		g, err := d.BridgeGround(ctx, d.id, to)
		if err != nil {
			return err
		}
		words := g.Bridge(text, next, told)
		digest, err := words.ToSign()
		if err == nil {
			words.Signed, err = a.sign(ctx, &d.place, s, "bridge letter", digest)
		}
		if err != nil {
			return err
		}
		id, err := d.SignBridge(ctx, d.by, d.id, words, examination.Keys{Store: d.p.Store}.Own(ctx))
		id = strings.TrimPrefix(id, d.id+"/")
		if err != nil {
			return err
		}
		return a.did(&d.place, id, "%s, %s, signed bridge letter %s for %s to %s. Nobody examined it, and it says so.", words.Signed.Name, words.Signed.Title, id, words.From, words.To)
	})
	f := cmd.Flags()
	f.StringVar(&to, "to", "", "last day of the letter (default: the latest it may have)")
	f.StringVar(&text, "text", "", "the letter in management's words, or @FILE (needed)")
	f.StringVar(&next, "next", "", "when the next report is expected")
	f.StringArrayVar(&disclose, "disclose", nil, "what a reader has to know, as REFERENCE=WORDS; once for each that 'look' names")
	s.flags(cmd)
	return needed(cmd, "text", "title")
}

func (a *app) renderLetterCommand() *cobra.Command {
	return in(&cobra.Command{Use: "render LETTER FILE", Short: "Print a signed bridge letter as PDF, HTML or DOCX", Args: exactly(2, "a letter such as L-1 and the file to write"),
		RunE: a.onClient(looks, func(ctx context.Context, d *clientDesk) error {
			render := letterFormats[filepath.Ext(d.args[1])]
			if render == nil {
				return fmt.Errorf("%w: %s: the name of the file ends in .pdf, .html or .docx", audit.ErrUsage, d.args[1])
			}
			l, err := d.Letter(ctx, d.id, d.args[0])
			if err != nil {
				return err
			}
			page, err := render(l)
			if err != nil {
				return err
			}
			return a.writeRendering(d.args[1], page)
		})}, "table")
}
