package management_test

import (
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
)

// TestOther: what management tells beside its description is finished with it, as it
// was read, and stands apart from what is examined.
func TestOther(t *testing.T) {
	w := described(t, engagement.SOC2TypeII)
	ctx, controls := t.Context(), []string{"IAM-06"}
	ones := []int64{1, 1, 1, 1, 1, 1, 1, 1, 1}
	plans := []engagement.Information{{Title: "Plans", Text: "A second region is planned."}}
	refused(t, w.book.TellOther(ctx, owner, "EN-1", plans, 0), audit.ErrForbidden, "")
	for _, tt := range []struct {
		name string
		list []engagement.Information
		says string
	}{
		{"without a title", []engagement.Information{{Text: "A region."}}, "title of section 1"},
		{"without a text", []engagement.Information{{Title: "Plans"}}, "Plans"},
		{"twice", append(plans, plans...), "Plans is there twice"},
		{"too many", make([]engagement.Information, 51), "at most 50 sections"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refused(t, w.book.TellOther(ctx, lead, "EN-1", tt.list, 0), audit.ErrInvalid, tt.says)
		})
	}
	check(t, w.book.TellOther(ctx, lead, "EN-1", []engagement.Information{{Title: "Plans", Text: "TBD"}}, 0))
	finish := func(seen ...int64) error {
		_, err := w.book.FinishDescription(ctx, signer, "EN-1", controls, append(append([]int64{}, ones...), seen...))
		return err
	}
	refused(t, finish(), audit.ErrInvalid, "after them that of the other information")
	refused(t, finish(1), audit.ErrConflict, "the other information, Plans, still holds")
	check(t, w.book.TellOther(ctx, lead, "EN-1", plans, 1))
	refused(t, finish(1), audit.ErrConflict, "the other information has changed since you read it")
	check(t, finish(2))
	w.side(func(x *management.Side) {
		if x.Final == nil || len(x.Final.Other) != 1 || x.Final.Other[0] != plans[0] || len(x.Final.Sections) != 9 {
			t.Errorf("finished: %+v", x.Final)
		}
	})
	check(t, w.book.TellOther(ctx, lead, "EN-1", nil, 2))
	check(t, finish())
	w.side(func(x *management.Side) {
		if len(x.Final.Other) != 0 {
			t.Errorf("taken away, it is finished all the same: %+v", x.Final.Other)
		}
	})
	public := described(t, engagement.SOC3)
	refused(t, public.book.TellOther(ctx, lead, "EN-1", plans, 0), audit.ErrInvalid, "prints no other information")
}
