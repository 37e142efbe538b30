package management_test

import (
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
)

// TestDecideChange: a signer decides whether a change is told of, says why, and
// may decide again after having seen the decision before.
func TestDecideChange(t *testing.T) {
	w := agreed(t, engagement.SOC2TypeII)
	const ref = "component/eu@2026-05-01"
	refused(t, w.book.DecideChange(t.Context(), lead, "EN-1", ref, false, "Users see nothing of it.", 0), audit.ErrForbidden, "")
	refused(t, w.book.DecideChange(t.Context(), signer, "EN-1", ref, false, " ", 0), audit.ErrInvalid, "why")
	refused(t, w.book.DecideChange(t.Context(), signer, "EN-1", "a|b", true, "It matters.", 0), audit.ErrInvalid, "named like")
	refused(t, w.book.DecideChange(t.Context(), signer, "EN-2", ref, true, "It matters.", 0), audit.ErrNotFound, "EN-2")
	check(t, w.book.DecideChange(t.Context(), signer, "EN-1", ref, false, "Users see nothing of it.", 0))
	refused(t, w.book.DecideChange(t.Context(), signer, "EN-1", ref, true, "It matters.", 0), audit.ErrConflict, "")
	check(t, w.book.DecideChange(t.Context(), signer, "EN-1", ref, true, "It matters after all.", 1))
	w.side(func(x *management.Side) {
		if r := x.Changes[ref]; r == nil || !r.Disclosed || r.Why != "It matters after all." || r.Revision != 2 || r.By != samID {
			t.Errorf("the decision: %+v", r)
		}
	})
}
