package procedure

const validDoc = `id: ID
title: Every active person's account signs in with a second factor
controls: [IAM-06]
population:
  items: account
  where: 'account.kind == "human" && account.status == "active"'
continuous:
  holds: 'account.mfa.enforced'
examples:
  - given: { account: { kind: human, status: active, mfa: { enforced: true } } }
    expect: operated
  - given: { account: { kind: human, status: active, mfa: { enforced: false } } }
    expect: deviation
`
