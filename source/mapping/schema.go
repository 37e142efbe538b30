package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// compileSchema reads a JSON Schema. References to other documents are refused:
// what normalizing rests on is sealed with the collection.
func compileSchema(data []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	if err := c.AddResource("row.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("row.json")
}

type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("it refers to %s; write it in one document", url)
}

// jsonRow takes a row that came as JSON, raw.
func (b *build) jsonRow(line int, raw []byte) {
	if b.schema != nil {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err == nil {
			err = schemaError(b.schema.Validate(v))
		}
		if err != nil {
			b.refuse(line, err)
			return
		}
	}
	b.row(line)
}

// tableFollows checks a row of a table, whose values are all text.
func (b *build) tableFollows(header, fields [][]byte) error {
	if b.schema == nil {
		return nil
	}
	row := make(map[string]any, len(header))
	for i, h := range header {
		row[string(h)] = string(fields[i])
	}
	return schemaError(b.schema.Validate(row))
}

var english = message.NewPrinter(language.English)

func schemaError(err error) error {
	var many *jsonschema.ValidationError
	if !errors.As(err, &many) {
		return err
	}
	for len(many.Causes) > 0 {
		many = many.Causes[0]
	}
	return fmt.Errorf("schema: at %q: %s", "/"+strings.Join(many.InstanceLocation, "/"), many.ErrorKind.LocalizedString(english))
}
