package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

func (a *app) declareCommand() *cobra.Command {
	var conflict, why string
	var independent bool
	cmd := a.firmAct("declare", "Declare to be independent of the client, or what stands against it", exactly(0, "no argument"), func(ctx context.Context, d *firmDesk) error {
		if independent == (conflict != "") {
			return fmt.Errorf("%w: say either --independent, or with --conflict what stands against it", audit.ErrUsage)
		}
		if why != "" && !independent {
			return fmt.Errorf("%w: --why goes with --independent: why a conflict that was declared stands no more", audit.ErrUsage)
		}
		if err := d.Files.Declare(ctx, d.by, d.id, independent, conflict+why); err != nil {
			return err
		}
		if !independent {
			return a.did(&d.place, conflict, "%s declared a conflict for %s. Work waits for a safeguard that a partner approves.", d.me.Name, d.id)
		}
		if why != "" {
			return a.did(&d.place, why, "%s declared that a conflict for %s stands no more. Work waits for a partner to approve that.", d.me.Name, d.id)
		}
		return a.did(&d.place, nil, "%s declared to be independent of the client of %s.", d.me.Name, d.id)
	})
	cmd.Flags().BoolVar(&independent, "independent", false, "nothing stands against independence")
	cmd.Flags().StringVar(&conflict, "conflict", "", "what stands against it")
	cmd.Flags().StringVar(&why, "why", "", "with --independent: why a conflict that was declared stands no more")
	return cmd
}

func (a *app) safeguardCommand() *cobra.Command {
	return a.firmAct("safeguard ADDRESS TEXT", "Let a person with a declared conflict work under a safeguard; a partner says so", exactly(2, "an e-mail address and the safeguard"),
		func(ctx context.Context, d *firmDesk) error {
			who, err := accountOf(d.names, d.args[0])
			if err != nil {
				return err
			}
			base, err := d.base(ctx, "independence", who)
			if err == nil {
				err = d.Files.ApproveSafeguard(ctx, d.by, d.id, who, d.args[1], base)
			}
			if err != nil {
				return err
			}
			return a.did(&d.place, who, "%s can work on %s under the safeguard.", d.name(who), d.id)
		})
}

func (a *app) assignCommand() *cobra.Command {
	var holds []string
	cmd := a.firmAct("assign ADDRESS DUTY", "Put a person on the team, or give them another duty", exactly(2, "an e-mail address and a duty: "+strings.Join(fieldwork.Duties, ", ")),
		func(ctx context.Context, d *firmDesk) error {
			list, err := engagement.ParseCredentials(strings.Join(holds, "\n"))
			who := ""
			if err == nil {
				who, err = accountOf(d.names, d.args[0])
			}
			if err == nil {
				err = d.Files.Assign(ctx, d.by, d.id, who, d.args[1], list...)
			}
			if err != nil {
				return err
			}
			return a.did(&d.place, who, "%s is %s on %s.", d.name(who), d.args[1], d.id)
		})
	cmd.Flags().StringArrayVar(&holds, "credential", nil, "what the firm states they hold: 'CPA | STATE | NUMBER', CISA, CISSP, 'other | NAME'; may be repeated, and takes the place of what was stated before")
	return cmd
}

func (a *app) unassignCommand() *cobra.Command {
	var why string
	cmd := a.firmAct("unassign ADDRESS", "End a person's part in the engagement; what they did stays", exactly(1, "an e-mail address"), func(ctx context.Context, d *firmDesk) error {
		who, err := accountOf(d.names, d.args[0])
		if err == nil {
			err = d.Files.EndMember(ctx, d.by, d.id, who, why)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, who, "%s left the team of %s.", d.name(who), d.id)
	})
	cmd.Flags().StringVar(&why, "why", "", "the reason (needed)")
	return needed(cmd, "why")
}

// An answered is one question of acceptance as its file has it.
type answered struct {
	Question string `yaml:"question"`
	Answer   string `yaml:"answer"`
}

func (a *app) acceptCommand() *cobra.Command {
	var letter, answers string
	var questions bool
	cmd := a.firmAct("accept", "Accept the client and the engagement: a partner's answers and the engagement letter", exactly(0, "no argument"), func(ctx context.Context, d *firmDesk) error {
		checks, err := readAnswers(answers)
		if err != nil {
			return err
		}
		sum, err := a.keepFile(ctx, &d.place, "--letter", letter, func(sum string, _ int64) error { return d.Files.MayAccept(ctx, d.by, d.id, checks, sum) })
		if err == nil {
			err = d.Files.Accept(ctx, d.by, d.id, checks, sum)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, sum, "%s accepted the client and the engagement %s. Its terms go out with the next exchange.", d.me.Name, d.id)
	})
	cmd.Long = "A partner accepts, or continues, a client and an engagement: the answer to each question, and the engagement letter. " +
		"--questions prints the file to fill in."
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if questions {
			return a.printQuestions()
		}
		return run(cmd, args)
	}
	f := cmd.Flags()
	f.StringVar(&answers, "answers", "", "file with the answers (YAML), as --questions prints it")
	f.StringVar(&letter, "letter", "", "file of the engagement letter")
	f.BoolVar(&questions, "questions", false, "print the questions as a file to fill in, and accept nothing")
	return cmd
}

func (a *app) printQuestions() error {
	list := make([]answered, len(fieldwork.Preconditions))
	for i, q := range fieldwork.Preconditions {
		list[i].Question = q
	}
	var b bytes.Buffer
	out := yaml.NewEncoder(&b)
	if err := out.Encode(list); err != nil {
		return err
	}
	_, err := a.env.Stdout.Write(b.Bytes())
	return err
}

func readAnswers(path string) ([]fieldwork.Checked, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: --answers: name the file with the answers; --questions prints one to fill in", audit.ErrUsage)
	}
	data, err := readBounded(path, maxTyped)
	if err != nil {
		return nil, err
	}
	var list []answered
	if err := decodeFile(path, data, &list); err != nil {
		return nil, err
	}
	out := make([]fieldwork.Checked, len(list))
	for i, x := range list {
		out[i] = fieldwork.Checked{Question: x.Question, Answer: strings.TrimSpace(x.Answer)}
	}
	return out, nil
}

// keepFile puts a file among the workspace's blobs and returns its digest, hex.
// may is asked first, with the digest and the size: what it refuses is not kept.
func (a *app) keepFile(ctx context.Context, d *place, flag, path string, may func(sum string, size int64) error) (string, error) {
	if path == "" {
		return "", fmt.Errorf("%w: %s: name the file", audit.ErrUsage, flag)
	}
	f, _, err := openFile(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	hash := sha256.New()
	size, err := io.Copy(hash, f)
	sum := hex.EncodeToString(hash.Sum(nil))
	if err == nil {
		err = may(sum, size)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return "", err
	}
	kept, _, err := d.p.Blobs.Put(ctx, f)
	if err == nil && strings.TrimPrefix(kept, "sha256:") != sum {
		err = fmt.Errorf("%w: %s changed while it was read", audit.ErrConflict, path)
	}
	return sum, err
}

func (a *app) endCommand() *cobra.Command {
	var why string
	cmd := a.firmAct("end withdrawn|canceled", "End an engagement before its report: the auditor leaves, or both give it up", exactly(1, "withdrawn or canceled"), func(ctx context.Context, d *firmDesk) error {
		base, err := d.base(ctx, "state")
		if err == nil {
			err = d.Files.EndEngagement(ctx, d.by, d.id, engagement.State(d.args[0]), why, base)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, d.args[0], "%s is %s.", d.id, d.args[0])
	})
	cmd.Flags().StringVar(&why, "why", "", "the reason (needed)")
	return needed(cmd, "why")
}
