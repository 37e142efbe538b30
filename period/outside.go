package period

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tieout/audit"
	"tieout/ledger"
)

// patience is how long one of those outside is waited for, unless the context
// ends sooner.
const patience = 15 * time.Second

// clockSlack is how far an authority's clock may be ahead of this one.
const clockSlack = 5 * time.Minute

// An Answer is what came of asking one witness or time-stamp authority.
type Answer struct {
	Who     string // as tieout.yaml names it
	Witness bool
	Size    int64         // entries of the checkpoint asked about
	Said    ledger.Saying // zero with Err
	Already bool          // it was kept before and nobody was asked
	Err     error
}

// String is the fact in words.
func (a Answer) String() string {
	kind := "time-stamp authority "
	if a.Witness {
		kind = "witness "
	}
	if a.Err != nil {
		return fmt.Sprintf("%s%s has not seen the log at %d entries: %v", kind, a.Who, a.Size, a.Err)
	}
	return fmt.Sprintf("seen by %s, at %d entries", a.Said, a.Size)
}

// Outsiders reports whether tieout.yaml names anybody outside who can be asked.
func (p *Program) Outsiders() bool {
	c := p.Def.Config.Ledger
	return c.TSA != "" || slices.ContainsFunc(p.Def.Config.Ledger.Witnesses, canBeAsked)
}

// Publish shows the newest checkpoint to every witness and the time-stamp
// authority that tieout.yaml names, all at once, and keeps what they say. One
// that does not answer is an Answer with an error and never keeps anything else
// from going on. With none named nobody is asked.
func (p *Program) Publish(ctx context.Context) []Answer {
	var wg sync.WaitGroup
	var witnesses, stamps []Answer
	wg.Go(func() { witnesses = p.AskWitnesses(ctx) })
	if p.Def.Config.Ledger.TSA != "" {
		wg.Go(func() { stamps = []Answer{p.AskAuthority(ctx, ledger.TSATrust{})} })
	}
	wg.Wait()
	return append(witnesses, stamps...)
}

// AskWitnesses asks every witness that has an address, all at once, for a
// cosignature of the newest checkpoint. The answers are in the order of
// tieout.yaml.
func (p *Program) AskWitnesses(ctx context.Context) []Answer {
	if p.Log.Head().Note == nil {
		return nil
	}
	var wg sync.WaitGroup
	list := slices.DeleteFunc(slices.Clone(p.Def.Config.Ledger.Witnesses), func(w witness) bool { return !canBeAsked(w) })
	out := make([]Answer, len(list))
	for i, w := range list {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			out[i] = p.askWitness(ctx, w)
		})
	}
	wg.Wait()
	return out
}

func (p *Program) askWitness(ctx context.Context, w witness) Answer {
	a := Answer{Who: w.Name, Witness: true, Size: p.Log.Checkpoint().Size}
	key, err := witnessKey(w)
	if err != nil {
		a.Err = err
		return a
	}
	if said, ok := p.alreadySaid(ctx, func(s ledger.Saying) bool { return s.Witness && s.Who == key.Name() }); ok {
		a.Said, a.Already = said, true
		return a
	}
	c, line, err := ledger.WitnessClient{URL: w.URL, Key: key, Client: outside}.Cosign(ctx, p.Log, p.seenBy(ctx, key))
	if err == nil {
		a.Size = c.Size
		a.Said, err = p.keepCosignature(ctx, key, c.Size, line)
	}
	a.Err = explainOutside(err)
	return a
}

// outside is the client for those outside: it follows no redirect, because what
// is asked of one address is not to be answered by another.
var outside = &http.Client{
	Timeout:       time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// explainOutside gives an error of those outside the kind that decides the exit
// code: a fork they see is an alteration, silence is not.
func explainOutside(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ledger.ErrForked):
		return fmt.Errorf("%w: %w", audit.ErrAltered, err)
	case errors.Is(err, ledger.ErrRefused):
		return fmt.Errorf("%w: %w", audit.ErrForbidden, err)
	}
	return fmt.Errorf("%w: %w", audit.ErrUnavailable, err)
}

// keepCosignature keeps a line, and where the witness is now.
func (p *Program) keepCosignature(ctx context.Context, key ledger.Key, size int64, line []byte) (ledger.Saying, error) {
	c, err := p.Log.KeepCosignature(ctx, size, line, key)
	if err != nil {
		return ledger.Saying{}, err
	}
	said := ledger.Saying{Who: key.Name(), Witness: true, At: c.At}
	head, err := p.Store.HeadAt(ctx, size)
	if err != nil {
		return said, err
	}
	return said, p.Store.SetMeta(ctx, seenMeta(key), fmt.Sprintf("%d %d", head.Epoch, size))
}

func seenMeta(key ledger.Key) string { return "witness/" + key.Name() }

// seenBy is what a witness is thought to have cosigned last. It is a guess that
// saves a question: a witness that saw something else says so.
func (p *Program) seenBy(ctx context.Context, key ledger.Key) ledger.Checkpoint {
	text, err := p.Store.Meta(ctx, seenMeta(key))
	if err != nil {
		return ledger.Checkpoint{}
	}
	epoch, size, _ := strings.Cut(text, " ")
	e, err1 := strconv.ParseInt(epoch, 10, 64)
	n, err2 := strconv.ParseInt(size, 10, 64)
	if errors.Join(err1, err2) != nil {
		return ledger.Checkpoint{}
	}
	return ledger.Checkpoint{Epoch: e, Size: n}
}

// AskAuthority asks the time-stamp authority for a token over the newest
// checkpoint and keeps it. Without roots to trust it is checked by the
// certificates it carries: whether the authority is who it says is for the
// reader to decide.
func (p *Program) AskAuthority(ctx context.Context, trust ledger.TSATrust) Answer {
	url := p.Def.Config.Ledger.TSA
	head := p.Log.Head()
	a := Answer{Who: url, Size: head.Size}
	if url == "" {
		a.Err = fmt.Errorf("%w: tieout.yaml names no time-stamp authority; write ledger: { tsa: https://... }", audit.ErrNotFound)
		return a
	}
	if head.Note == nil {
		a.Err = fmt.Errorf("%w: the log is empty; there is nothing to stamp", audit.ErrConflict)
		return a
	}
	if said, ok := p.alreadySaid(ctx, func(s ledger.Saying) bool { return !s.Witness }); ok && len(trust.Roots) == 0 {
		a.Said, a.Already = said, true
		return a
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	token, err := ledger.Timestamper{URL: url, Client: outside}.Timestamp(ctx, head.Note)
	if err == nil && len(trust.Roots) == 0 {
		trust, err = ledger.CarriedTrust(token)
	}
	var ts ledger.Timestamp
	if err == nil {
		ts, err = p.Log.KeepTimestamp(ctx, head.Size, token, trust, p.Now().Add(clockSlack))
	}
	a.Said, a.Err = ledger.Saying{Who: ts.Authority, At: ts.At}, explainOutside(err)
	return a
}

// alreadySaid finds what is kept about the newest checkpoint and holds.
func (p *Program) alreadySaid(ctx context.Context, want func(ledger.Saying) bool) (ledger.Saying, bool) {
	said, err := p.sayings(ctx)
	i := slices.IndexFunc(said, func(s keptSaying) bool { return s.err == nil && want(s.Saying) })
	if err != nil || i < 0 {
		return ledger.Saying{}, false
	}
	return said[i].Saying, true
}

// A keptSaying is what is kept about a checkpoint and whether it holds.
type keptSaying struct {
	ledger.Saying
	name string
	err  error
}

// sayings checks what is kept about the newest checkpoint, by name.
func (p *Program) sayings(ctx context.Context) ([]keptSaying, error) {
	head := p.Log.Head()
	kept, err := p.Store.Cosignatures(ctx, head.Size)
	if err != nil {
		return nil, err
	}
	trusted := p.trusted(ledger.TSATrust{})
	var out []keptSaying
	for name, said := range kept {
		out = append(out, p.hear(name, said, head.Note, trusted))
	}
	slices.SortFunc(out, func(a, b keptSaying) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// hear checks what is kept once for a checkpoint: it is asked for often.
func (p *Program) hear(name string, said, note []byte, trusted ledger.Trusted) keptSaying {
	key := [3]string{name, string(said), string(note)}
	if known, ok := p.heard.Load(key); ok {
		return known.(keptSaying)
	}
	s, err := ledger.CheckSaying(name, said, note, trusted)
	k := keptSaying{s, name, err}
	p.heard.Store(key, k)
	return k
}

// witnessed names those outside who have seen the newest checkpoint and whose
// word holds; a witness whose key is no longer in tieout.yaml is named as such.
func (p *Program) witnessed(ctx context.Context) ([]string, error) {
	said, err := p.sayings(ctx)
	out := []string{}
	for _, s := range said {
		switch {
		case s.err == nil:
			out = append(out, s.String())
		case errors.Is(s.err, ledger.ErrUnknownWitness):
			out = append(out, fmt.Sprintf("witness %s (its key is not in tieout.yaml, so its word is not checked here)", s.Who))
		}
	}
	return out, err
}

// trusted are those outside whom tieout.yaml names.
func (p *Program) trusted(tsa ledger.TSATrust) ledger.Trusted {
	t := ledger.Trusted{TSA: tsa, Now: p.Now().Add(clockSlack)}
	for _, w := range p.Def.Config.Ledger.Witnesses {
		if key, err := witnessKey(w); err == nil {
			t.Witnesses = append(t.Witnesses, key)
		}
	}
	return t
}
