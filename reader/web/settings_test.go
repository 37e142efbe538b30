package web

import (
	"html"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tieout/access"
	"tieout/definition"
)

// everySetting is a tieout.yaml with something in every place. What begins with
// SECRET_ names a secret and is on no page.
const everySetting = `organization: { name: Acme, system: Acme Cloud, zone: Europe/Berlin, categories: [S, A] }
periods:
  - { name: "2025", first: 2025-01-01, last: 2025-12-31, report: type I }
  - { name: "2026-03", first: 2026-03-01, last: 2026-03-31 }
holidays: [2026-12-25]
store: env:SECRET_STORE
blobs:
  s3: { bucket: evidence, prefix: acme, region: eu-1, endpoint: "https://s3.example", accessKey: env:SECRET_ACCESS, secretKey: keyring:SECRET_BUCKET, lockDays: 400 }
  key: file:SECRET_AGE
ledger:
  origin: acme.example/log
  key: file:SECRET_LEDGER
  witnesses:
    - { name: w1.example, url: "https://w1.example", key: "w1.example+8b0f0f0f+AAAA" }
    - { name: w2.example, key: "w2.example+8b0f0f0f+AAAA" }
  tsa: https://tsa.example/tsr
jobs: { collect: "06:00", backup: "03:00", backupDir: /var/backups/tieout }
reminders:
  at: "07:30"
  email: { server: "smtp.example.com:587", from: "Tieout <t@example.com>", user: tieout, password: env:SECRET_MAIL }
  chat: { address: env:SECRET_CHAT }
  webhook: { url: "https://example.com/hook", secret: env:SECRET_HOOK }
server: { url: "https://tieout.example.com", proxies: [10.0.0.0/8] }
signIn:
  idle: 2h
  secondFactor: required
  providers:
    - { id: sso, title: Company sign-in, issuer: "https://login.example.com", clientId: tieout, clientSecret: env:SECRET_OIDC, provision: true, domains: [example.com], groups: { sec: [compliance-lead@workspace] } }
  groups: { leads: [compliance-lead@workspace] }
`

// rowsOf are settings by name.
func settingsByName(groups []settingGroup) map[string]settingRow {
	out := map[string]settingRow{}
	for _, g := range groups {
		for _, r := range g.Rows {
			out[r.Name] = r
		}
	}
	return out
}

// TestSettingsOf: each value is the file's, with its line; what is left out says so.
func TestSettingsOf(t *testing.T) {
	w, err := definition.LoadFiles(map[string][]byte{"tieout.yaml": []byte(everySetting)})
	if err != nil {
		t.Fatal(err)
	}
	rows := settingsByName(settingsOf(w, "http://localhost:8731"))
	for name, want := range map[string][2]string{
		"Name":               {"acme.example/log", "tieout.yaml:11"},
		"Categories":         {"Security, Availability", "tieout.yaml:1"},
		"Holidays":           {"25 Dec 2026", "tieout.yaml:5"},
		"Criteria":           {"tsc-2017-2022", ""},
		"2025":               {"1 Jan 2025 to 31 Dec 2025, type I", "tieout.yaml:3"},
		"2026-03":            {"1 Mar 2026 to 31 Mar 2026, type II", "tieout.yaml:4"},
		"Store":              {"PostgreSQL; its address is a secret, from a variable of the server's environment", "tieout.yaml:6"},
		"Large evidence":     {"A bucket: evidence/acme, eu-1, https://s3.example", "tieout.yaml:8"},
		"Key of the bucket":  {"A key, from the server's keyring", "tieout.yaml:8"},
		"Lock of the bucket": {"400 days during which nothing can be deleted", "tieout.yaml:8"},
		"Evidence encrypted": {"Yes; the key is from a file on the server", "tieout.yaml:9"},
		"Witness w1.example": {"https://w1.example", "tieout.yaml:14"},
		"Witness w2.example": {"Brought exchange files by hand", "tieout.yaml:15"},
		"Read every source, then test everything": {"Each day at 06:00, Europe/Berlin", "tieout.yaml:17"},
		"Sent at":                          {"07:30, Europe/Berlin", "tieout.yaml:19"},
		"First said":                       {"7 days before something is due", ""},
		"Mail":                             {"From Tieout <t@example.com> by smtp.example.com:587, as tieout; the password is from a variable of the server's environment", "tieout.yaml:20"},
		"Chat":                             {"A chat's address, which is a secret, from a variable of the server's environment", "tieout.yaml:21"},
		"Address people open":              {"https://tieout.example.com", "tieout.yaml:23"},
		"Second factor":                    {"Required of whoever signs in with a password", "tieout.yaml:26"},
		"A session ends unused after":      {"2h", "tieout.yaml:25"},
		"A session ends in any case after": {"12h", ""},
		"Provider Company sign-in":         {"https://login.example.com as tieout; its secret is from a variable of the server's environment; a second factor there is not required; makes accounts for example.com; sec: compliance-lead@workspace", "tieout.yaml:28"},
		"A directory (SCIM, at /scim/v2) gives these roles": {"leads: compliance-lead@workspace", "tieout.yaml:29"},
	} {
		if got := rows[name]; got.Value != want[0] || got.Where != want[1] {
			t.Errorf("%s: got %q at %q, want %q at %q", name, got.Value, got.Where, want[0], want[1])
		}
	}
	w, err = definition.LoadFiles(map[string][]byte{"tieout.yaml": []byte("organization: { name: A, system: B, zone: UTC }\nperiod: { first: 2026-01-01, last: 2026-12-31 }\n")})
	if err != nil {
		t.Fatal(err)
	}
	rows = settingsByName(settingsOf(w, "http://localhost:8731"))
	for name, want := range map[string]string{
		"Second factor": "Optional", "Store": "One SQLite file, .tieout/store.db", "Evidence encrypted": "Not by Tieout", "Signing key": "From a file on the server",
		"Witnesses": "None: nobody outside sees the order of entries", "Reminders": "None: nobody is told", "Read every source, then test everything": "Never by itself",
		"Address people open": "http://localhost:8731, as the server was started", "Providers (OpenID Connect)": "None: people sign in with what they have here",
	} {
		if got := rows[name]; got.Value != want || got.Where != "" {
			t.Errorf("%s: got %q at %q, want %q, left out", name, got.Value, got.Where, want)
		}
	}
}

var snippets = regexp.MustCompile(`(?m)To change it: </span><code>([^<]*)</code></td></tr>$`)

// TestSettings: the screen says all of it and no secret, nor what one is called,
// and who has not the right sees none of it.
func TestSettings(t *testing.T) {
	w := newWorld(t)
	text := strings.Replace(everySetting, "store: env:SECRET_STORE\n", "", 1)
	for _, cut := range []string{"  s3: {", "  key: file:SECRET_AGE", "  key: file:SECRET_LEDGER", "  origin:", "    - { id: sso", "  secondFactor", "server: { url"} { // what the world cannot open
		at := strings.Index(text, cut)
		text = text[:at] + text[at+strings.Index(text[at:], "\n")+1:]
	}
	text = strings.NewReplacer("blobs:\n", "", "  providers:\n", "", "name: Acme,", "name: "+strconv.Quote("Acme "+evil)+",").Replace(text)
	w.write("tieout.yaml", text)
	s := w.server()
	for name, g := range map[string]access.RoleID{"boss": access.Administrator, "lead": access.ComplianceLead} {
		v := w.visit(s, name, access.Grant{Role: g, Scope: access.ScopeWorkspace})
		page := v.page("/settings")
		holdPage(t, "/settings", page)
		for _, want := range []string{"settings are written in tieout.yaml", "Whoever keeps the workspace", "tieout.yaml:3", "TIEOUT_SOURCE_", "A chat&#39;s address, which is a secret", "tieout apply"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: no %q\n%s", name, want, page)
			}
		}
		if strings.Contains(page, "SECRET_") || strings.Contains(page, evil) || strings.Contains(page, "env:NAME_") {
			t.Errorf("%s: a secret's name, or markup", name)
		}
		if got := strings.Contains(page, "on a screen</a>"); got != (g == access.ComplianceLead) {
			t.Errorf("%s: is led to change it on a screen: %v", name, got)
		}
	}
	other := w.visit(s, "reader", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})
	if got := other.get("/settings"); got.Code != 403 || strings.Contains(got.Body.String(), "smtp") {
		t.Errorf("as a reader: %d", got.Code)
	}
}

// TestSettingsInGit: the page says to open a change where the workspace is in git,
// and every snippet on it is one that loads.
func TestSettingsInGit(t *testing.T) {
	w := newWorld(t)
	w.write(".git/HEAD", "ref: refs/heads/main\n")
	page := w.serve().page("/settings")
	if !strings.Contains(page, "This workspace lives in git: open a change") {
		t.Errorf("no word of git\n%s", page)
	}
	found := snippets.FindAllStringSubmatch(page, -1)
	if len(found) < 20 {
		t.Fatalf("%d snippets\n%s", len(found), page)
	}
	for _, m := range found {
		snippet := html.UnescapeString(m[1])
		key, _, _ := strings.Cut(snippet, ":")
		text := map[string]string{"organization": "organization: { name: A, system: B, zone: UTC }\n", "period": "period: { first: 2026-01-01, last: 2026-12-31 }\n", "server": "server: { url: https://tieout.example.com }\n"}
		text[key] = snippet + "\n"
		if key == "organization" {
			text[key] = strings.TrimSuffix(snippet, " }") + missing(snippet) + " }\n"
		}
		if key == "periods" {
			delete(text, "period")
		}
		if strings.Contains(snippet, "...") || key == "kind" || key == "with" {
			continue // names what only its owner knows; or of another file
		}
		if strings.HasPrefix(snippet, "jobs: { backup:") {
			text[key] = strings.TrimSuffix(snippet, " }") + ", backupDir: /b }\n"
		}
		if _, err := definition.LoadFiles(map[string][]byte{"tieout.yaml": []byte(text["organization"] + text["period"] + text["periods"] + text["server"] + other(text, key))}); err != nil {
			t.Errorf("%s: %v", snippet, err)
		}
	}
}

// missing is the rest of an organization.
func missing(snippet string) (out string) {
	for _, k := range []string{"name", "system", "zone"} {
		if !strings.Contains(snippet, k+":") {
			out += ", " + k + ": UTC"
		}
	}
	return out
}

func other(text map[string]string, key string) string {
	switch key {
	case "organization", "period", "periods", "server":
		return ""
	}
	return text[key]
}

func TestSaySettings(t *testing.T) {
	for got, want := range map[string]string{
		saySettings(0, 40):  "Nothing is written in tieout.yaml: every setting has its default.",
		saySettings(1, 40):  "1 of 40 settings is written in tieout.yaml; 39 are left out and have their defaults.",
		saySettings(12, 40): "12 of 40 settings are written in tieout.yaml; 28 are left out and have their defaults.",
		saySettings(39, 40): "39 of 40 settings are written in tieout.yaml; 1 is left out and has its default.",
		saySettings(40, 40): "All 40 settings are written in tieout.yaml.",
	} {
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}
