package program_test

import (
	"errors"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
)

// shell is a name that a machine knows: nobody signed in under it.
const shell = "ana"

// said links an account to a person, by somebody.
type said struct{ by, account, person string }

// Everything that needs a second person, and how it is asked whether somebody is
// one beside those who prepared it.
func fourEyes(t *testing.T, w *world, by access.Subject) map[access.PermissionID]func(who access.Subject) error {
	t.Helper()
	ctx := t.Context()
	by.Grants = as("", access.ComplianceLead, access.Employee).Grants
	r := must[program.Risk](t)(w.book.SetRisk(ctx, by, fraud()))
	d := board()
	d.Document = false
	must[program.Task](t)(w.book.AssignTask(ctx, lead, d, by.Account, "", 0))
	task := must[program.Task](t)(w.book.DoTask(ctx, by, d, program.Done{At: w.now(), Outcome: "Held"}, 1))
	p := must[program.Policy](t)(w.book.WritePolicy(ctx, by, "laptops", 0, laptops(), "", true))
	i := must[program.Issue](t)(w.book.OpenIssue(ctx, lead, program.Issue{Title: "Keys", Severity: "low", Owner: by.Account}))
	i = must[program.Issue](t)(w.book.MendIssue(ctx, by, i.ID, i.Revision, "Done.", []string{w.document()}))
	a := must[program.Answer](t)(w.book.WriteAnswer(ctx, by, program.Answer{Question: "Do you encrypt?", Text: "Yes."}))
	return map[access.PermissionID]func(access.Subject) error{
		"issue.close": func(who access.Subject) error {
			_, err := w.book.CloseIssue(ctx, who, i.ID, i.Revision, "Looked.")
			return err
		},
		"answer.approve": func(who access.Subject) error {
			_, err := w.book.ApproveAnswer(ctx, who, a.ID, a.Revision, "x")
			return err
		},
		"risk.accept": func(who access.Subject) error { _, err := w.book.AcceptRisk(ctx, who, r.ID, r.Revision); return err },
		"task.approve": func(who access.Subject) error {
			_, err := w.book.ApproveTask(ctx, who, d, task.Revision)
			return err
		},
		"policy.approve": func(who access.Subject) error {
			_, err := w.book.ApprovePolicy(ctx, who, p.ID, p.Revision, p.Draft().Hash)
			return err
		},
	}
}

// Two accounts of one person, and a shell beside a browser, are no two people.
func TestSecondPerson(t *testing.T) {
	for _, tt := range []struct {
		name     string
		prepared string // by which account
		links    []said
		second   []said // confirmed by a second person
		want     string // why sam is no second person; "": is one
	}{
		{"two accounts nobody linked", evaID, nil, nil, ""},
		{"two people", evaID, []said{{leaID, evaID, "hr/3"}, {leaID, samID, "hr/2"}}, nil, ""},
		{"one person with two accounts", evaID, []said{{leaID, evaID, "hr/2"}, {leaID, samID, "hr/2"}}, nil, "an account of the same person"},
		{"one person who says so themself", evaID, []said{{evaID, evaID, "hr/2"}, {samID, samID, "hr/2"}}, nil, "an account of the same person"},
		{"a shell nobody linked", shell, []said{{leaID, samID, "hr/2"}}, nil, "Link both accounts"},
		{"an account nobody linked beside a shell", shell, []said{{leaID, shell, "hr/3"}}, []said{{boID, shell, "hr/3"}}, "Link both accounts"},
		{"a shell whose link one person made", shell, []said{{leaID, shell, "hr/3"}, {leaID, samID, "hr/2"}}, nil, "not confirmed by a second person"},
		{"a shell, and one's own link", shell, []said{{leaID, shell, "hr/3"}, {samID, samID, "hr/2"}}, []said{{boID, shell, "hr/3"}}, "not confirmed by a second person"},
		{"a shell of the same person", shell, []said{{leaID, shell, "hr/2"}, {leaID, samID, "hr/2"}}, []said{{boID, shell, "hr/2"}}, "an account of the same person"},
		{"a shell of another person", shell, []said{{leaID, shell, "hr/3"}, {leaID, samID, "hr/2"}}, []said{{boID, shell, "hr/3"}}, ""},
		{"a shell, and one's own link that was confirmed", shell, []said{{leaID, shell, "hr/3"}, {samID, samID, "hr/2"}}, []said{{boID, shell, "hr/3"}, {leaID, samID, "hr/2"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			for _, l := range tt.links {
				must[program.Identity](t)(w.book.LinkIdentity(t.Context(), as(l.by, access.ComplianceLead), program.OfTieout, l.account, l.person, "", 0))
			}
			for _, l := range tt.second {
				must[program.Identity](t)(w.book.SecondIdentity(t.Context(), as(l.by, access.ComplianceLead), l.account, l.person, 1))
			}
			for id, ask := range fourEyes(t, w, as(tt.prepared)) {
				err := ask(signer)
				if tt.want == "" && err != nil {
					t.Errorf("%s: %v", id, err)
				}
				if tt.want != "" && (!errors.Is(err, audit.ErrForbidden) || !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("%s: got %v, want it refused: %s", id, err, tt.want)
				}
			}
		})
	}
}

// Every permission of a company's workspace that needs a second person is one
// that these tests know, or those of deviations and of management's responses.
func TestSecondPersonIsComplete(t *testing.T) {
	known := fourEyes(t, newWorld(t), as(evaID))
	for _, p := range access.Permissions {
		if p.Workspace == access.Company && p.Has(access.FourEyes) && known[p.ID] == nil && p.ID != "deviation.decide" && p.ID != "response.final" {
			t.Errorf("%s needs a second person; nothing here asks whether it gets one", p.ID)
		}
	}
}

func TestSecondIdentity(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	link := func(by, account, person string) program.Identity {
		return must[program.Identity](t)(w.book.LinkIdentity(ctx, as(by, access.ComplianceLead), program.OfTieout, account, person, "", 0))
	}
	if i := link(leaID, evaID, "hr/3"); i.Waits {
		t.Error("somebody else linked it, and it waits for a second person")
	}
	if i := link(leaID, leaID, "hr/1"); !i.Waits {
		t.Error("a link of one's own account waits for nobody")
	}
	if i := link(leaID, samID, "hr/1"); !i.Waits {
		t.Error("a link of an account to one's own person waits for nobody")
	}
	if i := link(leaID, shell, "hr/3"); !i.Waits {
		t.Error("a link of a name at a shell waits for nobody")
	}
	for _, tt := range []struct {
		name, by, account, person string
		want                      error
	}{
		{"one's own", leaID, leaID, "hr/1", audit.ErrForbidden},
		{"from another account of the same person", samID, leaID, "hr/1", audit.ErrForbidden},
		{"at a shell", "root", leaID, "hr/1", audit.ErrForbidden},
		{"who said it, of somebody else", leaID, shell, "hr/3", audit.ErrForbidden},
		{"whose it is", evaID, shell, "hr/3", audit.ErrForbidden},
		{"of another person", boID, leaID, "hr/9", audit.ErrConflict},
		{"of what waits for nobody", boID, evaID, "hr/3", audit.ErrConflict},
		{"somebody else", boID, leaID, "hr/1", nil},
		{"twice", boID, leaID, "hr/1", audit.ErrConflict},
	} {
		i := must[program.Identity](t)(w.book.Identity(ctx, program.OfTieout, tt.account))
		if _, err := w.book.SecondIdentity(ctx, as(tt.by, access.ComplianceLead), tt.account, tt.person, i.Revision); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := w.book.SecondIdentity(ctx, reader, leaID, "hr/1", 2); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("without the permission: %v", err)
	}
}
