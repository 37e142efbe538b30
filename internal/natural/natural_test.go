package natural

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	list := []string{"CC10.1", "CC2.1", "CC2", "A1.2", "IAM-010", "IAM-9", "IAM-09", ""}
	slices.SortFunc(list, Compare)
	want := []string{"", "A1.2", "CC2", "CC2.1", "CC10.1", "IAM-09", "IAM-9", "IAM-010"}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
}
