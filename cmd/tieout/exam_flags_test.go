package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// TestCellsAsTyped: items have colons of their own, as addresses of resources do.
func TestCellsAsTyped(t *testing.T) {
	rows := []string{"hr/7", "arn:aws:iam::123456789012:user/ann", "a:b"}
	for _, tt := range []struct{ name, in, item, attribute string }{
		{"an item", "hr/7", "hr/7", "A"},
		{"an item and an attribute", "hr/7:B", "hr/7", "B"},
		{"an item with colons", "arn:aws:iam::123456789012:user/ann", "arn:aws:iam::123456789012:user/ann", "A"},
		{"an item with colons and an attribute", "arn:aws:iam::123456789012:user/ann:B", "arn:aws:iam::123456789012:user/ann", "B"},
		{"an item that ends as an attribute would", "a:b", "a:b", "A"},
		{"of a test without items", ":B", "", "B"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := typedCell(tt.in, rows); got != (fieldwork.FindingCell{Item: tt.item, Attribute: tt.attribute}) {
				t.Errorf("%q is %+v, want %q %q", tt.in, got, tt.item, tt.attribute)
			}
		})
	}
}

// TestStagesAsTyped: a stage is two numbers and nothing else.
func TestStagesAsTyped(t *testing.T) {
	got, err := readStages([]string{"25/0", "40/1"})
	if err != nil || !slices.Equal(got, []fieldwork.Stage{{Items: 25}, {Items: 40, Accepted: 1}}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, s := range []string{"25/0,40/1", "25/0x", "25", "/0", "25/", "0/0", "-5/0", "25/-1", "25/0/1", ""} {
		if got, err := readStages([]string{s}); !errors.Is(err, audit.ErrUsage) {
			t.Errorf("%q is %v, %v; want it refused", s, got, err)
		}
	}
}

// TestReasonsAsTyped: a reason names its flag where it is none, and what is named
// twice is refused.
func TestReasonsAsTyped(t *testing.T) {
	got, err := explained("--pick", "ITEM=WHY", []string{"hr/7=left in March", "hr/9= joined = left "})
	if err != nil || len(got) != 2 || got["hr/9"] != "joined = left" {
		t.Errorf("%v, %v", got, err)
	}
	for _, list := range [][]string{{"hr/7"}, {"hr/7="}, {"=why"}, {" =why"}, {"hr/7=a", "hr/7=b"}} {
		if _, err := explained("--pick", "ITEM=WHY", list); !errors.Is(err, audit.ErrUsage) || !strings.Contains(err.Error(), "--pick") {
			t.Errorf("%q: %v, want it refused by the flag's name", list, err)
		}
	}
}

// TestDaysAreTheEngagements: a moment's day is the one where the engagement counts
// its days.
func TestDaysAreTheEngagements(t *testing.T) {
	at := time.Date(2026, 4, 1, 2, 30, 0, 0, time.UTC)
	for zone, want := range map[string]string{"UTC": "2026-04-01", "America/New_York": "2026-03-31", "Asia/Tokyo": "2026-04-01", "nowhere": "2026-04-01"} {
		if got := dayOf(engagement.Terms{Zone: zone}, at); got != want {
			t.Errorf("%s: %s, want %s", zone, got, want)
		}
	}
	if got := dayOf(engagement.Terms{Zone: "UTC"}, time.Time{}); got != "" {
		t.Errorf("no moment has the day %q", got)
	}
}
