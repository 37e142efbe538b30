package examination_test

import (
	"testing"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/examination"
)

// TestNothingGoesBeforeTheTermsAreAgreed: terms that changed go to the client, and
// whatever was released waits until management has agreed to them.
func TestNothingGoesBeforeTheTermsAreAgreed(t *testing.T) {
	t.Parallel()
	w := begun(t)
	ctx := t.Context()
	var changed engagement.Terms
	var revision int64
	check(t, w.firm.Files.ReadFile(ctx, "EN-1", func(s *fieldwork.State, f *fieldwork.File) error {
		changed, revision = f.Terms, s.Revision("engagement:EN-1")
		return nil
	}))
	changed.System = "Acme Cloud and its mobile app"
	check(t, w.firm.Files.ChangeTerms(ctx, partner, changed, "the app is part of the system", "", revision))
	rq := must[fieldwork.Request](t)(w.firm.Files.SetRequest(ctx, staff, "EN-1", engagement.Request{Kind: "document", Title: "Policy", Asks: "The policy of access."}, 0))
	check(t, w.firm.Files.ReleaseRequests(ctx, staff, "EN-1", rq.ID))
	w.exchange()
	w.side(func(_ *management.State, x *management.Side) {
		if x.Terms.System != changed.System || x.Requests[rq.ID] != nil {
			t.Errorf("the client has the terms of %q and requests %v; want the changed terms alone", x.Terms.System, x.Requests)
		}
	})
	digest := must[string](t)(changed.Digest())
	sig := w.sign(w.client.P, signer, "Chief Executive Officer", "terms of EN-1", digest)
	check(t, w.client.Side.Agree(ctx, signer, "EN-1", digest, sig, examination.Keys{Store: w.client.P.Store}.Own(ctx)))
	w.exchange()
	w.exchange()
	w.side(func(_ *management.State, x *management.Side) {
		if x.Requests[rq.ID] == nil {
			t.Error("management agreed, and the released request has not come")
		}
	})
}
