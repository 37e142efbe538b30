package web

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement/fieldwork"
	"tieout/period"
	"tieout/report"
	"tieout/report/html"
)

// firmRoutes are the addresses of an audit firm's room.
var firmRoutes = []route{
	{pattern: "GET /{$}", do: (*request).firmHome},
	{pattern: "GET /log", needs: "activity.read", on: anything, do: (*request).log},
	{pattern: "GET /evidence/{ref}", on: firmRecord, needs: "workpaper.read", do: (*request).record},
	{pattern: "GET /evidence/{ref}/raw", on: firmRecord, needs: "workpaper.read", do: (*request).raw},
	{pattern: "GET /search", do: (*request).search},
}

// firmRails is the side bar of a firm's room, as far as it is of no engagement.
var firmRails = []railPlace{
	{"", []railEntry{{"Engagements", "/", nil}}},
	{"Firm", []railEntry{{"Wording", "/wording", nil}}},
	{"Firm", []railEntry{{"Activity log", "/log", nil}}},
	{"Firm", []railEntry{{"Access", "/access", nil}, {"API tokens", "/tokens", nil}}},
	{"Firm", []railEntry{{"Settings", "/settings", nil}}},
}

// buildFirm is the state of a firm's room: what the pages around an engagement
// need. Engagements are read when they are asked for.
func buildFirm(ctx context.Context, p *period.Program) (*state, error) {
	r := audit.Report{Organization: p.Def.Organization, Period: p.Period, AsOf: audit.Instant(p.Now()), Why: map[string]string{}}
	var err error
	if r.Log, err = p.LogState(ctx); err != nil {
		return nil, err
	}
	st := &state{p: p, run: &period.Run{Period: p.Period, AsOf: r.AsOf, Definitions: p.Def.Hash(), Record: audit.Unsequenced}, reader: report.Management, sights: map[string]*state{}}
	st.report, st.view = &r, &html.View{Period: "Engagements", Witnessed: "not externally witnessed"}
	if len(r.Log.Witnessed) > 0 {
		st.view.Witnessed = "seen from outside by " + report.List(r.Log.Witnessed)
	}
	return st, nil
}

// ofEngagement is what belongs to one engagement's file.
func ofEngagement(id string) access.Object { return access.Object{Engagements: []string{id}} }

// theEngagement is the engagement in the path. What there is none of is refused
// alike to who may read no such file.
func theEngagement(q *request) (access.Object, error) { return ofEngagement(q.PathValue("id")), nil }

// firmRecord is a sealed record in a firm's log: an entry or a packet belongs to
// its engagement, the rest to the firm as a whole.
func firmRecord(q *request) (access.Object, error) {
	i, err := period.ParseEvidenceRef(q.PathValue("ref"))
	if err == nil {
		var rec audit.Record
		if rec, err = q.st.p.Store.Record(q.Context(), i); err == nil {
			return ofEngagement(firmOwner(rec)), nil
		}
	}
	return access.Object{}, q.unknown(err, "workpaper.read")
}

// firmOwner is the engagement a record belongs to; "": it is the firm's own.
func firmOwner(rec audit.Record) string {
	var says struct {
		On         string `json:"on"`
		Engagement string `json:"engagement"`
	}
	if len(rec.Detail) == 0 || json.Unmarshal(rec.Detail, &says) != nil {
		return ""
	}
	if says.Engagement != "" {
		return says.Engagement
	}
	_, id, _ := strings.Cut(says.On, ":")
	id, _, _ = strings.Cut(id, "/")
	return id
}

// closed reports whether a record is of an engagement whose file is closed to who
// is signed in: of it they learn that there is an entry, and when it was written.
func (q *request) closed(rec audit.Record) bool {
	if q.s.kind != access.Firm || rec.Kind != audit.RecordFieldwork && rec.Kind != audit.RecordPacket {
		return false
	}
	return !q.may("workpaper.read", ofEngagement(firmOwner(rec)))
}

// firmEngagements are the IDs of all engagements, for giving roles.
func (q *request) firmEngagements() (out []string) {
	err := q.files.Read(q.Context(), func(s *fieldwork.State) error {
		for _, f := range book.Sorted(s.Files) {
			out = append(out, f.Terms.ID)
		}
		return nil
	})
	if err != nil {
		q.s.note(q.Request, fmt.Errorf("engagements: %w", err))
	}
	return out
}

// firmSees are the engagements whose files who is signed in may read.
func (q *request) firmSees(s *fieldwork.State) (out []*fieldwork.File) {
	for _, f := range book.Sorted(s.Files) {
		if q.may("workpaper.read", ofEngagement(f.Terms.ID)) {
			out = append(out, f)
		}
	}
	return out
}
