package cloudtrail

import (
	"encoding/json"
	"strings"
	"time"

	"tieout/source"
)

// A SignIn is what one record says of a sign-in.
type SignIn struct {
	ID      string // of the event
	At      time.Time
	Account string // ARN of who signed in; "" where the record hides it
	Result  string // success or failure; "" where the record does not say
	MFA     *bool  // a second factor was used; nil where the record cannot tell
	Root    bool
}

// A record is one event as CloudTrail writes it (CloudTrail record contents; AWS
// Management Console sign-in events).
type record struct {
	ID       string `json:"eventID"`
	Time     string `json:"eventTime"`
	Source   string `json:"eventSource"`
	Name     string `json:"eventName"`
	Error    string `json:"errorCode"`
	Identity struct {
		Type    string `json:"type"`
		ARN     string `json:"arn"`
		Account string `json:"accountId"`
		User    string `json:"userName"`
	} `json:"userIdentity"`
	Request struct {
		Target string `json:"targetPrincipal"`
	} `json:"requestParameters"`
	Response struct {
		Login   string `json:"ConsoleLogin"`
		Assumed struct {
			ARN string `json:"arn"`
		} `json:"assumedRoleUser"`
	} `json:"responseElements"`
	Extra struct {
		MFA string `json:"MFAUsed"`
	} `json:"additionalEventData"`
	Recipient string `json:"recipientAccountId"`
	Region    string `json:"awsRegion"`
}

// A head is the part of every record that says which it is.
type head struct {
	ID     string `json:"eventID"`
	Time   string `json:"eventTime"`
	Source string `json:"eventSource"`
	Name   string `json:"eventName"`
}

// signs reports whether an event is one of signing in: to the console, as the
// root account of a member, or into a role from an identity provider.
func (h head) signs() bool {
	switch h.Source + " " + h.Name {
	case "signin.amazonaws.com ConsoleLogin", "sts.amazonaws.com AssumeRoot", "sts.amazonaws.com AssumeRoleWithSAML":
		return true
	}
	return false
}

// Read reads one record. It returns nil for an event that is no sign-in. A
// record that cannot be read, or has no id or instant, is an error.
func Read(raw json.RawMessage) (*SignIn, error) {
	var h head
	if err := json.Unmarshal(raw, &h); err != nil {
		return nil, err
	}
	at, err := time.Parse(time.RFC3339, h.Time)
	if err != nil || h.ID == "" || h.Name == "" {
		return nil, errNoTime
	}
	if !h.signs() {
		return nil, nil
	}
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, err
	}
	s := &SignIn{ID: h.ID, At: at.UTC()}
	switch h.Name {
	case "ConsoleLogin":
		r.console(s)
	case "AssumeRoot":
		r.root(s)
	default:
		s.Account, s.Result = r.Response.Assumed.ARN, r.result()
	}
	return s, nil
}

func (r record) result() string {
	if r.Error != "" {
		return "failure"
	}
	return "success"
}

// console reads a sign-in to the console. Whether a second factor was used is
// told of IAM users and root only: for others it was their identity provider's.
func (r record) console(s *SignIn) {
	s.Root = r.Identity.Type == "Root"
	s.Account = r.Identity.ARN
	if s.Root && s.Account == "" && r.Identity.Account != "" {
		s.Account = "arn:aws:iam::" + r.Identity.Account + ":root"
	}
	switch r.Response.Login {
	case "Success":
		s.Result = "success"
	case "Failure":
		s.Result = "failure"
	}
	if s.Root || r.Identity.Type == "IAMUser" {
		switch r.Extra.MFA {
		case "Yes", "No":
			used := r.Extra.MFA == "Yes"
			s.MFA = &used
		}
	}
}

// root reads a session as the root account of a member, taken from the
// organization's management account.
func (r record) root(s *SignIn) {
	s.Root, s.Result = true, r.result()
	switch target := r.Request.Target; {
	case strings.HasPrefix(target, "arn:"):
		s.Account = target
	case target != "":
		s.Account = "arn:aws:iam::" + target + ":root"
	}
}

// Fields are those of the signIn item.
func (s *SignIn) Fields(system string) source.Fields {
	f := source.Fields{"system": system, "root": s.Root, "account": s.Account, "environment": nil}
	if s.Result != "" {
		f["result"] = s.Result
	}
	if s.MFA != nil {
		f["mfa"] = *s.MFA
	}
	return f
}
