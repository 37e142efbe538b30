package watch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"tieout/audit"
)

// Trace sends a span of every request to the collector at that address, such as
// https://otel.example.com:4318/v1/traces (OTLP over HTTP); "" traces nothing.
// A span has the route, the method and the status, and no path, address or
// browser: paths name people and findings. A trace that a proxy began goes on.
// stop sends what waits.
func (w *Watch) Trace(ctx context.Context, endpoint string, next http.Handler) (traced http.Handler, stop func(context.Context) error, err error) {
	if endpoint == "" {
		return next, func(context.Context) error { return nil }, nil
	}
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, nil, fmt.Errorf("%w: traces go to an address such as https://otel.example.com:4318/v1/traces, not %q", audit.ErrInvalid, endpoint)
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: traces to %s: %w", audit.ErrInvalid, endpoint, err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "tieout"), attribute.String("service.version", w.version))))
	return spanned(provider.Tracer("tieout/reader/watch"), next), provider.Shutdown, nil
}

func spanned(tracer trace.Tracer, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		a, in := &answer{ResponseWriter: rw, status: http.StatusOK}, r.WithContext(ctx)
		next.ServeHTTP(a, in)
		r.Pattern = in.Pattern // for who measures around this
		span.SetName(routeOf(in))
		span.SetAttributes(attribute.String("http.route", routeOf(in)), attribute.String("http.request.method", r.Method), attribute.Int("http.response.status_code", a.status))
		if a.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(a.status))
		}
	})
}
