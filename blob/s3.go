package blob

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"tieout/audit"
)

// S3Config names a bucket. Without AccessKey credentials come from where the
// AWS SDK looks for them: environment, shared files, the machine's or the pod's
// role.
type S3Config struct {
	Bucket    string
	Prefix    string // of every object's key, such as "tieout/"
	Region    string // "" as the SDK's own settings say
	Endpoint  string // base URL of another service than AWS, or ""
	AccessKey string
	SecretKey string
	PathStyle bool          // bucket in the path and not in the host name, as most other services want
	Lock      time.Duration // how long an object may not be deleted or changed; 0 is no object lock
	Governed  bool          // lock in governance mode; else in compliance mode, which nobody can lift
}

// bucket keeps each object under prefix and name. A single object has at most
// 5 GB, the limit of one PUT.
type bucket struct {
	cfg    S3Config
	client *s3.Client
	now    func() time.Time
}

// NewS3 returns a bucket as a place for objects. It does not ask the service
// anything yet.
func NewS3(ctx context.Context, cfg S3Config) (Objects, error) {
	if cfg.Bucket == "" {
		return nil, fmt.Errorf("%w: blob bucket without a name", audit.ErrInvalid)
	}
	var opts []func(*config.LoadOptions) error
	if cfg.Region != "" {
		opts = append(opts, config.WithRegion(cfg.Region))
	}
	if cfg.AccessKey != "" {
		opts = append(opts, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(cfg.AccessKey, cfg.SecretKey, "")))
	}
	ac, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("%w: AWS settings: %w", audit.ErrInvalid, err)
	}
	return newBucket(cfg, ac), nil
}

func newBucket(cfg S3Config, ac aws.Config) *bucket {
	client := s3.NewFromConfig(ac, func(o *s3.Options) {
		o.UsePathStyle = cfg.PathStyle
		// Our own SHA-256 goes along; services other than AWS refuse the SDK's trailers.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		if cfg.Endpoint != "" {
			o.BaseEndpoint = aws.String(cfg.Endpoint)
		}
	})
	return &bucket{cfg, client, time.Now}
}

func (b *bucket) key(name string) *string { return aws.String(b.cfg.Prefix + name) }

// Begin implements Objects. The draft is a temporary file here: a PUT says its
// length and checksum before its bytes.
func (b *bucket) Begin(context.Context) (Draft, error) {
	f, err := os.CreateTemp("", "tieout-blob-")
	if err != nil {
		return nil, err
	}
	return &upload{bucket: b, f: f, h: sha256.New()}, nil
}

type upload struct {
	bucket *bucket
	f      *os.File
	h      hash.Hash
}

// Write implements io.Writer.
func (u *upload) Write(p []byte) (int, error) {
	n, err := u.f.Write(p)
	u.h.Write(p[:n])
	return n, err
}

// Commit implements Draft. The service checks the SHA-256 of what it got.
func (u *upload) Commit(ctx context.Context, name string, replace bool) error {
	if _, err := u.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	b := u.bucket
	in := &s3.PutObjectInput{
		Bucket: &b.cfg.Bucket, Key: b.key(name), Body: u.f,
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(u.h.Sum(nil))),
	}
	if !replace {
		in.IfNoneMatch = aws.String("*")
	}
	if b.cfg.Lock > 0 {
		in.ObjectLockMode = types.ObjectLockModeCompliance
		if b.cfg.Governed {
			in.ObjectLockMode = types.ObjectLockModeGovernance
		}
		in.ObjectLockRetainUntilDate = aws.Time(b.now().UTC().Add(b.cfg.Lock))
	}
	_, err := b.client.PutObject(ctx, in)
	return b.explain("put", name, err)
}

// Close implements Draft.
func (u *upload) Close() error { return errors.Join(u.f.Close(), os.Remove(u.f.Name())) }

// Open implements Objects.
func (b *bucket) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.cfg.Bucket, Key: b.key(name)})
	if err != nil {
		return nil, b.explain("get", name, err)
	}
	return out.Body, nil
}

// Has implements Objects.
func (b *bucket) Has(ctx context.Context, name string) (bool, error) {
	_, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.cfg.Bucket, Key: b.key(name)})
	err = b.explain("look for", name, err)
	if errors.Is(err, audit.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Remove implements Objects. A locked object is audit.ErrForbidden.
func (b *bucket) Remove(ctx context.Context, name string) error {
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.cfg.Bucket, Key: b.key(name)})
	err = b.explain("delete", name, err)
	if errors.Is(err, audit.ErrNotFound) {
		return nil
	}
	return err
}

// Names implements Objects.
func (b *bucket) Names(ctx context.Context, yield func(string) error) error {
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.cfg.Bucket, Prefix: &b.cfg.Prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return b.explain("list", "", err)
		}
		for _, o := range page.Contents {
			if err := yield(strings.TrimPrefix(aws.ToString(o.Key), b.cfg.Prefix)); err != nil {
				return err
			}
		}
	}
	return nil
}

// explain gives an answer of the service our kind of error.
func (b *bucket) explain(what, name string, err error) error {
	if err == nil {
		return nil
	}
	kind := audit.ErrUnavailable
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "NoSuchBucket" {
		return fmt.Errorf("%w: bucket %s does not exist: %w", audit.ErrInvalid, b.cfg.Bucket, err)
	}
	var resp *smithyhttp.ResponseError
	if errors.As(err, &resp) {
		switch resp.HTTPStatusCode() {
		case http.StatusNotFound:
			kind = audit.ErrNotFound
		case http.StatusForbidden, http.StatusUnauthorized:
			kind = audit.ErrForbidden
		case http.StatusPreconditionFailed, http.StatusConflict:
			kind = audit.ErrConflict
		}
	}
	return fmt.Errorf("%w: %s %s%s in bucket %s: %w", kind, what, b.cfg.Prefix, name, b.cfg.Bucket, err)
}
