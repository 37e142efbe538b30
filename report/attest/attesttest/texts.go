package attesttest

import "tieout/report/attest"

const auditorText = `
*To the management of Halyard, Inc.*

## Scope

We have examined Halyard's description of its Freight Documents system throughout the period 1 January 2026 to 31 December 2026, and whether the controls it names were designed and operated so that Halyard's commitments on security, availability and confidentiality were met. Northgate Cloud's controls are carved out: the description names what Halyard expects of it, and we did not examine it. Pilot Desk Support GmbH is included, and our examination covers its part.

Some commitments can be met only where customers operate controls of their own. The description lists them; we did not examine them.

What stands in the last section is Halyard's own information. We did not examine it.

## What management is responsible for

Management wrote the description and the assertion beside it. It chose the criteria, decided what the system promises, named the risks that threaten those promises, and designed, put in place and operated the controls.

## What we are responsible for

We state an opinion, from our examination, on the description and on the controls. We performed the examination under the attestation standards for examination engagements. Those standards ask us to plan and perform it so that we obtain reasonable assurance, and to be independent of Halyard, which we were. Our work included:

- reading the description and comparing it with what we saw;
- weighing the risks that the controls answer;
- testing those controls that we thought necessary, on samples drawn from populations that were frozen before anybody knew the sample;
- judging whether what we obtained is enough for our opinion.

## What controls cannot do

A control can fail, be worked around by people who act together, or cease to fit when circumstances change. What held over the period need not hold after it.

## Tests

The tests we performed, their nature, timing and results are listed in Section IV.
`

const restrictedText = `
This report, with its tests and results, is for Halyard, for its customers of some or all of the period, for their auditors and regulators, and for others who know the system well enough to read it: the service, how customers and other organizations take part in it, what controls can and cannot do, and which controls they have to operate themselves. Nobody else should use it.
`

const assertionText = `
We wrote the description of our Freight Documents system in Section III for customers who want to know how we keep our promises on security, availability and confidentiality. To the best of our knowledge and belief:

1. the description presents the system as it was designed and in place throughout the period 1 January 2026 to 31 December 2026;
2. the controls it names were designed so that, had they operated as described, and had customers and Northgate Cloud operated theirs, our commitments would have been met;
3. the controls operated as described throughout the period, except for what is named below.
`

const plansText = `
Halyard plans to move the code host under the same sign-in as all other systems in the second quarter of 2027, and to bring forward the second recovery exercise of the year to October. These are plans; they may change.
`

func dc(id, title string, paragraphs ...string) attest.DC {
	out := attest.DC{ID: id, Title: title}
	for _, p := range paragraphs {
		out.Paragraphs = append(out.Paragraphs, attest.Paragraph{Text: p, Sources: []string{"boundary"}})
	}
	return out
}

func description() []attest.DC {
	return []attest.DC{
		dc("DC 1", "Services provided", "Halyard turns the paper of freight into data. Customers send bills of lading, customs forms and invoices; the system reads them, compares them with the order and hands them on to the customer's own systems. About 640 companies in North America and Europe use it over the web and through an interface for programs."),
		dc("DC 2", "Commitments and requirements", "What Halyard promises is written in its master agreement and in the terms of service:", "- access only for people the customer names, taken back within one business day;\n- the service can be reached 99.9 percent of each calendar month;\n- documents are read by nobody whose work does not ask for it, and are erased within 60 days of the contract's end;\n- customers are told of an incident that touches their documents within 48 hours."),
		dc("DC 3", "Components of the system", "### Infrastructure and software\n\nThe system runs in two regions of Northgate Cloud, in containers, with a managed database in each.\n\n| Component | Purpose | Where |\n|---|---|---|\n| Intake | takes documents from customers | both regions |\n| Reader | turns pages into data | both regions |\n| Ledger of documents | keeps what was read, and by whom | managed database |\n| Console | the customer's screens | both regions |", "### People\n\n118 people work for Halyard, 41 of them on the system. A security lead reports to the chief executive.", "### Procedures and data\n\nTwelve policies are reviewed once a year and agreed to by everyone. Documents and the data read from them are *confidential*; the names of business contacts are *internal*."),
		dc("DC 4", "Incidents", "On 19 May 2026 an expired certificate kept customers of one region from signing in for 3 hours and 12 minutes. No document was lost or seen by others. The renewal of certificates is automatic since 2 June 2026."),
		dc("DC 5", "Criteria and controls", "The criteria for security, availability and confidentiality and the controls that meet them are listed in Section IV."),
		dc("DC 6", "Controls that customers have to operate", "Halyard's controls were designed on the assumption that customers operate the following."),
		dc("DC 7", "Subservice organizations", "Two organizations take part in the system. Halyard reads their reports each year, follows up on what they say, and meets them every quarter."),
		dc("DC 8", "Criteria that do not apply", "None of the criteria in scope was left out."),
		dc("DC 9", "Changes in the period", "On 3 September 2026 the removal of leavers from the code host became automatic. On 9 November 2026 the second region moved to another data center of Northgate Cloud."),
	}
}
