package jsonscan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tieout/internal/jsonscan"
)

func TestScan(t *testing.T) {
	doc := ` { "readTime" : "2026-03-01T00:00:00Z", "assets":[ {"a":"]}\"\\"} , 12 ,"x",[ ] ], "next\u0050age": null, "empty": [ ], "o":{"k":[1,2]}, "end": false } `
	d, err := jsonscan.Scan([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"readTime": `"2026-03-01T00:00:00Z"`, "nextPage": "null", "o": `{"k":[1,2]}`, "end": "false", "empty": "[ ]"} {
		if got, ok := d.Field(name); !ok || string(got) != want {
			t.Errorf("%s is %s (%v), want %s", name, got, ok, want)
		}
	}
	list, ok := d.Elements("assets")
	if got := join(list); !ok || got != `{"a":"]}\"\\"}|12|"x"|[ ]` {
		t.Errorf("elements %s (%v)", got, ok)
	}
	if list, ok := d.Elements("empty"); !ok || len(list) != 0 {
		t.Errorf("an empty list is %v (%v)", list, ok)
	}
	for _, name := range []string{"o", "no such field"} {
		if _, ok := d.Elements(name); ok {
			t.Errorf("%s is said to be a list", name)
		}
	}
	top, err := jsonscan.Scan([]byte(`[{"n":1},{"n":2}]`))
	if list, ok := top.Elements(""); err != nil || !ok || join(list) != `{"n":1}|{"n":2}` {
		t.Errorf("a document that is a list: %v %v %v", list, ok, err)
	}
}

func join(list []json.RawMessage) string {
	var parts []string
	for _, e := range list {
		parts = append(parts, string(e))
	}
	return strings.Join(parts, "|")
}

func TestGetLooksNoFurther(t *testing.T) {
	raw, ok, err := jsonscan.Get([]byte(`{"name":"a","type":{"x":1},"rest": broken`), "type")
	if err != nil || !ok || string(raw) != `{"x":1}` {
		t.Errorf("got %s %v %v", raw, ok, err)
	}
	if _, ok, err := jsonscan.Get([]byte(`{"name":"a"}`), "type"); ok || err != nil {
		t.Errorf("a field that is not there: %v %v", ok, err)
	}
}

func TestText(t *testing.T) {
	for raw, want := range map[string]string{`"a b"`: "a b", `""`: "", `"\u0041\n"`: "A\n", `"é"`: "é"} {
		if got, ok := jsonscan.Text(json.RawMessage(raw)); !ok || got != want {
			t.Errorf("%s is %q (%v), want %q", raw, got, ok, want)
		}
	}
	for _, raw := range []string{"", "12", "null", `"`, `"\x"`, "[]"} {
		if got, ok := jsonscan.Text(json.RawMessage(raw)); ok {
			t.Errorf("%s is said to be the text %q", raw, got)
		}
	}
}

func TestScanRefuses(t *testing.T) {
	for _, doc := range []string{"", "12", `"x"`, "{", "[", `{"a"}`, `{"a":}`, `{"a":1`, `{"a":1,}`, `{"a":1 "b":2}`, `[1 2]`, `[1,]`, `{"a":"x}`, `{"a":[1,2}`, `{} {}`, `{a:1}`,
		`{"a":` + strings.Repeat("[", 20_000)} {
		if _, err := jsonscan.Scan([]byte(doc)); err == nil {
			t.Errorf("%.40q was taken", doc)
		}
	}
}

// FuzzScan: whatever encoding/json takes as an object or a list is found with
// the same parts.
func FuzzScan(f *testing.F) {
	for _, s := range []string{`{"a":[{"b":"c"}],"d":null}`, `[1,"2",[3],{"4":5}]`, `{"\u0061":"\\\""}`, `{"a":1,"a":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		d, err := jsonscan.Scan(doc)
		var obj map[string]json.RawMessage
		if json.Unmarshal(doc, &obj) == nil && obj != nil {
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			for name := range obj {
				raw, ok := d.Field(name)
				if !ok && !strings.ContainsRune(name, '\uFFFD') {
					t.Errorf("field %q is not found", name)
				}
				var list []json.RawMessage
				if ok && json.Unmarshal(raw, &list) == nil && list != nil {
					if got, ok := d.Elements(name); !ok || len(got) != len(list) {
						t.Errorf("%q: %d elements, want %d", name, len(got), len(list))
					}
				}
			}
		}
		var list []json.RawMessage
		if json.Unmarshal(doc, &list) == nil && list != nil {
			if got, ok := d.Elements(""); err != nil || !ok || join(got) != join(list) {
				t.Errorf("%v %v, want %v", got, err, list)
			}
		}
	})
}

func BenchmarkScan(b *testing.B) {
	one := `{"name":"//compute.googleapis.com/projects/p/zones/z/instances/i-0001","assetType":"compute.googleapis.com/Instance","resource":{"data":{"status":"RUNNING","labels":{"env":"prod"},"disks":[{"boot":true,"source":"disk-1"}],"id":"123456789"}},"ancestors":["projects/1","organizations/2"]}`
	doc := []byte(`{"readTime":"2026-03-01T00:00:00Z","assets":[` + strings.TrimSuffix(strings.Repeat(one+",", 1000), ",") + `],"nextPageToken":"x"}`)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if _, err := jsonscan.Scan(doc); err != nil {
			b.Fatal(err)
		}
	}
}
