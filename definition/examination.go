package definition

// ExaminationConfig is the company's own policy for its examinations.
type ExaminationConfig struct {
	// BridgeDays is how many days after a report's period a bridge letter may speak
	// of: 1 to 92. Default: 92.
	BridgeDays int `yaml:"bridgeDays"`
}

// maxBridgeDays is the longest a bridge letter may reach, whatever a policy says.
const maxBridgeDays = 92

func (c *Config) checkExamination(d *doc) {
	e := &c.Examination
	if e.BridgeDays == 0 {
		e.BridgeDays = maxBridgeDays
	}
	if e.BridgeDays < 1 || e.BridgeDays > maxBridgeDays {
		d.bad(steps("examination", "bridgeDays"), "a bridge letter speaks of 1 to %d days, not of %d", maxBridgeDays, e.BridgeDays)
	}
}
