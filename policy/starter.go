package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"tieout/audit"
	"tieout/library"
)

// A Filling is what a starter policy's placeholders are filled with. What is
// empty stays a placeholder.
type Filling struct {
	Organization string // its name
	System       string // name of the system under examination
	Contact      string // where people report a security problem: an address, a channel, a number
}

// Fill puts a filling into a text: a starter policy, or a course's body.
func (f Filling) Fill(md string) string {
	return library.Fill(md, map[string]string{library.Organization: f.Organization, library.System: f.System, library.SecurityContact: f.Contact})
}

// Starter returns the file of a starter policy or plan for a workspace: placeholders
// filled, a draft that nobody approved, without the id, which the file's name
// says. An id the library does not hold is an audit.ErrNotFound.
func Starter(id string, with Filling) (string, error) {
	data, err := fs.ReadFile(library.Policies(), id+".md")
	if errors.Is(err, fs.ErrNotExist) {
		data, err = fs.ReadFile(library.Plans(), id+".md")
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return "", fmt.Errorf("%w: starter policy %q", audit.ErrNotFound, id)
	}
	if err != nil {
		return "", err
	}
	head, body, _ := strings.Cut(strings.TrimPrefix(string(data), "---\n"), "\n---\n")
	var lines []string
	for line := range strings.SplitSeq(head, "\n") {
		if !strings.HasPrefix(line, "id: ") {
			lines = append(lines, line)
		}
	}
	lines = append(lines, "version: 1", "status: draft", "approvedBy: none", "approvedAt: never", "reviewedAt: never")
	return "---\n" + strings.Join(lines, "\n") + "\n---\n" + with.Fill(body), nil
}
