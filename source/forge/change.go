package forge

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tieout/audit"
	"tieout/source"
)

// Instant reads an instant to the microsecond and in UTC. The year one, with
// which some hosts write that there is none, is an error.
func Instant(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1971 || t.Year() > 9998 {
		return time.Time{}, fmt.Errorf("%q is not an instant", s)
	}
	return audit.Instant(t), nil
}

// Maybe reads an instant that need not be there; the zero time where it is not.
func Maybe(s *string) (time.Time, error) {
	if s == nil || *s == "" {
		return time.Time{}, nil
	}
	return Instant(*s)
}

// Hash reports whether s is a commit id, SHA-1 or SHA-256.
func Hash(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// Branch reports whether a branch's name can stand in an id.
func Branch(s string) bool {
	return s != "" && len(s) <= 512 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

var (
	fullName     = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,255}(?:/[A-Za-z0-9_.-]{1,255})+$`)
	revertTitle  = regexp.MustCompile(`^(?:Revert\b|revert(?:\([^)]*\))?!?:)`)
	revertBody   = regexp.MustCompile(`(?m)^(?:This reverts (?:commit|merge request)|Reverts )\b`)
	ticketKey    = regexp.MustCompile(`\b[A-Z][A-Z0-9]{1,9}-[1-9]\d{0,8}\b`)
	ticketLine   = regexp.MustCompile(`(?i)\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?|implement(?:s|ed)?|refs?|references?|see|part of|related to|for)[: ]+((?:[\w./-]+)?#\d+(?:(?:,| and|, and)\s+(?:[\w./-]+)?#\d+)*)`)
	ticketNumber = regexp.MustCompile(`(?:[\w./-]+)?#\d+`)
	noTicket     = regexp.MustCompile(`^(?:UTF|SHA|ISO|CVE|CWE|RFC|GHSA|AES|RSA|MD|IEEE|UTC|GMT|TLS|HTTP|PEP)-`)
)

// FullName reports whether s names a repository with its owner.
func FullName(s string) bool { return fullName.MatchString(s) }

// Words are what a change says of itself.
type Words struct {
	Title, Text, Ref string // Ref: name of the branch it came from
	Labels           []string
	Self             string // how its own host writes it, such as #12: no ticket of its own
}

// Says adds title, revert, emergency and tickets.
func (r *Rules) Says(f source.Fields, w Words) {
	text := w.Title
	if w.Text != "" {
		text += "\n\n" + w.Text
	}
	f["title"] = w.Title
	f["revert"] = revertTitle.MatchString(text) || revertBody.MatchString(text) || strings.HasPrefix(w.Ref, "revert-")
	f["emergency"] = r.emergency.MatchString(text) || slices.ContainsFunc(w.Labels, r.emergency.MatchString)
	f["tickets"] = Tickets(text+"\n"+w.Ref, w.Self)
}

// Tickets returns the tickets a text names, sorted, self left out.
func Tickets(text, self string) []string {
	out := []string{}
	for _, k := range ticketKey.FindAllString(text, -1) {
		if !noTicket.MatchString(k) {
			out = append(out, k)
		}
	}
	for _, m := range ticketLine.FindAllStringSubmatch(text, -1) {
		for _, n := range ticketNumber.FindAllString(m[1], -1) {
			if n != self {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A Review is one word about a request: yes, or no or no more.
type Review struct {
	By  string // login
	Yes bool
	At  time.Time
}

// Approved adds who approved up to the merge and after it. Of each reviewer the
// latest word counts; the author is left out.
func Approved(f source.Fields, reviews []Review, author string, merged time.Time) {
	slices.SortStableFunc(reviews, func(a, b Review) int { return a.At.Compare(b.At) })
	n := slices.IndexFunc(reviews, func(v Review) bool { return v.At.After(merged) })
	if n < 0 {
		n = len(reviews)
	}
	before := yes(reviews[:n], author)
	later := slices.DeleteFunc(yes(reviews[n:], author), func(s string) bool { return slices.Contains(before, s) })
	f["approvals"], f["approvedLater"], f["approvedLaterAt"] = before, later, audit.Never
	for _, v := range reviews[n:] {
		if v.Yes && slices.Contains(later, v.By) {
			f["approvedLaterAt"] = v.At
			break
		}
	}
}

func yes(reviews []Review, author string) []string {
	last := map[string]bool{}
	for _, v := range reviews {
		last[v.By] = v.Yes
	}
	out := []string{}
	for by, ok := range last {
		if ok && !strings.EqualFold(by, author) {
			out = append(out, by)
		}
	}
	slices.Sort(out)
	return out
}

// A Check is one run of a check on a commit.
type Check struct {
	ID       string // unique in its repository
	Number   int64  // in order of making
	Commit   string
	Name     string
	Result   string    // as the schema says; "" if it has not ended
	Optional bool      // the host lets a merge go on without it
	Begun    time.Time // when it came to be
	Ended    time.Time
}

// AsOf says which checks had succeeded at an instant and which had failed or
// were not done. Of checks of one name on one commit the last begun until then
// counts; skipped, neutral and optional ones that did not succeed are neither.
func AsOf(all []Check, at time.Time) (failed, succeeded []string) {
	last := map[[2]string]Check{}
	for _, c := range all {
		k := [2]string{c.Commit, c.Name}
		if old, there := last[k]; !c.Begun.After(at) && (!there || cmp.Or(c.Begun.Compare(old.Begun), cmp.Compare(c.Number, old.Number)) > 0) {
			last[k] = c
		}
	}
	failed, succeeded = []string{}, []string{}
	for _, c := range last {
		ended := c.Result != "" && !c.Ended.After(at)
		switch {
		case ended && c.Result == "success":
			succeeded = append(succeeded, c.Name)
		case c.Optional || ended && (c.Result == "skipped" || c.Result == "neutral"):
		default:
			failed = append(failed, c.Name)
		}
	}
	slices.Sort(failed)
	slices.Sort(succeeded)
	failed, succeeded = slices.Compact(failed), slices.Compact(succeeded)
	return failed, slices.DeleteFunc(succeeded, func(s string) bool { return slices.Contains(failed, s) })
}

// AddChecks adds an item for each check that ended within a stretch.
func AddChecks(r *source.Reading, repository string, about audit.Span, all []Check) {
	seen := map[string]bool{}
	for _, c := range all {
		if c.Result == "" || !about.Contains(c.Ended) || seen[c.ID] {
			continue
		}
		seen[c.ID] = true
		r.Add("check", repository+"/"+c.ID, c.Ended, source.Fields{"repository": repository, "commit": c.Commit, "name": c.Name, "result": c.Result})
	}
}

// A Trail follows a branch from its tip along first parents.
type Trail struct {
	begun  bool
	want   string
	listed map[string]bool
}

var errOrder = errors.New("commits are not in order: the branch cannot be followed past it")

// Step takes the next commit that is listed; on says whether it is on the
// branch itself, not beside it.
func (t *Trail) Step(sha string, parents []string) (on bool, err error) {
	if t.listed == nil {
		t.listed = map[string]bool{}
	}
	t.listed[sha] = true
	if t.begun && sha != t.want {
		return false, nil
	}
	t.begun, t.want = true, ""
	if len(parents) > 0 {
		t.want = parents[0]
	}
	if t.listed[t.want] {
		return true, errOrder
	}
	return true, nil
}

// Listed reports whether the commit came, on the way or beside it.
func (t *Trail) Listed(sha string) bool { return t.listed[sha] }

// Below is the commit at which the trail left the list, "" at the start of history.
func (t *Trail) Below() string {
	if !Hash(t.want) || t.listed[t.want] {
		return ""
	}
	return t.want
}
