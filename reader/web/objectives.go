package web

import (
	"tieout/access"
	"tieout/definition"
	"tieout/reader/tasks"
)

// recoveryTest is the kind of what is done where recovery is tested.
const recoveryTest = "recovery test"

// objectives are the recovery objectives that the system files state, a line for
// each component, where what is due is a recovery test: for who does it, and for
// who may read of the systems.
func (q *request) objectives(o *tasks.Occurrence, does bool) []string {
	if o.Kind != recoveryTest {
		return nil
	}
	var out []string
	for i := range q.st.p.Def.Systems {
		s := &q.st.p.Def.Systems[i]
		if does || q.may("register.read", access.Object{Systems: []string{s.Name}, Engagements: []string{q.st.p.Name}}) {
			out = append(out, objectivesOf(s)...)
		}
	}
	return out
}

func objectivesOf(s *definition.System) []string {
	var out []string
	for _, c := range s.Components {
		if text := c.Recovery.String(); text != "" {
			out = append(out, c.Name+": "+text+".")
		}
	}
	return out
}
