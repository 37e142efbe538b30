package definition

import (
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// FirmConfig is the audit firm a workspace belongs to. A workspace with firm: in
// its tieout.yaml holds the files of the firm's engagements, and no controls,
// sources or periods of its own.
type FirmConfig struct {
	Name string `yaml:"name"`
	Zone string `yaml:"zone"` // IANA name; the firm's days are counted in it
	City string `yaml:"city"`
	// State is the state, or the country where there are none, as reports print it.
	State string `yaml:"state"`
	// License and PeerReview are what the firm states of itself; they are shown as
	// its own statement.
	License    string `yaml:"license"`
	PeerReview string `yaml:"peerReview"`
	// PeerReviewed is the day of the report of the firm's last peer review, PeerResult
	// what it found: pass, pass with deficiencies or fail.
	PeerReviewed string `yaml:"peerReviewed"`
	PeerResult   string `yaml:"peerResult"`
	// QualityReview says for which engagements a report is released only after an
	// engagement quality review: always or never. Default: always.
	QualityReview string `yaml:"qualityReview"`
}

// Values of FirmConfig.QualityReview.
const (
	QualityAlways = "always"
	QualityNever  = "never"
)

// IsFirm reports whether this is an audit firm's workspace, not a company's.
func (w *Workspace) IsFirm() bool { return w.Config.Firm != nil }

// readFirm checks a firm's configuration and makes the firm the workspace's
// organization. What a company would have beside it is refused.
func (w *Workspace) readFirm(d *doc) {
	c := &w.Config
	f := c.Firm
	if strings.TrimSpace(f.Name) == "" {
		d.bad(steps("firm"), "the firm has no name")
	}
	if !isZone(f.Zone) {
		d.bad(steps("firm", "zone"), "zone %q is not an IANA name such as America/New_York", f.Zone)
	}
	if f.QualityReview == "" {
		f.QualityReview = QualityAlways
	}
	if f.QualityReview != QualityAlways && f.QualityReview != QualityNever {
		d.bad(steps("firm", "qualityReview"), "qualityReview %q is neither %s nor %s", f.QualityReview, QualityAlways, QualityNever)
	}
	f.checkPeerReview(d)
	for name, written := range map[string]bool{"organization": c.Organization.Name+c.Organization.System+c.Organization.Zone != "",
		"period": c.Period != nil, "periods": len(c.Periods) > 0, "criteria": c.Criteria != ""} {
		if written {
			d.bad(steps(name), "a firm's workspace has no %s of its own: each engagement has its client's", name)
		}
	}
	c.Organization.Name, c.Organization.Zone, c.Criteria = f.Name, f.Zone, DefaultSet
	w.Organization = audit.Organization{Name: f.Name, Zone: f.Zone}
}

// noFolders refuses definition files in a firm's workspace: what a firm knows of
// controls its clients' packets bring. Mappings it may have.
func noFolders(docs workspaceDocs, p *Problems) {
	for _, folder := range folders {
		if folder == mappingFolder {
			continue
		}
		for _, d := range docs.folders[folder] {
			*p = append(*p, Problem{d.name, 1, 1, "a firm's workspace has no " + folder + " of its own; each engagement has its client's"})
		}
	}
}

var peerResults = []string{"pass", "pass with deficiencies", "fail"}

// checkPeerReview checks the day and the result of the last peer review.
func (f *FirmConfig) checkPeerReview(d *doc) {
	if _, err := time.Parse(time.DateOnly, f.PeerReviewed); f.PeerReviewed != "" && err != nil {
		d.bad(steps("firm", "peerReviewed"), "peerReviewed is a day such as 2026-01-31, not %q", f.PeerReviewed)
	}
	switch {
	case f.PeerResult == "":
	case !slices.Contains(peerResults, f.PeerResult):
		d.bad(steps("firm", "peerResult"), "peerResult %q is not one of %s", f.PeerResult, strings.Join(peerResults, ", "))
	case f.PeerReviewed == "":
		d.bad(steps("firm", "peerResult"), "a result has the day of its report: write peerReviewed")
	}
}
