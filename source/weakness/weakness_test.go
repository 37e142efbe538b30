package weakness

import "testing"

func TestCVSS(t *testing.T) {
	for text, want := range map[string]string{
		"10": "critical", "9.0": "critical", "8.9": "high", "7": "high", "6.9": "medium", "4.0": "medium", "3.9": "low", "0.1": "low", "0.0": "none",
		"": "", "NaN": "", "-1": "", "10.1": "", "high": "", "Inf": "",
	} {
		if got := CVSS(text); got != want {
			t.Errorf("CVSS(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestSeverity(t *testing.T) {
	for word, want := range map[string]string{"CRITICAL": "critical", "Moderate": "medium", "Negligible": "low", "UNKNOWN": "", "": "", "None": "none"} {
		if got := Severity(word); got != want {
			t.Errorf("Severity(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestWithoutTag(t *testing.T) {
	for image, want := range map[string]string{
		"api": "api", "api:1": "api", "registry:5000/api": "registry:5000/api", "registry:5000/api:1.2@sha256:00": "registry:5000/api", "api@sha256:00": "api",
	} {
		if got := WithoutTag(image); got != want {
			t.Errorf("WithoutTag(%q) = %q, want %q", image, got, want)
		}
	}
}

// TestAdd: of two lines of one item the worse counts.
func TestAdd(t *testing.T) {
	l := &List{connection: "c", scope: "s", by: map[string]*Weakness{}}
	l.Add(Weakness{Advisory: "A", Place: "a|b", Status: "accepted", Severity: "low", Fix: No()})
	l.Add(Weakness{Advisory: "A", Place: "a|b", Status: "open", Severity: "high", Fix: Yes()})
	l.Add(Weakness{Advisory: "A", Place: "a", Package: "b", Status: "open"})
	w := l.by["c/s|a%7Cb||A"]
	if len(l.order) != 2 || w == nil || w.Status != "open" || w.Severity != "high" || !*w.Fix {
		t.Errorf("%v, %+v; want two items, the first open, high and with a fix", l.order, w)
	}
}

func TestAnyFix(t *testing.T) {
	for _, tc := range []struct {
		name       string
		a, b, want *bool
	}{
		{"one yes", No(), Yes(), Yes()}, {"yes and unknown", nil, Yes(), Yes()}, {"yes first", Yes(), nil, Yes()},
		{"all no", No(), No(), No()}, {"no and unknown", No(), nil, nil}, {"unknown and no", nil, No(), nil},
	} {
		got := anyFix(tc.a, tc.b)
		if (got == nil) != (tc.want == nil) || got != nil && *got != *tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
