package source

import (
	"net/netip"
	"net/url"
	"testing"
)

func TestGuard(t *testing.T) {
	for _, tc := range []struct {
		addr                  string
		open, loopback, inner bool
	}{
		{"93.184.216.34", true, true, true}, {"2606:2800:220:1::1", true, true, true},
		{"127.0.0.1", false, true, false}, {"::1", false, true, false}, {"::ffff:127.0.0.1", false, true, false},
		{"10.1.2.3", false, false, true}, {"192.168.0.1", false, false, true}, {"172.31.0.1", false, false, true}, {"fd00::1", false, false, true}, {"100.64.0.1", false, false, true},
		{"169.254.169.254", false, false, false}, {"fe80::1", false, false, false}, {"0.0.0.0", false, false, false}, {"::", false, false, false},
		{"224.0.0.1", false, false, false}, {"255.255.255.255", false, false, false}, {"64:ff9b::7f00:1", false, false, false}, {"2002:7f00:1::", false, false, false},
	} {
		a := netip.MustParseAddr(tc.addr)
		for allow, want := range map[string]bool{"": tc.open, "loopback": tc.loopback, "private": tc.inner} {
			if got := checkAddr(a, allow) == nil; got != want {
				t.Errorf("%s with allow %q: %v; want %v", tc.addr, allow, got, want)
			}
		}
	}
}

func TestSameOrigin(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"https://api.example/x", "https://API.example:443/y", true},
		{"https://api.example/x", "http://api.example/y", false},
		{"https://api.example/x", "https://api.example:8443/y", false},
		{"https://api.example/x", "https://user@api.example/y", false},
		{"https://api.example/x", "https://api.example.evil/y", false},
	} {
		a, errA := url.Parse(tc.a)
		b, errB := url.Parse(tc.b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if got := SameOrigin(a, b); got != tc.want {
			t.Errorf("SameOrigin(%s, %s) = %v, want %v", tc.a, tc.b, got, tc.want)
		}
	}
}
