package timeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"tieout/audit"
	"tieout/internal/canonical"
)

func TestCheck(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	account := func(body string) audit.Item {
		return audit.Item{Type: "account", ID: "okta/ana", Body: json.RawMessage(body)}
	}
	tests := []struct {
		name string
		mode audit.Mode
		it   audit.Item
		want string // part of the error; "" if there is none
	}{
		{"nothing collected", audit.ModeSnapshot, account(`{}`), ""},
		{"nested and scalar", audit.ModeSnapshot, account(`{"admin":false,"mfa":{"enforced":true,"factors":[]},"status":"active"}`), ""},
		{"every kind", audit.ModeSnapshot, audit.Item{Type: "protection", ID: "r", Body: json.RawMessage(`{"bypass":["a","b"],"enabled":true,"requiredApprovals":-2}`)}, ""},
		{"escapes", audit.ModeSnapshot, account(`{"login":"a\"\\\n\u001fé😀"}`), ""},
		{"volatile part", audit.ModeSnapshot, audit.Item{Type: "account", ID: "a", Body: json.RawMessage(`{}`), Volatile: json.RawMessage(`{"lastUsedAt":"never"}`)}, ""},
		{"gone change", audit.ModeChanges, audit.Item{Type: "account", ID: "a", At: at, Gone: true}, ""},
		{"unknown type", audit.ModeSnapshot, audit.Item{Type: "robot", ID: "a"}, `no item type "robot"`},
		{"no id", audit.ModeSnapshot, audit.Item{Type: "account", Body: json.RawMessage(`{}`)}, "no id"},
		{"id with a control character", audit.ModeSnapshot, audit.Item{Type: "account", ID: "a\nb", Body: json.RawMessage(`{}`)}, "not text"},
		{"unknown field", audit.ModeSnapshot, account(`{"colour":"red"}`), `account "okta/ana": field colour: the type has no such field`},
		{"unknown nested field", audit.ModeSnapshot, account(`{"mfa":{"strong":true}}`), "field mfa.strong"},
		{"flat dotted name", audit.ModeSnapshot, account(`{"mfa.enforced":true}`), "field mfa.enforced"},
		{"id in the body", audit.ModeSnapshot, account(`{"id":"a"}`), "field id"},
		{"bool as string", audit.ModeSnapshot, account(`{"admin":"true"}`), "field admin: want true or false"},
		{"null", audit.ModeSnapshot, account(`{"admin":null}`), "field admin"},
		{"outside the enumeration", audit.ModeSnapshot, account(`{"status":"ACTIVE"}`), `field status: "ACTIVE" is not one of active`},
		{"empty string without meaning", audit.ModeSnapshot, account(`{"login":""}`), "field login"},
		{"empty string with meaning", audit.ModeSnapshot, account(`{"email":""}`), ""},
		{"empty enumeration with meaning", audit.ModeSnapshot, audit.Item{Type: "vendor", ID: "v", Body: json.RawMessage(`{"tier":""}`)}, ""},
		{"empty enumeration without meaning", audit.ModeSnapshot, account(`{"status":""}`), "field status"},
		{"never with meaning", audit.ModeSnapshot, account(`{"disabledAt":"never"}`), ""},
		{"never without meaning", audit.ModeSnapshot, account(`{"createdAt":"never"}`), "field createdAt"},
		{"never written as an instant", audit.ModeSnapshot, account(`{"disabledAt":"9999-12-31T23:59:59.999999Z"}`), "field disabledAt"},
		{"instant with an offset", audit.ModeSnapshot, account(`{"createdAt":"2026-01-01T00:00:00+01:00"}`), "field createdAt"},
		{"30 February", audit.ModeSnapshot, account(`{"createdAt":"2026-02-30T00:00:00Z"}`), "field createdAt"},
		{"empty list without meaning", audit.ModeSnapshot, account(`{"mfa":{"factors":[]}}`), ""},
		{"empty nested object", audit.ModeSnapshot, account(`{"mfa":{}}`), "field mfa"},
		{"volatile in the body", audit.ModeSnapshot, account(`{"lastUsedAt":"never"}`), "volatile"},
		{"body in the volatile part", audit.ModeSnapshot, audit.Item{Type: "account", ID: "a", Body: json.RawMessage(`{}`), Volatile: json.RawMessage(`{"admin":true}`)}, "belongs in the body"},
		{"keys out of order", audit.ModeSnapshot, account(`{"status":"active","admin":true}`), "not in canonical form"},
		{"a key twice", audit.ModeSnapshot, account(`{"admin":true,"admin":true}`), "appears twice"},
		{"spaces", audit.ModeSnapshot, account(`{"admin": true}`), "not in canonical form"},
		{"needless escape", audit.ModeSnapshot, account(`{"login":"\u0061"}`), "not in canonical form"},
		{"invalid UTF-8", audit.ModeSnapshot, account("{\"login\":\"\xff\"}"), "invalid UTF-8"},
		{"truncated", audit.ModeSnapshot, account(`{"admin":true`), "ends too early"},
		{"trailing", audit.ModeSnapshot, account(`{} `), "canonical"},
		{"no body", audit.ModeSnapshot, account(``), "canonical"},
		{"fraction", audit.ModeSnapshot, audit.Item{Type: "change", ID: "c", Body: json.RawMessage(`{"number":1.5}`)}, "integer"},
		{"instant in a snapshot", audit.ModeSnapshot, audit.Item{Type: "account", ID: "a", At: at, Body: json.RawMessage(`{}`)}, "at:"},
		{"event without an instant", audit.ModeEvents, audit.Item{Type: "change", ID: "c", Body: json.RawMessage(`{}`)}, "at:"},
		{"gone snapshot", audit.ModeSnapshot, audit.Item{Type: "account", ID: "a", Gone: true}, "gone:"},
		{"gone with a body", audit.ModeChanges, audit.Item{Type: "account", ID: "a", At: at, Gone: true, Body: json.RawMessage(`{}`)}, "gone:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Check(tt.mode, tt.it)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
			if err != nil && !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("error %v is not ErrInvalid", err)
			}
		})
	}
}

func TestRecordsField(t *testing.T) {
	fields := []audit.Field{{Name: "rules", Kind: audit.Records, Of: []audit.Field{
		{Name: "port", Kind: audit.Int}, {Name: "to.cidr", Kind: audit.String}, {Name: "kind", Kind: audit.String, Enum: []string{"in", "out"}},
	}}}
	root := compile(&node{}, fields)
	tests := []struct {
		name, body string
		want       string
	}{
		{"two", `{"rules":[{"kind":"in","port":22},{"to":{"cidr":"::/0"}}]}`, ""},
		{"nothing collected of one", `{"rules":[{}]}`, ""},
		{"empty without meaning", `{"rules":[]}`, "field rules"},
		{"unknown within", `{"rules":[{"color":1}]}`, "field rules[].color"},
		{"kind within", `{"rules":[{"port":"22"}]}`, "field rules[].port"},
		{"enumeration within", `{"rules":[{"kind":"up"}]}`, "field rules[].kind"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := checkBody(root, []byte(tt.body), false)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestIsInstant holds the fast reader to audit.ParseTime on real instants and
// on ones with a byte changed.
func TestIsInstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		micros := rapid.Int64Range(-62135596800e6, 253402300799e6).Draw(t, "micros")
		if rapid.Bool().Draw(t, "whole seconds") {
			micros -= micros % 1e6
		}
		s := []byte(audit.FormatTime(time.UnixMicro(micros)))
		if rapid.Bool().Draw(t, "change a byte") {
			s[rapid.IntRange(0, len(s)-1).Draw(t, "at")] = rapid.SampledFrom([]byte("0123456789.-:TZ+z ")).Draw(t, "byte")
		}
		_, err := audit.ParseTime(string(s))
		if got := isInstant(s); got != (err == nil) {
			t.Fatalf("isInstant(%s) = %v, ParseTime: %v", s, got, err)
		}
	})
}

// schemas are the item types as the published JSON Schema has them: the second
// opinion the scanner is held to.
var schemas = sync.OnceValue(func() map[string]*jsonschema.Schema {
	raw, err := audit.JSONSchema()
	if err != nil {
		panic(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		panic(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("items.json", doc); err != nil {
		panic(err)
	}
	m := map[string]*jsonschema.Schema{}
	for _, t := range audit.ItemTypes {
		m[t.Name] = c.MustCompile("items.json#/$defs/" + t.Name)
	}
	return m
})

// FuzzCheck: what the scanner accepts is canonical and valid by the published
// schema; what is both is accepted, unless it is a day no calendar has.
func FuzzCheck(f *testing.F) {
	for i, body := range []string{
		`{}`, `{"admin":true,"mfa":{"enforced":true,"factors":["totp"]},"status":"active"}`, `{"createdAt":"2026-03-17T02:14:07.5Z","login":"a\u001f\n"}`,
		`{"disabledAt":"never","email":""}`, `{"retentionDays":-9007199254740991}`, `{"mfa":{}}`, `{"admin":null}`, `{"a":"\ud83d\ude00"}`, `[`,
	} {
		f.Add(uint8(i), []byte(body))
		f.Add(uint8(1), []byte(body))
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		typ := audit.ItemTypes[int(which)%len(audit.ItemTypes)]
		it := audit.Item{Type: typ.Name, ID: "x", Body: body}
		mode := audit.ModeSnapshot
		if typ.Event {
			mode, it.At = audit.ModeEvents, time.Unix(0, 0)
		}
		got := Check(mode, it)
		want := canonical.Check(body)
		if want == nil {
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			want = schemas()[typ.Name].Validate(v)
		}
		if got == nil && want != nil {
			t.Fatalf("accepted %s, but %v", body, want)
		}
		if got != nil && want == nil && !strings.Contains(got.Error(), "is not an instant") {
			t.Fatalf("refused %s: %v", body, got)
		}
	})
}

// TestCheckAcceptsWhatTheSchemaGives draws bodies from the schema itself.
func TestCheckAcceptsWhatTheSchemaGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(audit.ItemTypes).Draw(t, "type")
		it := audit.Item{Type: typ.Name, ID: "x", Body: drawBody(t, typ)}
		mode := audit.ModeSnapshot
		if typ.Event {
			mode, it.At = audit.ModeEvents, time.Unix(0, 0)
		}
		if err := Check(mode, it); err != nil {
			t.Fatalf("%s: %v", it.Body, err)
		}
	})
}

func drawBody(t *rapid.T, typ *audit.ItemType) json.RawMessage {
	body := map[string]any{}
	for i := range typ.Fields {
		f := &typ.Fields[i]
		if f.Volatile || rapid.Bool().Draw(t, "leave out "+f.Name) {
			continue
		}
		at := body
		path := strings.Split(f.Name, ".")
		for _, p := range path[:len(path)-1] {
			if at[p] == nil {
				at[p] = map[string]any{}
			}
			at = at[p].(map[string]any)
		}
		at[path[len(path)-1]] = drawValue(t, f)
	}
	b, err := canonical.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func drawValue(t *rapid.T, f *audit.Field) any {
	absent := f.None != "" && rapid.Bool().Draw(t, "absent")
	switch f.Kind {
	case audit.Bool:
		return rapid.Bool().Draw(t, f.Name)
	case audit.Int:
		return rapid.Int64Range(-maxInt, maxInt).Draw(t, f.Name)
	case audit.Time:
		if absent {
			return audit.NeverText
		}
		return audit.FormatTime(time.UnixMicro(rapid.Int64Range(0, 253402300798e6).Draw(t, f.Name)))
	case audit.Strings:
		if absent {
			return []string{}
		}
		return rapid.SliceOfN(rapid.String(), 1, 3).Draw(t, f.Name)
	default:
		if absent {
			return ""
		}
		if len(f.Enum) > 0 {
			return rapid.SampledFrom(f.Enum).Draw(t, f.Name)
		}
		return rapid.StringN(1, 8, 40).Draw(t, f.Name)
	}
}

func BenchmarkCheck(b *testing.B) {
	it := audit.Item{Type: "account", ID: "okta/ana.lima", Body: json.RawMessage(`{"admin":false,"createdAt":"2025-03-17T02:14:07.5Z","disabledAt":"never","email":"ana.lima@halyard.example","kind":"human","login":"ana.lima","mfa":{"enforced":true,"enrolled":true,"factors":["webauthn","totp"]},"passwordChangedAt":"2025-12-01T09:00:00Z","sso":true,"status":"active","system":"okta"}`)}
	b.ReportAllocs()
	b.SetBytes(int64(len(it.Body)))
	for b.Loop() {
		if err := Check(audit.ModeSnapshot, it); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleCheck() {
	it := audit.Item{Type: "account", ID: "okta/ana", Body: json.RawMessage(`{"status":"great"}`)}
	fmt.Println(Check(audit.ModeSnapshot, it))
	// Output: invalid: account "okta/ana": field status: "great" is not one of active, pending, suspended, disabled
}
