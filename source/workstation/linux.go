package workstation

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
)

func linuxFacts(a answers) []Fact {
	facts := []Fact{{"platform", "linux", "the kernel says so"}}
	facts = append(facts, linuxIdentity(a)...)
	facts = append(facts, linuxDisk(a), linuxFirewall(a), linuxTimeSync(a))
	facts = append(facts, linuxAntivirus(a)...)
	facts = append(facts, linuxSystem(a)...)
	facts = append(facts, linuxScreenLock(a)...)
	return append(facts, linuxUsers(a)...)
}

func linuxIdentity(a answers) []Fact {
	serial := unknown("serial", a.silent("machine-id"))
	if s, ok := a.text("product-serial"); ok && s != "" && !strings.EqualFold(s, "none") && !strings.Contains(strings.ToLower(s), "not specified") {
		serial = Fact{"serial", s, "the firmware's serial number"}
	} else if s, ok := a.text("machine-id"); ok && s != "" {
		serial = Fact{"serial", s, "/etc/machine-id, since the serial number cannot be read"}
	}
	host := unknown("hostname", a.silent("hostname"))
	if s, ok := a.text("hostname"); ok && s != "" {
		host = Fact{"hostname", s, "/proc/sys/kernel/hostname"}
	}
	return []Fact{serial, host}
}

// blockDevice is a part of lsblk's JSON (util-linux 2.37 and later).
type blockDevice struct {
	Name        string        `json:"name"`
	Type        string        `json:"type"`
	FSType      string        `json:"fstype"`
	Mountpoints []*string     `json:"mountpoints"`
	Removable   bool          `json:"rm"`
	Children    []blockDevice `json:"children"`
}

// linuxDisk: every mounted file system on a fixed disk must lie on a dm-crypt
// device, boot partitions excepted, since they hold no data.
func linuxDisk(a answers) Fact {
	out, ok := a.text("lsblk")
	if !ok {
		return unknown("diskEncrypted", a.silent("lsblk"))
	}
	var tree struct {
		Blockdevices []blockDevice `json:"blockdevices"`
	}
	if err := json.Unmarshal([]byte(out), &tree); err != nil {
		return unknown("diskEncrypted", "lsblk's answer cannot be read: "+err.Error())
	}
	var plain, crypted []string
	for _, d := range tree.Blockdevices {
		mounted(d, false, &plain, &crypted)
	}
	root := slices.Contains(plain, "/") || slices.Contains(crypted, "/")
	switch {
	case len(plain) > 0:
		return Fact{"diskEncrypted", false, "mounted from disks without dm-crypt: " + strings.Join(plain, ", ")}
	case !root:
		return unknown("diskEncrypted", "no disk that lsblk shows carries /; this looks like a container")
	}
	return Fact{"diskEncrypted", true, "mounted from dm-crypt devices: " + strings.Join(crypted, ", ")}
}

func mounted(d blockDevice, crypt bool, plain, crypted *[]string) {
	crypt = crypt || d.Type == "crypt"
	if d.Type == "loop" || d.Type == "rom" || d.Removable {
		return
	}
	for _, m := range d.Mountpoints {
		switch {
		case m == nil || *m == "" || *m == "/boot" || strings.HasPrefix(*m, "/boot/") || *m == "/efi":
		case crypt:
			*crypted = append(*crypted, *m)
		default:
			*plain = append(*plain, *m)
		}
	}
	for _, c := range d.Children {
		mounted(c, crypt, plain, crypted)
	}
}

// protections are the process names of malware protections, as their makers'
// documentation names them.
var protections = map[string]string{
	"clamd": "ClamAV", "clamonacc": "ClamAV", "falcon-sensor": "CrowdStrike Falcon", "wdavdaemon": "Microsoft Defender for Endpoint",
	"s1-agent": "SentinelOne", "s1-orchestrator": "SentinelOne", "cbagentd": "Carbon Black", "savd": "Sophos", "sophos_threat_d": "Sophos",
	"esets_daemon": "ESET", "oaeventd": "ESET", "ds_agent": "Trend Micro", "xagt": "Trellix", "elastic-endpoint": "Elastic Defend",
	"cylancesvc": "Cylance", "traps_pmd": "Cortex XDR", "pmd": "Cortex XDR", "wazuh-agentd": "Wazuh", "kesl": "Kaspersky Endpoint Security",
}

func linuxAntivirus(a answers) []Fact {
	out, ok := a.text("processes")
	if !ok {
		return noAntivirus(a.silent("processes"))
	}
	names := words(out)
	if len(names) < 2 {
		return noAntivirus("other processes cannot be seen")
	}
	for _, n := range names {
		if product, ok := protections[n]; ok {
			return running(fmt.Sprintf("process %s (%s) is running", n, product), linuxSignatures(a, product))
		}
	}
	return notRunning(fmt.Sprintf("none of %d kinds of process is a malware protection Tieout knows", len(names)))
}

// linuxSignatures: ClamAV keeps its signatures of the day in one file, which is
// written when they are updated.
func linuxSignatures(a answers, product string) Fact {
	if product != "ClamAV" {
		return unknown("antivirus.updatedAt", "the days of signatures of "+product+" are not read")
	}
	if s, ok := a.text("clamav-daily"); ok {
		if sec, err := strconv.ParseInt(s, 10, 64); err == nil && sec > 0 && sec <= lastSecond {
			return Fact{"antivirus.updatedAt", audit.FormatTime(time.Unix(sec, 0)), "day of ClamAV's daily database"}
		}
	}
	return unknown("antivirus.updatedAt", a.silent("clamav-daily"))
}

// lastSecond is the last second of the year 9999.
const lastSecond = 253402300799

// linuxFirewall: incoming traffic is filtered where the input hook's policy is
// drop, or ufw or firewalld say they are active. Rules can only be read as root.
func linuxFirewall(a answers) Fact {
	if s, ok := a.text("ufw"); ok {
		if strings.Contains(s, "Status: active") {
			return Fact{"firewall", true, "ufw is active"}
		}
	}
	if s, ok := a.text("firewalld"); ok && s == "running" {
		return Fact{"firewall", true, "firewalld is running"}
	}
	nft, nftOK := a.text("nft")
	ipt, iptOK := a.text("iptables")
	switch {
	case nftOK && inputDrops(nft):
		return Fact{"firewall", true, "an nftables input chain drops what no rule allows"}
	case iptOK && (strings.Contains(ipt, "-P INPUT DROP") || strings.Contains(ipt, "-P INPUT REJECT")):
		return Fact{"firewall", true, "the iptables INPUT chain drops what no rule allows"}
	case !a.root:
		return unknown("firewall", "the rules can only be read as root")
	case nftOK || iptOK:
		return Fact{"firewall", false, "the input chain lets through what no rule forbids"}
	}
	return unknown("firewall", a.silent("nft"))
}

func inputDrops(ruleset string) bool {
	for line := range strings.Lines(ruleset) {
		if strings.Contains(line, "hook input") && strings.Contains(line, "policy drop") {
			return true
		}
	}
	return false
}

func linuxTimeSync(a answers) Fact {
	if s, ok := a.text("timedatectl"); ok {
		if v := keyValues(s)["NTPSynchronized"]; v != "" {
			return Fact{"timeSync", v == "yes", "timedatectl: NTPSynchronized=" + v}
		}
	}
	if s, ok := a.text("chrony"); ok && strings.Contains(s, "Leap status") {
		normal := strings.Contains(s, ": Normal")
		return Fact{"timeSync", normal, map[bool]string{true: "chronyd is synchronized", false: "chronyd is not synchronized"}[normal]}
	}
	return unknown("timeSync", a.silent("timedatectl"))
}

// linuxSystem: version, whether its maker still supports it, when it was last
// updated, whether it updates itself.
func linuxSystem(a answers) []Fact {
	out, ok := a.text("os-release")
	if !ok {
		why := a.silent("os-release")
		return []Fact{unknown("os.version", why), unknown("os.supported", why), linuxPatched(a), linuxAutoUpdate(a)}
	}
	kv := keyValues(out)
	version := strings.TrimSpace(kv["ID"] + " " + kv["VERSION_ID"])
	return []Fact{
		{"os.version", version, "/etc/os-release"}, supported(kv, version, a.at), linuxPatched(a), linuxAutoUpdate(a),
	}
}

// supportEnds is the last day of security updates by the maker, for systems
// whose os-release does not say it: facts of the distributions' release pages.
var supportEnds = map[string]string{
	"debian 11": "2026-08-31", "debian 12": "2028-06-30", "debian 13": "2030-06-30",
	"ubuntu 20.04": "2025-05-31", "ubuntu 22.04": "2027-04-30", "ubuntu 24.04": "2029-04-30",
	"rhel 8": "2029-05-31", "rhel 9": "2032-05-31", "rhel 10": "2035-05-31",
	"amzn 2023": "2029-06-30",
}

func supported(kv map[string]string, version string, at time.Time) Fact {
	end, why := kv["SUPPORT_END"], "/etc/os-release: SUPPORT_END"
	if end == "" {
		id, _, _ := strings.Cut(version, ".")
		if end = supportEnds[version]; end == "" {
			end = supportEnds[id]
		}
		why = "the maker's release page"
	}
	day, err := time.Parse(time.DateOnly, end)
	if err != nil {
		return unknown("os.supported", "Tieout does not know until when "+version+" gets security updates")
	}
	return Fact{"os.supported", at.Before(day.AddDate(0, 0, 1)), fmt.Sprintf("security updates until %s (%s)", end, why)}
}

func linuxPatched(a answers) Fact {
	if s, ok := a.text("apt-history"); ok {
		if t, found := lastUpgrade(s); found {
			return Fact{"os.patchedAt", audit.FormatTime(t), "last upgrade in /var/log/apt/history.log"}
		}
		return unknown("os.patchedAt", "/var/log/apt/history.log shows no upgrade; older logs are not read")
	}
	if s, ok := a.text("rpm-last"); ok {
		if sec, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64); err == nil && sec > 0 {
			return Fact{"os.patchedAt", audit.FormatTime(time.Unix(sec, 0)), "newest package rpm has installed"}
		}
	}
	return unknown("os.patchedAt", a.silent("apt-history"))
}

// lastUpgrade finds the end of the last run in apt's history that upgraded
// something. apt writes local time without an offset; it is read as UTC, which
// is off by hours at most where days matter.
func lastUpgrade(history string) (last time.Time, ok bool) {
	upgraded := false
	for line := range strings.Lines(history) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); key {
		case "Start-Date":
			upgraded = false
		case "Upgrade":
			upgraded = true
		case "End-Date":
			t, err := time.Parse("2006-01-02  15:04:05", value)
			if err == nil && upgraded {
				last, ok = t, true
			}
		}
	}
	return last, ok
}

func linuxAutoUpdate(a answers) Fact {
	if s, ok := a.text("apt-auto"); ok {
		for line := range strings.Lines(s) {
			if v, found := strings.CutPrefix(strings.TrimSpace(line), "APT::Periodic::Unattended-Upgrade "); found {
				on := strings.Trim(v, `"; `) != "0"
				return Fact{"os.autoUpdate", on, "20auto-upgrades: Unattended-Upgrade " + strings.Trim(v, `"; `)}
			}
		}
		return Fact{"os.autoUpdate", false, "20auto-upgrades does not switch unattended upgrades on"}
	}
	if s, ok := a.text("dnf-automatic"); ok {
		return Fact{"os.autoUpdate", s == "enabled", "dnf-automatic.timer is " + s}
	}
	return unknown("os.autoUpdate", a.silent("apt-auto"))
}

// linuxScreenLock reads GNOME's settings, and only where its shell runs: without
// a session gsettings answers with defaults that nobody enforces.
func linuxScreenLock(a answers) []Fact {
	if out, ok := a.text("processes"); !ok || !slices.Contains(words(out), "gnome-shell") {
		why := "no GNOME session runs here, and other desktops are not read"
		return []Fact{unknown("screenLock.enabled", why), unknown("screenLock.seconds", why)}
	}
	enabled, ok := a.text("lock-enabled")
	if !ok || enabled != "true" && enabled != "false" {
		why := "no GNOME session's settings can be read: " + a.silent("lock-enabled")
		return []Fact{unknown("screenLock.enabled", why), unknown("screenLock.seconds", why)}
	}
	facts := []Fact{{"screenLock.enabled", enabled == "true", "org.gnome.desktop.screensaver lock-enabled is " + enabled}}
	idle, okIdle := seconds(a, "idle-delay")
	delay, okDelay := seconds(a, "lock-delay")
	switch {
	case !okIdle || !okDelay:
		facts = append(facts, unknown("screenLock.seconds", a.silent("idle-delay")))
	case idle == 0:
		facts[0] = Fact{"screenLock.enabled", false, "idle-delay is 0: the screen never blanks, so it never locks"}
	default:
		facts = append(facts, Fact{"screenLock.seconds", idle + delay, "idle-delay plus lock-delay"})
	}
	return facts
}

// seconds reads gsettings' "uint32 300".
func seconds(a answers, probe string) (int, bool) {
	s, ok := a.text(probe)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimPrefix(s, "uint32 "))
	return n, err == nil
}

// linuxUsers: accounts with a password entry and a shell a person can use, and
// those of them who are root or in an administrators' group.
func linuxUsers(a answers) []Fact {
	passwd, ok := a.text("passwd")
	if !ok {
		why := a.silent("passwd")
		return []Fact{unknown("users", why), unknown("admins", why)}
	}
	users, admins := []string{}, []string{}
	for line := range strings.Lines(passwd) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) != 7 {
			continue
		}
		uid, err := strconv.Atoi(f[2])
		if err != nil || !loginShell(f[6]) {
			continue
		}
		if uid == 0 {
			admins = append(admins, f[0])
		}
		if uid == 0 || uid >= 1000 && uid < 65534 {
			users = append(users, f[0])
		}
	}
	facts := []Fact{{"users", sorted(users), "/etc/passwd: root and user ids from 1000 with a login shell"}}
	group, ok := a.text("group")
	if !ok {
		return append(facts, unknown("admins", a.silent("group")))
	}
	admins = append(admins, groupMembers(group, "sudo", "wheel", "admin")...)
	return append(facts, Fact{"admins", sorted(admins), "user id 0 and the groups sudo, wheel and admin"})
}

func loginShell(shell string) bool {
	base := path.Base(shell)
	return base != "nologin" && base != "false" && base != "sync" && base != "halt" && base != "shutdown" && shell != ""
}

func groupMembers(group string, names ...string) []string {
	var out []string
	for line := range strings.Lines(group) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) == 4 && slices.Contains(names, f[0]) && f[3] != "" {
			out = append(out, strings.Split(f[3], ",")...)
		}
	}
	return out
}

func sorted(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}
