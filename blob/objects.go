package blob

import (
	"context"
	"io"
)

// Objects is a place for named objects: a folder or a bucket. Names are lower
// case letters, digits and dots.
type Objects interface {
	// Begin starts an object that has no name yet.
	Begin(ctx context.Context) (Draft, error)
	// Open returns an object; audit.ErrNotFound if there is none.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	Has(ctx context.Context, name string) (bool, error)
	// Remove deletes an object; one that is not there is no error.
	Remove(ctx context.Context, name string) error
	// Names calls yield with every name and stops at its first error.
	Names(ctx context.Context, yield func(name string) error) error
}

// A Draft is an object that is being written. Until Commit nobody sees it.
type Draft interface {
	io.Writer
	// Commit gives the object its name. When it returns nil the object is
	// durable. An object of that name is replaced as a whole, or, without
	// replace, is audit.ErrConflict.
	Commit(ctx context.Context, name string, replace bool) error
	// Close gives back what the draft holds; without Commit nothing is left.
	Close() error
}
