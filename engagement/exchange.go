package engagement

import (
	"time"

	"tieout/audit"
)

// A Kind says what a packet brings. Each goes one way only.
type Kind string

// What the firm sends.
const (
	SendTerms      Kind = "terms"      // TermsOffer
	SendRequests   Kind = "requests"   // []RequestNews
	SendAcceptance Kind = "acceptance" // Acceptance of a population, or a question
	SendSample     Kind = "sample"     // Sample, released
	SendFindings   Kind = "findings"   // []Finding, released
	SendDraft      Kind = "draft"      // Draft; the report value beside it
	SendReport     Kind = "report"     // Release; the report's files beside it
	SendState      Kind = "state"      // StateNews; either side sends its own steps
)

// What the client sends.
const (
	SendAgreed         Kind = "agreed"         // Agreed: management accepts the terms
	SendControls       Kind = "controls"       // ControlSet
	SendAnswers        Kind = "answers"        // []Answer; files beside them
	SendPopulation     Kind = "population"     // Population; its items beside it. The bundle of its run goes once, as evidence
	SendEvidence       Kind = "evidence"       // EvidenceNote; a bundle beside it
	SendResponses      Kind = "responses"      // []Response
	SendDescription    Kind = "description"    // Description
	SendAssertion      Kind = "assertion"      // Assertion
	SendRepresentation Kind = "representation" // Representation
	SendComments       Kind = "comments"       // []Comment on a draft; the firm sends its answers
	SendSteps          Kind = "steps"          // ProvedSteps of the client's log, for the annex of the report
)

// SendSeen brings nothing but the checkpoint in its header, so that the other
// side can witness it. Either side sends it.
const SendSeen Kind = "seen"

// FromFirm are the kinds a firm sends; a client that gets another refuses it,
// and the reverse.
var FromFirm = []Kind{SendTerms, SendRequests, SendAcceptance, SendSample, SendFindings, SendDraft, SendReport, SendComments, SendState, SendSeen}

// FromClient are the kinds a client sends.
var FromClient = []Kind{SendAgreed, SendControls, SendAnswers, SendPopulation, SendEvidence, SendResponses, SendDescription, SendAssertion, SendRepresentation, SendComments, SendSteps, SendState, SendSeen}

// A TermsOffer is the terms as the firm proposes or changes them.
type TermsOffer struct {
	Terms  Terms  `json:"terms"`
	Letter string `json:"letter"` // digest of the engagement letter beside it; "": none yet
	Why    string `json:"why,omitempty"`
}

// Agreed is management's word on the terms it saw.
type Agreed struct {
	Terms  string    `json:"terms"` // digest of the terms' canonical JSON
	Signed Signature `json:"signed"`
}

// RequestNews is a request as it now stands.
type RequestNews struct {
	Request Request       `json:"request"`
	Status  RequestStatus `json:"status"` // Open, Returned, Accepted, Withdrawn
	Why     string        `json:"why,omitempty"`
}

// An Answer is what the client brings for a request.
type Answer struct {
	Request string        `json:"request"`
	Status  RequestStatus `json:"status"` // In progress, Submitted
	Text    string        `json:"text"`
	Records []int64       `json:"records,omitempty"` // of the client's log; their bundle is beside it
	Files   []string      `json:"files,omitempty"`   // names of files beside it
}

// Acceptance is the auditor's word on a frozen population.
type Acceptance struct {
	Population string `json:"population"`
	Digest     string `json:"digest"`
	Accepted   bool   `json:"accepted"`
	Question   string `json:"question,omitempty"`
}

// A ControlSet is the client's controls as its description has them, with what
// its own tests are.
type ControlSet struct {
	Definitions string          `json:"definitions"` // hash of the applied revision
	Controls    []audit.Control `json:"controls"`    // revisions of one control in order of time
	Tests       []ClientTest    `json:"tests"`
	Commitments []Commitment    `json:"commitments,omitempty"` // what exceptions are summed up by, beside criteria
}

// A Commitment is a promise of the client's to its users, or a requirement its
// system has to meet, with the criteria and controls it rests on.
type Commitment struct {
	ID       string   `json:"id"`
	Text     string   `json:"text"`
	Criteria []string `json:"criteria,omitempty"`
	Controls []string `json:"controls,omitempty"`
}

// A ClientTest is one of the client's procedures, which an attribute can name.
type ClientTest struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Form     string   `json:"form"`
	Controls []string `json:"controls"`
	Text     string   `json:"text"`
	Items    int      `json:"items"` // size of its population in the last run
}

// EvidenceNote says what a bundle is for.
type EvidenceNote struct {
	For  []string `json:"for"` // requests, populations, items of samples
	Text string   `json:"text"`
}

// A StateNews is a step of the engagement.
type StateNews struct {
	State State  `json:"state"`
	Why   string `json:"why,omitempty"` // always, where it goes back
}

// A Description is management's description of its system, by the description
// criteria.
type Description struct {
	Version  int         `json:"version"`
	Final    bool        `json:"final"`
	Sections []DCSection `json:"sections"` // DC 1 to DC 9, in order
	Controls []string    `json:"controls"` // ids of all controls it says exist
	Expected []Expected  `json:"expected"` // complementary user entity controls

	Other []Information `json:"other,omitempty"` // for Section V: no part of what is examined
}

// Information is what management tells beside its description, such as its plans
// for what comes after the period. Nobody examines it.
type Information struct {
	Title string `json:"title"`
	Text  string `json:"text"` // Markdown
}

// A DCSection is the text for one description criterion.
type DCSection struct {
	DC         string      `json:"dc"` // "DC 4"
	Paragraphs []Paragraph `json:"paragraphs"`
}

// A Paragraph of a description is Markdown. Its sources are what it was drafted
// from; text of nobody's but its author's has none.
type Paragraph struct {
	Text    string   `json:"text"`
	Sources []string `json:"sources,omitempty"` // "boundary", "incident:INC-2", "control:IAM-06", "vendor:V-3"
}

// An Assertion is management's, or an inclusive subservice organization's. What
// it says of the terms and of itself is signed with the rest (ToSign).
type Assertion struct {
	By       string    `json:"by"`                // name of the party
	Terms    string    `json:"terms,omitempty"`   // digest of the terms it is made under (Terms.Digest); "": signed before assertions named them
	Version  int       `json:"version,omitempty"` // which of this party's it is, from 1; 0 where Terms is ""
	Text     string    `json:"text"`              // Markdown
	Decision Decisions `json:"decision"`
	Dated    string    `json:"dated"` // a day
	Signed   Signature `json:"signed"`
}

// Decisions are what the asserting party decided of each part, by itself.
type Decisions struct {
	Description bool   `json:"description"`
	Design      bool   `json:"design"`
	Operation   bool   `json:"operation"`        // of a Type II
	Except      string `json:"except,omitempty"` // what does not hold, in its words
}

// A Representation is a letter of representation. Terms and version are as those
// of an assertion.
type Representation struct {
	By      string    `json:"by"`
	Terms   string    `json:"terms,omitempty"`
	Version int       `json:"version,omitempty"`
	Text    string    `json:"text"`
	Dated   string    `json:"dated"` // the report's day
	Signed  Signature `json:"signed"`
}

// A Comment is management's on the facts of a draft, and what became of it.
type Comment struct {
	ID     string `json:"id"`
	Draft  string `json:"draft"` // digest of the draft
	Where  string `json:"where"` // section and row, as the draft names it
	Text   string `json:"text"`
	Answer string `json:"answer,omitempty"` // the firm's
}

// A Draft is a draft report given for factual review.
type Draft struct {
	Digest string `json:"digest"` // of the report value beside it
	Due    string `json:"due"`
}

// A Release is an issued report, or the word that an issued one is withdrawn.
type Release struct {
	Report     string    `json:"report"` // digest of the report value
	Files      []string  `json:"files"`  // names of the files beside it
	Dated      string    `json:"dated"`  // the report's day
	Supersedes string    `json:"supersedes,omitempty"`
	Withdrawn  bool      `json:"withdrawn,omitempty"`
	Why        string    `json:"why,omitempty"` // of a reissue or a withdrawal
	Signed     Signature `json:"signed"`
}

// ProvedSteps are entries of the client's log that a report's annex prints, each
// with its proof in that log as an earlier packet of the client's showed it.
type ProvedSteps struct {
	Packet int64        `json:"packet"`         // number of that packet: the proofs lead to the checkpoint in it
	Left   int          `json:"left,omitempty"` // further entries of a long course, between the first and the last of their kind
	Steps  []ProvedStep `json:"steps"`          // in the order of the log
}

// A ProvedStep is one entry, of which nothing but its kind and object crosses.
type ProvedStep struct {
	Kind  string    `json:"kind"` // "population.freeze"
	On    string    `json:"on"`   // "population:EN-1/P-1"
	Entry int64     `json:"entry"`
	At    time.Time `json:"at"`
	Leaf  string    `json:"leaf"`  // the entry's commitment, hex
	Proof []string  `json:"proof"` // hex
}

// A Signature is one person's over a document (package signature).
type Signature struct {
	Signer string    `json:"signer"` // account in the signer's workspace
	Name   string    `json:"name"`
	Title  string    `json:"title"`  // such as "Partner" or "Chief Executive Officer"
	Key    string    `json:"key"`    // verifier key, note format
	What   string    `json:"what"`   // what is signed, in words
	Digest string    `json:"digest"` // SHA-256 of what is signed, hex
	At     time.Time `json:"at"`
	Value  string    `json:"value"` // signature line, note format
}
