package ldap

import (
	"strings"
	"time"

	"tieout/source"
)

// policy reads a password policy: a domain's own, a fine-grained one of Active
// Directory, or one of OpenLDAP's overlay (draft-behera-ldap-password-policy).
func (r *reader) policy(e *entry) error {
	f := source.Fields{"system": r.conf.Connection, "name": e.first("cn", "name"), "kind": "password"}
	if f["name"] == "" {
		f["name"] = e.DN
	}
	read := r.overlay
	switch {
	case e.is("domainDNS"):
		read, f["enabled"] = r.domain, true
	case e.is("msDS-PasswordSettings"):
		read = r.fineGrained
	}
	if err := read(e, f); err != nil {
		return err
	}
	r.Add("authPolicy", r.prefixed(e.id()), time.Time{}, f)
	return nil
}

// number copies a number, where it is there.
func number(e *entry, attribute string, f source.Fields, field string) error {
	n, ok, err := e.integer(attribute)
	if ok {
		f[field] = n
	}
	return err
}

// span copies an interval of Active Directory in days or minutes; without end is 0.
func span(e *entry, attribute string, f source.Fields, field string, unit time.Duration) error {
	n, ok, err := e.interval(attribute, unit)
	if ok {
		f[field] = n
	}
	return err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// passwordComplex is the bit of pwdProperties (MS-SAMR 2.2.1.6).
const passwordComplex = 1

func (r *reader) domain(e *entry, f source.Fields) error {
	properties, ok, err := e.integer("pwdProperties")
	if ok {
		f["password.complexity"] = properties&passwordComplex != 0
	}
	return firstError(err,
		number(e, "minPwdLength", f, "password.minLength"),
		number(e, "pwdHistoryLength", f, "password.history"),
		span(e, "maxPwdAge", f, "password.maxAgeDays", day),
		number(e, "lockoutThreshold", f, "lockout.attempts"),
		span(e, "lockoutDuration", f, "lockout.minutes", time.Minute))
}

func (r *reader) fineGrained(e *entry, f source.Fields) error {
	switch strings.ToUpper(e.first("msDS-PasswordComplexityEnabled")) {
	case "TRUE":
		f["password.complexity"] = true
	case "FALSE":
		f["password.complexity"] = false
	}
	return firstError(
		number(e, "msDS-MinimumPasswordLength", f, "password.minLength"),
		number(e, "msDS-PasswordHistoryLength", f, "password.history"),
		span(e, "msDS-MaximumPasswordAge", f, "password.maxAgeDays", day),
		number(e, "msDS-LockoutThreshold", f, "lockout.attempts"),
		span(e, "msDS-LockoutDuration", f, "lockout.minutes", time.Minute))
}

// overlay reads a pwdPolicy entry. Whether accounts are under it, it does not say.
func (r *reader) overlay(e *entry, f source.Fields) error {
	quality, ok, err := e.integer("pwdCheckQuality")
	if ok && quality == 0 {
		f["password.complexity"] = false // 1 and 2 leave it to a module what is checked
	}
	seconds, ok, err2 := e.integer("pwdMaxAge")
	if ok {
		f["password.maxAgeDays"] = (seconds + 86399) / 86400
	}
	if ok && seconds == 0 {
		f["password.maxAgeDays"] = 0
	}
	return firstError(err, err2,
		number(e, "pwdMinLength", f, "password.minLength"),
		number(e, "pwdInHistory", f, "password.history"),
		lockout(e, f))
}

func lockout(e *entry, f source.Fields) error {
	switch strings.ToUpper(e.first("pwdLockout")) {
	case "FALSE":
		f["lockout.attempts"] = 0
		return nil
	case "TRUE":
	default:
		return nil
	}
	seconds, ok, err := e.integer("pwdLockoutDuration")
	if ok {
		f["lockout.minutes"] = (seconds + 59) / 60
	}
	return firstError(err, number(e, "pwdMaxFailure", f, "lockout.attempts"))
}
