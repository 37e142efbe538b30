package period

import (
	"archive/zip"
	"bytes"
	"errors"
	"strings"
	"testing"

	"tieout/audit"
)

// bomb is an archive of a few kilobytes that would unpack to a hundred
// megabytes, with a name that leads out of the folder.
func bomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("../../etc/cron.d/x")
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSealDocument(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	day := audit.Span{From: p.Now().AddDate(0, 0, -2), To: p.Now().AddDate(0, 0, -1)}
	by := audit.Actor{Kind: audit.ActorPerson, Name: "eva"}
	archive := bomb(t)
	rec, err := p.SealDocument(t.Context(), by, Document{Title: "Pack", File: "pack.zip", About: day, Body: archive, Task: "board.meeting@2026-Q1"})
	if err != nil {
		t.Fatal(err)
	}
	body, err := p.Seal.Body(t.Context(), rec)
	if err != nil || !bytes.Equal(body, archive) {
		t.Errorf("an archive is kept as it is: %d of %d bytes, %v", len(body), len(archive), err)
	}
	if rec.Media != "application/zip" || rec.Actor != by || !rec.About.From.Equal(day.From) || rec.Kind != audit.RecordDocument ||
		!strings.Contains(string(rec.Detail), `"task":"board.meeting@2026-Q1"`) || rec.Recorded.IsZero() || rec.Collected.IsZero() {
		t.Errorf("record %+v", rec)
	}
	tests := []struct {
		name string
		d    Document
		want error
	}{
		{"empty", Document{File: "x", About: day}, audit.ErrInvalid},
		{"of no day", Document{File: "x", Body: []byte("x")}, audit.ErrInvalid},
		{"of the future", Document{File: "x", Body: []byte("x"), About: audit.Span{From: p.Now().AddDate(0, 0, 1), To: p.Now().AddDate(0, 0, 2)}}, audit.ErrInvalid},
		{"a title that cannot be shown", Document{Title: "a\x00b", File: "x", Body: []byte("x"), About: day}, audit.ErrInvalid},
		{"a long name", Document{File: strings.Repeat("x", 301), Body: []byte("x"), About: day}, audit.ErrInvalid},
		{"a control that is not there", Document{File: "x", Body: []byte("x"), About: day, Controls: []string{"NOPE-1"}}, audit.ErrNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := p.SealDocument(t.Context(), by, tt.d); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// The kind of bytes is what they look like; a name can say more of a text and
// never makes a text of something else, or a page of anything.
func TestMediaOf(t *testing.T) {
	tests := []struct {
		name, file string
		body       []byte
		want       string
	}{
		{"a PDF", "x.txt", []byte("%PDF-1.7 ..."), "application/pdf"},
		{"a picture called a page", "x.html", []byte("\x89PNG\r\n\x1a\n"), "image/png"},
		{"a page called a PDF", "x.pdf", []byte("<html><script>x</script>"), "application/octet-stream"},
		{"a page", "x.html", []byte("<!doctype html>"), "application/octet-stream"},
		{"a drawing with a script", "x.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`), "text/plain"},
		{"a table", "x.csv", []byte("a,b\n1,2\n"), "text/csv"},
		{"JSON", "x.json", []byte(`{"a":1}`), "application/json"},
		{"bytes", "x.txt", []byte{0, 1, 2, 255}, "application/octet-stream"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := mediaOf(tt.file, tt.body); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
