package engagement

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tieout/audit"
)

// A Copy is a copy of an issued report's PDF that was made for one recipient: who
// has it can be told from the copy, and that it was made from the log. The copy's
// bytes are kept nowhere.
type Copy struct {
	ID        string    `json:"id"`     // "CP-1", as every page of a marked copy has it behind the engagement's number
	Report    string    `json:"report"` // digest of the report value
	File      string    `json:"file"`   // name of the issued file it is a copy of
	For       string    `json:"for"`    // name of the recipient
	Mail      string    `json:"mail"`
	Why       string    `json:"why"` // what it is given for
	Marked    bool      `json:"marked"`
	Encrypted bool      `json:"encrypted"`
	Digest    string    `json:"digest"` // SHA-256 of the copy's bytes, hex
	Size      int64     `json:"size"`
	Made      time.Time `json:"made"` // as the copy itself says

	Grant string `json:"grant,omitempty"` // access under which its recipient took it themselves; "": somebody made it for them
}

// Check reports what makes c no copy that a log could name: audit.ErrInvalid.
func (c Copy) Check() error {
	for _, x := range []struct{ what, text string }{{"copy's number", c.ID}, {"file", c.File}, {"recipient", c.For}, {"mail address", c.Mail}, {"reason", c.Why}} {
		if strings.TrimSpace(x.text) == "" || len(x.text) > 300 || !utf8.ValidString(x.text) || strings.ContainsFunc(x.text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("%w: the %s of a copy is one line of at most 300 bytes and not empty", audit.ErrInvalid, x.what)
		}
	}
	for _, x := range []struct{ what, sum string }{{"report", c.Report}, {"copy", c.Digest}} {
		if b, err := hex.DecodeString(x.sum); err != nil || len(b) != 32 || strings.ToLower(x.sum) != x.sum {
			return fmt.Errorf("%w: the digest of the %s is not 64 hex digits", audit.ErrInvalid, x.what)
		}
	}
	switch {
	case !c.Marked && !c.Encrypted:
		return fmt.Errorf("%w: a copy for a recipient is marked, encrypted or both; the report's own file needs no copy", audit.ErrInvalid)
	case c.Size <= 0 || c.Made.IsZero():
		return fmt.Errorf("%w: a copy has a size and the time it was made", audit.ErrInvalid)
	}
	return nil
}

// A Share is a Copy with who made it and when its entry was sealed.
type Share struct {
	Copy
	By     string // account
	At     time.Time
	Record int64
}
