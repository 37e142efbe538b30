package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const opTest, designTest = "T-IAM-02-1", "T-IAM-02-D"

// plannedTests is a plan: IAM-02 is tested, of IAM-05 is only asked.
const plannedTests = `
- { id: T-IAM-02-1, control: IAM-02, phase: operation, kind: inspection, population: true, text: "Inspected, for each leaver, the accounts that were left.", criteria: [CC6.2, CC6.3],
    attributes: [{ name: A, text: Access ended in time., procedure: access.leavers }] }
- { id: T-IAM-02-D, control: IAM-02, phase: design, kind: inspection, text: Inspected the procedure for leavers., criteria: [CC6.2, CC6.3], attributes: [{ name: A, text: It says who does what by when. }] }
- { id: T-IAM-05-Q, control: IAM-05, phase: design, kind: inquiry, text: Asked who reviews access., criteria: [CC6.2], attributes: [{ name: A, text: Somebody does. }] }
`

// A forbidden order is something DESIGN section 7 does not allow at a stage of an
// examination, tried by command.
type forbidden struct {
	rule  string
	who   string
	args  []string
	code  int
	words string // of the refusal
}

// words are a line's; DIR in one is the world's folder, SEEN:what the digest of what
// is signed off as it stands (examWorld.seen).
func words(s string) []string { return strings.Fields(s) }

// A stage is what is forbidden where an examination stands, and what brings it on.
type stage struct {
	name      string
	forbidden []forbidden
	goOn      func(w *examWorld)
}

// TestForbiddenOrders: an examination from terms to the archived file by commands
// alone, and at each stage what may not happen there yet, or any more: the gate's
// words and the documented exit code.
func TestForbiddenOrders(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole examination; it runs without -short")
	}
	w := newExamWorld(t)
	w.terms("en1.yaml", "2026-03-01", "2026-03-31", "")
	for _, s := range examStages {
		for _, f := range s.forbidden {
			t.Run(s.name+"/"+strings.ReplaceAll(f.rule, " ", "-"), func(t *testing.T) {
				args := make([]string, len(f.args))
				for i, x := range f.args {
					if args[i] = strings.ReplaceAll(x, "DIR", w.dir); strings.HasPrefix(x, "SEEN:") {
						args[i] = w.seen(strings.TrimPrefix(x, "SEEN:"))
					}
				}
				got := w.as(f.who, args...)
				said := strings.Join(strings.Fields(got.err+got.out), " ")
				if got.code != f.code || !strings.Contains(said, f.words) {
					t.Errorf("%s %s: exit %d, want %d with %q:\n%s", f.who, strings.Join(f.args, " "), got.code, f.code, f.words, said)
				}
				if strings.Contains(said, "goroutine ") || strings.Contains(said, "01900000-") {
					t.Errorf("it shows a stack, or an account's ID: %s", said)
				}
			})
		}
		w.t = t
		s.goOn(w)
	}
	w.leaks("PLANTED")
}

var opinionFlags = []string{"--opinion", "Qualified", "--text", "Except for the effects of the matter described, it holds in all material respects.", "--basis", "Most controls could not be tested.", "--passphrase", "env:WORDS", "--title", "Partner"}

const theDay = "2026-04-01"

var letterFlags = []string{"--text", "We said it as it is.", "--dated", theDay, "--passphrase", "env:WORDS", "--title", "Chief Executive Officer"}

var examStages = []stage{
	{"nothing is there", []forbidden{
		{"the other kind of workspace", "acme:lea", words("test list"), exitUsage, "belongs to an audit firm's workspace"},
		{"the other kind of workspace, firm", "firm:mika", words("population freeze access.leavers"), exitUsage, "belongs to the workspace of a company that is examined"},
		{"nobody works before there is an engagement", "firm:mika", words("request list"), exitFailed, "there is no engagement here yet"},
		{"only who may plan opens", "firm:stef", words("engagement open DIR/en1.yaml"), exitForbidden, "none of your roles may"},
	}, func(w *examWorld) {
		w.done("firm:paula", "engagement", "open", filepath.Join(w.dir, "en1.yaml"))
	}},
	{"opened", []forbidden{
		{"nobody acts before declaring independence", "firm:paula", words("request add X --kind evidence --asks X"), exitFailed, "declare your independence"},
		{"no packet before a partner accepted", "acme:lea", words("engagement exchange --folder carried"), exitFailed, "no terms of an engagement are here"},
	}, func(w *examWorld) {
		team := map[string]string{"paula": "partner", "mika": "manager", "stef": "staff", "quinn": "quality reviewer"}
		for who := range team {
			w.done("firm:"+who, "engagement", "declare", "--independent")
		}
		for who, duty := range team {
			w.done("firm:paula", "engagement", "assign", who+"@firm.example", duty)
		}
	}},
	{"declared", []forbidden{
		{"no work before a partner accepted", "firm:mika", words("request add X --kind evidence --asks X"), exitFailed, "a partner accepts the client and the engagement first"},
		{"no fieldwork before acceptance", "firm:mika", words("engagement move fieldwork"), exitFailed, "a partner accepts the client and the engagement first"},
	}, func(w *examWorld) {
		w.accepts("EN-1")
		w.done("acme:lea", "engagement", "invite", "Brookline Assurance LLP", strings.TrimSpace(w.done("firm", "engagement", "key")))
		w.done("firm", "engagement", "exchange", "--folder", filepath.Join(w.dir, "carried"))
		w.done("acme", "engagement", "exchange", "--folder", filepath.Join(w.dir, "carried"))
	}},
	{"offered", []forbidden{
		{"only a signer agrees", "acme:lea", words("engagement agree --terms 00000000 --title X"), exitUsage, "you sign what you read"},
		{"no step before the terms are agreed", "acme:lea", []string{"engagement", "move", "boundary defined"}, exitFailed, "agree"},
	}, func(w *examWorld) {
		digest := w.field(w.done("acme", "engagement", "show", "-o", "json"), "engagement", "digest").(string)
		w.done("acme:sam", "engagement", "agree", "--terms", digest, "--title", "Chief Executive Officer", "--passphrase", "env:WORDS")
		for _, s := range []string{"boundary defined", "readiness", "observing"} {
			w.done("acme:lea", "engagement", "move", s)
		}
		w.exchange()
		w.done("firm:mika", "test", "plan", w.write("tests.yaml", plannedTests))
	}},
	{"planned", []forbidden{
		{"no sample before a population is frozen", "firm:stef", words("sample draw IAM-02 --size 1 --basis few"), exitFailed, "no sample before that"},
		{"no step out of order", "firm:mika", words("engagement move exceptions"), exitFailed, "fieldwork"},
		{"a reliance has a reason", "firm:mika", words("test reliance IAM-02 output"), exitUsage, "needs --why"},
	}, func(w *examWorld) {
		w.done("firm:stef", "sample", "commit", "IAM-02")
		w.done("firm:stef", "request", "add", "Leavers", "--kind", "population", "--asks", "Everybody who left in March.", "--test", opTest)
		w.done("firm:stef", "request", "add", "Leavers of March", "--change", "RQ-1", "--due", "2026-04-20") // what it does not say stays
		if got := w.field(w.done("firm", "request", "show", "RQ-1", "-o", "json"), "request").(map[string]any); got["kind"] != "population" || got["asks"] != "Everybody who left in March." || fmt.Sprint(got["tests"]) != "["+opTest+"]" || got["due"] != "2026-04-20" {
			w.t.Errorf("a changed request is %v", got)
		}
		w.done("firm:stef", "request", "release", "RQ-1")
		w.done("firm:mika", "engagement", "move", "fieldwork")
		w.exchange()
		w.done("acme:lea", "population", "freeze", "access.leavers")
		w.done("acme:lea", "request", "submit", "RQ-1", "--text", "Frozen as P-1.")
		w.exchange()
		w.done("firm:stef", "request", "accept", "RQ-1")
	}},
	{"frozen", []forbidden{
		{"no sample before the auditor accepted the population", "firm:stef", words("sample draw IAM-02 --size 1 --basis few"), exitFailed, "not accepted"},
		{"no acceptance before the auditor's own work", "firm:stef", words("population accept P-1"), exitFailed, "complete"},
		{"the same rows are not frozen twice", "acme:lea", words("population freeze access.leavers"), exitFailed, "P-1 holds the same rows already"},
	}, func(w *examWorld) {
		w.exchange()
		w.nothingSealed("acme", func() {
			w.refused(exitFailed, "is accepted", "acme:lea", "request", "submit", "RQ-1", "--file", filepath.Join(w.dir, "en1.yaml"))
			w.refused(exitForbidden, "none of your roles may", "acme:sam", "request", "submit", "RQ-1", "--file", filepath.Join(w.dir, "en1.yaml"))
			w.refused(exitUsage, "leave out --text", "acme:lea", "request", "submit", "RQ-1", "--owner", "sam@acme.example", "--text", "x")
		})
		w.done("firm:stef", "population", "complete", "P-1", "Compared with the payroll of April, which lists nobody who left in March.")
		w.done("firm:stef", "population", "accept", "P-1")
	}},
	{"accepted", []forbidden{
		{"the reliance is fixed before the draw", "firm:stef", words("sample draw IAM-02 --size 1 --basis few"), exitFailed, "reliance"},
		{"no workpaper before a sample", "firm:stef", words("test open " + opTest), exitFailed, "sample"},
	}, func(w *examWorld) {
		w.done("firm:mika", "test", "reliance", "IAM-02", "output", "--why", "completeness is tested on the list of people")
		w.done("firm:stef", "sample", "draw", "IAM-02", "--size", "1", "--basis", "there are few")
	}},
	{"drawn", []forbidden{
		{"the reliance does not change after the draw", "firm:mika", words("test reliance IAM-02 source --why other"), exitFailed, "drawn"},
		{"one freeze is drawn from once", "firm:stef", words("sample draw IAM-02 --population P-1 --size 1 --basis few"), exitFailed, "S-1"},
		{"the client does not know a sample before its release", "acme:lea", words("sample show S-1"), exitFailed, "was not released"},
		{"nobody picks again what is not released", "firm:stef", words("sample export S-1 s.json"), exitFailed, "not released"},
		{"a sample without a plan does not grow", "firm:stef", words("sample extend S-1"), exitFailed, "plan"},
	}, func(w *examWorld) {
		w.done("firm:mika", "sample", "release", "S-1")
		w.done("firm:stef", "test", "open", opTest, "--sample", "S-1")
		w.done("firm:stef", "test", "open", designTest)
		w.done("firm:stef", "test", "open", "T-IAM-05-Q")
		w.write("half.csv", "item,mark,note,evidence\n"+w.drawn()+",exception,left,E-22\nhr/none,no exception,,E-22\n")
	}},
	{"opened papers", []forbidden{
		{"no signature while an item has no result", "firm:stef", words("test prepare " + opTest), exitFailed, "1 cell without a result"},
		{"no conclusion while an item has no result", "firm:mika", concluding("control:IAM-02", "exceptions noted", "suitably designed"), exitFailed, "result"},
		{"unable to test says why", "firm:stef", []string{"test", "mark", designTest, "unable to test"}, exitFailed, "note"},
		{"a file of marks is taken whole or not at all", "firm:stef", words("test mark " + opTest + " --from DIR/half.csv"), exitFailed, "half.csv:3: not found: item"},
		{"and marked nothing", "firm:stef", words("test prepare " + opTest), exitFailed, "1 cell without a result"},
		{"known takes one act at once", "firm:stef", words("test known " + opTest + " --add X --dispose Y"), exitUsage, "one command each"},
		{"nothing is concluded on what is none", "firm", words("conclude facts IAM-02"), exitFailed, "see 'tieout conclude list'"},
		{"an exception follows a mark", "firm:stef", words("exception set " + opTest + " --nature X --text Y"), exitFailed, "an exception names cells of the grid"},
	}, func(w *examWorld) {
		w.done("firm:stef", "test", "mark", opTest, "--from", w.write("marks.csv", "item,mark,note,evidence\n"+w.drawn()+",exception,PLANTED-MARK,E-22\n"))
		w.done("firm:stef", "test", "mark", designTest, "no exception", "--evidence", "E-22")
		w.done("firm:stef", "test", "mark", "T-IAM-05-Q", "no exception", "--evidence", "E-22")
	}},
	{"marked", []forbidden{
		{"no signature before what was computed was looked at", "firm:stef", words("test prepare " + opTest), exitFailed, "computed"},
	}, func(w *examWorld) {
		w.done("firm:stef", "test", "reveal", opTest)
		w.done("firm:stef", "exception", "set", opTest, "--nature", "Access was not ended in time.", "--text", "For 1 of 1 leaver sampled, an account was left.", "--evaluation", "PLANTED-EVALUATION")
		w.done("firm:mika", "test", "note", opTest, "PLANTED-NOTE: which accounts?")
		w.done("firm:stef", "test", "prepare", opTest)
		w.done("firm:stef", "test", "prepare", designTest)
		w.done("firm:stef", "test", "prepare", "T-IAM-05-Q")
	}},
	{"prepared", []forbidden{
		{"nobody reviews what they prepared", "firm:stef", words("test review " + designTest + " --seen SEEN:" + designTest), exitForbidden, "you prepared it"},
		{"no review while a note is open", "firm:mika", words("test review " + opTest + " --seen SEEN:" + opTest), exitFailed, "note"},
		{"nobody reviews what they did not see", "firm:mika", words("test review " + opTest), exitUsage, "needs --seen"},
		{"nobody reviews another version than they saw", "firm:mika", words("test review " + opTest + " --seen 00000000"), exitFailed, "is another than 00000000"},
		{"no conclusion before the review", "firm:mika", concluding("control:IAM-02", "exceptions noted", "suitably designed"), exitFailed, "review"},
	}, func(w *examWorld) {
		w.done("firm:stef", "test", "note", "N-1", "--answer", "Two of GitHub.")
		w.done("firm:mika", "test", "note", "N-1", "--clear")
		for _, x := range []string{opTest, designTest, "T-IAM-05-Q"} {
			w.done("firm:mika", "test", "review", x, "--seen", w.seen(x))
		}
		w.signIn("firm:mika")
	}},
	{"reviewed", []forbidden{
		{"deviations outside the sample are looked for first", "firm:mika", concluding("control:IAM-02", "exceptions noted", "suitably designed"), exitFailed, "looked"},
		{"inquiry is not the only procedure", "firm:mika", concluding("control:IAM-05", "no exceptions noted", "suitably designed"), exitFailed, "inquiry"},
	}, func(w *examWorld) {
		w.done("firm:stef", "test", "known", opTest)
		w.signIn("firm:mika")
	}},
	{"known", []forbidden{
		{"every known deviation outside the sample is disposed of", "firm:mika", concluding("control:IAM-02", "exceptions noted", "suitably designed"), exitFailed, "1 known deviation outside the sample without a disposition"},
		{"never no exceptions noted while one is open", "firm:mika", concluding("control:IAM-02", "no exceptions noted", "suitably designed"), exitFailed, "exception"},
	}, func(w *examWorld) {
		known := w.field(w.done("firm", "test", "known", opTest, "--as", "stef@firm.example", "-o", "json"), "result", "value").([]any)
		w.done("firm:stef", words("exception set "+opTest+" --change X-1 --known "+known[0].(string))...) // what it does not say stays
		if got := w.field(w.done("firm", "exception", "show", "X-1", "-o", "json"), "exception").(map[string]any); got["nature"] != "Access was not ended in time." || got["evaluation"] != "PLANTED-EVALUATION" || len(got["items"].([]any)) != 1 {
			w.t.Errorf("a changed exception is %v", got)
		}
		w.done("firm:mika", "engagement", "move", "exceptions")
		w.signIn("firm:mika")
		w.done("firm:mika", concluding("control:IAM-02", "exceptions noted", "suitably designed")...)
	}},
	{"concluded on one", []forbidden{
		{"no opinion before everything is concluded", "firm:paula", append(words("opinion write design"), opinionFlags...), exitFailed, "no conclusion on"},
		{"no conclusion on a criterion before its controls", "firm:mika", concluding("criterion:CC6.2", "exceptions noted", ""), exitFailed, "no current conclusion on control:HR-05"},
		{"no conclusion on the description before it is here", "firm:mika", concluding("dc:DC 1", "no exceptions noted", ""), exitFailed, "description"},
		{"an exception is released before the step", "firm:mika", []string{"engagement", "move", "description final"}, exitFailed, "not released"},
		{"no report yet", "firm:paula", words("report issue --report 0000000000000000 --dated " + theDay + " --title Partner"), exitFailed, "no final "},
	}, func(w *examWorld) {
		w.done("firm:mika", "exception", "release", "X-1")
		w.exchange()
		var b strings.Builder
		for n := 1; n <= 9; n++ {
			left := ""
			if n == 8 { // no control is stated for most of the criteria
				left = " Nothing of its ledgers falls under " + "CC1.1, CC1.2, CC1.3, CC1.4, CC1.5, CC2.1, CC2.2, CC2.3, CC3.1, CC3.2, CC3.3, CC3.4, CC4.1, CC4.2, CC5.1, CC5.2, CC5.3, CC6.1, CC6.2, CC6.3, CC6.4, CC6.5, CC6.6, CC6.7, CC6.8, CC7.1, CC7.2, CC7.3, CC7.4, CC7.5, CC8.1, CC9.1, CC9.2."
			}
			fmt.Fprintf(&b, "- dc: DC %d\n  paragraphs:\n    - { text: \"Acme keeps ledgers for small firms, and tells here what criterion number %d asks for.%s\", sources: [boundary] }\n", n, n, left)
		}
		w.done("acme:lea", "description", "write", w.write("sections.yaml", b.String()))
		w.done("acme:lea", "description", "write", w.write("placeholder.yaml", "- { dc: DC 1, paragraphs: [{ text: \"Acme keeps ledgers. TBD\", sources: [boundary] }] }\n"))
	}},
	{"described", []forbidden{
		{"no placeholder text", "acme:sam", words("description finish --seen SEEN:description"), exitFailed, "TBD"},
		{"nobody finishes what they did not read", "acme:sam", words("description finish"), exitUsage, "needs --seen"},
		{"nobody finishes another than they read", "acme:sam", words("description finish --seen 00000000"), exitFailed, "another digest"},
		{"the description is a signer's to finish", "acme:lea", words("description finish --seen SEEN:description"), exitForbidden, "none of your roles may"},
		{"no assertion before the description", "acme:sam", append(words("assertion sign --description --design --except Some"), letterFlags...), exitFailed, "description"},
	}, func(w *examWorld) {
		w.done("acme:lea", "description", "write", filepath.Join(w.dir, "sections.yaml"))
		w.done("acme:sam", "description", "finish", "--seen", w.seen("description"), "--control", "IAM-02,IAM-05") // and leaves others out
		w.exchange()
	}},
	{"described too little", []forbidden{
		{"no report whose description lists other controls than Section IV", "firm:paula", words("report issue --look --dated " + theDay), exitFindings, "the description lists controls nobody concluded on: IAM-05"},
	}, func(w *examWorld) {
		w.done("acme:sam", "description", "finish", "--seen", w.seen("description"))
		w.exchange()
		w.describedTested()
		w.signIn("firm:mika", "firm:paula", "firm:quinn", "acme:sam")
		w.concludeRest()
	}},
	{"concluded on all", []forbidden{
		{"nobody signs of whom no license is stated", "firm:paula", append(words("opinion write design"), opinionFlags...), exitFailed, "no CPA license of its partner"},
	}, func(w *examWorld) {
		w.done("firm:paula", "engagement", "assign", "paula@firm.example", "partner", "--credential", "CPA | Massachusetts | 24817")
		w.done("firm:mika", "engagement", "move", "description final")
		for _, p := range words("description design operation") {
			w.done("firm:paula", append(words("opinion write "+p), opinionFlags...)...)
		}
		w.done("firm:mika", "engagement", "move", "draft review")
	}},
	{"opined", []forbidden{
		{"no report before its gates", "firm:paula", words("report issue --look --dated " + theDay), exitFindings, "no draft was given"},
		{"no report without management's assertion", "firm:paula", words("report issue --look --dated " + theDay), exitFindings, "no assertion of Acme"},
		{"no report without the quality review", "firm:paula", words("report issue --look --dated " + theDay), exitFindings, "quality review"},
		{"the team does not review its quality", "firm:mika", words("quality sign --text Reviewed. --seen SEEN:opinions"), exitForbidden, "you prepared it"},
		{"nobody signs over opinions they did not see", "firm:quinn", words("quality sign --text Reviewed. --seen 00000000"), exitFailed, "another digest"},
		{"no assertion without a management signer", "acme:lea", append(words("assertion sign --description --design --except Some"), letterFlags...), exitForbidden, "none of your roles may"},
		{"no letter before the assertion", "acme:sam", append(words("representation sign"), letterFlags...), exitFailed, "assertion"},
		{"only a partner opines", "firm:mika", append(words("opinion write design"), opinionFlags...), exitForbidden, "none of your roles may"},
		{"no bridge letter before a report", "acme:sam", words("report letter look"), exitFailed, "no report yet"},
		{"no archive before the report", "firm:paula", words("engagement archive assemble"), exitFailed, "issued"},
	}, func(w *examWorld) {
		w.done("firm:paula", "report", "draft", "--dated", theDay, "--due", "2026-04-10")
		w.exchange()
		w.done("acme:lea", "report", "comment", "The region is named wrongly.", "--where", "Section III")
		w.exchange()
		w.done("firm:quinn", "quality", "sign", "--text", "Reviewed the judgments.", "--seen", w.seen("opinions"))
		w.done("firm:mika", "conclude", "inquire", "--asked", "Sam Ibe, and the incident log", "--answer", "Nothing happened.", "--to", theDay)
		w.done("acme:sam", append(words("assertion sign --description --design --except Some"), letterFlags...)...)
		w.done("acme:sam", append(words("representation sign"), letterFlags...)...)
		w.exchange()
		w.signIn("firm:paula")
	}},
	{"a comment is open", []forbidden{
		{"every comment has its answer", "firm:paula", words("report issue --look --dated " + theDay), exitFindings, "M-1"},
		{"the report's day is not after today", "firm:paula", words("report issue --look --dated 2026-04-09"), exitFindings, "the report's day has not come"},
	}, func(w *examWorld) {
		w.done("firm:mika", "report", "comment", "M-1", "--answer", "It is Acme's own text.")
	}},
	{"ready", []forbidden{
		{"one signs what one looked at", "firm:paula", words("report issue --dated " + theDay + " --title Partner"), exitUsage, "you sign what you saw"},
		{"only the partner issues", "firm:mika", words("report issue --look --dated " + theDay), exitForbidden, "none of your roles may"},
	}, func(w *examWorld) {
		digest := w.field(w.done("firm:paula", "report", "issue", "--look", "--dated", theDay, "-o", "json"), "final", "digest").(string)
		w.done("firm:paula", "report", "issue", "--report", digest, "--dated", theDay, "--title", "Partner", "--passphrase", "env:WORDS")
		w.exchange()
	}},
	{"issued", []forbidden{
		{"no edits after the issue: a mark", "firm:stef", []string{"test", "mark", designTest, "no exception", "--why", "x"}, exitFailed, "superseding report"},
		{"no edits after the issue: a conclusion", "firm:mika", concluding("control:IAM-02", "exceptions noted", "suitably designed"), exitFailed, "superseding report"},
		{"no edits after the issue: the terms", "firm:paula", words("engagement terms DIR/en1.yaml --why x"), exitFailed, "superseding report"},
		{"no lock before it is assembled", "firm:paula", words("engagement archive lock"), exitFailed, "assembled"},
		{"no bridge letter without a management signer", "acme:lea", words("report letter sign --text X --next 2027 --title CEO --passphrase env:WORDS"), exitForbidden, "none of your roles may"},
		{"a bridge letter discloses what is on record", "acme:sam", words("report letter sign --text Nothing. --next 2027-04-01 --title CEO --passphrase env:WORDS"), exitFailed, "disclos"},
	}, func(w *examWorld) {
		w.done("acme", "report", "files", filepath.Join(w.dir, "out"))
		w.done("firm:paula", "engagement", "archive", "assemble")
		w.done("firm:paula", "engagement", "archive", "lock")
		w.done("firm:paula", "engagement", "archive", "export", filepath.Join(w.dir, "file.archive"))
		w.done("", "engagement", "archive", "verify", filepath.Join(w.dir, "file.archive"))
	}},
	{"locked", []forbidden{
		{"nothing of a locked file changes", "firm:paula", words("report revise found"), exitFailed, "locked"},
		{"an addition says why", "firm:paula", words("engagement archive add DIR/letter.txt"), exitUsage, "needs --why"},
	}, func(w *examWorld) {
		w.accepted("EN-2", w.terms("en2.yaml", "2026-03-01", "2026-12-31", "subservices: [{ name: Halyard Hosting, service: hosting, inclusive: true }]\n"), map[string]string{"paula": "partner", "mika": "manager"})
		w.done("firm:mika", "test", "plan", w.write("tests2.yaml", plannedTests), "-e", "EN-2")
		w.signIn("firm:mika", "firm:paula")
	}},
	{"another engagement", []forbidden{
		{"which of several is meant", "firm:mika", words("request list"), exitUsage, "say which with --engagement"},
		{"operation is concluded on after the period's end", "firm:mika", append(concluding("control:IAM-02", "no exceptions noted", "suitably designed"), "-e", "EN-2"), exitFailed, "the period is not over"},
		{"each inclusive subservice organization asserts", "firm:paula", words("report issue --look --dated " + theDay + " -e EN-2"), exitFindings, "Halyard Hosting"},
	}, func(*examWorld) {}},
}

// concluding is a conclusion on one thing.
func concluding(on, outcome, design string) []string {
	out := []string{"conclude", "write", on, "--outcome", outcome, "--text", "What was seen."}
	if design != "" {
		out = append(out, "--design", design)
	}
	return out
}

// accepts is a partner's acceptance.
func (w *examWorld) accepts(id string) {
	w.t.Helper()
	var answers []string
	for _, line := range strings.Split(w.done("firm", "engagement", "accept", "--questions"), "\n") {
		if before, _, ok := strings.Cut(line, "answer:"); ok {
			line = before + "answer: Looked at; nothing against it."
		}
		answers = append(answers, line)
	}
	w.done("firm:paula", "engagement", "accept", "-e", id, "--answers", w.write("answers.yaml", strings.Join(answers, "\n")), "--letter", w.write("letter.txt", "We examine your system."))
}

// describedTested tests the description by its criteria.
func (w *examWorld) describedTested() {
	w.t.Helper()
	var b strings.Builder
	for n := 1; n <= 9; n++ {
		fmt.Fprintf(&b, "- { id: T-DC-%d, control: DC-%d, phase: design, kind: inspection, text: Compared the description with the records., criteria: [DC %d], attributes: [{ name: A, text: It is what the records show. }] }\n", n, n, n)
	}
	w.done("firm:mika", "test", "plan", w.write("dc.yaml", b.String()), "--why", "the description came")
	for n := 1; n <= 9; n++ {
		id := fmt.Sprintf("T-DC-%d", n)
		w.done("firm:stef", "test", "open", id)
		w.done("firm:stef", "test", "mark", id, "no exception", "--evidence", "E-22")
		w.done("firm:stef", "test", "prepare", id)
		w.done("firm:mika", "test", "review", id, "--seen", w.seen(id))
	}
}

// concludeRest concludes on everything that is left.
func (w *examWorld) concludeRest() {
	w.t.Helper()
	write := func(kind, outcome, design string) {
		list := w.unconcluded(kind)
		args := concluding("", outcome, design)
		w.done("firm:mika", slices.Concat([]string{"conclude", "write"}, list, args[3:])...)
	}
	write("control", "unable to conclude", "unable to conclude")
	write("dc", "no exceptions noted", "")
	write("criterion", "unable to conclude", "")
}
