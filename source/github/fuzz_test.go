package github

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/source/sourcetest"
)

var kinds = []string{kindOrganization, kindFactor, kindMembers, kindCollaborators, kindTeams, kindTeam, kindRepositories, kindRules, kindProtection,
	kindNumbers, kindPulls, kindChange, kindCommits, kindCommit, kindDeployments, kindDeployment,
	kindAudit, kindDependabot, kindCodeScanning, kindSecretScanning}

// FuzzNormalize: whatever a page holds, normalizing ends, is pure, and gives
// only items that follow the schema.
func FuzzNormalize(f *testing.F) {
	r := newReplay(f)
	goodOrg(r)
	r.alerts()
	rec, _ := r.collect(r.with(`,"production":["api"],"privileged":["p*"]`), window())
	for _, p := range rec.Pages {
		for i, k := range kinds {
			if k == p.Kind {
				f.Add(uint8(i), p.Scope, p.Body)
			}
		}
	}
	f.Add(uint8(2), "", []byte(`{"format":1,"facts":{"role":"admin"},"answers":[{"part":"list","request":"","status":200,"body":"[null,1,{}]"}]}`))
	f.Add(uint8(11), "a/b", []byte(`{"format":1,"facts":{},"answers":[{"part":"pull","request":"","status":200,"base64":"/w=="}]}`))
	f.Fuzz(func(t *testing.T, kind uint8, scope string, body []byte) {
		p := audit.Page{Source: "hub", Kind: kinds[int(kind)%len(kinds)], Scope: scope, Body: body, About: window().Span}
		items, err := Driver.Normalize(rec.Config, p)
		again, errAgain := Driver.Normalize(rec.Config, p)
		if !reflect.DeepEqual(items, again) || (err == nil) != (errAgain == nil) {
			t.Error("two different results")
		}
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Errorf("%s %s: %v", it.Type, it.ID, err)
			}
		}
	})
}

// FuzzAnswer: the same with one answer of a good page put in place of another,
// which reaches further than bytes of envelopes do.
func FuzzAnswer(f *testing.F) {
	r := newReplay(f)
	goodOrg(r)
	r.alerts()
	rec, _ := r.collect(r.with(`,"production":["api"],"privileged":["p*"]`), window())
	var good []audit.Page
	for _, p := range rec.Pages {
		e, err := decodeEnvelope(p.Body)
		if err != nil {
			f.Fatal(err)
		}
		for i, a := range e.Answers {
			f.Add(uint8(len(good)), uint8(i), a.bytes())
		}
		good = append(good, p)
	}
	f.Fuzz(func(t *testing.T, page, part uint8, body []byte) {
		p := good[int(page)%len(good)]
		e, err := decodeEnvelope(p.Body)
		if err != nil {
			t.Fatal(err)
		}
		a := &e.Answers[int(part)%len(e.Answers)]
		a.Body, a.Base64 = "", nil
		a.setBody(body)
		if p.Body, err = e.encode(); err != nil {
			t.Fatal(err)
		}
		items, _ := Driver.Normalize(rec.Config, p)
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Errorf("%s %s: %v", it.Type, it.ID, err)
			}
		}
	})
}

// FuzzLink: a Link header never leads to another host.
func FuzzLink(f *testing.F) {
	f.Add(`<https://api.github.com/x?page=2>; rel="next", <https://api.github.com/x?page=7>; rel="last"`)
	f.Add(`<https://api.github.com@evil.example/x>; rel=next`)
	f.Add(`<//evil.example/x>; rel="next"`)
	base, err := (&Settings{Organization: "acme"}).check()
	if err != nil {
		f.Fatal(err)
	}
	c := &client{base: base}
	f.Fuzz(func(t *testing.T, link string) {
		next, _, err := c.next(answer{Link: link})
		if err != nil || next == "" {
			return
		}
		req, err := c.request(t.Context(), next)
		if err == nil && req.URL.Host != "api.github.com" {
			t.Errorf("%q leads to %s", link, req.URL)
		}
	})
}

// TestEnvelope: the bytes of an answer come back as they were, also where they
// are not text.
func TestEnvelope(t *testing.T) {
	for _, body := range []string{"", "[]", "{\"a\":\"\\ud800\"}", "\u2028<>&\x7f", "\xff\xfe", strings.Repeat("x", 1<<20)} {
		a := answer{Part: "pull", Request: "GET /x", Status: 200}
		a.setBody([]byte(body))
		b, err := envelope{Answers: []answer{a}}.encode()
		if err != nil {
			t.Fatalf("%.20q: %v", body, err)
		}
		e, err := decodeEnvelope(b)
		if err != nil || string(e.Answers[0].bytes()) != body {
			t.Errorf("%.20q comes back as %.20q, %v", body, e.Answers[0].bytes(), err)
		}
	}
	for _, wrong := range []string{`{"format":2,"facts":{},"answers":[]}`, `{"format":1,"more":1}`, `{"format":1}{}`, ``} {
		if _, err := decodeEnvelope([]byte(wrong)); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
	if _, err := Driver.Normalize(json.RawMessage(`{"system":"hub","organization":"acme"}`), audit.Page{Kind: "github.other", Body: []byte(`{"format":1,"facts":{},"answers":[]}`)}); err == nil {
		t.Error("a page of an unknown kind is taken")
	}
}

// FuzzAuditLog: no event makes reading grants panic, or dates one outside the window.
func FuzzAuditLog(f *testing.F) {
	f.Add([]byte(`{"action":"org.add_member","@timestamp":1772611200000,"user":"ana","user_id":11,"permission":"admin"}`))
	f.Add([]byte(`{"action":"team.add_member","@timestamp":1772611200000,"user":"ana","team":"acme/platform"}`))
	f.Add([]byte(`{"action":"org.remove_member","@timestamp":-1,"user":"ana"}`))
	f.Fuzz(func(t *testing.T, event []byte) {
		var g grants
		g.take(event, window().Span)
		for _, m := range []map[string]string{g.members("admin"), g.members("member"), g.team("platform")} {
			for who, text := range m {
				if at, err := audit.ParseTime(text); err != nil || !window().Contains(at) {
					t.Errorf("%s was granted at %q: %v", who, text, err)
				}
			}
		}
	})
}
