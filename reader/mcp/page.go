package mcp

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"tieout/audit"
	"tieout/period"
)

// Paging is how a list is asked for, a page at a time.
type Paging struct {
	Limit  int    `json:"limit,omitempty" jsonschema:"at most so many: 1 to 200, more is answered with 200; 50 if missing"`
	Cursor string `json:"cursor,omitempty" jsonschema:"page.next of the answer before, with the same filters; missing: from the beginning"`
}

// A Page says which part of a list an answer holds.
type Page struct {
	From  int    `json:"from" jsonschema:"how many come before"`
	Shown int    `json:"shown"`
	Total int    `json:"total" jsonschema:"how many the filters choose"`
	Next  string `json:"next,omitempty" jsonschema:"cursor of the next page; missing: this is the last"`
}

const (
	defaultLimit = 50
	maxLimit     = 200
	pageBytes    = 192 << 10 // a page ends early where its values grow beyond
)

// A place is what a cursor says: where in which list of which run.
type place struct {
	List string `json:"l"` // digest of tool and filters
	Run  int64  `json:"r"` // the run it is of; lists of another run are others
	At   int    `json:"a"`
}

// listOf names a list: the tool, and the filters without their paging.
func listOf(tool string, filters any) string {
	b, err := json.Marshal(filters)
	if err != nil { // filters are strings and numbers
		panic(err)
	}
	sum := sha256.Sum256(append([]byte(tool+"\x00"), b...))
	return hex.EncodeToString(sum[:6])
}

// start reads where a page begins and how long it may be.
func (p Paging) start(list string, run int64) (at, limit int, err error) {
	limit = p.Limit
	switch {
	case limit < 0:
		return 0, 0, fmt.Errorf("%w: limit %d; it is a number from 1 to %d", audit.ErrUsage, limit, maxLimit)
	case limit == 0:
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	if p.Cursor == "" {
		return 0, limit, nil
	}
	var x place
	b, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil || json.Unmarshal(b, &x) != nil || x.At < 0 {
		return 0, 0, fmt.Errorf("%w: the cursor is none that this server gave; leave it out to begin again", audit.ErrUsage)
	}
	if x.List != list {
		return 0, 0, fmt.Errorf("%w: the cursor belongs to another question; use it with the same tool and filters, or leave it out", audit.ErrUsage)
	}
	if x.Run != run {
		return 0, 0, fmt.Errorf("%w: the period was tested again since the page before; leave the cursor out to begin again", audit.ErrConflict)
	}
	return x.At, limit, nil
}

func cursor(list string, run int64, at int) string {
	b, err := json.Marshal(place{list, run, at})
	if err != nil { // strings and numbers
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// cut takes the page that p asks for out of a whole list.
func cut[T any](items []T, p Paging, list string, run *period.Run) ([]T, Page, error) {
	record := recordOf(run)
	at, limit, err := p.start(list, record)
	if err != nil {
		return nil, Page{}, err
	}
	out, size := []T{}, 0
	for _, x := range items[min(at, len(items)):] {
		b, err := json.Marshal(x)
		if err != nil {
			return nil, Page{}, err
		}
		if size += len(b); len(out) == limit || len(out) > 0 && size > pageBytes {
			break
		}
		out = append(out, x)
	}
	page := Page{From: at, Shown: len(out), Total: len(items)}
	if next := at + len(out); next < len(items) {
		page.Next = cursor(list, record, next)
	}
	return out, page, nil
}

// recordOf is the run's place in the log; -1 where nothing was tested yet.
func recordOf(run *period.Run) int64 {
	if run == nil {
		return audit.Unsequenced
	}
	return run.Record
}
