package rest

import "testing"

func TestFaultSaysWhatTheAnswerSays(t *testing.T) {
	for _, tc := range []struct{ name, body, want string }{
		{"JSON", `{"message":"no such thing"}`, "404 Not Found: no such thing"},
		{"JSON with nothing but a type", `{"__type":"ExpiredTokenException"}`, "404 Not Found: ExpiredTokenException"},
		{"XML", `<?xml version="1.0"?><ErrorResponse xmlns="urn:x"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>There is
			none</Message></Error><RequestId>1</RequestId></ErrorResponse>`, "404 Not Found: NoSuchEntity: There is none"},
		{"XML with a code only", `<Error><Code>SlowDown</Code></Error>`, "404 Not Found: SlowDown"},
		{"XML that breaks off", `<Error><Code>SlowDown</Code><Mess`, "404 Not Found: SlowDown"},
		{"a page for people", `<!doctype html><html><p>gone</html>`, "404 Not Found"},
		{"nothing", ``, "404 Not Found"},
	} {
		if got := (Answer{Status: 404, Body: []byte(tc.body)}).Fault(); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}
