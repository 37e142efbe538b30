package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/evidence"
	"tieout/period"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/reader/tasks"
	"tieout/reminder"
	"tieout/report"
)

// A news is what the newest sealed run found and no longer finds since the last
// that people were told of, and which sources are read in full no more.
type news struct {
	run, since *period.Run // since is nil where nothing was told and nothing ran before
	found      []finding   // for the first time, or again
	gone       []finding
	outages    []outage
	marks      map[string]string // id -> what it says was told: sealed once everybody was
	day        string
}

// A finding is one as a message names it.
type finding struct {
	ref      string
	controls []string
}

// An outage is a source whose newest collection is not complete.
type outage struct {
	source   string
	first    string // ID of its first collection since the last complete one
	record   int64  // of the newest one's end
	controls []string
	again    bool // it was told before, and the digest says it lasts
}

// empty reports whether there is nothing to tell.
func (n *news) empty() bool { return len(n.found)+len(n.gone)+len(n.outages) == 0 }

// key names what is told: the same news has the same key in every attempt.
func (n *news) key() string {
	h := sha256.New()
	if n.run != nil {
		fmt.Fprintf(h, "run %d\n", n.run.Record)
	}
	for _, o := range n.outages {
		fmt.Fprintf(h, "collection %s %v\n", o.first, o.again)
		if o.again {
			fmt.Fprintln(h, n.day)
		}
	}
	return "news " + hex.EncodeToString(h.Sum(nil))[:16]
}

// newsOf compares what is sealed now with what people were told.
func (w *work) newsOf(ctx context.Context, day string, digest bool) (*news, error) {
	n := &news{marks: map[string]string{}, day: day}
	if err := w.newRun(ctx, n); err != nil {
		return nil, err
	}
	return n, w.outages(ctx, n, digest)
}

// newRun finds the newest sealed run that nobody was told of and the one to
// compare it with: the last that was told, else the one before it. A run over
// another period is compared with by nobody.
func (w *work) newRun(ctx context.Context, n *news) error {
	saved, err := w.p.Store.Runs(ctx, math.MaxInt32)
	if err != nil {
		return err
	}
	var records []int64
	var ids []string
	for _, r := range saved {
		if r.Record >= 0 {
			records, ids = append(records, r.Record), append(ids, markOf("run", audit.EvidenceRef(r.Record)))
		}
	}
	known, err := w.p.Store.Indexes(ctx, ids)
	if err != nil || len(records) == 0 {
		return err
	}
	told := slices.IndexFunc(ids, func(id string) bool { _, ok := known[id]; return ok })
	if told == 0 {
		return nil
	}
	if told < 0 {
		told = min(1, len(records)-1)
	}
	newest, err := w.p.RunAt(ctx, records[0])
	if err != nil || newest.Period.Span != w.p.Period.Span {
		return err
	}
	n.run, n.marks[ids[0]] = newest, "run:"+audit.EvidenceRef(records[0])
	if told > 0 {
		since, err := w.p.RunAt(ctx, records[told])
		if err != nil {
			return err
		}
		if since.Period.Span == newest.Period.Span {
			n.since = since
		}
	}
	return n.compare(ctx, w.p)
}

// compare takes what one run found and the other did not. What was decided to be
// no deviation is no news.
func (n *news) compare(ctx context.Context, p *period.Program) error {
	before, ran := map[string]bool{}, map[string]bool{}
	if n.since != nil {
		for _, t := range n.since.Tested {
			for _, d := range t.Deviations {
				before[d.Ref] = true
			}
		}
	}
	for _, t := range n.run.Tested {
		ran[t.Procedure] = true
	}
	all, err := p.DeviationsAt(ctx, n.run, p.Now())
	if err != nil {
		return err
	}
	now := map[string]bool{}
	for _, t := range n.run.Tested {
		for _, d := range t.Deviations {
			now[d.Ref] = true
		}
	}
	for _, d := range all {
		f := finding{d.Ref, d.Controls}
		switch {
		case d.Disposition == audit.NotDeviation:
		case now[d.Ref] && !before[d.Ref]:
			n.found = append(n.found, f)
		case before[d.Ref] && !now[d.Ref] && ran[d.Procedure]:
			n.gone = append(n.gone, f)
		}
	}
	return nil
}

// outages finds the sources whose newest collection is not complete, those that
// were told only where the digest says them again.
func (w *work) outages(ctx context.Context, n *news, digest bool) error {
	for _, s := range w.p.Def.Sources {
		all, err := w.p.Store.Collections(ctx, s.Name)
		if err != nil {
			return err
		}
		o := outage{source: s.Name}
		for _, c := range all {
			switch {
			case c.End == nil:
			case c.End.Complete:
				o.first = ""
			default:
				if o.first == "" {
					o.first = c.ID
				}
				o.record = c.EndRecord
			}
		}
		if o.first == "" {
			continue
		}
		id := markOf("collection", o.first)
		known, err := w.p.Store.Indexes(ctx, []string{id})
		if err != nil {
			return err
		}
		if _, o.again = known[id]; o.again && !digest {
			continue
		}
		if !o.again {
			n.marks[id] = "collection:" + o.first
		}
		o.controls = answer.ReadFrom(w.p, s.Name)
		n.outages = append(n.outages, o)
	}
	return nil
}

// markOf is the id of the record that says that people were told of something.
func markOf(kind, id string) string { return hashed("tieout news told", kind, id) }

// within is the news as far as somebody is told of it: who runs the program of all
// that they may read, an owner of what is found by tests of their controls.
func (n *news) within(r tasks.Recipient, p *period.Program, owns func(control string) bool) *news {
	sight := &answer.Sight{Who: r.Who, P: p, Systems: answer.SystemsOf(p)}
	told := func(f finding) bool {
		return (r.Lead || slices.ContainsFunc(f.controls, owns)) && sight.May("deviation.read", sight.OfControls(f.controls...))
	}
	out := *n
	out.found, out.gone, out.outages = nil, nil, nil
	for _, f := range n.found {
		if told(f) {
			out.found = append(out.found, f)
		}
	}
	for _, f := range n.gone {
		if told(f) {
			out.gone = append(out.gone, f)
		}
	}
	for _, o := range n.outages {
		if (r.Lead || slices.ContainsFunc(o.controls, owns)) && sight.May("source.read", sight.OfControls(o.controls...)) {
			out.outages = append(out.outages, o)
		}
	}
	return &out
}

// duties says which controls an account has the duty of.
func duties(p *period.Program, s *program.State, account string) map[string]bool {
	out := map[string]bool{}
	for _, c := range p.Selection().Controls {
		if d := s.Duties[c.Owner]; d != nil && d.Account == account {
			out[c.ID] = true
		}
	}
	return out
}

// messages are the news for each person who is told some.
func (n *news) messages(ctx context.Context, p *period.Program, people []tasks.Recipient, base string) (out []reminder.Message, err error) {
	err = p.Registers().Read(ctx, func(s *program.State) error {
		for _, r := range people {
			own := duties(p, s, r.Account)
			if mine := n.within(r, p, func(c string) bool { return own[c] }); !mine.empty() {
				out = append(out, mine.message(r.Person, p, base))
			}
		}
		return nil
	})
	return out, err
}

// message says references and counts, and nothing of what evidence says.
func (n *news) message(to reminder.Person, p *period.Program, base string) reminder.Message {
	m := reminder.Message{To: to, Sentence: n.sentence(p), Act: "Look"}
	for _, f := range n.found {
		m.Lines = append(m.Lines, reminder.Line{Text: f.ref + " on " + strings.Join(f.controls, ", "), Due: "new"})
	}
	for _, f := range n.gone {
		m.Lines = append(m.Lines, reminder.Line{Text: f.ref + " on " + strings.Join(f.controls, ", "), Due: "no longer found"})
	}
	for _, o := range n.outages {
		m.Lines = append(m.Lines, reminder.Line{Text: o.source, Due: "not read in full, " + audit.EvidenceRef(o.record)})
	}
	if base != "" {
		m.Link = strings.TrimSuffix(base, "/") + map[bool]string{true: "/connectors", false: "/deviations"}[len(n.found)+len(n.gone) == 0]
	}
	return m
}

// sentence is the news in one true sentence.
func (n *news) sentence(p *period.Program) string {
	var parts []string
	if len(n.found) > 0 {
		parts = append(parts, report.Plural(len(n.found), "finding is", "findings are")+" new")
	}
	if len(n.gone) > 0 {
		parts = append(parts, report.Plural(len(n.gone), "is", "are")+" no longer found")
	}
	s := ""
	if len(parts) > 0 {
		s = report.Capital(report.List(parts))
		if n.since != nil {
			s += " since the run of " + report.Moment(n.since.AsOf, p.Period.Location())
		}
		s += ". "
	}
	if k := len(n.outages); k > 0 {
		s += report.Capital(report.Plural(k, "source was", "sources were")) + " not read in full."
	}
	return strings.TrimSpace(s)
}

// A postedNews is the news as another program reads it: references and counts.
type postedNews struct {
	Schema       string         `json:"schema"`
	Organization string         `json:"organization"`
	Day          string         `json:"day"`
	Sentence     string         `json:"sentence"`
	Run          string         `json:"run,omitempty"`   // record of the newest run, where it says something new
	Since        string         `json:"since,omitempty"` // record of the run it is compared with
	Found        []string       `json:"found"`           // references
	Gone         []string       `json:"gone"`
	Incomplete   []postedOutage `json:"incomplete"`
}

type postedOutage struct {
	Source string `json:"source"`
	End    string `json:"end"` // record of the newest collection's end
}

func (n *news) post(p *period.Program) postedNews {
	out := postedNews{Schema: "tieout.news/1", Organization: p.Def.Organization.Name, Day: n.day, Sentence: n.sentence(p), Found: []string{}, Gone: []string{}, Incomplete: []postedOutage{}}
	if n.run != nil {
		out.Run = audit.EvidenceRef(n.run.Record)
	}
	if n.since != nil {
		out.Since = audit.EvidenceRef(n.since.Record)
	}
	for _, f := range n.found {
		out.Found = append(out.Found, f.ref)
	}
	for _, f := range n.gone {
		out.Gone = append(out.Gone, f.ref)
	}
	for _, o := range n.outages {
		out.Incomplete = append(out.Incomplete, postedOutage{o.source, audit.EvidenceRef(o.record)})
	}
	return out
}

// chat is the news for a room: the sentence, and how many of each kind.
func (n *news) chat(p *period.Program, base string) string {
	s := n.sentence(p) + "\n"
	for _, o := range n.outages {
		s += "- " + o.source + ": not read in full\n"
	}
	if base != "" {
		s += strings.TrimSuffix(base, "/") + "/deviations\n"
	}
	return s
}

// tellNews tells people what is new, by every way there is. It is told once: that
// it was is sealed when nothing is left to try again.
func (w *work) tellNews(ctx context.Context, n *news, people []tasks.Recipient, base string) (*telling, error) {
	t := &telling{p: w.p, t: w.t, day: n.day, news: n.key()}
	if !n.empty() {
		ms, err := n.messages(ctx, w.p, people, base)
		if err != nil {
			return t, err
		}
		t.byMail(ctx, ms)
		t.byChat(ctx, n.chat(w.p, base), len(n.found)+len(n.gone)+len(n.outages))
		t.byWebhook(ctx, n.post(w.p), len(n.found)+len(n.gone)+len(n.outages))
	}
	if err := ctx.Err(); err != nil || len(t.later) > 0 {
		return t, err
	}
	for id, on := range n.marks {
		_, err := w.p.Seal.SealOnce(ctx, evidence.Draft{ID: id, Kind: audit.RecordActivity, Actor: machine,
			Detail: audit.Activity{Through: "reminders", Act: "news told", On: on, Facts: map[string]string{"day": n.day}}})
		if err != nil && !errors.Is(err, audit.ErrConflict) {
			return t, err
		}
	}
	return t, nil
}
