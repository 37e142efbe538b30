package web

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tieout/definition"
	"tieout/engagement"
	"tieout/reader/connect"
	"tieout/report"
)

// A settingSheet collects the settings of one workspace.
type settingSheet struct {
	w      *definition.Workspace
	groups []settingGroup
}

// settingsOf is what a workspace's tieout.yaml sets, with the defaults of what it
// leaves out. served is the address the server was started with.
func settingsOf(w *definition.Workspace, served string) []settingGroup {
	s := &settingSheet{w: w}
	if w.IsFirm() {
		s.firm()
	} else {
		s.organization()
		s.periods()
	}
	s.storage()
	s.log()
	s.jobs()
	s.reminders()
	s.server(served)
	s.signIn()
	s.connections()
	return s.groups
}

func (s *settingSheet) group(id, title, hint string) {
	s.groups = append(s.groups, settingGroup{ID: id, Title: title, Hint: hint})
}

// row adds a setting to the newest group; path is where it is in the file.
func (s *settingSheet) row(name, value, write string, path ...any) {
	where := ""
	if n := s.w.Where(path...); n > 0 {
		where = fmt.Sprintf("tieout.yaml:%d", n)
	}
	g := &s.groups[len(s.groups)-1]
	g.Rows = append(g.Rows, settingRow{name, value, where, write})
}

// secretIn says where a secret is, never what it is or what it is called there.
func secretIn(ref string) string {
	kind, _, _ := strings.Cut(ref, ":")
	where := map[string]string{"env": "a variable of the server's environment", "file": "a file on the server", "keyring": "the server's keyring", "kms": "a key service"}[kind]
	return cmp.Or(where, "a reference")
}

func isSecret(ref string) bool {
	return strings.HasPrefix(ref, "env:") || strings.HasPrefix(ref, "file:") || strings.HasPrefix(ref, "keyring:") || strings.HasPrefix(ref, "kms:")
}

func (s *settingSheet) firm() {
	f := s.w.Config.Firm
	s.group("firm", "The firm", "")
	s.row("Name", f.Name, "firm: { name: Vale & Moss LLP }", "firm", "name")
	s.row("Time zone", f.Zone, "firm: { zone: America/New_York }", "firm", "zone")
	s.row("City", cmp.Or(f.City, "Not said"), "firm: { city: Portland }", "firm", "city")
	s.row("State", cmp.Or(f.State, "Not said"), "firm: { state: Oregon }", "firm", "state")
	s.row("License, as the firm states it", cmp.Or(f.License, "Not said"), "firm: { license: OR 1234 }", "firm", "license")
	s.row("Peer review, as the firm states it", cmp.Or(f.PeerReview, "Not said"), "firm: { peerReview: ... }", "firm", "peerReview")
	s.row("Last peer review, as the firm states it", cmp.Or(engagement.PeerReviewWords(f.PeerReviewed, f.PeerResult), "Not said"), "firm: { peerReviewed: 2025-05-12, peerResult: pass }", "firm", "peerReviewed")
	s.row("Engagement quality review", report.Capital(f.QualityReview), "firm: { qualityReview: always }", "firm", "qualityReview")
}

func (s *settingSheet) organization() {
	o := s.w.Config.Organization
	var categories []string
	for _, c := range o.Categories {
		for _, words := range categoryWords {
			if words.ID == c {
				categories = append(categories, words.Title)
			}
		}
	}
	s.group("organization", "Organization", "Whose controls these are. They count from the moment they are applied.")
	s.row("Name", o.Name, "organization: { name: Halyard }", "organization", "name")
	s.row("System under examination", o.System, "organization: { system: Halyard Ledger }", "organization", "system")
	s.row("Time zone", o.Zone, "organization: { zone: America/New_York }", "organization", "zone")
	s.row("Categories", strings.Join(categories, ", "), "organization: { categories: [S, A, C] }", "organization", "categories")
	s.row("Criteria", s.w.Config.Criteria, "criteria: tsc-2017-2022", "criteria")
}

func (s *settingSheet) periods() {
	s.group("periods", "Periods", "No day belongs to two of them.")
	for i, p := range s.w.Config.Periods {
		path, list := []any{"period"}, "period: { first: 2026-01-01, last: 2026-12-31, report: type II }"
		if s.w.Config.Period == nil {
			path, list = []any{"periods", i}, "periods: [{ name: \"2026\", first: 2026-01-01, last: 2026-12-31 }]"
		}
		s.row(cmp.Or(p.Name, "The period"), dayWords(p.First)+" to "+dayWords(p.Last)+", "+p.Report, list, path...)
	}
	free := "None: only weekends are free"
	if h := s.w.Config.Holidays; len(h) > 0 {
		words := make([]string, len(h))
		for i, d := range h {
			words[i] = dayWords(d)
		}
		free = strings.Join(words, ", ")
	}
	s.row("Holidays", free, "holidays: [2026-07-03, 2026-12-25]", "holidays")
}

// dayWords is a day of the file as screens write days.
func dayWords(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day // the file was checked
	}
	return report.Day(t, time.UTC)
}

func (s *settingSheet) storage() {
	c := s.w.Config
	s.group("storage", "Where everything is kept", "Read when a server or a command starts.")
	place := "One SQLite file, " + c.Store
	if isSecret(c.Store) {
		place = "PostgreSQL; its address is a secret, from " + secretIn(c.Store)
	}
	s.row("Store", place, "store: env:TIEOUT_STORE", "store")
	if b := c.Blobs.S3; b != nil {
		s.row("Large evidence", joined("A bucket: "+strings.TrimSuffix(b.Bucket+"/"+b.Prefix, "/"), b.Region, b.Endpoint), "blobs: { s3: { bucket: evidence, region: us-east-1 } }", "blobs", "s3")
		identity, lock := "The server's own identity", "None: whoever holds the bucket's key can delete"
		if b.AccessKey != "" || b.SecretKey != "" {
			identity = "A key, from " + secretIn(cmp.Or(b.SecretKey, b.AccessKey))
		}
		if b.LockDays > 0 {
			lock = report.Plural(b.LockDays, "day", "days") + " during which nothing can be deleted"
		}
		s.row("Key of the bucket", identity, "blobs: { s3: { accessKey: env:NAME, secretKey: env:NAME } }", "blobs", "s3", "secretKey")
		s.row("Lock of the bucket", lock, "blobs: { s3: { lockDays: 400 } }", "blobs", "s3", "lockDays")
	} else {
		s.row("Large evidence", "A folder, "+c.Blobs.Dir, "blobs: { dir: .tieout/blobs }", "blobs", "dir")
	}
	encrypted := "Not by Tieout"
	if c.Blobs.Key != "" {
		encrypted = "Yes; the key is from " + secretIn(c.Blobs.Key)
	}
	s.row("Evidence encrypted", encrypted, "blobs: { key: file:.tieout/blob.key }", "blobs", "key")
}

func (s *settingSheet) log() {
	l := s.w.Config.Ledger
	s.group("ledger", "The log", "Its name never changes once something is sealed.")
	s.row("Name", l.Origin, "ledger: { origin: halyard.example/tieout }", "ledger", "origin")
	s.row("Signing key", "From "+secretIn(l.Key), "ledger: { key: file:.tieout/ledger.key }", "ledger", "key")
	if len(l.Witnesses) == 0 {
		s.row("Witnesses", "None: nobody outside sees the order of entries", "ledger: { witnesses: [{ name: witness.example/w1, url: https://witness.example, key: ... }] }", "ledger", "witnesses")
	}
	for i, w := range l.Witnesses {
		s.row("Witness "+w.Name, cmp.Or(w.URL, "Brought exchange files by hand"), "ledger: { witnesses: [{ name: ..., url: ..., key: ... }] }", "ledger", "witnesses", i)
	}
	s.row("Time stamps", cmp.Or(l.TSA, "None"), "ledger: { tsa: https://tsa.example/rfc3161 }", "ledger", "tsa")
}

func (s *settingSheet) jobs() {
	j := s.w.Config.Jobs
	daily := func(at string) string {
		if at == "" {
			return "Never by itself"
		}
		return "Each day at " + at + ", " + s.w.Config.Organization.Zone
	}
	s.group("jobs", "Jobs and schedules", "What workers do by themselves.")
	s.groups[len(s.groups)-1].More = link{"Jobs", "/jobs"}
	s.row("Read every source, then test everything", daily(j.Collect), `jobs: { collect: "06:00" }`, "jobs", "collect")
	s.row("Back up the store", daily(j.Backup), `jobs: { backup: "03:00" }`, "jobs", "backup")
	s.row("Backups go to", cmp.Or(j.BackupDir, "Nowhere"), "jobs: { backupDir: /var/backups/tieout }", "jobs", "backupDir")
}

func (s *settingSheet) reminders() {
	s.group("reminders", "Reminders", "How people are told what is due.")
	r := s.w.Config.Reminders
	if r == nil {
		s.row("Reminders", "None: nobody is told", `reminders: { at: "07:00", email: { server: "smtp.example.com:587", from: "Tieout <tieout@example.com>" } }`, "reminders")
		return
	}
	ahead, escalate := "On the day itself", "Never"
	if *r.Ahead > 0 {
		ahead = report.Plural(*r.Ahead, "day", "days") + " before something is due"
	}
	if *r.Escalate > 0 {
		escalate = "After " + report.Plural(*r.Escalate, "day", "days")
	}
	s.row("Sent at", r.At+", "+s.w.Config.Organization.Zone, `reminders: { at: "07:00" }`, "reminders", "at")
	s.row("First said", ahead, "reminders: { ahead: 7 }", "reminders", "ahead")
	s.row("Weekly digest", report.Capital(r.Digest), "reminders: { digest: monday }", "reminders", "digest")
	s.row("Compliance leads are told of what others are late with", escalate, "reminders: { escalate: 3 }", "reminders", "escalate")
	s.channels(r)
}

// channels are the ways on which people are told.
func (s *settingSheet) channels(r *definition.RemindersConfig) {
	mail, chat, hook := "None", "None", "None"
	if e := r.Email; e != nil {
		mail = "From " + e.From + " by " + e.Server
		if e.Password != "" {
			mail += ", as " + e.User + "; the password is from " + secretIn(e.Password)
		}
	}
	if r.Chat != nil {
		chat = "A chat's address, which is a secret, from " + secretIn(r.Chat.Address)
	}
	if r.Webhook != nil {
		hook = r.Webhook.URL + "; the secret it is signed with is from " + secretIn(r.Webhook.Secret)
	}
	s.row("Mail", mail, `reminders: { email: { server: "smtp.example.com:587", from: ..., user: ..., password: env:NAME } }`, "reminders", "email")
	s.row("Chat", chat, "reminders: { chat: { address: env:NAME } }", "reminders", "chat")
	s.row("Webhook", hook, `reminders: { webhook: { url: "https://example.com/hook", secret: env:NAME } }`, "reminders", "webhook")
}

func (s *settingSheet) server(served string) {
	c := s.w.Config.Server
	address := cmp.Or(c.URL, cmp.Or(served, "This machine only")+", as the server was started")
	proxies := "None: the address of the connection is the visitor's"
	if len(c.Proxies) > 0 {
		proxies = strings.Join(c.Proxies, ", ")
	}
	s.group("server", "The server", "Read when the server starts; flags of 'tieout serve' win over it.")
	s.row("Address people open", address, "server: { url: https://tieout.example.com }", "server", "url")
	s.row("Proxies that are believed about who asks", proxies, "server: { proxies: [10.0.0.0/8] }", "server", "proxies")
}

func (s *settingSheet) signIn() {
	c := s.w.Config.SignIn
	factor := "Optional"
	if c.SecondFactor == definition.FactorRequired {
		factor = "Required of whoever signs in with a password"
	}
	s.group("sign-in", "Signing in", "Read when the server starts.")
	s.row("Second factor", factor, "signIn: { secondFactor: required }", "signIn", "secondFactor")
	s.row("A session ends unused after", cmp.Or(c.Idle, "1h"), "signIn: { idle: 1h }", "signIn", "idle")
	s.row("A session ends in any case after", cmp.Or(c.Absolute, "12h"), "signIn: { absolute: 12h }", "signIn", "absolute")
	s.row("Passkeys are bound to", cmp.Or(c.PasskeyID, "The host of the server's address"), "signIn: { passkeyId: example.com }", "signIn", "passkeyId")
	const provider = "signIn: { providers: [{ id: sso, issuer: https://login.example.com, clientId: tieout, clientSecret: env:NAME }] }"
	if len(c.Providers) == 0 {
		s.row("Providers (OpenID Connect)", "None: people sign in with what they have here", provider, "signIn", "providers")
	}
	for i, p := range c.Providers {
		s.row("Provider "+cmp.Or(p.Title, p.ID), providerWords(p), provider, "signIn", "providers", i)
	}
	groups := "None: a directory gives nobody a role"
	if len(c.Groups) > 0 {
		groups = groupWords(c.Groups)
	}
	s.row("A directory (SCIM, at /scim/v2) gives these roles", groups, "signIn: { groups: { sec-leads: [compliance-lead@workspace] } }", "signIn", "groups")
}

func providerWords(p definition.ProviderConfig) string {
	parts := []string{p.Issuer + " as " + p.ClientID}
	if p.ClientSecret != "" {
		parts = append(parts, "its secret is from "+secretIn(p.ClientSecret))
	}
	if p.RequireMFA {
		parts = append(parts, "a second factor there is required")
	} else {
		parts = append(parts, "a second factor there is not required")
	}
	if p.Provision {
		parts = append(parts, "makes accounts for "+strings.Join(p.Domains, ", "))
	}
	if len(p.Groups) > 0 {
		parts = append(parts, groupWords(p.Groups))
	}
	return strings.Join(parts, "; ")
}

// groupWords are groups with the roles they give, in the order of their names.
func groupWords(groups map[string][]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		out = append(out, name+": "+strings.Join(groups[name], ", "))
	}
	return strings.Join(out, "; ")
}

// connections are what no key sets: files of their own, and a rule of the screens.
func (s *settingSheet) connections() {
	if s.w.IsFirm() {
		return
	}
	s.group("connections", "Connections", "One file each, sources/NAME.yaml. They are read at each collection.")
	g := &s.groups[len(s.groups)-1]
	g.More = link{"Connectors", "/connectors"}
	g.Rows = append(g.Rows, settingRow{"Sources", report.Capital(report.Plural(len(s.w.Sources), "connection", "connections")), "sources/*.yaml", "kind: github"},
		settingRow{"Secrets of those made on a screen", "Typed there, or a variable of the server whose name begins with " + connect.EnvPrefix, "sources/*.yaml", "with: { token: env:" + connect.EnvPrefix + "GITHUB }"})
}
