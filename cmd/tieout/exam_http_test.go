package main

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"tieout/engagement/packet"
	"tieout/examination"
	"tieout/period"
	"tieout/source/all"
)

// TestExchangeByServer: without a folder packets go to the address that the firm
// was invited with; the server of the other side acts on them before it answers.
func TestExchangeByServer(t *testing.T) {
	if testing.Short() {
		t.Skip("two workspaces with people; it runs without -short")
	}
	w := newExamWorld(t)
	w.accepted("EN-1", w.terms("en1.yaml", "2026-03-01", "2026-03-31", ""), map[string]string{"paula": "partner", "mika": "manager"})
	p, err := period.Open(t.Context(), filepath.Join(w.dir, "firm"), period.Options{Drivers: all.Drivers, Now: w.clock, Getenv: func(string) string { return "" }, Tieout: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	firm, err := examination.NewFirm(p)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(packet.Serve(func(ctx context.Context, id, other string) (packet.Keeper, error) { return firm.Keeper(ctx, id, other) }))
	defer server.Close()

	key := strings.TrimSpace(w.done("firm", "engagement", "key"))
	if got := w.as("acme", "engagement", "exchange", "EN-1"); got.code != exitFailed || !strings.Contains(got.err, "no terms of an engagement are here") {
		t.Errorf("before the firm is invited: exit %d, %s", got.code, got.err)
	}
	w.done("acme:lea", "engagement", "invite", "Brookline Assurance LLP", key, "--address", server.URL)
	out := w.done("acme", "engagement", "exchange", "EN-1", "-o", "json")
	x := w.field(out, "items").([]any)[0].(map[string]any)
	if x["taken"] != 1.0 || x["sent"] != 0.0 {
		t.Errorf("the first exchange: %v, want the terms taken", x)
	}
	digest := w.field(w.done("acme", "engagement", "show", "-o", "json"), "engagement", "digest").(string)
	w.done("acme:sam", "engagement", "agree", "--terms", digest[:8], "--title", "Chief Executive Officer", "--passphrase", "env:WORDS")
	if got := w.done("acme", "engagement", "exchange"); !strings.HasPrefix(got, "EN-1: 2 packets sent, 0 packets taken.") {
		t.Errorf("the second exchange says %q, want agreement and controls sent", got)
	}
	if got := w.done("firm", "engagement", "show", "EN-1"); !strings.Contains(got, "by Sam Ibe, Chief Executive Officer") {
		t.Errorf("the firm was not told:\n%s", got)
	}
	server.Close()
	if got := w.as("acme", "engagement", "exchange"); got.code != exitInconclusive {
		t.Errorf("a server that is away: exit %d, want %d\n%s", got.code, exitInconclusive, got.err)
	}
}
