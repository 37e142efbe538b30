package source_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/sourcetest"
)

func TestNewItem(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 30, 0, 123456789, time.FixedZone("", 3600))
	it, err := source.NewItem("account", "okta/1", time.Time{}, source.Fields{
		"login": "ana", "email": "", "kind": nil, "admin": false, "mfa.enrolled": true, "mfa.factors": []string{"push", "a\"b"},
		"createdAt": at, "disabledAt": audit.Never, "passwordChangedAt": time.Time{}, "system": "", "lastUsedAt": at,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"admin":false,"createdAt":"2026-03-01T08:30:00.123456Z","disabledAt":"never","email":"","login":"ana","mfa":{"enrolled":true,"factors":["push","a\"b"]}}`
	if string(it.Body) != want {
		t.Errorf("got  %s\nwant %s", it.Body, want)
	}
	if got := `{"lastUsedAt":"2026-03-01T08:30:00.123456Z"}`; string(it.Volatile) != got {
		t.Errorf("volatile %s, want %s", it.Volatile, got)
	}
}

func TestNewItemRefuses(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name, typ, id string
		at            time.Time
		f             source.Fields
		want          string
	}{
		{"no such type", "acount", "a", at, nil, "item type"},
		{"no id", "account", "", at, nil, "no id"},
		{"an event without an instant", "change", "c", time.Time{}, nil, "when it happened"},
		{"no such field", "account", "a", at, source.Fields{"logon": "x"}, "no such field"},
		{"another kind", "account", "a", at, source.Fields{"login": 3}, "kind string"},
		{"outside the enumeration", "account", "a", at, source.Fields{"status": "gone"}, "is not one of"},
		{"never, where that means nothing", "account", "a", at, source.Fields{"createdAt": audit.Never}, "no absence"},
		{"no value of an item", "account", "a", at, source.Fields{"login": 1.5}, "float64"},
		{"too large a number", "backup", "b", at, source.Fields{"bytes": int64(1) << 53}, "2^53"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := source.NewItem(tt.typ, tt.id, tt.at, tt.f)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestItemsAreCanonical: whatever fields of whatever type, the body is what
// canonical JSON makes of it, and follows the schema.
func TestItemsAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(audit.ItemTypes).Draw(t, "type")
		f := source.Fields{}
		for i := range typ.Fields {
			if field := &typ.Fields[i]; rapid.Bool().Draw(t, field.Name) {
				f[field.Name] = drawValue(t, field)
			}
		}
		it, err := source.NewItem(typ.Name, "x", time.Unix(1_700_000_000, 0), f)
		if err != nil {
			t.Fatalf("%v: %v", f, err)
		}
		var v any
		if err := json.Unmarshal(it.Body, &v); err != nil {
			t.Fatalf("%s: %v", it.Body, err)
		}
		if want, err := canonical.Transform(it.Body); err != nil || !slices.Equal(want, it.Body) {
			t.Fatalf("%s is not canonical: %v", it.Body, err)
		}
		if err := sourcetest.Valid(it); err != nil {
			t.Fatal(err)
		}
	})
}

func drawValue(t *rapid.T, f *audit.Field) any {
	switch f.Kind {
	case audit.Bool:
		return rapid.Bool().Draw(t, "value")
	case audit.Int:
		return rapid.IntRange(-1<<53+1, 1<<53-1).Draw(t, "value")
	case audit.Time:
		return time.Unix(rapid.Int64Range(1, 4_000_000_000).Draw(t, "value"), 0)
	case audit.Strings:
		return rapid.SliceOf(rapid.String()).Draw(t, "value")
	}
	if len(f.Enum) > 0 {
		return rapid.SampledFrom(f.Enum).Draw(t, "value")
	}
	return rapid.String().Draw(t, "value")
}

func BenchmarkNewItem(b *testing.B) {
	for b.Loop() {
		_, err := source.NewItem("resource", "//compute/x", time.Time{}, source.Fields{"name": "x-1", "kind": "instance", "provider": "gcp", "account": "pay",
			"region": "eu", "environment": "production", "enabled": true, "public": false, "openPorts": []string{}, "owner": "payments"})
		if err != nil {
			b.Fatal(err)
		}
	}
}
