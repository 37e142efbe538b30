package examination

import (
	"fmt"
	"testing"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// TestAnnexOfEverybody: what everybody may read tells of no result.
func TestAnnexOfEverybody(t *testing.T) {
	for kind := range steps {
		want := kind != "finding.release" && kind != "finding.response" && kind != "sample.replace"
		if got := printedStep(engagement.SOC3, kind); got != want {
			t.Errorf("SOC 3, %s: printed %t, want %t", kind, got, want)
		}
		if !printedStep(engagement.SOC2TypeII, kind) {
			t.Errorf("SOC 2 Type II, %s: not printed", kind)
		}
	}
	if printedStep(engagement.SOC2TypeII, "cell.mark") {
		t.Error("a mark is a step of the annex")
	}
}

// TestLongCourse: of too many steps the first and the last of each kind are told.
func TestLongCourse(t *testing.T) {
	var long []fieldwork.Turn
	for i := range int64(1000) {
		long = append(long, fieldwork.Turn{Record: i, Kind: fmt.Sprint("kind ", i%2)})
	}
	got := few(long, ofTurn)
	if len(got) != 4 || got[0].Record != 0 || got[3].Record != 999 {
		t.Errorf("%d steps: %+v", len(got), got)
	}
	if got := few(long[:maxSteps], ofTurn); len(got) != maxSteps {
		t.Errorf("a course that fits is cut to %d", len(got))
	}
}
