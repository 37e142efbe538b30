package examination

import (
	"context"
	"fmt"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/signature"
	"tieout/store"
)

// Keys checks signatures by the keys that people of this workspace announced in
// its log before they signed.
type Keys struct{ Store *store.Store }

// CheckSignature returns nil where a signature holds and is by the key that the
// account announced; else an error that wraps audit.ErrAltered, audit.ErrForbidden
// or audit.ErrNotFound.
func (k Keys) CheckSignature(ctx context.Context, account string, sig engagement.Signature) error {
	if err := signature.Verify(sig, sig.Digest); err != nil {
		return err
	}
	a, err := signature.AnnouncedKey(ctx, k.Store, sig.Key)
	if err != nil {
		return fmt.Errorf("the key of the signature: %w", err)
	}
	if a.Account != account || sig.Signer != account {
		return fmt.Errorf("%w: the key is %s's; one signs with a key of one's own", audit.ErrForbidden, a.Account)
	}
	return nil
}

// Own is CheckSignature for the person whom the signature names, as package
// management asks it.
func (k Keys) Own(ctx context.Context) func(engagement.Signature, string) error {
	return func(sig engagement.Signature, digest string) error {
		if sig.Digest != digest {
			return fmt.Errorf("%w: the signature is over something else", audit.ErrAltered)
		}
		return k.CheckSignature(ctx, sig.Signer, sig)
	}
}
