package dns

import (
	"encoding/base64"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
	"golang.org/x/net/dns/dnsmessage"
)

// elsewhere are the tests of the suite whose result depends on what this
// evaluation does not do, by their reason. It asks what a record says of all
// senders that it does not name, not what it says of one.
var elsewhere = map[string][]string{
	"names behind mx, exists and empty answers are not asked for":                                    {"mx-limit", "void-over-limit", "exists-dnserr"},
	"the sender of the test is named before the limit is reached; those that no term names reach it": {"include-at-limit"},
}

type scenario struct {
	Description string                  `yaml:"description"`
	Tests       map[string]scenarioTest `yaml:"tests"`
	Zone        map[string][]yaml.Node  `yaml:"zonedata"`
}

type scenarioTest struct {
	MailFrom string    `yaml:"mailfrom"`
	Helo     string    `yaml:"helo"`
	Result   yaml.Node `yaml:"result"`
}

// texts are the TXT records of a name in a scenario; found is false where the
// name does not exist, broken where it cannot be asked for.
func (s scenario) texts(t *testing.T, name string) (texts []string, found, broken bool) {
	var old []string
	onlyOld := true
	for key, records := range s.Zone {
		if !strings.EqualFold(key, name) {
			continue
		}
		found = true
		for _, n := range records {
			if n.Value == "TIMEOUT" {
				return nil, true, true
			}
			var rec map[string]yaml.Node
			if err := n.Decode(&rec); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for typ, v := range rec {
				switch typ {
				case "CNAME": // a resolver follows it
					return s.texts(t, v.Value)
				case "TXT":
					onlyOld = false
					if v.Value == "TIMEOUT" {
						return nil, true, true
					}
					if v.Value != "NONE" {
						texts = append(texts, text(t, v))
					}
				case "SPF": // as TXT too, where there is no TXT
					if v.Value == "TIMEOUT" {
						return nil, true, true
					}
					old = append(old, text(t, v))
				}
			}
		}
	}
	if onlyOld {
		texts = old
	}
	return texts, found, false
}

func text(t *testing.T, n yaml.Node) string {
	t.Helper()
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	var parts []string
	if err := n.Decode(&parts); err != nil {
		t.Fatal(err)
	}
	return strings.Join(parts, "")
}

// answer makes the message that a resolver would send.
func (s scenario) answer(t *testing.T, q Question) Answer {
	a := Answer{Name: q.Name, Type: int(q.Type)}
	texts, found, broken := s.texts(t, q.Name)
	code := dnsmessage.RCodeSuccess
	name, err := dnsmessage.NewName(q.Name + ".")
	switch {
	case broken:
		code = dnsmessage.RCodeServerFailure
	case !found || err != nil:
		code = dnsmessage.RCodeNameError
		name = dnsmessage.MustNewName("nowhere.")
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true, RCode: code})
	check := func(err error) {
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	check(b.StartQuestions())
	if err := b.Question(dnsmessage.Question{Name: name, Type: q.Type, Class: dnsmessage.ClassINET}); err != nil {
		return Answer{Name: q.Name, Type: int(q.Type), Problem: "it is no name"} // longer labels than the format holds
	}
	check(b.StartAnswers())
	for _, txt := range texts {
		var parts []string
		for len(txt) > 255 {
			parts, txt = append(parts, txt[:255]), txt[255:]
		}
		check(b.TXTResource(dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET}, dnsmessage.TXTResource{TXT: append(parts, txt)}))
	}
	msg, err := b.Finish()
	check(err)
	a.Message = base64.StdEncoding.EncodeToString(msg)
	return a
}

// evaluate asks in rounds, as collecting does.
func (s scenario) evaluate(t *testing.T, domain string) any {
	b := newBook(nil)
	for range maxRounds {
		got := spf(b, domain)
		if len(b.wanted) == 0 {
			return got
		}
		var round []Answer
		for _, q := range b.wanted {
			round = append(round, s.answer(t, q))
		}
		b = newBook(append(b.answers, round...))
	}
	t.Fatalf("%s: it never comes to an end", domain)
	return nil
}

// TestSuite holds the evaluation to the RFC 7208 test suite: what the suite
// calls a permanent error for a sender is invalid here, what it gives another
// result for is not, and a domain without a record has none.
func TestSuite(t *testing.T) {
	f, err := os.Open("testdata/rfc7208-tests.yml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dec := yaml.NewDecoder(f)
	ran, left := 0, 0
	for {
		var s scenario
		if err := dec.Decode(&s); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for name, test := range s.Tests {
			if isElsewhere(name) {
				left++
				continue
			}
			ran++
			s.run(t, name, test)
		}
	}
	t.Logf("%d tests, %d left out", ran, left)
	if ran < 190 {
		t.Errorf("only %d tests ran", ran)
	}
}

func isElsewhere(name string) bool {
	for _, list := range elsewhere {
		if slices.Contains(list, name) {
			return true
		}
	}
	return false
}

func (s scenario) run(t *testing.T, name string, test scenarioTest) {
	var want []string
	if test.Result.Kind == yaml.SequenceNode {
		if err := test.Result.Decode(&want); err != nil {
			t.Fatal(err)
		}
	} else {
		want = []string{test.Result.Value}
	}
	domain := test.MailFrom[strings.LastIndex(test.MailFrom, "@")+1:]
	if test.MailFrom == "" {
		domain = test.Helo
	}
	got := s.evaluate(t, strings.ToLower(domain))
	ok := slices.ContainsFunc(want, func(w string) bool {
		switch w {
		case "permerror":
			return got == spfInvalid
		case "temperror":
			return got == nil
		case "none":
			return got == spfNone || got == nil
		}
		return got != spfInvalid && got != spfNone
	})
	if !ok {
		t.Errorf("%s / %s (%s): got %v, the suite says %v", s.Description, name, domain, got, want)
	}
}
