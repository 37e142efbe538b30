package policy

import (
	"os"
	"strings"
	"testing"
)

// TestDocumentedExamplesParse: the two examples of the format's document are
// what it says they are.
func TestDocumentedExamplesParse(t *testing.T) {
	data, err := os.ReadFile("../docs/formats/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	var examples []string
	for part := range strings.SplitSeq(string(data), "\n\n    ---\n") {
		examples = append(examples, "---\n"+unindented(part))
	}
	if len(examples) != 3 {
		t.Fatalf("%d examples, want a policy and a course", len(examples)-1)
	}
	p, err := Parse("devices.md", []byte(examples[1]))
	if err != nil || p.Title != "Device policy" || len(p.States) != 1 || len(p.Refs()) != 1 {
		t.Errorf("got %+v, %v", p, err)
	}
	c, err := ParseCourse("incident.md", []byte(examples[2]))
	if err != nil || c.Topic != "incident" || len(c.Questions) != 1 {
		t.Errorf("got %+v, %v", c, err)
	}
}

// unindented returns the lines of an indented example, to the first that is not.
func unindented(part string) string {
	var b strings.Builder
	for line := range strings.Lines(part) {
		rest, ok := strings.CutPrefix(line, "    ")
		if !ok && strings.TrimSpace(line) != "" {
			break
		}
		b.WriteString(strings.TrimPrefix(rest, "\n"))
		if strings.TrimSpace(line) == "" {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
