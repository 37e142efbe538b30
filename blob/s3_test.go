package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"tieout/audit"
)

func fixedKey(t testing.TB) cover {
	t.Helper()
	s, err := newSealed(make([]byte, masterSize))
	must(t, err)
	return s
}

// bufferDraft is a draft in memory that is never committed.
type bufferDraft struct{ *bytes.Buffer }

func (bufferDraft) Commit(context.Context, string, bool) error { return errors.New("not kept") }
func (bufferDraft) Close() error                               { return nil }

// oneObject answers every name with the same bytes.
type oneObject struct {
	Objects
	data []byte
}

func (o oneObject) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(o.data)), nil
}

// s3Server speaks as much of S3 as we use: PUT, GET, HEAD, DELETE and list,
// with paths that start with the bucket.
type s3Server struct {
	mu      sync.Mutex
	objects map[string][]byte
	locks   map[string]string // key -> mode and date
	fail    int               // status to answer everything with, 0 for none
}

func fakeBucket(t testing.TB, cfg S3Config) (*bucket, *s3Server) {
	t.Helper()
	fake := &s3Server{objects: map[string][]byte{}, locks: map[string]string{}}
	srv := httptest.NewServer(fake)
	t.Cleanup(srv.Close)
	cfg.Bucket, cfg.Endpoint, cfg.PathStyle = "evidence", srv.URL, true
	return newBucket(cfg, aws.Config{
		Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		RetryMaxAttempts: 1,
	}), fake
}

func (s *s3Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, ok := strings.CutPrefix(r.URL.Path, "/evidence")
	key = strings.TrimPrefix(key, "/")
	switch {
	case s.fail != 0:
		refuse(w, s.fail, "Refused")
	case !ok:
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=id/"):
		refuse(w, http.StatusForbidden, "AccessDenied")
	case r.Method == http.MethodPut:
		s.put(w, r, key)
	case r.Method == http.MethodDelete && s.locks[key] != "":
		refuse(w, http.StatusForbidden, "AccessDenied")
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case key == "":
		s.list(w, r)
	default:
		s.get(w, key)
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	io.WriteString(w, "<Error><Code>"+code+"</Code><Message>refused</Message></Error>")
}

func (s *s3Server) put(w http.ResponseWriter, r *http.Request, key string) {
	data, err := io.ReadAll(r.Body)
	h := sha256.Sum256(data)
	if err != nil || r.Header.Get("X-Amz-Checksum-Sha256") != base64.StdEncoding.EncodeToString(h[:]) {
		refuse(w, http.StatusBadRequest, "BadDigest")
		return
	}
	if _, there := s.objects[key]; there && r.Header.Get("If-None-Match") == "*" {
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	s.objects[key] = data
	if mode := r.Header.Get("X-Amz-Object-Lock-Mode"); mode != "" {
		s.locks[key] = mode + " " + r.Header.Get("X-Amz-Object-Lock-Retain-Until-Date")
	}
}

func (s *s3Server) get(w http.ResponseWriter, key string) {
	data, ok := s.objects[key]
	if !ok {
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Write(data)
}

// list answers two keys at a time, so that paging is tested.
func (s *s3Server) list(w http.ResponseWriter, r *http.Request) {
	type object struct{ Key string }
	var out struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []object
	}
	q := r.URL.Query()
	for key := range s.objects {
		if strings.HasPrefix(key, q.Get("prefix")) && key > q.Get("continuation-token") {
			out.Contents = append(out.Contents, object{key})
		}
	}
	slices.SortFunc(out.Contents, func(a, b object) int { return strings.Compare(a.Key, b.Key) })
	if len(out.Contents) > 2 {
		out.Contents = out.Contents[:2]
		out.IsTruncated, out.NextContinuationToken = true, out.Contents[1].Key
	}
	w.Header().Set("Content-Type", "application/xml")
	if err := xml.NewEncoder(w).Encode(out); err != nil {
		panic(err) // a struct of strings
	}
}

func TestBucketLock(t *testing.T) {
	for _, tc := range []struct {
		name     string
		governed bool
		want     string
	}{{"compliance", false, "COMPLIANCE 2026-03-31T00:00:00Z"}, {"governance", true, "GOVERNANCE 2026-03-31T00:00:00Z"}} {
		o, fake := fakeBucket(t, S3Config{Lock: 30 * 24 * time.Hour, Governed: tc.governed})
		o.now = func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }
		s := New(o)
		digest, _, err := s.Put(t.Context(), strings.NewReader("x"))
		must(t, err)
		if got := fake.locks[strings.TrimPrefix(digest, digestPrefix)]; got != tc.want {
			t.Errorf("%s: got lock %q, want %q", tc.name, got, tc.want)
		}
		if err := s.Delete(t.Context(), digest); !errors.Is(err, audit.ErrForbidden) {
			t.Errorf("%s: delete of a locked object: got %v, want not allowed", tc.name, err)
		}
	}
}

func TestBucketFails(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		want   error
	}{{"out of order", 503, audit.ErrUnavailable}, {"credentials", 403, audit.ErrForbidden}} {
		o, fake := fakeBucket(t, S3Config{})
		s := New(o)
		digest, _, err := s.Put(t.Context(), strings.NewReader("x"))
		must(t, err)
		fake.fail = tc.status
		_, _, putErr := s.Put(t.Context(), strings.NewReader("y"))
		_, getErr := s.Get(t.Context(), digest)
		_, hasErr := s.Has(t.Context(), digest)
		listErr := s.List(t.Context(), func(string) error { return nil })
		for call, err := range map[string]error{"put": putErr, "get": getErr, "has": hasErr, "list": listErr, "delete": s.Delete(t.Context(), digest)} {
			if !errors.Is(err, tc.want) {
				t.Errorf("%s, %s: got %v, want %v", tc.name, call, err, tc.want)
			}
		}
	}
}

func TestBucketThatIsNotThere(t *testing.T) {
	o, _ := fakeBucket(t, S3Config{})
	o.cfg.Bucket = "other"
	if _, err := New(o).Get(t.Context(), digestOf(nil)); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("get: got %v, want invalid: the bucket does not exist", err)
	}
	if _, err := NewS3(t.Context(), S3Config{}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("no name: got %v, want invalid", err)
	}
}

func TestBucketPrefix(t *testing.T) {
	o, fake := fakeBucket(t, S3Config{Prefix: "tieout/a/"})
	fake.objects["tieout/b"] = []byte("not ours")
	digest, _, err := New(o).Put(t.Context(), strings.NewReader("x"))
	must(t, err)
	if _, ok := fake.objects["tieout/a/"+strings.TrimPrefix(digest, digestPrefix)]; !ok {
		t.Errorf("the object is not under its prefix")
	}
	if got := list(t, New(o)); !slices.Equal(got, []string{digest}) {
		t.Errorf("list: got %v, want %v", got, digest)
	}
}
