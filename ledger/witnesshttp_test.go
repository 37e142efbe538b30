package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func serveWitness(t *testing.T, w *Witness) WitnessClient {
	t.Helper()
	server := httptest.NewServer(w.Handler())
	t.Cleanup(server.Close)
	return WitnessClient{URL: server.URL + "/", Key: w.Key(), Client: server.Client()}
}

func TestWitnessOverHTTP(t *testing.T) {
	o := openLog(t, 3)
	w := newWitness(t, "witness.example")
	w.Follow(o.Keys())
	client := serveWitness(t, w)
	for _, seen := range []Checkpoint{{}, {Epoch: 1, Size: 3}, {}, {Epoch: 1, Size: 1}, {Epoch: 9, Size: 99}} {
		said, line, err := client.Cosign(t.Context(), o.Log, seen)
		if err != nil {
			t.Fatalf("seen %d: %v", seen.Size, err)
		}
		if kept, err := o.KeepCosignature(t.Context(), said.Size, line, w.Key()); err != nil || kept.Size != o.Head().Size {
			t.Errorf("seen %d: kept %v, %v", seen.Size, kept, err)
		}
		o.grow(t, 5)
	}
}

func TestWitnessStatuses(t *testing.T) {
	o := openLog(t, 4)
	w := newWitness(t, "witness.example")
	w.Follow(o.Keys())
	if _, err := w.Cosign(t.Context(), Exchange{Checkpoint: o.Head().Note}); err != nil {
		t.Fatal(err)
	}
	o.grow(t, 3)
	good, err := o.Show(t.Context(), Checkpoint{Epoch: 1, Size: 4})
	if err != nil {
		t.Fatal(err)
	}
	unknown := bytes.Replace(good.Checkpoint, []byte(testLog), []byte("other.example/log"), 1)
	cases := []struct {
		name   string
		body   []byte
		status int
		answer string
	}{
		{"garbage", []byte("old 4\n"), 400, ""},
		{"leading zero", []byte("old 04\n\n" + string(good.Checkpoint)), 400, ""},
		{"old size too large", submission{9, good}.encode(), 400, ""},
		{"unknown log", submission{4, Exchange{unknown, good.Proof}}.encode(), 404, ""},
		{"changed text", submission{4, Exchange{bytes.Replace(good.Checkpoint, []byte("\n7\n"), []byte("\n6\n"), 1), good.Proof}}.encode(), 403, ""},
		{"another old size", submission{3, good}.encode(), 409, "4\n"},
		{"no proof", submission{4, Exchange{good.Checkpoint, nil}}.encode(), 422, ""},
		{"as it should be", submission{4, good}.encode(), 200, "— witness.example "},
		{"once more", submission{7, Exchange{good.Checkpoint, nil}}.encode(), 200, "— witness.example "},
	}
	for _, c := range cases {
		rec := httptest.NewRecorder()
		w.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/add-checkpoint", bytes.NewReader(c.body)))
		if rec.Code != c.status || !strings.HasPrefix(rec.Body.String(), c.answer) {
			t.Errorf("%s: %d %q; want %d %q", c.name, rec.Code, rec.Body, c.status, c.answer)
		}
	}
}

func TestWitnessClientRefuses(t *testing.T) {
	o := openLog(t, 4)
	w := newWitness(t, "witness.example")
	stranger := newWitness(t, "witness.example")
	stranger.Follow(o.Keys())
	conflict := func(sizes ...int) http.HandlerFunc {
		n := 0
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", sizeMedia)
			rw.WriteHeader(http.StatusConflict)
			fmt.Fprintf(rw, "%d\n", sizes[n%len(sizes)])
			n++
		}
	}
	cases := []struct {
		name    string
		handler http.Handler
		want    error
	}{
		{"unknown log", w.Handler(), ErrRefused},
		{"another witness's key", stranger.Handler(), ErrVerify},
		{"saw more", conflict(5), ErrForked},
		{"another size each time", conflict(1, 2), ErrRefused},
		{"a conflict without a size", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "no", 409) }), ErrVerify},
		{"sees no proof", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "no", 422) }), ErrForked},
		{"busy", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "no", 500) }), ErrNoAnswer},
		{"sends elsewhere", http.RedirectHandler("/", http.StatusTeapot), ErrRefused},
		{"too much", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.Write(make([]byte, maxNote+1)) }), ErrNoAnswer},
		{"too late", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(300 * time.Millisecond) }), ErrNoAnswer},
	}
	for _, c := range cases {
		server := httptest.NewServer(c.handler)
		client := &http.Client{Timeout: 150 * time.Millisecond}
		_, line, err := WitnessClient{URL: server.URL, Key: w.Key(), Client: client}.Cosign(t.Context(), o.Log, Checkpoint{})
		server.Close()
		if !errors.Is(err, c.want) || line != nil {
			t.Errorf("%s: %q, %v; want %v", c.name, line, err, c.want)
		}
	}
}

func TestVerifyStoredNamesWhatIsWrong(t *testing.T) {
	o := openLog(t, 4)
	o.grow(t, 9)
	heads := func(_ context.Context, yield func(Head) error) error {
		for _, size := range []int64{4, 13} {
			h, err := o.backend.HeadAt(t.Context(), size)
			if err != nil {
				return err
			}
			if err := yield(h); err != nil {
				return err
			}
		}
		return nil
	}
	f, err := VerifyStored(t.Context(), o.backend, o.Keys(), heads, nil)
	if err != nil || len(f.Faults) != 0 || f.Entries != 13 || f.Heads != 2 || f.Hashes != 23 {
		t.Errorf("whole log: %+v, %v", f, err)
	}
	o.backend.hashes[5][3] ^= 1
	f, err = VerifyStored(t.Context(), o.backend, o.Keys(), heads, nil)
	if err != nil || len(f.Faults) != 1 || !strings.Contains(f.Faults[0].Error(), "stored hash 5 ") {
		t.Errorf("one changed hash: %v, %v", f.Faults, err)
	}
}

func parcelOf(t testing.TB, o opened) Parcel {
	t.Helper()
	x, err := o.Show(tContext, Checkpoint{Epoch: 1, Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	return Parcel{First: o.signer.Key().VKey(), Old: 1, Exchange: x}
}

func TestEveryByteOfAParcelCounts(t *testing.T) {
	o := openLog(t, 6)
	file := parcelOf(t, o).Encode()
	unnoticed := 0
	flips(file, func(at int, changed []byte) {
		p, err := ParseParcel(changed)
		if err != nil {
			return
		}
		if p.First != o.signer.Key().VKey() || p.Old != 1 {
			return // another key, or another size, which the proof does not fit
		}
		_, bare, err := p.Read()
		if err == nil {
			err = continuesByProof(Checkpoint{Log: testLog, Epoch: 1, Size: 1, Root: LeafHash(o.backend.leaves[0].Commitment)}, o.Checkpoint(), p.Proof)
		}
		if err == nil && bytes.Equal(bare, o.Head().Note) {
			unnoticed++
			t.Errorf("byte %d changed unnoticed", at)
		}
	})
}

func FuzzParcel(f *testing.F) {
	o := openLog(f, 6)
	p := parcelOf(f, o)
	f.Add(p.Encode())
	p.Steps = []KeyStep{{Handover: "x"}, {Key: p.First, Epoch: 2}}
	f.Add(p.Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseParcel(data)
		if err == nil && !bytes.Equal(p.Encode(), data) {
			t.Errorf("%q is written back as %q", data, p.Encode())
		}
	})
}

func FuzzSubmission(f *testing.F) {
	o := openLog(f, 6)
	f.Add(submission{1, parcelOf(f, o).Exchange}.encode())
	f.Add([]byte("old 0\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseSubmission(data)
		if err == nil && !bytes.Equal(s.encode(), data) {
			t.Errorf("%q is written back as %q", data, s.encode())
		}
	})
}
