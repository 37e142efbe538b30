package web

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tieout/audit"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/report"
	"tieout/report/text"
	"tieout/store"
)

// errEnough ends a walk over records.
var errEnough = errors.New("enough")

// An entry is a row of a list of records.
type entry struct {
	link
	Kind, Source, About, Collected, Recorded, Size, What, By string
	Act                                                      string // as it was sealed, where What says it in words
	Erased                                                   bool
}

func (q *request) entry(rec audit.Record) entry {
	loc := q.zone()
	if q.closed(rec) {
		return entry{link: link{Text: rec.Ref()}, Kind: kindWord(rec.Kind), Recorded: report.Moment(rec.Recorded, loc), What: "Belongs to an engagement you are not on"}
	}
	what, act := recordWords(rec, q.name)
	return entry{
		link: link{rec.Ref(), q.at("evidence", rec.Ref())}, Kind: kindWord(rec.Kind), Source: rec.Source, About: spanWords(rec.About, loc),
		Collected: report.Moment(rec.Collected, loc), Recorded: report.Moment(rec.Recorded, loc), Size: report.Number(int(rec.Size)),
		What: what, By: q.name(rec.Actor.Name), Act: act,
	}
}

// spanWords is what a record is about: a moment, or days.
func spanWords(s audit.Span, loc *time.Location) string {
	if s.To.Sub(s.From) <= time.Microsecond {
		return exactly(s.From)
	}
	return report.Days(s, loc)
}

// records lists sealed records in the order of the log.
func (q *request) records() error {
	v := q.URL.Query()
	source, kind := v.Get("source"), v.Get("kind")
	from, err := strconv.ParseInt(v.Get("from"), 10, 64)
	if err != nil || from < 0 {
		from = 0
	}
	data := struct {
		*page
		Rows    []entry
		Next    string
		First   string
		Sources []stateFilter
		Source  string
		Kind    string
	}{page: &q.page, Source: source, Kind: kind}
	next, sees := from, q.seeing()
	err = q.st.p.Records(q.Context(), store.RecordFilter{Source: source, Kind: audit.RecordKind(kind), From: from}, func(rec audit.Record) error {
		if len(data.Rows) == pageLength {
			data.Next = q.to("/evidence", "from", strconv.FormatInt(next, 10), "source", source, "kind", kind)
			return errEnough
		}
		if next = rec.Index + 1; sees(rec) {
			data.Rows = append(data.Rows, q.entry(rec))
		}
		return q.Context().Err()
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if from > 0 {
		data.First = q.to("/evidence", "source", source, "kind", kind)
	}
	data.Sources = append(data.Sources, stateFilter{Word: "Every source", Href: q.to("/evidence", "kind", kind), Here: source == ""})
	for _, s := range q.st.p.Def.Sources {
		data.Sources = append(data.Sources, stateFilter{Word: s.Name, Href: q.to("/evidence", "source", s.Name, "kind", kind), Here: s.Name == source})
	}
	q.Title, q.Heading, q.Wide = "Evidence", "Evidence", true
	q.Say = sayRecords(q.head.Size)
	q.Code = []string{"tieout evidence list"}
	return q.render("records.html", data)
}

// sayRecords says how many records the log holds.
func sayRecords(n int64) string {
	return fmt.Sprintf("%s sealed, in the order of the log; none can be edited.", report.Capital(report.Plural(int(n), "record is", "records are")))
}

// pieceAt reads the record that the path names.
func (q *request) pieceAt() (*period.Piece, error) {
	index, err := period.ParseEvidenceRef(q.PathValue("ref"))
	if err != nil {
		return nil, err
	}
	x, err := q.st.p.Piece(q.Context(), index)
	if errors.Is(err, audit.ErrNotFound) {
		return nil, fmt.Errorf("%w; the log holds %s", err, report.Plural(int(q.head.Size), "entry", "entries"))
	}
	return x, err
}

// A manifestRow is a closed stream that speaks of a record.
type manifestRow struct {
	link
	Type, Items, State string
	Complete           bool
	Checks             []audit.Reconciling
}

func (q *request) record() error {
	x, err := q.pieceAt()
	if err != nil {
		return err
	}
	ref, loc := audit.EvidenceRef(x.Index), q.zone()
	what, act := recordWords(x.Record, q.name)
	data := struct {
		*page
		X                          *period.Piece
		About, Collected, Recorded string
		Size, Entry, Raw           string
		Collection                 string
		CollectionHref             string
		What, Act, By              string
		Manifests                  []manifestRow
		Proof                      []string
		Excerpt                    []string
		Line, Lines                int
		NotText                    bool
		Near                       string
		Witness                    string
		Cites                      []link
		Kind                       string
		Details                    []detail
		Keeping                    period.Keeping
		KeptUntil                  string
		Stated                     []detail // of a document, by who added it
		Moment                     bool     // a screenshot: it proves one moment
	}{page: &q.page, X: x, About: spanWords(x.Record.About, loc), Collected: exactly(x.Record.Collected), Recorded: exactly(x.Record.Recorded),
		Size: report.Plural(int(x.Record.Size), "byte", "bytes"), Entry: report.Number(int(x.Index)), What: what, Act: act, By: q.name(x.Record.Actor.Name),
		Near: q.URL.Query().Get("near"), Proof: x.Proof, Cites: q.cites(x.Index), Kind: kindWord(x.Record.Kind), Details: details(x.Record.Detail)}
	q.Title, q.Heading, q.Ref, q.Say = ref, "Evidence", ref, answer.PieceSentence(x)
	q.Way = []link{{"Evidence", q.to("/evidence")}, {ref, ""}}
	q.Code = []string{"tieout evidence show " + ref, "tieout evidence show " + ref + " --raw", "tieout log verify"}
	stated := period.StatedOf(x.Record)
	for _, l := range stated.Lines() {
		data.Stated = append(data.Stated, detail{l[0], l[1]})
	}
	data.Moment = stated.Screenshot
	if !x.Erased {
		data.Raw = q.under("evidence", ref, "raw")
		if data.Keeping, err = q.st.p.KeepingOf(q.Context(), x.Record); err != nil {
			return err
		}
		data.KeptUntil = report.Day(data.Keeping.Until, loc)
	}
	if x.Collection != nil {
		data.Collection = fmt.Sprintf("%s, by %s, normalizer version %d, begun %s", x.Collection.Source, x.Collection.Driver, x.Collection.Version, report.Moment(x.Collection.Started, loc))
		data.CollectionHref = q.to("/evidence", "source", x.Collection.Source)
	}
	for _, m := range x.Manifests {
		row := manifestRow{link: link{audit.EvidenceRef(m.Record), q.at("evidence", audit.EvidenceRef(m.Record))}, Type: m.Type,
			Items: report.Plural(m.Items, "item", "items"), State: "complete", Complete: m.Complete, Checks: m.Checks}
		if !m.Complete {
			row.State = "incomplete: " + m.Reason
		}
		data.Manifests = append(data.Manifests, row)
	}
	data.Witness = "not externally witnessed: its time and order are this server's own word"
	if len(x.Witnessed) > 0 {
		data.Witness = "seen from outside by " + report.List(x.Witnessed)
	}
	data.Excerpt, data.Line, data.Lines, data.NotText = excerpt(x.Body, data.Near)
	return q.render("record.html", data)
}

// exactly is an instant in the words of every screen, in the log's own zone.
func exactly(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// kindWords say what a record is.
var kindWords = map[audit.RecordKind]string{
	audit.RecordPage: "Page of a source, as it was read", audit.RecordCollection: "Beginning of a collection", audit.RecordManifest: "Stream of a collection, closed",
	audit.RecordEnd: "End of a collection", audit.RecordDefinition: "Revision of the definitions", audit.RecordRun: "Run of the tests",
	audit.RecordDocument: "Document that a person added", audit.RecordRedaction: "Redacted copy", audit.RecordErasure: "Erasure", audit.RecordKey: "Key of the log",
	audit.RecordClock: "Jump of this server's clock", audit.RecordDecision: "Decision about a deviation or a link", audit.RecordReport: "Report, as it was exported",
	audit.RecordActivity: "What somebody asked or did here", audit.RecordEntry: "Entry in a register", audit.RecordFieldwork: "Entry in an examination's file",
	audit.RecordPacket: "What was sent between the sides of an examination", audit.RecordTrust: "Entry on who may read a report",
}

// kindWord is what a record is, in words; of a kind this version does not know,
// its name.
func kindWord(k audit.RecordKind) string {
	if w := kindWords[k]; w != "" {
		return w
	}
	return report.Capital(string(k))
}

// A detail is one value that was sealed beside a record's bytes.
type detail struct{ Name, Value string }

// details are the values of a record's detail, by name; values that hold others
// stay as they were sealed.
func details(raw []byte) (out []detail) {
	var m map[string]json.RawMessage
	if len(raw) == 0 {
		return nil
	}
	if json.Unmarshal(raw, &m) != nil {
		return []detail{{"Detail", string(raw)}}
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		var text string
		if json.Unmarshal(m[name], &text) != nil {
			text = string(m[name])
		}
		if text == "" || text == "null" || text == "[]" || text == "{}" {
			continue
		}
		out = append(out, detail{spaced(name), text})
	}
	return out
}

// spaced writes a name such as notBefore as words: "Not before".
func spaced(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return report.Capital(strings.TrimSpace(b.String()))
}

// cites are the findings that rest on a record.
func (q *request) cites(index int64) []link {
	var out []link
	for _, d := range q.st.devs {
		for _, n := range d.Records {
			if n == index && len(out) < few {
				out = append(out, link{d.Ref, q.at("deviations", d.Ref)})
				break
			}
		}
	}
	return out
}

// excerptLines and excerptWidth are how much of the raw bytes a page shows.
const (
	excerptLines = 14
	excerptWidth = 400
)

// excerpt is the raw bytes round what speaks of an item, else their beginning:
// lines of text, the number of the first of them and of all.
func excerpt(body []byte, near string) (lines []string, first, all int, notText bool) {
	if len(body) == 0 {
		return nil, 0, 0, false
	}
	if !utf8.Valid(body) {
		return nil, 0, 0, true
	}
	list := strings.Split(strings.TrimRight(string(body), "\n"), "\n")
	from := 0
	at, key := -1, ""
	if near != "" {
		at, key = text.LineWith(list, near)
	}
	if at >= 0 {
		from = max(0, at-1)
	}
	for i, l := range list[from:min(len(list), from+excerptLines)] {
		if from+i == at {
			l = text.Around(l, key, excerptWidth)
		}
		lines = append(lines, cutText(l, excerptWidth))
	}
	return lines, from + 1, len(list), false
}

// cutText cuts s to so many characters, and says so.
func cutText(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// raw gives a record's bytes as they were sealed, and only ever as text that
// nothing renders.
func (q *request) raw() error {
	x, err := q.pieceAt()
	if err != nil {
		return err
	}
	if x.Erased {
		return fmt.Errorf("%w: the bytes of %s were erased; only its entry in the log is left", audit.ErrNotFound, audit.EvidenceRef(x.Index))
	}
	if !x.Unchanged {
		return fmt.Errorf("%w: %s: %s", audit.ErrAltered, audit.EvidenceRef(x.Index), x.Fault)
	}
	h := q.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	if !utf8.Valid(x.Body) {
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", "attachment; filename="+audit.EvidenceRef(x.Index)+".bin")
	}
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	h.Set("Content-Length", strconv.Itoa(len(x.Body)))
	if digest, err := hex.DecodeString(strings.TrimPrefix(x.Digest, "sha256:")); err == nil {
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(digest)+":") // RFC 9530
	}
	if q.Method == "HEAD" {
		return nil
	}
	_, _ = q.w.Write(x.Body) // who asked is gone
	return nil
}
