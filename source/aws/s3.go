package aws

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/url"
	"slices"
	"strings"

	"tieout/source"
	"tieout/source/rest"
)

const kindBucket = "aws.s3.bucket" // one bucket and its settings

var cannotBuckets = []string{
	"objects whose own access list makes them public inside a bucket that is not; access points",
	"whether access to a bucket without server access logging is logged by a trail's data events",
	"whether a bucket is backed up",
	"what a request meets that is denied or allowed by other policies than the bucket's own",
}

// blockFacts say what the account forbids for all of its buckets.
type blockFacts struct {
	Known  bool `json:"known"`
	Ignore bool `json:"ignore"`   // access lists that make public count for nothing
	Narrow bool `json:"restrict"` // policies that make public count for the account only
}

// What buckets are asked: the part of the page, the subresource, and the codes
// by which S3 says that there is none.
var bucketAsks = []struct {
	part, sub string
	answers   []string
}{
	{"encryption", "encryption", []string{noEncryption}},
	{"publicAccessBlock", "publicAccessBlock", []string{noBlock}},
	{"policyStatus", "policyStatus", []string{noPolicy}},
	{"policy", "policy", []string{noPolicy}},
	{"acl", "acl", nil},
	{"versioning", "versioning", nil},
	{"logging", "logging", nil},
	{"lifecycle", "lifecycle", []string{noLifecycle}},
	{"tagging", "tagging", []string{noTags}},
}

const (
	noEncryption = "ServerSideEncryptionConfigurationNotFoundError"
	noBlock      = "NoSuchPublicAccessBlockConfiguration"
	noPolicy     = "NoSuchBucketPolicy"
	noLifecycle  = "NoSuchLifecycleConfiguration"
	noTags       = "NoSuchTagSet"
	noBucket     = "NoSuchBucket"
)

type bucketsPage struct {
	XMLName xml.Name `xml:"ListAllMyBucketsResult"`
	List    *struct {
		Buckets []bucketRef `xml:"Bucket"`
	} `xml:"Buckets"`
	Token string `xml:"ContinuationToken"`
}

// A bucketRef names a bucket. S3 tells the region in lists of many pages.
type bucketRef struct {
	Name   string `xml:"Name" json:"name"`
	Region string `xml:"BucketRegion" json:"region,omitempty"`
}

// readBuckets lists the account's buckets, whatever region they are in, and
// seals each with its settings.
func readBuckets(ctx context.Context, v *visit) error {
	streams := v.of("datastore")
	var buckets []bucketRef
	ask := path(s3, "/?max-buckets=1000")
	f, err := v.list(ctx, s3, rest.List{Kind: kindList, Ask: ask, Next: nextBuckets, Each: func(a rest.Answer) (bool, error) {
		var d bucketsPage
		if err := readXML(a.Body, &d); err != nil || d.List == nil {
			return false, errors.New("the answer has no list of buckets")
		}
		buckets = append(buckets, d.List.Buckets...)
		return true, nil
	}}, streams...)
	if err != nil || !f.Whole() && len(buckets) == 0 {
		return err
	}
	facts, err := v.accountBlock(ctx, streams)
	if err != nil {
		return err
	}
	for i, b := range buckets {
		if err := v.bucket(ctx, b, facts, streams); err != nil {
			return err
		}
		v.run.Progress("buckets of "+v.account, i+1, len(buckets))
	}
	return nil
}

func nextBuckets(a rest.Answer) (*rest.Ask, error) {
	var d bucketsPage
	if err := readXML(a.Body, &d); err != nil || d.Token == "" {
		return nil, err
	}
	n := path(s3, "/?continuation-token="+url.QueryEscape(d.Token)+"&max-buckets=1000")
	return &n, nil
}

// accountBlock asks what the account forbids for all of its buckets. Where it
// is not told, whether a bucket is public may not be known.
func (v *visit) accountBlock(ctx context.Context, streams []*source.Stream) (blockFacts, error) {
	ask := path(s3, "/v20180820/configuration/publicAccessBlock")
	ask.Header = map[string]string{"X-Amz-Account-Id": v.account}
	sheet := rest.NewSheet(struct{}{})
	a, err := v.ask(ctx, sheet, "account's publicAccessBlock", v.to(s3control, v.region), ask, []string{noBlock}, streams...)
	if err != nil {
		return blockFacts{}, err
	}
	if err := v.seal(ctx, kindList, ask.Query(), sheet, streams...); err != nil {
		return blockFacts{}, err
	}
	b, known := blockOf(partOf(sheet, "account's publicAccessBlock", noBlock))
	return blockFacts{Known: known && (a.OK() || code(a.Header, a.Body) == noBlock), Ignore: b.IgnoreACLs, Narrow: b.Restrict}, nil
}

// bucket seals one bucket and its settings, asked in the region it is in.
func (v *visit) bucket(ctx context.Context, b bucketRef, facts blockFacts, streams []*source.Stream) error {
	sheet := rest.NewSheet(facts)
	element, err := json.Marshal(b)
	if err != nil {
		return err
	}
	sheet.AddElement("bucket", element)
	root, region := "/"+url.PathEscape(b.Name), b.Region
	if region == "" {
		a, err := v.ask(ctx, sheet, "location", v.to(s3, v.finder()), path(s3, root+"?location"), []string{noBucket}, streams...)
		if err != nil {
			return err
		}
		region = locationOf(asked{known: a.OK(), body: a.Body})
	}
	for _, s := range streams {
		s.Asked("s3 GET /BUCKET?location, encryption, publicAccessBlock, policyStatus, policy, acl, versioning, logging, lifecycle, tagging for each bucket")
	}
	if region != "" {
		client := v.to(s3, v.within(region))
		for _, q := range bucketAsks {
			if _, err := v.ask(ctx, sheet, q.part, client, path(s3, root+"?"+q.sub), append([]string{noBucket}, q.answers...), streams...); err != nil {
				return err
			}
		}
	}
	return v.seal(ctx, kindBucket, "s3 settings of bucket "+b.Name, sheet, streams...)
}

// finder is the region that tells where any bucket of the partition is.
func (v *visit) finder() string {
	if part, _ := partition(v.c.s.Region); part == "aws" {
		return "us-east-1"
	}
	return v.c.s.Region
}

// within is region where it can be the name of one: the answer that names it is
// not to lead a request elsewhere.
func (v *visit) within(region string) string {
	if regionName.MatchString(region) {
		return region
	}
	return v.region
}

// locationOf is the region a bucket is in, "" where it is not told.
func locationOf(a asked) string {
	var l struct {
		XMLName xml.Name `xml:"LocationConstraint"`
		Region  string   `xml:",chardata"`
	}
	if a.body == nil || !a.known || readXML(a.body, &l) != nil {
		return ""
	}
	switch r := strings.TrimSpace(l.Region); r {
	case "":
		return "us-east-1"
	case "EU":
		return "eu-west-1"
	default:
		return r
	}
}

type accessBlock struct {
	XMLName    xml.Name `xml:"PublicAccessBlockConfiguration"`
	IgnoreACLs bool     `xml:"IgnorePublicAcls"`
	Restrict   bool     `xml:"RestrictPublicBuckets"`
}

func blockOf(a asked) (b accessBlock, known bool) {
	if a.none {
		return b, true
	}
	return b, a.known && readXML(a.body, &b) == nil
}

func normalBucket(p *page) error {
	var facts blockFacts
	sheet, err := p.sheet(&facts)
	if err != nil {
		return err
	}
	var b bucketRef
	if err := sheet.Decode("bucket", &b); err != nil || b.Name == "" {
		return errors.New("the page names no bucket")
	}
	name := b.Name
	if slices.ContainsFunc(sheet.Answers, func(a rest.Part) bool { return a.Status == 404 && code(nil, a.Bytes()) == noBucket }) {
		return nil // it was deleted after it was listed
	}
	get := func(part string, answers ...string) asked { return partOf(sheet, part, answers...) }
	if p.region = b.Region; p.region == "" {
		p.region = locationOf(get("location"))
	}
	f := source.Fields{"public": bucketPublic(get, facts), "tlsRequired": tlsRequired(get("policy", noPolicy), name)}
	if p.region == "" {
		f["region"] = nil
	}
	bucketEncryption(p, f, get("encryption", noEncryption))
	versions, known := bucketVersioning(get("versioning"))
	if known {
		f["versioning"] = versions == "Enabled"
	}
	if logged(get("logging")) {
		f["logging"] = true
	}
	if days, ok := bucketRetention(get("lifecycle", noLifecycle), versions != ""); ok && known {
		f["retentionDays"] = days
	}
	part, _ := partition(p.region)
	p.datastore("arn:"+part+":s3:::"+name, "bucket", name, bucketTags(get("tagging", noTags)), f)
	return nil
}

// bucketEncryption adds whether new objects are encrypted, and by which key.
func bucketEncryption(p *page, f source.Fields, a asked) {
	var d struct {
		XMLName xml.Name `xml:"ServerSideEncryptionConfiguration"`
		Rules   []struct {
			Algorithm string `xml:"ApplyServerSideEncryptionByDefault>SSEAlgorithm"`
			Key       string `xml:"ApplyServerSideEncryptionByDefault>KMSMasterKeyID"`
		} `xml:"Rule"`
	}
	if a.none {
		f["encrypted"] = false
		return
	}
	if !a.known || readXML(a.body, &d) != nil || len(d.Rules) == 0 || d.Rules[0].Algorithm == "" {
		return
	}
	f["encrypted"] = true
	switch key := d.Rules[0].Key; {
	case key == "":
		f["key"] = ""
	case strings.HasPrefix(key, "arn:"):
		f["key"] = key
	case !strings.HasPrefix(key, "alias/"):
		f["key"] = p.arn("kms", "key/"+key)
	}
}

// bucketPublic is whether someone outside can read the bucket: by its policy or
// its access list, unless the bucket or the account sets these aside. nil where
// an answer that would decide did not come.
func bucketPublic(get func(string, ...string) asked, facts blockFacts) any {
	block, blockKnown := blockOf(get("publicAccessBlock", noBlock))
	policy, policyKnown := policyPublic(get("policyStatus", noPolicy))
	acl, aclKnown := aclPublic(get("acl"))
	narrowed := blockKnown && block.Restrict || facts.Known && facts.Narrow
	ignored := blockKnown && block.IgnoreACLs || facts.Known && facts.Ignore
	decided := blockKnown && facts.Known
	closed := (narrowed || policyKnown && !policy) && (ignored || aclKnown && !acl)
	open := decided && (policyKnown && policy && !narrowed || aclKnown && acl && !ignored)
	switch {
	case open:
		return true
	case closed:
		return false
	}
	return nil
}

func policyPublic(a asked) (public, known bool) {
	var d struct {
		XMLName xml.Name `xml:"PolicyStatus"`
		Public  string   `xml:"IsPublic"`
	}
	if a.none {
		return false, true
	}
	if !a.known || readXML(a.body, &d) != nil {
		return false, false
	}
	v := strings.ToLower(strings.TrimSpace(d.Public))
	return v == "true", v == "true" || v == "false"
}

// The groups of everyone, and of everyone with any AWS account.
var everyone = []string{"http://acs.amazonaws.com/groups/global/AllUsers", "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}

func aclPublic(a asked) (public, known bool) {
	var d struct {
		XMLName xml.Name `xml:"AccessControlPolicy"`
		List    *struct {
			Grants []struct {
				URI string `xml:"Grantee>URI"`
			} `xml:"Grant"`
		} `xml:"AccessControlList"`
	}
	if !a.known || readXML(a.body, &d) != nil || d.List == nil {
		return false, false
	}
	for _, g := range d.List.Grants {
		if slices.Contains(everyone, strings.TrimSpace(g.URI)) {
			return true, true
		}
	}
	return false, true
}

// tlsRequired is whether the bucket's policy denies everyone every action
// without TLS (condition aws:SecureTransport false).
func tlsRequired(a asked, bucket string) any {
	if a.none {
		return false
	}
	if !a.known {
		return nil
	}
	list, err := statements(string(a.body))
	if err != nil {
		return nil
	}
	return slices.ContainsFunc(list, func(s statement) bool { return s.deniesPlain(bucket) })
}

func (s statement) deniesPlain(bucket string) bool {
	var who struct {
		AWS oneOrMore `json:"AWS"`
	}
	all := string(s.Principal) == `"*"` || json.Unmarshal(s.Principal, &who) == nil && slices.Contains(who.AWS, "*")
	action := slices.ContainsFunc(s.Action, func(a string) bool { return a == "*" || strings.EqualFold(a, "s3:*") })
	resource := slices.ContainsFunc(s.Resource, func(r string) bool { return r == "*" || strings.HasSuffix(r, ":::"+bucket+"/*") })
	plain := len(s.Condition) == 1 && len(s.Condition["Bool"]) == 1 && slices.Equal(s.Condition["Bool"]["aws:SecureTransport"], oneOrMore{"false"})
	return s.Effect == "Deny" && all && action && resource && plain
}

func bucketVersioning(a asked) (status string, known bool) {
	var d struct {
		XMLName xml.Name
		Status  string `xml:"Status"`
	}
	known = a.known && readXML(a.body, &d) == nil &&
		(d.XMLName.Local == "VersioningConfiguration" || d.XMLName.Local == "GetBucketVersioningResponse") // as stores compatible with S3 write it
	return d.Status, known
}

func logged(a asked) bool {
	var d struct {
		XMLName xml.Name `xml:"BucketLoggingStatus"`
		Target  string   `xml:"LoggingEnabled>TargetBucket"`
	}
	return a.known && readXML(a.body, &d) == nil && d.Target != ""
}

type lifecycle struct {
	XMLName xml.Name        `xml:"LifecycleConfiguration"`
	Rules   []lifecycleRule `xml:"Rule"`
}

type lifecycleRule struct {
	Status  string `xml:"Status"`
	Prefix  string `xml:"Prefix"`
	Days    int    `xml:"Expiration>Days"`
	Earlier int    `xml:"NoncurrentVersionExpiration>NoncurrentDays"`
	Kept    int    `xml:"NoncurrentVersionExpiration>NewerNoncurrentVersions"`
	Filter  struct {
		Prefix  string    `xml:"Prefix"`
		Tag     *struct{} `xml:"Tag"`
		Greater *struct{} `xml:"ObjectSizeGreaterThan"`
		Less    *struct{} `xml:"ObjectSizeLessThan"`
		And     *struct{} `xml:"And"`
	} `xml:"Filter"`
}

// whole reports whether a rule is on and holds for every object under prefix.
func (r lifecycleRule) whole(prefix string) bool {
	narrow := r.Filter.Tag != nil || r.Filter.Greater != nil || r.Filter.Less != nil || r.Filter.And != nil
	return r.Status == "Enabled" && !narrow && strings.HasPrefix(prefix, r.Prefix+r.Filter.Prefix)
}

// bucketRetention is after how many days every object of a bucket is gone, 0
// where some never are. Where versions are kept an object that expired stays as
// an earlier version until that expires too.
func bucketRetention(a asked, versions bool) (days int, known bool) {
	return retentionUnder(a, versions, "")
}

func retentionUnder(a asked, versions bool, prefix string) (days int, known bool) {
	if a.none {
		return 0, true
	}
	var d lifecycle
	if !a.known || readXML(a.body, &d) != nil {
		return 0, false
	}
	current, earlier := 0, 0
	for _, r := range d.Rules {
		if !r.whole(prefix) {
			continue
		}
		current = shortest(current, r.Days)
		if r.Kept == 0 {
			earlier = shortest(earlier, r.Earlier)
		}
	}
	switch {
	case current == 0 || versions && earlier == 0:
		return 0, true
	case versions:
		return current + earlier, true
	}
	return current, true
}

func shortest(a, b int) int {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// bucketTags are nil where they were not told.
func bucketTags(a asked) []tag {
	var d struct {
		XMLName xml.Name `xml:"Tagging"`
		Tags    []struct {
			Key   string `xml:"Key"`
			Value string `xml:"Value"`
		} `xml:"TagSet>Tag"`
	}
	if a.none {
		return []tag{}
	}
	if !a.known || readXML(a.body, &d) != nil {
		return nil
	}
	out := make([]tag, len(d.Tags))
	for i, t := range d.Tags {
		out[i] = tag(t)
	}
	return out
}
