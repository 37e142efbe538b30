package source

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"tieout/audit"
)

// A Setting is one key of a connection's `with:`, for people who write one.
type Setting struct {
	Name     string // "organization"
	Doc      string // what it is, in a line
	Example  string // as YAML: "halyard", "env:GITHUB_TOKEN", "[api-*]"
	Required bool
	Secret   bool // a reference to a secret, never the secret itself
}

var secretReference = regexp.MustCompile(`^(?:env|file|keyring|kms):.`)

// CheckSecret refuses a setting that holds a secret instead of a reference to one.
func CheckSecret(name, ref string) error {
	if ref != "" && !secretReference.MatchString(ref) {
		return fmt.Errorf("%s: write a reference such as env:%s, never the secret itself", name, strings.ToUpper(name))
	}
	return nil
}

// ResolveSecret resolves the reference of a setting, "" for none. Its value is in no
// error. Surrounding space is not part of it.
func (e Env) ResolveSecret(ctx context.Context, setting, ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	if e.Secret == nil {
		return "", fmt.Errorf("%w: %s: %s: this program resolves no secrets", audit.ErrInvalid, setting, ref)
	}
	s, err := e.Secret(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("%s: %s: %w", setting, ref, err)
	}
	if s = strings.TrimSpace(s); s == "" {
		return "", fmt.Errorf("%w: %s: what %s holds is empty", audit.ErrInvalid, setting, ref)
	}
	return s, nil
}

// CheckAllow refuses what Guard does not know.
func CheckAllow(allow string) error {
	if allow != "" && allow != "loopback" && allow != "private" {
		return fmt.Errorf("allow: %q; write loopback or private, or leave it out", allow)
	}
	return nil
}

// BaseURL reads the address of an interface, without a name or password;
// `standard` where text is "". Plain http is only for what allow names.
func BaseURL(setting, text, standard, allow string) (*url.URL, error) {
	if text == "" {
		text = standard
	}
	if text == "" {
		return nil, errors.New(setting + ": it is needed")
	}
	base, err := url.Parse(strings.TrimSuffix(text, "/"))
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("%s: write an address such as https://HOST/PATH, without a name or password", setting)
	}
	if base.Scheme != "https" && (base.Scheme != "http" || allow == "") {
		return nil, fmt.Errorf("%s: https only; http is for addresses that `allow:` names", setting)
	}
	return base, nil
}
