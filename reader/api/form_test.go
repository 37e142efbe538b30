package api

import (
	"io"
	"mime/multipart"
	"testing"
)

// A form writes multipart/form-data.
type form struct{ *multipart.Writer }

func newForm(w io.Writer) form { return form{multipart.NewWriter(w)} }

func (f form) field(t testing.TB, name, value string) {
	t.Helper()
	if err := f.WriteField(name, value); err != nil {
		t.Fatal(err)
	}
}

func (f form) file(t testing.TB, name, file, text string) {
	t.Helper()
	w, err := f.CreateFormFile(name, file)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// end ends the form and returns its content type.
func (f form) end(t testing.TB) string {
	t.Helper()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.FormDataContentType()
}
