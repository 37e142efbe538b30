package web

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/policy"
	"tieout/report"
)

// examTextRoutes are management's description of its system.
var examTextRoutes = []route{
	{pattern: "GET /examinations/{id}/description", needs: "request.read", on: examWhole, do: (*request).examText},
	{pattern: "GET /examinations/{id}/description/{dc}", needs: "description.write", on: examWhole, do: (*request).examSection, example: "/examinations/EN-1/description/4"},
	{pattern: "POST /examinations/{id}/description/{dc}", needs: "description.write", on: examWhole, do: (*request).examWriteSection, example: "/examinations/EN-1/description/4"},
	{pattern: "POST /examinations/{id}/description/{dc}/draft", needs: "description.write", on: examWhole, do: (*request).examTakeDraft, example: "/examinations/EN-1/description/4/draft"},
	{pattern: "POST /examinations/{id}/expected", needs: "description.write", on: examWhole, do: (*request).examExpect},
	{pattern: "POST /examinations/{id}/other", needs: "description.write", on: examWhole, do: (*request).examTellOther},
	{pattern: "POST /examinations/{id}/changes", needs: "assertion.sign", on: examWhole, do: (*request).examDecideChange},
	{pattern: "POST /examinations/{id}/description", needs: "assertion.sign", on: examWhole, do: (*request).examFinish},
}

// An examPara is a paragraph as the page shows it.
type examPara struct {
	Text    template.HTML
	Sources []link
	State   string // in words, how it stands to the facts
	Bare    bool   // it names nothing it rests on
}

// An examDC is one section as the page shows it.
type examDC struct {
	DC, N, Title     string
	Class, Word, Who string
	Revision         int64
	Paras            []examPara
	Draft            []examPara // what the facts say now and the text does not
	Missing          []string
	Holds, Alike     string
	Edit             string // where it is edited; "": not here, or not by this person
	Take             string // where the draft is taken as the text
}

// An examChange is a change nobody, or somebody, decided on.
type examChange struct {
	Ref, Text, Day, Decided string
	Revision                int64
}

type examTextPage struct {
	*page
	ID                 string
	Sections           []examDC
	Changes            []examChange
	Expected, Defined  []engagement.Expected
	ExpectBase         int64
	Differs            bool // the definitions' user controls are others than those written
	Alike, Final       string
	Controls           string
	Issued             string
	May, Sign          bool
	Again              string
	FinalBy, FinalMore string
	Other              []examOther
	OtherFields        []examOtherField // as they can be written; none: not here, or not by this person
	OtherBase          int64
}

// sourceWords are what a paragraph may rest on, in words, and where it is shown.
var sourceWords = map[string]struct{ words, path string }{
	"boundary": {"boundary of the system", "/system"}, "organization": {"organization", "/system"}, "scope": {"terms of the examination", ""}, "controls": {"controls", "/controls"}, "incidents": {"register of incidents", "/incidents"}, "changes": {"changes of the definitions", "/system"},
	"commitment": {"commitment", "/system"}, "component": {"component", "/system"}, "data": {"class of data", "/system"}, "cuec": {"user entity control", "/system"}, "subservice": {"subservice organization", "/system"},
	"incident": {"incident", "/incidents/"}, "control": {"control", "/controls/"}, "vendor": {"supplier", "/vendors/"}, "change": {"change", ""},
}

// sourceLink is what a paragraph rests on, with where that is shown.
func (q *request) sourceLink(id, source string) link {
	kind, of, _ := strings.Cut(source, ":")
	known, ok := sourceWords[kind]
	if !ok {
		return link{Text: source}
	}
	out := link{Text: strings.TrimSpace(known.words + " " + of)}
	switch {
	case kind == "scope":
		out.Href = q.under("examinations", id, "terms")
	case kind == "change":
		name, _, _ := strings.Cut(of, "@")
		if out.Href = q.to("/system"); !strings.Contains(name, "/") {
			out.Href = q.at("controls", name)
		}
	case strings.HasSuffix(known.path, "/"):
		out.Href = q.at(strings.Trim(known.path, "/"), of)
	default:
		out.Href = q.to(known.path)
	}
	return out
}

func (q *request) examPara(id string, s examination.DescribedSection, p engagement.Paragraph) examPara {
	out := examPara{Text: policy.HTML(p.Text), Bare: len(p.Sources) == 0}
	for _, source := range p.Sources {
		out.Sources = append(out.Sources, q.sourceLink(id, source))
	}
	switch {
	case out.Bare:
		out.State = "Rests on nothing on record: it is its author's word."
	case s.Written != nil && !s.Drafted(p):
		out.State = "In its author's words; the facts are drafted otherwise now."
	}
	return out
}

// examSections are all sections for the page.
func (q *request) examSections(id string, d examination.Described, may bool) (out []examDC) {
	for _, s := range d.Sections {
		row := examDC{DC: s.DC, N: strings.TrimPrefix(s.DC, "DC "), Title: s.Title, Missing: s.Missing, Holds: s.Holds, Class: "due", Word: "Not written"}
		at := q.under("examinations", id, "description") + "/" + row.N
		if may && !d.Issued {
			row.Edit = at
		}
		if w := s.Written; w != nil {
			row.Class, row.Word, row.Revision, row.Who = "ok", "Written", w.Revision, "Written by "+q.name(w.By)+", "+report.Moment(w.At, q.zone())
			row.Alike = fmt.Sprintf("%d%% of its words stand as in texts that ship with the product.", s.Alike)
			for _, p := range w.Paragraphs {
				row.Paras = append(row.Paras, q.examPara(id, s, p))
			}
			if n := s.Unsourced(); n > 0 {
				row.Class, row.Word = "late", report.Plural(n, "paragraph without a source", "paragraphs without a source")
			}
		}
		if s.Holds != "" {
			row.Class, row.Word = "dev", "Holds a placeholder"
		}
		behind := s.Behind()
		if s.Written == nil {
			behind = s.Draft.Paragraphs
		}
		for _, p := range behind {
			row.Draft = append(row.Draft, q.examPara(id, examination.DescribedSection{}, p))
		}
		if len(behind) > 0 && row.Edit != "" {
			row.Take = at + "/draft"
		}
		out = append(out, row)
	}
	return out
}

func (q *request) examText() error {
	id := q.PathValue("id")
	d, err := q.exam.Described(q.Context(), id)
	if err != nil {
		return q.unknown(err, "request.read")
	}
	data := examTextPage{page: &q.page, ID: id, May: q.may("description.write", access.Object{}), Sign: q.maySign("assertion.sign"), Expected: d.Expected, Defined: d.Defined}
	data.Sections = q.examSections(id, d, data.May)
	q.examOther(d, &data)
	data.Controls = q.typed("controls", strings.Join(d.Controls, " "))
	data.Alike = fmt.Sprintf("%d%%", d.Alike)
	if v := d.Final; v != nil {
		data.Final = fmt.Sprintf("Version %d", v.Version)
		data.FinalBy = q.name(v.By) + ", " + report.Moment(v.At, q.zone())
		data.FinalMore = report.Plural(len(v.Controls), "control is listed", "controls are listed") + ", " + report.Plural(len(v.Expected), "control of user entities", "controls of user entities") + "."
	}
	if d.Issued {
		data.Issued = "The report is issued with the description as it was: only a superseding report changes it."
		data.May, data.Sign = false, false
	}
	data.Differs = len(d.Defined) > 0 && !examination.SameExpected(d.Expected, d.Defined)
	if data.Sign && !q.who.Fresh {
		data.Again = toAgain(q.under("examinations", id, "description"))
	}
	if err := q.examChanges(id, &data); err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref, q.Wide = "Description of "+id, "Description of the system", id, true
	q.Say = sayDescription(d)
	q.Way = append(q.Way, link{"Description", ""})
	return q.render("exam-text.html", data)
}

// examChanges are the changes of the period with what was decided of each.
func (q *request) examChanges(id string, data *examTextPage) error {
	return q.inExam(func(s *management.State, x *management.Side) error {
		q.examFrame(x, "/description")
		data.ExpectBase = s.Revision("expected:" + id)
		if !x.Terms.Type.OverPeriod() {
			return nil
		}
		changes, err := q.exam.Changes(q.Context(), x.Terms.First, x.Terms.Last)
		for _, c := range changes {
			row := examChange{Ref: c.Ref, Text: c.Text, Day: dayText(c.Day)}
			if r := x.Changes[c.Ref]; r != nil {
				word := "Not disclosed"
				if r.Disclosed {
					word = "Disclosed"
				}
				row.Decided, row.Revision = word+", by "+q.name(r.By)+" on "+report.Day(r.At, q.zone())+": "+r.Why, r.Revision
			}
			data.Changes = append(data.Changes, row)
		}
		return err
	})
}

// sayDescription says how far a description is.
func sayDescription(d examination.Described) string {
	written, bare, missing, holds := 0, 0, 0, 0
	for _, s := range d.Sections {
		if s.Written != nil {
			written++
		}
		if s.Holds != "" {
			holds++
		}
		bare, missing = bare+s.Unsourced(), missing+len(s.Missing)
	}
	out := fmt.Sprintf("%s of %s written", report.Number(written), report.Plural(len(d.Sections), "section is", "sections are"))
	switch {
	case d.Issued && d.Final != nil:
		return fmt.Sprintf("Version %d stands in the report.", d.Final.Version)
	case written == 0:
		out = "Nothing is written yet; what the facts say stands under each section"
	case holds > 0:
		out += "; " + report.Plural(holds, "section still holds", "sections still hold") + " a placeholder"
	case bare > 0:
		out += "; " + report.Plural(bare, "paragraph rests", "paragraphs rest") + " on nothing on record"
	}
	if missing > 0 {
		out += "; " + report.Plural(missing, "fact is", "facts are") + " missing"
	}
	if d.Final != nil {
		out += fmt.Sprintf(". Version %d is finished", d.Final.Version)
		if d.Later {
			out += ", and it was written on since"
		}
	}
	return report.Capital(out) + "."
}

// dcOf is the description criterion in the path.
func (q *request) dcOf() string {
	if n := q.PathValue("dc"); n != "DC" {
		return "DC " + n
	}
	return "DC" // all of it, of a SOC 1
}

// An examParaField is one paragraph in the form.
type examParaField struct {
	N             int
	Text, Sources string
}

func (q *request) examSection() error {
	id, dc := q.PathValue("id"), q.dcOf()
	d, err := q.exam.Described(q.Context(), id)
	if err != nil {
		return q.unknown(err, "request.read")
	}
	i := slices.IndexFunc(d.Sections, func(s examination.DescribedSection) bool { return s.DC == dc })
	if i < 0 {
		return fmt.Errorf("%w: the description of %s has no %s", audit.ErrNotFound, id, dc)
	}
	s := d.Sections[i]
	data := struct {
		*page
		ID, Action string
		Fields     []examParaField
		Revision   int64
		Missing    []string
		Draft      []examPara
		Issued     bool
	}{page: &q.page, ID: id, Action: q.under("examinations", id, "description") + "/" + q.PathValue("dc"), Missing: s.Missing, Issued: d.Issued}
	paragraphs := s.Draft.Paragraphs
	if s.Written != nil {
		paragraphs, data.Revision = s.Written.Paragraphs, s.Written.Revision
	}
	if q.PostForm.Has("text") {
		paragraphs = q.paragraphs()
	}
	for n, p := range append(slices.Clone(paragraphs), engagement.Paragraph{}, engagement.Paragraph{}) {
		data.Fields = append(data.Fields, examParaField{n + 1, p.Text, strings.Join(p.Sources, "; ")})
	}
	for _, p := range s.Behind() {
		data.Draft = append(data.Draft, q.examPara(id, examination.DescribedSection{}, p))
	}
	err = q.inExam(func(_ *management.State, x *management.Side) error { q.examFrame(x, "/description"); return nil })
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref, q.Wide = dc+" of "+id, s.Title, dc, true
	q.Say = saySection(s)
	q.Way = append(q.Way, link{"Description", q.under("examinations", id, "description")}, link{dc, ""})
	return q.render("exam-textedit.html", data)
}

// saySection says what a section's form begins with.
func saySection(s examination.DescribedSection) string {
	switch {
	case s.Written != nil:
		return "Written in " + report.Plural(len(s.Written.Paragraphs), "paragraph", "paragraphs") + "; what each rests on stands under it."
	case len(s.Draft.Paragraphs) > 0:
		return "Nothing is written yet; " + report.Plural(len(s.Draft.Paragraphs), "paragraph is", "paragraphs are") + " drafted from what is on record, to be read and kept or changed."
	}
	return "Nothing is written yet, and nothing on record to draft it from."
}

// paragraphs are those of the form; one without text is left out.
func (q *request) paragraphs() (out []engagement.Paragraph) {
	sources := q.PostForm["sources"]
	for i, text := range q.PostForm["text"] {
		p := engagement.Paragraph{Text: strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))}
		if i < len(sources) {
			for s := range strings.SplitSeq(sources[i], ";") {
				if s = strings.TrimSpace(s); s != "" {
					p.Sources = append(p.Sources, s)
				}
			}
		}
		if p.Text != "" {
			out = append(out, p)
		}
	}
	return out
}

func (q *request) examWriteSection() error {
	id, dc := q.PathValue("id"), q.dcOf()
	section := engagement.DCSection{DC: dc, Paragraphs: q.paragraphs()}
	err := q.exam.Side.WriteSection(q.Context(), q.who, id, section, q.base())
	if err == nil {
		return q.done(q.under("examinations", id, "description"), dc+" is written. The firm gets the description when a signer finishes a version.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examSection()
}

// examTakeDraft takes what the facts say now as the text of a section.
func (q *request) examTakeDraft() error {
	id, dc := q.PathValue("id"), q.dcOf()
	d, err := q.exam.Described(q.Context(), id)
	if err != nil {
		return q.unknown(err, "request.read")
	}
	i := slices.IndexFunc(d.Sections, func(s examination.DescribedSection) bool { return s.DC == dc })
	if i < 0 {
		return fmt.Errorf("%w: the description of %s has no %s", audit.ErrNotFound, id, dc)
	}
	draft := d.Sections[i].Draft
	draft.DC = dc
	err = q.exam.Side.WriteSection(q.Context(), q.who, id, draft, q.base())
	if err == nil {
		return q.done(q.under("examinations", id, "description"), dc+" now says what the facts say. Read it: it is management's text.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examText()
}

// examExpect takes over the controls of user entities that the definitions have.
func (q *request) examExpect() error {
	id := q.PathValue("id")
	d, err := q.exam.Described(q.Context(), id)
	if err == nil {
		err = q.exam.Side.SetExpected(q.Context(), q.who, id, d.Defined, q.base())
	}
	return q.textActed(err, report.Capital(report.Plural(len(d.Defined), "control of user entities is", "controls of user entities are"))+" taken over from the definitions.")
}

func (q *request) examDecideChange() error {
	disclosed := q.field("disclosed")
	if disclosed != "yes" && disclosed != "no" {
		return q.textActed(fmt.Errorf("%w: decide whether readers are told of the change", audit.ErrInvalid), "")
	}
	err := q.exam.Side.DecideChange(q.Context(), q.who, q.PathValue("id"), q.field("ref"), disclosed == "yes", q.field("why"), q.base())
	return q.textActed(err, "The decision on "+q.field("ref")+" is sealed.")
}

// textActed goes back to the description after an act on it, or shows it again
// with what is wrong.
func (q *request) textActed(err error, words string) error {
	if err == nil {
		return q.done(q.under("examinations", q.PathValue("id"), "description"), words)
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examText()
}

// examFinish makes a version of the description for the firm: the sections as
// they were read, and the controls it lists.
func (q *request) examFinish() error {
	id := q.PathValue("id")
	var seen []int64
	for _, s := range q.PostForm["seen"] {
		n := int64(-1)
		if _, err := fmt.Sscan(cmp.Or(s, "-1"), &n); err != nil {
			n = -1
		}
		seen = append(seen, n)
	}
	controls := q.words("controls")
	err := q.controlsOf(controls)
	var v management.Version
	if err == nil {
		v, err = q.exam.FinishDescription(q.Context(), q.who, id, controls, seen)
	}
	if err == nil {
		return q.toFirm(id, q.under("examinations", id, "description"), fmt.Sprintf("Version %d of the description is finished and goes to the firm.", v.Version))
	}
	return q.textActed(err, "")
}
