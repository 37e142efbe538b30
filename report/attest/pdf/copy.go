package pdf

import (
	"tieout/report/attest/pdf/syntax"
)

const drawCopy = "q /TieoutCopy Do Q"

// withoutCopy is resources without what a copy adds to them.
func withoutCopy(f *syntax.File, resources any) any {
	d := f.Dict(resources)
	objects := f.Dict(d["XObject"])
	if _, ok := objects["TieoutCopy"]; !ok {
		return resources
	}
	out, rest := syntax.Dict{}, syntax.Dict{}
	for k, v := range d {
		out[k] = v
	}
	for k, v := range objects {
		if k != "TieoutCopy" {
			rest[k] = v
		}
	}
	out["XObject"] = rest
	return out
}
