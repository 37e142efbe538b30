package access

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
)

// ActivityOf reads an activity back from its sealed record (format 1 of
// docs/formats/access.md): false where the record is of another kind, or of
// another way in than the server's accounts. What cannot be read wraps
// audit.ErrAltered.
func ActivityOf(r audit.Record) (Activity, bool, error) {
	if r.Kind != audit.RecordActivity {
		return Activity{}, false, nil
	}
	var d audit.Activity
	if err := json.Unmarshal(r.Detail, &d); err != nil {
		return Activity{}, false, fmt.Errorf("%w: record %s: %w", audit.ErrAltered, r.ID, err)
	}
	if d.Through != "server" || d.On == "" {
		return Activity{}, false, nil
	}
	return Activity{ID: r.ID, At: r.Collected, By: r.Actor, Session: d.Session, Token: d.Token, Address: d.Address, Verb: Verb(d.Act), On: d.On,
		Detail: d.Facts, Record: r.Index}, true, nil
}

// A Standing is what the log says of an account at one moment: enough to tell
// who could do what, without the store.
type Standing struct {
	Account string // its ID
	Status  Status
	Roles   []Grant
	Since   time.Time // of the activity that made it so
	By      audit.Actor
}

// Replay tells every account's standing after these activities, which come from
// sealed records in the order in which things were done, from the first one on.
// A word it does not know, as of a newer version, leaves standings as they are;
// roles that it cannot read wrap audit.ErrAltered.
func Replay(activities []Activity) (map[string]Standing, error) {
	out := map[string]Standing{}
	for _, a := range activities {
		id, ok := strings.CutPrefix(a.On, "account:")
		if !ok {
			continue
		}
		s, changed := out[id], true
		roles, told := a.Detail["after"], false
		switch a.Verb {
		case DidInvite:
			s.Status = Status(a.Detail["status"])
			roles, told = a.Detail["roles"], true
		case DidAccept, DidLinkIdentity:
			s.Status = Active
		case DidSuspend:
			s.Status = Suspended
		case DidReactivate:
			s.Status = Status(a.Detail["status"])
		case DidProvision:
			s.Status, s.Roles = Status(a.Detail["after"]), nil
		case DidGrant, DidJoinGroup, DidLeaveGroup, DidUnlinkIdentity:
			_, told = a.Detail["after"]
			changed = told
		default:
			changed = false
		}
		if !changed {
			continue
		}
		if told {
			var err error
			if s.Roles, err = readWords(roles); err != nil {
				return nil, fmt.Errorf("activity %s: %w", a.ID, err)
			}
		}
		s.Account, s.Since, s.By = id, a.At, a.By
		out[id] = s
	}
	return out, nil
}

// readWords reads grants as words writes them. Roles of tables that have changed
// since are read too.
func readWords(s string) (out []Grant, err error) {
	for w := range strings.FieldsSeq(s) {
		role, rest, ok := strings.Cut(w, ":")
		scope, object, _ := strings.Cut(rest, ":")
		if !ok || role == "" || scope == "" {
			return nil, fmt.Errorf("%w: %.60q is not a role and its scope", audit.ErrAltered, w)
		}
		out = append(out, Grant{RoleID(role), Scope(scope), object})
	}
	return out, nil
}
