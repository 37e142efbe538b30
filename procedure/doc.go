// Stage 4 of 8: procedures test a timeline.

// Package procedure reads tests that an auditor can read aloud and runs them
// over timelines. It is pure: no clock, no I/O; the same timelines, period and
// procedures always give the same results, on any machine.
//
// What is not known never passes: a field that was not collected is a CEL
// Unknown and ends as audit.NoEvidence, an evaluation error ends the run. The
// document format is docs/formats/procedures.md; what happens over time, with
// a named example for each rule, is docs/formats/intervals.md.
package procedure

// EngineVersion grows by one when the same timelines and procedures would give
// other results.
const EngineVersion = 2
