package access

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tieout/audit"
)

// Operator is whoever runs the program on its machine and so has its store and
// its keys anyway: may see and manage accounts, sessions and tokens as an
// administrator, by commands and never through the server. Every change names
// them in the log. The rules about people hold for them too: the last active
// administrator stays.
func (p *People) Operator(name string) Subject {
	if name = cut(name); name == "" {
		name = "unknown"
	}
	return Subject{Workspace: p.kind, Kind: audit.ActorCommand, Account: "tieout", operator: name}
}

// operatorMay is what Operator may. Nothing of it is the content of the workspace.
var operatorMay = []PermissionID{ReadAccounts, ManageAccounts, ManageTokens}

// may is Require, for the operator too.
func (p *People) may(by Subject, id PermissionID, on Object) error {
	if by.operator != "" && slices.Contains(operatorMay, id) {
		return nil
	}
	return Require(by, id, on)
}

// CreateTokenFor makes a token of an account as the operator: as CreateToken
// does for its own person, with at most what the account's roles may. Anybody
// else is audit.ErrForbidden.
func (p *People) CreateTokenFor(ctx context.Context, by Subject, id, name string, permissions []PermissionID, expires time.Time) (Token, string, Activity, error) {
	fail := func(err error) (Token, string, Activity, error) { return Token{}, "", Activity{}, err }
	if by.operator == "" {
		return fail(fmt.Errorf("%w: people make their own tokens", audit.ErrForbidden))
	}
	a, err := p.store.Account(ctx, id)
	if err != nil {
		return fail(err)
	}
	if Status(a.Status) != Active {
		return fail(fmt.Errorf("%w: the account is %s; a token of it would do nothing", audit.ErrConflict, a.Status))
	}
	return p.createToken(ctx, by, a.ID, account(a).Grants, name, permissions, expires)
}

// AccountOf finds an account by its ID or its e-mail address. It needs
// account.read.
func (p *People) AccountOf(ctx context.Context, by Subject, who string) (Account, error) {
	all, err := p.Accounts(ctx, by)
	if err != nil {
		return Account{}, err
	}
	email, _ := Email(who) // "" is nobody's
	for _, a := range all {
		if a.ID == who || a.Email == email && email != "" {
			return a, nil
		}
	}
	return Account{}, fmt.Errorf("%w: there is no account %.80q", audit.ErrNotFound, who)
}
