package management

import (
	"context"

	"tieout/access"
	"tieout/engagement"
)

// MayAnswerNow says why an answer to a request would be refused whatever it says:
// who may not answer it, and a request that takes none any more. It writes
// nothing; who seals documents for an answer asks first. base is the request's
// revision as it was opened.
func (b *Book) MayAnswerNow(ctx context.Context, by access.Subject, id, request string, base int64) error {
	var owner string
	err := b.Read(ctx, func(s *State) error {
		x, err := s.Side(id)
		if err == nil && x.Requests[request] != nil {
			owner = x.Requests[request].Owner
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := MayAnswer(by, id, owner); err != nil {
		return err
	}
	return b.book.Would(ctx, by, "request.answer", named("request", id, request), base,
		engagement.Answer{Request: request, Status: engagement.RequestInProgress, Records: []int64{}, Files: []string{}})
}
