package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
)

// mergedAnswer is one request.
type mergedAnswer struct {
	Number  int64   `json:"number"`
	Title   string  `json:"title"`
	Body    *string `json:"body"`
	User    *user   `json:"user"`
	By      *user   `json:"merged_by"`
	Created string  `json:"created_at"`
	Merged  *string `json:"merged_at"`
	Commit  *string `json:"merge_commit_sha"`
	Labels  []struct {
		Name string `json:"name"`
	} `json:"labels"`
	Head struct {
		Ref string `json:"ref"`
	} `json:"head"`
	Base struct {
		Ref string `json:"ref"`
	} `json:"base"`
}

func (r *reading) change() {
	if err := r.readChange(); err != nil {
		r.refuse("request", err)
	}
}

// readChange adds the item of one merged request, and its checks.
func (r *reading) readChange() error {
	pulls, whole := r.part("pull")
	if r.repository == "" || len(pulls) != 1 {
		return errors.New("the page does not hold one request of one repository")
	}
	if !whole {
		return nil
	}
	var p mergedAnswer
	if err := json.Unmarshal(pulls[0].bytes(), &p); err != nil {
		return err
	}
	if p.Number <= 0 || p.Number >= 1<<53 || p.Merged == nil || !branchOK(r.Facts.Branch) {
		return errors.New("it has no number, or was not merged, or its page names no branch")
	}
	merged, err := instant(*p.Merged)
	if err != nil {
		return err
	}
	opened, err := instant(p.Created)
	if err != nil {
		return err
	}
	f := map[string]any{"repository": r.repository, "branch": r.Facts.Branch, "number": p.Number, "openedAt": audit.FormatTime(opened), "direct": false}
	r.says(f, p)
	if answers, whole := r.part("reviews"); whole {
		reviews, err := readReviews(answers)
		if err != nil {
			return err
		}
		approved(f, reviews, p.User, merged)
	}
	if err := r.checks(f, p.Number, merged); err != nil {
		return err
	}
	return r.add("change", fmt.Sprintf("%s#%d", r.repository, p.Number), merged, f)
}

// says adds what the request says of itself.
func (r *reading) says(f map[string]any, p mergedAnswer) {
	text := p.Title
	if p.Body != nil {
		text += "\n\n" + *p.Body
	}
	f["title"], f["revert"] = p.Title, isRevert(text) || strings.HasPrefix(p.Head.Ref, "revert-")
	f["tickets"] = ticketsIn(text+"\n"+p.Head.Ref, p.Number)
	emergency := r.emergency.MatchString(text)
	for _, l := range p.Labels {
		emergency = emergency || r.emergency.MatchString(l.Name)
	}
	f["emergency"] = emergency
	if p.User.known() {
		f["author"], f["bot"] = p.User.Login, p.User.program()
	}
	if p.By.known() {
		f["mergedBy"] = p.By.Login
	}
	if p.Commit != nil && isHash(*p.Commit) {
		f["commit"] = *p.Commit
	}
}

var (
	revertTitle  = regexp.MustCompile(`^(?:Revert\b|revert(?:\([^)]*\))?!?:)`)
	revertBody   = regexp.MustCompile(`(?m)^(?:This reverts commit|Reverts )\b`)
	ticketKey    = regexp.MustCompile(`\b[A-Z][A-Z0-9]{1,9}-[1-9]\d{0,8}\b`)
	ticketLine   = regexp.MustCompile(`(?i)\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?|refs?|references?|see|part of|related to|for)[: ]+((?:[\w.-]+/[\w.-]+)?#\d+(?:(?:,| and|, and)\s+(?:[\w.-]+/[\w.-]+)?#\d+)*)`)
	ticketNumber = regexp.MustCompile(`(?:[\w.-]+/[\w.-]+)?#\d+`)
	noTicket     = regexp.MustCompile(`^(?:UTF|SHA|ISO|CVE|CWE|RFC|GHSA|AES|RSA|MD|IEEE|UTC|GMT|TLS|HTTP|PEP)-`)
)

func isRevert(text string) bool { return revertTitle.MatchString(text) || revertBody.MatchString(text) }

// ticketsIn returns the tickets a text names, sorted, the request itself left out.
func ticketsIn(text string, request int64) []string {
	out := []string{}
	for _, k := range ticketKey.FindAllString(text, -1) {
		if !noTicket.MatchString(k) {
			out = append(out, k)
		}
	}
	self := "#" + strconv.FormatInt(request, 10)
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

// directAnswer is one commit of the branch.
type directAnswer struct {
	SHA    string `json:"sha"`
	Author *user  `json:"author"`
	By     *user  `json:"committer"`
	Commit struct {
		Message   string     `json:"message"`
		Author    *signature `json:"author"`
		Committer *signature `json:"committer"`
		Verified  *struct {
			Signature *string `json:"signature"`
		} `json:"verification"`
	} `json:"commit"`
	Parents []json.RawMessage `json:"parents"`
}

// A signature is who a commit says wrote it, and when.
type signature struct {
	Email string `json:"email"`
	Date  string `json:"date"`
}

func (r *reading) commit() {
	if err := r.readCommit(); err != nil {
		r.refuse("commit", err)
	}
}

// readCommit adds the change of a commit that no request brought to the
// branch. One whose requests could not be read gives none.
func (r *reading) readCommit() error {
	commits, whole := r.part("commit")
	if r.repository == "" || len(commits) != 1 || !whole || !branchOK(r.Facts.Branch) {
		return errors.New("the page does not hold one commit of one branch")
	}
	answers, whole := r.part("pulls")
	if !whole {
		return nil
	}
	brought, err := broughtBy(answers, r.Facts.Branch)
	if err != nil || brought != nil {
		return err
	}
	var c directAnswer
	if err := json.Unmarshal(commits[0].bytes(), &c); err != nil {
		return err
	}
	if !isHash(c.SHA) || c.Commit.Committer == nil {
		return errors.New("it has no id or no committer")
	}
	at, err := instant(c.Commit.Committer.Date)
	if err != nil {
		return err
	}
	return r.add("change", r.repository+"@"+c.SHA, at, r.direct(&c))
}

func (r *reading) direct(c *directAnswer) map[string]any {
	title, _, _ := strings.Cut(strings.TrimLeft(c.Commit.Message, "\r\n \t"), "\n")
	f := map[string]any{
		"repository": r.repository, "branch": r.Facts.Branch, "number": 0, "commit": c.SHA, "parents": len(c.Parents), "direct": true,
		"title": strings.TrimSpace(title), "revert": isRevert(c.Commit.Message), "emergency": r.emergency.MatchString(c.Commit.Message),
		"tickets": ticketsIn(c.Commit.Message, 0), "openedAt": audit.NeverText,
		"approvals": []string{}, "approvedLater": []string{}, "approvedLaterAt": audit.NeverText,
	}
	if c.Commit.Verified != nil {
		f["signed"] = c.Commit.Verified.Signature != nil && *c.Commit.Verified.Signature != ""
	}
	author := named(c.Author, c.Commit.Author)
	if author != "" {
		f["author"], f["bot"] = author, c.Author.program()
	}
	by := named(c.By, c.Commit.Committer)
	if by == "web-flow" || by == "noreply@github.com" {
		by = author // it was made on the host's own pages
	}
	if by != "" {
		f["mergedBy"] = by
	}
	return f
}

// named is the account of a commit's author, else the address the commit gives.
func named(u *user, s *signature) string {
	if u.known() {
		return u.Login
	}
	if s != nil {
		return strings.ToLower(s.Email)
	}
	return ""
}

// broughtBy returns the first request, by instant of the merge, that was
// merged into branch; nil if there is none.
func broughtBy(answers []answer, branch string) (*mergedAnswer, error) {
	var first *mergedAnswer
	var when time.Time
	for _, a := range answers {
		var list []mergedAnswer
		if err := json.Unmarshal(a.bytes(), &list); err != nil {
			return nil, fmt.Errorf("requests of the commit: %w", err)
		}
		for i := range list {
			p := &list[i]
			if p.Merged == nil || p.Base.Ref != branch {
				continue
			}
			at, err := instant(*p.Merged)
			if err != nil || p.Number <= 0 {
				return nil, fmt.Errorf("requests of the commit: one without a number or an instant")
			}
			if first == nil || at.Before(when) {
				first, when = p, at
			}
		}
	}
	return first, nil
}
