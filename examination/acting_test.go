package examination_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/definition"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/engagement/packet"
	"tieout/examination"
	"tieout/ledger"
	"tieout/period"
)

var courier = audit.Actor{Kind: audit.ActorPerson, Name: "courier"}

// asks releases a request of the firm's to Acme.
func (w *world) asks(title string) string {
	w.t.Helper()
	ctx := w.t.Context()
	rq := must[fieldwork.Request](w.t)(w.firm.Files.SetRequest(ctx, staff, "EN-1", engagement.Request{Kind: "evidence", Title: title, Asks: "Everybody who left in March.", Tests: []string{}}, 0))
	check(w.t, w.firm.Files.ReleaseRequests(ctx, staff, "EN-1", rq.ID))
	check(w.t, w.firm.Flush(ctx, "EN-1"))
	must[[]string](w.t)(must[*packet.Post](w.t)(w.firm.Post(ctx, "EN-1", "")).Outbox(ctx, w.toAcme))
	return rq.ID
}

func (w *world) asked(id string) (yes bool) {
	w.side(func(_ *management.State, x *management.Side) { yes = x.Requests[id] != nil })
	return yes
}

// TestSealedIsActedOn: a packet that is in the log and was not acted on, as its
// process ended or whoever waited for it went away, is acted on before anything
// else is exchanged, in the order in which packets came.
func TestSealedIsActedOn(t *testing.T) {
	w := begun(t)
	ctx, origin := t.Context(), w.firm.P.Log.Keys().Log()
	sealed := func() packet.Received {
		t.Helper()
		var last packet.Received
		post := must[*packet.Post](t)(w.client.Kept(ctx, "EN-1"))
		must[int](t)(post.Inbox(ctx, courier, w.toAcme, ledger.Consent{}, func(_ context.Context, r packet.Received) error { last = r; return nil }))
		return last
	}
	for name, open := range map[string]func() error{
		"the end is opened":     func() error { _, err := w.client.Post(ctx, "EN-1", origin); return err },
		"what is due is sealed": func() error { return w.client.Flush(ctx, "EN-1") },
		"a server lists": func() error {
			k, err := w.client.Keeper(ctx, "EN-1", origin)
			if err == nil {
				_, err = k.List(ctx, true, 0)
			}
			return err
		},
	} {
		first, second := w.asks("First, then "+name), w.asks("Second, then "+name)
		sealed()
		if w.asked(first) || w.asked(second) {
			t.Fatalf("%s: acted on already", name)
		}
		check(t, open())
		if !w.asked(first) || !w.asked(second) {
			t.Errorf("%s: not acted on", name)
		}
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	before, last := w.asks("Before"), w.asks("Whoever waited has gone")
	r := must[*packet.Packet](t)(must[*packet.Post](t)(w.client.Kept(ctx, "EN-1")).Packet(ctx, false, sealed().Header.Number))
	defer r.Close()
	check(t, w.client.Take(gone, packet.Received{Packet: r}))
	if !w.asked(before) || !w.asked(last) {
		t.Error("what came is not acted on once whoever waited for it has gone")
	}
}

// anotherFirm is a second audit firm that Acme has invited.
func (w *world) anotherFirm() *examination.Firm {
	w.t.Helper()
	dir := filepath.Join(w.t.TempDir(), "another")
	_, err := definition.Scaffold(dir, definition.Answers{Firm: true, Name: "Harbor Audit LLP", Zone: "UTC"})
	check(w.t, err)
	p := must[*period.Program](w.t)(period.Open(w.t.Context(), dir, w.options()))
	w.t.Cleanup(func() { check(w.t, p.Close()) })
	_, _, err = p.Apply(w.t.Context())
	check(w.t, err)
	check(w.t, w.client.Side.InviteFirm(w.t.Context(), lead, "Harbor Audit LLP", p.Log.Keys().Links()[0].Key.VKey(), ""))
	return must[*examination.Firm](w.t)(examination.NewFirm(p))
}

// TestEachFirmItsOwn: a firm that is invited has an end of its own engagements and
// of no other firm's, whatever number it gives them.
func TestEachFirmItsOwn(t *testing.T) {
	w := begun(t)
	ctx := t.Context()
	other := w.anotherFirm()
	origin := other.P.Log.Keys().Log()
	for name, try := range map[string]func() error{
		"an end":   func() error { _, err := w.client.Post(ctx, "EN-1", origin); return err },
		"a server": func() error { _, err := w.client.Keeper(ctx, "EN-1", origin); return err },
	} {
		if err := try(); !errors.Is(err, audit.ErrNotFound) {
			t.Errorf("%s of another firm's engagement: %v", name, err)
		}
	}
	terms := w.terms()
	terms.Firm = other.Party()
	terms = must[engagement.Terms](t)(other.Files.OpenEngagement(ctx, partner, terms))
	if terms.ID != "EN-1" {
		t.Fatalf("the other firm's first engagement is %s", terms.ID)
	}
	sides := packet.SidesOf(terms)
	forged := must[*packet.Post](t)(other.Register.Post(sides))
	_, err := forged.Send(ctx, packet.Outgoing{Kind: engagement.SendRequests, By: courier, Payload: []engagement.RequestNews{{Status: engagement.RequestOpen,
		Request: engagement.Request{ID: "RQ-66", Kind: "evidence", Title: "Everything", Asks: "All of it.", Tests: []string{}}}}})
	check(t, err)
	dir := t.TempDir()
	path := must[[]string](t)(forged.Outbox(ctx, dir))[0]
	p := must[*packet.Post](t)(w.client.Register.Post(sides))
	in := must[*os.File](t)(os.Open(path))
	defer in.Close()
	r := must[packet.Received](t)(p.Receive(ctx, courier, in, ledger.Consent{}))
	defer r.Close()
	if err := w.client.Take(ctx, r); !errors.Is(err, audit.ErrNotFound) || w.asked("RQ-66") {
		t.Errorf("another firm's packet on EN-1: %v, taken %t", err, w.asked("RQ-66"))
	}
}

// TestAnswersAreSent: one answer that names what is not beside it, or a record
// twice, stops nothing behind it; one that is given again goes out again.
func TestAnswersAreSent(t *testing.T) {
	w := begun(t)
	ctx := t.Context()
	rq := w.asks("Leavers")
	w.exchange()
	answer := func(text string) engagement.Answer {
		return engagement.Answer{Request: rq, Status: engagement.RequestInProgress, Text: text}
	}
	odd := answer("It is beside this.")
	odd.Records, odd.Files = []int64{2, 1, 2}, []string{"nowhere.pdf"}
	check(t, w.client.SendAnswers(ctx, "EN-1", odd, answer("A"), answer("B"), answer("A")))
	check(t, w.client.SendAnswers(ctx, "EN-1", odd, answer("A"), answer("B"), answer("A")))
	post := must[*packet.Post](t)(w.client.Kept(ctx, "EN-1"))
	var texts []string
	for _, f := range must[[]packet.Filed](t)(post.List(ctx, true, 0)) {
		if f.Kind != engagement.SendAnswers {
			continue
		}
		p := must[*packet.Packet](t)(post.Packet(ctx, true, f.Number))
		a := must[[]engagement.Answer](t)(packet.Payload[[]engagement.Answer](p))[0]
		texts = append(texts, a.Text)
		if a.Text == odd.Text && (len(a.Records) != 2 || len(a.Files) != 4 || len(p.Header.Files) != 4) {
			t.Errorf("records %v with the files %q", a.Records, a.Files)
		}
		check(t, p.Close())
	}
	if got := strings.Join(texts, "|"); got != "It is beside this.|A|B|A" {
		t.Errorf("sent %s", got)
	}
}

// TestStateIsSentAgain: what stands as it stood before is told again once it was
// told to stand otherwise, and only then.
func TestStateIsSentAgain(t *testing.T) {
	w := begun(t)
	ctx := t.Context()
	post := must[*packet.Post](t)(w.firm.Post(ctx, "EN-1", ""))
	before := len(must[[]packet.Filed](t)(post.List(ctx, true, 0)))
	for i, tt := range []struct {
		of, why string
		sent    int
	}{{"x:1:", "A", 1}, {"x:1:", "A", 1}, {"x:1:", "B", 2}, {"x:10:", "B", 3}, {"x:1:", "B", 3}, {"x:1:", "A", 4}, {"x:1:", "A", 4}, {"x:1:", "B", 5}, {"x:1:", "A", 6}, {"x:1:", "A", 6}} {
		check(t, examination.SendStep(ctx, post, tt.of, engagement.StateNews{State: engagement.Fieldwork, Why: tt.why}))
		if got := len(must[[]packet.Filed](t)(post.List(ctx, true, 0))) - before; got != tt.sent {
			t.Fatalf("after step %d, %s%s: %d packets, want %d", i+1, tt.of, tt.why, got, tt.sent)
		}
	}
}
