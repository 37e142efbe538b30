package aws

import (
	"context"
	"encoding/json"
	"strings"
)

func secretOf(_ context.Context, ref string) (string, error) {
	return map[string]string{"env:K": "AKIAMADEUP", "env:S": "made-up-secret", "env:KEY": "AKIAREPLAY", "env:SECRET": "replay-secret"}[ref], nil
}

// What the emulator does not answer, in the shapes of the service models of the
// AWS SDKs (cloudtrail 2013-11-01, backup 2018-11-15, guardduty 2017-11-28, ecr
// 2015-09-21) and of CloudTrail's record contents. People and things are made up.
var madeUpAnswers = []struct{ has, empty, body string }{
	{"CloudTrail_20131101.LookupEvents", `{"Events":[]}`, `{"Events":[` +
		`{"EventId":"e-1","EventName":"ConsoleLogin","EventTime":1796371200.0,"CloudTrailEvent":` + quoted(rootLogin) + `},` +
		`{"EventId":"e-2","EventName":"ConsoleLogin","EventTime":1796371260,"CloudTrailEvent":` + quoted(failedLogin) + `}]}`},
	{"GET /backup-jobs/", `{"BackupJobs":[]}`, `{"BackupJobs":[` +
		`{"AccountId":"222222222222","BackupJobId":"j-1","BackupVaultArn":"arn:aws:backup:eu-west-1:222222222222:backup-vault:main","VaultLockState":"COMPLIANCE","IsEncrypted":true,` +
		`"ResourceArn":"arn:aws:rds:eu-west-1:222222222222:db:sealed","CreationDate":1796400000.5,"CompletionDate":1796403600.5,"State":"COMPLETED","BackupSizeInBytes":2147483648},` +
		`{"BackupJobId":"j-2","BackupVaultArn":"arn:aws:backup:eu-central-1:222222222222:backup-vault:far","IsEncrypted":false,"ResourceArn":"arn:aws:rds:eu-west-1:222222222222:db:plain",` +
		`"CreationDate":1796400000,"State":"EXPIRED","BackupSizeInBytes":0},` +
		`{"BackupJobId":"j-3","ResourceArn":"arn:aws:rds:eu-west-1:222222222222:db:plain","CreationDate":1796400000,"State":"RUNNING"},` +
		`{"BackupJobId":"j-4","ResourceArn":"arn:aws:rds:eu-west-1:222222222222:db:plain","CreationDate":1794600000,"CompletionDate":1794603600,"State":"COMPLETED"}]}`},
	{"GET /restore-jobs/", `{"RestoreJobs":[]}`, `{"RestoreJobs":[{"RestoreJobId":"r-1","SourceResourceArn":"arn:aws:rds:eu-west-1:222222222222:db:sealed","CreationDate":1796400000,"CompletionDate":1796402400,` +
		`"Status":"COMPLETED","ValidationStatus":"SUCCESSFUL","CreatedBy":{"RestoreTestingPlanArn":"arn:aws:backup:eu-west-1:222222222222:restore-testing-plan:p"}},` +
		`{"RestoreJobId":"r-2","CreationDate":1796400000,"CompletionDate":1796400060,"Status":"FAILED"}]}`},
	{"GET /resources/?maxResults=1000 ", `{"Results":[]}`, `{"Results":[{"ResourceArn":"arn:aws:rds:eu-west-1:222222222222:db:saved","ResourceType":"RDS"}],"NextToken":"2"}`},
	{"GET /resources/?maxResults=1000&nextToken=2", `{"Results":[]}`, `{"Results":[]}`},
	{"/findings/get", `{"findings":[]}`, `{"findings":[{"accountId":"222222222222","arn":"arn:aws:guardduty:eu-west-1:222222222222:detector/d/finding/1","id":"1","title":"A made-up host asks for made-up coins",` +
		`"severity":8,"createdAt":"2026-12-01T08:00:00.000Z","updatedAt":"2026-12-02T08:00:00.000Z","service":{"archived":false}},` +
		`{"arn":"arn:aws:guardduty:eu-west-1:222222222222:detector/d/finding/2","title":"Seen and put away","severity":2.5,"createdAt":"2026-12-01T09:00:00.000Z","service":{"archived":true}}]}`},
	{`/findings  {"maxResults":50}`, `{"findingIds":[]}`, `{"findingIds":["1"],"nextToken":"more"}`},
	{`/findings  {"maxResults":50,"nextToken":"more"}`, `{"findingIds":[]}`, `{"findingIds":["2"],"nextToken":""}`},
	{"EC2ContainerRegistry_V20150921.DescribeImages ", `{"imageDetails":[]}`, `{"imageDetails":[{"repositoryName":"web","imageDigest":"sha256:aa","imageScanFindingsSummary":{"findingSeverityCounts":{"HIGH":1}}},` +
		`{"repositoryName":"web","imageDigest":"sha256:bb"}]}`},
	{"EC2ContainerRegistry_V20150921.DescribeImageScanFindings", ``, `{"registryId":"222222222222","repositoryName":"web","imageId":{"imageDigest":"sha256:aa"},"imageScanStatus":{"status":"COMPLETE"},` +
		`"imageScanFindings":{"imageScanCompletedAt":1796371200,"findings":[{"name":"CVE-2026-0001","severity":"HIGH","attributes":[{"key":"package_version","value":"1.0"},{"key":"package_name","value":"zlib"}]},` +
		`{"name":"CVE-2026-0002","severity":"UNDEFINED","attributes":[]}],` +
		`"enhancedFindings":[{"firstObservedAt":1796371200,"severity":"CRITICAL","status":"ACTIVE","fixAvailable":"YES","packageVulnerabilityDetails":{"vulnerabilityId":"CVE-2026-0003",` +
		`"vulnerablePackages":[{"name":"openssl","version":"3.0"}]}}]}}`},
}

const rootLogin = `{"eventVersion":"1.08","userIdentity":{"type":"Root","principalId":"222222222222","arn":"arn:aws:iam::222222222222:root","accountId":"222222222222"},` +
	`"eventTime":"2026-12-04T04:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.7",` +
	`"responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"No"},"eventID":"e-1","recipientAccountId":"222222222222"}`

const failedLogin = `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","accountId":"222222222222","userName":"HIDDEN_DUE_TO_SECURITY_REASONS"},` +
	`"eventTime":"2026-12-04T04:01:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"eu-west-1","errorMessage":"No username found in supplied account",` +
	`"responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"MFAUsed":"No"},"eventID":"e-2","recipientAccountId":"222222222222"}`

func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// madeUp finds the made-up answer to a question: the member has things, the
// other account has none.
func madeUp(account, key string) (kept, bool) {
	for _, m := range madeUpAnswers {
		if strings.Contains(key+" ", m.has) {
			if account != memberAccount {
				m.body = m.empty
			}
			return kept{Status: 200, Type: "application/json", Body: m.body}, true
		}
	}
	return kept{}, false
}
