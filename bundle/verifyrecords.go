package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"

	"tieout/audit"
	"tieout/ledger"
)

// collected is what the records of one collection come to.
type collected struct {
	source           string
	opened           bool
	end              *audit.CollectionEnd
	pages, manifests int
	incomplete       int // manifests that are not complete
}

// records checks every record: its commitment in the log at its index, and the
// digest of its raw bytes. The first that does not match is the error.
func (v *verifier) records(ctx context.Context) error {
	v.held = newBitset(v.cp.Size)
	leaves, progress := v.b.commitments(), v.o.progress("records")
	err := v.b.eachRecord(ctx, func(p packed) error {
		if v.c.Records++; v.c.Records%256 == 0 {
			progress(p.index, v.cp.Size)
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if p.index >= v.cp.Size {
			return altered(audit.EvidenceRef(p.index), "the log has %d entries", v.cp.Size)
		}
		v.held.set(p.index)
		if p.how == bodyErased {
			v.c.Erased = append(v.c.Erased, p.index)
			return nil
		}
		leaf, err := leaves.at(p.index)
		if err != nil {
			return err
		}
		if ledger.Commit(p.salt, p.canonical) != leaf {
			return altered(audit.EvidenceRef(p.index), "the record and its salt are not what the log committed to at that index")
		}
		return v.record(p)
	})
	if err != nil {
		return err
	}
	for _, index := range v.c.Erased {
		if !v.named[index] {
			return altered(audit.EvidenceRef(index), "it is marked as erased, and no sealed erasure names it")
		}
	}
	v.sayRecords()
	return nil
}

func (v *verifier) sayRecords() {
	there := int64(v.c.Records - len(v.c.Erased))
	v.c.add(Good, "%s in the log, each at its own index", be(there, "record is", "records are"))
	v.c.add(Good, "the raw bytes of %s their digests", be(there-int64(v.c.Withheld), "record match", "records match"))
	if n := len(v.c.Erased); n > 0 {
		v.c.add(Open, "%s erased, as sealed erasures say (first %s): only the commitment is left, and what it said cannot be checked",
			be(int64(n), "record was", "records were"), audit.EvidenceRef(v.c.Erased[0]))
	}
	if v.c.Withheld > 0 {
		v.c.add(Open, "the raw bytes of %s left out of this bundle", be(int64(v.c.Withheld), "record are", "records are"))
	}
}

// be is a count with the words for one and for many.
func be(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// record checks a record's bytes and counts it.
func (v *verifier) record(p packed) error {
	ref := audit.EvidenceRef(p.index)
	var rec audit.Record
	if err := json.Unmarshal(p.canonical, &rec); err != nil {
		return altered(ref, "it is not a record: %v", err)
	}
	rec.Index = p.index
	if rec.Size != p.size {
		return altered(ref, "it has %d bytes here, it was sealed with %d", p.size, rec.Size)
	}
	if p.how == bodyWithheld {
		v.c.Withheld++
	} else if err := v.digest(rec, p); err != nil {
		return err
	}
	if err := v.tally(rec, p); err != nil {
		return altered(ref, "it is no %s record: %v", rec.Kind, err)
	}
	return nil
}

// digest checks the raw bytes.
func (v *verifier) digest(rec audit.Record, p packed) error {
	h := sha256.New()
	n, err := io.Copy(h, v.b.body(p))
	if err != nil {
		return err
	}
	if n != p.size {
		return altered(rec.Ref(), "it has %d bytes, it was sealed with %d", n, p.size)
	}
	if got := digestText([sha256.Size]byte(h.Sum(nil))); got != rec.Digest {
		return altered(rec.Ref(), "its bytes have digest %s, it was sealed with %s", got, rec.Digest)
	}
	return nil
}

// tally counts a record toward its collection, and keeps the run.
func (v *verifier) tally(rec audit.Record, p packed) error {
	c := v.colls[rec.Collection]
	if c == nil {
		c = &collected{source: rec.Source}
		if rec.Collection != "" {
			v.colls[rec.Collection] = c
		}
	}
	switch rec.Kind {
	case audit.RecordPage:
		c.pages++
	case audit.RecordCollection:
		c.opened = true
	case audit.RecordManifest:
		var m audit.Manifest
		err := v.decode(p, &m)
		c.manifests++
		if !m.Complete {
			c.incomplete++
		}
		return err
	case audit.RecordEnd:
		c.end = new(audit.CollectionEnd)
		return v.decode(p, c.end)
	case audit.RecordErasure:
		return erasure(rec, v.named)
	case audit.RecordDefinition:
		if rec.Digest == v.c.Definitions {
			v.defs = rec.Index
		}
	case audit.RecordRun:
		if rec.Index == v.c.Run {
			v.run = new(sealedRun)
			return v.decode(p, v.run)
		}
	}
	return nil
}

// decode reads a record's bytes as JSON; where they were left out, nothing.
func (v *verifier) decode(p packed, to any) error {
	if p.how == bodyWithheld {
		return nil
	}
	body, err := v.b.bodyBytes(p)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, to)
}

// erasure notes which entry an erasure names: detail {"erased":INDEX,"why":...}.
func erasure(rec audit.Record, named map[int64]bool) error {
	var d struct {
		Erased *int64 `json:"erased"`
	}
	if err := json.Unmarshal(rec.Detail, &d); err != nil {
		return err
	}
	if d.Erased != nil {
		named[*d.Erased] = true
	}
	return nil
}
