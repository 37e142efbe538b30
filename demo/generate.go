package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tieout/audit"
)

// Generate writes Halyard's workspace into dir, which must not exist or be
// empty, and returns what a test of it must find; the same is written to
// dir + ".truth.json", beside the workspace and never in it. The same size
// gives the same bytes on every machine. Memory stays the same however large
// the exports are. Progress, if it is not nil, hears how many of the exports
// are done. An error leaves a part of the workspace behind: it wraps
// audit.ErrInvalid for a size without room for what is seeded, and
// audit.ErrConflict for a folder that is not empty.
func Generate(ctx context.Context, dir string, size Size, progress func(done, total int)) (*Truth, error) {
	if err := size.check(); err != nil {
		return nil, err
	}
	if err := emptyFolder(dir); err != nil {
		return nil, err
	}
	x := &writer{world: newWorld(size), dir: dir, progress: progress}
	steps := x.exports()
	x.total = len(steps)
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("write demo: %w", err)
		}
		x.step()
	}
	if err := x.writeWorkspace(); err != nil {
		return nil, err
	}
	truth := x.truth()
	if err := os.WriteFile(filepath.Clean(dir)+".truth.json", truth.JSON(), 0o666); err != nil {
		return nil, fmt.Errorf("write demo truth: %w", err)
	}
	return truth, nil
}

func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("read demo folder: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%w: %s is not empty; name a new folder for the demo", audit.ErrConflict, dir)
	}
	return nil
}

// exports are the steps of writing exports/, one an export.
func (x *writer) exports() []func(context.Context) error {
	steps := []func(context.Context) error{x.codeEvents, x.tickets, x.incidents}
	for _, s := range x.states() {
		steps = append(steps, func(ctx context.Context) error { return x.writeState(ctx, s) })
	}
	for _, e := range x.eventExports() {
		steps = append(steps, func(ctx context.Context) error {
			return x.monthly(ctx, e.path, e.format, e.key, e.cols, e.first, e.events)
		})
	}
	return steps
}

// writeState writes an export of what exists, in the way of the size.
func (x *writer) writeState(ctx context.Context, s snapshots) error {
	if !x.size.Changes {
		return x.snapshots(ctx, s)
	}
	return x.feed(ctx, feed{t: s.t, path: s.path, format: s.format, key: s.key, first: firstMonth, missing: s.missingMonth, short: s.shortMonth})
}

// states are the exports of what exists. Some are not as they should be: that
// is where Halyard's gaps come from.
func (x *writer) states() []snapshots {
	out := []snapshots{
		{t: x.rosterTable(), path: "exports/hr/roster", format: "csv"},
		{t: x.membershipTable(), path: "exports/identity/grants", format: "csv"},
		{t: x.repositoryTable(), path: "exports/codehost/repositories", format: "json", key: "repositories"},
		{t: x.protectionTable(), path: "exports/codehost/rules", format: "json", key: "rules"},
		{t: x.deviceTable(), path: "exports/devices/devices", format: "csv", spoil: x.spoilDevices},
		{t: x.vulnerabilityTable(), path: "exports/scanner/findings", format: "json", key: "findings"},
		{t: x.vendorTable(), path: "exports/registers/vendors", format: "csv"},
		{t: x.riskTable(), path: "exports/registers/risks", format: "csv", weekly: true},
		{t: x.documentTable(), path: "exports/registers/documents", format: "csv", weekly: true},
	}
	for _, s := range x.systems() {
		out = append(out, x.accountExport(&s))
	}
	for _, a := range x.cloudAccounts() {
		hidden := func(d time.Time) bool { return a.name == "sandbox" && hiddenSandbox.Contains(d) }
		lost := func(m time.Time) bool { return a.name == "sandbox" && !m.Before(sandboxStops) }
		short := func(m time.Time) bool { return a.name == "staging" && m.Equal(cutKeys) }
		out = append(out,
			snapshots{t: x.storeTable(a), path: "exports/cloud/stores-" + a.name, format: "json", key: "Stores", missing: hidden, missingMonth: lost},
			snapshots{t: x.keyTable(a), path: "exports/cloud/keys-" + a.name, format: "json", key: "Keys", missing: hidden, missingMonth: lost, shortMonth: short},
			snapshots{t: x.resourceTable(a), path: "exports/cloud/resources-" + a.name, format: "csv", missing: hidden, missingMonth: lost})
	}
	return out
}

func (x *writer) accountExport(s *system) snapshots {
	e := snapshots{t: x.accountTable(s), path: "exports/" + s.name + "/users", format: "csv"}
	switch s.name {
	case "okta":
		e.path, e.format = "exports/identity/users", "jsonl"
		e.missing = missingDirectory.Contains
	case "github":
		e.path, e.format, e.key = "exports/codehost/members", "json", "members"
		e.limit = func(d time.Time) int {
			if cutMembers.Contains(d) {
				return 20
			}
			return 0
		}
	case "aws":
		e.path = "exports/cloud/credentials"
	}
	return e
}

// Days on which a daily export failed.
var (
	missingDirectory = audit.Span{From: day(2025, 8, 9), To: day(2025, 8, 12)}
	badDevices       = audit.Span{From: day(2025, 12, 8), To: day(2025, 12, 10)}
	hiddenSandbox    = audit.Span{From: day(2025, 5, 6), To: day(2025, 5, 26)}
	cutMembers       = audit.Span{From: day(2025, 3, 20), To: day(2025, 3, 21)}
	missingTickets   = audit.Span{From: day(2025, 11, 1), To: day(2025, 12, 1)}
)

// Months for which a change feed failed: one stops for good, one is told fewer
// changes than its source has, one is not there.
var (
	sandboxStops = day(2025, 11, 1)
	cutKeys      = day(2025, 12, 1)
	lostTickets  = day(2025, 12, 1)
)

// spoilDevices writes a status no mapping knows into one row of two exports.
func (x *writer) spoilDevices(d time.Time, cells []string) {
	if badDevices.Contains(d) && cells[0] == serial(33) {
		cells[6] = "#REF!"
	}
}

func (x *writer) tickets(ctx context.Context) error {
	missing := missingTickets.Contains
	if x.size.Changes {
		missing = lostTickets.Equal
	}
	return x.feed(ctx, feed{t: x.ticketTable(), path: "exports/desk/tickets", format: "csv", first: firstEvent, baseline: !x.size.Changes, missing: missing})
}

func (x *writer) incidents(ctx context.Context) error {
	return x.feed(ctx, feed{t: x.incidentTable(), path: "exports/incidents/incidents", format: "json", key: "incidents", first: firstMonth})
}

// An eventExport is what happened, one file a month.
type eventExport struct {
	path, format, key string
	cols              []column
	first             time.Time
	events            func(month time.Time) []event
}

func (x *writer) eventExports() []eventExport {
	out := []eventExport{
		{"exports/cloud/restores", "csv", "", restoreColumns, firstEvent, x.restores},
		{"exports/people/trainings", "csv", "", trainingColumns, firstEvent, x.trainings},
		{"exports/people/signatures", "csv", "", acknowledgementColumns, firstEvent, x.acknowledgements},
		{"exports/reviews/access-reviews", "xlsx", "Reviews", reviewColumns, firstEvent, x.accessReviews},
		{"exports/registers/routines", "csv", "", revisionColumns, firstEvent, x.revisions},
	}
	for _, a := range x.cloudAccounts() {
		if a.environment == "production" {
			out = append(out, eventExport{"exports/cloud/backups-" + a.name, "jsonl", "", backupColumns, firstMonth, func(m time.Time) []event { return x.backups(a, m) }})
		}
	}
	return out
}
