package audit

// A Category is one of the five trust services categories. Security (the
// common criteria) is part of every examination.
type Category string

// The categories by the letter their criteria start with.
const (
	Security            Category = "S"
	Availability        Category = "A"
	ProcessingIntegrity Category = "PI"
	Confidentiality     Category = "C"
	Privacy             Category = "P"
)

// A Criterion is one of the criteria a report is made against, in our words;
// the identifier is the standard's.
type Criterion struct {
	ID        string         `json:"id"` // "CC6.1"
	Category  Category       `json:"category"`
	Group     string         `json:"group"`     // "CC6"
	GroupName string         `json:"groupName"` // "Logical and physical access"
	Summary   string         `json:"summary"`
	COSO      string         `json:"coso,omitempty"` // COSO 2013 principle number
	Applies   string         `json:"applies"`
	Note      string         `json:"note,omitempty"`
	Points    []PointOfFocus `json:"points"`
}

// A PointOfFocus is guidance beside a criterion, never a requirement.
type PointOfFocus struct {
	N     int    `json:"n"`
	Label string `json:"label"`
	Scope string `json:"scope"`
}

// A Mapping relates a criterion to a place in another framework. It says
// "supports, overlaps", never "equals".
type Mapping struct {
	Criterion    string `json:"criterion"`
	Framework    string `json:"framework"`
	Ref          string `json:"ref"`
	Source       string `json:"source"`
	Corroborated int    `json:"corroborated"`
	Confidence   string `json:"confidence"`
}

// A Control is what the organization says it does. Its text is the
// organization's own; criteria are fixed, controls are not.
type Control struct {
	ID          string     `json:"id"` // "IAM-06"
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Nature      string     `json:"nature"` // manual, automated, itdm (IT-dependent manual)
	Type        []string   `json:"type"`   // P preventive, D detective, C corrective
	Frequency   string     `json:"frequency"`
	Criteria    []string   `json:"criteria"`
	Categories  []Category `json:"categories"`
	Owner       string     `json:"owner"`
	Automation  string     `json:"automation"` // full, partial, none
	Data        []string   `json:"data"`
	Population  string     `json:"population"`
	Tests       string     `json:"tests"`
	Evidence    string     `json:"evidence"`
	Sampling    string     `json:"sampling"`
	Effective   Effective  `json:"effective"`
}

// Effective is the stretch a revision is in force: calendar days of the
// organization's zone, both included; "" is open.
type Effective struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// An Organization is the company whose controls these are.
type Organization struct {
	Name       string     `json:"name"`
	System     string     `json:"system"` // the system under examination
	Zone       string     `json:"zone"`
	Categories []Category `json:"categories"`
}
