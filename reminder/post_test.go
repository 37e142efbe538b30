package reminder

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tieout/audit"
)

func TestPostIsSigned(t *testing.T) {
	var header string
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header.Get(Signature)
		body, _ = io.ReadAll(r.Body)
	}))
	defer srv.Close()
	h := Hook{URL: srv.URL, Secret: "s3", Allow: "loopback"}
	if err := h.Post(t.Context(), map[string]int{"due": 3}, at); err != nil {
		t.Fatal(err)
	}
	if string(body) != `{"due":3}` {
		t.Errorf("sent %s", body)
	}
	tests := []struct {
		name           string
		secret, header string
		body           string
		now            time.Time
		want           error
	}{
		{"as it was sent", "s3", header, `{"due":3}`, at.Add(time.Minute), nil},
		{"another body", "s3", header, `{"due":4}`, at, audit.ErrForbidden},
		{"another secret", "s4", header, `{"due":3}`, at, audit.ErrForbidden},
		{"no secret", "", Sign("", []byte(`{"due":3}`), at), `{"due":3}`, at, audit.ErrForbidden},
		{"an hour later", "s3", header, `{"due":3}`, at.Add(time.Hour), audit.ErrForbidden},
		{"an hour before", "s3", header, `{"due":3}`, at.Add(-time.Hour), audit.ErrForbidden},
		{"another time in it", "s3", strings.Replace(header, "t=1", "t=2", 1), `{"due":3}`, at, audit.ErrForbidden},
		{"none", "s3", "", `{"due":3}`, at, audit.ErrForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := Verify(tt.secret, tt.header, []byte(tt.body), tt.now); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if want := "t=1773126000,v1="; !strings.HasPrefix(header, want) {
		t.Errorf("header %q, want it to begin %q", header, want)
	}
}

// What leads into this machine or its network, by name or by redirect, is not
// followed; the address is said in no error.
func TestPostIsGuarded(t *testing.T) {
	asked := 0
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer inside.Close()
	turning := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside.URL+"/token", http.StatusTemporaryRedirect)
	}))
	defer turning.Close()
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	defer failing.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))
	defer refusing.Close()
	tests := []struct {
		name string
		h    Hook
		want error
	}{
		{"this machine", Hook{URL: strings.Replace(inside.URL, "http:", "https:", 1) + "/secret-path"}, audit.ErrForbidden},
		{"this machine, as a private network", Hook{URL: inside.URL + "/secret-path", Allow: "private"}, audit.ErrForbidden},
		{"the cloud's own address", Hook{URL: "http://169.254.169.254/secret-path", Allow: "private"}, audit.ErrForbidden},
		{"a private network", Hook{URL: "https://10.0.0.1/secret-path"}, audit.ErrForbidden},
		{"turned elsewhere", Hook{URL: turning.URL + "/secret-path", Allow: "loopback"}, audit.ErrForbidden},
		{"in the clear over the internet", Hook{URL: "http://hooks.example.com/secret-path"}, audit.ErrInvalid},
		{"another scheme", Hook{URL: "file:///etc/secret-path"}, audit.ErrInvalid},
		{"with a user", Hook{URL: "https://a:secret-path@hooks.example.com/"}, audit.ErrInvalid},
		{"no address", Hook{URL: "secret-path"}, audit.ErrInvalid},
		{"one that fails", Hook{URL: failing.URL + "/secret-path", Allow: "loopback"}, audit.ErrUnavailable},
		{"one that refuses", Hook{URL: refusing.URL + "/secret-path", Allow: "loopback"}, audit.ErrForbidden},
		{"one that is not there", Hook{URL: "http://127.0.0.1:1/secret-path", Allow: "loopback"}, audit.ErrUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.h.Chat(t.Context(), "due")
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if strings.Contains(err.Error(), "secret-path") {
				t.Errorf("the error says the address: %v", err)
			}
		})
	}
	if asked > 0 {
		t.Errorf("what must not be asked was asked %d times", asked)
	}
}

func TestChatIsPlain(t *testing.T) {
	var got string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
	}))
	defer srv.Close()
	if err := (Hook{URL: srv.URL, Allow: "loopback"}).Chat(t.Context(), "<!channel> A & B"); err != nil {
		t.Fatal(err)
	}
	if want := `{"text":"\u0026lt;!channel\u0026gt; A \u0026amp; B"}`; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("t=1773126000,v1=00", []byte("{}"))
	f.Add(Sign("s", []byte("{}"), at), []byte("{}"))
	f.Add("v1=,t=,,", []byte{})
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		if err := Verify("s", header, body, at); err != nil && !errors.Is(err, audit.ErrForbidden) {
			t.Errorf("error of another kind: %v", err)
		}
		if err := Verify("other", Sign("s", body, at), body, at); err == nil {
			t.Error("another secret's signature matches")
		}
		if err := Verify("s", Sign("s", body, at), body, at); err != nil {
			t.Errorf("what was signed does not match: %v", err)
		}
	})
}
