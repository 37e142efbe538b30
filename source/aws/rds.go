package aws

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"slices"
	"strings"

	"tieout/source"
	"tieout/source/rest"
)

const (
	kindDatabases = "aws.rds.instances" // one page of database instances
	kindClusters  = "aws.rds.clusters"  // one page of database clusters
)

var cannotRDS = []string{
	"whether a database refuses connections without TLS: that is in its parameter group",
	"databases that people run on instances of their own, and services such as DynamoDB, Redshift and ElastiCache",
	"manual snapshots, and who may restore them",
}

// savedFacts name the databases that AWS Backup has saved at least once.
type savedFacts struct {
	Known bool     `json:"known"`
	Saved []string `json:"saved,omitempty"`
}

// readRDS asks AWS Backup what it has saved, then reads databases and clusters.
func readRDS(ctx context.Context, v *visit) error {
	streams := v.of("datastore")
	facts, err := v.saved(ctx, streams)
	if err != nil {
		return err
	}
	ask := form(rds, "DescribeDBInstances", "MaxRecords", "100")
	if _, err := v.list(ctx, rds, rest.List{Kind: kindDatabases, Ask: ask, Facts: facts, Next: nextForm(rds, ask, "DescribeDBInstancesResult/Marker", "Marker")}, streams...); err != nil {
		return err
	}
	ask = form(rds, "DescribeDBClusters", "MaxRecords", "100")
	_, err = v.list(ctx, rds, rest.List{Kind: kindClusters, Ask: ask, Facts: facts, Next: nextForm(rds, ask, "DescribeDBClustersResult/Marker", "Marker")}, streams...)
	return err
}

// saved asks which databases AWS Backup protects. Where it does not tell, the
// databases are still read: only a retention of 0 days is then not enough to
// say that one is not backed up.
func (v *visit) saved(ctx context.Context, streams []*source.Stream) (savedFacts, error) {
	var facts savedFacts
	ask := path(backup, "/resources/?maxResults=1000")
	f, err := v.list(ctx, backup, rest.List{Kind: kindList, Ask: ask, Next: rest.NextToken(ask, "NextToken", "nextToken"), Each: func(a rest.Answer) (bool, error) {
		var d struct {
			Results *[]struct {
				ARN string `json:"ResourceArn"`
			} `json:"Results"`
		}
		if err := json.Unmarshal(a.Body, &d); err != nil || d.Results == nil {
			return false, errors.New("the answer has no list of protected resources")
		}
		for _, r := range *d.Results {
			if strings.Contains(r.ARN, ":rds:") {
				facts.Saved = append(facts.Saved, r.ARN)
			}
		}
		return true, nil
	}})
	facts.Known = f.Whole()
	for _, s := range streams {
		if s.Asked(ask.Query()); !f.Whole() {
			s.Note("which databases AWS Backup protects could not be collected (" + f.Why + "): one without automated backups is not said to have none")
		}
	}
	return facts, err
}

type rdsTag struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

// A database is an instance or a cluster: what both say.
type database struct {
	ARN       string
	Name      string
	Encrypted string
	Key       string
	Public    string
	MultiAZ   string
	Retention string
	Exports   []string
	Cluster   string // that the instance belongs to
	Tags      []rdsTag
}

func normalDatabases(p *page) error {
	var d struct {
		XMLName xml.Name `xml:"DescribeDBInstancesResponse"`
		List    *struct {
			Items []struct {
				ARN       string   `xml:"DBInstanceArn"`
				Name      string   `xml:"DBInstanceIdentifier"`
				Encrypted string   `xml:"StorageEncrypted"`
				Key       string   `xml:"KmsKeyId"`
				Public    string   `xml:"PubliclyAccessible"`
				MultiAZ   string   `xml:"MultiAZ"`
				Retention string   `xml:"BackupRetentionPeriod"`
				Exports   []string `xml:"EnabledCloudwatchLogsExports>member"`
				Cluster   string   `xml:"DBClusterIdentifier"`
				Tags      []rdsTag `xml:"TagList>Tag"`
			} `xml:"DBInstance"`
		} `xml:"DescribeDBInstancesResult>DBInstances"`
	}
	var facts savedFacts
	sheet, err := p.sheet(&facts)
	if err != nil {
		return err
	}
	if err := readXML(partOf(sheet, "list").body, &d); err != nil || d.List == nil {
		return errors.New("the answer has no list of database instances")
	}
	for _, i := range d.List.Items {
		p.database(database(i), facts)
	}
	return nil
}

func normalClusters(p *page) error {
	var d struct {
		XMLName xml.Name `xml:"DescribeDBClustersResponse"`
		List    *struct {
			Items []struct {
				ARN       string   `xml:"DBClusterArn"`
				Name      string   `xml:"DBClusterIdentifier"`
				Encrypted string   `xml:"StorageEncrypted"`
				Key       string   `xml:"KmsKeyId"`
				Public    string   `xml:"PubliclyAccessible"`
				MultiAZ   string   `xml:"MultiAZ"`
				Retention string   `xml:"BackupRetentionPeriod"`
				Exports   []string `xml:"EnabledCloudwatchLogsExports>member"`
				Tags      []rdsTag `xml:"TagList>Tag"`
			} `xml:"DBCluster"`
		} `xml:"DescribeDBClustersResult>DBClusters"`
	}
	var facts savedFacts
	sheet, err := p.sheet(&facts)
	if err != nil {
		return err
	}
	if err := readXML(partOf(sheet, "list").body, &d); err != nil || d.List == nil {
		return errors.New("the answer has no list of database clusters")
	}
	for _, c := range d.List.Items {
		p.database(database{ARN: c.ARN, Name: c.Name, Encrypted: c.Encrypted, Key: c.Key, Public: c.Public, MultiAZ: c.MultiAZ,
			Retention: c.Retention, Exports: c.Exports, Tags: c.Tags}, facts)
	}
	return nil
}

func (p *page) database(d database, facts savedFacts) {
	tags := make([]tag, len(d.Tags))
	for i, t := range d.Tags {
		tags[i] = tag(t)
	}
	f := source.Fields{"encrypted": flagOf(d.Encrypted), "public": flagOf(d.Public)}
	if strings.HasPrefix(d.Key, "arn:") {
		f["key"] = d.Key
	}
	if d.Cluster == "" { // how an instance of a cluster survives is the cluster's matter
		f["redundant"] = flagOf(d.MultiAZ)
	}
	switch {
	case d.Retention != "" && d.Retention != "0":
		f["backedUp"] = true
	case d.Retention == "0" && facts.Known && !slices.Contains(facts.Saved, d.ARN):
		f["backedUp"] = false
	}
	if slices.Contains(d.Exports, "audit") {
		f["logging"] = true
	}
	p.datastore(d.ARN, "database", d.Name, tags, f)
}
