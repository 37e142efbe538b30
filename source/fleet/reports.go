package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tieout/audit"
	"tieout/source"
	"tieout/source/osquery"
	"tieout/source/rest"
)

// reports are the rows that the reports of the named queries have, by host.
type reports struct {
	names map[string]string // meanings by query
	ids   map[string]int64  // of the queries, by name
	rows  map[int64][]reported
}

// A reported is one row of a report.
type reported struct {
	query   string
	columns json.RawMessage
}

// part is the part of a sheet that holds rows of a query.
func part(query string) string { return "query " + query }

const partHost = "host"

// reports reads the reports of the queries that the settings name. One that
// cannot be found or read whole makes the devices incomplete: what it would
// tell is not known of any of them.
func (r *reader) reports(ctx context.Context) error {
	if len(r.queries.names) == 0 {
		return nil
	}
	if err := r.saved(ctx); err != nil {
		return err
	}
	r.queries.rows = map[int64][]reported{}
	for _, name := range slices.Sorted(maps.Keys(r.queries.names)) {
		id, ok := r.queries.ids[name]
		if !ok {
			r.device.Fail(fmt.Sprintf("query %q is not among those the token's user is listed", name))
			continue
		}
		if err := r.report(ctx, name, id); err != nil {
			return err
		}
	}
	return nil
}

// saved reads the list of saved queries.
func (r *reader) saved(ctx context.Context) error {
	r.queries.ids = map[string]int64{}
	_, err := r.client.Read(ctx, r.run, r.paged(kindQueries, "/queries", "queries", "", func(i int, e json.RawMessage) error {
		var q struct {
			ID   int64  `json:"id"`
			Name string `json:"name"`
		}
		if err := json.Unmarshal(e, &q); err != nil || q.ID <= 0 {
			return fmt.Errorf("query %d has no id", i+1)
		}
		r.queries.ids[q.Name] = q.ID
		return nil
	}), r.device)
	return err
}

// report reads what a query gave on every host.
func (r *reader) report(ctx context.Context, name string, id int64) error {
	_, err := r.client.Read(ctx, r.run, rest.List{Kind: kindReport, Ask: rest.Ask{URI: r.client.At(fmt.Sprintf("%s/queries/%d/report", prefix, id))}, Each: func(a rest.Answer) (bool, error) {
		var answer struct {
			Clipped bool `json:"report_clipped"`
			Results []struct {
				Host    int64           `json:"host_id"`
				Columns json.RawMessage `json:"columns"`
			} `json:"results"`
		}
		if err := json.Unmarshal(a.Body, &answer); err != nil || answer.Results == nil {
			return false, fmt.Errorf("the report of query %q cannot be read", name)
		}
		for _, row := range answer.Results {
			r.queries.rows[row.Host] = append(r.queries.rows[row.Host], reported{name, row.Columns})
		}
		if answer.Clipped {
			return false, fmt.Errorf("the report of query %q is cut off: the server keeps no more rows", name)
		}
		return false, nil
	}}, r.device)
	return err
}

// page is a host's page: the answer as it came, and where reports are read the
// rows they have of it.
func (r *reader) page(id int64, a rest.Answer) audit.Page {
	if len(r.queries.names) == 0 || !a.OK() {
		return audit.Page{Kind: kindHost, Query: a.Query, Body: a.Body}
	}
	sheet := rest.NewSheet(struct{}{})
	sheet.Add(partHost, a)
	for _, row := range r.queries.rows[id] {
		sheet.AddElement(part(row.query), row.columns)
	}
	return audit.Page{Kind: kindSheet, Query: a.Query, Media: "application/json", Body: sheet.Encode()}
}

// answered are a page's answer about its host and the rows of queries, by query.
func answered(p audit.Page) (host []byte, rows map[string][]json.RawMessage, err error) {
	if p.Kind == kindHost {
		return p.Body, nil, nil
	}
	sheet, err := rest.ReadSheet(p.Body, nil)
	if err != nil {
		return nil, nil, err
	}
	rows = map[string][]json.RawMessage{}
	for _, a := range sheet.Answers {
		if a.Part == partHost && a.OK() {
			host = a.Bytes()
		} else if a.Part != partHost {
			rows[a.Part] = append(rows[a.Part], a.Bytes())
		}
	}
	if host == nil {
		return nil, nil, errors.New("the sheet has no answer about a host")
	}
	return host, rows, nil
}

// told sets what the reports of queries tell of a host.
func (c config) told(r *source.Reading, rows map[string][]json.RawMessage, f source.Fields) {
	for _, query := range slices.Sorted(maps.Keys(c.Queries)) {
		if of := rows[part(query)]; len(of) > 0 {
			r.Refuse("report of query "+query, osquery.Draw(c.Queries[query], of, f))
		}
	}
}
