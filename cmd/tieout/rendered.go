package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/report/attest"
	"tieout/report/attest/docx"
	attesthtml "tieout/report/attest/html"
	attestoscal "tieout/report/attest/oscal"
	"tieout/report/attest/pdf"
	attestxlsx "tieout/report/attest/xlsx"
)

// formats are the ways a report is printed as one file, by the end of its name.
var formats = map[string]func(attest.Report) ([]byte, error){
	".pdf": pdf.Render, ".html": attesthtml.Render, ".docx": docx.Render, ".xlsx": attestxlsx.Render,
}

// oscalEnd is the end of a name that asks for OSCAL, which is several files.
const oscalEnd = ".oscal.json"

const formatNames = ".pdf, .html, .docx, .xlsx or .oscal.json"

func (a *app) reportRender() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "render REPORT.json --to FILE", Short: "Print a service auditor's report from its value, as PDF, HTML, DOCX, XLSX or OSCAL",
		Long: `Reads the value of a service auditor's report (docs/formats/soc-report.md) and
prints it in the format that the name of --to ends in: ` + formatNames + `. The same
value gives the same bytes. Where the file is there already it is written anew.

.xlsx is Section IV alone. For NAME.oscal.json the files NAME.catalog.json,
NAME.ssp.json, NAME.assessment-plan.json, NAME.assessment-results.json and, where
there are exceptions, NAME.poam.json are written. A SOC 3 has neither.`,
		Args: exactly(1, "the file of a report's value"),
		RunE: func(_ *cobra.Command, args []string) error {
			data, err := readBounded(args[0], attest.MaxSize)
			if err != nil {
				return err
			}
			r, err := attest.Read(data)
			if err != nil {
				return err
			}
			return a.renderReport(r, to)
		},
	}
	in(cmd, "table").Flags().StringVar(&to, "to", "", "file to write: its name ends in "+formatNames)
	return cmd
}

func (a *app) renderReport(r attest.Report, to string) error {
	if stem, ok := strings.CutSuffix(to, oscalEnd); ok {
		return a.renderOSCAL(r, stem)
	}
	render := formats[filepath.Ext(to)]
	if render == nil {
		return fmt.Errorf("%w: --to %q: the name of the file ends in %s", audit.ErrUsage, to, formatNames)
	}
	page, err := render(r)
	if err != nil {
		return err
	}
	return a.writeRendering(to, page)
}

// renderOSCAL writes the documents beside each other; all of them are made
// before the first is written.
func (a *app) renderOSCAL(r attest.Report, stem string) error {
	files, err := attestoscal.Render(r, filepath.Base(stem))
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := a.writeRendering(filepath.Join(filepath.Dir(stem), f.Name), f.Data); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) writeRendering(to string, data []byte) error {
	digest, err := writeFile(to, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", to, err)
	}
	fmt.Fprintln(a.env.Stdout, to)
	fmt.Fprintln(a.env.Stdout, "  "+digest)
	return nil
}
