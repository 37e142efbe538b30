package api

import (
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/reader/answer"
)

// OtherInformation is what management tells beside its description.
type OtherInformation struct {
	Sections []engagement.Information `json:"sections" nullable:"false"`
	Revision int64                    `json:"revision"`
}

type otherIn struct{ ExamName }

func getOther(c *call, in *otherIn) (out *oneOut[OtherInformation], err error) {
	err = c.exam(in.ID, func(_ *management.State, x *management.Side) error {
		v := OtherInformation{append([]engagement.Information{}, x.Other...), x.OtherRevision}
		out = tagged("tieout.other-information/1", answer.Counted(len(v.Sections), "section of other information", "sections of other information"), v.Revision, v)
		return nil
	})
	return out, err
}

type tellIn struct {
	ExamName
	Again
	Match
	Body struct {
		Sections []engagement.Information `json:"sections" maxItems:"50" nullable:"false"`
	}
}

func tellOther(c *call, in *tellIn) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	on := "other:" + in.ID
	if err := c.s.o.Web.Client().Side.TellOther(c, c.Who, in.ID, in.Body.Sections, base); err != nil {
		return nil, c.sinceSide(err, in.ID, on, base)
	}
	return c.did(in.ID, on, in.ID, "The other information is kept.")
}
