package access

// A Workspace is the kind of workspace: a company's or an audit firm's. They
// are separate stores, so no role of one reaches into the other.
type Workspace string

// The kinds of workspace. The zero value allows nothing.
const (
	Company Workspace = "company"
	Firm    Workspace = "firm"
)

// A Scope says how far a grant of a role reaches.
type Scope string

// Scopes. All but the workspace's and "own" name an object by its ID.
const (
	ScopeWorkspace  Scope = "workspace"  // everything in the workspace
	ScopeSystem     Scope = "system"     // what belongs to one system
	ScopeControl    Scope = "control"    // what belongs to one control
	ScopeEngagement Scope = "engagement" // what one examination covers
	ScopeOwn        Scope = "own"        // what belongs to the person: tasks, training, devices, reports they made
)

// Scopes are all scopes, the widest first.
var Scopes = []Scope{ScopeWorkspace, ScopeSystem, ScopeControl, ScopeEngagement, ScopeOwn}

// A RoleID names a role in grants, files and the log.
type RoleID string

// Roles of a company's workspace, then of a firm's.
const (
	Administrator    RoleID = "administrator"
	ComplianceLead   RoleID = "compliance-lead"
	ControlOwner     RoleID = "control-owner"
	Employee         RoleID = "employee"
	ManagementSigner RoleID = "management-signer"
	AuditorsGuest    RoleID = "auditors-guest"
	Reader           RoleID = "reader"

	FirmAdministrator RoleID = "firm-administrator"
	Partner           RoleID = "partner"
	QualityReviewer   RoleID = "quality-reviewer"
	Manager           RoleID = "manager"
	Staff             RoleID = "staff"
	Specialist        RoleID = "specialist"
)

// A Role is a duty a person can be given in one kind of workspace.
type Role struct {
	ID        RoleID
	Workspace Workspace
	Title     string
	Does      string  // the duty, in words
	Scopes    []Scope // at which it can be granted; at others it gives nothing
	Alone     bool    // whoever has it can have no other role in this workspace
}

// Roles is the table of roles, in the order in which people see them.
var Roles = []Role{
	{Administrator, Company, "administrator", "gives people access, connects sources, changes settings", []Scope{ScopeWorkspace}, false},
	{ComplianceLead, Company, "compliance lead", "runs the program and the period", []Scope{ScopeWorkspace, ScopeSystem}, false},
	{ControlOwner, Company, "control owner", "operates controls and answers for their deviations", []Scope{ScopeSystem, ScopeControl}, false},
	{Employee, Company, "employee", "does what is theirs: policies, training, tasks, devices", []Scope{ScopeOwn}, false},
	{ManagementSigner, Company, "management signer", "approves and signs for management", []Scope{ScopeWorkspace, ScopeSystem}, false},
	{AuditorsGuest, Company, "auditor's guest", "reads what the engagement covers; writes nothing", []Scope{ScopeEngagement}, true},
	{Reader, Company, "reader", "reads the period and the program, not the raw evidence", []Scope{ScopeWorkspace, ScopeSystem}, false},
	{FirmAdministrator, Firm, "firm administrator", "gives people access, keeps the firm's settings; sees no engagement file", []Scope{ScopeWorkspace}, false},
	{Partner, Firm, "partner", "leads the engagement, concludes, signs the report", []Scope{ScopeWorkspace, ScopeEngagement}, false},
	{QualityReviewer, Firm, "quality reviewer", "reviews the engagement's quality from outside its team", []Scope{ScopeEngagement}, false},
	{Manager, Firm, "manager", "plans, supervises, reviews, concludes on controls", []Scope{ScopeWorkspace, ScopeEngagement}, false},
	{Staff, Firm, "staff", "requests, draws and tests", []Scope{ScopeEngagement}, false},
	{Specialist, Firm, "specialist", "tests in their field, such as information technology", []Scope{ScopeEngagement}, false},
}

// RoleOf returns a role by its ID; false if there is none.
func RoleOf(id RoleID) (Role, bool) {
	for _, r := range Roles {
		if r.ID == id {
			return r, true
		}
	}
	return Role{}, false
}
