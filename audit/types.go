package audit

// ItemTypes are all item types, by name. JSON Schema and docs/formats/items.md
// are generated from this table. It is long because it is the product's
// dictionary: one screen a type.
var ItemTypes = []*ItemType{
	accessReview, account, acknowledgement, alert, application, authPolicy, backup, change, check, consent, contract,
	controlTest, datastore, deployment, device, disclosure, document, domain, endpoint, feed, finding, incident, key, link,
	membership, network, notice, person, protection, repository, resource, restore, revision, risk, rota, signIn, ticket,
	training, vendor, vulnerability,
}

var person = &ItemType{Name: "person", Doc: "A human who works for the organization, from the system that pays or contracts them.", Fields: []Field{
	{Name: "name", Kind: String, Doc: "Full name."},
	{Name: "email", Kind: String, Doc: "Work address.", None: "has no work address"},
	{Name: "kind", Kind: String, Doc: "How they are engaged.", Enum: []string{"employee", "contractor", "intern"}},
	{Name: "status", Kind: String, Doc: "Where they are in their engagement.", Enum: []string{"pending", "active", "leave", "ended"}},
	{Name: "startedAt", Kind: Time, Doc: "Start of the first working day.", None: "no start is agreed"},
	{Name: "endedAt", Kind: Time, Doc: "End of the last working day.", None: "has not left and no end is agreed"},
	{Name: "manager", Kind: String, Doc: "Id of the person they report to.", None: "reports to nobody"},
	{Name: "department", Kind: String, Doc: "Department.", None: "belongs to none"},
	{Name: "title", Kind: String, Doc: "Job title.", None: "has none"},
	{Name: "backgroundCheckedAt", Kind: Time, Doc: "When the background check was completed.", None: "no check was completed"},
	{Name: "confidentialitySignedAt", Kind: Time, Doc: "When the confidentiality agreement was signed.", None: "not signed"},
	{Name: "onboardedAt", Kind: Time, Doc: "When the onboarding checklist was completed.", None: "not completed"},
	{Name: "offboardedAt", Kind: Time, Doc: "When the offboarding checklist was completed.", None: "not completed"},
	{Name: "reviewedAt", Kind: Time, Doc: "When performance was last reviewed.", None: "never reviewed"},
	{Name: "roleChangedAt", Kind: Time, Doc: "When they last moved to another role or department.", None: "they have not moved"},
	{Name: "personalData", Kind: Bool, Doc: "Their work handles personal data."},
}}

var account = &ItemType{Name: "account", Doc: "A sign-in to one system: of a human, a service or a shared purpose.", Fields: []Field{
	{Name: "system", Kind: String, Doc: "The system it signs in to, as the workspace names it."},
	{Name: "login", Kind: String, Doc: "Login name."},
	{Name: "email", Kind: String, Doc: "Address the system holds for it.", None: "the system holds none"},
	{Name: "kind", Kind: String, Doc: "Whom it is for.", Enum: []string{"human", "service", "shared", "root", "guest"}},
	{Name: "status", Kind: String, Doc: "Whether it can sign in.", Enum: []string{"active", "pending", "suspended", "disabled"}},
	{Name: "admin", Kind: Bool, Doc: "Holds administrative rights in the system."},
	{Name: "mfa.enforced", Kind: Bool, Doc: "It cannot sign in without a second factor."},
	{Name: "mfa.enrolled", Kind: Bool, Doc: "At least one second factor is enrolled."},
	{Name: "mfa.factors", Kind: Strings, Doc: "Kinds of factor enrolled.", None: "none is enrolled"},
	{Name: "sso", Kind: Bool, Doc: "It signs in through the identity provider only."},
	{Name: "createdAt", Kind: Time, Doc: "When it was created."},
	{Name: "disabledAt", Kind: Time, Doc: "When it stopped being able to sign in, where the system says so itself.", None: "it has not been disabled"},
	{Name: "passwordChangedAt", Kind: Time, Doc: "When its password was last set.", None: "it has no password"},
	{Name: "lastUsedAt", Kind: Time, Doc: "When it last signed in.", None: "it never signed in", Volatile: true},
	{Name: "idleDays", Kind: Int, Doc: "Days since it last signed in, or since it was created if it never did, rounded down to one of the steps.", AgeOf: "lastUsedAt", SinceOr: "createdAt"},
}}

var link = &ItemType{Name: "link", Doc: "A statement that an account or device belongs to a person: made by a source that knows, or proposed and then confirmed by a person. Procedures join through it; nothing is matched silently.", Fields: []Field{
	{Name: "person", Kind: String, Doc: "Id of the person."},
	{Name: "account", Kind: String, Doc: "Id of the account.", None: "the link is of a device"},
	{Name: "device", Kind: String, Doc: "Id of the device.", None: "the link is of an account"},
	{Name: "basis", Kind: String, Doc: "What the statement rests on: employee number, confirmed by a person, e-mail proposed."},
	{Name: "confirmed", Kind: Bool, Doc: "A source that knows or a person stands behind it; a mere proposal is not confirmed."},
	{Name: "by", Kind: String, Doc: "Who confirmed it.", None: "nobody has"},
}}

var membership = &ItemType{Name: "membership", Doc: "An account's place in a group, team or role.", Fields: []Field{
	{Name: "account", Kind: String, Doc: "Id of the account."},
	{Name: "system", Kind: String, Doc: "The system the group is in."},
	{Name: "group", Kind: String, Doc: "Group, team or role."},
	{Name: "role", Kind: String, Doc: "What it is within the group.", Enum: []string{"member", "maintainer", "owner", "admin"}},
	{Name: "privileged", Kind: Bool, Doc: "The group grants administrative or production rights."},
	{Name: "grantedAt", Kind: Time, Doc: "When it was granted, where the system says so."},
	{Name: "approvedBy", Kind: String, Doc: "Who approved the grant.", None: "no approval is recorded"},
	{Name: "ticket", Kind: String, Doc: "Id of the request ticket.", None: "no ticket is recorded"},
}}

var repository = &ItemType{Name: "repository", Doc: "A repository of source code or configuration.", Fields: []Field{
	{Name: "name", Kind: String, Doc: "Name with its owner."},
	{Name: "host", Kind: String, Doc: "Where it is kept."},
	{Name: "visibility", Kind: String, Doc: "Who can read it.", Enum: []string{"public", "internal", "private"}},
	{Name: "archived", Kind: Bool, Doc: "It takes no more changes."},
	{Name: "production", Kind: Bool, Doc: "What runs in production is built from it."},
	{Name: "defaultBranch", Kind: String, Doc: "Name of its default branch.", None: "it has no branch yet"},
	{Name: "codeScanning", Kind: Bool, Doc: "Code is scanned for weaknesses on change."},
	{Name: "secretScanning", Kind: Bool, Doc: "Commits are scanned for secrets."},
	{Name: "dependencyAlerts", Kind: Bool, Doc: "Known weaknesses in dependencies are reported."},
}}

var protection = &ItemType{Name: "protection", Doc: "The rules on a repository's default branch, all sources of rules taken together.", Fields: []Field{
	{Name: "repository", Kind: String, Doc: "Id of the repository."},
	{Name: "branch", Kind: String, Doc: "The branch the rules are on."},
	{Name: "enabled", Kind: Bool, Doc: "Any rule is in force."},
	{Name: "requiredApprovals", Kind: Int, Doc: "Approvals needed before a merge; 0 if none."},
	{Name: "dismissStale", Kind: Bool, Doc: "A new commit voids earlier approvals."},
	{Name: "codeOwners", Kind: Bool, Doc: "Owners of the code must approve."},
	{Name: "requiredChecks", Kind: Strings, Doc: "Checks that must succeed before a merge.", None: "none must"},
	{Name: "adminsBound", Kind: Bool, Doc: "Administrators are bound by the rules too."},
	{Name: "forcePush", Kind: Bool, Doc: "History can be overwritten."},
	{Name: "deletion", Kind: Bool, Doc: "The branch can be deleted."},
	{Name: "signatures", Kind: Bool, Doc: "Commits must be signed."},
	{Name: "bypass", Kind: Strings, Doc: "Who may go around the rules.", None: "nobody may"},
}}

var change = &ItemType{Name: "change", Event: true, Doc: "A change that reached a protected branch: a merged request, or a commit put there directly.", Fields: []Field{
	{Name: "repository", Kind: String, Doc: "Id of the repository."},
	{Name: "branch", Kind: String, Doc: "The branch it reached."},
	{Name: "number", Kind: Int, Doc: "Number of the merge request; 0 if it had none."},
	{Name: "title", Kind: String, Doc: "First line of what it says.", None: "it says nothing"},
	{Name: "author", Kind: String, Doc: "Login or address of who wrote it."},
	{Name: "mergedBy", Kind: String, Doc: "Login or address of who put it on the branch."},
	{Name: "commit", Kind: String, Doc: "Commit id on the branch."},
	{Name: "parents", Kind: Int, Doc: "Number of parents of that commit."},
	{Name: "openedAt", Kind: Time, Doc: "When the request was opened.", None: "there was no request"},
	{Name: "direct", Kind: Bool, Doc: "It was put on the branch without a merge or a merge request."},
	{Name: "revert", Kind: Bool, Doc: "It undoes an earlier change."},
	{Name: "emergency", Kind: Bool, Doc: "Marked as an emergency change by the repository's convention."},
	{Name: "bot", Kind: Bool, Doc: "Its author is a program."},
	{Name: "signed", Kind: Bool, Doc: "The commit carries a signature. Whether it verifies is not said."},
	{Name: "approvals", Kind: Strings, Doc: "Who approved it before it was merged, author left out.", None: "no approval is recorded"},
	{Name: "approvedLater", Kind: Strings, Doc: "Who approved it after it was merged, author left out.", None: "nobody did"},
	{Name: "approvedLaterAt", Kind: Time, Doc: "When the first approval after the merge was given.", None: "nobody did"},
	{Name: "testers", Kind: Strings, Doc: "Who or what states that it was tested.", None: "nobody states it"},
	{Name: "checks.required", Kind: Bool, Doc: "At least one check had to succeed."},
	{Name: "checks.failed", Kind: Strings, Doc: "Checks on the merged commit that had not succeeded when it was merged.", None: "none had failed"},
	{Name: "checks.succeeded", Kind: Strings, Doc: "Checks that had succeeded when it was merged.", None: "none had"},
	{Name: "tickets", Kind: Strings, Doc: "Tickets it names.", None: "it names none"},
}}

var check = &ItemType{Name: "check", Event: true, Doc: "One run of an automated check or test on a commit.", Fields: []Field{
	{Name: "repository", Kind: String, Doc: "Id of the repository."},
	{Name: "commit", Kind: String, Doc: "Commit it ran on."},
	{Name: "name", Kind: String, Doc: "Name of the check."},
	{Name: "result", Kind: String, Doc: "How it ended.", Enum: []string{"success", "failure", "canceled", "skipped", "neutral"}},
}}

var deployment = &ItemType{Name: "deployment", Event: true, Doc: "A release of software into an environment.", Fields: []Field{
	{Name: "repository", Kind: String, Doc: "Id of the repository it was built from."},
	{Name: "commit", Kind: String, Doc: "Commit it was built from."},
	{Name: "environment", Kind: String, Doc: "Environment, such as production."},
	{Name: "by", Kind: String, Doc: "Login of who or what started it."},
	{Name: "automated", Kind: Bool, Doc: "A pipeline did it, not a person's hand."},
	{Name: "result", Kind: String, Doc: "How it ended.", Enum: []string{"success", "failure", "rolled back"}},
	{Name: "change", Kind: String, Doc: "Id of the change it carried.", None: "it names none"},
	{Name: "checksSucceeded", Kind: Bool, Doc: "Every required check on the commit had succeeded."},
}}

var device = &ItemType{Name: "device", Doc: "A computer or phone that people work on.", Fields: []Field{
	{Name: "serial", Kind: String, Doc: "Serial number or hardware id."},
	{Name: "hostname", Kind: String, Doc: "Name it gives itself."},
	{Name: "kind", Kind: String, Doc: "What it is.", Enum: []string{"laptop", "desktop", "phone", "tablet", "server"}},
	{Name: "platform", Kind: String, Doc: "Operating system family.", Enum: []string{"macos", "windows", "linux", "ios", "android", "chromeos", "other"}},
	{Name: "assignedTo", Kind: String, Doc: "Id of the person it is assigned to.", None: "it is assigned to nobody"},
	{Name: "status", Kind: String, Doc: "Where it is in its life.", Enum: []string{"active", "stock", "lost", "retired"}},
	{Name: "diskEncrypted", Kind: Bool, Doc: "Every fixed volume with data is encrypted."},
	{Name: "screenLock.enabled", Kind: Bool, Doc: "The screen locks by itself."},
	{Name: "screenLock.seconds", Kind: Int, Doc: "Idle seconds before it locks."},
	{Name: "antivirus.installed", Kind: Bool, Doc: "A malware protection is installed, running or not."},
	{Name: "antivirus.running", Kind: Bool, Doc: "A malware protection is running."},
	{Name: "antivirus.updatedAt", Kind: Time, Doc: "When its signatures were last updated.", None: "never", Volatile: true},
	{Name: "antivirus.staleDays", Kind: Int, Doc: "Days since its signatures were last updated, rounded down to one of the steps.", AgeOf: "antivirus.updatedAt"},
	{Name: "firewall", Kind: Bool, Doc: "The host firewall filters incoming traffic."},
	{Name: "os.version", Kind: String, Doc: "Operating system version."},
	{Name: "os.supported", Kind: Bool, Doc: "Its maker still delivers security updates for it."},
	{Name: "os.patchedAt", Kind: Time, Doc: "When updates were last installed.", None: "never"},
	{Name: "os.autoUpdate", Kind: Bool, Doc: "Security updates install by themselves."},
	{Name: "timeSync", Kind: Bool, Doc: "The clock is kept by a time service."},
	{Name: "admins", Kind: Strings, Doc: "Local accounts with administrative rights.", None: "no local account has"},
	{Name: "users", Kind: Strings, Doc: "Local accounts a person can sign in to.", None: "there is none"},
	{Name: "removableMedia", Kind: String, Doc: "What may be done with removable media.", Enum: []string{"blocked", "read only", "encrypted only", "allowed"}},
	{Name: "managed", Kind: Bool, Doc: "It is enrolled in device management."},
	{Name: "wipedAt", Kind: Time, Doc: "When its data were destroyed for disposal.", None: "they were not"},
	{Name: "retiredAt", Kind: Time, Doc: "When it was taken out of use.", None: "it is in use"},
	{Name: "lastSeenAt", Kind: Time, Doc: "When it last reported.", None: "it never did", Volatile: true},
	{Name: "silentDays", Kind: Int, Doc: "Days since it last reported, rounded down to one of the steps. What else is known of it is as old as that.", AgeOf: "lastSeenAt"},
}}

var datastore = &ItemType{Name: "datastore", Doc: "A database, bucket, volume or queue that keeps data.", Fields: []Field{
	{Name: "name", Kind: String, Doc: "Name."},
	{Name: "kind", Kind: String, Doc: "What it is.", Enum: []string{"database", "bucket", "volume", "queue", "warehouse", "cache"}},
	{Name: "environment", Kind: String, Doc: "Environment, such as production."},
	{Name: "region", Kind: String, Doc: "Where it is.", None: "it is in no region"},
	{Name: "classification", Kind: String, Doc: "Most sensitive class of data it holds.", Enum: []string{"public", "internal", "confidential", "restricted"}, None: "it has not been classified"},
	{Name: "encrypted", Kind: Bool, Doc: "Data are encrypted at rest."},
	{Name: "key", Kind: String, Doc: "Id of the key they are encrypted with.", None: "a key of the provider's"},
	{Name: "tlsRequired", Kind: Bool, Doc: "Connections without encryption are refused."},
	{Name: "public", Kind: Bool, Doc: "It can be read or reached from the internet."},
	{Name: "backedUp", Kind: Bool, Doc: "A backup schedule is in force for it."},
	{Name: "versioning", Kind: Bool, Doc: "Overwritten and deleted data can be brought back."},
	{Name: "redundant", Kind: Bool, Doc: "It survives the loss of one site."},
	{Name: "logging", Kind: Bool, Doc: "Access to it is logged."},
	{Name: "retentionDays", Kind: Int, Doc: "Days after which data are deleted; 0 if never."},
	{Name: "owner", Kind: String, Doc: "Team or person that answers for it.", None: "nobody is named"},
}}

var resource = &ItemType{Name: "resource", Doc: "Any other cloud or infrastructure resource whose settings matter.", Fields: []Field{
	{Name: "name", Kind: String, Doc: "Name."},
	{Name: "provider", Kind: String, Doc: "Cloud or system it is in."},
	{Name: "kind", Kind: String, Doc: "What it is: instance, network rule, load balancer, trail, function, cluster, detector, alarm, data loss rule."},
	{Name: "account", Kind: String, Doc: "Cloud account, project or subscription."},
	{Name: "region", Kind: String, Doc: "Where it is.", None: "it is global"},
	{Name: "environment", Kind: String, Doc: "Environment.", None: "it belongs to none"},
	{Name: "enabled", Kind: Bool, Doc: "It is switched on."},
	{Name: "public", Kind: Bool, Doc: "It can be reached from the internet."},
	{Name: "openPorts", Kind: Strings, Doc: "Ports open to any address.", None: "none is"},
	{Name: "encrypted", Kind: Bool, Doc: "What it stores or carries is encrypted."},
	{Name: "logging", Kind: Bool, Doc: "What happens on it is logged."},
	{Name: "managedBy", Kind: String, Doc: "Code repository it is made from.", None: "it was made by hand"},
	{Name: "owner", Kind: String, Doc: "Team or person that answers for it.", None: "nobody is named"},
	{Name: "retentionDays", Kind: Int, Doc: "Days what it keeps is kept; 0 if forever."},
	{Name: "waf", Kind: Bool, Doc: "A web application firewall stands before it."},
	{Name: "privileged", Kind: Bool, Doc: "It runs with rights over its host."},
	{Name: "patchedAt", Kind: Time, Doc: "When its software was last updated.", None: "never"},
	{Name: "tampering", Kind: Bool, Doc: "What it keeps is protected against change: file validation, object lock or equal."},
}}

var key = &ItemType{Name: "key", Doc: "A secret that opens something: an encryption key, an access key, a certificate.", Fields: []Field{
	{Name: "kind", Kind: String, Doc: "What it is.", Enum: []string{"encryption", "access", "certificate", "ssh", "token"}},
	{Name: "system", Kind: String, Doc: "Where it is used."},
	{Name: "owner", Kind: String, Doc: "Id of the account it belongs to.", None: "it belongs to none"},
	{Name: "status", Kind: String, Doc: "Whether it works.", Enum: []string{"active", "disabled", "expired", "deleted"}},
	{Name: "createdAt", Kind: Time, Doc: "When it was made."},
	{Name: "rotatedAt", Kind: Time, Doc: "When its material was last replaced; its making counts.", None: "unknown to the system that keeps it"},
	{Name: "expiresAt", Kind: Time, Doc: "When it stops working by itself.", None: "it does not expire"},
	{Name: "autoRotate", Kind: Bool, Doc: "It is replaced by itself on schedule."},
	{Name: "lastUsedAt", Kind: Time, Doc: "When it was last used.", None: "never", Volatile: true},
	{Name: "idleDays", Kind: Int, Doc: "Days since it was last used, or since it was made if it never was, rounded down to one of the steps.", AgeOf: "lastUsedAt", SinceOr: "createdAt"},
}}

var backup = &ItemType{Name: "backup", Event: true, Doc: "One run of a backup.", Fields: []Field{
	{Name: "datastore", Kind: String, Doc: "Id of what was backed up."},
	{Name: "result", Kind: String, Doc: "How it ended.", Enum: []string{"success", "failure", "partial"}},
	{Name: "location", Kind: String, Doc: "Where it is kept."},
	{Name: "separate", Kind: Bool, Doc: "Kept in another account or site than the original."},
	{Name: "encrypted", Kind: Bool, Doc: "It is encrypted."},
	{Name: "immutable", Kind: Bool, Doc: "It cannot be changed or deleted before its time."},
	{Name: "bytes", Kind: Int, Doc: "Its size in bytes."},
}}

var restore = &ItemType{Name: "restore", Event: true, Doc: "A backup brought back, as a test or in need.", Fields: []Field{
	{Name: "datastore", Kind: String, Doc: "Id of what was restored."},
	{Name: "test", Kind: Bool, Doc: "It was a test."},
	{Name: "result", Kind: String, Doc: "How it ended.", Enum: []string{"success", "failure", "partial"}},
	{Name: "verified", Kind: Bool, Doc: "The restored data were checked."},
	{Name: "by", Kind: String, Doc: "Who did it."},
	{Name: "minutes", Kind: Int, Doc: "Minutes it took."},
	{Name: "objectiveMinutes", Kind: Int, Doc: "Minutes it may take by the recovery objective of what was restored, as the organization states it."},
}}

var vulnerability = &ItemType{Name: "vulnerability", Doc: "A known weakness found in something, from first seen to fixed. Where the scanner does not say foundAt and fixedAt, the snapshots do: the first that showed it, the first complete one of the same scope that did not.", Life: &Life{Since: "foundAt", Ended: "fixedAt", Field: "status", Value: "fixed"}, Fields: []Field{
	{Name: "advisory", Kind: String, Doc: "CVE or other advisory id."},
	{Name: "severity", Kind: String, Doc: "Severity as the scanner gives it.", Enum: []string{"critical", "high", "medium", "low", "none"}},
	{Name: "status", Kind: String, Doc: "Where it stands.", Enum: []string{"open", "fixed", "accepted", "false positive"}},
	{Name: "asset", Kind: String, Doc: "Id of what it is in."},
	{Name: "package", Kind: String, Doc: "Package or component.", None: "it is in no package"},
	{Name: "foundAt", Kind: Time, Doc: "When a scan first saw it."},
	{Name: "fixedAt", Kind: Time, Doc: "When a scan first did not see it any more.", None: "it is not fixed"},
	{Name: "acceptedBy", Kind: String, Doc: "Who accepted the risk.", None: "nobody did"},
	{Name: "acceptedUntil", Kind: Time, Doc: "Until when the risk is accepted.", None: "it is not accepted"},
	{Name: "fixAvailable", Kind: Bool, Doc: "Its maker offers a fix."},
	{Name: "scanner", Kind: String, Doc: "What found it."},
	{Name: "kind", Kind: String, Doc: "What sort of weakness.", Enum: []string{"package", "code", "secret", "configuration", "license"}},
}}

var incident = &ItemType{Name: "incident", Doc: "A security or availability incident, from detection to lessons.", Fields: []Field{
	{Name: "title", Kind: String, Doc: "What happened, in a line."},
	{Name: "severity", Kind: String, Doc: "Severity.", Enum: []string{"sev1", "sev2", "sev3", "sev4"}},
	{Name: "kind", Kind: String, Doc: "Kind.", Enum: []string{"security", "privacy", "availability", "other"}},
	{Name: "status", Kind: String, Doc: "Where it stands.", Enum: []string{"open", "contained", "resolved", "closed"}},
	{Name: "detectedAt", Kind: Time, Doc: "When it was noticed."},
	{Name: "acknowledgedAt", Kind: Time, Doc: "When someone took it on.", None: "nobody has"},
	{Name: "containedAt", Kind: Time, Doc: "When it was contained.", None: "it is not contained"},
	{Name: "resolvedAt", Kind: Time, Doc: "When service and security were restored.", None: "they are not"},
	{Name: "rootCauseAt", Kind: Time, Doc: "When the root cause was written down.", None: "it is not written"},
	{Name: "owner", Kind: String, Doc: "Who leads it.", None: "nobody does"},
	{Name: "customerNotifiedAt", Kind: Time, Doc: "When affected customers were told.", None: "they were not told"},
	{Name: "notificationRequired", Kind: Bool, Doc: "Someone outside had to be told."},
}}

var ticket = &ItemType{Name: "ticket", Doc: "A piece of work in a ticket system.", Fields: []Field{
	{Name: "system", Kind: String, Doc: "The ticket system."},
	{Name: "kind", Kind: String, Doc: "What it is for.", Enum: []string{"change", "access", "incident", "deficiency", "exception", "vulnerability", "privacy", "deletion", "complaint", "security report", "transfer", "risk review", "design review", "vendor exit", "disciplinary", "task", "other"}},
	{Name: "request", Kind: String, Doc: "What a data subject asks for: to know what is held, to have it deleted or corrected, that it is not sold or shared, that its use is limited.", Enum: []string{"know", "delete", "correct", "opt out", "limit"}, None: "it is no request of a data subject"},
	{Name: "title", Kind: String, Doc: "What it is about."},
	{Name: "status", Kind: String, Doc: "Where it stands.", Enum: []string{"open", "in progress", "done", "rejected"}},
	{Name: "createdAt", Kind: Time, Doc: "When it was made."},
	{Name: "closedAt", Kind: Time, Doc: "When it was closed.", None: "it is open"},
	{Name: "dueAt", Kind: Time, Doc: "When it is due.", None: "it has no date"},
	{Name: "requester", Kind: String, Doc: "Who asked."},
	{Name: "owner", Kind: String, Doc: "Who does it.", None: "nobody is assigned"},
	{Name: "approvedBy", Kind: String, Doc: "Who approved it.", None: "no approval is recorded"},
	{Name: "approvedAt", Kind: Time, Doc: "When it was approved.", None: "it was not"},
	{Name: "subject", Kind: String, Doc: "Id of the account, person, device or datastore it is about.", None: "it names none"},
	{Name: "expiresAt", Kind: Time, Doc: "When what it allows ends.", None: "it does not end"},
	{Name: "answeredAt", Kind: Time, Doc: "When who asked was first answered.", None: "they were not"},
	{Name: "verifiedAt", Kind: Time, Doc: "When the identity of who asked was verified.", None: "it was not"},
	{Name: "outcome", Kind: String, Doc: "What came of it, or why it was rejected, in a line.", None: "nothing is written"},
	{Name: "affectsCustomers", Kind: Bool, Doc: "What it changes affects what customers were promised."},
	{Name: "significant", Kind: Bool, Doc: "It is marked as a significant change of product, ownership, vendors, law, leadership or technology."},
	{Name: "personalData", Kind: Bool, Doc: "It starts or changes how personal data are collected or used."},
}}

var acknowledgement = &ItemType{Name: "acknowledgement", Event: true, Doc: "A person read and agreed to a document.", Fields: []Field{
	{Name: "person", Kind: String, Doc: "Id of the person."},
	{Name: "document", Kind: String, Doc: "Id of the document."},
	{Name: "version", Kind: String, Doc: "Version agreed to."},
}}

var training = &ItemType{Name: "training", Event: true, Doc: "A person completed a training.", Fields: []Field{
	{Name: "person", Kind: String, Doc: "Id of the person."},
	{Name: "course", Kind: String, Doc: "Course."},
	{Name: "topic", Kind: String, Doc: "What it teaches.", Enum: []string{"security", "privacy", "development", "incident", "other"}},
	{Name: "result", Kind: String, Doc: "How it ended.", Enum: []string{"completed", "not completed"}},
}}

var accessReview = &ItemType{Name: "accessReview", Event: true, Doc: "A completed review of who may access a system.", Fields: []Field{
	{Name: "system", Kind: String, Doc: "The system reviewed."},
	{Name: "cycle", Kind: String, Doc: "Cycle it belongs to, such as 2026-Q1."},
	{Name: "reviewer", Kind: String, Doc: "Who reviewed."},
	{Name: "listed", Kind: Int, Doc: "Accounts on the list."},
	{Name: "decided", Kind: Int, Doc: "Accounts with a decision."},
	{Name: "toRemove", Kind: Strings, Doc: "Accounts to remove.", None: "none was"},
	{Name: "privileged", Kind: Bool, Doc: "Privileged access was in its scope."},
}}

var document = &ItemType{Name: "document", Doc: "A policy, plan, charter or other document that is kept in force.", Fields: []Field{
	{Name: "title", Kind: String, Doc: "Title."},
	{Name: "kind", Kind: String, Doc: "What it is.", Enum: []string{"policy", "plan", "procedure", "charter", "diagram", "register", "minutes", "report", "notice", "contract", "job description"}},
	{Name: "version", Kind: String, Doc: "Version in force."},
	{Name: "status", Kind: String, Doc: "Where it stands.", Enum: []string{"draft", "approved", "retired"}},
	{Name: "owner", Kind: String, Doc: "Who keeps it.", None: "nobody is named"},
	{Name: "approvedBy", Kind: String, Doc: "Who approved the version.", None: "nobody has"},
	{Name: "approvedAt", Kind: Time, Doc: "When the version was approved.", None: "it was not"},
	{Name: "reviewedAt", Kind: Time, Doc: "When it was last reviewed.", None: "never"},
}}

var revision = &ItemType{Name: "revision", Event: true, Doc: "Something done on schedule that leaves a record: a meeting, a review, a test, an exercise, an assessment.", Fields: []Field{
	{Name: "kind", Kind: String, Doc: "What was done.", Enum: []string{"risk assessment", "board meeting", "management review", "firewall review", "penetration test", "recovery test", "incident exercise", "vendor review", "policy review", "vulnerability scan", "internal audit", "capacity review", "service level report", "reconciliation", "privacy review", "badge review", "isolation test", "input test", "output test", "data quality check", "erasure run", "threat review", "other"}},
	{Name: "subject", Kind: String, Doc: "What it was about.", None: "the organization as a whole"},
	{Name: "by", Kind: String, Doc: "Who did it."},
	{Name: "approvedBy", Kind: String, Doc: "Who approved the outcome.", None: "nobody has"},
	{Name: "outcome", Kind: String, Doc: "What came of it, in a line.", None: "nothing is written"},
	{Name: "actions", Kind: Int, Doc: "Number of actions it asks for."},
	{Name: "document", Kind: String, Doc: "Id of the document it produced.", None: "none"},
}}

var risk = &ItemType{Name: "risk", Doc: "A risk in the register.", Fields: []Field{
	{Name: "title", Kind: String, Doc: "What could happen."},
	{Name: "owner", Kind: String, Doc: "Who answers for it.", None: "nobody is named"},
	{Name: "treatment", Kind: String, Doc: "What is done about it.", Enum: []string{"mitigate", "accept", "transfer", "avoid"}, None: "nothing is decided"},
	{Name: "level", Kind: String, Doc: "Level after treatment.", Enum: []string{"high", "medium", "low"}},
	{Name: "assessedAt", Kind: Time, Doc: "When it was last assessed.", None: "never"},
	{Name: "dueAt", Kind: Time, Doc: "When its treatment is due.", None: "it has no date"},
	{Name: "status", Kind: String, Doc: "Where it stands.", Enum: []string{"open", "treated", "closed"}},
}}

var vendor = &ItemType{Name: "vendor", Doc: "A supplier.", Fields: []Field{
	{Name: "name", Kind: String, Doc: "Name."},
	{Name: "tier", Kind: String, Doc: "How much depends on it.", Enum: []string{"critical", "high", "medium", "low"}, None: "not tiered"},
	{Name: "status", Kind: String, Doc: "Where it stands.", Enum: []string{"proposed", "active", "ended"}},
	{Name: "subservice", Kind: Bool, Doc: "It is a subservice organization: its controls are relied on."},
	{Name: "approvedAt", Kind: Time, Doc: "When its use was approved.", None: "it was not"},
	{Name: "startedAt", Kind: Time, Doc: "When its use started.", None: "it has not"},
	{Name: "reviewedAt", Kind: Time, Doc: "When it was last reviewed.", None: "never"},
	{Name: "owner", Kind: String, Doc: "Who answers for it.", None: "nobody is named"},
	{Name: "securityTerms", Kind: Bool, Doc: "The contract carries security and confidentiality terms."},
	{Name: "dataProcessing", Kind: Bool, Doc: "It processes personal data for the organization."},
	{Name: "reportEnd", Kind: Time, Doc: "End of the period of its newest SOC report.", None: "it has none"},
	{Name: "userControlsMappedAt", Kind: Time, Doc: "When the controls its report expects of its users were last mapped to own controls.", None: "they were not"},
	{Name: "endedAt", Kind: Time, Doc: "When its use ended.", None: "it has not"},
}}
