package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"tieout/source"
	"tieout/source/rest"
)

type waiting = func(ctx context.Context, d time.Duration) error

// A service is where one of AWS's services answers and how it is asked.
type service struct {
	host    string // first label of its address
	sign    string // its name in signatures
	version string // of its Query interface
	target  string // X-Amz-Target of its JSON interface, without the operation
	json    string // version of its JSON interface
}

// Names, versions and targets as in the service models of the AWS SDKs.
var (
	sts           = service{host: "sts", sign: "sts", version: "2011-06-15"}
	organizations = service{host: "organizations", sign: "organizations", target: "AWSOrganizationsV20161128", json: "1.1"}
	iam           = service{host: "iam", sign: "iam", version: "2010-05-08"}
	s3            = service{host: "s3", sign: "s3"}
	s3control     = service{host: "s3-control", sign: "s3"}
	ec2           = service{host: "ec2", sign: "ec2", version: "2016-11-15"}
	rds           = service{host: "rds", sign: "rds", version: "2014-10-31"}
	elb           = service{host: "elasticloadbalancing", sign: "elasticloadbalancing", version: "2015-12-01"}
	cloudwatch    = service{host: "monitoring", sign: "monitoring", version: "2010-08-01"}
	kms           = service{host: "kms", sign: "kms", target: "TrentService", json: "1.1"}
	acm           = service{host: "acm", sign: "acm", target: "CertificateManager", json: "1.1"}
	secrets       = service{host: "secretsmanager", sign: "secretsmanager", target: "secretsmanager", json: "1.1"}
	cloudtrailAPI = service{host: "cloudtrail", sign: "cloudtrail", target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", json: "1.1"}
	awsConfig     = service{host: "config", sign: "config", target: "StarlingDoveService", json: "1.1"}
	wafv2         = service{host: "wafv2", sign: "wafv2", target: "AWSWAF_20190729", json: "1.1"}
	ecr           = service{host: "api.ecr", sign: "ecr", target: "AmazonEC2ContainerRegistry_V20150921", json: "1.1"}
	guardduty     = service{host: "guardduty", sign: "guardduty"}
	backup        = service{host: "backup", sign: "backup"}
)

// A session asks in the name of one account.
type session struct {
	c       *collector
	account string
	creds   aws.CredentialsProvider
	secrets []string // that must be in no error
}

// partition is the part of AWS that a region lies in, and the domain its services answer under.
func partition(region string) (name, domain string) {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn", "amazonaws.com.cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov", "amazonaws.com"
	}
	return "aws", "amazonaws.com"
}

// address is where a service answers for a region, and the region its
// signatures name. IAM and Organizations answer at one place of a partition.
func (s *session) address(svc service, region string) (*url.URL, string) {
	part, domain := partition(region)
	host := svc.host + "." + region + "." + domain
	switch {
	case svc == iam || svc == organizations:
		region = map[string]string{"aws": "us-east-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1"}[part]
		host = svc.host + "." + region + "." + domain
		if svc == iam {
			host = map[string]string{"aws": "iam.amazonaws.com", "aws-cn": "iam.cn-north-1.amazonaws.com.cn", "aws-us-gov": "iam.us-gov.amazonaws.com"}[part]
		}
		if svc == iam && part == "aws-cn" {
			region = "cn-north-1"
		}
	case svc == s3control:
		host = s.account + "." + host
	}
	if s.c.base != nil {
		return s.c.base, region
	}
	return &url.URL{Scheme: "https", Host: host}, region
}

// client asks one service in one region.
func (s *session) client(svc service, region string) *rest.Client {
	base, region := s.address(svc, region)
	return &rest.Client{
		HTTP: source.Guard(s.c.env.HTTP, s.c.s.Allow, base), Base: base, Secrets: s.secrets,
		Authorize: s.sign(svc, region), Pause: pause, Wait: s.c.wait,
	}
}

// sign signs requests (Signature Version 4). The instant in a signature is this
// machine's: AWS refuses one that is minutes off. It is in no evidence.
func (s *session) sign(svc service, region string) rest.Authorizer {
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = svc.sign == "s3" })
	return func(ctx context.Context, req *http.Request, body []byte) error {
		creds, err := s.creds.Retrieve(ctx)
		if err != nil {
			return errors.New(s.words(err))
		}
		sum := sha256.Sum256(body)
		hash := hex.EncodeToString(sum[:])
		req.Header.Set("X-Amz-Content-Sha256", hash)
		return signer.SignHTTP(ctx, creds, req, hash, svc.sign, region, time.Now())
	}
}

// words are what went wrong with credentials, never with a secret.
func (s *session) words(err error) string {
	text := strings.TrimPrefix(err.Error(), "failed to refresh cached credentials, ") // the SDK's words, not AWS's
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + "..."
	}
	return "no credentials: " + text
}

// begin makes the session of the connection's own account. The account's number
// is not known yet.
func (c *collector) begin(ctx context.Context) (*session, error) {
	s := &session{c: c}
	if c.s.AccessKey == "" {
		cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(c.s.Region))
		if err != nil {
			return nil, errors.New(s.words(err))
		}
		if cfg.Credentials == nil {
			return nil, errors.New("no credentials: the default chain has none")
		}
		s.creds = cfg.Credentials
		return s, nil
	}
	var values [3]string
	for i, ref := range []string{c.s.AccessKey, c.s.SecretKey, c.s.SessionToken} {
		v, err := c.env.ResolveSecret(ctx, []string{"accessKey", "secretKey", "sessionToken"}[i], ref)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	s.secrets = slices.DeleteFunc([]string{values[1], values[2]}, func(v string) bool { return v == "" })
	s.creds = credentials.NewStaticCredentialsProvider(values[0], values[1], values[2])
	return s, nil
}

// enter makes the session of another account by assuming the role there. Its
// credentials are renewed before they end, and are in no page.
func (s *session) enter(account string) *session {
	part, _ := partition(s.c.s.Region)
	arn := fmt.Sprintf("arn:%s:iam::%s:role/%s", part, account, strings.TrimPrefix(s.c.s.Role, "/"))
	ask := form(sts, "AssumeRole", "RoleArn", arn, "RoleSessionName", "tieout")
	if s.c.s.ExternalID != "" {
		ask = form(sts, "AssumeRole", "RoleArn", arn, "RoleSessionName", "tieout", "ExternalId", s.c.s.ExternalID)
	}
	client := s.client(sts, s.c.s.Region)
	assume := aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		a, err := client.Do(ctx, ask)
		if err != nil {
			return aws.Credentials{}, err
		}
		if !a.OK() {
			return aws.Credentials{}, fmt.Errorf("AssumeRole %s: %s", arn, a.Fault())
		}
		return assumed(a.Body)
	})
	cache := aws.NewCredentialsCache(assume, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = 5 * time.Minute })
	return &session{c: s.c, account: account, creds: cache, secrets: s.secrets}
}

func assumed(body []byte) (aws.Credentials, error) {
	var a struct {
		XMLName xml.Name `xml:"AssumeRoleResponse"`
		ID      string   `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Secret  string   `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		Token   string   `xml:"AssumeRoleResult>Credentials>SessionToken"`
		Expires string   `xml:"AssumeRoleResult>Credentials>Expiration"`
	}
	if err := readXML(body, &a); err != nil || a.ID == "" || a.Secret == "" {
		return aws.Credentials{}, errors.New("AssumeRole: the answer holds no credentials")
	}
	expires := instantOf(a.Expires)
	return aws.Credentials{AccessKeyID: a.ID, SecretAccessKey: a.Secret, SessionToken: a.Token,
		CanExpire: !expires.IsZero(), Expires: expires, Source: "AssumeRole"}, nil
}
