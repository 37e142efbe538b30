package api

import (
	"net/http"

	"tieout/access"
	"tieout/audit"
	"tieout/report"
	"tieout/store"
)

// logCalls read the log: its head, its entries, and what people and programs did.
func (s *Server) logCalls() {
	add(s, operation{id: "get-log", method: http.MethodGet, path: "/log", tag: "Log", needs: "activity.read", title: "How long the log is, and who saw its order"}, anything[periodIn], getLog)
	add(s, operation{id: "list-log-entries", method: http.MethodGet, path: "/log/entries", tag: "Log", needs: "activity.read", title: "Entries of the log, in its order, without their bytes"}, anything[entriesIn], listEntries)
	add(s, operation{id: "list-activities", method: http.MethodGet, path: "/activities", tag: "Log", needs: "activity.read",
		title: "What was done to accounts, sessions and tokens, the newest first", detail: "What was done in the registers is among the log's entries."}, whole[activitiesIn], listActivities)
}

func getLog(c *call, _ *periodIn) (*oneOut[logHead], error) {
	st, err := c.P.LogState(c)
	if err != nil {
		return nil, err
	}
	head, err := c.P.Store.Head(c)
	if err != nil {
		return nil, err
	}
	return one("tieout.log/1", c.SayLog(head), logHead{c.origin(), st.Size, st.Root, append([]string{}, st.Witnessed...)}), nil
}

// origin is the name of the workspace's log, which signatures name.
func (c *call) origin() string { return c.s.o.Web.Home().Log.Keys().Log() }

type entriesIn struct {
	Of
	Paging
	Kind string `query:"kind" maxLength:"50" doc:"Only of this kind, such as entry or activity"`
}

func listEntries(c *call, in *entriesIn) (*listOut[Record], error) {
	head, err := c.P.Store.Head(c)
	if err != nil {
		return nil, err
	}
	return records(c, &in.Paging, "/log/entries", []string{"period", in.Period, "kind", in.Kind}, c.SayLog(head), store.RecordFilter{Kind: audit.RecordKind(in.Kind)},
		func(audit.Record) bool { return true })
}

type activitiesIn struct {
	Of
	Paging
}

// Activity is something that was done, as it was sealed.
type Activity struct {
	access.Activity
	Number   int64  `json:"number" doc:"1, 2, 3 ... in the order things were done"`
	Evidence string `json:"evidence,omitempty" doc:"The sealed record"`
}

func listActivities(c *call, in *activitiesIn) (*listOut[Activity], error) {
	filters := []string{"period", in.Period}
	before, err := in.from(append([]string{"/activities"}, filters...)...)
	if err != nil {
		return nil, err
	}
	list, err := c.s.o.Web.People().Activities(c, c.Who, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &listOut[Activity]{Body: List[Activity]{Schema: "tieout.activities/1", Items: []Activity{}}}
	for _, a := range list[:min(len(list), in.Limit)] {
		out.Body.Items = append(out.Body.Items, Activity{a, a.Number, evidenceOf(a.Record)})
	}
	if len(list) > in.Limit {
		out.follow(&in.Paging, list[in.Limit-1].Number, "/activities", filters)
	}
	out.Body.Summary.Text = report.Capital(report.Plural(len(out.Body.Items), "activity is", "activities are")) + " on this page."
	return out, nil
}
