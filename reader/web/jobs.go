package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tieout/access"
	"tieout/reader/jobs"
	"tieout/report"
	"tieout/store"
	"tieout/worker"
)

// jobRoutes are S33: what runs, how far it is, and what of it failed.
var jobRoutes = []route{
	{pattern: "GET /jobs", needs: "source.read", on: anything, do: (*request).jobs},
	{pattern: "GET /jobs/{id}", needs: "source.read", on: anything, do: (*request).job},
	{pattern: "POST /jobs", needs: "source.collect", do: (*request).startJob},
	{pattern: "POST /log/verify", needs: "source.collect", do: (*request).verifyLog},
	{pattern: "POST /jobs/{id}/cancel", needs: "source.collect", do: (*request).cancelJob},
	{pattern: "POST /jobs/{id}/retry", needs: "source.collect", do: (*request).retryJob},
}

func (q *request) queue() *worker.Queue { return jobs.QueueFor(q.s.home, "server", q.who) }

func (q *request) by() worker.By { return worker.By{Account: q.who.Account, Name: q.me.Name} }

type jobRow struct {
	link
	Class, Word, Began, Lasted, By, Say string
}

// jobWords are the states of a job as people read them.
var jobWords = map[string][2]string{
	store.JobWaiting: {"due", "Waiting"}, store.JobRunning: {"open", "Running"}, store.JobDone: {"ok", "Done"},
	store.JobFailed: {"dev", "Failed"}, store.JobCanceled: {"gap", "Canceled"},
}

func (q *request) jobRow(j worker.Job) jobRow {
	loc := q.zone()
	w := jobWords[j.State]
	row := jobRow{link: link{jobs.Title(j.Kind, j.Payload), q.at("jobs", j.ID)}, Class: w[0], Word: w[1], By: j.By.Name, Say: jobs.Sentence(j, loc)}
	if row.By == "" {
		row.By = "schedule"
	}
	if !j.Started.IsZero() {
		row.Began = report.Moment(j.Started, loc)
		end := j.Ended
		if end.IsZero() {
			end = q.s.o.Now()
		}
		row.Lasted = lasted(end.Sub(j.Started))
	}
	return row
}

// lasted is a length of time to the second.
func lasted(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return report.Plural(int(d/time.Second), "second", "seconds")
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
}

func (q *request) jobs() error {
	list, err := q.queue().Jobs(q.Context(), worker.Filter{})
	if err != nil {
		return err
	}
	due, err := q.queue().Schedules(q.Context())
	if err != nil {
		return err
	}
	loc := q.zone()
	var rows []jobRow
	open, failed := 0, 0
	for _, j := range list {
		rows = append(rows, q.jobRow(j))
		if j.Open() {
			open++
		}
		if j.State == store.JobFailed {
			failed++
		}
	}
	var next []fact
	for _, s := range due {
		next = append(next, fact{report.Capital(s.Name), report.Moment(s.Next, loc)})
	}
	q.Title, q.Heading, q.Wide = "Jobs", "Jobs", true
	q.Say = sayJobs(len(list), open, failed)
	q.Code = []string{"tieout job list", "tieout collect", "tieout check"}
	return q.render("jobs.html", struct {
		*page
		Rows    []jobRow
		Next    []fact
		Start   bool
		Sources []string
		Open    bool
	}{&q.page, rows, next, q.may("source.collect", access.Object{}), q.sources(), open > 0})
}

// sayJobs says what runs and what of the newest jobs failed.
func sayJobs(n, open, failed int) string {
	if n == 0 {
		return "Nothing has run here yet. Read the sources and test everything, or let a schedule do it."
	}
	s := "Nothing runs now"
	if open > 0 {
		s = report.Capital(report.Plural(open, "job runs or waits", "jobs run or wait"))
	}
	switch failed {
	case 0:
		return s + "; none of the newest " + report.Words(n) + " failed."
	default:
		return s + "; of the newest " + report.Words(n) + ", " + report.Words(failed) + " failed."
	}
}

func (q *request) sources() (out []string) {
	for _, s := range q.st.p.Def.Sources {
		out = append(out, s.Name)
	}
	return out
}

type partRow struct {
	Name, Stream, Class, Word, Far, Reason string
	Share                                  int // of the whole, 0 to 100; -1 while unknown
}

var partWords = map[string][2]string{
	store.PartWaiting: {"due", "Waiting"}, store.PartReading: {"open", "Reading"}, store.PartReconciling: {"open", "Reconciling"},
	store.PartSealed: {"ok", "Sealed"}, store.PartFailed: {"dev", "Failed"},
}

func partRowOf(p worker.Part) partRow {
	w := partWords[p.State]
	row := partRow{Name: p.Name, Stream: p.Stream, Class: w[0], Word: w[1], Reason: p.Reason, Share: -1}
	switch {
	case p.Total > 0:
		row.Far = report.Number(int(p.Done)) + " of " + report.Number(int(p.Total))
		row.Share = int(min(p.Done, p.Total) * 100 / p.Total)
	case p.Done > 0:
		row.Far = report.Number(int(p.Done)) + " so far"
		if p.State == store.PartSealed {
			row.Far = report.Number(int(p.Done))
		}
	}
	return row
}

func (q *request) job() error {
	j, err := q.queue().Job(q.Context(), q.PathValue("id"))
	if err != nil {
		return err
	}
	var parts []partRow
	for _, p := range j.Parts {
		parts = append(parts, partRowOf(p))
	}
	row := q.jobRow(j)
	q.Title, q.Heading = row.Text, row.Text
	q.Say = row.Say
	q.Way = []link{{"Jobs", q.to("/jobs")}, {j.ID[:8], ""}}
	q.Code = []string{"tieout job show " + j.ID, "tieout job watch " + j.ID}
	mayRun := q.may("source.collect", access.Object{})
	if j.Open() {
		q.w.Header().Set("Refresh", "5") // without JavaScript; with it the page is read again in place
	}
	return q.render("job.html", struct {
		*page
		J      worker.Job
		Row    jobRow
		Parts  []partRow
		Open   bool
		Cancel string // what is kept, where it can be canceled
		Retry  []string
		Redo   bool
		Checks []string
		Next   link // where it goes on from what the job did
	}{&q.page, j, row, parts, j.Open(), map[bool]string{true: jobs.Keeps(j.Kind)}[mayRun && j.Open()], jobs.Unread(j), mayRun && !j.Open() && j.State != store.JobDone || mayRun && len(jobs.Unread(j)) > 0 && !j.Open(), checksOf(j), q.afterJob(j)})
}

// afterJob is where somebody goes on whose job is done: to the rest of the start
// before anything was tested, to the list of gaps after a test.
func (q *request) afterJob(j worker.Job) link {
	switch {
	case j.State != store.JobDone:
	case j.Kind == jobs.Check || j.Kind == jobs.CollectCheck:
		return link{"Open the list of gaps", q.to("/readiness")}
	case j.Kind == jobs.Collect && !q.st.run.Recorded:
		return link{"Go on with the start", startPath}
	}
	return link{}
}

// checksOf are the checks a job made of the log, each with its verdict.
func checksOf(j worker.Job) []string {
	var out jobs.Outcome
	if len(j.Result) == 0 || json.Unmarshal(j.Result, &out) != nil {
		return nil
	}
	return out.Checks
}

func (q *request) startJob() error {
	in := jobs.Payload{Sources: q.PostForm["source"]}
	j, added, err := jobs.Start(q.Context(), q.queue(), q.st.p.Def, q.field("kind"), in, q.by())
	if err != nil {
		return err
	}
	return q.begun(j, added)
}

// verifyLog checks the whole log, as a job: it looks, and changes nothing.
func (q *request) verifyLog() error {
	j, added, err := jobs.Start(q.Context(), q.queue(), q.st.p.Def, jobs.Verify, jobs.Payload{}, q.by())
	if err != nil {
		return err
	}
	return q.begun(j, added)
}

func (q *request) begun(j worker.Job, added bool) error {
	if !added {
		return q.done(q.at("jobs", j.ID), "This is asked for already: here is how far it is.")
	}
	if q.s.o.Wake != nil {
		q.s.o.Wake()
	}
	return q.done(q.at("jobs", j.ID), "Asked for. You can close this page; it goes on without you.")
}

func (q *request) cancelJob() error {
	j, err := q.queue().Cancel(q.Context(), q.PathValue("id"), q.by())
	if err != nil {
		return err
	}
	return q.done(q.at("jobs", j.ID), "Canceled. "+jobs.Keeps(j.Kind))
}

func (q *request) retryJob() error {
	j, added, err := jobs.Retry(q.Context(), q.queue(), q.st.p.Def, q.PathValue("id"), q.by())
	if err != nil {
		return err
	}
	return q.begun(j, added)
}

// running is what runs now, for the period's screen, and where it is shown.
func (q *request) running() (string, string) {
	list, err := q.queue().Jobs(q.Context(), worker.Filter{States: []string{store.JobRunning, store.JobWaiting}})
	if err != nil || len(list) == 0 {
		return "", ""
	}
	return strings.TrimSuffix(jobs.Sentence(list[0], q.zone()), "."), q.at("jobs", list[0].ID)
}
