package definition

import (
	"strings"
	"testing"
)

func TestBridgeDays(t *testing.T) {
	tests := []struct {
		name, lines string
		want        int
		fault       string
	}{
		{"nothing said", "", 92, ""},
		{"a shorter policy", "examination: { bridgeDays: 60 }\n", 60, ""},
		{"longer than any letter", "examination: { bridgeDays: 120 }\n", 0, "1 to 92 days, not of 120"},
		{"none", "examination: { bridgeDays: -1 }\n", 0, "1 to 92 days, not of -1"},
		{"another key", "examination: { days: 3 }\n", 0, "days"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := "organization: { name: Acme, system: Acme Cloud, zone: UTC }\nperiod: { first: \"2026-01-01\", last: \"2026-12-31\" }\n" + tt.lines
			w, err := LoadFiles(map[string][]byte{"tieout.yaml": []byte(text)})
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Errorf("got %v, want %q", err, tt.fault)
				}
				return
			}
			if err != nil || w.Config.Examination.BridgeDays != tt.want {
				t.Errorf("got %+v, %v; want %d days", w, err, tt.want)
			}
		})
	}
}
