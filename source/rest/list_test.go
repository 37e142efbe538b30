package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func window(since map[string]string) audit.Window {
	return audit.Window{Span: audit.Span{From: noon.AddDate(0, -1, 0), To: noon}, AsOf: noon, Zone: "UTC", Since: since}
}

// read reads one list into a stream and returns both with what was sealed.
func read(t *testing.T, c *Client, since map[string]string, l List) (Fault, *source.Stream, *sourcetest.Recorder) {
	t.Helper()
	rec := &sourcetest.Recorder{}
	run := &source.Run{Source: "box", Window: window(since), Sink: rec}
	s := run.Snapshot("account", "", nil)
	f, err := c.Read(t.Context(), run, l, s)
	if err != nil {
		t.Fatal(err)
	}
	if f.Whole() == s.Failed() {
		t.Errorf("fault %+v, and the stream failed: %v", f, s.Failed())
	}
	return f, s, rec
}

func bodies(rec *sourcetest.Recorder) string {
	var out []string
	for _, p := range rec.Pages {
		out = append(out, p.Kind+" "+p.Query+" "+string(p.Body))
	}
	return strings.Join(out, "\n")
}

// TestLinkPaging follows Link headers, and no further than its own host.
func TestLinkPaging(t *testing.T) {
	for _, tc := range []struct {
		name, link string
		status     int
		why        string
		pages      int
	}{
		{"three pages", `</api/things?page=%d>; rel="next", </api/things?page=9>; rel="last"`, 200, "", 3},
		{"another host", `<https://evil.example/api/things?page=%d>; rel="next"`, 200, "page 1: it leads to another host, which is not followed", 1},
		{"another host, by a user's name", `<http://box@127.0.0.1/things?page=%d>; rel="next"`, 200, "page 1: it leads to another host, which is not followed", 1},
		{"itself", `</api/things>; rel="next"; n="%d"`, 200, "page 1 names itself as the next", 1},
		{"page 3 fails", `</api/things?page=%d>; rel="next"`, 502, "page 3: 502 Bad Gateway", 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := serve(t, func(w http.ResponseWriter, req *http.Request) {
				n := map[string]int{"": 1, "2": 2, "3": 3}[req.URL.Query().Get("page")]
				if n < 3 {
					w.Header().Set("Link", fmt.Sprintf(tc.link, n+1))
				} else {
					w.WriteHeader(tc.status)
				}
				fmt.Fprintf(w, `[%d]`, n)
			})
			f, s, rec := read(t, c, nil, List{Kind: "box.things", Ask: Ask{URI: c.At("/things")}, Next: c.NextLink})
			if f.Why != tc.why || len(rec.Pages) != tc.pages || s.Pages != tc.pages {
				t.Errorf("why %q, %d pages; want %q, %d\n%s", f.Why, len(rec.Pages), tc.why, tc.pages, bodies(rec))
			}
			if tc.status == 502 && (rec.Pages[2].Kind != source.KindFailed || f.Status != 502 || f.Refused || !strings.Contains(string(rec.Pages[2].Body), `"status":502`)) {
				t.Errorf("the failed answer is kept as %s %s", rec.Pages[2].Kind, rec.Pages[2].Body)
			}
			if got := s.Queries; len(got) != 1 || got[0] != "GET /api/things" {
				t.Errorf("queries %q", got)
			}
		})
	}
}

// TestNextURL follows addresses within answers, at a dotted place or a name with a dot.
func TestNextURL(t *testing.T) {
	for _, tc := range []struct{ path, body, why string }{
		{"@odata.nextLink", `{"@odata.nextLink":"BASE/api/things?page=2"}`, ""},
		{"links.next", `{"links":{"next":"/api/things?page=2"}}`, ""},
		{"links.next", `{"links":{"next":null}}`, "none"},
		{"links.next", `{"links":{"next":7}}`, "page 1: next is not a text"},
		{"links.next", `[]`, "page 1: the answer is not a JSON object"},
		{"links.next", `{"links":{"next":"https://evil.example/"}}`, "page 1: it leads to another host, which is not followed"},
	} {
		c, _ := serve(t, nil)
		c.HTTP = &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			body := `{}`
			if req.URL.RawQuery == "" {
				body = strings.ReplaceAll(tc.body, "BASE", c.Base.Scheme+"://"+c.Base.Host)
			}
			return reply(body), nil
		})}
		f, _, rec := read(t, c, nil, List{Kind: "box.things", Ask: Ask{URI: c.At("/things")}, Next: c.NextURL(tc.path)})
		want, why := map[bool]int{true: 2, false: 1}[tc.why == ""], strings.TrimPrefix(tc.why, "none")
		if f.Why != why || len(rec.Pages) != want {
			t.Errorf("%s in %s: why %q, %d pages; want %q, %d", tc.path, tc.body, f.Why, len(rec.Pages), why, want)
		}
	}
}

// TestTokenPaging asks the same again with the token of each answer.
func TestTokenPaging(t *testing.T) {
	var asked []string
	c, _ := serve(t, func(w http.ResponseWriter, req *http.Request) {
		asked = append(asked, req.URL.RequestURI())
		fmt.Fprint(w, map[string]string{"": `{"next":{"token":"a b"}}`, "a b": `{"next":{"token":"c"}}`, "c": `{"next":{"token":""}}`}[req.URL.Query().Get("t")])
	})
	ask := Ask{URI: c.At("/things?size=2")}
	f, _, rec := read(t, c, nil, List{Kind: "box.things", Ask: ask, Next: NextToken(ask, "next.token", "t")})
	want := []string{"/api/things?size=2", "/api/things?size=2&t=a+b", "/api/things?size=2&t=c"}
	if !f.Whole() || len(rec.Pages) != 3 || !slices.Equal(asked, want) {
		t.Errorf("why %q, asked %q; want %q", f.Why, asked, want)
	}
}

// TestCircle: pages that lead back to an earlier one end, wherever the circle begins.
func TestCircle(t *testing.T) {
	for _, back := range []int{1, 2, 5, 9} {
		c, _ := serve(t, func(w http.ResponseWriter, req *http.Request) {
			n := 1
			fmt.Sscan(req.URL.Query().Get("page"), &n)
			if n++; n > 9 {
				n = back
			}
			w.Header().Set("Link", fmt.Sprintf(`</api/things?page=%d>; rel="next"`, n))
			fmt.Fprint(w, `[]`)
		})
		f, _, rec := read(t, c, nil, List{Kind: "box.things", Ask: Ask{URI: c.At("/things")}, Next: c.NextLink})
		if f.Whole() || len(rec.Pages) > 40 {
			t.Errorf("back to page %d: why %q after %d pages", back, f.Why, len(rec.Pages))
		}
	}
}

// TestRefusalThatRepeatsTheSecret: it is neither in the reason nor on the page.
func TestRefusalThatRepeatsTheSecret(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"message":"the token %s may not read this","got":"Bearer token-of-an-hour"}`, secret)
	})
	c.Authorize = Header("Authorization", "Bearer token-of-an-hour")
	f, s, rec := read(t, c, nil, List{Kind: "box.things", Ask: Ask{URI: c.At("/things")}})
	if f.Why != "403 Forbidden: the token *** may not read this" {
		t.Errorf("the reason is %q", f.Why)
	}
	if all := fmt.Sprint(s.Manifest, bodies(rec)); strings.Contains(all, secret) || strings.Contains(all, "token-of-an-hour") {
		t.Errorf("a secret is in %s", all)
	}
}

// TestStartsAnew: what an interrupted collection had come to is not gone on
// with, since that list ends with the stretch that was asked for then.
func TestStartsAnew(t *testing.T) {
	var asked []string
	c, _ := serve(t, func(w http.ResponseWriter, req *http.Request) {
		asked = append(asked, req.URL.RequestURI())
		if req.URL.RawQuery == "until=now" {
			w.Header().Set("Link", `</api/log?page=2>; rel="next"`)
		}
		fmt.Fprint(w, `[]`)
	})
	l := List{Kind: "box.log", Scope: "s", Ask: Ask{URI: c.At("/log?until=now")}, Next: c.NextLink}
	f, _, rec := read(t, c, map[string]string{"box.log\x1fs": "/api/log?until=yesterday&page=2"}, l)
	if want := []string{"/api/log?until=now", "/api/log?page=2"}; !f.Whole() || !slices.Equal(asked, want) || rec.Pages[0].Cursor != "" {
		t.Errorf("asked %q, cursor %q; want %q", asked, rec.Pages[0].Cursor, want)
	}
}

// TestEach looks into answers after they were sealed, and its error ends the list.
func TestEach(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", `</api/things?page=2>; rel="next"`)
		fmt.Fprint(w, `{}`)
	})
	rec := &sourcetest.Recorder{}
	run := &source.Run{Source: "box", Window: window(nil), Sink: rec}
	s := run.Snapshot("account", "", nil)
	l := List{Kind: "box.things", Ask: Ask{URI: c.At("/things")}, Next: c.NextLink, Each: func(Answer) (bool, error) {
		if len(rec.Pages) != 1 {
			t.Error("an answer was looked into before it was sealed")
		}
		return false, errors.New("the answer is not a list")
	}}
	f, err := c.Read(t.Context(), run, l, s)
	if err != nil || f.Why != "page 1: the answer is not a list" || !s.Failed() {
		t.Errorf("why %q, error %v", f.Why, err)
	}
	boom := errors.New("the disk is full")
	run.Sink = &sourcetest.Recorder{Fail: func(int) error { return boom }}
	if _, err := c.Read(t.Context(), run, l, s); !errors.Is(err, boom) {
		t.Errorf("the sink's error became %v", err)
	}
}

// TestLinks reads Link headers as hosts write them.
func TestLinks(t *testing.T) {
	for _, tc := range []struct {
		header string
		want   map[string]string
	}{
		{`<https://h/a?b=1,2&c=3>; rel="next", <https://h/z>; rel="last"`, map[string]string{"next": "https://h/a?b=1,2&c=3", "last": "https://h/z"}},
		{`</x>; rel=next; title="t"`, map[string]string{"next": "/x"}},
		{`</x>; Rel = "Next last"`, map[string]string{"next": "/x", "last": "/x"}},
		{`nonsense`, map[string]string{}},
		{`<unfinished`, map[string]string{}},
		{``, map[string]string{}},
	} {
		if got := Links(tc.header); !maps.Equal(got, tc.want) {
			t.Errorf("%q: %v; want %v", tc.header, got, tc.want)
		}
	}
}

// FuzzLinks: no header makes reading it panic or run on.
func FuzzLinks(f *testing.F) {
	f.Add(`<https://h/a>; rel="next", <https://h/z>; rel="last"`)
	f.Add(`<a>;;,<b>; rel=`)
	f.Fuzz(func(t *testing.T, header string) {
		for rel, target := range Links(header) {
			if !strings.Contains(header, target) || strings.Contains(rel, ";") {
				t.Errorf("%q gave %q as %q", header, target, rel)
			}
		}
	})
}

// FuzzNext: no body makes finding the next page panic, and none leads away.
func FuzzNext(f *testing.F) {
	f.Add([]byte(`{"links":{"next":"/api/things?page=2"},"next":"t"}`))
	f.Add([]byte(`{"links.next":"//evil.example/"}`))
	c, _ := serve(f, func(http.ResponseWriter, *http.Request) {})
	next, token := c.NextURL("links.next"), NextToken(Ask{URI: "/api/things"}, "next", "t")
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, find := range []func(Answer) (*Ask, error){next, token} {
			ask, err := find(Answer{Body: body})
			if err == nil && ask != nil && !strings.HasPrefix(ask.URI, "/") && ask.URI != "*" {
				t.Errorf("%s leads to %q", body, ask.URI)
			}
		}
		p := Failed(audit.Page{Kind: "k"}, Answer{Status: 500, Body: body})
		if !json.Valid(p.Body) {
			t.Errorf("the page of a failed answer is not JSON: %q", p.Body)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

func reply(body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}
