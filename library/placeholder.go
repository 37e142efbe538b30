package library

import (
	"regexp"
	"slices"
	"strings"
)

// Names of the placeholders that starter texts hold, in braces.
const (
	Organization    = "organization"     // its name
	System          = "system"           // name of the system under examination
	SecurityContact = "security contact" // where people report a security problem
)

// Any lower-case words in braces are a placeholder, so that one nobody knows
// how to fill is found too.
var placeholder = regexp.MustCompile(`\{[a-z][a-z -]{0,60}\}`)

// Placeholders returns what is still to be filled in a text, with its braces,
// each once, in the order of the text. A policy that holds one cannot be approved.
func Placeholders(text string) []string {
	var out []string
	for _, p := range placeholder.FindAllString(text, -1) {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// Fill puts values, by the placeholder's name without braces, into a Markdown
// text. They show as they are written: none can start a heading, a link or
// another placeholder. Placeholders without a value, or with an empty one, stay.
func Fill(text string, values map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		value := strings.Join(strings.Fields(values[strings.Trim(p, "{}")]), " ")
		if value == "" {
			return p
		}
		return markup.Replace(value)
	})
}

// markup is what Markdown would read as more than a character.
var markup = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "[", `\[`, "]", `\]`, "<", `\<`, "{", `\{`, "}", `\}`, "~", `\~`, "|", `\|`)
