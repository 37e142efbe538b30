package engagement

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// A Credential is what the firm states that a person on the team holds.
type Credential struct {
	Kind   string `json:"kind"`             // of CredentialKinds
	State  string `json:"state,omitempty"`  // of a CPA: the state, or the country, whose license it is
	Number string `json:"number,omitempty"` // of a CPA: the license's
	Name   string `json:"name,omitempty"`   // of another: what it is called
}

// Kinds of credential.
const (
	CPA             = "CPA"
	CISA            = "CISA"
	CISSP           = "CISSP"
	OtherCredential = "other"
)

// CredentialKinds are all kinds.
var CredentialKinds = []string{CPA, CISA, CISSP, OtherCredential}

// String is a credential in words: "CPA, Massachusetts 24817".
func (c Credential) String() string {
	switch c.Kind {
	case OtherCredential:
		return c.Name
	case CPA:
		return CPA + ", " + strings.TrimSpace(c.State+" "+c.Number)
	}
	return c.Kind
}

// Licensed reports whether the credentials state a CPA license: with the state and
// the number, without which nobody could look it up.
func Licensed(list []Credential) bool {
	return slices.ContainsFunc(list, func(c Credential) bool {
		return c.Kind == CPA && strings.TrimSpace(c.State) != "" && strings.TrimSpace(c.Number) != ""
	})
}

// ParseCredentials reads credentials as people write them, one a line or between
// semicolons: "CPA | Massachusetts | 24817", "CISA", "CISSP", "other | CRISC".
func ParseCredentials(text string) (out []Credential, err error) {
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == ';' }) {
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch kind := cells[0]; {
		case kind == "" && len(cells) == 1:
		case kind == CPA && len(cells) == 3:
			out = append(out, Credential{Kind: kind, State: cells[1], Number: cells[2]})
		case (kind == CISA || kind == CISSP) && len(cells) == 1:
			out = append(out, Credential{Kind: kind})
		case kind == OtherCredential && len(cells) == 2:
			out = append(out, Credential{Kind: kind, Name: cells[1]})
		default:
			return nil, fmt.Errorf("%w: credential %q is not written as CPA | STATE | NUMBER, CISA, CISSP or other | NAME", audit.ErrInvalid, strings.TrimSpace(line))
		}
	}
	return out, nil
}

// CheckCredentials refuses what states no credential: a CPA has the state and the
// number of the license, another kind has a name.
func CheckCredentials(list []Credential) error {
	if len(list) > 20 {
		return fmt.Errorf("%w: credentials are at most 20, not %d", audit.ErrInvalid, len(list))
	}
	for _, c := range list {
		bad := !slices.Contains(CredentialKinds, c.Kind) || (c.Kind == CPA) != (c.State != "" && c.Number != "") || (c.Kind == OtherCredential) != (c.Name != "")
		for _, x := range []string{c.State, c.Number, c.Name} {
			bad = bad || len(x) > 200 || strings.ContainsAny(x, "\r\n|;")
		}
		if bad {
			return fmt.Errorf("%w: a credential is a CPA with state and number of the license, a CISA, a CISSP, or another with its name", audit.ErrInvalid)
		}
	}
	return nil
}

// Results of a peer review.
var PeerResults = []string{"pass", "pass with deficiencies", "fail"}

// A firm's peer review comes every three years, and its report some six months after
// the year that is reviewed.
const (
	peerYears  = 3
	peerMonths = 6
)

// PeerReviewOld reports whether the last peer review that a firm states is older on a
// day than the next could be waited for. A firm that states none has none that is old.
func PeerReviewOld(reviewed, day string) bool {
	was, err := time.Parse(time.DateOnly, reviewed)
	now, derr := time.Parse(time.DateOnly, day)
	return err == nil && derr == nil && now.After(was.AddDate(peerYears, peerMonths, 0))
}

// PeerReviewWords are what a firm states of its last peer review: "report of
// 2025-05-12, pass".
func PeerReviewWords(reviewed, result string) string {
	if reviewed == "" {
		return result
	}
	return strings.TrimSuffix("report of "+reviewed+", "+result, ", ")
}

// OldPeerReview is the warning of a peer review that PeerReviewOld holds of.
const OldPeerReview = "The last peer review is older than three years and six months."
