package rest

import (
	"encoding/json"
	"errors"
	"testing"

	"tieout/audit"
)

func TestSheet(t *testing.T) {
	s := NewSheet(map[string]string{"group": "<admins>"})
	s.AddElement("user", json.RawMessage(`{"id":"1"}`))
	s.Add("factors", Answer{Query: "GET /f", Status: 200, Body: []byte(`["\u00e9"]`)})
	s.Add("refused", Answer{Query: "GET /r", Status: 403, Body: []byte(`{}`)})
	s.Add("binary", Answer{Query: "GET /b", Status: 200, Body: []byte{0xff, 0xfe}})
	s.Add("nothing", Answer{Query: "GET /n", Problem: "no answer"})
	var facts map[string]string
	got, err := ReadSheet(s.Encode(), &facts)
	if err != nil || facts["group"] != "<admins>" {
		t.Fatalf("read back: %v %v", facts, err)
	}
	var list []string
	if err := got.Decode("factors", &list); err != nil || list[0] != "é" {
		t.Errorf("factors: %v %v", list, err)
	}
	var user struct{ ID string }
	if err := got.Decode("user", &user); err != nil || user.ID != "1" {
		t.Errorf("user: %v %v", user, err)
	}
	for _, part := range []string{"refused", "nothing", "never asked"} {
		if err := got.Decode(part, &list); !errors.Is(err, errNoPart) {
			t.Errorf("%s: got %v", part, err)
		}
	}
	if string(got.Answers[3].Bytes()) != "\xff\xfe" {
		t.Errorf("bytes: %q", got.Answers[3].Bytes())
	}
}

func FuzzReadSheet(f *testing.F) {
	f.Add([]byte(`{"format":1,"facts":{"a":"b"},"answers":[{"part":"list","status":200,"query":"GET /","body":"[]"}]}`))
	f.Add([]byte(`{"format":2}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var facts map[string]json.RawMessage
		s, err := ReadSheet(b, &facts)
		if err != nil {
			if !errors.Is(err, audit.ErrInvalid) {
				t.Fatalf("%v does not wrap ErrInvalid", err)
			}
			return
		}
		if _, err := ReadSheet(s.Encode(), nil); err != nil {
			t.Fatalf("what was read is not read again: %v", err)
		}
	})
}
