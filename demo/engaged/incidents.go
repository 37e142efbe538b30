package engaged

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/demo"
	"tieout/program"
)

// A ruling is what Halyard's signer decides of an incident: whether the
// description tells of it, which commitments it touched, what it was and what was
// done, and why so.
type ruling struct {
	tell     bool
	promises []string
	what     string
	why      string
}

// rulings are on the incidents of the year, by their title. {minutes} stands for
// how long it took to contain one, {reached} for the percent of the month in which
// the service was available, {told} for the hours until customers were told.
var rulings = map[string]ruling{
	"Payout file delivered twice to one partner": {true, []string{"PSC-04", "PSC-05"},
		"A job that was started again after a fault sent the same payout file to one partner a second time. The partner saw it and paid nothing twice; no other merchant was concerned. It was told after {told} hours, against the 72 that are promised. Files have carried a number that is accepted once since March 2025, and Legal keeps the clock of notices.",
		"Two commitments were not kept."},
	"Bucket with exported schemas readable from outside": {true, []string{"PSC-01"},
		"A template for bucket policies allowed public reads, and a bucket of production made from it could be read from the internet for two days before it was noticed. It held descriptions of tables and no record of a merchant; its access log shows no request from outside. It was closed {minutes} minutes after it was noticed, the template was mended on 10 July 2025, and public reads are refused for the whole account.",
		"It came from a control that did not operate."},
	"Message queue full": {true, []string{"PSC-02", "PSC-03"},
		"The queue between import and matching filled up at night, and the alarm reached nobody who was on call. Ledger took no payments for {minutes} minutes and was available for {reached} percent of July 2025, against the 99.9 that are promised; payments of that night were matched by noon and not by the morning. None was lost. Merchants were told on the same day and credited. Alarms that nobody takes go to a second person since 21 July 2025, and the queue has four times its size.",
		"Two commitments were not kept."},
	"Card batch matching stopped":                  {why: "Matching of one kind of batch stood still for {minutes} minutes by day; payments were matched by the next morning, and no commitment was missed."},
	"Restore of card matching after bad release":   {why: "Matching stood still for {minutes} minutes in the night; pages and statements were available, and payments were matched by the morning. No commitment was missed."},
	"Phishing mail opened, no credentials entered": {why: "Nothing was entered and nothing ran; no control failed and no commitment was touched."},
	"Slow statements at month end":                 {why: "Statements were slow and complete; no commitment was missed."},
	"Lost laptop, encrypted":                       {why: "The laptop was encrypted and erased from afar; it held no record of a merchant."},
	"Reports late for two customers":               {why: "Two reports that are not promised for a time came late."},
	"Database failover took eleven minutes":        {why: "The service was not available for {minutes} minutes, which is within what is promised for the month; merchants were told all the same."},
	"Suspicious sign-in blocked":                   {why: "The sign-in was blocked, as it should be."},
	"Year end load":                                {why: "Pages were slow and the service was available; no commitment was missed."},
}

// incidentsDecided has Halyard's lead take the year's incidents from their tool
// into the register of Tieout, and the signer decide of each, and of every other
// one of the period, whether the description tells of it.
func (x *exam) incidentsDecided(ctx context.Context) error {
	for _, o := range demo.Incidents() {
		r, ok := rulings[o.Title]
		if !ok {
			return fmt.Errorf("%w: nobody at Halyard decides on the incident %q", audit.ErrNotFound, o.Title)
		}
		if err := x.incident(ctx, o, r); err != nil {
			return fmt.Errorf("incident %s: %w", o.ID, err)
		}
	}
	return nil
}

func (x *exam) incident(ctx context.Context, o demo.Incident, r ruling) error {
	book := x.Client.P.Registers()
	i, err := book.ReportIncident(ctx, x.Lead.By, o.Title+"\n\nTaken over from the incident tool, where it is "+o.ID+".", o.Detected)
	if err != nil {
		return err
	}
	i.Kind, i.Severity, i.Lead, i.Personal, i.Subjects, i.Promises = o.Kind, strings.ToLower(o.Severity), x.Lead.By.Account, "no", 0, r.promises
	if i, err = book.SetIncident(ctx, x.Lead.By, i); err != nil {
		return err
	}
	if i, err = book.StepIncident(ctx, x.Lead.By, i.ID, i.Revision, program.Step{What: "resolved", Took: o.Resolved, Text: "As the incident tool has it."}); err != nil {
		return err
	}
	decision := "leave out"
	if r.tell {
		decision = "disclose"
		if i, err = book.CauseIncident(ctx, x.Lead.By, i.ID, i.Revision, x.filled(r.what, o)); err != nil {
			return err
		}
	}
	_, err = book.DiscloseIncident(ctx, x.Signer.By, i.ID, i.Revision, decision, x.filled(r.why, o))
	return err
}

// filled puts an incident's own figures into a text.
func (x *exam) filled(text string, o demo.Incident) string {
	down := o.Contained.Sub(o.Detected)
	month := monthOf(o.Detected.In(x.Client.P.Period.Location()))
	return strings.NewReplacer("{minutes}", fmt.Sprintf("%.0f", down.Minutes()), "{told}", fmt.Sprintf("%.0f", o.Told.Sub(o.Detected).Hours()),
		"{reached}", fmt.Sprintf("%.1f", 100*(1-down.Hours()/month.Hours()))).Replace(text)
}

// monthOf is how long the month of an instant lasts.
func monthOf(t time.Time) time.Duration {
	first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location())
	return first.AddDate(0, 1, 0).Sub(first)
}

// incidentsTold is what DC 4 says beside the incidents themselves.
func incidentsTold() string {
	told, severe := 0, 0
	all := demo.Incidents()
	for _, o := range all {
		if rulings[o.Title].tell {
			told++
		} else if o.Severity == "SEV1" || o.Severity == "SEV2" {
			severe++
		}
	}
	return fmt.Sprintf("Halyard's register holds %d incidents of the period. The %d above kept a commitment from being met or came from a control that did not operate. Management considered the other %d, %d of them of the two highest severities: none kept a commitment from being met, and none came from a control that was not suitably designed or did not operate.", len(all), told, len(all)-told, severe)
}
