package demo

import "strings"

// writeWorkspace writes the definitions: who Halyard is, its system, and its
// connections. Controls and procedures are the library's.
func (x *writer) writeWorkspace() error {
	if err := x.text("tieout.yaml", strings.Replace(organizationText, "HOLIDAYS", strings.Join(holidayList, ", "), 1)); err != nil {
		return err
	}
	if err := x.text("systems/ledger.yaml", systemText); err != nil {
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
