package policy

// An edit is one step from an old list to a new one.
type edit struct {
	state State
	old   int // index in the old list; of Added, where it would stand
	new   int // index in the new list; of Removed, where it would stand
}

// maxCells bounds the work of one comparison: lists whose changed middles are
// longer than this together are taken as wholly replaced.
const maxCells = 4 << 20

// edits returns the fewest steps from old to new: every index of old is Same
// or Removed, every index of new Same or Added, both in order, and what is
// removed at one place comes before what is added there.
func edits[T comparable](old, new []T) []edit {
	head := 0
	for head < len(old) && head < len(new) && old[head] == new[head] {
		head++
	}
	tail := 0
	for tail < len(old)-head && tail < len(new)-head && old[len(old)-1-tail] == new[len(new)-1-tail] {
		tail++
	}
	out := make([]edit, 0, len(old)+len(new))
	for i := range head {
		out = append(out, edit{Same, i, i})
	}
	out = middle(out, old[head:len(old)-tail], new[head:len(new)-tail], head)
	for i := range tail {
		out = append(out, edit{Same, len(old) - tail + i, len(new) - tail + i})
	}
	return out
}

// middle appends the steps between the heads and tails that are equal: along
// a longest common subsequence.
func middle[T comparable](out []edit, old, new []T, at int) []edit {
	longest := common(old, new)
	i, j := 0, 0
	for i < len(old) || j < len(new) {
		switch {
		case longest != nil && i < len(old) && j < len(new) && old[i] == new[j]:
			out = append(out, edit{Same, at + i, at + j})
			i, j = i+1, j+1
		case i < len(old) && (longest == nil || j == len(new) || longest[i+1][j] >= longest[i][j+1]):
			out = append(out, edit{Removed, at + i, at + j})
			i++
		default:
			out = append(out, edit{Added, at + i, at + j})
			j++
		}
	}
	return inOrder(out)
}

// common returns the table of lengths of longest common subsequences of
// old[i:] and new[j:], or nil where it would be too large.
func common[T comparable](old, new []T) [][]int32 {
	if len(old) > 0 && len(new) > maxCells/len(old) {
		return nil
	}
	cells := make([]int32, (len(old)+1)*(len(new)+1))
	rows := make([][]int32, len(old)+1)
	for i := range rows {
		rows[i] = cells[i*(len(new)+1) : (i+1)*(len(new)+1)]
	}
	for i := len(old) - 1; i >= 0; i-- {
		for j := len(new) - 1; j >= 0; j-- {
			if old[i] == new[j] {
				rows[i][j] = rows[i+1][j+1] + 1
			} else {
				rows[i][j] = max(rows[i+1][j], rows[i][j+1])
			}
		}
	}
	return rows
}

// inOrder puts what is removed before what is added within every stretch
// without anything that stayed.
func inOrder(list []edit) []edit {
	for from := 0; from < len(list); {
		to := from
		for to < len(list) && list[to].state != Same {
			to++
		}
		sorted := make([]edit, 0, to-from)
		for _, state := range []State{Removed, Added} {
			for _, e := range list[from:to] {
				if e.state == state {
					sorted = append(sorted, e)
				}
			}
		}
		copy(list[from:to], sorted)
		from = to + 1
	}
	return list
}
