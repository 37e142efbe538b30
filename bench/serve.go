package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// The bars of the screens, in milliseconds to the first byte, 95 of 100.
const (
	pageBar   = 150
	periodBar = 300
)

// How many visit, for how long, and how long they look at a page.
const (
	readers  = 200
	writers  = 20
	stretch  = 60 // seconds
	lookFrom = time.Second
	lookTo   = 3 * time.Second
)

// Kinds of what is asked for.
const (
	kindPeriod = "the period page"
	kindList   = "lists"
	kindThing  = "one control, finding, record, population or person"
	kindOwn    = "one's own page and work"
	kindDoor   = "signing in"
	kindWrite  = "writing a register entry"
)

var kinds = []string{kindPeriod, kindList, kindThing, kindOwn, kindDoor, kindWrite}

// serveRows let people read and write a served demo, on both stores. Requests
// that are not answered as they should be have a line, whose bar is none.
func serveRows(ctx context.Context, b *bench) (out []row, err error) {
	size := "startup"
	if b.enterprise {
		size = "enterprise"
	}
	workspace, backup, who, err := b.peopled(ctx, size)
	if err != nil {
		return nil, err
	}
	twin, err := b.twin(workspace)
	if err != nil {
		return nil, err
	}
	out, err = b.visited(ctx, size+" on SQLite", workspace, nil, who)
	if err != nil {
		return nil, err
	}
	env, drop, err := b.onPostgres(ctx, twin, backup)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	more, err := b.visited(ctx, size+" on PostgreSQL", twin, env, who)
	return append(out, more...), err
}

// visited serves a workspace to its visitors for a while; afterwards the log
// has to verify.
func (b *bench) visited(ctx context.Context, where, workspace string, env []string, who cast) ([]row, error) {
	s, err := b.startServed(ctx, env, "-w", workspace, "serve", "--listen", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &visiting{port: s.port, who: who, took: map[string][]time.Duration{}}
	alone, err := l.alone(ctx, where, b.scaled(single, 40))
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", where, errors.Join(err, s.stop()), tail(s.text()))
	}
	err = l.run(ctx, b.scaled(readers, 8), b.scaled(writers, 2), time.Duration(b.scaled(stretch, 8))*time.Second)
	if err := errors.Join(err, s.stop()); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", where, err, tail(s.text()))
	}
	if err := b.tieoutDoes(ctx, env, "-w", workspace, "log", "verify"); err != nil {
		return nil, fmt.Errorf("%s, after the load: %w", where, err)
	}
	return append(append(alone, l.rows(where)...), plain(where+": the server", s.used(), float64(l.asked())/l.lasted.Seconds(), " requests a second")), nil
}

// A visiting is what visitors ask of one server.
type visiting struct {
	port string
	who  cast

	mu     sync.Mutex
	took   map[string][]time.Duration // to the first byte, by kind
	wrong  []error
	count  string
	lasted time.Duration
}

func (l *visiting) note(kind string, a answer, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.wrong = append(l.wrong, err)
		return
	}
	l.took[kind] = append(l.took[kind], a.first)
}

func (l *visiting) asked() (n int) {
	for _, t := range l.took {
		n += len(t)
	}
	return n
}

// run signs the readers in, then lets all ask at once for as long as it says.
// Nothing of what comes before is counted.
func (l *visiting) run(ctx context.Context, readers, writers int, long time.Duration) error {
	roles := []string{lead, lead, guest, employee}
	read, err := l.arrive(ctx, readers, roles)
	if err != nil {
		return err
	}
	places := map[string]*places{}
	for i, role := range roles {
		if places[role] != nil {
			continue
		}
		if places[role], err = explore(ctx, read[i]); err != nil {
			return err
		}
	}
	l.count = fmt.Sprintf("%d readers, %d writers, %s", readers, writers, short(long))
	start := time.Now()
	until, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	var group sync.WaitGroup
	for i, v := range read {
		group.Go(func() { l.read(until, v, places[roles[i%len(roles)]], uint64(i)) })
	}
	for i := range writers {
		group.Go(func() { l.write(until, newVisitor(l.port, readers+i), i) })
	}
	group.Wait()
	l.lasted = time.Since(start)
	return ctx.Err()
}

// single is how many pages the one reader opens who reads before the others come.
const single = 400

// alone has the lead open n pages one after the other, of all kinds in turn, while
// nobody else asks for anything: what a page takes without load.
func (l *visiting) alone(ctx context.Context, where string, n int) ([]row, error) {
	v := newVisitor(l.port, 0)
	if _, err := v.signIn(ctx, l.who.email[lead], l.who.password); err != nil {
		return nil, err
	}
	p, err := explore(ctx, v)
	if err != nil {
		return nil, err
	}
	one := &visiting{took: map[string][]time.Duration{}, count: "one reader and nobody else"}
	r := rand.New(rand.NewPCG(1, 3))
	for i := range n {
		kind := p.kinds[i%len(p.kinds)]
		a, err := v.open(ctx, p.paths[kind][r.IntN(len(p.paths[kind]))])
		if err != nil {
			return nil, err
		}
		one.note(kind, a, nil)
	}
	return one.timed(where), nil
}

// arrive makes visitors who are signed in, a few at a time.
func (l *visiting) arrive(ctx context.Context, n int, roles []string) ([]*visitor, error) {
	out, errs := make([]*visitor, n), make([]error, n)
	var group sync.WaitGroup
	few := make(chan struct{}, 2)
	for i := range out {
		out[i] = newVisitor(l.port, i)
		group.Go(func() {
			few <- struct{}{}
			defer func() { <-few }()
			_, errs[i] = out[i].signIn(ctx, l.who.email[roles[i%len(roles)]], l.who.password)
		})
	}
	group.Wait()
	return out, errors.Join(errs...)
}

// read opens pages until the time is over, looking at each for a while.
func (l *visiting) read(ctx context.Context, v *visitor, p *places, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	for wait(ctx, lookFrom/2, lookTo, r) {
		kind, path := p.pick(r)
		a, err := v.open(context.WithoutCancel(ctx), path)
		l.note(kind, a, err)
	}
}

// write signs in, writes one entry and signs out, again and again: the lead
// risks, the employee what they noticed.
func (l *visiting) write(ctx context.Context, v *visitor, n int) {
	r := rand.New(rand.NewPCG(uint64(n), 2))
	for i := 0; wait(ctx, lookFrom, lookTo, r); i++ {
		role, path, form := lead, "/risks/new", aRisk(l.who.email[lead], fmt.Sprintf("Risk %d.%d", n, i))
		if n%2 == 1 {
			role, path, form = employee, "/incidents/new", anIncident(fmt.Sprintf("Report %d.%d", n, i))
		}
		if err := l.entry(context.WithoutCancel(ctx), v, role, path, form); err != nil {
			l.note("", answer{}, err)
		}
	}
}

func (l *visiting) entry(ctx context.Context, v *visitor, role, path string, form url.Values) error {
	a, err := v.signIn(ctx, l.who.email[role], l.who.password)
	if err != nil {
		return err
	}
	l.note(kindDoor, a, nil)
	if _, err = v.open(ctx, path); err != nil {
		return err
	}
	if a, err = v.send(ctx, path, form); err != nil {
		return err
	}
	l.note(kindWrite, a, nil)
	if _, err := v.open(ctx, a.to); err != nil {
		return err
	}
	_, err = v.send(ctx, "/sign-out", url.Values{})
	return err
}

func aRisk(owner, title string) url.Values {
	return url.Values{"revision": {"0"}, "title": {title}, "owner": {owner}, "category": {"technology"}, "likelihood": {"3"}, "impact": {"3"}, "treatment": {"mitigate"},
		"plan": {"Made by a benchmark."}, "level": {"medium"}, "status": {"open"}}
}

func anIncident(detail string) url.Values {
	return url.Values{"detail": {detail + ", made by a benchmark."}, "noticed": {time.Now().Add(-48 * time.Hour).Format("2006-01-02T15:04")}}
}

// wait waits some time between from and to; false: the time is over.
func wait(ctx context.Context, from, to time.Duration, r *rand.Rand) bool {
	t := time.NewTimer(from + time.Duration(r.Int64N(int64(to-from))))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// places are pages that somebody may open, by kind.
type places struct {
	kinds []string
	paths map[string][]string
}

func (p *places) pick(r *rand.Rand) (kind, path string) {
	kind = p.kinds[r.IntN(len(p.kinds))]
	return kind, p.paths[kind][r.IntN(len(p.paths[kind]))]
}

var linked = regexp.MustCompile(`\shref="(/[^"#]*)"`)

// explore finds pages by the links of the side bar and of what it leads to.
func explore(ctx context.Context, v *visitor) (*places, error) {
	p := &places{paths: map[string][]string{}}
	first := []string{"/me"}
	for i := 0; i < len(first); i++ {
		a, err := v.ask(ctx, first[i], nil)
		if err != nil {
			return nil, err
		}
		if a.status == http.StatusSeeOther {
			continue // leads to a page that is there too
		}
		if a.status != http.StatusOK {
			return nil, fmt.Errorf("a link leads to %s, which answers %d", first[i], a.status)
		}
		p.add(first[i])
		for _, m := range linked.FindAllSubmatch(a.body, -1) {
			to := strings.ReplaceAll(string(m[1]), "&amp;", "&")
			if i == 0 && kindOf(to) != "" && !slices.Contains(first, to) {
				first = append(first, to)
			} else if kindOf(to) == kindThing {
				p.add(to)
			}
		}
	}
	return p, nil
}

// most of a kind's pages are different ones, but not more than these.
const most = 200

func (p *places) add(path string) {
	kind := kindOf(path)
	if kind == "" || len(p.paths[kind]) >= most || slices.Contains(p.paths[kind], path) {
		return
	}
	if !slices.Contains(p.kinds, kind) {
		p.kinds = append(p.kinds, kind)
	}
	p.paths[kind] = append(p.paths[kind], path)
}

var things = []string{"controls", "deviations", "evidence", "populations", "people"}

// kindOf is the kind of a page, or "" for what nobody reads again and again.
func kindOf(path string) string {
	path, query, _ := strings.Cut(path, "?")
	part := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case path == "/" || part[0] == "period":
		return kindPeriod
	case part[0] == "me" && len(part) <= 2:
		return kindOwn
	case part[0] == "account" || part[0] == "assets" || part[0] == "again" || strings.Contains(query, "as="):
		return ""
	case len(part) == 1:
		return kindList
	case len(part) == 2 && slices.Contains(things, part[0]) && part[1] != "new":
		return kindThing
	}
	return ""
}

// rows are one line a kind of page, and what was not answered as it should be.
func (l *visiting) rows(where string) []row {
	return append(l.timed(where), l.wrongRow(where))
}

// timed are one line a kind of page.
func (l *visiting) timed(where string) (out []row) {
	for _, k := range kinds {
		t := l.took[k]
		if len(t) == 0 {
			continue
		}
		slices.Sort(t)
		what := fmt.Sprintf("%s, %s: %s, %s asked", where, l.count, k, thousands(len(t)))
		figure := fmt.Sprintf("first byte p50 %s, p95 %s, p99 %s", short(quantile(t, 50)), short(quantile(t, 95)), short(quantile(t, 99)))
		p95 := float64(quantile(t, 95)) / float64(time.Millisecond)
		switch k {
		case kindPeriod:
			out = append(out, under(what, figure, p95, periodBar, " ms"))
		case kindDoor, kindWrite:
			out = append(out, plain(what, figure, p95, " ms"))
		default:
			out = append(out, under(what, figure, p95, pageBar, " ms"))
		}
	}
	return out
}

// wrongRow counts what was not answered as it should be and says the first.
func (l *visiting) wrongRow(where string) row {
	figure := fmt.Sprintf("%d of %d", len(l.wrong), len(l.wrong)+l.asked())
	if len(l.wrong) > 0 {
		first := strings.Join(strings.Fields(l.wrong[0].Error()), " ")
		figure += ", the first: " + strings.ReplaceAll(first[:min(len(first), 120)], "|", "/")
	}
	return under(where+": requests not answered as they should be", figure, float64(len(l.wrong)), 0, "")
}

// quantile is the time that percent of all, which are sorted, do not exceed.
func quantile(sorted []time.Duration, percent int) time.Duration {
	return sorted[min(len(sorted)-1, (len(sorted)*percent+99)/100-1)]
}
