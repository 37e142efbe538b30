package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/report"
	"tieout/report/letter"
)

// An examDisclosure is what a bridge letter has to tell of: one thing on record,
// or the deviations of one test, told of with the same words.
type examDisclosure struct {
	Name, Kind string
	Of         []link // each thing by name, with where it is shown
	What       []string
	Text       string // as it was typed
	refs       []string
}

// An examBridgeRow is a letter that was signed.
type examBridgeRow struct {
	ID, Days, By string
	Forms        []link
}

type examBridgePage struct {
	*page
	ID                  string
	Signed              []examBridgeRow
	Why                 string // there is no letter to write
	From, To, Latest    string
	FromDay, Report     string
	Limit               int
	Known               []examDisclosure
	Decided             []examination.Known
	Refs                string // what the form was made from
	Text, Next, NextMin string
	May                 bool
	Again               string
	Sign                signing
	Auditor, Span       string
}

func (q *request) examBridge() error {
	id := q.PathValue("id")
	data := examBridgePage{page: &q.page, ID: id, May: q.maySign("bridge.sign"), Text: q.PostForm.Get("text"), Next: q.PostForm.Get("next")}
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		q.examFrame(x, "/bridge")
		for _, b := range x.Bridges {
			data.Signed = append(data.Signed, q.bridgeRow(id, b))
		}
		data.Span = firmSpan(x.Terms)
		return nil
	})
	if err != nil {
		return q.unknown(err, "request.read")
	}
	g, err := q.exam.BridgeGround(q.Context(), id, cmp.Or(q.field("to"), q.URL.Query().Get("to")))
	switch {
	case err == nil:
		data.ground(q, g)
	case errors.Is(err, audit.ErrConflict), errors.Is(err, audit.ErrInvalid):
		data.Why = sentence(strings.TrimPrefix(reason(err, audit.ErrConflict), audit.ErrInvalid.Error()+": "))
	default:
		return err
	}
	if data.May && !q.who.Fresh {
		data.Again = toAgain(q.to("/examinations/"+id+"/bridge", "to", data.To))
	} else if data.Sign, err = q.signing(); err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref, q.Wide = "Bridge letters of "+id, "Bridge letters", id, true
	q.Say = sayBridge(data.Why, len(data.Signed), len(data.Known))
	q.Code = []string{"tieout report letter", "tieout verify LETTER.pdf"}
	q.Way = append(q.Way, link{"Bridge letters", ""})
	return q.render("exam-bridge.html", data)
}

// sayBridge says what a letter would have to disclose, or why there is none.
func sayBridge(why string, signed, known int) string {
	out := "No letter has been signed for the days after the report"
	if signed > 0 {
		out = report.Capital(report.Plural(signed, "letter is", "letters are")) + " signed for days after the report"
	}
	switch {
	case why != "":
		return out + ". " + why
	case known == 0:
		return out + "; nothing is on record that a letter would have to disclose."
	}
	return out + "; " + report.Plural(known, "thing is", "things are") + " on record that a letter has to disclose."
}

func (q *request) bridgeRow(id string, b management.Bridge) examBridgeRow {
	row := examBridgeRow{ID: b.ID, Days: dayText(b.From) + " to " + dayText(b.To), By: b.Signed.Name + ", " + b.Signed.Title + ", " + report.Moment(b.Signed.At, q.zone())}
	for _, f := range bridgeForms {
		row.Forms = append(row.Forms, link{f.words, q.under("examinations", id, "bridge/"+b.ID+"/"+f.name)})
	}
	return row
}

// ground fills in what a letter over these days stands on.
func (d *examBridgePage) ground(q *request, g examination.Ground) {
	d.From, d.To, d.Latest, d.Limit, d.Report, d.Auditor = g.From, g.To, g.Latest, g.Limit, g.Report, g.Firm
	d.FromDay, d.Decided, d.Refs = dayText(g.From), g.Decided, strings.Join(g.Refs(), " ")
	d.Known = q.disclosures(g)
	for i := range d.Known {
		d.Known[i].Text = q.PostForm.Get(d.Known[i].Name)
	}
}

// disclosures are what has to be told of; deviations of one test stand together.
func (q *request) disclosures(g examination.Ground) (out []examDisclosure) {
	for _, k := range slices.Concat(g.Modified, g.Known) {
		kind, name := letter.About(k.Ref)
		one := link{Text: name}
		switch prefix, of, _ := strings.Cut(k.Ref, ":"); prefix {
		case "incident":
			one.Href = q.at("incidents", of)
		case "deviation":
			one.Href = q.at("deviations", of)
		}
		i := slices.IndexFunc(out, func(d examDisclosure) bool { return k.Of != "" && d.Name == "of:"+k.Of })
		if i >= 0 {
			out[i].Of, out[i].What, out[i].refs = append(out[i].Of, one), append(out[i].What, k.What), append(out[i].refs, k.Ref)
			continue
		}
		field := k.Ref
		if k.Of != "" {
			field = "of:" + k.Of
		}
		out = append(out, examDisclosure{Name: field, Kind: kind, Of: []link{one}, What: []string{k.What}, refs: []string{k.Ref}})
	}
	return out
}

func (q *request) examSignBridge() error {
	id := q.PathValue("id")
	g, err := q.exam.BridgeGround(q.Context(), id, q.field("to"))
	if err == nil && q.field("refs") != strings.Join(g.Refs(), " ") {
		err = fmt.Errorf("%w: what is on record for these days has changed since you opened the page; look at it again", audit.ErrConflict)
	}
	if err == nil {
		var told []management.Disclosure
		for _, d := range q.disclosures(g) {
			for _, ref := range d.refs {
				told = append(told, management.Disclosure{Ref: ref, Text: q.field(d.Name)})
			}
		}
		d := g.Bridge(q.field("text"), q.field("next"), told)
		digest := ""
		if err = g.Undisclosed(d); err == nil {
			digest, err = d.ToSign()
		}
		if err == nil {
			d.Signed, err = q.sign("bridge letter of "+id, digest)
		}
		if err == nil {
			_, err = q.exam.SignBridge(q.Context(), q.who, id, d, examination.Keys{Store: q.st.p.Store}.Own(q.Context()))
		}
	}
	if err == nil {
		return q.done(q.under("examinations", id, "bridge"), "The bridge letter is signed.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examBridge()
}

// bridgeForms are the files a letter is given as.
var bridgeForms = []struct {
	name, words, media string
	write              func(letter.Letter) ([]byte, error)
}{
	{"pdf", "PDF", "application/pdf", letter.PDF},
	{"html", "Web page", "text/html; charset=utf-8", letter.HTML},
	{"docx", "Word", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", letter.DOCX},
}

// examBridgeFile gives a signed letter as a file.
func (q *request) examBridgeFile() error {
	id, n := q.PathValue("id"), q.PathValue("letter")
	for _, f := range bridgeForms {
		if f.name != q.PathValue("form") {
			continue
		}
		l, err := q.exam.Letter(q.Context(), id, n)
		if err != nil {
			return q.unknown(err, "request.read")
		}
		data, err := f.write(l)
		if err != nil {
			return err
		}
		return q.sendFile(l.ID+"."+f.name, f.media, data)
	}
	return fmt.Errorf("%w: a letter is given as pdf, html or docx", audit.ErrNotFound)
}

// sendFile sends bytes as a file to keep, never as a page of this server.
func (q *request) sendFile(name, media string, data []byte) error {
	h := q.w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+plainName(name)+`"`)
	h.Set("Content-Length", fmt.Sprint(len(data)))
	q.w.WriteHeader(http.StatusOK)
	_, _ = q.w.Write(data) // who asked is gone
	return nil
}
