package fieldwork_test

import (
	"errors"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

func TestEngagementIsOpenedAndAccepted(t *testing.T) {
	for _, kind := range []engagement.Type{engagement.SOC2TypeI, engagement.SOC2TypeII, engagement.SOC1TypeI, engagement.SOC1TypeII} {
		t.Run(string(kind), func(t *testing.T) {
			w := openedAs(t, kind)
			w.file(func(_ *fieldwork.State, f *fieldwork.File) {
				if f.Accepted == nil || f.Accepted.By != paulaID || f.State != engagement.CriteriaSelected || len(f.Team) != 5 {
					t.Errorf("accepted %+v, state %q, team of %d; want the partner's acceptance, %q, 5", f.Accepted, f.State, len(f.Team), engagement.CriteriaSelected)
				}
			})
		})
	}
}

func TestTermsAreRefused(t *testing.T) {
	cases := []struct {
		name, want string
		kind       engagement.Type
		spoil      func(*engagement.Terms)
	}{
		{"unknown type", "type is one of", "soc2-type3", func(*engagement.Terms) {}},
		{"no period", "period start", engagement.SOC2TypeII, func(x *engagement.Terms) { x.First = "" }},
		{"period backwards", "before it starts", engagement.SOC2TypeII, func(x *engagement.Terms) { x.First = "2027-01-01" }},
		{"a date beside a period", "asOf", engagement.SOC2TypeII, func(x *engagement.Terms) { x.AsOf = "2026-06-30" }},
		{"a period of a Type I", "as of a date", engagement.SOC2TypeI, func(x *engagement.Terms) { x.First = "2026-01-01" }},
		{"zone of this machine", "IANA", engagement.SOC2TypeI, func(x *engagement.Terms) { x.Zone = "Local" }},
		{"security out", "category S", engagement.SOC2TypeII, func(x *engagement.Terms) { x.Categories[0].In, x.Categories[0].Why = false, "no" }},
		{"out without a reason", "say why", engagement.SOC2TypeII, func(x *engagement.Terms) { x.Categories[2].Why = " " }},
		{"one not decided", "neither in nor out", engagement.SOC2TypeII, func(x *engagement.Terms) { x.Categories = x.Categories[:4] }},
		{"categories of a SOC 1", "control objectives, not categories", engagement.SOC1TypeII, func(x *engagement.Terms) { x.Categories = terms(engagement.SOC2TypeII).Categories }},
		{"SOC 1 without objectives", "at least one control objective", engagement.SOC1TypeII, func(x *engagement.Terms) { x.Objectives = nil }},
		{"SOC 3 on nothing", "rests on a SOC 2 Type II", engagement.SOC3, func(*engagement.Terms) {}},
		{"set without criteria", "names no criteria", engagement.SOC2TypeII, func(x *engagement.Terms) {
			x.Extra = []engagement.CriteriaSet{{ID: "hipaa-security", Name: "HIPAA Security Rule", Examined: true}}
		}},
		{"superseded standard", "superseded", engagement.SOC2TypeII, func(x *engagement.Terms) {
			x.Extra = []engagement.CriteriaSet{{ID: "iso", Name: "ISO/IEC 27001:2013", Criteria: []string{"A.5.1"}}}
		}},
		{"superseded attestation standard", "SSAE-16, of 2010, is superseded by SSAE 18", engagement.SOC1TypeII, func(x *engagement.Terms) { x.Objectives[0].Text = "As SSAE-16 asks." }},
		{"attestation standard of long ago", "SSAE No. 10, of 2001, is superseded by SSAE 18", engagement.SOC2TypeII, func(x *engagement.Terms) { x.System = "Ledger, under SSAE No. 10" }},
		{"attestation standard nobody issued", "there is no SSAE 231", engagement.SOC2TypeII, func(x *engagement.Terms) { x.System = "Ledger, under SSAE 231" }},
		{"subject of another examination", "AT-C 315 is compliance with laws", engagement.SOC2TypeII, func(x *engagement.Terms) {
			x.Extra = []engagement.CriteriaSet{{ID: "hipaa", Name: "HIPAA under AT-C 315", Examined: true, Criteria: []string{"164.308(a)(8)"}}}
		}},
		{"compliance as the subject", "never whether a law is complied with", engagement.SOC2TypeI, func(x *engagement.Terms) { x.System = "HIPAA compliance attestation of Ledger" }},
		{"section of a SOC 1", "which a SOC 1 examines", engagement.SOC2TypeII, func(x *engagement.Terms) { x.System = "Ledger (AT-C section 320)" }},
		{"one identifier at two organizations", "an identifier of its own", engagement.SOC2TypeII, func(x *engagement.Terms) {
			same := []engagement.Expected{{ID: "N-1", Text: "Halls are locked.", Criteria: []string{"CC6.4"}}}
			x.Subservices = []engagement.Subservice{{Name: "Nimbus", Service: "hosting", Inclusive: true, Expected: same}, {Name: "Stratus", Service: "hosting", Inclusive: true, Expected: same}}
		}},
		{"two methods for one organization", "carved out or included", engagement.SOC2TypeII, func(x *engagement.Terms) {
			x.Subservices = []engagement.Subservice{{Name: "AWS", Service: "hosting"}, {Name: "AWS", Service: "storage", Inclusive: true}}
		}},
	}
	w := newWorld(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x := terms(c.kind)
			c.spoil(&x)
			_, err := w.book.OpenEngagement(t.Context(), partner, x)
			if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want an invalid one that says %q", err, c.want)
			}
		})
	}
}
