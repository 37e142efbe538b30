// Package fieldwork is the firm's file of an examination, kept as entries of the
// firm's own log (package book): acceptance, plan, requests, populations, draws,
// marks, notes, reviews, exceptions, conclusions, the opinion and the archive.
//
// What may not happen before something else is refused when its entry is weighed
// (gates.go), so that no screen, command or program can go around the order: an
// entry that came too early does not count, whoever wrote it. What the client
// gets to know of any of this leaves by a packet, and only after its release.
package fieldwork
