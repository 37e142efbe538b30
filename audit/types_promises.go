package audit

var consent = &ItemType{Name: "consent", Event: true, Doc: "A data subject gave, refused or withdrew consent.", Fields: []Field{
	{Name: "subject", Kind: String, Doc: "Pseudonymous id of the data subject."},
	{Name: "purpose", Kind: String, Doc: "What it is for."},
	{Name: "decision", Kind: String, Doc: "What was decided.", Enum: []string{"given", "refused", "withdrawn"}},
	{Name: "noticeVersion", Kind: String, Doc: "Version of the notice that was shown.", None: "none was shown"},
	{Name: "explicit", Kind: Bool, Doc: "It was given by an act of its own."},
	{Name: "honoredAt", Kind: Time, Doc: "When systems acted on it.", None: "they have not"},
}}

var contract = &ItemType{Name: "contract", Doc: "An agreement with a customer, a supplier or a processor.", Fields: []Field{
	{Name: "party", Kind: String, Doc: "The other party: id of the vendor, or the customer's name or number."},
	{Name: "kind", Kind: String, Doc: "What it is.", Enum: []string{"customer", "vendor", "processor", "other"}},
	{Name: "status", Kind: String, Doc: "Where it stands.", Enum: []string{"draft", "in force", "ended"}},
	{Name: "signedAt", Kind: Time, Doc: "When both had signed.", None: "it is not signed"},
	{Name: "endedAt", Kind: Time, Doc: "When it ended.", None: "it has not"},
	{Name: "standard", Kind: Bool, Doc: "It is the standard template, unchanged."},
	{Name: "terms.security", Kind: Bool, Doc: "It carries security commitments."},
	{Name: "terms.availability", Kind: Bool, Doc: "It carries availability commitments."},
	{Name: "terms.confidentiality", Kind: Bool, Doc: "It carries confidentiality commitments."},
	{Name: "terms.duties", Kind: Bool, Doc: "It names the other party's own duties."},
	{Name: "terms.dataProtection", Kind: Bool, Doc: "It carries data protection terms."},
	{Name: "assessedAt", Kind: Time, Doc: "When the other party was last assessed.", None: "never"},
	{Name: "dataDeletedAt", Kind: Time, Doc: "When data were returned or destroyed after its end.", None: "they were not"},
}}

var disclosure = &ItemType{Name: "disclosure", Event: true, Doc: "Personal data were disclosed to someone outside, with or without a right to.", Fields: []Field{
	{Name: "recipient", Kind: String, Doc: "Who received them."},
	{Name: "purpose", Kind: String, Doc: "What for.", None: "no purpose is recorded"},
	{Name: "basis", Kind: String, Doc: "What it rests on: a consent, a contract, a law.", None: "nothing is recorded"},
	{Name: "authorized", Kind: Bool, Doc: "It was allowed."},
	{Name: "records", Kind: Int, Doc: "Number of data subjects."},
	{Name: "assessedAt", Kind: Time, Doc: "When the risk to data subjects was assessed.", None: "it was not"},
	{Name: "incident", Kind: String, Doc: "Id of the incident in which it came to light.", None: "it came to light in none"},
	{Name: "notifyDecision", Kind: String, Doc: "What was decided about telling people.", Enum: []string{"notify", "not required"}, None: "nothing was decided"},
}}

var notice = &ItemType{Name: "notice", Event: true, Doc: "Something was made known to people outside.", Fields: []Field{
	{Name: "kind", Kind: String, Doc: "What about.", Enum: []string{"incident", "change", "subprocessor", "breach", "privacy", "other"}},
	{Name: "subject", Kind: String, Doc: "Id of the incident, change, vendor or document it is about.", None: "it names none"},
	{Name: "audience", Kind: String, Doc: "Who was told.", Enum: []string{"customers", "authority", "data subjects", "public", "staff"}},
	{Name: "effectiveAt", Kind: Time, Doc: "When what it announces takes effect or began.", None: "it announces nothing"},
	{Name: "by", Kind: String, Doc: "Who sent it."},
}}
