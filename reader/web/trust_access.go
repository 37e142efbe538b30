package web

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tieout/audit"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/policy"
	"tieout/report"
	"tieout/report/attest"
)

// A trustLimit is one thing every reader of a report has to know.
type trustLimit struct{ Head, Text string }

// A trustBridge is a letter of management's that continues the report.
type trustBridge struct {
	ID, Days, By, Href string
	Text               template.HTML
}

// A trustReadPage is a report as whoever holds a link reads it.
type trustReadPage struct {
	*outsidePage
	At         string // path of the link
	For        string
	Until      string
	Type, Span string
	Dated      string
	Auditor    string
	System     string
	Fresh      string
	FreshClass string
	Limits     []trustLimit
	Bar        template.HTML
	Coverage   []examStretch
	Opinions   []examOpinion
	Exceptions []examException
	Expected   []attest.Expected
	Services   []attest.Subservice
	Letters    []trustBridge
	Taken      int
}

// linkAt is the path of the link in the request's.
func (o *outsider) linkAt() string { return linkPath + url.PathEscape(o.PathValue("secret")) }

// link is what the secret in the path stands for now. Where access has ended the page
// that says so is written, and ok is false.
func (o *outsider) link() (l examination.Link, ok bool, err error) {
	l, err = o.s.exam.LinkOf(o.Context(), o.PathValue("secret"))
	if err != nil || l.Ended.IsZero() {
		return l, err == nil, err
	}
	o.status, o.Title, o.Say = http.StatusGone, "Access ended", sayEnded(l.Ended, o.s.home.Period.Location())
	return l, false, o.show("trust-ended.html", &o.outsidePage)
}

// sayEnded says when access ended, and nothing else.
func sayEnded(at time.Time, zone *time.Location) string {
	return "Access ended " + report.Day(at, zone) + "."
}

func (o *outsider) access() error {
	l, ok, err := o.link()
	if err != nil || !ok {
		return err
	}
	if l.Terms != nil {
		return o.askAgreement(l)
	}
	value, err := o.s.exam.ReadLink(o.Context(), o.s.Address(o.Request), o.PathValue("secret"))
	if err != nil {
		return err
	}
	return o.read(l, value)
}

// A trustAgreePage is the terms, before anything else is shown.
type trustAgreePage struct {
	*outsidePage
	At, Digest, Name, Role string
	Version                int
	Organization           string
	Text                   template.HTML
}

func (o *outsider) askAgreement(l examination.Link) error {
	o.Title, o.Say, o.Told = "Terms of access", "Read these terms and agree to them for "+l.Grant.Organization+"; what they are about opens then.", ""
	return o.show("trust-agree.html", trustAgreePage{&o.outsidePage, o.linkAt(), l.Terms.Digest, typedOr(o.PostForm, "name", l.Grant.Name), o.PostForm.Get("title"), l.Terms.Version, l.Grant.Organization, policy.HTML(l.Terms.Text)})
}

// typedOr is what was typed into a field, or what stood there.
func typedOr(form url.Values, field, have string) string {
	if form.Has(field) {
		return form.Get(field)
	}
	return have
}

// agree keeps the agreement of whoever holds the link to the terms as they were shown.
func (o *outsider) agree() error {
	l, ok, err := o.link()
	if err != nil || !ok {
		return err
	}
	field := o.plain().field
	switch {
	case l.Terms == nil: // agreed to before: the form was sent twice
		http.Redirect(o.w, o.Request, o.linkAt(), http.StatusSeeOther)
		return nil
	case field("agree") != "yes":
		err = fmt.Errorf("%w: tick that you agree, or close this page", audit.ErrInvalid)
	default:
		err = o.s.exam.AgreeLink(o.Context(), o.s.Address(o.Request), o.PathValue("secret"), field("digest"), field("name"), field("title"))
	}
	switch {
	case errors.Is(err, audit.ErrInvalid):
		o.status, o.Problem = http.StatusUnprocessableEntity, []string{sentence(reason(err, audit.ErrInvalid))}
	case errors.Is(err, audit.ErrConflict):
		o.status, o.Problem = http.StatusConflict, []string{sentence(reason(err, audit.ErrConflict))}
	case err != nil:
		return err
	default:
		http.Redirect(o.w, o.Request, o.linkAt(), http.StatusSeeOther)
		return nil
	}
	return o.askAgreement(l)
}

// takeCopy hands over the link's own copy; its entries are sealed before.
func (o *outsider) takeCopy() error {
	l, ok, err := o.link()
	if err != nil || !ok {
		return err
	}
	if l.Terms != nil {
		o.status = http.StatusForbidden
		return o.askAgreement(l)
	}
	f, err := o.s.exam.TakeCopy(o.Context(), o.s.Address(o.Request), o.PathValue("secret"))
	if err != nil {
		return err
	}
	return o.plain().sendFile(f.Name, f.Media, f.Data)
}

// opened is the report the link opens; the look is in the log. ok is false where a
// page was written instead: access has ended, or the terms are not agreed to.
func (o *outsider) opened() (l examination.Link, value attest.Report, ok bool, err error) {
	l, ok, err = o.link()
	if err != nil || !ok {
		return l, value, false, err
	}
	if l.Terms != nil {
		o.status = http.StatusForbidden
		return l, value, false, o.askAgreement(l)
	}
	value, err = o.s.exam.ReadLink(o.Context(), o.s.Address(o.Request), o.PathValue("secret"))
	return l, value, err == nil, err
}

// controls are the controls the reader operates, for their own control matrix.
func (o *outsider) controls() error {
	_, value, ok, err := o.opened()
	if err != nil || !ok {
		return err
	}
	var rows [][]string
	for _, e := range value.Expected {
		rows = append(rows, []string{e.ID, e.Text, strings.Join(e.Criteria, " "), "", ""})
	}
	return o.plain().asCSV("user-entity-controls", []string{"control", "what the report expects of you", "criteria", "your control", "your evidence"}, rows)
}

// letter gives a bridge letter that continues the report, as PDF.
func (o *outsider) letter() error {
	l, _, ok, err := o.opened()
	if err != nil || !ok {
		return err
	}
	for _, b := range l.Bridges {
		if b.ID != o.PathValue("letter") {
			continue
		}
		paper, err := o.s.exam.Letter(o.Context(), l.Grant.Engagement, b.ID)
		if err != nil {
			return err
		}
		form := bridgeForms[0]
		data, err := form.write(paper)
		if err != nil {
			return err
		}
		return o.plain().sendFile(paper.ID+"."+form.name, form.media, data)
	}
	return fmt.Errorf("%w: letter", audit.ErrNotFound)
}

// read shows the report to whoever holds the link.
func (o *outsider) read(l examination.Link, value attest.Report) error {
	now, t := audit.Instant(o.s.o.Now()), l.Release.Terms
	data := trustReadPage{outsidePage: &o.outsidePage, At: o.linkAt(), For: l.Grant.Name + ", " + l.Grant.Organization, Until: report.Day(l.Grant.Expires, o.s.home.Period.Location()),
		Type: t.Type.String(), Span: firmSpan(t), Dated: dayText(l.Release.Dated), Auditor: t.Firm.Name, System: t.System,
		Limits: trustLimits(&value, firmSpan(t)), Opinions: examOpinions(&value), Exceptions: examExceptions(&value), Expected: value.Expected, Services: value.Subservices, Taken: len(l.Grant.Fetches)}
	last := t.AsOf
	if t.Type.OverPeriod() {
		last = t.Last
	}
	data.Fresh, data.FreshClass = freshness(t.Type, daysSince(last, t.Zone, now))
	for _, b := range l.Bridges {
		data.Letters = append(data.Letters, trustBridge{b.ID, dayText(b.From) + " to " + dayText(b.To), b.Signed.Name + ", " + b.Signed.Title, o.linkAt() + "/letters/" + url.PathEscape(b.ID), policy.HTML(b.Text)})
	}
	err := o.s.exam.Side.Read(o.Context(), func(s *management.State) error {
		x, err := s.Side(l.Grant.Engagement)
		if err != nil {
			return err
		}
		data.Coverage, data.Bar = examCoverage(x, now), trustBar(l, now)
		return nil
	})
	if err != nil {
		return err
	}
	o.Title = data.Type + " report of " + o.Org
	o.Say = sayExamReport(&l.Release, data.Span, len(data.Exceptions), "")
	return o.show("trust-read.html", data)
}

// trustLimits are the sentences every reader of a report meets before its opinion:
// what was examined, and what it does not say. They are ours and the same for all.
func trustLimits(r *attest.Report, span string) []trustLimit {
	parts := "whether the description of the system is fair and whether its controls are suitably designed"
	if r.Type == attest.SOC2TypeII || r.Type == attest.SOC1TypeII {
		parts = "whether the description of the system is fair, whether its controls are suitably designed, and whether they operated effectively"
	}
	var in, out, carved []string
	for _, c := range r.Categories {
		if c.In {
			in = append(in, c.Name)
		} else {
			out = append(out, c.Name)
		}
	}
	for _, s := range r.Subservices {
		if !s.Inclusive {
			carved = append(carved, s.Name)
		}
	}
	about := r.Firm.Name + " examined " + r.System + ", " + span + ": " + parts
	if len(in) > 0 {
		about += ", for " + attest.And(in)
	}
	list := []trustLimit{{"What was examined", about + "."}, {"Which days", "It speaks of " + span + " and of no other day. What changed since is not in it."}}
	if len(out) > 0 {
		list = append(list, trustLimit{"What was not examined", report.Capital(attest.And(out)) + ", and every system that the description leaves out."})
	}
	if len(carved) > 0 {
		list = append(list, trustLimit{"What is left to others", "The controls of " + attest.And(carved) + " were carved out: nobody examined them here. Read their own reports for them."})
	}
	if n := len(r.Expected); n > 0 {
		list = append(list, trustLimit{"What you have to do yourself", "Its conclusions hold only where you operate " + report.Plural(n, "control", "controls") + " of your own, which are listed below."})
	}
	return append(list,
		trustLimit{"What no examination can do", "People err, get round controls and act together; many things are tested on samples. A control that worked on these days may fail on the next."},
		trustLimit{"No promise of security", "An opinion on controls does not say that the company is secure, that nothing was breached, or that it is better than another."},
		trustLimit{"Who it is for", "It was written for readers who know the service and can weigh its limits. Do not pass it on: your copy names you on every page."})
}

// trustBar draws which days something speaks about, in their proportions: those of
// the report, those of letters, and the rest until today. "": there is no period.
func trustBar(l examination.Link, now time.Time) template.HTML {
	t := l.Release.Terms
	if !t.Type.OverPeriod() {
		return ""
	}
	until := t.Last
	for _, b := range l.Bridges {
		until = max(until, b.To)
	}
	today := now
	if loc, err := time.LoadLocation(t.Zone); err == nil {
		today = now.In(loc)
	}
	end := max(until, today.Format(time.DateOnly))
	whole := float64(daysFrom(t.First, end) + 1)
	var b strings.Builder
	b.WriteString(`<svg class="tbar" width="100%" height="26" aria-hidden="true">`)
	draw := func(class, from, to string) {
		if n := daysFrom(from, to); n >= 0 {
			fmt.Fprintf(&b, `<rect class="tb-%s" x="%s" width="%s" y="2" height="22"/>`, class, percent(100*float64(daysFrom(t.First, from))/whole), percent(100*float64(n+1)/whole))
		}
	}
	draw("ok", t.First, t.Last)
	draw("late", dayAfter(t.Last), until)
	draw("gap", dayAfter(until), end)
	b.WriteString("</svg>")
	return template.HTML(b.String()) // figures and words of this file alone
}

// daysFrom is how many days lie from one day to another; negative where the other is
// before it.
func daysFrom(a, b string) int {
	from, err := time.Parse(time.DateOnly, a)
	to, terr := time.Parse(time.DateOnly, b)
	if err != nil || terr != nil {
		return -1
	}
	return int(to.Sub(from) / (24 * time.Hour))
}

func dayAfter(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return ""
	}
	return t.AddDate(0, 0, 1).Format(time.DateOnly)
}
