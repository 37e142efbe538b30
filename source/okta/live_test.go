package okta

import (
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"tieout/source/sourcetest"
	"tieout/source/sourcetest/live"
)

// prism serves or guards the interface as Okta itself describes it.
func prism(t *testing.T, args ...string) string {
	t.Helper()
	bin, port := live.Peer(t, "node_modules/.bin/prism"), live.Port(t)
	cmd := exec.Command(bin, append(args, "--host", "127.0.0.1", "--port", strconv.Itoa(port))...)
	base := "http://" + live.Address(port)
	live.Start(t, cmd, live.Answers(base+"/"))
	return base
}

// TestDescription asks an interface made of Okta's own description: every
// request is one it knows, and every answer of its examples can be read.
func TestDescription(t *testing.T) {
	c := connect(prism(t, "mock", "testdata/openapi.yaml"))
	r, pauses := record(t, c)
	for _, p := range r.Pages {
		if p.Kind == "failed" {
			t.Errorf("%s: %s", p.Query, p.Body)
		}
	}
	for _, err := range r.Errs {
		t.Errorf("normalize: %v", err)
	}
	for _, it := range r.Items {
		if err := sourcetest.Valid(it); err != nil {
			t.Errorf("%s %s: %v", it.Type, it.ID, err)
		}
	}
	for _, typ := range []string{"account", "membership", "authPolicy", "application", "key", "signIn"} {
		if len(r.ByType(typ)) == 0 {
			t.Errorf("no item of type %s", typ)
		}
	}
	if len(pauses) > 0 {
		t.Errorf("it paused %v", pauses)
	}
}

// TestAnswersFollowTheDescription puts Okta's description between the source
// and the answers of these tests: neither may break it.
func TestAnswersFollowTheDescription(t *testing.T) {
	o := newOrg(t)
	o.relative = true
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	r, _ := record(t, connect(prism(t, "proxy", "testdata/openapi.yaml", s.URL, "--errors")))
	for _, p := range r.Pages {
		if p.Kind == "failed" {
			t.Errorf("%s: %s", p.Query, strings.TrimSpace(string(p.Body)))
		}
	}
	for _, p := range r.Pages {
		if p.Kind == "okta.people" && strings.Contains(string(p.Body), "VIOLATIONS") {
			t.Errorf("%s", p.Body)
		}
	}
	for _, m := range r.Manifests {
		if !m.Complete {
			t.Errorf("%s %s: %s", m.Type, m.Scope, m.Reason)
		}
	}
	if got := len(r.ByType("account")); got != 5 {
		t.Errorf("got %d accounts, want 5", got)
	}
}
