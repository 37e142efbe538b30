package api

import (
	"tieout/engagement/management"
	"tieout/examination"
)

// reportCoverage is which days of each system that was reported on something speaks
// about.
func reportCoverage(c *call, _ *Of) (*oneOut[[]management.Covered], error) {
	end := c.s.o.Web.Client()
	all, err := (&examination.Client{P: c.P, Side: end.Side, Register: end.Register}).Coverage(c)
	if err != nil {
		return nil, err
	}
	return one("tieout.report-coverage/1", examination.SayCoverage(all), append([]management.Covered{}, all...)), nil
}
