package definition

import "testing"

func TestWhere(t *testing.T) {
	w := load(t, map[string][]byte{"tieout.yaml": []byte(`# Ours.
organization: { name: Halyard, system: Ledger, zone: UTC }
periods:
  - { name: "2025", first: 2025-01-01, last: 2025-12-31 }
  - first: 2026-01-01
    last: 2026-12-31
signIn:
  providers:
    - id: sso
      issuer: https://login.example.com
      clientId: tieout
server:
  url: https://tieout.example.com
`)})
	for _, tc := range []struct {
		path []any
		want int
	}{
		{steps("organization", "name"), 2}, {steps("periods"), 3}, {steps("periods", 1), 5}, {steps("periods", 1, "last"), 6},
		{steps("signIn", "providers", 0, "issuer"), 10}, {steps("server", "url"), 13},
		{steps("jobs", "collect"), 0}, {steps("organization", "categories"), 0}, {steps("periods", 2), 0}, {steps("organization", 0), 0}, {steps("periods", "first"), 0}, {nil, 0},
	} {
		if got := w.Where(tc.path...); got != tc.want {
			t.Errorf("%v: line %d, want %d", tc.path, got, tc.want)
		}
	}
}
