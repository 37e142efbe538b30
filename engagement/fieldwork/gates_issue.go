package fieldwork

import (
	"slices"
	"strings"

	"tieout/book"
	"tieout/engagement"
)

var opinionGates = []Gate{
	{"opinion.write", "every control, criterion, objective and description criterion in scope has a conclusion; unable to conclude is one", (*ground).allConcluded},
	{"opinion.write", "no conclusion rests on an older version of what it is about", (*ground).allCurrent},
	{"opinion.write", "the period, or the day it is as of, is over", func(g *ground) string {
		return unless(ended(g.f.Terms, g.e.At), "it is not")
	}},
	{"opinion.write", "the report that a SOC 3 rests on is issued and in force, on opinions of the conclusions in force", (*ground).based},
	{"opinion.write", "who signs it has a CPA license stated, with state and number", (*ground).licensed},
	{"draft.give", "management has agreed to the terms in force", (*ground).agreed},
	{"draft.give", "every part has an opinion that rests on the conclusions in force", (*ground).opined},
	{"quality.sign", "every part has an opinion that rests on the conclusions in force", (*ground).opined},
	{"quality.sign", "the quality reviewer had no hand in the work", func(g *ground) string {
		return unless(!slices.Contains(g.s.Hands(g.f), g.e.By.Name), "you worked on this engagement")
	}},
}

var issueGates = []Gate{
	{"report.issue", "the engagement is at draft review", func(g *ground) string {
		return unless(g.f.State == engagement.DraftReview, "it is at: %s", g.f.State)
	}},
	{"report.issue", "management has agreed to the terms in force", (*ground).agreed},
	{"report.issue", "every conclusion is there and current", (*ground).allConcluded},
	{"report.issue", "no conclusion rests on an older version of what it is about", (*ground).allCurrent},
	{"report.issue", "every part has a signed opinion that rests on the conclusions in force", (*ground).opined},
	{"report.issue", "the report that a SOC 3 rests on is issued and in force, and its opinion was written on that one", (*ground).basedOn},
	{"report.issue", "the engagement quality review is signed over these opinions, where the firm's policy asks for one", func(g *ground) string {
		q := g.f.Quality
		return unless(!g.f.Terms.Quality || q != nil && q.Digest == g.f.QualityDigest(), "the quality review is not signed, or of older opinions")
	}},
	{"report.issue", "management's assertion is here, and each inclusive subservice organization's own", func(g *ground) string {
		left := lacking(g.f.Parties(), g.f.Assertions)
		return unless(len(left) == 0, "no assertion of %s", some(left))
	}},
	{"report.issue", "a representation letter of each of them is here, dated as the report", (*ground).represented},
	{"report.issue", "each assertion and each letter of representation is signed under the terms in force", (*ground).underTerms},
	{"report.issue", "the final description lists the controls that were concluded on, and no other", (*ground).sameControls},
	{"report.issue", "every control of an inclusive subservice organization has a test that the report lists", (*ground).includedTested},
	{"report.issue", "who signs it has a CPA license stated, with state and number", (*ground).licensed},
	{"report.issue", "every standing exception was released to the client; a missing response only warns", (*ground).released},
	{"report.issue", "subsequent events were asked about up to the report's day", (*ground).inquired},
	{"report.issue", "every opinion was written after each event that shows a condition of the period", (*ground).weighed},
	{"report.issue", "a draft was given for factual review, and every comment has its answer", (*ground).commented},
	{"report.issue", "the report's day is not before its evidence, nor after today", (*ground).datedRight},
	{"report.issue", "a report after the first says which it supersedes, and why: the latest of this client's, in force", (*ground).supersedes},

	{"report.revise", "the report is issued and in force", (*ground).inForce},
	{"report.revise", "the file is not locked", func(g *ground) string {
		return unless(g.f.Archive == nil || g.f.Archive.Locked.IsZero(), "it is locked: open an engagement whose report supersedes this one")
	}},
	{"report.withdraw", "a report was issued and is in force; one that supersedes it may be under way", (*ground).standing},
}

var archiveGates = []Gate{
	{"archive.assemble", "the report is issued", (*ground).issuedNow},
	{"archive.assemble", "the file is not locked", func(g *ground) string {
		return unless(g.f.Archive == nil || g.f.Archive.Locked.IsZero(), "it is locked")
	}},
	{"archive.lock", "the file is assembled, as it is now", func(g *ground) string {
		index, err := g.s.Index(g.f)
		return unless(err == nil && g.f.Archive != nil && g.f.Archive.Digest == index.Digest(), "it is not assembled, or changed since")
	}},
	{"archive.lock", "the file is not locked", func(g *ground) string {
		return unless(g.f.Archive == nil || g.f.Archive.Locked.IsZero(), "it is locked already")
	}},
	{"archive.add", "the file is locked", func(g *ground) string {
		return unless(g.f.Archive != nil && !g.f.Archive.Locked.IsZero(), "it is not locked: what belongs to it is put where it belongs")
	}},
}

// agreed: terms that changed are agreed to anew.
func (g *ground) agreed() string {
	return unless(g.f.Agreed != nil, "management has not agreed to the terms as they are now")
}

func (g *ground) allConcluded() string {
	w := g.s.worked(g.f)
	var left []string
	for _, what := range w.ToConclude() {
		if w.Concluded[what] == nil {
			left = append(left, what)
		}
	}
	return unless(len(left) == 0, "no conclusion on %s", some(left))
}

func (g *ground) allCurrent() string {
	w := g.s.worked(g.f)
	var left []string
	for _, what := range w.ToConclude() {
		if m := w.Stale(what); m != "" {
			left = append(left, what+" ("+m+")")
		}
	}
	return unless(len(left) == 0, "to be renewed: %s", some(left))
}

func (g *ground) opined() string {
	rests := g.s.conclusionsDigest(g.f)
	var left []string
	for _, p := range g.f.Terms.Type.Parts() {
		if o := g.f.Opinions[p]; o == nil || o.Rests != rests {
			left = append(left, string(p))
		}
	}
	return unless(len(left) == 0, "no opinion, or one on older conclusions, on: %s", some(left))
}

// lacking are the parties without a letter.
func lacking[T any](parties []string, have map[string]*T) (out []string) {
	for _, p := range parties {
		if have[p] == nil {
			out = append(out, p)
		}
	}
	return out
}

func (g *ground) represented() string {
	left := lacking(g.f.Parties(), g.f.Representations)
	for _, p := range g.f.Parties() {
		if r := g.f.Representations[p]; r != nil && r.Dated != g.issues.Dated {
			left = append(left, p+" (dated "+r.Dated+", the report "+g.issues.Dated+")")
		}
	}
	return unless(len(left) == 0, "no representation letter, or not of the report's day: %s", some(left))
}

// underTerms: a statement that was signed before the terms changed says nothing of
// what is examined now. What was issued before this gate was there stays issued.
func (g *ground) underTerms() string {
	if g.edition == 0 {
		return ""
	}
	now, err := g.f.Terms.Digest()
	if err != nil {
		return err.Error()
	}
	var other, unknown []string
	weigh := func(what, by, terms string) {
		switch terms {
		case now:
		case "":
			unknown = append(unknown, what+" of "+by)
		default:
			other = append(other, what+" of "+by)
		}
	}
	for _, p := range g.f.Parties() {
		if a := g.f.Assertions[p]; a != nil {
			weigh("assertion", p, a.Terms)
		}
		if r := g.f.Representations[p]; r != nil {
			weigh("letter", p, r.Terms)
		}
	}
	var out []string
	if len(other) > 0 {
		out = append(out, "signed under terms that have changed since: "+some(other))
	}
	if len(unknown) > 0 {
		out = append(out, "signed under unknown terms, for it names none: "+some(unknown))
	}
	return unless(len(out) == 0, "%s; ask the client to sign anew under the terms in force", strings.Join(out, "; "))
}

// licensed: only a licensed CPA of the firm signs. Before anybody acts it is asked of
// the partner on the team. What was signed before this gate was there stays.
func (g *ground) licensed() string {
	if g.edition == 0 {
		return ""
	}
	if who := g.e.By.Name; who != "" {
		return unless(engagement.Licensed(g.f.stated(who)), "the team states no CPA license of who signs: put it beside their duty")
	}
	for _, m := range book.Sorted(g.f.Team) {
		if m.Duty == DutyPartner && m.Until.IsZero() && engagement.Licensed(m.Credentials) {
			return ""
		}
	}
	return "the team states no CPA license of its partner: put it beside the duty"
}

// includedTested: who is included is examined, so that a test of each of its controls
// stands in the report. What was issued before this gate was there stays issued.
func (g *ground) includedTested() string {
	if g.edition == 0 {
		return ""
	}
	w := g.s.worked(g.f)
	var left []string
	for _, x := range g.f.Terms.Included() {
		if !slices.ContainsFunc(w.testsOf(x.ID), w.Reported) {
			left = append(left, x.ID+" of "+x.By)
		}
	}
	return unless(len(left) == 0, "included, and no test of it is reported: %s", some(left))
}

// sameControls compares the controls the final description lists with those
// that were concluded on. A SOC 3 prints neither. Controls of included organizations
// are listed with their organization, from the terms.
func (g *ground) sameControls() string {
	if g.f.Terms.Type == engagement.SOC3 {
		return ""
	}
	d := g.f.Description
	if d == nil || !d.Final {
		return "no final description has come"
	}
	var only, missing, theirs []string
	for _, x := range g.f.Terms.Included() {
		if g.edition > 0 {
			theirs = append(theirs, x.ID)
		}
	}
	for _, c := range d.Controls {
		if g.f.Concluded[OnControl+":"+c] == nil {
			only = append(only, c)
		}
	}
	for _, c := range g.f.ControlsInScope() {
		if g.f.Concluded[OnControl+":"+c] != nil && !slices.Contains(d.Controls, c) && !slices.Contains(theirs, c) {
			missing = append(missing, c)
		}
	}
	switch {
	case len(only) > 0:
		return "the description lists controls nobody concluded on: " + some(only)
	case len(missing) > 0:
		return "the description does not list controls that were concluded on: " + some(missing)
	}
	return ""
}

func (g *ground) released() string {
	var left []string
	for _, x := range book.Sorted(g.f.Findings) {
		if x.Stands() && x.Released.IsZero() {
			left = append(left, x.ID)
		}
	}
	return unless(len(left) == 0, "not released to the client as they are: %s", some(left))
}

func (g *ground) inquired() string {
	last := ""
	for _, q := range g.f.Inquiries {
		last = max(last, q.To)
	}
	if last == "" {
		return "nobody was asked about subsequent events"
	}
	return unless(last >= g.issues.Dated, "asked about subsequent events to %q, the report is dated %s", last, g.issues.Dated)
}

// weighed: an event that shows a condition of the period is evaluated as an
// exception is, so that no opinion is older than the last word on it.
func (g *ground) weighed() string {
	var left []string
	for _, x := range book.Sorted(g.f.Events) {
		if x.Class == EventOfPeriod && slices.ContainsFunc(sortedParts(g.f), func(o *Opined) bool { return !o.At.After(x.At) }) {
			left = append(left, x.ID)
		}
	}
	return unless(len(left) == 0, "opinions older than events that show a condition of the period: %s. Evaluate them and write the opinions anew", some(left))
}

func (g *ground) commented() string {
	if len(g.f.Drafts) == 0 {
		return "no draft was given"
	}
	var left []string
	for _, c := range book.Sorted(g.f.Comments) {
		if c.Answer == "" {
			left = append(left, c.ID)
		}
	}
	return unless(len(left) == 0, "comments without an answer: %s", some(left))
}

// datedRight: the report's day is that of sufficient evidence, so it is not
// before the last sign-off of a workpaper or the last conclusion.
func (g *ground) datedRight() string {
	w, last := g.s.worked(g.f), ""
	for _, p := range w.Papers {
		if p.Reviewed != nil {
			last = max(last, p.Reviewed.At.In(w.location()).Format("2006-01-02"))
		}
	}
	for _, c := range w.Concluded {
		last = max(last, c.At.In(w.location()).Format("2006-01-02"))
	}
	end := max(g.f.Terms.Last, g.f.Terms.AsOf)
	switch today := g.f.day(g.e); {
	case g.issues.Dated < last:
		return "the last sign-off or conclusion is of " + last
	case g.issues.Dated <= end && g.f.Terms.Type.OverPeriod() || g.issues.Dated < end:
		return "the report's day is not after what it speaks of"
	case g.issues.Dated > today:
		return "the report's day has not come"
	}
	return ""
}

func (g *ground) supersedes() string {
	was, want := g.f.latest(), g.issues.Supersedes
	switch {
	case was != nil && want != was.Report:
		return "the report before it is " + was.Report
	case was == nil && want != "" && g.s.superseded(g.f, want) == nil:
		return "no report " + want + " of this client is in force as the latest of its engagement"
	}
	return ""
}

// Supersedable are the other engagements of the same client whose latest report is
// in force, by ID: the first report of this one can supersede one of them.
func (s *State) Supersedable(f *File) (out []*File) {
	for _, other := range book.Sorted(s.Files) {
		a, b := other.Terms.Client, f.Terms.Client
		if other != f && a.Name == b.Name && a.Key == b.Key && (&ground{s: s, f: other}).inForce() == "" {
			out = append(out, other)
		}
	}
	return out
}

// superseded is the engagement of Supersedable whose latest report has that digest;
// nil where there is none.
func (s *State) superseded(f *File, report string) *File {
	for _, other := range s.Supersedable(f) {
		if other.latest().Report == report {
			return other
		}
	}
	return nil
}

func (g *ground) issuedNow() string {
	return unless(g.f.latest() != nil && g.f.State.Place() >= engagement.Issued.Place(), "it is not issued")
}

func (g *ground) inForce() string {
	if m := g.issuedNow(); m != "" {
		return m
	}
	return g.standing()
}

// standing: readers hold the last report until another takes its place.
func (g *ground) standing() string {
	if g.f.latest() == nil {
		return "it is not issued"
	}
	return unless(g.f.latest().Withdrawn == nil && g.f.latest().Superseded == "", "it was withdrawn or superseded")
}
