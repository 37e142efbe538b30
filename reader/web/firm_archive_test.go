package web

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement/fieldwork"
)

const archiveAt = "/engagements/EN-1/archive"

// archived assembles, locks, takes and adds to the file of an issued report.
func (w *reportWorld) archived() {
	t, m := w.tt, w.manager
	t.Helper()
	page := m.page(archiveAt)
	holdPage(t, archiveAt, page)
	holds(t, page, "is not assembled and is to be locked by", "Prepared by Stef", "Reviewed by Mika", "papers/"+gridTest+".json")
	if strings.Contains(page, "Lock the file") {
		t.Error("a file that is not assembled can be locked")
	}
	if got := w.staff.post(archiveAt + "/assemble"); got.Code < 400 {
		t.Errorf("staff assembles: %d", got.Code)
	}
	m.refused("a lock before the index", "not assembled", archiveAt+"/lock")
	if got := m.get(archiveAt + "/file"); got.Code != http.StatusNotFound {
		t.Errorf("an archive before the lock: %d", got.Code)
	}
	holds(t, m.went(m.post(archiveAt+"/assemble")), "The file is assembled", "Lock the file")
	if got := w.partner.post(reportAt+"/copies", "for", "Bo", "mail", "bo@b.test", "why", "Asked.", "mark", "yes"); got.Code != http.StatusOK {
		t.Fatalf("another copy: %d", got.Code)
	}
	holds(t, m.page(archiveAt), "The file has changed since it was assembled", "Assemble it again")
	m.refused("a lock after a change", "changed since", archiveAt+"/lock")
}

// locked locks the file and adds to it.
func (w *reportWorld) locked() {
	t, m := w.tt, w.manager
	t.Helper()
	m.went(m.post(archiveAt + "/assemble"))
	page := m.went(m.post(archiveAt + "/lock"))
	holdPage(t, archiveAt, page)
	holds(t, page, "The file is locked; nothing was added since.", "Take the archive as one file", "Add a document")
	m.refused("assembling a locked file", "it is locked", archiveAt+"/assemble")
	if got := m.postFile(archiveAt+"/add", "file", "memo.txt", "A memo.", "why", ""); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("an addition without a reason: %d", got.Code)
	}
	page = m.went(m.postFile(archiveAt+"/add", "file", "memo "+evil+".txt", "A memo.", "why", "It came late "+evil))
	holdPage(t, archiveAt, page)
	holds(t, page, "1 document was added since, with the reason", "It came late &lt;")
	got := m.get(archiveAt + "/file")
	if got.Code != http.StatusOK || !strings.Contains(got.Header().Get("Content-Disposition"), "en-1.archive") {
		t.Fatalf("the archive: %d %v", got.Code, got.Header())
	}
	head, err := fieldwork.VerifyArchive(bytes.NewReader(got.Body.Bytes()))
	gridCheck(t, err)
	if head.Engagement != "EN-1" || len(head.Added) != 1 {
		t.Errorf("the archive's head: %+v", head)
	}
	bad := bytes.Clone(got.Body.Bytes())
	bad[len(bad)/2] ^= 1
	if _, err := fieldwork.VerifyArchive(bytes.NewReader(bad)); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("one changed bit: %v", err)
	}
	holds(t, w.partner.page(reportAt), "The file is locked: a report that supersedes this one is an engagement of its own.")
	w.partner.refused("a revision after the lock", "it is locked", reportAt+"/revise", "revise-why", "Something came out.")
}

func TestSayArchive(t *testing.T) {
	for _, c := range []struct {
		name string
		s    archiveStands
		want string
	}{
		{"empty", archiveStands{}, "The file holds 0 documents; no report is issued."},
		{"one open", archiveStands{N: 1, Open: 1}, "The file holds 1 document; 1 sign-off or note is open, and no report is issued."},
		{"issued", archiveStands{N: 2, Issued: true, Due: "1 Mar 2027"}, "The report is issued; the file, 2 documents, is not assembled and is to be locked by 1 Mar 2027."},
		{"assembled", archiveStands{N: 2, Issued: true, Assembled: true, Due: "1 Mar 2027", Overdue: true}, "The file is assembled, 2 documents, and was to be locked by 1 Mar 2027."},
		{"stale", archiveStands{N: 2, Issued: true, Assembled: true, Stale: true, Due: "1 Mar 2027"}, "The file has changed since it was assembled, and is to be locked by 1 Mar 2027."},
		{"locked", archiveStands{N: 2, Issued: true, Assembled: true, Locked: true}, "The file is locked; nothing was added since."},
		{"added one", archiveStands{Locked: true, Added: 1}, "The file is locked; 1 document was added since, with the reason."},
		{"added many", archiveStands{Locked: true, Added: 3}, "The file is locked; 3 documents were added since, with the reason."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sayArchive(c.s); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
