package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"tieout/audit"
)

// someResults are results with every field, with none, and with what has to be
// escaped.
func someResults() []audit.Result {
	at := time.Date(2026, 3, 14, 9, 26, 53, 589793000, time.UTC)
	whole := audit.Result{
		Procedure: "access.leavers", Hash: "sha256:ab", Item: "okta/ben", Label: "Ben Ö \"B\"", Outcome: audit.Late, Span: audit.Span{From: at, To: at.AddDate(0, 1, 17)},
		Start: audit.Bound{After: at, At: at.Add(time.Microsecond)}, End: audit.Bound{After: at, At: at}, Open: true, Exact: true, Observations: 41, InGrace: true,
		Attributes: []audit.AttributeResult{{Name: "A", Text: "it was removed", Outcome: audit.Deviated, Reason: "a \\ and a \n"}, {Name: "B", Text: "in time", Outcome: audit.Operated}},
		Reason:     "ended on 31 March\x01", Values: []audit.FieldValue{{Path: "status", Value: `"ACTIVE"`}, {Path: "lastLogin", Value: "not collected"}}, Records: []int64{0, 7, 1 << 40},
		Stream: audit.StreamKey{Source: "okta", Scope: "a/b", Type: "account"},
	}
	zone := whole
	zone.Span.From = at.In(time.FixedZone("", -5*3600))
	return []audit.Result{whole, {}, zone, {Item: `,"values":[`, Reason: `x,"values":[{"path":"no","value":"no"}]}`}, {Item: "\xff", Values: []audit.FieldValue{{Path: "p|\t", Value: ""}}}}
}

// sameResult holds what a line gives to what encoding/json reads from it, and to
// being written in the one way.
func sameResult(t *testing.T, line []byte) {
	t.Helper()
	var want audit.Result
	wantErr := json.Unmarshal(line, &want)
	if wantErr == nil && !canonicalLine(line, want) {
		wantErr = errors.New("another spelling")
	}
	got, err := audit.NewResultReader(bytes.NewReader(line)).Read()
	switch {
	case len(bytes.TrimRight(line, "\r\n")) == 0:
	case (err == nil) != (wantErr == nil):
		t.Fatalf("%q: got %v, want %v", line, err, wantErr)
	case err == nil && !reflect.DeepEqual(*got, want):
		t.Fatalf("%q:\ngot  %+v\nwant %+v", line, *got, want)
	}
	if over := someResults()[0]; err == nil && audit.NewResultReader(bytes.NewReader(line)).Next(&over) == nil && string(over.AppendJSON(nil)) != string(want.AppendJSON(nil)) {
		t.Fatalf("%q, read over another: %+v", line, over)
	}
	var paths []string
	if perr := audit.ValuePaths(line, func(p []byte) { paths = append(paths, string(p)) }); wantErr != nil {
		return // of what is no result nothing is promised
	} else if perr != nil {
		t.Fatal(perr)
	}
	var wantPaths []string
	for _, v := range want.Values {
		wantPaths = append(wantPaths, v.Path)
	}
	if !reflect.DeepEqual(paths, wantPaths) {
		t.Errorf("%q: paths %q, want %q", line, paths, wantPaths)
	}
}

func canonicalLine(line []byte, r audit.Result) bool {
	return string(r.AppendJSON(nil)) == string(line)
}

func TestReadResults(t *testing.T) {
	var all []byte
	for _, r := range someResults() {
		line := r.AppendJSON(nil)
		sameResult(t, line)
		all = append(append(all, line...), "\n\r\n"...)
	}
	long := audit.Result{Item: strings.Repeat("long ", 1<<17), Outcome: audit.Operated}
	all = long.AppendJSON(all) // the last line has no end
	d := audit.NewResultReader(bytes.NewReader(all))
	n := 0
	for {
		r, err := d.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == len(someResults())+1 && r.Item != long.Item {
			t.Error("the long line is not what was written")
		}
	}
	if n != len(someResults())+1 {
		t.Errorf("%d results", n)
	}
	d = audit.NewResultReader(strings.NewReader(string((&audit.Result{}).AppendJSON(nil)) + "\nnot a result\n"))
	if _, err := d.Read(); err != nil {
		t.Error(err)
	}
	if _, err := d.Read(); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v", err)
	}
}

// TestReadResultsOneSpelling: what says the same in other words is not what was
// sealed.
func TestReadResultsOneSpelling(t *testing.T) {
	whole := string(someResults()[0].AppendJSON(nil))
	plain := string((&audit.Result{Item: "a"}).AppendJSON(nil))
	for _, tt := range []struct{ name, line string }{
		{"nothing", `null`}, {"an empty object", `{}`}, {"a field alone", `{"item":"a"}`},
		{"a space", strings.Replace(plain, ":", ": ", 1)},
		{"an unknown field", strings.TrimSuffix(plain, "}") + `,"x":1}`},
		{"a field twice", strings.TrimSuffix(plain, "}") + `,"item":"b"}`},
		{"another case", strings.Replace(plain, `"item"`, `"Item"`, 1)},
		{"an escape", strings.Replace(plain, `"a"`, `"\u0061"`, 1)},
		{"a zero in a fraction", strings.Replace(whole, `.589793Z`, `.5897930Z`, 1)},
		{"an offset for UTC", strings.Replace(whole, `.589793Z`, `.589793+00:00`, 1)},
		{"an empty label", strings.Replace(plain, `"item":"a"`, `"item":"a","label":""`, 1)},
		{"no observations", strings.Replace(plain, `"item":"a"`, `"item":"a","observations":0`, 1)},
		{"an empty reason", strings.Replace(plain, `,"span"`, `,"reason":"","span"`, 1)},
		{"no records", strings.Replace(plain, `,"span"`, `,"records":[],"span"`, 1)},
		{"a false flag", strings.Replace(plain, `,"outcome"`, `,"open":false,"outcome"`, 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := audit.NewResultReader(strings.NewReader(tt.line)).Read(); !errors.Is(err, audit.ErrAltered) {
				t.Errorf("%s is read: %v", tt.line, err)
			}
		})
	}
	odd := `{"values":[{"path":"a","value":"\u0061"}],"item":"a","values":[{"path":"a","value":"\u0061"}]}`
	if err := audit.ValuePaths([]byte(odd), func([]byte) {}); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("paths of another spelling: %v", err)
	}
}

// FuzzReadResult: whatever a line holds, it is read as encoding/json reads it where
// it is in the one spelling, and refused where it is not.
func FuzzReadResult(f *testing.F) {
	for _, r := range someResults() {
		f.Add(r.AppendJSON(nil))
	}
	for _, s := range []string{`{}`, `{"item":"x"}`, `{"end":{"after":"2026-02-30T00:00:00Z","at":"x"}}`, `null`, `[]`, "{\"item\":\"\x00\"}", `{"records":[01]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.IndexByte(line, '\n') < 0 && bytes.IndexByte(line, '\r') < 0 {
			sameResult(t, line)
		}
	})
}

// BenchmarkReadResult reads a result as most are, beside encoding/json.
func BenchmarkReadResult(b *testing.B) {
	r := someResults()[0]
	r.Label, r.Attributes, r.Reason = "Ben Okoro", nil, "still active 9 days after the last day of work"
	r.Values = []audit.FieldValue{{Path: "kind", Value: "human"}, {Path: "lastLogin", Value: "not collected"}}
	line := append(r.AppendJSON(nil), '\n')
	many := bytes.Repeat(line, 1000)
	b.Run("lines", func(b *testing.B) {
		b.SetBytes(int64(len(many)))
		b.ReportAllocs()
		for b.Loop() {
			d := audit.NewResultReader(bytes.NewReader(many))
			for _, err := d.Read(); err == nil; {
				_, err = d.Read()
			}
		}
	})
	b.Run("encoding", func(b *testing.B) {
		b.SetBytes(int64(len(many)))
		b.ReportAllocs()
		for b.Loop() {
			for range 1000 {
				var got audit.Result
				if err := json.Unmarshal(line, &got); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
