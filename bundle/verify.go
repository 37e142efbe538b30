package bundle

import (
	"context"
	"io"

	"tieout/audit"
	"tieout/ledger"
)

// Verify checks a bundle of size bytes from itself alone, in memory that does
// not grow with it (but for one bit an entry of the log). The checks that were
// made come back also with an error. The error wraps audit.ErrAltered where
// something is not what was sealed and names the first member or record that
// does not match; later checks still run where they can.
func Verify(ctx context.Context, r io.ReaderAt, size int64, o Options) (*Checks, error) {
	v, err := open(ctx, r, size, o)
	if err != nil {
		return v.c, err
	}
	return v.c, v.all(ctx)
}

// A verifier makes the checks, one after the other.
type verifier struct {
	o     Options
	b     *reader
	c     *Checks
	cp    ledger.Checkpoint
	held  bitset         // entries of the log the bundle holds, erased ones included
	named map[int64]bool // entries that a sealed erasure names
	defs  int64          // entry of the applied definitions, or audit.Unsequenced
	run   *sealedRun
	colls map[string]*collected
	first error
}

// open checks the container: every byte of the file.
func open(ctx context.Context, r io.ReaderAt, size int64, o Options) (*verifier, error) {
	v := &verifier{o: o, c: &Checks{Bytes: size}, colls: map[string]*collected{}, named: map[int64]bool{}, defs: audit.Unsequenced}
	b, err := openReader(r, size)
	if err != nil {
		return v, v.c.fail("the file is a whole bundle", err)
	}
	v.b, v.c.ID, v.c.Members = b, b.id, len(b.members)
	if err := b.walk(ctx, o.progress("file")); err != nil {
		if ctx.Err() == nil {
			return v, v.c.fail("the file is a whole bundle", err)
		}
		return v, err
	}
	v.c.add(Good, "each of %s bytes belongs to one of %s that match their digests", count(size), plural(int64(len(b.members)), "member", "members"))
	if err := b.json("about.json", &v.c.About); err != nil {
		return v, v.c.fail("the bundle says what it is of", err)
	}
	return v, nil
}

// all makes the checks after the container's. The first that fails is the error.
func (v *verifier) all(ctx context.Context) error {
	if err := v.log(ctx); err != nil {
		return err
	}
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"the records are what was sealed", v.records},
		{"the collections are whole", v.collections},
		{"the definitions are those of the run", v.definitions},
		{"the results are those of the run", v.results},
		{"the report is that of the run", v.report},
	}
	for _, s := range steps {
		err := s.do(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			v.c.add(Bad, "%s: %v", s.what, err)
			v.keep(err)
		}
	}
	return v.first
}

func (v *verifier) keep(err error) {
	if v.first == nil {
		v.first = err
	}
}

// log checks signature, keys, root, witnesses and time stamps.
func (v *verifier) log(ctx context.Context) error {
	note, err := v.b.must("log/checkpoint")
	if err != nil {
		return v.c.fail("the checkpoint is there", err)
	}
	chain, err := v.keys()
	if err != nil {
		return v.c.fail("the log's keys follow from each other", err)
	}
	if v.cp, err = chain.VerifyCheckpoint(note); err != nil {
		return v.c.fail("the checkpoint is signed by the log's key", altered("log/checkpoint", "%v", err))
	}
	v.c.LogSize = v.cp.Size
	v.c.add(Good, "checkpoint of %s of %s is signed by key %s", plural(v.cp.Size, "entry", "entries"), v.cp.Log, v.cp.Key.ID())
	v.chain(chain)
	for _, e := range v.cp.Epochs {
		v.c.add(Open, "%s", e)
	}
	if err := v.root(ctx); err != nil {
		return v.c.fail("the log's entries give the root of the checkpoint", err)
	}
	v.c.add(Good, "its %s give the root that is signed", plural(v.cp.Size, "commitment", "commitments"))
	return v.sayings(note)
}

// keys builds the chain of keys: from the key the reader knows, or else from
// the one the bundle names.
func (v *verifier) keys() (ledger.Chain, error) {
	const name = "log/keys.json"
	var keys Keys
	if err := v.b.json(name, &keys); err != nil {
		return ledger.Chain{}, err
	}
	first, err := ledger.ParseKey(keys.First)
	if err != nil {
		return ledger.Chain{}, altered(name, "%v", err)
	}
	if known := v.o.Key.VKey(); known != "" && known != first.VKey() {
		return ledger.Chain{}, altered(name, "the log begins with key %s, not with %s, which was given", first.ID(), v.o.Key.ID())
	}
	chain, err := ledger.NewChain(first)
	for i := 0; i < len(keys.Steps) && err == nil; i++ {
		chain, err = follow(chain, keys.Steps[i])
	}
	if err != nil {
		return ledger.Chain{}, altered(name, "%v", err)
	}
	return chain, nil
}

func follow(chain ledger.Chain, s KeyStep) (ledger.Chain, error) {
	if s.Handover != "" {
		return chain.Follow([]byte(s.Handover))
	}
	key, err := ledger.ParseKey(s.Key)
	if err != nil {
		return chain, err
	}
	return chain.Vouch(s.Epoch, key)
}

// chain says of each key why it is believed.
func (v *verifier) chain(chain ledger.Chain) {
	for i, l := range chain.Links() {
		switch {
		case l.Trust == ledger.HandedOver:
			v.c.add(Good, "%s", l)
		case l.Trust == ledger.Vouched && !v.vouched(l.Key):
			v.c.add(Open, "key %s signs from epoch %d on without a hand-over; only the bundle vouches for it", l.Key.ID(), l.Epoch)
		case i == 0 && v.o.Key.VKey() == "":
			v.c.add(Open, "key %s is the first key by the bundle's own word; give a key known from elsewhere to check it", l.Key.ID())
		default:
			v.c.add(Good, "%s", l)
		}
	}
}

func (v *verifier) vouched(k ledger.Key) bool {
	for _, known := range v.o.Vouched {
		if known.VKey() == k.VKey() {
			return true
		}
	}
	return false
}

// root computes the tree over all commitments.
func (v *verifier) root(ctx context.Context) error {
	leaves := v.b.commitments()
	if have := leaves.count(); have != v.cp.Size {
		return altered("log/commitments", "%d commitments, the checkpoint has %d", have, v.cp.Size)
	}
	progress := v.o.progress("log")
	tree := ledger.NewTree()
	for i := range v.cp.Size {
		if i%(1<<14) == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			progress(i, v.cp.Size)
		}
		leaf, err := leaves.at(i)
		if err != nil {
			return err
		}
		tree.Add(leaf)
	}
	if tree.Root() != v.cp.Root {
		return altered("log/commitments", "they do not give the root of the checkpoint of %d entries", v.cp.Size)
	}
	return nil
}

// sayings checks what others say about the checkpoint. What nobody here can
// check is named and counts for nothing.
func (v *verifier) sayings(note []byte) error {
	const name = "log/sayings.json"
	var said map[string][]byte
	if err := v.b.json(name, &said); err != nil {
		return v.c.fail("what witnesses say is there", err)
	}
	for _, who := range sortedKeys(said) {
		if err := v.saying(note, who, said[who]); err != nil {
			v.c.add(Bad, "%s", err)
			v.keep(err)
		}
	}
	if len(v.c.Witnessed) == 0 {
		v.c.add(Open, "order not externally witnessed: nobody outside whose word can be checked here has seen this checkpoint")
	}
	return nil
}

// bitset marks entries of the log.
type bitset []uint64

func newBitset(size int64) bitset { return make(bitset, (size+63)/64) }

func (b bitset) set(i int64) { b[i/64] |= 1 << (i % 64) }

func (b bitset) has(i int64) bool { return i >= 0 && i/64 < int64(len(b)) && b[i/64]&(1<<(i%64)) != 0 }
