// Package roster puts together who works here, what they can sign in to and
// work on, and who confirmed that: one index over what every source tells, for
// the screens of people, for access reviews and for the command line. It is
// pure: the same timelines and decisions give the same roster. What is only
// guessed is a proposal and never counts.
package roster

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/program"
)

// An Input is what a roster is made from. A timeline may be nil.
type Input struct {
	People, Accounts, Devices, Links *audit.Timeline
	Decided                          []program.Identity // what people confirmed and rejected
	Here                             []Here             // accounts of this workspace
	Now                              time.Time
	Zone                             *time.Location // of the organization; nil: UTC
}

// A Here is an account of this workspace.
type Here struct{ ID, Email, Name string }

// A Roster is everybody and everything that belongs to somebody. It does not
// change and is safe for concurrent use.
type Roster struct {
	Now     time.Time
	People  []*Person  // by name, then ID
	Systems []*System  // by name
	Devices []*Device  // by hostname, then ID
	Loose   []*Account // that nobody is confirmed for and that a human signs in with, by system and login
	Idle    []*Device  // in use, but nobody's
	Asks    []Proposal // what a person should confirm or reject

	person  map[string]*Person
	account map[string]*Account
	device  map[string]*Device
	in      Input
	zone    *time.Location
}

// A Person is somebody the personnel system knows, or an ID that a link names
// and no such system does.
type Person struct {
	ID, Name, Email, Kind, Status, Manager, Department, Title string

	Started, Ended, Moved                  When
	Checked, Signed, Onboarded, Offboarded When // background, confidentiality, checklists
	Accounts                               []*Account
	Devices                                []*Device
	Here                                   []Here // their accounts of this workspace
	Record                                 int64  // page that shows them so; audit.Unsequenced where nothing does
	Unknown                                bool   // no personnel system tells of them
	history                                *audit.History
}

// An Account is a sign-in to a system.
type Account struct {
	ID, System, Login, Email, Kind, Status, Admin string

	Created  When
	IdleDays int64 // at least so many days without a sign-in; -1 where it was not collected
	Gone     bool  // the system does not show it any more
	Owner    *Person
	Basis    string // why it is the owner's
	By       string // account of this workspace that confirmed it, "" where a source did
	Record   int64
	body     body
	told     []*audit.History
}

// Works reports whether somebody can sign in with the account, as far as is
// known: what a source does not say is taken for yes.
func (a *Account) Works() bool { return !a.Gone && a.Status != "disabled" && a.Status != "suspended" }

// A Device is a computer or phone that people work on.
type Device struct {
	ID, Name, Serial, Kind, Platform, Status string

	Owner  *Person
	Basis  string
	By     string
	Gone   bool
	Record int64
	body   body
	told   *audit.History
}

// InUse reports whether the device is one that somebody works on.
func (d *Device) InUse() bool { return !d.Gone && d.Status != "retired" && d.Status != "stock" }

// A System is what accounts sign in to.
type System struct {
	Name           string
	Accounts       []*Account // by login; those that are gone too
	Working, Loose int        // can sign in; of those a human's that nobody is confirmed for
}

// Person returns a person by ID, or nil.
func (r *Roster) Person(id string) *Person { return r.person[id] }

// Account returns an account by ID, or nil.
func (r *Roster) Account(id string) *Account { return r.account[id] }

// Device returns a device by ID, or nil.
func (r *Roster) Device(id string) *Device { return r.device[id] }

// Of returns the person an account of this workspace belongs to, or nil.
func (r *Roster) Of(here string) *Person {
	for i := range r.in.Decided {
		if d := &r.in.Decided[i]; d.Of == program.OfTieout && d.Thing == here && d.Person != "" {
			return r.person[d.Person]
		}
	}
	return nil
}

// New makes the roster.
func New(in Input) *Roster {
	r := &Roster{Now: in.Now, in: in, person: map[string]*Person{}, account: map[string]*Account{}, device: map[string]*Device{}}
	if r.zone = in.Zone; r.zone == nil {
		r.zone = time.UTC
	}
	each(in.People, func(h *audit.History, v *audit.Version) { r.addPerson(h, v) })
	each(in.Accounts, func(h *audit.History, v *audit.Version) { r.addAccount(h, v) })
	each(in.Devices, func(h *audit.History, v *audit.Version) { r.addDevice(h, v) })
	r.decided()
	r.linked()
	r.assigned()
	r.order()
	r.propose()
	return r
}

// each calls f with every item and its newest version.
func each(tl *audit.Timeline, f func(*audit.History, *audit.Version)) {
	if tl == nil {
		return
	}
	for i := range tl.Histories {
		if h := &tl.Histories[i]; len(h.Versions) > 0 {
			f(h, &h.Versions[len(h.Versions)-1])
		}
	}
}

// shown is the newest version that shows an item, also where it is gone since.
func shown(h *audit.History) *audit.Version {
	for i := len(h.Versions) - 1; i >= 0; i-- {
		if !h.Versions[i].Gone {
			return &h.Versions[i]
		}
	}
	return nil
}

func (r *Roster) addPerson(h *audit.History, v *audit.Version) {
	s := shown(h)
	if s == nil || r.person[h.ID] != nil && v.Gone {
		return
	}
	b := bodyOf(s.Body)
	r.person[h.ID] = &Person{ID: h.ID, Name: b.text("name"), Email: b.text("email"), Kind: b.text("kind"), Status: b.text("status"), Manager: b.text("manager"),
		Department: b.text("department"), Title: b.text("title"), Started: b.when("startedAt"), Ended: b.when("endedAt"), Moved: b.when("roleChangedAt"),
		Checked: b.when("backgroundCheckedAt"), Signed: b.when("confidentialitySignedAt"), Onboarded: b.when("onboardedAt"), Offboarded: b.when("offboardedAt"),
		Record: s.Record, history: h}
}

func (r *Roster) addAccount(h *audit.History, v *audit.Version) {
	s := shown(h)
	if s == nil {
		return
	}
	if a := r.account[h.ID]; a != nil { // told by another stream too
		if a.told = append(a.told, h); v.Gone || !a.Gone {
			return
		}
	}
	b := bodyOf(s.Body)
	a := &Account{ID: h.ID, System: b.text("system"), Login: cmp.Or(b.text("login"), h.ID), Email: b.text("email"), Kind: b.text("kind"), Status: b.text("status"),
		Admin: b.truth("admin"), Created: b.when("createdAt"), IdleDays: -1, Gone: v.Gone, Record: v.Record, body: b}
	if n, known := b.number("idleDays"); known {
		a.IdleDays = n
	}
	if old := r.account[h.ID]; old != nil {
		a.told = old.told
	} else {
		a.told = []*audit.History{h}
	}
	r.account[h.ID] = a
}

func (r *Roster) addDevice(h *audit.History, v *audit.Version) {
	s := shown(h)
	if s == nil || r.device[h.ID] != nil && v.Gone {
		return
	}
	b := bodyOf(s.Body)
	r.device[h.ID] = &Device{ID: h.ID, Name: cmp.Or(b.text("hostname"), b.text("serial"), h.ID), Serial: b.text("serial"), Kind: b.text("kind"),
		Platform: b.text("platform"), Status: b.text("status"), Gone: v.Gone, Record: v.Record, body: b, told: h}
}

// somebody is a person by ID, one that no source tells of where there is none.
func (r *Roster) somebody(id string) *Person {
	p := r.person[id]
	if p == nil {
		p = &Person{ID: id, Name: id, Unknown: true, Record: audit.Unsequenced}
		r.person[id] = p
	}
	return p
}

// decided takes what people confirmed here; it comes before what sources say.
func (r *Roster) decided() {
	here := map[string]Here{}
	for _, h := range r.in.Here {
		here[h.ID] = h
	}
	for _, d := range r.in.Decided {
		if d.Person == "" {
			continue
		}
		basis := "confirmed by a person"
		if d.Basis != "" {
			basis += ": " + d.Basis
		}
		switch d.Of {
		case program.OfTieout:
			if h, ok := here[d.Thing]; ok {
				p := r.somebody(d.Person)
				p.Here = append(p.Here, h)
			}
		case program.OfAccount:
			r.ownAccount(d.Thing, d.Person, basis, d.By)
		case program.OfDevice:
			r.ownDevice(d.Thing, d.Person, basis, d.By)
		}
	}
}

// linked takes the links that a source stands behind.
func (r *Roster) linked() {
	each(r.in.Links, func(_ *audit.History, v *audit.Version) {
		if v.Gone {
			return
		}
		b := bodyOf(v.Body)
		if b.truth("confirmed") != "yes" || b.text("person") == "" {
			return
		}
		if a := b.text("account"); a != "" {
			r.ownAccount(a, b.text("person"), b.text("basis"), "")
		}
		if d := b.text("device"); d != "" {
			r.ownDevice(d, b.text("person"), b.text("basis"), "")
		}
	})
}

// assigned takes what device management says of whose a device is, where no
// link says it.
func (r *Roster) assigned() {
	for id, d := range r.device {
		if p := d.body.text("assignedTo"); p != "" && r.person[p] != nil {
			r.ownDevice(id, p, "assigned in device management", "")
		}
	}
}

// ownAccount gives an account to a person, unless it has one.
func (r *Roster) ownAccount(account, person, basis, by string) {
	a := r.account[account]
	if a == nil || a.Owner != nil {
		return
	}
	a.Owner, a.Basis, a.By = r.somebody(person), basis, by
	a.Owner.Accounts = append(a.Owner.Accounts, a)
}

func (r *Roster) ownDevice(device, person, basis, by string) {
	d := r.device[device]
	if d == nil || d.Owner != nil {
		return
	}
	d.Owner, d.Basis, d.By = r.somebody(person), basis, by
	d.Owner.Devices = append(d.Owner.Devices, d)
}

// order sorts everything, and finds what is nobody's.
func (r *Roster) order() {
	systems := map[string]*System{}
	for _, a := range r.account {
		s := systems[a.System]
		if s == nil {
			s = &System{Name: a.System}
			systems[a.System] = s
			r.Systems = append(r.Systems, s)
		}
		s.Accounts = append(s.Accounts, a)
		if a.Works() {
			s.Working++
		}
		if a.Works() && a.Owner == nil && a.human() {
			s.Loose++
			r.Loose = append(r.Loose, a)
		}
	}
	slices.SortFunc(r.Systems, func(a, b *System) int { return strings.Compare(a.Name, b.Name) })
	for _, s := range r.Systems {
		slices.SortFunc(s.Accounts, byLogin)
	}
	slices.SortFunc(r.Loose, byLogin)
	for _, d := range r.device {
		r.Devices = append(r.Devices, d)
	}
	slices.SortFunc(r.Devices, byName)
	for _, d := range r.Devices {
		if d.Owner == nil && d.InUse() && d.Kind != "server" {
			r.Idle = append(r.Idle, d)
		}
	}
	for _, p := range r.person {
		r.People = append(r.People, p)
		slices.SortFunc(p.Accounts, byLogin)
		slices.SortFunc(p.Devices, byName)
	}
	slices.SortFunc(r.People, func(a, b *Person) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
}

// human reports whether a person is expected to sign in with the account.
func (a *Account) human() bool { return a.Kind == "human" || a.Kind == "" }

func byLogin(a, b *Account) int {
	return cmp.Or(strings.Compare(a.System, b.System), strings.Compare(a.Login, b.Login), strings.Compare(a.ID, b.ID))
}

func byName(a, b *Device) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
}

// Accounts returns the accounts of a system, by login; nil where there is none.
func (r *Roster) Accounts(system string) []*Account {
	i, found := slices.BinarySearchFunc(r.Systems, system, func(s *System, name string) int { return strings.Compare(s.Name, name) })
	if !found {
		return nil
	}
	return r.Systems[i].Accounts
}
