package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/internal/strictyaml"
	"tieout/report/attest"
	"tieout/report/attest/lint"
)

// examReports are the commands of an examination below report.
func (a *app) examReports() []*cobra.Command {
	list := []*cobra.Command{a.wordingCommand(), a.criteriaTextCommand(), a.draftReportCommand(), a.lintCommand(), a.commentCommand(), a.issueCommand(), a.reviseCommand(), a.withdrawCommand(), a.filesCommand(),
		a.copyCommand(), a.letterCommand()}
	for _, c := range list {
		a.engagementFlags(c)
	}
	return list
}

func (a *app) wordingCommand() *cobra.Command {
	return a.loadCommand("wording FILE", "Put the firm's own wording of its reports in force", func(ctx context.Context, d *firmDesk, data []byte) (string, error) {
		w, err := d.LoadWording(ctx, d.by, filepath.Base(d.args[0]), data)
		return fmt.Sprintf("%s, version %s, is the wording of reports from now on.", w.Name, w.Version), err
	})
}

func (a *app) criteriaTextCommand() *cobra.Command {
	return a.loadCommand("criteria FILE", "Import official text of criteria, which the firm has a license to print", func(ctx context.Context, d *firmDesk, data []byte) (string, error) {
		c, err := d.LoadCriteria(ctx, d.by, filepath.Base(d.args[0]), data)
		return fmt.Sprintf("%s of %s, %s, are printed from now on.", count(len(c.Texts), "criterion", "criteria"), c.Name, c.Version), err
	})
}

// loadCommand takes a text of the firm's in, which is of no one engagement.
func (a *app) loadCommand(use, short string, load func(ctx context.Context, d *firmDesk, data []byte) (string, error)) *cobra.Command {
	return in(&cobra.Command{Use: use, Short: short, Args: exactly(1, "a file (YAML)"), RunE: a.onFirm(none, func(ctx context.Context, d *firmDesk) error {
		data, err := readBounded(d.args[0], strictyaml.MaxSize)
		if err != nil {
			return err
		}
		words, err := load(ctx, d, data)
		if err != nil {
			return err
		}
		return a.did(&d.place, filepath.Base(d.args[0]), "%s", words)
	})}, "table", "json")
}

func (a *app) draftReportCommand() *cobra.Command {
	var dated, due, to string
	cmd := a.firmAct("draft", "Give management the draft for its factual review; with --to only write it", exactly(0, "no argument"), func(ctx context.Context, d *firmDesk) error {
		if to != "" {
			r, err := d.Draft(ctx, d.id, dated)
			if err != nil {
				return err
			}
			return a.writeLooked(r, to)
		}
		x, err := d.GiveDraft(ctx, d.by, d.id, dated, due)
		if err != nil {
			return err
		}
		return a.did(&d.place, x, "The draft %.16s is given for factual review until %s; it goes out with the next exchange. It has no opinion and no signature.", x.Digest, x.Due)
	})
	f := cmd.Flags()
	f.StringVar(&dated, "dated", "", "day the report is expected to have, 2026-03-31 (needed)")
	f.StringVar(&due, "due", "", "day by which management comments (needed, but with --to)")
	f.StringVar(&to, "to", "", "write the draft to this file and give it to nobody: its name ends in "+formatNames+" or .json")
	return needed(cmd, "dated")
}

// writeLooked writes a report that is looked at, in the format its name ends in.
func (a *app) writeLooked(r attest.Report, to string) error {
	if filepath.Ext(to) == ".json" && !strings.HasSuffix(to, oscalEnd) {
		raw, err := attest.Marshal(r)
		if err != nil {
			return err
		}
		return a.writeRendering(to, raw)
	}
	return a.renderReport(r, to)
}

func (a *app) lintCommand() *cobra.Command {
	return in(&cobra.Command{Use: "lint [FILE|ENGAGEMENT]", Short: "Read a report as a careful reviewer does, and name what does not tie", Args: atMost(1, "the file of a report's value, or an engagement"),
		Long: "Reads the value of a service auditor's report (JSON) as a careful reviewer does before it goes out: sets of controls that differ, numbers that do not tie, texts that wait to be written, days out of order. " +
			"With an engagement, or without an argument, it reads the draft as the file stands now, beside the names and texts the workspace knows. Errors refuse the release: exit 3.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && isFile(args[0]) {
				return a.lintFile(args[0])
			}
			if len(args) == 1 {
				a.engagement = args[0]
			}
			return a.onFirm(looks, func(ctx context.Context, d *firmDesk) error {
				day := ""
				err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error { day = d.today(x.Terms); return nil })
				if err != nil {
					return err
				}
				r, err := d.Draft(ctx, d.id, day)
				if err != nil {
					return err
				}
				faults, err := d.Lint(ctx, r)
				if err != nil {
					return err
				}
				return a.showFaults(faults, "The draft of "+d.id)
			})(cmd, nil)
		}}, "table", "json")
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

func (a *app) lintFile(path string) error {
	data, err := readBounded(path, attest.MaxSize)
	if err != nil {
		return err
	}
	r, err := attest.Read(data)
	if err != nil {
		return err
	}
	return a.showFaults(lint.Lint(r, lint.Beside{}), path)
}

func (a *app) showFaults(faults []lint.Fault, what string) error {
	l := listing{schema: "tieout.lint/1", columns: cols("severity", "~where", "rule", "~what", "~do")}
	errs := 0
	for _, f := range faults {
		if f.Severity == lint.Error {
			errs++
		}
		l.rows = append(l.rows, row{[]string{string(f.Severity), f.Where, string(f.Rule), f.Text, f.Do}, f})
	}
	l.summary = fmt.Sprintf("%s: %s, %s.", what, howMany(errs, "error refuses the release", "errors refuse the release"), howMany(len(faults)-errs, "warning", "warnings"))
	if err := a.show(l); err != nil {
		return err
	}
	if errs > 0 {
		return findings{exitFindings, ""}
	}
	return nil
}

func (a *app) commentCommand() *cobra.Command {
	var where, answer string
	cmd := in(&cobra.Command{Use: "comment TEXT|COMMENT", Short: "Comment on the facts of the draft (client), or answer a comment (firm)", Args: exactly(1, "the comment in words, or its number such as M-1"),
		RunE: a.onSide(0, func(ctx context.Context, d *firmDesk) error {
			base, err := d.base(ctx, "comment", d.args[0])
			if err == nil {
				err = d.Files.AnswerComment(ctx, d.by, d.id, d.args[0], answer, base)
			}
			if err != nil {
				return err
			}
			return a.did(&d.place, answer, "Comment %s is answered.", d.args[0])
		}, func(ctx context.Context, d *clientDesk) error {
			id, err := d.Side.Comment(ctx, d.by, d.id, where, d.args[0])
			if err != nil {
				return err
			}
			return a.did(&d.place, id, "Comment %s on the draft goes out with the next exchange.", strings.TrimPrefix(id, d.id+"/"))
		})}, "table", "json")
	cmd.Flags().StringVar(&where, "where", "", "client: section and row of the draft")
	cmd.Flags().StringVar(&answer, "answer", "", "firm: the answer")
	return cmd
}

func (a *app) issueCommand() *cobra.Command {
	var o examination.Issuing
	var s signs
	var look bool
	var to string
	cmd := a.firmAct("issue", "Sign and issue the report; from then on nothing of the engagement changes", exactly(0, "no argument"), func(ctx context.Context, d *firmDesk) error {
		if look {
			return a.lookAtFinal(ctx, d, o, to)
		}
		if to != "" {
			return fmt.Errorf("%w: --to goes with --look; 'report files' writes what is issued", audit.ErrUsage)
		}
		if _, err := d.Final(ctx, d.by, d.id, o); err != nil {
			return err
		}
		if o.Report == "" {
			return fmt.Errorf("%w: --report: look at the report first ('tieout report issue --look') and name its digest; you sign what you saw", audit.ErrUsage)
		}
		o.Sign = func(what, digest string) (engagement.Signature, error) { return a.sign(ctx, &d.place, s, what, digest) }
		x, err := d.IssueReport(ctx, d.by, d.id, o)
		if err != nil {
			return err
		}
		return a.did(&d.place, x, "The report of %s is issued, dated %s, signed by %s, %s: %.16s. It goes out with the next exchange.", d.id, x.Dated, x.Signed.Name, x.Signed.Title, x.Report)
	})
	cmd.Long = "Issues the report in two steps. --look makes it as it would be issued, says all that stands against it, and prints its digest (exit 3 while something does); --to writes it, to be read. " +
		"Then --report with that digest signs it with the partner's key and issues it. Nothing of the engagement changes any more; what is found later goes into a superseding report."
	f := cmd.Flags()
	f.StringVar(&o.Dated, "dated", "", "the report's day, 2026-03-31 (needed)")
	f.BoolVar(&look, "look", false, "only make it and say what stands against it")
	f.StringVar(&to, "to", "", "with --look: file to write the report to, whose name ends in "+formatNames+" or .json")
	f.StringVar(&o.Report, "report", "", "digest of the report as it was looked at")
	f.StringVar(&o.Supersedes, "supersedes", "", "digest of another engagement's report that it takes the place of")
	f.StringVar(&o.Why, "why", "", "why, of a superseding report")
	s.flags(cmd)
	return needed(cmd, "dated")
}

// lookAtFinal makes the report as it would be issued, for the partner to read.
// Where none can be made it says what is missing for that.
func (a *app) lookAtFinal(ctx context.Context, d *firmDesk, o examination.Issuing, to string) error {
	m, err := d.Final(ctx, d.by, d.id, o)
	if errors.Is(err, audit.ErrConflict) && m.Digest == "" && len(m.Missing()) > 0 {
		return a.tellFinal(d, m)
	}
	if err == nil && to != "" {
		err = a.writeLooked(m.Report, to)
	}
	if err != nil {
		return err
	}
	return a.tellFinal(d, m)
}

// tellFinal says what a report would be, and what stands against it.
func (a *app) tellFinal(d *firmDesk, m examination.Final) error {
	open := m.Open()
	say := fmt.Sprintf("The report %s, dated %s, has the digest %s. ", m.Report.ID, m.Report.Dated, m.Digest)
	if m.Digest == "" {
		say = fmt.Sprintf("No report of %s can be made yet. ", d.id)
	}
	if len(open) == 0 {
		say += "Nothing stands against it."
	} else {
		say += count(len(open), "thing stands against it", "things stand against it") + "."
	}
	if a.output == "json" {
		return a.writeJSON("tieout.report.final/1", say, "final", map[string]any{"digest": m.Digest, "open": open, "faults": m.Faults})
	}
	a.say(say)
	for _, x := range open {
		a.point("- " + d.inNames(x))
	}
	if len(open) > 0 {
		return findings{exitFindings, ""}
	}
	return nil
}

func (a *app) reviseCommand() *cobra.Command {
	return a.firmAct("revise WHY", "Open the file of an issued report again, for a report that supersedes it", exactly(1, "the reason"), func(ctx context.Context, d *firmDesk) error {
		err := d.Files.Revise(ctx, d.by, d.id, d.args[0])
		if err != nil {
			return err
		}
		return a.did(&d.place, d.args[0], "The file of %s is open again. The next report supersedes the one in force and says why.", d.id)
	})
}

func (a *app) withdrawCommand() *cobra.Command {
	return a.firmAct("withdraw WHY", "Withdraw an issued report, with the reason its readers are told", exactly(1, "the reason"), func(ctx context.Context, d *firmDesk) error {
		err := d.Files.Withdraw(ctx, d.by, d.id, d.args[0])
		if err != nil {
			return err
		}
		return a.did(&d.place, d.args[0], "The report of %s is withdrawn.", d.id)
	})
}

func (a *app) filesCommand() *cobra.Command {
	return in(&cobra.Command{Use: "files FOLDER", Short: "Write the files of the issued report into a folder", Args: exactly(1, "a folder"),
		RunE: a.onSide(looks, func(ctx context.Context, d *firmDesk) error {
			var files []fieldwork.IssuedFile
			err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
				if n := len(x.Issues); n > 0 {
					files = x.Issues[n-1].Digests
					if w := x.Issues[n-1].Withdrawn; w != nil {
						a.note("The report of %s is withdrawn: %s.", d.id, strings.TrimRight(w.What, "."))
					}
				}
				return nil
			})
			if err == nil && len(files) == 0 {
				err = fmt.Errorf("%w: no report of %s is issued yet", audit.ErrConflict, d.id)
			}
			for _, f := range files {
				if err != nil {
					break
				}
				var in io.ReadCloser
				if in, err = d.p.Blobs.Get(ctx, "sha256:"+f.Digest); err == nil {
					err = a.writeOut(filepath.Join(d.args[0], filepath.Base(f.Name)), in)
				}
			}
			return err
		}, func(ctx context.Context, d *clientDesk) error {
			var names []string
			report := ""
			err := d.side(ctx, func(_ *management.State, x *management.Side) error {
				r := x.InForce()
				if r == nil {
					return fmt.Errorf("%w: no report of %s is here that is in force", audit.ErrConflict, d.id)
				}
				names, report = r.Files, r.Report
				return nil
			})
			for _, name := range names {
				var body []byte
				if body, err = d.ReleasedFile(ctx, d.id, report, name); err == nil {
					err = a.writeOut(filepath.Join(d.args[0], filepath.Base(name)), io.NopCloser(bytes.NewReader(body)))
				}
				if err != nil {
					break
				}
			}
			return err
		})}, "table")
}

func (a *app) writeOut(path string, in io.ReadCloser) error {
	digest, err := writeFile(path, func(w io.Writer) error { _, err := io.Copy(w, in); return err })
	if err = errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	fmt.Fprintln(a.env.Stdout, path)
	fmt.Fprintln(a.env.Stdout, "  "+digest)
	return nil
}

func (a *app) copyCommand() *cobra.Command {
	var c examination.Copying
	var reference string
	cmd := in(&cobra.Command{Use: "copy FILE", Short: "Make a recipient's own copy of the report's PDF; the log keeps for whom", Args: exactly(1, "the file to write"),
		RunE: a.onSide(0, func(ctx context.Context, d *firmDesk) error {
			return a.copied(ctx, &d.place, c, reference, func(c examination.Copying) (examination.File, engagement.Copy, error) {
				return d.CopyReport(ctx, d.by, d.id, c)
			})
		}, func(ctx context.Context, d *clientDesk) error {
			return a.copied(ctx, &d.place, c, reference, func(c examination.Copying) (examination.File, engagement.Copy, error) {
				return d.CopyReport(ctx, d.by, d.id, c)
			})
		})}, "table", "json")
	f := cmd.Flags()
	f.StringVar(&c.For, "for", "", "name of the recipient (needed)")
	f.StringVar(&c.Mail, "mail", "", "e-mail address of the recipient")
	f.StringVar(&c.Why, "why", "", "what it is given for")
	f.BoolVar(&c.Mark, "mark", false, "every page names the recipient")
	f.StringVar(&reference, "password", "", "encrypt with the password that env:NAME or file:PATH holds; it is kept nowhere")
	return needed(cmd, "for")
}

func (a *app) copied(ctx context.Context, d *place, c examination.Copying, reference string, make func(examination.Copying) (examination.File, engagement.Copy, error)) (err error) {
	if reference != "" {
		if c.Password, err = d.p.Env.Secret(ctx, reference); err != nil {
			return err
		}
	}
	file, made, err := make(c)
	if err != nil {
		return err
	}
	digest, err := writeFile(d.args[0], func(w io.Writer) error { _, err := w.Write(file.Data); return err })
	if err != nil {
		return err
	}
	return a.did(d, made, "%s is the copy of %s, %s. The log keeps that it was made.", d.args[0], c.For, digest)
}
