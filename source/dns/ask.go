package dns

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tieout/source"
)

// A Question is one name and type.
type Question struct {
	Name string // lower case, without the last dot
	Type dnsmessage.Type
}

// typeCAA is the type of CAA records (RFC 8659 section 4.1).
const typeCAA dnsmessage.Type = 257

var typeNames = map[dnsmessage.Type]string{
	dnsmessage.TypeSOA: "SOA", dnsmessage.TypeMX: "MX", dnsmessage.TypeTXT: "TXT", typeCAA: "CAA",
}

func (q Question) String() string { return typeNames[q.Type] + " " + q.Name }

// An Answer is what came back for one question: the message as it came, or why
// there is none.
type Answer struct {
	Name      string `json:"name"`
	Type      int    `json:"type"`
	Transport string `json:"transport,omitempty"` // udp or tcp
	Message   string `json:"message,omitempty"`   // base64 of the bytes (RFC 1035 section 4)
	Problem   string `json:"problem,omitempty"`
}

// A client asks one resolver.
type client struct {
	resolver string
	dialer   *net.Dialer
	wait     time.Duration // for one answer
}

const (
	answerTime = 5 * time.Second
	tries      = 3
	udpSize    = 1232 // what passes every network (RFC 9715 section 3)
)

// newClient asks the resolver named, or the machine's own: that one may be
// anywhere, since the machine was set up to ask it.
func newClient(resolver, allow string) (client, error) {
	if resolver != "" {
		return client{resolver, source.Dialer(allow), answerTime}, nil
	}
	f, err := os.Open("/etc/resolv.conf")
	if err != nil {
		return client{}, errors.New("resolver: the machine's own is not known; name one")
	}
	defer f.Close()
	own, err := systemResolver(f)
	return client{own, &net.Dialer{Timeout: answerTime}, answerTime}, err
}

// systemResolver is the first nameserver of a resolv.conf.
func systemResolver(r io.Reader) (string, error) {
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		if f := strings.Fields(sc.Text()); len(f) > 1 && f[0] == "nameserver" {
			return net.JoinHostPort(f[1], "53"), nil
		}
	}
	return "", errors.New("resolver: /etc/resolv.conf names none; name one")
}

func (c client) String() string { return "the resolver " + c.resolver }

// ask asks over UDP, up to three times, and over TCP where the answer was cut.
func (c client) ask(ctx context.Context, q Question) Answer {
	a := Answer{Name: q.Name, Type: int(q.Type)}
	var err error
	for range tries {
		var msg []byte
		a.Transport = "udp"
		msg, err = c.exchange(ctx, q, "udp")
		if err == nil && truncated(msg) {
			a.Transport = "tcp"
			msg, err = c.exchange(ctx, q, "tcp")
		}
		if err == nil {
			a.Message = base64.StdEncoding.EncodeToString(msg)
			return a
		}
		if ctx.Err() != nil || errors.Is(err, source.ErrAddress) || errors.Is(err, errName) {
			break
		}
	}
	a.Transport, a.Problem = "", problemWords(err)
	return a
}

func problemWords(err error) string {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Sprintf("no answer in %d tries of %s", tries, answerTime)
	}
	var op *net.OpError
	if errors.As(err, &op) { // without the port of ours, which says nothing
		err = op.Err
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

var errName = errors.New("it is no name that can be asked for")

// exchange sends one question and waits for its answer; others are passed over.
func (c client) exchange(ctx context.Context, q Question, network string) ([]byte, error) {
	id, query, err := encode(q)
	if err != nil {
		return nil, err
	}
	conn, err := c.dialer.DialContext(ctx, network, c.resolver)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(c.wait)); err != nil {
		return nil, err
	}
	if network == "tcp" {
		return exchangeTCP(conn, id, q, query)
	}
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	buf := make([]byte, 65535)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, err
		}
		if answers(buf[:n], id, q) {
			return buf[:n], nil
		}
	}
}

func exchangeTCP(conn net.Conn, id uint16, q Question, query []byte) ([]byte, error) {
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	msg := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, msg); err != nil {
		return nil, err
	}
	if !answers(msg, id, q) {
		return nil, errors.New("the answer is to another question")
	}
	return msg, nil
}

// encode writes a question with a random id that asks for checked answers (RFC
// 6840 section 5.7).
func encode(q Question) (uint16, []byte, error) {
	var r [2]byte
	if _, err := rand.Read(r[:]); err != nil {
		return 0, nil, err
	}
	id := binary.BigEndian.Uint16(r[:])
	name, err := dnsmessage.NewName(q.Name + ".")
	if err != nil {
		return 0, nil, errName
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id, RecursionDesired: true, AuthenticData: true})
	var opt dnsmessage.ResourceHeader
	err = errors.Join(
		b.StartQuestions(), b.Question(dnsmessage.Question{Name: name, Type: q.Type, Class: dnsmessage.ClassINET}),
		b.StartAdditionals(), opt.SetEDNS0(udpSize, dnsmessage.RCodeSuccess, q.Type == dnsmessage.TypeSOA), b.OPTResource(opt, dnsmessage.OPTResource{}),
	)
	if err != nil {
		return 0, nil, errName
	}
	msg, err := b.Finish()
	return id, msg, err
}

// answers reports whether msg is the answer to a question.
func answers(msg []byte, id uint16, q Question) bool {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil || !h.Response || h.ID != id {
		return false
	}
	got, err := p.Question()
	return err == nil && strings.EqualFold(got.Name.String(), q.Name+".") && got.Type == q.Type
}

func truncated(msg []byte) bool {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	return err == nil && h.Truncated
}
