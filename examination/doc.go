// Package examination joins a workspace to the other side of an examination: it
// acts on the packets that arrive, sends what follows from the registers, freezes
// populations out of a run, and makes the value of the report.
//
// What is to be sent is never queued: it follows from the state of a book, and
// each thing is sent once (packet.Outgoing.Once). So a crash between an act and
// its packet loses nothing, and what was not released cannot be sent, because
// only the functions here send and they ask the state.
package examination
