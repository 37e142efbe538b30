package engaged

import (
	"context"
	"fmt"
	"strings"

	"tieout/demo"
	"tieout/engagement"
)

// asserted has Halyard's signer decide and sign the assertion and the letter.
func (x *exam) asserted(ctx context.Context) error {
	verify, side := x.own(ctx), x.Client.Side
	name := x.terms.Client.Name
	a := engagement.Assertion{By: name, Dated: x.today(), Decision: engagement.Decisions{Description: true, Design: true, Except: x.notAsserted()}, Text: x.assertion()}
	next, err := side.NextAssertion(ctx, x.id, name)
	if err != nil {
		return err
	}
	a.Terms, a.Version = next.Terms, next.Version
	digest, err := a.ToSign()
	if err != nil {
		return err
	}
	if a.Signed, err = x.sign(ctx, x.Client.P, x.Signer, "assertion", digest); err != nil {
		return err
	}
	if err := side.SignAssertion(ctx, x.Signer.By, x.id, a, verify); err != nil {
		return err
	}
	r := engagement.Representation{By: name, Dated: x.today(), Text: representation}
	if next, err = side.NextLetter(ctx, x.id, name); err != nil {
		return err
	}
	r.Terms, r.Version = next.Terms, next.Version
	if digest, err = r.ToSign(); err != nil {
		return err
	}
	if r.Signed, err = x.sign(ctx, x.Client.P, x.Signer, "letter of representation", digest); err != nil {
		return err
	}
	return side.SignRepresentation(ctx, x.Signer.By, x.id, r, verify)
}

const representation = `We are responsible for the description, for our assertion, for the commitments and requirements, for choosing the criteria, and for the controls.

We gave you all records and everybody you asked for. We told you of every deviation from our controls, every incident, every suspicion of fraud or of a breach of law, and every weakness of design that we know of, and of the days on which our exports failed. We know of nothing that happened since the end of the period that you would have to know, and of nothing in the description that we would have to change.`

// assertion mirrors what the report opines on: each part with its dates and by
// which criteria.
func (x *exam) assertion() string {
	during := "throughout the period " + inWords(x.terms.First) + " to " + inWords(x.terms.Last)
	var carved []string
	for _, s := range x.terms.Subservices {
		carved = append(carved, s.Name)
	}
	return fmt.Sprintf(`We wrote the description of Ledger that stands in Section III, for those who use Ledger and need to know of its controls. We are responsible for it, for our service commitments and system requirements, and for the controls; we chose the criteria: the description criteria (DC 1 to DC 9), and the trust services criteria for %[1]s.

The description leaves out the controls of the subservice organizations %[2]s, and names those that we expect of them; it names the controls that we expect user entities to operate. Our commitments are met only if both operate theirs.

We assert, to the best of our knowledge and belief:

- The description presents Ledger as we designed it and put it in place %[3]s, by the description criteria. It tells of the changes to the system in the period, and neither leaves out nor distorts anything that matters to those it is for.
- The controls that the description states were suitably designed %[3]s: had they operated effectively, and had user entities and the subservice organizations operated the controls that we expect of them, they would have given reasonable assurance that our service commitments and system requirements were achieved by the trust services criteria for %[1]s.
- The controls operated effectively %[3]s to give that assurance, except where we say below that they did not, or that we cannot show it.`, x.categories(), and(carved), during)
}

// notAsserted is where Halyard does not say that its controls operated.
func (x *exam) notAsserted() string {
	var lines []string
	for _, m := range matters {
		lines = append(lines, fmt.Sprintf("- %s (%s): the controls %s did not operate as described, as the exceptions of Section IV tell.", m.title, and(m.criteria), and(m.controls)))
	}
	zone := x.Client.P.Period.Location()
	for _, h := range demo.Holes() {
		from, to := h.First.In(zone).Format("2 January 2006"), h.Last.In(zone).Format("2 January 2006")
		days := "from " + from + " to " + to
		if from == to {
			days = "on " + from
		}
		lines = append(lines, fmt.Sprintf("- The export of %s failed %s. What rests on those days alone we cannot show.", h.What, days))
	}
	for _, control := range untestableInOrder() {
		lines = append(lines, "- We cannot show that "+control+" operated.")
	}
	return "We do not assert that the controls operated effectively in these cases:\n\n" + strings.Join(lines, "\n") + "\n\nOther exceptions that Section IV tells did not, in our judgment, keep a commitment from being met or a criterion from being achieved."
}
