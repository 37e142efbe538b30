package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"tieout/engagement/management"
	"tieout/internal/strictyaml"
)

// candidatesCommand lists the audit firms that were considered.
func (a *app) candidatesCommand() *cobra.Command {
	return in(&cobra.Command{Use: "candidates", Short: "Audit firms that were considered, with what they said", Args: exactly(0, "no argument"),
		RunE: a.onClient(none, func(ctx context.Context, d *clientDesk) error {
			l := listing{schema: "tieout.candidates/1", columns: cols("id", "~name", "invited", ">answers", ">references", "by", "~note")}
			err := d.Side.Read(ctx, func(s *management.State) error {
				for _, c := range s.Considered() {
					invited := map[bool]string{true: "yes", false: ""}[s.Invited(c)]
					l.rows = append(l.rows, row{[]string{c.ID, c.Name, invited, plain(len(c.Answers)), plain(len(c.References)), d.name(c.By), c.Note},
						map[string]any{"id": c.ID, "name": c.Name, "invited": s.Invited(c), "answers": c.Answers, "references": c.References, "note": c.Note}})
				}
				return nil
			})
			if err != nil {
				return err
			}
			l.summary = count(len(l.rows), "firm is", "firms are") + " written down as considered, in that order. Nothing ranks them."
			return a.show(l)
		})}, "table", "json")
}

// A candidateFile is what a firm says that is considered, as people write it.
type candidateFile struct {
	Name    string `yaml:"name"`
	Answers []struct {
		Question string `yaml:"question"`
		Answer   string `yaml:"answer"`
	} `yaml:"answers"`
	References []struct {
		Who  string `yaml:"who"`
		Said string `yaml:"said"`
	} `yaml:"references"`
	Note string `yaml:"note"`
}

func (f candidateFile) data() management.CandidateData {
	d := management.CandidateData{Name: strings.TrimSpace(f.Name), Note: strings.TrimSpace(f.Note)}
	for _, x := range f.Answers {
		d.Answers = append(d.Answers, management.Answered{Question: strings.TrimSpace(x.Question), Answer: strings.TrimSpace(x.Answer)})
	}
	for _, x := range f.References {
		d.References = append(d.References, management.Reference{Who: strings.TrimSpace(x.Who), Said: strings.TrimSpace(x.Said)})
	}
	return d
}

// asksToRead are what firms are asked, in lines of a terminal's width.
func asksToRead() (lines []string) {
	const width = 76
	for _, ask := range management.Asks {
		line := "-"
		for _, word := range strings.Fields(ask) {
			if len(line)+1+len(word) > width {
				lines, line = append(lines, line), " "
			}
			line += " " + word
		}
		lines = append(lines, line)
	}
	return lines
}

// candidateCommand writes down what a firm says that is considered.
func (a *app) candidateCommand() *cobra.Command {
	var change string
	cmd := in(&cobra.Command{Use: "candidate FILE", Short: "Write down what an audit firm says that is considered",
		Long: "Writes down what a firm says before one is invited: its answers to what it was asked, and what references said. It is optional: inviting asks for none of it.\nWhat firms are asked as a rule:\n\n  " +
			strings.Join(asksToRead(), "\n  "),
		Args: exactly(1, "a file (YAML) with name, answers, references, note"),
		RunE: a.onClient(none, func(ctx context.Context, d *clientDesk) error {
			data, err := readBounded(d.args[0], strictyaml.MaxSize)
			if err != nil {
				return err
			}
			var f candidateFile
			if err := decodeFile(d.args[0], data, &f); err != nil {
				return err
			}
			var base int64
			if change != "" {
				if err := d.Side.Read(ctx, func(s *management.State) error { base = s.Revision("candidate:" + change); return nil }); err != nil {
					return err
				}
			}
			id, err := d.Side.SetCandidate(ctx, d.by, change, f.data(), base)
			if err != nil {
				return err
			}
			return a.did(&d.place, map[string]string{"id": id}, "What %s says is written down as %s.", f.Name, id)
		})}, "table", "json")
	cmd.Flags().StringVar(&change, "change", "", "candidate to write anew, such as FC-1 (default: another one)")
	return cmd
}
