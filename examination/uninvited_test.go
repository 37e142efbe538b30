package examination_test

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/engagement/packet"
	"tieout/ledger"
)

// bySync has the firm send and fetch over HTTP, at Acme's own server.
func (w *world) bySync() (packet.Exchanged, error) {
	w.t.Helper()
	ctx := w.t.Context()
	server := httptest.NewServer(packet.Serve(w.client.Keeper))
	defer server.Close()
	check(w.t, w.firm.Flush(ctx, "EN-1"))
	c := packet.Client{URL: must[*url.URL](w.t)(url.Parse(server.URL)), HTTP: server.Client(), Post: must[*packet.Post](w.t)(w.firm.Post(ctx, "EN-1", "")), By: audit.Actor{Kind: audit.ActorPerson, Name: "courier"}, Take: w.firm.Take}
	return c.Sync(ctx)
}

// TestUninvited: a firm that is not invited any more sends nothing and fetches
// nothing, by folder as over HTTPS; what came before stays readable, and invited
// again it goes on where it was.
func TestUninvited(t *testing.T) {
	w := begun(t)
	ctx, origin := t.Context(), w.firm.P.Log.Keys().Log()
	must[packet.Exchanged](t)(w.bySync())
	rq := must[fieldwork.Request](t)(w.firm.Files.SetRequest(ctx, staff, "EN-1", engagement.Request{Kind: "evidence", Title: "Leavers", Asks: "Everybody who left in March.", Tests: []string{}}, 0))
	check(t, w.firm.Files.ReleaseRequests(ctx, staff, "EN-1", rq.ID))
	check(t, w.client.Side.EndFirm(ctx, lead, origin, "another firm examines us"))

	for name, try := range map[string]func() error{
		"by folder":              func() error { _, err := w.client.Post(ctx, "EN-1", origin); return err },
		"by folder, of its side": func() error { _, err := w.client.Post(ctx, "EN-1", ""); return err },
		"a server":               func() error { _, err := w.client.Keeper(ctx, "EN-1", origin); return err },
		"what is due":            func() error { return w.client.Flush(ctx, "EN-1") },
		"over HTTPS":             func() error { _, err := w.bySync(); return err },
	} {
		if err := try(); !errors.Is(err, audit.ErrForbidden) {
			t.Errorf("%s: %v, want it forbidden", name, err)
		}
	}
	asked := func() (n int) {
		w.side(func(_ *management.State, x *management.Side) { n = len(x.Requests) })
		return n
	}
	if n := asked(); n != 0 {
		t.Errorf("%d requests came of a firm that is not invited", n)
	}
	kept := must[*packet.Post](t)(w.client.Kept(ctx, "EN-1"))
	if list := must[[]packet.Filed](t)(kept.List(ctx, false, 0)); len(list) == 0 {
		t.Error("what came before cannot be read")
	}

	invite := func(key string) {
		check(t, w.client.Side.InviteFirm(ctx, lead, "Brookline Assurance LLP", key, ""))
	}
	_, other, err := ledger.GenerateKey(origin)
	check(t, err)
	invite(other)
	if _, err := w.bySync(); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("invited with another key: %v, want the old one forbidden", err)
	}
	check(t, w.client.Side.EndFirm(ctx, lead, origin, "a wrong key"))
	invite(w.firm.P.Log.Keys().Links()[0].Key.VKey())
	must[packet.Exchanged](t)(w.bySync())
	if n := asked(); n != 1 {
		t.Errorf("%d requests after it was invited again, want 1", n)
	}
}
