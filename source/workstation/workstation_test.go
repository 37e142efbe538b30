package workstation

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/sourcetest"
)

var at = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)

// page makes a page of a platform from recorded outputs by probe name; an
// answer that begins with "!" is an error.
func page(t testing.TB, platform, user string, outputs map[string]string) audit.Page {
	t.Helper()
	p := Probes{Platform: platform, User: user}
	for name, out := range outputs {
		a := Answer{Probe: Probe{Name: name, Command: []string{name}}, Output: out}
		if len(out) > 0 && out[0] == '!' {
			a.Output, a.Error = "", out[1:]
		}
		p.Answers = append(p.Answers, a)
	}
	body, err := canonical.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return audit.Page{Source: "laptop", Kind: pageKind, Query: "probes", Media: "application/json", Body: body, About: audit.At(at), Collected: at}
}

const luks = `{"blockdevices":[{"name":"nvme0n1","type":"disk","fstype":null,"mountpoints":[null],"rm":false,"children":[
 {"name":"nvme0n1p1","type":"part","fstype":"vfat","mountpoints":["/boot/efi"],"rm":false},
 {"name":"nvme0n1p2","type":"part","fstype":"crypto_LUKS","mountpoints":[null],"rm":false,"children":[
  {"name":"root","type":"crypt","fstype":"LVM2_member","mountpoints":[null],"rm":false,"children":[
   {"name":"vg-root","type":"lvm","fstype":"ext4","mountpoints":["/"],"rm":false},
   {"name":"vg-swap","type":"lvm","fstype":"swap","mountpoints":["[SWAP]"],"rm":false}]}]}]}]}`

const plain = `{"blockdevices":[{"name":"sda","type":"disk","fstype":null,"mountpoints":[null],"rm":false,"children":[
 {"name":"sda1","type":"part","fstype":"ext4","mountpoints":["/"],"rm":false}]}]}`

const history = `
Start-Date: 2026-10-12  06:11:01
Commandline: /usr/bin/unattended-upgrade
Upgrade: openssl:amd64 (3.0.17-1, 3.0.18-1)
End-Date: 2026-10-12  06:11:09

Start-Date: 2026-10-20  12:00:00
Commandline: apt install jq
Install: jq:amd64 (1.6-2.1)
End-Date: 2026-10-20  12:00:03
`

func TestFacts(t *testing.T) {
	tests := []struct {
		name     string
		platform string
		user     string
		outputs  map[string]string
		want     map[string]any // nil: could not be read
	}{
		{"linux laptop in order", "linux", "root", map[string]string{
			"product-serial": "PF3XYZ12\n", "machine-id": "0f1e2d", "hostname": "lap-12\n", "lsblk": luks,
			"os-release": "ID=debian\nVERSION_ID=\"12\"\n", "apt-history": history, "apt-auto": "APT::Periodic::Unattended-Upgrade \"1\";\n",
			"processes": "systemd\nbash\nclamd\ngnome-shell\n", "lock-enabled": "true\n", "lock-delay": "uint32 0\n", "idle-delay": "uint32 300\n",
			"nft":    "table inet filter {\n chain input {\n  type filter hook input priority filter; policy drop;\n }\n}\n",
			"passwd": "root:x:0:0:root:/root:/bin/bash\nana:x:1000:1000:Ana:/home/ana:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n",
			"group":  "sudo:x:27:ana\nusers:x:100:\n", "timedatectl": "NTP=yes\nNTPSynchronized=yes\n",
		}, map[string]any{
			"serial": "PF3XYZ12", "hostname": "lap-12", "diskEncrypted": true, "os.version": "debian 12", "os.supported": true,
			"os.patchedAt": "2026-10-12T06:11:09Z", "os.autoUpdate": true, "antivirus.running": true, "screenLock.enabled": true,
			"screenLock.seconds": 300, "firewall": true, "users": []string{"ana", "root"}, "admins": []string{"ana", "root"}, "timeSync": true,
		}},
		{"linux laptop not in order", "linux", "root", map[string]string{
			"product-serial": "!permission denied", "machine-id": "0f1e2d\n", "lsblk": plain, "os-release": "ID=debian\nVERSION_ID=\"11\"\n",
			"apt-auto": "// nothing\n", "processes": "systemd\nbash\ngnome-shell\n", "lock-enabled": "true", "lock-delay": "uint32 0", "idle-delay": "uint32 0",
			"nft": "", "timedatectl": "NTPSynchronized=no\n",
		}, map[string]any{
			"serial": "0f1e2d", "diskEncrypted": false, "os.supported": false, "os.autoUpdate": false, "antivirus.running": false,
			"screenLock.enabled": false, "screenLock.seconds": nil, "firewall": false, "timeSync": false, "users": nil, "admins": nil, "os.patchedAt": nil,
		}},
		{"container: what cannot be seen is no evidence", "linux", "user", map[string]string{
			"machine-id": "c0ffee", "lsblk": `{"blockdevices":[{"name":"vda","type":"disk","mountpoints":[null],"rm":false}]}`,
			"os-release": "ID=solus\nVERSION_ID=4.5\n", "processes": "sh\n", "lock-enabled": "true\n", "nft": "!there is no such command here",
			"apt-history": "\n", "timedatectl": "!there is no such command here",
		}, map[string]any{
			"serial": "c0ffee", "diskEncrypted": nil, "os.supported": nil, "antivirus.running": nil, "screenLock.enabled": nil, "firewall": nil,
			"timeSync": nil, "os.patchedAt": nil,
		}},
		{"macos in order", "darwin", "user", map[string]string{
			"hardware": `{"SPHardwareDataType":[{"serial_number":"C02ABC"}]}`, "hostname": "mac-7", "filevault": "FileVault is On.\n", "version": "15.1\n",
			"update-history": `{"SPInstallHistoryDataType":[{"_name":"macOS 15.1","install_date":"2026-10-03T09:00:00Z"},{"_name":"Pages","install_date":"2026-10-30T09:00:00Z"}]}`,
			"auto-update":    "1\n", "processes": "launchd\nXProtectService\n", "screen-lock-text": "2026-11-01 sysadminctl[1] screenLock delay is 5 seconds\n",
			"idle": "300\n", "firewall": "Firewall is enabled. (State = 1)\n", "users": "_www 70\nana 501\nroot 0\n", "admins": "GroupMembership: root ana\n", "time": "Network Time: On\n",
		}, map[string]any{
			"platform": "macos", "serial": "C02ABC", "diskEncrypted": true, "os.version": "15.1", "os.supported": nil, "os.patchedAt": "2026-10-03T09:00:00Z",
			"os.autoUpdate": true, "antivirus.running": true, "screenLock.enabled": true, "screenLock.seconds": 305, "firewall": true,
			"users": []string{"ana"}, "admins": []string{"ana", "root"}, "timeSync": true,
		}},
		{"macos not in order", "darwin", "user", map[string]string{
			"hardware": `{"SPHardwareDataType":[{"serial_number":"C02ABC"}]}`, "filevault": "FileVault is Off.\n", "firewall": "Firewall is disabled. (State = 0)\n",
			"screen-lock-text": "screenLock is off\n", "time": "You need administrator access to run this tool... exiting!\n", "auto-update": "0",
		}, map[string]any{"diskEncrypted": false, "firewall": false, "screenLock.enabled": false, "timeSync": nil, "os.autoUpdate": false, "antivirus.running": nil}},
		{"windows in order", "windows", "root", map[string]string{
			"system": `{"SerialNumber":"5CG1234"}`, "hostname": "WIN-7\r\n", "bitlocker": `[{"DriveLetter":"C:","ProtectionStatus":1},{"DriveLetter":"D:","ProtectionStatus":1}]`,
			"version": `{"Caption":"Microsoft Windows 11 Enterprise","Version":"10.0.26100","BuildNumber":"26100"}`, "hotfix": "2026-10-15\r\n", "auto-update": "4\r\n",
			"antivirus": `{"displayName":"Windows Defender","productState":397568}`, "screen-lock": "600\r\n", "firewall": "Domain=True\r\nPrivate=True\r\nPublic=True\r\n",
			"users": "ana\r\n", "admins": "WIN-7\\ana\r\n", "time": "Running=NTP\r\n",
		}, map[string]any{
			"platform": "windows", "serial": "5CG1234", "diskEncrypted": true, "os.supported": true, "os.patchedAt": "2026-10-15T00:00:00Z", "os.autoUpdate": true,
			"antivirus.running": true, "screenLock.seconds": 600, "firewall": true, "users": []string{"ana"}, "timeSync": true,
		}},
		{"windows not in order", "windows", "user", map[string]string{
			"system": `{"SerialNumber":"5CG1234"}`, "bitlocker": `{"DriveLetter":"C:","ProtectionStatus":0}`, "antivirus": `{"displayName":"Windows Defender","productState":393472}`,
			"firewall": "Domain=True\r\nPublic=False\r\n", "screen-lock": "0", "time": "Stopped=NTP", "version": `{"Caption":"Windows 10","Version":"10.0.19045","BuildNumber":"19045"}`,
		}, map[string]any{"diskEncrypted": false, "antivirus.running": false, "firewall": false, "screenLock.enabled": false, "timeSync": false, "os.supported": false, "users": nil}},
		{"ClamAV with its database of the day", "linux", "user", map[string]string{
			"machine-id": "c0ffee", "processes": "systemd\nfreshclam\nclamd\n", "clamav-daily": "1793000000\n",
		}, map[string]any{"antivirus.installed": true, "antivirus.running": true, "antivirus.updatedAt": "2026-10-26T07:33:20Z"}},
		{"signatures of another product are not ClamAV's", "linux", "user", map[string]string{
			"machine-id": "c0ffee", "processes": "systemd\nfalcon-sensor\n", "clamav-daily": "1793000000\n",
		}, map[string]any{"antivirus.installed": true, "antivirus.running": true, "antivirus.updatedAt": nil}},
		{"no database of the day", "linux", "user", map[string]string{"machine-id": "c0ffee", "processes": "systemd\nclamd\n", "clamav-daily": "\n"},
			map[string]any{"antivirus.running": true, "antivirus.updatedAt": nil}},
		{"none is seen to run: whether one is installed is not known", "linux", "user", map[string]string{"machine-id": "c0ffee", "processes": "systemd\nbash\n"},
			map[string]any{"antivirus.installed": nil, "antivirus.running": false, "antivirus.updatedAt": nil}},
		{"Defender protects", "windows", "user", map[string]string{
			"system": `{"SerialNumber":"5"}`, "antivirus": `{"displayName":"Windows Defender","productState":397568}`, "signatures": "Normal=2026-10-31T04:10:00Z\r\n",
		}, map[string]any{"antivirus.installed": true, "antivirus.running": true, "antivirus.updatedAt": "2026-10-31T04:10:00Z"}},
		{"Defender stands aside", "windows", "user", map[string]string{
			"system": `{"SerialNumber":"5"}`, "antivirus": `{"displayName":"Other","productState":397568}`, "signatures": "Passive Mode=2026-01-31T04:10:00Z\r\n",
		}, map[string]any{"antivirus.running": true, "antivirus.updatedAt": nil}},
		{"Defender was never updated", "windows", "user", map[string]string{"system": `{"SerialNumber":"5"}`, "signatures": "Normal=1601-01-01T00:00:00Z"},
			map[string]any{"antivirus.running": nil, "antivirus.updatedAt": nil}},
		{"installed and off", "windows", "user", map[string]string{"system": `{"SerialNumber":"5"}`, "antivirus": `{"displayName":"Windows Defender","productState":393472}`},
			map[string]any{"antivirus.installed": true, "antivirus.running": false}},
		{"windows locked volume", "windows", "root", map[string]string{"system": `{"SerialNumber":"5"}`, "bitlocker": `{"DriveLetter":"E:","ProtectionStatus":2}`},
			map[string]any{"diskEncrypted": nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := page(t, tt.platform, tt.user, tt.outputs)
			facts, err := Explain(json.RawMessage("{}"), p)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]any{}
			for _, f := range facts {
				got[f.Field] = f.Value
				if f.Why == "" {
					t.Errorf("%s has no reason", f.Field)
				}
			}
			for field, want := range tt.want {
				if !reflect.DeepEqual(got[field], want) {
					t.Errorf("%s = %v, want %v", field, got[field], want)
				}
			}
			items, err := Normalize(json.RawMessage("{}"), p)
			if err != nil || len(items) != 1 {
				t.Fatalf("Normalize gave %d items, %v", len(items), err)
			}
			if err := sourcetest.Valid(items[0]); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestXProtect: the newer of the bundles' days counts, and none where one of them
// may not be read or another product protects.
func TestXProtect(t *testing.T) {
	const none = "no such file or directory"
	tests := []struct {
		name      string
		processes string
		now, was  Answer // where it is, and where it was before macOS 15
		want      any
	}{
		{"both", "XProtectService\n", Answer{Modified: "2026-10-20T09:00:00Z"}, Answer{Modified: "2025-03-01T09:00:00Z"}, "2026-10-20T09:00:00Z"},
		{"an older macOS", "XProtectService\n", Answer{Error: none}, Answer{Modified: "2026-10-21T09:00:00Z"}, "2026-10-21T09:00:00Z"},
		{"may not be read", "XProtectService\n", Answer{Error: "permission denied"}, Answer{Modified: "2025-03-01T09:00:00Z"}, nil},
		{"neither", "XProtectService\n", Answer{Error: none}, Answer{Error: none}, nil},
		{"another product", "XProtectService\nfalcon-sensor\n", Answer{Modified: "2026-10-20T09:00:00Z"}, Answer{Error: none}, nil},
		{"nothing runs", "launchd\n", Answer{Modified: "2026-10-20T09:00:00Z"}, Answer{Error: none}, nil},
		{"what is no instant", "XProtectService\n", Answer{Modified: "never"}, Answer{Modified: "yesterday"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.now.Probe, tt.was.Probe = Probe{Name: "xprotect", File: "a"}, Probe{Name: "xprotect-library", File: "b"}
			body, err := canonical.Marshal(Probes{Platform: "darwin", Answers: []Answer{{Probe: Probe{Name: "processes", Command: []string{"ps"}}, Output: tt.processes}, tt.now, tt.was}})
			if err != nil {
				t.Fatal(err)
			}
			facts, err := Explain(json.RawMessage("{}"), audit.Page{Source: "laptop", Kind: pageKind, Body: body, About: audit.At(at)})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range facts {
				if f.Field == "antivirus.updatedAt" && f.Value != tt.want {
					t.Errorf("%v (%s), want %v", f.Value, f.Why, tt.want)
				}
			}
		})
	}
}

// TestSupportedAsStated: what the organization states decides, and is part of
// the configuration that the page is read with.
func TestSupportedAsStated(t *testing.T) {
	_, config, err := Driver.Open("laptop", json.RawMessage(`{"supported":[{"platform":"macos","from":"15.0","until":"2027-09-15"},{"platform":"linux","name":"solus","from":"4.5","until":"2026-10-01"}]}`), source.Env{})
	if err != nil {
		t.Fatal(err)
	}
	mac := map[string]string{"hardware": `{"SPHardwareDataType":[{"serial_number":"C"}]}`}
	tests := []struct {
		name     string
		platform string
		version  map[string]string
		with     string
		want     any
	}{
		{"macos", "darwin", map[string]string{"version": "15.1\n"}, string(config), true},
		{"macos before every line", "darwin", map[string]string{"version": "14.7\n"}, string(config), false},
		{"macos without a version", "darwin", nil, string(config), nil},
		{"macos where nothing is stated", "darwin", map[string]string{"version": "15.1\n"}, "{}", nil},
		{"a linux of theirs", "linux", map[string]string{"os-release": "ID=solus\nVERSION_ID=4.5\n"}, string(config), false},
		{"another linux is as known", "linux", map[string]string{"os-release": "ID=debian\nVERSION_ID=12\n"}, string(config), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := Explain(json.RawMessage(tt.with), page(t, tt.platform, "user", merged(mac, tt.version)))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range facts {
				if f.Field == "os.supported" && f.Value != tt.want {
					t.Errorf("%v (%s), want %v", f.Value, f.Why, tt.want)
				}
			}
		})
	}
}

func merged(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// TestThisMachine: the real probes of the machine the test runs on give a
// device, and every field of the schema a reason.
func TestThisMachine(t *testing.T) {
	conn := sourcetest.Connection{
		Driver: Driver, Name: "this", With: `{"assignedTo":"hr/1","kind":"server"}`,
		Window: audit.Window{Span: audit.Span{From: at.AddDate(-1, 0, 0), To: at}, AsOf: at, Zone: "UTC"},
	}
	sourcetest.Conform(t, conn, "device")
	r := sourcetest.Record(t, conn)
	facts, err := Explain(r.Config, r.Pages[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range facts {
		t.Logf("%-20s %-30s %s", f.Field, fmt.Sprint(f.Value), f.Why)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, with := range []string{`{"kind":"toaster"}`, `{"asignedTo":"x"}`, `{"supported":[{"platform":"macos"}]}`, `[]`} {
		if _, _, err := Driver.Open("x", json.RawMessage(with), source.Env{}); err == nil {
			t.Errorf("Open(%s) gave no error", with)
		}
	}
}

// FuzzNormalize: no page brings the parser down, and what it gives is valid.
func FuzzNormalize(f *testing.F) {
	for platform, out := range map[string]map[string]string{
		"linux":   {"machine-id": "1", "lsblk": luks, "apt-history": history, "passwd": "root:x:0:0::/:/bin/sh", "group": "sudo:x:1:a,b"},
		"darwin":  {"hardware": `{"SPHardwareDataType":[{"serial_number":"C"}]}`, "screen-lock-text": "screenLock delay is "},
		"windows": {"system": `{"SerialNumber":"5"}`, "bitlocker": `[]`, "antivirus": `{"productState":1}`},
	} {
		f.Add(page(f, platform, "root", out).Body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := Normalize(json.RawMessage("{}"), audit.Page{Source: "x", Kind: pageKind, Body: body, About: audit.At(at)})
		if err != nil {
			return
		}
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Error(err)
			}
		}
	})
}
