package web

import (
	"net/http"
	"slices"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/reader/answer"
)

// A route is one address with what it asks of who opens it. The table is walked
// by a test against every role and scope.
type route struct {
	pattern string              // "GET /risks", "POST /risks/{id}/accept"
	needs   access.PermissionID // "": whoever is signed in
	on      objectOf            // what the permission is asked for; nil: the workspace as a whole
	do      screen
	example string // a path of it, for the test that walks the table; "": the pattern's own
}

// An objectOf says what a request is about, for the table of rights.
type objectOf func(*request) (access.Object, error)

// routes are all addresses of who is signed in to a workspace of that kind.
func routes(kind access.Workspace) []route {
	if kind == access.Firm {
		return slices.Concat(firmRoutes, firmEngagementRoutes, firmRequestRoutes, firmPlanRoutes, gridRoutes, gridSignRoutes, gridPopRoutes, gridSampleRoutes, gridFindingRoutes, firmPacketRoutes, firmConcludeRoutes, firmOpinionRoutes, firmReportRoutes, firmArchiveRoutes, bothRoutes)
	}
	return slices.Concat(readRoutes, procedureRoutes, bothRoutes, jobRoutes, policyRoutes, meRoutes, decideRoutes, taskRoutes, uploadRoutes, feedRoutes, reviewRoutes, peopleRoutes, incidentRoutes, issueRoutes, answerRoutes, riskRoutes, vendorRoutes, vendorReportRoutes, startRoutes, connectRoutes, importRoutes,
		examRoutes, examTextRoutes, examLetterRoutes, examReportRoutes, examWorkRoutes, trustRoutes)
}

// bothRoutes are the addresses of a company's workspace and of a firm's.
var bothRoutes = slices.Concat(selfRoutes, signRoutes, wayRoutes, ownTokenRoutes, tokenRoutes, settingsRoutes, memberRoutes, wordRoutes)

var readRoutes = []route{
	{pattern: "GET /{$}", do: (*request).start},
	{pattern: "GET /period/{name}", needs: "period.read", on: anything, do: (*request).period},
	{pattern: "GET /controls", needs: "period.read", on: anything, do: (*request).controls},
	{pattern: "GET /controls/{id}", needs: "period.read", on: theControl, do: (*request).control},
	{pattern: "GET /deviations", needs: "deviation.read", on: anything, do: (*request).deviations},
	{pattern: "GET /deviations/{ref}", needs: "deviation.read", on: theDeviation, do: (*request).deviation},
	{pattern: "GET /gaps", needs: "period.read", on: anything, do: (*request).gaps},
	{pattern: "GET /evidence", needs: "evidence.read", on: anything, do: (*request).records},
	{pattern: "GET /evidence/{ref}", needs: "evidence.read", on: theRecord, do: (*request).record},
	{pattern: "GET /evidence/{ref}/raw", needs: "evidence.read", on: theRecord, do: (*request).raw},
	{pattern: "GET /populations", needs: "period.read", on: anything, do: (*request).populations},
	{pattern: "GET /populations/{id}", needs: "evidence.read", on: theProcedure, do: (*request).population},
	{pattern: "GET /coverage", needs: "period.read", on: anything, do: (*request).coverage},
	{pattern: "GET /readiness", needs: "period.read", on: anything, do: (*request).readiness},
	{pattern: "GET /readiness/progress", needs: "period.read", do: (*request).readinessFile},
	{pattern: "GET /system/size", needs: "register.read", do: (*request).systemSize},
	{pattern: "GET /system", needs: "register.read", on: anything, do: (*request).system},
	{pattern: "GET /connectors", needs: "source.read", on: anything, do: (*request).connectors},
	{pattern: "GET /log", needs: "activity.read", on: anything, do: (*request).log},
	{pattern: "GET /search", do: (*request).search},
}

// start is the first page of who is signed in: the period, or what is theirs.
func (q *request) start() error {
	if q.reaches("period.read") {
		return q.period()
	}
	http.Redirect(q.w, q.Request, ownStart, http.StatusSeeOther)
	return nil
}

// sight is what who is signed in looks at, for the table of rights.
func (q *request) sight() *answer.Sight {
	return &answer.Sight{Who: q.who, P: q.st.p, Systems: q.st.systems, Rests: q.st.report.Evidence, Findings: q.st.devs}
}

// anything is asked for by lists.
func anything(q *request) (access.Object, error) { return q.sight().Reach(), nil }

// mine is what belongs to who is signed in.
func mine(q *request) (access.Object, error) { return access.Object{Owner: q.who.Account}, nil }

// may reports whether who is signed in may do that on o, to show or hide a button.
func (q *request) may(id access.PermissionID, o access.Object) bool {
	ok, _ := access.Allowed(q.who, id, o)
	return ok
}

// reaches reports whether who is signed in may do that on anything here.
func (q *request) reaches(id access.PermissionID) bool { return q.sight().Reaches(id) }

// ofControls is an object that belongs to controls of this period.
func (q *request) ofControls(ids ...string) access.Object { return q.sight().OfControls(ids...) }

func theControl(q *request) (access.Object, error) { return q.ofControls(q.PathValue("id")), nil }

func theDeviation(q *request) (access.Object, error) {
	d, err := q.st.p.Deviation(q.Context(), q.st.run, answer.DeviationRef(q.PathValue("ref")))
	if err != nil {
		return access.Object{}, q.unknown(err, "deviation.read")
	}
	return q.ofControls(d.Controls...), nil
}

// theProcedure is a procedure that runs here, for who reads evidence.
var theProcedure = procedureFor("evidence.read")

// theRecord is a sealed record: a page or document belongs to the controls that
// are tested with its source; what people did is for who reads the activity log.
func theRecord(q *request) (access.Object, error) {
	i, err := period.ParseEvidenceRef(q.PathValue("ref"))
	if err == nil {
		var rec audit.Record
		if rec, err = q.st.p.Store.Record(q.Context(), i); err == nil {
			if err := q.mayOpen(rec); err != nil {
				return access.Object{}, err
			}
			return q.ofSource(rec.Source), nil
		}
	}
	return access.Object{}, q.unknown(err, "evidence.read")
}

// mayOpen refuses records of what people did, without the right to read those.
func (q *request) mayOpen(rec audit.Record) error { return q.sight().MayOpen(rec) }

// seeing tells of records whether who is signed in may open them.
func (q *request) seeing() func(audit.Record) bool { return q.sight().Seeing() }

// ofSource is what is read from one source; "": what belongs to none.
func (q *request) ofSource(name string) access.Object { return q.sight().OfSource(name) }

// unknown is the answer about a thing that is not there: to who may not read
// such things at all it is that, so that nobody learns which exist.
func (q *request) unknown(err error, id access.PermissionID) error { return q.sight().Unknown(err, id) }
