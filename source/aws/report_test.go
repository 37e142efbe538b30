package aws

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/folder/foldertest"
	"tieout/source/sourcetest"
)

// The files of testdata/report are of 2019.
func reportConnection() sourcetest.Connection {
	c := foldertest.Connection(CredentialReport, `{"files":["report/*.json"]}`)
	c.Window.From = time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)
	return c
}

func TestCredentialReportConforms(t *testing.T) {
	sourcetest.Conform(t, reportConnection(), "account", "key")
}

func TestCredentialReportFile(t *testing.T) {
	r := sourcetest.Record(t, reportConnection())
	foldertest.Times(t, r, "account", map[string]string{"123456789012": "2019-05-07T15:40:22Z"})
	foldertest.Times(t, r, "key", map[string]string{"123456789012": "2019-05-07T15:40:22Z"})
	const user = "arn:aws:iam::123456789012:"
	holds(t, r, "account", user+"root", `"kind":"root"`, `"login":"root"`, `"status":"active"`, `"mfa":{"enforced":true,"enrolled":true}`, `"lastUsedAt":"2019-03-03T16:58:16Z"`)
	lacks(t, r, "account", user+"root", `"passwordChangedAt"`)
	holds(t, r, "account", user+"user/auditor_tmp", `"kind":"service"`, `"status":"active"`, `"passwordChangedAt":"never"`)
	lacks(t, r, "account", user+"user/auditor_tmp", `"lastUsedAt"`)
	holds(t, r, "account", user+"user/user", `"kind":"human"`, `"mfa":{"enforced":false,"enrolled":false}`)
	lacks(t, r, "account", user+"user/user", `"passwordChangedAt"`) // N/A, though it has one
	holds(t, r, "key", user+"root/access-key-1", `"status":"active"`, `"createdAt":"2018-11-23T16:01:14Z"`, `"lastUsedAt":"2018-11-27T00:02:00Z"`)
	holds(t, r, "key", user+"user/user/access-key-2", `"status":"active"`, `"rotatedAt":"2018-05-07T15:35:54Z"`)
	holds(t, r, "key", user+"user/auditor_tmp/access-key-1", `"lastUsedAt":"never"`)
	for _, it := range r.ByType("key") {
		if strings.HasSuffix(it.ID, "root/access-key-2") || strings.Contains(it.ID, "cert") {
			t.Errorf("%s: the report shows no such key", it.ID)
		}
	}
	if len(r.ByType("account")) != 3 {
		t.Errorf("%d accounts, want 3", len(r.ByType("account")))
	}
}

const reportHeader = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated\n"

func TestReportRows(t *testing.T) {
	for _, tc := range []struct {
		name, row string
		typ, id   string
		has, no   []string
	}{
		{"never signed in", "ana,arn:a,2020-01-01T00:00:00+00:00,true,no_information,2020-01-01T00:00:00+00:00,true,false,N/A,N/A,false,N/A,N/A,false,N/A,false,N/A",
			"account", "arn:a", []string{`"kind":"human"`, `"passwordChangedAt":"2020-01-01T00:00:00Z"`}, []string{"lastUsedAt"}},
		{"nothing to sign in with", "ana,arn:a,2020-01-01T00:00:00+00:00,false,N/A,N/A,false,false,N/A,N/A,false,N/A,N/A,false,N/A,false,N/A",
			"account", "arn:a", []string{`"status":"disabled"`, `"kind":"service"`}, nil},
		{"a certificate signs in too", "ana,arn:a,2020-01-01T00:00:00+00:00,false,N/A,N/A,false,false,N/A,N/A,false,N/A,N/A,true,2020-01-01T00:00:00+00:00,false,N/A",
			"account", "arn:a", []string{`"status":"active"`}, nil},
		{"whether a key is active is not said", "ana,arn:a,2020-01-01T00:00:00+00:00,false,N/A,N/A,false,,N/A,N/A,false,N/A,N/A,false,N/A,false,N/A",
			"account", "arn:a", nil, []string{`"status"`}},
		{"a key older than IAM's notes of use", "ana,arn:a,2014-01-01T00:00:00+00:00,false,N/A,N/A,false,true,2014-01-01T00:00:00+00:00,N/A,false,N/A,N/A,false,N/A,false,N/A",
			"key", "arn:a/access-key-1", []string{`"status":"active"`}, []string{"lastUsedAt"}},
		{"a key that was switched off", "ana,arn:a,2020-01-01T00:00:00+00:00,false,N/A,N/A,false,false,2020-01-01T00:00:00+00:00,N/A,false,N/A,N/A,false,N/A,false,N/A",
			"key", "arn:a/access-key-1", []string{`"status":"disabled"`, `"lastUsedAt":"never"`}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out source.Reading
			if err := readReport(&out, "aws", []byte(reportHeader+tc.row+"\n")); err != nil {
				t.Fatal(err)
			}
			items, err := out.Done()
			if err != nil {
				t.Fatal(err)
			}
			r := &sourcetest.Recorder{Items: items}
			holds(t, r, tc.typ, tc.id, tc.has...)
			it := found(t, r, tc.typ, tc.id)
			for _, no := range tc.no {
				if strings.Contains(string(it.Body)+string(it.Volatile), no) {
					t.Errorf("got %s %s, want no %s", it.Body, it.Volatile, no)
				}
			}
		})
	}
}

func TestReportFilesThatAreNone(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte(reportHeader + "ana,arn:aws:iam::123456789012:user/ana,2020-01-01T00:00:00+00:00,true,N/A,N/A,true,false,N/A,N/A,false,N/A,N/A,false,N/A,false,N/A\n"))
	r := foldertest.One(t, CredentialReport, `{"files":["*"]}`, "r.json", `{"Content":"`+encoded+`","GeneratedTime":"2026-03-01T00:00:00+00:00","ReportFormat":"text/csv"}`)
	foldertest.Times(t, r, "account", map[string]string{"123456789012": "2026-03-01T00:00:00Z"})
	csv := foldertest.One(t, CredentialReport, `{"files":["*"],"dates":"name"}`, "report-2026-03-31.csv", reportHeader+"ana,arn:aws:iam::123456789012:user/ana,2020-01-01T00:00:00+00:00,true,N/A,N/A,true,false,N/A,N/A,false,N/A,N/A,false,N/A,false,N/A\n")
	foldertest.Times(t, csv, "account", map[string]string{"123456789012": "2026-03-30T22:00:00Z"})
	for _, tc := range []struct{ content, why string }{
		{`{"Content":"` + encoded + `"}`, "does not say when it was made"},
		{`{"Content":"bm90IGE=","GeneratedTime":"2026-03-01T00:00:00+00:00"}`, "not a table of users"},
		{`{"Content":"user,arn\n","GeneratedTime":"2026-03-01T00:00:00+00:00"}`, "names no account"},
		{`[]`, "neither the JSON"},
		{"user,arn\nana,arn:aws:iam::123456789012:user/ana\n", "does not say when it was made"},
	} {
		foldertest.Refused(t, CredentialReport, `{"files":["*"]}`, "r.json", tc.content, tc.why)
	}
	foldertest.Invalid(t, CredentialReport, `{}`, `{"files":["["]}`, `{"files":["*"],"dates":"today"}`, `{"files":["*"],"scope":"x"}`)
}

// FuzzReport: no file makes reading it panic or give an item outside the schema.
func FuzzReport(f *testing.F) {
	f.Add([]byte(reportHeader + "ana,arn:a,2020-01-01T00:00:00+00:00,true,no_information,N/A,true,false,N/A,N/A,false,N/A,N/A,false,N/A,false,N/A\n"))
	f.Add([]byte(`{"Content":"user,arn\nana,arn:a","GeneratedTime":1}`))
	f.Add([]byte("user,\"arn\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		items, _ := CredentialReport.Normalize([]byte(`{"system":"aws","tags":{}}`), audit.Page{Kind: kindReportFile, Body: b})
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Errorf("%s %s: %v", it.Type, it.ID, err)
			}
		}
	})
}
