package api

import (
	"net/http"
	"slices"
	"time"

	"tieout/program"
	"tieout/reader/policies"
)

// policyCalls read policies and who agreed, and write drafts. Approving a
// version and agreeing to it a person does.
func (s *Server) policyCalls() {
	add(s, operation{id: "list-policies", method: http.MethodGet, path: "/policies", tag: "Policies", needs: "policy.read", title: "Policies; to who reads only what is in force, those"}, anything[listIn], listPolicies)
	add(s, operation{id: "get-policy", method: http.MethodGet, path: "/policies/{id}", tag: "Policies", needs: "policy.read", example: "/policies/remote", title: "One policy with its text"}, anything[policyIn], getPolicy)
	add(s, operation{id: "list-agreements", method: http.MethodGet, path: "/policies/{id}/agreements", tag: "Policies", needs: "policy.read", example: "/policies/remote/agreements",
		title: "Who agreed to a policy, and who is asked to"}, whole[agreementsIn], listAgreements)
	add(s, operation{id: "set-policy-draft", method: http.MethodPut, path: "/policies/{id}/draft", tag: "Policies", needs: "policy.write", example: "/policies/remote/draft",
		sends: `{"title":"Remote work","text":"Lock the screen."}`, body: 1 << 20,
		title: "Write the draft of a policy's next version", detail: `Nothing of it is in force before a person approves it. Of a new policy If-Match is "0".`}, whole[draftIn], setDraft)
}

// PolicyText is one version of a policy.
type PolicyText struct {
	Number     int        `json:"number"`
	Title      string     `json:"title"`
	Owner      string     `json:"owner,omitempty" doc:"Account, or what a file names"`
	Audience   string     `json:"audience"`
	Controls   []string   `json:"controls" nullable:"false"`
	Summary    string     `json:"summary,omitempty"`
	Text       string     `json:"text" doc:"Markdown; empty where a sealed file stands in its place"`
	Kind       string     `json:"kind" doc:"What it is: policy, plan, diagram and the like"`
	File       string     `json:"file,omitempty" doc:"Record of the sealed file that is its text"`
	Digest     string     `json:"digest,omitempty" doc:"Of that file's bytes"`
	Hash       string     `json:"hash" doc:"What a person agrees to"`
	By         []string   `json:"by" nullable:"false" doc:"Accounts that wrote it"`
	Written    time.Time  `json:"written"`
	ApprovedBy string     `json:"approvedBy,omitempty"`
	Approved   *time.Time `json:"approved,omitempty" doc:"Missing: it is a draft"`
}

func versionOf(v *program.PolicyVersion) *PolicyText {
	if v == nil {
		return nil
	}
	return &PolicyText{v.Number, v.Title, v.Owner, v.Audience, append([]string{}, v.Controls...), v.Summary, v.Text, v.What(), v.File, v.Digest, v.Hash, append([]string{}, v.By...), v.Written, v.ApprovedBy, when(v.Approved)}
}

// Policy is a policy as far as its reader may read it.
type Policy struct {
	policies.Row
	InForce  *PolicyText `json:"inForce,omitempty"`
	Next     *PolicyText `json:"next,omitempty" doc:"The draft, for who reads all of the policies"`
	Text     string      `json:"text,omitempty" doc:"Text of a policy that is a file of the workspace, Markdown"`
	Revision int64       `json:"revision" doc:"0: it is a file"`
}

func listPolicies(c *call, in *listIn) (*listOut[policies.Row], error) {
	list, err := c.Policies(c)
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.policies/1", c.SayPolicies(list), list.Rows, "/policies", "period", in.Period)
}

type policyIn struct {
	Of
	ID string `path:"id" maxLength:"100"`
}

func (c *call) policyRow(id string) (policies.Row, error) {
	list, err := c.Policies(c)
	if err != nil {
		return policies.Row{}, err
	}
	i := slices.IndexFunc(list.Rows, func(r policies.Row) bool { return r.ID == id && r.Fault == "" })
	if i < 0 {
		return policies.Row{}, notFound("policy", id)
	}
	return list.Rows[i], nil
}

func getPolicy(c *call, in *policyIn) (*oneOut[Policy], error) {
	row, err := c.policyRow(in.ID)
	if err != nil {
		return nil, err
	}
	out := Policy{Row: row}
	if row.File != "" {
		docs, err := c.P.DocumentsInFiles()
		if err != nil {
			return nil, err
		}
		for i := range docs {
			if docs[i].ID == in.ID {
				out.Text = docs[i].Text
			}
		}
		return tagged("tieout.policy/1", c.SayPolicy(row, nil), 0, out), nil
	}
	p, err := c.book.Policy(c, in.ID)
	if err != nil {
		return nil, err
	}
	v := p.InForce()
	if out.InForce, out.Revision = versionOf(v), p.Revision; c.WholeProgram() {
		out.Next = versionOf(p.Draft())
	}
	return tagged("tieout.policy/1", c.SayPolicy(row, v), p.Revision, out), nil
}

// Agreement is where one person stands with a policy.
type Agreement struct {
	Account string     `json:"account"`
	Name    string     `json:"name"`
	Holds   bool       `json:"holds"`
	Missing string     `json:"missing,omitempty" doc:"Why it is missing, in words"`
	Done    *time.Time `json:"done,omitempty" doc:"When they agreed last"`
	Version string     `json:"version,omitempty" doc:"To which version"`
}

type agreementsIn struct {
	Of
	Paging
	ID   string `path:"id" maxLength:"100"`
	Show string `query:"show" enum:"missing,agreed" doc:"Only those"`
}

func listAgreements(c *call, in *agreementsIn) (*listOut[Agreement], error) {
	row, err := c.policyRow(in.ID)
	if err != nil {
		return nil, err
	}
	docs, err := c.P.DocumentsInFiles()
	if err != nil {
		return nil, err
	}
	members, err := c.Readers(c)
	if err != nil {
		return nil, err
	}
	var all []Agreement
	err = c.book.Read(c, func(s *program.State) error {
		for _, d := range s.Documents(docs) {
			if d.ID != in.ID {
				continue
			}
			for _, x := range policies.Standings(s, d, members, c.now) {
				if in.Show == "" || x.Holds == (in.Show == "agreed") {
					all = append(all, Agreement{x.Account, x.Name, x.Holds, x.Missing(c.zone()), when(x.Asked.Done), x.Asked.Version})
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.agreements/1", policies.Agreed(row.Agreed, row.Asked, row.Version), all, "/policies/"+in.ID+"/agreements", "period", in.Period, "show", in.Show)
}

type draftIn struct {
	Of
	Again
	Match
	ID   string `path:"id" maxLength:"100"`
	Body struct {
		Title       string   `json:"title" minLength:"1" maxLength:"200"`
		Owner       string   `json:"owner,omitempty" maxLength:"100" doc:"ID of the account that keeps it; left out: whoever has the token"`
		Audience    string   `json:"audience,omitempty" maxLength:"100" doc:"Who it is for; left out: everybody"`
		Acknowledge bool     `json:"acknowledge,omitempty" doc:"Its audience agrees to it"`
		Review      string   `json:"review,omitempty" enum:"year,half-year,quarter" default:"year" doc:"How often it is reviewed"`
		Controls    []string `json:"controls,omitempty" maxItems:"100" doc:"IDs of controls it states"`
		Summary     string   `json:"summary,omitempty" maxLength:"2000"`
		Text        string   `json:"text,omitempty" maxLength:"400000" doc:"Markdown; left out where a sealed file stands in its place"`
		Kind        string   `json:"kind,omitempty" enum:"policy,plan,diagram,charter,register,notice,baseline,job description" doc:"What it is; left out: a policy"`
		File        string   `json:"file,omitempty" maxLength:"20" doc:"Record of a sealed document in place of a text, such as E-12"`
		Note        string   `json:"note,omitempty" maxLength:"2000" doc:"What changed"`
		Material    bool     `json:"material,omitempty" doc:"Everybody agrees anew"`
	}
}

func setDraft(c *call, in *draftIn) (*oneOut[Policy], error) {
	revision, err := in.revision()
	if err != nil {
		return nil, err
	}
	b := &in.Body
	if b.Owner == "" {
		b.Owner = c.Who.Account
	}
	text := program.PolicyText{Title: b.Title, Owner: b.Owner, Audience: b.Audience, Acknowledge: b.Acknowledge, Review: b.Review, Controls: b.Controls, Summary: b.Summary, Text: b.Text, Kind: b.Kind, File: b.File}
	if _, err := c.book.WritePolicy(c, c.Who, in.ID, revision, text, b.Note, b.Material); err != nil {
		return nil, c.since(err, revision, func(s *program.State) int64 {
			if p := s.Policies[in.ID]; p != nil {
				return p.Revision
			}
			return 0
		})
	}
	return getPolicy(c, &policyIn{in.Of, in.ID})
}
