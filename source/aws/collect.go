package aws

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// Kinds of page. docs/sources/aws.md describes them.
const (
	kindCaller   = "aws.caller"   // whose credentials they are; no items
	kindAccounts = "aws.accounts" // one page of the organization's accounts
	kindRegions  = "aws.regions"  // regions that are enabled in an account; no items
	kindList     = "aws.list"     // one page of a list whose elements have pages of their own; no items
)

const scopeAccounts = "accounts"

var cannotAccounts = []string{
	"an account that is outside the organization and not named in the settings",
	"an account that is suspended or being closed cannot be entered: it is listed, not read",
}

// A visit reads one part of one account, in one region or in none.
type visit struct {
	*session
	run     *source.Run
	region  string // the home region where the part belongs to none
	scope   string
	streams map[string]*source.Stream
	clients map[string]*rest.Client
}

type reader = func(ctx context.Context, v *visit) error

// accounts is what is known of the organization while it is read.
type accounts struct {
	stream  *source.Stream
	listed  []string // active, as the organization lists them
	reached []string
	regions []string // of the first account that told its own
}

// Collect reads the connection's own account, then every other one. One that
// cannot be entered leaves all its streams incomplete, with the reason.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	run := &source.Run{Source: c.name, Window: w, Sink: sink}
	if err := ctx.Err(); err != nil {
		return err
	}
	all := &accounts{stream: run.Snapshot("resource", scopeAccounts, cannotAccounts, kindAccounts)}
	own, err := c.identify(ctx, run, all)
	if err != nil {
		return c.senseless(ctx, run, all, err)
	}
	if err := c.organization(ctx, run, own, all); err != nil {
		return err
	}
	targets := c.targets(own.account, all.listed)
	for i, number := range targets {
		s := own
		if number != own.account {
			s = own.enter(number)
		}
		if err := c.account(ctx, run, s, all); err != nil {
			return err
		}
		run.Progress("accounts", i+1, len(targets))
	}
	if c.s.Organization {
		all.stream.ReconcileNames("accounts of the organization, and accounts entered", all.listed, all.reached)
	} else {
		all.stream.ReconcileNames("accounts named, and accounts entered", targets, all.reached)
		all.stream.Note("no organization was asked: an account that the settings do not name is not known")
	}
	return run.Close(ctx, all.stream)
}

// identify asks whose credentials they are. The error is the context's or the
// sink's, or says why there is no going on.
func (c *collector) identify(ctx context.Context, run *source.Run, all *accounts) (*session, error) {
	s, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	var number string
	list := rest.List{Kind: kindCaller, Scope: scopeAccounts, Ask: form(sts, "GetCallerIdentity"), Each: func(a rest.Answer) (bool, error) {
		number, err = textAt(a.Body, []string{"GetCallerIdentityResult", "Account"})
		if err == nil && !accountNumber.MatchString(number) {
			err = errors.New("GetCallerIdentity: the answer names no account")
		}
		return false, err
	}}
	f, err := s.client(sts, c.s.Region).Read(ctx, run, list, all.stream)
	if err != nil {
		return nil, err
	}
	if !f.Whole() {
		return nil, fmt.Errorf("GetCallerIdentity: %s", f.Why)
	}
	s.account = number
	return s, nil
}

// senseless closes what can be named without knowing any account, and gives up.
func (c *collector) senseless(ctx context.Context, run *source.Run, all *accounts, why error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	all.stream.Asked("sts GetCallerIdentity")
	if err := run.Refuse(ctx, why.Error(), all.stream); err != nil {
		return err
	}
	for _, number := range c.s.Accounts {
		if err := c.refuse(ctx, run, number, c.regionsKnown(all), why.Error()); err != nil {
			return err
		}
	}
	return fmt.Errorf("source %s: %w", c.name, why)
}

// organization lists the accounts, where the settings want that.
func (c *collector) organization(ctx context.Context, run *source.Run, own *session, all *accounts) error {
	if !c.s.Organization {
		return nil
	}
	list := rest.List{Kind: kindAccounts, Scope: scopeAccounts, Ask: target(organizations, "ListAccounts", nil),
		Next: nextTarget(organizations, "ListAccounts", nil, "NextToken", "NextToken"),
		Each: func(a rest.Answer) (bool, error) {
			var page accountsPage
			if err := json.Unmarshal(a.Body, &page); err != nil || page.Accounts == nil {
				return false, errors.New("the answer has no list of accounts")
			}
			for _, acc := range page.Accounts {
				if acc.active() {
					all.listed = append(all.listed, acc.ID)
				}
			}
			return true, nil
		}}
	_, err := own.client(organizations, c.s.Region).Read(ctx, run, list, all.stream)
	return err
}

// targets are the accounts to enter: the connection's own first.
func (c *collector) targets(own string, listed []string) []string {
	out := []string{own}
	for _, n := range append(slices.Clone(listed), c.s.Accounts...) {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// account reads every part of one account.
func (c *collector) account(ctx context.Context, run *source.Run, s *session, all *accounts) error {
	if _, err := s.creds.Retrieve(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return c.refuse(ctx, run, s.account, c.regionsKnown(all), "the account could not be entered: "+s.words(err))
	}
	all.reached = append(all.reached, s.account)
	regions, err := c.regions(ctx, run, s, all)
	if err != nil {
		return err
	}
	for _, p := range parts {
		for _, region := range p.places(regions, c.s.Region) {
			if err := c.visit(ctx, run, s, p, region); err != nil {
				return err
			}
		}
	}
	return nil
}

// places are the regions a part is read in.
func (p part) places(regions []string, home string) []string {
	if p.global {
		return []string{home}
	}
	return regions
}

// regions are those to read in one account: the settings', or all that are
// enabled there. Where they cannot be listed, those of another account stand
// in, and the list of accounts is incomplete.
func (c *collector) regions(ctx context.Context, run *source.Run, s *session, all *accounts) ([]string, error) {
	if len(c.s.Regions) > 0 {
		all.stream.Note("only the regions named in the settings are read")
		return c.s.Regions, nil
	}
	var names []string
	list := rest.List{Kind: kindRegions, Scope: s.account, Ask: form(ec2, "DescribeRegions"), Each: func(a rest.Answer) (bool, error) {
		var r regionsPage
		if err := readXML(a.Body, &r); err != nil || len(r.Names) == 0 {
			return false, errors.New("the answer names no region")
		}
		names = r.Names
		return true, nil
	}}
	f, err := s.client(ec2, c.s.Region).Read(ctx, run, list)
	if err != nil {
		return nil, err
	}
	all.stream.Asked("ec2 DescribeRegions in each account")
	if !f.Whole() {
		all.stream.Fail(fmt.Sprintf("account %s: its regions could not be listed: %s", s.account, f.Why))
		return c.regionsKnown(all), nil
	}
	if all.regions == nil {
		all.regions = names
	}
	return names, nil
}

type regionsPage struct {
	XMLName xml.Name `xml:"DescribeRegionsResponse"`
	Names   []string `xml:"regionInfo>item>regionName"`
}

// regionsKnown are the regions to name where an account's own are not known.
func (c *collector) regionsKnown(all *accounts) []string {
	switch {
	case len(c.s.Regions) > 0:
		return c.s.Regions
	case all.regions != nil:
		return all.regions
	}
	return []string{c.s.Region}
}

// refuse closes every stream of an account that was not entered.
func (c *collector) refuse(ctx context.Context, run *source.Run, number string, regions []string, why string) error {
	for _, p := range parts {
		for _, region := range p.places(regions, c.s.Region) {
			v := newVisit(run, &session{c: c, account: number}, p, region)
			if err := run.Refuse(ctx, why, v.inOrder(p)...); err != nil {
				return err
			}
		}
	}
	return nil
}

func newVisit(run *source.Run, s *session, p part, region string) *visit {
	v := &visit{session: s, run: run, region: region, scope: s.account + "/" + region + "/" + p.name,
		streams: map[string]*source.Stream{}, clients: map[string]*rest.Client{}}
	if p.global {
		v.scope = s.account + "/" + p.name
	}
	for _, st := range p.streams {
		if st.days > 0 {
			v.streams[st.typ] = events(run, st, v.scope)
			continue
		}
		v.streams[st.typ] = run.Snapshot(st.typ, v.scope, st.cannot, st.kinds...)
	}
	return v
}

// late is how long AWS may take to show an event (CloudTrail: about 15 minutes).
const late = 15 * time.Minute

// events opens a stream of what AWS keeps for some days only: the part of the
// window that it can still show.
func events(run *source.Run, st stream, scope string) *source.Stream {
	covers := run.Covers()
	oldest := audit.Instant(run.Window.AsOf.AddDate(0, 0, -st.days))
	newest := audit.Instant(run.Window.AsOf.Add(-late))
	if covers.To.After(newest) {
		covers.To = newest
	}
	lost := covers.From.Before(oldest)
	if lost {
		covers.From = oldest
	}
	if covers.Empty() || !covers.From.Before(covers.To) {
		s := run.Events(st.typ, scope, st.cannot, st.kinds...)
		s.Fail(fmt.Sprintf("the window lies outside the %d days that AWS keeps", st.days))
		return s
	}
	s := run.EventsIn(covers, st.typ, scope, st.cannot, st.kinds...)
	if lost {
		s.Note(fmt.Sprintf("AWS keeps %d days: what happened before %s is not told any more", st.days, audit.FormatTime(oldest)))
	}
	return s
}

// inOrder are the streams of a part in the order of its table.
func (v *visit) inOrder(p part) []*source.Stream {
	out := make([]*source.Stream, len(p.streams))
	for i, st := range p.streams {
		out[i] = v.streams[st.typ]
	}
	return out
}

func (c *collector) visit(ctx context.Context, run *source.Run, s *session, p part, region string) error {
	v := newVisit(run, s, p, region)
	defer v.leave()
	if err := p.read(ctx, v); err != nil {
		return err
	}
	return run.Close(ctx, v.inOrder(p)...)
}

func (v *visit) leave() {
	for _, c := range v.clients {
		c.HTTP.CloseIdleConnections()
	}
}

// of returns the streams of some item types.
func (v *visit) of(types ...string) []*source.Stream {
	out := make([]*source.Stream, len(types))
	for i, t := range types {
		out[i] = v.streams[t]
	}
	return out
}

// to returns the client of a service in a region, one for the whole visit.
func (v *visit) to(svc service, region string) *rest.Client {
	key := svc.host + "/" + region
	if v.clients[key] == nil {
		v.clients[key] = v.client(svc, region)
	}
	return v.clients[key]
}

// list reads a list of one service in the visit's region. Its faults are the streams'.
func (v *visit) list(ctx context.Context, svc service, l rest.List, streams ...*source.Stream) (rest.Fault, error) {
	l.Scope = v.scope
	return v.to(svc, v.region).Read(ctx, v.run, l, streams...)
}

// ask puts the answer to one question into a sheet. Codes in answers are
// answers too: "there is none". What is refused leaves a field uncollected, and
// is a limit of the streams; any other failure makes them incomplete.
func (v *visit) ask(ctx context.Context, sheet *rest.Sheet, name string, client *rest.Client, ask rest.Ask, answers []string, streams ...*source.Stream) (rest.Answer, error) {
	a, err := client.Do(ctx, ask)
	if err != nil {
		return a, err
	}
	sheet.Add(name, a)
	why := code(a.Header, a.Body)
	switch {
	case a.OK() || slices.Contains(answers, why):
	case a.Problem == "" && (slices.Contains(refusals, why) || a.Status == 403):
		for _, s := range streams {
			s.Note(fmt.Sprintf("the answer %q was refused for at least one item (%d %s): what it would tell is not collected there", name, a.Status, why))
		}
	default:
		for _, s := range streams {
			s.Fail(name + ": " + a.Fault())
		}
	}
	return a, nil
}

// seal seals a sheet about streams.
func (v *visit) seal(ctx context.Context, kind, query string, sheet *rest.Sheet, streams ...*source.Stream) error {
	return v.run.Seal(ctx, audit.Page{Kind: kind, Scope: v.scope, Query: query, Body: sheet.Encode()}, streams...)
}
