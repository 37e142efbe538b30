package period

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement"
)

// TestPopulation: what is frozen for an auditor is every item the procedure
// tested, once, with the worst it came to, and completeness that a hole leaves
// open.
func TestPopulation(t *testing.T) {
	w := newWorld(t, nil)
	w.sys.pages = 7
	w.sys.fail = func(win audit.Window, stream string, page int) error {
		if win.AsOf.Day() == 3 && stream == "account" && page == 3 {
			return errBadGateway
		}
		return nil
	}
	p := w.create(t)
	w.collectDays(t, p, 2, 3, 4)
	run, err := p.Check(t.Context(), CheckOptions{})
	must(t, err)

	var lines bytes.Buffer
	pop, err := p.Population(t.Context(), run, "access.mfa", &lines)
	must(t, err)
	if sum := sha256.Sum256(lines.Bytes()); pop.Digest != hex.EncodeToString(sum[:]) {
		t.Errorf("digest %s is not that of the lines", pop.Digest)
	}
	var items []engagement.Item
	for s := bufio.NewScanner(&lines); s.Scan(); {
		var it engagement.Item
		must(t, json.Unmarshal(s.Bytes(), &it))
		items = append(items, it)
	}
	ids := map[string]string{}
	for _, it := range items {
		if ids[it.ID] != "" {
			t.Errorf("%s is listed twice", it.ID)
		}
		ids[it.ID] = it.Results["access.mfa"]
		if len(it.Records) == 0 || !slices.IsSorted(it.Records) || len(it.Values) != len(pop.Columns) {
			t.Errorf("item %+v", it)
		}
	}
	tested := run.Tested[slices.IndexFunc(run.Tested, func(x audit.Tested) bool { return x.Procedure == "access.mfa" })]
	if pop.Count != len(items) || pop.Count+tested.Counts[audit.NotApplicable] != tested.Items+tested.Counts[audit.NotApplicable] {
		t.Errorf("%d items, %d counted; the procedure tested %d", len(items), pop.Count, tested.Items)
	}
	if ids["a/ben"] != "deviation" || ids["a/ana"] != "no evidence" {
		t.Errorf("outcomes %v", ids)
	}
	if !strings.HasPrefix(pop.Query, "Every item that procedure access.mfa, ") || !strings.Contains(pop.Query, fmt.Sprintf("%d of %d values", len(pop.Columns), len(pop.Columns))) {
		t.Errorf("query %q", pop.Query)
	}
	if all := pop.Checks[slices.IndexFunc(pop.Checks, func(c engagement.Reconciled) bool { return c.What == "items the procedure tested" })]; all.There != strconv.Itoa(tested.Items) || all.Open() {
		t.Errorf("reconciled %+v; want it beside %d", all, tested.Items)
	}
	open := slices.IndexFunc(pop.Checks, func(c engagement.Reconciled) bool { return c.Open() && strings.Contains(c.What, "not seen from 2026-") })
	if open < 0 {
		t.Errorf("the hole does not show in %+v", pop.Checks)
	}
}
