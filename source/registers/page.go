package registers

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

const pageFormat = 1

// A page is files of one register as they came, with what it takes to read
// them: the zone days are in, and the instant the files are of.
type page struct {
	Format int    `json:"format"`
	Zone   string `json:"zone"`
	AsOf   string `json:"asOf"`             // of the commit, or of the reading: nothing in the files may have happened later
	Commit string `json:"commit,omitempty"` // "": the files as they lay in the folder
	Again  bool   `json:"again,omitempty"`  // history could not be told before this instant: all of it is told again
	Files  []file `json:"files"`
	Before []file `json:"before,omitempty"` // what Files were before that commit, to tell what ceased to exist
}

// A file holds the bytes as they came, as text where they are UTF-8.
type file struct {
	Path   string `json:"path"`           // within the folder: vendors/aws.yaml
	Blob   string `json:"blob,omitempty"` // git's name for its bytes
	Text   string `json:"text,omitempty"`
	Base64 []byte `json:"base64,omitempty"`
	Unread string `json:"unread,omitempty"` // why its bytes are not here
}

func (f *file) set(b []byte) {
	if utf8.Valid(b) {
		f.Text = string(b)
		return
	}
	f.Base64 = b
}

func (f file) bytes() []byte {
	if f.Base64 != nil {
		return f.Base64
	}
	return []byte(f.Text)
}

// check refuses bytes that are not those git has under the blob's name.
func (f file) check() error {
	if f.Blob == "" || f.Unread != "" || f.Blob == blobName(f.Blob, f.bytes()) {
		return nil
	}
	return fmt.Errorf("its bytes are not those of blob %s", f.Blob)
}

// blobName is git's name for bytes, in the hash function that like was made with.
func blobName(like string, b []byte) string {
	head := "blob " + strconv.Itoa(len(b)) + "\x00"
	if len(like) == 2*sha256.Size {
		sum := sha256.Sum256(append([]byte(head), b...))
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum(append([]byte(head), b...)) // git's name, not a proof
	return hex.EncodeToString(sum[:])
}

func (p page) encode() ([]byte, error) {
	p.Format = pageFormat
	return canonical.Marshal(p)
}

func decode(body []byte) (page, *time.Location, time.Time, error) {
	var p page
	fail := func(err error) (page, *time.Location, time.Time, error) {
		return p, nil, time.Time{}, fmt.Errorf("%w: page of registers: %w", audit.ErrInvalid, err)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return fail(err)
	}
	if p.Format != pageFormat {
		return fail(fmt.Errorf("format %d; this program reads %d", p.Format, pageFormat))
	}
	zone, err := time.LoadLocation(p.Zone)
	if err != nil {
		return fail(fmt.Errorf("time zone %q is not known", p.Zone))
	}
	asOf, err := audit.ParseTime(p.AsOf)
	if err != nil {
		return fail(err)
	}
	return p, zone, asOf, nil
}

// normalize turns one sealed page into items.
func normalize(_ json.RawMessage, p audit.Page) ([]audit.Item, error) {
	if p.Kind == source.KindFailed {
		return nil, nil
	}
	if p.Kind == kindRecords {
		pg, zone, asOf, err := decode(p.Body)
		if err != nil {
			return nil, err
		}
		var r source.Reading
		for _, f := range pg.Files {
			got := readRecords(f, zone, asOf)
			got.into(&r, time.Time{})
		}
		return r.Done()
	}
	for _, reg := range states {
		if p.Kind == kindStates+reg.typ {
			return reg.normalize(p)
		}
	}
	return nil, fmt.Errorf("%w: a page of kind %q is not of a registers source", audit.ErrInvalid, p.Kind)
}

func (reg register) normalize(p audit.Page) ([]audit.Item, error) {
	pg, zone, asOf, err := decode(p.Body)
	if err != nil {
		return nil, err
	}
	at := time.Time{}
	if pg.Commit != "" {
		at = audit.Instant(p.About.From)
	}
	var r source.Reading
	got := reg.read(pg, zone, asOf)
	if pg.Again {
		got.unknown(&r, at.Add(-time.Microsecond))
	}
	got.into(&r, at)
	for _, id := range got.gone {
		r.Items = append(r.Items, audit.Item{Type: reg.typ, ID: id, At: at, Gone: true})
	}
	return r.Done()
}
