package scim

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

var sample = map[string]any{
	"id": "7", "userName": "Ana@Halyard.example", "externalId": "X1", "active": true, "age": 40.0,
	"name":   map[string]any{"familyName": "Moss"},
	"emails": []any{map[string]any{"value": "ana@home.example", "type": "home"}, map[string]any{"value": "ana@halyard.example", "type": "work", "primary": true}},
	"meta":   map[string]any{"lastModified": "2026-03-01T09:00:00Z"},
}

func TestFilter(t *testing.T) {
	for _, tc := range []struct {
		filter string
		want   string // yes, no, or bad
	}{
		{`userName eq "ana@halyard.example"`, "yes"},
		{`USERNAME Eq "ana@halyard.example"`, "yes"},
		{`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ana@halyard.example"`, "yes"},
		{`userName eq "bo@halyard.example"`, "no"},
		{`externalId eq "x1"`, "no"},
		{`externalId eq "X1" and active eq true`, "yes"},
		{`active eq "True"`, "yes"},
		{`active eq false or name.familyName eq "moss"`, "yes"},
		{`active eq false and name.familyName eq "moss"`, "no"},
		{`active eq false and name.familyName eq "x" or id eq "7"`, "yes"},
		{`active eq false and (name.familyName eq "x" or id eq "7")`, "no"},
		{`not (active eq false)`, "yes"},
		{`emails eq "ana@home.example"`, "yes"},
		{`emails.type eq "work"`, "yes"},
		{`emails[type eq "work" and primary eq true]`, "yes"},
		{`emails[type eq "home" and primary eq true]`, "no"},
		{`emails.value ew "halyard.example"`, "yes"},
		{`userName co "halyard" and userName sw "ana"`, "yes"},
		{`title pr`, "no"},
		{`emails pr`, "yes"},
		{`title eq null`, "yes"},
		{`title ne "x"`, "yes"},
		{`meta.lastModified gt "2026-03-01T08:59:59+00:00"`, "yes"},
		{`meta.lastModified lt "2026-03-01T09:00:00.5Z"`, "yes"},
		{`age ge 40`, "yes"},
		{`age lt 40`, "no"},
		{`userName eq "a \"quoted\" name"`, "no"},
		{``, "bad"}, {`userName`, "bad"}, {`userName eq`, "bad"}, {`userName is "x"`, "bad"}, {`userName eq "x`, "bad"}, {`userName eq x`, "bad"},
		{`userName eq "x" and`, "bad"}, {`(userName pr`, "bad"}, {`userName pr)`, "bad"}, {`emails[type pr`, "bad"}, {`1a pr`, "bad"}, {`a.b.c pr`, "bad"},
		{`a eq ["x"]`, "bad"}, {strings.Repeat("(", 30) + "a pr" + strings.Repeat(")", 30), "bad"}, {"a eq \"" + strings.Repeat("x", maxFilter) + `"`, "bad"},
	} {
		f, err := parseFilter(tc.filter)
		got := "bad"
		if err == nil {
			got = map[bool]string{true: "yes", false: "no"}[f.match(sample)]
		} else if x := new(fault); !errors.As(err, &x) || x.kind != "invalidFilter" {
			t.Errorf("%s: got error %v", tc.filter, err)
		}
		if got != tc.want {
			t.Errorf("%.80s: got %s (%v), want %s", tc.filter, got, err, tc.want)
		}
	}
}

func TestPath(t *testing.T) {
	for in, want := range map[string]string{
		"active": "active||", "name.givenName": "name|givenName|", `emails[type eq "work"].value`: "emails|value|only", `members[value eq "x"]`: "members||only",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": enterprise + "||",
		"": "bad", "a..b": "bad", "a[": "bad", "a[b pr": "bad", "a[b pr]x": "bad", "a[b pr].": "bad", "a.b[c pr]": "bad", "a b": "bad", strings.Repeat("a", 61): "bad",
	} {
		at, err := parsePath(in)
		got := at.attr + "|" + at.sub + "|"
		if at.only != nil {
			got += "only"
		}
		if err != nil {
			got = "bad"
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

// FuzzFilter: whatever is asked is answered or refused as the client's mistake.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{`userName eq "x" and active eq true`, `emails[type eq "work" and not (value co "@")]`, `a pr or (b ne null)`, `not (`, `"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g, err := parseFilter(s)
		if err != nil {
			if x := new(fault); !errors.As(err, &x) || x.status != 400 {
				t.Errorf("%q: got %v", s, err)
			}
			return
		}
		if a, b := g.match(sample), g.match(clone(sample).(map[string]any)); a != b {
			t.Errorf("%q: got %v and %v", s, a, b)
		}
	})
}

// FuzzPatch: whatever is sent changes a copy or is refused as the client's
// mistake; who somebody is never changes.
func FuzzPatch(f *testing.F) {
	for _, s := range []string{
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"x@y.example"}]}`,
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","value":{"name.givenName":"x","members":[{"value":"1"}]}}]}`,
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"7\"]"},{"op":"remove","path":"emails.type"}]}`,
	} {
		f.Add([]byte(s))
	}
	before, err := json.Marshal(sample)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parsePatch(b)
		for _, k := range []*kind{users, groups} {
			var v map[string]any
			if err == nil {
				v, err = patched(k, sample, all)
			}
			if x := new(fault); err != nil && (!errors.As(err, &x) || x.status != 400) {
				t.Errorf("got %v", err)
			}
			if err == nil && v["id"] != "7" {
				t.Errorf("the id is %v", v["id"])
			}
			_, _ = userOf(v, "7", true)
			_, _ = groupOf(v, "7")
			err = nil
			if all == nil {
				return
			}
		}
		if after, err := json.Marshal(sample); err != nil || string(after) != string(before) {
			t.Errorf("the resource itself changed: %s", after)
		}
	})
}
