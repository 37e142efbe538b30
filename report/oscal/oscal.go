// Package oscal writes a report as OSCAL 1.2.1 assessment results in JSON.
//
// A procedure becomes an observation of what was done and found, each finding
// and each stretch without evidence one more, and each cited record a resource
// with its digest. OSCAL's own word for a control that does what it says is
// "satisfied", which is a conclusion: it is never written. A control has an
// OSCAL finding only where a deviation or missing evidence stands in the way,
// with the state "not-satisfied" and a remark that nobody has concluded.
package oscal

import (
	"crypto/sha1" // #nosec G505 -- version 5 UUIDs are defined with SHA-1; they name, they do not protect
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/report"
)

// Version is the OSCAL version that is written.
const Version = "1.2.1"

// Namespace is the ns of the properties that are ours.
const Namespace = "urn:tieout:oscal:1"

// space is the UUID under which documents are named.
var space = [16]byte{0x5b, 0x0e, 0x3d, 0x0a, 0x6f, 0x55, 0x4c, 0x1b, 0x9d, 0x3e, 0x27, 0x4c, 0x61, 0x8f, 0x70, 0x12}

type document struct {
	Results results `json:"assessment-results"`
}

type results struct {
	UUID     string   `json:"uuid"`
	Metadata metadata `json:"metadata"`
	ImportAP link     `json:"import-ap"`
	Results  []result `json:"results"`
	Back     back     `json:"back-matter"`
}

type metadata struct {
	Title    string     `json:"title"`
	Modified string     `json:"last-modified"`
	Version  string     `json:"version"`
	OSCAL    string     `json:"oscal-version"`
	Props    []property `json:"props,omitempty"`
	Remarks  string     `json:"remarks,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	NS    string `json:"ns"`
	Value string `json:"value"`
}

type link struct {
	Href    string `json:"href"`
	Remarks string `json:"remarks,omitempty"`
}

type result struct {
	UUID         string        `json:"uuid"`
	Title        string        `json:"title"`
	Description  string        `json:"description"`
	Start        string        `json:"start"`
	End          string        `json:"end"`
	Props        []property    `json:"props,omitempty"`
	Reviewed     reviewed      `json:"reviewed-controls"`
	Observations []observation `json:"observations,omitempty"`
	Findings     []finding     `json:"findings,omitempty"`
	Remarks      string        `json:"remarks,omitempty"`
}

type reviewed struct {
	Selections []selection `json:"control-selections"`
}

type selection struct {
	Description string    `json:"description,omitempty"`
	Include     []include `json:"include-controls,omitempty"`
}

type include struct {
	ControlID string `json:"control-id"`
}

type observation struct {
	UUID        string     `json:"uuid"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Props       []property `json:"props,omitempty"`
	Methods     []string   `json:"methods"`
	Types       []string   `json:"types"`
	Evidence    []evidence `json:"relevant-evidence,omitempty"`
	Collected   string     `json:"collected"`
	Remarks     string     `json:"remarks,omitempty"`
}

type evidence struct {
	Href        string `json:"href"`
	Description string `json:"description"`
}

type finding struct {
	UUID        string    `json:"uuid"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	Target      target    `json:"target"`
	Related     []related `json:"related-observations,omitempty"`
}

type target struct {
	Type   string `json:"type"`
	ID     string `json:"target-id"`
	Title  string `json:"title"`
	Status status `json:"status"`
}

type status struct {
	State   string `json:"state"`
	Reason  string `json:"reason"`
	Remarks string `json:"remarks"`
}

type related struct {
	UUID string `json:"observation-uuid"`
}

type back struct {
	Resources []resource `json:"resources"`
}

type resource struct {
	UUID        string     `json:"uuid"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Props       []property `json:"props,omitempty"`
	Links       []rlink    `json:"rlinks,omitempty"`
}

type rlink struct {
	Href   string `json:"href"`
	Hashes []hash `json:"hashes,omitempty"`
}

type hash struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"value"`
}

// Write writes r. The same report gives the same bytes, identifiers included.
// A report in which no control was tested cannot be said in OSCAL, which wants
// at least one reviewed control: the error wraps audit.ErrInvalid.
func Write(w io.Writer, r audit.Report) error {
	if len(r.Controls) == 0 || r.AsOf.IsZero() || r.Period.Empty() {
		return fmt.Errorf("%w: report as OSCAL: no control was tested in a period; test one, or take the JSON", audit.ErrInvalid)
	}
	value, err := canonical.Marshal(r)
	if err != nil {
		return fmt.Errorf("report as OSCAL: %w", err)
	}
	b := &builder{r: &r, doc: uuid(space, string(value)), records: map[int64]string{}}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(document{b.results()}); err != nil {
		return fmt.Errorf("report as OSCAL: %w", err)
	}
	return nil
}

// uuid is the version 5 UUID of name in a namespace.
func uuid(space [16]byte, name string) [16]byte {
	h := sha1.New() // #nosec G401 -- see the import
	h.Write(space[:])
	h.Write([]byte(name))
	var u [16]byte
	copy(u[:], h.Sum(nil))
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	return u
}

func format(u [16]byte) string {
	s := hex.EncodeToString(u[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// line is s on one line, safe where markup is read; never empty.
func line(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if s == "" {
		return "-"
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// plain is s on one line, where markup is not read; never empty.
func plain(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if s == "" {
		return "-"
	}
	return s
}

// token is s as OSCAL's identifiers allow: letters, digits, dot, hyphen and
// underscore, starting with a letter or underscore.
func token(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || strings.ContainsRune(".-_", r) {
			return r
		}
		return '_'
	}, s)
	if s == "" || !unicode.IsLetter([]rune(s)[0]) {
		s = "_" + s
	}
	return s
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999Z07:00") }

func prop(name, value string) property { return property{token(name), Namespace, plain(value)} }

func numbers(t *audit.Tested) []property {
	out := []property{prop("procedure", t.Procedure), prop("procedure-hash", t.Hash), prop("population", report.Number(t.Items))}
	for o, n := range t.Counts {
		if n > 0 {
			out = append(out, prop("count-"+strings.ReplaceAll(audit.Outcome(o).String(), " ", "-"), report.Number(n)))
		}
	}
	return out
}
