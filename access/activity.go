package access

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/store"
)

// A Verb says what was done.
type Verb string

// What this package does. Others name what they do in the same way.
const (
	DidInvite         Verb = "account.invited"       // an account, or a new link for it
	DidAccept         Verb = "account.accepted"      // the link was used, a password set
	DidGrant          Verb = "account.roles-changed" // Detail says before and after
	DidSuspend        Verb = "account.suspended"
	DidReactivate     Verb = "account.reactivated"
	DidSignIn         Verb = "session.began"
	DidAskCode        Verb = "session.second-factor-asked" // the password was right
	DidRefuse         Verb = "session.refused"             // a wrong password or code for an account that exists
	DidConfirm        Verb = "session.signed-in-again"
	DidRotate         Verb = "session.rotated" // because the account's rights changed
	DidEndSession     Verb = "session.ended"
	DidEndSessions    Verb = "session.all-ended"
	DidChangePassword Verb = "password.changed"
	DidStartFactor    Verb = "factor.started"
	DidAddFactor      Verb = "factor.added"
	DidRemoveFactor   Verb = "factor.removed"
	DidMakeRecovery   Verb = "factor.recovery-codes-made"
	DidAddPasskey     Verb = "passkey.added"
	DidRenamePasskey  Verb = "passkey.renamed"
	DidRemovePasskey  Verb = "passkey.removed"
	DidLinkIdentity   Verb = "identity.linked"
	DidUnlinkIdentity Verb = "identity.unlinked"
	DidProvision      Verb = "account.provisioned" // a directory made it
	DidChangeAccount  Verb = "account.changed"     // by a directory; Detail names what, not how
	DidCreateGroup    Verb = "group.created"
	DidRenameGroup    Verb = "group.renamed"
	DidRemoveGroup    Verb = "group.removed"
	DidJoinGroup      Verb = "group.member-added" // Detail has the roles before and after
	DidLeaveGroup     Verb = "group.member-removed"
	DidCreateToken    Verb = "token.created"
	DidRevokeToken    Verb = "token.revoked"
)

// An Activity says who did what, on whom, when. It holds IDs and no secrets,
// no e-mail addresses and nothing that somebody typed into a sign-in form.
type Activity struct {
	ID      string            `json:"id"` // UUIDv7
	At      time.Time         `json:"at"`
	By      audit.Actor       `json:"by"` // a person's Name is their account's ID
	Session string            `json:"session,omitempty"`
	Token   string            `json:"token,omitempty"`
	Address string            `json:"address,omitempty"` // network address it came from
	Verb    Verb              `json:"verb"`
	On      string            `json:"on"` // "account:ID", "session:ID", "token:ID", or another kind and ID
	Detail  map[string]string `json:"detail,omitempty"`

	Number int64 `json:"-"` // 1, 2, 3 ... in the order things were done; read back only
	Record int64 `json:"-"` // log index of the sealed record, or audit.Unsequenced; read back only
}

// A Sink seals activities into the workspace's log. Seal returns the log index
// of the record. After a crash it is called again with an activity it may have
// sealed already: an ID it knows gets no second record.
type Sink interface {
	Seal(ctx context.Context, a Activity) (record int64, err error)
}

// Do keeps an activity of another package and seals it. When it returns nil the
// activity is in the log.
func (p *People) Do(ctx context.Context, by Subject, verb Verb, on string, detail map[string]string) (Activity, error) {
	return p.change(ctx, by, verb, on, detail, store.AccessChange{})
}

// change makes one change together with its activity. Nothing is changed while
// an earlier activity cannot be sealed. An error after the change itself says
// so; what was done then stands, and its activity is sealed before anything
// else is done.
func (p *People) change(ctx context.Context, by Subject, verb Verb, on string, detail map[string]string, c store.AccessChange) (Activity, error) {
	p.changing.Lock()
	defer p.changing.Unlock()
	if err := p.seal(ctx); err != nil {
		return Activity{}, fmt.Errorf("nothing was done: %w", err)
	}
	a, err := p.keepActivity(ctx, by, verb, on, detail, c)
	if err != nil {
		return Activity{}, err
	}
	if err := p.seal(context.WithoutCancel(ctx)); err != nil {
		return a, fmt.Errorf("%s on %s is done and waits to be sealed: %w", verb, on, err)
	}
	return a, nil
}

// keepActivity makes the change and the activity durable in one transaction.
func (p *People) keepActivity(ctx context.Context, by Subject, verb Verb, on string, detail map[string]string, c store.AccessChange) (Activity, error) {
	a, err := p.activity(by, verb, on, detail)
	if err != nil {
		return Activity{}, err
	}
	body, err := canonical.Marshal(a)
	if err != nil {
		return Activity{}, fmt.Errorf("activity %s: %w: %w", verb, audit.ErrInvalid, err)
	}
	c.Activity = store.Activity{ID: a.ID, At: a.At, Canonical: body}
	a.Number, err = p.store.ChangeAccess(ctx, c)
	return a, err
}

func (p *People) activity(by Subject, verb Verb, on string, detail map[string]string) (Activity, error) {
	now := p.now()
	id, err := newID(now)
	if err != nil {
		return Activity{}, err
	}
	if by.operator != "" {
		detail = maps.Clone(detail)
		if detail == nil {
			detail = map[string]string{}
		}
		detail["operator"] = by.operator
	}
	return Activity{ID: id, At: now, By: audit.Actor{Kind: by.Kind, Name: by.Account}, Session: by.Session, Token: by.Token,
		Address: by.Address, Verb: verb, On: on, Detail: detail, Record: audit.Unsequenced}, nil
}

// Seal seals what was done and is not sealed yet, as after a crash.
func (p *People) Seal(ctx context.Context) error {
	p.changing.Lock()
	defer p.changing.Unlock()
	return p.seal(ctx)
}

func (p *People) seal(ctx context.Context) error {
	for {
		waiting, err := p.store.UnsealedActivities(ctx, 100)
		if err != nil || len(waiting) == 0 {
			return err
		}
		for _, w := range waiting {
			a, err := readActivity(w)
			if err != nil {
				return err
			}
			record, err := p.sink.Seal(ctx, a)
			if err != nil {
				return fmt.Errorf("%w: activity %s cannot be sealed: %w", audit.ErrUnavailable, a.ID, err)
			}
			if err := p.store.ActivitySealed(ctx, a.ID, record); err != nil {
				return err
			}
		}
	}
}

// Activities returns up to limit activities with a number below before (0:
// all), the newest first. It needs the permission activity.read.
func (p *People) Activities(ctx context.Context, by Subject, before int64, limit int) ([]Activity, error) {
	if err := Require(by, "activity.read", Object{}); err != nil {
		return nil, err
	}
	rows, err := p.store.Activities(ctx, before, limit)
	if err != nil {
		return nil, err
	}
	out := make([]Activity, len(rows))
	for i, r := range rows {
		if out[i], err = readActivity(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readActivity(r store.Activity) (Activity, error) {
	var a Activity
	if err := json.Unmarshal(r.Canonical, &a); err != nil {
		return a, fmt.Errorf("%w: activity %s in the store: %w", audit.ErrAltered, r.ID, err)
	}
	a.Number, a.Record = r.Number, r.Record
	return a, nil
}
