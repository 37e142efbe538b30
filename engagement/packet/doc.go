// Package packet is what crosses between a firm and its client: one signed file
// at a time, numbered in each direction, each naming the one before it and the
// sender's log as it was then. Both ends seal every packet in their own log, so
// the record of the exchange is the same on both sides, and each side's log is
// witnessed by the other with every packet.
//
// Write and Open are the file. Lane is the rule of one direction. A Register
// keeps the packets of a workspace in its log, and a Post is one engagement's end
// of the exchange; Serve and Client carry packets between two servers, Outbox and
// Pending between two folders. docs/formats/packets.md is the format.
package packet
