package definition

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what was got into the golden files")

// compareGolden compares got with the archive's file "want".
func compareGolden(t *testing.T, a *txtar.Archive, name, got string) {
	t.Helper()
	for i := range a.Files {
		if a.Files[i].Name != "want" {
			continue
		}
		if want := string(a.Files[i].Data); want != got && !*update {
			t.Errorf("%s (-want +got):\n%s", name, cmp.Diff(want, got))
		}
		a.Files[i].Data = []byte(got)
		if *update {
			if err := os.WriteFile(name, txtar.Format(a), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	t.Fatalf("%s has no file called want", name)
}
