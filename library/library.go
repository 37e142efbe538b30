// Package library holds the files that ship inside the program: criteria,
// mappings to other frameworks, control texts and procedures, starter policies
// and courses. Packages definition and policy read and check them; a person
// may read and copy them.
package library

import (
	"embed"
	"io/fs"
)

// Files are the files that say what is tested: criteria/*.yaml (one a criteria
// set), mappings/*.yaml (one a framework), controls/*.yaml (one a family or a
// few) and procedures/*.yaml (one a procedure, named by its id).
//
//go:embed criteria/*.yaml mappings/*.yaml controls/*.yaml procedures/*.yaml
var Files embed.FS

// texts are what people read. They are apart from Files, whose digest names
// the library that a result was made with: a better sentence in a policy does
// not make results incomparable.
//
//go:embed policies/*.md plans/*.md training/*.md
var texts embed.FS

// Policies returns the starter policies: ID.md each, at the root.
func Policies() fs.FS { return within(texts, "policies") }

// Plans returns plans to start from, forms with empty places: ID.md each, at the
// root.
func Plans() fs.FS { return within(texts, "plans") }

// Training returns the courses: ID.md each, at the root.
func Training() fs.FS { return within(texts, "training") }

// within cannot fail: the folders are embedded under these names.
func within(files embed.FS, folder string) fs.FS {
	out, err := fs.Sub(files, folder)
	if err != nil {
		panic(err)
	}
	return out
}
