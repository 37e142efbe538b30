// Package letter renders management's bridge letter: its own word on the days
// after a report's period, as PDF, page and Word document, with the machinery of
// the report (package attest). It says on its face that nobody examined it.
//
// The PDF carries the letter's value. Verify checks from the file alone that its
// pages show that value and no more, and that its signature holds.
package letter

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/report/attest"
)

// Schema is the version of the value.
const Schema = 1

// A Letter is one bridge letter with what its report is.
type Letter struct {
	Schema   int               `json:"schema"`
	ID       string            `json:"id"` // "EN-1-L-1"
	Client   string            `json:"client"`
	Firm     string            `json:"firm"` // that issued the report
	System   string            `json:"system"`
	Zone     string            `json:"zone"`
	Type     attest.Type       `json:"type"` // of the report
	First    string            `json:"first"`
	Last     string            `json:"last"`
	Dated    string            `json:"dated"`    // the report's day
	Opinions map[string]string `json:"opinions"` // word by part
	Words    Words             `json:"words"`
}

// Words are what management says, and what its signature is over: docs/formats/management.md,
// the entry bridge.sign.
type Words struct {
	Report    string           `json:"report"` // digest of the report it continues
	From      string           `json:"from"`
	To        string           `json:"to"`
	Text      string           `json:"text"` // Markdown
	Disclosed []Disclosure     `json:"disclosed"`
	Known     []string         `json:"known"`
	Next      string           `json:"next"`
	Limit     int              `json:"limit"`
	Signed    attest.Signature `json:"signed"`
}

// A Disclosure is one thing a reader has to know of.
type Disclosure struct {
	Ref  string `json:"ref"` // "incident:INC-4"
	Text string `json:"text"`
}

// Digest is what the letter's signature is over: SHA-256, hex, of the canonical
// JSON of its words without the signature.
func (w Words) Digest() (string, error) {
	w.Signed = attest.Signature{}
	raw, err := canonical.Marshal(w)
	if err != nil {
		return "", fmt.Errorf("%w: bridge letter: %w", audit.ErrInvalid, err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

// MaxSize is how large a letter's value may be, in bytes.
const MaxSize = 4 << 20

// Marshal returns the letter's canonical form (RFC 8785).
func Marshal(l Letter) ([]byte, error) {
	raw, err := canonical.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("%w: bridge letter %s: %w", audit.ErrInvalid, l.ID, err)
	}
	return raw, nil
}

// Parse reads a canonical form: what it returns marshals to data, and Check finds
// nothing in it. An error is ErrInvalid.
func Parse(data []byte) (Letter, error) {
	var l Letter
	if len(data) > MaxSize {
		return l, fmt.Errorf("%w: the letter's value has %d bytes; the most is %d", audit.ErrInvalid, len(data), MaxSize)
	}
	if err := canonical.Check(data); err != nil {
		return l, fmt.Errorf("%w: the letter's value: %w", audit.ErrInvalid, err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return l, fmt.Errorf("%w: the letter's value: %w", audit.ErrInvalid, err)
	}
	again, err := Marshal(l)
	if err == nil && !bytes.Equal(again, data) {
		err = fmt.Errorf("%w: the letter's value does not re-encode to the same bytes", audit.ErrInvalid)
	}
	return l, errors.Join(err, Check(l))
}

const (
	maxText = 1 << 20
	maxName = 1000
	maxList = 10_000
)

// Check reports what makes l no letter, each fault on a line, as ErrInvalid.
func Check(l Letter) error {
	var faults []error
	fault := func(format string, args ...any) {
		if len(faults) < 100 {
			faults = append(faults, fmt.Errorf("%w: bridge letter %.100s: %s", audit.ErrInvalid, l.ID, fmt.Sprintf(format, args...)))
		}
	}
	if l.Schema != Schema {
		fault("schema %d; this program knows %d", l.Schema, Schema)
	}
	for _, f := range [][2]string{{"number", l.ID}, {"company", l.Client}, {"firm", l.Firm}, {"system", l.System}, {"signer", l.Words.Signed.Name}, {"signer's title", l.Words.Signed.Title}} {
		if s := f[1]; strings.TrimSpace(s) == "" || len(s) > maxName || !utf8.ValidString(s) || strings.ContainsAny(s, "\r\n") {
			fault("its %s is one line of at most %d bytes and not empty", f[0], maxName)
		}
	}
	for _, f := range [][2]string{{"first day of the report", l.First}, {"last day of the report", l.Last}, {"day of the report", l.Dated}, {"first day", l.Words.From}, {"last day", l.Words.To}, {"day of the next report", l.Words.Next}} {
		if _, err := time.Parse(time.DateOnly, f[1]); err != nil {
			fault("its %s, %.40q, is no day such as 2026-01-31", f[0], f[1])
		}
	}
	if _, err := time.LoadLocation(l.Zone); err != nil || l.Zone == "" {
		fault("its time zone %.60q is unknown", l.Zone)
	}
	if !l.Type.OverPeriod() {
		fault("a %.60s speaks of a date; there is no period that a letter could continue", l.Type)
	}
	for _, problem := range append(faultsOfDays(l), faultsOfOpinions(l)...) {
		fault("%s", problem)
	}
	for _, problem := range faultsOfWords(l) {
		fault("%s", problem)
	}
	return errors.Join(faults...)
}

// faultsOfDays are days out of order: the letter speaks of days after the report's
// period, and of a time that begins before it ends.
func faultsOfDays(l Letter) (out []string) {
	w := l.Words
	if l.Last < l.First {
		out = append(out, fmt.Sprintf("the report's period ends on %.40s, before it begins on %.40s", l.Last, l.First))
	}
	if w.From <= l.Last {
		out = append(out, fmt.Sprintf("it begins on %.40s, in the period of the report, which ends on %.40s", w.From, l.Last))
	}
	if w.To < w.From {
		out = append(out, fmt.Sprintf("it ends on %.40s, before it begins on %.40s", w.To, w.From))
	}
	return out
}

// faultsOfOpinions are parts and words that no report has.
func faultsOfOpinions(l Letter) (out []string) {
	for part, word := range l.Opinions {
		if !slices.Contains(attest.PartsOf(l.Type), part) {
			out = append(out, fmt.Sprintf("a %.60s has no opinion on %.60q", l.Type, part))
		}
		if !slices.Contains(attest.OpinionWords, word) {
			out = append(out, fmt.Sprintf("%.60q is no opinion: it is %s", word, attest.And(attest.OpinionWords)))
		}
	}
	slices.Sort(out)
	return out
}

// faultsOfWords are what management's words lack.
func faultsOfWords(l Letter) (out []string) {
	w := l.Words
	if strings.TrimSpace(w.Text) == "" || len(w.Text) > maxText || !utf8.ValidString(w.Text) {
		out = append(out, fmt.Sprintf("it has no text, or more than %d bytes", maxText))
	}
	if len(w.Disclosed) > maxList || len(w.Known) > maxList {
		return append(out, fmt.Sprintf("it lists more than %d things", maxList))
	}
	need := slices.Clone(w.Known)
	for part, word := range l.Opinions {
		if word != unmodified {
			need = append(need, "opinion:"+part)
		}
	}
	slices.Sort(need)
	for _, ref := range slices.Compact(need) {
		if !slices.ContainsFunc(w.Disclosed, func(d Disclosure) bool { return d.Ref == ref && strings.TrimSpace(d.Text) != "" }) {
			out = append(out, fmt.Sprintf("it does not disclose %.200s", ref))
		}
	}
	for _, d := range w.Disclosed {
		if len(d.Text) > maxText || !utf8.ValidString(d.Text) || len(d.Ref) > maxName || !utf8.ValidString(d.Ref) {
			out = append(out, "a disclosure is not text, or too long")
		}
	}
	return out
}

const unmodified = "Unmodified"
