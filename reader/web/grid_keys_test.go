package web

import (
	"testing"
	"time"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/source/sourcetest/live"
)

// Limits of a grid of 25 items and 4 attributes: what one person needs by keyboard
// alone, at four keystrokes a second, and what the server adds to it.
const (
	gridTime = 10 * time.Minute
	gridKey  = 250 * time.Millisecond
)

// The must-show: 25 items of 4 attributes, marked by keyboard alone in a real
// browser, with exceptions and their notes, in less than ten minutes. Keys that
// come faster than the server answers are not lost.
func TestGridByKeyboard(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser, and long; it runs without -short")
	}
	live.Program(t, "chromium") // before anything is made
	live.Peer(t, "node_modules/playwright-core/package.json")
	w := gridOpened(t, 240, 25)
	_, address, _ := w.listen()
	var rows []string
	w.paper(func(p *fieldwork.Paper, _ *fieldwork.Test) { rows = append(rows, p.Rows...) })

	steps := append(signIn("stef@example.com"), keyStep{"open": gridAddress}, keyStep{"see": "None of 25 items has a result yet."}, keyStep{"see": "No item is open"})
	first, typed, wrong := len(steps), 0, 0
	steps = append(steps, keyStep{"press": "j"}, keyStep{"wait": "Item 1 of 25"})
	for i := range rows {
		for _, attribute := range "ABCD" {
			switch {
			case attribute == 'B' && i%8 == 7:
				note := "merged by its author alone, 100 j k"
				steps = append(steps, keyStep{"press": "2"}, keyStep{"keys": note}, keyStep{"press": "Enter"})
				typed, wrong = typed+len(note), wrong+1
			case attribute == 'C' && i == 4:
				note := "a rule of the pipeline itself"
				steps = append(steps, keyStep{"press": "3"}, keyStep{"keys": note}, keyStep{"press": "Enter"})
				typed += len(note)
			default:
				steps = append(steps, keyStep{"press": "1"})
			}
		}
	}
	typed += len(steps) - first
	steps = append(steps, keyStep{"wait": "All 25 items have a result"}, keyStep{"press": "ArrowUp"}, keyStep{"wait": "Item 24 of 25"}, keyStep{"press": "c"}, keyStep{"wait": "change.review came to: "})
	began := time.Now()
	byKeyboard(t, address, steps...)
	took := time.Since(began)
	if whole := took + time.Duration(typed)*gridKey; whole > gridTime {
		t.Errorf("%d keystrokes and %v of machine make %v; want at most %v", typed, took, whole, gridTime)
	} else {
		t.Logf("%d keystrokes for 100 cells, %v of machine: %v at four keystrokes a second", typed, took.Round(time.Millisecond), whole.Round(time.Second))
	}
	w.paper(func(p *fieldwork.Paper, test *fieldwork.Test) {
		if got := len(p.Excepted(test)); got != wrong {
			t.Errorf("%d exceptions; want %d", got, wrong)
		}
		if got := p.Cells[fieldwork.Cell{Item: rows[4], Attribute: "C"}]; got == nil || got.Mark != engagement.NotApplicable || got.Note != "a rule of the pipeline itself" {
			t.Errorf("item 5, C: %+v; want not applicable, with its note", got)
		}
		if opened := p.Opened[w.staff.account]; len(opened) != 25 {
			t.Errorf("%d items are recorded as opened; want 25", len(opened))
		}
	})
}
