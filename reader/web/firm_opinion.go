package web

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/policy"
	"tieout/report"
)

// firmOpinionRoutes are the opinion and the engagement quality review.
var firmOpinionRoutes = []route{
	{pattern: "GET /engagements/{id}/opinion", needs: "workpaper.read", on: theEngagement, do: (*request).firmOpinion},
	{pattern: "GET /engagements/{id}/opinion/{part}", needs: "workpaper.read", on: theEngagement, do: (*request).firmOpinePage, example: "/engagements/EN-1/opinion/design"},
	{pattern: "POST /engagements/{id}/opinion/{part}", needs: "workpaper.read", on: theEngagement, do: (*request).firmOpine, example: "/engagements/EN-1/opinion/design"},
	{pattern: "GET /engagements/{id}/quality", needs: "workpaper.read", on: theEngagement, do: (*request).firmQuality},
	{pattern: "POST /engagements/{id}/quality", needs: "workpaper.read", on: theEngagement, do: (*request).firmSignQuality},
}

// opinionWords say what each part of an opinion is on.
var opinionWords = map[engagement.Part]string{
	engagement.PartDescription: "Whether the description presents the system as it is", engagement.PartDesign: "Whether the controls are suitably designed", engagement.PartOperation: "Whether the controls operated effectively",
}

// A firmPart is one part of the opinion as it stands.
type firmPart struct {
	Part, Words, Href            string
	Class, Word                  string
	Text, Basis                  template.HTML
	By, At, Key, Stale           string
	Record                       link
	Written, Unmodified, Renewal bool
}

// A firmCount is how many things one thing was concluded of.
type firmCount struct{ Word, N string }

// A firmGround is what an opinion is written beside: facts, and nothing proposed.
type firmGround struct {
	Controls, Criteria, Description []firmCount
	Deficiencies                    []firmDeficiency
	Warnings                        []string
	Events                          []string
	From                            string // the engagement whose work it is, where it is another
	Conclusions                     string
}

func (q *request) firmGroundOf(s *fieldwork.State, f *fieldwork.File) firmGround {
	w := f
	if other := s.Files[f.Terms.RestsOn]; other != nil && f.Terms.Type == engagement.SOC3 {
		w = other
	}
	r := w.RollUp()
	out := firmGround{Conclusions: q.under("engagements", w.Terms.ID, "conclusions")}
	if w != f {
		out.From = w.Terms.ID
	}
	count := func(kind string, list []string) []firmCount {
		n := map[engagement.Outcome]int{}
		for _, of := range list {
			o := engagement.Outcome("")
			if c := w.Concluded[kind+":"+of]; c != nil {
				o = c.Outcome
			}
			n[o]++
		}
		return countsInWords(kind, n)
	}
	out.Controls = count(fieldwork.OnControl, w.ControlsInScope())
	if w.Terms.Type.OfObjectives() {
		var ids []string
		for _, o := range w.Terms.Objectives {
			ids = append(ids, o.ID)
		}
		out.Criteria = count(fieldwork.OnObjective, ids)
	} else {
		out.Criteria = count(fieldwork.OnCriterion, append(w.Terms.Criteria(), w.Terms.Examined()...))
	}
	out.Description = count(fieldwork.OnDC, w.Terms.Type.DescriptionCriteria())
	out.Deficiencies = eachOnce(w, r)
	for _, x := range s.Warnings(f) {
		out.Warnings = append(out.Warnings, sentence(x))
	}
	for _, x := range f.Events {
		out.Events = append(out.Events, fmt.Sprintf("%s, %s: %s", x.Title, firmDay(x.Day, f.Terms.Zone), x.Class))
	}
	slices.Sort(out.Events)
	return out
}

// countsInWords are how often each outcome was concluded, in the order of the
// outcomes; what has none comes last.
func countsInWords(kind string, n map[engagement.Outcome]int) (out []firmCount) {
	for _, o := range append(fieldwork.OutcomesOf(kind), "") {
		if n[o] == 0 {
			continue
		}
		word := report.Capital(string(o))
		if o == "" {
			word = "Not concluded"
		}
		out = append(out, firmCount{word, report.Number(n[o])})
	}
	return out
}

// eachOnce are all standing exceptions, each once, though they touch several
// criteria: those of the description and of controls that are for no criterion in
// scope too.
func eachOnce(f *fieldwork.File, r fieldwork.RollUp) (out []firmDeficiency) {
	seen := map[string]bool{}
	add := func(list []fieldwork.Deficiency) {
		for _, d := range list {
			if !seen[d.Finding] {
				seen[d.Finding] = true
				out = append(out, deficiencyFacts(f, d))
			}
		}
	}
	for _, c := range r.Criteria {
		add(c.Deficiencies)
	}
	for _, c := range append(slices.Clone(r.Description), r.Controls...) {
		add(c.Deficiencies)
	}
	return out
}

// firmParts are the parts of an engagement's opinion as they stand.
func (q *request) firmParts(s *fieldwork.State, f *fieldwork.File) (out []firmPart) {
	zone := (&gridLook{terms: f.Terms}).zone()
	for _, p := range f.Terms.Type.Parts() {
		row := firmPart{Part: string(p), Words: opinionWords[p], Href: q.under("engagements", f.Terms.ID, "opinion") + "/" + string(p), Class: "due", Word: "Not written"}
		if o := f.Opinions[p]; o != nil {
			ref := audit.EvidenceRef(o.Record)
			row.Written, row.Word, row.Text, row.Basis, row.Unmodified = true, string(o.Opinion), policy.HTML(o.Text), policy.HTML(o.Basis), o.Opinion == engagement.Unmodified
			row.By, row.At, row.Key, row.Record = o.Signed.Name+", "+o.Signed.Title, report.Moment(o.At, zone), o.Signed.Key, link{ref, q.at("evidence", ref)}
			if row.Class = "dev"; row.Unmodified {
				row.Class = "ok"
			}
			if !s.OpinionCurrent(f, p) {
				row.Renewal = true
			}
		}
		out = append(out, row)
	}
	return out
}

// firmOpinion shows the opinion by its parts, and what it rests on.
func (q *request) firmOpinion() error {
	id := q.PathValue("id")
	data := struct {
		*page
		ID      string
		Parts   []firmPart
		Missing []string
		Ground  firmGround
		Quality string
		Asked   bool
	}{page: &q.page, ID: id, Quality: q.under("engagements", id, "quality")}
	err := q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		q.gridFrame(f, "/opinion")
		data.Parts, data.Ground = q.firmParts(s, f), q.firmGroundOf(s, f)
		data.Missing, data.Asked = firmMissing(s.Standing(f, "opinion.write", "", q.now())), f.Terms.Quality
		q.Say = sayOpinion(data.Parts, len(data.Missing))
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Wide = "Opinion of "+id, "Opinion", true
	q.Way = []link{{id, q.at("engagements", id)}, {"Opinion", ""}}
	return q.render("firm-opinion.html", &data)
}

// sayOpinion says which parts of an opinion are written.
func sayOpinion(parts []firmPart, missing int) string {
	written, renewal := 0, 0
	for _, p := range parts {
		if p.Written {
			written++
		}
		if p.Renewal {
			renewal++
		}
	}
	of := report.Plural(len(parts), "part", "parts")
	switch {
	case written == 0 && missing > 0:
		return "No opinion can be written yet: " + report.Plural(missing, "thing stands", "things stand") + " before it."
	case written == 0:
		return "Everything is concluded; none of " + of + " of the opinion is written."
	case renewal > 0:
		return fmt.Sprintf("%d of %s %s written; %s on conclusions that have changed since.", written, of, isAre(written), report.Plural(renewal, "rests", "rest"))
	case written < len(parts):
		return fmt.Sprintf("%d of %s %s written and signed.", written, of, isAre(written))
	case written == 1:
		return "The one part is written and signed."
	}
	return "All " + of + " are written and signed."
}

type firmOpinePage struct {
	*page
	ID, Part, Words, Action string
	Have                    firmPart
	Missing                 []string
	Opinions                []choice
	Text, Basis             string
	Rests                   string // digest of what the page was made of
	Sign                    signing
	Form                    bool
	Again, Closed           string
	Ground                  firmGround
}

func (q *request) firmOpinePage() error {
	id, part := q.PathValue("id"), engagement.Part(q.PathValue("part"))
	data := firmOpinePage{page: &q.page, ID: id, Part: string(part), Words: opinionWords[part], Action: q.under("engagements", id, "opinion") + "/" + string(part), Text: q.PostForm.Get("text"), Basis: q.PostForm.Get("basis"), Again: q.againFor("opinion.write")}
	var err error
	if data.Sign, err = q.signing(); err != nil {
		return err
	}
	for _, o := range []engagement.Opinion{engagement.Unmodified, engagement.Qualified, engagement.Adverse, engagement.Disclaimer} {
		data.Opinions = append(data.Opinions, choice{string(o), string(o), q.PostForm.Get("opinion") == string(o)})
	}
	err = q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		i := slices.Index(f.Terms.Type.Parts(), part)
		if i < 0 {
			return fmt.Errorf("%w: %s has no opinion on %q", audit.ErrNotFound, id, part)
		}
		q.gridFrame(f, "/opinion")
		data.Have, data.Ground = q.firmParts(s, f)[i], q.firmGroundOf(s, f)
		data.Missing = firmMissing(s.Standing(f, "opinion.write", string(part), q.now()))
		data.Rests = s.OpinionDigest(f, part, "", "", "")
		data.gates(q, f)
		q.Say = sayOpining(data.Have, len(data.Missing))
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref, q.Wide = "Opinion on "+string(part), data.Words, report.Capital(string(part)), true
	q.Way = []link{{id, q.at("engagements", id)}, {"Opinion", q.under("engagements", id, "opinion")}, {report.Capital(string(part)), ""}}
	return q.render("firm-opine.html", &data)
}

func (d *firmOpinePage) gates(q *request, f *fieldwork.File) {
	if err := f.MayWork(q.gridEntry()); err != nil {
		d.Closed = refusalOf(err)
	} else if d.Again == "" && !q.gridMay("opinion.write") {
		d.Closed = "The opinion is the partner's."
	} else if m := f.Team[q.who.Account]; m == nil || m.Duty != fieldwork.DutyPartner {
		d.Closed = "The opinion is written by a partner who is on the team as that."
	}
	d.Form = len(d.Missing) == 0 && d.Closed == "" && (d.Again == "" || q.Method == http.MethodPost)
}

// sayOpining says where one part of the opinion stands.
func sayOpining(have firmPart, missing int) string {
	switch {
	case have.Renewal:
		return "It was written on conclusions that have changed since: write and sign it anew."
	case have.Written:
		return "Written and signed by " + have.By + ", on " + have.At + ": " + have.Word + "."
	case missing > 0:
		return "It cannot be written yet: " + report.Plural(missing, "thing stands", "things stand") + " before it."
	}
	return "It is not written; the opinion, its words and its basis are yours."
}

// firmOpine writes one part, signed over what its partner saw.
func (q *request) firmOpine() error {
	id, part := q.PathValue("id"), engagement.Part(q.PathValue("part"))
	o, text, basis := engagement.Opinion(q.field("opinion")), q.field("text"), q.field("basis")
	digest := ""
	err := q.mustAgain("opinion.write")
	if err == nil {
		err = q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
			if s.OpinionDigest(f, part, "", "", "") != q.field("rests") {
				return fmt.Errorf("%w: the conclusions have changed since you opened this page. Look at what stands beside again, then sign", audit.ErrConflict)
			}
			if m := firmMissing(s.Standing(f, "opinion.write", string(part), q.now())); len(m) > 0 {
				return fmt.Errorf("%w: before the opinion: %s", audit.ErrConflict, m[0])
			}
			digest = s.OpinionDigest(f, part, o, text, basis)
			return nil
		})
	}
	var sig engagement.Signature
	if err == nil {
		sig, err = q.sign("opinion on "+string(part), digest)
	}
	if err == nil {
		err = q.files.Opine(q.Context(), q.who, id, part, o, text, basis, sig)
	}
	if err == nil {
		return q.done(q.under("engagements", id, "opinion"), "The opinion on the "+string(part)+" is written and signed: "+string(o)+".")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmOpinePage()
}
