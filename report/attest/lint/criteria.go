package lint

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// A mix is how the criteria of one set are printed.
type mix struct {
	set      string
	official int
	short    []string // printed as paraphrases
}

// criteria holds official text to the digest it was imported with, and warns where
// a set is printed partly in official words and partly in ours.
func (l *linter) criteria() {
	for _, m := range l.mixes() {
		if m.official > 0 && len(m.short) > 0 {
			l.add(Warning, Criteria, "Section IV, "+m.short[0], "Import the missing texts, or none", "%d of the %s have official text and %d, %s first, a paraphrase", m.official, strings.ToLower(l.r.SetName(m.set)), len(m.short), m.short[0])
		}
	}
}

// unmet names each criterion in scope that no control is stated for: management
// states one, or says in its description, DC 8, why the criterion does not apply.
func (l *linter) unmet() {
	for _, g := range l.r.Groups {
		if len(g.Controls) > 0 || !l.r.Examined(g) || g.Set != "objectives" && l.leftOut(g.ID) {
			continue
		}
		l.add(Error, ControlSets, "Section IV, "+g.ID, "State a control for it, or say in DC 8 why it does not apply", "no control is stated for %s, which is examined", g.ID)
	}
}

// unrelated warns of each set that is only mapped and relates to no control: its table
// says nothing.
func (l *linter) unrelated() {
	of := map[string]int{}
	for _, g := range l.r.Groups {
		of[g.Set] += len(g.Controls)
	}
	for _, s := range l.r.Extra {
		if s.Examined || l.r.Type.Public() || of[s.ID] > 0 {
			continue
		}
		do := "Name the mapping that relates it (framework, in the terms), or leave the set out"
		if s.Mapping != nil {
			do = "Look whether its references are written as the mapping " + s.Mapping.ID + " has them, or leave the set out"
		}
		l.add(Warning, Relation, "Section V, "+s.Name, do, "%s is only mapped, and no control relates to any of its references", s.Name)
	}
}

// leftOut reports whether the description says of a criterion that it does not apply.
func (l *linter) leftOut(id string) bool {
	for _, dc := range l.r.Description {
		if dc.ID != "DC 8" {
			continue
		}
		for _, p := range dc.Paragraphs {
			if names(p.Text, id) {
				return true
			}
		}
	}
	return false
}

// names reports whether an identifier stands in a text, whole.
func names(text, id string) bool {
	return regexp.MustCompile(`(?:^|[^\pL\d.])` + regexp.QuoteMeta(id) + `(?:$|[^\pL\d.(]|[.(](?:$|\D))`).MatchString(text)
}

// mixes are the sets of Section IV in order. On the way, each official text is
// compared with its digest.
func (l *linter) mixes() []*mix {
	var out []*mix
	of := map[string]*mix{}
	for _, g := range l.r.Groups {
		if g.Set == "objectives" || !l.r.Examined(g) {
			continue
		}
		m := of[g.Set]
		if m == nil {
			m = &mix{set: g.Set}
			of[g.Set], out = m, append(out, m)
		}
		if g.Official == "" {
			m.short = append(m.short, g.ID)
			continue
		}
		m.official++
		if sum := sha256.Sum256([]byte(g.Text)); hex.EncodeToString(sum[:]) != strings.TrimPrefix(g.Official, "sha256:") {
			l.add(Error, Criteria, "Section IV, "+g.ID, "Make the report again from the text the firm imported", "the text of %s is not the official text its digest names", g.ID)
		}
	}
	return out
}
