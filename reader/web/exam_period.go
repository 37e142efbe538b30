package web

import (
	"errors"
	"net/url"

	"tieout/audit"
	"tieout/engagement"
)

// ownPeriod is the workspace's period that an examination is over, with its readiness
// and rehearsal; none says what is missing where there is no such period.
func (q *request) ownPeriod(t engagement.Terms) (own []link, none string, err error) {
	x, err := q.st.p.PeriodOf(q.Context(), t)
	if errors.Is(err, audit.ErrConflict) {
		return nil, sentence(reason(err, audit.ErrConflict)), nil
	}
	if err != nil {
		return nil, "", err
	}
	of := "?" + url.Values{"period": {x.Name}}.Encode()
	own = append(own, q.lead(link{"Period " + x.Name, "/period/" + url.PathEscape(x.Name)}))
	for _, l := range []link{{"Readiness", "/readiness" + of}, {"Rehearsal", "/readiness/rehearsal" + of}} {
		if q.opens(pathOf(l.Href)) {
			own = append(own, l)
		}
	}
	return own, "", nil
}
