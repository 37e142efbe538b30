package definition

import (
	"regexp"
	"strings"
	"testing"
)

// TestOwnMapping: a mapping of the workspace stands beside the library's, and only
// there; a firm has it too.
func TestOwnMapping(t *testing.T) {
	const body = "framework: House rules 7\nversion: \"7.1\"\npublisher: House of Audits\nretrieved: 2026-05-04\ncriteria: tsc-2017-2022\nmappings:\n  CC6.1:\n    - { ref: H-1, confidence: medium, source: \"worksheet\" }\n  CC6.2:\n    - { ref: H-1, confidence: low, source: \"worksheet\" }\n"
	for name, files := range map[string]map[string][]byte{"company": minimal(), "firm": {"tieout.yaml": []byte("firm: { name: Brookline Assurance LLP, zone: America/New_York }\n")}} {
		t.Run(name, func(t *testing.T) {
			before := load(t, files)
			files["mappings/house.yaml"] = []byte(body)
			w := load(t, files)
			f := w.Catalog.Framework("house")
			if f == nil || f.Source() != "house, version 7.1, by House of Audits, retrieved 2026-05-04" || !f.Own || f.Name != "House rules 7" {
				t.Fatalf("got %+v", f)
			}
			var by []string
			for _, m := range w.Catalog.Ties("house", "H-1") {
				by = append(by, m.Criterion+" "+m.Confidence)
			}
			if strings.Join(by, ", ") != "CC6.1 medium, CC6.2 low" {
				t.Errorf("H-1 is tied to %v", by)
			}
			if before.Catalog.Framework("house") != nil || catalog(t).Framework("house") != nil {
				t.Error("a workspace's mapping is the library's")
			}
			if before.Hash() == w.Hash() || before.Catalog.Version != w.Catalog.Version {
				t.Error("a mapping belongs to the revision, not to the library")
			}
			if len(w.Catalog.Ties("none", "H-1"))+len(w.Catalog.Ties("hipaa", "H-1")) != 0 {
				t.Error("a place of one framework is tied by another")
			}
		})
	}
}

// TestHIPAA: the citations, each once, with our words; every place of the mapping in
// these sections is among them.
func TestHIPAA(t *testing.T) {
	c := catalog(t)
	set := c.Other("hipaa-security")
	if set == nil || c.Set("hipaa-security") != nil || len(c.Sets) != 1 {
		t.Fatalf("sets %d, HIPAA beside them %v; want it beside the one set of a workspace", len(c.Sets), set != nil)
	}
	kinds, needs := map[string]int{}, map[string]int{}
	for _, r := range set.Criteria {
		kinds[r.Kind]++
		needs[r.Need]++
	}
	if kinds["rule"] != 14 || kinds["standard"] != 24 || needs["addressable"] != 22 || kinds["specification"] != 49 || needs["required"] != 27 {
		t.Errorf("got %v, %v", kinds, needs)
	}
	section := regexp.MustCompile(`^164\.3(06|08|10|12|14|16)\(`)
	tied := 0
	for _, m := range c.Mappings {
		if m.Framework != c.Framework(set.Framework).Name || !section.MatchString(m.Ref) {
			continue
		}
		if tied++; set.Requirement(m.Ref) == nil {
			t.Errorf("%s is mapped and is no criterion of %s", m.Ref, set.ID)
		}
	}
	if tied == 0 {
		t.Error("nothing is mapped")
	}
	for ref, want := range map[string]string{
		"164.308(a)(1)(ii)(A)": "Risk analysis (required). Risks and weaknesses that threaten the information are assessed, accurately and in whole.",
		"164.312(a)(2)(iii)":   "Automatic logoff (addressable). A session ends after a set time without activity.",
		"164.312(d)":           "Authentication of persons and entities. It is verified that who asks for access is who they claim to be.",
	} {
		if r := set.Requirement(ref); r == nil || r.Words() != want {
			t.Errorf("%s: got %+v", ref, r)
		}
	}
}

// TestOtherSetIsNoWorkspaces: a set that stands beside is not what a workspace is
// measured against.
func TestOtherSetIsNoWorkspaces(t *testing.T) {
	files := minimal()
	files["tieout.yaml"] = append(files["tieout.yaml"], "criteria: hipaa-security\n"...)
	if _, err := LoadFiles(files); err == nil || !strings.Contains(err.Error(), `there is no criteria set "hipaa-security"`) {
		t.Errorf("got %v", err)
	}
}

func TestBrokenOtherSet(t *testing.T) {
	files := map[string][]byte{"criteria/x.yaml": []byte("set: y\ntitle: Y\nstandard: Y\nbeside: none\nframework: nowhere\ncriteria:\n" +
		"  - { id: a b, kind: rule, name: N, summary: S }\n  - { id: c, kind: thing, name: N, summary: S }\n  - { id: c, kind: specification, name: N, summary: S }\n")}
	_, err := loadCatalog(files)
	if err == nil {
		t.Fatal("it loads")
	}
	for _, want := range []string{"criteria/x.yaml:1:6: the set is called \"y\"", "a criterion has an id without spaces", "kind \"thing\" is not one of", "c is listed twice", "says whether it is required or addressable"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}
