package answer

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
)

// What an examination covers is what an auditor's guest reads: what stood or
// took place on the period's days, by its own time and not by when it was
// sealed; what was sealed later only where it is about those days; and every
// record that a result of the period rests on. Here is the one rule for it.

// covering is the examination of the period where one of the spans reaches into
// its days, and else none.
func (s *Sight) covering(about ...audit.Span) []string {
	for _, span := range about {
		if !span.Intersect(s.P.Period.Span).Empty() {
			return []string{s.P.Name}
		}
	}
	return nil
}

// lasting is from one instant to another; zero: it has not ended. What has no
// beginning is about no day.
func lasting(from, to time.Time) audit.Span {
	if from.IsZero() {
		return audit.Span{}
	}
	if to.IsZero() {
		to = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if !from.Before(to) {
		return audit.At(from)
	}
	return audit.Span{From: from, To: to}
}

// recordNeeds is the permission that opens a record.
func recordNeeds(rec audit.Record) access.PermissionID {
	switch rec.Kind {
	case audit.RecordActivity, audit.RecordEntry:
		return "activity.read"
	case audit.RecordFieldwork, audit.RecordPacket:
		return "request.read"
	case audit.RecordTrust:
		return "trust.read"
	}
	return "evidence.read"
}

// ofRecord is a sealed record for the table of rights: a page or document belongs
// to the controls that are tested with its source, what people did to whoever
// reads the activity log. What management does in an examination, and packets, are
// for who reads examinations as a whole, and who reads reports outside for who reads
// that: neither an auditor's guest nor who has single controls or systems does.
func (s *Sight) ofRecord(rec audit.Record) (id access.PermissionID, o access.Object) {
	switch id = recordNeeds(rec); id {
	case "request.read", "trust.read":
		return id, access.Object{}
	case "activity.read":
		o = s.Reach()
	default:
		o = s.OfSource(rec.Source)
	}
	if !s.covers(rec) {
		o.Engagements = nil
	}
	return id, o
}

// covers reports whether the examination of the period covers a record.
func (s *Sight) covers(rec audit.Record) bool {
	at := rec.About
	if at.Empty() {
		at = audit.At(rec.Recorded)
	}
	if len(s.covering(at)) > 0 {
		return true
	}
	switch rec.Kind {
	case audit.RecordKey, audit.RecordClock, audit.RecordErasure:
		return true // they are about the log itself, in which everything stands
	case audit.RecordDefinition:
		return rec.Recorded.Before(s.P.Period.To) // it may be in force in the period
	case audit.RecordDecision, audit.RecordEntry:
		return s.speaksOf(rec)
	}
	_, rests := slices.BinarySearchFunc(s.Rests, rec.Index, func(e audit.EvidenceLine, n int64) int { return int(e.Index - n) })
	return rests
}

// speaksOf reports whether a decision or an entry that was sealed on another day
// is about the period: a decision about one of its findings, an entry about an
// occurrence of a task that lies in it.
func (s *Sight) speaksOf(rec audit.Record) bool {
	var says struct {
		On        string `json:"on"`
		Deviation string `json:"deviation"`
	}
	if len(rec.Detail) == 0 || json.Unmarshal(rec.Detail, &says) != nil {
		return false
	}
	if rec.Kind == audit.RecordDecision {
		return slices.ContainsFunc(s.Findings, func(d audit.Deviation) bool { return d.Ref == says.Deviation })
	}
	kind, id, _ := strings.Cut(says.On, ":")
	_, cycle, ok := strings.Cut(id, "@")
	if kind != "task" || !ok {
		return false
	}
	span, ok := CycleSpan(cycle, s.P.Period.Location())
	return ok && len(s.covering(span)) > 0
}

// CycleSpan is the time a cycle names, in a zone: 2026, 2026-H2, 2026-Q1,
// 2026-09 or 2026-09-14.
func CycleSpan(cycle string, zone *time.Location) (audit.Span, bool) {
	year, part, _ := strings.Cut(cycle, "-")
	from, err := time.ParseInLocation("2006", year, zone)
	if err != nil {
		return audit.Span{}, false
	}
	months := map[string][2]int{"": {0, 12}, "H1": {0, 6}, "H2": {6, 6}, "Q1": {0, 3}, "Q2": {3, 3}, "Q3": {6, 3}, "Q4": {9, 3}}
	if m, ok := months[part]; ok {
		from = from.AddDate(0, m[0], 0)
		return audit.Span{From: from, To: from.AddDate(0, m[1], 0)}, true
	}
	if at, err := time.ParseInLocation("2006-01", cycle, zone); err == nil {
		return audit.Span{From: at, To: at.AddDate(0, 1, 0)}, true
	}
	at, err := time.ParseInLocation(time.DateOnly, cycle, zone)
	return audit.Span{From: at, To: at.AddDate(0, 0, 1)}, err == nil
}
