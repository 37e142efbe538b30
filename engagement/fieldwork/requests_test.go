package fieldwork_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/requestfile"
)

func TestRequestGoesBackAndForth(t *testing.T) {
	w := planned(t, "CHG-01")
	ctx := t.Context()
	r := must[fieldwork.Request](t)(w.book.SetRequest(ctx, staff, "EN-1", engagement.Request{Kind: "document", Title: "Change policy", Asks: "The policy in force", Tests: []string{"T-CHG-01-1"}}, 0))
	answer := func(s engagement.RequestStatus) error {
		return w.book.TakeAnswers(ctx, receiver, "EN-1", []engagement.Answer{{Request: r.ID, Status: s, Text: "here it is", Records: []int64{5}}}, 9)
	}
	decide := func(s engagement.RequestStatus, why string) error {
		return w.book.DecideRequest(ctx, staff, "EN-1", r.ID, s, why, w.revision("request:EN-1/"+r.ID))
	}
	if err := answer(engagement.RequestSubmitted); err == nil || !strings.Contains(err.Error(), "never released") {
		t.Errorf("answered before its release: %v; want it refused", err)
	}
	if got := must[[]engagement.RequestNews](t)(w.book.RequestNewsOf(ctx, "EN-1")); len(got) != 0 {
		t.Errorf("the client is sent %+v before the release", got)
	}
	w.pass(24 * time.Hour)
	check(t, w.book.ReleaseRequests(ctx, staff, "EN-1", r.ID))
	if err := decide(engagement.RequestAccepted, ""); err == nil || !strings.Contains(err.Error(), "brought nothing") {
		t.Errorf("accepted before an answer: %v; want it refused", err)
	}
	w.pass(48 * time.Hour)
	check(t, answer(engagement.RequestSubmitted))
	w.pass(24 * time.Hour)
	if err := decide(engagement.RequestReturned, ""); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("returned without a reason: %v; want it refused", err)
	}
	check(t, decide(engagement.RequestReturned, "the second page is missing"))
	if got := must[[]engagement.RequestNews](t)(w.book.RequestNewsOf(ctx, "EN-1")); len(got) != 1 || got[0].Status != engagement.RequestReturned || got[0].Why == "" {
		t.Errorf("the client is sent %+v; want it returned with the reason", got)
	}
	w.pass(24 * time.Hour)
	check(t, answer(engagement.RequestInProgress))
	check(t, answer(engagement.RequestSubmitted))
	check(t, decide(engagement.RequestAccepted, ""))
	if err := answer(engagement.RequestSubmitted); err == nil {
		t.Error("an accepted request was answered")
	}
	w.pass(240 * time.Hour)
	got := must[fieldwork.Request](t)(w.book.Request(ctx, "EN-1", r.ID))
	if firm, client := got.Held(w.now()); firm != 48*time.Hour || client != 72*time.Hour {
		t.Errorf("the firm held it %s, the client %s; want 48h and 72h", firm, client)
	}
}

func TestRequestShowsNoDrawBeforeItsRelease(t *testing.T) {
	w := ready(t, 40)
	ctx := t.Context()
	x := must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", random(3)))
	q := engagement.Request{Kind: "evidence", Title: "Changes", Asks: "Approvals", Tests: []string{"T-CHG-01-1"}, Items: x.Items}
	if _, err := w.book.SetRequest(ctx, staff, "EN-1", q, 0); err == nil || !strings.Contains(err.Error(), "would show the draw") {
		t.Errorf("items asked for before the release: %v; want it refused", err)
	}
	check(t, w.book.ReleaseSample(ctx, manager, "EN-1", "S-1", 1))
	must[fieldwork.Request](t)(w.book.SetRequest(ctx, staff, "EN-1", q, 0))
}

func TestRequestsAreProposedFromTests(t *testing.T) {
	w := planned(t, "CHG-01")
	ctx := t.Context()
	two := testOf("CHG-02")
	check(t, w.book.SetTest(ctx, manager, "EN-1", two, "", 0))
	design := testOf("CHG-02")
	design.ID, design.Phase, design.Population = "T-CHG-02-2", engagement.Design, false
	check(t, w.book.SetTest(ctx, manager, "EN-1", design, "", 0))
	set := engagement.ControlSet{Controls: []audit.Control{{ID: "CHG-01", Title: "Approval", Population: "Changes deployed in the period"}, {ID: "CHG-02", Title: "Review", Population: "Changes deployed in the period", Evidence: "Merge records"}}}
	check(t, w.book.TakeControls(ctx, receiver, "EN-1", set, 2))
	var got []engagement.Request
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { got = f.ProposeRequests() })
	if len(got) != 2 || len(got[0].Tests) != 2 || got[0].Kind != "population" || got[1].Kind != "document" || !strings.Contains(got[1].Asks, "Merge records") {
		t.Fatalf("proposed %+v; want one population for both controls, and one for design", got)
	}
	must[fieldwork.Request](t)(w.book.SetRequest(ctx, staff, "EN-1", got[0], 0))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { got = f.ProposeRequests() })
	if len(got) != 1 {
		t.Errorf("proposed again %+v; want only what is not asked for", got)
	}
}

func TestImportIsAllOrNothing(t *testing.T) {
	w := planned(t, "CHG-01")
	ctx := t.Context()
	load := func(csv string) ([]string, error) {
		rows, err := requestfile.ReadCSV("pbc.csv", strings.NewReader(csv))
		check(t, err)
		return w.book.ImportRequests(ctx, staff, "EN-1", "pbc.csv", rows)
	}
	ids := must[[]string](t)(load("kind,title,asks,tests\ndocument,One,First,T-CHG-01-1\nexplanation,Two,Second,\n"))
	if strings.Join(ids, " ") != "RQ-1 RQ-2" {
		t.Fatalf("imported %v; want RQ-1 and RQ-2", ids)
	}
	if _, err := load("id,kind,title,asks,tests\nRQ-1,document,Changed,First,\n,document,Three,Third,T-NONE-1\n"); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), "pbc.csv:3:1") {
		t.Errorf("got %v; want it refused at pbc.csv:3:1", err)
	}
	one := must[fieldwork.Request](t)(w.book.Request(ctx, "EN-1", "RQ-1"))
	if one.Title != "One" || one.Revision != 1 {
		t.Errorf("RQ-1 is %q at revision %d; want it untouched", one.Title, one.Revision)
	}
	must[[]string](t)(load("id,kind,title,asks,tests\nRQ-1,document,Changed,First,\n,document,Three,Third,\n"))
	if four := must[fieldwork.Request](t)(w.book.SetRequest(ctx, staff, "EN-1", engagement.Request{Kind: "document", Title: "Four", Asks: "x"}, 0)); four.ID != "RQ-4" {
		t.Errorf("the next is %s; want RQ-4", four.ID)
	}
	var b bytes.Buffer
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { check(t, requestfile.WriteCSV(&b, f.RequestRows())) })
	if n := strings.Count(b.String(), "RQ-"); n != 4 {
		t.Errorf("%d requests went out; want 4: %s", n, b.String())
	}
}

// TestAChangedRequestReachesTheClient: a change goes out with its release, whatever
// the client had begun, and a request that ends ends there too, in words it knows.
func TestAChangedRequestReachesTheClient(t *testing.T) {
	t.Parallel()
	w := planned(t, "CHG-01")
	ctx := t.Context()
	first := engagement.Request{Kind: "document", Title: "Change policy", Asks: "The policy in force", Tests: []string{"T-CHG-01-1"}}
	r := must[fieldwork.Request](t)(w.book.SetRequest(ctx, staff, "EN-1", first, 0))
	rev := func() int64 { return w.revision("request:EN-1/" + r.ID) }
	news := func() []engagement.RequestNews {
		return must[[]engagement.RequestNews](t)(w.book.RequestNewsOf(ctx, "EN-1"))
	}
	w.pass(time.Hour)
	check(t, w.book.ReleaseRequests(ctx, staff, "EN-1", r.ID))
	w.pass(time.Hour)
	check(t, w.book.TakeAnswers(ctx, receiver, "EN-1", []engagement.Answer{{Request: r.ID, Status: engagement.RequestInProgress}}, 9))
	w.pass(time.Hour)
	changed := r.Request
	changed.Asks = "The policy in force, and the one before"
	must[fieldwork.Request](t)(w.book.SetRequest(ctx, staff, "EN-1", changed, rev()))
	if got := news(); len(got) != 0 {
		t.Errorf("the client is sent %+v of a change that is not released", got)
	}
	w.pass(time.Hour)
	got := must[fieldwork.Request](t)(w.book.Request(ctx, "EN-1", r.ID))
	if firm, client := got.Held(w.now()); firm != 2*time.Hour || client != 2*time.Hour {
		t.Errorf("the firm held it %s, the client %s; want 2h each: the change waits for the firm", firm, client)
	}
	check(t, w.book.ReleaseRequests(ctx, staff, "EN-1", r.ID))
	if got := news(); len(got) != 1 || got[0].Status != engagement.RequestOpen || got[0].Request.Asks != changed.Asks {
		t.Errorf("the client is sent %+v; want the change, open", got)
	}
	again := changed
	again.Asks = "What nobody released"
	must[fieldwork.Request](t)(w.book.SetRequest(ctx, staff, "EN-1", again, rev()))
	check(t, w.book.DecideRequest(ctx, staff, "EN-1", r.ID, engagement.RequestWithdrawn, "it came with the controls", rev()))
	if got := news(); len(got) != 1 || got[0].Status != engagement.RequestWithdrawn || got[0].Request.Asks != changed.Asks {
		t.Errorf("the client is sent %+v; want it withdrawn, in the words it was released with", got)
	}
}

// TestEvidenceOfEverySampleIsAskedFor: a later sample of a control has items nobody
// asked for.
func TestEvidenceOfEverySampleIsAskedFor(t *testing.T) {
	t.Parallel()
	w := ready(t, 40)
	ctx := t.Context()
	x := must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", random(3)))
	check(t, w.book.ReleaseSample(ctx, manager, "EN-1", "S-1", 1))
	evidence := func() (out []engagement.Request) {
		w.file(func(_ *fieldwork.State, f *fieldwork.File) {
			for _, r := range f.ProposeRequests() {
				if r.Kind == "evidence" {
					out = append(out, r)
				}
			}
		})
		return out
	}
	if got := evidence(); len(got) != 1 || len(got[0].Items) != 3 {
		t.Fatalf("proposed %+v; want the evidence of S-1", got)
	}
	must[fieldwork.Request](t)(w.book.SetRequest(ctx, staff, "EN-1", evidence()[0], 0))
	if got := evidence(); len(got) != 0 {
		t.Errorf("proposed %+v again; want nothing, it is asked for", got)
	}
	fresh := "CHG-0040"
	for n := 40; slices.Contains(x.Items, fresh); n-- {
		fresh = fmt.Sprintf("CHG-%04d", n)
	}
	o := fieldwork.Order{Population: "P-1", Control: "CHG-01", Method: engagement.Judgmental, Why: "large ones", Picked: map[string]string{x.Items[0]: "large", fresh: "late"}}
	must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", o))
	check(t, w.book.ReleaseSample(ctx, manager, "EN-1", "S-2", 1))
	if got := evidence(); len(got) != 1 || len(got[0].Items) != 1 || got[0].Items[0] != fresh || got[0].Title != "Evidence of the 1 item of sample S-2" {
		t.Errorf("proposed %+v; want the one item of S-2 that nobody asked for", got)
	}
}
