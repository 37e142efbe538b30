package text

import (
	"strings"
	"testing"
)

var sample = Table{
	Columns: []Column{{Head: "State"}, {Head: "Control"}, {Head: "Title", Flex: true}, {Head: "Operated", Right: true}, {Head: "When", Flex: true}},
	Rows: [][]string{
		{"Deviation", "IAM-06", "Every active person's account signs in with a second factor", "254 of 257", "12 to 14 Mar 2026"},
		{"Evidence gap", "NET-02", "Firewall and edge rules reviewed", "7 of 8", "May 2026"},
		{"On track", "CHG-01", "変更はマージ前にレビューされる", "1,846 of 1,846", ""},
	},
}

func write(t *testing.T, tab Table, o Options) string {
	t.Helper()
	var b strings.Builder
	if err := tab.Write(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTableFitsTheWidth(t *testing.T) {
	for _, width := range []int{40, 60, 80, 100, 200} {
		for _, line := range strings.Split(write(t, sample, Options{Width: width}), "\n") {
			if got := Width(line); got > width {
				t.Errorf("width %d: line takes %d columns: %q", width, got, line)
			}
		}
	}
}

func TestTableAtEighty(t *testing.T) {
	want := "State         Control  Title                         Operated  When\n" +
		"Deviation     IAM-06   Every active person's…      254 of 257  12 to 14 Mar 2026\n" +
		"Evidence gap  NET-02   Firewall and edge rul…          7 of 8  May 2026\n" +
		"On track      CHG-01   変更はマージ前にレビ…   1,846 of 1,846\n"
	if got := write(t, sample, Options{Width: 80}); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestTableInAPipe(t *testing.T) {
	tab := Table{Columns: []Column{{Head: "a"}, {Head: "b"}}, Rows: [][]string{{"x\ty", "line\nbreak"}, {"only"}}, NoHead: true, Indent: 4}
	got, want := write(t, tab, Options{}), "a\tb\nx y\tline break\nonly\t\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTerminalIsSafeFromContent(t *testing.T) {
	tab := Table{Columns: []Column{{Head: "h"}}, Rows: [][]string{{"\x1b[2J\x07evil\u202egnp.exe\u009b31m"}}}
	for _, o := range []Options{{}, {Width: 80}, {Width: 80, Color: true}} {
		got := write(t, tab, o)
		if strings.ContainsAny(strings.ReplaceAll(got, "\x1b[2mh\x1b[m", ""), "\x1b\x07\u202e\u009b") {
			t.Errorf("%+v: control characters left in %q", o, got)
		}
	}
}

func TestColorOnlyStates(t *testing.T) {
	got := write(t, sample, Options{Width: 100, Color: true})
	if n := strings.Count(got, "\x1b[1;31m"); n != 1 {
		t.Errorf("got %d red cells, want 1 (Deviation): %q", n, got)
	}
	if !strings.Contains(got, "Deviation") {
		t.Error("the word is gone where color is on")
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		name, in string
		width    int
		want     string
	}{
		{"fits", "abc", 3, "abc"},
		{"one over", "abcd", 3, "ab…"},
		{"wide letters", "日本語", 4, "日…"},
		{"accents", "é́́abc", 2, "é́́…"},
		{"one column", "abc", 1, "…"},
	} {
		if got := Cut(c.in, c.width); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	got := Wrap("On day 257 of 365, 59 of 68 controls are on track.", 20)
	want := "On day 257 of 365,\n59 of 68 controls\nare on track."
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Wrap("a b", 0); got != "a b" {
		t.Errorf("in a pipe: got %q", got)
	}
}
