package definition

import (
	"strings"
	"testing"
)

func TestClaimHolds(t *testing.T) {
	repo := Thing{Type: "repository", Source: "codehost", ID: "halyard/ledger-api", Name: "halyard/ledger-api", Account: "github", Environment: ""}
	bucket := Thing{Type: "datastore", Source: "cloud", ID: "arn:1", Name: "ledger-main", Account: "4111", Scope: "prod-eu", Environment: "production"}
	for _, c := range []struct {
		name  string
		claim Claim
		thing Thing
		want  bool
	}{
		{"nothing claims nothing", Claim{}, repo, false},
		{"a type", Claim{Type: "repository"}, repo, true},
		{"another type", Claim{Type: "datastore"}, repo, false},
		{"a source", Claim{Source: "codehost"}, repo, true},
		{"type and another source", Claim{Type: "repository", Source: "cloud"}, repo, false},
		{"a whole name", Claim{Name: "halyard/ledger-api"}, repo, true},
		{"part of a name is not enough", Claim{Name: "ledger-api"}, repo, false},
		{"beginning", Claim{Name: "halyard/*"}, repo, true},
		{"end", Claim{Name: "*-api"}, repo, true},
		{"middle", Claim{Name: "*ledger*"}, repo, true},
		{"both ends may not overlap", Claim{Name: "halyard/ledger*ledger-api"}, repo, false},
		{"several stars in order", Claim{Name: "h*d/*-a*i"}, repo, true},
		{"several stars out of order", Claim{Name: "*api*ledger*"}, repo, false},
		{"only a star", Claim{Name: "*"}, repo, true},
		{"the scope of a stream", Claim{Account: "prod-*"}, bucket, true},
		{"an account", Claim{Account: "4111"}, bucket, true},
		{"an environment", Claim{Environment: "production"}, bucket, true},
		{"an environment is not a pattern", Claim{Environment: "prod*"}, bucket, false},
	} {
		if got := c.claim.Holds(c.thing); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// What is read from a file says on which line it stands.
func TestPartsOfASystemKnowTheirLine(t *testing.T) {
	files := minimal()
	files["systems/main.yaml"] = []byte(strings.Join([]string{
		"name: Ledger",
		"components:",
		"  - { id: api, name: API, kind: software, owner: Ana }",
		"  - id: db",
		"    name: Database",
		"    kind: data",
		"    owner: Ana",
		"users: [{ id: u, name: Users }]",
		"data:",
		"  - { id: d, name: Orders, class: internal }",
		"flows:",
		"  - { from: u, to: api, data: [d] }",
		"exclusions:",
		"  - { what: Site, why: It holds no data. }",
	}, "\n"))
	s := load(t, files).Systems[0]
	got := []int{s.Components[0].Line, s.Components[1].Line, s.Users[0].Line, s.Data[0].Line, s.Flows[0].Line, s.Exclusions[0].Line}
	for i, want := range []int{3, 4, 8, 10, 12, 14} {
		if got[i] != want {
			t.Errorf("part %d: got line %d, want %d", i, got[i], want)
		}
	}
}
