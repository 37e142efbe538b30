package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/folder"
)

const kindReportFile = "aws-credential-report.file"

var cannotReportFile = append([]string{
	"whether the file is as IAM wrote it, and whether there are accounts that no file is of",
}, cannotReport[1:]...)

// CredentialReport is the aws-credential-report source: files of `aws iam
// get-credential-report`. docs/sources/aws-credential-report.md describes it.
var CredentialReport = &source.Driver{
	Name:     "aws-credential-report",
	Version:  1,
	Title:    "Files of AWS IAM credential reports",
	Types:    []string{"account", "key"},
	Scopes:   []source.Scope{{Name: "read the files", Why: "each is one report, as the command `aws iam get-credential-report` writes it"}},
	Cannot:   cannotReportFile,
	Settings: folder.Settings,

	Open:      openReports,
	Normalize: normalizeReport,
}

var reportFormat = folder.Format{
	Kind: kindReportFile, Mode: audit.ModeSnapshot, Types: []string{"account", "key"}, Cannot: cannotReportFile, Head: reportHead,
}

type reports struct {
	name  string
	where folder.Where
	dir   string
}

func openReports(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var w folder.Where
	if err := source.Strict(with, &w); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	if err := w.Check(); err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	config, err := canonical.Marshal(map[string]string{"system": name})
	return &reports{name, w, env.Dir}, config, err
}

// Collect seals every file under the instant its report states.
func (r *reports) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	return reportFormat.Collect(ctx, &source.Run{Source: r.name, Window: w, Sink: sink}, r.dir, r.where)
}

// reportHead finds the instant the report states and the account it is of.
func reportHead(_ string, body []byte) (folder.Head, error) {
	r, err := reportFile(body)
	if err != nil {
		return folder.Head{}, err
	}
	var first source.Reading
	if err := readReport(&first, "head", r.csv); err != nil {
		return folder.Head{}, err
	}
	for _, it := range first.Items {
		if part := strings.Split(it.ID, ":"); len(part) > 5 && accountNumber.MatchString(part[4]) {
			return folder.Head{At: r.made, Scope: part[4]}, nil
		}
	}
	return folder.Head{}, errors.New("it names no account")
}

func normalizeReport(config json.RawMessage, p audit.Page) ([]audit.Item, error) {
	switch p.Kind {
	case source.KindFailed:
		return nil, nil
	case kindReportFile:
	default:
		return nil, fmt.Errorf("%w: aws-credential-report: a page of kind %q is not known", audit.ErrInvalid, p.Kind)
	}
	var c rules
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, fmt.Errorf("%w: aws-credential-report: configuration: %w", audit.ErrInvalid, err)
	}
	var out source.Reading
	body, err := folder.Unpack(p.Body)
	if err == nil {
		var r report
		if r, err = reportFile(body); err == nil {
			err = readReport(&out, c.System, r.csv)
		}
	}
	out.Refuse("report", err)
	return out.Done()
}
