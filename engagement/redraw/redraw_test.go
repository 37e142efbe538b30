package redraw_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/redraw"
)

func TestReadFindsWhatADrawNeeds(t *testing.T) {
	in := `{"at":"2026-03-01T09:00:00Z","id":"a\"b\\","results":{"x":"{,}"},"stratum":"db","values":["]","id"]}` + "\n" + ` { "values" : [ {"id":"no"} ] , "id" : "c" } ` + "\n"
	var got []redraw.ID
	total, err := redraw.Read(strings.NewReader(in), func(it redraw.ID) error { got = append(got, it); return nil })
	if err != nil || total.Count != 2 || total.Strata["db"] != 1 || got[0].ID != `a"b\` || got[0].At.IsZero() || got[1].ID != "c" || got[1].Stratum != "" {
		t.Errorf("read %+v, %+v, %v; want both items as they are", total, got, err)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"no object", "[1]\n", "no JSON object"}, {"cut off inside", `{"id":"a` + "\n", "no JSON object"}, {"two objects", `{"id":"a"}{"id":"b"}` + "\n", "no JSON object"},
		{"id twice in one", `{"id":"a","id":"b"}` + "\n", "not what it should be"}, {"id a number", `{"id":1}` + "\n", "not what it should be"}, {"empty line", "\n", "no JSON object"},
		{"no line feed", `{"id":"a"}`, "cut off"}, {"twice", `{"id":"a"}` + "\n" + `{"id":"a"}` + "\n", "item line 2"}, {"no id", `{"label":"a"}` + "\n", "no id"},
		{"a time that is none", `{"id":"a","at":"yesterday"}` + "\n", "not what it should be"}, {"a line too long", `{"id":"` + strings.Repeat("a", redraw.MaxLine) + `"}` + "\n", "longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := redraw.Read(strings.NewReader(c.in), func(redraw.ID) error { return nil }); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want an error that says %q", err, c.want)
			}
		})
	}
}

func TestReadSaysWhoseTroubleItIs(t *testing.T) {
	broken := io.MultiReader(strings.NewReader(`{"id":"a"}`+"\n"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if _, err := redraw.Read(broken, func(redraw.ID) error { return nil }); err == nil || errors.Is(err, audit.ErrInvalid) {
		t.Errorf("got %v; want the reader's own error, since the lines are not wrong", err)
	}
}

// FuzzRead holds the fast reading of lines to encoding/json: what the strict
// reading takes, the fast one takes too, with the same id, stratum and time.
func FuzzRead(f *testing.F) {
	for _, s := range []string{`{"id":"a"}`, `{"at":"2026-03-01T09:00:00Z","id":"a\u00e9","stratum":"x","values":["}"]}`, `{"id":"\\","results":{"p":"\"}"}}`, `{"id":"a","records":[1,2]}`, `{ }`, `{"id":"a",}`, `{"ID":"a"}`,
		`{"id":"a","ID":"b"}`, `{"id":"a","\u0069d":"b"}`, `{"id":"a","Stratum":"x"}`, `{"id":"a","label":"b","label":"c"}`, `{"id":"a","re` + "\u017f" + `ults":{}}`, `null`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var fast []redraw.ID
		in := string(line) + "\n"
		_, ferr := redraw.Read(strings.NewReader(in), func(it redraw.ID) error { fast = append(fast, it); return nil })
		_, serr := redraw.ReadStrict(strings.NewReader(in), 10, func(redraw.ID) error { return nil })
		if serr == nil && ferr != nil {
			t.Fatalf("strict takes %q, fast says %v", line, ferr)
		}
		var it engagement.Item
		if serr == nil && len(fast) == 1 && json.Unmarshal(line, &it) == nil && (fast[0].ID != it.ID || fast[0].Stratum != it.Stratum || !fast[0].At.Equal(it.At)) {
			t.Fatalf("%q: fast reads %+v, encoding/json %+v", line, fast[0], it)
		}
	})
}
