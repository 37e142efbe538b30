package web

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tieout/access"
)

var update = flag.Bool("update", false, "write testdata/matrix.txt anew; read what changed")

// A standing is a role as far as it reaches, of who walks the table.
type standing struct {
	name   string
	grants []access.Grant
}

func standings(kind access.Workspace) []standing {
	engagements := []string{"2026-03", "2019"}
	if kind == access.Firm {
		engagements = []string{"EN-1", "EN-9"}
	}
	out := []standing{{"nobody's role", nil}}
	for _, r := range access.Roles {
		if r.Workspace != kind {
			continue
		}
		for _, scope := range r.Scopes {
			objects := map[access.Scope][]string{access.ScopeWorkspace: {""}, access.ScopeOwn: {""}, access.ScopeSystem: {"elsewhere"},
				access.ScopeControl: {"IAM-02", "CHG-02"}, access.ScopeEngagement: engagements}[scope]
			for _, o := range objects {
				g := access.Grant{Role: r.ID, Scope: scope, Object: o}
				out = append(out, standing{strings.TrimSuffix(string(r.ID)+"@"+string(scope)+":"+o, ":"), []access.Grant{g}})
			}
		}
	}
	return out
}

var wildcard = regexp.MustCompile(`\{[^}]*\}`)

// exampleOf is a path that a route takes.
func exampleOf(r route, known map[string]string) (method, target string) {
	method, pattern, _ := strings.Cut(r.pattern, " ")
	if r.example != "" {
		return method, r.example
	}
	target = strings.TrimSuffix(pattern, "{$}")
	for prefix, id := range known {
		if strings.HasPrefix(target, prefix+"{") {
			target = strings.Replace(target, wildcard.FindString(target), id, 1)
		}
	}
	return method, wildcard.ReplaceAllString(target, "none")
}

// TestEveryRouteAndFirmRole walks every address of a firm's room with every role
// at every scope, and holds the answers to testdata/matrix-firm.txt.
func TestEveryRouteAndFirmRole(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	w := newFirmWorld(t)
	w.opened()
	walkRoutes(t, w.world, w.s, map[string]string{"/evidence/": "E-0", "/access/": w.partner.account, "/engagements/": "EN-1"}, "matrix-firm.txt")
}

// TestEveryRouteAndRole walks every address with every role at every scope, and
// holds the answers to testdata/matrix.txt.
func TestEveryRouteAndRole(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	w := newWorld(t).tested()
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	known := map[string]string{"/controls/": "IAM-02", "/period/": "2026-03", "/evidence/": "E-3", "/access/": lead.account, "/populations/": "access.leavers.accounts"}
	lead.post("/incidents/new", "detail", "A list went astray", "noticed", "2026-03-27T10:00")
	lead.post("/risks/new", aRisk("revision", "0")...)
	lead.post("/vendors/new", aVendor("revision", "0")...)
	lead.sendFile("/vendors/V-1/reports/new", "report.pdf", nil, vendorReportForm()...)
	lead.post("/issues/new", anIssue("revision", "0")...)
	known["/issues/"] = "I-1"
	known["/incidents/"], known["/risks/"], known["/vendors/"] = "INC-1", "R-1", "V-1"
	for _, l := range linksOf(lead.page("/")) {
		if ref, ok := strings.CutPrefix(l, "/deviations/"); ok {
			known["/deviations/"], _, _ = strings.Cut(ref, "?")
		}
	}
	walkRoutes(t, w, s, known, "matrix.txt")
}

// walkRoutes asks every address as every role, and holds who gets through to a
// table in testdata.
func walkRoutes(t *testing.T, w *world, s *Server, known map[string]string, golden string) {
	var b strings.Builder
	all := standings(s.kind)
	for i, st := range all {
		fmt.Fprintf(&b, "column %2d: %s\n", i+1, st.name)
	}
	b.WriteString("x: the request got through to the screen; -: the table of rights refused it\n\n")
	walk := append([]route(nil), routes(s.kind)...)
	slices.SortFunc(walk, func(a, b route) int { return strings.Compare(order(a.pattern), order(b.pattern)) })
	visitors := map[string]*visitor{}
	for i, st := range all {
		visitors[st.name] = w.visit(s, fmt.Sprintf("walker%d", i), st.grants...)
	}
	for _, r := range walk {
		if strings.Contains(r.pattern, "/sessions/end") || r.pattern == "POST /again" {
			continue // ends the session that walks; see TestSession
		}
		method, target := exampleOf(r, known)
		fmt.Fprintf(&b, "%-52s %-18s", r.pattern, r.needs)
		for _, st := range all {
			v := visitors[st.name]
			req := httptest.NewRequest(method, target, http.NoBody)
			req.Host = host
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			got := v.send(req)
			answer := "x"
			if got.Code == http.StatusForbidden {
				answer = "-"
			}
			if strings.HasPrefix(got.Header().Get("Location"), "/sign-in") {
				t.Fatalf("%s as %s: the session that walks has ended", r.pattern, st.name)
			}
			if got.Code >= 500 {
				t.Errorf("%s as %s: %d\n%s", r.pattern, st.name, got.Code, got.Body)
			}
			if answer == "-" && strings.Contains(got.Body.String(), "ben ") {
				t.Errorf("%s as %s: the refusal tells what is behind it\n%s", r.pattern, st.name, got.Body)
			}
			b.WriteString(" " + answer)
		}
		b.WriteByte('\n')
	}
	holdGolden(t, golden, b.String())
	t.Logf("%d routes x %d roles and scopes walked", len(walk), len(all))
}

// order sorts routes by address, reading before writing.
func order(pattern string) string {
	method, path, _ := strings.Cut(pattern, " ")
	return path + " " + method
}

func holdGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	have, old := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(have), len(old)) {
		if have[i] != old[i] {
			t.Fatalf("%s line %d: got %q, want %q. Run with -update and read the difference", path, i+1, have[i], old[i])
		}
	}
	t.Fatalf("%s: %d lines, want %d", path, len(have), len(old))
}

// TestNoRouteWithoutRight: an address that changes something asks a permission,
// but for what everybody does with their own account.
func TestNoRouteWithoutRight(t *testing.T) {
	own := map[string]bool{}
	for _, r := range slices.Concat(selfRoutes, signRoutes, wayRoutes, ownTokenRoutes) {
		own[r.pattern] = true
	}
	seen, firmToo := map[string]bool{}, map[string]bool{}
	for _, r := range readRoutes {
		firmToo[r.pattern] = true
	}
	for _, r := range slices.Concat(routes(access.Company), firmRoutes, firmEngagementRoutes, firmRequestRoutes, firmPlanRoutes) {
		if seen[r.pattern] && !firmToo[r.pattern] {
			t.Errorf("%s is there twice", r.pattern)
		}
		seen[r.pattern] = true
		if strings.HasPrefix(r.pattern, "POST ") && r.needs == "" && !own[r.pattern] {
			t.Errorf("%s changes something and asks for no permission", r.pattern)
		}
		if p, ok := access.PermissionOf(r.needs); r.needs != "" && !ok {
			t.Errorf("%s asks for %q, which is no permission", r.pattern, r.needs)
		} else if strings.HasPrefix(r.pattern, "GET ") && r.needs != "" && p.Has(access.FourEyes) {
			t.Errorf("%s only shows and asks for four eyes", r.pattern)
		}
	}
	if len(seen) < len(slices.Collect(maps.Keys(own))) {
		t.Error("routes are missing")
	}
}
