package audit

var alert = &ItemType{Name: "alert", Doc: "A signal that something may be wrong, from a detector, a monitor, a job or a rule, from raised to closed.", Fields: []Field{
	{Name: "system", Kind: String, Doc: "What raised it."},
	{Name: "title", Kind: String, Doc: "What it says, in a line."},
	{Name: "kind", Kind: String, Doc: "What it is about.", Enum: []string{"security", "availability", "processing", "data loss", "integrity", "other"}},
	{Name: "severity", Kind: String, Doc: "Severity.", Enum: []string{"critical", "high", "medium", "low", "none"}},
	{Name: "status", Kind: String, Doc: "Where it stands.", Enum: []string{"open", "acknowledged", "closed"}},
	{Name: "raisedAt", Kind: Time, Doc: "When it was raised."},
	{Name: "acknowledgedAt", Kind: Time, Doc: "When a person took it on.", None: "nobody has"},
	{Name: "closedAt", Kind: Time, Doc: "When it was closed.", None: "it is open"},
	{Name: "decision", Kind: String, Doc: "What it was found to be.", Enum: []string{"incident", "true", "false", "expected"}, None: "nothing was decided"},
	{Name: "owner", Kind: String, Doc: "Who handles it.", None: "nobody does"},
	{Name: "subject", Kind: String, Doc: "Id of the item it is about.", None: "it names none"},
	{Name: "ticket", Kind: String, Doc: "Id of its ticket or incident.", None: "it has none"},
}}

var application = &ItemType{Name: "application", Doc: "A system that people sign in to, as an identity provider or an inventory lists it.", Fields: []Field{
	{Name: "name", Kind: String, Doc: "Name."},
	{Name: "system", Kind: String, Doc: "The identity provider or inventory that lists it."},
	{Name: "status", Kind: String, Doc: "Whether it is in use.", Enum: []string{"active", "disabled"}},
	{Name: "signOn", Kind: String, Doc: "How people sign in to it.", Enum: []string{"federated", "password", "none"}},
	{Name: "mfaRequired", Kind: Bool, Doc: "Its sign-on rules ask for a second factor."},
	{Name: "provisioning", Kind: Bool, Doc: "Accounts are made and removed in it by the identity provider."},
	{Name: "owner", Kind: String, Doc: "Who answers for it.", None: "nobody is named"},
}}

var authPolicy = &ItemType{Name: "authPolicy", Doc: "A policy of how a system lets accounts in: passwords, lockout, sessions, second factors.", Fields: []Field{
	{Name: "system", Kind: String, Doc: "The system it is in force in."},
	{Name: "name", Kind: String, Doc: "Name."},
	{Name: "kind", Kind: String, Doc: "What it rules.", Enum: []string{"password", "sign-in", "session", "second factor", "conditional access"}},
	{Name: "enabled", Kind: Bool, Doc: "It is in force, not a draft and not report-only."},
	{Name: "everyone", Kind: Bool, Doc: "It applies to every account of the system without exception."},
	{Name: "exceptions", Kind: Strings, Doc: "Accounts and groups it leaves out.", None: "it leaves out none"},
	{Name: "password.minLength", Kind: Int, Doc: "Fewest characters of a password."},
	{Name: "password.history", Kind: Int, Doc: "Number of former passwords that cannot be used again; 0 if none is kept."},
	{Name: "password.maxAgeDays", Kind: Int, Doc: "Days after which a password must be changed; 0 if never."},
	{Name: "password.complexity", Kind: Bool, Doc: "More than one kind of character, or a check against known passwords, is asked for."},
	{Name: "lockout.attempts", Kind: Int, Doc: "Failed sign-ins after which an account is locked; 0 if it never is."},
	{Name: "lockout.minutes", Kind: Int, Doc: "Minutes it stays locked; 0 if until a person unlocks it."},
	{Name: "session.idleMinutes", Kind: Int, Doc: "Idle minutes after which a session ends; 0 if never."},
	{Name: "session.maxHours", Kind: Int, Doc: "Hours after which a session ends; 0 if never."},
	{Name: "mfaRequired", Kind: Bool, Doc: "It asks for a second factor."},
}}

var controlTest = &ItemType{Name: "controlTest", Event: true, Doc: "One run of the workspace's own procedures.", Fields: []Field{
	{Name: "by", Kind: String, Doc: "Who or what ran it."},
	{Name: "procedures", Kind: Int, Doc: "Procedures run."},
	{Name: "deviations", Kind: Int, Doc: "Deviations found."},
	{Name: "noEvidence", Kind: Int, Doc: "Results without evidence."},
	{Name: "definition", Kind: Int, Doc: "Revision of the definitions it ran under."},
}}

var domain = &ItemType{Name: "domain", Doc: "An internet domain of the organization, as the public name system answers for it.", Fields: []Field{
	{Name: "name", Kind: String, Doc: "Domain name."},
	{Name: "mail", Kind: Bool, Doc: "It takes mail."},
	{Name: "spf", Kind: String, Doc: "What its SPF record says of all other senders (RFC 7208).", Enum: []string{"fail", "softfail", "neutral", "pass", "invalid"}, None: "it has no SPF record"},
	{Name: "dmarc", Kind: String, Doc: "Policy of its DMARC record (RFC 7489).", Enum: []string{"reject", "quarantine", "none", "invalid"}, None: "it has no DMARC record"},
	{Name: "dkim", Kind: Strings, Doc: "DKIM selectors, of those asked for, that hold a key (RFC 6376).", None: "none of those asked for does"},
	{Name: "caa", Kind: Strings, Doc: "Certificate authorities that may issue for it (RFC 8659).", None: "it has no CAA record"},
	{Name: "dnssec", Kind: Bool, Doc: "Its answers are signed."},
}}

var endpoint = &ItemType{Name: "endpoint", Doc: "A public address of the organization, as it answers from outside.", Fields: []Field{
	{Name: "name", Kind: String, Doc: "Host and port, or URL."},
	{Name: "kind", Kind: String, Doc: "What it serves.", Enum: []string{"web", "api", "mail", "other"}},
	{Name: "reachable", Kind: Bool, Doc: "It answered."},
	{Name: "tls.enabled", Kind: Bool, Doc: "It speaks TLS."},
	{Name: "tls.oldest", Kind: String, Doc: "Oldest version it agrees to.", Enum: []string{"1.0", "1.1", "1.2", "1.3"}},
	{Name: "tls.trusted", Kind: Bool, Doc: "Its certificate chain leads to a trusted root and names it."},
	{Name: "tls.expiresAt", Kind: Time, Doc: "When its certificate ends."},
	{Name: "tls.issuer", Kind: String, Doc: "Who issued its certificate."},
	{Name: "plain", Kind: String, Doc: "What it does with a request without TLS.", Enum: []string{"refused", "redirected", "answered"}},
	{Name: "headers.hsts", Kind: Int, Doc: "Seconds of Strict-Transport-Security; 0 if it is not sent."},
	{Name: "headers.csp", Kind: Bool, Doc: "A Content-Security-Policy is sent."},
	{Name: "headers.nosniff", Kind: Bool, Doc: "X-Content-Type-Options: nosniff is sent."},
	{Name: "headers.frame", Kind: Bool, Doc: "Framing by others is forbidden."},
	{Name: "headers.referrer", Kind: Bool, Doc: "A Referrer-Policy is sent."},
	{Name: "authentication", Kind: String, Doc: "Whether an interface asks who calls: what it answers to a request without a credential.", Enum: []string{"required", "none"}},
	{Name: "waf", Kind: Bool, Doc: "A web application firewall or equal stands before it."},
	{Name: "securityContact", Kind: Bool, Doc: "It serves a security.txt with a contact that has not expired (RFC 9116)."},
	{Name: "notice", Kind: Bool, Doc: "It serves the privacy notice."},
}}

var feed = &ItemType{Name: "feed", Event: true, Doc: "One collection of one of the workspace's own sources.", Fields: []Field{
	{Name: "source", Kind: String, Doc: "The connection."},
	{Name: "driver", Kind: String, Doc: "Its kind."},
	{Name: "result", Kind: String, Doc: "How it ended.", Enum: []string{"complete", "incomplete"}},
	{Name: "streams", Kind: Int, Doc: "Streams closed."},
	{Name: "problems", Kind: Strings, Doc: "What went wrong, in words.", None: "nothing did"},
}}

var finding = &ItemType{Name: "finding", Doc: "What another tool says about one thing: a check of it, and the result. It is that tool's statement, not a test of ours.", Fields: []Field{
	{Name: "tool", Kind: String, Doc: "The tool."},
	{Name: "toolVersion", Kind: String, Doc: "Its version.", None: "it does not say"},
	{Name: "check", Kind: String, Doc: "Id of its check or rule."},
	{Name: "title", Kind: String, Doc: "What it checks, in its words."},
	{Name: "subject", Kind: String, Doc: "Id of what it looked at.", None: "it names nothing"},
	{Name: "status", Kind: String, Doc: "What it says.", Enum: []string{"met", "not met", "error", "not applicable", "manual", "muted"}},
	{Name: "severity", Kind: String, Doc: "Severity as the tool gives it.", Enum: []string{"critical", "high", "medium", "low", "none"}},
	{Name: "account", Kind: String, Doc: "Cloud account, project or subscription.", None: "it names none"},
	{Name: "region", Kind: String, Doc: "Region.", None: "it names none"},
	{Name: "requirements", Kind: Strings, Doc: "Requirements the tool maps its check to, by their ids.", None: "it maps it to none"},
	{Name: "detail", Kind: String, Doc: "What it saw, in its words.", None: "it says nothing more"},
}}

var network = &ItemType{Name: "network", Doc: "A network of a cloud or cluster, and what it is joined to.", Fields: []Field{
	{Name: "name", Kind: String, Doc: "Name."},
	{Name: "provider", Kind: String, Doc: "Cloud or system it is in."},
	{Name: "account", Kind: String, Doc: "Cloud account, project, subscription or cluster."},
	{Name: "region", Kind: String, Doc: "Region.", None: "it is global"},
	{Name: "environment", Kind: String, Doc: "Environment.", None: "it belongs to none"},
	{Name: "joins", Kind: Strings, Doc: "Ids of other networks it is peered or routed to.", None: "to none"},
	{Name: "joinsEnvironments", Kind: Strings, Doc: "Environments of those, where they are known.", None: "to none"},
	{Name: "flowLogs", Kind: Bool, Doc: "Traffic is logged."},
	{Name: "isolated", Kind: Bool, Doc: "Traffic within it is denied unless a rule allows it."},
}}

var rota = &ItemType{Name: "rota", Doc: "An on-call rota, and who can be reached through it.", Fields: []Field{
	{Name: "name", Kind: String, Doc: "Name."},
	{Name: "service", Kind: String, Doc: "What it covers.", None: "everything"},
	{Name: "onCall", Kind: Strings, Doc: "Who is on call now.", None: "nobody is"},
	{Name: "levels", Kind: Int, Doc: "Levels of escalation."},
	{Name: "gapHours", Kind: Int, Doc: "Hours of the coming week that nobody covers."},
}}

var signIn = &ItemType{Name: "signIn", Event: true, Doc: "An account signed in, or tried to, or opened a session on something that matters.", Fields: []Field{
	{Name: "account", Kind: String, Doc: "Id of the account."},
	{Name: "system", Kind: String, Doc: "The system."},
	{Name: "result", Kind: String, Doc: "How it ended.", Enum: []string{"success", "failure", "blocked"}},
	{Name: "mfa", Kind: Bool, Doc: "A second factor was used."},
	{Name: "root", Kind: Bool, Doc: "It was the root or break-glass account."},
	{Name: "environment", Kind: String, Doc: "Environment it opened.", None: "none in particular"},
	{Name: "ticket", Kind: String, Doc: "Id of the approval it was made under.", None: "none is recorded"},
	{Name: "approvedBy", Kind: String, Doc: "Who approved it.", None: "nobody did"},
	{Name: "minutes", Kind: Int, Doc: "Minutes the session lasted."},
}}
