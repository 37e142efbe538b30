package attest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement/signature"
	"tieout/report/attest"
	"tieout/report/attest/attesttest"
)

// TestSignatureOfTheFirmHolds: what package signature signs is what a report's
// reader checks.
func TestSignatureOfTheFirmHolds(t *testing.T) {
	const passphrase = "a passphrase of some length 7"
	key, _, err := signature.New("Ada Quill", passphrase)
	if err != nil {
		t.Fatal(err)
	}
	s, err := signature.Sign(key, passphrase, signature.Statement{
		Signer: "ada@brookline.example", Name: "Ada Quill", Title: "Partner", What: "the report", Digest: strings.Repeat("ab", 32), At: time.Date(2027, 2, 12, 9, 0, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := attest.Signature{Signer: s.Signer, Name: s.Name, Title: s.Title, What: s.What, Key: s.Key, Digest: s.Digest, At: s.At, Value: s.Value}
	if err := got.Verify(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*attest.Signature){
		"name": func(s *attest.Signature) { s.Name = "Ben Quill" }, "title": func(s *attest.Signature) { s.Title = "Senior" },
		"digest": func(s *attest.Signature) { s.Digest = strings.Repeat("ac", 32) }, "time": func(s *attest.Signature) { s.At = s.At.Add(time.Second) },
		"signer": func(s *attest.Signature) { s.Signer = "b@x.example" }, "value": func(s *attest.Signature) { s.Value = "" }, "key": func(s *attest.Signature) { s.Key = "x" },
	} {
		bad := got
		spoil(&bad)
		if err := bad.Verify(); !errors.Is(err, audit.ErrAltered) {
			t.Errorf("another %s: got %v, want ErrAltered", name, err)
		}
	}
}

// verdicts are the checks made of r, each as "ok ..." on a line.
func verdicts(r attest.Report, digest, pages string, trust attest.Trust) string {
	var c attest.Checks
	c.VerifySignatures(r, digest, pages, trust)
	c.VerifyAnnex(r, trust)
	var b strings.Builder
	for _, x := range c.List {
		b.WriteString(x.Verdict.String() + " " + x.Sentence + "\n")
	}
	return b.String()
}

func TestSignaturesAndAnnex(t *testing.T) {
	pages := strings.Repeat("cd", 32)
	whole := attesttest.Signed(attesttest.WithAnnex(attesttest.TypeII()), pages)
	sum := digest(t, whole)
	key := whole.Signatures[0].Key
	point := []byte(whole.Annex.Logs[0].Checkpoint)
	for name, c := range map[string]struct {
		spoil func(*attest.Report)
		trust attest.Trust
		want  string
	}{
		"key not known":           {nil, attest.Trust{}, "open Ada Quill, Partner, signed the report on 12 Feb 2027"},
		"key known":               {nil, attest.Trust{Signers: []string{key}}, "ok Ada Quill, Partner, signed its pages"},
		"another key known":       {nil, attest.Trust{Signers: []string{"x+y+z"}}, "not ok the signature of Ada Quill on the report is by the key"},
		"nobody signed":           {func(r *attest.Report) { r.Signatures = nil }, attest.Trust{}, "open nobody signed the report"},
		"nobody signed the pages": {func(r *attest.Report) { r.Signatures = r.Signatures[:1] }, attest.Trust{}, "open nobody signed the pages"},
		"signed another report": {func(r *attest.Report) {
			r.Signatures[0] = attesttest.Sign(attest.Signature{What: "x", Digest: strings.Repeat("00", 32), At: r.Signatures[0].At})
		}, attest.Trust{}, "not ok the signature of Ada Quill covers 0000 0000 0000 0000, which is neither"},
		"another title":          {func(r *attest.Report) { r.Signatures[0].Title = "Senior partner" }, attest.Trust{}, "not ok the signature of \"Ada Quill\""},
		"steps hold":             {nil, attest.Trust{}, "ok 8 steps of the annex are in the firm's log brookline.example/log of 48 entries"},
		"another leaf":           {func(r *attest.Report) { r.Annex.Steps[4].Leaf = strings.Repeat("0", 64) }, attest.Trust{}, "not ok “Sample of 15 leavers drawn” is not entry 14 of the firm's log"},
		"another entry":          {func(r *attest.Report) { r.Annex.Steps[4].Entry = 13 }, attest.Trust{}, "not ok “Sample of 15 leavers drawn” is not entry 13"},
		"checkpoint of another":  {func(r *attest.Report) { r.Annex.Logs[0].Origin = "other.example" }, attest.Trust{}, "not ok the client's log: its checkpoint is of the log halyard.example/log"},
		"published the same":     {nil, attest.Trust{Checkpoints: [][]byte{point}}, "ok the checkpoint you gave of halyard.example/log is the one the annex rests on"},
		"published another root": {nil, attest.Trust{Checkpoints: [][]byte{attesttest.Fork("halyard.example/log", 64)}}, "not ok the checkpoint you gave of halyard.example/log has another root"},
		"published another size": {nil, attest.Trust{Checkpoints: [][]byte{attesttest.Fork("halyard.example/log", 70)}}, "open the checkpoint you gave of halyard.example/log has 70 entries"},
		"published of no log":    {nil, attest.Trust{Checkpoints: [][]byte{[]byte("x\n1\n")}}, "open the checkpoint you gave is of the log \"x\""},
		"no annex":               {func(r *attest.Report) { r.Annex.Logs = nil }, attest.Trust{}, "open the annex names no log"},
	} {
		t.Run(name, func(t *testing.T) {
			r := attesttest.Signed(attesttest.WithAnnex(attesttest.TypeII()), pages)
			if c.spoil != nil {
				c.spoil(&r)
			}
			if got := verdicts(r, sum, pages, c.trust); !strings.Contains(got, c.want) {
				t.Errorf("got\n%swant %q", got, c.want)
			}
		})
	}
}
