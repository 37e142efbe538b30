package access

import (
	"errors"
	"fmt"
	"testing"

	"tieout/audit"
)

// replayed holds what the log alone tells to what the store has: every case of
// the suites ends with it.
func (d *desk) replayed() {
	d.t.Helper()
	d.log.mu.Lock()
	d.log.down = false
	d.log.mu.Unlock()
	d.must(d.Seal(d.t.Context()))
	told, err := Replay(d.log.all)
	d.must(err)
	all, err := d.store.Accounts(d.t.Context())
	d.must(err)
	d.equal("accounts that the log tells of", len(told), len(all))
	for _, a := range all {
		s := told[a.ID]
		d.equal("what the log tells of "+a.Email, fmt.Sprint(s.Status, " ", words(s.Roles)), fmt.Sprint(a.Status, " ", words(account(a).Grants)))
	}
}

func TestReplay(t *testing.T) {
	did := func(v Verb, detail ...string) Activity {
		a := Activity{ID: "a", Verb: v, On: "account:ana", Detail: map[string]string{}}
		for i := 0; i+1 < len(detail); i += 2 {
			a.Detail[detail[i]] = detail[i+1]
		}
		return a
	}
	invited := did(DidInvite, "roles", "control-owner:control:A:1 reader:workspace", "status", "invited")
	for _, tc := range []struct {
		name string
		all  []Activity
		want string
	}{
		{"nothing", nil, "map[]"},
		{"an object with a colon in its ID", []Activity{invited}, "invited control-owner:control:A:1 reader:workspace"},
		{"a word of tomorrow", []Activity{invited, did("account.moved", "after", "x")}, "invited control-owner:control:A:1 reader:workspace"},
		{"a role of tomorrow", []Activity{invited, did(DidGrant, "after", "warden:workspace")}, "invited warden:workspace"},
		{"a group that changes nothing", []Activity{invited, did(DidJoinGroup, "group", "g")}, "invited control-owner:control:A:1 reader:workspace"},
		{"the last role", []Activity{invited, did(DidAccept), did(DidGrant, "after", "")}, "active "},
		{"what is no role", []Activity{invited, did(DidGrant, "after", "king")}, "altered"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			told, err := Replay(tc.all)
			got := fmt.Sprint(told)
			if s, ok := told["ana"]; ok {
				got = fmt.Sprint(s.Status, " ", words(s.Roles))
			}
			if errors.Is(err, audit.ErrAltered) {
				got = "altered"
			} else if err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestActivityOf(t *testing.T) {
	record := func(kind audit.RecordKind, detail string) audit.Record {
		return audit.Record{ID: "0195", Kind: kind, Actor: audit.Actor{Kind: audit.ActorPerson, Name: "ana"}, Index: 7, Detail: []byte(detail)}
	}
	const whole = `{"through":"server","act":"account.roles-changed","on":"account:bo","session":"s1","address":"192.0.2.7","facts":{"after":"reader:workspace"}}`
	for _, tc := range []struct {
		name   string
		record audit.Record
		want   string
	}{
		{"one of an account", record(audit.RecordActivity, whole), "account.roles-changed account:bo by ana in s1 from 192.0.2.7 as 7 map[after:reader:workspace]"},
		{"a page", record(audit.RecordPage, whole), "none"},
		{"a call of a model", record(audit.RecordActivity, `{"through":"mcp","act":"search"}`), "none"},
		{"no JSON", record(audit.RecordActivity, `{`), "altered"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, ok, err := ActivityOf(tc.record)
			got := fmt.Sprint(a.Verb, " ", a.On, " by ", a.By.Name, " in ", a.Session, " from ", a.Address, " as ", a.Record, " ", a.Detail)
			if errors.Is(err, audit.ErrAltered) {
				got = "altered"
			} else if !ok {
				got = "none"
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
