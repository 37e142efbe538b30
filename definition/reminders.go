package definition

import (
	"net"
	"net/mail"
	"slices"
	"strings"
	"time"
)

// RemindersConfig is how people are told what is due (reminders.md). What it
// does not name is not used: without a channel nobody is told anything.
type RemindersConfig struct {
	At       string        `yaml:"at"`       // time of day in the organization's zone; default: "07:00"
	Ahead    *int          `yaml:"ahead"`    // days before something is due; default: 7
	Digest   string        `yaml:"digest"`   // weekday of the weekly digest, or none; default: monday
	Escalate *int          `yaml:"escalate"` // days after which compliance leads are told of what is overdue with others; 0: never; default: 3
	Email    *EmailConfig  `yaml:"email"`
	Chat     *HookConfig   `yaml:"chat"`    // incoming webhook of a chat; its address is a secret
	Webhook  *SignedConfig `yaml:"webhook"` // signed, for other programs
}

// EmailConfig is the server that takes mail.
type EmailConfig struct {
	Server   string `yaml:"server"`   // smtp.example.com:587
	From     string `yaml:"from"`     // Tieout <tieout@example.com>
	User     string `yaml:"user"`     // default: no sign-in
	Password string `yaml:"password"` // reference
	TLS      string `yaml:"tls"`      // starttls or implicit; default: starttls
	Allow    string `yaml:"allow"`    // private or loopback; default: neither
}

// HookConfig is an address that is a secret.
type HookConfig struct {
	Address string `yaml:"address"` // reference
	Allow   string `yaml:"allow"`   // private or loopback; default: neither
}

// SignedConfig is an address with the secret that signs what it is sent.
type SignedConfig struct {
	URL    string `yaml:"url"`
	Secret string `yaml:"secret"` // reference
	Allow  string `yaml:"allow"`  // private or loopback; default: neither
}

// Any reports whether a channel is named.
func (r *RemindersConfig) Any() bool {
	return r != nil && (r.Email != nil || r.Chat != nil || r.Webhook != nil)
}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// Weekday is the day of the digest; false where there is none.
func (r *RemindersConfig) Weekday() (time.Weekday, bool) {
	i := slices.Index(weekdays, strings.ToLower(r.Digest))
	return time.Weekday(max(i, 0)), i >= 0
}

func (c *Config) checkReminders(d *doc) {
	r := c.Reminders
	if r == nil {
		return
	}
	r.fill()
	if !isTimeOfDay(r.At) {
		d.bad(steps("reminders", "at"), "at %q is not a time of day such as \"07:00\"", r.At)
	}
	for name, n := range map[string]int{"ahead": *r.Ahead, "escalate": *r.Escalate} {
		if n < 0 || n > 30 {
			d.bad(steps("reminders", name), "%s is a number of days, 0 to 30", name)
		}
	}
	if _, ok := r.Weekday(); !ok && r.Digest != "none" {
		d.bad(steps("reminders", "digest"), "digest %q is not a day of the week such as monday, or none", r.Digest)
	}
	if e := r.Email; e != nil {
		e.check(d)
	}
	if h := r.Chat; h != nil {
		if h.Address == "" {
			d.bad(steps("reminders", "chat"), "chat has no address")
		}
		wantReference(d, h.Address, "reminders", "chat", "address")
		checkAllow(d, h.Allow, "reminders", "chat", "allow")
	}
	if h := r.Webhook; h != nil {
		if !isWebAddress(h.URL) || h.Allow == "" && !strings.HasPrefix(h.URL, "https://") {
			d.bad(steps("reminders", "webhook", "url"), "url %q is not an address such as https://example.com/hook", h.URL)
		}
		if h.Secret == "" {
			d.bad(steps("reminders", "webhook"), "webhook has no secret to sign with")
		}
		wantReference(d, h.Secret, "reminders", "webhook", "secret")
		checkAllow(d, h.Allow, "reminders", "webhook", "allow")
	}
}

func (r *RemindersConfig) fill() {
	days := func(p **int, n int) {
		if *p == nil {
			*p = &n
		}
	}
	days(&r.Ahead, 7)
	days(&r.Escalate, 3)
	if r.At == "" {
		r.At = "07:00"
	}
	if r.Digest == "" {
		r.Digest = "monday"
	}
}

func (e *EmailConfig) check(d *doc) {
	if _, port, err := net.SplitHostPort(e.Server); err != nil || port == "" {
		d.bad(steps("reminders", "email", "server"), "server %q is not a name and a port such as smtp.example.com:587", e.Server)
	}
	if _, err := mail.ParseAddress(e.From); err != nil {
		d.bad(steps("reminders", "email", "from"), "from %q is not an address such as Tieout <tieout@example.com>", e.From)
	}
	if e.TLS != "" && e.TLS != "starttls" && e.TLS != "implicit" {
		d.bad(steps("reminders", "email", "tls"), "tls %q is neither starttls nor implicit; mail is never sent in the clear", e.TLS)
	}
	if (e.User == "") != (e.Password == "") {
		d.bad(steps("reminders", "email"), "email has a user and a password, or neither")
	}
	wantReference(d, e.Password, "reminders", "email", "password")
	checkAllow(d, e.Allow, "reminders", "email", "allow")
}

func checkAllow(d *doc, allow string, path ...any) {
	if allow != "" && allow != "private" && allow != "loopback" {
		d.bad(path, "allow %q is neither private nor loopback", allow)
	}
}
