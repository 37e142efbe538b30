package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/engagement/requestfile"
	"tieout/internal/natural"
	"tieout/period"
)

func (a *app) requestCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "request", Short: "What the auditor asks for: list, add, release, submit, accept, import",
		Long: "The auditor asks ('add', 'release'), the company brings ('submit'), the auditor accepts or returns it with the reason. A request has one clock for each side."}
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "Requests, where each stands and who has had it for how long", Args: exactly(0, "no argument"), RunE: a.onSide(looks, a.firmRequests, a.clientRequests)},
		in(&cobra.Command{Use: "show REQUEST", Short: "One request with its course and what was brought", Args: exactly(1, aRequest), RunE: a.onSide(looks, a.firmRequest, a.clientRequest)}, "table", "json"),
		a.addRequestCommand(), a.releaseRequestCommand(), a.submitCommand(), a.decideRequest("return", engagement.RequestReturned, "Return what was brought, with what is missing"),
		a.decideRequest("accept", engagement.RequestAccepted, "Accept what was brought"), a.decideRequest("withdraw", engagement.RequestWithdrawn, "Withdraw a request, with the reason"),
		a.importRequestsCommand(), a.exportRequestsCommand(), a.proposeRequestsCommand())
	return a.engagementFlags(cmd)
}

const aRequest = "a request such as RQ-1"

// A shownRequest is a request for programs.
type shownRequest struct {
	engagement.Request
	Status  engagement.RequestStatus `json:"status"`
	Why     string                   `json:"why,omitempty"`
	Owner   string                   `json:"owner,omitempty"`
	Answers []engagement.Answer      `json:"answers"`
	Firm    string                   `json:"heldByFirm"`   // how long each side had it
	Client  string                   `json:"heldByClient"` // both as Go durations
}

func (v shownRequest) row() row {
	return row{[]string{v.ID, v.Kind, v.Title, v.Due, string(v.Status), v.Firm, v.Client}, v}
}

var requestCols = cols("request", "kind", "~title", "due", "status", ">firm had it", ">client had it")

// held is a length of time in whole days, or hours below one.
func held(d time.Duration) string {
	if d < 24*time.Hour {
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

func (d *firmDesk) request(x *fieldwork.Request) shownRequest {
	firm, client := x.Held(d.p.Now())
	return shownRequest{Request: x.Request, Status: x.Status, Why: x.Why, Answers: book.List(x.Answers), Firm: held(firm), Client: held(client)}
}

func (d *clientDesk) request(x *management.Request) shownRequest {
	client, firm := x.Held(d.p.Now())
	return shownRequest{Request: x.Request, Status: x.Status, Why: x.Why, Owner: d.name(x.Owner), Answers: book.List(x.Answers), Firm: held(firm), Client: held(client)}
}

func (a *app) firmRequests(ctx context.Context, d *firmDesk) error {
	var list []shownRequest
	err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
		for _, r := range book.Sorted(x.Requests) {
			list = append(list, d.request(r))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.showRequests(list)
}

func (a *app) clientRequests(ctx context.Context, d *clientDesk) error {
	var list []shownRequest
	err := d.side(ctx, func(_ *management.State, x *management.Side) error {
		for _, r := range book.Sorted(x.Requests) {
			list = append(list, d.request(r))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.showRequests(list)
}

func (a *app) showRequests(list []shownRequest) error {
	slices.SortFunc(list, func(a, b shownRequest) int { return natural.Compare(a.ID, b.ID) })
	l := listing{schema: "tieout.requests/1", columns: requestCols}
	open := 0
	for _, v := range list {
		if v.Status != engagement.RequestAccepted && v.Status != engagement.RequestWithdrawn {
			open++
		}
		l.rows = append(l.rows, v.row())
	}
	l.summary = fmt.Sprintf("%s, %d open.", count(len(list), "request", "requests"), open)
	return a.show(l)
}

func (a *app) firmRequest(ctx context.Context, d *firmDesk) error {
	x, err := d.Files.Request(ctx, d.id, d.args[0])
	if err != nil {
		return err
	}
	return a.printRequest(d.request(&x))
}

func (a *app) clientRequest(ctx context.Context, d *clientDesk) error {
	var v shownRequest
	err := d.side(ctx, func(_ *management.State, x *management.Side) error {
		r := x.Requests[d.args[0]]
		if r == nil {
			return fmt.Errorf("%w: request %s; see 'tieout request list'", audit.ErrNotFound, d.args[0])
		}
		v = d.request(r)
		return nil
	})
	if err != nil {
		return err
	}
	return a.printRequest(v)
}

func (a *app) printRequest(v shownRequest) error {
	say := fmt.Sprintf("%s is %s: %s.", v.ID, strings.ToLower(string(v.Status)), v.Title)
	if a.output == "json" {
		return a.writeJSON("tieout.request/1", say, "request", v)
	}
	a.say(say)
	a.facts([][2]string{{"kind", v.Kind}, {"due", v.Due}, {"tests", strings.Join(v.Tests, " ")}, {"items", strings.Join(v.Items, " ")}, {"owner", v.Owner}, {"why", v.Why},
		{"firm had it", v.Firm}, {"client", v.Client}})
	fmt.Fprintln(a.env.Stdout)
	a.say(v.Asks)
	for _, x := range v.Answers {
		a.point("Brought: " + strings.TrimSpace(x.Text+" "+refsOf(x.Records)))
	}
	return nil
}

// refsOf names records as people do.
func refsOf(list []int64) string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = audit.EvidenceRef(n)
	}
	return strings.Join(out, " ")
}

func (a *app) addRequestCommand() *cobra.Command {
	var r engagement.Request
	var change string
	var cmd *cobra.Command
	cmd = a.firmAct("add TITLE", "Write a request, or change one; the client knows of it once it is released", exactly(1, "a title"), func(ctx context.Context, d *firmDesk) error {
		r.Title, r.Tests = d.args[0], book.List(r.Tests)
		if change != "" {
			return a.changeRequest(ctx, d, cmd, change, r)
		}
		if err := without(cmd, "kind", "asks"); err != nil {
			return err
		}
		x, err := d.Files.SetRequest(ctx, d.by, d.id, r, 0)
		if err != nil {
			return err
		}
		return a.did(&d.place, x.Request, "%s is written: %s. The client knows of it once it is released.", x.ID, x.Title)
	})
	f := cmd.Flags()
	f.StringVar(&r.Kind, "kind", "", "population, evidence, document or explanation (needed of a new one)")
	f.StringVar(&r.Asks, "asks", "", "what to bring, in words (needed of a new one)")
	f.StringSliceVar(&r.Tests, "test", nil, "test it serves; may be repeated")
	f.StringSliceVar(&r.Items, "item", nil, "item of a released sample; may be repeated")
	f.StringVar(&r.Due, "due", "", "day it is needed by, 2026-09-14")
	f.StringVar(&change, "change", "", "change this request in place of writing a new one; what no flag says stays as it is")
	return cmd
}

// changeRequest changes a request's title, and what flags say of it.
func (a *app) changeRequest(ctx context.Context, d *firmDesk, cmd *cobra.Command, id string, said engagement.Request) error {
	have, err := d.Files.Request(ctx, d.id, id)
	if err != nil {
		return err
	}
	base, err := d.base(ctx, "request", id)
	if err != nil {
		return err
	}
	r := have.Request
	r.Title = said.Title
	over(cmd, "kind", &r.Kind, said.Kind)
	over(cmd, "asks", &r.Asks, said.Asks)
	over(cmd, "test", &r.Tests, said.Tests)
	over(cmd, "item", &r.Items, said.Items)
	over(cmd, "due", &r.Due, said.Due)
	if _, err := d.Files.SetRequest(ctx, d.by, d.id, r, base); err != nil {
		return err
	}
	return a.did(&d.place, r, "%s is changed. Release it again, so that the client knows.", id)
}

func (a *app) releaseRequestCommand() *cobra.Command {
	return a.firmAct("release REQUEST...", "Let the client know requests as they now are", between(1, 1000, "requests such as RQ-1"), func(ctx context.Context, d *firmDesk) error {
		if err := d.Files.ReleaseRequests(ctx, d.by, d.id, d.args...); err != nil {
			return err
		}
		return a.did(&d.place, d.args, "%s released; it goes out with the next exchange.", count(len(d.args), "request is", "requests are"))
	})
}

func (a *app) submitCommand() *cobra.Command {
	var text, owner string
	var documents, files []string
	var progress bool
	var cmd *cobra.Command
	cmd = a.clientAct("submit REQUEST", "Answer a request: in words, with evidence of the log, with documents that are sealed by it", exactly(1, aRequest), func(ctx context.Context, d *clientDesk) error {
		id := d.args[0]
		if owner != "" {
			if also := given(cmd, "text", "document", "file", "in-progress"); len(also) > 0 {
				return fmt.Errorf("%w: --owner gives %s to somebody and answers nothing: leave out %s, or answer by a command of its own", audit.ErrUsage, id, strings.Join(also, ", "))
			}
			return a.assignRequest(ctx, d, id, owner)
		}
		x := engagement.Answer{Request: id, Status: engagement.RequestSubmitted, Text: text}
		if progress {
			x.Status = engagement.RequestInProgress
		}
		var err error
		if x.Records, err = readRecords("document", documents); err != nil {
			return err
		}
		base, err := d.base(ctx, "request", id)
		if err == nil {
			err = d.Side.MayAnswerNow(ctx, d.by, d.id, id, base) // nothing is sealed for an answer that is refused
		}
		if err == nil {
			err = a.sealFiles(ctx, d, id, files, &x)
		}
		if err == nil {
			err = d.Side.Answer(ctx, d.by, d.id, x, base)
		}
		if err != nil {
			return err
		}
		if err := a.sayBound(ctx, &d.place, x.Records); err != nil {
			return err
		}
		return a.did(&d.place, x, "%s is %s%s.", id, strings.ToLower(string(x.Status)), with(refsOf(x.Records)))
	})
	f := cmd.Flags()
	f.StringVar(&text, "text", "", "the answer in words")
	f.StringSliceVar(&documents, "document", nil, "evidence that is sealed already, E-481; may be repeated")
	f.StringArrayVar(&files, "file", nil, "document to seal and bring; may be repeated")
	f.BoolVar(&progress, "in-progress", false, "only say that it is being worked on")
	f.StringVar(&owner, "owner", "", "give the request to the person with this e-mail address, in place of answering")
	return cmd
}

func with(s string) string {
	if s == "" {
		return ""
	}
	return ", with " + s
}

func (a *app) assignRequest(ctx context.Context, d *clientDesk, id, address string) error {
	who, err := accountOf(d.names, address)
	base, berr := d.base(ctx, "request", id)
	if err = first(err, berr); err == nil {
		err = d.Side.AssignRequest(ctx, d.by, d.id, id, who, base)
	}
	if err != nil {
		return err
	}
	return a.did(&d.place, who, "%s answers %s.", d.name(who), id)
}

// sealFiles seals the documents of an answer as evidence.
func (a *app) sealFiles(ctx context.Context, d *clientDesk, request string, files []string, x *engagement.Answer) error {
	title, about, err := d.askedFor(ctx, request)
	if err != nil {
		return err
	}
	for _, path := range files { // each is there before the first is sealed
		if err := bounded(path, maxDocument); err != nil {
			return err
		}
	}
	for _, path := range files {
		body, err := readBounded(path, maxDocument)
		if err != nil {
			return err
		}
		rec, err := d.p.SealDocument(ctx, audit.Actor{Kind: d.by.Kind, Name: d.by.Account}, period.Document{Title: title, File: filepath.Base(path), About: about, Body: body, Via: d.by.Facts()})
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		x.Records = append(x.Records, rec.Index)
	}
	return nil
}

// askedFor is what a request asks for, and the stretch an answer to it is about:
// the engagement's, as far as it has come.
func (d *clientDesk) askedFor(ctx context.Context, request string) (title string, about audit.Span, err error) {
	err = d.side(ctx, func(_ *management.State, x *management.Side) error {
		r := x.Requests[request]
		if r == nil {
			return fmt.Errorf("%w: request %s; see 'tieout request list'", audit.ErrNotFound, request)
		}
		title = r.Title
		from, to := cmp.Or(x.Terms.First, x.Terms.AsOf), cmp.Or(x.Terms.Last, x.Terms.AsOf)
		span, err := audit.NewPeriod(from, to, x.Terms.Zone)
		if about = span.Span; about.To.After(d.p.Now()) {
			about.To = audit.Instant(d.p.Now())
		}
		return err
	})
	return title, about, err
}

func (a *app) decideRequest(use string, to engagement.RequestStatus, short string) *cobra.Command {
	var why string
	cmd := a.firmAct(use+" REQUEST", short, exactly(1, aRequest), func(ctx context.Context, d *firmDesk) error {
		base, err := d.base(ctx, "request", d.args[0])
		if err == nil {
			err = d.Files.DecideRequest(ctx, d.by, d.id, d.args[0], to, why, base)
		}
		if err != nil {
			return err
		}
		return a.did(&d.place, to, "%s is %s.", d.args[0], strings.ToLower(string(to)))
	})
	if to == engagement.RequestAccepted {
		return cmd
	}
	cmd.Flags().StringVar(&why, "why", "", "what is missing, or why it is not needed any more (needed)")
	return needed(cmd, "why")
}

func (a *app) importRequestsCommand() *cobra.Command {
	cmd := a.firmAct("import FILE", "Write the requests of a CSV or XLSX list, all or none", exactly(1, "a file, .csv or .xlsx"), func(ctx context.Context, d *firmDesk) error {
		rows, err := readRequests(d.args[0])
		if err != nil {
			return err
		}
		ids, err := d.Files.ImportRequests(ctx, d.by, d.id, filepath.Base(d.args[0]), rows)
		if err != nil {
			return err
		}
		return a.did(&d.place, ids, "%s written: %s. The client knows of them once they are released.", count(len(ids), "request is", "requests are"), strings.Join(ids, " "))
	})
	cmd.Long = "Reads a list of requests with the columns " + strings.Join(requestfile.Columns, ", ") + ": rows with an id change that request, rows without are new. What is wrong is named by file, line and column, " +
		"all of it at once, and then nothing is written."
	return cmd
}

func readRequests(path string) (rows []requestfile.Row, err error) {
	f, _, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv":
		return requestfile.ReadCSV(path, f)
	case ".xlsx":
		return requestfile.ReadXLSX(path, f)
	}
	return nil, fmt.Errorf("%w: %s: the name of a list ends in .csv or .xlsx", audit.ErrUsage, path)
}

func (a *app) exportRequestsCommand() *cobra.Command {
	return in(&cobra.Command{Use: "export FILE", Short: "Write the requests as a CSV or XLSX list", Args: exactly(1, "the file to write, .csv or .xlsx"),
		RunE: a.onSide(looks, func(ctx context.Context, d *firmDesk) error {
			var rows []requestfile.Row
			err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error { rows = x.RequestRows(); return nil })
			if err != nil {
				return err
			}
			return a.writeRequests(&d.place, rows)
		}, func(ctx context.Context, d *clientDesk) error {
			var rows []requestfile.Row
			err := d.side(ctx, func(_ *management.State, x *management.Side) error {
				for _, r := range book.Sorted(x.Requests) {
					rows = append(rows, requestfile.Row{Request: r.Request, Status: r.Status, Why: r.Why})
				}
				return nil
			})
			slices.SortFunc(rows, func(a, b requestfile.Row) int { return natural.Compare(a.Request.ID, b.Request.ID) })
			if err != nil {
				return err
			}
			return a.writeRequests(&d.place, rows)
		})}, "table", "json")
}

func (a *app) writeRequests(d *place, rows []requestfile.Row) error {
	path := d.args[0]
	write := map[string]func(io.Writer, []requestfile.Row) error{".csv": requestfile.WriteCSV, ".xlsx": requestfile.WriteXLSX}[strings.ToLower(filepath.Ext(path))]
	if write == nil {
		return fmt.Errorf("%w: %s: the name of a list ends in .csv or .xlsx", audit.ErrUsage, path)
	}
	digest, err := writeFile(path, func(w io.Writer) error { return write(w, rows) })
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return a.did(d, digest, "%s holds %s.", path, count(len(rows), "request", "requests"))
}

func (a *app) proposeRequestsCommand() *cobra.Command {
	return in(&cobra.Command{Use: "propose FILE", Short: "Draft the requests that planned tests need as a list to edit and import", Args: exactly(1, "the file to write, .csv or .xlsx"),
		RunE: a.onFirm(looks, func(ctx context.Context, d *firmDesk) error {
			var rows []requestfile.Row
			err := d.file(ctx, func(_ *fieldwork.State, x *fieldwork.File) error {
				for _, r := range x.ProposeRequests() {
					rows = append(rows, requestfile.Row{Request: r})
				}
				return nil
			})
			if err != nil {
				return err
			}
			return a.writeRequests(&d.place, rows)
		})}, "table", "json")
}

// maxDocument is the largest document that is read, in bytes; what is sealed may
// be held to less.
const maxDocument = 256 << 20
