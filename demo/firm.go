package demo

import (
	"os"
	"path/filepath"
)

// A FirmCast are the people of the invented audit firm.
type FirmCast struct {
	Administrator, Partner, Manager, Staff, Quality Member
}

// CastOfFirm names them.
func CastOfFirm() FirmCast {
	of := func(name, mail, title string) Member {
		return Member{Name: name, Email: mail + "@brookline.example", Title: title}
	}
	return FirmCast{
		Administrator: of("Noor Haddad", "noor.haddad", "Office manager"), Partner: of("Odile Brandt", "odile.brandt", "Partner"),
		Manager: of("Imre Castell", "imre.castell", "Manager"), Staff: of("Tomas Reyes", "tomas.reyes", "Staff"),
		Quality: of("Agnes Whitlock", "agnes.whitlock", "Quality reviewer"),
	}
}

// WriteFirm writes the definitions of the firm's workspace into a new folder.
func WriteFirm(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "tieout.yaml"), []byte(firmText), 0o644)
}

const firmText = `# Brookline Assurance is invented and says so in its name: it has no license and no peer review to state.
firm:
  name: Brookline Assurance LLP (invented)
  zone: America/New_York
  city: Boston
  state: MA
ledger: { origin: brookline.example/tieout }
`
