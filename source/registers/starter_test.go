package registers

import (
	"testing"

	readers "tieout/policy"
)

// TestStarters: what `tieout policy new` writes is a register's document too,
// a draft that nobody approved.
func TestStarters(t *testing.T) {
	list, err := readers.Starters()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, p := range list {
		if files["policies/"+p.ID+".md"], err = readers.Starter(p.ID, readers.Filling{Organization: "Halyard"}); err != nil {
			t.Fatal(err)
		}
	}
	r := newFolder(t, files).read("")
	if len(r.Errs) > 0 {
		t.Errorf("got %v", r.Errs)
	}
	want := `{"approvedAt":"never","approvedBy":"","kind":"policy","owner":"IT lead","reviewedAt":"never","status":"draft","title":"Device policy","version":"1"}`
	found := 0
	for _, it := range r.Items {
		if it.Type == "document" {
			found++
		}
		if it.ID == "devices" && string(it.Body) != want {
			t.Errorf("got  %s\nwant %s", it.Body, want)
		}
	}
	if found != len(list) {
		t.Errorf("%d documents, want %d", found, len(list))
	}
}
