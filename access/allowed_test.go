package access

import (
	"bufio"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
)

// expected is testdata/expected.txt.
type expected struct {
	roles []RoleID
	at    map[RoleID][]Scope
	may   map[RoleID]map[PermissionID]bool
	lists map[string]map[PermissionID]bool // nobody, reading, person, again, own, four-eyes
}

func readExpected(t *testing.T) expected {
	t.Helper()
	f, err := os.Open("testdata/expected.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	e := expected{at: map[RoleID][]Scope{}, may: map[RoleID]map[PermissionID]bool{}, lists: map[string]map[PermissionID]bool{}}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if words := strings.Fields(sc.Text()); len(words) > 0 && words[0] != "#" {
			e.line(words[0], words[1:])
		}
	}
	return e
}

func (e *expected) line(key string, words []string) {
	switch key {
	case "role":
		e.roles = append(e.roles, RoleID(words[0]))
		e.may[RoleID(words[0])] = map[PermissionID]bool{}
	case "at":
		for _, w := range words {
			role := e.roles[len(e.roles)-1]
			e.at[role] = append(e.at[role], Scope(w))
		}
	case "may":
		add(e.may[e.roles[len(e.roles)-1]], words)
	default:
		if e.lists[key] == nil {
			e.lists[key] = map[PermissionID]bool{}
		}
		add(e.lists[key], words)
	}
}

func add(set map[PermissionID]bool, words []string) {
	for _, w := range words {
		set[PermissionID(w)] = true
	}
}

const me, other = "me", "somebody else"

// apart says that different accounts are different people.
func apart(string, string) string { return "" }

// An asked is one way to ask for an object of a scope.
type asked struct {
	name   string
	object Object
	inside func(Scope) bool // whether a grant at that scope reaches it
	part   bool             // the grant reaches a part of it only: enough to read
}

// objects are what every right is asked for: the thing named by the grant, a
// thing beside it, a thing of the workspace, a thing that is only partly it.
func objects() []asked {
	is := func(want ...Scope) func(Scope) bool { return func(s Scope) bool { return slices.Contains(want, s) } }
	whole := Object{Systems: []string{"a"}, Controls: []string{"a"}, Engagements: []string{"a"}, Owner: me}
	twice := Object{Systems: []string{"a", "b"}, Controls: []string{"b", "a"}, Engagements: []string{"a", "b"}, Owner: other}
	beside := Object{Systems: []string{"b"}, Controls: []string{"b"}, Engagements: []string{"b"}, Owner: other}
	return []asked{
		{"named by the grant, my own", whole, is(Scopes...), false},
		{"of two, one of them the grant's", twice, is(ScopeWorkspace, ScopeSystem, ScopeControl, ScopeEngagement), true},
		{"beside the grant", beside, is(ScopeWorkspace), false},
		{"the workspace's", Object{}, is(ScopeWorkspace), false},
		{"mine and nothing else's", Object{Owner: me}, is(ScopeWorkspace, ScopeOwn), false},
	}
}

// askers are the ways in which somebody with the grant asks.
var askers = []struct {
	name   string
	person bool
	fresh  bool
	change func(*Subject)
}{
	{"a person who just signed in", true, true, func(s *Subject) {}},
	{"a person who signed in this morning", true, false, func(s *Subject) { s.Fresh = false }},
	{"a token", false, true, func(s *Subject) { s.Kind, s.Limit, s.Token = audit.ActorCommand, allLimits(), "t" }},
	{"a token that says it is a person", false, true, func(s *Subject) { s.Limit, s.Token = allLimits(), "t" }},
	{"a command", false, true, func(s *Subject) { s.Kind = audit.ActorCommand }},
	{"a connector", false, true, func(s *Subject) { s.Kind = audit.ActorConnector }},
	{"something unknown", false, true, func(s *Subject) { s.Kind = "" }},
}

func allLimits() *[]PermissionID {
	var all []PermissionID
	for _, p := range Permissions {
		all = append(all, p.ID)
	}
	return &all
}

// TestEveryRight walks every role x permission x scope x object x asker.
func TestEveryRight(t *testing.T) {
	e := readExpected(t)
	n, allowed := 0, 0
	for _, role := range e.roles {
		for _, p := range Permissions {
			for _, scope := range Scopes {
				for _, o := range objects() {
					for _, a := range askers {
						for _, prepared := range [][]string{nil, {me}, {other}} {
							c := rightCase{role, p.ID, scope, o, a.person, a.fresh, prepared}
							got, why := c.ask(t, a.change)
							want := c.want(e)
							if n++; got {
								allowed++
							}
							if got != want || why == "" {
								t.Fatalf("%s at %s, %s on what is %s, asked by %s, prepared by %v: got %v (%s), want %v",
									role, scope, p.ID, o.name, a.name, prepared, got, why, want)
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d answers held to testdata/expected.txt, %d of them yes", n, allowed)
	if allowed == 0 || allowed == n {
		t.Fatalf("%d of %d answers are yes", allowed, n)
	}
}

type rightCase struct {
	role          RoleID
	permission    PermissionID
	scope         Scope
	object        asked
	person, fresh bool
	prepared      []string
}

func (c rightCase) ask(t *testing.T, change func(*Subject)) (bool, string) {
	t.Helper()
	r, ok := RoleOf(c.role)
	if !ok {
		t.Fatalf("no role %s", c.role)
	}
	g := Grant{Role: c.role, Scope: c.scope}
	if c.scope != ScopeWorkspace && c.scope != ScopeOwn {
		g.Object = "a"
	}
	who := Subject{Workspace: r.Workspace, Kind: audit.ActorPerson, Account: me, Grants: []Grant{g}, Fresh: true, Eyes: apart}
	change(&who)
	on := c.object.object
	on.Prepared = c.prepared
	return Allowed(who, c.permission, on)
}

// want reads the answer off the file alone.
func (c rightCase) want(e expected) bool {
	is := func(list string) bool { return e.lists[list][c.permission] }
	own := c.object.object.Owner == me
	reached := c.object.inside(c.scope) && (is("reading") || c.scope == ScopeWorkspace || !c.object.part)
	switch {
	case is("nobody"), !e.may[c.role][c.permission], !slices.Contains(e.at[c.role], c.scope):
		return false
	case is("person") && !c.person, is("again") && !c.fresh, is("own") && !own:
		return false
	case is("four-eyes") && !slices.Equal(c.prepared, []string{other}):
		return false
	}
	return reached || is("own")
}

// TestExpectedNamesTheTable finds words of the file that mean nothing, and
// rows of the table that the file says nothing about.
func TestExpectedNamesTheTable(t *testing.T) {
	e := readExpected(t)
	if len(e.roles) != len(Roles) {
		t.Errorf("the file has %d roles, the table %d", len(e.roles), len(Roles))
	}
	said := map[PermissionID]bool{}
	sets := map[string]map[PermissionID]bool{}
	for role, may := range e.may {
		sets[string(role)] = may
	}
	for name, list := range e.lists {
		sets[name] = list
	}
	for name, set := range sets {
		for id := range set {
			if _, ok := PermissionOf(id); !ok {
				t.Errorf("%s: there is no permission %s", name, id)
			}
			said[id] = true
		}
	}
	for _, p := range Permissions {
		if !said[p.ID] {
			t.Errorf("the file says nothing about %s", p.ID)
		}
	}
}

// TestPromises states the sentences people rely on, each over the whole table.
func TestPromises(t *testing.T) {
	e := readExpected(t)
	everything := func(kind Workspace, roles ...RoleID) Subject {
		s := Subject{Workspace: kind, Kind: audit.ActorPerson, Account: me, Fresh: true, Eyes: apart}
		for _, r := range roles {
			for _, scope := range Scopes {
				s.Grants = append(s.Grants, Grant{r, scope, "a"})
			}
		}
		return s
	}
	var all []RoleID
	for _, r := range Roles {
		all = append(all, r.ID)
	}
	theirs := Object{Systems: []string{"a"}, Controls: []string{"a"}, Engagements: []string{"a"}, Owner: me, Prepared: []string{other}}
	uncovered := theirs
	uncovered.Engagements = nil
	signing := []PermissionID{"assertion.sign", "representation.sign", "bridge.sign"}
	concluding := []PermissionID{"conclusion.write", "opinion.write", "report.sign", "quality.review", "workpaper.review"}
	for _, p := range Permissions {
		refused := func(name string, who Subject, on Object) {
			t.Helper()
			if ok, why := Allowed(who, p.ID, on); ok {
				t.Errorf("%s: got %s allowed (%s), want refused", name, p.ID, why)
			}
		}
		if !e.lists["reading"][p.ID] {
			refused("the auditor's guest writes nothing", everything(Company, AuditorsGuest), theirs)
		}
		refused("the auditor's guest reads only what the engagement covers", everything(Company, AuditorsGuest), uncovered)
		refused("nobody is nobody", Subject{Workspace: Company, Kind: audit.ActorPerson, Fresh: true, Grants: everything(Company, all...).Grants}, Object{})
		refused("no grant, no right", Subject{Workspace: Company, Kind: audit.ActorPerson, Account: me, Fresh: true}, theirs)
		refused("a store of no known kind", everything("", all...), theirs)
		if p.ID == EditEvidence {
			refused("nobody edits evidence", everything(Company, all...), theirs)
			refused("nobody edits evidence", everything(Firm, all...), theirs)
		}
		if slices.Contains(signing, p.ID) {
			others := slices.DeleteFunc(slices.Clone(all), func(r RoleID) bool { return r == ManagementSigner })
			refused("only a management signer signs for management", everything(Company, others...), theirs)
			refused("no firm signs for management", everything(Firm, all...), theirs)
		}
		if slices.Contains(concluding, p.ID) {
			refused("only the auditor concludes", everything(Company, all...), theirs)
		}
		if slices.Contains(signing, p.ID) || slices.Contains(concluding, p.ID) {
			for _, kind := range []Workspace{Company, Firm} {
				bot := everything(kind, all...)
				bot.Kind, bot.Limit = audit.ActorCommand, allLimits()
				refused("no software concludes or signs", bot, theirs)
			}
		}
		for _, r := range Roles {
			if r.Workspace == Firm {
				refused("firm roles exist only in a firm's workspace", everything(Company, r.ID), theirs)
			} else {
				refused("a company's roles exist only in its workspace", everything(Firm, r.ID), theirs)
			}
		}
	}
}

func TestLimitOfAToken(t *testing.T) {
	who := Subject{Workspace: Company, Kind: audit.ActorCommand, Account: me, Token: "t", Grants: []Grant{{ComplianceLead, ScopeWorkspace, ""}}}
	for name, tc := range map[string]struct {
		limit []PermissionID
		ask   PermissionID
		want  bool
	}{
		"what it was made for":           {[]PermissionID{"period.read"}, "period.read", true},
		"what it was not made for":       {[]PermissionID{"period.read"}, "evidence.read", false},
		"nothing":                        {[]PermissionID{}, "period.read", false},
		"more than its maker can":        {[]PermissionID{"source.manage"}, "source.manage", false},
		"what only a person can":         {[]PermissionID{"deviation.answer"}, "deviation.answer", false},
		"a permission that is not there": {[]PermissionID{"x"}, "x", false},
	} {
		who.Limit = &tc.limit
		if got, why := Allowed(who, tc.ask, Object{}); got != tc.want {
			t.Errorf("%s: got %v (%s), want %v", name, got, why, tc.want)
		}
	}
}

func TestCheckGrants(t *testing.T) {
	for name, tc := range map[string]struct {
		kind   Workspace
		grants []Grant
		ok     bool
	}{
		"none":                            {Company, nil, true},
		"several":                         {Company, []Grant{{Administrator, ScopeWorkspace, ""}, {ControlOwner, ScopeControl, "IAM-06"}, {Employee, ScopeOwn, ""}}, true},
		"one role for two controls":       {Company, []Grant{{ControlOwner, ScopeControl, "IAM-06"}, {ControlOwner, ScopeControl, "IAM-07"}}, true},
		"a guest of two engagements":      {Company, []Grant{{AuditorsGuest, ScopeEngagement, "1"}, {AuditorsGuest, ScopeEngagement, "2"}}, true},
		"a firm's role in a company":      {Company, []Grant{{Partner, ScopeWorkspace, ""}}, false},
		"a company's role in a firm":      {Firm, []Grant{{Reader, ScopeWorkspace, ""}}, false},
		"an unknown role":                 {Company, []Grant{{"owner", ScopeWorkspace, ""}}, false},
		"an unknown scope":                {Company, []Grant{{Reader, "team", "x"}}, false},
		"a scope the role has not":        {Company, []Grant{{Administrator, ScopeSystem, "api"}}, false},
		"a guest of the whole workspace":  {Company, []Grant{{AuditorsGuest, ScopeWorkspace, ""}}, false},
		"a guest who is also an employee": {Company, []Grant{{AuditorsGuest, ScopeEngagement, "1"}, {Employee, ScopeOwn, ""}}, false},
		"a scope that names nothing":      {Company, []Grant{{ControlOwner, ScopeControl, ""}}, false},
		"the workspace with a name":       {Company, []Grant{{Reader, ScopeWorkspace, "api"}}, false},
		"the same twice":                  {Company, []Grant{{Reader, ScopeWorkspace, ""}, {Reader, ScopeWorkspace, ""}}, false},
	} {
		err := CheckGrants(tc.kind, tc.grants)
		if (err == nil) != tc.ok || err != nil && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: got %v, want ok %v", name, err, tc.ok)
		}
	}
}
