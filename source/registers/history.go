package registers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

// A step is the state after the commits of one instant: those that carry the
// same second, or an earlier one than the commit they follow.
type step struct {
	at     time.Time
	commit string
	odd    string // why the instant is not certain
}

// steps puts commits, the newest first, in order of time.
func steps(list []commit) []step {
	var out []step
	for _, c := range slices.Backward(list) {
		at := audit.Instant(c.at)
		n := len(out) - 1
		switch {
		case n < 0 || at.After(out[n].at):
			out = append(out, step{at: at, commit: c.hash})
		case at.Equal(out[n].at):
			out[n].commit = c.hash
		default:
			out[n].commit = c.hash
			out[n].odd = fmt.Sprintf("commit %s carries the time %s, before that of the commit it follows: since when its state is so is not certain", short(c.hash), audit.FormatTime(at))
		}
	}
	return out
}

func short(hash string) string { return hash[:min(12, len(hash))] }

// A stretch is a time in which a register was as one commit left it.
type stretch struct {
	from   time.Time
	to     time.Time // zero: it goes on
	commit string
	asOf   time.Time         // of the commit
	files  map[string]object // at the commit
	pages  int
	bad    bool // a file could not be read: its page says which
	why    []string
}

func (s stretch) broken() bool { return s.bad || len(s.why) > 0 }

// A keeper follows one register through its history.
type keeper struct {
	register
	files     map[string]object
	other     []string
	prior     map[string][]file  // by path: what it was when last read in full, and since
	pending   map[string]bool    // paths to be told again: a page of theirs could not be read in full
	ids       map[string][]entry // by path, as last read
	stretches []stretch
}

func newKeeper(r register) *keeper {
	return &keeper{register: r, files: map[string]object{}, prior: map[string][]file{}, pending: map[string]bool{}, ids: map[string][]entry{}}
}

func (k *keeper) open() *stretch {
	if n := len(k.stretches); n > 0 && k.stretches[n-1].to.IsZero() {
		return &k.stretches[n-1]
	}
	return nil
}

// step takes the register from one commit to the next.
func (k *keeper) step(ctx context.Context, g *gitRun, s step) error {
	now, err := committed(g.objects, s.commit, g.prefix, k.folders)
	if err != nil {
		return err
	}
	k.other = now.other
	if maps.Equal(now.files, k.files) {
		return nil
	}
	touched := k.touched(now)
	k.files = now.files
	if o := k.open(); o != nil {
		o.to = s.at
	}
	next := stretch{from: s.at, commit: s.commit, asOf: s.at, files: now.files}
	if s.odd != "" {
		next.why = append(next.why, s.odd)
	}
	if len(now.files) == 0 {
		next.why = append(next.why, fmt.Sprintf("%s held no file from commit %s on; where there is none, keep a file that says so: []", k.names(), short(s.commit)))
	}
	k.stretches = append(k.stretches, next)
	pg := page{Zone: g.run.Window.Zone, AsOf: audit.FormatTime(s.at), Commit: s.commit, Files: []file{}}
	for _, p := range touched {
		if obj, ok := now.files[p]; ok {
			f, err := fromGit(g.objects, p, obj)
			if err != nil {
				return err
			}
			pg.Files = append(pg.Files, f)
		}
		pg.Before = append(pg.Before, k.prior[p]...)
	}
	return k.seal(ctx, g, pg, touched, audit.At(s.at))
}

// touched are the paths that changed, those to be told again, and those that
// held an item of the same id.
func (k *keeper) touched(now listing) []string {
	set := maps.Clone(k.pending)
	for p, o := range now.files {
		if k.files[p] != o {
			set[p] = true
		}
	}
	for p := range k.files {
		if _, ok := now.files[p]; !ok {
			set[p] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// seal seals a page and then looks into it.
func (k *keeper) seal(ctx context.Context, g *gitRun, pg page, touched []string, about audit.Span) error {
	body, err := pg.encode()
	if err != nil {
		return err
	}
	err = g.run.Seal(ctx, audit.Page{Kind: kindStates + k.typ, Query: query(g.prefix, k.register, pg.Commit), Body: body, About: about})
	if err != nil {
		return err
	}
	o := k.open()
	o.pages++
	got := k.read(pg, g.zone, mustTime(pg.AsOf))
	k.learn(pg, got, touched)
	o.bad = len(got.faults) > 0
	if twice := k.twice(); twice != "" {
		o.why = append(o.why, twice)
	}
	return nil
}

func query(prefix string, r register, commit string) string {
	var dirs []string
	for _, f := range r.folders {
		dirs = append(dirs, commit+":"+prefix+f.name)
	}
	return "git show " + strings.Join(dirs, " ")
}

// mustTime reads what FormatTime wrote.
func mustTime(s string) time.Time {
	t, err := audit.ParseTime(s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// learn remembers what a sealed page showed.
func (k *keeper) learn(pg page, got told, touched []string) {
	sound := len(got.faults) == 0
	for _, p := range touched {
		delete(k.ids, p)
		delete(k.pending, p)
		if sound {
			delete(k.prior, p)
		} else {
			k.pending[p] = true
		}
	}
	for _, f := range pg.Files {
		k.prior[f.Path] = append(k.prior[f.Path], f)
	}
	for _, e := range got.entries {
		p, _, _ := strings.Cut(e.where, ":")
		k.ids[p] = append(k.ids[p], e)
	}
}

// twice names an id that two files tell, and has both told again.
func (k *keeper) twice() string {
	first := map[string]entry{}
	why := ""
	for _, p := range slices.Sorted(maps.Keys(k.ids)) {
		for _, e := range k.ids[p] {
			other, ok := first[e.id]
			if !ok {
				first[e.id] = e
				continue
			}
			q, _, _ := strings.Cut(other.where, ":")
			if p == q || e.id == "" {
				continue
			}
			k.pending[p], k.pending[q] = true, true
			if why == "" {
				why = fmt.Sprintf("%s: the id %q is taken at %s; every %s has one of its own", e.where, e.id, other.where, k.typ)
			}
		}
	}
	return why
}

// whole seals the register as it was in a stretch, about an instant of it. With
// again, history could not be told before that instant.
func (k *keeper) whole(ctx context.Context, g *gitRun, s *stretch, about audit.Span, again bool) error {
	pg := page{Zone: g.run.Window.Zone, AsOf: audit.FormatTime(s.asOf), Commit: s.commit, Again: again, Files: []file{}}
	for _, p := range slices.Sorted(maps.Keys(s.files)) {
		f, err := fromGit(g.objects, p, s.files[p])
		if err != nil {
			return err
		}
		pg.Files = append(pg.Files, f)
	}
	body, err := pg.encode()
	if err != nil {
		return err
	}
	s.pages++
	return g.run.Seal(ctx, audit.Page{Kind: kindStates + k.typ, Query: query(g.prefix, k.register, pg.Commit), Body: body, About: about})
}

// retell seals what makes the history whole: the register once more after each
// stretch in which it could not be told, and as it is now. The latter also sets
// right what an earlier collection read of history that was rewritten since.
func (k *keeper) retell(ctx context.Context, g *gitRun, list []stretch) error {
	for i := range list {
		s := &list[i]
		if i > 0 && list[i-1].broken() && !s.broken() && len(s.files) > 0 {
			if err := k.whole(ctx, g, s, audit.At(s.from), true); err != nil {
				return err
			}
		}
	}
	if last := &list[len(list)-1]; len(last.files) > 0 {
		return k.whole(ctx, g, last, g.run.Now(), false)
	}
	return nil
}

// A hole is a stretch in which history said something it does not say any more.
type hole struct {
	audit.Span
	why string
}

// cut makes stretches of their own of the parts that lie in holes.
func cut(list []stretch, holes []hole) []stretch {
	for _, h := range holes {
		var out []stretch
		for _, s := range list {
			in := audit.Span{From: s.from, To: s.to}.Intersect(h.Span)
			if in.Empty() {
				out = append(out, s)
				continue
			}
			for _, p := range []audit.Span{{From: s.from, To: in.From}, in, {From: in.To, To: s.to}} {
				part := s
				part.from, part.to = p.From, p.To
				if p == in {
					part.why = append(slices.Clone(s.why), h.why)
				}
				if !p.Empty() {
					out = append(out, part)
					s.pages = 0 // they are about its beginning
				}
			}
		}
		list = out
	}
	return list
}

// close closes the register's streams, one for each stretch: what is past comes
// out the same in every collection.
func (k *keeper) close(ctx context.Context, g *gitRun, holes []hole, notes []string) error {
	if len(k.stretches) == 0 {
		return nil
	}
	if o := k.open(); o != nil {
		o.to = g.run.Now().To
	}
	list := cut(k.stretches, holes)
	err := k.retell(ctx, g, list)
	if stop := cmp.Or(ctx.Err(), notGit(err)); stop != nil {
		return stop
	}
	if err != nil {
		last := &list[len(list)-1]
		last.why = append(last.why, err.Error())
	}
	if before := g.before(k.stretches[0].from); before != nil {
		list = append([]stretch{*before}, list...)
	}
	for i, s := range list {
		st := g.run.Changes(audit.Span{From: s.from, To: s.to}, k.typ, "", cannotStates, kindStates+k.typ)
		st.Asked(query(g.prefix, k.register, s.commit))
		st.Pages = s.pages
		for _, w := range s.why {
			st.Fail(w)
		}
		if i == len(list)-1 {
			st.Fail(g.late)
			for _, n := range notes {
				st.Note(n)
			}
			if len(k.other) > 0 {
				st.Note("not read, because of their ending: " + some(k.other))
			}
		}
		if err := g.run.Close(ctx, st); err != nil {
			return err
		}
	}
	return nil
}

func some(names []string) string {
	const most = 10
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// notGit returns an error that ends a collection: one that is not about reading
// history.
func notGit(err error) error {
	if g := (gitError{}); errors.As(err, &g) {
		return nil
	}
	return err
}

// A gitRun is one collection from git.
type gitRun struct {
	run     *source.Run
	repo    repo
	zone    *time.Location
	prefix  string // of the folder in the repository: "" or "corp/"
	ref     string // the branch that is checked out, "" where HEAD is detached
	tip     string
	shallow time.Time // where the clone was cut; zero: it was not
	late    string    // commits that are dated after the reading
	objects *objects
}

// before is the time before a shallow clone's first commit; nil where the
// register began later than that.
func (g *gitRun) before(first time.Time) *stretch {
	from := g.run.Window.From
	if g.shallow.IsZero() || first.After(g.shallow) || !from.Before(first) {
		return nil
	}
	return &stretch{from: from, to: first, commit: g.tip, why: []string{"shallow clone: history before " + audit.FormatTime(first) + " is not here; fetch with --unshallow"}}
}
