package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/examination"
	"tieout/report"
	"tieout/report/attest"
	"tieout/trust"
)

// What outsiders can ask of this server: who has no account sees what was published,
// and what the secret of their link opens.
const (
	maxOutside = 32 << 10 // bytes of a form
	askBurst   = 5        // requests for access of one network at once
	askEvery   = 10 * time.Minute
	linkPath   = "/trust/access/" // what follows is a secret
)

// An outside is an address of who has no account.
type outside struct {
	pattern string
	costly  bool // a GET that is bounded per network as what changes something is
	do      func(*outsider) error
}

var outsides = []outside{
	{"GET /trust", false, (*outsider).public},
	{"GET /trust.json", false, (*outsider).publicJSON},
	{"POST /trust", false, (*outsider).ask},
	{"GET /trust/open/{id}", true, (*outsider).publicFile},
	{"GET /trust/badge/{id}", true, (*outsider).badge},
	{"GET " + linkPath + "{secret}", true, (*outsider).access},
	{"POST " + linkPath + "{secret}/agree", false, (*outsider).agree},
	{"POST " + linkPath + "{secret}/copy", false, (*outsider).takeCopy},
	{"GET " + linkPath + "{secret}/controls.csv", true, (*outsider).controls},
	{"GET " + linkPath + "{secret}/letters/{letter}", true, (*outsider).letter},
}

// An outsider is one request of who has no account.
type outsider struct {
	*http.Request
	w http.ResponseWriter
	s *Server
	outsidePage
}

// An outsidePage is what every page for outsiders shows around its own part.
type outsidePage struct {
	Title, Say, Org string
	Problem         []string
	Told            string
	status          int
}

// outside makes a handler of an address of who has no account.
func (s *Server) outside(x outside) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.crowded(w, r) || x.costly && s.crowd(w, r) {
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxOutside)
		o := &outsider{Request: r, w: w, s: s, outsidePage: outsidePage{Org: s.home.Def.Organization.Name}}
		err := o.plain().parse()
		if err == nil {
			err = x.do(o)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			o.wrong(err)
		}
	})
}

// plain is the request for what renders and sends; it has nobody's rights.
func (o *outsider) plain() *request {
	return &request{Request: o.Request, w: o.w, s: o.s, page: page{status: o.status}}
}

// show renders a page. What the address bar holds may be a secret: the page is kept
// nowhere and tells no other site where it was opened from.
func (o *outsider) show(name string, data any) error {
	o.w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	return o.plain().render(name, data)
}

// wrong says to an outsider as much as they need: nothing of this server.
func (o *outsider) wrong(err error) {
	switch {
	case errors.Is(err, audit.ErrUnavailable):
		o.s.note(o.Request, err)
		fail(o.w, http.StatusServiceUnavailable, "Not taken now", "Nothing was kept. Try again tomorrow, or write to the people you know there.")
	case errors.Is(err, audit.ErrForbidden):
		fail(o.w, http.StatusForbidden, "Not open", "Open your link again: what it opens may have ended.")
	case errors.Is(err, audit.ErrNotFound):
		fail(o.w, http.StatusNotFound, "There is no such page", "Look at the address again: a link is sometimes cut in two on its way.")
	case errors.Is(err, audit.ErrConflict):
		fail(o.w, http.StatusConflict, "Not done", sentence(reason(err, audit.ErrConflict)))
	case errors.Is(err, audit.ErrInvalid):
		fail(o.w, http.StatusUnprocessableEntity, "That cannot be kept", sentence(reason(err, audit.ErrInvalid))+" Go back, mend it and send it again.")
	default:
		o.s.note(o.Request, err)
		fail(o.w, http.StatusInternalServerError, "This page could not be made", "Nothing was changed. Try again later.")
	}
}

// hushed is a path as it can be noted: without the secret of a link.
func hushed(path string) string {
	if strings.HasPrefix(path, linkPath) {
		return linkPath + "..."
	}
	return path
}

// A trustReport is a published report as everybody may know of it.
type trustReport struct {
	ID      string   `json:"id"`
	Type    string   `json:"type"`
	System  string   `json:"system"`
	Days    string   `json:"days"`
	First   string   `json:"first,omitempty"`
	Last    string   `json:"last"` // of a report as of a date, that day
	Covers  []string `json:"categories,omitempty"`
	Firm    string   `json:"auditor"`
	Dated   string   `json:"dated"` // the report's day
	Age     int      `json:"daysSinceEnd"`
	Fresh   string   `json:"-"`
	Class   string   `json:"-"`
	Bridged string   `json:"bridgedUntil,omitempty"` // last day of management's own letter
	Not     []string `json:"notCovered"`
	Anyone  bool     `json:"forEverybody"`

	DatedText string `json:"-"`
}

// trustReportOf puts a published report in words, as of an instant.
func trustReportOf(s examination.Spoken, now time.Time) trustReport {
	r := trustReport{ID: s.Engagement, Type: s.Type.String(), System: s.System, Days: firmSpan(engagement.Terms{Type: s.Type, First: s.First, Last: s.Last, AsOf: s.AsOf, Zone: s.Zone}),
		Last: s.Ends(), Firm: s.Firm, Dated: s.Dated, DatedText: dayText(s.Dated), Bridged: s.Until, Anyone: s.Anyone}
	if s.Type.OverPeriod() {
		r.First = s.First
	}
	var out []string
	for _, c := range s.Categories {
		if c.In {
			r.Covers = append(r.Covers, categoryName(c.Category))
		} else {
			out = append(out, categoryName(c.Category))
		}
	}
	r.Age = daysSince(r.Last, s.Zone, now)
	r.Fresh, r.Class = freshness(s.Type, r.Age)
	r.Not = notCovered(s, out)
	return r
}

// daysSince is how many days of a zone went by after a day until an instant; never
// less than none.
func daysSince(day, zone string, now time.Time) int {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	last, err := time.Parse(time.DateOnly, day)
	today, terr := time.Parse(time.DateOnly, now.In(loc).Format(time.DateOnly))
	if err != nil || terr != nil {
		return 0
	}
	return max(0, int(today.Sub(last)/(24*time.Hour)))
}

// staleAfter is the age, in days since its last day, from which on readers ask for
// the next report.
const staleAfter = 365

// freshness says how long ago the days of a report ended.
func freshness(t engagement.Type, age int) (words, class string) {
	what := "the end of its period"
	if !t.OverPeriod() {
		what = "the day it speaks of"
	}
	words = report.Plural(age, "day", "days") + " since " + what + "."
	switch {
	case age == 0:
		words = "Today is " + what + "."
	case age > staleAfter:
		return words + " That is more than twelve months: ask for the next report.", "late"
	}
	return words, "ok"
}

// notCovered says what a report does not speak of, as far as its kind and its terms
// tell; out are the categories left out.
func notCovered(s examination.Spoken, out []string) (list []string) {
	if len(out) > 0 {
		list = append(list, report.Capital(attest.And(out))+": not examined.")
	}
	switch {
	case !s.Type.OverPeriod():
		list = append(list, "How the controls operated over time: it speaks of their design as of one day.")
	case s.Until != "":
		list = append(list, "The days after "+dayText(s.Last)+": management's own letter speaks of those to "+dayText(s.Until)+", and nobody examined it.")
	default:
		list = append(list, "The days after "+dayText(s.Last)+".")
	}
	if s.Type.OfObjectives() {
		list = append(list, "Security as such: it is about controls that matter for the financial reporting of customers.")
	}
	return append(list, "What other organizations do for the service, where the report says that their controls are left out.",
		"Tomorrow: no report promises that nothing will happen.")
}

// A trustPage is the public page.
type trustPage struct {
	*outsidePage
	Reports []trustReport
	Asks    []choice // reports that can be asked for
	Classes []choice
	T       map[string]string // as it was typed
}

func (o *outsider) spoken() ([]trustReport, error) {
	list, err := o.s.exam.SpokenOf(o.Context())
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%w: nothing is published", audit.ErrNotFound)
	}
	var out []trustReport
	for _, s := range list {
		out = append(out, trustReportOf(s, audit.Instant(o.s.o.Now())))
	}
	return out, err
}

func (o *outsider) public() error {
	list, err := o.spoken()
	if err != nil {
		return err
	}
	o.Title, o.Say, o.Told = "Security and assurance", sayTrust(o.Org, list), o.s.told(o.w, o.Request)
	data := trustPage{outsidePage: &o.outsidePage, Reports: list, T: map[string]string{}}
	for _, f := range askFields {
		data.T[f] = o.PostForm.Get(f)
	}
	for _, r := range list {
		if !r.Anyone {
			data.Asks = append(data.Asks, choice{r.ID, r.Type + ", " + r.Days, r.ID == data.T["report"]})
		}
	}
	data.Classes = classChoices(data.T["class"])
	return o.show("trust.html", data)
}

// sayTrust says what is published, in one sentence.
func sayTrust(org string, list []trustReport) string {
	if len(list) == 1 {
		r := list[0]
		return r.System + " of " + org + " was examined by " + r.Firm + ": " + r.Type + ", " + r.Days + "."
	}
	return report.Capital(report.Words(len(list))) + " reports on " + org + " are in force."
}

func (o *outsider) publicJSON() error {
	list, err := o.spoken()
	if err != nil {
		return err
	}
	body, err := json.MarshalIndent(struct {
		Schema       string        `json:"schema"`
		Organization string        `json:"organization"`
		Reports      []trustReport `json:"reports"`
	}{"tieout.trust/1", o.Org, list}, "", "  ")
	if err != nil {
		return err
	}
	o.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	o.w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	o.w.WriteHeader(http.StatusOK)
	_, _ = o.w.Write(body) // who asked is gone
	return nil
}

func (o *outsider) publicFile() error {
	f, err := o.s.exam.PublicFile(o.Context(), o.PathValue("id"))
	if err != nil {
		return err
	}
	return o.plain().sendFile(f.Name, f.Media, f.Data)
}

// askFields are what the form for asking holds.
var askFields = []string{"report", "name", "organization", "mail", "class", "reason"}

// thanks is the answer to every request that was kept, whoever asks.
const thanks = "Your request is kept. Somebody reads it, and writes to you if they can give you the report."

// ask keeps a request. The answer is the same for everybody: it tells nobody whether
// an address is known here.
func (o *outsider) ask() error {
	if _, err := o.spoken(); err != nil {
		return err
	}
	if !o.s.asks.allow(o.s.Address(o.Request), o.s.o.Now()) {
		o.w.Header().Set("Retry-After", fmt.Sprint(int(askEvery.Seconds())))
		fail(o.w, http.StatusTooManyRequests, "Too many requests", "Too much was asked for from your network. Nothing was kept; try again in an hour.")
		return nil
	}
	field := o.plain().field
	err := o.s.exam.AskAccess(o.Context(), o.s.Address(o.Request), trust.Ask{Engagement: field("report"), Name: field("name"), Organization: field("organization"), Mail: field("mail"),
		Class: trust.ClassID(field("class")), Reason: field("reason")})
	if errors.Is(err, audit.ErrInvalid) {
		o.status, o.Problem = http.StatusUnprocessableEntity, []string{sentence(reason(err, audit.ErrInvalid))}
		return o.public()
	}
	if err != nil {
		return err
	}
	o.s.tell(o.w, thanks)
	http.Redirect(o.w, o.Request, "/trust", http.StatusSeeOther)
	return nil
}

// classTitle is a class of recipients in words.
func classTitle(id trust.ClassID) string {
	if c, ok := trust.ClassOf(id); ok {
		return c.Title
	}
	return string(id)
}

// classChoices offers the classes of recipients.
func classChoices(chosen string) (out []choice) {
	for _, c := range trust.Classes {
		out = append(out, choice{string(c.ID), c.Title, string(c.ID) == chosen})
	}
	return out
}

// basisChoices offers grounds; without one, the usual one of the class is taken.
func basisChoices(chosen string) []choice {
	out := []choice{{"", "The usual one of the class", chosen == ""}}
	for _, b := range trust.Bases {
		out = append(out, choice{string(b.ID), b.Title, string(b.ID) == chosen})
	}
	return out
}
