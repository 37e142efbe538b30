// Package engaged plays the examination of Halyard's year: an invented audit firm
// and Halyard go through engagements from their terms on, each in a workspace and
// under a log of its own, and all that crosses between them are packets in
// folders. What is tested, marked and found follows from Halyard's evidence; which
// items are drawn follows from nonces that are new each time.
package engaged
