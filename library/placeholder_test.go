package library

import (
	"slices"
	"testing"
)

func TestPlaceholders(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"each once, in order", "{system} of {organization}, {system}", []string{"{system}", "{organization}"}},
		{"one nobody knows", "Ask {the boss}.", []string{"{the boss}"}},
		{"not one", `{} { a } {"a": 1} {A} {a_b} \{a\}`, nil},
		{"none", "Text.", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Placeholders(c.text); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestFill(t *testing.T) {
	values := map[string]string{Organization: "A *B*\n# C", System: "{organization}", "other": ""}
	for _, c := range []struct{ name, text, want string }{
		{"as it is written", "{organization}", `A \*B\* # C`},
		{"no placeholder in a placeholder", "{system}", `\{organization\}`},
		{"without a value", "{security contact} {other}", "{security contact} {other}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Fill(c.text, values); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
