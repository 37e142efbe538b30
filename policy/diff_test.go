package policy

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDiff(t *testing.T) {
	for _, c := range []struct{ name, old, new, want, sentence string }{
		{"the same", "# A\n\ntext here", "# A\n\ntext\nhere\n", "<h3>A</h3>\n<p>text here</p>\n", "Nothing changed."},
		{"a word", "Access ends within 2 business days.", "Access ends within 1 business day.",
			"<p>Access ends within <del>2</del> <ins>1</ins> business <del>days.</del> <ins>day.</ins></p>\n", "1 part was changed, none was added and none was removed."},
		{"an item more", "- a\n- b", "- a\n- new one\n- b", "<ul>\n<li>a</li>\n<li><ins>new one</ins></li>\n<li>b</li>\n</ul>\n", "No part was changed, 1 was added and none was removed."},
		{"numbers of items are no change", "1. a\n2. b", "1. b", "<ol>\n<li value=\"1\"><del>a</del></li>\n<li value=\"1\">b</li>\n</ol>\n", "No part was changed, none was added and 1 was removed."},
		{"another paragraph", "old words", "something else entirely", "<p><del>old words</del></p>\n<p><ins>something else entirely</ins></p>\n", "No part was changed, 1 was added and 1 was removed."},
		{"only markup", "You must.", "You **must**.", "<p>You must.</p>\n", "The words are the same; only their layout changed."},
		{"where a link leads", "[us](https://a.example/)", "[us](https://b.example/)", "<p>us <del>(https://a.example/)</del> <ins>(https://b.example/)</ins></p>\n", "1 part was changed, none was added and none was removed."},
		{"escaped", "a b c", "a b <img>", "<p>a b <del>c</del> <ins>&lt;img&gt;</ins></p>\n", "1 part was changed, none was added and none was removed."},
		{"a heading", "# A b", "# A c", "<h3>A <del>b</del> <ins>c</ins></h3>\n", "1 part was changed, none was added and none was removed."},
		{"code", "```\na\nb\n```", "```\na\nc\n```", "<pre><del>a\nb</del></pre>\n<pre><ins>a\nc</ins></pre>\n", "No part was changed, 1 was added and 1 was removed."},
		{"from nothing", "", "a", "<p><ins>a</ins></p>\n", "No part was changed, 1 was added and none was removed."},
		{"several", "a b c\n\nd e f", "a b x\n\nd e y\n\nz", "<p>a b <del>c</del> <ins>x</ins></p>\n<p>d e <del>f</del> <ins>y</ins></p>\n<p><ins>z</ins></p>\n", "2 parts were changed, 1 was added and none was removed."},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Diff(c.old, c.new)
			spoken := strings.NewReplacer(`<span class="sr">Added: </span>`, "", `<span class="sr">Removed: </span>`, "",
				`<span class="sr"> (end of what was added)</span>`, "", `<span class="sr"> (end of what was removed)</span>`, "")
			if got := spoken.Replace(string(d.HTML())); got != c.want {
				t.Errorf("HTML\n got %q\nwant %q", got, c.want)
			}
			if got := d.Sentence(); got != c.sentence {
				t.Errorf("sentence %q, want %q", got, c.sentence)
			}
		})
	}
}

// TestDiffIsSpoken: who does not see colors hears what was added and removed.
func TestDiffIsSpoken(t *testing.T) {
	got := string(Diff("a b c", "a b d").HTML())
	want := `<p>a b <del><span class="sr">Removed: </span>c<span class="sr"> (end of what was removed)</span></del> <ins><span class="sr">Added: </span>d<span class="sr"> (end of what was added)</span></ins></p>` + "\n"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	checkInert(t, got)
}

// side returns a difference's words without those of one state.
func side(d Difference, without State) []string {
	var out []string
	for _, b := range d.Blocks {
		for _, p := range b.Parts {
			if p.State != without {
				out = append(out, strings.Fields(p.Text)...)
			}
		}
	}
	return out
}

func wordsOf(md string) []string {
	var out []string
	for _, b := range blocks(md) {
		out = append(out, strings.Fields(b.text)...)
	}
	return out
}

// TestDiffHoldsBoth: whatever the texts, a difference holds all words of both,
// in their order, and says that nothing changed exactly where nothing did.
func TestDiffHoldsBoth(t *testing.T) {
	text := rapid.Custom(func(t *rapid.T) string {
		lines := rapid.SliceOfN(rapid.StringMatching(`(# |- |1\. |> |    )?([abc]{1,2} ){0,5}`), 0, 8).Draw(t, "lines")
		return strings.Join(lines, rapid.SampledFrom([]string{"\n", "\n\n"}).Draw(t, "break"))
	})
	rapid.Check(t, func(t *rapid.T) {
		old, new := text.Draw(t, "old"), text.Draw(t, "new")
		d := Diff(old, new)
		if got, want := side(d, Added), wordsOf(old); !slices.Equal(got, want) {
			t.Fatalf("old words %q, want %q", got, want)
		}
		if got, want := side(d, Removed), wordsOf(new); !slices.Equal(got, want) {
			t.Fatalf("new words %q, want %q", got, want)
		}
		if got, want := d.Changed(), !slices.Equal(keys(blocks(old)), keys(blocks(new))); got != want {
			t.Fatalf("changed %v, want %v", got, want)
		}
		if Diff(new, new).Changed() {
			t.Fatal("a text differs from itself")
		}
	})
}

// TestEditsAreFewest compares with the length of the longest common
// subsequence, found by trying.
func TestEditsAreFewest(t *testing.T) {
	letters := rapid.SliceOfN(rapid.ByteRange('a', 'c'), 0, 9)
	rapid.Check(t, func(t *rapid.T) {
		old, new := letters.Draw(t, "old"), letters.Draw(t, "new")
		same, i, j := 0, 0, 0
		for _, e := range edits(old, new) {
			if e.old != i || e.new != j && e.state == Same {
				t.Fatalf("step %+v at %d, %d", e, i, j)
			}
			switch e.state {
			case Same:
				same, i, j = same+1, i+1, j+1
			case Removed:
				i++
			case Added:
				j++
			}
		}
		if i != len(old) || j != len(new) || same != longest(old, new) {
			t.Fatalf("%d and %d steps with %d the same, want %d", i, j, same, longest(old, new))
		}
	})
}

func longest(a, b []byte) int {
	switch {
	case len(a) == 0 || len(b) == 0:
		return 0
	case a[0] == b[0]:
		return 1 + longest(a[1:], b[1:])
	}
	return max(longest(a[1:], b), longest(a, b[1:]))
}

// TestDiffTooLarge: texts beyond the bound of one comparison are replaced as a
// whole, and nothing is lost.
func TestDiffTooLarge(t *testing.T) {
	old, new := strings.Repeat("a b ", 3000), strings.Repeat("b c a ", 3000)
	d := Diff(old, new)
	if got, want := side(d, Added), strings.Fields(old); !slices.Equal(got, want) {
		t.Errorf("%d old words, want %d", len(got), len(want))
	}
	if got, want := side(d, Removed), strings.Fields(new); !slices.Equal(got, want) {
		t.Errorf("%d new words, want %d", len(got), len(want))
	}
}

func FuzzDiff(f *testing.F) {
	f.Add("# a\n\nb c d", "# a\n\nb c e\n\n- f")
	f.Add("```\na\n```", "|a|\n|-|\n|b|")
	f.Fuzz(func(t *testing.T, old, new string) {
		d := Diff(old, new)
		if got, want := side(d, Removed), wordsOf(new); !slices.Equal(got, want) {
			t.Errorf("new words %q, want %q", got, want)
		}
		checkInert(t, string(d.HTML()))
	})
}
