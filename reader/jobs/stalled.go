package jobs

import (
	"context"
	"fmt"
	"time"

	"tieout/report"
	"tieout/store"
	"tieout/worker"
)

// patience is how long something may be due before it is said that no worker
// takes it.
const patience = 10 * time.Minute

// Stalled says that no worker runs, where that shows: a job or a schedule has
// been due for more than ten minutes, and no job is running. "" where nothing
// shows it. Times are in loc.
func Stalled(ctx context.Context, q *worker.Queue, loc *time.Location) (string, error) {
	const start = "; start 'tieout worker' or 'tieout serve'"
	late := q.Now().Add(-patience)
	open, err := q.Store.Jobs(ctx, store.JobFilter{States: []string{store.JobWaiting, store.JobRunning}})
	if err != nil {
		return "", err
	}
	var oldest store.Job // of those that wait
	for _, j := range open {
		switch {
		case j.State == store.JobRunning && j.Expires.After(late):
			return "", nil
		case j.State == store.JobRunning:
			return fmt.Sprintf("the worker of job %s has been gone since %s, and no other goes on with it%s", j.ID, report.Moment(j.Expires, loc), start), nil
		case j.After.Before(late) && (oldest.ID == "" || j.After.Before(oldest.After)):
			oldest = j
		}
	}
	if oldest.ID != "" {
		return fmt.Sprintf("job %s has waited for a worker since %s%s", oldest.ID, report.Moment(oldest.After, loc), start), nil
	}
	due, err := q.Store.DueSchedules(ctx, late)
	if err != nil || len(due) == 0 {
		return "", err
	}
	return fmt.Sprintf("%q was due on %s, and no worker began it%s", due[0].Name, report.Moment(due[0].Next, loc), start), nil
}
