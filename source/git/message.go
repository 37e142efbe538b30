package git

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Names of trailers, lower case with hyphens. A message may write them in any
// case, with spaces or underscores, anywhere in its body.
var (
	reviewTrailers = []string{"reviewed-by", "acked-by", "approved-by", "reviewed-and-approved-by", "reviewer", "reviewers"}
	testTrailers   = []string{"tested-by", "verified-by", "trybot-result", "luci-trybot-result"}
)

// maxTrailerKey is how far into a line a trailer's colon may stand, in bytes.
const maxTrailerKey = 80

// What a message says, apart from who wrote it.
type said struct {
	title     string
	reviewers []person
	testers   []person
	coauthors []person
	tickets   []string
	number    int64 // of the request; 0 if it names none
	request   bool  // it came in by a request: a number, a review server's mark
	changeID  bool  // it carries a Gerrit Change-Id
	revert    bool
}

var (
	trailerLine  = regexp.MustCompile(`^[ \t]*(?:[*-][ \t]+)?([A-Za-z][A-Za-z_ -]{2,40}?)[ \t]*:[ \t]*(\S.*)$`)
	botReview    = regexp.MustCompile(`(?:^|[ \t,(])[rR]=([A-Za-z@][A-Za-z0-9@._+\[\]-]*(?:,[A-Za-z@][A-Za-z0-9@._+\[\]-]*)*)`)
	pullMerge    = regexp.MustCompile(`^Merge pull request #(\d+)\b`)
	autoMerge    = regexp.MustCompile(`^(?:Auto merge of|Merge|Rollup merge of) #(\d+)\b`)
	pullSquash   = regexp.MustCompile(`\((?:[\w.-]+/[\w.-]+)?#(\d+)\)$`)
	mergeRequest = regexp.MustCompile(`(?m)^See merge request (?:[\w./-]+)?!(\d+)\s*$`)
	azureRequest = regexp.MustCompile(`^Merged PR (\d+): `)
	reviewedOn   = regexp.MustCompile(`(?m)^Reviewed-on: https?://\S*?/(\d+)/?(?:\s|$)`)
	reviewedAny  = regexp.MustCompile(`(?m)^Reviewed-on: \S`)
	differential = regexp.MustCompile(`(?m)^Differential Revision: \S*?D(\d+)\s*$`)
	changeIDLine = regexp.MustCompile(`(?m)^Change-Id: I[0-9a-f]{40}\s*$`)
	revertTitle  = regexp.MustCompile(`^(?:Revert\b|Reapply\b.*\bRevert\b|revert(?:\([^)]*\))?!?:)`)
	revertBody   = regexp.MustCompile(`(?m)^This reverts (?:commit|merge request|pull request|change)\b`)
	ticketKey    = regexp.MustCompile(`\b([A-Z][A-Z0-9]{1,9}-[1-9]\d{0,8})\b`)
	ticketRef    = regexp.MustCompile(`(?i)\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?|refs?|references?|updates?|for|see|related to|part of)[: ]+((?:[\w.-]+/[\w.-]+)?#\d+(?:(?:,| and|, and)\s+(?:[\w.-]+/[\w.-]+)?#\d+)*)`)
	ticketNumber = regexp.MustCompile(`(?:[\w.-]+/[\w.-]+)?#\d+`)
	notTickets   = regexp.MustCompile(`^(?:UTF|SHA|ISO|CVE|CWE|RFC|GHSA|AES|RSA|MD|IEEE|ECMA|UTC|GMT|X|TLS|HTTP|PEP|CP|KOI|ED|EC|P)-`)
)

// readMessage reads what a message says. reviews are the names of trailers
// that name a reviewer, lower case with hyphens.
func readMessage(msg string, reviews []string) said {
	title, _, _ := strings.Cut(strings.TrimLeft(msg, "\r\n \t"), "\n")
	s := said{title: strings.TrimSpace(title)}
	first := true
	for line := range strings.SplitSeq(msg, "\n") {
		line = strings.TrimRight(line, "\r \t")
		s.readTrailer(line, reviews)
		s.readShortReview(line, first)
		first = first && strings.TrimSpace(line) == ""
	}
	s.readRequest(msg)
	s.changeID = changeIDLine.MatchString(msg)
	s.revert = revertTitle.MatchString(s.title) || revertBody.MatchString(msg)
	s.tickets = readTickets(msg, s.number)
	return s
}

func (s *said) readTrailer(line string, reviews []string) {
	if colon := strings.IndexByte(line, ':'); colon < 0 || colon > maxTrailerKey {
		return
	}
	m := trailerLine.FindStringSubmatch(line)
	if m == nil {
		return
	}
	key := strings.ToLower(strings.NewReplacer(" ", "-", "_", "-").Replace(m[1]))
	switch {
	case slices.Contains(reviews, key):
		s.reviewers = append(s.reviewers, people(m[2])...)
	case slices.Contains(testTrailers, key):
		s.testers = append(s.testers, people(m[2])...)
	case key == "co-authored-by" || key == "co-developed-by":
		s.coauthors = append(s.coauthors, people(m[2])...)
	}
}

// readShortReview reads R=alice at a line's start, and r=alice,bob anywhere
// in the first line, as merge bots write it.
func (s *said) readShortReview(line string, first bool) {
	if !first && !strings.HasPrefix(line, "r=") && !strings.HasPrefix(line, "R=") {
		return
	}
	at := botReview.FindStringSubmatchIndex(line)
	if at == nil {
		return
	}
	s.reviewers = append(s.reviewers, people(line[at[2]:at[3]])...)
}

// people reads the people one trailer names. Where one of them has an address
// in angle brackets, parts without one are taken as pieces of a name.
func people(value string) []person {
	var out []person
	angle := strings.Contains(value, "<")
	for part := range splitPeople(value) {
		if p, _, ok := cutPerson(part); ok {
			p.name = strings.Trim(p.name, `"' `)
			if p.name != "" || p.email != "" {
				out = append(out, p)
			}
			continue
		}
		if p, ok := bare(part); ok && (!angle || strings.HasPrefix(p.name, "@")) {
			out = append(out, p)
		}
	}
	return out
}

// splitPeople cuts at commas, semicolons, ampersands and "and" outside of
// quotes and angle brackets.
func splitPeople(value string) func(func(string) bool) {
	return func(yield func(string) bool) {
		start, depth, quoted := 0, 0, false
		for i := 0; i < len(value); i++ {
			switch c := value[i]; {
			case c == '"':
				quoted = !quoted
			case c == '<':
				depth++
			case c == '>':
				depth = 0
			case depth > 0 || quoted:
			case c == ',' || c == ';' || c == '&':
				if !yield(value[start:i]) {
					return
				}
				start = i + 1
			case strings.HasPrefix(value[i:], " and "):
				if !yield(value[start:i]) {
					return
				}
				start = i + len(" and ")
			}
		}
		yield(value[start:])
	}
}

var nobody = regexp.MustCompile(`(?i)^(?:|-+|n/?a|none|nobody|no one|noone|tbd|todo|pending|unreviewed|self|me|myself|\?+)$`)

// bare reads a person written without angle brackets: an address, a handle or
// a name. Words that say that there is nobody are nobody.
func bare(part string) (person, bool) {
	part, _, _ = strings.Cut(part, "(")
	part, _, _ = strings.Cut(part, " #")
	part = cleanName(strings.Trim(part, `"'. `+"\t"))
	if nobody.MatchString(part) || strings.Contains(part, "://") {
		return person{}, false
	}
	if i := strings.IndexByte(part, '@'); i > 0 && !strings.Contains(part, " ") {
		return person{"", cleanEmail(part)}, true
	}
	return person{part, ""}, true
}

func (s *said) readRequest(msg string) {
	for _, re := range []*regexp.Regexp{pullMerge, autoMerge, azureRequest, pullSquash} {
		if m := re.FindStringSubmatch(s.title); m != nil {
			s.setRequest(m[1])
			return
		}
	}
	for _, re := range []*regexp.Regexp{mergeRequest, reviewedOn, differential} {
		if m := re.FindAllStringSubmatch(msg, -1); m != nil {
			s.setRequest(m[len(m)-1][1])
			return
		}
	}
	s.request = reviewedAny.MatchString(msg)
}

func (s *said) setRequest(number string) {
	s.request = true
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && n < 1<<53 {
		s.number = n
	}
}

// readTickets returns the tickets msg names, sorted, the request itself left out.
func readTickets(msg string, request int64) []string {
	out := []string{}
	for _, m := range ticketKey.FindAllString(msg, -1) {
		if !notTickets.MatchString(m) {
			out = append(out, m)
		}
	}
	self := "#" + strconv.FormatInt(request, 10)
	for _, m := range ticketRef.FindAllStringSubmatch(msg, -1) {
		for _, n := range ticketNumber.FindAllString(m[1], -1) {
			if n != self {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
