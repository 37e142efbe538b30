package fieldwork

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

var knownTakers = map[string]taker{"known.look": look, "known.add": addKnown, "known.dispose": disposeKnown, "known.confirm": confirmKnown}

// knownAtOnce is how many deviations one entry lists.
const knownAtOnce = 2000

type lookData struct {
	Attribute  string      `json:"attribute"`
	Procedure  string      `json:"procedure"`
	Population string      `json:"population"`
	Digest     string      `json:"digest"` // of the population's item lines
	Of         int         `json:"of"`     // items outside the sample
	Found      int         `json:"found"`
	More       bool        `json:"more"` // the list goes on in the next entry
	Items      []knownItem `json:"items"`
}

type knownItem struct {
	Item    string `json:"item"`
	Outcome string `json:"outcome"`
}

// LookForKnown lists the deviations that the client's procedures computed outside
// the sample, over the whole of a test's populations, for every attribute that
// is computed. They never count into a rate; each is disposed of before the
// control is concluded. It needs test.mark.
func (b *Book) LookForKnown(ctx context.Context, by access.Subject, id, test string) error {
	if err := access.Require(by, "test.mark", in(id)); err != nil {
		return err
	}
	plans, rows, err := b.looks(ctx, id, test)
	if err != nil {
		return err
	}
	for i := 0; i < len(plans); {
		same := plans[i:]
		if n := slices.IndexFunc(same, func(l *lookPlan) bool { return l.Population != plans[i].Population }); n > 0 {
			same = same[:n]
		}
		if err := b.collect(ctx, same, rows); err != nil {
			return err
		}
		i += len(same)
	}
	for _, l := range plans {
		if err := b.writeLook(ctx, by, on("known", id, test), l.lookData); err != nil {
			return err
		}
	}
	return nil
}

// A lookPlan is one procedure over one population.
type lookPlan struct {
	lookData
	population Population
	sampled    int // of its items, rows of the workpaper
}

// collect goes once over a population for all procedures that are looked at. A
// line that says no word of a deviation is not read further.
func (b *Book) collect(ctx context.Context, plans []*lookPlan, rows map[string]bool) error {
	lines := 0
	err := b.eachLine(ctx, plans[0].population, func(line []byte) error {
		lines++
		if !bytes.Contains(line, deviationWord) && !bytes.Contains(line, lateWord) {
			return nil
		}
		it, err := parseItem(line)
		if err != nil || rows[it.ID] {
			return err
		}
		for _, l := range plans {
			if o := it.Results[l.Procedure]; deviates(o) {
				l.Items = append(l.Items, knownItem{it.ID, o})
			}
		}
		return nil
	})
	for _, l := range plans {
		l.Of = max(lines-l.sampled, 0)
	}
	return err
}

var deviationWord, lateWord = []byte(`"deviation"`), []byte(`"late"`)

// deviates reports whether a computed outcome is a deviation, or late.
func deviates(outcome string) bool {
	return outcome == audit.Deviated.String() || outcome == audit.Late.String()
}

func (b *Book) looks(ctx context.Context, id, test string) (plans []*lookPlan, rows map[string]bool, err error) {
	rows = map[string]bool{}
	err = b.ReadFile(ctx, id, func(_ *State, f *File) error {
		p, t := f.Papers[test], f.Tests[test]
		if p == nil || t == nil {
			return fmt.Errorf("%w: test %s has no workpaper yet", audit.ErrNotFound, test)
		}
		for _, r := range p.Rows {
			rows[r] = p.Void[r] == "" && r != ""
		}
		for _, want := range f.toLook(p, t) {
			plans = append(plans, &lookPlan{lookData{Attribute: want.attribute, Procedure: want.procedure, Population: want.population.ID, Digest: want.population.Digest}, *want.population, f.rowsOf(p, want.population, rows)})
		}
		return nil
	})
	return plans, rows, err
}

// rowsOf is how many rows that count are items of a population.
func (f *File) rowsOf(p *Paper, pop *Population, rows map[string]bool) int {
	of := map[string]bool{}
	for _, id := range p.Samples {
		if s := f.Samples[id]; s != nil && s.Population == pop.ID {
			for _, item := range s.Items {
				of[item] = rows[item]
			}
		}
	}
	maps.DeleteFunc(of, func(_ string, in bool) bool { return !in })
	return len(of)
}

// writeLook writes what was found, in as many entries as it takes; the look
// counts with the last.
func (b *Book) writeLook(ctx context.Context, by access.Subject, on string, d lookData) error {
	d.Found = len(d.Items)
	all := book.List(d.Items)
	for {
		n := min(len(all), knownAtOnce)
		d.Items, d.More, all = all[:n], len(all) > n, all[n:]
		own, err := book.Within(by, "known.look", on, d)
		if err == nil {
			err = b.act(ctx, own, "test.mark", "known.look", on, book.Anyway, d)
		}
		if err != nil || !d.More {
			return err
		}
	}
}

type toLook struct {
	attribute, procedure string
	population           *Population
}

// toLook are the looks over whole populations that a test needs.
func (f *File) toLook(p *Paper, t *Test) (out []toLook) {
	if p == nil {
		return nil
	}
	for _, pop := range f.populationsOf(p) {
		if pop.Run == audit.Unsequenced {
			continue
		}
		for _, a := range attributes(t) {
			if a.Procedure != "" {
				out = append(out, toLook{a.Name, a.Procedure, pop})
			}
		}
	}
	return out
}

// lookedFor reports whether a look was taken over the population as it is.
func (f *File) lookedFor(test string, want toLook) bool {
	return slices.ContainsFunc(f.Looked[test], func(l Looked) bool {
		return l.Attribute == want.attribute && l.Procedure == want.procedure && l.Digest == want.population.Digest
	})
}

func look(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[lookData](e)
	f, test, kerr := s.knownOf(e)
	if err = first(err, kerr, within("items", len(d.Items), 0, knownAtOnce), digest("digest", d.Digest)); err != nil {
		return book.Change{}, err
	}
	t := f.Tests[test]
	if !slices.ContainsFunc(f.toLook(f.Papers[test], t), func(w toLook) bool {
		return w.attribute == d.Attribute && w.procedure == d.Procedure && w.population.ID == d.Population && w.population.Digest == d.Digest
	}) {
		return book.Change{}, tooEarly("attribute %s of test %s is not computed over population %s", d.Attribute, test, d.Population)
	}
	for _, x := range d.Items {
		if err := first(itemID("item", x.Item), when(!deviates(x.Outcome), "items: only deviations are listed")); err != nil {
			return book.Change{}, err
		}
	}
	return book.Change{What: "looked over the whole population for deviations outside the sample: " + fmt.Sprint(d.Found) + " found", Do: func() {
		for _, x := range d.Items {
			f.known(test, &Known{Test: test, Ref: knownRef(x.Item, d.Attribute), Item: x.Item, Attribute: d.Attribute, Outcome: x.Outcome, Source: d.Procedure, Population: d.Population, Digest: d.Digest, At: e.At, Record: e.Record})
		}
		if !d.More {
			f.looked(test, Looked{d.Attribute, d.Procedure, d.Population, d.Digest, d.Found, d.Of, e.By.Name, e.At, e.Record})
		}
	}}, nil
}

func (f *File) looked(test string, l Looked) {
	if f.Looked == nil {
		f.Looked = map[string][]Looked{}
	}
	f.Looked[test] = append(f.Looked[test], l)
}

// knownRef names a deviation that was computed: one attribute of one item.
func knownRef(item, attribute string) string { return item + "/" + attribute }

// knownAs is a deviation by its reference. Entries of before deviations were told
// apart by attribute name the item alone, and mean its first attribute's.
func (f *File) knownAs(test, ref string) *Known {
	if k := f.Known[test][ref]; k != nil {
		return k
	}
	for _, a := range attributes(f.Tests[test]) {
		if k := f.Known[test][knownRef(ref, a.Name)]; k != nil {
			return k
		}
	}
	return nil
}

// same reports whether a later look found what is known already: the same
// outcome of the same procedure, in lines that no other freeze took the place of.
func (f *File) sameKnown(was, now *Known) bool {
	if was.Outcome != now.Outcome || was.Source != now.Source {
		return false
	}
	p := f.Populations[was.Population]
	return was.Digest == now.Digest || p != nil && p.Superseded == ""
}

// known keeps a deviation outside the sample. One that is known already stays as
// it is, disposed of or not; where a later look found something else, it is open
// again, with what was said of it before.
func (f *File) known(test string, k *Known) {
	if f.Known == nil {
		f.Known = map[string]map[string]*Known{}
	}
	if f.Known[test] == nil {
		f.Known[test] = map[string]*Known{}
	}
	was := f.Known[test][k.Ref]
	switch {
	case was == nil:
		f.Known[test][k.Ref] = k
	case !f.sameKnown(was, k):
		before := *was
		before.Earlier = nil
		k.Earlier = append(slices.Clone(was.Earlier), before)
		f.Known[test][k.Ref] = k
	}
}

// knownOf is the test whose known deviations an entry is on.
func (s *State) knownOf(e book.Entry) (*File, string, error) {
	f, test, err := s.on(e, "known")
	if err = first(err, byPerson(e)); err != nil {
		return f, test, err
	}
	if f.Tests[test] == nil {
		return f, test, fmt.Errorf("%w: test %s", audit.ErrNotFound, test)
	}
	return f, test, f.MayWork(e)
}

type addKnownData struct {
	Ref    string `json:"ref"`
	Source string `json:"source"`
	Text   string `json:"text"`
}

// AddKnown lists a deviation outside the sample that the auditor learned of in
// another way: told by management, read in an incident register. It needs test.mark.
func (b *Book) AddKnown(ctx context.Context, by access.Subject, id, test, ref, source, text string) error {
	return b.act(ctx, by, "test.mark", "known.add", on("known", id, test), book.Anyway, addKnownData{ref, source, text})
}

func addKnown(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[addKnownData](e)
	f, test, kerr := s.knownOf(e)
	if err = first(err, kerr, itemID("ref", d.Ref), line("source", d.Source, 1), text("text", d.Text, 1, maxText)); err != nil {
		return book.Change{}, err
	}
	if f.Known[test][d.Ref] != nil {
		return book.Change{}, tooEarly("deviation %q of test %s is listed already", d.Ref, test)
	}
	if i := strings.LastIndexByte(d.Ref, '/'); i > 0 && procedureOf(f.Tests[test], d.Ref[i+1:]) != "" {
		return book.Change{}, fmt.Errorf("%w: ref: %q is what a computed deviation of attribute %s is called; call this one otherwise", audit.ErrInvalid, d.Ref, d.Ref[i+1:])
	}
	return book.Change{What: "a deviation outside the sample is listed: " + d.Ref, Do: func() {
		f.known(test, &Known{Test: test, Ref: d.Ref, Item: d.Ref, Source: d.Source, Text: d.Text, At: e.At, Record: e.Record})
	}}, nil
}

type disposeData struct {
	Refs []string `json:"refs"`
	As   string   `json:"as"`
	Why  string   `json:"why"`
}

// DisposeKnown says of deviations outside the sample that the test or the
// population was wrong and not the item. It counts once a second person confirms
// it. What is an exception is put into a finding instead (SetFinding). It needs
// test.mark.
func (b *Book) DisposeKnown(ctx context.Context, by access.Subject, id, test string, refs []string, as, why string, base int64) error {
	return b.act(ctx, by, "test.mark", "known.dispose", on("known", id, test), base, disposeData{book.List(refs), as, why})
}

func disposeKnown(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[disposeData](e)
	f, test, kerr := s.knownOf(e)
	if err = first(err, kerr, within("refs", len(d.Refs), 1, knownAtOnce), book.OneOf("as", d.As, WrongTest, WrongPopulation), text("why", d.Why, 1, maxText)); err != nil {
		return book.Change{}, err
	}
	for _, ref := range d.Refs {
		switch k := f.knownAs(test, ref); {
		case k == nil:
			return book.Change{}, fmt.Errorf("%w: deviation %q of test %s", audit.ErrNotFound, ref, test)
		case k.Disposed.Settled():
			return book.Change{}, tooEarly("deviation %q of test %s is disposed of: %s", ref, test, k.Disposed.As)
		case f.namedBy(k) != "":
			return book.Change{}, tooEarly("exception %s names deviation %q: write the exception without it first", f.namedBy(k), k.Ref)
		}
	}
	return book.Change{What: count(len(d.Refs), "deviation") + ": " + d.As, Do: func() {
		for _, ref := range d.Refs {
			f.knownAs(test, ref).Disposed = &Disposition{As: d.As, Why: d.Why, By: e.By.Name, At: e.At}
		}
	}}, nil
}

// namedBy is the standing exception that names a deviation outside the sample, ""
// for none.
func (f *File) namedBy(k *Known) string {
	for _, x := range book.Sorted(f.Findings) {
		if x.Test == k.Test && x.Stands() && slices.Contains(x.Finding.Known, k.Ref) {
			return x.ID
		}
	}
	return ""
}

type refsData struct {
	Refs []string `json:"refs"`
}

// ConfirmKnown confirms what somebody else said of deviations outside the
// sample. It needs workpaper.review, on what the other prepared.
func (b *Book) ConfirmKnown(ctx context.Context, by access.Subject, id, test string, refs []string, base int64) error {
	err := b.second(ctx, by, "workpaper.review", id, func(f *File) (who []string) {
		for _, ref := range refs {
			if k := f.knownAs(test, ref); k != nil && k.Disposed != nil {
				who = append(who, k.Disposed.By)
			}
		}
		return who
	})
	if err != nil {
		return err
	}
	_, err = b.book.Write(ctx, by, "known.confirm", on("known", id, test), base, refsData{book.List(refs)})
	return err
}

func confirmKnown(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[refsData](e)
	f, test, kerr := s.knownOf(e)
	if err = first(err, kerr, within("refs", len(d.Refs), 1, knownAtOnce)); err != nil {
		return book.Change{}, err
	}
	for _, ref := range d.Refs {
		k := f.knownAs(test, ref)
		if k == nil {
			return book.Change{}, fmt.Errorf("%w: deviation %q of test %s", audit.ErrNotFound, ref, test)
		}
		if err := k.Disposed.confirmable(e.By.Name); err != nil {
			return book.Change{}, fmt.Errorf("deviation %q: %w", ref, err)
		}
	}
	return book.Change{What: "confirmed: " + count(len(d.Refs), "deviation"), Do: func() {
		for _, ref := range d.Refs {
			f.knownAs(test, ref).Disposed.confirm(e)
		}
	}}, nil
}

// confirmable refuses a second person who is the first.
func (d *Disposition) confirmable(by string) error {
	switch {
	case d == nil:
		return tooEarly("nothing was said of it that could be confirmed")
	case d.Settled():
		return tooEarly("it is disposed of already: %s", d.As)
	case d.By == by:
		return fmt.Errorf("%w: you said it yourself; somebody else has to confirm it", audit.ErrForbidden)
	}
	return nil
}

func (d *Disposition) confirm(e book.Entry) { d.ConfirmedBy, d.Confirmed = e.By.Name, e.At }

// OpenKnown are the deviations outside a test's sample without a settled
// disposition, by reference. One that a later draw brought into the sample is in
// the grid.
func (f *File) OpenKnown(test string) (out []*Known) {
	rows := f.Papers[test].counted()
	for _, ref := range slices.Sorted(maps.Keys(f.Known[test])) {
		if k := f.Known[test][ref]; !k.Disposed.Settled() && !rows[k.Item] {
			out = append(out, k)
		}
	}
	return out
}

// KnownListed are the deviations known outside a test's sample, by reference, as
// far as a tester may know them: of an item that a later draw brought into the
// grid, a deviation is shown after the tester's own mark of it.
func (f *File) KnownListed(test string) (out []*Known) {
	p := f.Papers[test]
	rows := p.counted()
	for _, ref := range slices.Sorted(maps.Keys(f.Known[test])) {
		k := f.Known[test][ref]
		if k.Attribute != "" && rows[k.Item] && p.toMark(Cell{k.Item, k.Attribute}) {
			continue
		}
		out = append(out, k)
	}
	return out
}

// counted are the rows of a workpaper whose items were not taken out of it.
func (p *Paper) counted() map[string]bool {
	rows := map[string]bool{}
	if p == nil {
		return rows
	}
	for _, r := range p.Rows {
		rows[r] = p.Void[r] == ""
	}
	return rows
}

// excepts reports whether a cell is marked Exception.
func (p *Paper) excepts(c Cell) bool {
	m := p.Cells[c]
	return m != nil && m.Mark == engagement.Exception
}

// toMark reports whether a cell has no result yet.
func (p *Paper) toMark(c Cell) bool {
	m := p.Cells[c]
	return m == nil || m.Mark == engagement.ToTest
}
