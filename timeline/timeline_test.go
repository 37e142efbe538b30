package timeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
)

// day is noon of a day of March 2026, the instant of a daily snapshot.
func day(n int) time.Time { return time.Date(2026, 3, n, 12, 0, 0, 0, time.UTC) }

func span(from, to int) audit.Span { return audit.Span{From: day(from), To: day(to)} }

var accounts = audit.StreamKey{Source: "okta", Type: "account"}

// shot is a snapshot of accounts on a day: "ana=active bob=disabled". The
// manifest's record is 100 a day, the page's one below.
func shot(n int, items string, incomplete ...string) audit.Observation {
	o := audit.Observation{Stream: accounts, Mode: audit.ModeSnapshot, Covers: audit.At(day(n)), Complete: true, Record: int64(n * 100)}
	if len(incomplete) > 0 {
		o.Complete, o.Reason = false, incomplete[0]
	}
	for _, w := range strings.Fields(items) {
		id, status, _ := strings.Cut(w, "=")
		body := json.RawMessage(fmt.Sprintf(`{"status":%q}`, status))
		o.Items = append(o.Items, audit.Seen{Item: audit.Item{Type: "account", ID: id, Body: body}, Record: o.Record - 1})
	}
	return o
}

func recorded(o audit.Observation, record int64) audit.Observation {
	o.Record = record
	for i := range o.Items {
		o.Items[i].Record = record - 1
	}
	return o
}

// tell writes a timeline so that a test case can say it in a line each.
func tell(tl *audit.Timeline) string {
	var b strings.Builder
	for i, s := range tl.Streams {
		fmt.Fprintf(&b, "stream %d:", i)
		for _, p := range s.Points {
			fmt.Fprintf(&b, " point %d@%d", p.At.Day(), p.Record)
		}
		for _, c := range s.Covered {
			fmt.Fprintf(&b, " covered %d-%d@%d", c.From.Day(), c.To.Day(), c.Record)
		}
		for _, h := range s.Holes {
			fmt.Fprintf(&b, " hole %d@%d (%s)", h.From.Day(), h.Record, h.Reason)
		}
		b.WriteString("\n")
	}
	for _, h := range tl.Histories {
		fmt.Fprintf(&b, "%s/%d:", h.ID, h.Stream)
		for _, v := range h.Versions {
			state := "gone"
			if !v.Gone {
				state = strings.Trim(string(v.Body[len(`{"status":`):]), `"}`)
			}
			switch {
			case v.From.Exact():
				fmt.Fprintf(&b, " %s[%d]@%d", state, v.From.At.Day(), v.Record)
			case v.From.After.IsZero():
				fmt.Fprintf(&b, " %s(?,%d]@%d", state, v.From.At.Day(), v.Record)
			default:
				fmt.Fprintf(&b, " %s(%d,%d]@%d", state, v.From.After.Day(), v.From.At.Day(), v.Record)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestSnapshots(t *testing.T) {
	tests := []struct {
		name string
		obs  []audit.Observation
		want string
	}{
		{"what the first snapshot shows has no earlier bound, what a later one adds has", []audit.Observation{shot(1, "ana=active"), shot(2, "ana=active bob=active")},
			"stream 0: point 1@100 point 2@200\nana/0: active(?,1]@99\nbob/0: active(1,2]@199\n"},
		{"a change lies between two complete snapshots", []audit.Observation{shot(1, "ana=active"), shot(2, "ana=active"), shot(3, "ana=disabled")},
			"stream 0: point 1@100 point 2@200 point 3@300\nana/0: active(?,1]@99 disabled(2,3]@299\n"},
		{"only a complete snapshot lets an item disappear", []audit.Observation{shot(1, "ana=active bob=active"), shot(2, "ana=active", "page 2: 502"), shot(3, "ana=active")},
			"stream 0: point 1@100 point 3@300 hole 2@200 (page 2: 502)\nana/0: active(?,1]@99\nbob/0: active(?,1]@99 gone(1,3]@300\n"},
		{"an incomplete one shows a deviation and gives no bound from below", []audit.Observation{shot(1, "ana=active"), shot(2, "ana=disabled", "403"), shot(3, "ana=active")},
			"stream 0: point 1@100 point 3@300 hole 2@200 (403)\nana/0: active(?,1]@99 disabled(1,2]@199 active(2,3]@299\n"},
		{"seen only in an incomplete one, then gone", []audit.Observation{shot(1, ""), shot(2, "bob=active", "403"), shot(4, "")},
			"stream 0: point 1@100 point 4@400 hole 2@200 (403)\nbob/0: active(1,2]@199 gone(2,4]@400\n"},
		{"gone and back", []audit.Observation{shot(1, "ana=active"), shot(2, ""), shot(3, ""), shot(4, "ana=active")},
			"stream 0: point 1@100 point 2@200 point 3@300 point 4@400\nana/0: active(?,1]@99 gone(1,2]@200 active(3,4]@399\n"},
		{"nothing complete, nothing but a hole and what was seen", []audit.Observation{shot(1, "ana=active", "403")},
			"stream 0: hole 1@100 (403)\nana/0: active(?,1]@99\n"},
		{"a refused item makes it incomplete and is not counted", []audit.Observation{shot(1, "ana=active bob=active"), shot(2, "ana=active bob=great")},
			"stream 0: point 1@100 hole 2@200 (invalid: account \"bob\": field status: \"great\" is not one of active, pending, suspended, disabled)\nana/0: active(?,1]@99\nbob/0: active(?,1]@99\n"},
		{"twice the same is once", []audit.Observation{shot(1, "ana=active ana=active")},
			"stream 0: point 1@100\nana/0: active(?,1]@99\n"},
		{"two bodies in one snapshot: neither counts", []audit.Observation{shot(1, "ana=active bob=active"), shot(2, "ana=active ana=disabled bob=disabled ana=active")},
			"stream 0: point 1@100 hole 2@200 (invalid: account \"ana\": shown twice in one snapshot with different bodies)\nana/0: active(?,1]@99\nbob/0: active(?,1]@99 disabled(1,2]@199\n"},
		{"late evidence is taken in where it belongs", []audit.Observation{shot(1, "ana=active"), shot(3, "ana=disabled"), recorded(shot(2, "ana=disabled"), 350)},
			"stream 0: point 1@100 point 2@350 point 3@300\nana/0: active(?,1]@99 disabled(1,2]@349\n"},
		{"one instant told twice: the one recorded last counts", []audit.Observation{shot(1, "ana=active bob=active"), recorded(shot(1, "ana=disabled"), 500)},
			"stream 0: point 1@500\nana/0: disabled(?,1]@499\n"},
		{"one instant, complete and then a part again", []audit.Observation{shot(1, "ana=active bob=active"), recorded(shot(1, "ana=disabled", "403"), 500)},
			"stream 0: point 1@100 hole 1@500 (403)\nana/0: disabled(?,1]@499\nbob/0: active(?,1]@99\n"},
		{"one instant, twice incomplete", []audit.Observation{shot(1, "ana=active bob=active", "a"), recorded(shot(1, "ana=disabled", "b"), 500)},
			"stream 0: hole 1@100 (a) hole 1@500 (b)\nana/0: disabled(?,1]@499\nbob/0: active(?,1]@99\n"},
		{"a snapshot that says a stretch is none", []audit.Observation{{Stream: accounts, Mode: audit.ModeSnapshot, Covers: span(1, 2), Complete: true, Record: 5, Items: shot(1, "ana=active").Items}},
			"stream 0: hole 1@5 (a snapshot is about one instant, this says a stretch (and 1 more))\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Observe(tt.obs)
			if err != nil {
				t.Fatal(err)
			}
			if s := tell(got["account"]); s != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", s, tt.want)
			}
		})
	}
}

// told is a history of accounts: "ana=active@3" since day 3, "ana=gone@5".
func told(record int64, covers audit.Span, items string, incomplete ...string) audit.Observation {
	o := audit.Observation{Stream: accounts, Mode: audit.ModeChanges, Covers: covers, Complete: true, Record: record}
	if len(incomplete) > 0 {
		o.Complete, o.Reason = false, incomplete[0]
	}
	for _, w := range strings.Fields(items) {
		var n int
		state, at, _ := strings.Cut(w, "@")
		id, status, _ := strings.Cut(state, "=")
		fmt.Sscan(at, &n)
		it := audit.Item{Type: "account", ID: id, At: day(n), Gone: status == "gone"}
		if !it.Gone {
			it.Body = json.RawMessage(fmt.Sprintf(`{"status":%q}`, status))
		}
		o.Items = append(o.Items, audit.Seen{Item: it, Record: record - 1})
	}
	return o
}

func TestChanges(t *testing.T) {
	tests := []struct {
		name string
		obs  []audit.Observation
		want string
	}{
		{"instants are exact", []audit.Observation{told(10, span(1, 9), "ana=active@2 ana=disabled@4 ana=gone@6")},
			"stream 0: covered 1-9@10\nana/0: active[2]@9 disabled[4]@9 gone[6]@9\n"},
		{"told again in an overlapping stretch", []audit.Observation{told(10, span(1, 5), "ana=active@2 ana=disabled@4"), told(20, span(3, 9), "ana=disabled@4 ana=active@7")},
			"stream 0: covered 1-5@10 covered 5-9@20\nana/0: active[2]@9 disabled[4]@9 active[7]@19\n"},
		{"late: a change in between", []audit.Observation{told(10, span(1, 9), "ana=active@2 ana=active@8"), told(20, span(3, 5), "ana=disabled@4")},
			"stream 0: covered 1-9@10\nana/0: active[2]@9 disabled[4]@19 active[8]@9\n"},
		{"late: a stretch between two", []audit.Observation{told(10, span(1, 3), ""), told(20, span(6, 8), ""), told(30, span(2, 9), "")},
			"stream 0: covered 1-3@10 covered 3-6@30 covered 6-8@20 covered 8-9@30\n"},
		{"one instant told two ways: recorded last counts", []audit.Observation{told(20, span(1, 9), "ana=disabled@2"), told(10, span(1, 9), "ana=active@2")},
			"stream 0: covered 1-9@10\nana/0: disabled[2]@19\n"},
		{"no change to what was in force", []audit.Observation{told(10, span(1, 9), "ana=active@2 ana=active@4")},
			"stream 0: covered 1-9@10\nana/0: active[2]@9\n"},
		{"incomplete covers nothing", []audit.Observation{told(10, span(1, 9), "ana=active@2", "cut off")},
			"stream 0: hole 1@10 (cut off)\nana/0: active[2]@9\n"},
		{"a stretch without an end covers nothing", []audit.Observation{told(10, span(9, 9), "ana=active@2")},
			"stream 0: hole 9@10 (what it covers has no beginning or no end)\nana/0: active[2]@9\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Observe(tt.obs)
			if err != nil {
				t.Fatal(err)
			}
			if s := tell(got["account"]); s != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", s, tt.want)
			}
		})
	}
}

func TestEvents(t *testing.T) {
	v := func(n int, record int64, body string) audit.Version {
		return audit.Version{From: audit.ExactBound(day(n)), Body: json.RawMessage(body), Record: record}
	}
	tests := []struct {
		name string
		in   []audit.Version
		want audit.Version
	}{
		{"seen twice", []audit.Version{v(1, 9, `{}`), v(1, 5, `{}`)}, v(1, 5, `{}`)},
		{"read anew", []audit.Version{v(1, 9, `{"a":1}`), v(1, 5, `{}`)}, v(1, 9, `{"a":1}`)},
		{"and back", []audit.Version{v(1, 9, `{}`), v(1, 7, `{"a":1}`), v(1, 5, `{}`)}, v(1, 5, `{}`)},
		{"moved in time", []audit.Version{v(3, 5, `{}`), v(1, 9, `{}`)}, v(1, 9, `{}`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Settle(audit.ModeEvents, slices.Clone(tt.in))
			if len(got) != 1 || compareVersions(got[0], tt.want) != 0 {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestTwoStreamsOneItem(t *testing.T) {
	other := shot(2, "ana=disabled")
	other.Stream.Scope = "eu"
	got, err := Observe([]audit.Observation{other, shot(1, "ana=active")})
	if err != nil {
		t.Fatal(err)
	}
	want := "stream 0: point 1@100\nstream 1: point 2@200\nana/0: active(?,1]@99\nana/1: disabled(?,2]@199\n"
	if s := tell(got["account"]); s != want {
		t.Errorf("got:\n%s\nwant:\n%s", s, want)
	}
}

func TestTrackerRefuses(t *testing.T) {
	if _, err := NewTracker(audit.StreamKey{Type: "robot"}, audit.ModeSnapshot); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("unknown type: got %v", err)
	}
	if _, err := NewTracker(accounts, "stream"); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("unknown mode: got %v", err)
	}
	if _, err := NewTracker(accounts, audit.ModeEvents); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("events of a type with versions: got %v", err)
	}
	if _, err := NewTracker(audit.StreamKey{Type: "change"}, audit.ModeSnapshot); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("snapshot of events: got %v", err)
	}
	tr, err := NewTracker(accounts, audit.ModeSnapshot)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Add(audit.Item{}, 1); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("add before open: got %v", err)
	}
	if _, err := tr.Close(true, "", 1); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("close before open: got %v", err)
	}
	if err := tr.Open(audit.At(day(3))); err != nil {
		t.Fatal(err)
	}
	if err := tr.Open(audit.At(day(4))); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("open twice: got %v", err)
	}
	if err := tr.Add(audit.Item{Type: "device", ID: "d", Body: json.RawMessage(`{}`)}, 1); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("other type: got %v", err)
	}
	if d, err := tr.Close(true, "", 1); err != nil || len(d.Points) != 0 || len(d.Holes) != 1 {
		t.Errorf("complete in spite of a refused item: got %+v, %v", d, err)
	}
	for _, n := range []int{2, 3} {
		if err := tr.Open(audit.At(day(n))); !errors.Is(err, ErrOutOfOrder) {
			t.Errorf("day %d after day 3: got %v", n, err)
		}
	}
}

func TestEncodeIsCanonical(t *testing.T) {
	tl, err := Observe([]audit.Observation{shot(1, "ana=active bob=active"), shot(2, "ana=disabled", "a \"bad\" page\xff"), shot(3, "")})
	if err != nil {
		t.Fatal(err)
	}
	if err := canonical.Check(Encode(tl["account"])); err != nil {
		t.Errorf("%v: %s", err, Encode(tl["account"]))
	}
}
