package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"tieout/audit"
)

// A Sheet is the body of a page whose items rest on more than one answer:
// answers byte for byte, and what earlier pages of the same collection say.
type Sheet struct {
	Format  int             `json:"format"` // 1
	Facts   json.RawMessage `json:"facts,omitempty"`
	Answers []Part          `json:"answers"`
}

const sheetFormat = 1

// A Part is one answer of a sheet, as it came. Body holds its bytes where they
// are UTF-8, else Base64 does.
type Part struct {
	Part    string `json:"part"`            // what it is within the sheet
	Query   string `json:"query,omitempty"` // "" where it is an element of a page sealed before
	Status  int    `json:"status,omitempty"`
	Problem string `json:"problem,omitempty"`
	Body    string `json:"body,omitempty"`
	Base64  []byte `json:"base64,omitempty"`
}

// NewSheet begins a sheet. facts is a value that encodes as JSON.
func NewSheet(facts any) *Sheet {
	b, err := json.Marshal(facts)
	if err != nil { // structs of texts and flags always encode
		panic(err)
	}
	return &Sheet{Format: sheetFormat, Facts: b}
}

// Add puts in what a came with, whatever it is.
func (s *Sheet) Add(part string, a Answer) {
	p := Part{Part: part, Query: a.Query, Status: a.Status, Problem: a.Problem}
	if utf8.Valid(a.Body) {
		p.Body = string(a.Body)
	} else {
		p.Base64 = a.Body
	}
	s.Answers = append(s.Answers, p)
}

// AddElement puts in an element of a page that was sealed before.
func (s *Sheet) AddElement(part string, element json.RawMessage) {
	s.Answers = append(s.Answers, Part{Part: part, Body: strings.ToValidUTF8(string(element), "\uFFFD")})
}

// Encode gives the same bytes for the same sheet.
func (s *Sheet) Encode() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // texts and JSON that was encoded before
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// ReadSheet reads a sheet and its facts. The error wraps audit.ErrInvalid.
func ReadSheet(body []byte, facts any) (*Sheet, error) {
	var s Sheet
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, fmt.Errorf("%w: the page is not a sheet: %w", audit.ErrInvalid, err)
	}
	if s.Format != sheetFormat {
		return nil, fmt.Errorf("%w: sheet format %d; this program reads %d", audit.ErrInvalid, s.Format, sheetFormat)
	}
	if facts == nil || len(s.Facts) == 0 {
		return &s, nil
	}
	if err := json.Unmarshal(s.Facts, facts); err != nil {
		return nil, fmt.Errorf("%w: the sheet's facts: %w", audit.ErrInvalid, err)
	}
	return &s, nil
}

// Bytes are what came.
func (p Part) Bytes() []byte {
	if p.Base64 != nil {
		return p.Base64
	}
	return []byte(p.Body)
}

// OK reports whether the part is one to read: an element of a page sealed
// before, or a whole answer that is what was asked for.
func (p Part) OK() bool {
	return p.Problem == "" && (p.Query == "" && p.Status == 0 || p.Status >= 200 && p.Status < 300)
}

var errNoPart = errors.New("it was not answered")

// Decode reads the one part of that name into v; the error says that there is
// none, that it was refused, or that it is not what v is.
func (s *Sheet) Decode(part string, v any) error {
	for _, p := range s.Answers {
		if p.Part != part {
			continue
		}
		if !p.OK() {
			return errNoPart
		}
		return json.Unmarshal(p.Bytes(), v)
	}
	return errNoPart
}
