package program

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"tieout/book"
	"tieout/internal/strictyaml"
	"tieout/library"
)

// An AssumedControl is what is commonly assumed that a vendor of a kind does. It is
// assumed of nobody before a person writes it into a system file.
type AssumedControl struct {
	Text     string   `yaml:"text" json:"text"` // "{name}" stands for the vendor
	Criteria []string `yaml:"criteria" json:"criteria"`
}

// Of is the control as it reads of one vendor.
func (c AssumedControl) Of(name string) AssumedControl {
	return AssumedControl{strings.ReplaceAll(c.Text, "{name}", name), slices.Clone(c.Criteria)}
}

// AssumedOf are the controls the program ships for a kind of vendor, in the order of
// their file; none for a kind of which nothing common can be said.
func AssumedOf(kind string) []AssumedControl { return slices.Clone(shippedAssumed()[kind]) }

var shippedAssumed = sync.OnceValue(func() map[string][]AssumedControl {
	out := map[string][]AssumedControl{}
	each(library.Vendors(), func(name string, b []byte) error {
		var f struct {
			CSOCs []struct {
				Kind     string           `yaml:"kind"`
				Controls []AssumedControl `yaml:"controls"`
			} `yaml:"csocs"`
		}
		if err := strictyaml.Decode(name, b, &f); err != nil {
			return err
		}
		for _, k := range f.CSOCs {
			if err := oneOf("kind", k.Kind, VendorKinds...); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for _, c := range k.Controls {
				if err := book.First(text("control", c.Text, 1, 1000), when(len(c.Criteria) == 0, "an assumed control names a criterion"), when(!strings.Contains(c.Text, "{name}"), "an assumed control names its vendor")); err != nil {
					return fmt.Errorf("%s: %s: %w", name, k.Kind, err)
				}
			}
			out[k.Kind] = append(out[k.Kind], k.Controls...)
		}
		return nil
	})
	return out
})
