package demo

// systemText is what Halyard's examination is about. The folders of the code
// host and the accounts of the cloud that it claims are those of the exports;
// what it leaves to nobody is there to be found.
const systemText = `# What Halyard's examination is about.
name: Ledger
boundary: >-
  Ledger reconciles the card and bank payments of merchants with their orders and reports what does not match. The system
  is the service in its production cloud accounts, the code and pipelines it is made with, the people who run it and the
  laptops they work on.
exclusions:
  - { what: Halyard's public web site, why: It holds no data of merchants and is run by an agency. }
  - what: Staging cloud accounts
    why: They hold made-up payments only, and nothing in them can reach production.
    claims: [ { source: cloud, account: "staging*" } ]
  - what: The accounting service
    why: It keeps Halyard's own books and none of the merchants' payments.
    claims: [ { type: account, account: books } ]

users:
  - { id: merchants, name: Merchants, description: They send orders and payments and read what did not match. }
  - { id: banks, name: Banks and card networks, description: They send statements of payments. }

data:
  - { id: payments, name: Payment records, class: confidential, description: "Payments and orders of merchants: amounts, dates, references, and the name of who paid." }
  - { id: statements, name: Statements, class: confidential, description: "What was matched, what was not, and what is paid out." }
  - { id: identities, name: Identities, class: confidential, description: Who a user is and what they may see. }
  - { id: code, name: Code and settings, class: internal, description: What the service is made of. }

components:
  # The people who run it, and how.
  - { id: engineers, name: Engineering, kind: people, layer: People, owner: Chief Technology Officer, description: "Engineers who change and run Ledger, led by the Chief Technology Officer. They work from the office in Boston and from home, on laptops that Halyard manages.", claims: [ { type: person, source: hr } ] }
  - { id: support, name: Merchant support, kind: people, layer: People, owner: Head of Product, description: "Answers merchants, from the office in Boston. Sees the records of one merchant at a time." }
  - { id: governance, name: Management and board, kind: people, layer: People, owner: Chief Executive, description: "The board meets every quarter. The Chief Executive answers to it for security and for what merchants are promised; the Head of Security runs the program of controls, the Head of People hiring and leaving, the Head of Product what merchants are told." }
  - { id: routines, name: Routines, kind: procedures, layer: People, owner: Head of Security, description: "Policies are approved by the Chief Executive and reviewed every year; every control has an owner, and every routine leaves a record in the ticket system or in a register.", claims: [ { type: revision, source: registers }, { type: account, source: desk } ] }
  - { id: access-procedure, name: Access, kind: procedures, layer: People, owner: Head of Security, description: "Access is asked for in a ticket, approved by the owner of the system, granted by role, reviewed every quarter, and taken away within one business day of the last working day." }
  - { id: change-procedure, name: Changes, kind: procedures, layer: People, owner: Chief Technology Officer, description: "A change has a ticket and a merge request, is approved by another engineer, passes its checks, and is released by the pipeline. An emergency change is approved within two business days." }
  - { id: recovery-procedure, name: Backup and recovery, kind: procedures, layer: People, owner: Head of Security, description: "Databases and warehouses are backed up every day into another account; one backup of each is restored every half-year, and recovery is practiced every year." }
  - { id: incident-procedure, name: Incidents, kind: procedures, layer: People, owner: Head of Security, description: "Incidents are taken on by whoever is on call, graded in four severities, contained, told to merchants within 72 hours where a commitment is touched, and closed with a root cause." }
  - { id: vendor-procedure, name: Vendors, kind: procedures, layer: People, owner: Head of Security, description: "A vendor is assessed and approved before its use; critical and high-tier vendors and subservice organizations are reviewed every year with the reports they give." }
  # Where requests come in.
  - { id: web, name: Merchant portal, kind: software, layer: Edge, owner: Head of Product, description: "The pages on which merchants sign in, read statements and see what did not match, and the kit that partners build with.", data: [statements], claims: [ { type: repository, name: "halyard/ledger-web*" }, { type: repository, name: "halyard/partner-sdk*" } ] }
  - { id: gateway, name: Sign-in gateway, kind: software, layer: Edge, owner: Head of Security, description: "Signs in merchants and Halyard's people through the identity provider, and passes on who they are and what they may see.", data: [identities], claims: [ { type: repository, name: "halyard/auth-gateway*" }, { type: account, account: okta } ] }
  # What the service does.
  - { id: ingest, name: Import, kind: software, layer: Service, owner: Chief Technology Officer, description: "Takes in the orders of merchants and the statements of banks and card networks, and checks their signatures and form.", data: [payments], claims: [ { type: repository, name: "halyard/ingest*" } ] }
  - { id: matcher, name: Matching, kind: software, layer: Service, owner: Chief Technology Officer, description: "Finds the order of each payment, and marks what it cannot match.", data: [payments], claims: [ { type: repository, name: "halyard/matcher*" } ] }
  - { id: api, name: Ledger API, kind: software, layer: Service, owner: Chief Technology Officer, description: "The only way to read and write the records of merchants; it keeps them apart by merchant.", data: [payments], claims: [ { type: repository, name: "halyard/ledger-api*" } ] }
  - id: statements-service
    name: Statements and payouts
    kind: software
    layer: Service
    owner: Head of Product
    description: Writes statements and tells banks what to pay.
    data: [statements]
    since: 2025-03-01
    claims: [ { type: repository, name: "halyard/statements*" }, { type: repository, name: "halyard/reports*" }, { type: repository, name: "halyard/exports*" }, { type: repository, name: "halyard/payouts*" } ]
  # What it stands on.
  - { id: databases, name: Databases, kind: infrastructure, layer: Platform, owner: Head of Security, description: "Databases and warehouses with the records of merchants, encrypted, over two zones of one region in the east of the United States.", data: [payments, statements, identities], claims: [ { type: datastore, account: "prod*", name: "*-database-*" }, { type: datastore, account: "prod*", name: "*-warehouse-*" } ] }
  - { id: files, name: Files and backups, kind: infrastructure, layer: Platform, owner: Head of Security, description: "Storage of received files, and of daily backups in an account of its own.", data: [payments], claims: [ { type: datastore, account: "prod*", name: "*-bucket-*" }, { type: datastore, account: "prod*", name: "*-volume-*" } ] }
  - { id: queue, name: Message queue, kind: infrastructure, layer: Platform, owner: Chief Technology Officer, description: Holds payments between import and matching., data: [payments] }
  - { id: cloud, name: Production cloud accounts, kind: infrastructure, layer: Platform, owner: Head of Security, description: "Networks, hosts and audit trails of production, rented from Cumulo Hosting. Hosts are replaced with each release.", claims: [ { type: resource, account: "prod*" }, { type: account, account: aws } ] }
  - { id: pipeline, name: Code host and pipeline, kind: infrastructure, layer: Platform, owner: Chief Technology Officer, description: "Where code is kept, reviewed, tested and released from.", data: [code], claims: [ { type: repository, name: "halyard/infrastructure*" }, { type: account, account: github } ] }

flows:
  - { from: merchants, to: web, data: [statements], controls: [CRY-01], how: HTTPS }
  - { from: merchants, to: gateway, data: [identities], controls: [IAM-06], how: HTTPS }
  - { from: banks, to: ingest, data: [payments], controls: [CRY-01, PIN-02], how: Signed files }
  - { from: engineers, to: pipeline, data: [code], controls: [SDL-02], how: Merge requests }
  - { from: support, to: api, data: [payments], controls: [IAM-04], how: Support console }
  - { from: gateway, to: signet, data: [identities], controls: [IAM-07], how: HTTPS }
  - { from: web, to: api, data: [payments], controls: [CRY-01], how: HTTPS }
  - { from: ingest, to: queue, data: [payments], controls: [PIN-03] }
  - { from: matcher, to: databases, data: [payments], controls: [CRY-02] }
  - { from: api, to: databases, data: [payments], controls: [CRY-02] }
  - { from: statements-service, to: databases, data: [statements], controls: [CRY-02] }
  - { from: statements-service, to: tidepost, data: [statements], controls: [PIN-05], how: Mail, since: 2025-03-01 }
  - { from: databases, to: files, data: [payments], controls: [BKP-03] }
  - { from: files, to: cumulo, data: [payments], controls: [CRY-02] }
  - { from: queue, to: matcher, data: [payments] }

commitments:
  - { id: PSC-01, text: Payment records are open only to the merchant they belong to., category: C, where: "Master agreement, section 4", criteria: [C1.1, CC6.1], controls: [IAM-01, IAM-06] }
  - { id: PSC-02, text: The service is available 99.9 percent of each month., category: A, where: "Service level schedule", criteria: [A1.1, A1.2], controls: [CAP-02, BKP-01] }
  - { id: PSC-03, text: Every payment is matched or reported as unmatched by the next morning., category: PI, where: "Service level schedule", criteria: [PI1.3], controls: [PIN-04] }
  - { id: PSC-04, text: Merchants are told of an incident that concerns them within 72 hours., category: S, where: "Master agreement, section 9", criteria: [CC2.3, CC7.4], controls: [INC-06] }
  - { id: PSC-05, text: "Statements and payout files are delivered once, to whom they are for.", category: PI, where: "Service level schedule", criteria: [PI1.4], controls: [PIN-04] }
requirements:
  - { id: REQ-01, text: Every change is approved by another person before it is released., category: S, criteria: [CC8.1], controls: [SDL-02] }

subservices:
  - id: cumulo
    name: Cumulo Hosting
    service: Cloud hosting
    method: carve-out
    vendor: V-101
    monitoring: [VND-04]
    csocs:
      - { id: CSOC-01, text: Cumulo Hosting restricts physical access to its data centers., criteria: [CC6.4] }
      - { id: CSOC-03, text: Cumulo Hosting destroys media before it leaves its data centers., criteria: [CC6.5] }
  - id: signet
    name: Signet Identity
    service: Sign-in
    method: carve-out
    vendor: V-102
    monitoring: [VND-04]
    csocs:
      - { id: CSOC-02, text: "Signet Identity protects the authentication secrets it stores, and enforces the second factor that Halyard requires at every sign-in.", criteria: [CC6.1] }
  - id: tidepost
    name: Tidepost Mail
    service: Mail delivery
    method: carve-out
    vendor: V-104
    since: 2025-03-01
    monitoring: [VND-04]
    csocs:
      - { id: CSOC-04, text: Tidepost Mail delivers mail over encrypted connections only., criteria: [CC6.7] }
cuecs:
  - { id: CUEC-01, text: Merchants remove the accounts of people who leave them., criteria: [CC6.2], controls: [IAM-02] }
  - { id: CUEC-02, text: Merchants review what Ledger reports as unmatched., criteria: [PI1.4], controls: [PIN-05] }
`
