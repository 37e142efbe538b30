package reminder

import (
	"strings"
	"time"
	"unicode/utf8"
)

// An Event is one day in a calendar.
type Event struct {
	UID   string // the same for the same thing, whenever it is asked for
	Title string
	Day   time.Time // its date counts
	Text  string
	Link  string
}

// Calendar is a feed of whole days (RFC 5545), the same bytes for the same
// events and instant.
func Calendar(name string, events []Event, now time.Time) []byte {
	var b strings.Builder
	line := func(name, value string) { fold(&b, name+":"+value) }
	line("BEGIN", "VCALENDAR")
	line("VERSION", "2.0")
	line("PRODID", "-//Tieout//Tasks//EN")
	line("CALSCALE", "GREGORIAN")
	line("METHOD", "PUBLISH")
	line("X-WR-CALNAME", escapeText(name))
	for _, e := range events {
		line("BEGIN", "VEVENT")
		line("UID", escapeText(e.UID))
		line("DTSTAMP", now.UTC().Format("20060102T150405Z"))
		line("DTSTART;VALUE=DATE", e.Day.Format("20060102"))
		line("DTEND;VALUE=DATE", e.Day.AddDate(0, 0, 1).Format("20060102"))
		line("SUMMARY", escapeText(e.Title))
		if e.Text != "" {
			line("DESCRIPTION", escapeText(e.Text))
		}
		if e.Link != "" {
			line("URL", oneLine(e.Link))
		}
		line("TRANSP", "TRANSPARENT")
		line("END", "VEVENT")
	}
	line("END", "VCALENDAR")
	return []byte(b.String())
}

// escapeText writes a TEXT value (RFC 5545, 3.3.11).
func escapeText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(s)
}

// maxOctets is how long a line of a calendar is without its end (RFC 5545, 3.1).
const maxOctets = 75

// fold writes a line in pieces that are short enough, and breaks no character.
func fold(b *strings.Builder, s string) {
	for room := maxOctets; len(s) > room; room = maxOctets - 1 {
		n := room
		for !utf8.RuneStart(s[n]) {
			n--
		}
		b.WriteString(s[:n] + "\r\n ")
		s = s[n:]
	}
	b.WriteString(s + "\r\n")
}
