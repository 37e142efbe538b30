// Package attest holds the value of a service auditor's report and renders it:
// PDF, HTML, DOCX, XLSX and OSCAL say the same because they are made from one
// Report, whose digest is what people sign. It is pure: no clock, no store.
//
// Sections are stored by what they are and not by number, since firms order them
// differently (PRIMER 4). The auditor's words, management's words and facts the
// program counted are kept apart by field.
package attest

import (
	"time"

	"tieout/audit"
)

// Schema is the version of the value.
const Schema = 1

// A Report is one service auditor's report, or a draft of it.
type Report struct {
	Schema int    `json:"schema"`
	ID     string `json:"id"` // "RPT-EN-1-1"; a superseding report has the next number
	Type   Type   `json:"type"`
	Draft  bool   `json:"draft,omitempty"`

	Client Party  `json:"client"`
	Firm   Party  `json:"firm"`
	System string `json:"system"`
	Zone   string `json:"zone"`

	First string `json:"first,omitempty"` // days, both included; of a report over a period
	Last  string `json:"last,omitempty"`
	AsOf  string `json:"asOf,omitempty"` // of a report as of a date
	Dated string `json:"dated"`          // the report's day

	Categories  []Category    `json:"categories"`      // in scope, with names
	Extra       []CriteriaSet `json:"extra,omitempty"` // examined beside them
	Subservices []Subservice  `json:"subservices"`
	Expected    []Expected    `json:"expected"` // complementary user entity controls

	Auditor     Section     `json:"auditor"` // Section I in the firm's wording
	Opinions    []Opinion   `json:"opinions"`
	Closing     []Section   `json:"closing,omitempty"` // of Section I, after the opinion: restricted use
	Assertions  []Statement `json:"assertions"`        // Section II: management's, then each inclusive subservice organization's
	Description []DC        `json:"description"`
	Described   []string    `json:"described"`          // ids of all controls the description says exist
	Groups      []Group     `json:"groups"`             // Section IV
	Imported    []Imported  `json:"imported,omitempty"` // official texts of criteria the firm imported, which Groups print
	Other       []Section   `json:"other"`              // Section V: management's, not covered by the opinion
	Responses   []Response  `json:"responses"`

	Template   Template    `json:"template"`
	Signatures []Signature `json:"signatures,omitempty"` // over Digest; not part of it
	Annex      Annex       `json:"annex"`                // outside Sections I to IV
	Supersedes string      `json:"supersedes,omitempty"`
}

// A Type is the kind of report.
type Type string

// The types of report.
const (
	SOC2TypeI  Type = "soc2-type1"
	SOC2TypeII Type = "soc2-type2"
	SOC3       Type = "soc3"
	SOC1TypeI  Type = "soc1-type1"
	SOC1TypeII Type = "soc1-type2"
)

// A Party is a side, as the report prints it.
type Party struct {
	Name       string `json:"name"`
	City       string `json:"city,omitempty"`
	State      string `json:"state,omitempty"`
	License    string `json:"license,omitempty"`    // as the firm states it
	PeerReview string `json:"peerReview,omitempty"` // as the firm states it
	Reviewed   string `json:"reviewed,omitempty"`   // day of the report of its last peer review, as the firm states it
	PeerResult string `json:"peerResult,omitempty"` // of that review
}

// A Category is one in scope, or left out with its reason.
type Category struct {
	ID   audit.Category `json:"id"`
	Name string         `json:"name"`
	In   bool           `json:"in"`
	Why  string         `json:"why"`
}

// A CriteriaSet is another set of criteria. One that is not examined is printed
// in Section V alone.
type CriteriaSet struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Examined bool   `json:"examined"`

	Mapping *Mapping `json:"mapping,omitempty"` // of a set that is not examined: what relates it to the criteria
}

// A Mapping relates the places of a framework to the trust services criteria.
type Mapping struct {
	ID        string `json:"id"`
	Framework string `json:"framework"`
	Version   string `json:"version,omitempty"`
	Publisher string `json:"publisher,omitempty"`
	Retrieved string `json:"retrieved,omitempty"` // day
}

// Imported is a collection of official criteria text that a firm imported, to print
// it under its own license.
type Imported struct {
	Set     string `json:"set"` // of criteria; "": the trust services criteria
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest"` // SHA-256 of the file as it was imported, hex
}

// A Subservice is an organization whose controls are carved out or included.
type Subservice struct {
	Name      string     `json:"name"`
	Service   string     `json:"service"`
	Inclusive bool       `json:"inclusive"`
	Expected  []Expected `json:"expected"`
	Monitored []string   `json:"monitored"` // controls that monitor it
}

// Expected is a control somebody else operates: a user entity (CUEC) or a
// subservice organization (CSOC).
type Expected struct {
	ID       string   `json:"id"`
	Text     string   `json:"text"`
	Criteria []string `json:"criteria"`
}

// A Section is headed text. Text is Markdown as package policy reads it.
type Section struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// An Opinion is the auditor's on one part, in the auditor's words.
type Opinion struct {
	Part  string `json:"part"` // description, design, operation; of a SOC 3: operation alone
	Word  string `json:"word"` // Unmodified, Qualified, Adverse, Disclaimer
	Text  string `json:"text"`
	Basis string `json:"basis,omitempty"` // of a modified one
}

// A Statement is an assertion, with who made it.
type Statement struct {
	By     string `json:"by"`
	Text   string `json:"text"`
	Except string `json:"except,omitempty"` // what does not hold
	Dated  string `json:"dated"`
	Signer string `json:"signer"` // name and title

	Version int    `json:"version,omitempty"` // which of the party's assertions it is, from 1; 0: it says none
	Terms   string `json:"terms,omitempty"`   // digest of the engagement's terms it was signed under; "": it names none
}

// A DC is the description by one of the description criteria, DC 1 to DC 9.
type DC struct {
	ID         string      `json:"id"`
	Title      string      `json:"title"`
	Paragraphs []Paragraph `json:"paragraphs"`
}

// A Paragraph is Markdown with what it was drafted from.
type Paragraph struct {
	Text    string   `json:"text"`
	Sources []string `json:"sources,omitempty"`
}

// A Group is one criterion or control objective with the controls that meet it.
type Group struct {
	ID       string    `json:"id"`                 // "CC6.1", or "164.312(a)(1)", or "Objective 1"
	Set      string    `json:"set"`                // "" the trust services criteria; else CriteriaSet.ID; "objectives"
	Text     string    `json:"text"`               // the official text the firm imported, or our paraphrase
	Official string    `json:"official,omitempty"` // digest of the imported text; "": paraphrase
	Controls []Control `json:"controls"`

	Through []Relation `json:"through,omitempty"` // of a set that is not examined: the criteria that lead from it to its controls
}

// A Relation is a criterion that a mapping ties a place of another set to.
type Relation struct {
	Criterion string `json:"criterion"`
	Strength  string `json:"strength,omitempty"` // how sure the mapping is of it: high, medium, low
}

// A Control is one row group of Section IV.
type Control struct {
	ID       string    `json:"id"`
	Text     string    `json:"text"`               // as it was last
	Versions []Version `json:"versions,omitempty"` // of a control that changed: each text, in order
	Tests    []Test    `json:"tests"`
	Outcome  string    `json:"outcome"`      // engagement.Outcome
	By       string    `json:"by,omitempty"` // the inclusive subservice organization that operates it; "": the client
}

// A Version is a control's text and the days it was in force, both included, as far
// as the report speaks about them.
type Version struct {
	From string `json:"from"`
	To   string `json:"to"`
	Text string `json:"text"`
}

// A Test is one row: what was done, and what came of it. The counts are what the
// text's figures have to tie to. Items that a sample replaced, as they were proved
// to be void, count nowhere.
type Test struct {
	ID            string    `json:"id"`
	Phase         string    `json:"phase,omitempty"` // OfDesign: a test of design in a report over a period
	From          string    `json:"from,omitempty"`  // of a control that changed: the days whose control was tested
	To            string    `json:"to,omitempty"`
	Text          string    `json:"text"`   // past tense
	Result        string    `json:"result"` // "No exceptions noted.", or the facts
	Population    int       `json:"population,omitempty"`
	Drawn         int       `json:"drawn,omitempty"`         // items of the sample
	Sample        int       `json:"sample,omitempty"`        // of those, tested
	Partly        int       `json:"partly,omitempty"`        // of those tested, in part: for the rest the evidence was not available
	Unable        int       `json:"unable,omitempty"`        // of those drawn, not tested: the evidence was not available
	NotApplicable int       `json:"notApplicable,omitempty"` // of those drawn, not tested: the test did not apply
	Exceptions    int       `json:"exceptions"`
	Known         int       `json:"known,omitempty"`    // deviations known outside the sample
	Strata        []Stratum `json:"strata,omitempty"`   // of a stratified sample; they add up to the counts above
	Findings      []string  `json:"findings,omitempty"` // ids
	Paper         string    `json:"paper"`              // digest of the workpaper as it was signed off
}

// OfDesign is the phase of a test that says nothing of operation.
const OfDesign = "design"

// What a result says in words of its own.
const (
	NoExceptions        = "No exceptions noted."
	NoExceptionOfDesign = "No exception was noted in its design."
	OperationNotTested  = "Whether it operated over the period was not tested."
	NotTested           = "Not tested yet."
	NotConcluded        = "Not concluded yet."
)

// A Stratum is a part of a population that was sampled for itself.
type Stratum struct {
	Name       string `json:"name"`
	Population int    `json:"population"`
	Drawn      int    `json:"drawn"`
	Sample     int    `json:"sample"`
	Exceptions int    `json:"exceptions"`
}

// A Response is management's to one finding: its text is management's, wherever
// a firm prints it.
type Response struct {
	Finding string `json:"finding"`
	Control string `json:"control"`
	Text    string `json:"text"`
}

// A Template is the firm's wording and style, by name and version.
type Template struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Example bool     `json:"example,omitempty"` // shipped with the program: no firm has adopted it
	Digest  string   `json:"digest"`
	Order   []string `json:"order"` // of sections: auditor, assertion, description, tests, other
}

// A Signature is a person's over the report's digest, detached.
type Signature struct {
	Signer string    `json:"signer"` // account in the signer's workspace
	Name   string    `json:"name"`
	Title  string    `json:"title"`
	What   string    `json:"what"`
	Key    string    `json:"key"` // verifier key, note format
	Digest string    `json:"digest"`
	At     time.Time `json:"at"`
	Value  string    `json:"value"` // signature line, note format
}

// An Annex is the order of what happened, from both logs, and how the work was
// divided. No opinion covers it.
type Annex struct {
	Steps      []Step   `json:"steps"`
	Left       int      `json:"left,omitempty"` // steps that are not printed, between the first and the last of their kind
	Logs       []Log    `json:"logs"`
	Team       []string `json:"team"`       // duties, not names: how drawing, testing, reviewing and signing were divided
	Similarity []Alike  `json:"similarity"` // wording beside the shipped templates
}

// A Step is one entry of a log: what was sealed, frozen, drawn, tested,
// concluded, signed, released.
type Step struct {
	What  string    `json:"what"`
	Whose string    `json:"whose"` // client, firm
	Entry int64     `json:"entry"` // index in its log
	At    time.Time `json:"at"`
	Leaf  string    `json:"leaf"`  // the entry's commitment (SHA-256 over salt and record), hex
	Proof []string  `json:"proof"` // inclusion in the log below, hex
}

// A Log is a log as of the checkpoint the annex rests on.
type Log struct {
	Whose      string   `json:"whose"`
	Origin     string   `json:"origin"`
	Key        string   `json:"key"`
	Checkpoint string   `json:"checkpoint"` // signed note
	Witnessed  []string `json:"witnessed"`
}

// Alike is how much of a text is the shipped template's, in percent of its
// words.
type Alike struct {
	Where   string `json:"where"`
	Percent int    `json:"percent"`
}
