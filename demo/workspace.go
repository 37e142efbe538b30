package demo

import "strings"

// writeWorkspace writes the definitions: who Halyard is, its system, its
// connections, and what of the library it leaves out. Controls and procedures
// are the library's.
func (x *writer) writeWorkspace() error {
	if err := x.text("tieout.yaml", strings.Replace(organizationText, "HOLIDAYS", strings.Join(holidayList, ", "), 1)); err != nil {
		return err
	}
	if err := x.text("systems/ledger.yaml", systemText); err != nil {
		return err
	}
	if err := x.text("procedures/starter.yaml", starterText); err != nil {
		return err
	}
	if err := x.text("procedures/specification.yaml", specificationText); err != nil {
		return err
	}
	return x.writeSources()
}

const organizationText = `# Halyard is invented: no person, company or event in this workspace is real.
organization:
  name: Halyard
  system: Ledger
  zone: America/New_York
  categories: [S, A, PI, C, P]
period: { name: "2025", first: 2025-01-01, last: 2025-12-31 }
holidays: [HOLIDAYS]
ledger: { origin: halyard.example/tieout }
`

const starterText = `# Everything of the library that Halyard keeps records for.
use: starter
without:
  access.joiners: Every joiner gets the same accounts; requests are written for more than that.
  access.review.list: Lists are drawn up by hand, and closed accounts stay on them.
  change.design: Change tickets do not say which changes are significant.
  conduct.cases: Disciplinary cases are kept on paper.
  deployment.isolation: The separation of merchants is tested by hand and not recorded.
  document.commitments: The register of commitments is part of the agreement.
  document.confidential: The inventory of confidential data is being written.
  document.processing: The record of processing is being written.
  manual.privacy.promises: The register of commitments is part of the agreement, and is compared with the notice by counsel.
  office.badges: The office belongs to a landlord, whose badge system cannot be read.
  people.movers: The HR system does not tell when somebody changed roles.
  people.privacy: The HR system does not tell whose work handles personal data.
  people.roles: Job descriptions are not in the register of documents.
  privacy.collection: Change tickets do not say which changes touch personal data.
  privacy.complaints: Complaints come by mail and are not in the ticket system.
  privacy.erasure: Erasure runs leave no record.
  privacy.identity: Requests do not record when somebody was identified.
  privacy.quality: Checks of personal data leave no record.
  processing.input: Tests of input checks leave no record.
  processing.output: Tests of delivery leave no record.
  processing.records: Logs of production are kept for as long as the audit trail, which resource.logging tests.
  report.outside: Reports from outside come by mail and are not in the ticket system.
  resource.alarms: Alarms are kept in a monitor that is not connected yet.
  resource.loss: Rules against the loss of data are not in the cloud export.
  resource.patches: Hosts are replaced and never patched.
  resource.tampering: The cloud export does not tell of it.
  resource.waf: The cloud export does not tell of it.
  restore.objective: The record of restores does not tell how long they may take.
  risk.change: Change tickets do not say which changes are significant.
  risk.threats: Threat information is read and not recorded.
  vendor.exit: The register of vendors does not tell when a vendor's use ended.
  vendor.usercontrols: The register of vendors does not tell of user controls.
`

// specificationText is a procedure of Halyard's own: the library asks a person
// about processing specifications, and Halyard keeps its own in a register.
const specificationText = `id: halyard.specification
title: The processing specification is approved and was reviewed within a year
controls: [PIN-01]
since: "2024-11-01"
history:
  - { on: "2024-11-01", what: First version. }
statement: >-
  Inspected, throughout the period, the approval of every processing specification, and compared its last review with
  the day of the observation.
why: Wrong can be told from right only where right is written.
ask: One process followed against its specification.
fix: Correct the specification and have it reviewed.
parameters: { age: 365d }
population:
  items: document
  where: 'document.kind == "procedure" && document.status == "approved" && document.title.matches("(?i)processing specification")'
  sentence: All processing specifications that were in force at some time in the period.
continuous:
  holds: 'document.approvedBy != "" && (within(document.reviewedAt, params.age) || within(document.approvedAt, params.age))'
  maxGap: 32d
examples:
  - name: reviewed in spring
    given:
      document: { title: Processing specification, kind: procedure, status: approved, approvedBy: hr/1, approvedAt: "2024-04-01T00:00:00Z", reviewedAt: "2026-04-01T00:00:00Z" }
    at: "2026-06-01T00:00:00Z"
    expect: operated
  - name: two years old
    given:
      document: { title: Processing specification, kind: procedure, status: approved, approvedBy: hr/1, approvedAt: "2024-04-01T00:00:00Z", reviewedAt: never }
    at: "2026-06-01T00:00:00Z"
    expect: deviation
`
