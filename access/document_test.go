package access

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of docs/formats/access.md")

const (
	document = "../docs/formats/access.md"
	begin    = "<!-- tables: go test ./access -run TestDocument -update -->\n"
	end      = "<!-- end -->\n"
)

// TestDocument holds the page people read to the tables the code reads.
func TestDocument(t *testing.T) {
	page, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the tables: want the lines %q and %q", document, begin, end)
	}
	want := before + begin + tables() + end + after
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(page) != want {
		t.Errorf("%s is not what the tables say; run: go test ./access -run TestDocument -update", document)
	}
}

func tables() string {
	var b strings.Builder
	b.WriteString("\n## Roles\n\n| role | workspace | does | scopes |\n|---|---|---|---|\n")
	for _, r := range Roles {
		var at []string
		for _, s := range r.Scopes {
			at = append(at, string(s))
		}
		does := r.Does
		if r.Alone {
			does += "; has no other role"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.ID, r.Workspace, does, strings.Join(at, ", "))
	}
	for _, w := range []Workspace{Company, Firm} {
		fmt.Fprintf(&b, "\n## Rights in a %s's workspace\n\n| permission | may | needs |", w)
		line := "\n|---|---|---|"
		for _, r := range Roles {
			if r.Workspace == w {
				b.WriteString(" " + r.Title + " |")
				line += "---|"
			}
		}
		b.WriteString(line + "\n")
		for _, p := range Permissions {
			if p.Workspace == "" || p.Workspace == w {
				row(&b, p, w)
			}
		}
	}
	b.WriteByte('\n')
	return b.String()
}

func row(b *strings.Builder, p Permission, w Workspace) {
	marks := ""
	for _, m := range []struct {
		need Need
		mark string
	}{{Write, "w"}, {Person, "p"}, {Again, "a"}, {OwnOnly, "o"}, {FourEyes, "4"}} {
		if p.Has(m.need) {
			marks += m.mark
		}
	}
	fmt.Fprintf(b, "| `%s` | %s | %s |", p.ID, p.Title, marks)
	for _, r := range Roles {
		if r.Workspace == w {
			cell := ""
			for _, id := range p.Roles {
				if id == r.ID {
					cell = "yes"
				}
			}
			b.WriteString(" " + cell + " |")
		}
	}
	b.WriteByte('\n')
}
