package answer

import (
	"slices"
	"testing"

	"tieout/audit"
	"tieout/definition"
	"tieout/report/boundary"
)

func TestSystemSentence(t *testing.T) {
	parts := func(n, unread int) (out []Component) {
		for i := range n {
			c := Component{}
			if i >= unread {
				c.Seen = []Seen{{"repository", "git", 1}}
			}
			out = append(out, c)
		}
		return out
	}
	one := []definition.System{{Name: "Ledger"}}
	for _, c := range []struct {
		s    System
		want string
	}{
		{System{}, "Nothing says yet what the system is: write systems/main.yaml, or draw five boxes and fill it in later."},
		{System{Systems: one}, "What this is: no component is named yet."},
		{System{Systems: one, Components: parts(1, 0), Layers: []string{"A"}}, "What this is: 1 component in 1 layer."},
		{System{Systems: one, Components: parts(14, 2), Layers: []string{"A", "B", "C", "D"}, Methods: map[string]int{"carve-out": 3}, Unread: 2},
			"What this is: 14 components in 4 layers; 3 subservice organizations are carved out; 2 components are read by no source."},
		{System{Systems: one, Components: parts(1, 1), Layers: []string{"A"}, Methods: map[string]int{"carve-out": 1}, Unread: 1},
			"What this is: 1 component in 1 layer; 1 subservice organization is carved out; 1 component is read by no source."},
		{System{Systems: one, Components: parts(2, 0), Layers: []string{"A"}, Methods: map[string]int{"inclusive": 2}},
			"What this is: 2 components in 1 layer; 2 subservice organizations are included."},
		{System{Systems: one, Components: parts(2, 0), Layers: []string{"A"}, Methods: map[string]int{"inclusive": 1, "carve-out": 2}},
			"What this is: 2 components in 1 layer; 2 subservice organizations are carved out and 1 is included."},
		{System{Systems: one, Components: parts(2, 0), Layers: []string{"A"}, Unclaimed: []Unclaimed{{Things: 1}}},
			"What this is: 2 components in 1 layer; 1 thing that sources see belongs to no component."},
		{System{Systems: one, Components: parts(2, 0), Layers: []string{"A"}, Unclaimed: []Unclaimed{{Things: 1}, {Things: 4}}},
			"What this is: 2 components in 1 layer; 5 things that sources see belong to no component."},
	} {
		if got := c.s.Sentence(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// see is a claiming of two components, with things held against it.
func see(things ...definition.Thing) *System {
	s := &System{
		Systems: []definition.System{{Exclusions: []definition.Exclusion{{What: "Staging", Claims: []definition.Claim{{Account: "staging*"}}}}}},
		Components: []Component{
			{Component: definition.Component{ID: "api", Claims: []definition.Claim{{Type: "repository", Name: "halyard/api*"}, {Type: "revision", Source: "registers"}}}},
			{Component: definition.Component{ID: "queue"}},
		},
	}
	c := &claiming{s: s, seen: make([]map[Seen]int, 2), left: map[place]*unclaimed{}}
	for _, t := range things {
		c.thing(t)
	}
	c.streams([]audit.StreamKey{{Source: "registers", Type: "revision"}, {Source: "other", Type: "revision"}, {Source: "code", Type: "repository"}})
	c.end()
	return s
}

func repo(name string) definition.Thing {
	return definition.Thing{Type: "repository", Source: "code", Scope: "github", ID: name, Name: name}
}

func TestClaiming(t *testing.T) {
	s := see(repo("halyard/api"), repo("halyard/api-2"), repo("halyard/notifier"), repo("halyard/notifier-2"),
		definition.Thing{Type: "datastore", Source: "cloud", Scope: "sandbox", ID: "a", Name: "a"},
		definition.Thing{Type: "datastore", Source: "cloud", Scope: "staging-2", ID: "b", Name: "b"})
	if want := []Seen{{"repository", "code", 2}, {"revision", "registers", 0}}; !slices.Equal(s.Components[0].Seen, want) {
		t.Errorf("seen of api: got %v, want %v", s.Components[0].Seen, want)
	}
	if s.Unread != 1 {
		t.Errorf("unread: got %d, want the queue only", s.Unread)
	}
	if len(s.Unclaimed) != 2 || s.Unclaimed[0].Things != 2 || s.Unclaimed[1].Type != "datastore" || s.Unclaimed[1].Things != 1 {
		t.Fatalf("unclaimed: got %+v", s.Unclaimed)
	}
	// The place holds what is claimed, so names are suggested; the sandbox does not.
	if want := []definition.Claim{{Type: "repository", Source: "code", Name: "halyard/notifier*"}}; !slices.Equal(s.Unclaimed[0].Claims, want) {
		t.Errorf("claims: got %+v, want %+v", s.Unclaimed[0].Claims, want)
	}
	if want := []definition.Claim{{Type: "datastore", Source: "cloud", Account: "sandbox"}}; !slices.Equal(s.Unclaimed[1].Claims, want) {
		t.Errorf("claims: got %+v, want %+v", s.Unclaimed[1].Claims, want)
	}
}

// What is suggested holds every thing it is for and nothing that was claimed.
func TestSuggestionsHoldWhatTheyAreFor(t *testing.T) {
	things := []definition.Thing{repo("halyard/api"), repo("halyard/a"), repo("other/z"), repo("halyard/web")}
	s := see(things...)
	for _, u := range s.Unclaimed {
		for _, x := range things {
			claimed := slices.ContainsFunc(s.Components[0].Claims, func(c definition.Claim) bool { return c.Holds(x) })
			if got := slices.ContainsFunc(u.Claims, func(c definition.Claim) bool { return c.Holds(x) }); got == claimed {
				t.Errorf("%s: suggested claims hold it is %v, it was claimed before is %v", x.Name, got, claimed)
			}
		}
	}
}

func TestGraph(t *testing.T) {
	g := Graph(definition.System{
		Users:       []definition.User{{ID: "u", Name: "Users"}},
		Components:  []definition.Component{{ID: "team", Kind: "people"}, {ID: "api", Kind: "software", Layer: "Edge"}, {ID: "db", Kind: "data", Layer: "Storage"}},
		Subservices: []definition.Subservice{{Name: "Cumulo", Method: "carve-out"}},
		Data:        []definition.DataClass{{ID: "d", Name: "Orders"}},
		Flows:       []definition.Flow{{From: "u", To: "api", Data: []string{"d"}, Controls: []string{"CRY-01", "IAM-06"}}},
	})
	column := map[string]int{}
	for _, n := range g.Nodes {
		column[n.ID] = g.Layers[n.Layer].Column
	}
	for id, want := range map[string]int{"u": 0, "team": 0, "api": 1, "db": 2, "subservice 0": 2} {
		if got, ok := column[id]; !ok || got != want {
			t.Errorf("%s stands in column %d, want %d", id, got, want)
		}
	}
	if want := (boundary.Edge{From: "u", To: "api", Data: "Orders", Control: "CRY-01, IAM-06"}); g.Edges[0] != want {
		t.Errorf("got %+v, want %+v", g.Edges[0], want)
	}
}
