// Package access says who may do what, and makes sure who it is: the table of
// permissions and roles, accounts with their passwords and second factors,
// invitations, sessions and API tokens, and what is written to the log of each.
//
// Allowed is pure and is the one place where a right is decided. People keeps
// accounts in a workspace's store. Nothing here changes without an Activity that
// is durable in the same transaction and then sealed by a Sink; while the sink
// refuses, nothing further can be changed.
//
// The formats, the generated tables and what is not covered are in
// docs/formats/access.md.
package access
