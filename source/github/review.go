package github

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tieout/audit"
)

// A review is one review of a request.
type review struct {
	User      *user  `json:"user"`
	State     string `json:"state"`
	Submitted string `json:"submitted_at"`
	at        time.Time
}

// readReviews returns the reviews that say yes, no or no more, in order.
// Comments and reviews that were not submitted say nothing.
func readReviews(answers []answer) ([]review, error) {
	var out []review
	for _, a := range answers {
		var list []review
		if err := json.Unmarshal(a.bytes(), &list); err != nil {
			return nil, fmt.Errorf("reviews: %w", err)
		}
		for _, v := range list {
			if v.State != "APPROVED" && v.State != "CHANGES_REQUESTED" && v.State != "DISMISSED" {
				continue
			}
			var err error
			if v.at, err = instant(v.Submitted); err != nil {
				return nil, fmt.Errorf("reviews: %w", err)
			}
			out = append(out, v)
		}
	}
	slices.SortStableFunc(out, func(a, b review) int { return a.at.Compare(b.at) })
	return out, nil
}

// approved adds who approved before the merge and after it: of each reviewer
// the latest review counts; the author and programs are left out. A deleted
// account's approval counts for nothing, and where it is the only one, nothing
// is concluded from the absence of others.
func approved(f map[string]any, reviews []review, author *user, merged time.Time) {
	n := slices.IndexFunc(reviews, func(v review) bool { return v.at.After(merged) })
	if n < 0 {
		n = len(reviews)
	}
	before, ghostBefore := yes(reviews[:n], author)
	later, ghostLater := yes(reviews[n:], author)
	if len(before) > 0 || !ghostBefore {
		f["approvals"] = logins(before)
	}
	later = slices.DeleteFunc(later, func(v review) bool {
		return slices.ContainsFunc(before, func(b review) bool { return b.User.same(v.User) })
	})
	if len(later) > 0 || !ghostLater {
		f["approvedLater"] = logins(later)
		f["approvedLaterAt"] = firstYes(reviews[n:], later)
	}
}

// yes returns the last review of each reviewer whose last one approves.
func yes(reviews []review, author *user) (out []review, ghosts bool) {
	for _, v := range reviews {
		switch {
		case !v.User.known():
			ghosts = ghosts || v.State == "APPROVED"
			continue
		case v.User.program() || author.known() && v.User.same(author):
			continue
		}
		out = slices.DeleteFunc(out, func(o review) bool { return o.User.same(v.User) })
		out = append(out, v)
	}
	return slices.DeleteFunc(out, func(v review) bool { return v.State != "APPROVED" }), ghosts
}

func logins(reviews []review) []string {
	out := []string{}
	for _, v := range reviews {
		out = append(out, v.User.Login)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// firstYes is when the first approval by one of those in by was given.
func firstYes(reviews, by []review) string {
	for _, v := range reviews {
		if v.State == "APPROVED" && slices.ContainsFunc(by, func(b review) bool { return b.User.same(v.User) }) {
			return audit.FormatTime(v.at)
		}
	}
	return audit.NeverText
}
