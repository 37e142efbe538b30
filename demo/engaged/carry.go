package engaged

import (
	"context"
	"path/filepath"

	"tieout/audit"
	"tieout/engagement/packet"
	"tieout/ledger"
	"tieout/period"
)

// courier is who carries packets from folder to folder.
var courier = audit.Actor{Kind: audit.ActorCommand, Name: "tieout demo"}

type poster func(ctx context.Context, id, other string) (*packet.Post, error)

// toClient carries what the firm released to Halyard.
func (x *exam) toClient(ctx context.Context) error {
	return x.carry(ctx, x.Firm.P, filepath.Join(x.Packets, x.id, "to-halyard"), x.Firm.Flush, x.Firm.Post, x.Client.Post, x.Client.Take)
}

// toFirm carries what Halyard decided to the firm.
func (x *exam) toFirm(ctx context.Context) error {
	return x.carry(ctx, x.Client.P, filepath.Join(x.Packets, x.id, "to-the-firm"), x.Client.Flush, x.Client.Post, x.Firm.Post, x.Firm.Take)
}

// both carries both ways, so that each side has heard what the other took.
func (x *exam) both(ctx context.Context) error {
	if err := x.toClient(ctx); err != nil {
		return err
	}
	return x.toFirm(ctx)
}

// carry writes one side's packets into a folder and takes them on the other.
func (x *exam) carry(ctx context.Context, from *period.Program, dir string, flush func(context.Context, string) error, ours, theirs poster, take func(context.Context, packet.Received) error) error {
	if err := flush(ctx, x.id); err != nil {
		return err
	}
	out, err := ours(ctx, x.id, "")
	if err != nil {
		return err
	}
	if _, err := out.Outbox(ctx, dir); err != nil {
		return err
	}
	in, err := theirs(ctx, x.id, from.Log.Keys().Log())
	if err != nil {
		return err
	}
	_, err = in.Inbox(ctx, courier, dir, ledger.Consent{}, take)
	return err
}
