package mcp

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/google/jsonschema-go/jsonschema"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"tieout/audit"
	"tieout/period"
	"tieout/report/text"
)

// A Head opens every answer; the rest is the value that the command line writes
// with -o json, under the same names.
type Head struct {
	Schema  string  `json:"schema"`
	Summary Summary `json:"summary"`
	Notice  string  `json:"notice" jsonschema:"how to read what follows"`
}

// A Summary is the one true sentence.
type Summary struct {
	Text string `json:"text" jsonschema:"the one true sentence of this answer"`
}

func (h *Head) head() *Head { return h }

func head(schema, sentence string) Head {
	return Head{schema, Summary{plain(sentence, maxSentence)}, untrusted}
}

// maxSentence is the longest sentence or error, in characters.
const maxSentence = 1000

// maxAnswer is the largest value of an answer, in bytes of JSON.
const maxAnswer = 1 << 20

// plain is s on one line, without characters that are not seen, of at most max
// characters: names from evidence stand in sentences.
func plain(s string, max int) string {
	out := []rune(strings.Map(func(r rune) rune {
		if hidden(r) {
			return '\uFFFD'
		}
		return r
	}, text.Clean(s)))
	if len(out) > max {
		return string(out[:max-1]) + "…"
	}
	return string(out)
}

// hidden reports whether a character is not seen: format, private use, tags.
func hidden(r rune) bool { return unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs) }

// addTool adds a tool that reads. ask gives its value, which embeds a Head.
func addTool[In, Out any](s *Server, name, title, what string, ask func(context.Context, *period.Program, In) (Out, error)) {
	no := false
	addAnnotated(s, name, title, what, &sdk.ToolAnnotations{Title: title, ReadOnlyHint: true, DestructiveHint: &no, OpenWorldHint: &no, IdempotentHint: true}, ask)
}

func addAnnotated[In, Out any](s *Server, name, title, what string, notes *sdk.ToolAnnotations, ask func(context.Context, *period.Program, In) (Out, error)) {
	t := &sdk.Tool{Name: name, Title: title, Description: what + "\n" + untrusted, InputSchema: schemaOf[In](), OutputSchema: schemaOf[Out](), Annotations: notes}
	sdk.AddTool(s.server, t, func(ctx context.Context, _ *sdk.CallToolRequest, in In) (*sdk.CallToolResult, Out, error) {
		out, err := ask(ctx, s.open, in)
		var res *sdk.CallToolResult
		if err == nil {
			res, err = told(any(&out).(interface{ head() *Head }).head().Summary.Text, out)
		}
		if err != nil {
			return nil, out, errors.New(s.words(name, err))
		}
		return res, out, nil
	})
}

// schemaOf is the JSON Schema of a value as it is written. One that cannot be
// made is a mistake in this program.
func schemaOf[T any]() *jsonschema.Schema {
	words := make([]any, audit.NumOutcomes)
	for i := range words {
		words[i] = audit.Outcome(i).String()
	}
	known := map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[audit.Outcome]():   {Type: "string", Enum: words},
		reflect.TypeFor[json.RawMessage](): {},
	}
	stream, err := jsonschema.For[streamSummary](&jsonschema.ForOptions{TypeSchemas: known})
	if err != nil {
		panic(err)
	}
	known[reflect.TypeFor[audit.StreamSummary]()] = stream
	s, err := jsonschema.For[T](&jsonschema.ForOptions{TypeSchemas: known})
	if err != nil {
		panic(err)
	}
	return s
}

// A streamSummary is an audit.StreamSummary as encoding/json writes it: an
// embedded struct with a name of its own is a field.
type streamSummary struct {
	Stream       audit.StreamKey     `json:"stream"`
	Mode         audit.Mode          `json:"mode"`
	Observations int                 `json:"observations"`
	Covered      []audit.Span        `json:"covered"`
	Holes        []audit.Hole        `json:"holes"`
	Checks       []audit.Reconciling `json:"checks,omitempty"`
	Items        int                 `json:"items"`
}

// told is an answer as text: the sentence alone, then the value between marks
// that nobody could know before.
func told(sentence string, value any) (*sdk.CallToolResult, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	if b.Len() > maxAnswer {
		return nil, fmt.Errorf("%w: the answer would have %d bytes, more than %d; ask for less: a smaller limit, or a filter", audit.ErrInvalid, b.Len(), maxAnswer)
	}
	return &sdk.CallToolResult{Content: []sdk.Content{
		&sdk.TextContent{Text: sentence},
		&sdk.TextContent{Text: marked("DATA", seen(strings.TrimSuffix(b.String(), "\n")))},
	}}, nil
}

// marked puts s between two lines that hold the same fresh random number.
func marked(what, s string) string {
	var b [12]byte
	rand.Read(b[:]) // it never fails
	mark := what + " " + hex.EncodeToString(b[:])
	return "-----BEGIN UNTRUSTED " + mark + "-----\n" + s + "\n-----END UNTRUSTED " + mark + "-----"
}

// seen writes the hidden characters of a JSON text as escapes: the same value,
// and nothing in it that a person could not see.
func seen(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xD800+(r>>10), 0xDC00+(r&0x3FF))
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
