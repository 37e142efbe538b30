package aws

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/cloudtrail"
	"tieout/source/rest"
)

const (
	kindTrail     = "aws.cloudtrail.trail"    // one trail, its status and its bucket's lifecycle
	kindSignIns   = "aws.cloudtrail.signIns"  // one page of console sign-ins
	kindRecorders = "aws.config.recorders"    // recorders of a region, and their status
	kindDetectors = "aws.guardduty.detectors" // detectors of a region by id: says where there is none
	kindDetector  = "aws.guardduty.detector"  // one detector
	kindFindings  = "aws.guardduty.findings"  // some findings of a detector
	kindAlarms    = "aws.cloudwatch.alarms"   // one page of alarms
	signInEvent   = "ConsoleLogin"            // the event of CloudTrail
	trailFiles    = "AWSLogs/"                // where in its bucket a trail puts its files
	noTrail       = "TrailNotFoundException"  // a code of CloudTrail
	mostFindings  = 50                        // that GuardDuty tells at once
)

var cannotSignIn = []string{
	"sign-ins before the 90 days that CloudTrail's event history keeps: files that a trail delivered tell of them (source cloudtrail)",
	"the last 15 minutes: CloudTrail may tell of an event that late",
	"sign-ins by access key; sign-ins at an identity provider, which are that system's",
	"the user of a failed sign-in where CloudTrail hides a name that does not exist",
}

type trail struct {
	ARN        string `json:"TrailARN"`
	Name       string `json:"Name"`
	Bucket     string `json:"S3BucketName"`
	Prefix     string `json:"S3KeyPrefix"`
	Everywhere *bool  `json:"IsMultiRegionTrail"`
	Validated  *bool  `json:"LogFileValidationEnabled"`
	Key        string `json:"KmsKeyId"`
}

// readTrails lists the trails whose home the region is, and seals each with its
// status and the lifecycle of the bucket its files are kept in.
func readTrails(ctx context.Context, v *visit) error {
	streams := v.of("resource")
	var elements []json.RawMessage
	ask := target(cloudtrailAPI, "DescribeTrails", body{"includeShadowTrails": false})
	_, err := v.list(ctx, cloudtrailAPI, rest.List{Kind: kindList, Ask: ask, Each: func(a rest.Answer) (bool, error) {
		var err error
		elements, err = source.Elements(a.Body, "trailList")
		return false, err
	}}, streams...)
	if err != nil {
		return err
	}
	for _, e := range elements {
		if err := v.trail(ctx, e, streams); err != nil {
			return err
		}
	}
	return nil
}

func (v *visit) trail(ctx context.Context, element json.RawMessage, streams []*source.Stream) error {
	var t trail
	if err := json.Unmarshal(element, &t); err != nil || t.ARN == "" {
		streams[0].Fail("a trail has no name")
		return nil
	}
	sheet := rest.NewSheet(struct{}{})
	sheet.AddElement("trail", element)
	streams[0].Asked("cloudtrail GetTrailStatus and s3 lifecycle and versioning of its bucket for each trail")
	if _, err := v.ask(ctx, sheet, "status", v.to(cloudtrailAPI, v.region), target(cloudtrailAPI, "GetTrailStatus", body{"Name": t.ARN}), nil, streams...); err != nil {
		return err
	}
	if err := v.trailBucket(ctx, sheet, t.Bucket, streams[0]); err != nil {
		return err
	}
	return v.seal(ctx, kindTrail, "cloudtrail settings of "+t.ARN, sheet, streams...)
}

// trailBucket asks how long a trail's bucket keeps its files. The bucket may be
// another account's: what it does not tell is not collected, and the trail is
// read all the same.
func (v *visit) trailBucket(ctx context.Context, sheet *rest.Sheet, bucket string, s *source.Stream) error {
	root := "/" + url.PathEscape(bucket)
	a, err := v.ask(ctx, sheet, "location", v.to(s3, v.finder()), path(s3, root+"?location"), nil)
	if err != nil {
		return err
	}
	region := locationOf(asked{known: a.OK(), body: a.Body})
	if region == "" {
		s.Note("how long a trail's files are kept is not collected where its bucket does not answer: " + a.Fault())
		return nil
	}
	for _, sub := range []string{"lifecycle", "versioning"} {
		a, err := v.ask(ctx, sheet, sub, v.to(s3, v.within(region)), path(s3, root+"?"+sub), nil)
		if err != nil {
			return err
		}
		if !a.OK() && code(a.Header, a.Body) != noLifecycle {
			s.Note("how long a trail's files are kept is not collected where its bucket does not answer: " + a.Fault())
		}
	}
	return nil
}

func normalTrail(p *page) error {
	var t trail
	sheet, err := p.sheet(nil)
	if err != nil {
		return err
	}
	if err := sheet.Decode("trail", &t); err != nil || t.ARN == "" {
		return errors.New("the page names no trail")
	}
	f := source.Fields{"openPorts": []string{}}
	var status struct {
		Logging *bool `json:"IsLogging"`
	}
	if sheet.Decode("status", &status) == nil && status.Logging != nil {
		f["enabled"] = *status.Logging
	}
	if t.Everywhere != nil && *t.Everywhere {
		f["region"] = ""
	}
	if t.Validated != nil {
		f["tampering"] = *t.Validated
	}
	if t.Key != "" {
		f["encrypted"] = true
	}
	versions, known := bucketVersioning(partOf(sheet, "versioning"))
	prefix := trailFiles
	if t.Prefix != "" {
		prefix = t.Prefix + "/" + trailFiles
	}
	if days, ok := retentionUnder(partOf(sheet, "lifecycle", noLifecycle), versions != "", prefix); ok && known {
		f["retentionDays"] = days
	}
	p.resource(t.ARN, "trail", t.Name, nil, f)
	return nil
}

// readSignIns reads sign-ins to the console from CloudTrail's event history.
func readSignIns(ctx context.Context, v *visit) error {
	s := v.streams["signIn"]
	if s.Failed() {
		s.Asked("cloudtrail LookupEvents")
		return nil
	}
	b := body{"LookupAttributes": []body{{"AttributeKey": "EventName", "AttributeValue": signInEvent}}, "MaxResults": 50,
		"StartTime": s.Covers.From.Unix(), "EndTime": s.Covers.To.Unix()}
	_, err := v.list(ctx, cloudtrailAPI, rest.List{Kind: kindSignIns, About: s.Covers, Ask: target(cloudtrailAPI, "LookupEvents", b),
		Next: nextTarget(cloudtrailAPI, "LookupEvents", b, "NextToken", "NextToken")}, s)
	return err
}

func normalSignIns(p *page) error {
	list, err := source.Elements(p.Body, "Events")
	if err != nil {
		return err
	}
	p.out.Each(list, func(e json.RawMessage) error {
		var event struct {
			Record string `json:"CloudTrailEvent"`
		}
		if err := json.Unmarshal(e, &event); err != nil || event.Record == "" {
			return errors.New("an event has no record")
		}
		s, err := cloudtrail.Read(json.RawMessage(event.Record))
		if err == nil && s != nil && inside(s.At, p.About) {
			p.out.Add("signIn", s.ID, s.At, s.Fields(p.System))
		}
		return err
	})
	return nil
}

// readRecorders reads whether AWS Config records the region.
func readRecorders(ctx context.Context, v *visit) error {
	streams := v.of("resource")
	sheet := rest.NewSheet(struct{}{})
	for _, op := range []string{"DescribeConfigurationRecorders", "DescribeConfigurationRecorderStatus"} {
		ask := target(awsConfig, op, nil)
		streams[0].Asked(ask.Query())
		a, err := v.ask(ctx, sheet, op, v.to(awsConfig, v.region), ask, nil)
		if err != nil {
			return err
		}
		if !a.OK() {
			streams[0].Fail(op + ": " + a.Fault())
		}
	}
	return v.seal(ctx, kindRecorders, "config recorders and their status", sheet, streams...)
}

func normalRecorders(p *page) error {
	var d struct {
		Recorders *[]struct {
			Name string `json:"name"`
		} `json:"ConfigurationRecorders"`
	}
	var s struct {
		Status *[]struct {
			Name string `json:"name"`
			On   *bool  `json:"recording"`
		} `json:"ConfigurationRecordersStatus"`
	}
	sheet, err := p.sheet(nil)
	if err != nil {
		return err
	}
	if !partOf(sheet, "DescribeConfigurationRecorders").known {
		return nil
	}
	if err := sheet.Decode("DescribeConfigurationRecorders", &d); err != nil || d.Recorders == nil {
		return errors.New("the answer has no list of recorders")
	}
	if len(*d.Recorders) == 0 {
		p.none("config", "recorder", "no configuration recorder in "+p.region)
	}
	if sheet.Decode("DescribeConfigurationRecorderStatus", &s) != nil || s.Status == nil {
		s.Status = nil
	}
	for _, r := range *d.Recorders {
		f := source.Fields{"openPorts": []string{}}
		if s.Status != nil {
			for _, st := range *s.Status {
				if st.Name == r.Name && st.On != nil {
					f["enabled"] = *st.On
				}
			}
		}
		p.resource(p.arn("config", "configuration-recorder/"+r.Name), "recorder", r.Name, nil, f)
	}
	return nil
}

// none adds what stands for a region in which a watching service is not
// switched on at all: it is there in every region, and off.
func (p *page) none(service, kind, name string) {
	p.resource(p.arn(service, "none"), kind, name, nil, source.Fields{"enabled": false, "openPorts": []string{}})
}

// readDetectors reads GuardDuty: the detector of the region and its findings.
func readDetectors(ctx context.Context, v *visit) error {
	streams := v.of("resource", "alert")
	var ids []string
	ask := path(guardduty, "/detector?maxResults=50")
	f, err := v.list(ctx, guardduty, rest.List{Kind: kindDetectors, Ask: ask, Next: rest.NextToken(ask, "nextToken", "nextToken"), Each: func(a rest.Answer) (bool, error) {
		list, err := detectorIDs(a.Body)
		ids = append(ids, list...)
		return true, err
	}}, streams...)
	if err != nil || !f.Whole() {
		return err
	}
	for _, id := range ids {
		at := "/detector/" + url.PathEscape(id)
		sheet := rest.NewSheet(map[string]string{"detector": id})
		a, err := v.ask(ctx, sheet, "detector", v.to(guardduty, v.region), path(guardduty, at), nil, v.of("resource")...)
		if err != nil {
			return err
		}
		if err := v.seal(ctx, kindDetector, a.Query, sheet, v.of("resource")...); err != nil {
			return err
		}
		if err := v.findings(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

func detectorIDs(doc []byte) ([]string, error) {
	var d struct {
		IDs *[]string `json:"detectorIds"`
	}
	if err := json.Unmarshal(doc, &d); err != nil || d.IDs == nil {
		return nil, errors.New("the answer has no list of detectors")
	}
	return *d.IDs, nil
}

// findings lists a detector's findings and seals them, some at a time.
func (v *visit) findings(ctx context.Context, at string) error {
	streams := v.of("alert")
	var ids []string
	b := body{"maxResults": mostFindings}
	ask := send(guardduty, at+"/findings", b)
	next := func(a rest.Answer) (*rest.Ask, error) {
		var d struct {
			Token string `json:"nextToken"`
		}
		if err := json.Unmarshal(a.Body, &d); err != nil || d.Token == "" {
			return nil, err
		}
		n := send(guardduty, at+"/findings", body{"maxResults": mostFindings, "nextToken": d.Token})
		return &n, nil
	}
	f, err := v.list(ctx, guardduty, rest.List{Kind: kindList, Ask: ask, Next: next, Each: func(a rest.Answer) (bool, error) {
		var d struct {
			IDs *[]string `json:"findingIds"`
		}
		if err := json.Unmarshal(a.Body, &d); err != nil || d.IDs == nil {
			return false, errors.New("the answer has no list of findings")
		}
		ids = append(ids, *d.IDs...)
		return true, nil
	}}, streams...)
	if err != nil || !f.Whole() {
		return err
	}
	for some := range slices.Chunk(ids, mostFindings) {
		list := rest.List{Kind: kindFindings, Ask: send(guardduty, at+"/findings/get", body{"findingIds": some}), Asked: "guardduty POST " + at + "/findings/get"}
		got := 0
		list.Each = func(a rest.Answer) (bool, error) {
			found, err := source.Elements(a.Body, "findings")
			got = len(found)
			return false, err
		}
		f, err := v.list(ctx, guardduty, list, streams...)
		if err != nil {
			return err
		}
		if f.Whole() && got != len(some) {
			streams[0].Fail(fmt.Sprintf("findings listed and findings told: %d of %d", got, len(some)))
		}
	}
	return nil
}

func normalDetectors(p *page) error {
	ids, err := detectorIDs(p.Body)
	if err == nil && len(ids) == 0 {
		p.none("guardduty", "detector", "no detector in "+p.region)
	}
	return err
}

func normalDetector(p *page) error {
	facts := map[string]string{}
	var d struct {
		Status string `json:"status"`
	}
	sheet, err := p.sheet(&facts)
	if err != nil {
		return err
	}
	f := source.Fields{"openPorts": []string{}}
	if sheet.Decode("detector", &d) == nil && (d.Status == "ENABLED" || d.Status == "DISABLED") {
		f["enabled"] = d.Status == "ENABLED"
	}
	p.resource(p.arn("guardduty", "detector/"+facts["detector"]), "detector", facts["detector"], nil, f)
	return nil
}

func normalFindings(p *page) error {
	list, err := source.Elements(p.Body, "findings")
	if err != nil {
		return err
	}
	p.out.Each(list, func(e json.RawMessage) error {
		var d struct {
			ARN      string   `json:"arn"`
			Title    string   `json:"title"`
			Severity *float64 `json:"severity"`
			Created  string   `json:"createdAt"`
			Service  struct {
				Archived *bool `json:"archived"`
			} `json:"service"`
		}
		if err := json.Unmarshal(e, &d); err != nil {
			return err
		}
		f := source.Fields{"system": p.System, "title": d.Title, "kind": "security", "raisedAt": instantOf(d.Created)}
		if d.Severity != nil {
			f["severity"] = severityOf(*d.Severity)
		}
		if a := d.Service.Archived; a != nil && *a {
			f["status"] = "closed"
		} else if a != nil {
			f["status"], f["closedAt"] = "open", audit.Never
		}
		p.out.Add("alert", d.ARN, zero, f)
		return nil
	})
	return nil
}

// severityOf gives GuardDuty's number its word, by the levels of its guide.
func severityOf(n float64) string {
	switch {
	case n >= 9:
		return "critical"
	case n >= 7:
		return "high"
	case n >= 4:
		return "medium"
	}
	return "low"
}

// readAlarms reads the region's alarms of both kinds.
func readAlarms(ctx context.Context, v *visit) error {
	ask := form(cloudwatch, "DescribeAlarms", "AlarmTypes.member.1", "MetricAlarm", "AlarmTypes.member.2", "CompositeAlarm", "MaxRecords", "100")
	_, err := v.list(ctx, cloudwatch, rest.List{Kind: kindAlarms, Ask: ask, Next: nextForm(cloudwatch, ask, "DescribeAlarmsResult/NextToken", "NextToken")}, v.of("resource")...)
	return err
}

func normalAlarms(p *page) error {
	type alarm struct {
		ARN     string   `xml:"AlarmArn"`
		Name    string   `xml:"AlarmName"`
		On      string   `xml:"ActionsEnabled"`
		Actions []string `xml:"AlarmActions>member"`
	}
	var d struct {
		XMLName xml.Name `xml:"DescribeAlarmsResponse"`
		Result  *struct {
			Metric    []alarm `xml:"MetricAlarms>member"`
			Composite []alarm `xml:"CompositeAlarms>member"`
		} `xml:"DescribeAlarmsResult"`
	}
	if err := readXML(p.Body, &d); err != nil || d.Result == nil {
		return errors.New("the answer has no list of alarms")
	}
	for _, a := range append(d.Result.Metric, d.Result.Composite...) {
		f := source.Fields{"openPorts": []string{}}
		if on := flagOf(strings.ToLower(a.On)); on != nil { // an alarm that does nothing tells nobody
			f["enabled"] = on == true && len(a.Actions) > 0
		}
		p.resource(a.ARN, "alarm", a.Name, nil, f)
	}
	return nil
}

// inside reports whether an instant lies in what a page is about.
func inside(t time.Time, about audit.Span) bool {
	return !t.IsZero() && !t.Before(about.From) && t.Before(about.To)
}
