package workstation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// answers are a page's answers by probe name.
type answers struct {
	by   map[string]Answer
	root bool
	at   time.Time // the instant they are about
}

// text is a probe's output, trimmed; ok only where the probe gave one.
func (a answers) text(name string) (string, bool) {
	x, found := a.by[name]
	if !found || x.Error != "" || x.Exit != 0 || x.Cut {
		return "", false
	}
	return strings.TrimSpace(x.Output), true
}

// modified is when the file of a probe was last changed, as audit.TimeLayout; ok
// only where the probe gave a file.
func (a answers) modified(name string) (string, bool) {
	x, found := a.by[name]
	if !found || x.Error != "" {
		return "", false
	}
	at, err := audit.ParseTime(x.Modified)
	return x.Modified, err == nil && !at.IsZero() && !at.Equal(audit.Never)
}

// running are the facts of a malware protection that runs.
func running(why string, updated Fact) []Fact {
	return []Fact{{"antivirus.installed", true, why}, {"antivirus.running", true, why}, updated}
}

// notRunning are the facts of a machine on which none is seen to run: whether
// one is installed is not known by that.
func notRunning(why string) []Fact {
	return []Fact{unknown("antivirus.installed", "only those that run are seen"), {"antivirus.running", false, why}, unknown("antivirus.updatedAt", why)}
}

// noAntivirus are the facts of a machine that does not show it.
func noAntivirus(why string) []Fact {
	return []Fact{unknown("antivirus.installed", why), unknown("antivirus.running", why), unknown("antivirus.updatedAt", why)}
}

// silent says why a probe gave nothing.
func (a answers) silent(name string) string {
	x, found := a.by[name]
	switch {
	case !found:
		return fmt.Sprintf("probe %s was not run", name)
	case x.Error != "":
		return x.query() + ": " + x.Error
	case x.Exit != 0:
		return fmt.Sprintf("%s: exit %d", x.query(), x.Exit)
	case x.Cut:
		return x.query() + ": more output than is read"
	}
	return x.query() + " does not say"
}

// unknown is a fact that could not be read.
func unknown(field, why string) Fact { return Fact{Field: field, Why: why} }

// put sets a dotted field in a nested object.
func put(obj map[string]any, field string, v any) {
	for {
		head, rest, nested := strings.Cut(field, ".")
		if !nested {
			obj[head] = v
			return
		}
		sub, ok := obj[head].(map[string]any)
		if !ok {
			sub = map[string]any{}
			obj[head] = sub
		}
		obj, field = sub, rest
	}
}

// strict decodes JSON and refuses keys it does not know.
func strict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

// keyValues reads KEY=VALUE lines, quotes taken off.
func keyValues(s string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(s) {
		k, v, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.HasPrefix(k, "#") {
			out[k] = strings.Trim(v, `"'`)
		}
	}
	return out
}

// words returns the distinct non-empty lines of s, sorted.
func words(s string) []string {
	out := []string{}
	for line := range strings.Lines(s) {
		if w := strings.TrimSpace(line); w != "" {
			out = append(out, w)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
