package report_test

import (
	"testing"
	"time"

	"tieout/audit"
	"tieout/report"
)

func TestLasted(t *testing.T) {
	at := func(d, h int) time.Time { return time.Date(2026, 3, d, h, 0, 0, 0, time.UTC) }
	between := func(a, b time.Time) audit.Bound { return audit.Bound{After: a, At: b} }
	tests := []struct {
		name string
		r    audit.Result
		want string
	}{
		{"exact", audit.Result{Span: audit.Span{From: at(2, 0), To: at(10, 0)}, Start: audit.ExactBound(at(2, 0)), End: audit.ExactBound(at(10, 0))}, "192 hours (8 days)"},
		{"an hour", audit.Result{Span: audit.Span{From: at(2, 0), To: at(2, 1)}, Start: audit.ExactBound(at(2, 0)), End: audit.ExactBound(at(2, 1))}, "1 hour"},
		{"between observations", audit.Result{Span: audit.Span{From: at(2, 0), To: at(4, 0)}, Start: between(at(1, 0), at(2, 0)), End: between(at(3, 0), at(4, 0))},
			"at least 24 hours and at most 72 hours (3 days)"},
		{"seen once", audit.Result{Span: audit.Span{From: at(2, 0), To: at(3, 0)}, Start: between(at(1, 0), at(2, 0)), End: between(at(2, 0), at(3, 0))},
			"at least 0 hours and at most 48 hours (2 days)"},
		{"from the first observation", audit.Result{Span: audit.Span{From: at(2, 0), To: at(4, 0)}, Start: between(time.Time{}, at(2, 0)), End: audit.ExactBound(at(4, 0))},
			"at least 48 hours (2 days); when it began was not seen"},
		{"still", audit.Result{Span: audit.Span{From: at(2, 0), To: at(3, 6)}, Start: audit.ExactBound(at(2, 0)), Open: true}, "at least 30 hours; it still lasts"},
		{"an instant", audit.Result{Span: audit.At(at(2, 0)), Start: audit.ExactBound(at(2, 0))}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := report.Lasted(&tt.r); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
