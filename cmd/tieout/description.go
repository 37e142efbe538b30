package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/describe"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/internal/strictyaml"
)

func (a *app) descriptionCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "description", Short: "Management's description of its system: show, draft, write, expect, other, finish",
		Long: `Management's description of its system, by the description criteria DC 1 to DC 9.
'draft' writes what the workspace holds (boundary, commitments, incidents,
suppliers, controls) into a file, each paragraph with its source, and names what
a person has to say; people edit it, 'write' takes it in, and a management signer
finishes it. It is management's: nothing is written by itself.`}
	cmd.AddCommand(a.showDescriptionCommand(), a.draftDescriptionCommand(), a.writeDescriptionCommand(), a.expectCommand(), a.otherCommand(), a.changeCommand(), a.finishDescriptionCommand())
	return a.engagementFlags(cmd)
}

// A sectionFile is the text for one description criterion as people write it.
type sectionFile struct {
	DC         string          `yaml:"dc"`
	Paragraphs []paragraphFile `yaml:"paragraphs"`
}

type paragraphFile struct {
	Text    string   `yaml:"text"`
	Sources []string `yaml:"sources,omitempty,flow"`
}

func (a *app) showDescriptionCommand() *cobra.Command {
	return &cobra.Command{Use: "show", Short: "Each description criterion: what is written, what the facts lack", Args: exactly(0, "no argument"), RunE: a.onClient(looks, func(ctx context.Context, d *clientDesk) error {
		x, err := d.Described(ctx, d.id)
		if err != nil {
			return err
		}
		l := listing{schema: "tieout.description/1", columns: cols("dc", "~title", ">paragraphs", "by", "~to do")}
		for _, s := range x.Sections {
			r := []string{s.DC, s.Title, "0", "", strings.Join(s.Missing, "; ")}
			if s.Written != nil {
				r[2], r[3] = plain(len(s.Written.Paragraphs)), d.name(s.Written.By)
			}
			if s.Holds != "" {
				r[4] = strings.TrimPrefix(r[4]+"; unwritten: "+s.Holds, "; ")
			}
			l.rows = append(l.rows, row{r, s})
		}
		for _, o := range x.Other {
			l.rows = append(l.rows, row{[]string{"other", o.Title, "1", "", ""}, o})
		}
		digest, err := describedDigest(x)
		if err != nil {
			return err
		}
		l.digest = digest
		l.summary = describedSentence(x) + " As it stands its digest is " + digest + ", by which 'description finish --seen' finishes it."
		return a.show(l)
	})}
}

// describedDigest names a description as it stands by what it holds: who finishes
// it says by the digest that it is this one they read.
func describedDigest(x examination.Described) (string, error) {
	type section struct {
		DC       string               `json:"dc"`
		Revision int64                `json:"revision"`
		Written  engagement.DCSection `json:"written"`
	}
	of := struct {
		Sections []section             `json:"sections"`
		Controls []string              `json:"controls"`
		Expected []engagement.Expected `json:"expected"`

		Other []engagement.Information `json:"other,omitempty"`
		Told  int64                    `json:"told,omitempty"` // revision of the other information, where there is any
	}{[]section{}, book.List(x.Controls), book.List(x.Expected), x.Other, 0}
	if len(x.Other) > 0 {
		of.Told = x.OtherBase
	}
	for _, s := range x.Sections {
		v := section{DC: s.DC}
		if s.Written != nil {
			v.Revision, v.Written = s.Written.Revision, s.Written.DCSection
		}
		of.Sections = append(of.Sections, v)
	}
	b, err := json.Marshal(of) // of one order: it is compared with itself alone
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), err
}

func describedSentence(x examination.Described) string {
	written := 0
	for _, s := range x.Sections {
		if s.Written != nil {
			written++
		}
	}
	words := fmt.Sprintf("%d of %d sections written, %s in scope; %d percent is worded as shipped texts are.", written, len(x.Sections), count(len(x.Controls), "control", "controls"), x.Alike)
	switch {
	case x.Final == nil:
		return words + " It is not finished."
	case x.Later:
		return words + fmt.Sprintf(" Version %d is finished, and older than what is written.", x.Final.Version)
	}
	return words + fmt.Sprintf(" Version %d is finished.", x.Final.Version)
}

func (a *app) draftDescriptionCommand() *cobra.Command {
	return in(&cobra.Command{Use: "draft FILE", Short: "Draft the description from what the workspace holds, as a file to edit", Args: exactly(1, "the file to write"),
		RunE: a.onClient(looks, func(ctx context.Context, d *clientDesk) error {
			facts, err := d.Facts(ctx, d.id)
			if err != nil {
				return err
			}
			sections, gaps := describe.Draft(facts)
			var list []sectionFile
			for _, s := range sections {
				out := sectionFile{DC: s.DC}
				for _, p := range s.Paragraphs {
					out.Paragraphs = append(out.Paragraphs, paragraphFile{p.Text, p.Sources})
				}
				list = append(list, out)
			}
			var b bytes.Buffer
			if err = yaml.NewEncoder(&b).Encode(list); err == nil {
				_, err = writeFile(d.args[0], func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err })
			}
			if err != nil {
				return err
			}
			for _, g := range gaps {
				a.note("%s: %s", g.DC, g.What)
			}
			return a.did(&d.place, gaps, "%s drafted in %s; %s for a person to say. Edit it, then 'tieout description write %s'.", count(len(list), "section is", "sections are"), d.args[0],
				count(len(gaps), "thing is left", "things are left"), d.args[0])
		})}, "table", "json")
}

func (a *app) writeDescriptionCommand() *cobra.Command {
	return a.clientAct("write FILE", "Write the sections of a file into the description", exactly(1, "a file of sections (YAML)"), func(ctx context.Context, d *clientDesk) error {
		list, err := readSections(d.args[0])
		if err != nil {
			return err
		}
		for _, s := range list {
			base, err := d.base(ctx, "description", s.DC)
			if err == nil {
				err = d.Side.WriteSection(ctx, d.by, d.id, s, base)
			}
			if err != nil {
				return fmt.Errorf("%s: %s: %w", d.args[0], s.DC, err)
			}
		}
		return a.did(&d.place, len(list), "%s of the description of %s written.", count(len(list), "section", "sections"), d.id+" "+map[bool]string{true: "is", false: "are"}[len(list) == 1])
	})
}

func readSections(path string) ([]engagement.DCSection, error) {
	data, err := readBounded(path, strictyaml.MaxSize)
	if err != nil {
		return nil, err
	}
	return parseSections(path, data)
}

func parseSections(path string, data []byte) ([]engagement.DCSection, error) {
	var list []sectionFile
	if err := decodeFile(path, data, &list); err != nil {
		return nil, err
	}
	out := make([]engagement.DCSection, len(list))
	for i, s := range list {
		out[i].DC = s.DC
		for _, p := range s.Paragraphs {
			out[i].Paragraphs = append(out[i].Paragraphs, engagement.Paragraph{Text: strings.TrimSpace(p.Text), Sources: book.List(p.Sources)})
		}
	}
	return out, nil
}

func (a *app) expectCommand() *cobra.Command {
	return a.clientAct("expect FILE", "Say which controls user entities have to operate, each with the criteria that rest on it", exactly(1, "a file (YAML)"), func(ctx context.Context, d *clientDesk) error {
		data, err := readBounded(d.args[0], strictyaml.MaxSize)
		if err != nil {
			return err
		}
		var list []expectedFile
		if err := decodeFile(d.args[0], data, &list); err != nil {
			return err
		}
		base, err := d.base(ctx, "expected")
		if err == nil {
			err = d.Side.SetExpected(ctx, d.by, d.id, expectedOf(list), base)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, len(list), "%s of user entities are in the description.", count(len(list), "control", "controls"))
	})
}

// An informationFile is a section of other information as people write it.
type informationFile struct {
	Title string `yaml:"title"`
	Text  string `yaml:"text"`
}

func (a *app) otherCommand() *cobra.Command {
	cmd := a.clientAct("other FILE", "Say what management tells beside the description, all of it anew: the report prints it in Section V", exactly(1, "a file (YAML)"), func(ctx context.Context, d *clientDesk) error {
		data, err := readBounded(d.args[0], strictyaml.MaxSize)
		if err != nil {
			return err
		}
		var list []informationFile
		if err := decodeFile(d.args[0], data, &list); err != nil {
			return err
		}
		out := []engagement.Information{}
		for _, o := range list {
			out = append(out, engagement.Information{Title: strings.TrimSpace(o.Title), Text: strings.TrimSpace(o.Text)})
		}
		base, err := d.base(ctx, "other")
		if err == nil {
			err = d.Side.TellOther(ctx, d.by, d.id, out, base)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, out, "%s of other information beside the description. The report prints it as what the auditor did not examine.", count(len(out), "section", "sections"))
	})
	cmd.Long = "Takes the other information of a file: a list of title and text, such as plans for what comes after the period. An empty list takes it away. It stands in Section V, marked as what the auditor did not examine, and is finished with the description."
	return cmd
}

func (a *app) changeCommand() *cobra.Command {
	var disclosed, omitted bool
	var why string
	cmd := a.clientAct("change REF", "Decide whether readers are told of a change of the system, such as IAM-06@2026-06-01", exactly(1, "a change"), func(ctx context.Context, d *clientDesk) error {
		if disclosed == omitted {
			return fmt.Errorf("%w: say either --told or --not-told", audit.ErrUsage)
		}
		base, err := d.base(ctx, "change", d.args[0])
		if err == nil {
			err = d.Side.DecideChange(ctx, d.by, d.id, d.args[0], disclosed, why, base)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, disclosed, "The decision on %s is sealed.", d.args[0])
	})
	cmd.Flags().BoolVar(&disclosed, "told", false, "readers are told of it")
	cmd.Flags().BoolVar(&omitted, "not-told", false, "they need not be")
	cmd.Flags().StringVar(&why, "why", "", "the reason")
	return cmd
}

func (a *app) finishDescriptionCommand() *cobra.Command {
	var controls []string
	var read string
	cmd := a.clientAct("finish", "Finish the description as it was read, for the auditor; a management signer does", exactly(0, "no argument"), func(ctx context.Context, d *clientDesk) error {
		x, err := d.Described(ctx, d.id)
		if err != nil {
			return err
		}
		digest, err := describedDigest(x)
		if err != nil {
			return err
		}
		if !prefixed(read, digest) {
			return fmt.Errorf("%w: --seen %.64s: the description has another digest now; read it as it is ('tieout description show')", audit.ErrConflict, read)
		}
		if len(controls) == 0 {
			controls = slices.Clone(x.Controls)
		}
		v, err := d.FinishDescription(ctx, d.by, d.id, controls, x.Seen())
		if err != nil {
			return err
		}
		return a.did(&d.place, v.Description, "Version %d of the description is finished: %s, %s. It goes out with the next exchange.", v.Version,
			count(len(v.Sections), "section", "sections"), count(len(v.Controls), "control", "controls"))
	})
	cmd.Flags().StringSliceVar(&controls, "control", nil, "control it says exists (default: those in scope); may be repeated")
	cmd.Flags().StringVar(&read, "seen", "", "digest of the description as 'description show' showed it, eight digits or more (needed)")
	return needed(cmd, "seen")
}

func (a *app) assertionCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "assertion", Short: "Management's assertion: sign",
		Long: "Management's assertion, which an inclusive subservice organization gives of its own too. What it asserts of each part its signer decides; nothing is filled in."}
	var by, text, dated, except string
	var description, design, operation bool
	var s signs
	sign := a.clientAct("sign", "Sign the assertion of the company, or of an inclusive subservice organization", exactly(0, "no argument"), func(ctx context.Context, d *clientDesk) error {
		if err := typedAll(map[string]*string{"text": &text, "except": &except}); err != nil {
			return err
		}
		party, err := d.party(ctx, by)
		if err != nil {
			return err
		}
		x := engagement.Assertion{By: party, Text: text, Dated: dated, Decision: engagement.Decisions{Description: description, Design: design, Operation: operation, Except: except}}
		next, err := d.Side.NextAssertion(ctx, d.id, party)
		if err != nil {
			return err
		}
		x.Terms, x.Version = next.Terms, next.Version
		digest, err := x.ToSign()
		if err == nil {
			x.Signed, err = a.sign(ctx, &d.place, s, "assertion", digest)
		}
		if err == nil {
			err = d.Side.SignAssertion(ctx, d.by, d.id, x, examination.Keys{Store: d.p.Store}.Own(ctx))
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, x, "%s, %s, signed version %d of the assertion of %s, dated %s.", x.Signed.Name, x.Signed.Title, x.Version, party, dated)
	})
	f := sign.Flags()
	f.StringVar(&by, "by", "", "inclusive subservice organization whose assertion it is (default: the company)")
	f.StringVar(&text, "text", "", "the assertion in management's words, or @FILE (needed)")
	f.StringVar(&dated, "dated", "", "its day, 2026-03-31 (needed)")
	f.BoolVar(&description, "description", false, "asserts: the description presents the system as it was")
	f.BoolVar(&design, "design", false, "asserts: the controls were suitably designed")
	f.BoolVar(&operation, "operation", false, "asserts: the controls operated")
	f.StringVar(&except, "except", "", "what does not hold, in management's words, or @FILE")
	s.flags(sign)
	cmd.AddCommand(needed(sign, "text", "dated", "title"))
	return a.engagementFlags(cmd)
}

// party is who asserts: the company, unless an organization is named.
func (d *clientDesk) party(ctx context.Context, named string) (party string, err error) {
	err = d.side(ctx, func(_ *management.State, x *management.Side) error {
		if party = x.Terms.Client.Name; named == "" {
			return nil
		}
		if party = named; !slices.Contains(x.Parties(), named) {
			return fmt.Errorf("%w: --by %q is none of %s", audit.ErrUsage, named, strings.Join(x.Parties(), ", "))
		}
		return nil
	})
	return party, err
}

func (a *app) representationCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "representation", Short: "The letter of representation: sign"}
	var by, text, dated string
	var s signs
	sign := a.clientAct("sign", "Sign the letter of representation, on the report's day", exactly(0, "no argument"), func(ctx context.Context, d *clientDesk) error {
		var err error
		if text, err = typed("--text", text); err != nil {
			return err
		}
		party, err := d.party(ctx, by)
		if err != nil {
			return err
		}
		x := engagement.Representation{By: party, Text: text, Dated: dated}
		next, err := d.Side.NextLetter(ctx, d.id, party)
		if err != nil {
			return err
		}
		x.Terms, x.Version = next.Terms, next.Version
		digest, err := x.ToSign()
		if err == nil {
			x.Signed, err = a.sign(ctx, &d.place, s, "letter of representation", digest)
		}
		if err == nil {
			err = d.Side.SignRepresentation(ctx, d.by, d.id, x, examination.Keys{Store: d.p.Store}.Own(ctx))
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, x, "%s, %s, signed version %d of the letter of representation of %s, dated %s.", x.Signed.Name, x.Signed.Title, x.Version, party, dated)
	})
	f := sign.Flags()
	f.StringVar(&by, "by", "", "inclusive subservice organization whose letter it is (default: the company)")
	f.StringVar(&text, "text", "", "the letter in management's words, or @FILE (needed)")
	f.StringVar(&dated, "dated", "", "the report's day, 2026-03-31 (needed)")
	s.flags(sign)
	cmd.AddCommand(needed(sign, "text", "dated", "title"))
	return a.engagementFlags(cmd)
}
