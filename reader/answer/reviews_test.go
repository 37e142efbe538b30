package answer_test

import (
	"testing"
	"time"

	"tieout/program"
	"tieout/reader/answer"
	"tieout/reader/roster"
)

func TestSayReviews(t *testing.T) {
	one := &program.Review{ID: "AR-1", Cycle: "2026-Q1", Status: "open", Parts: []program.ReviewPart{{System: "okta"}}}
	with := func(status, why string) *program.Review {
		r := *one
		r.Status, r.Canceled = status, why
		r.Parts = append(r.Parts[:1:1], program.ReviewPart{System: "aws"})
		return &r
	}
	at := time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)
	tests := []struct{ name, got, want string }{
		{"none", answer.SayReviews(0, 0, 0), "No access review was opened yet."},
		{"one, over", answer.SayReviews(1, 0, 0), "1 access review, none of them open."},
		{"one open, one left", answer.SayReviews(2, 1, 1), "1 access review is open, and 1 account waits for a decision."},
		{"two open", answer.SayReviews(2, 2, 31), "2 access reviews are open, and 31 accounts wait for a decision."},
		{"decided", answer.SayReviews(1, 1, 0), "1 access review is open, with every account decided; what is left is to seal it."},
		{"nothing decided", answer.SayReview(one, program.ReviewCount{Listed: 1, Left: 1}, 0, 0, 0), "1 account of okta waits for a decision."},
		{"some decided", answer.SayReview(one, program.ReviewCount{Listed: 3, Left: 1, Odd: 2}, 0, 0, 0), "2 of 3 accounts of okta are decided and 1 is left; 2 look odd."},
		{"all decided", answer.SayReview(one, program.ReviewCount{Listed: 3, Remove: 1}, 0, 0, 0), "Every one of 3 accounts of okta is decided, 1 to remove; what is left is to seal it."},
		{"complete", answer.SayReview(with("complete", ""), program.ReviewCount{Listed: 3, Keep: 2, Remove: 1}, 1, 0, 0), "3 accounts of okta and aws were reviewed for 2026-Q1: 2 kept, 1 to remove. 1 removal is proved."},
		{"complete, nothing removed", answer.SayReview(with("complete", ""), program.ReviewCount{Listed: 1, Keep: 1}, 0, 0, 0), "1 account of okta and aws was reviewed for 2026-Q1: 1 kept, 0 to remove. Nothing was to be removed."},
		{"canceled", answer.SayReview(with("canceled", "too early"), program.ReviewCount{}, 0, 0, 0), "This review was canceled and counts for nothing: too early"},
		{"not whole", answer.SayReview(with("preparing", ""), program.ReviewCount{}, 0, 0, 0), "The list of this review was never finished, so nobody can decide in it; cancel it and open it again."},
		{"still there", answer.RemovalWords(roster.Proof{State: roster.There, At: at.AddDate(0, 0, 9), Record: 7}, at, at, time.UTC), "Still there on 10 Apr 2026 06:00 UTC, as E-7 shows, 9 days after the decision."},
		{"not collected", answer.RemovalWords(roster.Proof{State: roster.Unseen}, at, at.Add(time.Hour), time.UTC), "Nothing was read completely since the decision, less than a day now."},
		{"gone", answer.RemovalWords(roster.Proof{State: roster.Gone, At: at, Record: 9, Note: "it is not shown any more"}, at, at, time.UTC), "Gone by 1 Apr 2026 06:00 UTC, as E-9 shows: it is not shown any more."},
		{"no work", answer.SayReviewWork(answer.ReviewWork{}), ""},
		{"work", answer.SayReviewWork(answer.ReviewWork{Left: 1, Asked: 2}), "Access reviews wait for you: 1 account to decide about and 2 questions to answer."},
		{"nobody", answer.SayPeople(answer.Headcount{}), "No personnel system was collected yet, so nobody is known."},
		{"one person", answer.SayPeople(answer.Headcount{Here: 1}), "1 person works here. Nothing that was collected is missing of anybody."},
		{"many", answer.SayPeople(answer.Headcount{Here: 52, Soon: 1, Access: 1, Loose: 2, Lacking: 3}), "52 people work here and 1 starts later. 1 leaver still has access, 2 accounts belong to nobody, and something is missing of 3 people."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got != tt.want {
				t.Errorf("got  %q\nwant %q", tt.got, tt.want)
			}
		})
	}
}
