package fieldwork_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/redraw"
)

// exported is a released random sample of 5 from 40, one item replaced, with the
// item lines.
func exported(t *testing.T) (redraw.File, string, redraw.Known) {
	t.Helper()
	w := ready(t, 40)
	ctx := t.Context()
	x := must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", random(5)))
	if _, err := w.book.ExportSample(ctx, staff, "EN-1", "S-1"); !errors.Is(err, audit.ErrConflict) {
		t.Fatalf("exported before the release: %v; want it refused", err)
	}
	must[engagement.Replacement](t)(w.book.ReplaceItem(ctx, staff, "EN-1", "S-1", x.Items[0], "a test entry", []int64{3}, 1))
	check(t, w.book.ReleaseSample(ctx, manager, "EN-1", "S-1", 2))
	f := must[redraw.File](t)(w.book.ExportSample(ctx, staff, "EN-1", "S-1"))
	return f, items(40, nil), redraw.Known{Key: f.Keys[0], Seen: f.Openings[0].Checkpoint, Root: f.Population.Freeze.Root}
}

func TestAnybodyPicksASampleAgain(t *testing.T) {
	f, lines, known := exported(t)
	got, err := redraw.Verify(strings.NewReader(lines), f, known)
	if err != nil || len(got) != 6 {
		t.Fatalf("%+v, %v; want six lines and nothing wrong", got, err)
	}
	if _, err := redraw.Verify(strings.NewReader(lines), f, redraw.Known{}); !errors.Is(err, audit.ErrInconclusive) {
		t.Errorf("with nothing known from elsewhere: %v; want it not conclusive", err)
	}
	if strings.Contains(f.Openings[0].Record, `"session"`) {
		t.Error("the record that is shown names a session of the firm's")
	}
}

func TestWhatWasChangedAfterwardsIsCaught(t *testing.T) {
	f, lines, known := exported(t)
	other := strings.Repeat("0f", 32)
	for _, c := range []struct {
		name, want string
		spoil      func(*redraw.File)
	}{
		{"another nonce", "seed of draw 1", func(f *redraw.File) { f.Sample.Draws[0].Nonce = other }},
		{"another nonce with its seed", "not the one that was committed", func(f *redraw.File) { withNonce(t, f, other) }},
		{"another nonce, its seed and its picks", "not the one that was committed", func(f *redraw.File) { withNonce(t, f, other); repick(t, f, lines) }},
		{"a commitment that was changed too", "not the one that was sealed", func(f *redraw.File) {
			old := f.Sample.Draws[0].Nonce
			withNonce(t, f, other)
			f.Openings[0].Body = strings.ReplaceAll(f.Openings[0].Body, old, other)
		}},
		{"a record that was changed too", "commitment", func(f *redraw.File) {
			f.Openings[0].Record = strings.Replace(f.Openings[0].Record, `"size":`, `"size":1`, 1)
		}},
		{"another item", "gives other items", func(f *redraw.File) { f.Sample.Draws[0].Items[2] = "CHG-0041" }},
		{"an item left out", "not the first in order", func(f *redraw.File) { f.Sample.Items = f.Sample.Items[1:] }},
		{"another root", "freeze", func(f *redraw.File) { f.Population.Freeze.Root = other }},
		{"a commitment the client had not seen", "had seen 1", func(f *redraw.File) { f.Heard = 1 }},
		{"an item from elsewhere", "not in the population", func(f *redraw.File) { f.Sample.Items[0] = "CHG-9999" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := f
			g.Sample.Draws = slices.Clone(f.Sample.Draws)
			g.Sample.Draws[0].Items = slices.Clone(f.Sample.Draws[0].Items)
			g.Sample.Items, g.Openings = slices.Clone(f.Sample.Items), slices.Clone(f.Openings)
			c.spoil(&g)
			got, err := redraw.Verify(strings.NewReader(lines), g, known)
			said := false
			for _, l := range got {
				said = said || !l.OK && strings.Contains(l.What+": "+l.Says, c.want)
			}
			if !errors.Is(err, audit.ErrAltered) || !said {
				t.Errorf("%v, %+v; want it altered with %q", err, got, c.want)
			}
		})
	}
	if _, err := redraw.Verify(strings.NewReader(strings.Replace(lines, "approved", "rejected", 1)), f, known); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("changed item lines: %v; want them altered", err)
	}
}

// stratified is a released sample of two strata, from a log that begins as any other
// world's does and is signed by the same key.
func stratified(t *testing.T) (redraw.File, string) {
	t.Helper()
	w := planned(t, "CHG-01")
	ctx := t.Context()
	for _, s := range []string{"app", "db"} {
		must[fieldwork.Commitment](t)(w.book.CommitNonce(ctx, staff, "EN-1", "CHG-01", "1", s))
	}
	lines := items(40, func(i int) string { return []string{"app", "db"}[i%2] })
	w.feed(frozen("P-1", lines, "CHG-01"), lines)
	w.accept("P-1")
	o := random(6)
	o.Method = engagement.Stratified
	x := must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", o))
	check(t, w.book.ReleaseSample(ctx, manager, "EN-1", "S-1", x.Revision))
	return must[redraw.File](t)(w.book.ExportSample(ctx, staff, "EN-1", "S-1")), lines
}

// TestAForkedLogIsCaught: each commitment is held to the checkpoint that somebody
// had seen. A firm that kept two logs and shows the first draw from the one that
// was seen, and the second, with the nonce it would rather have, from the other, is
// found out.
func TestAForkedLogIsCaught(t *testing.T) {
	f, lines := stratified(t)
	other, _ := stratified(t)
	known := redraw.Known{Key: f.Keys[0], Seen: f.Openings[0].Checkpoint, Root: f.Population.Freeze.Root}
	if got, err := redraw.Verify(strings.NewReader(lines), f, known); err != nil {
		t.Fatalf("the log that was seen: %+v, %v", got, err)
	}
	if other.Keys[0] != f.Keys[0] || other.Openings[1].Checkpoint == f.Openings[1].Checkpoint || other.Sample.Draws[1].Nonce == f.Sample.Draws[1].Nonce {
		t.Fatal("the two logs are no fork of one another: same key, other entries")
	}
	forked := f
	forked.Sample.Draws = []engagement.Draw{f.Sample.Draws[0], other.Sample.Draws[1]}
	forked.Openings = []redraw.Opening{f.Openings[0], other.Openings[1]}
	forked.Sample.Items = slices.Concat(f.Sample.Draws[0].Items, other.Sample.Draws[1].Items)
	for _, k := range []redraw.Known{known, {}} {
		got, err := redraw.Verify(strings.NewReader(lines), forked, k)
		if !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), "the firm's log as others saw it") {
			t.Errorf("known %t: %v, %+v; want the second log found out", k.Key != "", err, got)
		}
	}
}

// withNonce puts another nonce, and the seed it gives, into a sample.
func withNonce(t *testing.T, f *redraw.File, nonce string) {
	t.Helper()
	seed := must[[32]byte](t)(redraw.Seed(f.Engagement, f.Population, f.Sample.Control, "", nonce))
	f.Sample.Draws[0].Nonce, f.Sample.Draws[0].Seed = nonce, hexOf(seed)
}

// repick picks a sample again by the seed it says.
func repick(t *testing.T, f *redraw.File, lines string) {
	t.Helper()
	sel := must[[]redraw.Selection](t)(redraw.Selections(f.Sample))
	_, picked, err := redraw.Pick(strings.NewReader(lines), f.Sample.Method, sel, nil)
	check(t, err)
	f.Sample.Draws[0].Items = redraw.IDs(picked[0].Items)
	f.Sample.Items, f.Sample.Replaced = f.Sample.Draws[0].Items, nil
}
