package connect

import (
	"errors"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/definition"
	"tieout/source/all"
)

func TestGroupedHoldsEveryKindOnce(t *testing.T) {
	seen := map[string]int{}
	for _, g := range Grouped(all.Drivers, "") {
		for _, d := range g.Kinds {
			seen[d.Name]++
		}
	}
	for _, d := range all.Drivers {
		if seen[d.Name] != 1 {
			t.Errorf("%s is there %d times; want once", d.Name, seen[d.Name])
		}
	}
	for search, want := range map[string]string{"okta": "okta", "PAYROLL": "", "backup": "restic"} {
		got := ""
		for _, g := range Grouped(all.Drivers, search) {
			for _, d := range g.Kinds {
				got += d.Name + " "
			}
		}
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("search %q: got %q, want %q among them", search, got, want)
		}
	}
}

func TestCheckScreen(t *testing.T) {
	w, err := definition.LoadFiles(map[string][]byte{
		"tieout.yaml":       []byte("organization: { name: A, system: A, zone: UTC }\nperiod: { first: 2026-01-01, last: 2026-12-31 }\nstore: env:TIEOUT_SOURCE_STORE\n"),
		"sources/okta.yaml": []byte("kind: okta\nwith: { baseURL: https://a.okta.com, token: \"file:.tieout/secrets/okta.token\" }\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, kind, conn string
		written          map[string]string
		want             error
	}{
		{"all right", "github", "code", map[string]string{"organization": "acme", "token": "env:TIEOUT_SOURCE_GITHUB"}, nil},
		{"a variable of the server", "github", "code", map[string]string{"organization": "acme", "token": "env:AWS_SECRET_ACCESS_KEY"}, audit.ErrInvalid},
		{"a variable with nothing after the prefix", "github", "code", map[string]string{"organization": "acme", "token": "env:TIEOUT_SOURCE_"}, audit.ErrInvalid},
		{"a variable in lower case", "github", "code", map[string]string{"organization": "acme", "token": "env:tieout_source_x"}, audit.ErrInvalid},
		{"a variable in a mapping", "github", "code", map[string]string{"organization": "acme", "app": "{ id: '1', key: 'env:PATH' }"}, audit.ErrInvalid},
		{"a variable where no secret is", "github", "code", map[string]string{"organization": "env:PATH"}, audit.ErrInvalid},
		{"its own secret", "github", "code", map[string]string{"organization": "acme", "token": "file:.tieout/secrets/code.token"}, nil},
		{"another's secret", "github", "code", map[string]string{"organization": "acme", "token": "file:.tieout/secrets/okta.token"}, audit.ErrInvalid},
		{"the log's key", "github", "code", map[string]string{"organization": "acme", "token": "file:.tieout/ledger.key"}, audit.ErrInvalid},
		{"a file of the machine", "github", "code", map[string]string{"organization": "acme", "token": "file:/etc/passwd"}, audit.ErrInvalid},
		{"up and away", "github", "code", map[string]string{"organization": "acme", "token": "file:.tieout/secrets/../ledger.key"}, audit.ErrInvalid},
		{"within a mapping", "github", "code", map[string]string{"organization": "acme", "app": "{ id: '1', key: 'file:/etc/passwd' }"}, audit.ErrInvalid},
		{"the store's secret", "github", "code", map[string]string{"organization": "acme", "token": "env:TIEOUT_SOURCE_STORE"}, audit.ErrInvalid},
		{"private networks", "github", "code", map[string]string{"organization": "acme", "allow": "private"}, audit.ErrForbidden},
		{"a program", "restic", "vault", map[string]string{"repository": "/"}, audit.ErrForbidden},
		{"files of the workspace", "trivy", "scans", map[string]string{"files": "[exports/*.json]"}, nil},
		{"files of the machine", "trivy", "scans", map[string]string{"files": "[/etc/*]"}, audit.ErrInvalid},
		{"files above", "trivy", "scans", map[string]string{"files": "[exports/../../x]"}, audit.ErrInvalid},
		{"its own state", "trivy", "scans", map[string]string{"files": "[.tieout/ledger.key]"}, audit.ErrInvalid},
		{"any folder", "trivy", "scans", map[string]string{"files": "['*/ledger.key']"}, audit.ErrInvalid},
		{"the whole folder", "cloudtrail", "trail", map[string]string{"files": "[.]"}, audit.ErrInvalid},
		{"another repository", "git", "app", map[string]string{"path": "../app"}, audit.ErrInvalid},
		{"of a stream", "files", "x", map[string]string{"streams": "[{ files: /etc/passwd, type: person }]"}, audit.ErrInvalid},
		{"an expression of a stream", "files", "x", map[string]string{"streams": "[{ files: a/*.csv, asOf: { path: '([^/]+)/x' } }]"}, nil},
	} {
		d, err := all.Drivers.Find(c.kind)
		if err != nil {
			t.Fatal(err)
		}
		values, err := Read(d, c.written)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckScreen(d, w, c.conn, values); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

const people = "Employee ID;Full Name;Status;Hire Date;End Date\n1;Ana;Active;01.02.2020;\n2;Ben;Terminated;15.03.2021;31.05.2026\n"

func TestListSource(t *testing.T) {
	table, err := ReadTable([]byte("\ufeff" + people))
	if err != nil {
		t.Fatal(err)
	}
	l, err := FindList("person")
	if err != nil {
		t.Fatal(err)
	}
	body, err := l.Source("people", table, l.Guess(table))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`files: "exports/people/*.csv"`, `separator: ";"`, `id: "hr/{Employee ID}"`, `name: "Full Name"`,
		`status: { column: "Status", values: { "Active": active, "Terminated": ended }, else: error }`, `kind: { value: employee }`,
		`endedAt: { column: "End Date", date: end, layout: "DD.MM.YYYY", none: [""] }`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	m := l.Guess(table)
	delete(m.Columns, "status")
	for _, c := range []struct {
		name  string
		empty bool
		want  string
		not   string
	}{
		{"no state, and an empty last day says who is here", true, `status: { column: "End Date", values: { "": active }, else: unknown }`, ""},
		{"no state, and an empty last day says nothing", false, "", "status:"},
	} {
		m.Empty["endedAt"] = c.empty
		body, err := l.Source("people", table, m)
		if err != nil || !strings.Contains(string(body), c.want) || c.not != "" && strings.Contains(string(body), c.not) {
			t.Errorf("%s: got %v\n%s", c.name, err, body)
		}
	}
	m = l.Guess(table)
	m.Columns["name"] = "Nobody"
	if _, err := l.Source("people", table, m); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a column that is not there: %v", err)
	}
}

func TestOneWord(t *testing.T) {
	for in, want := range map[string]string{"Google Workspace": "google-workspace", " okta ": "okta", "": "", "a/b c": "a/b-c"} {
		if got := OneWord(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestReadTableRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "only a head": "a,b\n", "a workbook": "PK\x03\x04\x00", "not UTF-8": "a,b\n\xff,1\n", "a column twice": "a,a\n1,2\n",
		"a column without a name": "a,\n1,2\n", "uneven rows": "a,b\n1\n", "braces": "a{b},c\n1,2\n", "an open quote": "a,b\n\"1,2\n",
	} {
		if _, err := ReadTable([]byte(text)); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

// FuzzListSource: whatever table can be read and mapped by its names makes a
// connection that loads.
func FuzzListSource(f *testing.F) {
	f.Add([]byte(people), "person")
	f.Add([]byte("login,employee id,status,mfa,admin\nana,1,ACTIVE,yes,no\n\"b\"\"en\",2,???,no,yes\n"), "account")
	f.Add([]byte("login\tStatus\n\u2028\t'\n"), "account")
	f.Fuzz(func(t *testing.T, data []byte, typ string) {
		table, err := ReadTable(data)
		if err != nil {
			return
		}
		l, err := FindList(typ)
		if err != nil {
			return
		}
		m := l.Guess(table)
		m.System = "crm"
		body, err := l.Source("list", table, m)
		if err != nil {
			return
		}
		if _, err := definition.LoadFiles(map[string][]byte{
			"tieout.yaml":       []byte("organization: { name: A, system: A, zone: UTC }\nperiod: { first: 2026-01-01, last: 2026-12-31 }\n"),
			"sources/list.yaml": body,
		}); err != nil && !strings.Contains(err.Error(), "secret") {
			t.Errorf("%v in\n%s", err, body)
		}
	})
}
