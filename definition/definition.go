// Package definition reads what people write: the workspace folder that lives
// in git, and the library inside the program. Everything is checked when it is
// read, and every problem is reported at once with file, line and column.
// Plan says what a change of the definitions does to a running period.
//
// The formats are described in docs/formats/workspace.md.
package definition

// A File is one definition file as it is.
type File struct {
	Path   string `json:"path"` // relative to the workspace, with slashes
	Digest string `json:"digest"`
	Bytes  []byte `json:"-"`
}
