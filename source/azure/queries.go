package azure

import (
	"fmt"
	"strings"
	"time"
)

// Queries in Resource Graph's language (a part of KQL). Each gives the id, by
// which pages are kept in order.

const columns = "id, name, type, location, subscriptionId, tags, sku, kind, properties"

func ofTypes(types ...string) string {
	return "type in~ ('" + strings.Join(types, "', '") + "')"
}

const order = " | order by id asc"

var storesQuery = "resources | where " + ofTypes("microsoft.storage/storageaccounts", "microsoft.documentdb/databaseaccounts",
	"microsoft.compute/disks", "microsoft.dbforpostgresql/flexibleservers", "microsoft.dbformysql/flexibleservers", "microsoft.cache/redis") +
	" | project " + columns + order

// A database is ruled by the server it is on; `master` is the server's own.
var sqlQuery = "resources | where type =~ 'microsoft.sql/servers/databases' and name !~ 'master'" +
	" | extend key = tolower(tostring(split(tolower(id), '/databases/')[0]))" +
	" | join kind=leftouter (resources | where type =~ 'microsoft.sql/servers' | project key = tolower(id), server = properties) on key" +
	" | project " + columns + ", server" + order

var resourcesQuery = "resources | where " + ofTypes("microsoft.compute/virtualmachines", "microsoft.network/networksecuritygroups",
	"microsoft.network/applicationgateways", "microsoft.network/loadbalancers", "microsoft.network/publicipaddresses", "microsoft.keyvault/vaults",
	"microsoft.containerservice/managedclusters", "microsoft.insights/activitylogalerts", "microsoft.insights/metricalerts",
	"microsoft.insights/scheduledqueryrules", "microsoft.operationalinsights/workspaces", "microsoft.recoveryservices/vaults") +
	" | project " + columns + order

// Beside a network, how many logs of its traffic are switched on.
var networksQuery = "resources | where type =~ 'microsoft.network/virtualnetworks' | extend key = tolower(id)" +
	" | join kind=leftouter (resources | where type =~ 'microsoft.network/networkwatchers/flowlogs' and tobool(properties.enabled)" +
	" | summarize flowLogs = count() by key = tolower(tostring(properties.targetResourceId))) on key" +
	" | project " + columns + ", flowLogs" + order

var assessmentsQuery = "securityresources | where type =~ 'microsoft.security/assessments' | project id, name, type, subscriptionId, properties" + order

var alertsQuery = "securityresources | where type =~ 'microsoft.security/locations/alerts' | project id, name, type, subscriptionId, properties" + order

var plansQuery = "securityresources | where type =~ 'microsoft.security/pricings' | project id, name, type, subscriptionId, properties" + order

// Beside an assignment, the role it is of, found by the last part of its id: the
// rest differs from scope to scope.
var rolesQuery = "authorizationresources | where type =~ 'microsoft.authorization/roleassignments'" +
	" | extend role = tolower(extract('([^/]+)$', 1, tostring(properties.roleDefinitionId)))" +
	" | join kind=leftouter (authorizationresources | where type =~ 'microsoft.authorization/roledefinitions'" +
	" | extend role = tolower(extract('([^/]+)$', 1, id))" +
	" | extend roleName = tostring(properties.roleName), roleType = tostring(properties.type) | distinct role, roleName, roleType) on role" +
	" | project id, name, type, properties, roleName, roleType" + order

var containersQuery = "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project id, name, type, subscriptionId" + order

// jobsQuery asks for jobs that ended in a stretch.
func jobsQuery(from, to time.Time) string {
	return "recoveryservicesresources | where " + ofTypes("microsoft.recoveryservices/vaults/backupjobs", "microsoft.dataprotection/backupvaults/backupjobs") +
		fmt.Sprintf(" and todatetime(properties.endTime) >= datetime(%s) and todatetime(properties.endTime) < datetime(%s)", from.Format(time.RFC3339Nano), to.Format(time.RFC3339Nano)) +
		" | project id, name, type, location, subscriptionId, properties" + order
}
