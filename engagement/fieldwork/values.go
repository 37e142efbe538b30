package fieldwork

import (
	"time"

	"tieout/engagement"
	"tieout/engagement/redraw"
)

// Accepted is a partner's acceptance of a client and an engagement, or of its
// continuance (AT-C 105: preconditions).
type Accepted struct {
	Checks []Checked // each precondition with the answer
	Letter string    // digest of the engagement letter
	By     string
	At     time.Time
}

// A Checked is one question of a checklist and its answer.
type Checked struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

// A Declaration is one person's of independence for one engagement.
type Declaration struct {
	Account  string
	Free     bool   // declares to be independent
	Conflict string // what stands against it
	Lifted   string // why a conflict that was declared before stands no more; a partner approves that too
	At       time.Time

	Safeguard  string // what is done about the conflict, approved by a partner, or the partner's word that it is lifted
	ApprovedBy string // partner; "": nobody did
	Earlier    []Declaration
}

// Clear reports whether the person may work on the engagement.
func (d *Declaration) Clear() bool {
	return d != nil && (d.Free && d.Lifted == "" || d.ApprovedBy != "")
}

// conflicted reports whether a conflict stands declared, under a safeguard or not.
func (d *Declaration) conflicted() bool { return d != nil && (!d.Free || !d.Clear()) }

// A Member is a person of the team, by what they do on it.
type Member struct {
	Account string
	Duty    string // partner, manager, staff, specialist, quality reviewer
	Since   time.Time
	Until   time.Time // zero: still

	Credentials []engagement.Credential // as the firm states them
}

// A Plan is the planning workpapers.
type Plan struct {
	Risks       []PlannedRisk
	Materiality string
	Internal    string // use of internal audit's work
	Specialists string
	Reliance    map[string]engagement.Reliance // by control; fixed before the draw
	Complete    map[string]string              // the auditor's own completeness-and-accuracy work, by population
	Sizes       string                         // name and version of the table of sample sizes in force; an example says so
	Example     bool                           // that table is the shipped example, which no firm adopted
	Table       []byte                         // that table, as package sample reads it
	Tables      int                            // how many were in force, this one included
	Revision    int64
}

// A PlannedRisk is a risk of a material misstatement or deficiency, and what is
// done about it.
type PlannedRisk struct {
	Text  string   `json:"text"`
	Tests []string `json:"tests"`
}

// A Test is a planned test and where its work stands.
type Test struct {
	engagement.Test
	Dropped  string // why it is not performed after all; "": it is
	Revision int64
}

// A Request is a request with its course: what the client answered, and when.
type Request struct {
	engagement.Request
	Status   engagement.RequestStatus
	Why      string // of the last return or withdrawal
	Steps    []Step
	Answers  []engagement.Answer
	Released bool               // the client has it as it is
	Given    engagement.Request // as the client was last given it, where it was
	Revision int64
}

// A Step is one turn of a request or a finding: its clock can be read from it.
type Step struct {
	At   time.Time
	By   string // account, or the client's name
	What string
}

// A Population is a frozen population with the auditor's word on it.
type Population struct {
	engagement.Population
	Packet     int64  // record that brought it, in the firm's log
	Items      string // digest of the blob with its item lines, here
	Heard      int64  // highest size of the firm's log the client had seen when it froze, by its packet's header
	At         time.Time
	Accepted   bool
	AcceptedBy string
	Questions  []Step
	Superseded string // id of the later freeze that took its place
	Revision   int64
}

// A Commitment is the firm's to the nonce of one draw, made before the client
// freezes. The nonce itself stays in the firm's store until the draw.
type Commitment struct {
	Control, Round, Stratum string
	Record                  int64  // its entry in the firm's log
	Size                    int64  // of the firm's log when it was there
	Hidden                  string // SHA-256 over tag, salt and nonce, hex
	Nonce, Salt             string // hex; in the firm's entries alone, as salted commitments of its log
	Drawn                   string // sample it was opened by; "": not opened
}

// A Sample is a draw and whether the client has it.
type Sample struct {
	engagement.Sample
	Digest   string            // of the population's item lines it was drawn from
	Risk     string            // row of the size table; "": the size has a stated basis
	Reasons  map[string]string // of a judgmental pick, by item
	Spread   []redraw.Quarter
	At       time.Time
	By       string
	Record   int64
	Released time.Time // zero: the client does not know it as it now is
	Stages   []Stage   // planned extensions, the first one included
	Stage    int       // the one it is at
	Steps    []Step    // extensions and replacements
	Revision int64
}

// Projectable reports whether the sample says something about the items outside
// it: a judgmental pick does not, and of all items nothing is outside.
func (x *Sample) Projectable() bool {
	return x.Method == engagement.Random || x.Method == engagement.Systematic || x.Method == engagement.Stratified
}

// A Stage is a planned step of a sample that may be extended: it was written
// down before the first item was marked.
type Stage struct {
	Items    int `json:"items"`
	Accepted int `json:"accepted"` // exceptions up to which nothing is added
}

// A Cell is one attribute of one item.
type Cell struct{ Item, Attribute string }

// An Attachment is a file of the auditor's own in a workpaper.
type Attachment struct {
	Name, Media, Digest string
	Size                int64
	By                  string
	At                  time.Time
}

// A Signed is a person's sign-off, and what it is over.
type Signed struct {
	By     string
	At     time.Time
	Digest string // of the state that was signed off
	Record int64
}
