package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"tieout/access"
	"tieout/audit"
)

// A fault is an error as clients read it (RFC 7644, 3.12).
type fault struct {
	status int
	kind   string // scimType, where the RFC has one
	detail string
}

// Error implements error.
func (f *fault) Error() string { return f.detail }

// bad is the client's mistake: 400 with the RFC's word for it.
func bad(kind, format string, args ...any) error {
	return &fault{http.StatusBadRequest, kind, fmt.Sprintf(format, args...)}
}

// faultOf maps an error to what the client is told. What is not the client's
// business is told in two words and logged by the caller.
func faultOf(err error) *fault {
	var f *fault
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, access.ErrVersion):
		return &fault{http.StatusPreconditionFailed, "", err.Error()}
	case errors.Is(err, audit.ErrInvalid):
		return &fault{http.StatusBadRequest, "invalidValue", err.Error()}
	case errors.Is(err, audit.ErrNotFound):
		return &fault{http.StatusNotFound, "", err.Error()}
	case errors.Is(err, audit.ErrConflict):
		return &fault{http.StatusConflict, "uniqueness", err.Error()}
	case errors.Is(err, audit.ErrForbidden):
		return &fault{http.StatusForbidden, "", err.Error()}
	case errors.Is(err, audit.ErrUnavailable):
		return &fault{http.StatusServiceUnavailable, "", "what was asked for cannot be recorded now; try again later"}
	}
	return &fault{http.StatusInternalServerError, "", "internal error"}
}

// body is the fault as RFC 7644 writes it: the status as a string.
func (f *fault) body() []byte {
	v := map[string]any{"schemas": []string{errorURN}, "status": strconv.Itoa(f.status), "detail": f.detail}
	if f.kind != "" {
		v["scimType"] = f.kind
	}
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(`{}`) // texts only: it never happens
	}
	return b
}
