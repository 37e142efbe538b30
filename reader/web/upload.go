package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
)

// uploadRoutes take files as evidence.
var uploadRoutes = []route{
	{pattern: "GET /evidence/new", needs: "evidence.add", on: addable, do: (*request).newEvidence},
	{pattern: "POST /evidence", needs: "evidence.add", on: addable, do: (*request).addEvidence},
	{pattern: "GET /evidence/{ref}/file", needs: "evidence.read", on: theRecord, do: (*request).file},
}

// addable is something that who is signed in may add evidence to, where there is
// any; what a form really names is asked for when it was read.
func addable(q *request) (access.Object, error) {
	for _, o := range q.addables() {
		if q.may("evidence.add", o) {
			return o, nil
		}
	}
	return access.Object{}, nil
}

// addables are what grants reach, one by one: what is written has to lie whole
// within one of them.
func (q *request) addables() []access.Object {
	out := []access.Object{{Owner: q.who.Account}}
	for _, g := range q.who.Grants {
		switch g.Scope {
		case access.ScopeControl:
			out = append(out, access.Object{Controls: []string{g.Object}, Owner: q.who.Account})
		case access.ScopeSystem:
			out = append(out, access.Object{Systems: []string{g.Object}, Owner: q.who.Account})
		}
	}
	return out
}

// An evidencePage is the form that takes a file.
type evidencePage struct {
	*page
	Title, From, Till, Controls string
	Task                        string
	Today                       string

	System, Query, Range, Rows string
	Screenshot                 bool
	Address, Account, Clock    string
}

// stated is what the form says of where the file came from.
func (d *evidencePage) stated() (period.Stated, error) {
	rows, err := period.StatedRows(d.Rows)
	return period.Stated{System: d.System, Query: d.Query, Range: d.Range, Rows: rows,
		Screenshot: d.Screenshot, Address: d.Address, Account: d.Account, Clock: d.Clock}, err
}

func (q *request) newEvidence() error {
	v := q.URL.Query()
	return q.showUpload(evidencePage{Controls: v.Get("control"), Task: v.Get("task")})
}

func (q *request) showUpload(data evidencePage) error {
	data.page, data.Today = &q.page, q.now().In(q.zone()).Format(time.DateOnly)
	q.page.Title, q.Heading, q.Way = "Add evidence", "Add evidence", []link{{"Evidence", q.to("/evidence")}}
	q.Say = "A file is sealed as it is, with three dates: of what days it is, when it was added, when it was recorded. None of them can be changed."
	q.Code = []string{"tieout evidence add FILE --from DAY --to DAY --title TITLE --control ID"}
	return q.render("upload.html", data)
}

func (q *request) addEvidence() error {
	file, err := q.upload("file")
	if err != nil {
		return err
	}
	data := evidencePage{Title: q.field("title"), From: q.field("from"), Till: q.field("till"), Controls: q.field("controls"), Task: q.field("task"),
		System: q.field("system"), Query: q.field("query"), Range: q.field("range"), Rows: q.field("rows"),
		Screenshot: q.field("screenshot") != "", Address: q.field("screen-address"), Account: q.field("screen-account"), Clock: q.field("screen-clock")}
	d := period.Document{Title: data.Title, Controls: strings.FieldsFunc(data.Controls, func(r rune) bool { return r == ' ' || r == ',' }), Task: data.Task}
	var rec audit.Record
	if d.About, err = q.days(data.From, data.Till); err == nil && d.Title == "" {
		err = fmt.Errorf("%w: say what it is: title", audit.ErrInvalid)
	}
	if err == nil {
		d.Stated, err = data.stated()
	}
	if err == nil {
		rec, err = q.sealUpload(file, d)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.showUpload(data)
	}
	words := "Sealed as " + rec.Ref() + ", the auditor sees it."
	switch {
	case data.Task != "":
		return q.done(q.at("me/work", data.Task, "document", rec.Ref()), words)
	case q.may("evidence.read", q.ofControls(d.Controls...)):
		return q.done(q.at("evidence", rec.Ref()), words)
	}
	return q.done("/evidence/new", words)
}

// days reads two days, both included, in the period's zone.
func (q *request) days(first, last string) (audit.Span, error) {
	p, err := audit.NewPeriod(first, cmp.Or(last, first), q.st.p.Period.Zone)
	if err != nil {
		return audit.Span{}, fmt.Errorf("%w: say of which days it is: the first and the last, in this order", audit.ErrInvalid)
	}
	return p.Span, nil
}

// sealUpload seals a file that was sent, once it was asked whether its sender
// may add evidence for what it names.
func (q *request) sealUpload(file upload, d period.Document) (audit.Record, error) {
	if len(file.Data) == 0 {
		return audit.Record{}, fmt.Errorf("%w: choose a file that is not empty", audit.ErrInvalid)
	}
	for _, c := range d.Controls {
		if !slices.ContainsFunc(q.st.p.Selection().Controls, func(x audit.Control) bool { return x.ID == c }) {
			return audit.Record{}, fmt.Errorf("%w: there is no control %q in this period", audit.ErrInvalid, c)
		}
	}
	if d.Task != "" {
		list, err := q.tasks()
		if err == nil {
			err = list.Known(d.Task)
		}
		if err != nil {
			return audit.Record{}, err
		}
	}
	on := q.ofControls(d.Controls...)
	if on.Owner = q.who.Account; len(d.Controls) == 0 {
		on = q.ofNothing()
	}
	if err := access.Require(q.who, "evidence.add", on); err != nil {
		return audit.Record{}, err
	}
	d.File, d.Body, d.Via = visible(file.Name), file.Data, q.who.Facts()
	return q.st.p.SealDocument(q.Context(), audit.Actor{Kind: q.who.Kind, Name: q.who.Account}, d)
}

// visible leaves out marks that turn the direction of a name round or are not
// seen, so that it reads as what it is.
func visible(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}, name)
}

// ofNothing is evidence that names no control: whoever may add any may add it.
func (q *request) ofNothing() access.Object {
	o, _ := addable(q)
	return o
}

// shown are the kinds of bytes that browsers show and never run, here inside a
// sandbox; everything else is only handed over as a file.
var shown = map[string]bool{"application/pdf": true, "image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true}

// file hands a document over as it is, under its own name. What it is was read
// from its bytes when it was sealed; nobody's word for it is passed on.
func (q *request) file() error {
	x, err := q.pieceAt()
	if err != nil {
		return err
	}
	switch {
	case x.Record.Kind != audit.RecordDocument && x.Record.Kind != audit.RecordRedaction:
		return fmt.Errorf("%w: %s is no document", audit.ErrNotFound, x.Record.Ref())
	case x.Erased:
		return fmt.Errorf("%w: the bytes of %s were erased; only its entry in the log is left", audit.ErrNotFound, audit.EvidenceRef(x.Index))
	case !x.Unchanged:
		return fmt.Errorf("%w: %s: %s", audit.ErrAltered, audit.EvidenceRef(x.Index), x.Fault)
	}
	h := q.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	how := "attachment"
	if shown[x.Record.Media] && q.URL.Query().Get("show") != "" {
		h.Set("Content-Type", x.Record.Media)
		how = "inline"
	}
	name := plainName(fileOf(x.Record))
	h.Set("Content-Disposition", how+"; filename*=UTF-8''"+strings.ReplaceAll(url.QueryEscape(name), "+", "%20")) // RFC 6266, RFC 8187
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	h.Set("Content-Length", fmt.Sprint(len(x.Body)))
	if q.Method != "HEAD" {
		_, _ = q.w.Write(x.Body) // who asked is gone
	}
	return nil
}

// fileOf is the name a document was added under.
func fileOf(rec audit.Record) string {
	var d struct{ File string }
	if json.Unmarshal(rec.Detail, &d) != nil {
		return rec.Ref()
	}
	return d.File
}
