package demo

import "time"

// An outage is one incident and the minutes its steps took.
type outage struct {
	title, severity, kind                           string
	detected                                        time.Time
	acknowledged, contained, resolved, causeInHours int // minutes, minutes, minutes, hours
	notify                                          bool
	told                                            int // minutes until customers were told
}

var outages = []outage{
	{"Card batch matching stopped", "SEV2", "availability", clock(2025, 1, 22, 10, 4), 6, 40, 95, 70, false, 0},
	{"Payout file delivered twice to one partner", "SEV2", "other", clock(2025, 2, 26, 15, 31), 9, 60, 240, 90, true, 100 * 60},
	{"Restore of card matching after bad release", "SEV1", "availability", clock(2025, 3, 25, 22, 52), 4, 45, 70, 60, true, 50},
	{"Phishing mail opened, no credentials entered", "SEV3", "security", clock(2025, 4, 10, 9, 20), 11, 30, 180, 100, false, 0},
	{"Slow statements at month end", "SEV3", "availability", clock(2025, 4, 30, 17, 45), 8, 90, 200, 80, false, 0},
	{"Bucket with exported schemas readable from outside", "SEV1", "security", clock(2025, 6, 23, 15, 30), 3, 15, 120, 72, false, 0},
	{"Message queue full", "SEV1", "availability", clock(2025, 7, 17, 2, 12), 312, 350, 420, 96, true, 365},
	{"Lost laptop, encrypted", "SEV3", "security", clock(2025, 8, 14, 18, 5), 12, 60, 300, 110, false, 0},
	{"Reports late for two customers", "SEV3", "availability", clock(2025, 9, 9, 8, 40), 10, 50, 130, 50, false, 0},
	{"Database failover took eleven minutes", "SEV2", "availability", clock(2025, 10, 21, 13, 26), 2, 11, 45, 480, true, 30},
	{"Suspicious sign-in blocked", "SEV4", "security", clock(2025, 11, 18, 6, 55), 13, 20, 60, 48, false, 0},
	{"Year end load", "SEV3", "availability", clock(2025, 12, 30, 11, 10), 7, 35, 150, 140, false, 0},
}

// An Incident is one of Halyard's year as its tool has it, for who tells of it.
type Incident struct {
	ID, Title, Severity, Kind                  string // severity as "SEV1"
	Detected, Contained, Resolved, Told, Cause time.Time
	Notify                                     bool // somebody outside had to be told
}

// Incidents are those of the year, in order.
func Incidents() (out []Incident) {
	for i, o := range outages {
		after := func(minutes int) time.Time { return o.detected.Add(time.Duration(minutes) * time.Minute) }
		one := Incident{ID: "INC-" + itoa(201+i), Title: o.title, Severity: o.severity, Kind: o.kind, Detected: o.detected,
			Contained: after(o.contained), Resolved: after(o.resolved), Cause: after(o.causeInHours * 60), Notify: o.notify}
		if o.notify {
			one.Told = after(o.told)
		}
		out = append(out, one)
	}
	return out
}

func (w *world) incidentTable() *table {
	t := &table{n: len(outages), cols: columns("id title severity kind state times.detected times.acknowledged times.contained times.resolved times.rootCause" +
		" lead customersTold notificationRequired:b")}
	t.make = func(i int) (thing, bool) {
		o := outages[i]
		after := func(minutes int) time.Time { return o.detected.Add(time.Duration(minutes) * time.Minute) }
		b := t.build().set("id", "INC-"+itoa(201+i), "title", o.title, "severity", o.severity, "kind", o.kind, "state", "open",
			"times.detected", instantText(o.detected), "notificationRequired", truth(o.notify))
		b.th.born = o.detected
		b.at(after(o.acknowledged), "times.acknowledged", instantText(after(o.acknowledged)), "lead", "E0003")
		b.at(after(o.contained), "times.contained", instantText(after(o.contained)), "state", "contained")
		if o.notify {
			b.at(after(o.told), "customersTold", instantText(after(o.told)))
		}
		b.at(after(o.resolved), "times.resolved", instantText(after(o.resolved)), "state", "resolved")
		cause := after(o.causeInHours * 60)
		b.at(cause, "times.rootCause", instantText(cause), "state", "closed")
		return b.done()
	}
	return t
}
