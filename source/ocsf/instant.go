// Package ocsf is the source that reads events in the Open Cybersecurity Schema
// Framework, as security lakes and scanners write them. docs/sources/ocsf.md
// describes it.
package ocsf

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// seconds is below what milliseconds since 1970 were in 1973, and above what
// seconds will be in 5138: what is smaller counts seconds.
const seconds = 100_000_000_000

// Instant reads a timestamp_t (milliseconds since 1970) or a datetime_t (RFC
// 3339 with an offset) of OCSF; zero where there is none. Some tools, such as
// Prowler, write seconds, which no one can take for milliseconds.
func Instant(raw json.RawMessage) (time.Time, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return time.Time{}, nil
	}
	var n json.Number
	var text string
	switch {
	case raw[0] == '"':
		if err := json.Unmarshal(raw, &text); err != nil {
			return time.Time{}, err
		}
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return time.Time{}, fmt.Errorf("%q is no instant with an offset", text)
		}
		return within(t)
	case json.Unmarshal(raw, &n) != nil:
		return time.Time{}, fmt.Errorf("%s is no instant", raw)
	}
	ms, err := n.Int64()
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is no number of milliseconds", n)
	}
	if ms > 0 && ms < seconds {
		return within(time.Unix(ms, 0).UTC())
	}
	return within(time.UnixMilli(ms).UTC())
}

// within refuses instants nobody means.
func within(t time.Time) (time.Time, error) {
	if y := t.UTC().Year(); y < 1973 || y > 9000 {
		return time.Time{}, errors.New("its year is " + fmt.Sprint(y))
	}
	return t.UTC(), nil
}
