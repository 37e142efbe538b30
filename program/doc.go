// Package program is the running year: policies and who agreed to them, tasks,
// training, access reviews, risks, incidents, who is who.
//
// Every change is an Entry. It is sealed into the workspace's log first and
// counts by its place there; the registers are what the entries add up to, so
// that whoever reads the log comes to the same registers, on every server. What
// two people change at once is decided by that order: an entry that was made
// without having seen the one before it is void, stays in the log, and its
// maker is told (audit.ErrConflict).
//
// What the registers say becomes evidence like anything else: the source
// "program" collects their facts, and procedures test them.
package program
