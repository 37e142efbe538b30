package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"

	"tieout/audit"
)

// Limits of what can be sent.
const (
	maxForm   = 1 << 20  // bytes of a form without a file
	maxUpload = 25 << 20 // bytes of one file
	maxParts  = 64       // fields beside a file
)

// errAgain asks the person to show once more who they are, and come back.
var errAgain = fmt.Errorf("%w: sign in again first", audit.ErrForbidden)

// parse reads the form of a POST. One with a file is read by upload.
func (q *request) parse() error {
	if q.Method != http.MethodPost {
		return nil
	}
	media, _, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
	switch {
	case err == nil && media == "multipart/form-data" && strings.HasSuffix(q.URL.Path, "/packets"):
		q.Body = http.MaxBytesReader(q.w, q.Body, maxCarried)
		return nil // goes to files, of who may bring any
	case err == nil && media == "multipart/form-data":
		q.Body = http.MaxBytesReader(q.w, q.Body, maxUpload+maxForm)
		return nil
	case err == nil && media == "application/json" && strings.Contains(q.URL.Path, "/passkey"):
		return nil // read where it is taken
	case err != nil && q.ContentLength == 0 || media == "application/x-www-form-urlencoded":
		q.Body = http.MaxBytesReader(q.w, q.Body, maxForm)
		return formError(q.ParseForm())
	}
	return fmt.Errorf("%w: a form is sent as application/x-www-form-urlencoded or multipart/form-data, not %q", audit.ErrInvalid, q.Header.Get("Content-Type"))
}

func formError(err error) error {
	var long *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &long):
		return fmt.Errorf("%w: it is longer than the %d bytes this address takes", audit.ErrInvalid, long.Limit)
	}
	return fmt.Errorf("%w: the form cannot be read: %w", audit.ErrInvalid, err)
}

// An Upload is a file a person sent, as it came. Nothing in it is believed: the
// name is only a name, the type what the browser said.
type upload struct {
	Name string // last part of the name, without what cannot be shown
	Type string
	Data []byte
}

// upload reads a form with one file in the field of that name, and the fields
// before and after it into PostForm. A form without the file gives no data.
func (q *request) upload(field string) (upload, error) {
	var up upload
	mr, err := q.MultipartReader()
	if err != nil {
		return up, fmt.Errorf("%w: the form holds no file: %w", audit.ErrInvalid, err)
	}
	q.PostForm = map[string][]string{}
	for n := 0; ; n++ {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			return up, nil
		}
		if err != nil {
			return up, formError(err)
		}
		if n > maxParts {
			return up, fmt.Errorf("%w: the form has more than %d fields", audit.ErrInvalid, maxParts)
		}
		limit := int64(maxForm)
		if part.FormName() == field {
			limit = maxUpload
		}
		data, err := io.ReadAll(io.LimitReader(part, limit+1))
		if err != nil {
			return up, formError(err)
		}
		if int64(len(data)) > limit {
			return up, fmt.Errorf("%w: %s is longer than the %d bytes that are taken. Put larger evidence in with 'tieout evidence add'", audit.ErrInvalid, part.FormName(), limit)
		}
		if part.FormName() == field {
			up = upload{plainName(part.FileName()), part.Header.Get("Content-Type"), data}
			continue
		}
		q.PostForm[part.FormName()] = append(q.PostForm[part.FormName()], string(data))
	}
}

// plainName is the last part of a file's name, without folders and characters
// that cannot be shown.
func plainName(s string) string {
	s = path.Base(strings.ReplaceAll(strings.ToValidUTF8(s, ""), `\`, "/"))
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`<>:"/|?*`, r) {
			return -1
		}
		return r
	}, s)
	if s = strings.Trim(s, ". "); s == "" {
		return "file"
	}
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200])
	}
	return s
}

// field is what was typed into a field of the form, without space around it.
func (q *request) field(name string) string { return strings.TrimSpace(q.PostForm.Get(name)) }

// done says what was done, and goes on to a page of this server.
func (q *request) done(to, words string) error {
	q.s.tell(q.w, words)
	http.Redirect(q.w, q.Request, local(to), http.StatusSeeOther)
	return nil
}

// problem puts on the page what is wrong with what was sent, so that the form
// can be shown again with all that was typed; it returns what no person at the
// form can mend.
func (q *request) problem(err error) error {
	switch {
	case errors.Is(err, audit.ErrInvalid):
		q.status = http.StatusUnprocessableEntity
	case errors.Is(err, audit.ErrConflict):
		q.status = http.StatusConflict
	default:
		return err
	}
	q.Problem = nil
	for _, line := range strings.Split(err.Error(), "\n") {
		for _, kind := range []error{audit.ErrInvalid, audit.ErrConflict} {
			line = strings.TrimPrefix(line, kind.Error()+": ")
		}
		q.Problem = append(q.Problem, sentence(line))
	}
	return nil
}

// freshly refuses a page whose form needs a person who has just signed in, with
// a way to do that and come back, before anything is typed.
func (q *request) freshly() error {
	if q.who.Fresh {
		return nil
	}
	return errAgain
}
