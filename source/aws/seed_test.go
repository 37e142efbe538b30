package aws

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"tieout/source/rest"
)

const everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// seedPeople makes users with and without a second factor, keys and groups.
func (c *moto) seedPeople(s *session) {
	for _, ask := range []rest.Ask{
		form(iam, "CreateUser", "UserName", "ana", "Tags.member.1.Key", "EmployeeNumber", "Tags.member.1.Value", "17"),
		form(iam, "CreateLoginProfile", "UserName", "ana", "Password", "Made-up-1234"),
		form(iam, "CreateVirtualMFADevice", "VirtualMFADeviceName", "ana"),
		form(iam, "EnableMFADevice", "UserName", "ana", "SerialNumber", "arn:aws:iam::"+s.account+":mfa/ana", "AuthenticationCode1", "123456", "AuthenticationCode2", "654321"),
		form(iam, "CreateUser", "UserName", "ben"),
		form(iam, "CreateLoginProfile", "UserName", "ben", "Password", "Made-up-1234"),
		form(iam, "CreateUser", "UserName", "deployer"),
		form(iam, "CreateAccessKey", "UserName", "deployer"),
		form(iam, "CreateGroup", "GroupName", "admins"),
		form(iam, "PutGroupPolicy", "GroupName", "admins", "PolicyName", "all", "PolicyDocument", everything),
		form(iam, "CreateGroup", "GroupName", "readers"),
		form(iam, "AddUserToGroup", "GroupName", "admins", "UserName", "ana"),
		form(iam, "AddUserToGroup", "GroupName", "readers", "UserName", "ben"),
		form(iam, "CreatePolicy", "PolicyName", "BreakGlass", "PolicyDocument", everything),
		form(iam, "AttachUserPolicy", "UserName", "deployer", "PolicyArn", "arn:aws:iam::"+s.account+":policy/BreakGlass"),
	} {
		c.do(s, iam, "us-east-1", ask)
	}
}

func (c *moto) seedBuckets(s *session, prefix string) {
	c.put(s, "/"+prefix+"-open", "")
	c.put(s, "/"+prefix+"-open?acl", `<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>o</ID></Owner><AccessControlList><Grant>`+
		`<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee>`+
		`<Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`)
	c.put(s, "/"+prefix+"-closed", "")
	c.put(s, "/"+prefix+"-closed?publicAccessBlock", `<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>`+
		`<BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>`)
	c.put(s, "/"+prefix+"-closed?encryption", `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>`+
		`</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`)
	c.put(s, "/"+prefix+"-closed?versioning", `<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>`)
	c.put(s, "/"+prefix+"-closed?tagging", `<Tagging><TagSet><Tag><Key>Environment</Key><Value>prod</Value></Tag><Tag><Key>Class</Key><Value>confidential</Value></Tag></TagSet></Tagging>`)
	c.put(s, "/"+prefix+"-closed?lifecycle", `<LifecycleConfiguration><Rule><ID>old</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status><Expiration><Days>300</Days></Expiration>`+
		`<NoncurrentVersionExpiration><NoncurrentDays>65</NoncurrentDays></NoncurrentVersionExpiration></Rule></LifecycleConfiguration>`)
	c.put(s, "/"+prefix+"-closed?policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::`+prefix+`-closed/*"],`+
		`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`)
}

// seedRegion makes what belongs to one region, and returns the open group.
func (c *moto) seedRegion(s *session, region string) {
	a := c.do(s, ec2, region, form(ec2, "CreateSecurityGroup", "GroupName", "open", "GroupDescription", "made up"))
	group, err := textAt(a.Body, []string{"groupId"})
	if err != nil || group == "" {
		c.t.Fatalf("no group: %s", a.Body)
	}
	for _, ask := range []rest.Ask{
		form(ec2, "AuthorizeSecurityGroupIngress", "GroupId", group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", "22", "IpPermissions.1.ToPort", "23",
			"IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
		form(ec2, "AuthorizeSecurityGroupIngress", "GroupId", group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", "443", "IpPermissions.1.ToPort", "443",
			"IpPermissions.1.Ipv6Ranges.1.CidrIpv6", "::/0"),
		form(ec2, "AuthorizeSecurityGroupIngress", "GroupId", group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", "5432", "IpPermissions.1.ToPort", "5432",
			"IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/8"),
		form(ec2, "RunInstances", "ImageId", "ami-12c6146b", "MinCount", "1", "MaxCount", "1", "SecurityGroupId.1", group),
		form(ec2, "CreateVolume", "Size", "8", "AvailabilityZone", region+"a", "Encrypted", "false"),
	} {
		c.do(s, ec2, region, ask)
	}
	for _, ask := range []rest.Ask{
		form(rds, "CreateDBInstance", "DBInstanceIdentifier", "plain", "DBInstanceClass", "db.t3.micro", "Engine", "postgres", "AllocatedStorage", "20",
			"MasterUsername", "root", "MasterUserPassword", "made-up-1", "StorageEncrypted", "false", "PubliclyAccessible", "true", "BackupRetentionPeriod", "0"),
		form(rds, "CreateDBInstance", "DBInstanceIdentifier", "sealed", "DBInstanceClass", "db.t3.micro", "Engine", "postgres", "AllocatedStorage", "20",
			"MasterUsername", "root", "MasterUserPassword", "made-up-1", "StorageEncrypted", "true", "PubliclyAccessible", "false", "MultiAZ", "true", "BackupRetentionPeriod", "7"),
	} {
		c.do(s, rds, region, ask)
	}
	c.do(s, rds, region, form(rds, "CreateDBSnapshot", "DBInstanceIdentifier", "sealed", "DBSnapshotIdentifier", "by-hand"))
	c.do(s, kms, region, target(kms, "CreateKey", body{"Description": "never rotates"}))
	rotating := c.got(c.do(s, kms, region, target(kms, "CreateKey", body{"Description": "rotates"})), "KeyMetadata", "KeyId")
	c.do(s, kms, region, target(kms, "EnableKeyRotation", body{"KeyId": rotating}))
	c.do(s, secrets, region, target(secrets, "CreateSecret", body{"Name": "made-up", "SecretString": "made up", "ClientRequestToken": "11111111-1111-1111-1111-111111111111"}))
	c.do(s, ecr, region, target(ecr, "CreateRepository", body{"repositoryName": "web", "imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": body{"scanOnPush": true}}))
	c.do(s, acm, region, target(acm, "RequestCertificate", body{"DomainName": "never-issued.halyard.example"}))
	cert, key := certificate(c.t)
	c.do(s, acm, region, target(acm, "ImportCertificate", body{"Certificate": cert, "PrivateKey": key}))
	c.do(s, cloudwatch, region, form(cloudwatch, "PutMetricAlarm", "AlarmName", "silent", "MetricName", "m", "Namespace", "n", "Period", "60", "EvaluationPeriods", "1",
		"Threshold", "1", "ComparisonOperator", "GreaterThanThreshold", "Statistic", "Sum"))
}

// seedNetworks makes a second network, peers it with the first, logs its
// traffic, and puts a load balancer into the first.
func (c *moto) seedNetworks(s *session, region string) {
	text := func(a rest.Answer, path ...string) string {
		v, err := textAt(a.Body, path)
		if err != nil || v == "" {
			c.t.Fatalf("nothing at %v: %s", path, a.Body)
		}
		return v
	}
	ask := func(svc service, op string, params ...string) rest.Answer {
		return c.do(s, svc, region, form(svc, op, params...))
	}
	first := text(ask(ec2, "DescribeVpcs"), "vpcSet", "item", "vpcId")
	second := text(ask(ec2, "CreateVpc", "CidrBlock", "10.9.0.0/16", "TagSpecification.1.ResourceType", "vpc", "TagSpecification.1.Tag.1.Key", "Name", "TagSpecification.1.Tag.1.Value", "inner"), "vpc", "vpcId")
	peering := text(ask(ec2, "CreateVpcPeeringConnection", "VpcId", first, "PeerVpcId", second), "vpcPeeringConnection", "vpcPeeringConnectionId")
	ask(ec2, "AcceptVpcPeeringConnection", "VpcPeeringConnectionId", peering)
	ask(ec2, "CreateFlowLogs", "ResourceId.1", second, "ResourceType", "VPC", "TrafficType", "ALL", "LogDestinationType", "s3", "LogDestination", "arn:aws:s3:::halyard-"+s.account+"-closed")
	subnets := ask(ec2, "DescribeSubnets", "Filter.1.Name", "vpc-id", "Filter.1.Value.1", first)
	var d struct {
		IDs []string `xml:"subnetSet>item>subnetId"`
	}
	if err := readXML(subnets.Body, &d); err != nil || len(d.IDs) < 2 {
		c.t.Fatalf("subnets: %s", subnets.Body)
	}
	arn := text(ask(elb, "CreateLoadBalancer", "Name", "front", "Scheme", "internet-facing", "Subnets.member.1", d.IDs[0], "Subnets.member.2", d.IDs[1]),
		"CreateLoadBalancerResult", "LoadBalancers", "member", "LoadBalancerArn")
	ask(elb, "CreateListener", "LoadBalancerArn", arn, "Protocol", "HTTP", "Port", "80", "DefaultActions.member.1.Type", "fixed-response",
		"DefaultActions.member.1.FixedResponseConfig.StatusCode", "200", "DefaultActions.member.1.FixedResponseConfig.ContentType", "text/plain")
	ask(elb, "ModifyLoadBalancerAttributes", "LoadBalancerArn", arn, "Attributes.member.1.Key", "access_logs.s3.enabled", "Attributes.member.1.Value", "false")
	cert, key := certificate(c.t)
	c.do(s, iam, region, form(iam, "UploadServerCertificate", "ServerCertificateName", "old", "CertificateBody", string(cert), "PrivateKey", string(key)))
	c.do(s, iam, region, form(iam, "UpdateAccountPasswordPolicy", "MinimumPasswordLength", "14", "RequireSymbols", "true", "RequireNumbers", "true", "MaxPasswordAge", "90", "PasswordReusePrevention", "24"))
}

// certificate is one that ends in 2031, and its key, both PEM.
func certificate(t *testing.T) (cert, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "halyard.example"}, DNSNames: []string{"halyard.example"},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	b, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b})
}

// seedTrails makes a trail that logs and one that does not.
func (c *moto) seedTrails(s *session, bucket string) {
	for _, name := range []string{"logging", "silent"} {
		c.do(s, cloudtrailAPI, "eu-west-1", target(cloudtrailAPI, "CreateTrail", body{"Name": name, "S3BucketName": bucket, "EnableLogFileValidation": name == "logging", "IsMultiRegionTrail": name == "logging"}))
	}
	c.do(s, cloudtrailAPI, "eu-west-1", target(cloudtrailAPI, "StartLogging", body{"Name": "logging"}))
	c.do(s, guardduty, "eu-west-1", send(guardduty, "/detector", body{"enable": true}))
	c.do(s, awsConfig, "eu-west-1", target(awsConfig, "PutConfigurationRecorder", body{"ConfigurationRecorder": body{"name": "default", "roleARN": "arn:aws:iam::" + s.account + ":role/config"}}))
}
