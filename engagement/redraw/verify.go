package redraw

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/engagement"
	"tieout/ledger"
)

// Schema is the version of an exported sample.
const Schema = "tieout.sample/1"

// MaxFile is how long an exported sample can be, in bytes.
const MaxFile = 32 << 20

// A File is a sample as it is exported for whoever wants to pick it again, beside
// the population's item lines.
type File struct {
	Schema     string                `json:"schema"`
	Engagement string                `json:"engagement"`
	Population engagement.Population `json:"population"`
	Heard      int64                 `json:"heard"` // size of the firm's log that the client had seen when it froze, as its packet said
	Sample     engagement.Sample     `json:"sample"`
	Keys       []string              `json:"keys"` // of the firm's log, note format, as the firm states them
	Openings   []Opening             `json:"openings"`
}

// An Opening shows that a commitment to a nonce was in the firm's log at the size
// the client had seen: the entry, and the way from it to a signed checkpoint.
type Opening struct {
	Index      int64    `json:"index"`
	Body       string   `json:"body"`       // the entry
	Record     string   `json:"record"`     // canonical JSON of its record
	Salt       string   `json:"salt"`       // of the log's leaf, hex
	Proof      []string `json:"proof"`      // audit path, hex (RFC 6962)
	Checkpoint string   `json:"checkpoint"` // signed note
}

// ReadFile reads an exported sample; what is none is audit.ErrInvalid, and so is
// one whose numbers cannot be those of a draw.
func ReadFile(r io.Reader) (File, error) {
	var f File
	b, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return f, err
	}
	if len(b) > MaxFile {
		return f, fmt.Errorf("%w: a sample of over %d bytes", audit.ErrInvalid, MaxFile)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return f, fmt.Errorf("%w: it is no exported sample: %w", audit.ErrInvalid, err)
	}
	if f.Schema != Schema {
		return f, fmt.Errorf("%w: schema %.40q; this version reads %s", audit.ErrInvalid, f.Schema, Schema)
	}
	return f, f.sound()
}

// Known is what whoever checks has from elsewhere than the file. The zero value
// is nothing: then the firm's log is only as good as the firm's word.
type Known struct {
	Key  string // of the firm's log, note format
	Seen string // a checkpoint of the firm's log that somebody held before the freeze
	Root string // root of the client's log at the freeze, hex
}

// A Line is one thing that was checked. Open: nothing is wrong and it is not
// shown either.
type Line struct {
	What string `json:"what"`
	Says string `json:"says"`
	OK   bool   `json:"ok"`
	Open bool   `json:"open,omitempty"`
}

// Verify picks a sample again from the population's item lines and says of each
// step whether it is so. The error is audit.ErrAltered where one is not, and
// audit.ErrInconclusive where nothing is wrong and something is not shown.
func Verify(items io.Reader, f File, k Known) ([]Line, error) {
	v := &verifier{f: f, k: k}
	if err := f.sound(); err != nil {
		v.say("sample", false, "%v", err)
		return v.lines, v.result()
	}
	v.frozen()
	for i, d := range f.Sample.Draws {
		v.seed(i, d)
		v.opening(d)
	}
	v.picks(items)
	return v.lines, v.result()
}

type verifier struct {
	f     File
	k     Known
	lines []Line
	head  *ledger.Checkpoint // of the firm's log, as the first opening shows it
}

func (v *verifier) say(what string, ok bool, format string, args ...any) {
	v.lines = append(v.lines, Line{What: what, Says: fmt.Sprintf(format, args...), OK: ok})
}

func (v *verifier) open(what, format string, args ...any) {
	v.lines = append(v.lines, Line{What: what, Says: fmt.Sprintf(format, args...), Open: true})
}

func (v *verifier) result() error {
	var open []string
	for _, l := range v.lines {
		if !l.OK && !l.Open {
			return fmt.Errorf("%w: sample %s: %s: %s", audit.ErrAltered, v.f.Sample.ID, l.What, l.Says)
		}
		if l.Open {
			open = append(open, l.What)
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("%w: sample %s: not shown: %s", audit.ErrInconclusive, v.f.Sample.ID, strings.Join(open, ", "))
	}
	return nil
}

// frozen compares the root in the seeds with what is known of the client's log.
func (v *verifier) frozen() {
	p := v.f.Population
	switch {
	case len(v.f.Sample.Draws) == 0:
	case v.k.Root == "":
		v.open("freeze", "entry %d of the client's log, root %.16s; give the root you hold to compare", p.Freeze.Index, p.Freeze.Root)
	default:
		v.say("freeze", strings.EqualFold(v.k.Root, p.Freeze.Root), "the file says root %.16s, you hold %.16s", p.Freeze.Root, v.k.Root)
	}
}

// seed computes a draw's seed from what is open now.
func (v *verifier) seed(i int, d engagement.Draw) {
	want, err := Seed(v.f.Engagement, v.f.Population, v.f.Sample.Control, d.Stratum, d.Nonce)
	what := fmt.Sprintf("seed of draw %d", i+1)
	if err != nil {
		v.say(what, false, "%v", err)
		return
	}
	got := hex.EncodeToString(want[:])
	v.say(what, got == d.Seed && v.f.Sample.Round == v.f.Population.Round, "freeze, nonce, engagement, control, round and stratum give %.16s; the sample says %.16s", got, d.Seed)
}

// opening follows a draw's nonce to its commitment in the firm's log.
func (v *verifier) opening(d engagement.Draw) {
	what := fmt.Sprintf("commitment %d to the nonce", d.Commitment)
	i := slices.IndexFunc(v.f.Openings, func(o Opening) bool { return o.Index == d.Commitment })
	if i < 0 {
		v.open(what, "its entry in the firm's log is not in the file")
		return
	}
	o := v.f.Openings[i]
	if err := v.committed(o, d); err != nil {
		v.say(what, false, "%v", err)
		return
	}
	c, err := v.checkpoint(o)
	if err != nil {
		v.say(what, false, "%v", err)
		return
	}
	if err := included(o, c); err != nil {
		v.say(what, false, "%v", err)
		return
	}
	if c.Size > v.f.Heard {
		v.say(what, false, "it is shown at size %d of the firm's log, and the client had seen %d when it froze", c.Size, v.f.Heard)
		return
	}
	v.say(what, true, "entry %d of the firm's log, which the client had seen at size %d when it froze", o.Index, v.f.Heard)
	v.outside(c)
}

// outside says whose word it is that the firm's log was so before the freeze. All
// openings are of one checkpoint: what is said of it holds for each.
func (v *verifier) outside(c ledger.Checkpoint) {
	const what = "the firm's log as others saw it"
	if v.head != nil {
		if c.Size != v.head.Size || c.Root != v.head.Root {
			v.say(what, false, "one commitment is shown at size %d, root %x, another at size %d, root %x: all have to be in one log at one size", v.head.Size, v.head.Root[:8], c.Size, c.Root[:8])
		}
		return
	}
	v.head = &c
	if v.k.Seen == "" || v.k.Key == "" {
		v.open(what, "size %d, root %x; give the firm's key and the checkpoint you hold to compare", c.Size, c.Root[:8])
		return
	}
	key, err := ledger.ParseKey(v.k.Key)
	if err != nil {
		v.say(what, false, "%v", err)
		return
	}
	seen, err := ledger.VerifyCheckpoint([]byte(v.k.Seen), key)
	v.say(what, err == nil && seen.Size == c.Size && seen.Root == c.Root, "size %d in the file; the checkpoint you hold has size %d", c.Size, seen.Size)
}

// entry is what an entry of a commitment says.
type entry struct {
	Kind string `json:"kind"`
	On   string `json:"on"`
	Data struct {
		Control string `json:"control"`
		Round   string `json:"round"`
		Stratum string `json:"stratum"`
		Hidden  string `json:"hidden"`
		Nonce   string `json:"nonce"`
		Salt    string `json:"salt"`
	} `json:"data"`
}

// committed holds a draw to the entry that committed to its nonce.
func (v *verifier) committed(o Opening, d engagement.Draw) error {
	var rec audit.Record
	var e entry
	if err := json.Unmarshal([]byte(o.Record), &rec); err != nil {
		return fmt.Errorf("its record cannot be read: %w", err)
	}
	if err := json.Unmarshal([]byte(o.Body), &e); err != nil {
		return fmt.Errorf("its entry cannot be read: %w", err)
	}
	salt, serr := Bytes32("salt", e.Data.Salt)
	nonce, nerr := Bytes32("nonce", d.Nonce)
	about := e.Kind == "nonce.commit" && strings.HasPrefix(e.On, "nonce:"+v.f.Engagement+"/") && e.Data.Control == v.f.Sample.Control && e.Data.Round == v.f.Sample.Round && e.Data.Stratum == d.Stratum
	sum := sha256.Sum256([]byte(o.Body))
	switch {
	case rec.Digest != "sha256:"+hex.EncodeToString(sum[:]):
		return fmt.Errorf("the entry is not the one that was sealed")
	case !about:
		return fmt.Errorf("the entry commits to another draw: %s, round %s", e.Data.Control, e.Data.Round)
	case serr != nil || nerr != nil || Hidden(salt, nonce) != e.Data.Hidden:
		return fmt.Errorf("nonce %.16s is not the one that was committed to before the freeze", d.Nonce)
	}
	return nil
}

// checkpoint verifies an opening's checkpoint, by the key known from elsewhere
// where there is one, else by those the file names.
func (v *verifier) checkpoint(o Opening) (ledger.Checkpoint, error) {
	stated := v.f.Keys
	if v.k.Key != "" {
		stated = []string{v.k.Key}
	}
	var keys []ledger.Key
	for _, s := range stated {
		k, err := ledger.ParseKey(s)
		if err != nil {
			return ledger.Checkpoint{}, err
		}
		keys = append(keys, k)
	}
	return ledger.VerifyCheckpoint([]byte(o.Checkpoint), keys...)
}

func included(o Opening, c ledger.Checkpoint) error {
	salt, err := Bytes32("salt of the leaf", o.Salt)
	if err != nil {
		return err
	}
	proof := make([][32]byte, len(o.Proof))
	for i, p := range o.Proof {
		if proof[i], err = Bytes32("proof", p); err != nil {
			return err
		}
	}
	return ledger.VerifyInclusion(ledger.Commit(salt, []byte(o.Record)), o.Index, c.Size, c.Root, proof)
}

// picks picks again from the item lines.
func (v *verifier) picks(items io.Reader) {
	s, p := v.f.Sample, v.f.Population
	sel, err := Selections(s)
	if err != nil {
		v.say("draws", false, "%v", err)
		return
	}
	for i := range sel {
		if s.Method != engagement.Systematic {
			sel[i].Size += len(s.Replaced)
		}
	}
	inside := map[string]bool{}
	for _, it := range s.Items {
		inside[it] = false
	}
	total, picked, err := Pick(items, s.Method, sel, func(it ID) {
		if _, asked := inside[it.ID]; asked {
			inside[it.ID] = true
		}
	})
	if err != nil {
		v.say("population", false, "%v", err)
		return
	}
	v.say("population", total.Digest == p.Digest && total.Count == p.Count, "%d item lines, SHA-256 %.16s; frozen were %d, %.16s", total.Count, total.Digest, p.Count, p.Digest)
	if !maps.Equal(total.Strata, p.Strata) {
		v.say("strata", false, "the item lines have other strata, or other counts in them, than were frozen")
	}
	for it, there := range inside {
		if !there {
			v.say("items", false, "%q is in the sample and not in the population", it)
			return
		}
	}
	v.same(picked)
}

// same compares what was picked again with the sample.
func (v *verifier) same(picked []Picked) {
	s := v.f.Sample
	switch s.Method {
	case engagement.Judgmental:
		v.open("picks", "%d items picked by judgment: their reasons can be read, and nobody can pick them again", len(s.Items))
		return
	case engagement.EveryItem:
		v.say("picks", len(s.Items) == v.f.Population.Count || len(s.Items) == 0, "%d items are named of %d: every item is taken", len(s.Items), v.f.Population.Count)
		return
	}
	var want []string
	for i, got := range picked {
		d := s.Draws[i]
		first := IDs(got.Items[:min(d.Size, len(got.Items))])
		if !slices.Equal(first, d.Items) || got.Start != d.Start || got.Count != d.Count {
			v.say("picks", false, "draw %d%s gives other items: %s", i+1, inStratum(d.Stratum), differs(first, d.Items))
			return
		}
		want = append(want, IDs(WithoutVoid(got.Items, s.Replaced, d.Size))...)
	}
	a, b := slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(s.Items))
	if !slices.Equal(a, b) {
		v.say("picks", false, "the items are not the first in order, without the %d replaced as void: %s", len(s.Replaced), differs(a, b))
		return
	}
	v.say("picks", true, "%d items, the same as drawn%s", len(s.Items), replacedWords(len(s.Replaced)))
}

func inStratum(s string) string {
	if s == "" {
		return ""
	}
	return " in stratum " + s
}

func replacedWords(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of them next in order for items that were void", n)
}

// differs names the first place at which two lists are not the same.
func differs(want, have []string) string {
	for i := range max(len(want), len(have)) {
		switch {
		case i >= len(want):
			return fmt.Sprintf("place %d is %q, and nothing is drawn there", i+1, have[i])
		case i >= len(have):
			return fmt.Sprintf("place %d is empty, and %q is drawn there", i+1, want[i])
		case want[i] != have[i]:
			return fmt.Sprintf("place %d is %q, and %q is drawn there", i+1, have[i], want[i])
		}
	}
	return "counts differ"
}
