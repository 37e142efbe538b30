package docx

import (
	"os"
	"testing"

	"tieout/report/attest"
	"tieout/report/attest/attesttest"
)

func TestTry(t *testing.T) {
	os.MkdirAll("/tmp/docxtry", 0o755)
	for n, r := range map[string]attest.Report{"t2": attesttest.WithAnnex(attesttest.TypeII()), "draft": attesttest.Draft(), "big": attesttest.Enterprise()} {
		b, err := Render(r)
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile("/tmp/docxtry/"+n+".docx", b, 0o644)
	}
}
