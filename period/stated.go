package period

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tieout/audit"
)

// Stated is what a person says of a document they add: where it came from and how
// it was made. It is sealed beside the bytes and shown as their word; nothing in
// the file is compared with it.
type Stated struct {
	System string `json:"system,omitempty"` // it was taken from
	Query  string `json:"query,omitempty"`  // or the report that was run
	Range  string `json:"range,omitempty"`  // what was asked for: dates, filters
	Rows   *int64 `json:"rows,omitempty"`   // it holds, as the system counted them

	// Of a picture of a screen, which proves one moment and nothing before or after.
	Screenshot bool   `json:"screenshot,omitempty"`
	Address    string `json:"address,omitempty"` // that the screen showed
	Account    string `json:"account,omitempty"` // that was signed in
	Clock      string `json:"clock,omitempty"`   // date and time seen on the picture, as it reads
}

func (s Stated) empty() bool { return s == Stated{} }

func (s Stated) check() error {
	for name, v := range map[string]string{"system": s.System, "query or report": s.Query, "range": s.Range, "address on the screen": s.Address, "account on the screen": s.Account, "clock on the screen": s.Clock} {
		control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }
		if utf8.RuneCountInString(v) > 4000 || !utf8.ValidString(v) || strings.ContainsFunc(v, control) {
			return fmt.Errorf("%w: the %s is longer than 4,000 characters, or holds some that cannot be shown", audit.ErrInvalid, name)
		}
	}
	switch {
	case s.Rows != nil && (*s.Rows < 0 || *s.Rows >= 1<<53):
		return fmt.Errorf("%w: rows: a count from 0 on", audit.ErrInvalid)
	case !s.Screenshot && s.Address+s.Account+s.Clock != "":
		return fmt.Errorf("%w: address, account and clock are those of a screenshot: say that it is one", audit.ErrInvalid)
	case s.Screenshot && (s.Address == "" || s.Clock == ""):
		return fmt.Errorf("%w: a screenshot says which address it shows and which date and time are seen on it", audit.ErrInvalid)
	}
	return nil
}

// StatedRows reads a count of rows; "" is none.
func StatedRows(s string) (*int64, error) {
	s = strings.ReplaceAll(strings.TrimSpace(s), ",", "")
	if s == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("%w: rows %q is not a count such as 1846", audit.ErrInvalid, s)
	}
	return &n, nil
}

// StatedOf is what was stated of a document when it was added; nothing where
// nothing was.
func StatedOf(rec audit.Record) Stated {
	var d struct{ Stated Stated }
	if rec.Kind != audit.RecordDocument || json.Unmarshal(rec.Detail, &d) != nil {
		return Stated{}
	}
	return d.Stated
}

// Lines are what is stated, by name, in the order people read it.
func (s Stated) Lines() (out [][2]string) {
	rows := ""
	if s.Rows != nil {
		rows = strconv.FormatInt(*s.Rows, 10)
	}
	for _, l := range [][2]string{{"System", s.System}, {"Query or report", s.Query}, {"Range", s.Range}, {"Rows", rows},
		{"Address on the screen", s.Address}, {"Account on the screen", s.Account}, {"Clock on the screen", s.Clock}} {
		if l[1] != "" {
			out = append(out, l)
		}
	}
	return out
}
