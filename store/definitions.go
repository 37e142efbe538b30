package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"tieout/audit"
)

// A Revision is one state of the workspace's definitions, as it was applied.
type Revision struct {
	Number    int64  // 1, 2, 3 ... in the order they were applied; set by the store
	Hash      string // of Canonical
	Canonical []byte // kept once for each hash, byte for byte
	Applied   time.Time
	Actor     audit.Actor
	Record    int64 // log index of its RecordDefinition, or audit.Unsequenced
}

// SaveRevision adds a revision after all others and returns its number.
// Going back to an earlier text is a new revision of the same hash.
func (s *Store) SaveRevision(ctx context.Context, r Revision) (number int64, err error) {
	if r.Hash == "" || len(r.Canonical) == 0 {
		return 0, fmt.Errorf("save revision: %w: no hash or no canonical bytes", audit.ErrInvalid)
	}
	if err := checkTexts("hash", r.Hash, "actor", string(r.Actor.Kind), "actor", r.Actor.Name); err != nil {
		return 0, fmt.Errorf("save revision: %w", err)
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		if number, err = next(ctx, tx, "revision", 1); err != nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, `insert into definitions (hash, canonical) values ($1, $2) on conflict (hash) do nothing`,
			r.Hash, r.Canonical); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `insert into revisions (n, hash, applied, actor_kind, actor_name, record)
			values ($1, $2, $3, $4, $5, $6)`, number, r.Hash, micros(r.Applied), string(r.Actor.Kind), r.Actor.Name, r.Record)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("save revision %s: %w", r.Hash, err)
	}
	return number, nil
}

const revisionQuery = `select r.n, r.hash, d.canonical, r.applied, r.actor_kind, r.actor_name, r.record
	from revisions r join definitions d on d.hash = r.hash `

func scanRevision(scan func(...any) error) (r Revision, err error) {
	var applied int64
	err = scan(&r.Number, &r.Hash, &r.Canonical, &applied, &r.Actor.Kind, &r.Actor.Name, &r.Record)
	r.Applied = instant(applied)
	return r, err
}

// NewestRevision returns the revision applied last, or audit.ErrNotFound.
func (s *Store) NewestRevision(ctx context.Context) (Revision, error) {
	r, err := scanRevision(s.reader.QueryRowContext(ctx, revisionQuery+`order by r.n desc limit 1`).Scan)
	return r, found(err, "revision of the definitions; apply them first")
}

// RevisionByHash returns the newest revision of that hash, or audit.ErrNotFound.
func (s *Store) RevisionByHash(ctx context.Context, hash string) (Revision, error) {
	r, err := scanRevision(s.reader.QueryRowContext(ctx, revisionQuery+`where r.hash = $1 order by r.n desc limit 1`, hash).Scan)
	return r, found(err, "revision %s of the definitions", hash)
}

// Revisions returns all revisions in the order they were applied.
func (s *Store) Revisions(ctx context.Context) (out []Revision, err error) {
	err = s.eachRow(ctx, func(rows *sql.Rows) error {
		r, err := scanRevision(rows.Scan)
		out = append(out, r)
		return err
	}, revisionQuery+`order by r.n`)
	if err != nil {
		return nil, fmt.Errorf("list revisions: %w", err)
	}
	return out, nil
}

// A Run is one run of the procedures. What they found is kept elsewhere by
// digest.
type Run struct {
	ID         string
	AsOf       time.Time // the evidence considered
	Started    time.Time
	Definition string            // hash of the revision
	Record     int64             // log index of its RecordRun, or audit.Unsequenced
	Results    map[string]string // procedure hash -> digest of its results
}

// SaveRun keeps a run; what was kept under its ID before is replaced.
func (s *Store) SaveRun(ctx context.Context, r Run) error {
	if err := checkTexts("run ID", r.ID, "definition", r.Definition); err != nil {
		return fmt.Errorf("save run: %w", err)
	}
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `insert into runs (id, as_of, started, definition, record) values ($1, $2, $3, $4, $5)
			on conflict (id) do update set as_of = excluded.as_of, started = excluded.started,
			definition = excluded.definition, record = excluded.record`,
			r.ID, micros(r.AsOf), micros(r.Started), r.Definition, r.Record)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `delete from run_results where run = $1`, r.ID); err != nil {
			return err
		}
		return s.insertResults(ctx, tx, r)
	})
	if err != nil {
		return fmt.Errorf("save run %s: %w", r.ID, err)
	}
	return nil
}

func (s *Store) insertResults(ctx context.Context, tx *sql.Tx, r Run) error {
	type pair struct{ procedure, digest string }
	pairs := make([]pair, 0, len(r.Results))
	for p, d := range r.Results {
		if err := checkTexts("procedure", p, "digest", d); err != nil {
			return err
		}
		pairs = append(pairs, pair{p, d})
	}
	_, err := insertInto("run_results", "run, procedure, digest", "").run(ctx, tx, s.dialect, len(pairs), func(args []any, i int) []any {
		return append(args, r.ID, pairs[i].procedure, pairs[i].digest)
	})
	return err
}

// Run returns a run, or audit.ErrNotFound.
func (s *Store) Run(ctx context.Context, id string) (Run, error) {
	runs, err := s.runs(ctx, `where id = $1`, id)
	return one(runs, err, "run %q", id)
}

// NewestRun returns the run that started last, or audit.ErrNotFound.
func (s *Store) NewestRun(ctx context.Context) (Run, error) {
	runs, err := s.runs(ctx, `order by started desc, id desc limit 1`)
	return one(runs, err, "run; nothing has been tested yet")
}

// Runs returns up to limit runs, the newest first.
func (s *Store) Runs(ctx context.Context, limit int) ([]Run, error) {
	runs, err := s.runs(ctx, `order by started desc, id desc limit `+strconv.Itoa(max(0, limit)))
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return runs, nil
}

func one[T any](all []T, err error, what string, args ...any) (v T, _ error) {
	if err == nil && len(all) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return v, found(err, what, args...)
	}
	return all[0], nil
}

func (s *Store) runs(ctx context.Context, where string, args ...any) (out []Run, err error) {
	err = s.eachRow(ctx, func(rows *sql.Rows) error {
		var asOf, started int64
		r := Run{Results: map[string]string{}}
		err := rows.Scan(&r.ID, &asOf, &started, &r.Definition, &r.Record)
		r.AsOf, r.Started = instant(asOf), instant(started)
		out = append(out, r)
		return err
	}, `select id, as_of, started, definition, record from runs `+where, args...)
	for i := range out {
		if err == nil {
			err = s.results(ctx, &out[i])
		}
	}
	return out, err
}

func (s *Store) results(ctx context.Context, r *Run) error {
	return s.eachRow(ctx, func(rows *sql.Rows) error {
		var procedure, digest string
		err := rows.Scan(&procedure, &digest)
		r.Results[procedure] = digest
		return err
	}, `select procedure, digest from run_results where run = $1`, r.ID)
}

// A Decision is one answer about a deviation. Decisions are added, never
// changed; the newest about a deviation is the one in force.
type Decision struct {
	ID          string // of its sealed RecordDecision
	Ref         string // of the deviation, "D-..."
	Disposition audit.Disposition
	Cause       string
	Response    string
	Why         string
	Actor       audit.Actor
	Decided     time.Time
	Record      int64 // log index, or audit.Unsequenced
}

// AddDecision keeps a decision. The same decision again is no error, also
// with its log index known by now; another one under the same ID is
// audit.ErrConflict.
func (s *Store) AddDecision(ctx context.Context, d Decision) error {
	if d.ID == "" || d.Ref == "" {
		return fmt.Errorf("add decision: %w: no ID or no deviation", audit.ErrInvalid)
	}
	if err := checkTexts("ID", d.ID, "deviation", d.Ref, "disposition", string(d.Disposition), "cause", d.Cause,
		"response", d.Response, "reason", d.Why, "actor", string(d.Actor.Kind), "actor", d.Actor.Name); err != nil {
		return fmt.Errorf("add decision: %w", err)
	}
	res, err := s.writer.ExecContext(ctx, `insert into decisions (id, ref, disposition, cause, response, why, actor_kind, actor_name, decided, record)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (id) do update set record = excluded.record
		where decisions.ref = excluded.ref and decisions.disposition = excluded.disposition
		and decisions.cause = excluded.cause and decisions.response = excluded.response and decisions.why = excluded.why
		and decisions.actor_kind = excluded.actor_kind and decisions.actor_name = excluded.actor_name
		and decisions.decided = excluded.decided`,
		d.ID, d.Ref, string(d.Disposition), d.Cause, d.Response, d.Why, string(d.Actor.Kind), d.Actor.Name, micros(d.Decided), d.Record)
	return changedOne(res, err, "add decision on "+d.Ref, "decision "+d.ID+" exists with other words")
}

// Decisions returns the decisions about one deviation, or about all for "", in
// the order of time.
func (s *Store) Decisions(ctx context.Context, ref string) (out []Decision, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var d Decision
		var decided int64
		err := r.Scan(&d.ID, &d.Ref, &d.Disposition, &d.Cause, &d.Response, &d.Why, &d.Actor.Kind, &d.Actor.Name, &decided, &d.Record)
		d.Decided = instant(decided)
		out = append(out, d)
		return err
	}, `select id, ref, disposition, cause, response, why, actor_kind, actor_name, decided, record
		from decisions where $1 = '' or ref = $1 order by decided, id`, ref)
	if err != nil {
		return nil, fmt.Errorf("list decisions: %w", err)
	}
	return out, nil
}
