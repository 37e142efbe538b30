// Package agent reads what the computers of the organization reported about
// themselves with `tieout agent`: the journal that `tieout agent serve` writes.
// Every report is signed by the computer's own key, and is about the time the
// computer looked at itself.
package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/workstation"
)

// Kinds of page.
const (
	kindReport  = "agent.report"  // a computer, and one report of it
	kindRevoked = "agent.revoked" // a computer, and that it was taken out of use
)

// Driver is the source of the computers' own reports.
var Driver = &source.Driver{
	Name: "agent", Version: 1, Title: "Computers that report about themselves (tieout agent)",
	Types:  []string{"device"},
	Scopes: []source.Scope{{Name: "read", Why: "the folder in which `tieout agent serve` keeps what it received"}},
	Cannot: slices.Clone(cannot),
	Settings: []source.Setting{
		{Name: "folder", Doc: "the receiver's folder, relative to the workspace; absent: .tieout/agents", Example: "/var/lib/tieout-agents"},
		{Name: "silentAfterHours", Doc: "hours without a report after which a computer counts as silent; absent: 48", Example: "72"},
		source.SupportedSetting,
	},
	Open: open, Normalize: normalize,
}

var cannot = []string{
	"computers that were never enrolled: hold the devices to an inventory",
	"a computer whose administrator makes it report what is not so",
	"a wrong clock of the computer, as long as it lies between its report before and the arrival",
}

// DefaultFolder is the receiver's folder below a workspace.
const DefaultFolder = ".tieout/agents"

const defaultSilence = 48

type settings struct {
	Folder           string               `json:"folder"`
	SilentAfterHours int                  `json:"silentAfterHours"`
	Supported        source.SupportedList `json:"supported"`
}

// config is what normalizing needs.
type config struct {
	Supported source.SupportedList `json:"supported,omitempty"`
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s settings
	err := source.Strict(with, &s)
	if err == nil && s.SilentAfterHours < 0 {
		err = errors.New("silentAfterHours: less than none")
	}
	if err == nil {
		err = s.Supported.Check()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	if s.Folder == "" {
		s.Folder = DefaultFolder
	}
	if !filepath.IsAbs(s.Folder) {
		s.Folder = filepath.Join(env.Dir, filepath.FromSlash(s.Folder))
	}
	if s.SilentAfterHours == 0 {
		s.SilentAfterHours = defaultSilence
	}
	conf, err := canonical.Marshal(config{s.Supported})
	c := collector{name, Journal{s.Folder}, time.Duration(s.SilentAfterHours) * time.Hour, slices.Clone(cannot)}
	if len(s.Supported) > 0 {
		c.cannot = append(c.cannot, source.SupportedCannot)
	}
	return c, conf, err
}

type collector struct {
	name    string
	journal Journal
	silence time.Duration
	cannot  []string
}

// Collect implements source.Collector: each computer is a scope of its own,
// with a snapshot of each report about the report's own time. What is missing is
// told by a stream about now.
func (c collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	run := &source.Run{Source: c.name, Window: w, Sink: sink}
	ids, err := c.journal.Devices()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err != nil || len(ids) == 0 {
		why := "no computer is enrolled"
		if err != nil {
			why = "the receiver's folder cannot be read: " + err.Error()
		}
		s := run.Snapshot("device", "", c.cannot, kindReport)
		s.Asked("read the journal of reports")
		return run.Refuse(ctx, why, s)
	}
	for i, id := range ids {
		d := device{collector: c, run: run, id: id, gaps: run.Snapshot("device", id, c.cannot, kindReport)}
		if err := d.collect(ctx); err != nil {
			return err
		}
		run.Progress("device", i+1, len(ids))
	}
	return nil
}

// A device is one computer while its reports are read.
type device struct {
	collector
	run     *source.Run
	id      string
	known   Device
	gaps    *source.Stream // what is missing, about now
	next    int64          // the sequence expected
	before  string         // digest of the header before; "" where it is not known
	last    time.Time      // of the newest report
	revoked *Revoked
}

func (d *device) collect(ctx context.Context) error {
	d.gaps.Asked("read the reports of device " + d.id)
	if err := d.load(); err != nil {
		return d.run.Refuse(ctx, fmt.Sprintf("device %s: %v", d.id, err), d.gaps)
	}
	sequences, err := d.journal.Sequences(d.id)
	if err != nil {
		return d.run.Refuse(ctx, err.Error(), d.gaps)
	}
	d.next = 1
	for _, n := range sequences {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.report(ctx, n); err != nil {
			return err
		}
	}
	if err := d.retired(ctx); err != nil {
		return err
	}
	d.silent()
	if !d.gaps.Failed() {
		return nil
	}
	return d.run.Close(ctx, d.gaps)
}

func (d *device) load() (err error) {
	if d.known, err = d.journal.Device(d.id); err != nil {
		return err
	}
	d.revoked, err = d.journal.Revoked(d.id)
	return err
}

// report seals one report and closes its snapshot. One that cannot be read, is
// not the computer's, or does not follow the one before is a gap.
func (d *device) report(ctx context.Context, n int64) error {
	if n != d.next {
		d.gaps.Fail(missing(d.next, n-1))
		d.before = ""
	}
	d.next = n + 1
	raw, err := d.journal.Report(d.id, n)
	if err != nil {
		d.gaps.Fail(fmt.Sprintf("report %d: %v", n, err))
		return nil
	}
	query := fmt.Sprintf("read report %d of device %s", n, d.id)
	at, err := d.follows(raw, n)
	if err != nil {
		d.gaps.Fail(fmt.Sprintf("report %d: %v", n, err))
		return d.run.Seal(ctx, audit.Page{Kind: source.KindFailed, Scope: d.id, Query: query, Body: raw}, d.gaps)
	}
	if at.Before(d.run.Window.From) || at.After(d.run.Window.AsOf) {
		return nil
	}
	body, err := canonical.Marshal(Page{Device: d.known, Entry: raw})
	if err != nil {
		return err
	}
	s := d.run.SnapshotAt(audit.At(at), "device", d.id, d.cannot, kindReport)
	s.Asked(query)
	if err := d.run.Seal(ctx, audit.Page{Kind: kindReport, Scope: d.id, Query: query, Body: body, About: audit.At(at)}, s); err != nil {
		return err
	}
	return d.run.Close(ctx, s)
}

func missing(from, to int64) string {
	if from == to {
		return fmt.Sprintf("report %d is missing", from)
	}
	return fmt.Sprintf("reports %d to %d are missing", from, to)
}

// follows checks a report and that it follows the one before.
func (d *device) follows(raw []byte, n int64) (time.Time, error) {
	before := d.before
	d.before = ""
	e, err := ReadEntry(raw)
	if err != nil {
		return time.Time{}, err
	}
	_, at, err := e.Report.Check(d.known)
	if err != nil {
		return at, err
	}
	h := e.Report.Header
	switch {
	case h.Sequence != n:
		return at, fmt.Errorf("%w: it says that it is report %d", audit.ErrAltered, h.Sequence)
	case n == 1 && h.Previous != "", before != "" && h.Previous != before:
		return at, fmt.Errorf("%w: it does not follow the report before", audit.ErrAltered)
	case at.Before(d.last):
		return at, fmt.Errorf("%w: its time lies before the report before", audit.ErrInvalid)
	}
	d.last = at
	d.before, err = h.Link()
	return at, err
}

// retired seals that the computer was taken out of use.
func (d *device) retired(ctx context.Context) error {
	if d.revoked == nil {
		return nil
	}
	at, err := audit.ParseTime(d.revoked.At)
	if err != nil || d.revoked.Device != d.id {
		d.gaps.Fail("what revokes it names another device or no instant")
		return nil
	}
	if at.Before(d.run.Window.From) || at.After(d.run.Window.AsOf) {
		return nil
	}
	body, err := canonical.Marshal(Page{Device: d.known, Revoked: d.revoked})
	if err != nil {
		return err
	}
	s := d.run.SnapshotAt(audit.At(at), "device", d.id, d.cannot, kindRevoked)
	s.Asked("read that device " + d.id + " was taken out of use")
	if err := d.run.Seal(ctx, audit.Page{Kind: kindRevoked, Scope: d.id, Query: s.Queries[0], Body: body, About: audit.At(at)}, s); err != nil {
		return err
	}
	return d.run.Close(ctx, s)
}

// silent says that a computer in use has not reported for too long.
func (d *device) silent() {
	since := d.last
	what := "its last report is of "
	if since.IsZero() {
		enrolled, err := audit.ParseTime(d.known.Enrolled)
		if err != nil {
			return
		}
		since, what = enrolled, "it has not reported since it was enrolled at "
	}
	if now := d.run.Window.AsOf; d.revoked == nil && now.Sub(since) > d.silence {
		d.gaps.Fail(fmt.Sprintf("%s (device %s) is silent: %s%s", strings.TrimSpace(d.known.Hostname), d.id, what, audit.FormatTime(since)))
	}
}

// A Page is the body of a page: the computer as it was enrolled, and the
// report's file as it was, or that it was taken out of use.
type Page struct {
	Device  Device          `json:"device"`
	Entry   json.RawMessage `json:"entry,omitempty"`
	Revoked *Revoked        `json:"revoked,omitempty"`
}

// normalize verifies a report once more, from the page alone, and draws the
// item as the workstation source does.
func normalize(with json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var c config
	if err := source.Strict(with, &c); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if p.Kind == source.KindFailed {
		return nil, nil
	}
	if p.Kind != kindReport && p.Kind != kindRevoked {
		return nil, fmt.Errorf("%w: page kind %q is not one of agent", audit.ErrInvalid, p.Kind)
	}
	var page Page
	if err := strict(p.Body, &page); err != nil {
		return nil, err
	}
	if p.Kind == kindRevoked {
		return page.retired(p)
	}
	e, err := ReadEntry(page.Entry)
	if err != nil {
		return nil, err
	}
	body, at, err := e.Report.Check(page.Device)
	if err != nil {
		return nil, err
	}
	if err := page.Device.checkKind(); err != nil {
		return nil, err
	}
	as, err := canonical.Marshal(workstation.Settings{AssignedTo: page.Device.AssignedTo, Kind: page.Device.Kind, Supported: c.Supported})
	if err != nil {
		return nil, err
	}
	items, err := workstation.Normalize(as, audit.Page{
		Source: p.Source, Kind: e.Report.Header.Kind, Query: e.Report.Header.Query, Media: e.Report.Header.Media, Body: body, About: audit.At(at), Collected: p.Collected,
	})
	for i := range items {
		items[i].ID = p.Source + "/" + page.Device.ID
	}
	return items, err
}

// checkKind refuses a kind of device that the schema does not know.
func (d Device) checkKind() error {
	t, err := audit.TypeByName("device")
	if err == nil && d.Kind != "" && !slices.Contains(t.Field("kind").Enum, d.Kind) {
		err = fmt.Errorf("%w: kind %q of device %s is not one of %v", audit.ErrInvalid, d.Kind, d.ID, t.Field("kind").Enum)
	}
	return err
}

// retired is the item of a computer that was taken out of use.
func (page Page) retired(p audit.Page) ([]audit.Item, error) {
	if _, err := page.Device.Key(); err != nil || page.Revoked == nil {
		return nil, errors.Join(err, fmt.Errorf("%w: the page does not say when it was revoked", audit.ErrInvalid))
	}
	at, err := audit.ParseTime(page.Revoked.At)
	if err != nil {
		return nil, err
	}
	var r source.Reading
	r.Add("device", p.Source+"/"+page.Device.ID, time.Time{}, source.Fields{
		"serial": page.Device.Serial, "hostname": page.Device.Hostname, "status": "retired", "retiredAt": at,
		"assignedTo": text(page.Device.AssignedTo), "kind": text(page.Device.Kind),
	})
	return r.Done()
}

// text is nil for what nobody said.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}
