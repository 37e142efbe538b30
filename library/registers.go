package library

import (
	"embed"
	"io/fs"
)

// registers are tables that registers begin with: risks to think about, and the
// clocks that may run after an incident. They are apart from Files: no result
// rests on them. Nor does any on words: what reports, standards, frameworks and
// terms are.
//
//go:embed risks/*.yaml breach/*.yaml words/*.yaml
var registers embed.FS

// Risks returns the example risks: files of YAML at the root.
func Risks() fs.FS { return within(registers, "risks") }

// Breach returns the clocks of laws and contracts: files of YAML at the root.
func Breach() fs.FS { return within(registers, "breach") }

// Words returns reference data on what people say around a SOC 2: files of YAML at
// the root.
func Words() fs.FS { return within(registers, "words") }
