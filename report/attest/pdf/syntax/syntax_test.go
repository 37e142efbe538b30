package syntax_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/report/attest/pdf/syntax"
)

func file() *syntax.File {
	f := &syntax.File{Objects: map[int]any{}, Trailer: syntax.Dict{}}
	s := f.Add(syntax.Deflated(syntax.Dict{"Type": syntax.Name("X")}, []byte("BT (a) Tj ET")))
	root := f.Add(syntax.Dict{
		"Type": syntax.Name("Catalog"), "A": syntax.Array{syntax.Number("1.50"), s, true, nil, syntax.String("(\\)\n")}, "N#": syntax.Name("a b"),
	})
	f.Trailer["Root"] = root
	return f
}

func TestRoundTrip(t *testing.T) {
	data := file().Bytes()
	got, err := syntax.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), data) {
		t.Errorf("got\n%s\nwant\n%s", got.Bytes(), data)
	}
	s, ok := got.Resolve(got.Array(got.Dict(got.Trailer["Root"])["A"])[1]).(*syntax.Stream)
	if !ok {
		t.Fatal("no stream")
	}
	if d, err := s.Data(); err != nil || string(d) != "BT (a) Tj ET" {
		t.Errorf("got %q, %v", d, err)
	}
}

func TestParseRefuses(t *testing.T) {
	good := string(file().Bytes())
	for name, c := range map[string]struct {
		data string
		want error
	}{
		"no PDF":              {"PK\x03\x04", audit.ErrInvalid},
		"no end":              {strings.TrimSuffix(good, "%%EOF\n"), audit.ErrAltered},
		"two ends":            {good + "startxref\n9\n%%EOF\n", audit.ErrAltered},
		"words behind":        {good + "x", audit.ErrAltered},
		"an earlier table":    {strings.Replace(good, "trailer\n<<", "trailer\n<</Prev 9 ", 1), audit.ErrAltered},
		"object elsewhere":    {strings.Replace(good, "1 0 obj", "1 0 obi", 1), audit.ErrInvalid},
		"a key twice":         {strings.Replace(good, "/Type /Catalog", "/A 1 /Catalog", 1), audit.ErrInvalid},
		"stream too long":     {strings.Replace(good, "/Length 2", "/Length 1", 1), audit.ErrInvalid},
		"length beyond":       {strings.Replace(good, "/Length 2", "/Length 9", 1), audit.ErrInvalid},
		"no table":            {strings.Replace(good, "xref\n0 ", "yref\n0 ", 1), audit.ErrInvalid},
		"dictionary, no end":  {strings.Replace(good, ">>\nendobj", ">", 1), audit.ErrInvalid},
		"nested without end":  {strings.Replace(good, "[1.50", strings.Repeat("[", 99), 1), audit.ErrInvalid},
		"empty":               {"", audit.ErrInvalid},
		"a header and no end": {"%PDF-1.7\n", audit.ErrAltered},
	} {
		if c.data == good {
			t.Errorf("%s: nothing was changed", name)
		}
		if _, err := syntax.Parse([]byte(c.data)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// TestStrings: both ways in which a PDF writes a string.
func TestStrings(t *testing.T) {
	for in, want := range map[string]string{`(a\(b\)c)`: "a(b)c", `(a(b)c)`: "a(b)c", `(\101\n\\)`: "A\n\\", `<416233>`: "Ab3"} {
		v, err := syntax.Content([]byte(in)).Value()
		if s, ok := v.(syntax.String); err != nil || !ok || string(s) != want {
			t.Errorf("%s: got %q, %v, want %q", in, v, err, want)
		}
	}
	if got := (syntax.String("\xfe\xff\x00A\x20\xac")).Text(); got != "A€" {
		t.Errorf("got %q", got)
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[syntax.Number]string{"612.00": "612", "612.000000000000": "612", "0.50": "0.5", "-0.00": "0", "+3": "3", "7": "7", "100": "100"} {
		if got := in.Plain(); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(file().Bytes())
	f.Add([]byte("%PDF-1.7\nxref\n0 1\n0000000000 65535 f \ntrailer\n<<>>\nstartxref\n9\n%%EOF\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := syntax.Parse(data)
		if err != nil {
			return
		}
		once := got.Bytes()
		again, err := syntax.Parse(once)
		if err != nil || !bytes.Equal(again.Bytes(), once) {
			t.Errorf("what parses has no single form: %v", err)
		}
	})
}
