package demo

import (
	"fmt"
	"time"
)

// Devices of the cast that are not as they should be.
const (
	unencryptedLaptop = 17
	unlockedLaptop    = 22
	unsupportedLaptop = 9
	unpatchedLaptop   = 26
	silentLaptop      = 20
)

// deviceTable is the device management's list. Device i belongs to person i;
// the spare ones after the last person belong to nobody.
func (w *world) deviceTable() *table {
	t := &table{n: w.size.People + w.size.Spare, cols: columns("serial hostname kind platform assigned_to employee_number state filevault screen_lock lock_after" +
		" malware_agent malware_updated firewall os_version os_supported os_patched auto_update time_sync local_admins local_users usb enrolled wiped retired last_seen")}
	t.make = func(i int) (thing, bool) { return w.device(t, i) }
	return t
}

func serial(i int) string { return fmt.Sprintf("HLY%06d", 100417+i*7) }

func (w *world) device(t *table, i int) (thing, bool) {
	spare := i - w.size.People // at least 0 for those of nobody
	platform, version := "macOS", "15.1"
	if i%5 == 3 {
		platform, version = "Windows", "11 24H2"
	}
	b := t.build().set("serial", serial(i), "hostname", fmt.Sprintf("hly-%05d", i), "kind", "laptop", "platform", platform, "state", "in use",
		"filevault", "on", "screen_lock", "on", "lock_after", "300", "malware_agent", "running", "firewall", "on", "os_version", version,
		"os_supported", "yes", "auto_update", "on", "time_sync", "on", "local_admins", "administrator", "usb", "blocked", "enrolled", "yes",
		"wiped", "", "retired", "")
	if spare >= 0 {
		b.set("state", "stock", "local_users", "", "malware_updated", instantText(firstDay), "os_patched", instantText(firstDay), "last_seen", instantText(firstDay))
		spareDevice(b, spare)
		w.upkeep(b, i, firstDay, exportsEnd)
		return b.done()
	}
	p := w.person(i)
	if !p.end.IsZero() && p.end.Before(firstDay) {
		return thing{}, false
	}
	b.set("assigned_to", p.handle, "employee_number", p.number, "local_users", p.handle)
	b.th.born = on(p.start, 10, 0)
	from := b.th.born
	if from.Before(firstDay) {
		from = firstDay
	}
	b.set("malware_updated", instantText(on(from, 7, 0)), "os_patched", instantText(on(from, 7, 0)), "last_seen", instantText(on(from, 7, 0)))
	w.upkeep(b, i, from, exportsEnd)
	if !p.end.IsZero() {
		back := on(p.end, 16, 0)
		b.at(back, "state", "stock", "assigned_to", "", "employee_number", "", "local_users", "")
		if !p.rehired.IsZero() {
			b.at(on(p.rehired, 10, 0), "state", "in use", "assigned_to", p.handle, "employee_number", p.number, "local_users", p.handle)
		}
	}
	seedDevice(b, i)
	return b.done()
}

// In these weeks of 2025 silentLaptop lay in a drawer.
var drawer = [2]time.Time{day(2025, 4, 1), day(2025, 5, 20)}

// upkeep lets a device report, and brings the signatures of malware, every
// three days, and updates every four weeks, on a day that differs from device to
// device.
func (w *world) upkeep(b *builder, i int, from, to time.Time) {
	signatures, patches, seen := b.t.index("malware_updated"), b.t.index("os_patched"), b.t.index("last_seen")
	step := 3
	if w.size.Changes {
		step = 28 // a change feed does not carry what changes without meaning
	}
	for d := addDays(from, 1+i%3); d.Before(to); d = addDays(d, step) {
		if i == silentLaptop && !d.Before(drawer[0]) && d.Before(drawer[1]) {
			continue
		}
		b.th.edit(on(d, 6, i%60), signatures, instantText(on(d, 6, i%60)))
		b.th.edit(on(d, 6, i%60), seen, instantText(on(d, 6, i%60)))
	}
	for d := addDays(from, 1+i%21); d.Before(to); d = addDays(d, 28) {
		if i == unpatchedLaptop && d.After(day(2025, 6, 1)) && d.Before(day(2025, 9, 1)) {
			continue
		}
		b.th.edit(on(d, 12, i%60), patches, instantText(on(d, 12, i%60)))
	}
}

func seedDevice(b *builder, i int) {
	switch i {
	case unencryptedLaptop:
		b.during(clock(2025, 3, 4, 9, 40), clock(2025, 3, 11, 14, 5), "filevault", "off")
	case unlockedLaptop:
		b.during(clock(2025, 10, 14, 13, 0), clock(2025, 10, 16, 9, 30), "screen_lock", "off")
	case unsupportedLaptop:
		b.during(clock(2025, 10, 14, 20, 0), clock(2025, 11, 20, 11, 0), "os_supported", "no")
	}
}

// spareDevice makes the devices of nobody: one disposed of with its data
// destroyed, one without a record of it, one in stock. All stay listed.
func spareDevice(b *builder, n int) {
	switch n {
	case 0:
		b.at(clock(2025, 3, 19, 14, 0), "wiped", instantText(clock(2025, 3, 19, 14, 0)))
		b.at(clock(2025, 3, 20, 11, 0), "state", "retired", "retired", instantText(clock(2025, 3, 20, 11, 0)))
	case 1:
		b.at(clock(2025, 7, 21, 11, 0), "state", "retired", "retired", instantText(clock(2025, 7, 21, 11, 0)))
	}
}
