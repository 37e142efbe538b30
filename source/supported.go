package source

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
)

// A Supported is what an organization states of one line of an operating
// system: from version From on, up to where its next line begins, it gets
// security updates until the end of the day Until (UTC).
type Supported struct {
	Platform string `json:"platform"`       // as device.platform
	Name     string `json:"name,omitempty"` // of linux: the distribution, as it calls itself
	From     string `json:"from"`           // "15.0"
	Until    string `json:"until"`          // 2027-09-15
}

// SupportedSetting is the setting of every source that reads versions of
// operating systems.
var SupportedSetting = Setting{
	Name:    "supported",
	Doc:     "until when which versions of operating systems get security updates, as you state it; absent: what is known without",
	Example: `[{platform: macos, from: "15.0", until: 2027-09-15}]`,
}

// SupportedCannot is the limit that a stream has where it is stated.
const SupportedCannot = "until when the makers of operating systems deliver security updates: that is as the organization states"

// A SupportedList is the setting `supported`.
type SupportedList []Supported

// Check refuses what cannot be held against a version: an unknown platform, a
// line without a version or a day, and two lines that begin with the same version.
func (l SupportedList) Check() error {
	device, err := audit.TypeByName("device")
	if err != nil {
		return err
	}
	platforms := device.Field("platform").Enum
	for i, s := range l {
		var why error
		switch _, day := time.Parse(time.DateOnly, s.Until); {
		case !slices.Contains(platforms, s.Platform):
			why = fmt.Errorf("platform %q is not one of %q", s.Platform, platforms)
		case (s.Platform == "linux") != (s.Name != ""):
			why = errors.New("name: write the distribution of linux, and of nothing else")
		case versionOf(s.From) == nil || strings.Contains(s.From, " "):
			why = fmt.Errorf("from: %q is not a version such as \"15.0\"", s.From)
		case day != nil:
			why = fmt.Errorf("until: %q is not a day such as 2027-09-15", s.Until)
		case slices.ContainsFunc(l[:i], s.begins):
			why = errors.New("another line begins with the same version")
		}
		if why != nil {
			return fmt.Errorf("supported: line %d: %w", i+1, why)
		}
	}
	return nil
}

// begins reports whether two lines of one system begin with the same version.
func (s Supported) begins(other Supported) bool {
	return s.of(other.Platform, other.Name) && compareVersions(versionOf(s.From), versionOf(other.From)) == 0
}

func (s Supported) of(platform, name string) bool {
	return s.Platform == platform && (platform != "linux" || strings.EqualFold(s.Name, name))
}

// At says whether a system of this version still gets security updates at an
// instant, and why it says so. ok is false where nothing is stated of such a
// system, or its version cannot be read: then nothing is known. A version
// before every stated one is not supported. name is the distribution of a linux.
func (l SupportedList) At(at time.Time, platform, name, version string) (supported bool, why string, ok bool) {
	v := versionOf(version)
	if v == nil {
		return false, "", false
	}
	var line *Supported
	stated := false
	for i, s := range l {
		if !s.of(platform, name) {
			continue
		}
		stated = true
		from := versionOf(s.From)
		if compareVersions(from, v) <= 0 && (line == nil || compareVersions(from, versionOf(line.From)) > 0) {
			line = &l[i]
		}
	}
	switch {
	case !stated:
		return false, "", false
	case line == nil:
		return false, "the organization states that versions as old get no security updates", true
	}
	day, err := time.Parse(time.DateOnly, line.Until)
	if err != nil {
		return false, "", false
	}
	return at.Before(day.AddDate(0, 0, 1)), fmt.Sprintf("the organization states: from %s, security updates until %s", line.From, line.Until), true
}

// versionOf is the version in what a system calls itself: of its words that are
// numbers and dots, the one with the most parts. "Microsoft Windows 11
// Enterprise 10.0.26100" is 10.0.26100. nil where there is none.
func versionOf(text string) []int {
	var best []int
	for word := range strings.FieldsSeq(text) {
		if v := numbers(word); len(v) > len(best) {
			best = v
		}
	}
	return best
}

func numbers(word string) []int {
	var out []int
	for part := range strings.SplitSeq(word, ".") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return nil
		}
		out = append(out, int(n))
	}
	return out
}

// compareVersions orders versions; a part that is missing is 0.
func compareVersions(a, b []int) int {
	for i := range max(len(a), len(b)) {
		if d := partOf(a, i) - partOf(b, i); d != 0 {
			return d
		}
	}
	return 0
}

func partOf(v []int, i int) int {
	if i < len(v) {
		return v[i]
	}
	return 0
}
