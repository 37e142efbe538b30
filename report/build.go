package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/natural"
)

// Schema is the version of the report value.
const Schema = 1

// An Input is everything a report is built from. Build does not change it.
type Input struct {
	Organization audit.Organization
	Period       audit.Period
	AsOf         time.Time // evidence up to here was considered
	Controls     []audit.Control
	Tested       []audit.Tested // one per procedure that ran
	Criteria     []audit.Criterion
	Coverage     []audit.StreamSummary
	Evidence     []audit.EvidenceLine // every record a result rests on
	Versions     audit.Versions
	Log          audit.LogState
	Why          map[string]string // control id -> why nothing here can test it
	Limits       []string          // limits beside those that follow from the input
	Reader       Reader            // who the sentence is written for
}

// Build puts a report together: every list in one order whatever order it came
// in, each control's state, the sentence and the limits. A control without any
// procedure's result is untested and listed with a reason; a finding about a
// control outside the scope is left out and the limits say so.
func Build(in Input) audit.Report {
	r := audit.Report{
		Schema: Schema, Organization: in.Organization, Period: in.Period, AsOf: audit.Instant(in.AsOf),
		Coverage: coverage(in.Coverage), Criteria: criteria(in.Criteria), Evidence: evidence(in.Evidence),
		Versions: in.Versions, Log: in.Log, Controls: []audit.ControlReport{}, Untested: []audit.Control{},
	}
	r.Versions.Normalizers = maps.Clone(in.Versions.Normalizers)
	r.Log.Witnessed = sortedBy(in.Log.Witnessed, strings.Compare)
	addControls(&r, in)
	r.Sentence = Sentence(StandingOf(&r), in.Reader)
	r.Limits = limits(&r, in)
	return r
}

// addControls gives each control what its procedures found, or lists it as
// untested.
func addControls(r *audit.Report, in Input) {
	byControl := map[string][]audit.Tested{}
	for _, t := range in.Tested {
		t = ordered(t)
		for _, id := range distinct(t.Controls) {
			byControl[id] = append(byControl[id], t)
		}
	}
	for _, c := range sortedBy(in.Controls, func(a, b audit.Control) int { return natural.Compare(a.ID, b.ID) }) {
		tested := byControl[c.ID]
		if len(tested) == 0 {
			addUntested(r, c, in.Why[c.ID])
			continue
		}
		slices.SortStableFunc(tested, func(a, b audit.Tested) int {
			return cmp.Or(strings.Compare(a.Procedure, b.Procedure), a.Span.From.Compare(b.Span.From), strings.Compare(a.Hash, b.Hash))
		})
		r.Controls = append(r.Controls, audit.ControlReport{Control: c, State: State(tested, in.Period, in.AsOf), Procedures: tested})
	}
}

func addUntested(r *audit.Report, c audit.Control, why string) {
	if why == "" {
		why = defaultWhy(c)
	}
	if r.Why == nil {
		r.Why = map[string]string{}
	}
	r.Untested = append(r.Untested, c)
	r.Why[c.ID] = why
}

func defaultWhy(c audit.Control) string {
	if c.Automation == "none" {
		return "A person tests this control; no procedure here reads it."
	}
	return "No procedure for this control ran: none is defined, or no connected source gives what it reads."
}

// ordered returns t with its lists in order, sharing nothing that is sorted.
func ordered(t audit.Tested) audit.Tested {
	t.Controls = slices.SortedFunc(slices.Values(distinct(t.Controls)), natural.Compare)
	t.Deviations = sortedBy(t.Deviations, byStart)
	t.Gaps = sortedBy(t.Gaps, func(a, b audit.Gap) int {
		return cmp.Or(a.Span.From.Compare(b.Span.From), a.Span.To.Compare(b.Span.To), compareKey(a.Stream, b.Stream), strings.Compare(a.Reason, b.Reason))
	})
	t.Streams = coverage(t.Streams)
	t.Marks = sortedBy(t.Marks, func(a, b audit.Mark) int {
		return cmp.Or(a.Span.From.Compare(b.Span.From), a.Span.To.Compare(b.Span.To), cmp.Compare(b.Outcome, a.Outcome), strings.Compare(a.Label, b.Label))
	})
	return t
}

func byStart(a, b audit.Deviation) int {
	return cmp.Or(a.Span.From.Compare(b.Span.From), natural.Compare(a.Item, b.Item), strings.Compare(a.Ref, b.Ref))
}

func coverage(list []audit.StreamSummary) []audit.StreamSummary {
	return sortedBy(list, func(a, b audit.StreamSummary) int { return compareKey(a.StreamKey, b.StreamKey) })
}

func compareKey(a, b audit.StreamKey) int {
	return cmp.Or(strings.Compare(a.Source, b.Source), natural.Compare(a.Scope, b.Scope), strings.Compare(a.Type, b.Type))
}

func evidence(list []audit.EvidenceLine) []audit.EvidenceLine {
	list = sortedBy(list, func(a, b audit.EvidenceLine) int { return cmp.Compare(a.Index, b.Index) })
	return slices.CompactFunc(list, func(a, b audit.EvidenceLine) bool { return a.Index == b.Index })
}

var categoryOrder = []audit.Category{audit.Security, audit.Availability, audit.ProcessingIntegrity, audit.Confidentiality, audit.Privacy}

func criteria(list []audit.Criterion) []audit.Criterion {
	return sortedBy(list, func(a, b audit.Criterion) int {
		return cmp.Or(slices.Index(categoryOrder, a.Category)-slices.Index(categoryOrder, b.Category), natural.Compare(a.ID, b.ID))
	})
}

func sortedBy[T any](list []T, compare func(a, b T) int) []T {
	out := append([]T{}, list...)
	slices.SortStableFunc(out, compare)
	return out
}

func distinct(list []string) []string {
	out := slices.Sorted(slices.Values(list))
	return slices.Compact(out)
}

// Deviations returns every finding of r once, dispositioned ones included, in
// order of time. Two findings whose short references are equal are two.
func Deviations(r *audit.Report) []audit.Deviation {
	seen := map[FindingKey]bool{}
	var out []audit.Deviation
	for _, t := range Procedures(r) {
		for i := range t.Deviations {
			if k := KeyOf(&t.Deviations[i]); !seen[k] {
				seen[k] = true
				out = append(out, t.Deviations[i])
			}
		}
	}
	slices.SortStableFunc(out, byStart)
	return out
}

// A FindingKey tells findings apart; a Ref alone is too short to.
type FindingKey struct {
	Ref, Procedure, Hash, Item string
	From                       int64
}

// KeyOf returns d's key.
func KeyOf(d *audit.Deviation) FindingKey {
	return FindingKey{d.Ref, d.Procedure, d.Hash, d.Item, d.Span.From.UnixMicro()}
}

// Gaps returns every stretch without evidence of r once, in order of time.
func Gaps(r *audit.Report) []audit.Gap {
	type key struct {
		procedure, reason string
		stream            audit.StreamKey
		from, to          int64
	}
	seen := map[key]bool{}
	var out []audit.Gap
	for _, t := range Procedures(r) {
		for _, g := range t.Gaps {
			k := key{g.Procedure, g.Reason, g.Stream, g.Span.From.UnixMicro(), g.Span.To.UnixMicro()}
			if !seen[k] {
				seen[k] = true
				out = append(out, g)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b audit.Gap) int {
		return cmp.Or(a.Span.From.Compare(b.Span.From), strings.Compare(a.Procedure, b.Procedure), compareKey(a.Stream, b.Stream))
	})
	return out
}

// Procedures returns what each procedure of r found, once however many
// controls it tests, in order of id and time.
func Procedures(r *audit.Report) []*audit.Tested {
	type key struct {
		id, hash string
		from     int64
	}
	seen := map[key]bool{}
	var out []*audit.Tested
	for i := range r.Controls {
		for j := range r.Controls[i].Procedures {
			t := &r.Controls[i].Procedures[j]
			k := key{t.Procedure, t.Hash, t.Span.From.UnixMicro()}
			if !seen[k] {
				seen[k] = true
				out = append(out, t)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *audit.Tested) int {
		return cmp.Or(strings.Compare(a.Procedure, b.Procedure), a.Span.From.Compare(b.Span.From), strings.Compare(a.Hash, b.Hash))
	})
	return out
}
