// Package ledger is the transparency log: salted commitments go in; an index,
// a signed checkpoint and proofs come out; and everything that comes out can be
// verified offline by this package from bytes alone. It never sees a record.
//
// Formats follow RFC 6962 (hashing, proofs), C2SP tlog-checkpoint, signed-note,
// tlog-cosignature and tlog-tiles, and RFC 3161 (timestamps); what this package
// adds to them is in docs/formats/log.md.
package ledger
