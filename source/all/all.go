// Package all lists every source there is. A new source is a folder beside this
// one and a line here.
package all

import (
	"tieout/source"
	"tieout/source/agent"
	"tieout/source/aws"
	"tieout/source/azure"
	"tieout/source/bamboohr"
	"tieout/source/borg"
	"tieout/source/cloudtrail"
	"tieout/source/dns"
	"tieout/source/entra"
	"tieout/source/files"
	"tieout/source/gcp"
	"tieout/source/git"
	"tieout/source/gitea"
	"tieout/source/github"
	"tieout/source/gitlab"
	"tieout/source/govulncheck"
	"tieout/source/grcexport"
	"tieout/source/grype"
	"tieout/source/http"
	"tieout/source/jira"
	"tieout/source/kubernetes"
	"tieout/source/ldap"
	"tieout/source/ocsf"
	"tieout/source/okta"
	"tieout/source/oscal"
	"tieout/source/osv"
	"tieout/source/outside"
	"tieout/source/pgbackrest"
	"tieout/source/powerpipe"
	"tieout/source/prowler"
	"tieout/source/restic"
	"tieout/source/roster"
	"tieout/source/sarif"
	"tieout/source/sqlquery"
	"tieout/source/tieout"
	"tieout/source/trivy"
	"tieout/source/workspace"
	"tieout/source/workstation"
)

// Drivers are all kinds of source, in the order people read them.
var Drivers = source.Registry{
	git.Driver,
	github.Driver,
	gitlab.Driver,
	gitea.Driver,
	aws.Driver,
	aws.CredentialReport,
	cloudtrail.Driver,
	gcp.Driver,
	azure.Driver,
	kubernetes.Driver,
	okta.Driver,
	entra.Driver,
	workspace.Driver,
	trivy.Driver,
	grype.Driver,
	govulncheck.Driver,
	osv.Driver,
	sarif.Driver,
	prowler.Driver,
	powerpipe.Driver,
	ocsf.Driver,
	oscal.Driver,
	grcexport.Vanta,
	grcexport.Drata,
	files.Driver,
	http.Driver,
	sqlquery.Driver,
	bamboohr.Driver,
	jira.Driver,
	ldap.Driver,
	roster.Driver,
	workstation.Driver,
	agent.Driver,
	tieout.Driver,
	restic.Driver,
	borg.Driver,
	pgbackrest.Driver,
	outside.Driver,
	dns.Driver,
}
