package pdf

import (
	"bytes"
	"os"
	"testing"
	"time"

	"tieout/report/attest"
	"tieout/report/attest/attesttest"
)

func TestTry(t *testing.T) {
	for name, r := range map[string]attest.Report{"t2": attesttest.TypeII(), "t1": attesttest.TypeI(), "soc3": attesttest.SOC3(), "soc1": attesttest.SOC1(), "draft": attesttest.Draft(), "big": attesttest.Enterprise()} {
		s := time.Now()
		data, err := Render(r)
		if err != nil {
			t.Fatal(err)
		}
		l := time.Since(s)
		again, _ := Render(r)
		t.Log(name, l, len(data), bytes.Equal(data, again))
		os.WriteFile("/tmp/attest/"+name+".pdf", data, 0o644)
	}
}
