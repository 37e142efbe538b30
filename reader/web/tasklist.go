package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/program"
	"tieout/reader/tasks"
	"tieout/report"
)

// A tasksPage is all occurrences of the period, as far as who may read them.
type tasksPage struct {
	*page
	Rows    []taskRow
	Filters []filterLink
	Pager   pager
	Clear   string
	Only    string
	Manage  bool
}

// A filterLink is one way to narrow a list.
type filterLink struct {
	link
	Word, Class string
	N           int
	Here        bool
}

func (q *request) allTasks() error {
	l, err := q.tasks()
	if err != nil {
		return err
	}
	l.All = slices.DeleteFunc(l.All, func(o tasks.Occurrence) bool { return !q.may("task.read", q.taskObject(&o)) })
	f := tasks.Filter{State: q.URL.Query().Get("state"), Control: q.URL.Query().Get("control"), Procedure: q.URL.Query().Get("procedure"), Owner: q.URL.Query().Get("owner"), Holder: q.URL.Query().Get("who"), People: q.URL.Query().Get("all") == ""}
	found := l.Select(f)
	from := q.from(len(found))
	data := tasksPage{page: &q.page, Manage: q.may("task.manage", q.ofControls()), Filters: q.taskFilters(l, f),
		Pager: q.pager("/tasks", from, len(found), "state", f.State, "control", f.Control, "procedure", f.Procedure, "owner", f.Owner, "who", f.Holder, "all", q.URL.Query().Get("all"))}
	shown := found[from:min(len(found), from+pageLength)]
	for _, o := range shown {
		data.Rows = append(data.Rows, q.taskRow(o, l.Now))
	}
	if err := q.reminded(data.Rows, shown); err != nil {
		return err
	}
	if only := strings.Join(strings.Fields(f.Control+" "+f.Procedure+" "+f.Owner), " "); only != "" {
		data.Only, data.Clear = only, q.to("/tasks", "state", f.State, "who", f.Holder)
	}
	q.Title, q.Heading, q.Say, q.Wide = "Tasks", "Tasks", l.Sentence(), true
	q.Code = []string{strings.TrimSpace("tieout task list " + codeFlag("state", f.State) + codeFlag("control", f.Control))}
	return q.render("tasks.html", data)
}

func codeFlag(name, value string) string {
	if value == "" {
		return ""
	}
	return "--" + name + " '" + strings.ReplaceAll(strings.ToLower(value), "'", "") + "' "
}

// taskFilters are the ways to narrow the list, with how many each leaves.
func (q *request) taskFilters(l *tasks.List, f tasks.Filter) (out []filterLink) {
	add := func(word, class, state, holder string, people bool) {
		g := tasks.Filter{State: state, Holder: holder, Control: f.Control, Procedure: f.Procedure, Owner: f.Owner, People: people}
		all := ""
		if !people {
			all = "1"
		}
		n := len(l.Select(g))
		if here := g == f; n > 0 || here || state == "" {
			out = append(out, filterLink{link{Href: q.to("/tasks", "state", state, "who", holder, "control", f.Control, "procedure", f.Procedure, "owner", f.Owner, "all", all)}, word, class, n, here})
		}
	}
	add("All that people do", "", "", "", true)
	add("To do now", "", "due", "", true)
	add("Overdue", "", "overdue", "", true)
	add("Nobody has it", "", "", tasks.Nobody, true)
	for _, s := range tasks.States {
		add(string(s), taskClasses[s], strings.ToLower(string(s)), "", true)
	}
	add("With what sources see", "", "", "", false)
	return out
}

// A dutyRow is one owner as the definitions call them.
type dutyRow struct {
	Name, Email, Who string
	Revision         int64
	N                int
}

func (q *request) duties() error { return q.showDuties("", "") }

func (q *request) showDuties(name, typed string) error {
	l, err := q.tasks()
	if err != nil {
		return err
	}
	have, err := q.book.AllDuties(q.Context())
	if err != nil {
		return err
	}
	rows := map[string]*dutyRow{}
	for i := range l.All {
		if o := &l.All[i]; o.How != tasks.BySource {
			if rows[o.Owner] == nil {
				rows[o.Owner] = &dutyRow{Name: o.Owner}
			}
			rows[o.Owner].N++
		}
	}
	for _, d := range have {
		if rows[d.Name] == nil {
			rows[d.Name] = &dutyRow{Name: d.Name}
		}
		r := rows[d.Name]
		if r.Revision = d.Revision; d.Account != "" {
			r.Email, r.Who = q.names[d.Account].Email, q.name(d.Account)
		}
	}
	list, bare := make([]dutyRow, 0, len(rows)), 0
	for _, r := range rows {
		if r.Who == "" {
			bare++
		}
		if r.Name == name {
			r.Email = typed
		}
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b dutyRow) int { return strings.Compare(a.Name, b.Name) })
	q.Title, q.Heading, q.Say, q.Way = "Duties", "Who has which duty", sayDuties(len(list), bare), []link{{"Tasks", q.to("/tasks")}}
	q.Code = []string{"tieout task assign --duty 'NAME' ADDRESS"}
	return q.render("duties.html", struct {
		*page
		Rows   []dutyRow
		People []suggestion
	}{&q.page, list, q.suggestions()})
}

func (q *request) setDuty() error {
	name, typed := q.field("name"), q.field("account")
	revision, err := strconv.ParseInt(q.field("revision"), 10, 64)
	if err != nil || name == "" {
		return fmt.Errorf("%w: the form does not say whose duty it is about; open the page again", audit.ErrInvalid)
	}
	d := program.Duty{Name: name, Revision: revision}
	if d.Account, err = q.activeAccount(typed); err == nil {
		_, err = tasks.SetDuty(q.Context(), q.st.p, q.who, d)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.showDuties(name, typed)
	}
	if d.Account == "" {
		return q.done("/tasks/duties", "Nobody is "+name+" now.")
	}
	return q.done("/tasks/duties", name+" is "+q.name(d.Account)+" now.")
}

// sayDuties says how many owners of the definitions are people here.
func sayDuties(all, bare int) string {
	switch {
	case all == 0:
		return "No control here is operated by people on a schedule."
	case bare == 0 && all == 1:
		return "The one owner in the definitions is a person here."
	case bare == 0:
		return "All " + report.Number(all) + " owners in the definitions are people here."
	case all == 1:
		return "The one owner in the definitions is nobody here yet; their tasks are with nobody."
	}
	return report.Capital(report.OfAll(bare, all)) + " owners in the definitions are nobody here yet; their tasks are with nobody."
}
