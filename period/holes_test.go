package period

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
)

var errBadGateway = errors.New("502 Bad Gateway")

// TestPageThreeOfSeven: a source fails on page 3 of 7 for two days. The hole is
// an interval, what was read counts as a deviation and never as a pass.
func TestPageThreeOfSeven(t *testing.T) {
	w := newWorld(t, nil)
	w.sys.pages = 7
	w.sys.fail = func(win audit.Window, stream string, page int) error {
		if d := win.AsOf.Day(); stream == "account" && page == 3 && (d == 3 || d == 4) {
			return errBadGateway
		}
		return nil
	}
	p := w.create(t)
	w.collectDays(t, p, 2, 3, 4, 5)

	tl, err := p.timeline(t.Context(), "account")
	must(t, err)
	st := tl.Streams[0]
	if len(st.Points) != 2 || len(st.Holes) != 2 {
		t.Fatalf("points %v, holes %v; want two of each", st.Points, st.Holes)
	}
	for i, h := range st.Holes {
		if !h.From.Equal(day(3+i, 6)) || !strings.Contains(h.Reason, "page 3 of 7: 502 Bad Gateway") {
			t.Errorf("hole %d is %v", i, h)
		}
	}
	run, err := p.Check(t.Context(), CheckOptions{})
	must(t, err)
	var ben, ana []string
	for _, l := range resultLines(t, p, run) {
		if strings.HasPrefix(l, "access.mfa a/ben") {
			ben = append(ben, strings.Fields(l)[2])
		}
		if strings.HasPrefix(l, "access.mfa a/ana") {
			ana = append(ana, strings.TrimPrefix(l, "access.mfa a/ana "))
		}
	}
	if !slices.Contains(ben, "deviation") {
		t.Errorf("what the incomplete snapshot showed of ben proves no deviation: %v", ben)
	}
	if got := strings.Join(ana, "\n"); !strings.Contains(got, "no evidence") || strings.Count(got, "operated") != 2 {
		t.Errorf("ana has a stretch without evidence between two operated ones; got\n%s", got)
	}
	for _, tested := range run.Tested {
		if tested.Procedure == "access.mfa" {
			gap := slices.ContainsFunc(tested.Gaps, func(g audit.Gap) bool {
				return g.Span.Contains(day(3, 12)) && g.Span.Contains(day(4, 12)) && !g.Span.Contains(day(2, 6)) && !g.Span.Contains(day(5, 6))
			})
			if !gap {
				t.Errorf("access.mfa: no gap of just the stretch between the complete snapshots of the 2nd and the 5th: %+v", tested.Gaps)
			}
			continue
		}
		for _, g := range tested.Gaps {
			if g.Span.Contains(day(4, 12)) {
				t.Errorf("%s does not read accounts and has a gap there: %+v", tested.Procedure, g)
			}
		}
	}
	rebuilt(t, p)
}

// TestLateEvidence: an export about the 3rd is recorded in September, after
// newer ones. The timeline is as if it had come in order, and visibly late.
func TestLateEvidence(t *testing.T) {
	late := newWorld(t, nil)
	p := late.create(t)
	late.collectDays(t, p, 2, 4)
	late.now = time.Date(2026, 9, 14, 6, 0, 0, 0, time.UTC)
	late.sys.about = func(audit.Window) time.Time { return day(3, 6) }
	collect(t, p)
	intact(t, p)
	rebuilt(t, p)

	ordered := newWorld(t, nil)
	q := ordered.create(t)
	ordered.collectDays(t, q, 2, 3, 4)
	// Records differ, for they were sealed in another order; all else is the same.
	if got, want := accountStory(t, p), accountStory(t, q); !slices.Equal(got, want) {
		t.Errorf("late evidence tells\n%s\nin order it tells\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	visibly := 0
	for _, r := range records(t, p, audit.RecordPage) {
		if r.PageKind == "synth.account" && r.About.From.Equal(day(3, 6)) {
			visibly++
			if r.Recorded.Month() != time.September || r.Collected.Month() != time.September {
				t.Errorf("%s about %s says it was collected %s, recorded %s", r.Ref(), r.About.From, r.Collected, r.Recorded)
			}
		}
	}
	if visibly != 3 {
		t.Errorf("%d late pages, want 3", visibly)
	}
}

// TestLateEvidenceCutShort: the process dies between sealing late evidence and
// rebuilding its stream; the next test catches up.
func TestLateEvidenceCutShort(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.collectDays(t, p, 2, 4)
	w.now = day(9, 6)
	w.sys.about = func(audit.Window) time.Time { return day(3, 6) }
	f := &fault{}
	must(t, p.Close())
	base := w.copy(t)
	p = w.open(t)
	faulty(t, p, f)
	collect(t, p)
	want := accountStory(t, p)
	for at := 1; at <= f.n; at += stride(t) {
		t.Run(f.names[at-1], func(t *testing.T) {
			t.Parallel()
			w := base.copy(t)
			w.now, w.sys.about = day(9, 6), func(audit.Window) time.Time { return day(3, 6) }
			p := w.open(t)
			faulty(t, p, &fault{at: at, kept: true, dead: true})
			_, _ = p.Collect(t.Context(), nil, nil)
			p.Close()
			q := w.open(t)
			dropLeases(t, q)
			collect(t, q)
			if got := accountStory(t, q); !slices.Equal(got, want) {
				t.Errorf("write %d: got\n%s\nwant\n%s", at, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			rebuilt(t, q)
			intact(t, q)
		})
	}
}

// accountStory is the accounts' timeline without log indexes.
func accountStory(t testing.TB, p *Program) (out []string) {
	t.Helper()
	tl, err := p.timeline(t.Context(), "account")
	must(t, err)
	for _, h := range tl.Histories {
		for _, v := range h.Versions {
			out = append(out, h.ID+" "+audit.FormatTime(v.From.After)+" "+audit.FormatTime(v.From.At)+" "+string(v.Body))
		}
	}
	for _, pt := range tl.Streams[0].Points {
		out = append(out, "seen "+audit.FormatTime(pt.At))
	}
	return out
}

// TestCanceled: a person gives up half way. What was read is sealed and closed
// as incomplete, and the next collection goes on where this one was.
func TestCanceled(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.now = day(3, 6)
	ctx, cancel := context.WithCancel(t.Context())
	w.sys.before = func(_ context.Context, stream string, page int) {
		if stream == "backup" && page == 3 {
			cancel()
		}
	}
	got, err := p.Collect(ctx, nil, nil)
	if !errors.Is(err, context.Canceled) || len(got) != 1 || !errors.Is(got[0].Err, context.Canceled) {
		t.Fatalf("got %+v, %v; want what was collected and that it was canceled", got, err)
	}
	if end := got[0].End; end.Complete || end.Pages != 6 || len(end.Problems) == 0 {
		t.Errorf("it ended as %+v; want six pages, incomplete, and why", end)
	}
	ended(t, p)
	intact(t, p)
	rebuilt(t, p)
	tl, err := p.timeline(t.Context(), "backup")
	must(t, err)
	if st := tl.Streams[0]; len(st.Covered) != 0 || len(st.Holes) == 0 || len(tl.Histories) != 2 {
		t.Errorf("a stream cut short gives coverage %v, holes %v and %d items; want none, some and 2", st.Covered, st.Holes, len(tl.Histories))
	}

	var since map[string]string
	w.sys.before, w.sys.since = nil, func(s map[string]string) { since = s }
	w.now = day(3, 7)
	collect(t, p)
	if since["synth.backup\x1f"] != "2" {
		t.Errorf("the next collection was told to go on from %v", since)
	}
	tl, err = p.timeline(t.Context(), "backup")
	must(t, err)
	if len(tl.Histories) != 3 || len(tl.Streams[0].Covered) != 1 {
		t.Errorf("after going on there are %d backups, covered %v; want 3 and one stretch", len(tl.Histories), tl.Streams[0].Covered)
	}
	collect(t, p)
	if len(since) != 0 {
		t.Errorf("a collection that ended by itself leaves cursors: %v", since)
	}
	intact(t, p)
	rebuilt(t, p)
}

// TestOtherSettingsDoNotResume: a cursor belongs to what was asked.
func TestOtherSettingsDoNotResume(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.now = day(3, 6)
	ctx, cancel := context.WithCancel(t.Context())
	w.sys.before = func(_ context.Context, stream string, page int) {
		if stream == "backup" && page == 3 {
			cancel()
		}
	}
	_, err := p.Collect(ctx, nil, nil)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	p.Def.Sources[0].With = []byte(`{"of":"another"}`)
	told := false
	w.sys.before, w.sys.since = nil, func(s map[string]string) { told = len(s) > 0 }
	collect(t, p)
	if told {
		t.Error("a source with other settings was told to go on behind what those before had read")
	}
}

// TestClockBack: the server's clock jumps back an hour. It is sealed as such,
// and every record carries the time the clock showed.
func TestClockBack(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.now = day(3, 6)
	collect(t, p)
	w.now = day(3, 5)
	collect(t, p)
	jumps := records(t, p, audit.RecordClock)
	if len(jumps) != 1 || string(jumps[0].Detail) != `{"from":"2026-03-03T06:00:00Z","to":"2026-03-03T05:00:00Z"}` {
		t.Fatalf("sealed jumps: %+v", jumps)
	}
	if !jumps[0].Recorded.Equal(day(3, 5)) {
		t.Errorf("the jump is recorded at %s", jumps[0].Recorded)
	}
	for _, r := range records(t, p, "") {
		if want := day(3, 6); r.Index > jumps[0].Index && !r.Recorded.Equal(day(3, 5)) || r.Index > 1 && r.Index < jumps[0].Index && !r.Recorded.Equal(want) {
			t.Errorf("%s recorded at %s", r.Ref(), r.Recorded)
		}
	}
	intact(t, p)
	rebuilt(t, p)

	// A new process finds a clock that went back while none ran.
	must(t, p.Close())
	w.now = day(2, 5)
	q := w.open(t)
	collect(t, q)
	if n := len(records(t, q, audit.RecordClock)); n != 2 {
		t.Errorf("%d jumps are sealed after a restart with an earlier clock, want 2", n)
	}
	intact(t, q)
}
