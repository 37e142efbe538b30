package canonical

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestTransform(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"keys sorted", `{"b":1,"a":{"d":[],"c":null}}`, `{"a":{"c":null,"d":[]},"b":1}`},
		// RFC 8785 3.2.3: sorting is by UTF-16 code units, so U+1F600 comes before U+FB33.
		{"utf-16 order", `{"\ufb33":1,"\ud83d\ude00":2,"\u20ac":3}`, "{\"\u20ac\":3,\"\U0001F600\":2,\"\ufb33\":1}"},
		{"escapes", `"\u000f\n\"\\\/\u00e9"`, "\"\\u000f\\n\\\"\\\\/é\""},
		{"spaces gone", " [ 1 , -2 ] ", "[1,-2]"},
		{"a written replacement character stays", `"\ufffd"`, "\"\uFFFD\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Transform([]byte(tt.in))
			if err != nil || string(got) != tt.want {
				t.Errorf("Transform(%s) = %s, %v; want %s", tt.in, got, err, tt.want)
			}
		})
	}
}

func TestTransformRefuses(t *testing.T) {
	deep := bytes.Repeat([]byte("["), MaxDepth+2)
	tests := []struct{ name, in string }{
		{"duplicate key", `{"a":1,"a":2}`}, {"fraction", `1.5`}, {"exponent", `1e3`}, {"too large", `9007199254740992`},
		{"trailing", `{} {}`}, {"truncated", `{"a":`}, {"lone surrogate", `"\ud800"`}, {"invalid utf-8", "\"\xff\""},
		{"deep", string(deep)}, {"empty", ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := Transform([]byte(tt.in)); err == nil {
				t.Errorf("Transform(%q) = %s; want an error", tt.in, got)
			}
		})
	}
}

// FuzzTransform: what transforms is its own canonical form.
func FuzzTransform(f *testing.F) {
	for _, s := range []string{`{"a":[1,2,{"b":"\u00e9"}]}`, `"\ud83d\ude00"`, `[]`, `-0`, `{"":{}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Transform(data)
		if err != nil {
			return
		}
		if err := Check(got); err != nil {
			t.Errorf("Transform(%q) = %q, which is not canonical: %v", data, got, err)
		}
	})
}

// TestMarshalDirect: what Marshal writes directly is what the way over
// encoding/json gives.
func TestMarshalDirect(t *testing.T) {
	texts := []any{"a", "", "<&>", "\u2028", "é", "\U0001F600", "\uE000", "\uFFFD", "half \xff", "\x00\n\"\\", true, 7, int64(-9), []string{"b", "\xff"}, []string{}, []string(nil),
		map[string]any{}, map[string]any(nil), 1.5, nil, 1 << 60, map[string]any{"\U0001F600": 1, "\uE000": 2, "z": "\xff"}}
	for _, v := range texts {
		m := map[string]any{"k": v, "a.b": v, "<": "x"}
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		want, wantErr := Transform(raw)
		got, gotErr := Marshal(m)
		if string(got) != string(want) || (gotErr == nil) != (wantErr == nil) {
			t.Errorf("%q: got %s (%v), want %s (%v)", v, got, gotErr, want, wantErr)
		}
	}
}
