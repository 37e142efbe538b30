package definition

import (
	"fmt"
	"regexp"

	"tieout/audit"
)

// A Warning is something about a control that will be disputed later.
type Warning struct {
	Control string `json:"control"`
	Text    string `json:"text"`
}

var (
	vague     = regexp.MustCompile(`(?i)\b(periodic(ally)?|timely|in time|promptly|regularly|as needed|as appropriate|when necessary|adequate(ly)?|reasonabl[ey]|suitabl[ey]|sufficient(ly)?|set (days|time|cadence|intervals?)|within target|target time)\b`)
	recurring = regexp.MustCompile(`(?i)\b(once|every|each|all times|day|week|month|quarter|half-year|year|yearly|release|event)\b`)
)

// Lint returns what makes a control's description hard to test: words without
// a number behind them, and a cadence that the description does not say.
func Lint(c audit.Control) []Warning {
	var out []Warning
	for _, word := range vague.FindAllString(c.Description, -1) {
		out = append(out, Warning{c.ID, fmt.Sprintf("%q says nothing that can be tested; write a number of hours or days, or a frequency", word)})
	}
	switch c.Frequency {
	case "daily", "weekly", "monthly", "quarterly", "semi-annual", "annual":
		if !recurring.MatchString(c.Description) {
			out = append(out, Warning{c.ID, fmt.Sprintf("it is performed %s, and the description does not say how often", c.Frequency)})
		}
	}
	if len(c.Description) < 40 {
		out = append(out, Warning{c.ID, "the description is short; say who does what, to what, how often and within what time"})
	}
	return out
}
