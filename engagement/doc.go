// Stage 6 of 8: engagement is the examination, by the firm and by its client.

// Package engagement holds the words of an examination that both sides use: its
// terms, requests, populations, tests, samples, exceptions, conclusions, and the
// states it goes through. It does no I/O.
//
// The two sides never share a store. The firm's file (package fieldwork) and
// management's side (package management) are registers in two logs; what crosses
// is a signed packet (package packet) whose payload is one of the values of
// exchange.go. So no right anybody is given can show a client a note.
package engagement
