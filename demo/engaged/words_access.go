package engaged

// ofAccess are about accounts, keys and rights.
var ofAccess = map[string]wording{
	"access.grants":           {"For each grant of administrative or production rights in the period, inspected the request ticket and compared the time of its approval with the time of the grant.", "A manager or owner approved the access before it was granted."},
	"access.identities":       {"For a sample of accounts, matched the account to the personnel list and inspected whether its holder was employed while the account could sign in.", "The account belonged to one person, who was employed."},
	"access.leavers":          {"For each person who left in the period, inspected the state of every account and key of the person one business day after the last working day.", "Every account and key of the person was disabled within one business day."},
	"access.leavers.accounts": {"For a sample of accounts, compared the day on which the account was disabled with the last working day of its holder, where the holder had left.", "The account could not sign in more than one business day after its holder's last working day."},
	"access.leavers.keys":     {"For each access key in use, compared the day on which the key was revoked with the last working day of its holder, where the holder had left.", "The key did not work more than one business day after its holder's last working day."},
	"access.mfa":              {"For a sample of accounts, inspected the settings of the account and of the system it signs in to for a second factor that is required.", "The account could sign in only with a second factor."},
	"access.privileged":       {"For each holder of administrative or production rights, inspected the list of those approved and the approval of the person.", "An approval covers the rights for as long as they were held."},
	"access.review":           {"For each quarter, inspected the record of the access review of each system, the number of accounts listed and decided, and the date of completion.", "The review covers every account and was complete within 15 days of the quarter's end."},
	"access.review.removals":  {"For each review that marked accounts for removal, inspected the state of the marked accounts ten business days later.", "The accounts marked were removed within ten business days."},
	"access.root":             {"For each root account of a cloud account, inspected whether a second factor was set and whether it had access keys.", "The root account has a second factor and no access keys."},
	"access.sso":              {"For a sample of accounts of people, inspected whether the account could sign in other than through the identity provider.", "The account signed in through the identity provider only."},
	"badge.review":            {"For each half-year, inspected the record of the review of badge holders and its date.", "The badges were reviewed in the half-year."},
	"key.age":                 {"For each access key in use, recalculated its age from the day on which it was last replaced.", "The key was replaced within 90 days."},
	"key.certificate":         {"For each certificate in use, compared the day on which it was renewed with the day of its expiry.", "The certificate was renewed before it expired."},
	"key.encryption":          {"For a sample of encryption keys, inspected the date on which the key's material was last replaced and recalculated its age.", "The key's material was replaced within 365 days."},
}

// ofChange are about changes, releases and repositories.
var ofChange = map[string]wording{
	"change.review":           {"For a sample of changes that reached a protected branch, inspected the merge request for an approval by somebody other than the author, given before the merge.", "Another person approved the change before it was merged."},
	"change.ticket":           {"For a sample of changes made by people, traced the change to the ticket it names and compared the date of the ticket with that of the merge.", "The change traces to a ticket that was there before the merge."},
	"change.bypass":           {"For each change that was merged without an approval, inspected whether it was marked as an emergency, and whether another person approved it afterward.", "The change was an emergency or was approved afterward."},
	"change.checks":           {"For a sample of changes that reached a protected branch, inspected the checks that the branch required and the result of each at the merge.", "Every required check had succeeded when the change was merged."},
	"change.direct":           {"For a sample of changes that reached a protected branch, inspected whether the change came by a merge request.", "The change came by a merge request."},
	"change.emergency":        {"For each emergency change, compared the time of the merge with the time of the first approval by somebody other than the author.", "Another person approved the change within two business days of the merge."},
	"deployment.change":       {"For a sample of releases to production, traced the release to the change it carried and inspected who or what carried it out.", "The pipeline, or a person other than the author, carried out the release."},
	"deployment.checks":       {"For a sample of releases to production, inspected the results of the required tests on the commit that was released.", "Every required test had succeeded before the release."},
	"repository.protection":   {"For a sample of production repositories, inspected the rules of the default branch in force through the period.", "The branch required an approval and passing checks, and refused force pushes and deletion."},
	"repository.scanning":     {"For a sample of production repositories, inspected whether code scanning and secret scanning were switched on.", "Both scans were switched on."},
	"repository.dependencies": {"For a sample of production repositories, inspected whether the pipeline recorded the components used and reported known weaknesses in them.", "Known weaknesses in the repository's components were reported."},
	"resource.code":           {"For a sample of production resources, traced the resource to the definition in the code repository from which it was made.", "The resource was made from a definition in a repository."},
}
