package sqlquery

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/source"
	"tieout/source/folder/foldertest"
	"tieout/source/sourcetest"
)

// buckets is a stream whose query is the one thing tests change.
func buckets(query string) string {
	return `{"name":"buckets","query":` + quoted(query) + `,"type":"datastore","mode":"snapshot","scope":"aws","id":"{arn}",
		"fields":{"name":"name","kind":{"value":"bucket"},"region":"region","public":"public","versioning":"versioning"}}`
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func with(streams ...string) string {
	return `{"dsn":"env:DSN","allow":"loopback","streams":[` + strings.Join(streams, ",") + `]}`
}

func TestInvalid(t *testing.T) {
	one := buckets("select 1")
	foldertest.Invalid(t, Driver, `{}`, with(), with(one, one),
		`{"dsn":"postgres://u:secret@h/d","streams":[`+one+`]}`,
		`{"dsn":"env:DSN","allow":"all","streams":[`+one+`]}`,
		`{"dsn":"env:DSN","timeout":-1,"streams":[`+one+`]}`,
		with(buckets(" ;")),
		with(strings.Replace(one, `"region":"region"`, `"shade":"region"`, 1)),
		with(strings.Replace(one, `"snapshot"`, `"events"`, 1)),
		with(one, strings.Replace(one, `"name":"buckets"`, `"name":"more"`, 1)))
}

// TestAddress: what may be connected to, and that nothing of the address is told.
func TestAddress(t *testing.T) {
	const secret = "correct-horse"
	for _, tc := range []struct{ name, dsn, allow, why string }{
		{"no address", "host=db password=" + secret, "loopback", "no address such as"},
		{"unreadable", "postgres://u:" + secret + "@h:port/d", "loopback", "cannot be read"},
		{"public without TLS", "postgres://u:" + secret + "@db.example.com/d?sslmode=disable", "", "sslmode=verify-full"},
		{"public, certificate unverified", "postgres://u:" + secret + "@db.example.com/d?sslmode=require", "", "sslmode=verify-full"},
		{"public, TLS if it comes", "postgres://u:" + secret + "@db.example.com/d", "", "sslmode=verify-full"},
	} {
		_, err := configuration(tc.dsn, tc.allow)
		if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), tc.why) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v; want %q, and no password", tc.name, err, tc.why)
		}
	}
	if _, err := configuration("postgres://u@db.example.com/d?sslmode=verify-full", ""); err != nil {
		t.Errorf("verified: %v", err)
	}
	for _, tc := range []struct{ allow, network, address string }{
		{"", "tcp", "127.0.0.1:5432"}, {"private", "tcp", "127.0.0.1:5432"}, {"loopback", "tcp", "10.0.0.1:5432"}, {"private", "tcp", "169.254.169.254:80"}, {"private", "unix", "/var/run/.s.PGSQL.5432"},
	} {
		if c, err := dial(tc.allow)(t.Context(), tc.network, tc.address); !errors.Is(err, source.ErrAddress) {
			t.Errorf("allow %q: %s gave %v, %v; want ErrAddress", tc.allow, tc.address, c, err)
		}
	}
}

func env(dsn string) source.Env {
	return source.Env{Secret: func(_ context.Context, ref string) (string, error) {
		if ref != "env:DSN" {
			return "", errors.New("no such secret")
		}
		return dsn, nil
	}}
}

func connection(dsn, with string) sourcetest.Connection {
	return sourcetest.Connection{Driver: Driver, Name: "steampipe", With: with, Env: env(dsn), Window: foldertest.Window}
}

// TestNoServer: every stream closes, incomplete, and says why.
func TestNoServer(t *testing.T) {
	r := sourcetest.Record(t, connection("postgres://u:correct-horse@127.0.0.1:1/d?sslmode=disable", with(buckets("select 1"))))
	m := r.Manifest("datastore")
	if len(r.Manifests) != 1 || m.Complete || !strings.Contains(m.Reason, "does not answer") || strings.Contains(m.Reason, "correct-horse") {
		t.Errorf("%+v; want one incomplete stream, without the password", r.Manifests)
	}
}

// TestNoSecret: the streams close and the connection's error is returned.
func TestNoSecret(t *testing.T) {
	c := connection("", with(buckets("select 1")))
	col, _, err := Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		t.Fatal(err)
	}
	r := &sourcetest.Recorder{}
	if err := col.Collect(t.Context(), c.Window, r); !errors.Is(err, audit.ErrInvalid) || len(r.Manifests) != 1 || r.Manifests[0].Complete {
		t.Errorf("%v, %+v; want audit.ErrInvalid and an incomplete stream", err, r.Manifests)
	}
}

func TestNormalizeRefuses(t *testing.T) {
	_, conf, err := Driver.Open("x", json.RawMessage(with(buckets("select 1"))), source.Env{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []audit.Page{{Kind: "http.buckets", Query: "q (row 1, zone UTC)"}, {Kind: "sql.other", Query: "q (row 1, zone UTC)"}, {Kind: "sql.buckets", Query: "q"}, {Kind: "sql.buckets", Query: "q (row 1, zone No/Where)"}} {
		if _, err := normalize(conf, p); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s %s: %v; want audit.ErrInvalid", p.Kind, p.Query, err)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	_, conf, err := Driver.Open("x", json.RawMessage(with(buckets("select 1"))), source.Env{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"arn":"a","name":"n","public":true}` + "\n"))
	f.Add([]byte(`{"arn":"a","public":"maybe"}` + "\n{"))
	f.Fuzz(func(t *testing.T, b []byte) {
		items, _ := normalize(conf, audit.Page{Kind: "sql.buckets", Query: "q (row 1, zone Europe/Berlin)", Body: b})
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Errorf("%s: %v", it.ID, err)
			}
		}
	})
}
