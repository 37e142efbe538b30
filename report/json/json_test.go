package json_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	stdjson "encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/report/json"
	"tieout/report/reporttest"
)

var update = flag.Bool("update", false, "write the golden file")

func write(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Write(&b, reporttest.Report()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestGolden keeps the digest: the value itself is canonical, so the digest
// says everything.
func TestGolden(t *testing.T) {
	sum := sha256.Sum256(write(t))
	got := hex.EncodeToString(sum[:]) + "  halyard.json\n"
	if *update {
		if err := os.WriteFile("testdata/halyard.sha256", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/halyard.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got %s want %s", got, want)
	}
}

func TestCanonicalAndBack(t *testing.T) {
	b := write(t)
	if err := canonical.Check(b); err != nil {
		t.Fatal(err)
	}
	var got audit.Report
	dec := stdjson.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	again, err := canonical.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(b), string(again)); diff != "" {
		t.Errorf("reading and writing again gives other bytes:\n%s", diff)
	}
	for _, want := range []string{`"sentence":"On day 257 of 365, 40 of 60 controls have no known deviation.`, `"schema":1`, `"outcome":"deviation"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s", want)
		}
	}
}
