package web

import (
	"tieout/engagement/packet"
	"tieout/report"
)

// examLanes says what went between the sides, and fills in the firm's part of it.
func (q *request) examLanes(post *packet.Post, firm *firmPartyRow) (string, error) {
	sent, received, err := post.Lanes(q.Context())
	if err != nil {
		return "", err
	}
	in, err := post.List(q.Context(), false, 0)
	if err != nil {
		return "", err
	}
	firm.Sent, firm.Received, firm.LastHeard = report.Plural(int(sent.Last), "packet", "packets"), report.Plural(int(received.Last), "packet", "packets"), "never"
	if n := len(in); n > 0 {
		firm.LastHeard = report.Moment(in[n-1].At, q.zone())
		firm.Seen = "The firm's log showed " + report.Plural(int(received.Seen.Size), "entry", "entries") + " then, and this log has witnessed it."
	}
	return sayLanes(int(sent.Last), int(received.Last), int(sent.Last-received.Heard)), nil
}

// sayLanes says how many packets went each way, and how many the firm has not
// said it has.
func sayLanes(sent, received, waiting int) string {
	if sent+received == 0 {
		return "Nothing has gone between the sides yet."
	}
	s := report.Capital(report.Plural(sent, "packet was", "packets were")) + " made for the firm and " + report.Plural(received, "came", "came") + " from it"
	if waiting > 0 {
		return s + "; " + report.Number(waiting) + " of them the firm has not confirmed."
	}
	return s + "; the firm has confirmed all of them."
}
