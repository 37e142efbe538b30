package fieldwork_test

import (
	"errors"
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

func TestSamplesArePickedAgain(t *testing.T) {
	w := sampled(t)
	if same := must[bool](t)(w.book.PickAgain(t.Context(), staff, "EN-1", "S-1")); !same {
		t.Error("S-1 picked again is another; want the same")
	}
	must[fieldwork.Sample](t)(w.book.DrawSample(t.Context(), staff, "EN-1", fieldwork.Order{Population: "P-1", Control: "CHG-01", Method: engagement.Judgmental, Why: "the largest", Picked: map[string]string{"CHG-0007": "it is the largest"}}))
	if _, err := w.book.PickAgain(t.Context(), staff, "EN-1", "S-2"); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a pick by judgment: %v; want that nothing is drawn", err)
	}
	if _, err := w.book.PickAgain(t.Context(), stranger, "EN-1", "S-1"); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("a stranger: %v; want it forbidden", err)
	}
}
