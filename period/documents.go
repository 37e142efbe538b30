package period

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/policy"
	"tieout/program"
)

// A PolicyFile is a policy that the workspace keeps as a file. It is read only
// here: whoever changes it changes the file.
type PolicyFile struct {
	program.Document
	Policy policy.Policy
	Status string // draft, approved or retired, as the file says; draft where it does not
	Fault  error  // why the file cannot be read; then only File is set
}

// PolicyFiles returns the policies in the workspace's own policies folder and in
// those of its registers, in the order of their paths.
func (p *Program) PolicyFiles() ([]PolicyFile, error) {
	files, err := p.Def.PolicyFiles(p.Dir)
	if err != nil {
		return nil, err
	}
	out := make([]PolicyFile, len(files))
	for i, f := range files {
		out[i] = p.policyFile(f)
	}
	return out, nil
}

// DocumentsInFiles are the policy files that are in force.
func (p *Program) DocumentsInFiles() ([]program.Document, error) {
	files, err := p.PolicyFiles()
	var out []program.Document
	for _, f := range files {
		if f.Fault == nil && f.Status == program.PolicyApproved {
			out = append(out, f.Document)
		}
	}
	return out, err
}

// A markdownFile is a file with its path in the workspace.
type markdownFile struct {
	path string
	data []byte
	err  error
}

// markdownIn reads the Markdown files that lie in a folder itself; none where
// there is no such folder. Links are not followed.
func markdownIn(dir, folder string) ([]markdownFile, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // only read
	list, err := fs.ReadDir(root.FS(), folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []markdownFile
	for _, e := range list {
		if !strings.HasSuffix(e.Name(), ".md") || e.Name() == "README.md" || strings.HasPrefix(e.Name(), ".") || !e.Type().IsRegular() {
			continue
		}
		f := markdownFile{path: path.Join(folder, e.Name())}
		if info, err := e.Info(); err == nil && info.Size() > policy.MaxSize {
			f.err = fmt.Errorf("%w: %s has %d bytes; at most %d are read", audit.ErrInvalid, f.path, info.Size(), policy.MaxSize)
		} else {
			f.data, f.err = fs.ReadFile(root.FS(), f.path)
		}
		out = append(out, f)
	}
	return out, nil
}

func (p *Program) policyFile(f definition.PolicyFile) PolicyFile {
	if f.Err != nil {
		return PolicyFile{Document: program.Document{File: f.Path}, Fault: f.Err}
	}
	x := f.Policy
	d := program.Document{ID: x.ID, Title: x.Title, Summary: x.Summary, Owner: x.Owner, Audience: x.Audience, Acknowledge: x.Acknowledge,
		Version: x.Record.Version, Text: x.Body, File: f.Path, Hash: program.HashOf(x.ID, x.Record.Version, x.Title, x.Body)}
	if d.Version == "" {
		d.Version = strings.TrimPrefix(d.Hash, "sha256:")[:12]
	}
	d.Since = p.written(x.Record.ApprovedAt)
	d.ReviewDue = program.ReviewEnds(d.Since, x.Review)
	if reviewed := p.written(x.Record.ReviewedAt); reviewed.After(d.Since) {
		d.ReviewDue = program.ReviewEnds(reviewed, x.Review)
	}
	return PolicyFile{Document: d, Policy: x, Status: cmp.Or(x.Record.Status, program.PolicyDraft)}
}

// written is a time as a register's file says it: a day is its first midnight in
// the organization's zone. Zero where it says none.
func (p *Program) written(s string) time.Time {
	if at, err := audit.ParseTime(s); err == nil {
		return at
	}
	zone, err := time.LoadLocation(p.Def.Config.Organization.Zone)
	if err != nil {
		return time.Time{}
	}
	at, err := time.ParseInLocation(time.DateOnly, s, zone)
	if err != nil {
		return time.Time{}
	}
	return at
}

// Courses returns the workspace's own courses where its training folder holds
// any, else the library's, filled for people to read; contact is where they
// report a security problem. A file that cannot be read is a fault, and stops
// none of the others.
func (p *Program) Courses(contact string) (list []policy.Course, faults []error, err error) {
	own, err := markdownIn(p.Dir, "training")
	if err != nil {
		return nil, nil, err
	}
	for _, f := range own {
		var c policy.Course
		if err = f.err; err == nil {
			c, err = policy.ParseCourse(f.path, f.data)
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		list = append(list, c)
	}
	if len(own) == 0 {
		if list, err = policy.Courses(); err != nil {
			return nil, nil, err
		}
	}
	fill := p.Filling(cmp.Or(contact, "whoever leads security here"))
	for i := range list {
		list[i].Body = fill.Fill(list[i].Body)
	}
	return list, faults, nil
}

// Filling is what goes into the placeholders of starter texts here.
func (p *Program) Filling(contact string) policy.Filling {
	o := p.Def.Config.Organization
	return policy.Filling{Organization: o.Name, System: o.System, Contact: contact}
}
