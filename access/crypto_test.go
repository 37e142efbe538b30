package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
)

// TestHOTP is RFC 4226, appendix D.
func TestHOTP(t *testing.T) {
	want := strings.Fields("755224 287082 359152 969429 338314 254676 287922 162583 399871 520489")
	for i, w := range want {
		if got := hotp([]byte("12345678901234567890"), int64(i), 6); got != w {
			t.Errorf("counter %d: got %s, want %s", i, got, w)
		}
	}
}

// TestTOTP is RFC 6238, appendix B, the rows of SHA-1 (eight digits).
func TestTOTP(t *testing.T) {
	for unix, want := range map[int64]string{59: "94287082", 1111111109: "07081804", 1111111111: "14050471",
		1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130"} {
		if got := hotp([]byte("12345678901234567890"), unix/30, 8); got != want {
			t.Errorf("at %d: got %s, want %s", unix, got, want)
		}
	}
}

func TestCheckTOTP(t *testing.T) {
	secret := []byte("12345678901234567890")
	now := time.Unix(1111111111, 0)
	step := now.Unix() / 30
	for name, tc := range map[string]struct {
		code string
		last int64
		want bool
	}{
		"of this step":        {hotp(secret, step, 6), 0, true},
		"of the step before":  {hotp(secret, step-1, 6), 0, true},
		"of the next step":    {hotp(secret, step+1, 6), 0, true},
		"too old":             {hotp(secret, step-2, 6), 0, false},
		"too early":           {hotp(secret, step+2, 6), 0, false},
		"used":                {hotp(secret, step, 6), step, false},
		"older than the used": {hotp(secret, step-1, 6), step, false},
		"newer than the used": {hotp(secret, step+1, 6), step, true},
		"of another secret":   {hotp([]byte("x"), step, 6), 0, false},
		"short":               {hotp(secret, step, 6)[:5], 0, false},
		"long":                {hotp(secret, step, 6) + "0", 0, false},
		"nothing":             {"", 0, false},
	} {
		if _, ok := checkTOTP(secret, tc.code, now, tc.last); ok != tc.want {
			t.Errorf("%s: got %v, want %v", name, ok, tc.want)
		}
	}
}

// TestArgon2 holds the real cost to what is promised.
func TestArgon2(t *testing.T) {
	h := newHasher(argonCost)
	got, err := h.hash(t.Context(), "seven green lamps hum")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %.40s, want argon2id with m=19456, t=2, p=1", got)
	}
	for name, tc := range map[string]struct {
		password string
		want     bool
	}{
		"the password": {"seven green lamps hum", true},
		"another":      {"seven green lamps hum ", false},
		"none":         {"", false},
	} {
		ok, stale, err := h.verify(t.Context(), got, tc.password)
		if err != nil || ok != tc.want || stale {
			t.Errorf("%s: got %v, stale %v, %v; want %v, fresh", name, ok, stale, err, tc.want)
		}
	}
	decomposed, err := h.hash(t.Context(), "cafe\u0301 in the rain")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, err := h.verify(t.Context(), decomposed, "caf\u00e9 in the rain"); !ok || err != nil {
		t.Errorf("the same characters from another keyboard: got %v, %v; want true", ok, err)
	}
	if ok, _, err := h.verify(t.Context(), "", ""); ok || err != nil {
		t.Errorf("no password: got %v, %v; want false", ok, err)
	}
}

func TestHashesAreBounded(t *testing.T) {
	h := newHasher(cost{64, 1, 1})
	h.slots = make(chan struct{}, 2)
	h.slots <- struct{}{}
	h.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.hash(ctx, "seven green lamps hum"); !errors.Is(err, audit.ErrUnavailable) {
		t.Errorf("with all slots taken and nobody waiting: got %v, want %v", err, audit.ErrUnavailable)
	}
	<-h.slots
	<-h.slots
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() { _, errs[i] = h.hash(t.Context(), "seven green lamps hum") })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if len(h.slots) != 0 {
		t.Errorf("%d slots are still taken", len(h.slots))
	}
}

func TestCheckPassword(t *testing.T) {
	for name, tc := range map[string]struct {
		password string
		ok       bool
	}{
		"a few words":          {"seven green lamps hum", true},
		"twelve characters":    {"abcdefghijkl", true},
		"eleven":               {"abcdefghijk", false},
		"twelve not of ASCII":  {"\u00e4\u00f6\u00fc\u00df\u00e9\u00e8\u00ea\u00eb\u00ee\u00ef\u00f4\u00fb", true},
		"one character":        {strings.Repeat("a", 20), false},
		"four characters":      {strings.Repeat("abcd", 5), false},
		"very long":            {strings.Repeat("abcdefgh", 33), false},
		"the own address":      {"anamoss.anamoss", false},
		"the own name and one": {"Moss-Moss-2026", false},
		"not text":             {"abcdefghijk\xff", false},
	} {
		err := CheckPassword(tc.password, "anamoss@halyard.example", "Ana Moss")
		if (err == nil) != tc.ok || err != nil && (!errors.Is(err, audit.ErrInvalid) || strings.Contains(err.Error(), tc.password)) {
			t.Errorf("%s: got %v, want ok %v and an error that does not show it", name, err, tc.ok)
		}
	}
}

func TestEmail(t *testing.T) {
	for typed, want := range map[string]string{" Ana@Example.com ": "ana@example.com", "a.b+c@x.example": "a.b+c@x.example", "Zoe\u0308@x.example": "zo\u00eb@x.example"} {
		if got, err := Email(typed); got != want || err != nil {
			t.Errorf("%q: got %q, %v; want %q", typed, got, err, want)
		}
	}
	for _, typed := range []string{"", "ana", "@x", "a@", "Ana <a@x.example>", "a@x.example, b@x.example", "a\x00@x.example", "a b@x.example", "a@x.example\r\nBcc: b@x", strings.Repeat("a", 300) + "@x.example"} {
		if got, err := Email(typed); err == nil || got != "" || !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%q: got %q, %v; want an error", typed, got, err)
		}
	}
}

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "192.0.2.7:80": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "[2001:db8::1]:80": "2001:db8::/64",
		"2001:db8::ffff:1": "2001:db8::/64", "fe80::1%eth0": "fe80::/64", "": "unknown", "x": "unknown",
	} {
		if got := network(address); got != want {
			t.Errorf("%q: got %q, want %q", address, got, want)
		}
	}
}

func TestWaits(t *testing.T) {
	var got []string
	for n := int64(1); n <= 16; n++ {
		got = append(got, fmt.Sprint(waitAfter(n, 5)))
	}
	const want = "0s 0s 0s 0s 1s 2s 4s 8s 16s 32s 1m4s 2m8s 4m16s 8m32s 15m0s 15m0s"
	if strings.Join(got, " ") != want || waitAfter(1<<40, 5) != longestWait {
		t.Errorf("got %v, want %s, and never more", got, want)
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(Config{}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("nothing given: got %v, want %v", err, audit.ErrInvalid)
	}
	if _, err := newKeys([32]byte{}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("no key: got %v, want %v", err, audit.ErrInvalid)
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		e, err := parseHash(s)
		if err != nil {
			if !errors.Is(err, audit.ErrAltered) {
				t.Fatalf("got %v, want %v", err, audit.ErrAltered)
			}
			return
		}
		if e.String() != s {
			t.Fatalf("%q reads as %q", s, e)
		}
		if c := e.cost; c.memory > maxMemory || c.time > maxTime || c.time == 0 || c.lanes == 0 {
			t.Fatalf("%q costs %+v", s, c)
		}
	})
}

func FuzzEmail(f *testing.F) {
	for _, s := range []string{"ana@example.com", "Ana <a@b.c>", "a@[192.0.2.1]", "\"a b\"@x", "a@b\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Email(s)
		if err != nil {
			return
		}
		if again, err := Email(got); err != nil || again != got {
			t.Fatalf("%q gives %q, which gives %q, %v", s, got, again, err)
		}
		if strings.ContainsAny(got, "\x00\r\n \t") {
			t.Fatalf("%q gives %q", s, got)
		}
	})
}
