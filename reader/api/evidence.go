package api

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/store"
)

// maxUpload is how many bytes a request with a document has at most.
const maxUpload = 26 << 20

// evidenceCalls read what is sealed and add documents. There is no call that
// changes, replaces or removes a record, and no permission for one.
func (s *Server) evidenceCalls() {
	add(s, operation{id: "list-evidence", method: http.MethodGet, path: "/evidence", tag: "Evidence", needs: "evidence.read",
		title: "Sealed records, in the order of the log"}, anything[recordsIn], listRecords)
	add(s, operation{id: "get-evidence", method: http.MethodGet, path: "/evidence/{ref}", tag: "Evidence", needs: "evidence.read", example: "/evidence/E-3",
		title: "One sealed record: three dates, where it came from, the proof of its place in the log"}, theRecord, getRecord)
	add(s, operation{id: "get-evidence-raw", method: http.MethodGet, path: "/evidence/{ref}/raw", tag: "Evidence", needs: "evidence.read", example: "/evidence/E-3/raw",
		title: "The bytes of a record as they were sealed", detail: "Checked against the log before they are sent; Repr-Digest (RFC 9530) says their SHA-256."}, theRecord, getRaw)
	add(s, operation{id: "add-evidence", method: http.MethodPost, path: "/evidence", tag: "Evidence", needs: "evidence.add", body: maxUpload, status: http.StatusCreated,
		title: "Add a document as evidence, sealed with its three dates", detail: "Nothing that is sealed can be changed, by anyone."}, addable, addRecord)
}

// Record is a sealed record without its bytes.
type Record struct {
	Ref    string       `json:"ref" doc:"Such as E-481"`
	Index  int64        `json:"index" doc:"Its place in the log"`
	Record audit.Record `json:"record"`
	What   string       `json:"what" doc:"In words"`
}

func recordOf(rec audit.Record) Record {
	return Record{rec.Ref(), rec.Index, rec, period.EntryWords(rec)}
}

type recordsIn struct {
	Of
	Paging
	Source string `query:"source" maxLength:"100" doc:"Only of this source"`
	Kind   string `query:"kind" maxLength:"50" doc:"Only of this kind, such as page or document"`
}

func listRecords(c *call, in *recordsIn) (*listOut[Record], error) {
	head, err := c.P.Store.Head(c)
	if err != nil {
		return nil, err
	}
	filters := []string{"period", in.Period, "source", in.Source, "kind", in.Kind}
	return records(c, &in.Paging, "/evidence", filters, c.SayRecords(head), store.RecordFilter{Source: in.Source, Kind: audit.RecordKind(in.Kind)}, c.Seeing())
}

// records is a page of the log's records that sees accepts; a cursor holds the
// index from which on the next page reads.
func records(c *call, p *Paging, path string, filters []string, say string, f store.RecordFilter, sees func(audit.Record) bool) (*listOut[Record], error) {
	at, err := p.from(append([]string{path}, filters...)...)
	if err != nil {
		return nil, err
	}
	f.From = at
	out := &listOut[Record]{Body: List[Record]{Schema: "tieout.records/1", Summary: Summary{say}, Items: []Record{}}}
	err = c.P.Records(c, f, func(rec audit.Record) error {
		if !sees(rec) {
			return c.Err()
		}
		if len(out.Body.Items) == p.Limit {
			out.follow(p, rec.Index, path, filters)
			return errEnough
		}
		out.Body.Items = append(out.Body.Items, recordOf(rec))
		return c.Err()
	})
	return out, enough(err)
}

type recordIn struct {
	Of
	Ref string `path:"ref" maxLength:"30" doc:"Such as E-481"`
}

func theRecord(c *call, in *recordIn) (access.Object, error) {
	i, err := period.ParseEvidenceRef(in.Ref)
	if err != nil {
		return access.Object{}, c.Unknown(fmt.Errorf("%w: %w", audit.ErrNotFound, err), "evidence.read")
	}
	rec, err := c.P.Store.Record(c, i)
	if err != nil {
		return access.Object{}, c.Unknown(err, "evidence.read")
	}
	if err := c.MayOpen(rec); err != nil {
		return access.Object{}, err
	}
	return c.OfSource(rec.Source), nil
}

func (c *call) piece(ref string) (*period.Piece, error) {
	i, err := period.ParseEvidenceRef(ref)
	if err != nil {
		return nil, err
	}
	return c.P.Piece(c, i)
}

func getRecord(c *call, in *recordIn) (*oneOut[*period.Piece], error) {
	x, err := c.piece(in.Ref)
	if err != nil {
		return nil, err
	}
	return one(answer.RecordSchema, answer.PieceSentence(x), x), nil
}

type rawOut struct {
	Type        string `header:"Content-Type" doc:"text/plain where it is text, else application/octet-stream: nothing renders it"`
	Disposition string `header:"Content-Disposition"`
	Digest      string `header:"Repr-Digest" doc:"RFC 9530"`
	ETag        string `header:"ETag"`
	Body        []byte
}

func getRaw(c *call, in *recordIn) (*rawOut, error) {
	x, err := c.piece(in.Ref)
	if err != nil {
		return nil, err
	}
	ref := audit.EvidenceRef(x.Index)
	switch {
	case x.Erased:
		return nil, fmt.Errorf("%w: the bytes of %s were erased; only its entry in the log is left", audit.ErrNotFound, ref)
	case !x.Unchanged:
		return nil, fmt.Errorf("%w: %s: %s", audit.ErrAltered, ref, x.Fault)
	}
	out := &rawOut{Type: "text/plain; charset=utf-8", ETag: `"` + x.Digest + `"`, Body: x.Body}
	if !utf8.Valid(x.Body) {
		out.Type, out.Disposition = "application/octet-stream", "attachment; filename="+ref+".bin"
	}
	digest, err := hex.DecodeString(strings.TrimPrefix(x.Digest, "sha256:"))
	if err != nil {
		return nil, fmt.Errorf("%w: digest of %s: %w", audit.ErrAltered, ref, err)
	}
	out.Digest = "sha-256=:" + base64.StdEncoding.EncodeToString(digest) + ":"
	return out, nil
}

// uploadForm is a document with what its sender states of it.
type uploadForm struct {
	File     huma.FormFile `form:"file" required:"true" doc:"The file, as it is"`
	Title    string        `form:"title" required:"true" maxLength:"300" doc:"What it is"`
	First    string        `form:"first" required:"true" maxLength:"10" doc:"The first day it is about, such as 2026-09-01"`
	Last     string        `form:"last" required:"false" maxLength:"10" doc:"The last day it is about, included; left out: the first"`
	Controls string        `form:"controls" required:"false" maxLength:"2000" doc:"IDs of controls it is for, separated by spaces"`
	Task     string        `form:"task" required:"false" maxLength:"300" doc:"ID of the task it was added for"`

	System     string `form:"system" required:"false" maxLength:"4000" doc:"System it was taken from, as its sender states it"`
	Query      string `form:"query" required:"false" maxLength:"4000" doc:"Query or report that was run"`
	Range      string `form:"range" required:"false" maxLength:"4000" doc:"What was asked for: dates, filters"`
	Rows       string `form:"rows" required:"false" maxLength:"20" doc:"Rows in it, as the system counted them"`
	Screenshot bool   `form:"screenshot" required:"false" doc:"It is a picture of a screen, which proves one moment"`
	Address    string `form:"screenAddress" required:"false" maxLength:"4000" doc:"Of a screenshot: address that the screen shows"`
	Account    string `form:"screenAccount" required:"false" maxLength:"4000" doc:"Of a screenshot: account that is signed in on it"`
	Clock      string `form:"screenClock" required:"false" maxLength:"4000" doc:"Of a screenshot: date and time seen on it"`
}

// stated is what its sender says of where a document came from.
func (f *uploadForm) stated() (period.Stated, error) {
	rows, err := period.StatedRows(f.Rows)
	return period.Stated{System: f.System, Query: f.Query, Range: f.Range, Rows: rows, Screenshot: f.Screenshot, Address: f.Address, Account: f.Account, Clock: f.Clock}, err
}

type uploadIn struct {
	Of
	Again
	RawBody huma.MultipartFormFiles[uploadForm]
}

// addable is something that may be added to, where there is any; what a request
// really names is asked for when it was read. It is asked before the form is read
// too.
func addable[I any](c *call, _ *I) (access.Object, error) { return c.some("evidence.add"), nil }

func addRecord(c *call, in *uploadIn) (*oneOut[Record], error) {
	f := in.RawBody.Data()
	body, err := readFile(f.File.File, f.File.Size)
	if err != nil {
		return nil, err
	}
	last := f.Last
	if last == "" {
		last = f.First
	}
	span, err := audit.NewPeriod(f.First, last, c.P.Period.Zone)
	if err != nil {
		return nil, fmt.Errorf("%w: say of which days it is: first and last, in this order", audit.ErrInvalid)
	}
	d := period.Document{Title: f.Title, File: visible(f.File.Filename), Controls: strings.Fields(f.Controls), Task: f.Task, About: span.Span, Body: body, Via: c.Who.Facts()}
	if d.Stated, err = f.stated(); err != nil {
		return nil, err
	}
	for _, id := range d.Controls {
		if !slices.ContainsFunc(c.P.Selection().Controls, func(x audit.Control) bool { return x.ID == id }) {
			return nil, fmt.Errorf("%w: there is no control %q in this period", audit.ErrInvalid, id)
		}
	}
	if d.Task != "" {
		list, err := c.Tasks(c)
		if err == nil {
			err = list.Known(d.Task)
		}
		if err != nil {
			return nil, err
		}
	}
	on := c.OfControls(d.Controls...)
	if on.Owner = c.Who.Account; len(d.Controls) == 0 {
		on = c.some("evidence.add")
	}
	if err := access.Require(c.Who, "evidence.add", on); err != nil {
		return nil, err
	}
	if c.Who.Once != "" {
		d.ID = program.OnceID(c.Who)
	}
	rec, err := c.P.SealDocument(c, audit.Actor{Kind: c.Who.Kind, Name: c.Who.Account}, d)
	if err != nil {
		return nil, err
	}
	return made(one("tieout.record/1", "Sealed as "+rec.Ref()+", the auditor sees it.", recordOf(rec)), "evidence", rec.Ref()), nil
}

// readFile reads a file of a form whole; its size was bounded with the request.
func readFile(f multipart.File, size int64) ([]byte, error) {
	if f == nil || size == 0 {
		return nil, fmt.Errorf("%w: file: choose a file that is not empty", audit.ErrInvalid)
	}
	defer func() { _ = f.Close() }() // it was only read
	body := make([]byte, size)
	if n, err := f.ReadAt(body, 0); int64(n) != size {
		return nil, fmt.Errorf("%w: file: %s of %s bytes arrived: %w", audit.ErrInvalid, strconv.Itoa(n), strconv.FormatInt(size, 10), err)
	}
	return body, nil
}
