package git

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"tieout/internal/canonical"
)

// Kinds of page. docs/sources/git.md describes them.
const (
	kindRepository = "git.repository" // JSON: what the repository is and the convention's counts
	kindList       = "git.list"       // git rev-list --first-parent --parents --timestamp, as it came
	kindCommits    = "git.commits"    // a header line, the mailmap, then git cat-file --batch as it came
)

const pageFormat = 1

// A convention is how a repository takes changes in, as counts that git itself
// gives over the first-parent commits of the window.
type convention struct {
	Changes     int64 `json:"changes"`     // first-parent commits
	Merges      int64 `json:"merges"`      // of those, with two parents or more
	Requests    int64 `json:"requests"`    // of those, single-parent and marked by a request or review server
	Reviewed    int64 `json:"reviewed"`    // of those, with a review trailer
	Tested      int64 `json:"tested"`      // of those, with a test trailer
	All         int64 `json:"all"`         // all single-parent commits, merged ones included
	AllReviewed int64 `json:"allReviewed"` // of all, with a review trailer
	AllTested   int64 `json:"allTested"`   // of all, with a test trailer
}

// takesRequests: at least one change in ten came by a merge or a request, so
// one that did not is the exception.
func (c convention) takesRequests() bool {
	n := c.Merges + c.Requests
	return n > 0 && 10*n >= c.Changes
}

// namesReviewers: at least half of the changes, or of all commits, carry a
// review trailer, so that its absence says something.
func (c convention) namesReviewers() bool {
	return half(c.Reviewed, c.Changes) || half(c.AllReviewed, c.All)
}

func (c convention) namesTesters() bool {
	return half(c.Tested, c.Changes) || half(c.AllTested, c.All)
}

func half(part, whole int64) bool { return part > 0 && 2*part >= whole }

// A commitsHeader is the first line of a page of commits: all that its reading
// depends on besides the commits.
type commitsHeader struct {
	Format     int          `json:"format"`
	Branch     string       `json:"branch"`
	Convention convention   `json:"convention"`
	Mailmap    int          `json:"mailmap"` // bytes of .mailmap that follow this line
	Changes    []changeHead `json:"changes"`
}

// A changeHead names one first-parent commit and how many of the commits it
// merged follow it.
type changeHead struct {
	Commit string `json:"commit"`
	Merged int    `json:"merged"`
	Cut    bool   `json:"cut"` // it merged more than are given here
}

func (h commitsHeader) encode(mailmap, objects []byte) ([]byte, error) {
	head, err := canonical.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("page header: %w", err)
	}
	body := make([]byte, 0, len(head)+1+len(mailmap)+len(objects))
	body = append(append(body, head...), '\n')
	return append(append(body, mailmap...), objects...), nil
}

// decodeCommits splits a page of commits into its header, the mailmap and the
// stream of objects.
func decodeCommits(body []byte) (h commitsHeader, mailmap, objects []byte, err error) {
	head, rest, ok := bytes.Cut(body, []byte("\n"))
	if !ok {
		return h, nil, nil, fmt.Errorf("the page has no header line")
	}
	if err := canonical.Check(head); err != nil {
		return h, nil, nil, fmt.Errorf("the page's header: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(head))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&h); err != nil {
		return h, nil, nil, fmt.Errorf("the page's header: %w", err)
	}
	if h.Format != pageFormat {
		return h, nil, nil, fmt.Errorf("page format %d; this program reads %d", h.Format, pageFormat)
	}
	if h.Mailmap < 0 || h.Mailmap > len(rest) {
		return h, nil, nil, fmt.Errorf("the page's header says %d bytes of mailmap; %d bytes follow", h.Mailmap, len(rest))
	}
	for _, ch := range h.Changes {
		if ch.Merged < 0 || !isHash(ch.Commit) {
			return h, nil, nil, fmt.Errorf("the page's header names the change %q with %d merged commits", ch.Commit, ch.Merged)
		}
	}
	return h, rest[:h.Mailmap], rest[h.Mailmap:], nil
}

// cutObject takes one answer of git cat-file --batch off the start of b.
func cutObject(b []byte) (hash string, data, rest []byte, err error) {
	line, after, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return "", nil, nil, fmt.Errorf("the page ends within an object's first line")
	}
	hash, size, err := parseObjectLine(string(line))
	if err != nil {
		return "", nil, nil, err
	}
	if size >= int64(len(after)) || after[size] != '\n' {
		return hash, nil, nil, fmt.Errorf("commit %s: the page does not hold the %d bytes it says", hash, size)
	}
	return hash, after[:size], after[size+1:], nil
}

// parseObjectLine reads "<hash> commit <size>".
func parseObjectLine(line string) (hash string, size int64, err error) {
	f := strings.Split(line, " ")
	if len(f) == 2 && f[1] == "missing" {
		return f[0], 0, fmt.Errorf("commit %s is missing from the repository: fetch it in full", f[0])
	}
	if len(f) != 3 || f[1] != "commit" || !isHash(f[0]) {
		return "", 0, fmt.Errorf("git answered %q where a commit was expected", line)
	}
	size, err = strconv.ParseInt(f[2], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != f[2] {
		return f[0], 0, fmt.Errorf("git answered %q where a commit was expected", line)
	}
	return f[0], size, nil
}

func isHash(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}
