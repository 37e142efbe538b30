package web

import (
	"bytes"
	"fmt"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

// firmArchiveRoutes are the file of an engagement as a whole: assembled, locked,
// taken out, added to.
var firmArchiveRoutes = []route{
	{pattern: "GET /engagements/{id}/archive", needs: "workpaper.read", on: theEngagement, do: (*request).firmArchive},
	{pattern: "POST /engagements/{id}/archive/assemble", needs: "file.assemble", on: theEngagement, do: (*request).firmAssemble},
	{pattern: "POST /engagements/{id}/archive/lock", needs: "file.assemble", on: theEngagement, do: (*request).firmLock},
	{pattern: "GET /engagements/{id}/archive/file", needs: "file.assemble", on: theEngagement, do: (*request).firmArchiveFile},
	{pattern: "POST /engagements/{id}/archive/add", needs: "file.assemble", on: theEngagement, do: (*request).firmAddToArchive},
}

// A firmDocument is one document of the index, with what is known of it.
type firmDocument struct{ Name, Digest, Signed, Open string }

// A firmFolder is the documents of the index under one heading.
type firmFolder struct {
	Name string
	Rows []firmDocument
}

// A firmAddition is what came to the file after its lock.
type firmAddition struct{ Name, Why, Who, When, Size, Digest string }

type firmArchivePage struct {
	*page
	ID                string
	Folders           []firmFolder
	N                 int
	Notes             []link // open review notes
	Unsigned          []link // workpapers without their sign-offs
	Missing           []string
	Due, Kept         string
	Overdue           bool
	Assembled, Locked string
	Record            link
	Digest            string
	Stale             bool // assembled, and changed since
	MayAssemble       bool
	MayLock           bool
	MayTake           bool
	MayAdd            bool
	Why               string
	Added             []firmAddition
}

func (q *request) firmArchive() error {
	id := q.PathValue("id")
	data := firmArchivePage{page: &q.page, ID: id, Why: q.PostForm.Get("why")}
	var stands archiveStands
	err := q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		q.gridFrame(f, "/report")
		if err := data.index(q, s, f); err != nil {
			return err
		}
		data.state(q, s, f)
		stands = data.stands(f)
		return nil
	})
	if err != nil {
		return err
	}
	q.Say = sayArchive(stands)
	q.Title, q.Heading, q.Wide = "File of "+id, "File of the engagement", true
	q.Way = []link{{id, q.at("engagements", id)}, {"Archive", ""}}
	q.Code = []string{"tieout engagement archive verify " + strings.ToLower(id) + ".archive"}
	return q.render("firm-archive.html", &data)
}

// folderNames are the headings of the index, by the first part of a document's
// name; what has none stands under the first.
var folderNames = map[string]string{
	"tests": "Tests", "requests": "Requests", "populations": "Populations", "commitments": "Commitments to nonces", "samples": "Samples", "papers": "Workpapers",
	"known": "Deviations outside the samples", "findings": "Exceptions", "notes": "Review notes", "conclusions": "Conclusions", "opinions": "Opinion", "events": "Events after the period",
	"looked": "Looks over whole populations", "items": "Items of populations", "attached": "Attachments", "report": "Report",
}

// index is everything in the file as it is now, with sign-offs and open notes.
func (d *firmArchivePage) index(q *request, s *fieldwork.State, f *fieldwork.File) error {
	list, err := s.Index(f)
	if err != nil {
		return err
	}
	d.N = len(list)
	at := map[string]int{}
	for _, x := range list {
		folder, _, within := strings.Cut(x.Name, "/")
		name := "Engagement"
		if within {
			name = folderNames[folder]
		}
		i, ok := at[name]
		if !ok {
			i = len(d.Folders)
			at[name], d.Folders = i, append(d.Folders, firmFolder{Name: name})
		}
		row := firmDocument{Name: x.Name, Digest: x.Digest}
		if test, is := strings.CutPrefix(strings.TrimSuffix(x.Name, ".json"), "papers/"); is {
			row.Signed, row.Open = q.paperSigned(f, test)
		}
		d.Folders[i].Rows = append(d.Folders[i].Rows, row)
	}
	for _, p := range book.Sorted(f.Papers) {
		if _, open := q.paperSigned(f, p.Test); open != "" {
			d.Unsigned = append(d.Unsigned, link{p.Test, gridBase(d.ID, p.Test)})
		}
	}
	for _, n := range book.Sorted(f.Notes) {
		if n.Cleared.IsZero() {
			d.Notes = append(d.Notes, link{n.ID + " on " + n.Test, gridBase(d.ID, n.Test)})
		}
	}
	return nil
}

// paperSigned is who signed a workpaper off, and what is open on it.
func (q *request) paperSigned(f *fieldwork.File, test string) (signed, open string) {
	p := f.Papers[test]
	if p == nil {
		return "", ""
	}
	zone := (&gridLook{terms: f.Terms}).zone()
	var by, left []string
	for _, x := range []struct {
		what string
		sign *fieldwork.Signed
	}{{"Prepared", p.Prepared}, {"Reviewed", p.Reviewed}} {
		if x.sign == nil {
			left = append(left, "not "+strings.ToLower(x.what))
			continue
		}
		by = append(by, x.what+" by "+q.name(x.sign.By)+", "+report.Moment(x.sign.At, zone))
	}
	if n := len(f.OpenNotes(test)); n > 0 {
		left = append(left, report.Plural(n, "open note", "open notes"))
	}
	open = report.List(left)
	if open != "" {
		open = sentence(open)
	}
	return strings.Join(by, "; "), open
}

// state is what became of the file, and what can be done with it now.
func (d *firmArchivePage) state(q *request, s *fieldwork.State, f *fieldwork.File) {
	zone, now := (&gridLook{terms: f.Terms}).zone(), q.now()
	if due := f.LockDue(); !due.IsZero() {
		d.Due, d.Overdue = report.Day(due, zone), now.After(due)
		years := q.st.p.Def.FileKeptFor()
		d.Kept = report.Day(due.AddDate(years, 0, -fieldwork.AssemblyDays), zone) + ", " + report.Plural(years, "year", "years") + " after its report was released, by this firm's class of retention"
	}
	toAssemble, toLock := firmMissing(s.Standing(f, "archive.assemble", "", now)), firmMissing(s.Standing(f, "archive.lock", "", now))
	may := q.gridMay("file.assemble")
	d.MayAssemble = may && len(toAssemble) == 0
	a := f.Archive
	if a == nil {
		d.Missing = toAssemble
		return
	}
	d.Assembled, d.Digest = report.Moment(a.Assembled, zone)+", by "+q.name(a.By), a.Digest
	if a.Locked.IsZero() {
		d.MayLock, d.Stale = may && len(toLock) == 0, len(toLock) > 0
		return
	}
	ref := audit.EvidenceRef(a.Record)
	d.Locked, d.Record, d.MayTake, d.MayAdd = report.Moment(a.Locked, zone)+", by "+q.name(a.LockedBy), link{ref, q.at("evidence", ref)}, may, may
	for _, x := range a.Added {
		d.Added = append(d.Added, firmAddition{x.Name, x.Why, q.name(x.By), report.Moment(x.At, zone), firmBytes(x.Size), x.Digest})
	}
}

// An archiveStands is what the sentence of the page is about.
type archiveStands struct {
	Issued, Assembled, Stale, Locked, Overdue bool
	N, Added, Open                            int // documents; additions; workpapers unsigned and notes open
	Due                                       string
}

func (d *firmArchivePage) stands(f *fieldwork.File) archiveStands {
	return archiveStands{Issued: len(f.Issues) > 0, Assembled: d.Assembled != "", Stale: d.Stale, Locked: d.Locked != "", Overdue: d.Overdue, N: d.N, Added: len(d.Added), Open: len(d.Unsigned) + len(d.Notes), Due: d.Due}
}

// sayArchive says whether the file is complete, reviewed and locked.
func sayArchive(s archiveStands) string {
	docs := report.Plural(s.N, "document", "documents")
	due := "is to be locked by " + s.Due
	if s.Overdue {
		due = "was to be locked by " + s.Due
	}
	switch {
	case s.Locked && s.Added == 0:
		return "The file is locked; nothing was added since."
	case s.Locked:
		return "The file is locked; " + report.Plural(s.Added, "document was", "documents were") + " added since, with the reason."
	case !s.Issued && s.Open > 0:
		return "The file holds " + docs + "; " + report.Plural(s.Open, "sign-off or note is", "sign-offs or notes are") + " open, and no report is issued."
	case !s.Issued:
		return "The file holds " + docs + "; no report is issued."
	case s.Stale:
		return "The file has changed since it was assembled, and " + due + "."
	case s.Assembled:
		return "The file is assembled, " + docs + ", and " + due + "."
	}
	return "The report is issued; the file, " + docs + ", is not assembled and " + due + "."
}

func (q *request) firmAssemble() error {
	index, err := q.files.Assemble(q.Context(), q.who, q.PathValue("id"))
	return q.firmArchived(err, "The file is assembled: "+report.Plural(len(index), "document", "documents")+".")
}

func (q *request) firmLock() error {
	err := q.files.Lock(q.Context(), q.who, q.PathValue("id"))
	return q.firmArchived(err, "The file is locked. What is added from now on stands beside it, with who, when and why.")
}

// firmArchived ends an act on the archive: back to its page, or the page again
// with what is wrong.
func (q *request) firmArchived(err error, words string) error {
	if err == nil {
		return q.done(q.under("engagements", q.PathValue("id"), "archive"), words)
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmArchive()
}

// firmArchiveFile gives out the locked file as one that can be checked by itself.
// It is written as it is read: nothing of its size is kept in memory.
func (q *request) firmArchiveFile() error {
	id := q.PathValue("id")
	err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
		if f.Archive == nil || f.Archive.Locked.IsZero() {
			return fmt.Errorf("%w: the file of %s is not locked; there is no archive of it yet", audit.ErrNotFound, id)
		}
		return nil
	})
	if err == nil {
		err = access.Require(q.who, "file.assemble", ofEngagement(id))
	}
	if err != nil {
		return err
	}
	q.asFile(strings.ToLower(id)+".archive", "application/octet-stream")
	q.w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	return q.streamed(0, q.files.WriteArchive(q.Context(), q.who, id, q.w))
}

// firmAddToArchive adds a document to the locked file.
func (q *request) firmAddToArchive() error {
	id := q.PathValue("id")
	up, err := q.upload("file")
	if err != nil {
		return err
	}
	if err := access.Require(q.who, "file.assemble", ofEngagement(id)); err != nil {
		return err
	}
	digest := ""
	size := int64(0)
	if len(up.Data) == 0 {
		err = fmt.Errorf("%w: document: choose the file that is added", audit.ErrInvalid)
	} else {
		digest, size, err = q.st.p.Blobs.Put(q.Context(), bytes.NewReader(up.Data))
	}
	if err == nil {
		err = q.files.AddToArchive(q.Context(), q.who, id, up.Name, strings.TrimPrefix(digest, "sha256:"), size, q.field("why"))
	}
	return q.firmArchived(err, up.Name+" is added to the locked file.")
}
