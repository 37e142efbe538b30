package workstation

var probes = []Probe{
	{Name: "hardware", Command: []string{"system_profiler", "-json", "SPHardwareDataType"}},
	{Name: "hostname", Command: []string{"scutil", "--get", "LocalHostName"}},
	{Name: "filevault", Command: []string{"fdesetup", "status"}},
	{Name: "version", Command: []string{"sw_vers", "-productVersion"}},
	{Name: "update-history", Command: []string{"system_profiler", "-json", "SPInstallHistoryDataType"}},
	{Name: "auto-update", Command: []string{"defaults", "read", "/Library/Preferences/com.apple.SoftwareUpdate", "CriticalUpdateInstall"}},
	{Name: "processes", Command: []string{"ps", "-A", "-c", "-o", "comm="}},
	{Name: "xprotect", File: "/private/var/protected/xprotect/XProtect.bundle/Contents/Info.plist"},
	{Name: "xprotect-library", File: "/Library/Apple/System/Library/CoreServices/XProtect.bundle/Contents/Info.plist"},
	{Name: "screen-lock", Command: []string{"sysadminctl", "-screenLock", "status"}},
	{Name: "screen-lock-text", Command: []string{"sh", "-c", "sysadminctl -screenLock status 2>&1"}},
	{Name: "idle", Command: []string{"defaults", "-currentHost", "read", "com.apple.screensaver", "idleTime"}},
	{Name: "firewall", Command: []string{"/usr/libexec/ApplicationFirewall/socketfilterfw", "--getglobalstate"}},
	{Name: "users", Command: []string{"dscl", ".", "list", "/Users", "UniqueID"}},
	{Name: "admins", Command: []string{"dscl", ".", "read", "/Groups/admin", "GroupMembership"}},
	{Name: "time", Command: []string{"sh", "-c", "systemsetup -getusingnetworktime 2>&1"}},
}
