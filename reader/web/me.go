package web

import (
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tieout/access"
	"tieout/audit"
	texts "tieout/policy"
	"tieout/program"
	"tieout/reader/policies"
	"tieout/reader/roster"
	"tieout/report"
)

var meRoutes = []route{
	{pattern: "GET /me", do: (*request).myPage},
	{pattern: "GET /me/policies/{id}", needs: "policy.read", on: mine, do: (*request).readPolicy},
	{pattern: "POST /me/policies/{id}/agree", needs: "policy.agree", on: mine, do: (*request).agree},
	{pattern: "GET /me/training/{id}", needs: "training.do", on: mine, do: (*request).training},
	{pattern: "POST /me/training/{id}", needs: "training.do", on: mine, do: (*request).answer},
}

// An ownDuties is what is asked of who is signed in, with all that is needed to do it.
type ownDuties struct {
	asked   []program.Asked
	past    []program.Asked // done, and not asked for any more
	docs    []program.Document
	courses []texts.Course
	member  policies.Member
}

func (q *request) ownAsked() (d ownDuties, err error) {
	id, r, err := q.personOf(q.me.ID)
	if err != nil {
		return d, err
	}
	var managers map[string]bool
	if r != nil {
		managers = r.Managers()
	}
	d.member = policies.MemberOf(access.Named{ID: q.me.ID, Name: q.me.Name, Created: q.me.Created}, id, r, managers)
	d.member.May = q.may("policy.agree", access.Object{Owner: q.me.ID})
	files, err := q.st.p.DocumentsInFiles()
	if err != nil {
		return d, err
	}
	words, err := q.book.Words(q.Context())
	if err != nil {
		return d, err
	}
	if d.courses, _, err = q.st.p.Courses(words.Values[program.SecurityContact]); err != nil {
		return d, err
	}
	err = q.book.Read(q.Context(), func(s *program.State) error {
		d.docs = s.Documents(files)
		d.asked = s.Asked(d.member.Member, d.docs, d.courses, q.now())
		d.past = s.Past(d.member.Account, d.asked)
		return nil
	})
	return d, err
}

type askedRow struct {
	link
	A                   program.Asked
	Why, Due, Act, Key  string
	Late                bool
	Done, Until, Record string
}

type deviceCard struct {
	Name, What string
	Checks     []roster.Check
	Open       int
	Say        string
}

func (q *request) myPage() error {
	d, err := q.ownAsked()
	if err != nil {
		return err
	}
	now, loc := q.now(), q.zone()
	data := struct {
		*page
		Name, Email  string
		Open, Done   []askedRow
		Devices      []deviceCard
		Linked       bool
		Person       string
		May          bool
		Today, State string
	}{page: &q.page, Name: q.me.Name, Email: q.me.Email, May: d.member.May, Person: d.member.Person, Linked: d.member.Person != "", Today: report.Moment(now, loc)}
	for _, a := range d.asked {
		row := q.askedRow(a)
		if a.Open() {
			data.Open = append(data.Open, row)
		} else {
			data.Done = append(data.Done, row)
		}
	}
	for _, a := range d.past {
		row := q.askedRow(a)
		row.Href, row.Until = "", "not asked for now"
		data.Done = append(data.Done, row)
	}
	if data.Devices, err = q.ownDevices(); err != nil {
		return err
	}
	q.Title, q.Heading = "My page", "My page"
	if q.Say = policies.MySentence(d.asked, now, loc); !d.member.May {
		q.Say = "Nothing is asked of you here: your account does not have the role employee."
	}
	q.Code = []string{"tieout policy agree-list", "tieout task list"}
	return q.render("me.html", data)
}

func (q *request) askedRow(a program.Asked) askedRow {
	loc, now := q.zone(), q.now()
	row := askedRow{link: link{a.Title, q.to("/me/policies/" + url.PathEscape(a.ID))}, A: a, Why: policies.Why(a, now, loc), Due: report.Day(a.Due, loc),
		Act: "Read and agree", Late: !now.Before(a.Due)}
	if a.Kind == program.AskedTraining {
		row.Href, row.Act = "", "Start the course"
		if q.may("training.do", access.Object{Owner: q.who.Account}) {
			row.Href = q.to("/me/training/" + url.PathEscape(a.ID))
		}
	}
	if !a.Done.IsZero() {
		row.Done, row.Until, row.Record = report.Day(a.Done, loc), report.Day(a.Due, loc), audit.EvidenceRef(a.Record)
	}
	return row
}

// ownDevices are the devices of the person the account belongs to.
func (q *request) ownDevices() (out []deviceCard, err error) {
	id, r, err := q.personOf(q.me.ID)
	if err != nil || id == "" || r.Person(id) == nil {
		return nil, err
	}
	for _, d := range r.Person(id).Devices {
		if !d.InUse() {
			continue
		}
		c := deviceCard{Name: d.Name, What: joined(report.Capital(d.Kind), d.Platform, d.Serial), Checks: d.Checks()}
		unknown := 0
		for _, x := range c.Checks {
			if x.Known && !x.OK {
				c.Open++
			} else if !x.Known {
				unknown++
			}
		}
		c.Say = sayDevice(len(c.Checks), c.Open, unknown)
		out = append(out, c)
	}
	return out, nil
}

// sayDevice says how a device stands.
func sayDevice(all, open, unknown int) string {
	var parts []string
	if open > 0 {
		parts = append(parts, report.Plural(open, "setting is", "settings are")+" to be mended")
	}
	if unknown > 0 {
		parts = append(parts, report.Plural(unknown, "was", "were")+" not collected")
	}
	if ok := all - open - unknown; len(parts) == 0 {
		return "All " + report.Number(all) + " settings are as expected."
	} else if ok > 0 {
		parts = append(parts, report.Plural(ok, "is", "are")+" as expected")
	}
	return report.Capital(strings.Join(parts, ", ")) + "."
}

// ownDocument is the document in force with the ID of the address.
func (q *request) ownDocument() (program.Document, ownDuties, error) {
	d, err := q.ownAsked()
	if err != nil {
		return program.Document{}, d, err
	}
	i := slices.IndexFunc(d.docs, func(x program.Document) bool { return x.ID == q.PathValue("id") })
	if i < 0 {
		return program.Document{}, d, fmt.Errorf("%w: no policy %s is in force", audit.ErrNotFound, q.PathValue("id"))
	}
	return d.docs[i], d, nil
}

func (q *request) readPolicy() error {
	doc, d, err := q.ownDocument()
	if err != nil {
		return err
	}
	return q.showReading(doc, d)
}

func (q *request) showReading(doc program.Document, d ownDuties) error {
	loc := q.zone()
	data := struct {
		*page
		Doc                 program.Document
		Body, Changes       template.HTML
		ChangeSay           string
		Notes               []string // what authors say of the versions since
		Asked               *program.Asked
		Agree               bool
		Done, Until, Record string
		Action, Back        string
		File                string
	}{page: &q.page, Doc: doc, Body: texts.Article(doc.Title, doc.Text), Action: q.to("/me/policies/" + url.PathEscape(doc.ID) + "/agree"), Back: q.to("/me"), File: doc.File}
	for i := range d.asked {
		if a := &d.asked[i]; a.Kind == program.AskedPolicy && a.ID == doc.ID {
			data.Asked = a
			data.Agree = a.Open() && q.may("policy.agree", access.Object{Owner: q.me.ID})
			row := q.askedRow(*a)
			data.Done, data.Until, data.Record = row.Done, row.Until, row.Record
		}
	}
	if a := data.Asked; a != nil && a.Why == program.AskedChanged {
		text, known := "", false
		err := q.book.Read(q.Context(), func(s *program.State) error { text, known = s.TextOf(doc.ID, a.Hash); return nil })
		if err != nil {
			return err
		}
		data.ChangeSay = "You agreed to version " + a.Version + " on " + report.Day(a.Done, loc) + "."
		if known {
			diff := texts.Diff(text, doc.Text)
			data.Changes, data.ChangeSay = changesOnly(diff).HTML(), data.ChangeSay+" Since then: "+lowerFirst(diff.Sentence())
		}
		if data.Notes, err = q.notesSince(doc, a.Version); err != nil {
			return err
		}
	}
	q.Title, q.Heading = doc.Title, doc.Title
	q.Say = sayReading(doc, data.Asked, q.name(doc.Owner), report.Day(doc.Since, loc))
	q.Way = []link{{"My page", q.to("/me")}, {doc.ID, ""}}
	if doc.File != "" {
		q.Code = []string{"tieout policy show " + doc.ID}
	}
	return q.render("read.html", data)
}

// topLevel is the highest level of a heading in a text on a page.
const topLevel = 3

// changesOnly is the part of a difference that changed, each under the heading
// it stands below.
func changesOnly(d texts.Difference) texts.Difference {
	out := texts.Difference{Markup: d.Markup}
	var heading *texts.Block
	for _, b := range d.Blocks {
		if b.Kind == texts.KindHeading {
			b.Level = topLevel // they stand alone here, none below another
		}
		switch {
		case b.State != texts.Same:
			if heading != nil {
				out.Blocks = append(out.Blocks, *heading)
			}
			out.Blocks, heading = append(out.Blocks, b), nil
		case b.Kind == texts.KindHeading:
			heading = &b
		}
	}
	return out
}

// notesSince are what the authors say of the versions in force since one that
// was agreed to; of a file nobody says anything.
func (q *request) notesSince(doc program.Document, version string) (out []string, err error) {
	if doc.File != "" {
		return nil, nil
	}
	p, err := q.book.Policy(q.Context(), doc.ID)
	if err != nil {
		return nil, err
	}
	for _, v := range p.Versions {
		if v.Number > atoi(version) && !v.Approved.IsZero() && v.Note != "" {
			out = append(out, fmt.Sprintf("Version %d: %s", v.Number, v.Note))
		}
	}
	return out, nil
}

// sayReading says what it is and how long it takes.
func sayReading(doc program.Document, asked *program.Asked, owner, since string) string {
	s := "Version " + doc.Version
	if !doc.Since.IsZero() {
		s += ", in force since " + since
	}
	s += ". Reading it takes about " + report.Plural(doc.Minutes(), "minute", "minutes") + "."
	switch {
	case asked == nil:
		return s + " You are not asked to agree to it."
	case asked.Open():
		return s + " Questions go to " + owner + "."
	}
	return s + " You have agreed to it."
}

func (q *request) agree() error {
	files, err := q.st.p.DocumentsInFiles()
	if err != nil {
		return err
	}
	a, err := q.book.Agree(q.Context(), q.who, q.PathValue("id"), q.field("hash"), files)
	if err == nil {
		return q.done(q.to("/me"), fmt.Sprintf("You agreed to %s, version %s. It is sealed as %s.", a.Title, a.Version, audit.EvidenceRef(a.Record)))
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.readPolicy()
}

// A questionRow is one question with what was chosen.
type questionRow struct {
	N        int
	Name     string
	Q        texts.Question
	Several  bool
	Options  []optionRow
	Answered bool // it was answered in this attempt
	Right    bool
	Missed   string // what is missing, of a question of which several options are right
}

type optionRow struct {
	texts.Option
	Value  int
	ID     string
	Chosen bool
}

func (q *request) ownCourse() (texts.Course, ownDuties, error) {
	d, err := q.ownAsked()
	if err != nil {
		return texts.Course{}, d, err
	}
	i := slices.IndexFunc(d.courses, func(c texts.Course) bool { return c.ID == q.PathValue("id") })
	if i < 0 {
		return texts.Course{}, d, fmt.Errorf("%w: course %s", audit.ErrNotFound, q.PathValue("id"))
	}
	return d.courses[i], d, nil
}

func (q *request) training() error {
	c, d, err := q.ownCourse()
	if err != nil {
		return err
	}
	return q.showCourse(c, d, nil)
}

func (q *request) showCourse(c texts.Course, d ownDuties, answers [][]int) error {
	data := struct {
		*page
		C                   texts.Course
		Body                template.HTML
		Questions           []questionRow
		Tried               bool
		Done, Until, Record string
		Action              string
	}{page: &q.page, C: c, Body: texts.Article(c.Title, c.Body), Tried: answers != nil, Action: q.to("/me/training/" + url.PathEscape(c.ID))}
	wrong := c.Wrong(answers)
	for i, x := range c.Questions {
		row := questionRow{N: i + 1, Name: "q" + strconv.Itoa(i), Q: x, Several: x.Several(), Answered: answers != nil, Right: answers != nil && !slices.Contains(wrong, i)}
		for j, o := range x.Options {
			row.Options = append(row.Options, optionRow{o, j, fmt.Sprintf("q%d-%d", i, j), answers != nil && slices.Contains(answers[i], j)})
		}
		if row.Answered && !row.Right && row.Several && !slices.ContainsFunc(row.Options, func(o optionRow) bool { return o.Chosen && !o.Right }) {
			row.Missed = "What you chose is right, and there is more."
		}
		data.Questions = append(data.Questions, row)
	}
	for _, a := range d.asked {
		if a.Kind == program.AskedTraining && a.ID == c.ID && !a.Done.IsZero() {
			row := q.askedRow(a)
			data.Done, data.Until, data.Record = row.Done, row.Until, row.Record
		}
	}
	q.Title, q.Heading = c.Title, c.Title
	q.Say = sayCourse(c, answers != nil, len(wrong))
	q.Way = []link{{"My page", q.to("/me")}, {c.ID, ""}}
	return q.render("course.html", data)
}

// sayCourse says what a course takes, or what came of an attempt.
func sayCourse(c texts.Course, tried bool, wrong int) string {
	if !tried {
		return fmt.Sprintf("A text to read and %s, about %s.", report.Plural(len(c.Questions), "question", "questions"), report.Plural(c.Minutes, "minute", "minutes"))
	}
	right := len(c.Questions) - wrong
	return fmt.Sprintf("%s of %s right. Look at what is said below each, and answer again.", report.Number(right), report.Plural(len(c.Questions), "answer is", "answers are"))
}

func (q *request) answer() error {
	c, d, err := q.ownCourse()
	if err != nil {
		return err
	}
	answers := make([][]int, len(c.Questions))
	for i := range c.Questions {
		answers[i] = []int{}
		for _, v := range q.PostForm["q"+strconv.Itoa(i)] {
			n, err := strconv.Atoi(v)
			if err != nil {
				n = -1 // no option: a wrong answer
			}
			answers[i] = append(answers[i], n)
		}
	}
	t, err := q.book.AnswerCourse(q.Context(), q.who, c, answers)
	if err != nil {
		return err
	}
	if len(t.Wrong) == 0 {
		return q.done(q.to("/me"), fmt.Sprintf("You completed %s. It is sealed as %s.", c.Title, audit.EvidenceRef(t.Record)))
	}
	return q.showCourse(c, d, answers)
}
