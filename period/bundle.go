package period

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"tieout/audit"
	"tieout/bundle"
	"tieout/evidence"
	"tieout/internal/canonical"
	"tieout/procedure"
	"tieout/report"
	"tieout/store"
)

// Bundle writes one file with everything a stranger needs to check and repeat a
// run: definitions, raw evidence, items, the log, results and the report. It
// returns the bundle's identity. Only a recorded run can be bundled.
func (p *Program) Bundle(ctx context.Context, w io.Writer, run *Run) (string, error) {
	if !run.Recorded {
		return "", fmt.Errorf("%w: a rehearsal is not recorded and cannot be bundled; apply the definitions and check again", audit.ErrConflict)
	}
	in, err := p.contents(ctx, run)
	if err != nil {
		return "", err
	}
	return bundle.Write(ctx, w, in)
}

func (p *Program) contents(ctx context.Context, run *Run) (bundle.Contents, error) {
	rev, err := p.Store.RevisionByHash(ctx, run.Definitions)
	if err != nil {
		return bundle.Contents{}, err
	}
	r, err := p.Report(ctx, run, report.Outsider)
	if err != nil {
		return bundle.Contents{}, err
	}
	value, err := canonical.Marshal(r)
	if err != nil {
		return bundle.Contents{}, fmt.Errorf("encode the report: %w", err)
	}
	log, err := p.bundleLog(ctx)
	if err != nil {
		return bundle.Contents{}, err
	}
	in := bundle.Contents{
		About: bundle.About{
			Organization: p.Def.Organization, Period: run.Period, AsOf: run.AsOf, Holidays: p.Def.Config.Holidays,
			Definitions: run.Definitions, Run: run.Record, Versions: run.Versions,
		},
		Definitions: rev.Canonical, Log: log, Report: value, Drivers: p.Drivers,
		Records: func(ctx context.Context, yield func(bundle.Record) error) error {
			return p.bundleRecords(ctx, log.Size, yield)
		},
	}
	return in, p.addResults(ctx, run, &in)
}

// addResults adds the procedures as they ran and what each found.
func (p *Program) addResults(ctx context.Context, run *Run, in *bundle.Contents) error {
	for _, res := range run.Results {
		i := slices.IndexFunc(p.selection().Procedures, func(x *procedure.Procedure) bool { return x.Hash == res.Hash })
		if i < 0 {
			return fmt.Errorf("%w: the run used %s (%s), which the files no longer hold; check again", audit.ErrConflict, res.Procedure, res.Hash)
		}
		proc := p.selection().Procedures[i]
		in.Procedures = append(in.Procedures, bundle.Procedure{
			ID: proc.ID, Hash: proc.Hash, File: proc.File(), Document: proc.Document(), Parameters: inForce(proc),
			Controls: proc.Controls, Effective: proc.Effective,
		})
		in.Results = append(in.Results, bundle.Results{Procedure: res.Procedure, Hash: res.Hash, Open: func(ctx context.Context) (io.ReadCloser, error) {
			return p.Blobs.Get(ctx, res.Digest)
		}})
	}
	return nil
}

// inForce is every parameter where the workspace gave one another value.
func inForce(proc *procedure.Procedure) map[string]any {
	if len(proc.Overrides()) == 0 {
		return nil
	}
	return proc.Parameters
}

func (p *Program) bundleLog(ctx context.Context) (bundle.Log, error) {
	head := p.Log.Head()
	sayings, err := p.Store.Cosignatures(ctx, head.Size)
	if err != nil {
		return bundle.Log{}, err
	}
	s, err := p.Succession(ctx)
	if err != nil {
		return bundle.Log{}, err
	}
	keys := bundle.Keys{First: s.First}
	for _, step := range s.Steps {
		keys.Steps = append(keys.Steps, bundle.KeyStep(step))
	}
	return bundle.Log{Checkpoint: head.Note, Keys: keys, Sayings: sayings, Size: head.Size, Commitments: p.Store.LeafRange}, nil
}

// bundleRecords yields every record of the log with what its commitment needs.
// The bytes of packets stay out: they hold bundles themselves, each of which would
// hold all packets before it, and they are for the other side alone.
func (p *Program) bundleRecords(ctx context.Context, size int64, yield func(bundle.Record) error) error {
	next := int64(0)
	give := func(rec audit.Record) error {
		canon, salt, erased, err := p.Store.Canonical(ctx, rec.Index)
		if err != nil {
			return err
		}
		next = rec.Index + 1
		return yield(bundle.Record{
			Index: rec.Index, Canonical: canon, Salt: salt, Erased: erased,
			Withheld: rec.Kind == audit.RecordFieldwork || rec.Kind == audit.RecordPacket || rec.Kind == audit.RecordTrust, // management's side is its own until it is sent
			Body: func(ctx context.Context) (io.ReadCloser, error) {
				body, err := evidence.ReadBody(ctx, p.Store, p.Blobs, rec)
				return io.NopCloser(bytes.NewReader(body)), err
			},
		})
	}
	err := p.Store.Records(ctx, store.RecordFilter{To: size}, func(rec audit.Record) error {
		for ; next < rec.Index; next++ { // erased records are not listed
			if err := yield(bundle.Record{Index: next, Erased: true}); err != nil {
				return err
			}
		}
		return give(rec)
	})
	for ; err == nil && next < size; next++ {
		err = yield(bundle.Record{Index: next, Erased: true})
	}
	return err
}

// Backup writes the store, as it is at one instant, to a new file, while others
// go on working.
func (p *Program) Backup(ctx context.Context, path string) error { return p.Store.Backup(ctx, path) }

// VerifyStore checks everything the workspace has sealed: every record's bytes
// against its digest, every record against its commitment, every commitment
// against the log, and that every blob is there. It returns how many records
// were checked, and the faults, each naming a record.
func (p *Program) VerifyStore(ctx context.Context, progress func(done, total int64)) (checked int64, faults []error, err error) {
	size := p.Log.Checkpoint().Size
	gone, err := p.erasures(ctx)
	if err != nil {
		return 0, nil, err
	}
	for i := int64(0); i < size; i++ {
		if err := ctx.Err(); err != nil {
			return checked, faults, err
		}
		if progress != nil && i%256 == 0 {
			progress(i, size)
		}
		x, err := p.proven(ctx, i)
		_, named := gone[i]
		switch {
		case errors.Is(err, audit.ErrNotFound), errors.Is(err, audit.ErrInvalid):
			faults = append(faults, fmt.Errorf("%w: %s: %w", audit.ErrAltered, audit.EvidenceRef(i), err))
		case errors.Is(err, audit.ErrAltered):
			faults = append(faults, fmt.Errorf("%s: %w", audit.EvidenceRef(i), err))
		case err != nil:
			return checked, faults, err
		case !x.Unchanged:
			faults = append(faults, fmt.Errorf("%w: %s: %s", audit.ErrAltered, audit.EvidenceRef(i), x.Fault))
		case x.Erased && !named:
			faults = append(faults, unnamed(i))
		case !x.Erased:
			if err := p.remembered(ctx, x); err != nil {
				faults = append(faults, err)
			}
		}
		checked++
	}
	return checked, faults, nil
}

// remembered checks that what the store keeps beside the log of collections,
// definitions and runs, which is what everything reads, is what was sealed.
func (p *Program) remembered(ctx context.Context, x *Piece) error {
	wrong := func(what string) error {
		return fmt.Errorf("%w: %s: the store keeps %s otherwise than it was sealed", audit.ErrAltered, audit.EvidenceRef(x.Index), what)
	}
	switch x.Record.Kind {
	case audit.RecordCollection, audit.RecordEnd:
		col, err := p.Store.Collection(ctx, x.Record.Collection)
		if isNotFound(err) && p.toAdopt(ctx, x.Record) || err == nil && x.Record.Kind == audit.RecordEnd && col.End == nil {
			return nil // the next collection goes on there
		}
		if err != nil {
			return wrong("the collection: " + err.Error())
		}
		var kept any = col.Collection
		index := col.Record
		if x.Record.Kind == audit.RecordEnd {
			kept, index = col.End, col.EndRecord
		}
		if body, err := canonical.Marshal(kept); err != nil || !bytes.Equal(body, x.Body) || index != x.Index {
			return wrong("the collection")
		}
	case audit.RecordDefinition:
		sum := sha256.Sum256(x.Body)
		rev, err := p.Store.RevisionByHash(ctx, "sha256:"+hex.EncodeToString(sum[:]))
		if isNotFound(err) {
			return nil // sealed, and the applying was cut off: the files are applied again
		}
		if err != nil || !bytes.Equal(rev.Canonical, x.Body) {
			return wrong("the definitions")
		}
	}
	return nil
}

// toAdopt reports whether a sealed collection is newer than all that the store
// knows of its source: its process died before it could say more.
func (p *Program) toAdopt(ctx context.Context, rec audit.Record) bool {
	known, err := p.Store.Collections(ctx, rec.Source)
	return err == nil && !slices.ContainsFunc(known, func(c store.SavedCollection) bool { return c.Record >= rec.Index })
}
