package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

var window = audit.Window{Span: audit.Span{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
	AsOf: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Zone: "Europe/Berlin"}

const secret = "s3cr3t-value"

func env() source.Env {
	return source.Env{Secret: func(_ context.Context, ref string) (string, error) {
		if ref != "env:HR_TOKEN" {
			return "", errors.New("not set")
		}
		return secret + "\n", nil
	}}
}

// rowsOf gives users from to (excluded) as JSON.
func rowsOf(from, to int) string {
	var rows []string
	for i := from; i < to; i++ {
		rows = append(rows, fmt.Sprintf(`{"id":%d,"name":"u%d"}`, i, i))
	}
	return "[" + strings.Join(rows, ",") + "]"
}

// serve starts an endpoint and returns a connection to it. stream is put into
// the one stream's settings.
func serve(t testing.TB, stream string, h http.HandlerFunc) (sourcetest.Connection, *httptest.Server) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	with := fmt.Sprintf(`{"url":"%s/api/","allow":"loopback","auth":{"prefix":"Bearer ","secret":"env:HR_TOKEN"},"streams":[{"path":"users",
	 "type":"account","mode":"snapshot","scope":"hr","id":"hr/{id}","fields":{"login":"name"}%s}]}`, s.URL, stream)
	return sourcetest.Connection{Driver: Driver, Name: "hr", With: with, Env: env(), Window: window}, s
}

// record collects without pausing between tries.
func record(t testing.TB, c sourcetest.Connection) (*sourcetest.Recorder, []time.Duration) {
	t.Helper()
	col, config, err := Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		t.Fatal(err)
	}
	var pauses []time.Duration
	col.(*collector).pause = func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
	r := &sourcetest.Recorder{Driver: Driver, Config: config}
	if err := col.Collect(t.Context(), c.Window, r); err != nil {
		t.Fatal(err)
	}
	return r, pauses
}

func TestConform(t *testing.T) {
	c, _ := serve(t, `,"rows":"data","pages":{"by":"page","parameter":"page","size":{"parameter":"n","value":2}},"total":{"field":"total"}`, byPage)
	sourcetest.Conform(t, c, "account")
}

// byPage has five users, two a page.
func byPage(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+secret {
		http.Error(w, "who are you", http.StatusUnauthorized)
		return
	}
	p, _ := strconv.Atoi(r.FormValue("page"))
	from := min(5, 2*(p-1))
	fmt.Fprintf(w, `{"total":5,"data":%s}`, rowsOf(from, min(5, from+2)))
}

func TestPaging(t *testing.T) {
	for _, tc := range []struct {
		name, stream string
		pages        int
		handler      http.HandlerFunc
	}{
		{"one page", ``, 1, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, rowsOf(0, 5)) }},
		{"page numbers, to the total", `,"rows":"data","pages":{"by":"page","parameter":"page"},"total":{"field":"total"}`, 3, byPage},
		{"page numbers, to an empty page", `,"rows":"data","pages":{"by":"page","parameter":"page"}`, 4, byPage},
		{"offset, the size capped by the endpoint", `,"pages":{"by":"offset","parameter":"skip","size":{"parameter":"n","value":500}},"total":{"header":"X-Total"}`, 3, func(w http.ResponseWriter, r *http.Request) {
			from, _ := strconv.Atoi(r.FormValue("skip"))
			w.Header().Set("X-Total", "5")
			fmt.Fprint(w, rowsOf(min(from, 5), min(from+2, 5)))
		}},
		{"cursor", `,"rows":"data","pages":{"by":"cursor","parameter":"after","at":"meta.next"}`, 3, func(w http.ResponseWriter, r *http.Request) {
			from, _ := strconv.Atoi(r.FormValue("after"))
			next := `,"meta":{"next":null}`
			if from+2 < 5 {
				next = fmt.Sprintf(`,"meta":{"next":"%d"}`, from+2)
			}
			fmt.Fprintf(w, `{"data":%s%s}`, rowsOf(from, min(from+2, 5)), next)
		}},
		{"Link header", `,"pages":{"by":"link"}`, 3, func(w http.ResponseWriter, r *http.Request) {
			from, _ := strconv.Atoi(r.FormValue("x"))
			if from+2 < 5 {
				w.Header().Set("Link", fmt.Sprintf(`</api/users?x=0>; rel="first", </api/users?x=%d>; rel="next"`, from+2))
			}
			fmt.Fprint(w, rowsOf(from, min(from+2, 5)))
		}},
		{"next address in the body", `,"rows":"data","pages":{"by":"url","at":"next"}`, 3, func(w http.ResponseWriter, r *http.Request) {
			from, _ := strconv.Atoi(r.FormValue("x"))
			next := ""
			if from+2 < 5 {
				next = fmt.Sprintf("http://%s/api/users?x=%d", r.Host, from+2)
			}
			fmt.Fprintf(w, `{"data":%s,"next":%q}`, rowsOf(from, min(from+2, 5)), next)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := serve(t, tc.stream, tc.handler)
			r, _ := record(t, c)
			m := r.Manifest("account")
			if !m.Complete || len(r.Items) != 5 || m.Pages != tc.pages || len(r.Errs) > 0 {
				t.Errorf("%d items on %d pages, complete %v %s, errors %v; want 5 on %d", len(r.Items), m.Pages, m.Complete, m.Reason, r.Errs, tc.pages)
			}
			for _, p := range r.Pages {
				if strings.Contains(p.Query, secret) {
					t.Errorf("the query %q holds the secret", p.Query)
				}
			}
			if strings.Contains(string(r.Config), secret) || strings.Contains(string(r.Config), "HR_TOKEN") {
				t.Errorf("the configuration holds the secret: %s", r.Config)
			}
		})
	}
}

func TestIncomplete(t *testing.T) {
	for _, tc := range []struct {
		name, stream, reason string
		handler              http.HandlerFunc
	}{
		{"a page fails halfway", `,"rows":"data","pages":{"by":"page","parameter":"page","size":{"parameter":"n","value":2}},"total":{"field":"total"}`, "page 3 of 3: 502 Bad Gateway", func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("page") == "3" {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			byPage(w, r)
		}},
		{"forbidden", ``, "page 1 of 1: 403 Forbidden", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) }},
		{"not JSON", ``, "the answer is not JSON", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>sign in</html>") }},
		{"no rows there", `,"rows":"data"`, "no row of the answer can be read", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"items":[]}`) }},
		{"fewer than the total", `,"rows":"data","total":{"field":"total"}`, "count at source: 2, not 3", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, `{"total":3,"data":%s}`, rowsOf(0, 2)) }},
		{"total that is no number", `,"rows":"data","total":{"field":"total"}`, "which is no number", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"data":[]}`) }},
		{"list shifts", `,"pages":{"by":"offset","parameter":"x"}`, "appears a second time", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, rowsOf(0, 2)) }},
		{"cursor that stands still", `,"rows":"data","pages":{"by":"cursor","parameter":"c","at":"n"}`, "the same cursor again", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"n":"x","data":[{"id":"%s","name":"a"}]}`, "i"+r.FormValue("c"))
		}},
		{"next page elsewhere", `,"rows":"data","pages":{"by":"url","at":"n"}`, "another origin", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"n":"https://evil.example/x","data":[]}`)
		}},
		{"redirect elsewhere", ``, "it leads to another host, which is not followed", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://evil.example/", http.StatusFound)
		}},
		{"bad row", ``, "page 1:1: id: column \"id\" is empty", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `[{"id":1,"name":"a"},{"name":"b"}]`) }},
		{"answer too large", ``, "more than 33554432 bytes", func(w http.ResponseWriter, r *http.Request) {
			for range 33 {
				fmt.Fprint(w, strings.Repeat(" ", 1<<20))
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := serve(t, tc.stream, tc.handler)
			r, _ := record(t, c)
			m := r.Manifest("account")
			if m.Complete || !strings.Contains(m.Reason, tc.reason) {
				t.Errorf("complete %v, reason %q; want %q", m.Complete, m.Reason, tc.reason)
			}
			if strings.Contains(m.Reason, secret) {
				t.Error("the reason holds the secret")
			}
		})
	}
}

func TestRetries(t *testing.T) {
	tries := 0
	c, _ := serve(t, ``, func(w http.ResponseWriter, r *http.Request) {
		switch tries++; tries {
		case 1:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			fmt.Fprint(w, rowsOf(0, 1))
		}
	})
	r, pauses := record(t, c)
	if !r.Manifest("account").Complete || len(pauses) != 2 || pauses[0] != 7*time.Second || pauses[1] < 500*time.Millisecond || pauses[1] > time.Second {
		t.Errorf("manifest %+v, pauses %v", r.Manifest("account"), pauses)
	}
	c, _ = serve(t, ``, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	r, pauses = record(t, c)
	if m := r.Manifest("account"); m.Complete || len(pauses) != 0 || !strings.Contains(m.Reason, "429 Too Many Requests; it asks to wait 1h0m0s") {
		t.Errorf("manifest %+v, pauses %v", m, pauses)
	}
}

// TestTrialDoesNotWait: whoever tries a connection is told what failed at once.
func TestTrialDoesNotWait(t *testing.T) {
	tries := 0
	c, _ := serve(t, ``, func(w http.ResponseWriter, _ *http.Request) {
		tries++
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	col, config, err := Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		t.Fatal(err)
	}
	rec := &sourcetest.Recorder{Driver: Driver, Config: config}
	if err := col.Collect(source.Trying(t.Context()), window, rec); err != nil {
		t.Fatal(err)
	}
	if m := rec.Manifest("account"); tries != 1 || m.Complete || !strings.Contains(m.Reason, "503 Service Unavailable") {
		t.Errorf("%d tries, manifest %+v", tries, m)
	}
}

func TestRetryAfterDate(t *testing.T) {
	h := http.Header{"Retry-After": {"Wed, 21 Oct 2026 07:28:30 GMT"}, "Date": {"Wed, 21 Oct 2026 07:28:00 GMT"}}
	if got := retryAfter(h); got != 30*time.Second {
		t.Errorf("got %v; want 30s by the endpoint's own clock", got)
	}
}

func TestUnchangedAnswerIsSealedAgain(t *testing.T) {
	asked, sent := 0, 0
	c, _ := serve(t, ``, func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("ETag", `"v1"`)
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent++
		fmt.Fprint(w, rowsOf(0, 2))
	})
	col, config, err := Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		t.Fatal(err)
	}
	r := &sourcetest.Recorder{Driver: Driver, Config: config}
	for range 2 {
		if err := col.Collect(t.Context(), c.Window, r); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 2 || sent != 1 || len(r.Pages) != 2 || string(r.Pages[0].Body) != string(r.Pages[1].Body) || !r.Manifests[1].Complete {
		t.Errorf("asked %d, sent %d, %d pages", asked, sent, len(r.Pages))
	}
}

func TestResume(t *testing.T) {
	events := strings.NewReplacer(`"account"`, `"training"`, `"snapshot"`, `"events","at":"at"`, `"login":"name"`, `"person":"id"`)
	var asked []string
	c, _ := serve(t, `,"rows":"data","pages":{"by":"page","parameter":"page"},"total":{"field":"total"}`, func(w http.ResponseWriter, r *http.Request) {
		p := r.FormValue("page")
		asked = append(asked, p)
		fmt.Fprintf(w, `{"total":3,"data":[{"id":"%s","at":"2026-02-0%sT00:00:00Z"}]}`, p, p)
	})
	c.With = events.Replace(c.With)
	r, _ := record(t, c)
	if len(r.Items) != 3 || r.Pages[2].Cursor == "" {
		t.Fatalf("%d items, cursor %q", len(r.Items), r.Pages[2].Cursor)
	}
	asked = nil
	c.Window.Since = map[string]string{"http.training\x1fhr": r.Pages[2].Cursor}
	r, _ = record(t, c)
	if m := r.Manifest("training"); !m.Complete || strings.Join(asked, " ") != "3" || len(r.Items) != 1 {
		t.Errorf("asked %v, manifest %+v; want page 3 only and the count to add up", asked, m)
	}
	asked = nil
	c.Window.Since = map[string]string{"http.training\x1fhr": `{"page":3,"rows":2,"first":"0011223344556677"}`}
	r, _ = record(t, c)
	if m := r.Manifest("training"); !m.Complete || strings.Join(asked, " ") != "1 2 3" || len(r.Items) != 3 {
		t.Errorf("asked %v, manifest %+v; a place in a list that ends elsewhere must not be gone on with", asked, m)
	}
	c.Window.Since = map[string]string{"http.training\x1fhr": "nonsense"}
	r, _ = record(t, c)
	if r.Manifest("training").Complete {
		t.Error("a cursor that is not understood was passed over")
	}
}

func TestWindowInPath(t *testing.T) {
	w := audit.Span{From: window.From, To: window.AsOf}
	got := fillWindow("x?a={from}&b={to:date}&c={from:unix}", w)
	if want := "x?a=2026-01-01T00%3A00%3A00Z&b=2026-12-01&c=1767225600"; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
}

func TestSecretMissing(t *testing.T) {
	c, _ := serve(t, ``, func(w http.ResponseWriter, r *http.Request) { t.Error("the endpoint was asked") })
	c.Env = source.Env{Secret: func(context.Context, string) (string, error) { return "", errors.New("not set") }}
	col, _, err := Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		t.Fatal(err)
	}
	r := &sourcetest.Recorder{}
	err = col.Collect(t.Context(), c.Window, r)
	if !errors.Is(err, audit.ErrInvalid) || len(r.Manifests) != 1 || r.Manifests[0].Complete {
		t.Errorf("error %v, manifests %+v; want ErrInvalid and the stream closed", err, r.Manifests)
	}
}

// A name may resolve to this machine: the guard looks at the address dialed.
func TestGuardLooksAtTheAddressDialed(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Error("the endpoint was asked") }))
	defer s.Close()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	with := fmt.Sprintf(`{"url":"https://localhost:%s/","streams":[{"path":"x","type":"account","mode":"snapshot","id":"{id}","fields":{}}]}`, u.Port())
	r, pauses := record(t, sourcetest.Connection{Driver: Driver, Name: "x", With: with, Window: window})
	if m := r.Manifest("account"); m.Complete || !strings.Contains(m.Reason, "say `allow: loopback`") || len(pauses) != 0 {
		t.Errorf("manifest %+v, pauses %v", m, pauses)
	}
}

func TestRefusedSettings(t *testing.T) {
	stream := `"streams":[{"path":"x","type":"account","mode":"snapshot","id":"{id}","fields":{}}]`
	for _, tc := range []struct{ name, with, want string }{
		{"plain http to a public address", `{"url":"http://a.example/",` + stream + `}`, "only https"},
		{"user in the address", `{"url":"https://u:p@a.example/",` + stream + `}`, "without a user"},
		{"secret in a header", `{"url":"https://a.example/","headers":{"authorization":"x"},` + stream + `}`, "by reference"},
		{"token header", `{"url":"https://a.example/","headers":{"X-Auth-Token":"x"},` + stream + `}`, "by reference"},
		{"stream elsewhere", `{"url":"https://a.example/","streams":[{"path":"https://b.example/","type":"account","mode":"snapshot","id":"{id}","fields":{}}]}`, "another origin"},
		{"no streams", `{"url":"https://a.example/"}`, "there is none"},
		{"unknown paging", `{"url":"https://a.example/","streams":[{"path":"x","pages":{"by":"magic"},"type":"account","mode":"snapshot","id":"{id}","fields":{}}]}`, "write page, offset"},
		{"literal secret", `{"url":"https://a.example/","auth":{"prefix":"Bearer "},` + stream + `}`, "auth: write secret"},
	} {
		_, _, err := Driver.Open("x", json.RawMessage(tc.with), source.Env{})
		if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(fmt.Sprint(err), tc.want) {
			t.Errorf("%s: got %v; want ErrInvalid with %q", tc.name, err, tc.want)
		}
	}
}

func TestRedact(t *testing.T) {
	u, err := url.Parse("https://a.example/x?access_token=abc&page_token=p&b=1")
	if err != nil {
		t.Fatal(err)
	}
	if got := redact(u); got != "https://a.example/x?access_token=REMOVED&b=1&page_token=p" {
		t.Errorf("got %s", got)
	}
}

func FuzzLink(f *testing.F) {
	f.Add(`</a?x=1>; rel="next", </b>; rel=prev`)
	f.Add(`<<>;rel=next;rel="a next"`)
	f.Fuzz(func(t *testing.T, v string) {
		got := linkNext(http.Header{"Link": {v}})
		if !strings.Contains(v, "<"+got+">") && got != "" {
			t.Errorf("%q gives %q, which it does not hold", v, got)
		}
	})
}

func FuzzPlace(f *testing.F) {
	f.Add(`{"page":3,"rows":20,"url":"/x"}`)
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePlace(s)
		if err != nil {
			return
		}
		again, err := parsePlace(p.String())
		if err != nil || again != p {
			t.Errorf("%q: %+v, then %+v, %v", s, p, again, err)
		}
	})
}
