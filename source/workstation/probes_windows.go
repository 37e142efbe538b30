package workstation

func powershell(script string) []string {
	return []string{"powershell.exe", "-NoProfile", "-NonInteractive", "-Command", script}
}

var probes = []Probe{
	{Name: "system", Command: powershell("Get-CimInstance Win32_BIOS | Select-Object SerialNumber | ConvertTo-Json -Compress")},
	{Name: "hostname", Command: []string{"hostname"}},
	{Name: "bitlocker", Command: powershell("Get-CimInstance -Namespace root/CIMV2/Security/MicrosoftVolumeEncryption Win32_EncryptableVolume | Where-Object VolumeType -ne 2 | Select-Object DriveLetter,ProtectionStatus | ConvertTo-Json -Compress")},
	{Name: "version", Command: powershell("Get-CimInstance Win32_OperatingSystem | Select-Object Caption,Version,BuildNumber | ConvertTo-Json -Compress")},
	{Name: "hotfix", Command: powershell("Get-HotFix | Where-Object InstalledOn | ForEach-Object { $_.InstalledOn.ToString('yyyy-MM-dd') } | Sort-Object | Select-Object -Last 1")},
	{Name: "auto-update", Command: powershell("(New-Object -ComObject Microsoft.Update.AutoUpdate).Settings.NotificationLevel")},
	{Name: "antivirus", Command: powershell("Get-CimInstance -Namespace root/SecurityCenter2 AntiVirusProduct | Select-Object displayName,productState | ConvertTo-Json -Compress")},
	{Name: "signatures", Command: powershell("Get-MpComputerStatus | ForEach-Object { $_.AMRunningMode + '=' + $_.AntivirusSignatureLastUpdated.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ') }")},
	{Name: "screen-lock", Command: powershell("(Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System').InactivityTimeoutSecs")},
	{Name: "firewall", Command: powershell("Get-NetFirewallProfile | ForEach-Object { $_.Name + '=' + $_.Enabled }")},
	{Name: "users", Command: powershell("Get-LocalUser | Where-Object Enabled | ForEach-Object Name")},
	{Name: "admins", Command: powershell("Get-LocalGroupMember -SID S-1-5-32-544 | ForEach-Object Name")},
	{Name: "time", Command: powershell("(Get-Service w32time).Status.ToString() + '=' + (Get-ItemProperty 'HKLM:\\SYSTEM\\CurrentControlSet\\Services\\W32Time\\Parameters').Type")},
}
