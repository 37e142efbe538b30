package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestVendorReports: a report is entered, says what its review lacks, and what it
// speaks of is told as open until that review is concluded.
func TestVendorReports(t *testing.T) {
	w := newWorld(t)
	lead := w.lead()
	want(t, "a vendor", lead.send("POST", "/vendors", vendorExample), http.StatusCreated)
	const at = "/vendors/V-1/reports"
	want(t, "of no kind", lead.send("POST", at, strings.Replace(vendorReportExample, "SOC 2 Type II", "SOC 4", 1)), http.StatusUnprocessableEntity)
	want(t, "of no vendor", lead.send("POST", "/vendors/V-9/reports", vendorReportExample), http.StatusNotFound)
	made := lead.send("POST", at, strings.NewReplacer("2025-12-31", "2026-03-15", "2026-02-01", "2026-03-20").Replace(vendorReportExample))
	want(t, "a report", made, http.StatusCreated)
	got := lead.get(at)
	for path, wanted := range map[string]any{"examined": 0.0, "open": 15.0, "lettered": 0.0, "days": 31.0} {
		if have := in(got, "result", path); have != wanted {
			t.Errorf("%s: got %v, want %v", path, have, wanted)
		}
	}
	if have := in(got, "result", "reports", 0, "unfinished", 0); have != "the file of the report is not sealed as evidence" {
		t.Errorf("unfinished: %v", have)
	}
	body := `{"type":"SOC 3","issuer":"Other Assurance LLP","system":"Mail","ours":"yes","first":"2025-01-01","last":"2025-12-31","dated":"2026-02-01","received":"2026-02-03","opinion":"unqualified","next":"2026-03-01",` +
		`"assessor":"CPA firm","procedures":["inquiry"],"inquiry":"all","samples":"none given","firm":"Licensed.","physical":true,"terms":{"text":"Not to be passed on.","marked":"Acme"}}`
	want(t, "a SOC 3 under terms", lead.send("POST", at, body), http.StatusCreated)
	got = lead.get(at)
	for path, wanted := range map[string]any{"counts": false, "assessor": "CPA firm", "physical": true, "received": "2026-02-03", "inquiry": "all"} {
		if have := in(got, "result", "reports", 1, path); have != wanted {
			t.Errorf("%s: got %v, want %v", path, have, wanted)
		}
	}
	if have := in(got, "result", "reports", 1, "terms", "marked"); have != "Acme" {
		t.Errorf("marked for %v", have)
	}
	if have := in(lead.get("/vendors/V-1"), "result", "next"); fmt.Sprint(have) != "map[day:2026-03-01 overdue:true report:VR-2 type:SOC 3]" {
		t.Errorf("next: %v", have)
	}
	want(t, "from an older page", lead.send("PUT", at+"/VR-1", vendorReportExample, "If-Match", `"7"`), http.StatusPreconditionFailed)
}
