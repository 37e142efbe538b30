package attesttest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tieout/report/attest"
)

// Key makes the same personal or log key for a name each time; it protects
// nothing.
func Key(name string) (note.Signer, string) {
	seed := sha256.Sum256([]byte("attesttest " + name))
	key := ed25519.NewKeyFromSeed(seed[:])
	vkey, err := note.NewEd25519VerifierKey(name, key.Public().(ed25519.PublicKey)) //nolint:forcetypeassert // of an Ed25519 key
	if err != nil {
		panic(err)
	}
	hash := strings.Split(vkey, "+")[1]
	signer, err := note.NewSigner("PRIVATE+KEY+" + name + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...)))
	if err != nil {
		panic(err)
	}
	return signer, vkey
}

// steps are the annex of the invented examination: whose, entry, what.
var steps = []struct {
	whose string
	entry int64
	what  string
}{
	{"client", 12, "Evidence of the year sealed, first record"}, {"firm", 3, "Commitment to the sample's secret number"},
	{"client", 40, "Population of leavers frozen, 148 items"}, {"firm", 9, "Population accepted"}, {"firm", 14, "Sample of 15 leavers drawn"},
	{"firm", 22, "Test of IAM-06 signed off"}, {"firm", 31, "Exception X-1 released"}, {"client", 55, "Response to X-1 sent"},
	{"firm", 37, "Control IAM-06 concluded"}, {"client", 61, "Assertion signed"}, {"firm", 44, "Opinion signed"}, {"firm", 46, "Report released"},
}

// WithAnnex adds two invented logs and the steps of the examination in them.
func WithAnnex(r attest.Report) attest.Report {
	logs := map[string]*tree{"client": grow("client", 64), "firm": grow("firm", 48)}
	r.Annex.Steps, r.Annex.Logs = nil, nil
	for i, s := range steps {
		l := logs[s.whose]
		proof := []string{}
		p, err := tlog.ProveRecord(int64(len(l.leaves)), s.entry, l)
		if err != nil {
			panic(err)
		}
		for _, h := range p {
			proof = append(proof, hex.EncodeToString(h[:]))
		}
		r.Annex.Steps = append(r.Annex.Steps, attest.Step{
			What: s.what, Whose: s.whose, Entry: s.entry, At: time.Date(2027, 1, 4+3*i, 9, 12, 7*i, 0, time.UTC),
			Leaf: hex.EncodeToString(l.leaves[s.entry][:]), Proof: proof,
		})
	}
	for _, whose := range []string{"client", "firm"} {
		origin := "halyard.example/log"
		seen := []string{"Brookline Assurance LLP, 12 Feb 2027"}
		if whose == "firm" {
			origin, seen = "brookline.example/log", []string{}
		}
		r.Annex.Logs = append(r.Annex.Logs, logs[whose].log(whose, origin, seen))
	}
	return r
}

// Signed adds the signatures of a partner over the report and over its pages.
// pages is the digest of the page table.
func Signed(r attest.Report, pages string) attest.Report {
	digest, err := attest.Digest(r)
	if err != nil {
		panic(err)
	}
	at := time.Date(2027, 2, 12, 15, 30, 0, 0, time.UTC)
	r.Signatures = []attest.Signature{
		Sign(attest.Signature{What: "report " + r.ID, Digest: digest, At: at}),
		Sign(attest.Signature{What: "pages of report " + r.ID, Digest: pages, At: at.Add(time.Minute)}),
	}
	return r
}

// Sign signs as Ada Quill, the invented partner.
func Sign(s attest.Signature) attest.Signature {
	s.Signer, s.Name, s.Title = "ada@brookline.example", "Ada Quill", "Partner"
	signer, key := Key("Ada.Quill")
	s.Key = key
	text, err := s.Statement()
	if err != nil {
		panic(err)
	}
	msg, err := note.Sign(&note.Note{Text: "tieout signature 1\n" + text}, signer)
	if err != nil {
		panic(err)
	}
	_, s.Value, _ = strings.Cut(string(msg), "\n\n")
	return s
}

// A tree is a log in memory.
type tree struct {
	leaves [][32]byte
	hashes []tlog.Hash
}

// ReadHashes is of tlog.HashReader.
func (t *tree) ReadHashes(ids []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, id := range ids {
		out = append(out, t.hashes[id])
	}
	return out, nil
}

func grow(name string, n int) *tree {
	t := &tree{}
	for i := range n {
		leaf := sha256.Sum256(fmt.Appendf(nil, "%s %d", name, i))
		add, err := tlog.StoredHashes(int64(i), leaf[:], t)
		if err != nil {
			panic(err)
		}
		t.leaves, t.hashes = append(t.leaves, leaf), append(t.hashes, add...)
	}
	return t
}

func (t *tree) log(whose, origin string, seen []string) attest.Log {
	root, err := tlog.TreeHash(int64(len(t.leaves)), t)
	if err != nil {
		panic(err)
	}
	signer, key := Key(origin)
	msg, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", origin, len(t.leaves), base64.StdEncoding.EncodeToString(root[:]))}, signer)
	if err != nil {
		panic(err)
	}
	return attest.Log{Whose: whose, Origin: origin, Key: key, Checkpoint: string(msg), Witnessed: seen}
}

// Fork is a checkpoint of a log with other entries, by the log's own key.
func Fork(origin string, size int) []byte {
	return []byte(grow("fork of "+origin, size).log("", origin, nil).Checkpoint)
}
