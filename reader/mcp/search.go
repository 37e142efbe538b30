package mcp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tieout/audit"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/report"
)

// SearchAsked is what to look for.
type SearchAsked struct {
	Paging
	Query string `json:"query" jsonschema:"words, all of which must be there, in any case; at most 200 characters"`
}

// SearchAnswer is a page of what was found.
type SearchAnswer struct {
	Head
	Items []Hit `json:"items"`
	Page  Page  `json:"page"`
}

// A Hit is one thing that holds the words.
type Hit struct {
	Kind string `json:"kind" jsonschema:"control, procedure, criterion, deviation or evidence"`
	Ref  string `json:"ref"`
	Text string `json:"text"`
	Tool string `json:"tool" jsonschema:"the tool that shows it, by its ref"`
}

const (
	searchSchema = "tieout.search/1"
	maxQuery     = 200
	maxHitText   = 300
)

// search looks through controls, procedures and criteria of the definitions,
// every deviation, and the records the newest report rests on.
func search(ctx context.Context, p *period.Program, in SearchAsked) (out SearchAnswer, err error) {
	words := strings.Fields(strings.ToLower(in.Query))
	if len(words) == 0 || utf8.RuneCountInString(in.Query) > maxQuery {
		return out, fmt.Errorf("%w: query: give 1 to %d characters, such as a name, a system or a control", audit.ErrUsage, maxQuery)
	}
	r, run, err := newest(ctx, p)
	if err != nil {
		return out, err
	}
	hits := &hits{words: words}
	hits.definitions(p)
	if run != nil {
		ds, err := p.Deviations(ctx, run)
		if err != nil {
			return out, err
		}
		hits.findings(ds, r.Evidence)
	}
	out.Head = head(searchSchema, fmt.Sprintf("%s every word of the query.", report.Capital(report.Plural(len(hits.list), "thing holds", "things hold"))))
	out.Items, out.Page, err = cut(hits.list, in.Paging, listOf("search", words), run)
	return out, err
}

// hits gathers what holds every word.
type hits struct {
	words []string
	list  []Hit
}

func (h *hits) add(kind, ref, tool, text string, in ...string) {
	hay := strings.ToLower(ref + "\n" + text + "\n" + strings.Join(in, "\n"))
	if slices.ContainsFunc(h.words, func(w string) bool { return !strings.Contains(hay, w) }) {
		return
	}
	h.list = append(h.list, Hit{kind, ref, plain(text, maxHitText), tool})
}

func (h *hits) definitions(p *period.Program) {
	sel := p.Selection()
	for _, c := range sel.Controls {
		h.add("control", c.ID, "show_control", c.Title, append([]string{c.Description, c.Owner, c.Population}, c.Criteria...)...)
	}
	for _, x := range sel.Procedures {
		h.add("procedure", x.ID, "show_population", x.Title, append([]string{x.Statement, x.Population}, x.Controls...)...)
	}
	for _, c := range p.Def.Criteria() {
		h.add("criterion", c.ID, "coverage", c.Summary, c.GroupName)
	}
}

func (h *hits) findings(ds []audit.Deviation, evidence []audit.EvidenceLine) {
	for _, d := range ds {
		h.add("deviation", d.Ref, "show_deviation", d.Title+": "+answer.ItemName(&d.Result)+": "+d.Reason, append([]string{d.Item, d.Procedure, d.Cause, d.Response}, d.Controls...)...)
	}
	for _, e := range evidence {
		h.add("evidence", audit.EvidenceRef(e.Index), "show_evidence", strings.TrimSpace(string(e.Kind)+" "+e.Source+" "+e.Scope)+": "+e.Query, e.Digest)
	}
}
