package aws

import "time"

var zero time.Time

// parts are all that is read of an account, in this order.
var parts = []part{
	{name: "iam-report", global: true, read: readCredentialReport, streams: []stream{
		{typ: "account", cannot: cannotReport, kinds: []string{kindReport}},
		{typ: "key", cannot: cannotReport, kinds: []string{kindReport}},
	}},
	{name: "iam-users", global: true, read: readUsers, streams: []stream{
		{typ: "membership", cannot: cannotMembership, kinds: []string{kindUsers}},
		{typ: "link", cannot: cannotLink, kinds: []string{kindUsers}},
	}},
	{name: "iam-password", global: true, read: readPasswordPolicy, streams: []stream{
		{typ: "authPolicy", cannot: []string{"the rules of an identity provider through which people enter roles"}, kinds: []string{kindPassword}},
	}},
	{name: "iam-certificates", global: true, read: readServerCertificates, streams: []stream{
		{typ: "key", cannot: []string{"whether a server certificate is in use"}, kinds: []string{kindServerCertificates}},
	}},
	{name: "s3", global: true, read: readBuckets, streams: []stream{
		{typ: "datastore", cannot: cannotBuckets, kinds: []string{kindBucket}},
	}},
	{name: "ec2", read: readEC2, streams: []stream{
		{typ: "resource", cannot: cannotEC2, kinds: []string{kindGroups, kindInstances}},
	}},
	{name: "ebs", read: readEBS, streams: []stream{
		{typ: "datastore", cannot: []string{"snapshots of volumes, and who may read them"}, kinds: []string{kindVolumes}},
		{typ: "resource", cannot: []string{"whether volumes made before the default was switched on are encrypted: the volumes themselves say so"}, kinds: []string{kindVolumeDefault}},
	}},
	{name: "vpc", read: readVPCs, streams: []stream{
		{typ: "network", cannot: []string{"routes through VPN connections, Direct Connect and endpoints of other accounts' services"}, kinds: []string{kindVPCs}},
	}},
	{name: "rds", read: readRDS, streams: []stream{
		{typ: "datastore", cannot: cannotRDS, kinds: []string{kindDatabases, kindClusters}},
		{typ: "backup", days: longest, cannot: cannotSnapshots, kinds: []string{kindSnapshots, kindClusterSnapshots}},
	}},
	{name: "elb", read: readBalancers, streams: []stream{
		{typ: "resource", cannot: []string{"load balancers of the classic kind; whether security groups let anyone through to the listeners"}, kinds: []string{kindBalancer}},
	}},
	{name: "kms", read: readKMS, streams: []stream{
		{typ: "key", cannot: []string{"who may use a key; keys that AWS owns"}, kinds: []string{kindKey}},
	}},
	{name: "acm", read: readACM, streams: []stream{
		{typ: "key", cannot: []string{"certificates kept outside Certificate Manager; whether a certificate is the one that is served"}, kinds: []string{kindCertificate}},
	}},
	{name: "secretsmanager", read: readSecrets, streams: []stream{
		{typ: "key", cannot: []string{"secrets kept elsewhere, such as in parameters or in code; the secrets themselves are never read"}, kinds: []string{kindSecret}},
	}},
	{name: "cloudtrail", read: readTrails, streams: []stream{
		{typ: "resource", cannot: []string{"trails of the organization that another account owns; whether delivered files are still in their bucket"}, kinds: []string{kindTrail}},
	}},
	{name: "sign-ins", read: readSignIns, streams: []stream{
		{typ: "signIn", days: 90, cannot: cannotSignIn, kinds: []string{kindSignIns}},
	}},
	{name: "config", read: readRecorders, streams: []stream{
		{typ: "resource", cannot: []string{"which kinds of resource a recorder leaves out"}, kinds: []string{kindRecorders}},
	}},
	{name: "guardduty", read: readDetectors, streams: []stream{
		{typ: "resource", cannot: []string{"which features of a detector are on"}, kinds: []string{kindDetectors, kindDetector}},
		{typ: "alert", cannot: []string{"findings older than 90 days, which GuardDuty deletes; who looked at a finding"}, kinds: []string{kindFindings}},
	}},
	{name: "cloudwatch", read: readAlarms, streams: []stream{
		{typ: "resource", cannot: []string{"whom an alarm reaches; states an alarm was in before"}, kinds: []string{kindAlarms}},
	}},
	{name: "backup", read: readBackups, streams: []stream{
		{typ: "backup", days: 30, cannot: cannotBackup, kinds: []string{kindBackupJobs}},
		{typ: "restore", days: 30, cannot: []string{"restores made outside AWS Backup; whether a restore was a test, where no testing plan started it"}, kinds: []string{kindRestoreJobs}},
	}},
	{name: "ecr", read: readRepositories, streams: []stream{
		{typ: "resource", cannot: []string{"who may pull or push images"}, kinds: []string{kindRepositories}},
		{typ: "vulnerability", cannot: cannotECR, kinds: []string{kindScan}},
	}},
}

// kinds are all kinds of page, and how each is read; nil gives no items.
var kinds map[string]normal

func init() {
	kinds = map[string]normal{
		kindCaller: nil, kindRegions: nil, kindList: nil, kindAccounts: readAccounts,
		kindReport: normalReport, kindUsers: normalUsers, kindPassword: normalPassword, kindServerCertificates: normalServerCertificates,
		kindBucket: normalBucket, kindGroups: normalGroups, kindInstances: normalInstances,
		kindVolumes: normalVolumes, kindVolumeDefault: normalVolumeDefault, kindVPCs: normalVPCs,
		kindDatabases: normalDatabases, kindClusters: normalClusters, kindSnapshots: normalSnapshots, kindClusterSnapshots: normalClusterSnapshots, kindBalancer: normalBalancer,
		kindKey: normalKey, kindCertificate: normalCertificate, kindSecret: normalSecret,
		kindTrail: normalTrail, kindSignIns: normalSignIns, kindRecorders: normalRecorders,
		kindDetectors: normalDetectors, kindDetector: normalDetector, kindFindings: normalFindings, kindAlarms: normalAlarms,
		kindBackupJobs: normalBackupJobs, kindRestoreJobs: normalRestoreJobs,
		kindRepositories: normalRepositories, kindScan: normalScan,
	}
}
