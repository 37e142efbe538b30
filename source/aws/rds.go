package aws

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

const (
	kindDatabases        = "aws.rds.instances"        // one page of database instances
	kindClusters         = "aws.rds.clusters"         // one page of database clusters
	kindSnapshots        = "aws.rds.snapshots"        // one page of snapshots of instances
	kindClusterSnapshots = "aws.rds.clusterSnapshots" // one page of snapshots of clusters
)

var cannotRDS = []string{
	"whether a database refuses connections without TLS: that is in its parameter group",
	"databases that people run on instances of their own, and services such as DynamoDB, Redshift and ElastiCache",
	"who may read and restore a snapshot",
}

var cannotSnapshots = []string{
	"a backup that failed and left no snapshot, and a snapshot that was deleted: there is none to list",
	"a snapshot that was still being made: the next reading tells of it where every database keeps its own for two days or more",
	"whether a snapshot lies beside its original only: one that does is not said to have no copy",
}

// savedFacts name the databases that AWS Backup has saved at least once.
type savedFacts struct {
	Known bool     `json:"known"`
	Saved []string `json:"saved,omitempty"`
}

// readRDS asks AWS Backup what it has saved, then reads databases, clusters and
// their snapshots.
func readRDS(ctx context.Context, v *visit) error {
	streams := v.of("datastore")
	facts, err := v.saved(ctx, streams)
	if err != nil {
		return err
	}
	kept := longest
	for _, l := range []struct {
		kind, op, result string
		read             func(doc []byte) ([]database, error)
	}{
		{kindDatabases, "DescribeDBInstances", "DescribeDBInstancesResult", databasesOf},
		{kindClusters, "DescribeDBClusters", "DescribeDBClustersResult", clustersOf},
	} {
		ask := form(rds, l.op, "MaxRecords", "100")
		f, err := v.list(ctx, rds, rest.List{Kind: l.kind, Ask: ask, Facts: facts, Next: nextForm(rds, ask, l.result+"/Marker", "Marker"), Each: func(a rest.Answer) (bool, error) {
			list, err := l.read(a.Body)
			for _, d := range list {
				if days, err := strconv.Atoi(d.Retention); err == nil && days > 0 {
					kept = min(kept, days)
				}
			}
			return true, err
		}}, streams...)
		if err != nil {
			return err
		}
		if !f.Whole() {
			kept = 1 // the least that automated snapshots are kept
		}
	}
	return v.snapshots(ctx, kept)
}

// longest is how many days RDS keeps automated snapshots at most.
const longest = 35

// snapshots reads what RDS saved in the days that every database keeps its
// automated snapshots for.
func (v *visit) snapshots(ctx context.Context, kept int) error {
	s := v.streams["backup"]
	if oldest := audit.Instant(v.run.Window.AsOf.AddDate(0, 0, -kept)); oldest.After(s.Covers.From) && oldest.Before(s.Covers.To) {
		s.Covers.From = oldest
		s.Note(fmt.Sprintf("snapshots older than %d days: the shortest time that a database of the region keeps its own", kept))
	}
	if s.Failed() {
		s.Asked("rds DescribeDBSnapshots")
		return nil
	}
	for _, l := range []struct{ kind, op, result string }{
		{kindSnapshots, "DescribeDBSnapshots", "DescribeDBSnapshotsResult"},
		{kindClusterSnapshots, "DescribeDBClusterSnapshots", "DescribeDBClusterSnapshotsResult"},
	} {
		ask := form(rds, l.op, "MaxRecords", "100")
		if _, err := v.list(ctx, rds, rest.List{Kind: l.kind, About: s.Covers, Ask: ask, Next: nextForm(rds, ask, l.result+"/Marker", "Marker")}, s); err != nil {
			return err
		}
	}
	return nil
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

func databasesOf(doc []byte) ([]database, error) {
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
	if err := readXML(doc, &d); err != nil || d.List == nil {
		return nil, errors.New("the answer has no list of database instances")
	}
	out := make([]database, len(d.List.Items))
	for i, item := range d.List.Items {
		out[i] = database(item)
	}
	return out, nil
}

func clustersOf(doc []byte) ([]database, error) {
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
				Cluster   string   `xml:"-"`
				Tags      []rdsTag `xml:"TagList>Tag"`
			} `xml:"DBCluster"`
		} `xml:"DescribeDBClustersResult>DBClusters"`
	}
	if err := readXML(doc, &d); err != nil || d.List == nil {
		return nil, errors.New("the answer has no list of database clusters")
	}
	out := make([]database, len(d.List.Items))
	for i, item := range d.List.Items {
		out[i] = database(item)
	}
	return out, nil
}

func normalDatabases(p *page) error { return p.databases(databasesOf) }

func normalClusters(p *page) error { return p.databases(clustersOf) }

func (p *page) databases(read func(doc []byte) ([]database, error)) error {
	var facts savedFacts
	sheet, err := p.sheet(&facts)
	if err != nil {
		return err
	}
	list, err := read(partOf(sheet, "list").body)
	for _, d := range list {
		p.database(d, facts)
	}
	return err
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

// A snapshot is one of an instance or a cluster.
type snapshot struct {
	ARN       string
	Of        string // identifier of what was saved
	Source    string // ARN of the snapshot it is a copy of
	Made      string
	Status    string
	Encrypted string
}

func normalSnapshots(p *page) error {
	var d struct {
		XMLName xml.Name `xml:"DescribeDBSnapshotsResponse"`
		List    *struct {
			Items []struct {
				ARN       string `xml:"DBSnapshotArn"`
				Of        string `xml:"DBInstanceIdentifier"`
				Source    string `xml:"SourceDBSnapshotIdentifier"`
				Made      string `xml:"SnapshotCreateTime"`
				Status    string `xml:"Status"`
				Encrypted string `xml:"Encrypted"`
			} `xml:"DBSnapshot"`
		} `xml:"DescribeDBSnapshotsResult>DBSnapshots"`
	}
	if err := readXML(p.Body, &d); err != nil || d.List == nil {
		return errors.New("the answer has no list of snapshots")
	}
	for _, s := range d.List.Items {
		p.snapshot(snapshot(s), "db:")
	}
	return nil
}

func normalClusterSnapshots(p *page) error {
	var d struct {
		XMLName xml.Name `xml:"DescribeDBClusterSnapshotsResponse"`
		List    *struct {
			Items []struct {
				ARN       string `xml:"DBClusterSnapshotArn"`
				Of        string `xml:"DBClusterIdentifier"`
				Source    string `xml:"SourceDBClusterSnapshotArn"`
				Made      string `xml:"SnapshotCreateTime"`
				Status    string `xml:"Status"`
				Encrypted string `xml:"StorageEncrypted"`
			} `xml:"DBClusterSnapshot"`
		} `xml:"DescribeDBClusterSnapshotsResult>DBClusterSnapshots"`
	}
	if err := readXML(p.Body, &d); err != nil || d.List == nil {
		return errors.New("the answer has no list of cluster snapshots")
	}
	for _, s := range d.List.Items {
		p.snapshot(snapshot(s), "cluster:")
	}
	return nil
}

var snapshotResults = map[string]string{"available": "success", "failed": "failure"}

// snapshot adds one backup. A copy is a backup of what its source was taken of.
func (p *page) snapshot(s snapshot, prefix string) {
	made, result := instantOf(s.Made), snapshotResults[s.Status]
	if result == "" || !inside(made, p.About) || s.Of == "" {
		return
	}
	of := p.arn("rds", prefix+s.Of)
	if from := strings.Split(s.Source, ":"); len(from) > 5 {
		of = strings.Join(from[:5], ":") + ":" + prefix + s.Of
	}
	f := source.Fields{"datastore": of, "result": result, "location": s.ARN, "encrypted": flagOf(s.Encrypted)}
	if elsewhere(s.ARN, of) {
		f["separate"] = true
	}
	p.out.Add("backup", s.ARN, made, f)
}
