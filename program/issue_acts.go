package program

import (
	"context"
	"slices"
	"strings"
	"time"

	"tieout/access"
)

// OpenIssue begins an issue and returns it with its number. It needs issue.write.
func (b *Book) OpenIssue(ctx context.Context, by access.Subject, i Issue) (Issue, error) {
	if err := access.Require(by, "issue.write", access.Object{}); err != nil {
		return Issue{}, err
	}
	d := openIssueData{i.data(), timeText(i.Due)}
	id, err := b.numbered(ctx, by, "issue", "I", func(id string) error {
		_, err := b.write(ctx, by, "issue.open", "issue:"+id, 0, d)
		return err
	})
	if err != nil {
		return Issue{}, err
	}
	return b.Issue(ctx, id)
}

// SetIssue writes what is known of an issue as a whole, but for its date. It needs
// issue.write; Revision is that of the issue as it was opened.
func (b *Book) SetIssue(ctx context.Context, by access.Subject, i Issue) (Issue, error) {
	return b.actOnIssue(ctx, by, "issue.set", "issue.write", i.ID, i.Revision, i.data())
}

// MoveIssue moves the date of an issue, for a reason. A date that had passed
// before stays the one it is held to. It needs issue.write.
func (b *Book) MoveIssue(ctx context.Context, by access.Subject, id string, revision int64, due time.Time, why string) (Issue, error) {
	return b.actOnIssue(ctx, by, "issue.move", "issue.write", id, revision, moveIssueData{timeText(due), strings.TrimSpace(why)})
}

// MendIssue says that an issue is mended, and names sealed evidence that shows it.
// It needs issue.mend, which only its owner has.
func (b *Book) MendIssue(ctx context.Context, by access.Subject, id string, revision int64, words string, evidence []string) (Issue, error) {
	for _, ref := range evidence {
		if err := b.isEvidence(ctx, ref); err != nil {
			return Issue{}, err
		}
	}
	return b.actOnIssue(ctx, by, "issue.mend", "issue.mend", id, revision, mendIssueData{strings.TrimSpace(words), list(evidence)})
}

// CloseIssue closes an issue that was mended, in the words of who looked. It needs
// issue.close, which nobody has on what they mended themselves.
func (b *Book) CloseIssue(ctx context.Context, by access.Subject, id string, revision int64, words string) (Issue, error) {
	return b.actOnIssue(ctx, by, "issue.close", "issue.close", id, revision, wordsData{strings.TrimSpace(words)})
}

// SendIssueBack says why an issue is not mended after all: it is open again. It
// needs issue.close.
func (b *Book) SendIssueBack(ctx context.Context, by access.Subject, id string, revision int64, why string) (Issue, error) {
	return b.actOnIssue(ctx, by, "issue.back", "issue.close", id, revision, wordsData{strings.TrimSpace(why)})
}

// actOnIssue writes an entry on an issue and returns the issue.
func (b *Book) actOnIssue(ctx context.Context, by access.Subject, kind string, needs access.PermissionID, id string, revision int64, data any) (Issue, error) {
	i, err := b.Issue(ctx, id)
	if err != nil {
		return Issue{}, err
	}
	if err := b.second(ctx, by, needs, i.Object()); err != nil {
		return Issue{}, err
	}
	if _, err := b.write(ctx, by, kind, "issue:"+id, revision, data); err != nil {
		return Issue{}, err
	}
	return b.Issue(ctx, id)
}

// Issue returns one issue, or audit.ErrNotFound.
func (b *Book) Issue(ctx context.Context, id string) (Issue, error) {
	return one(ctx, b, "issue", id, func(s *State) *Issue { return s.Issues[id] })
}

// AllIssues returns the register: what is not closed first, the first due before
// the later, and those without a date last.
func (b *Book) AllIssues(ctx context.Context) (out []Issue, err error) {
	err = b.Read(ctx, func(s *State) error {
		out = s.AllIssues()
		return nil
	})
	return out, err
}

// AllIssues returns the register, see Book.AllIssues.
func (s *State) AllIssues() (out []Issue) {
	for _, i := range sorted(s.Issues) {
		out = append(out, *i)
	}
	slices.SortStableFunc(out, func(a, b Issue) int {
		switch {
		case (a.Status == "closed") != (b.Status == "closed"):
			return map[bool]int{true: 1, false: -1}[a.Status == "closed"]
		case a.Due.IsZero() != b.Due.IsZero():
			return map[bool]int{true: 1, false: -1}[a.Due.IsZero()]
		case !a.Due.Equal(b.Due):
			return a.Due.Compare(b.Due)
		}
		return len(a.ID) - len(b.ID)
	})
	return out
}
