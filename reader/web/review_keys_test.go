package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tieout/access"
	"tieout/period"
	"tieout/source/sourcetest/live"
)

// listen serves the screens to browsers until the test ends, and returns their
// address and what moves the server's clock.
func (w *world) listen() (*Server, string, func(time.Time)) {
	w.t.Helper()
	var at atomic.Pointer[time.Time]
	set := func(t time.Time) { at.Store(&t) }
	set(w.at)
	now := func() time.Time { return *at.Load() }
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	s := w.server(func(o *Options) {
		o.Hosts, o.Now = LoopbackHosts(l.Addr()), now
		o.Open = func(ctx context.Context, name string) (*period.Program, error) {
			options := w.options(name, false)
			options.Now = now
			return period.Open(ctx, w.dir, options)
		}
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, http.ErrServerClosed) {
			w.t.Error(err)
		}
	})
	return s, "http://" + l.Addr().String(), set
}

type keyStep map[string]any

// byKeyboard does steps in Chromium; see testdata/review.mjs.
func byKeyboard(t *testing.T, address string, steps ...keyStep) {
	t.Helper()
	live.Program(t, "chromium")
	live.Peer(t, "node_modules/playwright-core/package.json")
	in, err := json.Marshal(steps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, live.Program(t, "node"), filepath.Join("testdata", "review.mjs"), address, filepath.Join(live.Peers(), "node_modules"))
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%d steps by keyboard, the last: %s", len(steps), lastLine(out))
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}

func signIn(email string) []keyStep {
	return []keyStep{{"open": "/sign-in"}, {"type": []string{"#email", email}}, {"type": []string{"#password", password}}, {"go": "Enter"}}
}

// The must-show: a quarterly access review done end to end by keyboard in a real
// browser. The next collection proves one removal and shows one still open.
func TestReviewByKeyboard(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser, and long; it runs without -short")
	}
	live.Program(t, "chromium") // before anything is made
	live.Peer(t, "node_modules/playwright-core/package.json")
	w := reviewWorld(t)
	s, address, set := w.listen()
	everything := access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}
	lead := makeAccount(t, s, "lead", everything)
	owner := makeAccount(t, s, "owner", everything)
	v := &visitor{t: t, s: s, account: lead}
	v.link(lead, "hr/1")
	v.link(owner, "hr/9")

	first := append(signIn("lead@example.com"),
		keyStep{"open": "/reviews"}, keyStep{"see": "No access review was opened yet."}, keyStep{"tab": "Open an access review"}, keyStep{"go": "Enter"},
		keyStep{"tab": "okta"}, keyStep{"press": "Space"}, keyStep{"tab": "Freeze the list"}, keyStep{"go": "Enter"},
		keyStep{"see": "5 accounts of okta wait for a decision; 4 look odd."}, keyStep{"tab": "Say who reviews"}, keyStep{"press": "Enter"},
		keyStep{"press": "Tab"}, keyStep{"press": "Space"}, keyStep{"press": "Tab"}, keyStep{"press": "Space"}, keyStep{"tab": "Assign"}, keyStep{"go": "Enter"},
		keyStep{"see": "okta is assigned."}, keyStep{"go": "n"},
		keyStep{"heading": "ana"}, keyStep{"see": "5 accounts of okta, none decided yet."}, keyStep{"go": "k"},
		keyStep{"heading": "ben"}, keyStep{"see": "ana: kept."}, keyStep{"see": "Ben Okafor left on 6 Mar 2026"}, keyStep{"go": "u"},
		keyStep{"heading": "ana"}, keyStep{"see": "Keep"}, keyStep{"go": "k"},
		keyStep{"heading": "ben"}, keyStep{"go": "r"},
		keyStep{"heading": "ci"}, keyStep{"see": "ben: to be removed."}, keyStep{"press": "a"}, keyStep{"keys": "Who runs this"}, keyStep{"press": "Tab"}, keyStep{"keys": "Owner"}, keyStep{"press": "Tab"}, keyStep{"go": "Enter"},
		keyStep{"heading": "x"}, keyStep{"see": "is asked."}, keyStep{"go": "l"},
		keyStep{"see": "1 account is set aside by you"}, keyStep{"go": "k"}, keyStep{"see": "1 account kept."})
	byKeyboard(t, address, first...)

	second := append(signIn("owner@example.com"),
		keyStep{"open": "/reviews/AR-1/rows/3"}, keyStep{"type": []string{"#answer", "The build server; it is not used any more."}}, keyStep{"tab": "Answer"}, keyStep{"go": "Enter"},
		keyStep{"open": "/reviews/AR-1"}, keyStep{"go": "n"},
		keyStep{"heading": "lea"}, keyStep{"go": "k"},
		keyStep{"heading": "ci"}, keyStep{"see": "it is not used any more"}, keyStep{"go": "r"},
		keyStep{"see": "Every account is decided"}, keyStep{"go": "n"},
		keyStep{"heading": "AR-1 Seal this review"}, keyStep{"see": "3 kept, 2 to remove"}, keyStep{"go": "s"},
		keyStep{"see": "Sealed as E-"}, keyStep{"see": "2 were not collected since"})
	byKeyboard(t, address, second...)

	w.at = w.at.AddDate(0, 0, 11)
	w.accounts("2026-04-11", "suspended")
	w.collect()
	set(w.at)
	byKeyboard(t, address, append(signIn("owner@example.com"), keyStep{"open": "/reviews/AR-1"},
		keyStep{"see": "1 removal is proved and 1 is still there."}, keyStep{"see": "Proved gone Gone by 11 Apr 2026"}, keyStep{"see": "Still there Still there on 11 Apr 2026"}, keyStep{"see": "9 days after the decision"})...)
}
