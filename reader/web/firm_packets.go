package web

import (
	"fmt"

	"tieout/audit"
	"tieout/engagement/fieldwork"
	"tieout/engagement/packet"
)

// firmPacketRoutes are the exchange of an engagement with its client: by files
// that somebody carries, and with the client's server.
var firmPacketRoutes = []route{
	{pattern: "GET /engagements/{id}/packets", needs: "workpaper.read", on: theEngagement, do: (*request).firmPackets},
	{pattern: "POST /engagements/{id}/packets", needs: "request.write", on: theEngagement, do: (*request).firmBring},
	{pattern: "POST /engagements/{id}/packets/make", needs: "request.write", on: theEngagement, do: (*request).firmMakePackets},
	{pattern: "POST /engagements/{id}/packets/exchange", needs: "request.write", on: theEngagement, do: (*request).firmSync},
	{pattern: "GET /engagements/{id}/packets/{number}", needs: "request.write", on: theEngagement, do: (*request).firmPacket},
}

// firmSideEnd is the firm's end of the exchange of the engagement in the path;
// audit.ErrConflict while the terms name no log of the client's.
func (q *request) firmSideEnd() (e examEnd, err error) {
	id := q.PathValue("id")
	e = examEnd{id: id, at: q.under("engagements", id, "packets"), take: q.firm.Take}
	err = q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
		q.Way, q.Tabs = nil, nil
		q.firmFrame(f, "")
		e.other = f.Terms.Client.Name
		if !firmNamed(f.Terms) {
			return fmt.Errorf("%w: nothing can be exchanged before the terms name the client's log and its key; change the terms first", audit.ErrConflict)
		}
		return nil
	})
	if err == nil {
		e.post, err = q.firm.Post(q.Context(), id, "")
	}
	return e, err
}

func (q *request) firmPackets() error {
	e, err := q.firmSideEnd()
	if err != nil {
		return err
	}
	return q.showPackets(e, q.may("request.write", ofEngagement(e.id)), true)
}

func (q *request) firmMakePackets() error {
	e, err := q.firmSideEnd()
	if err != nil {
		return err
	}
	return q.released(e.id, e.at, "What was released is in packets.")
}

func (q *request) firmPacket() error {
	e, err := q.firmSideEnd()
	if err != nil {
		return err
	}
	return q.handPacket(e)
}

func (q *request) firmBring() error {
	e, err := q.firmSideEnd()
	if err != nil {
		return err
	}
	_, other := e.parties(q)
	fresh, n, _, err := q.brought(e.id, func(_, from string) (examEnd, error) {
		if from != other.Origin {
			return e, fmt.Errorf("%w: a packet is of the log %s, and the client's is %s", audit.ErrInvalid, from, other.Origin)
		}
		return e, nil
	})
	if err == nil {
		return q.done(e.at, sayBrought(fresh, n))
	}
	if err := q.packetProblem(err, fresh); err != nil {
		return err
	}
	return q.firmPackets()
}

func (q *request) firmSync() error {
	e, err := q.firmSideEnd()
	if err != nil {
		return err
	}
	var done packet.Exchanged
	if err = q.s.flush(q.Context(), e.id); err == nil {
		done, err = q.sync(e, q.field("address"))
	}
	words, perr := q.synced(done, err)
	switch {
	case perr != nil:
		return perr
	case err == nil:
		return q.done(e.at, words)
	}
	return q.firmPackets()
}
