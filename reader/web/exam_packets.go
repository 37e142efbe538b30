package web

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/engagement/packet"
	"tieout/ledger"
	"tieout/report"
)

// examPacketRoutes are the exchange with firms: by files that somebody carries, and
// with their servers.
var examPacketRoutes = []route{
	{pattern: "POST /examinations/packets", needs: "engagement.open", on: examWhole, do: (*request).examBring},
	{pattern: "POST /examinations/fetch", needs: "engagement.open", on: examWhole, do: (*request).examFetch},
	{pattern: "GET /examinations/{id}/letter", needs: "request.read", on: examWhole, do: (*request).examLetter},
	{pattern: "GET /examinations/{id}/packets", needs: "request.read", on: examWhole, do: (*request).examPackets},
	{pattern: "POST /examinations/{id}/packets", needs: "engagement.open", on: examWhole, do: (*request).examBringOne},
	{pattern: "POST /examinations/{id}/packets/make", needs: "engagement.open", on: examWhole, do: (*request).examMakePackets},
	{pattern: "POST /examinations/{id}/packets/exchange", needs: "engagement.open", on: examWhole, do: (*request).examSync},
	{pattern: "GET /examinations/{id}/packets/{number}", needs: "engagement.open", on: examWhole, do: (*request).examPacket},
}

// Limits of packets that come by a form, and of one exchange with a server.
const (
	maxCarried   = 2 << 30 // bytes of all files of a form
	maxFiles     = 200
	exchangeTime = 100 * time.Second // what went through until then stays; the next exchange goes on
	carryTime    = 30 * time.Minute  // for the bytes of a form with packets
)

// An examEnd is this workspace's end of one engagement's exchange, as screens use
// it: a company's or a firm's.
type examEnd struct {
	id, other string // the engagement, and the name of the other side
	at        string // address of its page
	address   string // of the other side's server; "": unknown
	post      *packet.Post
	take      func(context.Context, packet.Received) error
}

// An examBring is the form that takes packets in.
type examBring struct{ Action, From string }

// companyEnd is the end of the exchange of the engagement in the path.
func (q *request) companyEnd() (e examEnd, err error) {
	id := q.PathValue("id")
	e = examEnd{id: id, at: "/examinations/" + id + "/packets", take: q.exam.Take}
	err = q.exam.Side.Read(q.Context(), func(s *management.State) error {
		x, err := s.Side(id)
		if err != nil {
			return err
		}
		q.examFrame(x, "/packets")
		e.other = x.Terms.Firm.Name
		if f := s.Firms[x.Terms.Firm.Origin]; f != nil && f.Ended.IsZero() {
			e.address = f.Address
		}
		return nil
	})
	if err == nil {
		e.post, err = q.exam.Kept(q.Context(), id)
	}
	return e, err
}

// A packetRow is one packet in a list.
type packetRow struct {
	link
	N              int64
	What, When     string
	Size           string
	Record         link
	Heard, Waiting bool
}

// packetWords are the kinds of packet in words.
var packetWords = map[engagement.Kind]string{
	engagement.SendTerms: "Terms", engagement.SendRequests: "Requests", engagement.SendAcceptance: "Word on a population", engagement.SendSample: "Sample", engagement.SendFindings: "Exceptions",
	engagement.SendDraft: "Draft report", engagement.SendReport: "Report", engagement.SendState: "Step", engagement.SendAgreed: "Agreement to the terms", engagement.SendControls: "Controls", engagement.SendAnswers: "Answers",
	engagement.SendPopulation: "Frozen population", engagement.SendEvidence: "Evidence of a run", engagement.SendResponses: "Responses", engagement.SendDescription: "Description", engagement.SendAssertion: "Assertion",
	engagement.SendRepresentation: "Letter of representation", engagement.SendComments: "Comments", engagement.SendSeen: "Checkpoint of the log",
}

func (q *request) packetRows(e examEnd, list []packet.Filed, other string, heard int64) (out []packetRow) {
	for _, f := range list {
		what := packetWords[f.Kind]
		if what == "" {
			what = report.Capital(string(f.Kind))
		}
		ref := audit.EvidenceRef(f.Record)
		row := packetRow{N: f.Number, What: what, When: report.Moment(f.At, q.zone()), Size: packetSize(f.Size), Record: link{ref, q.at("evidence", ref)}, Heard: f.Number <= heard}
		row.Text = packet.Header{Engagement: e.id, To: other, Number: f.Number}.FileName()
		row.Href = e.at + "/" + strconv.FormatInt(f.Number, 10)
		out = append(out, row)
	}
	return out
}

// packetSize is a number of bytes as people read it.
func packetSize(n int64) string {
	switch {
	case n < 10_000:
		return report.Number(int(n)) + " bytes"
	case n < 10_000_000:
		return report.Number(int(n/1000)) + " kB"
	}
	return report.Number(int(n/1_000_000)) + " MB"
}

type packetsPage struct {
	*page
	E             examEnd
	At, Other     string
	Waiting       []packetRow // for the other side
	Sent, Came    []packetRow // the newest
	Older         int
	May           bool
	Address       string
	AsksAddress   bool // nobody keeps the other side's address here
	Bring         examBring
	Own, Theirs   string
	Seen, Carried string
}

// newest is how many packets of each direction the page names.
const newest = 20

// showPackets is the page of an exchange.
func (q *request) showPackets(e examEnd, may, asksAddress bool) error {
	sent, received, err := e.post.Lanes(q.Context())
	if err != nil {
		return err
	}
	out, err := e.post.List(q.Context(), true, 0)
	if err != nil {
		return err
	}
	in, err := e.post.List(q.Context(), false, 0)
	if err != nil {
		return err
	}
	own, other := e.parties(q)
	data := packetsPage{page: &q.page, E: e, At: e.at, Other: e.other, May: may, Address: q.typed("address", e.address), AsksAddress: asksAddress, Bring: examBring{e.at, e.other}}
	rows := q.packetRows(e, out, other.Origin, received.Heard)
	data.Waiting = slices.DeleteFunc(slices.Clone(rows), func(r packetRow) bool { return r.Heard })
	data.Came = q.packetRows(e, in, own.Origin, 0)
	slices.Reverse(rows)
	slices.Reverse(data.Came)
	data.Sent, data.Came = rows[:min(newest, len(rows))], data.Came[:min(newest, len(data.Came))]
	data.Older = len(out) + len(in) - len(data.Sent) - len(data.Came)
	if received.Last > 0 {
		data.Seen = "Its log showed " + report.Plural(int(received.Seen.Size), "entry", "entries") + " with its last packet; this log has witnessed that."
	}
	q.Title, q.Heading, q.Wide = "Exchange of "+e.id, "Exchange with "+e.other, true
	q.Say = sayPackets(int(sent.Last), int(received.Last), len(data.Waiting), e.other)
	q.Way = append(q.Way, link{"Exchange", ""})
	q.Code = []string{"tieout engagement exchange --folder FOLDER"}
	return q.render("exam-packets.html", data)
}

// parties are the two sides of an exchange, one's own first.
func (e examEnd) parties(q *request) (own, other engagement.Party) {
	s := e.post.Sides()
	if q.s.firm != nil {
		return s.Firm, s.Client
	}
	return s.Client, s.Firm
}

// sayPackets says how many packets went each way, and what waits for the other side.
func sayPackets(sent, received, waiting int, other string) string {
	if sent+received == 0 {
		return "Nothing has gone between the sides yet."
	}
	s := report.Capital(report.Plural(sent, "packet was", "packets were")) + " made for " + other + " and " + report.Number(received) + " came from it"
	if waiting > 0 {
		return s + "; it has not confirmed " + report.Number(waiting) + " of those made for it."
	}
	return s + "; it has confirmed all that was made for it."
}

func (q *request) examPackets() error {
	e, err := q.companyEnd()
	if err != nil {
		return err
	}
	return q.showPackets(e, q.may("engagement.open", examAll), false)
}

func (q *request) examMakePackets() error {
	if _, err := q.companyEnd(); err != nil {
		return err
	}
	return q.toFirm(q.PathValue("id"), q.under("examinations", q.PathValue("id"), "packets"), "What was decided is in packets.")
}

// examPacket hands a packet over as a file, or all that wait in one.
func (q *request) examPacket() error {
	e, err := q.companyEnd()
	if err != nil {
		return err
	}
	return q.handPacket(e)
}

// handPacket hands over the packet the path names by its number, or with
// "waiting.zip" all that the other side has not confirmed.
func (q *request) handPacket(e examEnd) error {
	name := q.PathValue("number")
	_, other := e.parties(q)
	file := func(n int64) string {
		return packet.Header{Engagement: e.id, To: other.Origin, Number: n}.FileName()
	}
	if name == "waiting.zip" {
		return q.handWaiting(e, file)
	}
	n, err := strconv.ParseInt(name, 10, 64)
	if err != nil || n < 1 {
		return fmt.Errorf("%w: packet %q", audit.ErrNotFound, name)
	}
	in, f, err := e.post.Bytes(q.Context(), n)
	if err != nil {
		return err
	}
	q.asFile(file(n), packet.Media)
	q.w.Header().Set("Content-Length", strconv.FormatInt(f.Size, 10))
	return errors.Join(q.streamed(io.Copy(q.w, in)), in.Close())
}

// asFile sets the head of an answer that is a file of a plain name.
func (q *request) asFile(name, media string) {
	h := q.w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+plainName(name)+`"`)
	_ = http.NewResponseController(q.w).SetWriteDeadline(time.Now().Add(carryTime)) // a writer of tests has none
}

// streamed ends an answer whose bytes did not all go: whoever gets them must not
// take them for whole.
func (q *request) streamed(_ int64, err error) error {
	if err == nil {
		return nil
	}
	q.s.note(q.Request, err)
	panic(http.ErrAbortHandler)
}

func (q *request) handWaiting(e examEnd, file func(int64) string) error {
	_, received, err := e.post.Lanes(q.Context())
	if err != nil {
		return err
	}
	list, err := e.post.List(q.Context(), true, received.Heard)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%w: a packet that waits; %s has confirmed all of them", audit.ErrNotFound, e.other)
	}
	if err != nil {
		return err
	}
	q.asFile(e.id+"-packets.zip", "application/zip")
	z := zip.NewWriter(q.w)
	for _, f := range list {
		if err := q.streamed(0, zipPacket(q.Context(), z, e.post, f.Number, file(f.Number))); err != nil {
			return err
		}
	}
	return q.streamed(0, z.Close())
}

func zipPacket(ctx context.Context, z *zip.Writer, post *packet.Post, n int64, name string) error {
	in, _, err := post.Bytes(ctx, n)
	if err != nil {
		return err
	}
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err == nil {
		_, err = io.Copy(w, in)
	}
	return errors.Join(err, in.Close())
}

// carried writes the files of a form into a new folder, each of which may be a
// packet. The caller removes the folder, also on error.
func (q *request) carried() (dir string, n int, err error) {
	_ = http.NewResponseController(q.w).SetReadDeadline(time.Now().Add(carryTime)) // a writer of tests has none
	mr, err := q.MultipartReader()
	if err != nil {
		return "", 0, fmt.Errorf("%w: the form holds no file: %w", audit.ErrInvalid, err)
	}
	if dir, err = os.MkdirTemp("", "tieout-carried-*"); err != nil {
		return "", 0, err
	}
	for parts := 0; ; parts++ {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return dir, n, formError(err)
		}
		if parts > maxFiles {
			return dir, n, fmt.Errorf("%w: at most %d files at once", audit.ErrInvalid, maxFiles)
		}
		if part.FormName() != "file" || part.FileName() == "" {
			continue
		}
		n++
		if err := keepPart(part, filepath.Join(dir, fmt.Sprintf("%04d.packet", n))); err != nil {
			return dir, n, err
		}
	}
	if n == 0 {
		return dir, 0, fmt.Errorf("%w: choose the packets, as files whose names end in .packet", audit.ErrInvalid)
	}
	return dir, n, nil
}

func keepPart(in io.Reader, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return formError(err)
}

// brought takes the packets of a form in, those of the engagement only; end gives
// the end of an exchange by engagement and the origin of the sender's log.
func (q *request) brought(only string, end func(id, from string) (examEnd, error)) (fresh, files int, ids []string, err error) {
	dir, n, err := q.carried()
	if dir != "" {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	if err != nil {
		return 0, n, nil, err
	}
	list, err := packet.PendingIn(dir)
	if err != nil {
		return 0, n, nil, err
	}
	done := map[string]bool{}
	for _, p := range list {
		if p.Err != nil {
			return fresh, n, ids, fmt.Errorf("%w: one of the files is no packet: %w", audit.ErrInvalid, p.Err)
		}
		id, from := p.Header.Engagement, p.Header.From
		if only != "" && id != only {
			return fresh, n, ids, fmt.Errorf("%w: %s is of another examination, %s", audit.ErrInvalid, p.Header.FileName(), id)
		}
		if own := q.st.p.Log.Keys().Log(); p.Header.To != own {
			return fresh, n, ids, fmt.Errorf("%w: %s is for the log %s, and this one is %s", audit.ErrInvalid, p.Header.FileName(), p.Header.To, own)
		}
		if done[id+"\x00"+from] {
			continue
		}
		done[id+"\x00"+from] = true
		e, err := end(id, from)
		if err != nil {
			return fresh, n, ids, err
		}
		ids = append(ids, id)
		got, err := e.post.Inbox(q.Context(), q.actor(), dir, ledger.Consent{}, e.take)
		fresh += got
		if err != nil {
			return fresh, n, ids, err
		}
	}
	return fresh, n, ids, nil
}

// actor is who is signed in, as the log names them.
func (q *request) actor() audit.Actor { return audit.Actor{Kind: q.who.Kind, Name: q.who.Account} }

// packetProblem says what is wrong with packets that somebody brought: it is
// their sender's to mend, and nothing here was altered by it.
func (q *request) packetProblem(err error, fresh int) error {
	for _, kind := range []error{audit.ErrAltered, audit.ErrForbidden, audit.ErrNotFound} {
		if errors.Is(err, kind) && !errors.Is(err, errAgain) {
			err = fmt.Errorf("%w: %s", audit.ErrInvalid, reason(err, kind))
		}
	}
	if perr := q.problem(err); perr != nil {
		return perr
	}
	if fresh > 0 {
		q.Problem = append(q.Problem, report.Capital(report.Plural(fresh, "packet before it was", "packets before it were"))+" taken.")
	}
	return nil
}

// sayBrought says what came of packets that somebody brought.
func sayBrought(fresh, files int) string {
	again := files - fresh
	switch {
	case fresh == 0:
		return "Nothing was new: " + report.Plural(files, "packet was", "packets were") + " here already."
	case again > 0:
		return report.Capital(report.Plural(fresh, "packet was", "packets were")) + " taken; " + report.Number(again) + " " + map[bool]string{true: "was", false: "were"}[again == 1] + " here already."
	}
	return report.Capital(report.Plural(fresh, "packet was", "packets were")) + " checked, sealed and taken."
}

// invitedEnd is the end of an exchange with an invited firm, also before its terms
// are here.
func (q *request) invitedEnd(id, from string) (examEnd, error) {
	post, err := q.exam.Post(q.Context(), id, from)
	return examEnd{id: id, post: post, take: q.exam.Take}, err
}

func (q *request) examBring() error {
	fresh, n, ids, err := q.brought("", q.invitedEnd)
	if err == nil {
		to := q.to("/examinations")
		if len(ids) == 1 {
			to = q.at("examinations", ids[0])
		}
		return q.done(to, sayBrought(fresh, n))
	}
	if err := q.packetProblem(err, fresh); err != nil {
		return err
	}
	return q.examinations()
}

func (q *request) examBringOne() error {
	fresh, n, _, err := q.brought(q.PathValue("id"), q.invitedEnd)
	if err == nil {
		return q.done(q.under("examinations", q.PathValue("id"), "packets"), sayBrought(fresh, n))
	}
	if err := q.packetProblem(err, fresh); err != nil {
		return err
	}
	return q.examPackets()
}
