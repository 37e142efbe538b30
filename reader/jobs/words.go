package jobs

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/report"
	"tieout/store"
	"tieout/worker"
)

// Title says in a few words what a job does.
func Title(kind string, payload []byte) string {
	in, err := Decode(payload)
	what := "every source"
	if len(in.Sources) > 0 {
		what = report.List(in.Sources)
	}
	switch {
	case err != nil:
		return kind
	case kind == Collect:
		return "Read " + what
	case kind == CollectCheck:
		return "Read " + what + " and test everything"
	case kind == Check:
		return "Test everything"
	case kind == Verify:
		return "Verify the log"
	case kind == Freeze && in.Freeze != nil:
		return "Freeze " + in.Freeze.Procedure + " for " + in.Freeze.Engagement + ", round " + in.Freeze.Round
	case kind == Backup:
		return "Back up the store"
	case kind == Remind && in.Task != "":
		return "Remind of " + in.Task
	case kind == Remind:
		return "Tell people what is due"
	}
	return kind
}

// Keeps says what stays of a job that is canceled while it runs.
func Keeps(kind string) string {
	switch kind {
	case Collect, CollectCheck:
		return "What was read so far is sealed and stays; a source that was not read to its end counts as incomplete."
	case Check:
		return "Nothing is recorded of a test that did not end; earlier runs stay."
	case Verify:
		return "Verifying changes nothing; nothing is said of a log that was not looked at to its end."
	case Freeze:
		return "Nothing is frozen by a job that did not end; populations that were frozen before stay."
	case Backup:
		return "No file is left of a backup that did not end; earlier ones stay."
	case Remind:
		return "Who was told is on record and is not told again today."
	}
	return "What was sealed so far stays."
}

// Sentence is the one true sentence about a job, with times in loc.
func Sentence(j worker.Job, loc *time.Location) string {
	title := Title(j.Kind, j.Payload)
	switch j.State {
	case store.JobWaiting:
		return waitingSentence(title, j, loc)
	case store.JobRunning:
		return runningSentence(title, j, loc)
	case store.JobCanceled:
		return strings.TrimSpace(fmt.Sprintf("%s: canceled%s on %s. %s", title, byWhom(j.CanceledBy), report.Moment(j.Ended, loc), kept(j)))
	case store.JobFailed:
		return fmt.Sprintf("%s: failed on %s. %s", title, report.Moment(j.Ended, loc), report.Capital(j.Error))
	}
	return fmt.Sprintf("%s: done on %s. %s", title, report.Moment(j.Ended, loc), j.Outcome)
}

// kept says what stays of a job that was canceled.
func kept(j worker.Job) string {
	if j.Started.IsZero() {
		return "It had not begun."
	}
	return strings.TrimSpace(j.Outcome + " " + Keeps(j.Kind))
}

func waitingSentence(title string, j worker.Job, loc *time.Location) string {
	if j.Error != "" {
		return fmt.Sprintf("%s: waits until %s to be tried again. %s", title, report.Moment(j.After, loc), report.Capital(j.Error))
	}
	return title + ": waits for a worker since " + report.Moment(j.Created, loc) + "."
}

func runningSentence(title string, j worker.Job, loc *time.Location) string {
	s := fmt.Sprintf("%s: running since %s", title, report.Moment(j.Begun, loc))
	if n, of := sealedParts(j.Parts); of > 0 {
		s += fmt.Sprintf(", %s of %s sealed", report.Number(n), report.Plural(of, "line", "lines"))
	}
	if !j.Cancel.IsZero() {
		return s + ". " + report.Capital(fmt.Sprintf("canceled%s; it ends as soon as what was read is sealed.", byWhom(j.CanceledBy)))
	}
	if !j.Estimate.IsZero() {
		return s + ". It ends about " + report.Moment(j.Estimate, loc) + " if it takes as long as earlier ones."
	}
	return s + "."
}

func sealedParts(parts []worker.Part) (n, of int) {
	for _, p := range parts {
		if p.State == store.PartSealed {
			n++
		}
	}
	return n, len(parts)
}

func byWhom(name string) string {
	if name == "" {
		return ""
	}
	return " by " + name
}

// A View is a job as programs read it (docs/formats/jobs.md).
type View struct {
	ID          string          `json:"id"`
	Kind        string          `json:"kind"`
	Title       string          `json:"title"`
	Sentence    string          `json:"sentence"`
	State       string          `json:"state"`
	About       Payload         `json:"about"`
	By          string          `json:"by,omitempty"`
	Schedule    string          `json:"schedule,omitempty"`
	Created     string          `json:"created"`
	Started     string          `json:"started,omitempty"`
	Ended       string          `json:"ended,omitempty"`
	NotBefore   string          `json:"notBefore,omitempty"` // of one that waits
	Estimate    string          `json:"estimate,omitempty"`
	Attempts    int             `json:"attempts"`
	MaxAttempts int             `json:"maxAttempts"`
	Worker      string          `json:"worker,omitempty"`
	CancelAsked string          `json:"cancelAsked,omitempty"`
	CanceledBy  string          `json:"canceledBy,omitempty"`
	Outcome     string          `json:"outcome,omitempty"`
	Error       string          `json:"error,omitempty"`
	Result      json.RawMessage `json:"result,omitempty"`
	Parts       []PartView      `json:"parts"`
}

// A PartView is one line of a job's progress.
type PartView struct {
	Name   string `json:"name"`
	Stream string `json:"stream,omitempty"`
	State  string `json:"state"`
	Done   int64  `json:"done"`
	Total  int64  `json:"total,omitempty"` // 0 while unknown
	Reason string `json:"reason,omitempty"`
}

// ViewOf makes the view of a job; its sentence has times in loc.
func ViewOf(j worker.Job, loc *time.Location) View {
	in, _ := Decode(j.Payload) //nolint:errcheck // another kind's payload is about nothing here
	v := View{
		ID: j.ID, Kind: j.Kind, Title: Title(j.Kind, j.Payload), Sentence: Sentence(j, loc), State: j.State, About: in,
		By: j.By.Name, Schedule: j.Schedule, Created: at(j.Created), Started: at(j.Started), Ended: at(j.Ended), Estimate: at(j.Estimate),
		Attempts: j.Attempts, MaxAttempts: j.MaxAttempts, Worker: j.Holder, CancelAsked: at(j.Cancel), CanceledBy: j.CanceledBy,
		Outcome: j.Outcome, Error: j.Error, Parts: []PartView{},
	}
	if j.State == store.JobWaiting {
		v.NotBefore = at(j.After)
	}
	if json.Valid(j.Result) {
		v.Result = j.Result
	}
	for _, p := range j.Parts {
		v.Parts = append(v.Parts, PartView(p))
	}
	return v
}

func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return audit.FormatTime(t)
}
