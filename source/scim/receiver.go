package scim

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"tieout/audit"
)

// Options say how a receiver works.
type Options struct {
	Journal string           // folder of the journal; made where it is not there
	Token   string           // the bearer token that the identity provider presents
	Base    string           // address under which the provider knows the receiver, such as https://tieout.example.com/scim/v2; "" leaves locations relative
	Beat    time.Duration    // how often it writes that it listens; 0: five minutes
	Now     func() time.Time // the clock; nil: the system's
}

const (
	standardBeat = 5 * time.Minute
	maxBody      = 1 << 20
	maxPage      = 1000
	minToken     = 20
)

// A Receiver is a SCIM 2.0 service provider (RFC 7643, RFC 7644) that keeps
// what an identity provider pushes in a journal. A request that was answered as
// accepted is on disk. One receiver may write a journal at a time: an older one
// stops accepting when a newer one begins. It is safe for concurrent use.
type Receiver struct {
	opts  Options
	token [32]byte
	stop  chan struct{}
	ended sync.WaitGroup

	mu      sync.Mutex
	journal *journal
	users   map[string]*user
	groups  map[string]*group
	members map[string]map[string]bool // group -> users
	logins  map[string]string          // userName in lower case -> user
}

// Handler opens the journal, reads the state from it, and returns the receiver,
// which is an http.Handler: mount it with the path of Base stripped. Close ends
// it. Errors wrap audit.ErrInvalid where the options or the journal are at fault.
func Handler(o Options) (*Receiver, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Beat <= 0 {
		o.Beat = standardBeat
	}
	switch {
	case o.Journal == "":
		return nil, fmt.Errorf("%w: scim: the journal's folder is not named", audit.ErrInvalid)
	case len(o.Token) < minToken:
		return nil, fmt.Errorf("%w: scim: the token has less than %d characters", audit.ErrInvalid, minToken)
	}
	r := &Receiver{opts: o, token: sha256.Sum256([]byte(o.Token)), stop: make(chan struct{}), users: map[string]*user{}, groups: map[string]*group{},
		members: map[string]map[string]bool{}, logins: map[string]string{}}
	j, err := openJournal(o.Journal, o.Now, func(e entry) error { r.commit(e); return nil })
	if err != nil {
		return nil, fmt.Errorf("scim: %w", err)
	}
	r.journal = j
	r.ended.Add(1)
	go r.beat()
	return r, nil
}

// beat writes that the receiver listens, until Close.
func (r *Receiver) beat() {
	defer r.ended.Done()
	t := time.NewTicker(r.opts.Beat)
	defer t.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-t.C:
			r.Beat()
		}
	}
}

// Beat writes now that the receiver listens. A failure stays with the journal:
// every later request is refused with it.
func (r *Receiver) Beat() {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.journal.append(&entry{Event: eventBeat})
}

// Close ends the beat and the journal's file.
func (r *Receiver) Close() error {
	close(r.stop)
	r.ended.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.journal.close()
}

// commit takes over the state that an entry tells.
func (r *Receiver) commit(e entry) {
	switch {
	case e.User != nil:
		if old := r.users[e.User.ID]; old != nil {
			delete(r.logins, login(old))
		}
		if e.Deleted {
			delete(r.users, e.User.ID)
			for _, m := range r.members {
				delete(m, e.User.ID)
			}
			return
		}
		r.users[e.User.ID] = e.User
		r.logins[login(e.User)] = e.User.ID
	case e.Group != nil && e.Deleted:
		delete(r.groups, e.Group.ID)
		delete(r.members, e.Group.ID)
	case e.Group != nil:
		r.groups[e.Group.ID] = e.Group
		m := r.members[e.Group.ID]
		if m == nil {
			m = map[string]bool{}
			r.members[e.Group.ID] = m
		}
		for _, id := range e.Set {
			m[id] = true
		}
		for _, id := range e.Gone {
			delete(m, id)
		}
	}
}

func login(u *user) string {
	s, _ := value(u.Attributes, "userName").(string)
	return strings.ToLower(s)
}

// A reply is what a request is answered with.
type reply struct {
	status int
	body   map[string]any // nil: none
	etag   string
	where  string // Location
}

// ServeHTTP answers one request.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	out, err := r.answer(req)
	var no *refusal
	switch {
	case errors.As(err, &no):
	case err != nil: // of the journal: nothing is accepted that is not kept
		no = &refusal{http.StatusInternalServerError, "", "the request cannot be kept"}
	}
	if no != nil {
		if no.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="scim"`)
		}
		out = reply{status: no.status, body: map[string]any{"schemas": []string{messageError}, "status": fmt.Sprint(no.status), "detail": no.detail}}
		if no.kind != "" {
			out.body["scimType"] = no.kind
		}
	}
	write(w, out)
}

func write(w http.ResponseWriter, out reply) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if out.etag != "" {
		h.Set("ETag", out.etag)
	}
	if out.where != "" {
		h.Set("Location", out.where)
	}
	if out.body == nil {
		w.WriteHeader(out.status)
		return
	}
	b, err := json.Marshal(out.body)
	if err != nil { // came as JSON
		panic(err)
	}
	h.Set("Content-Type", "application/scim+json")
	w.WriteHeader(out.status)
	_, _ = w.Write(b) // a client that has gone is not told
}

func (r *Receiver) answer(req *http.Request) (reply, error) {
	if !r.allowed(req) {
		return reply{}, &refusal{http.StatusUnauthorized, "", "the bearer token is missing or wrong"}
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, maxBody+1))
	switch {
	case err != nil:
		return reply{}, bad("invalidSyntax", "the body broke off")
	case len(body) > maxBody:
		return reply{}, &refusal{http.StatusRequestEntityTooLarge, "", fmt.Sprintf("the body is larger than %d bytes", maxBody)}
	}
	kind, id, _ := strings.Cut(strings.Trim(req.URL.Path, "/"), "/")
	r.mu.Lock()
	defer r.mu.Unlock()
	if out, ok, err := r.discover(req, kind, id); ok || err != nil {
		return out, err
	}
	things, ok := map[string]resources{"users": userResources{r}, "groups": groupResources{r}}[strings.ToLower(kind)]
	if !ok || strings.Contains(id, "/") {
		return reply{}, &refusal{http.StatusNotFound, "", "there is no such endpoint"}
	}
	return r.route(req, things, id, body)
}

// allowed compares the token in a time that does not depend on it.
func (r *Receiver) allowed(req *http.Request) bool {
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	got := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return subtle.ConstantTimeCompare(got[:], r.token[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

// resources are the users or the groups.
type resources interface {
	name() string // of the endpoint
	ids() []string
	// show is the resource as it is sent; nil where there is none.
	show(id string) map[string]any
	// flat is what filters look at, not to be changed.
	flat(id string, f filter) map[string]any
	version(id string) int
	// make begins a resource of attributes; replace gives one new ones. Both
	// return the entry that says so, and refuse what cannot be.
	make(attributes map[string]any) (*entry, string, error)
	replace(id string, attributes map[string]any) (*entry, error)
	remove(id string) *entry
}

func (r *Receiver) route(req *http.Request, things resources, id string, body []byte) (reply, error) {
	switch {
	case id == "" && req.Method == http.MethodGet:
		return r.list(req, things)
	case id == "" && req.Method == http.MethodPost:
		return r.create(req, things, body)
	case id == "":
		return reply{}, &refusal{http.StatusMethodNotAllowed, "", req.Method + " is not for all of them"}
	case things.show(id) == nil:
		return reply{}, &refusal{http.StatusNotFound, "", fmt.Sprintf("there is no %s in %s", id, things.name())}
	}
	if err := r.precondition(req, things, id); err != nil {
		return reply{}, err
	}
	switch req.Method {
	case http.MethodGet:
		if match := req.Header.Get("If-None-Match"); match != "" && matchesTag(match, things.version(id)) {
			return reply{status: http.StatusNotModified, etag: tag(things.version(id))}, nil
		}
		return r.sent(req, things, id, http.StatusOK), nil
	case http.MethodPut:
		return r.put(req, things, id, body)
	case http.MethodPatch:
		return r.patch(req, things, id, body)
	case http.MethodDelete:
		if err := r.keep(req, things.remove(id), nil); err != nil {
			return reply{}, err
		}
		return reply{status: http.StatusNoContent}, nil
	}
	return reply{}, &refusal{http.StatusMethodNotAllowed, "", req.Method + " is not known"}
}

func tag(version int) string { return fmt.Sprintf(`W/"%d"`, version) }

func matchesTag(header string, version int) bool {
	for t := range strings.SplitSeq(header, ",") {
		if t = strings.TrimSpace(t); t == "*" || t == tag(version) {
			return true
		}
	}
	return false
}

func (r *Receiver) precondition(req *http.Request, things resources, id string) error {
	if match := req.Header.Get("If-Match"); match != "" && !matchesTag(match, things.version(id)) {
		return &refusal{http.StatusPreconditionFailed, "", "it was changed meanwhile"}
	}
	return nil
}

// sent is a resource in an answer.
func (r *Receiver) sent(req *http.Request, things resources, id string, status int) reply {
	doc := things.show(id)
	where := r.location(things, id)
	meta, _ := doc["meta"].(map[string]any)
	meta["location"] = where
	return reply{status, chosenAttributes(req, doc), tag(things.version(id)), where}
}

func (r *Receiver) location(things resources, id string) string {
	return strings.TrimSuffix(r.opts.Base, "/") + "/" + things.name() + "/" + id
}

// chosenAttributes leaves away what a request does not want (RFC 7644 section 3.9).
func chosenAttributes(req *http.Request, doc map[string]any) map[string]any {
	q := req.URL.Query()
	only, not := names(q.Get("attributes")), names(q.Get("excludedAttributes"))
	maps.DeleteFunc(doc, func(name string, _ any) bool {
		if name == "id" || name == "schemas" {
			return false
		}
		in := func(list []string) bool {
			return slices.ContainsFunc(list, func(n string) bool { return strings.EqualFold(n, name) })
		}
		return len(only) > 0 && !in(only) || in(not)
	})
	return doc
}

// names are the attributes of a list, sub-attributes counting for all of theirs.
func names(text string) []string {
	var out []string
	for n := range strings.SplitSeq(text, ",") {
		p, err := parsePath(n)
		switch {
		case err != nil:
		case p.schema != "":
			out = append(out, p.schema)
		default:
			out = append(out, p.name)
		}
	}
	return out
}

// decode reads the attributes of a resource, without those that only the
// receiver gives and without passwords.
func decode(body []byte) (map[string]any, error) {
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil || v == nil {
		return nil, bad("invalidSyntax", "the body is not a JSON object")
	}
	maps.DeleteFunc(v, func(name string, _ any) bool { return fixed(name) || secret(name) })
	return v, nil
}

func (r *Receiver) create(req *http.Request, things resources, body []byte) (reply, error) {
	attributes, err := decode(body)
	if err != nil {
		return reply{}, err
	}
	e, id, err := things.make(attributes)
	if err != nil {
		return reply{}, err
	}
	if err := r.keep(req, e, body); err != nil {
		return reply{}, err
	}
	return r.sent(req, things, id, http.StatusCreated), nil
}

func (r *Receiver) put(req *http.Request, things resources, id string, body []byte) (reply, error) {
	attributes, err := decode(body)
	if err != nil {
		return reply{}, err
	}
	return r.change(req, things, id, attributes, body)
}

func (r *Receiver) patch(req *http.Request, things resources, id string, body []byte) (reply, error) {
	ops, err := readPatch(body)
	if err != nil {
		return reply{}, err
	}
	attributes := copied(things.show(id))
	maps.DeleteFunc(attributes, func(name string, _ any) bool { return fixed(name) })
	for _, o := range ops {
		if err := o.apply(attributes); err != nil {
			return reply{}, err
		}
	}
	maps.DeleteFunc(attributes, func(name string, _ any) bool { return secret(name) })
	return r.change(req, things, id, attributes, body)
}

func (r *Receiver) change(req *http.Request, things resources, id string, attributes map[string]any, body []byte) (reply, error) {
	e, err := things.replace(id, attributes)
	if err != nil {
		return reply{}, err
	}
	if err := r.keep(req, e, body); err != nil {
		return reply{}, err
	}
	return r.sent(req, things, id, http.StatusOK), nil
}

// keep writes an accepted request to the journal and then takes its state over.
func (r *Receiver) keep(req *http.Request, e *entry, body []byte) error {
	e.Event, e.Method, e.Path = eventRequest, req.Method, req.URL.Path
	if body != nil {
		e.Body = scrubbed(body)
	}
	if err := r.journal.append(e); err != nil {
		if errors.Is(err, errTooLarge) {
			return &refusal{http.StatusRequestEntityTooLarge, "", err.Error()}
		}
		return err
	}
	r.commit(*e)
	return nil
}

// copied is a deep copy of a value that came as JSON.
func copied(v map[string]any) map[string]any {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		panic(err)
	}
	return out
}

// secret is true of attributes that are never kept.
func secret(name string) bool {
	p, err := parsePath(name)
	return err == nil && p.schema == "" && strings.EqualFold(p.name, "password")
}

// scrubbed is a body without the values of passwords, wherever they stand.
func scrubbed(body []byte) json.RawMessage {
	var v any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return nil
	}
	b, err := json.Marshal(scrub(v))
	if err != nil {
		return nil
	}
	return b
}

func scrub(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = scrub(v[i])
		}
	case map[string]any:
		if p, ok := value(v, "path").(string); ok && secret(p) {
			delete(v, key(v, "value"))
		}
		for name, e := range v {
			if secret(name) {
				delete(v, name)
			} else {
				v[name] = scrub(e)
			}
		}
	}
	return v
}

// newID is a random UUID (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
