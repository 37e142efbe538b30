package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/gatestest"
	"tieout/examination"
	"tieout/ledger"
	"tieout/program"
	"tieout/reader/jobs"
)

// examined gives the company an examination EN-1 with what the firm sent: a request
// and an exception for the owner of IAM-02, one of each for that of ZZZ-99, a
// sample, a draft.
func (w *world) examined(keys *gatestest.Keys, iam, zzz string) {
	w.t.Helper()
	ctx, side := w.t.Context(), w.web.Client().Side
	check := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	as := func(id string, role access.RoleID) access.Subject {
		return access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: id, Session: "S", Fresh: true, Grants: []access.Grant{{Role: role, Scope: access.ScopeWorkspace}}}
	}
	lead := as(w.account("lead-of-en-1", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}), access.ComplianceLead)
	signer := as(w.account("signer-of-en-1", access.Grant{Role: access.ManagementSigner, Scope: access.ScopeWorkspace}), access.ManagementSigner)
	packets := access.Subject{Workspace: access.Company, Kind: audit.ActorConnector, Account: "exchange"}
	const firm = "brookline.example/tieout"
	_, key, err := ledger.GenerateKey(firm)
	check(err)
	check(side.InviteFirm(ctx, lead, "Brookline Assurance LLP", key, ""))
	terms := engagement.Terms{ID: "EN-1", Type: engagement.SOC2TypeII, Client: engagement.Party{Name: "Acme"}, Firm: engagement.Party{Name: "Brookline Assurance LLP", Origin: firm, Key: key},
		System: "Acme", Zone: "UTC", First: "2026-03-01", Last: "2026-03-31"}
	check(side.TakeTerms(ctx, packets, firm, engagement.TermsOffer{Terms: terms}))
	digest, err := terms.Digest()
	check(err)
	home := w.web.Home()
	check(side.Agree(ctx, signer, "EN-1", digest, keys.Sign(w.t, home.Seal, w.at, signer.Account, "Sam Ibe", "Chief Executive Officer", "terms", digest), examination.Keys{Store: home.Store}.Own(ctx)))
	for i, owner := range []string{iam, zzz} {
		rq := fmt.Sprint("RQ-", i+1)
		check(side.TakeRequests(ctx, packets, "EN-1", []engagement.RequestNews{{Request: engagement.Request{ID: rq, Kind: "document", Title: "Minutes", Asks: "Those of March."}, Status: engagement.RequestOpen}}))
		check(side.AssignRequest(ctx, lead, "EN-1", rq, owner, 1))
		check(side.TakeFindings(ctx, packets, "EN-1", []engagement.Finding{{ID: fmt.Sprint("X-", i+1), Control: []string{"IAM-02", "ZZZ-99"}[i], Text: "For 1 of 2 items sampled, nobody approved."}}))
	}
	check(side.TakeDraft(ctx, packets, "EN-1", engagement.Draft{Digest: strings.Repeat("ab", 32), Due: "2026-04-10"}, 0))
}

// ids are the IDs of a list's items, or the status where it was refused.
func (c *client) ids(path string) string {
	c.t.Helper()
	got := c.send("GET", path, "")
	if got.Code != http.StatusOK {
		return fmt.Sprint(got.Code)
	}
	out := []string{}
	items, _ := in(object(c.t, got), "items").([]any)
	for _, x := range items {
		out = append(out, fmt.Sprint(in(x, "id")))
	}
	return strings.Join(out, " ")
}

// TestOnlyWhatIsTheirsOfAnExamination: each role reads of an examination what its
// screens show it, and no more.
func TestOnlyWhatIsTheirsOfAnExamination(t *testing.T) {
	w, keys := newWorld(t), &gatestest.Keys{}
	owner := func(name, control string) *client {
		return w.as(name, access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: control})
	}
	iam, zzz := owner("iam", "IAM-02"), owner("zzz", "ZZZ-99")
	w.examined(keys, iam.account, zzz.account)
	of := func(role access.RoleID) *client {
		return w.as(strings.ReplaceAll(string(role), "_", "-"), access.Grant{Role: role, Scope: access.ScopeWorkspace})
	}
	const one = "/examinations/EN-1"
	for _, tt := range []struct {
		name                                string
		as                                  *client
		requests, findings, whole, comments string // whole: populations, samples and the description
		statements, reports                 bool
	}{
		{"compliance lead", w.lead(), "RQ-1 RQ-2", "X-1 X-2", "", "", true, true},
		{"management signer", of(access.ManagementSigner), "RQ-1 RQ-2", "X-1 X-2", "", "", true, true},
		{"owner of IAM-02", iam, "RQ-1", "X-1", "403", "403", false, false},
		{"owner of ZZZ-99", zzz, "RQ-2", "X-2", "403", "403", false, false},
		{"owner of neither", owner("gov", "GOV-01"), "", "", "403", "403", false, false},
		{"reader", of(access.Reader), "403", "403", "403", "403", false, false},
		{"auditor's guest", w.as("guest", access.Grant{Role: access.AuditorsGuest, Scope: access.ScopeEngagement, Object: "2026-03"}), "403", "403", "403", "403", false, false},
	} {
		got := []string{tt.as.ids(one + "/requests"), tt.as.ids(one + "/findings"), tt.as.ids(one + "/populations"), tt.as.ids(one + "/samples"), tt.as.ids(one + "/comments")}
		if want := []string{tt.requests, tt.findings, tt.whole, tt.whole, tt.comments}; !slices.Equal(got, want) {
			t.Errorf("%s reads requests, exceptions, populations, samples, comments %q; want %q", tt.name, got, want)
		}
		if got := tt.as.send("GET", one+"/description", "").Code; (got == http.StatusOK) != (tt.whole == "") {
			t.Errorf("%s reads the description: %d", tt.name, got)
		}
		for _, path := range []string{one, "/examinations"} {
			r := tt.as.send("GET", path, "")
			if tt.requests == "403" {
				want(t, tt.name, r, http.StatusForbidden)
				continue
			}
			x := in(object(t, r), "result")
			if path != one {
				x = in(object(t, r), "items", 0)
			}
			if n := len(strings.Fields(tt.requests)); in(x, "openRequests") != float64(n) || in(x, "exceptions") != float64(len(strings.Fields(tt.findings))) {
				t.Errorf("%s: %s counts %v requests and %v exceptions; want those of its lists", tt.name, path, in(x, "openRequests"), in(x, "exceptions"))
			}
			if (in(x, "statements") != nil) != tt.statements || (in(x, "reports") != nil) != tt.reports {
				t.Errorf("%s: %s has statements %v, reports %v", tt.name, path, in(x, "statements"), in(x, "reports"))
			}
		}
	}
}

// TestOwnersAnswerWhatIsTheirs: who owns a control answers what was given to them
// and responds to its exceptions, and brings no record that they cannot read.
func TestOwnersAnswerWhatIsTheirs(t *testing.T) {
	w, keys := newWorld(t), &gatestest.Keys{}
	owner := func(name, control string) *client {
		return w.as(name, access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: control})
	}
	iam, zzz := owner("iam", "IAM-02"), owner("zzz", "ZZZ-99")
	w.examined(keys, iam.account, zzz.account)
	const one = "/examinations/EN-1"
	revision := func(c *client, path string) []string {
		return ifMatch(int64(in(c.get(path), "items", 0, "revision").(float64)))
	}
	answer := func(records string) string { return `{"status":"Submitted","text":"It is attached."` + records + `}` }
	for _, tt := range []struct {
		name, request, body string
		as                  *client
		status              int
	}{
		{"another's request", "RQ-2", answer(""), iam, http.StatusForbidden},
		{"a request there is none of", "RQ-9", answer(""), iam, http.StatusForbidden},
		{"with a record of another's control", "RQ-2", answer(`,"records":[3]`), zzz, http.StatusUnprocessableEntity},
		{"with a record there is none of", "RQ-2", answer(`,"records":[99999]`), zzz, http.StatusUnprocessableEntity},
		{"in words", "RQ-2", answer(""), zzz, http.StatusCreated},
		{"with a record of their own control", "RQ-1", answer(`,"records":[3]`), iam, http.StatusCreated},
	} {
		got := want(t, tt.name, tt.as.send("POST", one+"/requests/"+tt.request+"/answers", tt.body, revision(tt.as, one+"/requests")...), tt.status)
		if tt.status == http.StatusUnprocessableEntity && !strings.Contains(fmt.Sprint(got["detail"]), "that you may open") {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	response := Response{Agrees: true, Cause: "A list was incomplete.", Done: "It is whole since 1 May 2026."}
	for _, tt := range []struct {
		name, finding string
		status        int
	}{
		{"another control's exception", "X-2", http.StatusForbidden}, {"an exception there is none of", "X-9", http.StatusForbidden}, {"their own control's", "X-1", http.StatusOK},
	} {
		want(t, tt.name, iam.act(keys, "PUT", one+"/findings/"+tt.finding+"/response", response, revision(iam, one+"/findings")...), tt.status)
	}
	want(t, "by a token", zzz.send("PUT", one+"/findings/X-2/response", jsonOf(t, response), revision(zzz, one+"/findings")...), http.StatusForbidden)
}

// TestFreezes: a person freezes what the period's newest run tested; of a large run
// it is a job, once under one key, which no token asks for again.
func TestFreezes(t *testing.T) {
	w, keys := newWorld(t), &gatestest.Keys{}
	lead := w.lead()
	w.examined(keys, lead.account, lead.account)
	const path = "/examinations/EN-1/populations"
	run, err := w.web.Home().RunOfPeriod(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checks, err := w.web.Home().Completeness(t.Context(), run, "access.leavers.accounts")
	if err != nil {
		t.Fatal(err)
	}
	explain := map[string]string{}
	for _, c := range checks {
		if c.Open() {
			explain[c.What] = "the export holds the whole month"
		}
	}
	body := map[string]any{"procedure": "access.leavers.accounts", "round": "1", "explain": explain}
	want(t, "by a token", lead.send("POST", path, jsonOf(t, body)), http.StatusForbidden)
	got := want(t, "by a person", lead.act(keys, "POST", path+"?period=2026-03", body), http.StatusCreated)
	if in(got, "result", "frozen", "id") != "P-1" || in(got, "result", "job") != nil {
		t.Errorf("frozen %v", got)
	}
	want(t, "what no run tested", lead.act(keys, "POST", path, map[string]any{"procedure": "nothing", "round": "1"}), http.StatusNotFound)

	later := func(key, round string) (out *oneOut[Freezing], err error) {
		who := access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: lead.account, Session: "key", Fresh: true, Once: key, Grants: []access.Grant{{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}}}
		_, err = serve(w.api, context.WithValue(t.Context(), subjectKey{}, who), operation{needs: "evidence.export"}, &keyedIn{key}, whole[keyedIn], func(c *call, _ *keyedIn) (*struct{}, error) {
			var err error
			out, err = c.freezeLater(jobs.Freezing{Engagement: "EN-1", Procedure: "access.leavers.accounts", Round: round, Explain: explain})
			return nil, err
		})
		return out, err
	}
	first, err := later("K", "2")
	if err != nil || first.Status != http.StatusAccepted || first.Body.Result.Job == nil || first.Location == "" {
		t.Fatalf("a large one: %+v, %v", first, err)
	}
	if again, err := later("K", "2"); err != nil || again.Body.Result.Job.ID != first.Body.Result.Job.ID {
		t.Errorf("sent again: %+v, %v; want the same job", again, err)
	}
	if _, err := later("K", "3"); !errors.Is(err, program.ErrKeyUsed) {
		t.Errorf("another freeze under the key: %v; want it refused as that", err)
	}
	want(t, "a token asks for the job again", lead.send("POST", "/jobs/"+first.Body.Result.Job.ID+"/retry", ""), http.StatusForbidden)
}

// keyedIn is a request with nothing but a key.
type keyedIn struct{ key string }

func (k *keyedIn) once() string { return k.key }

// TestUploadIsBounded: more than a document may have is not read, nobody's form is
// read who may not add one, and nothing of a form stays on the disk.
func TestUploadIsBounded(t *testing.T) {
	tmp := t.TempDir()
	w := newWorld(t)
	c := w.lead()
	t.Setenv("TMPDIR", tmp)
	fields := map[string]string{"title": "Minutes", "first": "2026-03-02"}
	want(t, "too large", c.upload("a.bin", strings.Repeat("a", maxUpload), fields), http.StatusRequestEntityTooLarge)
	want(t, "as large as the disk is asked for", c.upload("a.bin", strings.Repeat("a", 1<<20), fields), http.StatusCreated)
	reader := w.as("reader", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})
	want(t, "who may not add", reader.upload("a.bin", strings.Repeat("a", 1<<20), nil), http.StatusForbidden)
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v; want none", len(left), err)
	}
}
