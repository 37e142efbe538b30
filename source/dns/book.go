package dns

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// A reply is an answer that was read. known is false where nothing can be said.
type reply struct {
	known    bool
	nxdomain bool // there is no such name
	checked  bool // the resolver says that it checked the signatures
	texts    []string
	caa      []caa
	mx       []string
}

// A caa is one CAA record (RFC 8659 section 4.1).
type caa struct {
	critical   bool
	tag, value string
}

// A book is the answers there are, and what was wanted beside them.
type book struct {
	answers []Answer
	replies map[Question]reply
	why     map[Question]string
	wanted  []Question
}

func newBook(list []Answer) *book {
	b := &book{answers: list, replies: map[Question]reply{}, why: map[Question]string{}}
	for _, a := range list {
		q := Question{a.Name, dnsmessage.Type(a.Type)}
		r, err := read(a)
		if err != nil {
			b.why[q] = err.Error()
		}
		b.replies[q] = r
	}
	return b
}

// look returns the reply to a question. One that is not there yet is wanted.
func (b *book) look(name string, t dnsmessage.Type) reply {
	q := Question{strings.ToLower(strings.TrimSuffix(name, ".")), t}
	r, ok := b.replies[q]
	if !ok {
		b.wanted = append(b.wanted, q)
		b.replies[q] = reply{}
	}
	return r
}

// knows reports whether any question was answered.
func (b *book) knows() bool {
	for _, r := range b.replies {
		if r.known {
			return true
		}
	}
	return false
}

// read takes an answer apart. The error says why nothing can be said.
func read(a Answer) (reply, error) {
	if a.Problem != "" {
		return reply{}, errors.New(a.Problem)
	}
	msg, err := base64.StdEncoding.DecodeString(a.Message)
	if err != nil {
		return reply{}, errors.New("the message is not base64")
	}
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil {
		return reply{}, fmt.Errorf("the message cannot be read: %w", err)
	}
	switch h.RCode {
	case dnsmessage.RCodeSuccess:
	case dnsmessage.RCodeNameError:
		return reply{known: true, nxdomain: true, checked: h.AuthenticData}, nil
	default:
		return reply{}, fmt.Errorf("the resolver answers %s", strings.TrimPrefix(h.RCode.String(), "RCode"))
	}
	if h.Truncated {
		return reply{}, errors.New("the answer was cut")
	}
	r := reply{known: true, checked: h.AuthenticData}
	if err := p.SkipAllQuestions(); err != nil {
		return reply{}, fmt.Errorf("the message cannot be read: %w", err)
	}
	if err := r.records(&p, dnsmessage.Type(a.Type)); err != nil {
		return reply{}, fmt.Errorf("the message cannot be read: %w", err)
	}
	return r, nil
}

// records reads the answer section. Records of other types, such as the CNAMEs
// that led here and signatures, are passed over.
func (r *reply) records(p *dnsmessage.Parser, want dnsmessage.Type) error {
	for {
		h, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Type != want || h.Class != dnsmessage.ClassINET {
			if err := p.SkipAnswer(); err != nil {
				return err
			}
			continue
		}
		if err := r.record(p, want); err != nil {
			return err
		}
	}
}

func (r *reply) record(p *dnsmessage.Parser, want dnsmessage.Type) error {
	switch want {
	case dnsmessage.TypeTXT:
		t, err := p.TXTResource()
		r.texts = append(r.texts, strings.Join(t.TXT, ""))
		return err
	case dnsmessage.TypeMX:
		m, err := p.MXResource()
		r.mx = append(r.mx, strings.TrimSuffix(m.MX.String(), "."))
		return err
	case typeCAA:
		u, err := p.UnknownResource()
		if err != nil {
			return err
		}
		c, err := readCAA(u.Data)
		r.caa = append(r.caa, c)
		return err
	}
	return p.SkipAnswer()
}

// readCAA reads the data of a CAA record: flags, length of the tag, tag, value.
func readCAA(data []byte) (caa, error) {
	if len(data) < 2 || int(data[1]) > len(data)-2 || data[1] == 0 {
		return caa{}, errors.New("a CAA record is too short")
	}
	n := 2 + int(data[1])
	return caa{data[0]&0x80 != 0, strings.ToLower(string(data[2:n])), string(data[n:])}, nil
}
