package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"tieout/audit"
	"tieout/store"
	"tieout/worker"
)

func mux() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /people/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") == "broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write([]byte("ok")) // a recorder takes all
	})
	return m
}

// TestMetrics: requests are counted by route and status, and nothing that was
// asked for is in the numbers.
func TestMetrics(t *testing.T) {
	w := New("1.2.3")
	w.Gauge("tieout_log_entries", "Entries of the log.", func(context.Context) (float64, error) { return 42, nil })
	w.Gauge("tieout_broken", "It cannot be read.", func(context.Context) (float64, error) {
		return 0, fmt.Errorf("%w: no", audit.ErrUnavailable)
	})
	w.Job(worker.Event{Kind: "ended", Job: store.Job{Kind: "collect"}})
	w.Failed(errors.New("what"))
	h := w.Measure(mux())
	for _, path := range []string{"/people/ana.silva", "/people/broken", "/elsewhere/ana"} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	got := rec.Body.String()
	for _, want := range []string{
		`tieout_http_request_seconds_count{route="GET /people/{id}",status="200"} 1`, `tieout_http_request_seconds_count{route="GET /people/{id}",status="500"} 1`,
		`tieout_http_request_seconds_count{route="none",status="404"} 1`, "tieout_log_entries 42", `tieout_jobs_total{event="ended",job="collect"} 1`,
		`tieout_errors_total{kind="internal"} 1`, `tieout_build_info{version="1.2.3"} 1`, "go_goroutines",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %s in\n%s", want, got)
		}
	}
	if strings.Contains(got, "ana") || strings.Contains(got, "tieout_broken ") {
		t.Errorf("it tells what it must not:\n%s", got)
	}
	rec = httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if !strings.Contains(rec.Body.String(), `tieout_errors_total{kind="unavailable"}`) {
		t.Error("a number that cannot be read is not counted as an error")
	}
}

// TestTrace: spans reach a collector, named by route, without the path.
func TestTrace(t *testing.T) {
	var got atomic.Value
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got.Store(string(b))
	}))
	defer collector.Close()
	w := New("1.2.3")
	h, stop, err := w.Trace(t.Context(), collector.URL+"/v1/traces", mux())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/people/ana.silva", nil)
	r.Header.Set("User-Agent", "Ana's browser")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if err := stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	sent, _ := got.Load().(string)
	if !strings.Contains(sent, "GET /people/{id}") || strings.Contains(sent, "ana.silva") || strings.Contains(sent, "browser") {
		t.Errorf("sent %q", sent)
	}
	if same, _, err := w.Trace(t.Context(), "", mux()); err != nil || same == nil {
		t.Errorf("without a collector: %v", err)
	}
	if _, _, err := w.Trace(t.Context(), "://nonsense", mux()); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a wrong address: %v", err)
	}
}
