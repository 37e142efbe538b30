package main

import (
	"bufio"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"tieout/audit"
	"tieout/definition"
)

// fillAnswers completes what init needs to know: guessed with --yes, else asked
// with the guess as the default. Nothing is asked without a person to answer.
func (a *app) fillAnswers(to *definition.Answers, dir string, yes bool) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	now := a.env.Now()
	to.Now = now
	guesses := []struct {
		field *string
		what  string
		guess string
	}{
		{&to.Name, "Name of the organization", filepath.Base(abs)},
		{&to.System, "The system under examination", ""},
		{&to.Zone, "Time zone (days are counted in it)", localZone(a.env.Getenv)},
		{&to.First, "First day of the period", now.AddDate(-1, 0, 1).Format(time.DateOnly)},
		{&to.Last, "Last day of the period", now.Format(time.DateOnly)},
	}
	if to.First != "" && to.Last == "" {
		guesses[4].guess = yearFrom(to.First)
	}
	if to.Firm { // it has no system and no period of its own
		guesses[0].what = "Name of the firm"
		guesses = append(guesses[:1:1], guesses[2])
	}
	if !yes && (a.noInput || !terminal(a.env.Stdin)) {
		return fmt.Errorf("%w: there is nobody to ask; repeat with --yes, or answer with --name, --system, --zone, --first and --last", audit.ErrUsage)
	}
	in := bufio.NewScanner(a.env.Stdin)
	for _, g := range guesses {
		if *g.field != "" {
			continue
		}
		if g.guess == "" {
			g.guess = to.Name
		}
		*g.field = g.guess
		if yes {
			continue
		}
		fmt.Fprintf(a.env.Stderr, "%s [%s]: ", g.what, g.guess)
		if !in.Scan() {
			return fmt.Errorf("%w: no answer", audit.ErrUsage)
		}
		if s := strings.TrimSpace(in.Text()); s != "" {
			*g.field = s
		}
	}
	return nil
}

// yearFrom is the last day of the year that begins on first.
func yearFrom(first string) string {
	t, err := time.Parse(time.DateOnly, first)
	if err != nil {
		return ""
	}
	return t.AddDate(1, 0, -1).Format(time.DateOnly)
}

// localZone is this machine's zone if it has an IANA name, else UTC.
func localZone(getenv func(string) string) string {
	for _, name := range []string{getenv("TZ"), zoneLink()} {
		if name == "" || name == "Local" {
			continue
		}
		if _, err := time.LoadLocation(name); err == nil {
			return name
		}
	}
	return "UTC"
}

// zoneLink reads the zone's name off the link that most systems keep.
func zoneLink() string {
	target, err := filepath.EvalSymlinks("/etc/localtime")
	if err != nil {
		return ""
	}
	_, name, ok := strings.Cut(filepath.ToSlash(target), "zoneinfo/")
	if !ok || name == "Etc/UTC" {
		return ""
	}
	return name
}
