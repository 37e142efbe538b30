package github

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
)

// auditActions are what is asked of the audit log, one list each: places in the
// organization and its teams, and whatever changes how branches are protected
// or who may see a repository.
var auditActions = []string{"org", "team", "protected_branch", "repository_ruleset", "repo.access"}

// auditLog reads what the organization's audit log says of the window, where
// the plan and the token have it. Events about places give the instant of a
// grant. Events about protection are sealed beside: each tells one change, not
// the state that came of it, so that no item is made of one.
func (r *run) auditLog(ctx context.Context, places *stream) error {
	if r.covers.Empty() {
		return nil
	}
	days := r.covers.From.UTC().Format(time.DateOnly) + ".." + r.covers.To.UTC().Format(time.DateOnly)
	for _, action := range auditActions {
		path := r.org() + "/audit-log?phrase=" + url.QueryEscape("action:"+action+" created:"+days) + "&include=web&order=desc&per_page=100"
		bad, err := r.list(ctx, sheet{kind: kindAudit, about: r.covers, asked: r.org() + "/audit-log?phrase=action:" + action}, path, []*stream{places}, func(elements []json.RawMessage) (bool, error) {
			for _, e := range elements {
				r.log.take(e, r.covers)
			}
			return true, nil
		})
		if err != nil {
			return err
		}
		if bad.why != "" {
			places.note("when places were granted, and who changed protection, is not collected: audit log: " + bad.why)
			return nil // the other lists would be refused too
		}
	}
	return nil
}

// An auditEvent is one event of the audit log. Its instant is in milliseconds
// since 1970, UTC.
type auditEvent struct {
	Action     string `json:"action"`
	At         int64  `json:"@timestamp"`
	User       string `json:"user"`
	UserID     int64  `json:"user_id"`
	Team       string `json:"team"` // organization/slug
	Permission string `json:"permission"`
}

// grants are the newest grants of places, by account: the log comes newest
// first, so that the first word about an account counts. A place that was taken
// away last has the zero instant.
type grants struct {
	added  map[string]time.Time            // to the organization
	owners map[string]time.Time            // made an owner
	teams  map[string]map[string]time.Time // to a team, by its slug
}

func (g *grants) take(element []byte, covers audit.Span) {
	var e auditEvent
	if json.Unmarshal(element, &e) != nil {
		return
	}
	at := audit.Instant(time.UnixMilli(e.At).UTC())
	who := "login:" + strings.ToLower(e.User)
	if e.UserID > 0 {
		who = strconv.FormatInt(e.UserID, 10)
	}
	if e.User == "" && e.UserID <= 0 || !covers.Contains(at) {
		return
	}
	admin := e.Permission == "admin"
	switch e.Action {
	case "org.add_member":
		first(&g.added, who, at)
		if admin {
			first(&g.owners, who, at)
		}
	case "org.remove_member":
		first(&g.added, who, time.Time{})
		first(&g.owners, who, time.Time{})
	case "org.update_member":
		if !admin {
			at = time.Time{}
		}
		first(&g.owners, who, at)
	case "team.add_member", "team.remove_member":
		_, slug, _ := strings.Cut(e.Team, "/")
		if e.Action == "team.remove_member" {
			at = time.Time{}
		}
		if g.teams == nil {
			g.teams = map[string]map[string]time.Time{}
		}
		m := g.teams[slug]
		first(&m, who, at)
		g.teams[slug] = m
	}
}

// first keeps the first word about an account.
func first(m *map[string]time.Time, who string, at time.Time) {
	if *m == nil {
		*m = map[string]time.Time{}
	}
	if _, said := (*m)[who]; !said {
		(*m)[who] = at
	}
}

// members are the instants at which accounts with a role got it.
func (g *grants) members(role string) map[string]string {
	if role == "admin" {
		return texts(g.owners)
	}
	return texts(g.added)
}

func (g *grants) team(slug string) map[string]string { return texts(g.teams[slug]) }

func texts(m map[string]time.Time) map[string]string {
	out := map[string]string{}
	for who, at := range m {
		if !at.IsZero() {
			out[who] = audit.FormatTime(at)
		}
	}
	return out
}

// granted is when u got the place that the page lists, if the page's facts say.
func (r *reading) granted(u *user) (time.Time, bool) {
	text, ok := r.Facts.Granted[strconv.FormatInt(u.ID, 10)]
	if !ok {
		text, ok = r.Facts.Granted["login:"+strings.ToLower(u.Login)]
	}
	if !ok {
		return time.Time{}, false
	}
	at, err := audit.ParseTime(text)
	return at, err == nil
}
