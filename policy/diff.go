package policy

import (
	"slices"
	"strings"
)

// A State says what became of a part of a text.
type State string

// States. Changed is a block of which some words were.
const (
	Same    State = "same"
	Added   State = "added"
	Removed State = "removed"
	Changed State = "changed"
)

// A Difference is what changed between two versions of a text, in the order
// in which the new one is read.
type Difference struct {
	Blocks []Block `json:"blocks"`
	// Markup: the words are the same and only how they are set is not.
	Markup bool `json:"markup"`
}

// A Block is one paragraph, heading, item, row or block of code.
type Block struct {
	Kind   string `json:"kind"`
	Level  int    `json:"level"`            // of a heading on the page, 3 to 6; else the lists and quotes around it
	Marker string `json:"marker,omitempty"` // of an item: "-" or "3.", as in the version it stands in
	State  State  `json:"state"`
	Parts  []Part `json:"parts"` // of a block that is Changed several, of any other one
}

// A Part is a stretch of words with one state: Same, Added or Removed.
type Part struct {
	State State  `json:"state"`
	Text  string `json:"text"`
}

// Diff compares two Markdown texts as their readers see them: block by block,
// and word by word within a block that stayed mostly what it was. Taking the
// parts that are not Added gives the old text's words, those not Removed the
// new one's. Lines broken elsewhere are no change.
func Diff(old, new string) Difference {
	a, b := blocks(old), blocks(new)
	d := Difference{}
	steps := edits(keys(a), keys(b))
	for from := 0; from < len(steps); {
		if e := steps[from]; e.state == Same {
			d.Blocks = append(d.Blocks, whole(b[e.new], Same))
			from++
			continue
		}
		to := from
		for to < len(steps) && steps[to].state != Same {
			to++
		}
		d.Blocks = append(d.Blocks, replaced(a, b, steps[from:to])...)
		from = to
	}
	d.Markup = !d.Changed() && !slices.Equal(strings.Fields(string(HTML(old))), strings.Fields(string(HTML(new))))
	return d
}

// A blockKey is what makes two blocks the same: not the number of an item.
type blockKey struct {
	kind  string
	level int
	text  string
}

func keys(list []block) []blockKey {
	out := make([]blockKey, len(list))
	for i, b := range list {
		out[i] = blockKey{b.kind, b.level, b.text}
	}
	return out
}

func whole(b block, state State) Block {
	return Block{b.kind, b.level, b.marker, state, []Part{{state, b.text}}}
}

// window is how many added blocks a removed one is compared with.
const window = 40

// replaced turns removed and added blocks at one place into changed ones where
// a removed block has an added one like it, in order, and leaves the others.
func replaced(a, b []block, steps []edit) []Block {
	var removed, added []block
	for _, e := range steps {
		if e.state == Removed {
			removed = append(removed, a[e.old])
		} else {
			added = append(added, b[e.new])
		}
	}
	var out []Block
	next := 0
	for _, r := range removed {
		i := like(r, added[next:min(len(added), next+window)])
		if i < 0 {
			out = append(out, whole(r, Removed))
			continue
		}
		for _, x := range added[next : next+i] {
			out = append(out, whole(x, Added))
		}
		out = append(out, changed(r, added[next+i]))
		next += i + 1
	}
	for _, x := range added[next:] {
		out = append(out, whole(x, Added))
	}
	return out
}

// like returns the index of the first block that shares at least half of its
// words with r and is of its kind, or -1.
func like(r block, list []block) int {
	for i, x := range list {
		if x.kind == r.kind && r.kind != KindCode && similar(strings.Fields(r.text), strings.Fields(x.text)) {
			return i
		}
	}
	return -1
}

// similar reports whether two lists share at least half of their words,
// wherever these stand.
func similar(a, b []string) bool {
	count := map[string]int{}
	for _, w := range a {
		count[w]++
	}
	shared := 0
	for _, w := range b {
		if count[w] > 0 {
			count[w]--
			shared++
		}
	}
	return 4*shared >= len(a)+len(b)
}

// changed compares two blocks word by word.
func changed(old, new block) Block {
	a, b := strings.Fields(old.text), strings.Fields(new.text)
	out := Block{new.kind, new.level, new.marker, Changed, nil}
	for _, e := range edits(a, b) {
		var word string
		if e.state == Added {
			word = b[e.new]
		} else {
			word = a[e.old]
		}
		if n := len(out.Parts); n > 0 && out.Parts[n-1].State == e.state {
			out.Parts[n-1].Text += " " + word
		} else {
			out.Parts = append(out.Parts, Part{e.state, word})
		}
	}
	return out
}

// Changed reports whether the words differ. See Markup for what else may.
func (d Difference) Changed() bool {
	for _, b := range d.Blocks {
		if b.State != Same {
			return true
		}
	}
	return false
}

// Count returns how many blocks have a state.
func (d Difference) Count(state State) int {
	n := 0
	for _, b := range d.Blocks {
		if b.State == state {
			n++
		}
	}
	return n
}
