package oscal

import "tieout/report/oscal"

// The parts of OSCAL's models that a service auditor's report fills, beside those
// package report/oscal has.

type metadata struct {
	Title       string           `json:"title"`
	Published   string           `json:"published,omitempty"`
	Modified    string           `json:"last-modified"`
	Version     string           `json:"version"`
	OSCAL       string           `json:"oscal-version"`
	Props       []oscal.Property `json:"props,omitempty"`
	Roles       []role           `json:"roles"`
	Parties     []party          `json:"parties"`
	Responsible []responsible    `json:"responsible-parties"`
	Remarks     string           `json:"remarks,omitempty"`
}

type role struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

type party struct {
	UUID string `json:"uuid"`
	Type string `json:"type"`
	Name string `json:"name"`
}

type responsible struct {
	Role    string   `json:"role-id"`
	Parties []string `json:"party-uuids"`
}

type catalog struct {
	UUID     string   `json:"uuid"`
	Metadata metadata `json:"metadata"`
	Groups   []group  `json:"groups"`
}

type group struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Controls []control `json:"controls"`
}

type control struct {
	ID    string           `json:"id"`
	Title string           `json:"title"`
	Props []oscal.Property `json:"props,omitempty"`
	Parts []part           `json:"parts,omitempty"`
}

type part struct {
	ID    string `json:"id,omitempty"`
	Name  string `json:"name"`
	Title string `json:"title,omitempty"`
	Prose string `json:"prose,omitempty"`
}

type plan struct {
	UUID      string         `json:"uuid"`
	Metadata  metadata       `json:"metadata"`
	ImportSSP oscal.Link     `json:"import-ssp"`
	Local     *activities    `json:"local-definitions,omitempty"`
	Reviewed  oscal.Reviewed `json:"reviewed-controls"`
	Subjects  []subjects     `json:"assessment-subjects"`
	Back      oscal.Back     `json:"back-matter"`
}

type activities struct {
	Activities []activity `json:"activities"`
}

type activity struct {
	UUID        string           `json:"uuid"`
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Props       []oscal.Property `json:"props,omitempty"`
	Related     oscal.Reviewed   `json:"related-controls"`
}

type subjects struct {
	Type        string   `json:"type"`
	Description string   `json:"description"`
	All         struct{} `json:"include-all"`
}

type security struct {
	UUID           string          `json:"uuid"`
	Metadata       metadata        `json:"metadata"`
	ImportProfile  oscal.Link      `json:"import-profile"`
	System         characteristics `json:"system-characteristics"`
	Implementation implementation  `json:"system-implementation"`
	Controls       implemented     `json:"control-implementation"`
	Back           oscal.Back      `json:"back-matter"`
}

type characteristics struct {
	IDs         []systemID  `json:"system-ids"`
	Name        string      `json:"system-name"`
	Description string      `json:"description"`
	Information information `json:"system-information"`
	Status      state       `json:"status"`
	Boundary    described   `json:"authorization-boundary"`
}

type systemID struct {
	ID string `json:"id"`
}

type information struct {
	Types []informationType `json:"information-types"`
}

type informationType struct {
	UUID        string `json:"uuid"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

type state struct {
	State   string `json:"state"`
	Remarks string `json:"remarks,omitempty"`
}

type described struct {
	UUID        string `json:"uuid,omitempty"`
	Description string `json:"description"`
}

type implementation struct {
	Components []component `json:"components"`
}

type component struct {
	UUID        string           `json:"uuid"`
	Type        string           `json:"type"`
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Props       []oscal.Property `json:"props,omitempty"`
	Status      state            `json:"status"`
}

type implemented struct {
	Description  string        `json:"description"`
	Requirements []requirement `json:"implemented-requirements"`
}

type requirement struct {
	UUID         string        `json:"uuid"`
	ControlID    string        `json:"control-id"`
	ByComponents []byComponent `json:"by-components,omitempty"`
}

type byComponent struct {
	Component   string           `json:"component-uuid"`
	UUID        string           `json:"uuid"`
	Description string           `json:"description"`
	Props       []oscal.Property `json:"props,omitempty"`
	Export      *export          `json:"export,omitempty"`
	Inherited   []described      `json:"inherited,omitempty"`
}

type export struct {
	Responsibilities []described `json:"responsibilities"`
}

type assessment struct {
	UUID     string     `json:"uuid"`
	Metadata metadata   `json:"metadata"`
	ImportAP oscal.Link `json:"import-ap"`
	Results  []result   `json:"results"`
	Back     oscal.Back `json:"back-matter"`
}

type result struct {
	UUID         string              `json:"uuid"`
	Title        string              `json:"title"`
	Description  string              `json:"description"`
	Start        string              `json:"start"`
	End          string              `json:"end"`
	Reviewed     oscal.Reviewed      `json:"reviewed-controls"`
	Attestations []attestation       `json:"attestations,omitempty"`
	Log          *entries            `json:"assessment-log,omitempty"`
	Observations []oscal.Observation `json:"observations,omitempty"`
	Findings     []oscal.Finding     `json:"findings,omitempty"`
}

type attestation struct {
	Responsible []responsible `json:"responsible-parties"`
	Parts       []part        `json:"parts"`
}

type entries struct {
	Entries []entry `json:"entries"`
}

type entry struct {
	UUID     string           `json:"uuid"`
	Title    string           `json:"title"`
	Start    string           `json:"start"`
	Props    []oscal.Property `json:"props"`
	LoggedBy []logged         `json:"logged-by"`
}

type logged struct {
	Party string `json:"party-uuid"`
}

type actions struct {
	UUID         string              `json:"uuid"`
	Metadata     metadata            `json:"metadata"`
	ImportSSP    oscal.Link          `json:"import-ssp"`
	Observations []oscal.Observation `json:"observations"`
	Findings     []oscal.Finding     `json:"findings"`
	Items        []item              `json:"poam-items"`
	Back         oscal.Back          `json:"back-matter"`
}

type item struct {
	UUID         string           `json:"uuid"`
	Title        string           `json:"title"`
	Description  string           `json:"description"`
	Props        []oscal.Property `json:"props,omitempty"`
	Findings     []relatedFinding `json:"related-findings"`
	Observations []oscal.Related  `json:"related-observations"`
	Remarks      string           `json:"remarks,omitempty"`
}

type relatedFinding struct {
	UUID string `json:"finding-uuid"`
}
