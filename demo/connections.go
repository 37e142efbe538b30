package demo

// connections are Halyard's sources, each mapped in the style of its system.
// The texts are long because they are a workspace's files, written out.
func (x *writer) connections() []connection {
	state := x.state()
	out := []connection{
		{"hr", "The HR system's roster: everybody who ever worked here.", []mapping{{path: "exports/hr/roster", format: "csv", item: "person", mode: state, id: "{employee_number}", fields: personFields}}},
		{"identity", "The identity provider: people's accounts, and who is in which group.", []mapping{
			{path: "exports/identity/users", format: "jsonl", item: "account", mode: state, scope: "okta", id: "{login}", fields: oktaFields, links: linkLines("employeeNumber", "{login}", "employee number in the identity provider")},
			{path: "exports/identity/grants", format: "csv", item: "membership", mode: state, scope: "okta", id: "{id}", fields: membershipFields},
		}},
		{"codehost", "The code host: accounts, repositories, their rules, and what was merged, checked and deployed.", []mapping{
			{path: "exports/codehost/members", format: "json", rows: "members", item: "account", mode: state, scope: "github", id: "{login}", fields: githubFields, links: linkLines("employee_number", "{login}", "employee number in the code host's directory")},
			{path: "exports/codehost/repositories", format: "json", rows: "repositories", item: "repository", mode: state, scope: "github", id: "{full_name}", fields: repositoryFields},
			{path: "exports/codehost/rules", format: "json", rows: "rules", item: "protection", mode: state, scope: "github", id: "{repository}:{branch}", fields: protectionFields},
			{path: "exports/codehost/merges", format: "jsonl", item: "change", mode: "events", scope: "github", at: "merged_at", id: "{repository}@{short}", extra: "sequence: sequence", fields: changeFields},
			{path: "exports/codehost/checks", format: "csv", item: "check", mode: "events", scope: "github", at: "completed_at", id: "{id}", fields: checkFields},
			{path: "exports/codehost/deployments", format: "jsonl", item: "deployment", mode: "events", scope: "github", at: "created_at", id: "{id}", fields: deploymentFields},
		}},
		{"cloud", "The cloud: sign-ins, datastores, keys and other resources of every account, and the backup service.", []mapping{
			{path: "exports/cloud/credentials", format: "csv", item: "account", mode: state, scope: "aws", id: "{arn}", fields: awsFields, links: linkLines("employee_number", "{arn}", "employee number tag of the cloud user")},
			{path: "exports/cloud/stores-*", format: "json", rows: "Stores", item: "datastore", mode: state, scope: `stores-(.+?)-\d{4}-`, id: "{Arn}", fields: storeFields},
			{path: "exports/cloud/keys-*", format: "json", rows: "Keys", item: "key", mode: state, scope: `keys-(.+?)-\d{4}-`, id: "{Id}", fields: keyFields},
			{path: "exports/cloud/resources-*", format: "csv", item: "resource", mode: state, scope: `resources-(.+?)-\d{4}-`, id: "{arn}", fields: resourceFields},
			{path: "exports/cloud/backups-*", format: "jsonl", item: "backup", mode: "events", scope: `backups-(.+?)-\d{4}-`, at: "CompletionDate", id: "{JobId}", fields: backupFields},
			{path: "exports/cloud/restores", format: "csv", item: "restore", mode: "events", at: "finished_at", id: "{id}", fields: restoreFields},
		}},
		{"desk", "The ticket system: its accounts and every change of every ticket.", []mapping{
			{path: "exports/desk/users", format: "csv", item: "account", mode: state, scope: "desk", id: "{accountId}", fields: deskFields("desk"), links: linkLines("employeeNumber", "{accountId}", "employee number in the ticket system")},
			{path: "exports/desk/tickets", format: "csv", item: "ticket", mode: "changes", scope: "desk", id: "{key}", fields: ticketFields},
		}},
		{"books", "The accounting service. It says nothing about second factors.", []mapping{
			{path: "exports/books/users", format: "csv", item: "account", mode: state, scope: "books", id: "books/{user}", fields: booksFields, links: linkLines("employee_number", "books/{user}", "employee number in the accounting service")},
		}},
		{"devices", "Device management: laptops and their settings.", []mapping{{path: "exports/devices/devices", format: "csv", item: "device", mode: state, id: "{serial}", fields: deviceFields}}},
		{"scanner", "The weakness scanner's weekly list.", []mapping{{path: "exports/scanner/findings", format: "json", rows: "findings", item: "vulnerability", mode: state, id: "{id}", fields: vulnerabilityFields}}},
		{"people", "The learning and signature portals.", []mapping{
			{path: "exports/people/trainings", format: "csv", item: "training", mode: "events", at: "completed_at", id: "{record}", fields: trainingFields},
			{path: "exports/people/signatures", format: "csv", item: "acknowledgement", mode: "events", at: "signed_at", id: "{record}", fields: acknowledgementFields},
		}},
		{"reviews", "Access reviews, from the workbook their owner keeps.", []mapping{{path: "exports/reviews/access-reviews", format: "xlsx", rows: "Reviews", item: "accessReview", mode: "events", at: "completed", id: "{review}", fields: reviewFields}}},
		{"incidents", "The incident tool.", []mapping{{path: "exports/incidents/incidents", format: "json", rows: "incidents", item: "incident", mode: "changes", id: "{id}", fields: incidentFields}}},
		{"registers", "Registers of vendors, risks and documents, and the calendar of what is done on schedule.", []mapping{
			{path: "exports/registers/vendors", format: "csv", item: "vendor", mode: state, id: "{vendor_id}", fields: vendorFields},
			{path: "exports/registers/risks", format: "csv", item: "risk", mode: state, id: "{risk_id}", fields: riskFields},
			{path: "exports/registers/documents", format: "csv", item: "document", mode: state, id: "{document_id}", fields: documentFields},
			{path: "exports/registers/routines", format: "csv", item: "revision", mode: "events", at: "finished_at", id: "{id}", fields: revisionFields},
		}},
	}
	for i := range x.size.Systems {
		name := "app" + itoa(i+1)
		out = append(out, connection{name, "One more application everybody uses.", []mapping{{path: "exports/" + name + "/users", format: "csv", item: "account", mode: state,
			scope: name, id: "{accountId}", fields: deskFields(name), links: linkLines("employeeNumber", "{accountId}", "employee number in the application")}}})
	}
	return out
}

func linkLines(number, account, basis string) string {
	return "person: \"{" + number + "}\"\naccount: \"" + account + "\"\nbasis: " + basis
}

const personFields = `
	name: full_name
	email: { column: work_email, none: [""] }
	kind: { column: engagement, values: { Employee: employee, Contractor: contractor, Intern: intern } }
	status: { column: employment_status, values: { Pre-hire: pending, Active: active, On leave: leave, Terminated: ended } }
	startedAt: { column: start_date, date: start }
	endedAt: { column: end_date, date: end, none: [""] }
	manager: { column: manager_number, none: [""] }
	department: department
	title: job_title
	backgroundCheckedAt: { column: background_check, date: start, none: [""] }
	confidentialitySignedAt: { column: nda_signed, date: start, none: [""] }
	onboardedAt: { column: onboarding_done, date: end, none: [""] }
	offboardedAt: { column: offboarding_done, date: end, none: [""] }
	reviewedAt: { column: last_review, date: start, none: [""] }`

const oktaFields = `
	system: { value: okta }
	login: login
	email: { column: email, none: [""] }
	kind: { column: type, values: { person: human, service: service } }
	status: { column: status, values: { ACTIVE: active, STAGED: pending, SUSPENDED: suspended, DEPROVISIONED: disabled } }
	admin: admin
	mfa.enforced: mfa.required
	mfa.enrolled: mfa.enrolled
	mfa.factors: mfa.factors
	sso: sso
	createdAt: created
	disabledAt: { column: deactivated, none: [""] }
	passwordChangedAt: { column: passwordChanged, none: [""] }`

const githubFields = `
	system: { value: github }
	login: login
	email: { column: email, none: [""] }
	kind: { column: type, values: { User: human, Bot: service } }
	status: { column: state, values: { active: active, suspended: suspended } }
	admin: { column: role, true: [owner], false: [member] }
	mfa.enforced: two_factor.required
	mfa.enrolled: two_factor.enrolled
	mfa.factors: two_factor.methods
	sso: saml_only
	createdAt: created_at
	disabledAt: { column: suspended_at, none: [""] }
	passwordChangedAt: { column: password, none: ["none"] }`

const awsFields = `
	system: { value: aws }
	login: user
	kind: { column: user_kind, values: { person: human, service: service, root: root } }
	status: { column: enabled, values: { "true": active, "false": disabled } }
	admin: { column: console_admin, true: ["true"], false: ["false"] }
	mfa.enforced: { column: mfa_required, true: ["true"], false: ["false"] }
	mfa.enrolled: { column: mfa_active, true: ["true"], false: ["false"] }
	mfa.factors: { column: mfa_devices, split: ";", none: [""] }
	sso: { column: federated, true: ["true"], false: ["false"] }
	createdAt: user_creation_time
	disabledAt: { column: disabled_time, none: [""] }
	passwordChangedAt: { column: password_last_changed, none: ["N/A"], unknown: ["no_information"] }`

func deskFields(system string) string {
	return `
	system: { value: ` + system + ` }
	login: accountId
	email: emailAddress
	kind: { value: human }
	status: { column: active, values: { "yes": active, "no": disabled } }
	admin: { column: admin, true: ["yes"], false: ["no"] }
	mfa.enforced: { column: factorRequired, true: ["yes"], false: ["no"] }
	mfa.enrolled: { column: factorEnrolled, true: ["yes"], false: ["no"] }
	mfa.factors: { column: factors, split: ";", none: [""] }
	sso: { column: sso, true: ["yes"], false: ["no"] }
	createdAt: created
	disabledAt: { column: deactivated, none: [""] }`
}

const booksFields = `
	system: { value: books }
	login: user
	email: email
	kind: { value: human }
	status: { column: state, values: { open: active, closed: disabled } }
	admin: { column: superuser, true: ["yes"], false: ["no"] }
	sso: { column: sso, true: ["yes"], false: ["no"] }
	createdAt: since
	disabledAt: { column: until, none: [""] }`

const membershipFields = `
	account: account
	system: system
	group: group
	role: role
	privileged: { column: privileged, true: ["yes"], false: ["no"] }
	grantedAt: granted_at
	approvedBy: { column: approved_by, none: [""] }
	ticket: { column: ticket, none: [""] }`

const repositoryFields = `
	name: full_name
	host: host
	visibility: visibility
	archived: archived
	production: production
	defaultBranch: default_branch
	codeScanning: security.code_scanning
	secretScanning: security.secret_scanning
	dependencyAlerts: security.dependency_alerts`

const protectionFields = `
	repository: repository
	branch: branch
	enabled: enabled
	requiredApprovals: approvals
	dismissStale: dismiss_stale
	codeOwners: code_owners
	requiredChecks: checks
	adminsBound: enforce_admins
	forcePush: allow_force_push
	deletion: allow_deletion
	signatures: signatures
	bypass: bypass`

const changeFields = `
	repository: repository
	branch: branch
	number: number
	title: title
	author: author
	mergedBy: merged_by
	commit: sha
	parents: parents
	openedAt: { column: opened_at, none: [""] }
	direct: direct
	revert: revert
	emergency: emergency
	bot: bot
	signed: signed
	approvals: approvals
	approvedLater: approvals_after
	approvedLaterAt: { column: approved_after_at, none: [""] }
	testers: tested_by
	checks.required: checks.required
	checks.failed: checks.failed
	checks.succeeded: checks.succeeded
	tickets: tickets`

const checkFields = `
	repository: repository
	commit: sha
	name: name
	result: { column: conclusion, values: { success: success, failure: failure } }`

const deploymentFields = `
	repository: repository
	commit: sha
	environment: environment
	by: creator
	automated: automated
	result: result
	change: { column: change, none: [""] }
	checksSucceeded: checks_ok`

const storeFields = `
	name: Name
	kind: Kind
	environment: Environment
	region: Region
	classification: Classification
	encrypted: Encrypted
	key: KmsKey
	tlsRequired: TlsOnly
	public: PubliclyAccessible
	backedUp: BackupPlan
	versioning: Versioning
	redundant: MultiAZ
	logging: AccessLogging
	retentionDays: RetentionDays
	owner: Owner`

const keyFields = `
	kind: { column: Type, values: { KMS: encryption, AccessKey: access, Certificate: certificate } }
	system: { value: aws }
	owner: { column: Owner, none: [""] }
	status: { column: Status, values: { Active: active, Inactive: disabled, Expired: expired } }
	createdAt: CreateDate
	rotatedAt: RotatedDate
	expiresAt: { column: Expires, none: [""] }
	autoRotate: AutoRotation`

const resourceFields = `
	name: name
	provider: { value: aws }
	kind: kind
	account: account
	region: region
	environment: { column: environment, none: [""] }
	enabled: { column: enabled, true: ["yes"], false: ["no"] }
	public: { column: public, true: ["yes"], false: ["no"] }
	openPorts: { column: open_ports, split: ";", none: [""] }
	encrypted: { column: encrypted, true: ["yes"], false: ["no"] }
	logging: { column: logging, true: ["yes"], false: ["no"] }
	managedBy: { column: managed_by, none: [""] }
	owner: { column: owner, none: [""] }
	retentionDays: retention_days`

const backupFields = `
	datastore: ResourceArn
	result: { column: State, values: { COMPLETED: success, FAILED: failure, PARTIAL: partial } }
	location: Vault
	separate: CrossAccount
	encrypted: Encrypted
	immutable: Locked
	bytes: Bytes`

const restoreFields = `
	datastore: resource_arn
	test: { column: purpose, true: [test], false: [recovery] }
	result: result
	verified: { column: verified, true: ["yes"], false: ["no"] }
	by: performed_by
	minutes: minutes`

const ticketFields = `
	system: { value: desk }
	kind: { column: type, values: { Change: change, Access request: access, Deficiency: deficiency, Exception: exception, Privacy request: privacy, Deletion: deletion } }
	title: summary
	status: { column: status, values: { To do: open, In progress: in progress, Done: done, Rejected: rejected } }
	createdAt: created
	closedAt: { column: closed, none: [""] }
	dueAt: { column: due, none: [""] }
	requester: reporter
	owner: { column: assignee, none: [""] }
	approvedBy: { column: approver, none: [""] }
	approvedAt: { column: approved, none: [""] }
	subject: { column: subject, none: [""] }
	expiresAt: { column: expires, none: [""] }`

const deviceFields = `
	serial: serial
	hostname: hostname
	kind: kind
	platform: { column: platform, values: { macOS: macos, Windows: windows } }
	assignedTo: { column: employee_number, none: [""] }
	status: { column: state, values: { in use: active, stock: stock, retired: retired } }
	diskEncrypted: { column: filevault, true: ["on"], false: ["off"] }
	screenLock.enabled: { column: screen_lock, true: ["on"], false: ["off"] }
	screenLock.seconds: lock_after
	antivirus.running: { column: malware_agent, true: [running], false: [stopped] }
	antivirus.updatedAt: malware_updated
	firewall: { column: firewall, true: ["on"], false: ["off"] }
	os.version: os_version
	os.supported: { column: os_supported, true: ["yes"], false: ["no"] }
	os.patchedAt: os_patched
	os.autoUpdate: { column: auto_update, true: ["on"], false: ["off"] }
	timeSync: { column: time_sync, true: ["on"], false: ["off"] }
	admins: { column: local_admins, split: ";", none: [""] }
	users: { column: local_users, split: ";", none: [""] }
	removableMedia: usb
	managed: { column: enrolled, true: ["yes"], false: ["no"] }
	wipedAt: { column: wiped, none: [""] }
	retiredAt: { column: retired, none: [""] }
	lastSeenAt: last_seen`

const vulnerabilityFields = `
	advisory: advisory
	severity: { column: severity, values: { CRITICAL: critical, HIGH: high, MEDIUM: medium, LOW: low } }
	status: { column: state, values: { open: open, fixed: fixed, accepted: accepted } }
	asset: asset
	package: package
	foundAt: first_seen
	fixedAt: { column: fixed_at, none: [""] }
	acceptedBy: { column: accepted_by, none: [""] }
	acceptedUntil: { column: accepted_until, none: [""] }
	fixAvailable: fix_available
	scanner: scanner`

const trainingFields = `
	person: employee_number
	course: course
	topic: topic
	result: { column: result, values: { passed: completed, failed: not completed } }`

const acknowledgementFields = `
	person: employee_number
	document: document_id
	version: version`

const reviewFields = `
	system: system
	cycle: cycle
	reviewer: reviewer
	listed: listed
	decided: decided
	toRemove: { column: to_remove, split: ";", none: [""] }
	privileged: { column: privileged_in_scope, true: ["yes"], false: ["no"] }`

const incidentFields = `
	title: title
	severity: { column: severity, values: { SEV1: sev1, SEV2: sev2, SEV3: sev3, SEV4: sev4 } }
	kind: kind
	status: { column: state, values: { open: open, contained: contained, resolved: resolved, closed: closed } }
	detectedAt: times.detected
	acknowledgedAt: { column: times.acknowledged, none: [""] }
	containedAt: { column: times.contained, none: [""] }
	resolvedAt: { column: times.resolved, none: [""] }
	rootCauseAt: { column: times.rootCause, none: [""] }
	owner: { column: lead, none: [""] }
	customerNotifiedAt: { column: customersTold, none: [""] }
	notificationRequired: notificationRequired`

const vendorFields = `
	name: name
	tier: { column: tier, values: { Critical: critical, High: high, Medium: medium, Low: low }, none: [""] }
	status: { column: status, values: { Proposed: proposed, Active: active, Ended: ended } }
	subservice: { column: subservice, true: ["yes"], false: ["no"] }
	approvedAt: { column: approved, date: start, none: [""] }
	startedAt: { column: started, date: start, none: [""] }
	reviewedAt: { column: last_review, date: start, none: [""] }
	owner: { column: owner, none: [""] }
	securityTerms: { column: security_terms, true: ["yes"], false: ["no"] }
	dataProcessing: { column: personal_data, true: ["yes"], false: ["no"] }
	reportEnd: { column: soc_report_end, date: end, none: [""] }`

const riskFields = `
	title: title
	owner: { column: owner, none: [""] }
	treatment: { column: treatment, values: { Mitigate: mitigate, Accept: accept, Transfer: transfer, Avoid: avoid }, none: [""] }
	level: { column: level, values: { High: high, Medium: medium, Low: low } }
	assessedAt: { column: assessed, date: start, none: [""] }
	dueAt: { column: due, date: end, none: [""] }
	status: { column: status, values: { Open: open, Treated: treated, Closed: closed } }`

const documentFields = `
	title: title
	kind: { column: type, values: { Policy: policy, Plan: plan, Procedure: procedure, Charter: charter, Diagram: diagram, Register: register, Notice: notice } }
	version: version
	status: { column: status, values: { Draft: draft, Approved: approved, Retired: retired } }
	owner: { column: owner, none: [""] }
	approvedBy: { column: approved_by, none: [""] }
	approvedAt: { column: approved, date: start, none: [""] }
	reviewedAt: { column: reviewed, date: start, none: [""] }`

const revisionFields = `
	kind: kind
	subject: { column: subject, none: [""] }
	by: by
	approvedBy: { column: approved_by, none: [""] }
	outcome: { column: outcome, none: [""] }
	actions: actions
	document: { column: document, none: [""] }`
