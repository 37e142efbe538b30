// Command gen writes what is made from audit.ItemTypes: the dictionary people
// read (docs/formats/items.md) and the JSON Schema machines read
// (docs/formats/items.schema.json). Run it from the module's root:
//
//	go run ./internal/gen
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tieout/audit"
)

func main() {
	log.SetFlags(0)
	files, err := generate()
	if err != nil {
		log.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.FromSlash(name), data, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// generate returns every generated file by its path from the module's root.
func generate() (map[string][]byte, error) {
	schema, err := audit.JSONSchema()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		"docs/formats/items.schema.json": append(schema, '\n'),
		"docs/formats/items.md":          dictionary(),
	}, nil
}

const preamble = `# Items (schema %d)

Made from audit.ItemTypes by ` + "`go run ./internal/gen`" + `; do not edit. The same as JSON Schema: items.schema.json.

A normalized item has a type, an id, for events and changes an instant, and a body: canonical JSON (RFC 8785) of the
fields below. A dotted name is a nested object: ` + "`mfa.enforced`" + ` is written ` + "`{\"mfa\":{\"enforced\":true}}`" + `. The id and the instant
are not part of the body; expressions call them ` + "`TYPE.id`" + ` and ` + "`TYPE.at`" + `.

| kind | written as | known to be absent |
|---|---|---|
| bool | true, false | cannot be |
| int | an integer below 2^53 | cannot be |
| string | a string | "" |
| time | RFC 3339 in UTC, up to six decimals, no trailing zeros: "2026-03-17T02:14:07.5Z" | "never" |
| strings | an array of strings | [] |
| records | an array of objects | [] |

A key that is missing was not collected: unknown, never a pass. Nothing is ever null, and no nested object is empty.
The value for known absence may be written only where the table says what it means. A field marked volatile changes
without meaning; it is not part of the body and makes no new version.
`

func dictionary() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, preamble, audit.SchemaVersion)
	types := slices.Clone(audit.ItemTypes)
	slices.SortFunc(types, func(x, y *audit.ItemType) int { return strings.Compare(x.Name, y.Name) })
	for _, t := range types {
		writeType(&b, t)
	}
	return b.Bytes()
}

func writeType(b *bytes.Buffer, t *audit.ItemType) {
	kind := "has versions"
	if t.Event {
		kind = "event: happens once"
	}
	fmt.Fprintf(b, "\n## %s\n\n%s (%s)\n\n| field | kind | what it says | known to be absent |\n|---|---|---|---|\n", t.Name, t.Doc, kind)
	for _, f := range t.Fields {
		writeField(b, "", f)
	}
}

func writeField(b *bytes.Buffer, prefix string, f audit.Field) {
	doc, kind := f.Doc, string(f.Kind)
	if len(f.Enum) > 0 {
		doc += " One of: " + strings.Join(f.Enum, ", ") + "."
	}
	if f.Volatile {
		kind += ", volatile"
	}
	if f.AgeOf != "" {
		doc += " Filled in by the timeline from " + f.AgeOf + "; the steps are in docs/formats/timeline.md."
	}
	fmt.Fprintf(b, "| %s%s | %s | %s | %s |\n", prefix, f.Name, kind, doc, f.None)
	for _, of := range f.Of {
		writeField(b, prefix+f.Name+"[].", of)
	}
}
