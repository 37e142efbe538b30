package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tieout/ledger"
)

// A logWorld is a workspace over a git repository of one change, for commands
// run one after the other.
type logWorld struct {
	t   *testing.T
	dir string
	now time.Time
}

func newLogWorld(t *testing.T) *logWorld {
	t.Helper()
	w := &logWorld{t: t, dir: t.TempDir(), now: time.Now()}
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"commit", "-q", "--allow-empty", "-m", "one"}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = w.dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@corp.example",
			"GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@corp.example")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	w.must(0, "init", "--yes", "--name", "Acme")
	if err := os.Remove(filepath.Join(w.dir, "sources/workstation.yaml")); err != nil {
		t.Fatal(err)
	}
	w.must(0, "apply")
	return w
}

// run runs a command and returns its exit code and all it wrote.
func (w *logWorld) run(args ...string) (int, string) {
	w.t.Helper()
	var out bytes.Buffer
	code := Run(w.t.Context(), Environment{
		Args: append([]string{"-w", w.dir, "--no-input"}, args...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
		Getenv: func(name string) string { return map[string]string{"TIEOUT_ACTOR": "Ann Ash", "TZ": "UTC"}[name] },
		Getwd:  func() (string, error) { return w.dir, nil },
		Now:    func() time.Time { w.now = w.now.Add(time.Millisecond); return w.now },
	})
	return code, out.String()
}

// must runs a command that ends with code and writes each of what follows "--".
func (w *logWorld) must(code int, args ...string) string {
	w.t.Helper()
	got, out := w.run(args...)
	if got != code {
		w.t.Fatalf("tieout %s: exit %d, want %d\n%s", strings.Join(args, " "), got, code, out)
	}
	return out
}

// says demands that text, with its line breaks made spaces, matches each pattern.
func says(t *testing.T, text string, patterns ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(text), " ")
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(flat) {
			t.Errorf("got %q; want a match of %q", flat, p)
		}
	}
}

func (w *logWorld) path(name string) string { return filepath.Join(w.dir, name) }

func (w *logWorld) copy(from, to string) {
	w.t.Helper()
	data, err := os.ReadFile(w.path(from))
	if err == nil {
		err = os.WriteFile(w.path(to), data, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// configure puts text under ledger: in tieout.yaml.
func (w *logWorld) configure(text string) {
	w.t.Helper()
	path := w.path("tieout.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	base, _, _ := strings.Cut(string(data), "\nledger:")
	if err := os.WriteFile(path, []byte(base+"\nledger:\n"+text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	w.must(0, "apply")
}

// first is the log's first public key.
func (w *logWorld) first() string {
	w.t.Helper()
	m := regexp.MustCompile(`first public key, [^:]*: (\S+)`).FindStringSubmatch(w.must(0, "log", "head"))
	if m == nil {
		w.t.Fatal("log head names no first key")
	}
	return m[1]
}

// bundle writes the newest run as one file.
func (w *logWorld) bundle(file string) {
	w.t.Helper()
	w.must(0, "report", "export", "--bundle", "--to", filepath.Dir(file))
	w.copy("results.bundle", filepath.Base(file))
}

func (w *logWorld) collectAndCheck() string {
	w.t.Helper()
	out := w.must(0, "collect")
	_, checked := w.run("check")
	return out + checked
}

// witnessServer serves a witness of the world's log over loopback.
func (w *logWorld) witnessServer() (*ledger.Witness, string) {
	w.t.Helper()
	skey, _, err := ledger.GenerateKey("witness.example/w1")
	if err != nil {
		w.t.Fatal(err)
	}
	witness, err := ledger.NewWitness(skey, ledger.FileWitnessState{Dir: w.t.TempDir()})
	if err != nil {
		w.t.Fatal(err)
	}
	key, err := ledger.ParseKey(w.first())
	if err != nil {
		w.t.Fatal(err)
	}
	chain, err := ledger.NewChain(key)
	if err != nil {
		w.t.Fatal(err)
	}
	witness.Follow(chain)
	server := httptest.NewServer(witness.Handler())
	w.t.Cleanup(server.Close)
	return witness, server.URL
}

func (w *logWorld) witnesses(key ledger.Key, url string) string {
	return fmt.Sprintf("  witnesses:\n    - name: outsider\n      url: %s\n      key: %s\n", url, key.VKey())
}

func TestTwoRotationsThenVerify(t *testing.T) {
	w := newLogWorld(t)
	w.collectAndCheck()
	for range 2 {
		says(t, w.must(0, "log", "rotate"), "From now on .* signs")
		w.collectAndCheck()
	}
	bundle := w.path("a.bundle")
	w.bundle(bundle)
	out := w.must(0, "verify", bundle, "--key", w.first())
	if n := strings.Count(out, "took over by a hand-over signed by both keys"); n != 2 {
		t.Errorf("verify names %d hand-overs; want 2\n%s", n, out)
	}
	says(t, out, "order not externally witnessed")
	says(t, w.must(0, "log", "verify"), "The log is whole", "ok the log continues the")
	says(t, w.must(0, "log", "tail", "--most", "400"), "the signing key was handed over to tieout.local/acme", "the procedures were run")
	old, err := filepath.Glob(w.path(".tieout/ledger.key.until-*"))
	if err != nil || len(old) != 2 {
		t.Errorf("old keys kept: %v, %v; want 2", old, err)
	}
	w.must(0, "verify")
}

func TestTailShowsNoMore(t *testing.T) {
	w := newLogWorld(t)
	if got := strings.Count(w.must(0, "log", "tail", "--most", "1", "-o", "jsonl"), "\n"); got > 2 {
		t.Errorf("tail --most 1 writes %d lines", got)
	}
	w.must(64, "log", "tail", "--most", "0")
}

func TestWitnessAndBundle(t *testing.T) {
	w := newLogWorld(t)
	witness, url := w.witnessServer()
	w.configure(w.witnesses(witness.Key(), url))
	out := w.collectAndCheck()
	says(t, out, `The log was seen by witness witness.example/w1 on \d{4}-\d\d-\d\d, at \d+ entries`)
	says(t, w.must(0, "log", "witness"), "ok seen by witness witness.example/w1")
	bundle := w.path("a.bundle")
	w.bundle(bundle)
	says(t, w.must(0, "verify", bundle, "--witness", witness.Key().VKey()), `ok witness witness.example/w1 saw tieout.local/acme at \d+ entries on`)
	says(t, w.must(0, "verify", bundle), "open witness witness.example/w1 is said to have seen the checkpoint; its key was not given")
	says(t, w.must(0, "verify"), "witness witness.example/w1 on")
	says(t, w.must(0, "log", "verify"), `ok \d+ entries were seen by witness witness.example/w1`)
}

func TestWitnessesThatDoNotHelp(t *testing.T) {
	skey, _, err := ledger.GenerateKey("witness.example/w1")
	if err != nil {
		t.Fatal(err)
	}
	witness, err := ledger.NewWitness(skey, ledger.FileWitnessState{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	conflict := func(size int) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/x.tlog.size")
			rw.WriteHeader(http.StatusConflict)
			fmt.Fprintf(rw, "%d\n", size)
		}
	}
	cases := []struct {
		name    string
		handler http.Handler
		code    int
		want    string
	}{
		{"does not follow the log", witness.Handler(), exitForbidden, "does not know this log"},
		{"claims to have seen more", conflict(1 << 40), exitAltered, "it has cosigned 1099511627776 entries, the log holds"},
		{"saw another tree of none", conflict(0), exitAltered, "it has cosigned other entries"},
		{"busy", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "later", 503) }), exitInconclusive, "did not answer: HTTP status 503"},
		{"signs something else", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, "— witness.example/w1 AAAAAAAAAAA=\n") }), exitInconclusive, "no cosignature by its key"},
		{"times out", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(2 * time.Second) }), exitInconclusive, "did not answer"},
	}
	w := newLogWorld(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			w.configure(w.witnesses(witness.Key(), server.URL))
			says(t, w.must(c.code, "log", "witness", "--wait", "300ms"), c.want)
		})
	}
	// A run goes on without them, and says so.
	w.configure(w.witnesses(witness.Key(), "http://127.0.0.1:1"))
	says(t, w.collectAndCheck(), "witness outsider has not seen the log at", "Sealed as E-")
}

func TestExchangeByFiles(t *testing.T) {
	w := newLogWorld(t)
	key, state, file := w.path("w.key"), w.path("seen"), w.path("x.exchange")
	public := strings.Fields(w.must(0, "log", "cosign", "--make-key", "firm.example/witness", "--key", key))[0]
	w.configure("  witnesses:\n    - name: firm\n      key: " + public + "\n")
	cosign := func(code int, more ...string) string {
		t.Helper()
		return w.must(code, append([]string{"log", "cosign", file, "--key", key, "--state", state}, more...)...)
	}
	w.must(0, "log", "witness", "--export", file)
	says(t, w.must(exitInconclusive, "log", "witness", "--import", file), "no witness has signed it yet")
	says(t, cosign(exitForbidden), "does not follow the log yet", "repeat with --log")
	cosign(0, "--log", w.first())
	says(t, w.must(0, "log", "witness", "--import", file), "ok seen by witness firm.example/witness")
	w.must(0, "log", "rotate") // the hand-over travels with the next exchange
	w.must(0, "collect")
	w.must(0, "log", "witness", "--export", file)
	cosign(0)
	w.must(0, "log", "witness", "--import", file)
	says(t, w.must(0, "verify"), "witness firm.example/witness on")
	// One changed byte, and nothing is kept or signed.
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	w.must(exitAltered, "log", "witness", "--import", file)
	cosign(exitAltered)
}

// TestRestoredStoreOpensAnEpoch brings an old backup back, across a rotation.
func TestRestoredStoreOpensAnEpoch(t *testing.T) {
	w := newLogWorld(t)
	w.must(0, "log", "cosign", "--make-key", "firm.example/witness", "--key", w.path("w.key"))
	w.must(0, "backup", w.path("old.db"))
	w.collectAndCheck()
	w.must(0, "log", "rotate")
	file := w.path("x.exchange")
	w.must(0, "log", "witness", "--export", file)
	w.must(0, "log", "cosign", file, "--key", w.path("w.key"), "--state", w.path("seen"), "--log", w.first())
	says(t, w.must(exitFailed, "log", "epoch", "--reason", "restored", "--yes"), "there is no epoch to open")

	w.dropStore()
	w.must(0, "restore", w.path("old.db"))
	says(t, w.must(exitAltered, "status"), "does not continue what this workspace has published", "tieout log epoch --reason restored")
	says(t, w.must(exitAltered, "log", "verify"), "not ok the log would fork")
	says(t, w.must(exitUsage, "log", "epoch", "--reason", "restored"), "repeat with --yes")
	says(t, w.must(0, "log", "epoch", "--reason", "restored", "--yes", "--why", "disk failed"),
		"Epoch 2 was opened after the store was restored, from 2 entries; a checkpoint of \\d+ entries had been published that it does not continue")
	w.collectAndCheck()
	says(t, w.must(0, "log", "tail", "--most", "100"), "epoch 2 was opened after the store was restored.*: disk failed")
	says(t, w.must(0, "log", "verify"), "open epoch 2 was opened", "The log is whole")
	bundle := w.path("a.bundle")
	w.bundle(bundle)
	says(t, w.must(0, "verify", bundle), "epoch 2 was opened after the store was restored")
	w.must(0, "verify")

	// The witness saw more than is left, and signs only once a person has accepted that.
	w.must(0, "log", "witness", "--export", file)
	cosign := []string{"log", "cosign", file, "--key", w.path("w.key"), "--state", w.path("seen")}
	says(t, w.must(exitForbidden, cosign...), "epoch 2 was opened", "repeat with --accept-epoch")
	out := w.must(exitAltered, append(cosign, "--accept-epoch")...)
	m := regexp.MustCompile(`--from\s+(\d+)\s+--from-epoch\s+(\d+)`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no advice from where to export: %s", out)
	}
	w.must(0, "log", "witness", "--export", file, "--from", m[1], "--from-epoch", m[2])
	w.must(0, append(cosign, "--accept-epoch")...)
}

// dropStore removes the store's files.
func (w *logWorld) dropStore() {
	w.t.Helper()
	files, err := filepath.Glob(w.path(".tieout/store.db*"))
	if err != nil || len(files) == 0 {
		w.t.Fatal("no store", err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestLostAndExposedKeysOpenEpochs(t *testing.T) {
	w := newLogWorld(t)
	w.collectAndCheck()
	says(t, w.must(exitFailed, "log", "epoch", "--reason", "key-lost", "--yes"), "the signing key is there")
	if err := os.Remove(w.path(".tieout/ledger.key")); err != nil {
		t.Fatal(err)
	}
	says(t, w.must(exitFailed, "status"), "tieout log epoch --reason key-lost")
	says(t, w.must(0, "log", "epoch", "--reason", "key-lost", "--yes"), "Epoch 2 was opened because the signing key was lost", "The new public key")
	w.collectAndCheck()
	says(t, w.must(0, "log", "epoch", "--reason", "key-exposed", "--yes"), "Epoch 3 was opened because the signing key may be known to others")
	w.collectAndCheck()
	w.must(0, "log", "rotate")
	w.must(0, "collect")
	says(t, w.must(0, "log", "verify"), "signs from epoch 2 on; no earlier key vouches for it", "The log is whole")
	bundle := w.path("a.bundle")
	w.collectAndCheck()
	w.bundle(bundle)
	says(t, w.must(0, "verify", bundle), "epoch 2 was opened because the signing key was lost", "only the bundle vouches for it")
	w.must(0, "verify")
}

// TestInterruptedEpochIsFinished cuts an epoch off after the ledger opened it:
// the old key is still in its place and the succession does not know the new.
func TestInterruptedEpochIsFinished(t *testing.T) {
	w := newLogWorld(t)
	before := w.path(".tieout/anchor.keys")
	w.copy(".tieout/ledger.key", "saved.key")
	w.copy(".tieout/anchor.keys", "saved.keys")
	meta := w.readMeta(t)
	w.must(0, "log", "epoch", "--reason", "key-exposed", "--yes")
	w.copy(".tieout/ledger.key", ".tieout/ledger.key.new")
	w.copy("saved.key", ".tieout/ledger.key")
	w.copy("saved.keys", ".tieout/anchor.keys")
	w.writeMeta(t, meta)
	if data, err := os.ReadFile(before); err != nil || strings.Contains(string(data), "epoch") {
		t.Fatalf("the set-up failed: %s, %v", data, err)
	}
	w.must(0, "collect")
	says(t, w.must(0, "log", "verify"), "signs from epoch 2 on", "The log is whole")
}

func TestAlteredLogIsNamed(t *testing.T) {
	cases := map[string]struct {
		harm string // SQL
		want string
	}{
		"a hash":       {"update log_hashes set hash = zeroblob(32) where id = 1", `stored hash 1 \(level 0, number 1, over entries 1 to 1\)`},
		"a commitment": {"update records set commitment = zeroblob(32) where idx = 0", "head of 1 entries: the commitments do not give its signed root"},
		"a head":       {"update log_heads set note = replace(cast(note as text), 'tieout.local', 'tieout.other') where n = 1", "head of 1 entries, epoch 1"},
		"an entry":     {"update records set idx = 900 where idx = 0", "entries 0 to 0 are not all there"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newLogWorld(t)
			w.sql(t, c.harm)
			says(t, w.must(exitAltered, "log", "verify"), "not ok "+c.want)
		})
	}
}
