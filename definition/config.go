package definition

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// Config is tieout.yaml. What is absent has the safe default named here; an
// unknown key is an error. Folders and files are relative to the workspace.
type Config struct {
	// Firm makes this an audit firm's workspace: then there is no organization,
	// period or criteria, and no folder of definitions.
	Firm *FirmConfig `yaml:"firm"`
	// Organization is whose controls these are, and its system under examination.
	Organization OrganizationConfig `yaml:"organization"`
	// Period is the one period, or Periods are several: no day belongs to two.
	Period  *PeriodConfig  `yaml:"period"`
	Periods []PeriodConfig `yaml:"periods"`
	// Criteria is the criteria set. Default: tsc-2017-2022.
	Criteria string `yaml:"criteria"`
	// Holidays are days on which no business is done, such as 2026-12-25, in
	// the organization's zone. Default: none, so only weekends are free.
	Holidays []string `yaml:"holidays"`
	// Store is the path of the SQLite file, or a reference (env:NAME, file:PATH)
	// to a PostgreSQL connection string. Default: .tieout/store.db.
	Store string `yaml:"store"`
	// Blobs is where large evidence is kept.
	Blobs BlobConfig `yaml:"blobs"`
	// Ledger is the identity of the log.
	Ledger LedgerConfig `yaml:"ledger"`
	// Jobs is what workers do by themselves.
	Jobs JobsConfig `yaml:"jobs"`
	// Reminders is how people are told what is due. Default: nobody is.
	Reminders *RemindersConfig `yaml:"reminders"`
	// Examination is the company's own policy for its examinations.
	Examination ExaminationConfig `yaml:"examination"`
	// Server is how people reach the screens.
	Server ServerConfig `yaml:"server"`
	// SignIn is how they sign in, beside passwords.
	SignIn SignInConfig `yaml:"signIn"`
	// Retention is how long sealed records are to be kept.
	Retention RetentionConfig `yaml:"retention"`
	// Regulators are authorities the company may have to tell of an incident, and how
	// each is reached. Default: none.
	Regulators []RegulatorConfig `yaml:"regulators"`
}

// OrganizationConfig is the organization in tieout.yaml.
type OrganizationConfig struct {
	Name       string           `yaml:"name"`
	System     string           `yaml:"system"`     // the system under examination
	Zone       string           `yaml:"zone"`       // IANA name; days and business days are counted in it
	Categories []audit.Category `yaml:"categories"` // default: S alone; S is always among them
	// NotApplicable are criteria of these categories that do not apply, each with why,
	// in management's words: the description prints them (DC 8). Default: none.
	NotApplicable map[string]string `yaml:"notApplicable"`
	// LegalName is the organization's as contracts and the cover of a report have it.
	// Default: its name.
	LegalName string `yaml:"legalName"`
	// Services are what it provides to user entities with the system. Default: none is named.
	Services []string `yaml:"services"`
}

// PeriodConfig is a stretch under examination, both days included.
type PeriodConfig struct {
	Name  string `yaml:"name"` // default: "FIRST to LAST"
	First string `yaml:"first"`
	Last  string `yaml:"last"`
	// Report is what the period prepares: "type II", over the period, or "type I",
	// as of its last day; what is read and tested before that day rehearses it.
	// Default: type II.
	Report string `yaml:"report"`
}

// BlobConfig is where large evidence is kept: a folder or a bucket.
type BlobConfig struct {
	Dir string    `yaml:"dir"` // default: .tieout/blobs
	S3  *S3Config `yaml:"s3"`
	Key string    `yaml:"key"` // reference to an age identity; default: not encrypted by Tieout
}

// S3Config is a bucket that speaks the S3 protocol.
type S3Config struct {
	Bucket    string `yaml:"bucket"`
	Prefix    string `yaml:"prefix"`
	Region    string `yaml:"region"`
	Endpoint  string `yaml:"endpoint"`  // default: Amazon's
	AccessKey string `yaml:"accessKey"` // reference; default: the machine's own identity
	SecretKey string `yaml:"secretKey"` // reference
	LockDays  int    `yaml:"lockDays"`  // days an object cannot be deleted; default: no lock
}

// LedgerConfig is the identity of the log and who outside has to see it.
type LedgerConfig struct {
	Origin    string          `yaml:"origin"`    // unique name of the log; default: tieout.local/ and the organization's name
	Key       string          `yaml:"key"`       // reference to the signing key; default: file:.tieout/ledger.key
	Witnesses []WitnessConfig `yaml:"witnesses"` // default: none, and then the order is not externally witnessed
	TSA       string          `yaml:"tsa"`       // address of an RFC 3161 time-stamp authority; default: none
}

// WitnessConfig is someone outside who cosigns checkpoints.
type WitnessConfig struct {
	Name string `yaml:"name"`
	URL  string `yaml:"url"` // default: none; it is brought exchange files by hand
	Key  string `yaml:"key"` // public key in note format
}

// JobsConfig is what workers do by themselves. Times of day are in the
// organization's zone.
type JobsConfig struct {
	Collect   string `yaml:"collect"`   // 06:00: each day every source is read, and then everything tested; default: never
	Backup    string `yaml:"backup"`    // 03:00: each day the store is backed up; default: never
	BackupDir string `yaml:"backupDir"` // folder for backups, each server's own; default: none, and then no job makes one
}

// A Period is a named stretch under examination.
type Period struct {
	Name string `json:"name"`
	audit.Period
}

// configFile is the workspace's one required file.
const configFile = "tieout.yaml"

func (w *Workspace) readConfig(d *doc) {
	if d == nil || !d.decode(&w.Config) {
		return
	}
	c := &w.Config
	if w.IsFirm() {
		w.readFirm(d)
	} else {
		w.readCompany(d)
	}
	for i, h := range c.Holidays {
		if !isDate(h) {
			d.bad(steps("holidays", i), "holiday %q is not a date such as 2026-12-25", h)
		}
	}
	c.checkStore(d)
	c.checkBlobs(d)
	c.checkLedger(d)
	c.checkJobs(d)
	c.checkReminders(d)
	c.checkExamination(d)
	c.checkServer(d)
	c.checkRetention(d)
	c.checkRegulators(d)
}

func (w *Workspace) readCompany(d *doc) {
	c := &w.Config
	c.checkOrganization(d)
	w.Organization = audit.Organization{Name: c.Organization.Name, System: c.Organization.System,
		Zone: c.Organization.Zone, Categories: c.Organization.Categories}
	w.Periods = c.checkPeriods(d)
	c.checkCriteria(d, w.Catalog)
	c.checkNotApplicable(d, w.Catalog)
}

func (c *Config) checkOrganization(d *doc) {
	o := &c.Organization
	if strings.TrimSpace(o.Name) == "" {
		d.bad(steps("organization"), "organization has no name")
	}
	if strings.TrimSpace(o.System) == "" {
		d.bad(steps("organization"), "organization has no system; name the system under examination")
	}
	if !isZone(o.Zone) {
		d.bad(steps("organization", "zone"), "zone %q is not an IANA name such as Europe/Berlin", o.Zone)
	}
	if len(o.Categories) == 0 {
		o.Categories = []audit.Category{audit.Security}
	}
	checkCategories(d, steps("organization", "categories"), o.Categories)
	if !slices.Contains(o.Categories, audit.Security) {
		d.bad(steps("organization", "categories"), "categories leave out S (security), which is part of every examination")
	}
	o.checkLegal(d)
}

func isZone(zone string) bool {
	if zone == "" || zone == "Local" {
		return false
	}
	_, err := time.LoadLocation(zone)
	return err == nil
}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func (c *Config) checkPeriods(d *doc) []Period {
	switch {
	case c.Period != nil && len(c.Periods) > 0:
		d.bad(steps("periods"), "write either period: for one or periods: for several")
		return nil
	case c.Period == nil && len(c.Periods) == 0:
		d.bad(nil, "there is no period; write period: { first: 2026-01-01, last: 2026-12-31 }")
		return nil
	case c.Period != nil:
		c.Periods = []PeriodConfig{*c.Period}
		return c.periods(d, func(int) []any { return steps("period") })
	}
	return c.periods(d, func(i int) []any { return steps("periods", i) })
}

func (c *Config) periods(d *doc, at func(i int) []any) []Period {
	var out []Period
	for i, pc := range c.Periods {
		if pc.Name == "" {
			pc.Name = pc.First + " to " + pc.Last
		}
		if pc.Report == "" {
			c.Periods[i].Report = ReportTypeII
		} else if pc.Report != ReportTypeI && pc.Report != ReportTypeII {
			d.bad(at(i), "report %q is not %q or %q", pc.Report, ReportTypeI, ReportTypeII)
		}
		if !isZone(c.Organization.Zone) {
			return out // said where the zone is
		}
		p, err := audit.NewPeriod(pc.First, pc.Last, c.Organization.Zone)
		if err != nil {
			d.bad(at(i), "%s", strings.TrimPrefix(err.Error(), audit.ErrInvalid.Error()+": "))
			continue
		}
		for _, other := range out {
			if other.Name == pc.Name {
				d.bad(at(i), "two periods are called %q", pc.Name)
			}
			if !other.Intersect(p.Span).Empty() {
				d.bad(at(i), "period %q shares days with period %q", pc.Name, other.Name)
			}
		}
		out = append(out, Period{pc.Name, p})
	}
	return out
}

func (c *Config) checkCriteria(d *doc, catalog *Catalog) {
	if c.Criteria == "" {
		c.Criteria = DefaultSet
	}
	if catalog.Set(c.Criteria) == nil {
		d.bad(steps("criteria"), "there is no criteria set %q; there are %s", c.Criteria, catalog.setNames())
	}
}

func (c *Config) checkStore(d *doc) {
	if c.Store == "" {
		c.Store = ".tieout/store.db"
	}
	if strings.Contains(c.Store, "://") || strings.Contains(c.Store, "password=") {
		d.bad(steps("store"), "store holds a connection string; put it into an environment variable and write env:NAME")
	}
}

func (c *Config) checkBlobs(d *doc) {
	b := &c.Blobs
	if b.Dir != "" && b.S3 != nil {
		d.bad(steps("blobs"), "blobs are kept in dir or in s3, not in both")
	}
	if b.Dir == "" && b.S3 == nil {
		b.Dir = ".tieout/blobs"
	}
	if b.S3 != nil && b.S3.Bucket == "" {
		d.bad(steps("blobs", "s3"), "s3 has no bucket")
	}
	if b.S3 != nil && b.S3.LockDays < 0 {
		d.bad(steps("blobs", "s3", "lockDays"), "lockDays is a number of days, 0 or more")
	}
	wantReference(d, b.Key, "blobs", "key")
	if b.S3 != nil {
		wantReference(d, b.S3.AccessKey, "blobs", "s3", "accessKey")
		wantReference(d, b.S3.SecretKey, "blobs", "s3", "secretKey")
	}
}

func (c *Config) checkLedger(d *doc) {
	l := &c.Ledger
	if l.Origin == "" {
		l.Origin = "tieout.local/" + slug(c.Organization.Name)
	}
	if strings.ContainsAny(l.Origin, " \t\n+") || len(l.Origin) > 200 {
		d.bad(steps("ledger", "origin"), "origin is one word of at most 200 bytes without + such as halyard.example/tieout")
	}
	if l.Key == "" {
		l.Key = "file:.tieout/ledger.key"
	}
	wantReference(d, l.Key, "ledger", "key")
	if l.TSA != "" && !isWebAddress(l.TSA) {
		d.bad(steps("ledger", "tsa"), "tsa %q is not an address such as https://tsa.example/rfc3161", l.TSA)
	}
	for i, w := range l.Witnesses {
		if w.Name == "" || w.Key == "" || w.URL != "" && !isWebAddress(w.URL) {
			d.bad(steps("ledger", "witnesses", i), "a witness has a name, a public key, and a url such as https://witness.example or none where files are carried to it")
		}
	}
}

func (c *Config) checkJobs(d *doc) {
	for name, at := range map[string]string{"collect": c.Jobs.Collect, "backup": c.Jobs.Backup} {
		if at != "" && !isTimeOfDay(at) {
			d.bad(steps("jobs", name), "%s %q is not a time of day such as \"06:00\"", name, at)
		}
	}
	if c.Jobs.Backup != "" && c.Jobs.BackupDir == "" {
		d.bad(steps("jobs", "backup"), "a backup needs a folder to go to; write backupDir")
	}
}

func isTimeOfDay(s string) bool {
	_, err := time.Parse("15:04", s)
	return err == nil && len(s) == len("06:00")
}

func isWebAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// slug is name in lower case, words joined by hyphens.
func slug(name string) string {
	return strings.Trim(notWord.ReplaceAllString(strings.ToLower(name), "-"), "-")
}
