package web

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

func TestGridPopulationsSay(t *testing.T) {
	for _, c := range []struct {
		name                  string
		n, accepted, unopened int
		want                  string
	}{
		{"none", 0, 0, 0, "The client has frozen no population yet."},
		{"none, one nonce", 0, 0, 1, "The client has frozen no population yet. 1 commitment to a nonce is not opened."},
		{"one", 1, 0, 0, "0 of 1 frozen population is accepted."},
		{"one accepted", 1, 1, 0, "The one frozen population is accepted."},
		{"many", 3, 1, 2, "1 of 3 frozen populations are accepted. 2 commitments to nonces are not opened."},
		{"all", 3, 3, 0, "All 3 frozen populations are accepted."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sayGridPops(c.n, c.accepted, c.unopened); got != c.want {
				t.Errorf("got %q; want %q", got, c.want)
			}
		})
	}
	none := fieldwork.Population{Accepted: true}
	if got := sayGridPop(none, true, 0); !strings.Contains(got, "did not occur is a result of its own") {
		t.Errorf("an empty population: %q", got)
	}
}

// A population is looked at, questioned, accepted on the auditor's own work, drawn
// from, picked again and released, all by forms.
func TestGridFromPopulationToRelease(t *testing.T) {
	w := gridPlanned(t, 240)
	const pop = "/engagements/EN-1/populations/P-1"
	got := w.staff.page(pop)
	for _, want := range []string{"holds 240 items and waits for your own work", "merged pull requests of 2026", "Adds up", "Explained", "one was created after the period", "#3099", "entry E-41 of the client", "Not opened"} {
		if !strings.Contains(got, want) {
			t.Errorf("the population does not show %q", want)
		}
	}
	if strings.Contains(got, evil) || strings.Contains(got, "Accept the population") {
		t.Errorf("a name is not escaped, or it can be accepted too early:\n%s", got)
	}
	do := func(v *visitor, path string, code int, want string, form ...string) string {
		t.Helper()
		r := v.post(path, form...)
		if r.Code != code || !strings.Contains(r.Body.String()+r.Header().Get("Location"), want) {
			t.Fatalf("%s: %d; want %d with %q\n%s", path, r.Code, code, want, r.Body)
		}
		return r.Header().Get("Location")
	}
	do(w.staff, pop+"/accept", http.StatusConflict, "completeness and accuracy work", "base", "1")
	do(w.staff, pop+"/complete", http.StatusConflict, "What I compared", "base", "0", "text", "What I compared with the service's list, and nothing is missing.")
	do(w.staff, pop+"/complete", http.StatusSeeOther, pop, "base", "1", "text", "Compared the count with the service's list and traced five rows; nothing is missing "+evil)
	do(w.staff, pop+"/question", http.StatusSeeOther, pop, "base", "2", "question", "Why is one repository of 15 left out? "+evil)
	if got = w.staff.page(pop); !strings.Contains(got, "a question to the client is open") || strings.Contains(got, evil) {
		t.Errorf("questioned:\n%s", got)
	}
	do(w.staff, pop+"/accept", http.StatusSeeOther, pop, "base", "3")
	if got = w.staff.page("/engagements/EN-1/draw"); !strings.Contains(got, "CHG-01, from P-1") || !strings.Contains(got, "example") {
		t.Errorf("the draw does not offer the population, or hides that the table is an example:\n%s", got)
	}
	const draw = "/engagements/EN-1/draw"
	do(w.staff, draw, http.StatusUnprocessableEntity, "says where it comes from", "of", "P-1 CHG-01", "method", "random", "size", "25")
	do(w.staff, draw, http.StatusUnprocessableEntity, "such as 25 0", "of", "P-1 CHG-01", "method", "random", "size", "25", "basis", "agreed", "stages", "25")
	do(w.staff, draw, http.StatusUnprocessableEntity, "only a random or a stratified sample can be extended", "of", "P-1 CHG-01", "method", "100 percent", "stages", "25 0\n40 1")
	do(w.staff, draw, http.StatusUnprocessableEntity, "has the size it has", "of", "P-1 CHG-01", "method", "100 percent", "size", "25")
	to := do(w.staff, draw, http.StatusSeeOther, "/engagements/EN-1/samples/S-1", "of", "P-1 CHG-01", "method", "random", "size", "25", "basis", "agreed with the partner", "stages", "25 0\n40 1")
	got = w.staff.page(to)
	for _, want := range []string{"25 of 240 items, drawn at random from population P-1. The client does not know it.", "Q1 2026", "40 items in all", "agreed with the partner", "25 items in all, nothing added up to 0 exceptions (here now)"} {
		if !strings.Contains(got, want) {
			t.Errorf("the sample does not show %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "Release the list") {
		t.Error("staff is offered to release the sample")
	}
	do(w.staff, draw, http.StatusConflict, "drawn from once", "of", "P-1 CHG-01", "method", "random", "size", "25", "basis", "again")
	do(w.staff, to+"/again", http.StatusSeeOther, to)
	if got = w.staff.page(to); !strings.Contains(got, "the same items") {
		t.Errorf("picked again:\n%s", got)
	}
	do(w.staff, to+"/release", http.StatusForbidden, "", "base", "1")
	do(w.manager, to+"/release", http.StatusSeeOther, to, "base", "1")
	do(w.staff, to+"/extend", http.StatusSeeOther, to, "base", "2")
	if got = w.staff.page(to); !strings.Contains(got, "40 of 240 items") || !strings.Contains(got, "The client does not know it") {
		t.Errorf("extended:\n%s", got)
	}
	s, err := w.s.files.Sample(t.Context(), "EN-1", "S-1")
	gridCheck(t, err)
	do(w.staff, to+"/replace", http.StatusUnprocessableEntity, "is no record such as E-12", "base", "3", "item", s.Items[0], "why", "it is a test", "proof", "twelve")
	do(w.staff, to+"/replace", http.StatusSeeOther, to, "base", "3", "item", s.Items[0], "why", "a change of a test repository "+evil, "proof", "E-12, E-15")
	if got = w.staff.page(to); !strings.Contains(got, "a change of a test repository") || strings.Contains(got, evil) {
		t.Errorf("replaced:\n%s", got)
	}
	if r := w.staff.get(pop + "/items"); r.Code != http.StatusOK || strings.Count(r.Body.String(), "\n") != 240 || strings.Contains(r.Body.String(), "operated") || !strings.Contains(r.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("item lines: %d, %d bytes", r.Code, r.Body.Len())
	}
	if got = w.staff.page("/engagements/EN-1/samples"); !strings.Contains(got, "1 sample is drawn; the client has 0.") {
		t.Errorf("the list of samples:\n%s", got)
	}
	if got = w.staff.page("/engagements/EN-1/populations"); !strings.Contains(got, "The one frozen population is accepted.") {
		t.Errorf("the list of populations:\n%s", got)
	}
}

func TestGridCommitsANonce(t *testing.T) {
	w := gridPlanned(t, 20)
	if r := w.staff.post("/engagements/EN-1/commitments", "control", "CHG-01", "round", "1"); r.Code != http.StatusConflict || !strings.Contains(r.Body.String(), "already") {
		t.Errorf("a second nonce: %d\n%s", r.Code, r.Body)
	}
	if r := w.staff.post("/engagements/EN-1/commitments", "control", "CHG-01", "round", "2"); r.Code != http.StatusSeeOther {
		t.Fatalf("another round: %d\n%s", r.Code, r.Body)
	}
	got := w.staff.page("/engagements/EN-1/populations")
	list, err := w.s.files.Unopened(t.Context(), "EN-1")
	gridCheck(t, err)
	if len(list) != 2 || strings.Count(got, "Not opened") != 2 || !strings.Contains(got, list[1].Hidden[:16]) {
		t.Errorf("%d commitments are not opened; the page:\n%s", len(list), got)
	}
}

func TestGridSampleSays(t *testing.T) {
	all := fieldwork.Sample{Sample: engagement.Sample{Method: engagement.EveryItem, Population: "P-2"}}
	if got, want := sayGridSample(&all, 4), "It is all 4 items of population P-2. The client does not know it."; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
	for n, want := range map[int]string{0: "No sample is drawn yet: a population is frozen by the client and accepted first.", 1: "1 sample is drawn; the client has 0.", 2: "2 samples are drawn; the client has 0."} {
		if got := sayGridSamples(n, 0); got != want {
			t.Errorf("got %q; want %q", got, want)
		}
	}
}

// TestGridPopulationFileKeepsOutcomes: the file of a population tells no outcome
// that could influence a mark, and is the frozen one once none can be.
func TestGridPopulationFileKeepsOutcomes(t *testing.T) {
	t.Parallel()
	w := gridOpened(t, 40, 4)
	const pop = "/engagements/EN-1/populations/P-1"
	file := func() (name, body string) {
		got := w.staff.get(pop + "/items")
		if got.Code != http.StatusOK {
			t.Fatalf("the file: %d\n%s", got.Code, got.Body)
		}
		return got.Header().Get("Content-Disposition"), got.Body.String()
	}
	if name, body := file(); !strings.Contains(name, "without-outcomes") || strings.Contains(body, "deviation") || strings.Count(body, "\n") != 40 {
		t.Errorf("before the marks %s: %.300s; want 40 lines without outcomes", name, body)
	}
	holds(t, w.staff.page(pop), "without computed outcomes", "4 cells of "+gridTest+" to be marked")
	var rows []string
	w.paper(func(p *fieldwork.Paper, _ *fieldwork.Test) { rows = slices.Clone(p.Rows) })
	for _, item := range rows {
		gridCheck(t, w.s.files.Mark(t.Context(), w.asStaff(), "EN-1", gridTest, fieldwork.Cell{Item: item, Attribute: "B"}, fieldwork.Verdict{Mark: engagement.NoException}, 0))
	}
	if name, body := file(); strings.Contains(name, "without") || body != w.lines {
		t.Errorf("after the marks %s: %d bytes; want the %d that were frozen", name, len(body), len(w.lines))
	}
	holds(t, w.staff.page(pop), "Its item lines, as they were frozen")
}

// TestGridBrokenFileIsNoWhole: a file that breaks off is told from a whole one, and
// one that does not begin is a page that says so.
func TestGridBrokenFileIsNoWhole(t *testing.T) {
	t.Parallel()
	w := gridOpened(t, 20, 2)
	for _, c := range []struct {
		name  string
		write func(io.Writer) error
		want  string
	}{
		{"whole", func(w io.Writer) error { _, err := io.WriteString(w, "all"); return err }, "file all"},
		{"empty", func(io.Writer) error { return nil }, "file "},
		{"refused before the first byte", func(io.Writer) error { return audit.ErrConflict }, "error "},
		{"broken off", func(w io.Writer) error { _, err := io.WriteString(w, "a"); return errors.Join(err, audit.ErrAltered) }, "aborted a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			q := &request{Request: newRequest("/"), s: w.s, w: rec}
			got := func() (what string) {
				defer func() {
					if recover() == http.ErrAbortHandler {
						what = "aborted "
					}
				}()
				if err := q.gridFileOf("items.jsonl", c.write); err != nil {
					return "error "
				}
				return "file "
			}()
			if got += rec.Body.String(); got != c.want {
				t.Errorf("got %q; want %q", got, c.want)
			}
			if is := strings.Contains(rec.Header().Get("Content-Disposition"), "items.jsonl"); is != (c.want != "error ") {
				t.Errorf("named as a file: %t", is)
			}
		})
	}
}
