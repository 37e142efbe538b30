package web

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

// A firmHeap is things of one kind that wait: how many, since when the first, and
// where that is.
type firmHeap struct {
	n     int
	since time.Time
	on    string
	path  string
}

// firmHeaps are heaps by the kind of thing.
type firmHeaps map[string]*firmHeap

func (h firmHeaps) count(key, on, path string, at time.Time) {
	x := h[key]
	if x == nil {
		h[key] = &firmHeap{1, at, on, path}
		return
	}
	if x.n++; at.Before(x.since) {
		x.since = at
	}
}

// waits are the heaps as what waits, in the order of the words.
func (h firmHeaps) waits(words [][3]string) (out []firmWait) {
	for _, w := range words {
		if x := h[w[0]]; x != nil {
			out = append(out, firmWait{What: report.Plural(x.n, w[1], w[2]), On: x.on, Since: x.since, Path: x.path})
		}
	}
	return out
}

// firmWorkWaits are workpapers, notes and exceptions.
func firmWorkWaits(f *fieldwork.File) []firmWait {
	h := firmHeaps{}
	for _, t := range book.Sorted(f.Tests) {
		if t.Dropped != "" {
			continue
		}
		path := "/tests/" + url.PathEscape(t.ID)
		switch p := f.Papers[t.ID]; {
		case p == nil && firmOpens(f, t):
			h.count("open", "the firm", path, time.Time{})
		case p == nil || p.Reviewed != nil:
		case p.Prepared != nil:
			h.count("review", "the firm", path, p.Prepared.At)
		case len(p.Untested(t)) > 0:
			h.count("mark", "the firm", path, p.Opening.At)
		default:
			h.count("prepare", "the firm", path, p.Opening.At)
		}
		for _, k := range f.OpenKnown(t.ID) {
			h.count("known", "the firm", path+"/known", k.At)
		}
	}
	for _, x := range book.Sorted(f.Notes) {
		if x.Cleared.IsZero() {
			h.count("note", "the firm", "/tests/"+url.PathEscape(x.Test), x.At)
		}
	}
	for _, x := range book.Sorted(f.Findings) {
		switch {
		case !x.Stands() || x.Response != nil && x.Response.Final && !x.Released.IsZero():
		case x.Released.IsZero():
			h.count("release", "the firm", "/findings", x.Steps[len(x.Steps)-1].At)
		default:
			h.count("response", "the client", "/findings", x.Released)
		}
	}
	return h.waits([][3]string{
		{"open", "workpaper to open", "workpapers to open"}, {"mark", "workpaper to mark", "workpapers to mark"}, {"prepare", "workpaper to sign off as prepared", "workpapers to sign off as prepared"},
		{"review", "workpaper to review", "workpapers to review"}, {"note", "review note open", "review notes open"},
		{"known", "deviation outside the sample is open", "deviations outside the samples are open"},
		{"release", "exception to release", "exceptions to release"}, {"response", "exception without a final response", "exceptions without a final response"},
	})
}

// firmOpens reports whether the workpaper of a test can be opened: fieldwork has
// begun, and where it is performed on items, they are drawn, or proved to be none.
func firmOpens(f *fieldwork.File, t *fieldwork.Test) bool {
	if f.State.Place() < engagement.Fieldwork.Place() {
		return false
	}
	if !t.Population {
		return true
	}
	current := func(id string) bool { p := f.Populations[id]; return p != nil && p.Accepted && p.Superseded == "" }
	for _, s := range f.Samples {
		if s.Control == t.Control && len(s.Items) > 0 && current(s.Population) {
			return true
		}
	}
	for _, p := range f.Populations {
		if p.Count == 0 && current(p.ID) && slices.Contains(p.Controls, t.Control) {
			return true
		}
	}
	return false
}

// firmConcludeWaits are conclusions that can be written or have to be renewed, and
// whether one has to. A SOC 3 has none of its own.
func firmConcludeWaits(f *fieldwork.File) (out []firmWait, renew bool) {
	if f.Terms.Type == engagement.SOC3 {
		return nil, false
	}
	h := firmHeaps{}
	signed, controls, last := controlsSigned(f), true, time.Time{}
	for _, what := range f.ToConclude() { // controls come first
		kind, of, _ := strings.Cut(what, ":")
		c := f.Concluded[what]
		switch {
		case c != nil && f.Stale(what) != "":
			h.count("renew", "the firm", "/conclusions?left=yes", c.At)
		case c != nil && kind == fieldwork.OnControl && c.At.After(last):
			last = c.At
		case c != nil:
		case kind == fieldwork.OnControl:
			controls = false
			if at, ok := signed[of]; ok {
				h.count("control", "the firm", "/conclusions?left=yes", at)
			}
		case kind == fieldwork.OnDC:
			if f.Description != nil && f.Description.Final && firmTested(f, what) && firmCould(f, what) {
				h.count("dc", "the firm", "/conclusions?of=description&left=yes", last)
			}
		case controls:
			h.count("criterion", "the firm", "/conclusions?of=criteria&left=yes", last)
		}
	}
	return h.waits([][3]string{
		{"renew", "conclusion to renew", "conclusions to renew"}, {"control", "control to conclude", "controls to conclude"},
		{"criterion", "criterion or objective to conclude", "criteria or objectives to conclude"}, {"dc", "description criterion to conclude", "description criteria to conclude"},
	}), h["renew"] != nil
}

// firmTested reports whether a test is concluded under that.
func firmTested(f *fieldwork.File, what string) bool {
	for _, t := range f.Tests {
		if t.Dropped == "" && concludedBy(*t) == what {
			return true
		}
	}
	return false
}

// firmOpinionWaits are the opinion once everything is concluded, the quality
// review after it, management's comments, the draft and the report. renew tells
// that a conclusion of the file has to be renewed first.
func firmOpinionWaits(s *fieldwork.State, f *fieldwork.File, renew bool) []firmWait {
	h := firmHeaps{}
	for _, c := range f.Comments {
		if c.Answer == "" {
			h.count("comment", "the firm", "/report", time.Time{})
		}
	}
	if last, done := firmAllConcluded(s, f); done && !renew {
		firmReportWaits(s, f, h, last)
	}
	return h.waits([][3]string{
		{"write", "part of the opinion to write", "parts of the opinion to write"}, {"again", "part of the opinion to renew", "parts of the opinion to renew"},
		{"quality", "engagement quality review to sign", ""}, {"comment", "comment of management's to answer", "comments of management's to answer"},
		{"draft", "draft to give for factual review", ""}, {"issue", "report to issue", ""},
	})
}

// firmAllConcluded reports whether all an opinion rests on is concluded, of another
// engagement's also whether it is current, and when the last of it was.
func firmAllConcluded(s *fieldwork.State, f *fieldwork.File) (last time.Time, done bool) {
	other := f.Terms.Type == engagement.SOC3
	if other {
		if f = s.Files[f.Terms.RestsOn]; f == nil {
			return last, false
		}
	}
	for _, what := range f.ToConclude() {
		c := f.Concluded[what]
		if c == nil || other && f.Stale(what) != "" {
			return last, false
		}
		if c.At.After(last) {
			last = c.At
		}
	}
	return last, true
}

// firmReportWaits are what is left from the conclusions to the issued report.
func firmReportWaits(s *fieldwork.State, f *fieldwork.File, h firmHeaps, concluded time.Time) {
	var written time.Time
	for _, p := range f.Terms.Type.Parts() {
		switch o := f.Opinions[p]; {
		case o == nil:
			h.count("write", "the firm", "/opinion", concluded)
		case !s.OpinionCurrent(f, p):
			h.count("again", "the firm", "/opinion", o.At)
		case o.At.After(written):
			written = o.At
		}
	}
	switch {
	case h["write"] != nil || h["again"] != nil:
		return
	case f.Terms.Quality && (f.Quality == nil || f.Quality.Digest != f.QualityDigest()):
		h.count("quality", "the firm", "/quality", written)
	}
	if len(f.Drafts) == 0 {
		h.count("draft", "the firm", "/report", written)
	} else if h["comment"] == nil && h["quality"] == nil {
		h.count("issue", "the firm", "/report", written)
	}
}

// controlsSigned are the controls whose workpapers are all signed off, and of which
// no deviation outside the sample is open, each with when the last one was.
func controlsSigned(f *fieldwork.File) map[string]time.Time {
	out, open := map[string]time.Time{}, map[string]bool{}
	for _, t := range f.Tests {
		if t.Dropped != "" || strings.HasPrefix(concludedBy(*t), fieldwork.OnDC) {
			continue
		}
		if p := f.Papers[t.ID]; p == nil || p.Reviewed == nil || len(f.OpenKnown(t.ID)) > 0 {
			open[t.Control] = true
		} else if p.Reviewed.At.After(out[t.Control]) {
			out[t.Control] = p.Reviewed.At
		}
	}
	maps.DeleteFunc(out, func(c string, _ time.Time) bool { return open[c] })
	return out
}
