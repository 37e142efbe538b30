package web

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/policy"
	"tieout/report"
)

// examLetterRoutes are what management signs: assertion, letter of representation
// and bridge letters.
var examLetterRoutes = []route{
	{pattern: "GET /examinations/{id}/letters", needs: "request.read", on: examWhole, do: (*request).examLetters},
	{pattern: "GET /examinations/{id}/letters/assertion", needs: "request.read", on: examWhole, do: (*request).examAssertionPage},
	{pattern: "POST /examinations/{id}/letters/assertion", needs: "assertion.sign", on: examWhole, do: (*request).examAssert},
	{pattern: "GET /examinations/{id}/letters/representation", needs: "request.read", on: examWhole, do: (*request).examRepresentationPage},
	{pattern: "POST /examinations/{id}/letters/representation", needs: "representation.sign", on: examWhole, do: (*request).examRepresent},
	{pattern: "GET /examinations/{id}/bridge", needs: "request.read", on: examWhole, do: (*request).examBridge},
	{pattern: "POST /examinations/{id}/bridge", needs: "bridge.sign", on: examWhole, do: (*request).examSignBridge},
	{pattern: "GET /examinations/{id}/bridge/{letter}/{form}", needs: "request.read", on: examWhole, do: (*request).examBridgeFile, example: "/examinations/EN-1/bridge/L-1/pdf"},
}

// An examSigned is an assertion or a letter of one party as the page shows it.
type examSigned struct {
	Party          string
	Own            bool   // the company's own
	What, Href     string // "Assertion", where it is written and signed
	Class, Word    string
	Text, Except   template.HTML
	Version        int    // 0: signed before assertions and letters counted theirs
	Under          string // digest of the terms it names
	Decided        []link // part and decision
	By, Dated, Key string
	Missing        []string // before it can be signed
	Anew           string   // why it is to be signed again; "": it stands
}

// A decidedPart is a part of an assertion in words.
type decidedPart struct {
	part  engagement.Part
	words string
	of    func(*engagement.Decisions) *bool
}

var decidedParts = []decidedPart{
	{engagement.PartDescription, "The description presents the system as it was designed and put in place", func(d *engagement.Decisions) *bool { return &d.Description }},
	{engagement.PartDesign, "The controls were suitably designed", func(d *engagement.Decisions) *bool { return &d.Design }},
	{engagement.PartOperation, "The controls operated effectively", func(d *engagement.Decisions) *bool { return &d.Operation }},
}

// asserting are the parts that an assertion of that type decides.
func asserting(t engagement.Type) []decidedPart {
	return slices.DeleteFunc(slices.Clone(decidedParts), func(p decidedPart) bool { return !slices.Contains(t.Parts(), p.part) })
}

// beforeLetter is what has to be there before a party signs.
func beforeLetter(x *management.Side, party string, representation bool, now time.Time) (out []string) {
	switch {
	case x.State.Over():
		return []string{"the examination is " + string(x.State)}
	case x.Closed():
		return []string{"the report is issued; only a superseding report changes it"}
	}
	if x.Agreed == nil {
		out = append(out, "management has not agreed to the terms")
	}
	if !x.Ended(now) {
		out = append(out, "the days that are examined are not over; the last one is "+dayText(x.Ends()))
	}
	if x.Final == nil && party == x.Terms.Client.Name && !representation && slices.Contains(x.Terms.Type.Parts(), engagement.PartDescription) {
		out = append(out, "no version of the description is finished, of which the assertion speaks")
	}
	if representation && x.Assertions[party] == nil {
		out = append(out, party+" has not signed its assertion, which the letter confirms")
	}
	return out
}

func (q *request) examSignedRows(x *management.Side) (out []examSigned) {
	for _, party := range x.Parties() {
		own := party == x.Terms.Client.Name
		a := examSigned{Party: party, Own: own, What: "Assertion", Href: q.to("/examinations/"+x.Terms.ID+"/letters/assertion", "by", party), Class: "due", Word: "Not signed", Missing: beforeLetter(x, party, false, q.now())}
		if d := x.Assertions[party]; d != nil {
			a.signed(q, d.Signed, d.Dated, d.Text)
			a.Version, a.Under = d.Version, d.Terms
			a.Except = policy.HTML(d.Decision.Except)
			for _, p := range asserting(x.Terms.Type) {
				word := "Not asserted"
				if *p.of(&d.Decision) {
					word = "Asserted"
				}
				a.Decided = append(a.Decided, link{word, p.words})
			}
			a.anew(x.AssertionAnew(party))
		}
		l := examSigned{Party: party, Own: own, What: "Letter of representation", Href: q.to("/examinations/"+x.Terms.ID+"/letters/representation", "by", party), Class: "due", Word: "Not signed", Missing: beforeLetter(x, party, true, q.now())}
		if d := x.Letters[party]; d != nil {
			l.signed(q, d.Signed, d.Dated, d.Text)
			l.Version, l.Under = d.Version, d.Terms
			l.anew(x.LetterAnew(party))
		}
		out = append(out, a, l)
	}
	return out
}

// anew says why it is to be signed again, if it is.
func (s *examSigned) anew(why string) {
	if why != "" {
		s.Class, s.Anew = "late", why
	}
}

func (s *examSigned) signed(q *request, sig engagement.Signature, dated, text string) {
	s.Class, s.Word, s.Text, s.Key = "ok", "Signed", policy.HTML(text), sig.Key
	s.By, s.Dated = sig.Name+", "+sig.Title+", "+report.Moment(sig.At, q.zone()), dayText(dated)
}

func (q *request) examLetters() error {
	id := q.PathValue("id")
	data := struct {
		*page
		ID   string
		Rows []examSigned
		May  bool
	}{page: &q.page, ID: id, May: q.maySign("assertion.sign")}
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		q.examFrame(x, "/letters")
		data.Rows = q.examSignedRows(x)
		q.Say = sayLetters(data.Rows)
		return nil
	})
	if err != nil {
		return q.unknown(err, "request.read")
	}
	q.Title, q.Heading, q.Ref, q.Wide = "Letters of "+id, "Assertion and letters", id, true
	q.Way = append(q.Way, link{"Letters", ""})
	return q.render("exam-letters.html", data)
}

// sayLetters says what is signed and what waits for a signature.
func sayLetters(rows []examSigned) string {
	signed, anew, open := 0, 0, 0
	for _, r := range rows {
		switch {
		case r.Anew != "":
			anew++
		case r.By != "":
			signed++
		case len(r.Missing) == 0:
			open++
		}
	}
	switch {
	case anew > 0:
		return report.Capital(report.Plural(anew, "text was signed before something in it changed", "texts were signed before something in them changed")) + ": sign anew."
	case signed == len(rows):
		return "Everything that management signs is signed."
	case open > 0:
		return fmt.Sprintf("%s of %s signed; %s now.", report.Number(signed), report.Plural(len(rows), "text is", "texts are"), report.Plural(open, "can be signed", "can be signed"))
	}
	return fmt.Sprintf("%s of %s signed; nothing can be signed yet.", report.Number(signed), report.Plural(len(rows), "text is", "texts are"))
}

// An examLetterForm is an assertion or a letter as it is written and signed.
type examLetterForm struct {
	*page
	ID, By, Action      string
	Own                 bool
	Representation      bool
	Missing             []string
	Parts               []examDecision
	Text, Dated, Except string
	Terms               string   // that it will name, as they were when the form was opened
	Version             int      // that it will be
	Facts               []string // that stand beside it
	May                 bool
	Again               string
	Sign                signing
	Signed              *examSigned
}

// An examDecision is one part to decide on.
type examDecision struct {
	Name, Words string
	Yes, No     bool // as it was just typed; nothing is chosen before
}

func (q *request) examAssertionPage() error { return q.examLetterPage(false) }

func (q *request) examRepresentationPage() error { return q.examLetterPage(true) }

// examLetterPage is the form of a party's assertion or letter.
func (q *request) examLetterPage(representation bool) error {
	id := q.PathValue("id")
	right, what, part := access.PermissionID("assertion.sign"), "Assertion", "letters/assertion"
	if representation {
		right, what, part = "representation.sign", "Letter of representation", "letters/representation"
	}
	data := examLetterForm{page: &q.page, ID: id, Representation: representation, Action: q.under("examinations", id, part), May: q.maySign(right),
		Text: q.PostForm.Get("text"), Dated: q.PostForm.Get("dated"), Except: q.PostForm.Get("except")}
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		q.examFrame(x, "/letters")
		data.By = cmp.Or(q.PostForm.Get("by"), q.URL.Query().Get("by"), x.Terms.Client.Name)
		if !slices.Contains(x.Parties(), data.By) {
			return fmt.Errorf("%w: %q asserts nothing in %s", audit.ErrNotFound, data.By, id)
		}
		data.Own = data.By == x.Terms.Client.Name
		next := x.NextAssertion(data.By)
		if representation {
			next = x.NextLetter(data.By)
		}
		data.Terms, data.Version = next.Terms, next.Version
		data.Missing, data.Facts = beforeLetter(x, data.By, representation, q.now()), assertFacts(x, q.zone())
		for _, r := range q.examSignedRows(x) {
			if r.Party == data.By && (r.What == what) && r.By != "" {
				data.Signed = &r
			}
		}
		if !representation {
			for _, p := range asserting(x.Terms.Type) {
				name := string(p.part)
				data.Parts = append(data.Parts, examDecision{name, p.words, q.PostForm.Get(name) == "yes", q.PostForm.Get(name) == "no"})
			}
		}
		q.Say = sayLetterForm(what, data.By, data.Signed, data.Missing)
		return nil
	})
	if err != nil {
		return q.unknown(err, "request.read")
	}
	if data.May && !q.who.Fresh {
		data.Again = toAgain(q.to("/examinations/"+id+"/"+part, "by", data.By))
	} else if data.Sign, err = q.signing(); err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref, q.Wide = what+" of "+id, what+" of "+data.By, id, true
	q.Way = append(q.Way, link{"Letters", q.under("examinations", id, "letters")}, link{what, ""})
	return q.render("exam-letter.html", data)
}

// assertFacts are what is on record beside a decision; nothing of it decides.
func assertFacts(x *management.Side, zone *time.Location) (out []string) {
	if x.Final != nil {
		out = append(out, fmt.Sprintf("Version %d of the description was finished on %s and lists %s.", x.Final.Version, report.Day(x.Final.At, zone), report.Plural(len(x.Final.Controls), "control", "controls")))
	}
	n, answered := 0, 0
	for _, f := range x.Findings {
		if f.Withdrawn {
			continue
		}
		if n++; !f.Waits() {
			answered++
		}
	}
	out = append(out, fmt.Sprintf("The auditor has released %s; %s a final response.", report.Plural(n, "exception", "exceptions"), report.Plural(answered, "has", "have")))
	for _, f := range x.Findings {
		if !f.Withdrawn {
			out = append(out, f.ID+", "+f.Control+": "+f.Text)
		}
	}
	slices.Sort(out[1:])
	return out
}

// sayLetterForm says what signing here means, or what is missing before it.
func sayLetterForm(what, by string, signed *examSigned, missing []string) string {
	switch {
	case len(missing) > 0 && signed != nil:
		return what + " of " + by + " is signed and stays as it is: " + strings.Join(missing, "; ") + "."
	case len(missing) > 0:
		return "It cannot be signed yet."
	case signed != nil && signed.Anew != "":
		return signed.Anew + " Sign it anew."
	case signed != nil:
		return "It is signed; what is signed now takes its place, and the earlier one stays in the log."
	}
	return "The text and every decision are those of who signs: nothing is filled in before."
}

// examDecisions reads the decisions; each part has to be decided.
func (q *request) examDecisions(t engagement.Type) (d engagement.Decisions, err error) {
	d.Except = q.field("except")
	for _, p := range asserting(t) {
		switch q.field(string(p.part)) {
		case "yes":
			*p.of(&d) = true
		case "no":
		default:
			return d, fmt.Errorf("%w: decide on each part: %s", audit.ErrInvalid, p.words)
		}
	}
	return d, nil
}

func (q *request) examAssert() error {
	id, by := q.PathValue("id"), q.field("by")
	var t engagement.Type
	err := q.inExam(func(_ *management.State, x *management.Side) error { t = x.Terms.Type; return nil })
	if err != nil {
		return q.unknown(err, "request.read")
	}
	a := engagement.Assertion{By: by, Text: q.field("text"), Dated: q.field("dated")}
	if a.Decision, err = q.examDecisions(t); err == nil {
		a.Terms, a.Version, err = q.stated(q.exam.Side.NextAssertion(q.Context(), id, by))
	}
	if err == nil {
		var digest string
		if digest, err = a.ToSign(); err == nil {
			a.Signed, err = q.sign("assertion of "+by, digest)
		}
	}
	if err == nil {
		err = q.exam.Side.SignAssertion(q.Context(), q.who, id, a, examination.Keys{Store: q.st.p.Store}.Own(q.Context()))
	}
	return q.letterActed(err, false, "The assertion of "+by+" is signed and goes to the firm.")
}

func (q *request) examRepresent() error {
	id, by := q.PathValue("id"), q.field("by")
	r := engagement.Representation{By: by, Text: q.field("text"), Dated: q.field("dated")}
	var digest string
	var err error
	if r.Terms, r.Version, err = q.stated(q.exam.Side.NextLetter(q.Context(), id, by)); err == nil {
		digest, err = r.ToSign()
	}
	if err == nil {
		r.Signed, err = q.sign("letter of representation of "+by, digest)
	}
	if err == nil {
		err = q.exam.Side.SignRepresentation(q.Context(), q.who, id, r, examination.Keys{Store: q.st.p.Store}.Own(q.Context()))
	}
	return q.letterActed(err, true, "The letter of representation of "+by+" is signed and goes to the firm.")
}

// stated are the terms and the version that the form named as it was opened; next
// where it named none. Where they are not next any more, signing is refused.
func (q *request) stated(next management.Stated, err error) (terms string, version int, _ error) {
	if err != nil {
		return "", 0, q.unknown(err, "request.read")
	}
	terms, version = cmp.Or(q.field("terms"), next.Terms), next.Version
	if typed := q.field("version"); typed != "" {
		if version, err = strconv.Atoi(typed); err != nil || version < 1 {
			return "", 0, fmt.Errorf("%w: version: %.20q is no number from 1", audit.ErrInvalid, typed)
		}
	}
	return terms, version, nil
}

// letterActed ends a signing: to the letters, or the form again with what is wrong.
func (q *request) letterActed(err error, representation bool, words string) error {
	id := q.PathValue("id")
	if err == nil {
		return q.toFirm(id, q.under("examinations", id, "letters"), words)
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examLetterPage(representation)
}
