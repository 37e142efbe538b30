package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tieout/audit"
)

func TestCommittedFilesAreCurrent(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what audit.ItemTypes says; run: go run ./internal/gen", name)
		}
	}
}

// TestTypesAreWellFormed holds the table to what its readers rely on: types
// sorted and unique, ASCII field names, no name that is both a value and an object.
func TestTypesAreWellFormed(t *testing.T) {
	for i, it := range audit.ItemTypes {
		if i > 0 && audit.ItemTypes[i-1].Name >= it.Name {
			t.Errorf("type %s is not after %s", it.Name, audit.ItemTypes[i-1].Name)
		}
		wellFormed(t, it.Name, it.Fields)
	}
}

func wellFormed(t *testing.T, where string, fields []audit.Field) {
	t.Helper()
	seen := map[string]bool{}
	for _, f := range fields {
		if strings.Trim(f.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.") != "" || f.Name == "id" || f.Name == "at" {
			t.Errorf("%s.%s: a field name is ASCII letters, digits and dots, and not id or at", where, f.Name)
		}
		if seen[f.Name] {
			t.Errorf("%s.%s appears twice", where, f.Name)
		}
		seen[f.Name] = true
		for _, g := range fields {
			if strings.HasPrefix(g.Name, f.Name+".") {
				t.Errorf("%s.%s is a value and an object", where, f.Name)
			}
		}
		if (f.Kind == audit.Records) != (len(f.Of) > 0) {
			t.Errorf("%s.%s: records have fields, others have none", where, f.Name)
		}
		if f.None != "" && (f.Kind == audit.Bool || f.Kind == audit.Int) {
			t.Errorf("%s.%s: a %s cannot be absent", where, f.Name, f.Kind)
		}
		wellFormed(t, where+"."+f.Name, f.Of)
	}
}

func TestSchemaJudges(t *testing.T) {
	tests := []struct {
		name, def, body string
		ok              bool
	}{
		{"nested", "account", `{"mfa":{"enforced":true},"status":"active"}`, true},
		{"flat", "account", `{"mfa.enforced":true}`, false},
		{"empty nested object", "account", `{"mfa":{}}`, false},
		{"outside the enumeration", "account", `{"status":"great"}`, false},
		{"never where it may be", "account", `{"disabledAt":"never"}`, true},
		{"never where it may not be", "account", `{"createdAt":"never"}`, false},
		{"null", "account", `{"admin":null}`, false},
		{"volatile field in the body", "account", `{"lastUsedAt":"never"}`, false},
		{"volatile field apart", "account-volatile", `{"lastUsedAt":"never"}`, true},
		{"empty where it may be", "account", `{"email":""}`, true},
		{"empty where it may not be", "account", `{"login":""}`, false},
		{"decimals end in zero", "account", `{"createdAt":"2026-01-01T00:00:00.10Z"}`, false},
	}
	raw, err := audit.JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("items.json", doc); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sch, err := c.Compile("items.json#/$defs/" + tt.def)
			if err != nil {
				t.Fatal(err)
			}
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if err := sch.Validate(v); (err == nil) != tt.ok {
				t.Errorf("%s: got %v, want ok %v", tt.body, err, tt.ok)
			}
		})
	}
}
