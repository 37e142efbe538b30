package api

import (
	"reflect"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"tieout/audit"
)

// types says of values that write themselves as text what they look like.
func types(r huma.Registry) huma.Registry {
	r.RegisterTypeAlias(reflect.TypeFor[audit.Outcome](), reflect.TypeFor[outcome]())
	return r
}

// An outcome is audit.Outcome as it is written.
type outcome string

// Schema implements huma.SchemaProvider.
func (outcome) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for o := range audit.NumOutcomes {
		s.Enum = append(s.Enum, audit.Outcome(o).String())
	}
	return s
}

// visible leaves out marks that turn the direction of a name round or are not
// seen, so that it reads as what it is.
func visible(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}, name)
}
