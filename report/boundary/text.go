package boundary

import "strings"

// Advance widths of Inter in thousandths of its size, from the space to the
// tilde, at weights 400 and 600.
var (
	regular = [...]int{281, 288, 466, 633, 642, 982, 644, 300, 365, 365, 501, 662, 288, 460, 288, 360, 631, 407, 610, 618, 646, 593, 620, 566, 619, 620, 288, 302, 662, 662, 662, 511, 966, 690, 654, 730, 722, 601, 590, 746, 743, 269, 571, 672, 565, 903, 753, 765, 639, 765, 644, 642, 646, 744, 690, 985, 682, 679, 629, 365, 360, 365, 471, 456, 323, 562, 612, 571, 612, 583, 370, 613, 591, 242, 242, 549, 242, 876, 591, 600, 612, 612, 376, 528, 327, 591, 562, 818, 546, 562, 552, 426, 333, 426, 662}
	bold    = [...]int{252, 321, 523, 644, 650, 1004, 663, 326, 373, 373, 540, 673, 319, 465, 319, 379, 660, 423, 623, 636, 666, 612, 640, 576, 640, 640, 319, 329, 673, 673, 673, 543, 999, 728, 659, 737, 722, 605, 588, 749, 746, 277, 580, 703, 565, 922, 759, 769, 645, 773, 652, 650, 660, 736, 728, 1020, 720, 713, 652, 373, 379, 373, 481, 469, 351, 574, 624, 583, 624, 591, 389, 625, 612, 262, 262, 569, 262, 900, 612, 609, 624, 624, 397, 549, 353, 612, 587, 839, 569, 588, 566, 455, 359, 455, 673}
)

// A face is a size and weight texts are set in.
type face struct {
	size   int
	widths []int
}

var (
	nameFace  = face{13, bold[:]}
	smallFace = face{11, regular[:]}
	headFace  = face{12, regular[:]}
)

// Spare is what is added for letters that are drawn in another form or face.
const sparePercent = 6

// width is how wide s is at most, in pixels.
func (f face) width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r >= ' ' && r <= '~':
			n += f.widths[r-' ']
		case r < 0x2e80:
			n += 800
		default:
			n += 1100 // as wide as it is high
		}
	}
	return (n*f.size*(100+sparePercent) + 99_999) / 100_000
}

// fit is s, cut to a width with an ellipsis where it is wider.
func (f face) fit(s string, width int) string {
	if f.width(s) <= width {
		return s
	}
	r := []rune(s)
	for len(r) > 0 && f.width(strings.TrimRight(string(r), " ")+"…") > width {
		r = r[:len(r)-1]
	}
	return strings.TrimRight(string(r), " ") + "…"
}

// wrap breaks s into at most n lines of a width; what is left over is cut.
func (f face) wrap(s string, width, n int) []string {
	var out []string
	line := ""
	words := strings.Fields(s)
	for i, w := range words {
		joined := strings.TrimSpace(line + " " + w)
		if line != "" && f.width(joined) > width {
			if len(out) == n-1 {
				return append(out, f.fit(line+" "+strings.Join(words[i:], " "), width))
			}
			out, joined = append(out, f.fit(line, width)), w
		}
		line = joined
	}
	return append(out, f.fit(line, width))
}
