package demo

import (
	"fmt"
	"time"
)

const (
	openCritical = 7  // open for 45 days
	acceptedHigh = 16 // risk accepted in time, with an end
)

var severities = []string{"LOW", "MEDIUM", "LOW", "HIGH", "MEDIUM", "LOW", "MEDIUM", "CRITICAL", "LOW", "MEDIUM", "HIGH", "LOW", "MEDIUM", "LOW", "MEDIUM", "LOW", "HIGH"}

// daysToFix is how soon Halyard fixes, well inside its targets.
var daysToFix = map[string]int{"CRITICAL": 4, "HIGH": 17, "MEDIUM": 46, "LOW": 70}

func (w *world) vulnerabilityTable() *table {
	t := &table{n: w.size.Vulnerabilities, cols: columns("id advisory severity state asset package first_seen fixed_at accepted_by accepted_until fix_available:b scanner")}
	t.make = func(i int) (thing, bool) { return w.vulnerability(t, i) }
	return t
}

func vulnerabilityID(i int) string { return fmt.Sprintf("VUL-%05d", i+1) }

func (w *world) vulnerability(t *table, i int) (thing, bool) {
	severity := severities[i%len(severities)]
	found := on(addDays(day(2025, 1, 6), i*340/w.size.Vulnerabilities), 4, 30)
	fixed := addDays(found, daysToFix[severity])
	if i == openCritical {
		found = clock(2025, 6, 2, 4, 30)
		fixed = addDays(found, 45)
	}
	b := t.build().set("id", vulnerabilityID(i), "advisory", fmt.Sprintf("HALY-2025-%04d", i*3+101), "severity", severity, "state", "open",
		"asset", repositoryName(i%len(repositoryWords)), "package", []string{"yamlite", "httpkit", "imagebox", "zipline"}[i%4],
		"first_seen", instantText(found), "fix_available", "true", "scanner", "lookout")
	b.th.born = found
	if i == acceptedHigh {
		at := found.Add(30 * time.Hour)
		fixed = addDays(found, 80)
		b.at(at, "state", "accepted", "accepted_by", "E0003", "accepted_until", instantText(addDays(found, 90)))
	}
	b.at(fixed, "state", "fixed", "fixed_at", instantText(fixed))
	return b.done()
}
