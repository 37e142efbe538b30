package aws

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

const (
	kindUsers              = "aws.iam.users"        // one page of IAM users with their groups and policies
	kindPassword           = "aws.iam.password"     // the account's password policy
	kindServerCertificates = "aws.iam.certificates" // one page of server certificates
)

var cannotMembership = []string{
	"which roles a user or someone outside may assume: policies of trust are not worked out",
	"what a policy allows in detail: one that allows everything, everything but some, or all of IAM on every resource counts as administrative; conditions, boundaries and policies of the organization that narrow it are not taken into account",
	"who asked for a membership and who approved it",
}

var cannotLink = []string{"a user without the tag that names the person"}

// grants say which groups and policies are administrative by what they allow.
type grants struct {
	Known    bool     `json:"known"` // every group and policy was read
	Policies []string `json:"policies,omitempty"`
	Groups   []string `json:"groups,omitempty"`
}

type detailsPage struct {
	XMLName xml.Name `xml:"GetAccountAuthorizationDetailsResponse"`
	Result  *details `xml:"GetAccountAuthorizationDetailsResult"`
}

type details struct {
	Users    []iamUser    `xml:"UserDetailList>member"`
	Groups   []iamGroup   `xml:"GroupDetailList>member"`
	Policies []iamManaged `xml:"Policies>member"`
}

type iamUser struct {
	ARN      string        `xml:"Arn"`
	Name     string        `xml:"UserName"`
	Groups   []string      `xml:"GroupList>member"`
	Attached []iamAttached `xml:"AttachedManagedPolicies>member"`
	Inline   []iamInline   `xml:"UserPolicyList>member"`
	Tags     []iamTag      `xml:"Tags>member"`
}

type iamGroup struct {
	Name     string        `xml:"GroupName"`
	Attached []iamAttached `xml:"AttachedManagedPolicies>member"`
	Inline   []iamInline   `xml:"GroupPolicyList>member"`
}

type iamAttached struct {
	Name string `xml:"PolicyName"`
	ARN  string `xml:"PolicyArn"`
}

type iamInline struct {
	Name     string `xml:"PolicyName"`
	Document string `xml:"PolicyDocument"`
}

type iamManaged struct {
	ARN      string `xml:"Arn"`
	Versions []struct {
		Document string `xml:"Document"`
		Default  bool   `xml:"IsDefaultVersion"`
	} `xml:"PolicyVersionList>member"`
}

type iamTag struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

const detailsMarker = "GetAccountAuthorizationDetailsResult/Marker"

// readUsers reads groups and policies first, so that the pages of users can say
// which of their memberships are administrative.
func readUsers(ctx context.Context, v *visit) error {
	streams := v.of("membership", "link")
	var g grants
	var groups []iamGroup
	ask := form(iam, "GetAccountAuthorizationDetails", "Filter.member.1", "Group", "Filter.member.2", "LocalManagedPolicy", "Filter.member.3", "AWSManagedPolicy", "MaxItems", "200")
	f, err := v.list(ctx, iam, rest.List{Kind: kindList, Ask: ask, Next: nextForm(iam, ask, detailsMarker, "Marker"), Each: func(a rest.Answer) (bool, error) {
		d, err := detailsOf(a.Body)
		if err != nil {
			return false, err
		}
		for _, p := range d.Policies {
			if p.administrative() {
				g.Policies = append(g.Policies, p.ARN)
			}
		}
		groups = append(groups, d.Groups...)
		return true, nil
	}}, v.of("membership")...)
	if err != nil {
		return err
	}
	g.Known = f.Whole()
	for _, group := range groups {
		if group.administrative(g.Policies) {
			g.Groups = append(g.Groups, group.Name)
		}
	}
	n := 0
	ask = form(iam, "GetAccountAuthorizationDetails", "Filter.member.1", "User", "MaxItems", "200")
	f, err = v.list(ctx, iam, rest.List{Kind: kindUsers, Ask: ask, Facts: g, Next: nextForm(iam, ask, detailsMarker, "Marker"), Each: func(a rest.Answer) (bool, error) {
		d, err := detailsOf(a.Body)
		if err == nil {
			n += len(d.Users)
		}
		return true, err
	}}, streams...)
	if err != nil || !f.Whole() {
		return err
	}
	return v.countUsers(ctx, n, streams)
}

// countUsers holds the number of users read to the number IAM itself counts.
func (v *visit) countUsers(ctx context.Context, n int, streams []*source.Stream) error {
	_, err := v.list(ctx, iam, rest.List{Kind: kindList, Ask: form(iam, "GetAccountSummary"), Each: func(a rest.Answer) (bool, error) {
		var s struct {
			XMLName xml.Name `xml:"GetAccountSummaryResponse"`
			Entries []struct {
				Key   string `xml:"key"`
				Value int    `xml:"value"`
			} `xml:"GetAccountSummaryResult>SummaryMap>entry"`
		}
		if err := readXML(a.Body, &s); err != nil {
			return false, err
		}
		for _, e := range s.Entries {
			if e.Key == "Users" {
				for _, st := range streams {
					st.Reconcile("users counted by the account's summary", e.Value, n)
				}
				return false, nil
			}
		}
		return false, errors.New("the account's summary does not count users")
	}}, streams...)
	return err
}

func detailsOf(doc []byte) (details, error) {
	var d detailsPage
	if err := readXML(doc, &d); err != nil || d.Result == nil {
		return details{}, errors.New("the answer holds no authorization details")
	}
	return *d.Result, nil
}

func (p iamManaged) administrative() bool {
	for _, v := range p.Versions {
		if v.Default && administrative(v.Document) {
			return true
		}
	}
	return false
}

func (g iamGroup) administrative(policies []string) bool {
	for _, a := range g.Attached {
		if slices.Contains(policies, a.ARN) {
			return true
		}
	}
	return slices.ContainsFunc(g.Inline, func(i iamInline) bool { return administrative(i.Document) })
}

// A statement is one of a policy document. Actions, resources and statements
// may each be one or a list.
type statement struct {
	Effect    string          `json:"Effect"`
	Principal json.RawMessage `json:"Principal"`
	Action    oneOrMore       `json:"Action"`
	NotAction oneOrMore       `json:"NotAction"`
	Resource  oneOrMore       `json:"Resource"`
	NotRes    oneOrMore       `json:"NotResource"`
	Condition map[string]map[string]oneOrMore
}

type oneOrMore []string

// UnmarshalJSON reads one text or a list of texts.
func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// statements reads a policy document, as it is or percent-encoded (RFC 3986).
func statements(document string) ([]statement, error) {
	if text := strings.TrimSpace(document); strings.HasPrefix(text, "%") {
		decoded, err := url.PathUnescape(text)
		if err != nil {
			return nil, errors.New("a policy document cannot be read")
		}
		document = decoded
	}
	var doc struct {
		Statement json.RawMessage `json:"Statement"`
	}
	var list []statement
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		return nil, errors.New("a policy document cannot be read")
	}
	if json.Unmarshal(doc.Statement, &list) == nil {
		return list, nil
	}
	list = make([]statement, 1)
	if err := json.Unmarshal(doc.Statement, &list[0]); err != nil {
		return nil, errors.New("a policy document cannot be read")
	}
	return list, nil
}

// administrative reports whether a document allows everything, everything but
// some actions, or all of IAM, on every resource or all but some. One that cannot be read is
// taken as administrative: it must not pass as harmless.
func administrative(document string) bool {
	list, err := statements(document)
	if err != nil {
		return true
	}
	return slices.ContainsFunc(list, func(s statement) bool {
		wide := slices.ContainsFunc(s.Action, func(a string) bool {
			return a == "*" || a == "*:*" || strings.EqualFold(a, "iam:*")
		})
		every := slices.Contains(s.Resource, "*") || len(s.NotRes) > 0
		return s.Effect == "Allow" && every && (wide || len(s.NotAction) > 0)
	})
}

func normalUsers(p *page) error {
	var g grants
	sheet, err := p.sheet(&g)
	if err != nil {
		return err
	}
	d, err := detailsOf(partOf(sheet, "list").body)
	if err != nil {
		return err
	}
	for _, u := range d.Users {
		p.user(u, g)
	}
	return nil
}

// user adds the memberships of one user: groups, policies of their own, and the
// link to the person that a tag names.
func (p *page) user(u iamUser, g grants) {
	for _, name := range u.Groups {
		p.member(u, g.Known, "group/"+name, name, slices.Contains(g.Groups, name))
	}
	for _, a := range u.Attached {
		p.member(u, g.Known, "policy/"+a.ARN, "policy "+a.Name, slices.Contains(g.Policies, a.ARN))
	}
	for _, i := range u.Inline {
		p.member(u, g.Known, "inline/"+i.Name, "inline policy "+i.Name, administrative(i.Document))
	}
	tags := make([]tag, len(u.Tags))
	for i, t := range u.Tags {
		tags[i] = tag(t)
	}
	number, _ := tagged(tags, p.Tags.EmployeeNumber)
	email, _ := tagged(tags, p.Tags.Email)
	if f := p.Person.Link(u.ARN, number, email); f != nil {
		p.out.Add("link", u.ARN+"/link", zero, f)
	}
}

func (p *page) member(u iamUser, known bool, id, group string, administrative bool) {
	f := source.Fields{"account": u.ARN, "system": p.System, "group": group, "role": "member"}
	name := strings.TrimPrefix(strings.TrimPrefix(group, "inline "), "policy ")
	switch {
	case administrative || p.Privileged != nil && p.Privileged.Match(name):
		f["privileged"] = true
	case known && p.Privileged != nil:
		f["privileged"] = false
	}
	p.out.Add("membership", u.ARN+"/"+id, zero, f)
}

const noSuchEntity = "NoSuchEntity"

// readPasswordPolicy reads the account's password policy. That there is none is
// an answer.
func readPasswordPolicy(ctx context.Context, v *visit) error {
	streams := v.of("authPolicy")
	ask := form(iam, "GetAccountPasswordPolicy")
	streams[0].Asked(ask.Query())
	sheet := rest.NewSheet(struct{}{})
	a, err := v.ask(ctx, sheet, "policy", v.to(iam, v.region), ask, []string{noSuchEntity})
	if err != nil {
		return err
	}
	if !a.OK() && code(a.Header, a.Body) != noSuchEntity {
		streams[0].Fail("GetAccountPasswordPolicy: " + a.Fault())
	}
	return v.seal(ctx, kindPassword, ask.Query(), sheet, streams...)
}

type passwordPolicy struct {
	XMLName xml.Name `xml:"GetAccountPasswordPolicyResponse"`
	Policy  *struct {
		MinLength string `xml:"MinimumPasswordLength"`
		Symbols   bool   `xml:"RequireSymbols"`
		Numbers   bool   `xml:"RequireNumbers"`
		Upper     bool   `xml:"RequireUppercaseCharacters"`
		Lower     bool   `xml:"RequireLowercaseCharacters"`
		Expire    string `xml:"ExpirePasswords"`
		MaxAge    string `xml:"MaxPasswordAge"`
		History   string `xml:"PasswordReusePrevention"`
	} `xml:"GetAccountPasswordPolicyResult>PasswordPolicy"`
}

func normalPassword(p *page) error {
	sheet, err := p.sheet(nil)
	if err != nil {
		return err
	}
	a := partOf(sheet, "policy", noSuchEntity)
	if !a.known {
		return nil
	}
	f := source.Fields{"system": p.System, "name": "password policy of account " + p.account, "kind": "password", "enabled": !a.none}
	if !a.none {
		if err := passwordFields(f, a.body); err != nil {
			return err
		}
	}
	p.out.Add("authPolicy", p.System+"/"+p.account+"/password", zero, f)
	return nil
}

// passwordFields adds what the policy asks for. An account's policy is every
// IAM user's; passwords of people from elsewhere are not its matter.
func passwordFields(f source.Fields, doc []byte) error {
	var d passwordPolicy
	if err := readXML(doc, &d); err != nil || d.Policy == nil {
		return errors.New("the answer holds no password policy")
	}
	f["everyone"], f["exceptions"] = true, []string{}
	number := func(text string, none any) any {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return none
		}
		return n
	}
	f["password.minLength"] = number(d.Policy.MinLength, nil)
	f["password.history"] = number(d.Policy.History, 0)
	f["password.maxAgeDays"] = number(d.Policy.MaxAge, nil)
	if d.Policy.Expire == "false" {
		f["password.maxAgeDays"] = 0
	}
	n := 0
	for _, asked := range []bool{d.Policy.Symbols, d.Policy.Numbers, d.Policy.Upper, d.Policy.Lower} {
		if asked {
			n++
		}
	}
	f["password.complexity"] = n > 1
	return nil
}

// readServerCertificates reads the certificates kept in IAM.
func readServerCertificates(ctx context.Context, v *visit) error {
	ask := form(iam, "ListServerCertificates", "MaxItems", "200")
	_, err := v.list(ctx, iam, rest.List{Kind: kindServerCertificates, Ask: ask, Next: nextForm(iam, ask, "ListServerCertificatesResult/Marker", "Marker")}, v.of("key")...)
	return err
}

func normalServerCertificates(p *page) error {
	var d struct {
		XMLName xml.Name `xml:"ListServerCertificatesResponse"`
		List    *struct {
			Certificates []struct {
				ARN      string `xml:"Arn"`
				Uploaded string `xml:"UploadDate"`
				Expires  string `xml:"Expiration"`
			} `xml:"member"`
		} `xml:"ListServerCertificatesResult>ServerCertificateMetadataList"`
	}
	if err := readXML(p.Body, &d); err != nil || d.List == nil {
		return errors.New("the answer has no list of server certificates")
	}
	for _, c := range d.List.Certificates {
		made := instantOf(c.Uploaded)
		p.out.Add("key", c.ARN, zero, source.Fields{"kind": "certificate", "system": p.System, "owner": "", "createdAt": made, "rotatedAt": made,
			"expiresAt": instantOf(c.Expires), "autoRotate": false, "status": statusBy(c.Expires, p.About)})
	}
	return nil
}

// statusBy is what a certificate's end says at the instant a page is about.
func statusBy(expires string, about audit.Span) any {
	end := instantOf(expires)
	switch {
	case end.IsZero():
		return nil
	case !end.After(about.From):
		return "expired"
	}
	return "active"
}
