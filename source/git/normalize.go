package git

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// A reading is everything one page's commits are read with.
type reading struct {
	rules
	branch string
	conv   convention
	mail   mailmap
}

// normalize turns one sealed page into items.
func normalize(config json.RawMessage, p audit.Page) ([]audit.Item, error) {
	r, err := readRules(config)
	if err != nil {
		return nil, err
	}
	switch p.Kind {
	case kindRepository:
		return r.repository(p.Body)
	case kindList:
		return nil, nil
	case kindCommits:
		return r.commits(p.Body)
	}
	return nil, fmt.Errorf("%w: git gives no page of kind %q", audit.ErrInvalid, p.Kind)
}

func (r rules) repository(body []byte) ([]audit.Item, error) {
	var page repositoryPage
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("%w: repository page: %w", audit.ErrInvalid, err)
	}
	f := map[string]any{"name": r.Name}
	if page.Host != "" {
		f["host"] = page.Host
	}
	if page.Default != "" {
		f["defaultBranch"] = page.Default
	}
	b, err := canonical.Marshal(f)
	if err != nil {
		return nil, err
	}
	return []audit.Item{{Type: "repository", ID: r.Name, Body: b}}, nil
}

func (r rules) commits(body []byte) ([]audit.Item, error) {
	h, mail, objects, err := decodeCommits(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	rd := reading{r, h.Branch, h.Convention, parseMailmap(string(mail))}
	var items []audit.Item
	var bad source.BadRows
	for _, ch := range h.Changes {
		var group []*commit
		if group, objects, err = r.cutGroup(ch, objects); err == nil {
			var it audit.Item
			if it, err = rd.change(ch, group); err == nil {
				items = append(items, it)
				continue
			}
		}
		bad = append(bad, source.BadRow{Where: "commit " + ch.Commit, Why: err.Error()})
		if objects == nil {
			return items, bad
		}
	}
	if len(objects) > 0 {
		bad = append(bad, source.BadRow{Where: "page's end", Why: "bytes follow the last commit"})
	}
	if len(bad) > 0 {
		return items, bad
	}
	return items, nil
}

// cutGroup takes a change's commit and the commits it merged off objects. The
// rest is nil where the stream itself cannot be followed any further.
func (r rules) cutGroup(ch changeHead, objects []byte) ([]*commit, []byte, error) {
	var group []*commit
	var firstErr error
	for i := 0; i <= ch.Merged; i++ {
		hash, data, rest, err := cutObject(objects)
		if err != nil {
			return nil, nil, err
		}
		objects = rest
		if i == 0 && hash != ch.Commit {
			return nil, nil, fmt.Errorf("the page holds commit %s in its place", hash)
		}
		c, err := parseCommit(hash, data)
		if err == nil {
			c.said = readMessage(c.message, r.reviews)
		} else if firstErr == nil {
			firstErr = err
		}
		group = append(group, c)
	}
	if objects == nil {
		objects = []byte{}
	}
	return group, objects, firstErr
}

// change makes the item of one first-parent commit, group[0], and the commits
// it merged.
func (r reading) change(ch changeHead, group []*commit) (audit.Item, error) {
	c := group[0]
	if !c.committer.ok {
		return audit.Item{}, fmt.Errorf("its committer line gives no readable time")
	}
	msg := c.said
	f := map[string]any{
		"repository": r.Name, "branch": r.branch, "commit": c.hash,
		"parents": len(c.parents), "title": msg.title, "signed": c.signed, "revert": msg.revert,
		"emergency": r.emergency.MatchString(c.message),
	}
	authors := r.authors(group)
	r.who(f, c, authors)
	r.reviewed(f, ch, c, group, authors)
	r.route(f, c, msg)
	tickets := mergedTickets(group)
	if len(tickets) > 0 || !ch.Cut {
		f["tickets"] = tickets
	}
	b, err := canonical.Marshal(f)
	if err != nil {
		return audit.Item{}, err
	}
	return audit.Item{Type: "change", ID: r.Name + "@" + c.hash, At: audit.Instant(c.committer.at), Body: b}, nil
}

// authors returns who wrote the change, the main author first: for a merge,
// the authors of what it merged, by number of commits, the earliest at a tie.
func (r reading) authors(group []*commit) []person {
	wrote := group
	if len(group) > 1 {
		wrote = group[1:]
	}
	var list []person
	count := map[string]int{}
	for _, c := range slices.Backward(wrote) {
		list = r.addAuthor(list, count, c.author.person)
	}
	slices.SortStableFunc(list, func(a, b person) int { return count[r.key(b)] - count[r.key(a)] })
	for _, c := range group {
		for _, p := range c.said.coauthors {
			list = r.addAuthor(list, count, p)
		}
	}
	return list
}

func (r reading) addAuthor(list []person, count map[string]int, p person) []person {
	p = r.mail.resolve(p)
	k := r.key(p)
	if k == "" {
		return list
	}
	if count[k]++; count[k] > 1 {
		return list
	}
	return append(list, p)
}

// key is what makes two mentions the same person.
func (r rules) key(p person) string {
	if r.Identity == "name" && p.name != "" {
		return strings.ToLower(p.name)
	}
	return shown(p)
}

// shown is how a person is written in an item: the address, else the name.
func shown(p person) string {
	if p.email != "" {
		return p.email
	}
	return strings.ToLower(p.name)
}

// Addresses that hosting services put in as the committer of what a person
// did on their pages.
var hostCommitter = regexp.MustCompile(`^(?:noreply@github\.com|noreply@.*gitlab.*|noreply@gitea\..*|noreply@codeberg\.org)$`)

func (r reading) who(f map[string]any, c *commit, authors []person) {
	if len(authors) > 0 {
		f["author"] = shown(authors[0])
		f["bot"] = r.bots.MatchString(authors[0].name) || r.bots.MatchString(authors[0].email)
	}
	by := r.mail.resolve(c.committer.person)
	if hostCommitter.MatchString(by.email) {
		if len(c.parents) < 2 {
			return // whoever pressed the button is not recorded
		}
		by = r.mail.resolve(c.author.person)
	}
	if s := shown(by); s != "" {
		f["mergedBy"] = s
	}
}

func (r reading) reviewed(f map[string]any, ch changeHead, c *commit, group []*commit, authors []person) {
	var reviewers, testers []person
	for _, g := range group {
		reviewers = append(reviewers, g.said.reviewers...)
		testers = append(testers, g.said.testers...)
	}
	known := len(authors) > 0 && !ch.Cut
	if ids := r.ids(reviewers, authors); len(authors) > 0 && (len(ids) > 0 || known && r.conv.namesReviewers()) {
		f["approvals"] = ids
	}
	if ids := r.ids(testers, nil); len(ids) > 0 || known && r.conv.namesTesters() {
		f["testers"] = ids
	}
}

// ids returns the people by how they are shown, sorted, each once, those in
// without left out.
func (r reading) ids(list, without []person) []string {
	seen := map[string]bool{}
	out := []string{}
	for _, p := range list {
		p = r.mail.resolve(p)
		k := r.key(p)
		if k == "" || seen[k] || slices.ContainsFunc(without, func(a person) bool { return r.same(a, p) }) {
			continue
		}
		seen[k] = true
		out = append(out, shown(p))
	}
	slices.Sort(out)
	return out
}

// same reports whether mention p may be author a. A mention without an address
// is the author's already when it is their name or the front of their address.
func (r reading) same(a, p person) bool {
	if r.key(a) == r.key(p) || p.email != "" && p.email == a.email {
		return true
	}
	if p.email != "" && a.email != "" {
		return false
	}
	bare, other := p, a
	if a.email == "" {
		bare, other = a, p
	}
	handle := strings.ToLower(strings.TrimPrefix(bare.name, "@"))
	local, _, _ := strings.Cut(other.email, "@")
	if _, login, ok := strings.Cut(local, "+"); ok && handle == login {
		return true
	}
	return handle == strings.ToLower(other.name) || handle == local
}

// route says how the change reached the branch, where that is known.
func (r reading) route(f map[string]any, c *commit, msg said) {
	direct, known := r.direct(f, c, msg)
	if known {
		f["direct"] = direct
	}
	if msg.number > 0 {
		f["number"] = msg.number
	} else if direct && known {
		f["number"] = 0
	}
}

func (r reading) direct(f map[string]any, c *commit, msg said) (direct, known bool) {
	approvals, _ := f["approvals"].([]string)
	switch {
	case len(c.parents) > 1:
		return r.mergesItself(msg.title), true
	case msg.request:
		return false, true
	case len(approvals) > 0 && (msg.changeID || r.conv.namesReviewers()):
		return false, true
	case r.conv.takesRequests() || r.conv.namesReviewers():
		return true, true
	}
	return false, false
}

// mergesItself: git pull writes such a title when work done on the branch is
// put on top of what others put there, without a request.
func (r reading) mergesItself(title string) bool {
	b := "'" + r.branch + "'"
	if strings.HasPrefix(title, "Merge branch "+b+" of ") {
		_, into, ok := strings.Cut(title, " into ")
		return !ok || into == r.branch
	}
	remote, ok := strings.CutPrefix(title, "Merge remote-tracking branch '")
	if !ok {
		return false
	}
	_, branch, ok := strings.Cut(remote, "/")
	name, into, _ := strings.Cut(branch, "'")
	return ok && name == r.branch && (into == "" || into == " into "+r.branch)
}

func mergedTickets(group []*commit) []string {
	out := []string{}
	for _, c := range group {
		out = append(out, c.said.tickets...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
