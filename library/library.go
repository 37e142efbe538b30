// Package library holds the files that ship inside the program: criteria,
// mappings to other frameworks, control texts and procedures. Package
// definition reads and checks them; a person may read and copy them.
package library

import "embed"

// Files are the library's files: criteria/*.yaml (one a criteria set),
// mappings/*.yaml (one a framework), controls/*.yaml (one a family or a few)
// and procedures/*.yaml (one a procedure, named by its id).
//
//go:embed criteria/*.yaml mappings/*.yaml controls/*.yaml procedures/*.yaml
var Files embed.FS
