package report

import "testing"

func TestInert(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a formula", "=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"},
		{"a number with a sign", "-1", "'-1"},
		{"a plus", "+1", "'+1"},
		{"a function", "@SUM(A1)", "'@SUM(A1)"},
		{"a tab before it", "\t=1", "'\t=1"},
		{"a line before it", "\n=1", "'\n=1"},
		{"a wide sign", "＝1", "'＝1"},
		{"words", "Two people release a payment", "Two people release a payment"},
		{"a sign inside", "a=b", "a=b"},
		{"nothing", "", ""},
		{"no text", "\xff", "\xff"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Inert(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
