package testlang

import (
	"fmt"
	"strconv"
	"strings"

	"tieout/audit"
)

// expect reads one of
//
//	OUTCOME ITEM [FROM TO] ["words of the reason"]   a result of the item
//	nothing                                          no result is left unexpected
//	items N | grace N | count OUTCOME N
//	gap ["words of the reason"] [FROM TO] [N]        N items touched
//	no gap                                           there is none at all
//	start ITEM AFTER AT | end ITEM AFTER AT | open ITEM
//	frequency "words"
//
// Outcomes are written with a dash: no-evidence, not-applicable.
func (s *session) expect(line string) error {
	words, reason := quoted(line)
	if len(words) == 0 {
		return fmt.Errorf("expects nothing; write what")
	}
	rest := words[1:]
	switch words[0] {
	case "nothing":
		return s.nothing()
	case "items":
		return number(rest, s.tested.Items)
	case "grace":
		return number(rest, s.tested.InGrace)
	case "count":
		return s.count(rest)
	case "gap":
		return s.gap(rest, reason)
	case "no":
		if len(s.tested.Gaps) > 0 || len(rest) != 1 || rest[0] != "gap" {
			return fmt.Errorf("there are gaps:\n%s", s.list())
		}
		return nil
	case "start", "end", "open":
		return s.bound(words[0], rest)
	case "frequency":
		if s.tested.Frequency != reason {
			return fmt.Errorf("got %q", s.tested.Frequency)
		}
		return nil
	}
	return s.result(words[0], rest, reason)
}

func number(words []string, got int) error {
	if len(words) != 1 || words[0] != strconv.Itoa(got) {
		return fmt.Errorf("got %d", got)
	}
	return nil
}

func outcome(word string) (audit.Outcome, error) {
	var o audit.Outcome
	err := o.UnmarshalText([]byte(strings.ReplaceAll(word, "-", " ")))
	return o, err
}

func (s *session) count(words []string) error {
	if len(words) != 2 {
		return fmt.Errorf("want: count OUTCOME N")
	}
	o, err := outcome(words[0])
	if err != nil {
		return err
	}
	return number(words[1:], s.tested.Counts[o])
}

// result finds a result not expected yet that has all that is asked for.
func (s *session) result(word string, rest []string, reason string) error {
	o, err := outcome(word)
	if err != nil {
		return err
	}
	for i, r := range s.results {
		if s.used[i] || r.Outcome != o || !strings.Contains(r.Reason, reason) {
			continue
		}
		if ok, err := matches(rest, r); err != nil {
			return err
		} else if ok {
			s.used[i] = true
			return nil
		}
	}
	return fmt.Errorf("no such result; got\n%s", s.list())
}

func matches(rest []string, r audit.Result) (bool, error) {
	n := len(rest)
	if n >= 2 && !strings.Contains(rest[n-1], "/") {
		if to, err := parseTime(rest[n-1]); err == nil {
			from, err := parseTime(rest[n-2])
			if err != nil {
				return false, err
			}
			if !r.Span.From.Equal(from) || !r.Span.To.Equal(to) {
				return false, nil
			}
			rest = rest[:n-2]
		}
	}
	return strings.Join(rest, " ") == r.Item || len(rest) == 0, nil
}

func (s *session) list() string {
	var b strings.Builder
	for i, r := range s.results {
		mark := " "
		if s.used[i] {
			mark = "x"
		}
		fmt.Fprintf(&b, "  %s %s %s %s %s %q\n", mark, strings.ReplaceAll(r.Outcome.String(), " ", "-"), r.Item,
			audit.FormatTime(r.Span.From), audit.FormatTime(r.Span.To), r.Reason)
	}
	for _, g := range s.tested.Gaps {
		fmt.Fprintf(&b, "  gap %s %s %d %q\n", audit.FormatTime(g.Span.From), audit.FormatTime(g.Span.To), g.Items, g.Reason)
	}
	return b.String()
}

func (s *session) nothing() error {
	for _, u := range s.used {
		if !u {
			return fmt.Errorf("there are results nobody expected:\n%s", s.list())
		}
	}
	return nil
}

func (s *session) gap(rest []string, reason string) error {
	for _, g := range s.tested.Gaps {
		if !strings.Contains(g.Reason, reason) {
			continue
		}
		words := rest
		if len(words) >= 2 {
			if words[0] != short(audit.FormatTime(g.Span.From)) || words[1] != short(audit.FormatTime(g.Span.To)) {
				continue
			}
			words = words[2:]
		}
		if len(words) == 1 && words[0] != strconv.Itoa(g.Items) {
			continue
		}
		return nil
	}
	return fmt.Errorf("no such gap; got\n%s", s.list())
}

func short(t string) string { return strings.TrimSuffix(strings.TrimSuffix(t, ":00Z"), "T00:00") }

func (s *session) bound(which string, rest []string) error {
	if len(rest) == 0 {
		return fmt.Errorf("names no item")
	}
	for _, r := range s.results {
		if r.Item != rest[0] || r.Outcome != audit.Deviated && r.Outcome != audit.Late {
			continue
		}
		if which == "open" {
			if !r.Open {
				return fmt.Errorf("it ended in (%s, %s]", audit.FormatTime(r.End.After), audit.FormatTime(r.End.At))
			}
			return nil
		}
		b := r.Start
		if which == "end" {
			b = r.End
		}
		if len(rest) != 3 || rest[1] != short(audit.FormatTime(b.After)) || rest[2] != short(audit.FormatTime(b.At)) {
			return fmt.Errorf("got %s %s", short(audit.FormatTime(b.After)), short(audit.FormatTime(b.At)))
		}
		return nil
	}
	return fmt.Errorf("it has no deviation; got\n%s", s.list())
}
