package workstation

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
)

func darwinFacts(a answers) []Fact {
	facts := []Fact{{"platform", "macos", "the kernel says so"}}
	facts = append(facts, darwinIdentity(a)...)
	facts = append(facts, darwinDisk(a), darwinVersion(a), unknown("os.supported", "its maker publishes no end dates; the setting `supported` may state them"), darwinPatched(a), darwinAutoUpdate(a))
	facts = append(facts, darwinAntivirus(a)...)
	facts = append(facts, darwinFirewall(a), darwinTimeSync(a))
	facts = append(facts, darwinScreenLock(a)...)
	return append(facts, darwinUsers(a)...)
}

func darwinIdentity(a answers) []Fact {
	facts := []Fact{unknown("serial", a.silent("hardware")), unknown("hostname", a.silent("hostname"))}
	var hw struct {
		Data []struct {
			Serial string `json:"serial_number"`
		} `json:"SPHardwareDataType"`
	}
	if s, ok := a.text("hardware"); ok && json.Unmarshal([]byte(s), &hw) == nil && len(hw.Data) > 0 && hw.Data[0].Serial != "" {
		facts[0] = Fact{"serial", hw.Data[0].Serial, "system_profiler"}
	}
	if s, ok := a.text("hostname"); ok && s != "" {
		facts[1] = Fact{"hostname", s, "scutil"}
	}
	return facts
}

func darwinDisk(a answers) Fact {
	s, ok := a.text("filevault")
	switch {
	case ok && strings.Contains(s, "FileVault is On"):
		return Fact{"diskEncrypted", true, "fdesetup: FileVault is On"}
	case ok && strings.Contains(s, "FileVault is Off"):
		return Fact{"diskEncrypted", false, "fdesetup: FileVault is Off"}
	}
	return unknown("diskEncrypted", a.silent("filevault"))
}

func darwinVersion(a answers) Fact {
	if s, ok := a.text("version"); ok && s != "" {
		return Fact{"os.version", s, "sw_vers"}
	}
	return unknown("os.version", a.silent("version"))
}

func darwinPatched(a answers) Fact {
	var hist struct {
		Data []struct {
			Name string `json:"_name"`
			Date string `json:"install_date"`
		} `json:"SPInstallHistoryDataType"`
	}
	s, ok := a.text("update-history")
	if !ok || json.Unmarshal([]byte(s), &hist) != nil {
		return unknown("os.patchedAt", a.silent("update-history"))
	}
	var last time.Time
	for _, h := range hist.Data {
		t, err := time.Parse(time.RFC3339, h.Date)
		if err == nil && t.After(last) && (strings.HasPrefix(h.Name, "macOS") || strings.Contains(h.Name, "Security")) {
			last = t
		}
	}
	if last.IsZero() {
		return unknown("os.patchedAt", "the install history names no update of macOS")
	}
	return Fact{"os.patchedAt", audit.FormatTime(last), "newest update of macOS in the install history"}
}

func darwinAutoUpdate(a answers) Fact {
	if s, ok := a.text("auto-update"); ok && (s == "0" || s == "1") {
		return Fact{"os.autoUpdate", s == "1", "CriticalUpdateInstall is " + s}
	}
	return unknown("os.autoUpdate", a.silent("auto-update"))
}

// xprotect are the property lists of macOS's own malware protection: where it
// is since macOS 15, and where it was.
var xprotect = []string{"xprotect", "xprotect-library"}

// darwinAntivirus: macOS carries its own malware protection, XProtect. The day
// of its signatures counts where it is the only one that runs.
func darwinAntivirus(a answers) []Fact {
	s, ok := a.text("processes")
	if !ok {
		return noAntivirus(a.silent("processes"))
	}
	builtIn := ""
	for _, n := range words(s) {
		if product, known := protections[n]; known {
			return running("process "+n+" ("+product+") is running", unknown("antivirus.updatedAt", "the days of signatures of "+product+" are not read"))
		}
		if strings.HasPrefix(n, "XProtect") {
			builtIn = n
		}
	}
	if builtIn == "" {
		return notRunning("no malware protection Tieout knows is running")
	}
	return running("process "+builtIn+" (built in) is running", darwinSignatures(a))
}

// noFile is how a system says that there is no such file.
const noFile = "no such file or directory"

// darwinSignatures is the newer of the bundles' days; not collected where one is
// there and may not be read.
func darwinSignatures(a answers) Fact {
	newest := unknown("antivirus.updatedAt", a.silent(xprotect[0]))
	for _, probe := range xprotect {
		at, ok := a.modified(probe)
		switch {
		case ok && (newest.Value == nil || at > newest.Value.(string)):
			newest = Fact{"antivirus.updatedAt", at, "day of XProtect's bundle"}
		case !ok && a.by[probe].Error != noFile:
			return unknown("antivirus.updatedAt", a.silent(probe))
		}
	}
	return newest
}

func darwinFirewall(a answers) Fact {
	s, ok := a.text("firewall")
	switch {
	case ok && strings.Contains(s, "State = 1"), ok && strings.Contains(s, "State = 2"):
		return Fact{"firewall", true, s}
	case ok && strings.Contains(s, "State = 0"):
		return Fact{"firewall", false, s}
	}
	return unknown("firewall", a.silent("firewall"))
}

func darwinTimeSync(a answers) Fact {
	s, ok := a.text("time")
	switch {
	case ok && strings.HasSuffix(s, "Network Time: On"):
		return Fact{"timeSync", true, s}
	case ok && strings.HasSuffix(s, "Network Time: Off"):
		return Fact{"timeSync", false, s}
	}
	return unknown("timeSync", "systemsetup does not say; it needs administrator access")
}

func darwinScreenLock(a answers) []Fact {
	s, ok := a.text("screen-lock-text")
	if !ok || !strings.Contains(s, "screenLock") {
		why := a.silent("screen-lock-text")
		return []Fact{unknown("screenLock.enabled", why), unknown("screenLock.seconds", why)}
	}
	if strings.Contains(s, "screenLock is off") {
		return []Fact{{"screenLock.enabled", false, "sysadminctl: screenLock is off"}, unknown("screenLock.seconds", "it does not lock")}
	}
	facts := []Fact{{"screenLock.enabled", true, "sysadminctl: a password is asked for after the screen sleeps"}}
	idle, okIdle := a.text("idle")
	n, err := strconv.Atoi(idle)
	delay, okDelay := lockDelay(s)
	if !okIdle || err != nil || !okDelay {
		return append(facts, unknown("screenLock.seconds", a.silent("idle")))
	}
	if n == 0 {
		facts[0] = Fact{"screenLock.enabled", false, "the screen saver never starts"}
		return append(facts, unknown("screenLock.seconds", "it does not lock"))
	}
	return append(facts, Fact{"screenLock.seconds", n + delay, "screen saver's idleTime plus the delay of the password"})
}

// lockDelay reads "screenLock delay is 300 seconds" or "... immediate".
func lockDelay(s string) (int, bool) {
	if strings.Contains(s, "immediate") {
		return 0, true
	}
	_, rest, ok := strings.Cut(s, "delay is ")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(strings.Fields(rest + " x")[0])
	return n, err == nil
}

func darwinUsers(a answers) []Fact {
	facts := []Fact{unknown("users", a.silent("users")), unknown("admins", a.silent("admins"))}
	if s, ok := a.text("users"); ok {
		users := []string{}
		for line := range strings.Lines(s) {
			f := strings.Fields(line)
			if len(f) != 2 {
				continue
			}
			if uid, err := strconv.Atoi(f[1]); err == nil && uid >= 501 {
				users = append(users, f[0])
			}
		}
		facts[0] = Fact{"users", sorted(users), "dscl: user ids from 501"}
	}
	if s, ok := a.text("admins"); ok {
		_, list, _ := strings.Cut(s, ":")
		admins := slices.Clone(strings.Fields(list))
		facts[1] = Fact{"admins", append([]string{}, sorted(admins)...), "dscl: group admin"}
	}
	return facts
}
