package program

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/library"
)

// WritePolicy writes the draft of a policy's next version, or changes the draft
// there is. It needs policy.write. Revision is that of the policy as it was
// opened, 0 for a new one; if it changed since, the error wraps
// audit.ErrConflict.
func (b *Book) WritePolicy(ctx context.Context, by access.Subject, id string, revision int64, t PolicyText, note string, material bool) (Policy, error) {
	if err := access.Require(by, "policy.write", access.Object{}); err != nil {
		return Policy{}, err
	}
	if t.Audience == "" {
		t.Audience = Everyone
	}
	d := policyData{Title: t.Title, Owner: t.Owner, Audience: t.Audience, Acknowledge: t.Acknowledge, Review: t.Review, Controls: list(t.Controls),
		Summary: t.Summary, Text: lines(t.Text), Note: lines(note), Material: material}
	if t.Kind != KindPolicy {
		d.Kind = t.Kind
	}
	if t.File != "" {
		var err error
		if d.File, d.Digest, err = b.sealedFile(ctx, t.File); err != nil {
			return Policy{}, err
		}
	}
	return b.changePolicy(ctx, by, "policy.write", id, revision, d)
}

// sealedFile is the record of a document that is sealed and not erased, with its
// digest.
func (b *Book) sealedFile(ctx context.Context, ref string) (record, digest string, err error) {
	ref = strings.ToUpper(strings.TrimSpace(ref))
	n, err := strconv.ParseInt(strings.TrimPrefix(ref, "E-"), 10, 64)
	if err != nil || !fileForm.MatchString(ref) {
		return "", "", fmt.Errorf("%w: file: name the record of a sealed document, such as E-12", audit.ErrInvalid)
	}
	rec, err := b.seal.Store.Record(ctx, n)
	switch {
	case errors.Is(err, audit.ErrNotFound), err == nil && rec.Kind != audit.RecordDocument:
		return "", "", fmt.Errorf("%w: file: %s is no sealed document; add the file as evidence first", audit.ErrInvalid, ref)
	case err != nil:
		return "", "", err
	case rec.Digest == "":
		return "", "", fmt.Errorf("%w: file: %s was erased", audit.ErrConflict, ref)
	}
	return rec.Ref(), rec.Digest, nil
}

// lines is a text with its lines ended in one way, as browsers send another.
func lines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// ApprovePolicy approves the draft with that hash for management: it is in
// force from then on. It needs policy.approve, which none of the draft's
// authors has on it, and a text without placeholders.
func (b *Book) ApprovePolicy(ctx context.Context, by access.Subject, id string, revision int64, hash string) (Policy, error) {
	p, err := b.Policy(ctx, id)
	if err != nil {
		return p, err
	}
	v := p.Draft()
	if v == nil {
		return p, fmt.Errorf("%w: %s has no draft that could be approved", audit.ErrConflict, id)
	}
	if err := b.second(ctx, by, "policy.approve", access.Object{Prepared: v.By}); err != nil {
		return p, err
	}
	if open := v.Unfilled(); len(open) > 0 {
		return p, fmt.Errorf("%w: the text still holds %s. Fill that in first", audit.ErrConflict, strings.Join(open, ", "))
	}
	return b.changePolicy(ctx, by, "policy.approve", id, revision, versionData{v.Number, hash})
}

// Unfilled returns the placeholders that nobody has filled in yet, with their
// braces; a text that holds one cannot be approved.
func (t PolicyText) Unfilled() []string {
	return library.Placeholders(t.Title + "\n" + t.Summary + "\n" + t.Text)
}

// ReviewPolicy says that the version in force was reviewed now and stays as it
// is. It needs policy.write.
func (b *Book) ReviewPolicy(ctx context.Context, by access.Subject, id string, revision int64, note string) (Policy, error) {
	if err := access.Require(by, "policy.write", access.Object{}); err != nil {
		return Policy{}, err
	}
	return b.changePolicy(ctx, by, "policy.review", id, revision, noteData{lines(note)})
}

// RetirePolicy takes a policy out of force, and says why. Of one that was in
// force it needs policy.approve, which its authors do not have on it; of a mere
// draft policy.write.
func (b *Book) RetirePolicy(ctx context.Context, by access.Subject, id string, revision int64, why string) (Policy, error) {
	p, err := b.Policy(ctx, id)
	if err != nil {
		return p, err
	}
	need, on := p.Retiring()
	if err := b.second(ctx, by, need, on); err != nil {
		return p, err
	}
	return b.changePolicy(ctx, by, "policy.retire", id, revision, noteData{lines(why)})
}

// Retiring is what retiring the policy is asked for.
func (p *Policy) Retiring() (access.PermissionID, access.Object) {
	if v := p.InForce(); v != nil {
		return "policy.approve", access.Object{Prepared: v.By}
	}
	return "policy.write", access.Object{}
}

func (b *Book) changePolicy(ctx context.Context, by access.Subject, kind, id string, revision int64, d any) (Policy, error) {
	if _, err := b.write(ctx, by, kind, "policy:"+id, revision, d); err != nil {
		return Policy{}, err
	}
	return b.Policy(ctx, id)
}

// Policy returns one policy, or audit.ErrNotFound.
func (b *Book) Policy(ctx context.Context, id string) (out Policy, err error) {
	err = b.Read(ctx, func(s *State) error {
		p := s.Policies[id]
		if p == nil {
			return fmt.Errorf("%w: policy %s", audit.ErrNotFound, id)
		}
		out = p.clone()
		return nil
	})
	return out, err
}

// AllPolicies returns the policies that are kept here, in the order of IDs.
func (b *Book) AllPolicies(ctx context.Context) (out []Policy, err error) {
	err = b.Read(ctx, func(s *State) error {
		for _, p := range sorted(s.Policies) {
			out = append(out, p.clone())
		}
		return nil
	})
	return out, err
}
