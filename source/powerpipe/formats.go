package powerpipe

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// results are what is read of either format.
type results struct {
	at       time.Time // zero where the file does not say it
	subject  string    // benchmarks or controls that were asked for
	controls []*control
}

// A control is one control, however many benchmarks it stands in.
type control struct {
	id, title, severity string
	benchmarks          []string
	failed              string // why it has no rows
	complete            bool
	state               string
	summary             map[string]int
	rows                []row
}

func parse(body []byte) (results, error) {
	var probe struct {
		GroupID string          `json:"group_id"`
		Panels  json.RawMessage `json:"panels"`
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if err := json.Unmarshal(body, &probe); err != nil {
		return results{}, fmt.Errorf("it holds no results of Powerpipe: %w", err)
	}
	switch {
	case probe.GroupID != "":
		return parseTree(body)
	case len(probe.Panels) > 0:
		return parseSnapshot(body)
	}
	return results{}, errors.New("it holds no results of Powerpipe: there is neither a group_id nor panels")
}

// A group is one node of the tree that `--output json` gives.
type group struct {
	ID       string  `json:"group_id"`
	Groups   []group `json:"groups"`
	Controls []struct {
		ID        string         `json:"control_id"`
		Title     string         `json:"title"`
		Severity  string         `json:"severity"`
		RunStatus int            `json:"run_status"`
		RunError  string         `json:"run_error"`
		Summary   map[string]int `json:"summary"`
		Results   []struct {
			Reason     string      `json:"reason"`
			Resource   string      `json:"resource"`
			Status     string      `json:"status"`
			Dimensions []dimension `json:"dimensions"`
		} `json:"results"`
	} `json:"controls"`
}

// ended is the run_status of a control that ran to its end.
const ended = 4

func parseTree(body []byte) (results, error) {
	var root group
	var out results
	if err := json.Unmarshal(body, &root); err != nil {
		return out, fmt.Errorf("it holds no results of Powerpipe: %w", err)
	}
	by := map[string]*control{}
	root.walk(true, func(g group, top bool) {
		for _, c := range g.Controls {
			have := by[c.ID]
			if have == nil {
				have = &control{id: c.ID, title: c.Title, severity: c.Severity, failed: c.RunError, complete: c.RunStatus == ended,
					state: fmt.Sprint(c.RunStatus), summary: c.Summary}
				for _, r := range c.Results {
					have.rows = append(have.rows, row{r.Resource, r.Status, r.Reason, r.Dimensions})
				}
				by[c.ID] = have
				out.controls = append(out.controls, have)
			}
			if !top {
				have.benchmarks = append(have.benchmarks, g.ID)
			}
		}
	})
	var names []string
	for _, g := range root.Groups {
		names = append(names, g.ID)
	}
	for _, c := range root.Controls {
		names = append(names, c.ID)
	}
	out.subject = subject(names)
	for _, c := range out.controls {
		slices.Sort(c.benchmarks)
		c.benchmarks = slices.Compact(c.benchmarks)
	}
	return out, nil
}

func subject(names []string) string {
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

func (g group) walk(top bool, visit func(g group, top bool)) {
	visit(g, top)
	for _, child := range g.Groups {
		child.walk(false, visit)
	}
}

// A snapshot is what `--export pps` writes.
type snapshot struct {
	End    string `json:"end_time"`
	Layout struct {
		Name string `json:"name"`
	} `json:"layout"`
	Panels map[string]struct {
		Name       string         `json:"name"`
		Type       string         `json:"panel_type"`
		Title      string         `json:"title"`
		Status     string         `json:"status"`
		Error      string         `json:"error"`
		Summary    map[string]int `json:"summary"`
		Properties struct {
			Severity string `json:"severity"`
		} `json:"properties"`
		Data struct {
			Rows []map[string]any `json:"rows"`
		} `json:"data"`
	} `json:"panels"`
}

func parseSnapshot(body []byte) (results, error) {
	var s snapshot
	var out results
	if err := json.Unmarshal(body, &s); err != nil {
		return out, fmt.Errorf("it is no snapshot of Powerpipe: %w", err)
	}
	if s.End != "" {
		t, err := time.Parse(time.RFC3339Nano, s.End)
		if err != nil {
			return out, fmt.Errorf("end_time: %q is no instant", s.End)
		}
		out.at = t
	}
	out.subject = s.Layout.Name
	for _, key := range slices.Sorted(maps.Keys(s.Panels)) {
		p := s.Panels[key]
		if p.Type != "control" {
			continue
		}
		c := &control{id: cmp.Or(p.Name, key), title: p.Title, severity: p.Properties.Severity, failed: p.Error, complete: p.Status == "complete", state: p.Status, summary: p.Summary}
		for _, r := range p.Data.Rows {
			c.rows = append(c.rows, snapshotRow(r))
		}
		out.controls = append(out.controls, c)
	}
	return out, nil
}

// snapshotRow: columns beside the three that every control has are dimensions.
func snapshotRow(columns map[string]any) row {
	var r row
	for _, k := range slices.Sorted(maps.Keys(columns)) {
		v := columns[k]
		if v == nil {
			v = ""
		}
		text := fmt.Sprint(v)
		switch k {
		case "resource":
			r.resource = text
		case "status":
			r.status = text
		case "reason":
			r.reason = text
		default:
			r.dimensions = append(r.dimensions, dimension{k, text})
		}
	}
	return r
}
