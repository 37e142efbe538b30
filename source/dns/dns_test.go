package dns

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

var now = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)

// A resolver answers on UDP and TCP of one loopback port.
type resolver struct {
	t       testing.TB
	records map[string][]string // "TXT name" -> data; a name is there if any key ends in it
	rcode   map[string]dnsmessage.RCode
	silent  map[string]bool
	cut     map[string]bool // over UDP
	secure  bool

	mu    sync.Mutex
	asked []string
}

func (r *resolver) start() string {
	r.t.Helper()
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	l, err := net.Listen("tcp", u.LocalAddr().String())
	if err != nil {
		u.Close()
		return r.start() // the port was taken by another
	}
	r.t.Cleanup(func() { u.Close(); l.Close() })
	go r.udp(u)
	go r.tcp(l)
	return u.LocalAddr().String()
}

func (r *resolver) udp(u net.PacketConn) {
	buf := make([]byte, 4096)
	for {
		n, from, err := u.ReadFrom(buf)
		if err != nil {
			return
		}
		if stray := r.answer(buf[:n], false); stray != nil {
			wrong := slices.Clone(stray)
			wrong[0] ^= 0xff // another question's id: to be passed over
			u.WriteTo(wrong, from)
			u.WriteTo(stray, from)
		}
	}
}

func (r *resolver) tcp(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err == nil {
			msg := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err := io.ReadFull(c, msg); err == nil {
				a := r.answer(msg, true)
				c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...))
			}
		}
		c.Close()
	}
}

func (r *resolver) answer(query []byte, whole bool) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	key := typeNames[q.Type] + " " + strings.TrimSuffix(q.Name.String(), ".")
	r.mu.Lock()
	r.asked = append(r.asked, key)
	r.mu.Unlock()
	if r.silent[key] {
		return nil
	}
	cut := r.cut[key] && !whole
	head := dnsmessage.Header{ID: h.ID, Response: true, RCode: r.code(key), AuthenticData: r.secure && h.AuthenticData, Truncated: cut}
	b := dnsmessage.NewBuilder(nil, head)
	err = errors.Join(b.StartQuestions(), b.Question(q), b.StartAnswers())
	if err == nil && !cut && head.RCode == dnsmessage.RCodeSuccess {
		for _, data := range r.records[key] {
			err = errors.Join(err, put(&b, q, data))
		}
	}
	msg, err2 := b.Finish()
	if errors.Join(err, err2) != nil {
		r.t.Errorf("%s: %v", key, errors.Join(err, err2))
	}
	return msg
}

func (r *resolver) code(key string) dnsmessage.RCode {
	if c, ok := r.rcode[key]; ok {
		return c
	}
	_, name, _ := strings.Cut(key, " ")
	for k := range r.records {
		if k == key || strings.HasSuffix(k, " "+name) || strings.HasSuffix(k, "."+name) {
			return dnsmessage.RCodeSuccess
		}
	}
	return dnsmessage.RCodeNameError
}

func put(b *dnsmessage.Builder, q dnsmessage.Question, data string) error {
	h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: dnsmessage.ClassINET, TTL: 60}
	switch q.Type {
	case dnsmessage.TypeTXT:
		var parts []string
		for len(data) > 200 {
			parts, data = append(parts, data[:200]), data[200:]
		}
		return b.TXTResource(h, dnsmessage.TXTResource{TXT: append(parts, data)})
	case dnsmessage.TypeMX:
		return b.MXResource(h, dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName(data)})
	case dnsmessage.TypeSOA:
		n := dnsmessage.MustNewName("ns.example.")
		return b.SOAResource(h, dnsmessage.SOAResource{NS: n, MBox: n})
	}
	tag, value, _ := strings.Cut(data, " ")
	return b.UnknownResource(h, dnsmessage.UnknownResource{Type: q.Type, Data: append([]byte{0, byte(len(tag))}, tag+value...)})
}

// questions are those asked so far.
func (r *resolver) questions() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.asked)
}

// halyard is a domain in order.
func halyard(t testing.TB) *resolver {
	return &resolver{t: t, secure: true, records: map[string][]string{
		"SOA halyard.example":                 {""},
		"MX halyard.example":                  {"mx1.mail.example.", "mx2.mail.example."},
		"TXT halyard.example":                 {"google-site-verification=x", "v=spf1 include:_spf.mail.example ip4:198.51.100.0/24 -all"},
		"TXT _spf.mail.example":               {"v=spf1 ip4:203.0.113.0/24 include:more.mail.example ~all"},
		"TXT more.mail.example":               {"v=spf1 a:out.mail.example ?all"},
		"TXT _dmarc.halyard.example":          {"v=DMARC1; p=reject; rua=mailto:d@halyard.example"},
		"TXT s1._domainkey.halyard.example":   {"v=DKIM1; k=rsa; p=" + strings.Repeat("MIIB", 90)},
		"TXT gone._domainkey.halyard.example": {"v=DKIM1; p="},
		"CAA halyard.example":                 {"issue letsencrypt.org; accounturi=https://x", "issuewild ;", "iodef mailto:s@halyard.example"},
	}}
}

func connection(r *resolver, with string) sourcetest.Connection {
	return sourcetest.Connection{
		Driver: Driver, Name: "names", Window: audit.Window{Span: audit.Span{From: now.AddDate(0, -1, 0), To: now.AddDate(0, 1, 0)}, AsOf: now, Zone: "UTC"},
		With: `{"resolver":"` + r.start() + `","allow":"loopback"` + with + `}`,
	}
}

const whole = `,"domains":["halyard.example"],"selectors":["s1","gone","none"],"validating":true`

func TestConform(t *testing.T) { sourcetest.Conform(t, connection(halyard(t), whole), "domain") }

func TestHalyard(t *testing.T) {
	r := halyard(t)
	r.cut = map[string]bool{"TXT s1._domainkey.halyard.example": true}
	rec := sourcetest.Record(t, connection(r, whole))
	items := rec.ByType("domain")
	want := `{"caa":["letsencrypt.org"],"dkim":["s1"],"dmarc":"reject","dnssec":true,"mail":true,"name":"halyard.example","spf":"fail"}`
	if len(items) != 1 || items[0].ID != "names/halyard.example" || string(items[0].Body) != want {
		t.Fatalf("got %+v\nwant %s", items, want)
	}
	if n := len(rec.Pages); n != 4 { // three rounds, and all of them together
		t.Errorf("%d pages, want 4", n)
	}
	if asked := r.questions(); !slices.Contains(asked, "TXT more.mail.example") || slices.Contains(asked, "A out.mail.example") {
		t.Errorf("asked %v", asked)
	}
}

func TestFindings(t *testing.T) {
	tests := []struct {
		name   string
		change func(r *resolver)
		want   map[string]any // nil: not collected
		why    string         // in the reason of the stream, "": complete
	}{
		{"no records at all", func(r *resolver) { r.records = map[string][]string{"SOA halyard.example": {""}}; r.secure = false },
			map[string]any{"spf": "", "dmarc": "", "dkim": []any{}, "caa": []any{}, "mail": false, "dnssec": false}, ""},
		{"takes no mail, and says so", func(r *resolver) { r.records["MX halyard.example"] = []string{"."} }, map[string]any{"mail": false}, ""},
		{"an include of everyone", func(r *resolver) { r.records["TXT more.mail.example"] = []string{"v=spf1 +all"} }, map[string]any{"spf": "pass"}, ""},
		{"every address is named", func(r *resolver) { r.records["TXT halyard.example"] = []string{"v=spf1 ip4:0.0.0.0/0 -all"} }, map[string]any{"spf": "pass"}, ""},
		{"redirect", func(r *resolver) { r.records["TXT halyard.example"] = []string{"v=spf1 redirect=_spf.mail.example"} }, map[string]any{"spf": "softfail"}, ""},
		{"redirect nowhere", func(r *resolver) { r.records["TXT halyard.example"] = []string{"v=spf1 redirect=none.mail.example"} }, map[string]any{"spf": "invalid"}, ""},
		{"two records", func(r *resolver) { r.records["TXT halyard.example"] = []string{"v=spf1 -all", "V=SPF1 -all"} }, map[string]any{"spf": "invalid"}, ""},
		{"includes itself", func(r *resolver) {
			r.records["TXT halyard.example"] = []string{"v=spf1 include:halyard.example -all"}
		}, map[string]any{"spf": "invalid"}, ""},
		{"eleven look-ups", func(r *resolver) {
			r.records["TXT halyard.example"] = []string{"v=spf1" + strings.Repeat(" a:x.example", 11) + " -all"}
		}, map[string]any{"spf": "invalid"}, ""},
		{"ten look-ups", func(r *resolver) {
			r.records["TXT halyard.example"] = []string{"v=spf1" + strings.Repeat(" a:x.example", 10) + " -all"}
		}, map[string]any{"spf": "fail"}, ""},
		{"an include that is not answered", func(r *resolver) {
			r.rcode = map[string]dnsmessage.RCode{"TXT _spf.mail.example": dnsmessage.RCodeServerFailure}
		},
			map[string]any{"spf": nil, "dmarc": "reject"}, "TXT _spf.mail.example: the resolver answers ServerFailure"},
		{"a selector is refused", func(r *resolver) {
			r.rcode = map[string]dnsmessage.RCode{"TXT s1._domainkey.halyard.example": dnsmessage.RCodeRefused}
		},
			map[string]any{"dkim": nil, "spf": "fail"}, "Refused"},
		{"DMARC twice", func(r *resolver) {
			r.records["TXT _dmarc.halyard.example"] = []string{"v=DMARC1; p=reject", "v=DMARC1; p=none"}
		}, map[string]any{"dmarc": "invalid"}, ""},
		{"DMARC without a policy but with reports", func(r *resolver) { r.records["TXT _dmarc.halyard.example"] = []string{"v=DMARC1; rua=mailto:a@b"} }, map[string]any{"dmarc": "none"}, ""},
		{"DMARC without anything", func(r *resolver) { r.records["TXT _dmarc.halyard.example"] = []string{"v=DMARC1"} }, map[string]any{"dmarc": "invalid"}, ""},
		{"text that is no DMARC", func(r *resolver) { r.records["TXT _dmarc.halyard.example"] = []string{"hello; p=reject"} }, map[string]any{"dmarc": ""}, ""},
		{"CAA of the parent", func(r *resolver) {
			delete(r.records, "CAA halyard.example")
			r.records["CAA example"] = []string{"issue ca.example"}
		}, map[string]any{"caa": []any{"ca.example"}}, ""},
		{"CAA lets nobody", func(r *resolver) { r.records["CAA halyard.example"] = []string{"issue ;"} }, map[string]any{"caa": []any{";"}}, ""},
		{"CAA that restricts nobody hides the parent's", func(r *resolver) {
			r.records["CAA halyard.example"], r.records["CAA example"] = []string{"iodef mailto:x"}, []string{"issue ca.example"}
		}, map[string]any{"caa": []any{}}, ""},
		{"signed answers that do not check", func(r *resolver) {
			r.rcode = map[string]dnsmessage.RCode{"SOA halyard.example": dnsmessage.RCodeServerFailure}
		},
			map[string]any{"dnssec": nil}, "SOA halyard.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := halyard(t)
			tt.change(r)
			rec := sourcetest.Record(t, connection(r, whole))
			m := rec.Manifest("domain")
			if m.Complete != (tt.why == "") || !strings.Contains(m.Reason, tt.why) {
				t.Errorf("complete %v, %q; want %q", m.Complete, m.Reason, tt.why)
			}
			var got map[string]any
			if err := json.Unmarshal(rec.ByType("domain")[0].Body, &got); err != nil {
				t.Fatal(err)
			}
			for field, want := range tt.want {
				if !reflect.DeepEqual(got[field], want) {
					t.Errorf("%s = %v, want %v", field, got[field], want)
				}
			}
		})
	}
}

func TestSubdomainPolicy(t *testing.T) {
	r := halyard(t)
	r.records["SOA app.halyard.example"] = []string{""}
	r.records["TXT _dmarc.halyard.example"] = []string{"v=DMARC1; p=reject; sp=quarantine"}
	rec := sourcetest.Record(t, connection(r, `,"domains":["app.halyard.example"]`))
	want := `{"caa":["letsencrypt.org"],"dmarc":"quarantine","mail":false,"name":"app.halyard.example","spf":""}`
	if got := rec.ByType("domain"); len(got) != 1 || string(got[0].Body) != want {
		t.Errorf("got %s\nwant %s", got[0].Body, want)
	}
}

func TestNotAnswered(t *testing.T) {
	t.Run("no such domain", func(t *testing.T) {
		rec := sourcetest.Record(t, connection(halyard(t), `,"domains":["typo.example","halyard.example"]`))
		if m := rec.Manifests[0]; m.Complete || !strings.Contains(m.Reason, "there is no such domain") {
			t.Errorf("%+v", m)
		}
		if len(rec.ByType("domain")) != 1 || !rec.Manifests[1].Complete {
			t.Error("the other domain is not whole")
		}
	})
	t.Run("resolver on an address that is not allowed", func(t *testing.T) {
		c := connection(halyard(t), whole)
		c.With = strings.Replace(c.With, `,"allow":"loopback"`, "", 1)
		rec := sourcetest.Record(t, c)
		if m := rec.Manifest("domain"); m.Complete || !strings.Contains(m.Reason, "address is not allowed") {
			t.Errorf("%+v", m)
		}
		if len(rec.Items) != 0 {
			t.Errorf("nothing was answered, and yet there is %s", rec.Items[0].Body)
		}
	})
	t.Run("silence", func(t *testing.T) {
		r := halyard(t)
		r.silent = map[string]bool{"MX halyard.example": true}
		c := client{resolver: r.start(), dialer: source.Dialer("loopback"), wait: 20 * time.Millisecond}
		if a := c.ask(t.Context(), Question{"halyard.example", dnsmessage.TypeMX}); !strings.Contains(a.Problem, "no answer in 3 tries") || len(r.questions()) != 3 {
			t.Errorf("%+v after %d tries", a, len(r.questions()))
		}
	})
}

func TestSystemResolver(t *testing.T) {
	got, err := systemResolver(strings.NewReader("# x\nsearch a\nnameserver 127.0.0.53\nnameserver 10.0.0.1\n"))
	if got != "127.0.0.53:53" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := systemResolver(strings.NewReader("options x\n")); err == nil {
		t.Errorf("got %q without a name server", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, with := range []string{
		`{}`, `{"domains":["Halyard.example"],"resolver":"9.9.9.9:53"}`, `{"domains":["halyard"],"resolver":"9.9.9.9:53"}`, `{"domains":["a..b"],"resolver":"9.9.9.9:53"}`,
		`{"domains":["a.b","a.b"],"resolver":"9.9.9.9:53"}`, `{"domains":["a.b"],"resolver":"9.9.9.9"}`, `{"domains":["a.b"],"resolver":"dns.example:53"}`,
		`{"domains":["a.b"],"resolver":"9.9.9.9:53","selectors":["a b"]}`, `{"domains":["a.b"],"resolver":"9.9.9.9:53","allow":"all"}`,
	} {
		if _, _, err := Driver.Open("x", json.RawMessage(with), source.Env{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("Open(%s) gave %v", with, err)
		}
	}
}

// FuzzNormalize: whatever a page holds, what it gives follows the schema.
func FuzzNormalize(f *testing.F) {
	r := halyard(f)
	for _, p := range sourcetest.Record(f, connection(r, whole)).Pages {
		f.Add(p.Body)
	}
	config := json.RawMessage(`{"selectors":["s1"],"validating":true}`)
	f.Fuzz(func(t *testing.T, body []byte) {
		items, _ := Driver.Normalize(config, audit.Page{Source: "x", Kind: kindDomain, Body: body, About: audit.At(now)})
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzMessage: no message brings its reading down.
func FuzzMessage(f *testing.F) {
	r := halyard(f)
	for key := range r.records {
		typ, name, _ := strings.Cut(key, " ")
		for t, n := range typeNames {
			if n == typ {
				_, q, err := encode(Question{name, t})
				if err != nil {
					f.Fatal(err)
				}
				f.Add(uint16(t), r.answer(q, true))
			}
		}
	}
	f.Fuzz(func(t *testing.T, typ uint16, msg []byte) {
		got, err := read(Answer{Name: "halyard.example", Type: int(typ), Message: base64.StdEncoding.EncodeToString(msg)})
		if err != nil && got.known {
			t.Errorf("%v, and yet it is known", err)
		}
	})
}

// FuzzSPF: no record brings the parser down, and what it accepts is made of terms it knows.
func FuzzSPF(f *testing.F) {
	for _, s := range []string{"v=spf1 -all", "v=spf1 a:%{d1r}.x//64 redirect=%{d}.y", "v=spf1 ip6:::/0 exp=a.b ?all"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, record string) {
		if len(spfRecords([]string{record})) == 0 {
			return
		}
		terms, _, err := parseSPF(record)
		for _, term := range terms {
			if err == nil && qualifiers[term.qualifier] == "" {
				t.Errorf("%q: %+v", record, term)
			}
		}
	})
}
