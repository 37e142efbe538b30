package aws

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/folder"
)

const kindReportFile = "aws-credential-report.file"

var cannotReportFile = append([]string{
	"whether the file is as IAM wrote it, and whether there are accounts that no file is of",
}, cannotReport[1:]...)

var reportTypes = []string{"account", "key"}

// CredentialReport is the aws-credential-report source: files of `aws iam
// get-credential-report`. docs/sources/aws-credential-report.md describes it.
var CredentialReport = &source.Driver{
	Name:     "aws-credential-report",
	Version:  1,
	Title:    "Files of AWS IAM credential reports",
	Types:    reportTypes,
	Scopes:   []source.Scope{{Name: "read the files", Why: "each is one report, as the command `aws iam get-credential-report` writes it"}},
	Cannot:   cannotReportFile,
	Settings: folder.Settings,

	Open:      openReports,
	Normalize: normalizeReport,
}

func openReports(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var w folder.Where
	if err := source.Strict(with, &w); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	tool := folder.Tool{Kind: kindReportFile, Types: reportTypes, Cannot: cannotReportFile, Config: rules{System: name}, Head: reportHead}
	return tool.Open(name, folder.ToolSettings{Where: w}, env)
}

// reportHead finds the instant the report states and the account it is of.
func reportHead(_ string, body []byte, _ *time.Location) (folder.Head, error) {
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
	var c rules
	body, err := folder.Open(config, &c, kindReportFile, p)
	if err != nil || body == nil {
		return nil, err
	}
	var out source.Reading
	r, err := reportFile(body)
	if err == nil {
		err = readReport(&out, c.System, r.csv)
	}
	out.Refuse("report", err)
	return out.Done()
}
