package aws

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

const kindReport = "aws.iam.report" // the credential report

var cannotReport = []string{
	"the report is up to four hours old: it is about the instant it states itself",
	"an IAM user with a password counts as a human, one without as a service: a password shared by several people looks like a person's",
	"people who enter roles through an identity provider have no IAM user; they are accounts of that provider",
	"SSH keys and service-specific credentials of IAM users",
}

const reportTries = 15

// readCredentialReport asks IAM to write the report, waits for it, and seals it
// under the instant it states.
func readCredentialReport(ctx context.Context, v *visit) error {
	streams := v.of("account", "key")
	client := v.to(iam, v.region)
	for try := 0; ; try++ {
		done := false
		f, err := v.list(ctx, iam, rest.List{Kind: kindList, Ask: form(iam, "GenerateCredentialReport"), Each: func(a rest.Answer) (bool, error) {
			state, err := textAt(a.Body, []string{"GenerateCredentialReportResult", "State"})
			done = state == "COMPLETE"
			return false, err
		}}, streams...)
		if err != nil || !f.Whole() {
			return err
		}
		if done {
			break
		}
		if try == reportTries {
			for _, s := range streams {
				s.Fail("IAM has not written the credential report in time")
			}
			return nil
		}
		if err := v.c.sleep(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	a, err := client.Do(ctx, form(iam, "GetCredentialReport"))
	if err != nil {
		return err
	}
	return v.sealReport(ctx, a, streams)
}

func (v *visit) sealReport(ctx context.Context, a rest.Answer, streams []*source.Stream) error {
	p := audit.Page{Kind: kindReport, Scope: v.scope, Query: a.Query, Media: "text/xml", Body: a.Body}
	r, err := reportOf(a.Body)
	for _, s := range streams {
		s.Asked(a.Query)
		switch {
		case !a.OK():
			s.Fail("GetCredentialReport: " + a.Fault())
		case err != nil:
			s.Fail("GetCredentialReport: " + err.Error())
		}
	}
	if !a.OK() || err != nil {
		return v.run.Seal(ctx, rest.Failed(p, a), streams...)
	}
	p.About = audit.At(audit.Instant(r.made))
	for _, s := range streams {
		s.Covers = p.About
	}
	return v.run.Seal(ctx, p, streams...)
}

func (c *collector) sleep(ctx context.Context, d time.Duration) error {
	if c.wait != nil {
		return c.wait(ctx, d)
	}
	return rest.Sleep(ctx, d)
}

// A report is the credential report, and the instant it states.
type report struct {
	made time.Time
	csv  []byte
}

// reportOf reads the answer of GetCredentialReport.
func reportOf(doc []byte) (report, error) {
	var r struct {
		XMLName xml.Name `xml:"GetCredentialReportResponse"`
		Content string   `xml:"GetCredentialReportResult>Content"`
		Made    string   `xml:"GetCredentialReportResult>GeneratedTime"`
	}
	if err := readXML(doc, &r); err != nil {
		return report{}, err
	}
	return newReport(r.Content, instantOf(r.Made))
}

// reportFile reads what `aws iam get-credential-report` writes: JSON, or the CSV
// in it, which does not say when it was made.
func reportFile(doc []byte) (report, error) {
	if strings.HasPrefix(string(doc), "user,") {
		return report{csv: doc}, nil
	}
	var r struct {
		Content       string  `json:"Content"`
		GeneratedTime instant `json:"GeneratedTime"`
	}
	if err := json.Unmarshal(doc, &r); err != nil || r.Content == "" {
		return report{}, errors.New("it is neither the JSON of `aws iam get-credential-report` nor the CSV in it")
	}
	return newReport(r.Content, r.GeneratedTime.Time)
}

func newReport(content string, made time.Time) (report, error) {
	if made.IsZero() {
		return report{}, errors.New("the report does not say when it was made")
	}
	text := strings.TrimSpace(content)
	if strings.HasPrefix(text, "user,") {
		return report{made, []byte(text)}, nil
	}
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || !strings.HasPrefix(string(b), "user,") {
		return report{}, errors.New("the report's content is not a table of users")
	}
	return report{made, b}, nil
}

func normalReport(p *page) error {
	r, err := reportOf(p.Body)
	if err != nil {
		return err
	}
	return readReport(&p.out, p.System, r.csv)
}

// A userRow is one row of the report by column.
type userRow map[string]string

// readReport adds an account for each row, and a key for each of its keys.
func readReport(out *source.Reading, system string, table []byte) error {
	rows := csv.NewReader(strings.NewReader(string(table)))
	rows.FieldsPerRecord = -1
	head, err := rows.Read()
	if err != nil {
		return fmt.Errorf("the report's head cannot be read: %w", err)
	}
	for n := 2; ; n++ {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		row := userRow{}
		for i, name := range head {
			if i < len(cells) {
				row[name] = cells[i]
			}
		}
		where := fmt.Sprintf("line %d", n)
		if len(cells) != len(head) || row["arn"] == "" || row["user"] == "" {
			out.Refuse(where, fmt.Errorf("it has %d cells under %d columns, or names no user", len(cells), len(head)))
			continue
		}
		row.add(out, system)
	}
}

// add adds the account of a row and its keys.
func (r userRow) add(out *source.Reading, system string) {
	root := r["user"] == "<root_account>"
	f := source.Fields{"system": system, "login": r["user"], "createdAt": r.time("user_creation_time"), "email": nil, "sso": false}
	mfa := r.flag("mfa_active")
	if mfa != nil { // an IAM user with a second factor cannot sign in to the console without it
		f["mfa.enrolled"], f["mfa.enforced"] = mfa, mfa
	}
	password := r.flag("password_enabled")
	switch {
	case root:
		f["login"], f["kind"], f["status"], f["admin"] = "root", "root", "active", true
	case password == true:
		f["kind"], f["status"] = "human", "active"
	case password == false:
		f["kind"], f["passwordChangedAt"] = "service", audit.Never
		f["status"] = r.keyStatus()
	}
	if t := r.time("password_last_changed"); !t.IsZero() && password != false {
		f["passwordChangedAt"] = t
	}
	if t := r.time("password_last_used"); !t.IsZero() {
		f["lastUsedAt"] = t
	}
	out.Add("account", r["arn"], zero, f)
	for _, n := range []string{"access_key_1", "access_key_2", "cert_1", "cert_2"} {
		r.addKey(out, system, n)
	}
}

// keyStatus is whether a user without a password can sign in: by a key.
func (r userRow) keyStatus() any {
	status := any("disabled")
	for _, n := range []string{"access_key_1", "access_key_2", "cert_1", "cert_2"} {
		switch r.flag(n + "_active") {
		case true:
			return "active"
		case nil:
			status = nil
		}
	}
	return status
}

// Before that day IAM did not track the use of keys (API GetAccessKeyLastUsed).
var keysTracked = time.Date(2015, 4, 22, 0, 0, 0, 0, time.UTC)

// addKey adds a key where the row's columns show one. The report does not name
// access keys by their ids: the place in the report stands for it.
func (r userRow) addKey(out *source.Reading, system, name string) {
	made := r.time(name + "_last_rotated")
	active := r.flag(name + "_active")
	if made.IsZero() && active != true {
		return
	}
	f := source.Fields{"kind": "access", "system": system, "owner": r["arn"], "createdAt": made, "rotatedAt": made,
		"expiresAt": audit.Never, "autoRotate": false}
	switch active {
	case true:
		f["status"] = "active"
	case false:
		f["status"] = "disabled"
	}
	if strings.HasPrefix(name, "cert") {
		delete(f, "expiresAt") // the report does not say when a certificate ends
	}
	used := name + "_last_used_date"
	if t := r.time(used); !t.IsZero() {
		f["lastUsedAt"] = t
	} else if r[used] == "N/A" && made.After(keysTracked) {
		f["lastUsedAt"] = audit.Never
	}
	out.Add("key", r["arn"]+"/"+strings.ReplaceAll(name, "_", "-"), zero, f)
}

// time is the instant in a column; zero for N/A, no_information and
// not_supported, which are not instants.
func (r userRow) time(column string) time.Time { return instantOf(r[column]) }

// flag is true, false, or nil where the column says neither.
func (r userRow) flag(column string) any {
	switch r[column] {
	case "true":
		return true
	case "false":
		return false
	}
	return nil
}
