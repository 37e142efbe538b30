package osquery

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

func normalize(with json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var c config
	if err := source.Strict(with, &c); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	switch p.Kind {
	case source.KindFailed:
		return nil, nil
	case kindHost:
	default:
		return nil, fmt.Errorf("%w: page kind %q is not %s", audit.ErrInvalid, p.Kind, kindHost)
	}
	var r source.Reading
	tables := map[string]*table{} // by meaning
	n := 0
	for b := range bytes.Lines(p.Body) {
		n++
		l, err := readLine(bytes.TrimSpace(b))
		if err == nil && l.Host != p.Scope {
			err = fmt.Errorf("it is of host %s", l.Host)
		}
		if err != nil {
			r.Refuse("line "+strconv.Itoa(n), err)
			continue
		}
		m := c.means(l.Name)
		if m == "" || p.About.From.Sub(l.at) > c.maxAge() {
			continue
		}
		if tables[l.Name] == nil {
			tables[l.Name] = &table{meaning: m}
		}
		tables[l.Name].take(l)
	}
	f := source.Fields{"status": "active", "lastSeenAt": p.About.From}
	for _, q := range sorted(tables) {
		if t := tables[q]; t.known {
			meanings[t.meaning](t.rows, f)
			if t.meaning == "os" {
				c.support(t.rows, p.About.From, f)
			}
		}
	}
	r.Add("device", p.Source+"/"+p.Scope, time.Time{}, f)
	return r.Done()
}

// support holds the system's version against what the organization states.
func (c config) support(rows []row, at time.Time, f source.Fields) {
	platform, _ := f["platform"].(string)
	version, _ := f["os.version"].(string)
	if len(rows) != 1 {
		return
	}
	distribution, _ := rows[0].text("platform") // of a linux
	if yes, _, ok := c.Supported.At(at, platform, distribution, version); ok {
		f["os.supported"] = yes
	}
}

// A table is the rows of one query as they are after all its lines. known is
// false where the lines do not go back to a beginning.
type table struct {
	meaning string
	rows    []row
	known   bool
	newest  line
}

func (t *table) take(l line) {
	switch {
	case l.Action == "snapshot":
		t.rows, t.known = l.Snapshot, l.Snapshot != nil
	default:
		if l.begins(t.newest) {
			t.rows, t.known = nil, true
		}
		t.change(l)
	}
	t.newest = l
}

func (t *table) change(l line) {
	switch {
	case l.Diff != nil:
		for _, r := range l.Diff.Removed {
			t.remove(r)
		}
		t.rows = append(t.rows, l.Diff.Added...)
	case l.Action == "added":
		t.rows = append(t.rows, l.Columns)
	case l.Action == "removed":
		t.remove(l.Columns)
	}
}

func (t *table) remove(r row) {
	key := r.key()
	if i := slices.IndexFunc(t.rows, func(x row) bool { return x.key() == key }); i >= 0 {
		t.rows = slices.Delete(slices.Clone(t.rows), i, i+1)
	}
}

// meanings are what a query may tell, by the name that `queries` uses, and the
// columns it must have. What its rows do not say is left out.
var meanings = map[string]func(rows []row, f source.Fields){
	"identity":    identity,                // hostname, serial, uuid
	"os":          system,                  // version, platform, platform_like
	"disks":       disks,                   // name, encrypted: 1 or 0, one row a volume
	"screen_lock": screenLock,              // enabled: 1 or 0; seconds: of idle time before it locks
	"firewall":    flag("firewall"),        // enabled
	"antivirus":   antivirus,               // enabled, installed: 1 or 0; at: of the signatures, seconds since 1970
	"auto_update": flag("os.autoUpdate"),   // enabled
	"time_sync":   flag("timeSync"),        // enabled
	"managed":     flag("managed"),         // enabled
	"patched":     instant("os.patchedAt"), // at: seconds since 1970
	"admins":      names("admins"),         // username, one row an account
	"users":       names("users"),          // username
}

// Meanings are the names of what a query may tell, sorted.
func Meanings() []string { return meaningNames() }

// Draw sets the fields that rows of a query of that meaning tell. A row is an
// object with the columns that docs/sources/osquery.md names. What the rows do
// not say is left out.
func Draw(meaning string, objects []json.RawMessage, f source.Fields) error {
	draw, ok := meanings[meaning]
	if !ok {
		return fmt.Errorf("%w: %q is not one of %s", audit.ErrInvalid, meaning, strings.Join(meaningNames(), ", "))
	}
	rows := make([]row, len(objects))
	for i, o := range objects {
		if err := json.Unmarshal(o, &rows[i]); err != nil || rows[i] == nil {
			return fmt.Errorf("row %d is not an object of columns", i+1)
		}
	}
	draw(rows, f)
	return nil
}

func meaningNames() []string { return sorted(meanings) }

func identity(rows []row, f source.Fields) {
	if len(rows) != 1 {
		return
	}
	if s, _ := rows[0].text("hostname"); s != "" {
		f["hostname"] = s
	}
	for _, column := range []string{"uuid", "serial"} { // the serial number where there is one
		if s, _ := rows[0].text(column); strings.Trim(s, "-0 ") != "" {
			f["serial"] = s
		}
	}
}

// linux are the names by which distributions call themselves or their kin.
var linux = []string{"debian", "ubuntu", "rhel", "centos", "fedora", "arch", "amzn", "suse", "opensuse", "sles", "alpine", "gentoo", "linux", "rocky", "almalinux", "ol"}

func system(rows []row, f source.Fields) {
	if len(rows) != 1 {
		return
	}
	if v, _ := rows[0].text("version"); v != "" {
		f["os.version"] = v
	}
	platform, _ := rows[0].text("platform")
	like, _ := rows[0].text("platform_like")
	switch platform {
	case "darwin":
		f["platform"] = "macos"
		return
	case "windows":
		f["platform"] = "windows"
		return
	}
	if slices.ContainsFunc(strings.Fields(platform+" "+like), func(s string) bool { return slices.Contains(linux, s) }) {
		f["platform"] = "linux"
	}
}

// disks: one volume that is not encrypted decides; one of which nothing is told
// leaves the field out.
func disks(rows []row, f source.Fields) {
	known, all := 0, true
	for _, r := range rows {
		switch v, _ := r.text("encrypted"); v {
		case "1":
			known++
		case "0":
			known++
			all = false
		}
	}
	switch {
	case !all:
		f["diskEncrypted"] = false
	case known > 0 && known == len(rows):
		f["diskEncrypted"] = true
	}
}

// flag reads the column "enabled" of a single row.
func flag(field string) func(rows []row, f source.Fields) { return column("enabled", field) }

// column reads a column that is 1 or 0, of a single row.
func column(name, field string) func(rows []row, f source.Fields) {
	return func(rows []row, f source.Fields) {
		if len(rows) != 1 {
			return
		}
		switch v, _ := rows[0].text(name); v {
		case "1":
			f[field] = true
		case "0":
			f[field] = false
		}
	}
}

// screenLock: without a number of seconds above none it is not told after how
// long the screen locks.
func screenLock(rows []row, f source.Fields) {
	flag("screenLock.enabled")(rows, f)
	if len(rows) != 1 {
		return
	}
	s, _ := rows[0].text("seconds")
	if n, err := strconv.ParseInt(s, 10, 32); err == nil && n > 0 && f["screenLock.enabled"] != false {
		f["screenLock.seconds"] = n
	}
}

// antivirus: what runs is installed.
func antivirus(rows []row, f source.Fields) {
	flag("antivirus.running")(rows, f)
	column("installed", "antivirus.installed")(rows, f)
	if f["antivirus.running"] == true {
		f["antivirus.installed"] = true
	}
	instant("antivirus.updatedAt")(rows, f)
}

// instant reads the column "at" of a single row.
func instant(field string) func(rows []row, f source.Fields) {
	return func(rows []row, f source.Fields) {
		if len(rows) != 1 {
			return
		}
		s, _ := rows[0].text("at")
		if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 && n <= 253402300799 {
			f[field] = time.Unix(n, 0).UTC()
		}
	}
}

func names(field string) func(rows []row, f source.Fields) {
	return func(rows []row, f source.Fields) {
		out := []string{}
		for _, r := range rows {
			if s, _ := r.text("username"); s != "" {
				out = append(out, s)
			} else {
				return // a row without the column: this is another query
			}
		}
		slices.Sort(out)
		f[field] = slices.Compact(out)
	}
}
