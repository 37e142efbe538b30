package examination

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tieout/definition"
	"tieout/engagement"
	"tieout/engagement/describe"
	"tieout/engagement/fieldwork"
	"tieout/ledger"
	"tieout/period"
	"tieout/report/attest"
)

// steps are the entries of a file whose order a reader of the report may check,
// and what each is, in words that name nobody.
var steps = map[string]string{
	"engagement.accept": "client and engagement accepted", "engagement.agreed": "management agreed to the terms", "nonce.commit": "commitment to a sample’s random number",
	"population.take": "frozen population received", "population.accept": "population accepted", "sample.draw": "sample drawn", "sample.extend": "sample extended as planned",
	"sample.replace": "void item of a sample replaced", "sample.release": "sample released to management", "paper.prepare": "workpaper signed by its preparer", "paper.review": "workpaper signed by its reviewer",
	"paper.reopen": "workpaper reopened", "finding.release": "exception released to management", "finding.response": "management’s response received", "description.take": "management’s description received",
	"assertion.take": "assertion received", "representation.take": "letter of representation received", "conclusion.control": "control concluded", "conclusion.criterion": "criterion concluded",
	"conclusion.objective": "control objective concluded", "conclusion.dc": "description criterion concluded", "opinion.write": "opinion decided (held until release)", "quality.sign": "engagement quality review signed", "draft.give": "draft given for factual review",
}

// maxSteps is how many steps of a log an annex prints; of a longer course the kinds
// with the most entries are told by their first and last, and it says how many are
// left out.
const maxSteps = 400

// annex is the order of what happened in this firm's log with proofs, the logs of
// both sides, who did what by duty, and how the wording compares with what is
// shipped. It is outside the sections an opinion covers.
func (f *Firm) annex(ctx context.Context, id string) (attest.Annex, error) {
	var a attest.Annex
	var turns []fieldwork.Turn
	var of engagement.Terms
	var given *engagement.ProvedSteps
	err := f.Files.ReadFile(ctx, id, func(_ *fieldwork.State, x *fieldwork.File) error {
		for _, t := range x.Course {
			if printedStep(x.Terms.Type, t.Kind) {
				turns = append(turns, t)
			}
		}
		a.Team, a.Similarity = duties(x), f.alike(x)
		of, given = x.Terms, x.TheirSteps
		return nil
	})
	if err != nil {
		return a, err
	}
	turns, a.Left = few(turns, ofTurn)
	last := int64(0)
	for _, t := range turns {
		last = max(last, t.Record+1)
	}
	head, err := logUpTo(ctx, f.P, last)
	if err != nil {
		return a, err
	}
	a.Logs = append(a.Logs, attest.Log{Whose: "firm", Origin: f.P.Log.Keys().Log(), Key: f.P.Log.Keys().Current().VKey(), Checkpoint: string(head.Note), Witnessed: f.witnesses(ctx)})
	for _, t := range turns {
		s, err := f.step(ctx, t, head.Size)
		if err != nil {
			return a, err
		}
		a.Steps = append(a.Steps, s)
	}
	return a, f.addClient(ctx, of, given, &a)
}

// addClient adds the client's log with its entries as far as it gave them, in the
// order of the times that both servers wrote. Before it gave any, its log stands
// there as the last packet showed it.
func (f *Firm) addClient(ctx context.Context, of engagement.Terms, given *engagement.ProvedSteps, a *attest.Annex) error {
	var theirs *attest.Log
	var err error
	if given != nil {
		theirs, err = f.theirLog(ctx, of.ID, of.Client.Origin, given.Packet)
		a.Steps, a.Left = append(a.Steps, clientSteps(*given, of.Type)...), a.Left+max(given.Left, 0)
		slices.SortStableFunc(a.Steps, func(x, y attest.Step) int { return x.At.Compare(y.At) })
	} else {
		theirs, err = f.clientLog(ctx, of.ID, of.Client.Origin, of.Client)
	}
	if theirs != nil {
		a.Logs = append(a.Logs, *theirs)
	}
	return err
}

// printedStep reports whether an annex tells of a step. A report for everybody
// tells nothing of results: no exception, no item that was replaced.
func printedStep(of engagement.Type, kind string) bool {
	return steps[kind] != "" && (of != engagement.SOC3 || !strings.HasPrefix(kind, "finding.") && kind != "sample.replace")
}

// few leaves out entries where there are too many: of the kinds with the most
// entries all but the first and the last, and of no more kinds than it takes. what is
// an entry's kind and its place in the log; left is how many are left out.
func few[T any](turns []T, what func(T) (kind string, record int64)) (kept []T, left int) {
	first, last, count := map[string]int64{}, map[string]int64{}, map[string]int{}
	for _, t := range turns {
		kind, record := what(t)
		if count[kind]++; count[kind] == 1 {
			first[kind] = record
		}
		last[kind] = record
	}
	thin := map[string]bool{}
	for _, kind := range slices.SortedFunc(maps.Keys(count), func(a, b string) int { return cmp.Or(count[b]-count[a], strings.Compare(a, b)) }) {
		if len(turns)-left > maxSteps && count[kind] > 2 {
			thin[kind], left = true, left+count[kind]-2
		}
	}
	return slices.DeleteFunc(slices.Clone(turns), func(t T) bool {
		kind, record := what(t)
		return thin[kind] && first[kind] != record && last[kind] != record
	}), left
}

// logUpTo is the head of a workspace's log with at least so many entries: where
// another process sealed some of them, this one looks again.
func logUpTo(ctx context.Context, p *period.Program, size int64) (ledger.Head, error) {
	if head := p.Log.Head(); head.Size >= size {
		return head, nil
	}
	err := p.Log.Reload(ctx)
	return p.Log.Head(), err
}

// inHex writes the hashes of a proof.
func inHex(path [][32]byte) []string {
	out := []string{}
	for _, h := range path {
		out = append(out, hex.EncodeToString(h[:]))
	}
	return out
}

func ofTurn(t fieldwork.Turn) (string, int64) { return t.Kind, t.Record }

// step is one entry with its proof in the log of that size.
func (f *Firm) step(ctx context.Context, t fieldwork.Turn, size int64) (attest.Step, error) {
	canon, salt, erased, err := f.P.Store.Canonical(ctx, t.Record)
	if err != nil || erased {
		return attest.Step{}, fmt.Errorf("annex: entry %d: erased %t: %w", t.Record, erased, err)
	}
	leaf := ledger.Commit(salt, canon)
	path, err := f.P.Log.Prove(ctx, t.Record, size)
	return attest.Step{What: steps[t.Kind] + about(t), Whose: "firm", Entry: t.Record, At: t.At.UTC(), Leaf: hex.EncodeToString(leaf[:]), Proof: inHex(path)}, err
}

// about names the object of a step: "P-1" of "population:EN-1/P-1".
func about(t fieldwork.Turn) string {
	return objectOf(t.On)
}

func objectOf(on string) string {
	if _, id, ok := strings.Cut(on, "/"); ok {
		return ", " + id
	}
	return ""
}

// clientLog is the client's log as its last packet showed it; nil before the
// first.
func (f *Firm) clientLog(ctx context.Context, id, origin string, client engagement.Party) (l *attest.Log, err error) {
	if origin == "" {
		return nil, nil // the terms do not name its log yet
	}
	post, err := f.end(ctx, id, origin)
	if err != nil {
		return nil, err
	}
	_, received, err := post.Lanes(ctx)
	if err != nil || received.Last == 0 {
		return nil, err
	}
	p, err := post.Packet(ctx, false, received.Last)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	return &attest.Log{Whose: "client", Origin: client.Origin, Key: p.Checkpoint.Key.VKey(), Checkpoint: string(p.CheckpointNote()), Witnessed: []string{f.P.Log.Keys().Log()}}, nil
}

// witnesses are who outside has seen this log's newest checkpoint.
func (f *Firm) witnesses(ctx context.Context) []string {
	state, err := f.P.LogState(ctx)
	if err != nil {
		return nil
	}
	return state.Witnessed
}

// duties say by how many people each duty was done, and whether those who checked
// had done what they checked.
func duties(x *fieldwork.File) []string {
	hands := map[string]map[string]bool{}
	by := func(what, who string) {
		if hands[what] == nil {
			hands[what] = map[string]bool{}
		}
		hands[what][who] = true
	}
	for _, t := range x.Course {
		switch t.Kind {
		case "sample.draw":
			by("drew samples", t.By)
		case "cell.mark", "paper.marks":
			by("tested", t.By)
		case "paper.review":
			by("reviewed workpapers", t.By)
		case "conclusion.control", "conclusion.criterion", "conclusion.objective", "conclusion.dc":
			by("concluded", t.By)
		case "opinion.write":
			by("signed the opinion", t.By)
		case "quality.sign":
			by("reviewed the engagement's quality", t.By)
		}
	}
	var out []string
	for _, d := range divided {
		if n := len(hands[d.what]); n > 0 {
			out = append(out, fmt.Sprintf("%s %s%s.", d.says, people(n), apart(hands, d)))
		}
	}
	return out
}

// divided are the duties in their order, as a reader is told of them, each with the
// one that whoever has it should not have had.
var divided = []struct{ what, says, not, nots string }{
	{"drew samples", "Samples were drawn by", "", ""},
	{"tested", "Tests were performed by", "", ""},
	{"reviewed workpapers", "Workpapers were reviewed by", "tested", "performed tests"},
	{"concluded", "Conclusions were written by", "", ""},
	{"signed the opinion", "The opinion was decided by", "tested", "performed tests"},
	{"reviewed the engagement's quality", "The quality of the engagement was reviewed by", "concluded", "written conclusions"},
}

func people(n int) string {
	if n == 1 {
		return "one person"
	}
	return fmt.Sprintf("%d people", n)
}

// apart says whether any of those with a duty had also the other one.
func apart(hands map[string]map[string]bool, d struct{ what, says, not, nots string }) string {
	if d.not == "" {
		return ""
	}
	both := 0
	for who := range hands[d.what] {
		if hands[d.not][who] {
			both++
		}
	}
	switch n := len(hands[d.what]); {
	case both == 0 && n == 1:
		return ", who had not " + d.nots
	case both == 0:
		return ", of whom nobody had " + d.nots
	case n == 1:
		return ", who had also " + d.nots
	}
	return fmt.Sprintf(", of whom %d had also %s", both, d.nots)
}

// alike compares the wording of description and tests with what is shipped.
func (f *Firm) alike(x *fieldwork.File) []attest.Alike {
	var tests, texts []string
	shipped := Shipped(f.P.Def)
	for _, t := range x.Tests {
		tests = append(tests, t.Text)
	}
	if x.Description != nil {
		for _, s := range x.Description.Sections {
			for _, p := range s.Paragraphs {
				texts = append(texts, p.Text)
			}
		}
	}
	slices.Sort(tests)
	return []attest.Alike{{Where: "Description of the system", Percent: describe.Alike(join(texts), shipped...)}, {Where: "Texts of tests", Percent: describe.Alike(join(tests), shipped...)}}
}

// Shipped are the texts that come with the product: those of the library and the
// sentences that a description is drafted with.
func Shipped(w *definition.Workspace) []string {
	out := describe.Templates()
	for _, c := range w.Catalog.Controls {
		out = append(out, c.Description, c.Tests)
	}
	for _, p := range w.Catalog.Procedures {
		out = append(out, p.Statement)
	}
	return out
}

func join(list []string) string {
	out := ""
	for _, s := range list {
		out += s + "\n"
	}
	return out
}
