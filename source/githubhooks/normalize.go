package githubhooks

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/forge"
)

// A user is an account as deliveries name it.
type user struct {
	Login string `json:"login"`
	ID    int64  `json:"id"`
	Type  string `json:"type"`
}

const ghost = 10137 // id of the account that stands for deleted ones

func (u *user) known() bool { return u != nil && u.Login != "" && u.ID > 0 && u.ID != ghost }

type repository struct {
	Name   string          `json:"full_name"`
	Branch string          `json:"default_branch"`
	Pushed json.RawMessage `json:"pushed_at"` // seconds since 1970 in a push
}

func (r repository) ok() bool { return forge.FullName(r.Name) && forge.Branch(r.Branch) }

// pullDelivery is the payload of pull_request and pull_request_review.
type pullDelivery struct {
	Action string `json:"action"`
	Pull   struct {
		Number  int64   `json:"number"`
		Title   string  `json:"title"`
		Body    *string `json:"body"`
		Merged  *string `json:"merged_at"`
		Created string  `json:"created_at"`
		Commit  *string `json:"merge_commit_sha"`
		User    *user   `json:"user"`
		By      *user   `json:"merged_by"`
		Labels  []struct {
			Name string `json:"name"`
		} `json:"labels"`
		Head struct {
			Ref string `json:"ref"`
		} `json:"head"`
		Base struct {
			Ref string `json:"ref"`
		} `json:"base"`
	} `json:"pull_request"`
	Review struct {
		User      *user  `json:"user"`
		State     string `json:"state"`
		Submitted string `json:"submitted_at"`
	} `json:"review"`
	Repository repository `json:"repository"`
}

// merged is when the delivery says that the request was merged into the default
// branch; false for any other delivery.
func (p *pullDelivery) merged() (time.Time, bool) {
	if p.Action != "closed" || p.Pull.Merged == nil || p.Pull.Base.Ref != p.Repository.Branch {
		return time.Time{}, false
	}
	at, err := forge.Instant(*p.Pull.Merged)
	return at, err == nil
}

// A reading is one page while it becomes items.
type reading struct {
	source.Reading
	config
	words *forge.Rules
	page  audit.Page
}

// normalize turns one sealed page into items.
func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	r := &reading{page: p}
	if err := source.Strict(conf, &r.config); err != nil {
		return nil, fmt.Errorf("configuration of a github-webhooks collection: %w", err)
	}
	var err error
	if r.words, err = forge.WordRules(r.Emergency); err != nil {
		return nil, fmt.Errorf("%w: configuration of a github-webhooks collection: %w", audit.ErrInvalid, err)
	}
	switch p.Kind {
	case kindDeliveries:
		r.each(r.delivery)
	case kindRequest:
		r.request()
	case source.KindFailed:
	default:
		return nil, fmt.Errorf("%w: github-webhooks gives no page of kind %q", audit.ErrInvalid, p.Kind)
	}
	return r.Done()
}

func (r *reading) each(read func(delivery) error) {
	n := 0
	for line := range strings.Lines(string(r.page.Body)) {
		n++
		d, err := readDelivery([]byte(line))
		if err == nil {
			err = read(d)
		}
		r.Refuse("line "+strconv.Itoa(n), err)
	}
}

func (r *reading) delivery(d delivery) error {
	read, ok := map[string]func(delivery) error{"push": r.push, "branch_protection_rule": r.rule, "member": r.member, "organization": r.organization}[d.Event]
	if !ok {
		return nil
	}
	return read(d)
}

func (r *reading) account(u *user) string { return fmt.Sprintf("%s/%d", r.System, u.ID) }

// push adds the change of a forced push to the default branch: it overwrites
// history, which the host itself cannot show afterwards. Other pushes bring
// merges too and are told apart by source github.
func (r *reading) push(d delivery) error {
	var p struct {
		Ref        string     `json:"ref"`
		After      string     `json:"after"`
		Forced     bool       `json:"forced"`
		Deleted    bool       `json:"deleted"`
		Sender     *user      `json:"sender"`
		Repository repository `json:"repository"`
		Head       *struct {
			Message string `json:"message"`
			Author  struct {
				Login string `json:"username"`
				Email string `json:"email"`
			} `json:"author"`
		} `json:"head_commit"`
	}
	if err := json.Unmarshal([]byte(d.Payload), &p); err != nil {
		return err
	}
	if !p.Repository.ok() {
		return errors.New("a push without a repository")
	}
	if !p.Forced || p.Deleted || p.Ref != "refs/heads/"+p.Repository.Branch {
		return nil
	}
	at, err := pushedAt(p.Repository.Pushed)
	if err != nil || !forge.Hash(p.After) || p.Head == nil {
		return errors.New("a forced push without a commit or an instant")
	}
	if !r.page.About.Contains(at) {
		return nil
	}
	title, text, _ := strings.Cut(p.Head.Message, "\n")
	author := p.Head.Author.Login
	if author == "" {
		author = strings.ToLower(p.Head.Author.Email)
	}
	f := source.Fields{"repository": p.Repository.Name, "branch": p.Repository.Branch, "number": 0, "commit": p.After, "direct": true, "author": author,
		"openedAt": audit.Never, "approvals": []string{}, "approvedLater": []string{}, "approvedLaterAt": audit.Never}
	r.words.Says(f, forge.Words{Title: title, Text: text})
	if p.Sender.known() {
		f["mergedBy"], f["bot"] = p.Sender.Login, p.Sender.Type == "Bot"
	}
	r.Add("change", p.Repository.Name+"@"+p.After, at, f)
	return nil
}

// pushedAt reads seconds since 1970, as pushes have it.
func pushedAt(raw json.RawMessage) (time.Time, error) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n <= 0 || n > 1<<37 {
		return time.Time{}, errors.New("no instant")
	}
	return audit.Instant(time.Unix(n, 0).UTC()), nil
}

// rule adds what one branch protection rule alone proves of the default branch:
// what one rule forbids or asks for, no other takes back; what it allows,
// another may forbid. After a rule is gone nothing is known.
func (r *reading) rule(d delivery) error {
	var p struct {
		Action string `json:"action"`
		Rule   struct {
			Name       string `json:"name"`
			Updated    string `json:"updated_at"`
			Reviews    string `json:"pull_request_reviews_enforcement_level"`
			Stale      bool   `json:"dismiss_stale_reviews_on_push"`
			Owners     bool   `json:"require_code_owner_review"`
			Signatures string `json:"signature_requirement_enforcement_level"`
			Force      string `json:"allow_force_pushes_enforcement_level"`
			Deletion   string `json:"allow_deletions_enforcement_level"`
			Admins     *bool  `json:"admin_enforced"`
		} `json:"rule"`
		Repository repository `json:"repository"`
	}
	if err := json.Unmarshal([]byte(d.Payload), &p); err != nil {
		return err
	}
	if !p.Repository.ok() || p.Rule.Name == "" {
		return errors.New("a rule without a name or a repository")
	}
	if on, err := path.Match(p.Rule.Name, p.Repository.Branch); err != nil || !on {
		return nil
	}
	at := d.arrived()
	f := source.Fields{"repository": p.Repository.Name, "branch": p.Repository.Branch}
	if p.Action != "deleted" {
		var err error
		if at, err = forge.Instant(p.Rule.Updated); err != nil {
			return err
		}
		f["enabled"] = true
		proves(f, "forcePush", p.Rule.Force == "off", false)
		proves(f, "deletion", p.Rule.Deletion == "off", false)
		proves(f, "signatures", p.Rule.Signatures == "everyone", true)
		proves(f, "dismissStale", p.Rule.Reviews != "off" && p.Rule.Stale, true)
		proves(f, "codeOwners", p.Rule.Reviews != "off" && p.Rule.Owners, true)
		proves(f, "adminsBound", p.Rule.Admins != nil && !*p.Rule.Admins, false)
	}
	if r.page.About.Contains(at) {
		r.Add("protection", p.Repository.Name+":"+p.Repository.Branch, at, f)
	}
	return nil
}

func proves(f source.Fields, name string, shown, value bool) {
	if shown {
		f[name] = value
	}
}

// gone adds that a place ceased to exist.
func (r *reading) gone(id string, at time.Time) {
	r.Items = append(r.Items, audit.Item{Type: "membership", ID: id, At: audit.Instant(at), Gone: true})
}

// member adds a collaborator's place in one repository.
func (r *reading) member(d delivery) error {
	var p struct {
		Action     string     `json:"action"`
		Member     *user      `json:"member"`
		Repository repository `json:"repository"`
		Changes    struct {
			Permission struct {
				To string `json:"to"`
			} `json:"permission"`
		} `json:"changes"`
	}
	if err := json.Unmarshal([]byte(d.Payload), &p); err != nil {
		return err
	}
	if !forge.FullName(p.Repository.Name) || !p.Member.known() {
		return errors.New("a collaborator without an id or a repository")
	}
	id := fmt.Sprintf("%s/%s/%d", r.System, p.Repository.Name, p.Member.ID)
	switch {
	case !r.page.About.Contains(d.arrived()):
	case p.Action == "removed":
		r.gone(id, d.arrived())
	default:
		f := source.Fields{"account": r.account(p.Member), "system": r.System, "group": p.Repository.Name}
		if role := map[string]string{"read": "member", "triage": "member", "write": "member", "push": "member", "pull": "member", "maintain": "maintainer", "admin": "admin"}[p.Changes.Permission.To]; role != "" {
			f["role"] = role
		}
		if p.Action == "added" {
			f["grantedAt"] = d.arrived()
		}
		r.Add("membership", id, d.arrived(), f)
	}
	return nil
}

// organization adds a member's place in the organization.
func (r *reading) organization(d delivery) error {
	var p struct {
		Action     string `json:"action"`
		Membership struct {
			Role string `json:"role"`
			User *user  `json:"user"`
		} `json:"membership"`
		Organization struct {
			Login string `json:"login"`
		} `json:"organization"`
	}
	if err := json.Unmarshal([]byte(d.Payload), &p); err != nil {
		return err
	}
	if p.Action != "member_added" && p.Action != "member_removed" {
		return nil
	}
	u := p.Membership.User
	if !u.known() || p.Organization.Login == "" {
		return errors.New("a member without an id or an organization")
	}
	id := fmt.Sprintf("%s/organization/%d", r.System, u.ID)
	switch {
	case !r.page.About.Contains(d.arrived()):
	case p.Action == "member_removed":
		r.gone(id, d.arrived())
	default:
		f := source.Fields{"account": r.account(u), "system": r.System, "group": p.Organization.Login, "grantedAt": d.arrived()}
		if role := map[string]string{"admin": "owner", "member": "member"}[p.Membership.Role]; role != "" {
			f["role"], f["privileged"] = role, role == "owner"
		}
		r.Add("membership", id, d.arrived(), f)
	}
	return nil
}

// request adds the change of one merged request.
func (r *reading) request() {
	var reviews []forge.Review
	r.each(func(d delivery) error {
		var p pullDelivery
		if err := json.Unmarshal([]byte(d.Payload), &p); err != nil {
			return err
		}
		if d.Event == "pull_request_review" {
			v, ok, err := p.review(d)
			if ok {
				reviews = append(reviews, v)
			}
			return err
		}
		at, ok := p.merged()
		if !ok || !p.Repository.ok() || p.Pull.Number <= 0 {
			return errors.New("it does not tell of a merge")
		}
		if !r.page.About.Contains(at) {
			return nil
		}
		return r.change(&p, at, reviews)
	})
}

// review is the word of one reviewer; programs have none. A dismissal is of the
// instant it arrived, since the review keeps its own.
func (p *pullDelivery) review(d delivery) (v forge.Review, ok bool, err error) {
	u := p.Review.User
	if !u.known() || u.Type == "Bot" {
		return v, false, nil
	}
	switch state := strings.ToLower(p.Review.State); state {
	case "approved", "changes_requested":
		at, err := forge.Instant(p.Review.Submitted)
		return forge.Review{By: u.Login, Yes: state == "approved", At: at}, err == nil, err
	case "dismissed":
		return forge.Review{By: u.Login, At: d.arrived()}, true, nil
	}
	return v, false, nil
}

// change adds a merged request. Approvals that came are stated; that none came
// proves nothing, and then they are not collected.
func (r *reading) change(p *pullDelivery, at time.Time, reviews []forge.Review) error {
	opened, err := forge.Instant(p.Pull.Created)
	if err != nil {
		return err
	}
	f := source.Fields{"repository": p.Repository.Name, "branch": p.Repository.Branch, "number": p.Pull.Number, "openedAt": opened, "direct": false}
	w := forge.Words{Title: p.Pull.Title, Ref: p.Pull.Head.Ref, Self: fmt.Sprintf("#%d", p.Pull.Number)}
	if p.Pull.Body != nil {
		w.Text = *p.Pull.Body
	}
	for _, l := range p.Pull.Labels {
		w.Labels = append(w.Labels, l.Name)
	}
	r.words.Says(f, w)
	if p.Pull.User.known() {
		f["author"], f["bot"] = p.Pull.User.Login, p.Pull.User.Type == "Bot"
		said := source.Fields{}
		forge.Approved(said, reviews, p.Pull.User.Login, at)
		if said["approvals"] != nil && len(said["approvals"].([]string)) > 0 {
			f["approvals"] = said["approvals"]
		}
		if said["approvedLater"] != nil && len(said["approvedLater"].([]string)) > 0 {
			f["approvedLater"], f["approvedLaterAt"] = said["approvedLater"], said["approvedLaterAt"]
		}
	}
	if p.Pull.By.known() {
		f["mergedBy"] = p.Pull.By.Login
	}
	if p.Pull.Commit != nil && forge.Hash(*p.Pull.Commit) {
		f["commit"] = *p.Pull.Commit
	}
	r.Add("change", fmt.Sprintf("%s#%d", p.Repository.Name, p.Pull.Number), at, f)
	return nil
}
