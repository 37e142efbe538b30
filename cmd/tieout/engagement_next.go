package main

import (
	"context"
	"fmt"

	"go.yaml.in/yaml/v4"

	"tieout/engagement"
)

// A termsOut is a file of terms as it is written for a person to mend: without what
// it says nothing of.
type termsOut struct {
	Type   string    `yaml:"type"`
	Client partyFile `yaml:"client"`
	System string    `yaml:"system"`
	Zone   string    `yaml:"zone"`
	First  string    `yaml:"first"`
	Last   string    `yaml:"last"`

	Quality     bool                `yaml:"qualityReview,omitempty"`
	Categories  map[string]string   `yaml:"categories,omitempty"`
	Extra       []extraFile         `yaml:"extra,omitempty"`
	Objectives  []objectiveFile     `yaml:"objectives,omitempty"`
	Subservices []subserviceFile    `yaml:"subservices,omitempty"`
	Prior       []map[string]string `yaml:"prior,omitempty"`
}

// termsFileOf is the file that says what terms over a period say.
func termsFileOf(t engagement.Terms) termsOut {
	out := termsOut{Type: string(t.Type), Client: partyFile{Name: t.Client.Name, Key: t.Client.Key}, System: t.System, Zone: t.Zone, First: t.First, Last: t.Last, Quality: t.Quality, Categories: map[string]string{}}
	for _, c := range t.Categories {
		if out.Categories[string(c.Category)] = c.Why; c.In {
			out.Categories[string(c.Category)] = inScopeWord
		}
	}
	for _, x := range t.Extra {
		out.Extra = append(out.Extra, extraFile{ID: x.ID, Name: x.Name, Examined: x.Examined, Criteria: x.Criteria, Framework: x.Framework})
	}
	for _, x := range t.Objectives {
		out.Objectives = append(out.Objectives, objectiveFile{ID: x.ID, Text: x.Text, Controls: x.Controls})
	}
	for _, x := range t.Subservices {
		s := subserviceFile{Name: x.Name, Service: x.Service, Inclusive: x.Inclusive, Monitor: x.Monitor}
		for _, e := range x.Expected {
			s.Expected = append(s.Expected, expectedFile{ID: e.ID, Text: e.Text, Criteria: e.Criteria})
		}
		out.Subservices = append(out.Subservices, s)
	}
	for _, x := range t.Prior {
		p := map[string]string{"control": x.Control, "text": x.Text}
		if x.Became != "" {
			p["became"] = x.Became
		}
		out.Prior = append(out.Prior, p)
	}
	return out
}

// printNext prints the file of terms that follow an engagement's; nothing is opened.
func (a *app) printNext(ctx context.Context, d *firmDesk, after string) error {
	t, err := d.NextTerms(ctx, after)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.writeJSON("tieout.terms/1", fmt.Sprintf("Terms that follow those of %s; nothing is opened.", after), "terms", t)
	}
	text, err := yaml.Marshal(termsFileOf(t))
	if err != nil {
		return fmt.Errorf("write the terms: %w", err)
	}
	a.note("Nothing is opened. Read it, mend it, then: tieout engagement open FILE")
	if err := a.noteDays(ctx, d, t); err != nil {
		return err
	}
	_, err = a.env.Stdout.Write(text)
	return err
}

// noteDays warns of the length of the days that are examined, and of days between
// them and the engagement before.
func (a *app) noteDays(ctx context.Context, d *firmDesk, t engagement.Terms) error {
	if t.Type.OverPeriod() {
		a.lengthNote("", t.First, t.Last)
	}
	warn, err := d.Adjoining(ctx, t)
	if warn != "" {
		a.note("%s", warn)
	}
	return err
}
