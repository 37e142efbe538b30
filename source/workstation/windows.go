package workstation

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
)

func windowsFacts(a answers) []Fact {
	facts := []Fact{{"platform", "windows", "the kernel says so"}}
	facts = append(facts, windowsIdentity(a)...)
	facts = append(facts, windowsDisk(a))
	facts = append(facts, windowsVersion(a)...)
	facts = append(facts, windowsPatched(a), windowsAutoUpdate(a), windowsFirewall(a), windowsTimeSync(a))
	facts = append(facts, windowsAntivirus(a)...)
	facts = append(facts, windowsScreenLock(a)...)
	return append(facts, windowsList(a, "users", "enabled local users"), windowsList(a, "admins", "members of the local Administrators group"))
}

func windowsIdentity(a answers) []Fact {
	facts := []Fact{unknown("serial", a.silent("system")), unknown("hostname", a.silent("hostname"))}
	var bios struct{ SerialNumber string }
	if s, ok := a.text("system"); ok && json.Unmarshal([]byte(s), &bios) == nil && bios.SerialNumber != "" {
		facts[0] = Fact{"serial", strings.TrimSpace(bios.SerialNumber), "Win32_BIOS"}
	}
	if s, ok := a.text("hostname"); ok && s != "" {
		facts[1] = Fact{"hostname", s, "hostname"}
	}
	return facts
}

// many reads what ConvertTo-Json writes: one object, or an array of them.
func many[T any](s string) ([]T, error) {
	var list []T
	if err := json.Unmarshal([]byte(s), &list); err == nil {
		return list, nil
	}
	var one T
	err := json.Unmarshal([]byte(s), &one)
	return []T{one}, err
}

// windowsDisk reads Win32_EncryptableVolume: ProtectionStatus 0 off, 1 on, 2 unknown.
func windowsDisk(a answers) Fact {
	s, ok := a.text("bitlocker")
	if !ok || s == "" {
		return unknown("diskEncrypted", a.silent("bitlocker")+"; it needs administrator access")
	}
	vols, err := many[struct {
		DriveLetter      string
		ProtectionStatus int
	}](s)
	if err != nil {
		return unknown("diskEncrypted", "BitLocker's answer cannot be read: "+err.Error())
	}
	for _, v := range vols {
		switch v.ProtectionStatus {
		case 0:
			return Fact{"diskEncrypted", false, "BitLocker is off on " + v.DriveLetter}
		case 1:
		default:
			return unknown("diskEncrypted", "BitLocker's state of "+v.DriveLetter+" is unknown while it is locked")
		}
	}
	return Fact{"diskEncrypted", true, fmt.Sprintf("BitLocker protects %d of %d fixed volumes", len(vols), len(vols))}
}

// windowsEnds is the last day of security updates by build, of the Enterprise
// editions: Microsoft's lifecycle pages.
var windowsEnds = map[string]string{
	"19045": "2025-10-14", "22621": "2025-10-14", "22631": "2026-11-10", "26100": "2027-10-12", "26200": "2028-10-10",
	"17763": "2029-01-09", "20348": "2031-10-14",
}

func windowsVersion(a answers) []Fact {
	var v struct{ Caption, Version, BuildNumber string }
	s, ok := a.text("version")
	if !ok || json.Unmarshal([]byte(s), &v) != nil || v.Version == "" {
		why := a.silent("version")
		return []Fact{unknown("os.version", why), unknown("os.supported", why)}
	}
	facts := []Fact{{"os.version", strings.TrimSpace(v.Caption + " " + v.Version), "Win32_OperatingSystem"}}
	day, err := time.Parse(time.DateOnly, windowsEnds[v.BuildNumber])
	if err != nil {
		return append(facts, unknown("os.supported", "Tieout does not know until when build "+v.BuildNumber+" gets security updates"))
	}
	return append(facts, Fact{"os.supported", a.at.Before(day.AddDate(0, 0, 1)), "security updates until " + windowsEnds[v.BuildNumber] + " (Microsoft's lifecycle page, Enterprise)"})
}

func windowsPatched(a answers) Fact {
	if s, ok := a.text("hotfix"); ok {
		if t, err := time.Parse(time.DateOnly, s); err == nil {
			return Fact{"os.patchedAt", audit.FormatTime(t), "newest entry of Get-HotFix"}
		}
	}
	return unknown("os.patchedAt", a.silent("hotfix"))
}

// windowsAutoUpdate reads AutomaticUpdates' NotificationLevel: 4 installs by itself.
func windowsAutoUpdate(a answers) Fact {
	if s, ok := a.text("auto-update"); ok {
		if n, err := strconv.Atoi(s); err == nil && n > 0 {
			return Fact{"os.autoUpdate", n == 4, fmt.Sprintf("update notification level %d; 4 installs by itself", n)}
		}
	}
	return unknown("os.autoUpdate", a.silent("auto-update")+"; a policy may decide")
}

// windowsAntivirus reads SecurityCenter2's productState, whose second byte is
// 0x10 or 0x11 while protection is on, and Defender's own day of signatures.
func windowsAntivirus(a answers) []Fact {
	updated := windowsSignatures(a)
	s, ok := a.text("antivirus")
	if !ok || s == "" {
		why := a.silent("antivirus") + "; servers have no Security Center"
		return []Fact{unknown("antivirus.installed", why), unknown("antivirus.running", why), updated}
	}
	products, err := many[struct {
		DisplayName  string `json:"displayName"`
		ProductState int    `json:"productState"`
	}](s)
	if err != nil {
		why := "the Security Center's answer cannot be read: " + err.Error()
		return []Fact{unknown("antivirus.installed", why), unknown("antivirus.running", why), updated}
	}
	facts := []Fact{
		{"antivirus.installed", len(products) > 0, fmt.Sprintf("%d products are registered with the Security Center", len(products))},
		{"antivirus.running", false, fmt.Sprintf("none of %d registered products is on", len(products))}, updated,
	}
	for _, p := range products {
		if on := p.ProductState >> 8 & 0xff; on == 0x10 || on == 0x11 {
			facts[1] = Fact{"antivirus.running", true, p.DisplayName + " is on"}
			break
		}
	}
	return facts
}

// windowsSignatures reads Get-MpComputerStatus. In another mode than Normal
// another product protects the machine, whose signatures are not read.
func windowsSignatures(a answers) Fact {
	s, ok := a.text("signatures")
	mode, day, found := strings.Cut(s, "=")
	if !ok || !found {
		return unknown("antivirus.updatedAt", a.silent("signatures"))
	}
	if mode != "Normal" {
		return unknown("antivirus.updatedAt", "Defender runs in mode "+mode+": the signatures of another product are not read")
	}
	at, err := time.Parse(time.RFC3339, day)
	if err != nil || at.Year() < 2000 || at.Year() > 9999 {
		return unknown("antivirus.updatedAt", "Defender does not say when its signatures were updated")
	}
	return Fact{"antivirus.updatedAt", audit.FormatTime(at), "AntivirusSignatureLastUpdated of Get-MpComputerStatus"}
}

func windowsFirewall(a answers) Fact {
	s, ok := a.text("firewall")
	if !ok || s == "" {
		return unknown("firewall", a.silent("firewall"))
	}
	for _, line := range words(s) {
		if !strings.HasSuffix(line, "=True") {
			return Fact{"firewall", false, "profile " + line}
		}
	}
	return Fact{"firewall", true, "on in every profile"}
}

func windowsTimeSync(a answers) Fact {
	s, ok := a.text("time")
	status, kind, found := strings.Cut(s, "=")
	if !ok || !found {
		return unknown("timeSync", a.silent("time"))
	}
	return Fact{"timeSync", status == "Running" && kind != "NoSync", "time service is " + status + ", type " + kind}
}

func windowsScreenLock(a answers) []Fact {
	s, ok := a.text("screen-lock")
	n, err := strconv.Atoi(s)
	if !ok || err != nil {
		why := "no machine-wide inactivity limit is set; a user's own setting cannot be read here"
		return []Fact{unknown("screenLock.enabled", why), unknown("screenLock.seconds", why)}
	}
	if n == 0 {
		return []Fact{{"screenLock.enabled", false, "InactivityTimeoutSecs is 0"}, unknown("screenLock.seconds", "it does not lock")}
	}
	return []Fact{{"screenLock.enabled", true, "InactivityTimeoutSecs is set"}, {"screenLock.seconds", n, "InactivityTimeoutSecs"}}
}

func windowsList(a answers, probe, why string) Fact {
	if s, ok := a.text(probe); ok {
		return Fact{probe, words(s), why}
	}
	return unknown(probe, a.silent(probe))
}
