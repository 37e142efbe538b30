package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/examination"
	"tieout/internal/strictyaml"
)

// A testFile is a planned test as people write it (docs/formats/engagement-terms.md).
type testFile struct {
	ID         string          `yaml:"id"`
	Control    string          `yaml:"control"`
	Version    string          `yaml:"version,omitempty"`
	Until      string          `yaml:"until,omitempty"`
	Phase      string          `yaml:"phase"`
	Kind       string          `yaml:"kind"`
	Text       string          `yaml:"text"`
	Population bool            `yaml:"population,omitempty"`
	Criteria   []string        `yaml:"criteria,flow"`
	Extra      []string        `yaml:"extra,omitempty,flow"`
	Attributes []attributeFile `yaml:"attributes"`
}

type attributeFile struct {
	Name      string `yaml:"name"`
	Text      string `yaml:"text"`
	Procedure string `yaml:"procedure,omitempty"`
}

func (t testFile) test() engagement.Test {
	out := engagement.Test{ID: t.ID, Control: t.Control, Version: t.Version, Until: t.Until, Phase: engagement.Phase(t.Phase), Kind: engagement.ProcedureKind(t.Kind), Text: t.Text,
		Population: t.Population, Criteria: t.Criteria, Extra: t.Extra}
	for _, x := range t.Attributes {
		out.Attributes = append(out.Attributes, engagement.Attribute{Name: x.Name, Text: x.Text, Procedure: x.Procedure})
	}
	return out
}

func fileOf(t engagement.Test) testFile {
	out := testFile{ID: t.ID, Control: t.Control, Version: t.Version, Until: t.Until, Phase: string(t.Phase), Kind: string(t.Kind), Text: t.Text, Population: t.Population, Criteria: t.Criteria, Extra: t.Extra}
	for _, x := range t.Attributes {
		out.Attributes = append(out.Attributes, attributeFile{x.Name, x.Text, x.Procedure})
	}
	return out
}

// readTests reads a plan of tests; what is wrong in it is named by file, line and
// column.
func readTests(path string) ([]engagement.Test, error) {
	data, err := readBounded(path, strictyaml.MaxSize)
	if err != nil {
		return nil, err
	}
	return parseTests(path, data)
}

func parseTests(path string, data []byte) ([]engagement.Test, error) {
	var list []testFile
	if err := decodeFile(path, data, &list); err != nil {
		return nil, err
	}
	out := make([]engagement.Test, len(list))
	for i, t := range list {
		out[i] = t.test()
	}
	return out, nil
}

func (a *app) planCommandOfTests() *cobra.Command {
	var why string
	cmd := a.firmAct("plan FILE", "Plan the tests of a file: new ones are added, those with a planned test's ID change it", exactly(1, "a plan of tests (YAML)"), func(ctx context.Context, d *firmDesk) error {
		list, err := readTests(d.args[0])
		if err != nil {
			return err
		}
		for _, t := range list {
			base, err := d.base(ctx, "test", t.ID)
			if err == nil {
				err = d.Files.SetTest(ctx, d.by, d.id, t, why, base)
			}
			if err != nil {
				return fmt.Errorf("%s: test %s: %w", d.args[0], t.ID, err)
			}
		}
		return a.did(&d.place, len(list), "%s planned.", count(len(list), "test is", "tests are"))
	})
	cmd.Long = "Plans the tests of a YAML file, as 'test propose' drafts one from the client's controls. The first that is refused ends it; those before it are planned."
	cmd.Flags().StringVar(&why, "why", "", "why, of a change, and of tests added once fieldwork has begun")
	return cmd
}

func (a *app) proposeTestsCommand() *cobra.Command {
	var only []string
	cmd := in(&cobra.Command{Use: "propose FILE", Short: "Draft a plan from the client's controls, as a file to edit and plan", Args: exactly(1, "the file to write"),
		RunE: a.onFirm(looks, func(ctx context.Context, d *firmDesk) error {
			var list []testFile
			err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
				if x.Controls == nil {
					return fmt.Errorf("%w: the client's controls are not here yet; they come with its next packets", audit.ErrConflict)
				}
				for _, t := range fieldwork.ProposeTests(*x.Controls, x.Terms, examination.Ties(d.p.Def.Catalog, x.Terms)) {
					if len(only) == 0 || slices.Contains(only, t.Control) {
						list = append(list, fileOf(t))
					}
				}
				return nil
			})
			var b bytes.Buffer
			if err == nil {
				err = yaml.NewEncoder(&b).Encode(list)
			}
			if err == nil {
				_, err = writeFile(d.args[0], func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err })
			}
			if err != nil {
				return err
			}
			return a.did(&d.place, len(list), "%s drafted in %s. Nothing is planned by it: edit it, then 'tieout test plan %s'.", count(len(list), "test is", "tests are"), d.args[0], d.args[0])
		})}, "table", "json")
	cmd.Flags().StringSliceVar(&only, "control", nil, "only tests of this control; may be repeated")
	return cmd
}

func (a *app) dropTestCommand() *cobra.Command {
	var why string
	cmd := a.firmAct("drop TEST", "Take a test out of the plan, with the reason; what was done of it stays", exactly(1, aTest), func(ctx context.Context, d *firmDesk) error {
		base, err := d.base(ctx, "test", d.args[0])
		if err == nil {
			err = d.Files.DropTest(ctx, d.by, d.id, d.args[0], why, base)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, why, "%s is not performed.", d.args[0])
	})
	cmd.Flags().StringVar(&why, "why", "", "the reason (needed)")
	return needed(cmd, "why")
}

func (a *app) relianceCommand() *cobra.Command {
	var why string
	modes := map[string]engagement.Reliance{"source": engagement.ItemsAtSource, "output": engagement.ToolOutput, "logic": engagement.WholeLogic}
	cmd := a.firmAct("reliance CONTROL source|output|logic", "Fix how much rests on what about a control's evidence, before the draw", exactly(2, "a control and source, output or logic"), func(ctx context.Context, d *firmDesk) error {
		mode := modes[d.args[1]]
		if mode == "" {
			return fmt.Errorf("%w: %q is none of source (%s), output (%s), logic (%s)", audit.ErrUsage, d.args[1], engagement.ItemsAtSource, engagement.ToolOutput, engagement.WholeLogic)
		}
		base, err := d.base(ctx, "reliance", d.args[0])
		if err == nil {
			err = d.Files.SetReliance(ctx, d.by, d.id, d.args[0], mode, why, base)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, mode, "%s rests on: %s. A draw fixes it.", d.args[0], mode)
	})
	cmd.Flags().StringVar(&why, "why", "", "the reason (needed)")
	return needed(cmd, "why")
}

// A planFile is the planning workpapers as people write them.
type planFile struct {
	Risks []struct {
		Text  string   `yaml:"text"`
		Tests []string `yaml:"tests"`
	} `yaml:"risks"`
	Materiality string `yaml:"materiality"`
	Internal    string `yaml:"internalAudit"`
	Specialists string `yaml:"specialists"`
}

func (a *app) planningCommand() *cobra.Command {
	return a.firmAct("planning FILE", "Keep the planning workpapers: risks, materiality, the work of others", exactly(1, "a file (YAML)"), func(ctx context.Context, d *firmDesk) error {
		data, err := readBounded(d.args[0], strictyaml.MaxSize)
		if err != nil {
			return err
		}
		var f planFile
		if err := decodeFile(d.args[0], data, &f); err != nil {
			return err
		}
		p := fieldwork.PlanText{Materiality: strings.TrimSpace(f.Materiality), Internal: strings.TrimSpace(f.Internal), Specialists: strings.TrimSpace(f.Specialists), Risks: []fieldwork.PlannedRisk{}}
		for _, r := range f.Risks {
			p.Risks = append(p.Risks, fieldwork.PlannedRisk{Text: r.Text, Tests: r.Tests})
		}
		base, err := d.base(ctx, "plan")
		if err == nil {
			err = d.Files.SetPlan(ctx, d.by, d.id, p, base)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, p, "The planning of %s is kept: %s.", d.id, count(len(p.Risks), "risk", "risks"))
	})
}
