package github

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"tieout/audit"
)

// Kinds of page. docs/sources/github.md describes them.
const (
	kindOrganization  = "github.organization"  // the organization, or the token's own place in it
	kindFactor        = "github.factor"        // accounts without a second factor
	kindMembers       = "github.members"       // one page of members of one role
	kindCollaborators = "github.collaborators" // one page of outside collaborators
	kindTeams         = "github.teams"         // one page of teams
	kindTeam          = "github.team"          // one page of one team's members of one role
	kindRepositories  = "github.repositories"  // one page of repositories
	kindRules         = "github.rules"         // one page of rules in force on a branch
	kindProtection    = "github.protection"    // branch protection, rules and rulesets of one branch
	kindNumbers       = "github.numbers"       // the newest issue or request
	kindPulls         = "github.pulls"         // one page of closed requests
	kindChange        = "github.change"        // one merged request, its reviews and checks
	kindCommits       = "github.commits"       // one page of commits of a branch
	kindCommit        = "github.commit"        // one commit and the requests that hold it
	kindDeployments   = "github.deployments"   // one page of deployments
	kindDeployment    = "github.deployment"    // one deployment, its statuses and the requests of its commit

	kindAudit          = "github.audit"          // one page of the organization's audit log
	kindDependabot     = "github.dependabot"     // one page of alerts about dependencies
	kindCodeScanning   = "github.codeScanning"   // one page of alerts about code
	kindSecretScanning = "github.secretScanning" // one page of alerts about secrets, without these
)

const pageFormat = 1

// An envelope is the body of every page: answers byte for byte, and what the
// reading of them depends on besides.
type envelope struct {
	Format  int      `json:"format"`
	Facts   facts    `json:"facts"`
	Answers []answer `json:"answers"`
}

// facts are what was asked, and what earlier pages of the same collection say.
type facts struct {
	Role          string   `json:"role,omitempty"` // admin or member of the organization; maintainer or member of the team
	Team          *teamRef `json:"team,omitempty"`
	Branch        string   `json:"branch,omitempty"`
	FactorKnown   bool     `json:"factorKnown,omitempty"`   // withoutFactor is the whole list
	WithoutFactor []int64  `json:"withoutFactor,omitempty"` // ids of accounts without a second factor

	Granted map[string]string `json:"granted,omitempty"` // instant of the grant in the audit log, by account id, or by login where the log gives none
}

// A teamRef names a team.
type teamRef struct {
	ID   int64  `json:"id"`
	Slug string `json:"slug"`
}

// An answer is one answer as it came. Body holds its bytes where they are
// UTF-8, else Base64 does.
type answer struct {
	Part    string `json:"part"`    // what it is within the page: "pull", "reviews" ...
	Request string `json:"request"` // method and request URI; "" where Body is an element of a page sealed before
	Status  int    `json:"status"`  // 0: no answer came
	ETag    string `json:"etag,omitempty"`
	Link    string `json:"link,omitempty"`
	Again   bool   `json:"again,omitempty"` // 304 Not Modified: the bytes are those of the same request earlier in this collection
	Problem string `json:"problem,omitempty"`
	Body    string `json:"body,omitempty"`
	Base64  []byte `json:"base64,omitempty"`
}

func (a *answer) setBody(b []byte) {
	if utf8.Valid(b) {
		a.Body = string(b)
		return
	}
	a.Base64 = b
}

func (a answer) bytes() []byte {
	if a.Base64 != nil {
		return a.Base64
	}
	return []byte(a.Body)
}

func (a answer) size() int { return len(a.Body) + len(a.Base64) }

// ok: it came whole and is what was asked for.
func (a answer) ok() bool { return a.Status == http.StatusOK && a.Problem == "" }

// refused: the host says that this cannot be had: no permission, not part of
// the plan, not there, gone, withheld.
func (a answer) refused() bool {
	switch a.Status {
	case http.StatusForbidden, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity, http.StatusUnavailableForLegalReasons:
		return a.Problem == ""
	}
	return false
}

// message is what the host itself says is wrong.
func (a answer) message() string {
	var m struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(a.bytes(), &m) != nil {
		return ""
	}
	return m.Message
}

const maxMessage = 200

// fault says in words why a is no answer to go on with: "502 Bad Gateway".
func (a answer) fault() string {
	if a.Status == 0 {
		return a.Problem
	}
	s := fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))
	if m := a.message(); m != "" && !a.ok() {
		if len(m) > maxMessage {
			m = m[:maxMessage] + "..."
		}
		s += ": " + strings.ToValidUTF8(m, "\uFFFD")
	}
	if a.Problem != "" {
		s += ": " + a.Problem
	}
	return s
}

// encode gives the same bytes for the same envelope. It is not RFC 8785: a
// page is mostly one long string, which need not be parsed to be written.
func (e envelope) encode() ([]byte, error) {
	e.Format = pageFormat
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func decodeEnvelope(body []byte) (envelope, error) {
	var e envelope
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return e, fmt.Errorf("%w: github page: %w", audit.ErrInvalid, err)
	}
	if dec.More() {
		return e, fmt.Errorf("%w: github page: something follows the envelope", audit.ErrInvalid)
	}
	if e.Format != pageFormat {
		return e, fmt.Errorf("%w: github page format %d; this program reads %d", audit.ErrInvalid, e.Format, pageFormat)
	}
	return e, nil
}

// part returns the answers of one part, and whether they are there and all
// came whole.
func (e envelope) part(name string) (answers []answer, whole bool) {
	whole = true
	for _, a := range e.Answers {
		if a.Part == name {
			answers = append(answers, a)
			whole = whole && a.ok()
		}
	}
	return answers, whole && len(answers) > 0
}
