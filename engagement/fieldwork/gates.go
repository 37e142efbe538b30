package fieldwork

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

// closingTakers are the entries from the workpapers to the archive.
var closingTakers = book.Merge(paperTakers, retireTakers, computedTakers, knownTakers, reviewTakers, findingTakers, conclusionTakers, opinionTakers, issueTakers, copyTakers, archiveTakers)

// A Gate is something that has to be there before an act counts. The takers ask
// the same table that screens show and docs/formats/fieldwork.md prints.
type Gate struct {
	Act   string // kind of the entry it stands before
	Needs string // what has to be there, in words

	missing func(*ground) string // what is not there, in words; "" where nothing is missing
}

// edition is the gates as they are now. Entries before which a gate was added say
// under which edition they were written, so that what counted goes on counting.
const edition = 1

// Gates are all gates from the workpapers to the archive, in their order.
var Gates = [][]Gate{paperGates, reviewGates, conclusionGates, opinionGates, issueGates, copyGates, archiveGates}

// A ground is what an act stands on.
type ground struct {
	s       *State
	f       *File
	e       book.Entry
	test    *Test
	paper   *Paper
	finding *Finding
	signed  string // digest of the workpaper as it is, where it was made already
	sample  string
	empty   string

	on        string // what is concluded on: "control:IAM-06"
	concludes concludeData
	opines    opineData
	issues    issueData
	copies    engagement.Copy
	edition   int // of the gates that the entry was written under
}

// hold refuses an act whose gates are not all met, and says what is missing.
func (g *ground) hold(act string) error {
	var missing []string
	for _, table := range Gates {
		for _, gate := range table {
			if gate.Act != act {
				continue
			}
			if m := gate.missing(g); m != "" {
				missing = append(missing, m)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", audit.ErrConflict, strings.Join(missing, "; "))
}

// A Standing is one gate as it stands.
type Standing struct {
	Needs   string
	Missing string // "": met
}

// Standing says how the gates before an act stand, for who looks before they
// act. on is what a conclusion is on; for a workpaper's acts it
// is the test, for an exception's the exception.
// Gates on what the act itself says are judged as if it said nothing; a report is
// taken to be dated today. at is now.
func (s *State) Standing(f *File, act, on string, at time.Time) (out []Standing) {
	if act == "report.issue" {
		return s.StandingToIssue(f, "", "", at)
	}
	g := &ground{s: s, f: f, on: on, test: f.Tests[on], paper: f.Papers[on], finding: f.Findings[on], e: book.Entry{At: at}, edition: edition}
	nothing := strings.HasPrefix(act, "paper.") && act != "paper.open" && g.paper == nil || strings.HasPrefix(act, "finding.") && g.finding == nil
	for _, table := range Gates {
		for _, gate := range table {
			switch {
			case gate.Act != act:
			case nothing:
				out = append(out, Standing{gate.Needs, "there is none yet"})
			default:
				out = append(out, Standing{gate.Needs, gate.missing(g)})
			}
		}
	}
	return out
}

// StandingIf says how the gates before a conclusion on what would stand if it
// said c: some stand before certain outcomes alone. at is now.
func (s *State) StandingIf(f *File, what string, c Concluding, at time.Time) (out []Standing) {
	kind, _, _ := strings.Cut(what, ":")
	g := &ground{s: s, f: f, on: what, e: book.Entry{At: at}, concludes: concludeData(c)}
	for _, gate := range conclusionGates {
		if gate.Act == "conclusion."+kind {
			out = append(out, Standing{gate.Needs, gate.missing(g)})
		}
	}
	return out
}

// StandingToIssue is Standing of the issue of a report that is dated so, "" for
// today where the engagement is, and supersedes another, "" for the one of the same
// engagement that is in force, if any.
func (s *State) StandingToIssue(f *File, dated, supersedes string, at time.Time) (out []Standing) {
	g := &ground{s: s, f: f, e: book.Entry{At: at}, edition: edition}
	if was := f.latest(); supersedes == "" && was != nil {
		supersedes = was.Report
	}
	g.issues = issueData{Dated: cmp.Or(dated, f.day(g.e)), Supersedes: supersedes}
	for _, gate := range issueGates {
		if gate.Act == "report.issue" {
			out = append(out, Standing{gate.Needs, gate.missing(g)})
		}
	}
	return out
}

// unless is the words where a thing is not there.
func unless(there bool, format string, args ...any) string {
	if there {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// some names the first of many things: "T-1, T-2 and 5 more".
func some(names []string) string {
	const shown = 5
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

func cellNames(cells []Cell) (out []string) {
	for _, c := range cells {
		out = append(out, cmp.Or(c.Item, "the test")+" "+c.Attribute)
	}
	return out
}
