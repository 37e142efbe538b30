package answer

import (
	"context"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"time"

	"tieout/audit"
	"tieout/period"
	"tieout/report"
)

// ProgressSchema is the schema of a Progress.
const ProgressSchema = "tieout.readiness-progress/1"

// OwnView is said on everything about readiness that leaves the company.
const OwnView = "This is management's own view; nobody examined it. It is no report of a service auditor, and no evidence."

// A Progress is readiness for somebody outside: counts, never what a gap says.
type Progress struct {
	Organization string         `json:"organization"`
	System       string         `json:"system"`
	Period       audit.Period   `json:"period"`
	By           time.Time      `json:"by"`
	AsOf         time.Time      `json:"asOf"`
	Head         ProgressHead   `json:"head"`
	Tested       bool           `json:"tested"`
	Gaps         int            `json:"gaps"`
	Hours        int            `json:"hours"`
	Kinds        []ProgressKind `json:"kinds"` // in the order of Hours
	Stops        int            `json:"stops"` // checks of an auditor that would stop today
	Checks       int            `json:"checks"`
	Burn         []BurnPoint    `json:"burn"`
	OwnView      string         `json:"ownView"`
}

// A ProgressHead is the log's head at the instant: who is shown the log later can
// see that this was not written afterward.
type ProgressHead struct {
	Size int64  `json:"size"`
	Root string `json:"root"` // hex
}

// A ProgressKind counts the open gaps of a kind.
type ProgressKind struct {
	Kind  GapKind `json:"kind"`
	Gaps  int     `json:"gaps"`
	Hours int     `json:"hours"`
}

// ProgressOf is what of readiness is given to somebody outside.
func ProgressOf(ctx context.Context, p *period.Program, r *Readiness) (*Progress, error) {
	head, err := p.Store.Head(ctx)
	if err != nil {
		return nil, err
	}
	out := &Progress{Organization: p.Def.Organization.Name, System: p.Def.Organization.System, Period: r.Period, By: r.By, AsOf: r.AsOf, Head: ProgressHead{head.Size, hex.EncodeToString(head.Root[:])},
		Tested: r.Tested, Gaps: len(r.Gaps), Hours: r.Hours(), Checks: len(r.Stops), Burn: r.Burn, OwnView: OwnView}
	for _, h := range Hours {
		k := ProgressKind{Kind: h.Kind}
		for _, g := range r.Gaps {
			if g.Kind == h.Kind {
				k.Gaps, k.Hours = k.Gaps+1, k.Hours+g.Hours
			}
		}
		if k.Gaps > 0 {
			out.Kinds = append(out.Kinds, k)
		}
	}
	for _, s := range r.Stops {
		if s.State == Stops {
			out.Stops++
		}
	}
	return out, nil
}

// Sentence says in counts what is left.
func (p *Progress) Sentence() string {
	day := report.Day(p.By, p.Period.Location())
	switch {
	case !p.Tested && p.Gaps == 0:
		return "Nothing was tested yet."
	case p.Gaps == 0:
		return "No gap is known, held against " + day + "."
	}
	s := fmt.Sprintf("%s known, held against %s: about %s of work.", report.Plural(p.Gaps, "gap is", "gaps are"), day, Work(p.Hours))
	if !p.Tested {
		s += " Nothing was tested yet, so findings and evidence gaps are not among them."
	}
	return s
}

// BurnRows are the burn-up as a table: every sealed run, when scope moved and how
// much.
func (p *Progress) BurnRows() (head []string, rows [][]string) {
	for _, b := range p.Burn {
		rows = append(rows, []string{audit.FormatTime(b.At), strconv.Itoa(b.Total), strconv.Itoa(b.Closed), strconv.Itoa(b.Total - b.Closed), b.Note})
	}
	return []string{"at", "found", "closed", "open", "change of scope"}, rows
}

// WriteProgress writes one page that prints, whole in itself: no script, nothing
// that is fetched. The same value gives the same bytes.
func WriteProgress(w io.Writer, p *Progress) error {
	loc := p.Period.Location()
	type row struct {
		When, Note          string
		Found, Closed, Open string
		Share               int // of what was found, in percent
	}
	data := struct {
		*Progress
		Title, Say, Dates, Day, AsOfText, Root, Checked string
		Rows                                            []row
	}{Progress: p, Title: "Readiness of " + p.Organization, Say: p.Sentence(), Dates: report.Days(p.Period.Span, loc), Day: report.Day(p.By, loc), AsOfText: report.Moment(p.AsOf, loc), Root: p.Head.Root}
	data.Checked = fmt.Sprintf("%s of %s checks that an auditor makes before testing begins would stop today.", report.Number(p.Stops), report.Number(p.Checks))
	for i, b := range p.Burn {
		if i > 0 && i < len(p.Burn)-1 && b.Note == "" && b.Total == p.Burn[i-1].Total && b.Closed == p.Burn[i-1].Closed {
			continue
		}
		x := row{When: report.Moment(b.At, loc), Note: b.Note, Found: report.Number(b.Total), Closed: report.Number(b.Closed), Open: report.Number(b.Total - b.Closed)}
		if b.Total > 0 {
			x.Share = 100 * b.Closed / b.Total
		}
		data.Rows = append(data.Rows, x)
	}
	return progressPage.Execute(w, data)
}

var progressPage = template.Must(template.New("progress").Funcs(template.FuncMap{"work": Work, "number": report.Number, "capital": func(k GapKind) string { return report.Capital(string(k)) }}).Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{{.Title}}, {{.AsOfText}}</title>
<style>
:root{color-scheme:light dark}
body{font:15px/22px system-ui,sans-serif;max-width:760px;margin:24px auto;padding:0 16px;overflow-wrap:anywhere}
h1{font-size:24px;line-height:30px}h2{font-size:17px;margin:24px 0 6px}
.own{border:1px solid;border-left-width:5px;padding:8px 12px}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}caption{text-align:left;font-size:13px}
th,td{border-bottom:1px solid #8888;padding:4px 8px 4px 0;text-align:left;vertical-align:top}.n{text-align:right;font-variant-numeric:tabular-nums}
code{font-size:12px}meter{width:90px}
@media print{body{margin:0;max-width:none;font-size:10.5pt;line-height:14pt}tr,.own{break-inside:avoid}}
</style></head><body>
<h1>{{.Title}}</h1>
<p>{{.System}}, {{.Dates}}. As of {{.AsOfText}}, held against {{.Day}}.</p>
<p class="own"><strong>{{.OwnView}}</strong></p>
<p>{{.Say}} {{if .Checks}}{{.Checked}}{{end}}</p>
{{if .Kinds}}<h2>What is open</h2><div class="scroll" tabindex="0" role="region" aria-label="Open gaps"><table><caption>Open gaps by kind, with the work by rule of thumb</caption><thead><tr><th scope="col">Kind</th><th scope="col" class="n">Gaps</th><th scope="col">Work, about</th></tr></thead><tbody>
{{range .Kinds}}<tr><th scope="row">{{capital .Kind}}</th><td class="n">{{number .Gaps}}</td><td>{{work .Hours}}</td></tr>
{{end}}</tbody></table></div>{{end}}
{{if .Rows}}<h2>How it went</h2><div class="scroll" tabindex="0" role="region" aria-label="Burn-up"><table><caption>Gaps that sealed runs found and that were closed, where something moved</caption><thead><tr><th scope="col">Run</th><th scope="col" class="n">Found</th><th scope="col" class="n">Closed</th><th scope="col" class="n">Open</th><th scope="col">Share closed</th><th scope="col">Change of scope</th></tr></thead><tbody>
{{range .Rows}}<tr><th scope="row">{{.When}}</th><td class="n">{{.Found}}</td><td class="n">{{.Closed}}</td><td class="n">{{.Open}}</td><td><meter min="0" max="100" value="{{.Share}}" aria-label="{{.Share}} percent closed">{{.Share}}%</meter></td><td>{{.Note}}</td></tr>
{{end}}</tbody></table></div>{{end}}
<h2>The log</h2>
<p>At that instant the company's log had {{.Head.Size}} records; its root was <code>{{.Root}}</code>. Whoever is shown the log later can check that these figures were not written after it had moved on.</p>
</body></html>
`))
