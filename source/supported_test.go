package source

import (
	"strings"
	"testing"
	"time"
)

var stated = SupportedList{
	{Platform: "macos", From: "14.0", Until: "2026-09-15"},
	{Platform: "macos", From: "15.0", Until: "2027-09-15"},
	{Platform: "windows", From: "10.0.26100", Until: "2027-10-12"},
	{Platform: "linux", Name: "ubuntu", From: "22.04", Until: "2032-04-30"},
}

func TestSupported(t *testing.T) {
	tests := []struct {
		name                    string
		platform, linux, system string
		at                      string
		supported, ok           bool
	}{
		{"in its time", "macos", "", "15.1", "2026-11-01T08:00:00Z", true, true},
		{"with the system's name before it", "macos", "", "macOS 15.1", "2026-11-01T08:00:00Z", true, true},
		{"written without its second part", "macos", "", "15", "2026-11-01T08:00:00Z", true, true},
		{"on its last day", "macos", "", "15.1", "2027-09-15T23:59:59Z", true, true},
		{"on the day after", "macos", "", "15.1", "2027-09-16T00:00:00Z", false, true},
		{"the line before has ended", "macos", "", "14.7.2", "2026-11-01T08:00:00Z", false, true},
		{"the line before in its time", "macos", "", "14.7.2", "2026-09-01T08:00:00Z", true, true},
		{"older than every line", "macos", "", "13.7", "2026-01-01T08:00:00Z", false, true},
		{"newer than every line", "macos", "", "26.0", "2026-11-01T08:00:00Z", true, true},
		{"ten is after nine", "macos", "", "15.10", "2026-11-01T08:00:00Z", true, true},
		{"a build, not the product's number", "windows", "", "Microsoft Windows 11 Enterprise 10.0.26100", "2026-11-01T08:00:00Z", true, true},
		{"an older build", "windows", "", "Windows 10 Pro 10.0.19045.3803", "2026-11-01T08:00:00Z", false, true},
		{"a distribution", "linux", "Ubuntu", "Ubuntu 22.04.1 LTS", "2030-11-01T08:00:00Z", true, true},
		{"another distribution", "linux", "debian", "12 (bookworm)", "2026-11-01T08:00:00Z", false, false},
		{"no version", "macos", "", "Sequoia", "2026-11-01T08:00:00Z", false, false},
		{"nothing stated of it", "ios", "", "18.1", "2026-11-01T08:00:00Z", false, false},
		{"a number no version has", "macos", "", "99999999999999999999", "2026-11-01T08:00:00Z", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			supported, why, ok := stated.At(at, tt.platform, tt.linux, tt.system)
			if supported != tt.supported || ok != tt.ok || ok != strings.Contains(why, "the organization states") {
				t.Errorf("got %v %v (%s), want %v %v", supported, ok, why, tt.supported, tt.ok)
			}
		})
	}
}

func TestSupportedCheck(t *testing.T) {
	if err := stated.Check(); err != nil {
		t.Error(err)
	}
	tests := []struct {
		name string
		line Supported
		want string
	}{
		{"unknown platform", Supported{Platform: "mac", From: "15.0", Until: "2027-09-15"}, `platform "mac" is not one of`},
		{"linux without a name", Supported{Platform: "linux", From: "12", Until: "2027-09-15"}, "name: write the distribution"},
		{"a name of another", Supported{Platform: "macos", Name: "sequoia", From: "15.0", Until: "2027-09-15"}, "name: write the distribution"},
		{"no version", Supported{Platform: "macos", From: "Sequoia", Until: "2027-09-15"}, "from:"},
		{"words beside the version", Supported{Platform: "macos", From: "macOS 15", Until: "2027-09-15"}, "from:"},
		{"no day", Supported{Platform: "macos", From: "15.0", Until: "2027"}, "until:"},
		{"without an end", Supported{Platform: "macos", From: "15.0"}, "until:"},
		{"twice", Supported{Platform: "macos", From: "15", Until: "2027-09-15"}, "another line begins"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := append(SupportedList{{Platform: "macos", From: "15.0", Until: "2027-09-15"}}, tt.line).Check()
			if err == nil || !strings.Contains(err.Error(), "supported: line 2: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
