package web

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"tieout/access"
	"tieout/audit"
	"tieout/report"
	"tieout/report/html"
	"tieout/source"
	"tieout/store"
)

// A connector is one connection with what it reads and how fresh it is.
type connector struct {
	Name, Title, Kind string
	Class, Word       string // of its newest collection
	Last              string
	LastRecord        *link
	Problems          []string
	Scopes            []source.Scope
	Cannot            []string
	Streams           []connectorStream
	Evidence          string
	Anchor            string
}

type connectorStream struct {
	S      any // as the report shows it
	Anchor string
	Note   string
	Holes  []holeRow
	Checks []check
}

func (q *request) connectors() error {
	only := q.URL.Query().Get("source")
	var list []connector
	fresh := 0
	for _, def := range q.st.p.Def.Sources {
		if only != "" && def.Name != only || !q.may("source.read", q.ofSource(def.Name)) {
			continue
		}
		c, err := q.connector(def.Name, def.Kind)
		if err != nil {
			return err
		}
		if c.Class == "ok" {
			fresh++
		}
		list = append(list, c)
	}
	q.Title, q.Heading, q.Wide = "Connectors", "Connectors", true
	q.Say = sayConnectors(len(list), fresh)
	q.Code = []string{"tieout connector list", "tieout connector scopes KIND", "tieout collect"}
	clear := ""
	if only != "" {
		clear = q.to("/connectors")
	}
	return q.render("connectors.html", struct {
		*page
		List   []connector
		Clear  string
		Months any
		Manage bool
	}{&q.page, list, clear, q.st.view.Months, q.may("source.manage", access.Object{})})
}

// sayConnectors says of how many sources the newest collection was whole.
func sayConnectors(n, whole int) string {
	switch {
	case n == 0:
		return "No source is connected, so nothing can be seen."
	case n == 1 && whole == 1:
		return "1 source is read, and its newest collection was complete."
	case n == 1:
		return "1 source is read; its newest collection was not complete."
	case whole == n:
		return report.Capital(report.Plural(n, "source is", "sources are")) + " read, and the newest collection of each was complete."
	}
	return fmt.Sprintf("%s read; the newest collection was complete for %s.", report.Capital(report.Plural(n, "source is", "sources are")), report.OfAll(whole, n))
}

func (q *request) connector(name, kind string) (connector, error) {
	c := connector{Name: name, Kind: kind, Title: kind, Evidence: q.to("/evidence", "source", name), Anchor: html.Anchor("c-", name)}
	if d, err := q.st.p.Drivers.Find(kind); err == nil {
		c.Title, c.Scopes, c.Cannot = d.Title, d.Scopes, d.Cannot
	}
	if err := q.freshness(&c); err != nil {
		return c, err
	}
	for i := range q.st.report.Coverage {
		s := &q.st.report.Coverage[i]
		if s.Source != name {
			continue
		}
		one := q.stream(s)
		note := ""
		if s.Observations > 0 && len(s.Covered) == 0 {
			note = "No test reads it, so nothing is taken to hold between two observations."
		}
		c.Streams = append(c.Streams, connectorStream{q.st.view.Coverage[i], html.Anchor("s-", html.StreamName(s.StreamKey)), note, one.Holes, one.Checks})
	}
	return c, nil
}

// freshness says how the newest collection of a source ended.
func (q *request) freshness(c *connector) error {
	list, err := q.st.p.Store.Collections(q.Context(), c.Name)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		c.Class, c.Word, c.Last = "none", "Never read", "no collection yet"
		return nil
	}
	newest := slices.MaxFunc(list, func(a, b store.SavedCollection) int { return a.Started.Compare(b.Started) })
	loc := q.zone()
	record := newest.Record
	switch {
	case newest.End == nil:
		c.Class, c.Word, c.Last = "due", "Not ended", "begun "+report.Moment(newest.Started, loc)
	case newest.End.Complete:
		c.Class, c.Word, c.Last = "ok", "Complete", report.Moment(newest.End.Ended, loc)
		record = newest.EndRecord
	default:
		c.Class, c.Word, c.Last = "gap", "Incomplete", report.Moment(newest.End.Ended, loc)
		c.Problems, record = newest.End.Problems, newest.EndRecord
	}
	if record != audit.Unsequenced {
		c.LastRecord = &link{audit.EvidenceRef(record), q.at("evidence", audit.EvidenceRef(record))}
	}
	return nil
}

// log shows the newest entries, newest first.
func (q *request) log() error {
	size := q.head.Size
	to, err := strconv.ParseInt(q.URL.Query().Get("before"), 10, 64)
	if err != nil || to <= 0 || to > size {
		to = size
	}
	from := max(0, to-pageLength)
	found := map[int64]entry{}
	err = q.st.p.Records(q.Context(), store.RecordFilter{From: from, To: to}, func(rec audit.Record) error {
		found[rec.Index] = q.entry(rec)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	data := struct {
		*page
		Rows    []entry
		Older   string
		Newest  string
		Size    string
		State   audit.LogState
		Witness string
		Verify  bool
	}{page: &q.page, Verify: q.may("source.collect", access.Object{}), Size: report.Number(int(size)), State: q.st.report.Log, Witness: q.st.view.Witnessed}
	for i := to - 1; i >= from; i-- {
		e, ok := found[i]
		if !ok {
			ref := audit.EvidenceRef(i)
			e = entry{link: link{ref, q.at("evidence", ref)}, What: "erased; only its commitment is left", Erased: true}
		}
		data.Rows = append(data.Rows, e)
	}
	if from > 0 {
		data.Older = q.to("/log", "before", strconv.FormatInt(from, 10))
	}
	if to < size {
		data.Newest = q.to("/log")
	}
	q.Title, q.Heading, q.Wide = "Activity log", "Activity log", true
	q.Say = sayLog(size, q.st.view.Witnessed)
	q.Code = []string{"tieout log tail", "tieout log verify"}
	return q.render("log.html", data)
}

// sayLog says how long the log is and who saw its order.
func sayLog(n int64, witnessed string) string {
	return fmt.Sprintf("The log has %s; its order is %s.", report.Plural(int(n), "entry", "entries"), witnessed)
}
