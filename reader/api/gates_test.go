package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tieout/engagement/fieldwork"
	"tieout/engagement/gatestest"
)

// A request is a forbidden act as a program tries it.
type attempt struct {
	method, path string
	body         any
	match        bool // asks for If-Match, from Args.Base
}

// attemptOf is a case as a request.
func attemptOf(t testing.TB, c gatestest.Case) attempt {
	t.Helper()
	a := c.Args
	switch c.Act {
	case "SetTest":
		x := a.Planned
		return attempt{"PUT", inFile("/tests/%s", x.ID), TestChange{TestText{x.Control, x.Version, x.Until, string(x.Phase), string(x.Kind), x.Text, x.Attributes, string(x.Reliance), x.Population, x.Criteria, x.Extra}, a.Why}, true}
	case "SetReliance":
		return attempt{"PUT", inFile("/reliance/%s", a.Control), RelianceText{string(a.Reliance), a.Why}, true}
	case "MoveState":
		return attempt{"PUT", inFile("/state"), StateText{string(a.State), a.Why}, true}
	case "CommitNonce":
		return attempt{"POST", inFile("/nonces"), NonceText{a.Control, a.Round, ""}, false}
	case "AcceptPopulation":
		return attempt{"POST", inFile("/populations/%s/acceptance", a.Population), nil, true}
	case "DrawSample":
		o := a.Order
		return attempt{"POST", inFile("/samples"), OrderText{Population: o.Population, Control: o.Control, Method: string(o.Method), Size: o.Size, Basis: o.Basis}, false}
	}
	return paperAttempt(t, c)
}

func verdictText(v fieldwork.Verdict) VerdictText {
	return VerdictText{string(v.Mark), v.Note, v.Evidence, v.Why}
}

// paperAttempt is an act on a workpaper, an exception or a conclusion.
func paperAttempt(t testing.TB, c gatestest.Case) attempt {
	t.Helper()
	a := c.Args
	var cells []CellName
	for _, x := range a.Cells {
		cells = append(cells, CellName(x))
	}
	switch c.Act {
	case "OpenPaper":
		return attempt{"POST", inFile("/papers/%s", a.Test), PaperText{Sample: a.Sample}, false}
	case "Mark":
		return attempt{"PUT", inFile("/papers/%s/cell", a.Test), MarkText{cells[0], verdictText(a.Verdict)}, true}
	case "MarkMany":
		var seen []SeenCell
		for _, x := range cells {
			seen = append(seen, SeenCell{CellName: x})
		}
		return attempt{"PUT", inFile("/papers/%s/cells", a.Test), MarksText{seen, verdictText(a.Verdict)}, false}
	case "Reveal":
		return attempt{"POST", inFile("/papers/%s/revealed", a.Test), CellNames{cells}, false}
	case "Prepare":
		return attempt{"POST", inFile("/papers/%s/prepared", a.Test), DigestText{a.Digest}, false}
	case "Review":
		return attempt{"POST", inFile("/papers/%s/reviewed", a.Test), DigestText{a.Digest}, false}
	case "SetFinding":
		d := FindingText{Test: a.Draft.Test, Known: a.Draft.Known, Nature: a.Draft.Nature, Text: a.Draft.Text, Cause: a.Draft.Cause, Evaluation: a.Draft.Evaluation}
		for _, x := range a.Draft.Cells {
			d.Cells = append(d.Cells, CellName(x))
		}
		if a.Finding == "" {
			return attempt{"POST", inFile("/findings"), d, false}
		}
		return attempt{"PUT", inFile("/findings/%s", a.Finding), d, true}
	case "Conclude":
		x := a.Concluding
		return attempt{"PUT", inFile("/conclusions/%s", url.PathEscape(a.What)), ConclusionText{string(x.Outcome), x.Design, x.Implemented, x.Text, x.Prior}, true}
	}
	return endAttempt(t, c)
}

// endAttempt is an act from the opinion to the archive.
func endAttempt(t testing.TB, c gatestest.Case) attempt {
	t.Helper()
	a := c.Args
	switch c.Act {
	case "Opine":
		return attempt{"PUT", inFile("/opinions/%s", a.Part), SignedOpinion{OpinionText{string(a.Opinion), a.Text, a.Basis}, a.Signed}, false}
	case "SignQuality":
		return attempt{"POST", inFile("/quality"), QualityText{DigestText{a.Digest}, Words{a.Text}}, false}
	case "GiveDraft":
		return attempt{"POST", inFile("/drafts"), DraftText{DigestText{a.Digest}, a.Dated}, false}
	case "Issue":
		return attempt{"POST", inFile("/report"), IssueText{DigestText: DigestText{a.Digest}, Files: a.Files, Dated: a.Dated, Why: a.Why, Signed: a.Signed}, false}
	case "Revise":
		return attempt{"POST", inFile("/report/revision"), Why{a.Why}, false}
	case "Assemble":
		return attempt{"POST", inFile("/archive/assembly"), nil, false}
	case "Lock":
		return attempt{"POST", inFile("/archive/lock"), nil, false}
	case "AddToArchive":
		return attempt{"POST", inFile("/archive/additions"), AdditionText{DigestText{a.Files[0].Digest}, a.Files[0].Name, a.Files[0].Size, a.Why}, false}
	}
	t.Fatalf("no call does %s", c.Act)
	return attempt{}
}

// try sends an attempt, signed by its person where keys are given.
func (x attempt) try(t testing.TB, who *client, keys *gatestest.Keys, base int64) *httptest.ResponseRecorder {
	t.Helper()
	body := ""
	if x.body != nil {
		body = jsonOf(t, x.body)
	}
	var pairs []string
	if x.match {
		pairs = ifMatch(base)
	}
	if keys != nil {
		pairs = append(pairs, who.signing(keys, x.method, x.path, body, pairs...)...)
	}
	return who.send(x.method, x.path, body, pairs...)
}

// refusedAs holds an answer to a case: its status, and the gate's own words.
func refusedAs(t testing.TB, c gatestest.Case, got *httptest.ResponseRecorder) {
	t.Helper()
	v := map[string]any{}
	if strings.Contains(got.Header().Get("Content-Type"), "json") {
		v = object(t, got)
	}
	detail, _ := v["detail"].(string)
	if got.Code != c.Status() || !strings.Contains(strings.ToLower(detail), strings.ToLower(c.Says)) {
		t.Errorf("%s (%s): %d %s; want %d: %q", c.Name, c.Act, got.Code, detail, c.Status(), c.Says)
	}
}

// TestGates: every forbidden order of an examination is refused through the
// interface for programs, in the gate's own words; and what only a person may do
// a token never does, whatever stands.
func TestGates(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	f := newFirmWorld(t)
	n := 0
	gatestest.Walk(f.firm, func(c gatestest.Case) {
		n++
		x, who := attemptOf(t, c), f.person(c.By)
		refusedAs(t, c, x.try(t, who, f.keys, c.Args.Base))
		if got := x.try(t, who, nil, c.Args.Base); got.Code != c.Status() && got.Code != http.StatusForbidden {
			t.Errorf("%s (%s) by a token: %d %s; want it refused", c.Name, c.Act, got.Code, got.Body)
		}
	})
	if n < 50 {
		t.Errorf("%d forbidden orders tried; want 50 or more", n)
	}
}
