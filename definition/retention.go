package definition

import (
	"slices"

	"tieout/audit"
)

// RetentionConfig is how long sealed records are to be kept: classes with years,
// and the class of each kind of record. It deletes nothing by itself.
type RetentionConfig struct {
	// Classes are years by class. Defaults: report 7, evidence 5, hipaa 6, file 7 (an
	// audit firm's engagement file). Others may be added, for a contract's sake.
	Classes map[string]int `yaml:"classes"`
	// Kinds says of which class a kind of record is, where it is not the default:
	// pages and documents of sources and people are evidence, all else is what reports
	// rest on.
	Kinds map[string]string `yaml:"kinds"`
}

// Classes of retention that have a default.
const (
	KeepReport   = "report"
	KeepEvidence = "evidence"
	KeepHIPAA    = "hipaa"
	KeepFile     = "file"
)

var defaultYears = map[string]int{KeepReport: 7, KeepEvidence: 5, KeepHIPAA: 6, KeepFile: 7}

// evidenceKinds are kinds of record that sources and people gave.
var evidenceKinds = []audit.RecordKind{audit.RecordPage, audit.RecordDocument, audit.RecordRedaction, audit.RecordCollection, audit.RecordManifest, audit.RecordEnd}

// keptKinds are the kinds of record that a workspace may name a class for.
var keptKinds = append(slices.Clone(evidenceKinds), audit.RecordDefinition, audit.RecordRun, audit.RecordDecision, audit.RecordReport, audit.RecordEntry,
	audit.RecordActivity, audit.RecordErasure, audit.RecordKey, audit.RecordClock, audit.RecordFieldwork, audit.RecordPacket)

func (c *Config) checkRetention(d *doc) {
	r := &c.Retention
	for _, class := range sortedKeys(r.Classes) {
		if n := r.Classes[class]; !sourceName.MatchString(class) || n < 1 || n > 100 {
			d.bad(steps("retention", "classes", class), "a class has a name in small letters and is kept for 1 to 100 years")
		}
	}
	for _, kind := range sortedKeys(r.Kinds) {
		if !slices.Contains(keptKinds, audit.RecordKind(kind)) {
			d.bad(steps("retention", "kinds", kind), "there is no kind of record %q", kind)
		}
		if _, known := r.years(r.Kinds[kind]); !known {
			d.bad(steps("retention", "kinds", kind), "there is no class %q; name its years under classes", r.Kinds[kind])
		}
	}
}

func (r *RetentionConfig) years(class string) (n int, known bool) {
	if n, known = r.Classes[class]; known {
		return n, true
	}
	n, known = defaultYears[class]
	return n, known
}

// KeptFor is the class of a kind of record, and the years it is kept. Where a
// system keeps health information, what is kept for fewer years than the class
// hipaa is kept for those.
func (w *Workspace) KeptFor(kind audit.RecordKind) (class string, years int) {
	r := &w.Config.Retention
	class = KeepReport
	if slices.Contains(evidenceKinds, kind) {
		class = KeepEvidence
	}
	if named := r.Kinds[string(kind)]; named != "" {
		class = named
	}
	years, _ = r.years(class)
	if n, _ := r.years(KeepHIPAA); n > years && w.regulated(RegulatedPHI) {
		return KeepHIPAA, n
	}
	return class, years
}

// FileKeptFor is how many years an audit firm keeps the file of an engagement.
func (w *Workspace) FileKeptFor() int {
	n, _ := w.Config.Retention.years(KeepFile)
	return n
}

// regulated reports whether any class of data of the workspace's systems is of
// that kind.
func (w *Workspace) regulated(kind string) bool {
	return slices.ContainsFunc(w.Systems, func(s System) bool {
		return slices.ContainsFunc(s.Data, func(c DataClass) bool { return slices.Contains(c.Regulated, kind) })
	})
}
