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

const systemText = `# What Halyard's examination is about.
name: Ledger
boundary: >-
  Ledger reconciles the card and bank payments of merchants with their orders and reports what does not match. The system
  is the service in its production cloud accounts, the code and pipelines it is made with, the people who run it and the
  laptops they work on.
excluded:
  - Halyard's public web site
components:
  - { id: cloud, name: Production cloud accounts, kind: infrastructure, owner: Head of Security, description: "Databases, queues and services in two zones of one region." }
  - { id: service, name: Ledger service, kind: software, owner: Chief Technology Officer, description: "Import, matching, statements and reports." }
  - { id: team, name: Engineering and support, kind: people, owner: Chief Technology Officer, description: "Everybody who changes or runs the service." }
  - { id: routines, name: Routines, kind: procedures, owner: Head of Security, description: "Access, change, backup, incident and vendor routines." }
  - { id: records, name: Payment records, kind: data, owner: Head of Product, description: "Payments and orders of merchants." }
commitments:
  - { id: PSC-01, text: Payment records are open only to the merchant they belong to., category: C, where: "Master agreement, section 4", criteria: [C1.1, CC6.1], controls: [IAM-01, IAM-06] }
  - { id: PSC-02, text: The service is available 99.9 percent of each month., category: A, where: "Service level schedule", criteria: [A1.1, A1.2], controls: [CAP-02, BKP-01] }
  - { id: PSC-03, text: Every payment is matched or reported as unmatched by the next morning., category: PI, where: "Service level schedule", criteria: [PI1.3], controls: [PIN-04] }
requirements:
  - { id: REQ-01, text: Every change is approved by another person before it is released., category: S, criteria: [CC8.1], controls: [SDL-02] }
subservices:
  - name: Cumulo Hosting
    service: Cloud hosting
    method: carve-out
    vendor: V-101
    csocs:
      - { id: CSOC-01, text: Cumulo Hosting restricts physical access to its data centers., criteria: [CC6.4] }
  - name: Signet Identity
    service: Identity provider
    method: carve-out
    vendor: V-102
    csocs:
      - { id: CSOC-02, text: Signet Identity protects the factors it keeps., criteria: [CC6.1] }
cuecs:
  - { id: CUEC-01, text: Merchants remove the accounts of people who leave them., criteria: [CC6.2] }
  - { id: CUEC-02, text: Merchants review what Ledger reports as unmatched., criteria: [PI1.4] }
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
  resource.patches: Hosts are replaced and never patched.
  resource.tampering: The cloud export does not tell of it.
  resource.waf: The cloud export does not tell of it.
  risk.change: Change tickets do not say which changes are significant.
  risk.threats: Threat information is read and not recorded.
  vendor.exit: The register of vendors does not tell when a vendor's use ended.
  vendor.usercontrols: The register of vendors does not tell of user controls.
`
