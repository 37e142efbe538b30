package prowler

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/source"
	"tieout/source/ocsf"
)

// An event is one finding as Prowler 4 and 5 write JSON-OCSF: a Detection
// Finding whose times count seconds.
type event struct {
	Metadata struct {
		EventCode string `json:"event_code"`
		Product   struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"product"`
	} `json:"metadata"`
	Time        json.RawMessage `json:"time"`
	StatusCode  string          `json:"status_code"`
	Status      string          `json:"status"`
	Detail      string          `json:"status_detail"`
	Severity    string          `json:"severity"`
	FindingInfo struct {
		Title string `json:"title"`
	} `json:"finding_info"`
	Resources []struct {
		UID    string `json:"uid"`
		Name   string `json:"name"`
		Region string `json:"region"`
	} `json:"resources"`
	Cloud struct {
		Account struct {
			UID string `json:"uid"`
		} `json:"account"`
		Region string `json:"region"`
	} `json:"cloud"`
	Unmapped struct {
		Compliance map[string][]string `json:"compliance"`
	} `json:"unmapped"`
}

func parseOCSF(body []byte) ([]row, error) {
	var events []event
	if err := json.Unmarshal(body, &events); err != nil {
		return nil, fmt.Errorf("it is no JSON-OCSF of Prowler: %w", err)
	}
	rows := make([]row, len(events))
	for i, e := range events {
		if e.Metadata.Product.Name != "Prowler" {
			return nil, fmt.Errorf("it is no JSON-OCSF of Prowler: the product of finding %d is %q", i+1, e.Metadata.Product.Name)
		}
		rows[i] = e.row()
	}
	return rows, nil
}

func (e event) row() row {
	r := row{version: e.Metadata.Product.Version, check: e.Metadata.EventCode, title: e.FindingInfo.Title, status: e.StatusCode,
		muted: e.Status == "Suppressed", severity: e.Severity, account: e.Cloud.Account.UID, region: e.Cloud.Region, detail: e.Detail}
	if len(e.Resources) > 0 {
		res := e.Resources[0]
		r.subject = res.UID
		if r.subject == "" {
			r.subject = res.Name
		}
		if r.region == "" {
			r.region = res.Region
		}
	}
	if e.Unmapped.Compliance != nil {
		r.requirements = []string{}
		for framework, ids := range e.Unmapped.Compliance {
			for _, id := range ids {
				r.requirements = append(r.requirements, framework+" "+id)
			}
		}
		slices.Sort(r.requirements)
		r.requirements = slices.Compact(r.requirements)
	}
	r.at = func(*time.Location) (time.Time, error) { return ocsf.Instant(e.Time) }
	return r
}

// needed columns of the CSV that every provider has (docs: "Reporting", CSV).
var needed = []string{"TIMESTAMP", "ACCOUNT_UID", "CHECK_ID", "CHECK_TITLE", "STATUS", "STATUS_EXTENDED", "MUTED", "SEVERITY",
	"RESOURCE_UID", "RESOURCE_NAME", "REGION", "COMPLIANCE", "PROWLER_VERSION"}

func parseCSV(body []byte) ([]row, source.BadRows, error) {
	in := csv.NewReader(bytes.NewReader(body))
	in.Comma = ';'
	header, err := in.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("it is neither JSON-OCSF nor CSV of Prowler: %w", err)
	}
	at := map[string]int{}
	for i, name := range header {
		at[name] = i
	}
	for _, name := range needed {
		if _, ok := at[name]; !ok {
			return nil, nil, fmt.Errorf("it is neither JSON-OCSF nor CSV of Prowler: there is no column %s", name)
		}
	}
	var rows []row
	var bad source.BadRows
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, bad, nil
		}
		switch {
		case errors.Is(err, csv.ErrFieldCount):
			line, _ := in.FieldPos(0)
			bad = append(bad, source.BadRow{Where: fmt.Sprintf("line %d", line), Why: "the row has another number of values than the header"})
		case err != nil:
			return nil, nil, fmt.Errorf("it cannot be read as CSV: %w", err)
		default:
			rows = append(rows, csvRow(func(name string) string { return record[at[name]] }))
		}
	}
}

func csvRow(get func(string) string) row {
	r := row{version: get("PROWLER_VERSION"), check: get("CHECK_ID"), title: get("CHECK_TITLE"), status: get("STATUS"),
		muted: strings.EqualFold(get("MUTED"), "true"), severity: get("SEVERITY"), account: get("ACCOUNT_UID"),
		region: get("REGION"), subject: get("RESOURCE_UID"), detail: get("STATUS_EXTENDED"), requirements: requirements(get("COMPLIANCE"))}
	if r.subject == "" {
		r.subject = get("RESOURCE_NAME")
	}
	stamp := get("TIMESTAMP")
	r.at = func(zone *time.Location) (time.Time, error) { return csvTime(stamp, zone) }
	return r
}

// csvTime reads TIMESTAMP: without an offset, or since 1970 with --unix-timestamp.
func csvTime(s string, zone *time.Location) (time.Time, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return ocsf.Instant(json.RawMessage(strconv.FormatInt(n, 10)))
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, nil
		}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, fmt.Errorf("TIMESTAMP: %q is no instant", s)
	}
	return t, nil
}

// requirements reads "CIS-1.4: 1.20 | ENS-RD2022: op.acc.2, op.acc.3".
func requirements(s string) []string {
	out := []string{}
	for _, of := range strings.Split(s, " | ") {
		framework, ids, ok := strings.Cut(of, ": ")
		if !ok {
			continue
		}
		for _, id := range strings.Split(ids, ", ") {
			out = append(out, framework+" "+id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
