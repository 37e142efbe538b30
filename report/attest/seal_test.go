package attest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/report/attest"
	"tieout/report/attest/attesttest"
)

func marshal(t testing.TB, r attest.Report) []byte {
	t.Helper()
	data, err := attest.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func digest(t testing.TB, r attest.Report) string {
	t.Helper()
	d, err := attest.Digest(r)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestParseGivesBackWhatMarshalWrote(t *testing.T) {
	r := attesttest.Signed(attesttest.WithAnnex(attesttest.TypeII()), strings.Repeat("0", 64))
	data := marshal(t, r)
	got, err := attest.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if again := marshal(t, got); !bytes.Equal(again, data) {
		t.Error("the value read back marshals to other bytes")
	}
}

func TestDigestLeavesSignaturesOut(t *testing.T) {
	r := attesttest.TypeII()
	signed := attesttest.Signed(r, strings.Repeat("0", 64))
	if got, want := digest(t, signed), digest(t, r); got != want {
		t.Errorf("digest with signatures: got %s, want %s", got, want)
	}
	before := digest(t, r)
	r.Groups[0].Controls[0].Tests[0].Sample++
	if got := digest(t, r); got == before {
		t.Error("another count gives the same digest")
	}
}

func TestParseRefuses(t *testing.T) {
	good := string(marshal(t, attesttest.TypeII()))
	for name, data := range map[string]string{
		"spaces":         " " + good,
		"another schema": strings.Replace(good, `"schema":1`, `"schema":2`, 1),
		"unknown field":  strings.Replace(good, `"schema":1`, `"schema":1,"scheme":1`, 1),
		"a missing list": strings.Replace(good, `"team":`, `"teams":`, 1),
		"not JSON":       "%PDF-1.7",
		"nothing":        "",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := attest.Parse([]byte(data)); !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
		})
	}
}

func TestReadTakesAnyOrderAndSpaces(t *testing.T) {
	r := attesttest.TypeI()
	loose, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got, err := attest.Read(loose)
	if err != nil {
		t.Fatal(err)
	}
	if digest(t, got) != digest(t, r) {
		t.Error("the value read from indented JSON has another digest")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(marshal(f, attesttest.SOC3()))
	f.Add([]byte(`{"schema":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := attest.Parse(data)
		if err != nil {
			return
		}
		if again := marshal(t, r); !bytes.Equal(again, data) {
			t.Error("what parses does not re-encode to the same bytes")
		}
		if _, err := attest.Build(r); err != nil && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("build: %v", err)
		}
	})
}
