package access

// A PermissionID names a permission in the table, in API tokens and in the log.
type PermissionID string

// Permissions of this package's own calls.
const (
	ReadAccounts   PermissionID = "account.read"
	ManageAccounts PermissionID = "account.manage"
	ManageTokens   PermissionID = "token.manage"
	CreateToken    PermissionID = "token.create"
	EditEvidence   PermissionID = "evidence.edit"
	Provision      PermissionID = "account.provision"
)

// A Need is what a permission asks for beyond a role.
type Need uint8

// Needs of permissions.
const (
	Write    Need = 1 << iota // it changes something
	Person                    // a person does it, signed in; never a token, a connector, a command or a model
	Again                     // the person signed in within the last minutes (FreshFor)
	OwnOnly                   // only on what is the person's own, whatever the grant's scope
	FourEyes                  // never on what the same person prepared
)

// A Permission is one thing that can be allowed, and to whom. A role that is
// not named has it not.
type Permission struct {
	ID        PermissionID
	Workspace Workspace // "" for both kinds
	Title     string
	Needs     Need
	Roles     []RoleID
}

// Has reports whether the permission needs n.
func (p Permission) Has(n Need) bool { return p.Needs&n != 0 }

type to = []RoleID

// Permissions is the table of rights: all there are. Code asks Allowed and
// never looks at roles itself.
var Permissions = []Permission{
	// Both kinds of workspace.
	{ReadAccounts, "", "read who has access, with which roles", 0, to{Administrator, ComplianceLead, AuditorsGuest, FirmAdministrator, Partner}},
	{ManageAccounts, "", "invite people, give and take roles, suspend, end sessions", Write | Person | Again, to{Administrator, FirmAdministrator}},
	{Provision, "", "create, change and suspend accounts and groups from a directory (SCIM), by a token only", Write, to{Administrator, FirmAdministrator}},
	{CreateToken, "", "make an API token that can do at most what its maker can", Write | Person | Again | OwnOnly,
		to{Administrator, ComplianceLead, ControlOwner, FirmAdministrator, Partner, Manager, Staff, Specialist}},
	{ManageTokens, "", "list and revoke everybody's API tokens", Write, to{Administrator, FirmAdministrator}},
	{"settings.read", "", "read the workspace's settings, without any secret", 0, to{Administrator, ComplianceLead, FirmAdministrator}},
	{"settings.write", "", "change the workspace's settings", Write, to{Administrator, FirmAdministrator}},
	{"activity.read", "", "read the activity log", 0, to{Administrator, ComplianceLead, AuditorsGuest, FirmAdministrator, Partner, QualityReviewer}},
	{EditEvidence, "", "change, replace, backdate or remove sealed evidence", Write, nil},

	// A company's workspace: reading.
	{"period.read", Company, "read the period: controls, results, coverage, what is due", 0, to{Administrator, ComplianceLead, ControlOwner, ManagementSigner, AuditorsGuest, Reader}},
	{"evidence.read", Company, "read sealed evidence, down to the raw bytes", 0, to{ComplianceLead, ControlOwner, ManagementSigner, AuditorsGuest}},
	{"evidence.export", Company, "take evidence and populations out as files", 0, to{ComplianceLead, AuditorsGuest}},
	{"deviation.read", Company, "read deviations with their causes and responses", 0, to{ComplianceLead, ControlOwner, ManagementSigner, AuditorsGuest, Reader}},
	{"report.read", Company, "read reports and drafts as they reached management", 0, to{ComplianceLead, ManagementSigner, AuditorsGuest, Reader}},
	{"source.read", Company, "read connections, what they cannot see, and their freshness", 0, to{Administrator, ComplianceLead, ControlOwner, AuditorsGuest, Reader}},
	{"people.read", Company, "read people, their accounts at other systems and devices", 0, to{ComplianceLead, ControlOwner, AuditorsGuest, Employee}},
	{"policy.read", Company, "read policies and who agreed to them", 0, to{Administrator, ComplianceLead, ControlOwner, Employee, ManagementSigner, AuditorsGuest, Reader}},
	{"register.read", Company, "read risks, vendors, assets, answers and the boundary", 0, to{ComplianceLead, ControlOwner, ManagementSigner, AuditorsGuest, Reader}},
	{"incident.read", Company, "read incidents", 0, to{ComplianceLead, ControlOwner, Employee, ManagementSigner, AuditorsGuest}},
	{"issue.read", Company, "read issues: what has to be mended, by whom, until when", 0, to{ComplianceLead, ControlOwner, Employee, ManagementSigner, AuditorsGuest, Reader}},
	{"task.read", Company, "read tasks and what became of them", 0, to{ComplianceLead, ControlOwner, Employee, ManagementSigner, AuditorsGuest}},
	{"request.read", Company, "read the auditor's requests and the answers", 0, to{ComplianceLead, ControlOwner, ManagementSigner, AuditorsGuest}},

	// A company's workspace: the running year.
	{"definition.write", Company, "change controls, procedures, systems and commitments", Write, to{ComplianceLead}},
	{"source.manage", Company, "connect and disconnect sources, set their secrets", Write, to{Administrator}},
	{"source.collect", Company, "start a collection", Write, to{Administrator, ComplianceLead}},
	{"evidence.add", Company, "add a document as evidence, sealed with its three dates", Write, to{ComplianceLead, ControlOwner, Employee}},
	{"task.do", Company, "do a task, or say not mine, or did not happen", Write | Person, to{ComplianceLead, ControlOwner, Employee, ManagementSigner}},
	{"task.manage", Company, "assign tasks and change when they remind", Write, to{ComplianceLead}},
	{"task.approve", Company, "approve for management what was done on schedule", Write | Person | FourEyes, to{ManagementSigner}},
	{"review.decide", Company, "decide in an access review: keep, remove, ask", Write | Person, to{ComplianceLead, ControlOwner}},
	{"identity.link", Company, "say which accounts are one person", Write | Person, to{ComplianceLead}},
	{"policy.write", Company, "write policies", Write, to{ComplianceLead}},
	{"policy.approve", Company, "approve a policy's version", Write | Person | FourEyes, to{ManagementSigner}},
	{"policy.agree", Company, "agree to a policy for oneself", Write | Person | OwnOnly, to{Employee}},
	{"training.do", Company, "do one's own training", Write | Person | OwnOnly, to{Employee}},
	{"register.write", Company, "keep risks, vendors, assets, answers and the boundary", Write, to{ComplianceLead}},
	{"risk.accept", Company, "accept a risk for management", Write | Person | FourEyes, to{ManagementSigner}},
	{"answer.approve", Company, "approve an answer that customers are given", Write | Person | FourEyes, to{ComplianceLead, ManagementSigner}},
	{"incident.report", Company, "report an incident", Write, to{ComplianceLead, ControlOwner, Employee}},
	{"incident.write", Company, "run an incident: severity, timeline, lessons", Write, to{ComplianceLead}},
	{"incident.disclose", Company, "decide whether the description discloses an incident", Write | Person, to{ManagementSigner}},
	{"issue.write", Company, "open issues, say who mends them until when, and move the date", Write, to{ComplianceLead}},
	{"issue.mend", Company, "say of one's own issue that it is mended, with evidence", Write | Person | OwnOnly, to{ComplianceLead, ControlOwner, Employee, ManagementSigner}},
	{"issue.close", Company, "close an issue that somebody else mended, or send it back", Write | Person | FourEyes, to{ComplianceLead, ManagementSigner}},
	{"deviation.answer", Company, "state a deviation's cause and management's response", Write | Person, to{ComplianceLead, ControlOwner}},
	{"deviation.decide", Company, "confirm a deviation, or say with a reason that it is none", Write | Person | FourEyes, to{ComplianceLead, ManagementSigner}},

	{"response.final", Company, "make management's response to an exception final", Write | Person | FourEyes, to{ManagementSigner}},

	// A company's workspace: the examination, management's side.
	{"engagement.open", Company, "open an engagement and state what it covers", Write | Person, to{ComplianceLead, ManagementSigner}},
	{"request.answer", Company, "answer the auditor's requests", Write, to{ComplianceLead, ControlOwner}},
	{"description.write", Company, "write management's description of the system", Write, to{ComplianceLead}},
	{"assertion.sign", Company, "decide and sign management's assertion", Write | Person | Again, to{ManagementSigner}},
	{"representation.sign", Company, "sign the representation letter", Write | Person | Again, to{ManagementSigner}},
	{"bridge.sign", Company, "sign a bridge letter", Write | Person | Again, to{ManagementSigner}},
	{"report.share", Company, "give a recipient a copy of an issued report", Write, to{ComplianceLead}},
	{"trust.read", Company, "read who asked for a report, who may read it and who did", 0, to{ComplianceLead, ManagementSigner}},
	{"trust.grant", Company, "give an outsider access to an issued report, refuse it, end it", Write | Person, to{ComplianceLead}},
	{"trust.publish", Company, "say in public that a report exists, and set the terms under which it is given", Write | Person, to{ComplianceLead, ManagementSigner}},

	// A firm's workspace.
	{"firm.state", Firm, "state the firm's license and peer review", Write | Person, to{FirmAdministrator, Partner}},
	{"independence.declare", Firm, "declare one's own independence", Write | Person | OwnOnly, to{Partner, QualityReviewer, Manager, Staff, Specialist}},
	{"client.accept", Firm, "accept a client and an engagement", Write | Person | Again, to{Partner}},
	{"team.assign", Firm, "put people on an engagement's team", Write | Person, to{Partner, Manager}},
	{"workpaper.read", Firm, "read the engagement file: evidence, tests, notes", 0, to{Partner, QualityReviewer, Manager, Staff, Specialist}},
	{"plan.write", Firm, "plan: tests, reliance mode, sample sizes", Write, to{Partner, Manager}},
	{"request.write", Firm, "ask the client for evidence and populations", Write, to{Partner, Manager, Staff, Specialist}},
	{"population.accept", Firm, "accept a frozen population, or question it", Write | Person, to{Partner, Manager, Staff, Specialist}},
	{"sample.draw", Firm, "draw a sample", Write | Person, to{Partner, Manager, Staff, Specialist}},
	{"sample.release", Firm, "release a sample to the client", Write | Person, to{Partner, Manager}},
	{"test.mark", Firm, "mark a test's result for an item", Write | Person, to{Partner, Manager, Staff, Specialist}},
	{"note.write", Firm, "write and clear review notes", Write | Person, to{Partner, QualityReviewer, Manager, Staff, Specialist}},
	{"workpaper.review", Firm, "sign a workpaper off as its reviewer", Write | Person | Again | FourEyes, to{Partner, Manager}},
	{"quality.review", Firm, "sign the engagement's quality review", Write | Person | Again | FourEyes, to{QualityReviewer}},
	{"exception.release", Firm, "release an exception to the client", Write | Person, to{Partner, Manager}},
	{"conclusion.write", Firm, "conclude on a control, a criterion, the description", Write | Person | Again, to{Partner, Manager}},
	{"opinion.write", Firm, "write the opinion", Write | Person | Again, to{Partner}},
	{"report.sign", Firm, "sign and issue the report", Write | Person | Again, to{Partner}},
	{"report.copy", Firm, "make a copy of an issued report for a recipient", Write, to{Partner, Manager}},
	{"wording.write", Firm, "load the wording of reports and imported criteria", Write | Person, to{FirmAdministrator, Partner}},
	{"file.assemble", Firm, "assemble and lock the engagement file", Write | Person, to{Partner, Manager}},
}

// PermissionOf returns a permission by its ID; false if there is none.
func PermissionOf(id PermissionID) (Permission, bool) {
	for _, p := range Permissions {
		if p.ID == id {
			return p, true
		}
	}
	return Permission{}, false
}
