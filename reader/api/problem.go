package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tieout/audit"
	"tieout/program"
	"tieout/report"
)

// A problem is why a call was not answered, as RFC 9457 has it.
type problem struct {
	huma.ErrorModel
	header http.Header
}

func newProblem(status int, detail string) *problem {
	return &problem{ErrorModel: huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail}}
}

// GetHeaders implements huma.HeadersError.
func (p *problem) GetHeaders() http.Header { return p.header }

// write sends the problem from outside a call.
func (p *problem) write(w http.ResponseWriter) {
	for k, v := range p.header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	body, err := json.Marshal(&p.ErrorModel)
	if err == nil {
		_, _ = w.Write(append(body, '\n')) // a buffer takes all
	}
}

// at says where in the request the problem is, such as "header.If-Match".
func (p *problem) at(location, message string) *problem {
	p.Errors = append(p.Errors, &huma.ErrorDetail{Location: location, Message: message})
	return p
}

// statuses are the kinds of error with what they are over HTTP; the first that
// an error is counts.
var statuses = []struct {
	kind   error
	status int
}{
	{program.ErrKeyUsed, http.StatusUnprocessableEntity},
	{audit.ErrForbidden, http.StatusForbidden},
	{audit.ErrNotFound, http.StatusNotFound},
	{audit.ErrConflict, http.StatusConflict},
	{audit.ErrInvalid, http.StatusUnprocessableEntity},
	{audit.ErrUsage, http.StatusUnprocessableEntity},
	{audit.ErrInconclusive, http.StatusConflict},
	{audit.ErrUnavailable, http.StatusServiceUnavailable},
}

// problemOf is an error as a caller reads it. What is not theirs to mend is
// written to the server's own log and said in general.
func (s *Server) problemOf(ctx context.Context, err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	for _, k := range statuses {
		if !errors.Is(err, k.kind) {
			continue
		}
		if k.status >= http.StatusInternalServerError {
			s.note(ctx, err)
		}
		return newProblem(k.status, words(err))
	}
	if errors.Is(err, context.Canceled) {
		return newProblem(http.StatusServiceUnavailable, "The request ended before its answer.")
	}
	s.note(ctx, err)
	if errors.Is(err, audit.ErrAltered) {
		return newProblem(http.StatusInternalServerError, "Something is not what was sealed. Run 'tieout log verify' and 'tieout verify': they name what was altered.")
	}
	return newProblem(http.StatusInternalServerError, "The call could not be answered; the log of 'tieout serve' says why.")
}

// words are an error's text without its kinds in front, as sentences; of several
// errors each is one.
func words(err error) string {
	var out []string
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		for again := true; again; {
			again = slices.ContainsFunc(statuses, func(k struct {
				kind   error
				status int
			}) bool {
				rest, cut := strings.CutPrefix(line, k.kind.Error()+": ")
				line = rest
				return cut
			})
		}
		if line != "" {
			out = append(out, report.Capital(strings.TrimSuffix(line, "."))+".")
		}
	}
	return strings.Join(out, " ")
}

func (s *Server) note(ctx context.Context, err error) {
	if s.o.Failed != nil {
		s.o.Failed(err)
	}
	s.o.Log.ErrorContext(ctx, "api", slog.String("error", err.Error()))
}

// quiet takes out of problems the values that were sent: what is said of them
// is enough, and they may be long or secret.
func quiet(_ huma.Context, _ string, v any) (any, error) {
	var e *huma.ErrorModel
	switch x := v.(type) {
	case *problem:
		e = &x.ErrorModel
	case *huma.ErrorModel:
		e = x
	default:
		return v, nil
	}
	out := *e
	out.Errors = nil
	for _, d := range e.Errors {
		out.Errors = append(out.Errors, &huma.ErrorDetail{Message: d.Message, Location: d.Location})
	}
	return &out, nil
}

func tooMany() *problem {
	p := newProblem(http.StatusTooManyRequests, "Too many requests with this token, or from this address; ask again in a second.")
	p.header = http.Header{"Retry-After": {"1"}}
	return p
}
