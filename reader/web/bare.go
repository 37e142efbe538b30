package web

import "net/http"

// opensBare are the routes that open to who signed in with a password alone,
// where the workspace asks for more (access.Session.NeedsFactor): those with which
// a second factor is set up. Every other address leads to the account's page.
var opensBare = map[string]bool{
	"GET /account":                 true,
	"POST /account/factor":         true,
	"POST /account/factor/confirm": true,
	"POST /account/passkeys/new":   true,
	"POST /account/passkeys":       true,
	"GET /again":                   true,
	"POST /again":                  true,
}

// toFactor leads to where a second factor is set up; what would have changed
// something is refused.
func toFactor(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		fail(w, http.StatusForbidden, "Set up a second factor first", "This workspace asks for one, and nothing was changed. Open your account's page, set it up there, then send this again.")
		return
	}
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}

// showBare shows the account's page of who can only set up a second factor.
func (q *request) showBare(data accountPage) error {
	q.Title, q.Heading = "Set up a second factor", "Set up a second factor"
	q.Say = "This workspace asks for more than a password. Set up an app or a passkey here; everything else opens then."
	q.Rail, q.Code = nil, nil
	return q.render("factor.html", data)
}
