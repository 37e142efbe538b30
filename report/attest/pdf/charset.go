package pdf

import (
	"encoding/binary"
	"sync"
)

// shown are the ranges of characters that scripts/reportfonts.py keeps.
var shown = [][2]rune{
	{0x20, 0x7E}, {0xA0, 0x24F}, {0x250, 0x2FF}, {0x384, 0x3CE}, {0x400, 0x4B1}, {0x1E80, 0x1EF9}, {0x2010, 0x2044}, {0x20AC, 0x2260}, {0x2264, 0x2265}, {0xFFFD, 0xFFFD},
}

// has reports whether a face has a glyph for r, by the font's own table.
func has(f face, r rune) bool { return charsets()[f][r] }

// charsets reads the character tables of all faces, once.
var charsets = sync.OnceValue(func() [len(faces)]map[rune]bool {
	var out [len(faces)]map[rune]bool
	for i, f := range faces {
		data, err := files.ReadFile("fonts/" + f.file + ".ttf")
		if err != nil {
			panic(err) // embedded
		}
		out[i] = charset(data)
	}
	return out
})

// charset reads the segments of a font's Unicode table (OpenType cmap, format 4).
func charset(font []byte) map[rune]bool {
	out := map[rune]bool{}
	be := binary.BigEndian
	cmap := table(font, "cmap")
	for i := range int(be.Uint16(cmap[2:])) {
		record := cmap[4+8*i:]
		sub := cmap[be.Uint32(record[4:]):]
		if be.Uint16(record) != 3 || be.Uint16(record[2:]) != 1 || be.Uint16(sub) != 4 {
			continue
		}
		n := int(be.Uint16(sub[6:])) / 2
		ends, starts := sub[14:], sub[16+2*n:]
		for j := range n {
			for r := rune(be.Uint16(starts[2*j:])); r <= rune(be.Uint16(ends[2*j:])) && r != 0xFFFF; r++ {
				out[r] = true
			}
		}
	}
	return out
}

func table(font []byte, name string) []byte {
	be := binary.BigEndian
	for i := range int(be.Uint16(font[4:])) {
		record := font[12+16*i:]
		if string(record[:4]) == name {
			return font[be.Uint32(record[8:]):]
		}
	}
	panic("font without " + name) // embedded
}
