package roster

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tieout/audit"
	"tieout/program"
)

// idleOdd is from how many days without a sign-in on an account looks odd.
const idleOdd = 90

// A Reading returns what one closed stream showed, with its volatile fields;
// see period.Program.Reading.
type Reading func(key audit.StreamKey, record int64) (audit.Observation, error)

// ListOf freezes the list of one system for an access review: every account that
// is not known to be disabled or gone, with its places in groups and roles, and
// what the list was made from. It wraps audit.ErrUnavailable where accounts of
// the system were never read completely.
func (r *Roster) ListOf(system string, memberships *audit.Timeline, reading Reading) (program.ReviewPart, []program.ListRow, error) {
	part := program.ReviewPart{System: system}
	accounts := r.Accounts(system)
	if len(accounts) == 0 {
		return part, nil, fmt.Errorf("%w: no account of the system %q was collected; systems are %s", audit.ErrNotFound, system, r.systemNames())
	}
	var readings []audit.Observation
	for _, s := range streamsOf(r.in.Accounts, accounts) {
		at, record, ok := newest(s)
		if !ok {
			part.Lacks = append(part.Lacks, fmt.Sprintf("accounts from %s were never read completely%s", streamName(s.StreamKey), because(s, time.Time{})))
			continue
		}
		part.Read = append(part.Read, listRead(s, at, record))
		if why := because(s, at); why != "" {
			part.Lacks = append(part.Lacks, fmt.Sprintf("accounts from %s could not be read completely since%s", streamName(s.StreamKey), why))
		}
		if s.Mode == audit.ModeSnapshot {
			obs, err := reading(s.StreamKey, record)
			if err != nil {
				return part, nil, err
			}
			readings = append(readings, obs)
		}
	}
	if len(part.Read) == 0 {
		return part, nil, fmt.Errorf("%w: accounts of %s were never read completely, so there is no list to review. Run 'tieout collect' first: %s", audit.ErrUnavailable, system, part.Lacks[0])
	}
	part.Whole = len(part.Lacks) == 0
	roles, known := r.rolesOf(&part, memberships, system)
	rows := r.rows(accounts, roles, readings)
	part.Listed, part.Privileged = len(rows), known || adminKnown(rows)
	if !part.Privileged {
		part.Lacks = append(part.Lacks, "who has administrative rights was not collected")
	}
	if len(rows) == 0 {
		return part, nil, fmt.Errorf("%w: every account of %s is disabled or gone; there is nothing to review", audit.ErrNotFound, system)
	}
	return part, rows, nil
}

func (r *Roster) systemNames() string {
	out := ""
	for i, s := range r.Systems {
		if i > 0 {
			out += ", "
		}
		out += s.Name
	}
	return cmp.Or(out, "none")
}

func streamName(k audit.StreamKey) string {
	if k.Scope == "" {
		return k.Source
	}
	return k.Source + ", " + k.Scope
}

// newest is the newest instant at which a stream was seen whole, and the log
// index of what says so.
func newest(s *audit.Stream) (at time.Time, record int64, ok bool) {
	if n := len(s.Points); n > 0 {
		at, record, ok = s.Points[n-1].At, s.Points[n-1].Record, true
	}
	if n := len(s.Covered); n > 0 && s.Covered[n-1].To.After(at) {
		at, record, ok = s.Covered[n-1].To, s.Covered[n-1].Record, true
	}
	return at, record, ok
}

// because is the newest failure of a stream after an instant, in words.
func because(s *audit.Stream, after time.Time) string {
	for i := len(s.Holes) - 1; i >= 0; i-- {
		if h := s.Holes[i]; h.To.After(after) || h.From.After(after) {
			return ": " + h.Reason + " (" + audit.EvidenceRef(h.Record) + ")"
		}
	}
	return ""
}

func listRead(s *audit.Stream, at time.Time, record int64) program.ListRead {
	return program.ListRead{Source: s.Source, Scope: s.Scope, Type: s.Type, AsOf: audit.FormatTime(at), Record: record}
}

// streamsOf are the streams that tell of these accounts.
func streamsOf(tl *audit.Timeline, accounts []*Account) (out []*audit.Stream) {
	seen := map[int]bool{}
	for _, a := range accounts {
		for _, h := range a.told {
			seen[h.Stream] = true
		}
	}
	for i := range tl.Streams {
		if seen[i] {
			out = append(out, &tl.Streams[i])
		}
	}
	return out
}

// rolesOf are the places of the system's accounts in groups and roles, by
// account, and whether they were read completely.
func (r *Roster) rolesOf(part *program.ReviewPart, tl *audit.Timeline, system string) (map[string][]program.ListRole, bool) {
	out := map[string][]program.ListRole{}
	seen := map[int]bool{}
	each(tl, func(h *audit.History, v *audit.Version) {
		s := shown(h)
		if s == nil {
			return
		}
		b := bodyOf(s.Body)
		if b.text("system") != system {
			return
		}
		if seen[h.Stream] = true; v.Gone {
			return
		}
		out[b.text("account")] = append(out[b.text("account")], program.ListRole{ID: h.ID, Group: b.text("group"), Role: b.text("role"),
			Privileged: b.truth("privileged") == "yes", Record: v.Record})
	})
	whole := len(seen) > 0
	for i := range seen {
		s := &tl.Streams[i]
		at, record, ok := newest(s)
		if ok {
			part.Read = append(part.Read, listRead(s, at, record))
		}
		if !ok || because(s, at) != "" {
			whole = false
			part.Lacks = append(part.Lacks, "groups and roles from "+streamName(s.StreamKey)+" are not all there"+because(s, at))
		}
	}
	if len(seen) == 0 {
		part.Lacks = append(part.Lacks, "groups and roles were not collected; the list shows accounts only")
	}
	slices.SortFunc(part.Read, func(a, b program.ListRead) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Scope, b.Scope))
	})
	slices.Sort(part.Lacks)
	return out, whole
}

func adminKnown(rows []program.ListRow) bool {
	return !slices.ContainsFunc(rows, func(r program.ListRow) bool { return r.Admin == "" })
}

// A sight is what a reading adds to an account: when it was last used, and the
// page it is on.
type sight struct {
	used   string
	record int64
}

// rows are the accounts of a list, in the order of their logins.
func (r *Roster) rows(accounts []*Account, roles map[string][]program.ListRole, readings []audit.Observation) (out []program.ListRow) {
	seen := map[string]sight{}
	for _, obs := range readings {
		for _, it := range obs.Items {
			seen[it.ID] = sight{usedOf(it.Volatile), it.Record}
		}
	}
	for _, a := range accounts {
		if a.Gone || a.Status == "disabled" {
			continue
		}
		row := program.ListRow{System: a.System, Account: a.ID, Login: a.Login, Email: a.Email, Kind: a.Kind, Status: a.Status, Admin: a.Admin,
			Created: plainTime(a.Created), Record: a.Record, Roles: roles[a.ID]}
		if s, ok := seen[a.ID]; ok {
			row.Used, row.Record = s.used, s.record
		}
		if p := a.Owner; p != nil {
			row.Person, row.Name, row.Work, row.Ended = p.ID, p.Name, workWords(p), plainTime(p.Ended)
		}
		row.Odd = r.odd(a, row)
		out = append(out, row)
	}
	return out
}

func usedOf(volatile json.RawMessage) string {
	w := bodyOf(volatile).when("lastUsedAt")
	if w.Never() {
		return audit.NeverText
	}
	return plainTime(w)
}

func plainTime(w When) string {
	if w.At.IsZero() {
		return ""
	}
	return audit.FormatTime(w.At)
}

func workWords(p *Person) string {
	words := p.Status
	if p.Unknown {
		return "unknown to the personnel system"
	}
	if p.Title != "" {
		words += ", " + p.Title
	}
	if p.Department != "" {
		words += ", " + p.Department
	}
	return words
}

// odd says what about an account is worth a second look; see
// program.OddReasons.
func (r *Roster) odd(a *Account, row program.ListRow) (out []string) {
	add := func(odd bool, why string) {
		if odd {
			out = append(out, why)
		}
	}
	add(a.Owner != nil && a.Owner.Left(r.Now), "leaver")
	add(a.Owner == nil || a.Owner.Unknown, "no owner")
	add(a.Owner != nil && slices.ContainsFunc(a.Owner.Accounts, func(o *Account) bool { return o != a && o.System == a.System && o.Works() }), "second account")
	add(row.Used == audit.NeverText, "never used")
	add(row.Used != audit.NeverText && a.IdleDays >= idleOdd, "idle")
	add(a.Admin == "yes" || slices.ContainsFunc(row.Roles, func(x program.ListRole) bool { return x.Privileged }), "admin")
	add(a.Kind == "shared" || a.Kind == "root", "shared")
	return out
}
