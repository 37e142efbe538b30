package definition

import "testing"

func TestObjectivesInWords(t *testing.T) {
	tests := []struct {
		name string
		r    *Recovery
		want string
	}{
		{"both", &Recovery{Time: "4h", Loss: "1h"}, "back within 4 hours, at most 1 hour lost"},
		{"time alone", &Recovery{Time: "90m"}, "back within 90 minutes"},
		{"loss alone", &Recovery{Loss: "2d"}, "at most 2 days lost"},
		{"none", nil, ""},
		{"empty", &Recovery{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.r.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	for in, want := range map[string]string{"365d": "365 days", "1y": "1 year", "7y": "7 years", "": "", "soon": "soon"} {
		if got := LengthText(in); got != want {
			t.Errorf("LengthText(%q) = %q, want %q", in, got, want)
		}
	}
}
