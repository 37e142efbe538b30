package examination_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/definition"
	"tieout/engagement"
	"tieout/examination"
)

func library(t *testing.T) *definition.Catalog {
	t.Helper()
	return must[*definition.Catalog](t)(definition.Library())
}

// TestReadyTerms: a set of the library is named by its ID, and its criteria need not
// be typed.
func TestReadyTerms(t *testing.T) {
	for _, c := range []struct {
		name string
		set  engagement.CriteriaSet
		want func(engagement.CriteriaSet) bool
	}{
		{"all of a set", engagement.CriteriaSet{ID: "hipaa-security", Examined: true}, func(x engagement.CriteriaSet) bool {
			return x.Name == "HIPAA Security Rule" && x.Framework == "hipaa" && len(x.Criteria) == 87 && x.Criteria[0] == "164.306(a)(1)"
		}},
		{"a section, and a criterion twice", engagement.CriteriaSet{ID: "hipaa-security", Name: "Technical safeguards", Examined: true, Criteria: []string{"164.312(a)", "164.312(d)", "164.312(d)"}}, func(x engagement.CriteriaSet) bool {
			return x.Name == "Technical safeguards" && slices.Equal(x.Criteria, []string{"164.312(a)(1)", "164.312(a)(2)(i)", "164.312(a)(2)(ii)", "164.312(a)(2)(iii)", "164.312(a)(2)(iv)", "164.312(d)"})
		}},
		{"what the set has not", engagement.CriteriaSet{ID: "hipaa-security", Examined: true, Criteria: []string{"164.404(a)"}}, func(x engagement.CriteriaSet) bool { return slices.Equal(x.Criteria, []string{"164.404(a)"}) }},
		{"all places of a mapping", engagement.CriteriaSet{ID: "iso", Name: "ISO/IEC 27001:2022", Framework: "iso-27001-2022"}, func(x engagement.CriteriaSet) bool {
			return len(x.Criteria) > 50 && slices.Index(x.Criteria, "A.5.9") < slices.Index(x.Criteria, "A.5.18")
		}},
		{"a set of the firm's own", engagement.CriteriaSet{ID: "house", Name: "House rules", Criteria: []string{"H-1"}}, func(x engagement.CriteriaSet) bool { return x.Framework == "" && len(x.Criteria) == 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := engagement.Terms{Extra: []engagement.CriteriaSet{c.set}}
			got := must[engagement.Terms](t)(examination.ReadyTerms(library(t), in))
			if !c.want(got.Extra[0]) {
				t.Errorf("got %+v", got.Extra[0])
			}
			if in.Extra[0].Name != c.set.Name || len(in.Extra[0].Criteria) != len(c.set.Criteria) {
				t.Error("what was given is changed")
			}
		})
	}
	_, err := examination.ReadyTerms(library(t), engagement.Terms{Extra: []engagement.CriteriaSet{{ID: "iso", Framework: "iso"}}})
	if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), `there is no mapping "iso"; there are ccpa, gdpr, hipaa`) {
		t.Errorf("got %v", err)
	}
}

// TestTies: of the ways to a criterion of another set the surest are proposed, and of
// a set that is only mapped none.
func TestTies(t *testing.T) {
	x := engagement.Terms{Extra: []engagement.CriteriaSet{{ID: "hipaa-security", Examined: true, Criteria: []string{"164.308(a)(2)", "164.306(a)(2)"}}, {ID: "iso", Framework: "iso-27001-2022", Criteria: []string{"A.5.18"}}}}
	got := examination.Ties(library(t), x)
	if !slices.Equal(got["CC1.3"], []string{"164.308(a)(2)"}) || len(got["CC1.2"])+len(got["CC1.5"]) != 0 {
		t.Errorf("164.308(a)(2) is proposed for %v; want CC1.3, of high confidence, and not CC1.2 and CC1.5, of low", got)
	}
	for k, refs := range got {
		if slices.Contains(refs, "A.5.18") || slices.Contains(refs, "164.306(a)(2)") {
			t.Errorf("%s: %v; want neither what is only mapped nor what no mapping names", k, refs)
		}
	}
}
