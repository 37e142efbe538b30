package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/program"
	"tieout/reader/tasks"
	"tieout/report"
	"tieout/report/text"
)

func (a *app) taskCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "task", Short: "What is due on a schedule: list, show, do, not-mine, did-not, assign"}
	cmd.AddCommand(a.taskList(), a.taskShow(), a.taskDo(), a.taskRefuse("not-mine", "Give a task back: it is not yours"),
		a.taskRefuse("did-not", "Record that it did not happen, and why"), a.taskAssign())
	return cmd
}

// operator is the person at this machine. Whoever has the workspace's files and
// keys runs its program; what they do is sealed under the name the machine knows.
func (a *app) operator() access.Subject {
	by := a.actor()
	return access.Subject{Workspace: access.Company, Kind: by.Kind, Account: by.Name, Grants: []access.Grant{{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}}}
}

// withTasks opens the workspace with what is due in its period.
func (a *app) withTasks(ctx context.Context, f func(p *period.Program, l *tasks.List) error) error {
	return a.with(ctx, func(p *period.Program) error {
		now, err := a.asOfInstant(p.Period.Location())
		if err != nil {
			return err
		}
		l, err := tasks.Read(ctx, p, now)
		if err != nil {
			return err
		}
		return f(p, l)
	})
}

func (a *app) taskList() *cobra.Command {
	var f tasks.Filter
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: "Occurrences of the period, what is overdue first", Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withTasks(cmd.Context(), func(p *period.Program, l *tasks.List) error {
				f.People = !all
				return a.listTasks(cmd.Context(), p, l, f)
			})
		},
	}
	cmd.Flags().StringVar(&f.State, "state", "", "only these: due, overdue, or a state such as open or deviation")
	cmd.Flags().StringVar(&f.Control, "control", "", "only of this control")
	cmd.Flags().StringVar(&f.Procedure, "procedure", "", "only of this procedure")
	cmd.Flags().StringVar(&f.Holder, "who", "", "only of this e-mail address, or nobody")
	cmd.Flags().BoolVar(&all, "all", false, "also what sources see")
	return cmd
}

func (a *app) listTasks(ctx context.Context, p *period.Program, l *tasks.List, f tasks.Filter) error {
	names, err := a.accountNames(ctx, p)
	if err != nil {
		return err
	}
	if f.Holder != "" && f.Holder != tasks.Nobody {
		if f.Holder, err = accountOf(names, f.Holder); err != nil {
			return err
		}
	}
	out := listing{schema: "tieout.tasks/1", summary: l.Sentence(), columns: []text.Column{
		{Head: "task"}, {Head: "what", Flex: true}, {Head: "due"}, {Head: "state"}, {Head: "who", Flex: true}, {Head: "control"},
	}}
	for _, o := range l.Select(f) {
		out.rows = append(out.rows, row{[]string{o.ID(), o.Name(), o.Day(p.Period.Location()), string(o.State), whoHas(o, names), o.Control}, taskValue(o, names)})
	}
	return a.show(out)
}

// whoHas is who does an occurrence, in words.
func whoHas(o *tasks.Occurrence, names map[string]access.Named) string {
	switch {
	case o.SeenBy != "":
		return o.SeenBy + " sees it"
	case o.How == tasks.BySource:
		return "a source sees it"
	case o.Doer() == "":
		return "nobody"
	}
	if n, ok := names[o.Doer()]; ok {
		return n.Name
	}
	return o.Doer()
}

// A shownTask is an occurrence for programs.
type shownTask struct {
	Answer       string    `json:"answer,omitempty"`
	Control      string    `json:"control"`
	DueBy        time.Time `json:"dueBy"`
	From         time.Time `json:"from"`
	ID           string    `json:"id"`
	LateBy       time.Time `json:"lateBy"`
	Minutes      int       `json:"minutes"`
	Name         string    `json:"name"`
	Occurrence   string    `json:"occurrence"`
	Procedure    string    `json:"procedure"`
	Record       string    `json:"record,omitempty"`
	RecordedLate string    `json:"recordedLate,omitempty"`
	Revision     int64     `json:"revision"`
	State        string    `json:"state"`
	Who          string    `json:"who"`
}

func taskValue(o *tasks.Occurrence, names map[string]access.Named) shownTask {
	v := shownTask{Answer: o.Task.Answer, Control: o.Control, DueBy: o.DueBy, From: o.From, ID: o.ID(), LateBy: o.LateBy, Minutes: o.Minutes, Name: o.Name(),
		Occurrence: o.Occurrence, Procedure: o.Procedure, Revision: o.Task.Revision, State: string(o.State), Who: whoHas(o, names)}
	if o.Answered() {
		v.Record, v.RecordedLate = audit.EvidenceRef(o.Task.Record), o.SayRecordedLate(o.DueBy.Location())
	}
	return v
}

// accountNames are the accounts there are, by ID.
func (a *app) accountNames(ctx context.Context, p *period.Program) (map[string]access.Named, error) {
	rows, err := p.Store.Accounts(ctx)
	out := make(map[string]access.Named, len(rows))
	for _, r := range rows {
		out[r.ID] = access.Named{ID: r.ID, Name: r.Name, Email: r.Email, Active: access.Status(r.Status) == access.Active}
	}
	return out, err
}

// accountOf finds an active account by its e-mail address.
func accountOf(names map[string]access.Named, address string) (string, error) {
	for id, n := range names {
		if n.Active && strings.EqualFold(n.Email, address) {
			return id, nil
		}
	}
	return "", fmt.Errorf("%w: nobody here has the e-mail address %q; see 'tieout account list'", audit.ErrNotFound, address)
}

const aTask = "a task such as board.meeting@2026-Q1"

func (a *app) taskShow() *cobra.Command {
	return in(&cobra.Command{
		Use: "show TASK", Short: "One occurrence: what, why, by when, and what was said about it", Args: exactly(1, aTask),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withTasks(cmd.Context(), func(p *period.Program, l *tasks.List) error { return a.showTask(cmd.Context(), p, l, args[0]) })
		},
	}, "table", "json")
}

func (a *app) showTask(ctx context.Context, p *period.Program, l *tasks.List, id string) error {
	o, err := findTask(l, id)
	if err != nil {
		return err
	}
	names, err := a.accountNames(ctx, p)
	if err != nil {
		return err
	}
	loc := p.Period.Location()
	sentence := o.Sentence(l.Now, loc)
	if a.output == "json" {
		return a.writeJSON("tieout.task/1", sentence, "task", taskValue(o, names))
	}
	a.say(sentence)
	w := a.env.Stdout
	fmt.Fprintf(w, "\n  control  %s\n  due      %s\n  who      %s\n  state    %s\n\n", o.Control, o.Day(loc), whoHas(o, names), o.State)
	a.say(o.Why)
	for _, ask := range o.Asks {
		a.point(ask.Text)
	}
	if g := l.Good(o); g != nil {
		a.point(strings.TrimSuffix(g.Name()+", accepted: "+g.Task.Done.Outcome, ": "))
	}
	a.say(o.SayLate(l.Now, loc))
	if o.Fault != "" {
		a.say(o.Fault)
	}
	return p.Registers().Read(ctx, func(s *program.State) error {
		for _, line := range s.History("task:" + o.ID()) {
			who := line.By.Name
			if n, ok := names[who]; ok {
				who = n.Name
			}
			fmt.Fprintf(w, "  %s  %s  %s: %s\n", line.At.In(loc).Format("2006-01-02 15:04"), audit.EvidenceRef(line.Record), who, line.What)
		}
		return nil
	})
}

func findTask(l *tasks.List, id string) (*tasks.Occurrence, error) {
	o, err := l.Find(id)
	if errors.Is(err, audit.ErrNotFound) {
		return nil, fmt.Errorf("%w; see 'tieout task list'", err)
	}
	return o, err
}

// toldTask says how a task stands after something was recorded about it.
func (a *app) toldTask(ctx context.Context, p *period.Program, id string) error {
	l, err := tasks.Read(ctx, p, p.Now())
	if err != nil {
		return err
	}
	o, err := findTask(l, id)
	if err != nil {
		return err
	}
	names, err := a.accountNames(ctx, p)
	if err != nil {
		return err
	}
	return a.tell("tieout.task/1", o.Sentence(l.Now, p.Period.Location()), taskValue(o, names))
}

func (a *app) taskDo() *cobra.Command {
	var day, outcome, file string
	var done program.Done
	cmd := in(&cobra.Command{
		Use: "do TASK", Short: "Record that it took place, with its evidence", Args: exactly(1, aTask),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withTasks(cmd.Context(), func(p *period.Program, l *tasks.List) error {
				o, err := findTask(l, args[0])
				if err != nil {
					return err
				}
				done.Outcome = outcome
				if done.At, err = tasks.TookPlace(day, p.Period.Location(), l.Now); err != nil {
					return fmt.Errorf("%w: --on: %w", audit.ErrUsage, err)
				}
				if file != "" {
					rec, err := a.taskDocument(cmd.Context(), p, o, file, done.At)
					if err != nil {
						return err
					}
					done.Documents = append(done.Documents, rec.Ref())
				}
				if _, err := p.Registers().DoTask(cmd.Context(), a.operator(), o.Due, done, o.Task.Revision); err != nil {
					return err
				}
				return a.toldTask(cmd.Context(), p, o.ID())
			})
		},
	}, "table", "json")
	f := cmd.Flags()
	f.StringVar(&day, "on", "", "day it took place, 2026-03-31 (needed)")
	f.StringVar(&outcome, "outcome", "", "what came of it, in a line (needed)")
	f.IntVar(&done.Actions, "actions", 0, "how many actions it asks for")
	f.StringVar(&file, "file", "", "document to seal with it")
	f.StringSliceVar(&done.Documents, "document", nil, "evidence that is sealed already, E-481; may be repeated")
	return cmd
}

// taskDocument seals the document of an occurrence.
func (a *app) taskDocument(ctx context.Context, p *period.Program, o *tasks.Occurrence, file string, at time.Time) (audit.Record, error) {
	body, err := os.ReadFile(file)
	if err != nil {
		return audit.Record{}, fmt.Errorf("%w: %w", audit.ErrNotFound, err)
	}
	return p.SealDocument(ctx, a.actor(), period.Document{Title: o.Name(), File: filepath.Base(file), Controls: []string{o.Control}, Task: o.ID(),
		About: audit.Span{From: o.From, To: at.Add(time.Microsecond)}, Body: body})
}

// taskRefuse are the two answers beside doing it.
func (a *app) taskRefuse(use, short string) *cobra.Command {
	var why, whose string
	cmd := in(&cobra.Command{
		Use: use + " TASK", Short: short, Args: exactly(1, aTask),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withTasks(cmd.Context(), func(p *period.Program, l *tasks.List) error {
				o, err := findTask(l, args[0])
				if err != nil {
					return err
				}
				if use == "not-mine" {
					_, err = p.Registers().NotMyTask(cmd.Context(), a.operator(), o.Due, why, whose, o.Task.Revision)
				} else {
					_, err = p.Registers().TaskDidNotHappen(cmd.Context(), a.operator(), o.Due, why, o.Task.Revision)
				}
				if err != nil {
					return err
				}
				return a.toldTask(cmd.Context(), p, o.ID())
			})
		},
	}, "table", "json")
	cmd.Flags().StringVar(&why, "why", "", "the reason (needed)")
	if use == "not-mine" {
		cmd.Flags().StringVar(&whose, "whose", "", "to whom it belongs")
	}
	return cmd
}

func (a *app) taskAssign() *cobra.Command {
	var why, duty string
	cmd := in(&cobra.Command{
		Use: "assign [TASK] ADDRESS", Short: "Give a task, or an owner's duty, to a person; 'nobody' takes it away",
		Long: `Gives one task to the person with that e-mail address. With --duty the person
has everything that the definitions give to an owner of that name, such as
'IT lead': nobody is guessed. 'nobody' in place of an address takes it away.`,
		Args: between(1, 2, aTask+" and an e-mail address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (duty == "") == (len(args) == 1) {
				return fmt.Errorf("%w: name either a task or, with --duty, an owner", audit.ErrUsage)
			}
			return a.withTasks(cmd.Context(), func(p *period.Program, l *tasks.List) error {
				names, err := a.accountNames(cmd.Context(), p)
				if err != nil {
					return err
				}
				to := args[len(args)-1]
				if to == tasks.Nobody {
					to = ""
				} else if to, err = accountOf(names, to); err != nil {
					return err
				}
				if duty != "" {
					return a.assignDuty(cmd.Context(), p, duty, to, names)
				}
				o, err := findTask(l, args[0])
				if err != nil {
					return err
				}
				if _, err := p.Registers().AssignTask(cmd.Context(), a.operator(), o.Due, to, why, o.Task.Revision); err != nil {
					return err
				}
				return a.toldTask(cmd.Context(), p, o.ID())
			})
		},
	}, "table", "json")
	cmd.Flags().StringVar(&why, "why", "", "why, where it needs saying")
	cmd.Flags().StringVar(&duty, "duty", "", "owner as the definitions call them, such as 'IT lead'")
	return cmd
}

func (a *app) assignDuty(ctx context.Context, p *period.Program, name, to string, names map[string]access.Named) error {
	d := program.Duty{Name: name}
	have, err := p.Registers().AllDuties(ctx)
	if err != nil {
		return err
	}
	for _, x := range have {
		if x.Name == name {
			d = x
		}
	}
	d.Account = to
	if d, err = tasks.SetDuty(ctx, p, a.operator(), d); err != nil {
		return err
	}
	who := "nobody"
	if n, ok := names[to]; ok {
		who = n.Name
	}
	return a.tell("tieout.duty/1", report.Capital(name)+" is "+who+" now.", map[string]any{"name": d.Name, "account": d.Account, "revision": d.Revision})
}

// tasksAt is what is due by the newest run, or by that of --as-of.
func (a *app) tasksAt(ctx context.Context, p *period.Program, run *period.Run) (*tasks.List, error) {
	now, err := a.asOfInstant(p.Period.Location())
	if err != nil {
		return nil, err
	}
	b, err := tasks.Prepare(ctx, p, run)
	if err != nil {
		return nil, err
	}
	return b.At(ctx, p.Registers(), now)
}

// mostDue is how many tasks a status names.
const mostDue = 8

// writeDue says what people have to do now, below what was found.
func (a *app) writeDue(ctx context.Context, p *period.Program, run *period.Run) error {
	l, err := a.tasksAt(ctx, p, run)
	if err != nil {
		return err
	}
	due := l.Select(tasks.Filter{State: "due", People: true})
	if len(due) == 0 {
		return nil
	}
	names, err := a.accountNames(ctx, p)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.env.Stdout)
	a.say(l.Sentence())
	for _, o := range due[:min(len(due), mostDue)] {
		fmt.Fprintf(a.env.Stdout, "  DUE  %s  %s  %s\n", o.Day(p.Period.Location()), o.Name(), whoHas(o, names))
	}
	if more := len(due) - mostDue; more > 0 {
		fmt.Fprintf(a.env.Stdout, "       and %s: tieout task list --state due\n", count(more, "more", "more"))
	}
	return nil
}
