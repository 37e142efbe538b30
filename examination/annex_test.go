package examination

import (
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

// TestLongCourse: of too many steps the first and the last of the kinds with the
// most entries are told, all of the others, and how many are left out.
func TestLongCourse(t *testing.T) {
	var long []fieldwork.Turn
	for i := range int64(1000) {
		kind := "paper.review"
		if i%100 == 50 {
			kind = "opinion.write"
		}
		long = append(long, fieldwork.Turn{Record: i, Kind: kind})
	}
	got, left := few(long, ofTurn)
	if len(got) != 12 || left != 988 || got[0].Record != 0 || got[11].Record != 999 || got[2].Kind != "opinion.write" {
		t.Errorf("%d steps, %d left out: %+v", len(got), left, got)
	}
	if got, left := few(long[:maxSteps], ofTurn); len(got) != maxSteps || left != 0 {
		t.Errorf("a course that fits is cut to %d", len(got))
	}
}
