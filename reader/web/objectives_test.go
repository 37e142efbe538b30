package web

import (
	"slices"
	"testing"

	"tieout/definition"
)

func TestObjectivesOf(t *testing.T) {
	tests := []struct {
		name string
		s    definition.System
		want []string
	}{
		{"none stated", definition.System{Components: []definition.Component{{Name: "Ledger API"}}}, nil},
		{"one of two", definition.System{Components: []definition.Component{{Name: "Ledger API"}, {Name: "Database", Recovery: &definition.Recovery{Time: "4h", Loss: "1h"}}}},
			[]string{"Database: back within 4 hours, at most 1 hour lost."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := objectivesOf(&tt.s); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
