// Package unwritten finds text that waits to be written: placeholders that a
// template left, and the marks people leave for later.
package unwritten

import "regexp"

var mark = regexp.MustCompile(`(?i)\[[^\]\n]*(?:insert|placeholder|client name|company name|service organization|date|tbd|todo|xx)[^\]\n]*\](?:[^(]|$)` +
	`|\[(?:insert|placeholder)|<(?:insert|name|date)[^>]*>|<insert|\{\{|\}\}|tbd|\btodo\b|\bxx+\b|xxx|lorem ipsum`)

// Find returns the first placeholder in a text as it stands there, "" where the
// text holds none. A Markdown link whose words name a date is none.
func Find(text string) string { return mark.FindString(text) }
