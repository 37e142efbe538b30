package library

import (
	"embed"
	"io/fs"
)

// vendors are what is commonly assumed of vendors, by their kind. They are apart
// from Files: no result rests on them.
//
//go:embed vendors/*.yaml
var vendors embed.FS

// Vendors returns what is commonly assumed of vendors: files of YAML at the root.
func Vendors() fs.FS { return within(vendors, "vendors") }
