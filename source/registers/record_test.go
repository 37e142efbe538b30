package registers

import (
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source/sourcetest"
)

func TestRecordCoverage(t *testing.T) {
	const one = "records: [{id: a, at: 2026-02-10}]\n"
	tests := []struct {
		name  string
		files map[string]string
		want  string // coverage of revisions
	}{
		{"as stated", map[string]string{"r.yaml": "type: revision\ncovers: {from: 2026-02-01, to: 2026-02-28}\n" + one}, "01-31T23:00 02-28T23:00 complete\n"},
		{"no further than the file itself", map[string]string{"r.yaml": "type: revision\ncovers: {from: 2026-02-01, to: 2026-12-31}\n" + one}, "01-31T23:00 03-05T09:00 complete\n"},
		{"there was none", map[string]string{"r.yaml": "type: revision\ncovers: {from: 2026-02-01, to: 2026-02-28}\nrecords: []\n"}, "01-31T23:00 02-28T23:00 complete\n"},
		{"nobody states it", map[string]string{"r.yaml": "type: revision\n" + one}, "12-01T00:00 07-01T09:00 records/r.yaml: it does not say `covers: {from: ..., to: ...}`, so nobody states that it holds all there was\n"},
		{"of the future", map[string]string{"r.yaml": "type: revision\ncovers: {from: 2026-06-01, to: 2026-06-30}\nrecords: []\n"}, "12-01T00:00 07-01T09:00 records/r.yaml: `covers:` begins at 2026-05-31T22:00:00Z, after the file itself, which is of 2026-03-05T09:00:00Z\n"},
		{"two files of one stretch", map[string]string{"r.yaml": "type: revision\ncovers: {from: 2026-02-01, to: 2026-02-28}\n" + one, "s.yaml": "type: revision\ncovers: {from: 2026-02-01, to: 2026-02-28}\nrecords: []"}, "01-31T23:00 02-28T23:00 complete\n"},
		{"one id in two files", map[string]string{"r.yaml": "type: revision\ncovers: {from: 2026-02-01, to: 2026-02-28}\n" + one, "s.yaml": "type: revision\ncovers: {from: 2026-02-01, to: 2026-02-28}\n" + one}, "01-31T23:00 02-28T23:00 records/s.yaml:3:11: the id \"a\" is taken at records/r.yaml:3:11; every revision has one of its own\n"},
		{"a file nobody can read", map[string]string{"r.yaml": "type: revision\ncovers: {from: 2026-02-01, to: 2026-02-28}\n" + one, "s.yaml": "records: [\n"}, "01-31T23:00 02-28T23:00 records/s.yaml:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorkspace(t)
			files := map[string]string{}
			for name, text := range tt.files {
				files["records/"+name] = text
			}
			w.commit(day(3, 5), files)
			if got := coverage(w.read(""), "revision"); got != tt.want && !(strings.HasSuffix(tt.want, ":") && strings.HasPrefix(got, tt.want)) {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestOnlyUnreadableRecords(t *testing.T) {
	r := newFolder(t, map[string]string{"records/x.yaml": "type: [\n"}).read("")
	if len(r.Manifests) != len(eventTypes) {
		t.Errorf("%d streams, want every type that the file may hold: %d", len(r.Manifests), len(eventTypes))
	}
	for _, m := range r.Manifests {
		if m.Complete || !strings.Contains(m.Reason, "may hold records of this type") {
			t.Errorf("%s: complete %v, %q", m.Type, m.Complete, m.Reason)
		}
	}
}

// TestFaults: what is wrong is named by file, line and column.
func TestFaults(t *testing.T) {
	tests := []struct{ name, path, text, want string }{
		{"no front matter", "policies/p.md", "# Title\n", "policies/p.md:1:1: it has no front matter"},
		{"front matter without an end", "policies/p.md", "---\ntitle: x\n", "policies/p.md:1:1: its front matter has no end"},
		{"empty", "policies/p.md", "", "policies/p.md:1:1: the file is empty"},
		{"unknown key", "policies/p.md", "---\ntitle: x\naprovedBy: Bo\n---\n", `policies/p.md:3:1: a document has no field "aprovedBy"; did you mean "approvedBy"?`},
		{"another id in a policy", "policies/p.md", "---\nid: x\n---\n", "policies/p.md:2:1: the id is the file's name"},
		{"its id in a policy", "policies/p.md", "---\nid: p\n---\n", ""},
		{"what readers are told", "policies/p.md", "---\naudience: all\nacknowledge: true\nreview: year\ncontrols: [A-1]\nsummary: S.\nstates: [{control: A-1, says: S.}]\n---\n", ""},
		{"what readers are told, elsewhere", "documents/d.yaml", "audience: all\n", `documents/d.yaml:1:1: a document has no field "audience"`},
		{"nearly what readers are told", "policies/p.md", "---\nreviews: year\n---\n", `policies/p.md:2:1: a document has no field "reviews"; did you mean "review"?`},
		{"not UTF-8", "vendors/v.yaml", "name: a\nowner: \xff\n", "vendors/v.yaml:2:1: this line is not UTF-8"},
		{"enumeration", "vendors/v.yaml", "tier: hihg\n", `vendors/v.yaml:1:7: tier: "hihg" is not one of critical, high, medium, low; did you mean "high"?`},
		{"bool", "vendors/v.yaml", "subservice: \"yes\"\n", "vendors/v.yaml:1:13: subservice: want true or false"},
		{"day", "vendors/v.yaml", "reviewedAt: 31.03.2026\n", `vendors/v.yaml:1:13: "31.03.2026" is not a day`},
		{"no such day", "vendors/v.yaml", "reviewedAt: 2026-02-30\n", `vendors/v.yaml:1:13: "2026-02-30" is not a day`},
		{"nothing", "vendors/v.yaml", "name: A\nowner:\n", "vendors/v.yaml:2:7: owner: nothing is written"},
		{"empty text", "vendors/v.yaml", "owner: ''\n", "vendors/v.yaml:1:8: an empty text says nothing"},
		{"absence the schema does not know", "vendors/v.yaml", "name: none\n", `vendors/v.yaml:1:7: name: it cannot be "none"`},
		{"never for a text", "vendors/v.yaml", "owner: never\n", `vendors/v.yaml:1:8: owner: it cannot be "never"`},
		{"a key twice", "vendors/v.yaml", "name: A\nname: B\n", `vendors/v.yaml:2:1: "name" is written twice`},
		{"a group that is none", "contracts/c.yaml", "terms: true\n", "contracts/c.yaml:1:8: terms: want a group of fields, such as terms.security"},
		{"an unknown key of a group", "contracts/c.yaml", "terms: {securty: true}\n", `contracts/c.yaml:1:9: a contract has no field "terms.securty"; did you mean "terms.security"?`},
		{"a list without ids", "risks/r.yaml", "- title: x\n", "risks/r.yaml:1:3: it has no id"},
		{"an alias", "risks/r.yaml", "- {id: &a x}\n- {id: *a}\n", "risks/r.yaml:2:8: aliases"},
		{"in the future", "documents/d.yaml", "approvedAt: 2026-12-01\n", "documents/d.yaml:1:13: approvedAt: 2026-12-01 lies after the file itself"},
		{"due in the future", "risks/r.yaml", "dueAt: 2026-12-01\n", ""},
		{"another ending", "risks/r.yml", "title: x\n", "risks/r.yml:1:1: files of risks are called NAME.yaml"},
		{"a folder", "risks/old/r.yaml", "title: x\n", "risks/old:1:1: it is a folder"},
		{"an event of no type", "records/r.yaml", "records: [{id: a, at: 2026-01-01}]\n", "records/r.yaml:1:11: it does not say `type:`"},
		{"an unknown type", "records/r.yaml", "type: revison\n", `records/r.yaml:1:7: type: "revison" is not one of`},
		{"an event without its time", "records/r.yaml", "type: revision\nkind: other\n", "records/r.yaml:1:1: it does not say `at:`"},
		{"an event to come", "records/r.yaml", "type: revision\nat: 2026-12-01\n", "records/r.yaml:2:5: at: 2026-12-01 lies after"},
		{"an event outside of what is covered", "records/r.yaml", "type: revision\ncovers: {from: 2026-01-01, to: 2026-01-31}\nat: 2026-02-01\n", "records/r.yaml:1:1: it happened outside"},
		{"half of a stretch", "records/r.yaml", "type: revision\ncovers: {from: 2026-01-01}\nrecords: []\n", "records/r.yaml:2:9: covers: want {from"},
		{"an unknown key of a file", "records/r.yaml", "type: revision\nrecord: 1\nrecords: []\n", `records/r.yaml:2:1: there is no key "record" here; did you mean "records"?`},
		{"none of what", "records/r.yaml", "records: []\n", "records/r.yaml:1:10: records: a list without records must say `type:`"},
		{"an id twice", "records/r.yaml", "type: notice\nrecords: [{id: a, at: 2026-01-01}, {id: a, at: 2026-01-02}]\n", `records/r.yaml:2:36: the id "a" is taken at records/r.yaml:2:11`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newFolder(t, map[string]string{tt.path: tt.text}).read("")
			switch {
			case tt.want == "" && len(r.Errs) > 0:
				t.Errorf("got %v", r.Errs)
			case tt.want != "" && (len(r.Errs) != 1 || !strings.HasPrefix(r.Errs[0].Error(), tt.want)):
				t.Errorf("got %v, want %s", r.Errs, tt.want)
			case tt.want != "" && len(r.Items) > 0:
				t.Errorf("items of what could not be read: %+v", r.Items)
			}
		})
	}
}

func FuzzNormalize(f *testing.F) {
	at := day(3, 1)
	for name, text := range whole {
		for _, kind := range []string{kindRecords, kindStates + "document", kindStates + "risk"} {
			pg := page{Zone: "Europe/Berlin", AsOf: audit.FormatTime(at), Commit: "x", Files: []file{{Path: name, Text: text}}}
			pg.Before = append(pg.Files, file{Path: "risks/z.yaml", Text: "- id: z"})
			b, err := pg.encode()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(kind, b)
		}
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		p := audit.Page{Kind: kind, Body: body, About: audit.At(at), Collected: at}
		items, _ := normalize(nil, p)
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Errorf("%s %q: %v", it.Type, it.ID, err)
			}
			if it.At.After(at.Add(24*time.Hour)) && it.Gone {
				t.Errorf("%s gone at %v", it.ID, it.At)
			}
		}
	})
}
