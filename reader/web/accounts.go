package web

import (
	"fmt"
	"slices"
	"strings"

	"tieout/reader/roster"
	"tieout/report"
)

// An accountRow is one account of a list.
type accountRow struct {
	link
	System, Kind, Admin string
	Owner               link
	Class, Word         string
	Evidence            []link
}

// accountFilters are how the accounts can be narrowed.
var accountFilters = []struct {
	name, text string
	keep       func(*roster.Roster, *roster.Account) bool
}{
	{"", "Can sign in", func(_ *roster.Roster, a *roster.Account) bool { return a.Works() }},
	{"loose", "Nobody's", func(_ *roster.Roster, a *roster.Account) bool {
		return a.Works() && a.Owner == nil && (a.Kind == "human" || a.Kind == "")
	}},
	{"late", "Works after leaving", func(r *roster.Roster, a *roster.Account) bool {
		return a.Works() && a.Owner != nil && a.Owner.Left(r.Now)
	}},
	{"admin", "Administrators", func(_ *roster.Roster, a *roster.Account) bool { return a.Works() && a.Admin == "yes" }},
	{"machine", "Not a person's", func(_ *roster.Roster, a *roster.Account) bool {
		return a.Works() && a.Kind != "human" && a.Kind != ""
	}},
	{"all", "All ever seen", func(*roster.Roster, *roster.Account) bool { return true }},
}

func (q *request) accounts() error {
	r, err := q.roster()
	if err != nil {
		return err
	}
	system, show := q.URL.Query().Get("system"), q.URL.Query().Get("show")
	text := strings.TrimSpace(q.URL.Query().Get("q"))
	counts := make([]int, len(accountFilters))
	var rows []*roster.Account
	var systems []stateFilter
	for _, s := range r.Systems {
		systems = append(systems, stateFilter{"", s.Name, report.Number(s.Working), q.to("/people/accounts", "system", s.Name, "show", show), s.Name == system})
		if system != "" && s.Name != system {
			continue
		}
		for _, a := range s.Accounts {
			for k, f := range accountFilters {
				if !f.keep(r, a) {
					continue
				}
				if counts[k]++; f.name == show && matches(text, a.Login, a.Email, a.ID) {
					rows = append(rows, a)
				}
			}
		}
	}
	v := struct {
		*page
		Systems, Filters   []stateFilter
		Rows               []accountRow
		Pager              pager
		Text, System, Show string
		AllSystems         link
	}{page: &q.page, Systems: systems, Text: text, System: system, Show: show, AllSystems: link{"All systems", q.to("/people/accounts", "show", show)}}
	for k, f := range accountFilters {
		v.Filters = append(v.Filters, stateFilter{"", f.text, report.Number(counts[k]), q.to("/people/accounts", "system", system, "show", f.name), f.name == show})
	}
	from := q.from(len(rows))
	for _, a := range rows[from:min(len(rows), from+pageLength)] {
		v.Rows = append(v.Rows, q.accountRow(r, a))
	}
	v.Pager = q.pager("/people/accounts", from, len(rows), "system", system, "show", show, "q", text)
	q.Title, q.Heading, q.Wide, q.Say = "Accounts", "Accounts by system", true, sayAccounts(system, counts[0], counts[1], counts[2])
	q.Way = []link{{"People", q.to("/people")}, {"Accounts", ""}}
	return q.render("accounts.html", v)
}

// sayAccounts is the sentence of the accounts of a system, or of all.
func sayAccounts(system string, working, loose, late int) string {
	in := "in all systems"
	if system != "" {
		in = "in " + system
	}
	s := fmt.Sprintf("%s sign in %s", report.Capital(report.Plural(working, "account can", "accounts can")), in)
	if loose > 0 {
		s += fmt.Sprintf("; of %d nobody confirmed whose %s", loose, map[bool]string{true: "it is", false: "they are"}[loose == 1])
	}
	if late > 0 {
		s += fmt.Sprintf("; %d %s to somebody who left", late, map[bool]string{true: "belongs", false: "belong"}[late == 1])
	}
	return s + "."
}

func (q *request) accountRow(r *roster.Roster, a *roster.Account) accountRow {
	row := accountRow{link: link{a.Login, q.at("people/accounts", a.ID)}, System: a.System, Kind: notCollected(a.Kind), Admin: notCollected(a.Admin), Evidence: q.evidence(a.Record, a.ID)}
	row.Class, row.Word = accountWord(r, a)
	if a.Owner != nil {
		row.Owner = link{a.Owner.Name, q.at("people", a.Owner.ID)}
	}
	return row
}

// A deviceRow is one device of a list.
type deviceRow struct {
	link
	What  string
	Owner link
	Wrong []string
	Left  string // what was not collected
}

func (q *request) devices() error {
	r, err := q.roster()
	if err != nil {
		return err
	}
	show := q.URL.Query().Get("show")
	var inUse, wrong, nobody, all []*roster.Device
	for _, d := range r.Devices {
		all = append(all, d)
		if !d.InUse() {
			continue
		}
		inUse = append(inUse, d)
		if slices.ContainsFunc(d.Checks(), func(c roster.Check) bool { return c.Known && !c.OK }) {
			wrong = append(wrong, d)
		}
		if d.Owner == nil {
			nobody = append(nobody, d)
		}
	}
	rows := map[string][]*roster.Device{"": inUse, "wrong": wrong, "nobody": nobody, "all": all}[show]
	v := struct {
		*page
		Filters []stateFilter
		Rows    []deviceRow
		Pager   pager
	}{page: &q.page}
	for _, f := range []struct {
		name, text string
		n          int
	}{{"", "In use", len(inUse)}, {"wrong", "Not as expected", len(wrong)}, {"nobody", "Nobody's", len(nobody)}, {"all", "All ever seen", len(all)}} {
		v.Filters = append(v.Filters, stateFilter{"", f.text, report.Number(f.n), q.to("/people/devices", "show", f.name), f.name == show})
	}
	from := q.from(len(rows))
	for _, d := range rows[from:min(len(rows), from+pageLength)] {
		v.Rows = append(v.Rows, q.deviceRow(d))
	}
	v.Pager = q.pager("/people/devices", from, len(rows), "show", show)
	q.Title, q.Heading, q.Wide, q.Say = "Devices", "Devices", true, sayDevices(len(all), len(inUse), len(wrong), len(nobody))
	q.Way = []link{{"People", q.to("/people")}, {"Devices", ""}}
	return q.render("devices.html", v)
}

// sayDevices is the sentence of all devices.
func sayDevices(all, inUse, wrong, nobody int) string {
	if all == 0 {
		return "No device was collected yet."
	}
	s := report.Capital(report.Plural(inUse, "device is", "devices are")) + " in use"
	if wrong > 0 {
		s += fmt.Sprintf("; %d %s not as expected", wrong, map[bool]string{true: "is", false: "are"}[wrong == 1])
	}
	if nobody > 0 {
		s += fmt.Sprintf("; %d %s to nobody", nobody, map[bool]string{true: "belongs", false: "belong"}[nobody == 1])
	}
	return s + "."
}

func (q *request) deviceRow(d *roster.Device) deviceRow {
	row := deviceRow{link: link{d.Name, q.at("people/devices", d.ID)}, What: strings.Join(nonEmpty(report.Capital(d.Kind), d.Platform), ", ")}
	if d.Owner != nil {
		row.Owner = link{d.Owner.Name, q.at("people", d.Owner.ID)}
	}
	unknown := 0
	for _, c := range d.Checks() {
		if c.Known && !c.OK {
			row.Wrong = append(row.Wrong, report.Capital(c.Found))
		}
		if !c.Known {
			unknown++
		}
	}
	if unknown > 0 {
		row.Left = fmt.Sprintf("%d of %d not collected", unknown, len(d.Checks()))
	}
	return row
}
