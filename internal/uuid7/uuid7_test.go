package uuid7

import (
	"regexp"
	"slices"
	"testing"
	"time"
)

func TestNew(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	var ids []string
	for ms := range int64(100) {
		id := New(time.UnixMilli(1_790_000_000_000 + ms))
		if !form.MatchString(id) {
			t.Errorf("%s is not a UUIDv7", id)
		}
		ids = append(ids, id)
	}
	if !slices.IsSorted(ids) {
		t.Errorf("not in the order in which they were made: %v", ids)
	}
	if a, b := New(time.Unix(0, 0)), New(time.Unix(0, 0)); a == b {
		t.Error("two of one instant are the same")
	}
}
