package demo

import (
	"fmt"
	"strings"
	"time"
)

// A cloudAccount is one account of the cloud, exported for itself.
type cloudAccount struct {
	name, number, environment string
}

// cloudAccounts are production, staging and the sandbox; the enterprise has
// more of each.
func (w *world) cloudAccounts() []cloudAccount {
	out := []cloudAccount{{"prod", prodAccount, "production"}, {"staging", "411122224444", "staging"}, {"sandbox", "411122225555", "development"}}
	for i := len(out); i < w.size.CloudAccounts; i++ {
		env := []string{"production", "staging", "development"}[i%3]
		out = append(out, cloudAccount{fmt.Sprintf("%s-%02d", []string{"prod", "staging", "dev"}[i%3], i), fmt.Sprintf("4111222%05d", i), env})
	}
	return out
}

const region = "us-east-1"

// Things in production that are not as they should be, by number.
const (
	publicBucket      = 5
	unencryptedVolume = 9
	missedBackup      = 2
	untestedRestore   = 1
	movedBucket       = 7 // disappears and reappears: not a deviation
	openRule          = 11
	silentTrail       = 1
	oldKey            = 1
	oldAccessKey      = 9
	oldCertificate    = 13
)

// Numbers of datastores an account has; those of production are backed up.
const productionStores = 12

var storeKinds = []string{"database", "database", "database", "bucket", "bucket", "bucket", "bucket", "bucket", "warehouse", "volume", "volume", "bucket"}

func storeARN(a cloudAccount, i int) string {
	kind := storeKinds[i%len(storeKinds)]
	name := fmt.Sprintf("halyard-%s-%s-%d", a.name, kind, i)
	if kind == "bucket" {
		return "arn:aws:s3:::" + name
	}
	service := map[string]string{"database": "rds", "warehouse": "redshift", "volume": "ec2"}[kind]
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s/%s", service, region, a.number, kind, name)
}

func (w *world) storeTable(a cloudAccount) *table {
	t := &table{n: w.storeCount(a), cols: columns("Arn Name Kind Environment Region Classification Encrypted:b KmsKey TlsOnly:b PubliclyAccessible:b" +
		" BackupPlan:b Versioning:b MultiAZ:b AccessLogging:b RetentionDays:i Owner")}
	t.make = func(i int) (thing, bool) { return w.store(t, a, i) }
	return t
}

func (w *world) storeCount(a cloudAccount) int {
	if a.environment == "production" {
		return productionStores * w.size.StoreFactor
	}
	return 6 * w.size.StoreFactor
}

func (w *world) store(t *table, a cloudAccount, i int) (thing, bool) {
	production := a.environment == "production"
	class := "internal"
	if production {
		class = "confidential"
	}
	kind := storeKinds[i%len(storeKinds)]
	b := t.build().set("Arn", storeARN(a, i), "Name", fmt.Sprintf("halyard-%s-%s-%d", a.name, kind, i), "Kind", kind, "Environment", a.environment,
		"Region", region, "Classification", class, "Encrypted", "true", "KmsKey", keyARN(a, i%6), "TlsOnly", "true",
		"PubliclyAccessible", "false", "BackupPlan", truth(production), "Versioning", "true", "MultiAZ", truth(production), "AccessLogging", "true",
		"RetentionDays", "730", "Owner", "platform")
	if a.name == "prod" {
		switch i {
		case publicBucket:
			b.during(clock(2025, 6, 21, 13, 10), clock(2025, 6, 23, 15, 45), "PubliclyAccessible", "true")
		case unencryptedVolume:
			b.during(clock(2025, 8, 5, 10, 20), clock(2025, 8, 8, 17, 30), "Encrypted", "false")
		}
	}
	if a.name == "sandbox" && i == movedBucket%6 {
		b.th.away = [2]time.Time{clock(2025, 4, 7, 12, 0), clock(2025, 4, 10, 12, 0)}
	}
	return b.done()
}

func keyARN(a cloudAccount, i int) string {
	return fmt.Sprintf("arn:aws:kms:%s:%s:key/halyard-%02d", region, a.number, i)
}

// keyTable holds encryption keys (0 to 5), access keys of the service accounts
// (6 to 9), access keys of engineers (10 to 12) and certificates (13 to 15).
func (w *world) keyTable(a cloudAccount) *table {
	t := &table{n: 16, cols: columns("Id Type Account Owner Status CreateDate RotatedDate Expires AutoRotation:b LastUsed")}
	if a.environment != "production" {
		t.n = 6
	}
	t.make = func(i int) (thing, bool) { return w.key(t, a, i) }
	return t
}

func (w *world) key(t *table, a cloudAccount, i int) (thing, bool) {
	created := clock(2023, 3, 6, 9, i)
	b := t.build().set("Account", a.name, "Status", "Active", "CreateDate", instantText(created), "AutoRotation", "true", "Expires", "", "LastUsed", "")
	switch {
	case i < 6:
		b.set("Id", keyARN(a, i), "Type", "KMS", "Owner", "", "AutoRotation", truth(a.name != "prod" || i != oldKey))
		w.rotate(b, a, i, created, 350)
	case i < 13:
		b.set("Id", accessKeyID(a, i), "Type", "AccessKey", "AutoRotation", "false")
		w.accessKey(b, a, i, created)
	default:
		b.set("Id", certificateARN(a, i), "Type", "Certificate", "Owner", "")
		certificate(b, a, i)
	}
	return b.done()
}

// rotate replaces a key every so many days from its making on.
func (w *world) rotate(b *builder, a cloudAccount, i int, created time.Time, days int) {
	b.set("RotatedDate", instantText(created))
	for d := addDays(created, days); d.Before(exportsEnd); d = addDays(d, days) {
		at := d
		if a.name == "prod" && i == oldKey && d.Year() == 2025 {
			at = clock(2025, 4, 8, 10, 0) // a year was over on 18 February
		}
		if a.name == "prod" && i == oldAccessKey && d.After(day(2025, 7, 1)) && d.Before(day(2025, 10, 1)) {
			continue
		}
		b.at(at, "RotatedDate", instantText(at))
	}
}

// leaverKeyRevoked is when the key of keyLeaver, who left on 18 June, before a
// holiday, was switched off.
var leaverKeyRevoked = clock(2025, 6, 30, 11, 20)

var engineerKeys = map[int]int{10: keyLeaver, 11: 9, 12: weekendLeaver} // key: its owner

func (w *world) accessKey(b *builder, a cloudAccount, i int, created time.Time) {
	if i < 10 {
		b.set("Owner", awsARN([]string{"svc-backup", "svc-deploy", "svc-metrics", "svc-mail"}[i-6]))
		w.rotate(b, a, i, created, 80)
		return
	}
	p := w.person(engineerKeys[i])
	b.set("Owner", awsARN(p.handle))
	w.rotate(b, a, i, created, 75)
	switch i {
	case 10:
		b.at(leaverKeyRevoked, "Status", "Inactive")
	case 12:
		b.at(clock(2025, 3, 17, 9, 30), "Status", "Inactive") // the Monday after a Friday: in time
	}
}

// certificate is renewed 30 days before it ends; one is renewed too late.
func certificate(b *builder, a cloudAccount, i int) {
	made := clock(2024, 9, 2+i, 9, 0)
	b.set("CreateDate", instantText(made), "RotatedDate", instantText(made), "Expires", instantText(addDays(made, 364)))
	ends := addDays(made, 364)
	renewed := addDays(ends, -30)
	if a.name == "prod" && i == oldCertificate {
		renewed = addDays(ends, 2)
		b.at(ends, "Status", "Expired")
	}
	b.at(renewed, "Status", "Active", "CreateDate", instantText(renewed), "RotatedDate", instantText(renewed),
		"Expires", instantText(addDays(renewed, 364)))
}

// Kinds of resource an account has, in turn.
var resourceKinds = []string{"detector", "trail", "load balancer", "network rule", "instance", "instance", "function", "network rule", "instance", "alarm", "cluster", "network rule"}

func (w *world) resourceTable(a cloudAccount) *table {
	t := &table{n: w.size.ResourcesPerAccount, cols: columns("arn name kind account region environment enabled public open_ports encrypted logging managed_by owner retention_days")}
	t.make = func(i int) (thing, bool) { return w.resource(t, a, i) }
	return t
}

// resourceKind: an account has one detector and one trail.
func resourceKind(i int) string {
	kind := resourceKinds[i%len(resourceKinds)]
	if i >= len(resourceKinds) && (kind == "detector" || kind == "trail") {
		return "instance"
	}
	return kind
}

func resourceARN(a cloudAccount, i int) string {
	return fmt.Sprintf("arn:aws:cfg:%s:%s:%s/%d", region, a.number, strings.ReplaceAll(resourceKind(i), " ", "-"), i)
}

func accessKeyID(a cloudAccount, i int) string { return fmt.Sprintf("AKIA%s%04d", a.number[7:], i) }

func certificateARN(a cloudAccount, i int) string {
	return fmt.Sprintf("arn:aws:acm:%s:%s:certificate/halyard-%02d", region, a.number, i)
}

func (w *world) resource(t *table, a cloudAccount, i int) (thing, bool) {
	kind := resourceKind(i)
	balancer := kind == "load balancer"
	ports := ""
	if balancer {
		ports = "443"
	}
	name := fmt.Sprintf("%s-%s-%d", a.name, kind, i)
	b := t.build().set("arn", resourceARN(a, i), "name", name, "kind", kind, "account", a.number,
		"region", region, "environment", a.environment, "enabled", "yes", "public", yes(balancer), "open_ports", ports, "encrypted", "yes",
		"logging", "yes", "managed_by", "halyard/infrastructure", "owner", "platform", "retention_days", "400")
	seedResource(b, a, i)
	return b.done()
}

func seedResource(b *builder, a cloudAccount, i int) {
	switch {
	case a.name == "prod" && i == openRule:
		b.during(clock(2025, 11, 5, 9, 15), clock(2025, 11, 7, 18, 40), "open_ports", "22")
	case a.name == "prod" && i == silentTrail:
		b.during(clock(2025, 2, 11, 8, 30), clock(2025, 2, 13, 12, 0), "enabled", "no")
	case a.name == "sandbox" && i == 0:
		b.during(clock(2025, 9, 3, 14, 0), clock(2025, 9, 5, 10, 0), "enabled", "no")
	}
}
