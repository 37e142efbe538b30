package unwritten

import "testing"

func TestFind(t *testing.T) {
	tests := []struct{ text, want string }{
		{"Acme keeps ledgers for small firms.", ""},
		{"In March [insert incident] took place.", "[insert incident] "},
		{"In March [insert", "[insert"},
		{"The report of [Date]", "[Date]"},
		{"See [the date of the report](#dated).", ""},
		{"We TBD.", "TBD"},
		{"It is {{name}}.", "{{"},
		{"It ends with }}", "}}"},
		{"TODO: say who", "TODO"},
		{"Mastodon is a network.", ""},
		{"Lorem ipsum dolor", "Lorem ipsum"},
		{"By <name of the firm>", "<name of the firm>"},
		{"In XX cases", "XX"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := Find(tt.text); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}
