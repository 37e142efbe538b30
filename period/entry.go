package period

import (
	"encoding/json"
	"fmt"
	"strings"

	"tieout/audit"
	"tieout/ledger"
	"tieout/report"
	"tieout/report/text"
)

// EntryWords says in a few words what an entry of the log is.
func EntryWords(rec audit.Record) string {
	switch rec.Kind {
	case audit.RecordPage:
		return strings.TrimSuffix(fmt.Sprintf("%s%s: %s", report.Plural(int(rec.Size), "byte", "bytes"), of(rec.Source, rec.Scope), rec.Query), ": ")
	case audit.RecordCollection:
		return "a collection" + of(rec.Source, "") + " began"
	case audit.RecordManifest:
		return "a stream" + of(rec.Source, rec.Scope) + " was closed: what it covers, and whether it is complete"
	case audit.RecordEnd:
		return "a collection" + of(rec.Source, "") + " ended"
	case audit.RecordDefinition:
		return strings.TrimSuffix("a revision of the definitions was applied: "+detail(rec, "why"), ": ")
	case audit.RecordRun:
		return "the procedures were run"
	case audit.RecordDocument:
		return "a document was added: " + detail(rec, "title")
	case audit.RecordRedaction:
		return "a redacted copy was made: " + detail(rec, "why")
	case audit.RecordErasure:
		return fmt.Sprintf("E-%s was erased: %s", detail(rec, "erased"), detail(rec, "why"))
	case audit.RecordKey:
		return keyWords(rec)
	case audit.RecordClock:
		return fmt.Sprintf("this server's clock went back from %s to %s", detail(rec, "from"), detail(rec, "to"))
	case audit.RecordDecision:
		return "a decision about a deviation"
	case audit.RecordReport:
		return "a report was written"
	case audit.RecordEntry:
		return "the registers: " + detail(rec, "kind") + " on " + detail(rec, "on")
	case audit.RecordActivity:
		if on := detail(rec, "on"); on != "" {
			return fmt.Sprintf("done through %s: %s on %s", detail(rec, "through"), detail(rec, "act"), on)
		}
		return strings.TrimSpace(fmt.Sprintf("asked through %s: %s %s", detail(rec, "through"), detail(rec, "act"), detail(rec, "arguments")))
	}
	return string(rec.Kind)
}

func keyWords(rec audit.Record) string {
	if said := detail(rec, "text"); said != "" {
		if why := detail(rec, "why"); why != "" {
			said += ": " + why
		}
		return said
	}
	if key, err := ledger.ParseKey(detail(rec, "to")); err == nil {
		return "the signing key was handed over to " + key.ID()
	}
	return "a change of the signing key"
}

// detail is one of a record's small facts, "" where it has none of that name.
func detail(rec audit.Record, name string) string {
	var facts map[string]any
	if json.Unmarshal(rec.Detail, &facts) != nil || facts[name] == nil {
		return ""
	}
	return text.Clean(fmt.Sprint(facts[name]))
}

func of(source, scope string) string {
	s := ""
	if source != "" {
		s = " of " + source
	}
	if scope != "" {
		s += ", " + scope
	}
	return s
}
