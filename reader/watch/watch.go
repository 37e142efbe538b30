// Package watch lets operators see how a server does: metrics in the text
// format of Prometheus, and traces by the OpenTelemetry protocol. Neither holds
// names of people, addresses, or anything of the evidence.
package watch

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tieout/audit"
	"tieout/worker"
)

// A Watch keeps a server's metrics. It is safe for concurrent use.
type Watch struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	failures *prometheus.CounterVec
	jobs     *prometheus.CounterVec
	version  string
}

// New returns metrics of this process, and of what is handed to it later.
func New(version string) *Watch {
	w := &Watch{
		registry: prometheus.NewRegistry(), version: version,
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tieout_http_request_seconds", Help: "Time to the last byte of an answer, by route and status.",
			Buckets: []float64{.005, .01, .025, .05, .1, .15, .3, .6, 1.2, 2.5, 5, 10}}, []string{"route", "status"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tieout_errors_total", Help: "What went wrong, by kind."}, []string{"kind"}),
		jobs:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tieout_jobs_total", Help: "What happened to jobs, by kind of job and of event."}, []string{"job", "event"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "tieout_build_info", Help: "1; the version is a label.", ConstLabels: prometheus.Labels{"version": version}})
	info.Set(1)
	w.registry.MustRegister(w.requests, w.failures, w.jobs, info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return w
}

// Gauge adds a number that is asked for whenever metrics are read, such as the
// size of the log. One that cannot be read is left out of that reading and
// counted as an error.
func (w *Watch) Gauge(name, help string, read func(context.Context) (float64, error)) {
	w.registry.MustRegister(&gauge{desc: prometheus.NewDesc(name, help, nil, nil), read: read, failed: w.Failed})
}

// A gauge reads its number when it is asked.
type gauge struct {
	desc   *prometheus.Desc
	read   func(context.Context) (float64, error)
	failed func(error)
}

// Describe implements prometheus.Collector.
func (g *gauge) Describe(ch chan<- *prometheus.Desc) { ch <- g.desc }

// gaugeWait is how long one number may take.
const gaugeWait = 3 * time.Second

// Collect implements prometheus.Collector.
func (g *gauge) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), gaugeWait) //nolint:contextcheck // the interface gives none
	defer cancel()
	v, err := g.read(ctx)
	if err != nil {
		g.failed(err)
		return
	}
	ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, v)
}

// Handler answers with the metrics.
func (w *Watch) Handler() http.Handler {
	return promhttp.HandlerFor(w.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Job counts what happened to a job.
func (w *Watch) Job(e worker.Event) { w.jobs.WithLabelValues(e.Job.Kind, e.Kind).Inc() }

// Failed counts an error by its kind.
func (w *Watch) Failed(err error) { w.failures.WithLabelValues(KindOf(err)).Inc() }

// KindOf names the kind of an error, as metrics are labeled.
func KindOf(err error) string {
	for kind, name := range map[error]string{
		audit.ErrInvalid: "invalid", audit.ErrNotFound: "not_found", audit.ErrConflict: "conflict", audit.ErrForbidden: "forbidden",
		audit.ErrUnavailable: "unavailable", audit.ErrAltered: "altered", audit.ErrInconclusive: "inconclusive",
	} {
		if errors.Is(err, kind) {
			return name
		}
	}
	return "internal"
}

// Measure times every answer of next by its route.
func (w *Watch) Measure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		start, a := time.Now(), &answer{ResponseWriter: rw, status: http.StatusOK}
		next.ServeHTTP(a, r)
		w.requests.WithLabelValues(routeOf(r), strconv.Itoa(a.status)).Observe(time.Since(start).Seconds())
	})
}

// routeOf is the pattern a request matched: never its path, of which there are
// endlessly many.
func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return "none"
	}
	return r.Pattern
}

// An answer remembers its status.
type answer struct {
	http.ResponseWriter
	status  int
	written bool
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if !a.written {
		a.status, a.written = status, true
	}
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach what is underneath.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
