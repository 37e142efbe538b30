package fieldwork_test

import (
	"errors"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement"
)

func TestItemsAreFoundByID(t *testing.T) {
	w := planned(t, "CHG-01")
	lines := items(200, nil) + `{"values":["approved"],"id":"quo\u0074ed \"x\""}` + "\n" + `{"results":{"id":"CHG-9999"},"id":"CHG-0500"}` + "\n"
	w.feed(frozen("P-1", lines, "CHG-01"), lines)
	for _, c := range []struct {
		name string
		ids  []string
		want int
	}{
		{"first and last", []string{"CHG-0001", "CHG-0500"}, 2},
		{"written in another way", []string{`quoted "x"`}, 1},
		{"an outcome is no ID", []string{"CHG-9999"}, 0},
		{"none", nil, 0},
		{"one of two", []string{"CHG-0002", "nothing"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := must[map[string]engagement.Item](t)(w.book.Items(t.Context(), staff, "EN-1", "P-1", c.ids))
			if len(got) != c.want {
				t.Errorf("found %v; want %d of %q", got, c.want, c.ids)
			}
			for id, it := range got {
				if it.ID != id || len(it.Values) == 0 && id != "CHG-0500" {
					t.Errorf("%q is %+v", id, it)
				}
				if it.Results != nil {
					t.Errorf("%q says what was computed: %v; want that only after the tester's own mark", id, it.Results)
				}
			}
		})
	}
	if _, err := w.book.Items(t.Context(), stranger, "EN-1", "P-1", []string{"CHG-0001"}); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("a stranger: %v; want it forbidden", err)
	}
	if _, err := w.book.Items(t.Context(), staff, "EN-1", "P-7", []string{"CHG-0001"}); !errors.Is(err, audit.ErrNotFound) || !strings.Contains(err.Error(), "P-7") {
		t.Errorf("no such population: %v", err)
	}
}
