package roster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"tieout/audit"
	"tieout/program"
)

// A Proposal is a pair that looks as if it belongs together, for a person to
// confirm or reject. Nothing counts on it before.
type Proposal struct {
	Of       string // program.OfAccount, OfDevice, OfTieout
	Thing    string // ID
	Label    string // what people call it
	Where    string // the system, or what the device is
	Person   *Person
	Basis    string // what speaks for it, in words
	Revision int64  // of what was decided about the thing so far
	Sure     bool   // it can be nobody else's by what is known: an address or a number of one person, who alone is proposed
}

// What speaks for a pair so that it can be confirmed together with others.
const (
	sameAddress = "same e-mail address"
	sameNumber  = "login is the employee number"
)

// maxFor is how many people are proposed for one thing.
const maxFor = 3

// clues are people by what their accounts are likely to be called.
type clues struct {
	email  map[string][]*Person // address, lower case
	local  map[string][]*Person // of an address, before the @
	login  map[string][]*Person // patterns of the name, such as ana.silva and asilva
	number map[string][]*Person // the last part of the person's ID
}

func newClues(people []*Person) clues {
	c := clues{map[string][]*Person{}, map[string][]*Person{}, map[string][]*Person{}, map[string][]*Person{}}
	for _, p := range people {
		if p.Unknown {
			continue
		}
		if e := strings.ToLower(p.Email); e != "" {
			c.email[e] = append(c.email[e], p)
			local, _, _ := strings.Cut(e, "@")
			c.local[local] = append(c.local[local], p)
		}
		for _, l := range logins(p.Name) {
			c.login[l] = append(c.login[l], p)
		}
		if n := lastPart(p.ID); len(n) >= 3 && strings.ContainsFunc(n, unicode.IsDigit) {
			c.number[strings.ToLower(n)] = append(c.number[strings.ToLower(n)], p)
		}
	}
	return c
}

func lastPart(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// logins are what a person of that name is often called by systems.
func logins(name string) []string {
	parts := strings.Fields(plain(name))
	if len(parts) < 2 {
		return nil
	}
	first, last := parts[0], parts[len(parts)-1]
	return []string{first + "." + last, first + last, first + "_" + last, first + "-" + last, first[:1] + last, first[:1] + "." + last, first + last[:1], last + "." + first}
}

// plain is a name in lower case, without accents and marks.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		case r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFD.String(name))
}

// propose finds who may belong to what nobody is confirmed for.
func (r *Roster) propose() {
	c := newClues(r.People)
	decided := map[[2]string]*program.Identity{}
	for i := range r.in.Decided {
		d := &r.in.Decided[i]
		decided[[2]string{d.Of, d.Thing}] = d
	}
	hints := r.hints()
	add := func(of, thing, label, where string, found []candidate) {
		known := decided[[2]string{of, thing}]
		if known != nil && known.Person != "" {
			return
		}
		n := 0
		for i, x := range found {
			again := slices.ContainsFunc(found[:i], func(o candidate) bool { return o.p == x.p })
			if again || known.Refuses(x.p.ID) || n == maxFor {
				continue
			}
			p := Proposal{Of: of, Thing: thing, Label: label, Where: where, Person: x.p, Basis: x.basis}
			if known != nil {
				p.Revision = known.Revision
			}
			r.Asks = append(r.Asks, p)
			n++
		}
		if n == 1 {
			p := &r.Asks[len(r.Asks)-1]
			p.Sure = p.Basis == sameAddress || p.Basis == sameNumber
		}
	}
	for _, h := range r.in.Here {
		add(program.OfTieout, h.ID, cmp.Or(h.Email, h.Name), "Tieout", c.ofHere(h))
	}
	for _, a := range r.Loose {
		add(program.OfAccount, a.ID, a.Login, a.System, append(hints[a.ID], c.ofAccount(a)...))
	}
	for _, d := range r.Idle {
		add(program.OfDevice, d.ID, d.Name, d.Platform, append(hints[d.ID], c.ofDevice(d)...))
	}
}

// A candidate is a person and what speaks for them.
type candidate struct {
	p     *Person
	basis string
}

func (c clues) ofHere(h Here) (out []candidate) {
	for _, p := range c.email[strings.ToLower(h.Email)] {
		out = append(out, candidate{p, sameAddress})
	}
	if len(out) > 0 {
		return out
	}
	for _, l := range logins(h.Name)[:min(1, len(logins(h.Name)))] {
		out = append(out, several(c.login[l], "same name")...)
	}
	return out
}

func (c clues) ofAccount(a *Account) (out []candidate) {
	for _, address := range []string{a.Email, a.Login} {
		for _, p := range c.email[strings.ToLower(address)] {
			out = append(out, candidate{p, sameAddress})
		}
	}
	if len(out) > 0 {
		return out
	}
	login, _, _ := strings.Cut(strings.ToLower(a.Login), "@")
	for _, p := range c.number[login] {
		out = append(out, candidate{p, sameNumber})
	}
	out = append(out, several(c.local[login], "login as in the e-mail address")...)
	if len(out) == 0 {
		out = several(c.login[login], "login as of the name")
	}
	return out
}

// ofDevice goes by the local accounts a device has.
func (c clues) ofDevice(d *Device) (out []candidate) {
	users, _ := d.body.list("users")
	for _, u := range users {
		u = strings.ToLower(u)
		found := c.local[u]
		if len(found) == 0 {
			found = c.login[u]
		}
		out = append(out, several(found, "has a local account "+u)...)
	}
	return out
}

// several are candidates of which it is said how many fit equally.
func several(people []*Person, basis string) (out []candidate) {
	if len(people) > 1 {
		basis = fmt.Sprintf("%s, as of %d people", basis, len(people))
	}
	for _, p := range people {
		out = append(out, candidate{p, basis})
	}
	return out
}

// hints are links that a source proposes and does not stand behind, by account
// or device.
func (r *Roster) hints() map[string][]candidate {
	out := map[string][]candidate{}
	each(r.in.Links, func(_ *audit.History, v *audit.Version) {
		if v.Gone {
			return
		}
		b := bodyOf(v.Body)
		p := r.person[b.text("person")]
		if b.truth("confirmed") == "yes" || p == nil {
			return
		}
		for _, thing := range []string{b.text("account"), b.text("device")} {
			if thing != "" {
				out[thing] = append(out[thing], candidate{p, cmp.Or(b.text("basis"), "a source says so")})
			}
		}
	})
	return out
}
