package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// A sealedRun is what the record of a run says: docs/formats/bundle.md names
// the fields. Those not named here are not looked at.
type sealedRun struct {
	Period      audit.Period   `json:"period"`
	AsOf        time.Time      `json:"asOf"`
	Definitions string         `json:"definitions"`
	Versions    audit.Versions `json:"versions"`
	Results     []struct {
		Procedure string `json:"procedure"`
		Hash      string `json:"hash"`
		Digest    string `json:"digest"`
		Lines     int    `json:"lines"`
	} `json:"results"`
	Tested []audit.Tested `json:"tested"`
}

// collections checks that every page belongs to a collection that was opened,
// and that each collection is here as its end says it was.
func (v *verifier) collections(context.Context) error {
	var open []string
	incomplete := 0
	for _, id := range sortedKeys(v.colls) {
		c := v.colls[id]
		if !c.opened && len(v.c.Erased) == 0 {
			return altered("collection "+id, "the record that opened it is not in the bundle")
		}
		if why := c.lacks(); why != "" {
			open = append(open, fmt.Sprintf("%s of %s: %s", id, c.source, why))
		}
		if c.incomplete > 0 {
			incomplete++
		}
	}
	n := int64(len(v.colls))
	v.c.add(Good, "%s here with the manifests sealed at the time; %s a stream that was not read in full, and count as such",
		be(n-int64(len(open)), "collection is", "collections are"), be(int64(incomplete), "has", "have"))
	for _, why := range open {
		v.c.add(Open, "collection %s", why)
	}
	return nil
}

// lacks says what of a collection is not here, or "".
func (c *collected) lacks() string {
	switch {
	case c.end == nil:
		return "it has not ended, or its end is not in the bundle"
	case c.manifests < c.end.Manifests:
		return fmt.Sprintf("%d of %d manifests are here", c.manifests, c.end.Manifests)
	case c.pages < c.end.Pages:
		return fmt.Sprintf("%d of %d pages are here", c.pages, c.end.Pages)
	}
	return ""
}

// definitions checks the run's record against what the bundle says of itself,
// and the definitions and procedures against the run.
func (v *verifier) definitions(context.Context) error {
	applied, err := v.b.must("definitions/applied.json")
	if err != nil {
		return err
	}
	if got := digestText(sha256.Sum256(applied)); got != v.c.Definitions {
		return altered("definitions/applied.json", "its digest is %s, the bundle names %s", got, v.c.Definitions)
	}
	procs, err := v.b.procedures()
	if err != nil {
		return err
	}
	if v.c.Run == audit.Unsequenced {
		v.c.add(Open, "the bundle holds no sealed run: its results are not bound to the log")
		return nil
	}
	if v.run == nil {
		return altered("about.json", "it names %s as the record of the run, which is not here or is no run", audit.EvidenceRef(v.c.Run))
	}
	if err := v.sameAsRun(); err != nil {
		return err
	}
	for _, r := range v.run.Results {
		if !slices.ContainsFunc(procs, func(p Procedure) bool { return p.ID == r.Procedure && p.Hash == r.Hash }) {
			return altered(procedureName(r.Procedure), "the procedure that the run names with hash %s is not in the bundle", r.Hash)
		}
	}
	if len(procs) != len(v.run.Results) {
		return altered("definitions/procedures", "%d procedures, the run has %d", len(procs), len(v.run.Results))
	}
	if v.defs == audit.Unsequenced {
		v.c.add(Open, "the record that applied the definitions is not in the bundle")
	} else {
		v.c.add(Good, "the definitions were applied as %s", audit.EvidenceRef(v.defs))
	}
	v.c.add(Good, "definitions and %s are those of the run sealed as %s", plural(int64(len(procs)), "procedure", "procedures"), audit.EvidenceRef(v.c.Run))
	return nil
}

// sameAsRun compares what the bundle says of itself with the sealed run.
func (v *verifier) sameAsRun() error {
	a, r := v.c.About, v.run
	for _, x := range []struct {
		what      string
		here, run any
	}{
		{"period", a.Period, r.Period}, {"as-of", a.AsOf, r.AsOf}, {"definitions", a.Definitions, r.Definitions}, {"versions", a.Versions, r.Versions},
	} {
		here, err := json.Marshal(x.here)
		if err != nil {
			return err
		}
		run, err := json.Marshal(x.run)
		if err != nil {
			return err
		}
		if !bytes.Equal(here, run) {
			return altered("about.json", "%s is %s, the run %s was sealed with %s", x.what, here, audit.EvidenceRef(v.c.Run), run)
		}
	}
	return nil
}

// results checks each procedure's results against the sealed run and that every
// record they rest on is in the bundle.
func (v *verifier) results(ctx context.Context) error {
	known := map[string]bool{}
	total := int64(0)
	if v.run != nil {
		for _, r := range v.run.Results {
			known[resultsPrefix(r.Procedure)] = true
			n, sum, err := v.resultsOf(ctx, r.Procedure, r.Hash)
			if err != nil {
				return err
			}
			if sum != r.Digest || n != r.Lines {
				return altered(resultsPrefix(r.Procedure), "%d results with digest %s; the run %s was sealed with %d and %s", n, sum, audit.EvidenceRef(v.c.Run), r.Lines, r.Digest)
			}
			total += int64(n)
		}
	}
	for _, m := range v.b.under("results/") {
		if !known[m.Name[:strings.LastIndexByte(m.Name, '/')+1]] && v.run != nil {
			return altered(m.Name, "the run has no results of that name")
		}
	}
	if v.run != nil {
		v.c.add(Good, "%s as sealed, and every record they rest on is here", be(total, "result is", "results are"))
	}
	return nil
}

// resultsOf reads one procedure's results: how many, and their digest.
func (v *verifier) resultsOf(ctx context.Context, id, hash string) (int, string, error) {
	h, n, prefix := sha256.New(), 0, resultsPrefix(id)
	var again []byte
	r := io.TeeReader(v.b.stream(prefix), h)
	err := lines(ctx, r, prefix, func(i int, line []byte) error {
		n++
		var res audit.Result
		if err := json.Unmarshal(line, &res); err != nil {
			return altered(prefix, "line %d is no result: %v", i, err)
		}
		if again = res.AppendJSON(again[:0]); !bytes.Equal(again, line) {
			return altered(prefix, "line %d is not in its one spelling", i)
		}
		if res.Procedure != id || res.Hash != hash {
			return altered(prefix, "line %d is a result of %s %s", i, res.Procedure, res.Hash)
		}
		for _, x := range res.Records {
			if !v.held.has(x) {
				return altered(prefix, "line %d, about %s, rests on %s, which is not in the bundle", i, res.Item, audit.EvidenceRef(x))
			}
		}
		return nil
	})
	return n, digestText([sha256.Size]byte(h.Sum(nil))), err
}

// maxReport bounds the report value, which is read as a whole.
const maxReport = 1 << 30

// report checks that the report, if there is one, gives the figures of the run.
func (v *verifier) report(context.Context) error {
	if len(v.b.under("report.json/")) == 0 {
		v.c.add(Open, "the bundle holds no report")
		return nil
	}
	const name = "report.json"
	data, err := io.ReadAll(io.LimitReader(v.b.stream(name+"/"), maxReport+1))
	if err != nil {
		return err
	}
	var r audit.Report
	if err := json.Unmarshal(data, &r); err != nil || len(data) > maxReport {
		return altered(name, "it is not a report: %v", errors.Join(err))
	}
	if v.run == nil {
		return nil
	}
	for _, c := range r.Controls {
		for _, t := range c.Procedures {
			if err := v.sameFigures(t); err != nil {
				return altered(name, "control %s: %v", c.Control.ID, err)
			}
		}
	}
	for _, e := range r.Evidence {
		if !v.held.has(e.Index) {
			return altered(name, "its evidence index names %s, which is not in the bundle", audit.EvidenceRef(e.Index))
		}
	}
	v.c.add(Good, "the report's figures are those of the run, and every record in its evidence index is here")
	return nil
}

// sameFigures compares what a report says of a procedure with the sealed run.
// What was decided about deviations since then is not part of the run.
func (v *verifier) sameFigures(t audit.Tested) error {
	i := slices.IndexFunc(v.run.Tested, func(o audit.Tested) bool { return o.Procedure == t.Procedure && o.Hash == t.Hash })
	if i < 0 {
		return fmt.Errorf("procedure %s is not in the run", t.Procedure)
	}
	if o := v.run.Tested[i]; o.Items != t.Items || o.Counts != t.Counts || o.InGrace != t.InGrace {
		return fmt.Errorf("procedure %s: %d items %v, the run found %d items %v", t.Procedure, t.Items, t.Counts, o.Items, o.Counts)
	}
	return nil
}
