package answer

import (
	"fmt"
	"time"

	"tieout/audit"
	"tieout/program"
	"tieout/reader/roster"
	"tieout/report"
)

// SayReviews is the sentence of all access reviews: how many there are, how
// many are open, and how many accounts wait in those.
func SayReviews(all, open, left int) string {
	switch {
	case all == 0:
		return "No access review was opened yet."
	case open == 0:
		return report.Capital(report.Plural(all, "access review", "access reviews")) + ", none of them open."
	case left == 0:
		return fmt.Sprintf("%s open, with every account decided; what is left is to seal %s.", report.Capital(report.Plural(open, "access review is", "access reviews are")), pronoun(open))
	}
	return fmt.Sprintf("%s open, and %s for a decision.", report.Capital(report.Plural(open, "access review is", "access reviews are")), report.Plural(left, "account waits", "accounts wait"))
}

func pronoun(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// SayReview is the sentence of one access review. The three numbers are its
// removals by what was seen since: proved, still there, not collected.
func SayReview(r *program.Review, c program.ReviewCount, gone, there, unseen int) string {
	of := report.Plural(c.Listed, "account", "accounts") + " of " + report.List(r.Systems())
	odd := ""
	if c.Odd > 0 {
		odd = "; " + report.Plural(c.Odd, "looks odd", "look odd")
	}
	switch {
	case r.Status == "canceled":
		return "This review was canceled and counts for nothing: " + r.Canceled
	case r.Status == "preparing":
		return "The list of this review was never finished, so nobody can decide in it; cancel it and open it again."
	case r.Status == "complete":
		return fmt.Sprintf("%s: %d kept, %d to remove. %s", report.Capital(report.Plural(c.Listed, "account", "accounts")+" of "+report.List(r.Systems())+" "+was(c.Listed)+" reviewed for "+r.Cycle), c.Keep, c.Remove, removals(gone, there, unseen))
	case c.Left == 0:
		return fmt.Sprintf("Every one of %s is decided, %d to remove; what is left is to seal it.", of, c.Remove)
	case c.Left == c.Listed:
		return report.Capital(of) + " " + waits(c.Listed) + " for a decision" + odd + "."
	}
	return fmt.Sprintf("%d of %s are decided and %d %s left%s.", c.Listed-c.Left, of, c.Left, is(c.Left), odd)
}

func waits(n int) string {
	if n == 1 {
		return "waits"
	}
	return "wait"
}

func is(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// removals say what collections showed since.
func removals(gone, there, unseen int) string {
	if gone+there+unseen == 0 {
		return "Nothing was to be removed."
	}
	var parts []string
	if gone > 0 {
		parts = append(parts, report.Plural(gone, "removal is proved", "removals are proved"))
	}
	if there > 0 {
		parts = append(parts, fmt.Sprintf("%d %s still there", there, is(there)))
	}
	if unseen > 0 {
		parts = append(parts, fmt.Sprintf("%d %s not collected since", unseen, was(unseen)))
	}
	return report.Capital(report.List(parts)) + "."
}

// SayNext is the sentence above one account of a list: how far the reviewer is.
func SayNext(system string, c program.ReviewCount) string {
	if c.Left == c.Listed {
		return fmt.Sprintf("%s of %s, none decided yet.", report.Capital(report.Plural(c.Listed, "account", "accounts")), system)
	}
	return fmt.Sprintf("%d of %s of %s decided, %d left.", c.Listed-c.Left, report.Plural(c.Listed, "account", "accounts"), system, c.Left)
}

// SayFinish says what sealing a part of a review does.
func SayFinish(r *program.Review, system string, c program.ReviewCount) string {
	s := fmt.Sprintf("You are about to seal the review of %s for %s: %d kept, %d to remove.", system, r.Cycle, c.Keep, c.Remove)
	if c.Remove == 0 {
		return s + " Nobody can change it afterwards."
	}
	return s + " Nobody can change it afterwards, and nobody can say that a removal was done: the next collection shows it."
}

// RemovalWhat says what is to be removed.
func RemovalWhat(row *program.ReviewRow) string {
	if row.WholeAccount() {
		return "The account"
	}
	var groups []string
	for _, id := range row.TakeAway {
		for _, x := range row.Roles {
			if x.ID == id {
				groups = append(groups, x.Group)
			}
		}
	}
	return "From " + report.List(groups)
}

// RemovalState is where a removal stands, as a class of a mark and a word.
func RemovalState(p roster.Proof) (class, word string) {
	switch p.State {
	case roster.Gone:
		return "ok", "Proved gone"
	case roster.There:
		return "late", "Still there"
	}
	return "gap", "Not collected since"
}

// RemovalWords say what evidence there is of a removal that was decided then.
func RemovalWords(p roster.Proof, decided, now time.Time, loc *time.Location) string {
	var s string
	switch p.State {
	case roster.Gone:
		s = fmt.Sprintf("Gone by %s, as %s shows", report.Moment(p.At, loc), audit.EvidenceRef(p.Record))
	case roster.There:
		s = fmt.Sprintf("Still there on %s, as %s shows, %s after the decision", report.Moment(p.At, loc), audit.EvidenceRef(p.Record), days(decided, p.At))
	default:
		s = fmt.Sprintf("Nothing was read completely since the decision, %s", days(decided, now)+" now")
	}
	if p.Note != "" {
		s += ": " + p.Note
	}
	return s + "."
}

func days(from, to time.Time) string {
	n := int(to.Sub(from) / (24 * time.Hour))
	if n < 1 {
		return "less than a day"
	}
	return report.Plural(n, "day", "days")
}

// A ReviewWork is what access reviews wait for from one person.
type ReviewWork struct {
	Left   int // accounts without a decision, in lists they review
	Seal   int // lists that are decided and not sealed
	Asked  int // questions
	Remove int // removals that no evidence shows yet
}

// SayReviewWork says what access reviews wait for from one person, "" where
// nothing.
func SayReviewWork(w ReviewWork) string {
	var parts []string
	if w.Left > 0 {
		parts = append(parts, report.Plural(w.Left, "account to decide about", "accounts to decide about"))
	}
	if w.Seal > 0 {
		parts = append(parts, report.Plural(w.Seal, "review to seal", "reviews to seal"))
	}
	if w.Asked > 0 {
		parts = append(parts, report.Plural(w.Asked, "question to answer", "questions to answer"))
	}
	if w.Remove > 0 {
		parts = append(parts, report.Plural(w.Remove, "removal that nothing shows yet", "removals that nothing shows yet"))
	}
	if len(parts) == 0 {
		return ""
	}
	return "Access reviews wait for you: " + report.List(parts) + "."
}

// SayRemovals is the sentence of what is to be removed of one system.
func SayRemovals(system string, n int) string {
	if n == 0 {
		return "Nothing of " + system + " is to be removed."
	}
	return report.Capital(report.Plural(n, "access", "accesses")) + " to " + system + " to take away; what is collected next shows whether that was done, and nobody can say it."
}
