package aws

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tieout/source/rest"
)

// form is one operation of a Query interface, with names and values of its parameters.
func form(svc service, op string, params ...string) rest.Ask {
	v := url.Values{"Action": {op}, "Version": {svc.version}}
	for i := 0; i+1 < len(params); i += 2 {
		v.Set(params[i], params[i+1])
	}
	return formOf(svc, v)
}

func formOf(svc service, v url.Values) rest.Ask {
	shown := url.Values{}
	for k := range v {
		if k != "Action" && k != "Version" {
			shown[k] = v[k]
		}
	}
	return rest.Ask{
		Method: http.MethodPost, URI: "/", Body: []byte(v.Encode()), Name: strings.TrimSpace(svc.sign + " " + v.Get("Action") + " " + shown.Encode()),
		Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "Accept": "application/xml"},
	}
}

// body is the parameters of an operation of a JSON interface.
type body map[string]any

// target is one operation of a JSON interface.
func target(svc service, op string, b body) rest.Ask {
	if b == nil {
		b = body{}
	}
	encoded, err := json.Marshal(b)
	if err != nil { // texts, numbers and lists of them always encode
		panic(err)
	}
	return rest.Ask{
		Method: http.MethodPost, URI: "/", Body: encoded, Name: svc.sign + " " + op + " " + string(encoded),
		Header: map[string]string{"Content-Type": "application/x-amz-json-" + svc.json, "X-Amz-Target": svc.target + "." + op},
	}
}

// path is one reading of a REST interface.
func path(svc service, uri string) rest.Ask {
	return rest.Ask{URI: uri, Name: svc.sign + " GET " + uri}
}

// send is one question of a REST interface that needs a body.
func send(svc service, uri string, b body) rest.Ask {
	encoded, err := json.Marshal(b)
	if err != nil { // texts, numbers and lists of them always encode
		panic(err)
	}
	return rest.Ask{Method: http.MethodPost, URI: uri, Body: encoded, Name: svc.sign + " POST " + uri + " " + string(encoded),
		Header: map[string]string{"Content-Type": "application/json"}}
}

type next = func(a rest.Answer) (*rest.Ask, error)

// nextForm asks the same again with the token at a path below the answer's
// root, such as "ListUsersResult/Marker".
func nextForm(svc service, ask rest.Ask, at, param string) next {
	return func(a rest.Answer) (*rest.Ask, error) {
		token, err := textAt(a.Body, strings.Split(at, "/"))
		if err != nil || token == "" {
			return nil, err
		}
		v, err := url.ParseQuery(string(ask.Body))
		if err != nil {
			return nil, errors.New("the request cannot be read")
		}
		v.Set(param, token)
		n := formOf(svc, v)
		return &n, nil
	}
}

// nextTarget asks the same again with the token in a field of a JSON answer.
func nextTarget(svc service, op string, b body, field, param string) next {
	return func(a rest.Answer) (*rest.Ask, error) {
		var obj map[string]json.RawMessage
		if err := json.Unmarshal(a.Body, &obj); err != nil {
			return nil, errors.New("the answer is not a JSON object")
		}
		var token string
		if raw := obj[field]; raw != nil {
			if err := json.Unmarshal(raw, &token); err != nil {
				return nil, errors.New(field + " is not a text")
			}
		}
		if token == "" {
			return nil, nil
		}
		again := body{param: token}
		for k, v := range b {
			again[k] = v
		}
		n := target(svc, op, again)
		return &n, nil
	}
}

// textAt is the text of the first element at a path below the root of an XML
// document, "" where there is none.
func textAt(doc []byte, at []string) (string, error) {
	var stack []string
	var text strings.Builder
	dec := xml.NewDecoder(bytes.NewReader(doc))
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) && len(stack) == 0 {
			return "", nil
		}
		if err != nil {
			return "", errors.New("the answer is not whole XML")
		}
		here := len(stack) == len(at)+1 && slices.Equal(stack[1:], at)
		switch t := t.(type) {
		case xml.StartElement:
			stack = append(stack, t.Name.Local)
		case xml.CharData:
			if here {
				text.Write(t)
			}
		case xml.EndElement:
			if here {
				return strings.TrimSpace(text.String()), nil
			}
			stack = stack[:len(stack)-1]
		}
	}
}

// code is the error code of an answer, as AWS names it: "AccessDenied".
func code(header http.Header, body []byte) string {
	var e struct {
		Type string `json:"__type"`
		Code string `json:"code"`
	}
	name := header.Get("X-Amzn-Errortype")
	if json.Unmarshal(body, &e) == nil && name == "" {
		name = e.Type + e.Code
	}
	if name == "" {
		name = xmlCode(body)
	}
	name, _, _ = strings.Cut(name, ":")
	return name[strings.LastIndex(name, "#")+1:]
}

// xmlCode is the text of the first Code element.
func xmlCode(body []byte) string {
	_, after, ok := bytes.Cut(body, []byte("<Code>"))
	if !ok {
		return ""
	}
	c, _, ok := bytes.Cut(after, []byte("</Code>"))
	if !ok {
		return ""
	}
	return strings.TrimSpace(string(c))
}

var throttled = []string{"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException", "RequestLimitExceeded",
	"TooManyRequestsException", "SlowDown", "BandwidthLimitExceeded", "LimitExceededException", "PriorRequestNotComplete", "TransactionInProgressException"}

const throttlePause = 2 * time.Second // doubled by the client each time

// pause is how long to wait before the same request may succeed, 0 if it will not.
func pause(resp *http.Response, body []byte) time.Duration {
	if slices.Contains(throttled, code(resp.Header, body)) {
		return throttlePause
	}
	return rest.RetryAfter(resp, body)
}

// refusals are the codes by which a service says that something cannot be had
// by whoever asks.
var refusals = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "NotAuthorized", "OptInRequired", "SubscriptionRequiredException"}

// readXML decodes a document whose root v names.
func readXML(doc []byte, v any) error {
	if err := xml.Unmarshal(doc, v); err != nil {
		return errors.New("the answer is not the XML that was asked for")
	}
	return nil
}

// instantOf reads an instant as the XML interfaces write it; zero where there is none.
func instantOf(text string) time.Time {
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// An instant is one as the JSON interfaces write it: seconds since 1970, or ISO
// 8601. It stays zero where the answer holds none.
type instant struct{ time.Time }

// UnmarshalJSON reads either form. What is neither is an error.
func (i *instant) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var text string
	if json.Unmarshal(b, &text) == nil {
		if i.Time = instantOf(text); i.IsZero() && text != "" {
			return errors.New("an instant cannot be read")
		}
		return nil
	}
	var seconds float64
	if err := json.Unmarshal(b, &seconds); err != nil {
		return err
	}
	if seconds < 0 || seconds > 1<<37 {
		return errors.New("an instant is out of range")
	}
	i.Time = time.UnixMicro(int64(math.Round(seconds * 1e6))).UTC()
	return nil
}
