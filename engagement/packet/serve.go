package packet

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/ledger"
)

// A Keeper is one engagement's end of an exchange, as a server needs it. A *Post
// is one; a caller that acts on what arrives wraps it.
type Keeper interface {
	Receive(ctx context.Context, by audit.Actor, in io.Reader, consent ledger.Consent) (Received, error)
	Lanes(ctx context.Context) (sent, received Lane, err error)
	List(ctx context.Context, sent bool, after int64) ([]Filed, error)
	Bytes(ctx context.Context, number int64) (io.ReadCloser, Filed, error)
	Admit(ctx context.Context, request []byte, what string) error
}

var _ Keeper = (*Post)(nil)

// Find returns the end of an exchange that is kept here, by engagement and the
// origin of the other side's log; audit.ErrNotFound for none.
type Find func(ctx context.Context, engagement, other string) (Keeper, error)

// listed is how many waiting packets one answer names.
const listed = 500

// scheme is the Authorization scheme of a signed request.
const scheme = "Tieout-Note "

// exchanged is who acts when a packet arrives over the network.
var exchanged = audit.Actor{Kind: audit.ActorConnector, Name: "exchange"}

// A waiting is the answer to a list.
type waiting struct {
	Format  string  `json:"format"`
	Heard   int64   `json:"heard"`   // highest number taken from the asker
	Packets []Filed `json:"packets"` // that wait for it, the first of them
}

const waitingFormat = "tieout.exchange/1"

// Serve answers the other sides of exchanges:
//
//	POST /exchange/{engagement}/packets            a packet as the body
//	GET  /exchange/{engagement}/packets?after=N    what waits after number N
//	GET  /exchange/{engagement}/packets/{number}   its bytes; ?from=OFFSET goes on
//
// A packet is its own authority: its signature is checked before more than its
// header is read. A GET carries a signed request (Post.Ask). Errors are JSON with
// a kind and words; who is not the other side learns only that.
func Serve(find Find) http.Handler {
	s := server{find}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /exchange/{engagement}/packets", s.post)
	mux.HandleFunc("GET /exchange/{engagement}/packets", s.list)
	mux.HandleFunc("GET /exchange/{engagement}/packets/{number}", s.get)
	return mux
}

type server struct{ find Find }

// errStranger is all that is said to whom this is not meant for.
var errStranger = fmt.Errorf("%w: there is no such exchange with you here", audit.ErrForbidden)

// keeper finds the exchange; one that is not here is as closed as any other.
func (s server) keeper(ctx context.Context, engagement, other string) (Keeper, error) {
	k, err := s.find(ctx, engagement, other)
	if errors.Is(err, audit.ErrNotFound) || errors.Is(err, audit.ErrForbidden) || errors.Is(err, audit.ErrInvalid) {
		return nil, errStranger
	}
	return k, err
}

func (s server) post(w http.ResponseWriter, r *http.Request) {
	h, err := readHead(r.Body)
	if err != nil {
		refuse(w, err)
		return
	}
	k, err := s.keeper(r.Context(), r.PathValue("engagement"), h.header.From)
	if err == nil && h.header.Engagement != r.PathValue("engagement") {
		err = errStranger
	}
	if err != nil {
		refuse(w, err)
		return
	}
	got, err := k.Receive(r.Context(), exchanged, h.again(r.Body), ledger.Consent{})
	if errors.Is(err, ErrNotSigned) {
		err = errStranger
	}
	if err != nil {
		refuse(w, err)
		return
	}
	answer := map[string]any{"format": waitingFormat, "number": got.Header.Number, "digest": got.Digest, "again": got.Again}
	if err := got.Close(); err != nil {
		refuse(w, err)
		return
	}
	reply(w, answer)
}

// admitted returns the exchange that a signed request is for.
func (s server) admitted(r *http.Request, what string) (Keeper, error) {
	b64, ok := strings.CutPrefix(r.Header.Get("Authorization"), scheme)
	if !ok || len(b64) > 2*maxAsk {
		return nil, errStranger
	}
	msg, err := base64.StdEncoding.DecodeString(b64)
	if err != nil {
		return nil, errStranger
	}
	a, err := readAsk(msg)
	if err != nil {
		return nil, errStranger
	}
	k, err := s.keeper(r.Context(), r.PathValue("engagement"), a.from)
	if err != nil {
		return nil, err
	}
	err = k.Admit(r.Context(), msg, what)
	if errors.Is(err, ErrNotSigned) {
		err = errStranger
	}
	return k, err
}

func (s server) list(w http.ResponseWriter, r *http.Request) {
	after, err := count(r.URL.Query().Get("after"))
	if err != nil {
		refuse(w, err)
		return
	}
	k, err := s.admitted(r, listWords(after))
	if err != nil {
		refuse(w, err)
		return
	}
	answer, err := waits(r.Context(), k, after)
	if err != nil {
		refuse(w, err)
		return
	}
	reply(w, answer)
}

func waits(ctx context.Context, k Keeper, after int64) (waiting, error) {
	_, received, err := k.Lanes(ctx)
	if err != nil {
		return waiting{}, err
	}
	list, err := k.List(ctx, true, after)
	if list == nil {
		list = []Filed{}
	}
	return waiting{waitingFormat, received.Last, list[:min(len(list), listed)]}, err
}

func (s server) get(w http.ResponseWriter, r *http.Request) {
	number, err := count(r.PathValue("number"))
	if err != nil {
		refuse(w, err)
		return
	}
	from, err := count(r.URL.Query().Get("from"))
	if err != nil {
		refuse(w, err)
		return
	}
	k, err := s.admitted(r, getWords(number, from))
	if err != nil {
		refuse(w, err)
		return
	}
	in, filed, err := k.Bytes(r.Context(), number)
	if err != nil {
		refuse(w, err)
		return
	}
	err = sendFrom(w, in, filed, from)
	if err = errors.Join(err, in.Close()); err != nil {
		panic(http.ErrAbortHandler) // the answer has begun: it is cut off, so that it is not taken for whole
	}
}

// sendFrom answers with a packet's bytes from an offset on.
func sendFrom(w http.ResponseWriter, in io.Reader, filed Filed, from int64) error {
	if from > filed.Size {
		refuse(w, invalid("packet %d has %d bytes; there is nothing from %d on", filed.Number, filed.Size, from))
		return nil
	}
	if _, err := io.CopyN(io.Discard, in, from); err != nil {
		return err
	}
	w.Header().Set("Content-Type", Media)
	w.Header().Set("Content-Length", strconv.FormatInt(filed.Size-from, 10))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_, err := io.Copy(w, in)
	return err
}

func listWords(after int64) string { return fmt.Sprintf("list %d", after) }

func getWords(number, from int64) string { return fmt.Sprintf("get %d %d", number, from) }

// count reads a number in an address; "" is 0.
func count(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		return 0, invalid("%q is no number", short(s))
	}
	return n, nil
}

// kinds of error as they cross, each with its status; the first that fits.
var crossing = []struct {
	name   string
	kind   error
	status int
}{
	{"forbidden", audit.ErrForbidden, http.StatusForbidden},
	{"altered", audit.ErrAltered, http.StatusUnprocessableEntity},
	{"conflict", audit.ErrConflict, http.StatusConflict},
	{"not found", audit.ErrNotFound, http.StatusNotFound},
	{"invalid", audit.ErrInvalid, http.StatusBadRequest},
}

// A refusal is an error as it crosses.
type refusal struct {
	Format string `json:"format"`
	Kind   string `json:"kind"`
	Error  string `json:"error"`
}

// refuse answers with an error. What is not the asker's doing is not told.
func refuse(w http.ResponseWriter, err error) {
	w.Header().Set("Connection", "close") // a body may be under way that nobody reads
	for _, c := range crossing {
		if errors.Is(err, c.kind) {
			write(w, c.status, refusal{waitingFormat, c.name, err.Error()})
			return
		}
	}
	write(w, http.StatusInternalServerError, refusal{waitingFormat, "unavailable", "the other side could not do it; ask again later"})
}

func reply(w http.ResponseWriter, v any) { write(w, http.StatusOK, v) }

func write(w http.ResponseWriter, status int, v any) {
	b, err := canonical.Marshal(v)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // who has gone gets no answer
}
