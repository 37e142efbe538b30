package roster

import (
	"fmt"
	"time"

	"tieout/report"
)

// A Lack is what is missing of a person, as far as sources tell: a fact that
// was not collected is never one.
type Lack struct {
	Code  string // one of LackCodes
	Text  string
	Grave bool // something works that should not
}

// LackCodes are all codes of lacks, in the order people see them, with what
// they are called.
var LackCodes = [][2]string{
	{"access", "Access after leaving"}, {"account", "No account linked"}, {"device", "No device linked"}, {"checks", "Device checks"},
	{"background", "Background check"}, {"confidentiality", "Confidentiality agreement"}, {"onboarding", "Onboarding"}, {"offboarding", "Offboarding"},
}

// WorksAt says whether the person works here at an instant, as far as is known.
func (p *Person) WorksAt(t time.Time) bool {
	if p.Unknown || p.Status == "ended" {
		return false
	}
	return !p.Left(t) && !(p.Started.Known && (p.Started.Never() || p.Started.At.After(t)))
}

// Left says whether the person's last day is over at an instant.
func (p *Person) Left(t time.Time) bool {
	if !p.Ended.At.IsZero() {
		return !p.Ended.At.After(t)
	}
	return p.Status == "ended"
}

// Lacks returns what is missing of a person now. removal is how long access may
// outlive the engagement, as of instants; nil where nothing says so.
func (r *Roster) Lacks(p *Person, removal func(time.Time) time.Time) (out []Lack) {
	if p.Unknown {
		return nil
	}
	if p.Left(r.Now) {
		return append(r.afterLeaving(p, removal), p.lack("offboarding", p.Offboarded, "the offboarding checklist was not completed")...)
	}
	if !p.WorksAt(r.Now) {
		return nil
	}
	if len(p.working()) == 0 && len(r.account) > 0 {
		out = append(out, Lack{"account", "no account is linked", false})
	}
	if len(p.Devices) == 0 && len(r.device) > 0 {
		out = append(out, Lack{"device", "no device is linked", false})
	}
	for _, d := range p.Devices {
		for _, c := range d.Checks() {
			if c.Known && !c.OK && d.InUse() {
				out = append(out, Lack{"checks", fmt.Sprintf("%s: %s", d.Name, c.Found), false})
			}
		}
	}
	out = append(out, p.lack("background", p.Checked, "no background check was completed")...)
	out = append(out, p.lack("confidentiality", p.Signed, "the confidentiality agreement is not signed")...)
	return append(out, p.lack("onboarding", p.Onboarded, "the onboarding checklist was not completed")...)
}

func (p *Person) lack(code string, w When, text string) []Lack {
	if !w.Never() {
		return nil
	}
	return []Lack{{code, text, false}}
}

// working are the accounts that can sign in.
func (p *Person) working() (out []*Account) {
	for _, a := range p.Accounts {
		if a.Works() {
			out = append(out, a)
		}
	}
	return out
}

func (r *Roster) afterLeaving(p *Person, removal func(time.Time) time.Time) []Lack {
	live := p.working()
	if len(live) == 0 {
		return nil
	}
	what := report.Plural(len(live), "account still works", "accounts still work")
	if p.Ended.At.IsZero() || removal == nil {
		return []Lack{{"access", what + " although the engagement ended", true}}
	}
	if due := removal(p.Ended.At); due.After(r.Now) {
		return []Lack{{"access", fmt.Sprintf("%s; to be removed by %s", what, due.In(r.zone).Format("2 Jan 2006, 15:04 MST")), false}}
	}
	return []Lack{{"access", fmt.Sprintf("%s after the last day, %s", what, r.LastDay(p.Ended.At)), true}}
}

// LastDay is the day that ends with an instant, as people write it.
func (r *Roster) LastDay(end time.Time) string {
	return end.Add(-time.Microsecond).In(r.zone).Format("2 Jan 2006")
}

// A Check is one thing a device is expected to have.
type Check struct {
	Name     string
	Expected string
	Found    string
	Known    bool // it was collected
	OK       bool
	Fix      string // what its user does about it
}

// Checks are what is expected of a device, and what was found. What was not
// collected is shown as that.
func (d *Device) Checks() []Check {
	b := d.body
	flag := func(name, field, expected, no, fix string) Check {
		v := b.truth(field)
		c := Check{Name: name, Expected: expected, Found: expected, Known: v != "", OK: v == "yes", Fix: fix}
		if v == "no" {
			c.Found = no
		}
		if v == "" {
			c.Found = "not collected"
		}
		return c
	}
	return []Check{
		flag("Disk", "diskEncrypted", "encrypted", "disk is not encrypted", "Switch on FileVault, BitLocker or LUKS and let it finish."),
		flag("Screen", "screenLock.enabled", "locks by itself", "screen does not lock by itself", "Set the screen to lock after at most 15 minutes."),
		flag("Malware protection", "antivirus.running", "running", "malware protection is not running", "Start it again, or ask IT to install it."),
		flag("Firewall", "firewall", "on", "firewall is off", "Switch the firewall on in the system's settings."),
		flag("System", "os.supported", "supported by its maker", "the maker no longer updates its system", "Update the system, or ask IT for another device."),
		flag("Updates", "os.autoUpdate", "install by themselves", "security updates do not install by themselves", "Switch on automatic security updates."),
		flag("Management", "managed", "enrolled", "not enrolled in device management", "Enroll it, or ask IT to."),
		d.silent(),
	}
}

// silentFor is how many days a device may not report before it is named.
const silentFor = 30

func (d *Device) silent() Check {
	c := Check{Name: "Last report", Expected: fmt.Sprintf("within %d days", silentFor), Found: "not collected", Fix: "Connect it to the internet; it reports by itself."}
	if n, known := d.body.number("silentDays"); known {
		c.Known, c.OK, c.Found = true, n < silentFor, fmt.Sprintf("no report for at least %d days", n)
		if c.OK {
			c.Found = c.Expected
		}
	}
	return c
}
