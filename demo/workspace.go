package demo

import "strings"

// writeWorkspace writes the definitions: who Halyard is, its system, and its
// connections.
func (x *writer) writeWorkspace() error {
	var days strings.Builder
	for _, d := range holidayList {
		days.WriteString("  - \"" + d + "\"\n")
	}
	if err := x.text("tieout.yaml", strings.Replace(organizationText, "HOLIDAYS\n", days.String(), 1)); err != nil {
		return err
	}
	if err := x.text("systems/ledger.yaml", systemText); err != nil {
		return err
	}
	return x.writeSources()
}

const organizationText = `# Halyard is invented: no person, company or event in this workspace is real.
organization: Halyard
zone: America/New_York
holidays:
HOLIDAYS
`

const systemText = `id: ledger
name: Ledger
`
