package demo

import (
	"context"
	"path/filepath"
	"time"
)

// codeEvents writes the code host's merges, checks and deployments, month by
// month. Merges are numbered by the host without a gap, requests by repository.
func (x *writer) codeEvents(ctx context.Context) error {
	sequence := 0
	numbers := make([]int, x.size.Repositories)
	var waiting []merge // merged, and deployed in a later month
	return eachMonth(firstEvent, exportsEnd, func(month time.Time) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		merges := x.changes(month)
		for i := range merges {
			if merges[i].kind != directPush {
				numbers[merges[i].repo]++
				merges[i].number = numbers[merges[i].repo]
			}
		}
		if err := x.mergeFile(month, merges, &sequence); err != nil {
			return err
		}
		if err := x.checkFile(month, merges); err != nil {
			return err
		}
		var now []merge
		now, waiting = deployedBefore(append(waiting, merges...), month.AddDate(0, 1, 0))
		return x.deploymentFile(month, now)
	})
}

// deployedBefore parts merges into those deployed before end and those that
// are deployed later.
func deployedBefore(merges []merge, end time.Time) (now, later []merge) {
	for _, m := range merges {
		switch {
		case m.deployed.IsZero():
		case m.deployed.Before(end):
			now = append(now, m)
		default:
			later = append(later, m)
		}
	}
	sortBy(now, func(m merge) time.Time { return m.deployed })
	return now, later
}

func (x *writer) monthFile(path, format string, month time.Time, cols []column) (*rowWriter, error) {
	return newRowWriter(filepath.Join(x.dir, path+"-"+monthText(month)+"."+format), format, "", cols)
}

func (x *writer) mergeFile(month time.Time, merges []merge, sequence *int) error {
	w, err := x.monthFile("exports/codehost/merges", "jsonl", month, changeColumns)
	if err != nil {
		return err
	}
	var cells []string
	for i := range merges {
		*sequence++
		cells = merges[i].cells(*sequence, cells)
		w.row(cells)
	}
	return w.close(w.rows, madeAfter(month))
}

func (x *writer) checkFile(month time.Time, merges []merge) error {
	w, err := x.monthFile("exports/codehost/checks", "csv", month, checkColumns)
	if err != nil {
		return err
	}
	var cells []string
	for i := range merges {
		m := &merges[i]
		for j, name := range []string{"build", "test"} {
			result := "success"
			if m.kind == failedChecks && name == "test" {
				result = "failure"
			}
			at := m.merged.Add(time.Duration(j-12) * time.Minute)
			cells = append(cells[:0], m.sha[:12]+"-"+name, repositoryName(m.repo), m.sha, name, result, instantText(at))
			w.row(cells)
		}
		if m.kind == failedDeployment { // on the merged commit, before it was released
			cells = append(cells[:0], m.sha[:12]+"-test-2", repositoryName(m.repo), m.sha, "test", "failure", instantText(m.merged.Add(7*time.Minute)))
			w.row(cells)
		}
	}
	return w.close(w.rows, madeAfter(month))
}

func (x *writer) deploymentFile(month time.Time, merges []merge) error {
	w, err := x.monthFile("exports/codehost/deployments", "jsonl", month, deploymentColumns)
	if err != nil {
		return err
	}
	var cells []string
	for i := range merges {
		cells = deploymentCells(&merges[i], cells)
		w.row(cells)
	}
	return w.close(w.rows, madeAfter(month))
}
