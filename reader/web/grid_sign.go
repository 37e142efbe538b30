package web

import (
	"fmt"
	"slices"
	"strconv"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

var gridSignRoutes = []route{
	{pattern: "POST /engagements/{id}/tests/{test}/prepare", needs: "test.mark", on: theEngagement, do: (*request).gridPrepare},
	{pattern: "POST /engagements/{id}/tests/{test}/review", needs: "workpaper.read", on: theEngagement, do: (*request).gridReview},
	{pattern: "POST /engagements/{id}/tests/{test}/reopen", needs: "workpaper.read", on: theEngagement, do: (*request).gridReopen},
	{pattern: "POST /engagements/{id}/tests/{test}/notes", needs: "note.write", on: theEngagement, do: (*request).gridNote},
	{pattern: "POST /engagements/{id}/tests/{test}/notes/{note}/answer", needs: "note.write", on: theEngagement, do: (*request).gridAnswerNote},
	{pattern: "POST /engagements/{id}/tests/{test}/notes/{note}/clear", needs: "note.write", on: theEngagement, do: (*request).gridClearNote},
}

// A gridNoteView is a review note.
type gridNoteView struct {
	fieldwork.Note
	Who, When, Answered, Done string
	Base                      int64
	MayAnswer, MayClear       bool
}

// A gridSigning is where the sign-off of a workpaper stands.
type gridSigning struct {
	Digest                           string
	Version                          int
	Prepared, Reviewed               bool
	PreparedBy, PreparedAt           string
	ReviewedBy, ReviewedAt           string
	Missing, MissingReview           []string // what stands before the next act, in words
	MayPrepare, MayReview, MayReopen bool
	MayNote                          bool
	Again                            string // where a reviewer signs in again first
	Notes                            []gridNoteView
	Reopenings                       []step
	OpenNotes                        int
}

// gridSigningOf reads how the sign-off of a workpaper stands for who is signed in.
func (q *request) gridSigningOf(s *fieldwork.State, f *fieldwork.File, p *fieldwork.Paper, t *fieldwork.Test) gridSigning {
	zone := (&gridLook{terms: f.Terms}).zone()
	mine := slices.Contains(f.Workers(p.Test), q.who.Account)
	works := f.MayWork(q.gridEntry()) == nil
	out := gridSigning{Digest: f.PaperDigest(t.ID), Version: p.Version, Reopenings: q.gridSteps(p.Reopenings, zone)}
	if p.Prepared != nil {
		out.Prepared, out.PreparedBy, out.PreparedAt = p.Prepared.Digest == out.Digest, q.name(p.Prepared.By), report.Moment(p.Prepared.At, zone)
	}
	if p.Reviewed != nil {
		out.Reviewed, out.ReviewedBy, out.ReviewedAt = true, q.name(p.Reviewed.By), report.Moment(p.Reviewed.At, zone)
	}
	out.Missing = firmMissing(s.Standing(f, "paper.prepare", t.ID, q.now()))
	out.MissingReview = firmMissing(s.Standing(f, "paper.review", t.ID, q.now()))
	reviewer := false
	if works && !mine {
		reviewer, out.Again = q.gridSecond(f.Workers(p.Test))
	}
	out.MayPrepare = works && q.gridMay("test.mark") && !out.Prepared && !out.Reviewed && len(out.Missing) == 0
	out.MayReview = reviewer && out.Prepared && !out.Reviewed && len(out.MissingReview) == 0
	out.MayReopen = reviewer && out.Reviewed
	out.MayNote = q.gridMay("note.write") && !out.Reviewed
	for _, n := range book.Sorted(f.Notes) {
		if n.Test == t.ID {
			out.Notes = append(out.Notes, q.gridNoteOf(s, f, n))
		}
	}
	out.OpenNotes = len(f.OpenNotes(t.ID))
	return out
}

func (q *request) gridNoteOf(s *fieldwork.State, f *fieldwork.File, n *fieldwork.Note) gridNoteView {
	zone := (&gridLook{terms: f.Terms}).zone()
	out := gridNoteView{Note: *n, Who: q.name(n.By), When: report.Moment(n.At, zone), Answered: q.name(n.AnsweredBy), Base: s.Revision("note:" + f.Terms.ID + "/" + n.ID)}
	if !n.Cleared.IsZero() {
		out.Done = "Cleared by " + q.name(n.ClearedBy) + ", " + report.Moment(n.Cleared, zone)
		return out
	}
	out.MayAnswer = q.gridMay("note.write")
	m := f.Team[q.who.Account]
	out.MayClear = out.MayAnswer && n.Answer != "" && (n.By == q.who.Account || m != nil && m.Duty == fieldwork.DutyPartner)
	return out
}

func (q *request) gridPrepare() error {
	err := q.files.Prepare(q.Context(), q.who, q.PathValue("id"), q.PathValue("test"), q.field("digest"))
	return q.gridAgain(err, "Signed off as prepared. A reviewer who had no hand in it is next.")
}

func (q *request) gridReview() error {
	err := q.files.Review(q.Context(), q.who, q.PathValue("id"), q.PathValue("test"), q.field("digest"))
	return q.gridAgain(err, "Reviewed and signed off. This version does not change any more.")
}

func (q *request) gridReopen() error {
	err := q.files.Reopen(q.Context(), q.who, q.PathValue("id"), q.PathValue("test"), q.field("why"))
	return q.gridAgain(err, "Reopened. The signed version stays in the log.")
}

func (q *request) gridNote() error {
	n, err := q.files.AddNote(q.Context(), q.who, q.PathValue("id"), q.PathValue("test"), q.field("where"), q.field("text"))
	return q.gridAgain(err, "Note "+n+" is written.")
}

// gridNoteHere is the note a form is about, and the revision it was shown at.
func (q *request) gridNoteHere() (string, int64, error) {
	base, err := strconv.ParseInt(q.field("base"), 10, 64)
	if err != nil {
		return "", 0, fmt.Errorf("%w: the form does not say what it was made from; load the page again", audit.ErrInvalid)
	}
	return q.PathValue("note"), base, nil
}

func (q *request) gridAnswerNote() error {
	n, base, err := q.gridNoteHere()
	if err == nil {
		err = q.files.AnswerNote(q.Context(), q.who, q.PathValue("id"), n, q.field("text"), base)
	}
	return q.gridAgain(err, n+" is answered.")
}

func (q *request) gridClearNote() error {
	n, base, err := q.gridNoteHere()
	if err == nil {
		err = q.files.ClearNote(q.Context(), q.who, q.PathValue("id"), n, base)
	}
	return q.gridAgain(err, n+" is cleared.")
}
