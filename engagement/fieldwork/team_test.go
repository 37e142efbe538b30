package fieldwork_test

import (
	"errors"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// TestDeclareOnlyWhereOnesRoleReaches: what is one's own any grant reaches, and an
// engagement that is another team's is closed all the same.
func TestDeclareOnlyWhereOnesRoleReaches(t *testing.T) {
	t.Parallel()
	w := begun(t, engagement.SOC2TypeII)
	for _, c := range []struct {
		name string
		who  access.Subject
		want error
	}{
		{"of staff with a role on another engagement", stranger, audit.ErrForbidden},
		{"of staff with a role on it, before anybody assigned them", staff, nil},
		{"of the quality reviewer to be", quality, nil},
		{"of a partner of the whole firm", partner, nil},
	} {
		if err := w.book.Declare(t.Context(), c.who, "EN-1", true, ""); !errors.Is(err, c.want) {
			t.Errorf("a declaration %s: %v; want %v", c.name, err, c.want)
		}
	}
	if err := w.book.Declare(t.Context(), stranger, "EN-9", true, ""); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("on an engagement that is none: %v; want not found", err)
	}
}

// TestAConflictIsNotLiftedByItsOwner: who declared one and is free of it says why,
// and works once a partner approved that. What was declared before stays.
func TestAConflictIsNotLiftedByItsOwner(t *testing.T) {
	t.Parallel()
	w := opened(t)
	ctx := t.Context()
	declare := func(free bool, words string) error { return w.book.Declare(ctx, staff, "EN-1", free, words) }
	mine := func() (d fieldwork.Declaration) {
		w.file(func(_ *fieldwork.State, f *fieldwork.File) { d = *f.Independence[stefID] })
		return d
	}
	if err := declare(true, "nothing stands against it"); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("why a conflict stands no more, of none: %v; want it refused", err)
	}
	check(t, declare(false, "My sister works at Halyard."))
	if err := declare(true, ""); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), "say why it stands no more") {
		t.Errorf("free of a conflict without a word: %v; want it refused", err)
	}
	check(t, declare(true, "She left Halyard on 1 March."))
	if d := mine(); d.Clear() || len(d.Earlier) != 2 || d.Earlier[1].Conflict == "" {
		t.Errorf("%+v; want it not clear before a partner's word, the conflict kept", d)
	}
	if err := declare(true, ""); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("declared free again, past the partner: %v; want it refused", err)
	}
	check(t, w.book.ApproveSafeguard(ctx, partner, "EN-1", stefID, "Her leaving was confirmed.", w.revision("independence:EN-1/"+stefID)))
	if d := mine(); !d.Clear() {
		t.Errorf("%+v; want it clear by the partner's word", d)
	}
	check(t, declare(true, ""))
}
