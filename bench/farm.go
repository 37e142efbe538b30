package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// serveArgument starts this program as the server of collectRows.
const serveArgument = "serve-answers"

// A farm answers as GitHub and Google Cloud do, for one repository and one
// organization, from templates: answers have the size and the shape of real
// ones, and cost little to make.
type farm struct {
	pulls, assets int
}

const (
	pullsPerPage  = 100
	assetsPerPage = 1000
	padText       = 2 << 10 // of a request's description
)

var padding = strings.Repeat("Retries a settlement once and writes down why. ", padText/47)

func newFarm(pulls, assets int) *farm { return &farm{pulls: pulls, assets: assets} }

var pullPath = regexp.MustCompile(`^/repos/acme/api/pulls/([0-9]+)(/reviews)?$`)

// ServeHTTP implements http.Handler.
func (f *farm) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, next := f.answer(req)
	if body == "" {
		http.NotFound(w, req)
		return
	}
	if next != "" {
		w.Header().Set("Link", fmt.Sprintf(`<http://%s%s>; rel="next"`, req.Host, next))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	fmt.Fprint(w, body)
}

func (f *farm) answer(req *http.Request) (body, next string) {
	for _, service := range []string{"/cloudasset", "/cloudresourcemanager"} {
		req.URL.Path = strings.TrimPrefix(req.URL.Path, service)
	}
	path, page := req.URL.Path, max(1, number0(req.URL.Query().Get("page")))
	switch {
	case path == "/orgs/acme":
		return `{"login":"acme","public_repos":0,"total_private_repos":1}`, ""
	case path == "/orgs/acme/repos":
		return `[{"id":1,"name":"api","full_name":"acme/api","private":true,"visibility":"private","archived":false,"default_branch":"main"}]`, ""
	case path == "/repos/acme/api/pulls":
		return f.list(page, f.pull, req)
	case path == "/repos/acme/api/commits":
		return f.list(page, f.commit, req)
	case strings.HasPrefix(path, "/v1/organizations/1/assets"), strings.HasPrefix(path, "/v3/"):
		return f.cloud(req), ""
	}
	if m := pullPath.FindStringSubmatch(path); m != nil {
		n := number0(m[1])
		if m[2] != "" {
			return fmt.Sprintf(`[{"id":%d,"user":{"login":"ben","id":12,"type":"User"},"state":"APPROVED","body":"","submitted_at":"2026-03-10T07:00:00Z","commit_id":"%040x"}]`, n, n+1<<30), ""
		}
		return f.pull(n), ""
	}
	switch {
	case strings.HasSuffix(path, "/check-runs"):
		return `{"total_count":1,"check_runs":[{"id":7,"name":"test","status":"completed","conclusion":"success","started_at":"2026-03-10T06:00:00Z","completed_at":"2026-03-10T06:30:00Z","head_sha":"` + strings.Repeat("a", 40) + `","app":{"slug":"ci"}}]}`, ""
	case strings.HasSuffix(path, "/statuses"), strings.HasPrefix(path, "/orgs/"):
		return `[]`, ""
	}
	return "", ""
}

func number0(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

func (f *farm) list(page int, one func(n int) string, req *http.Request) (body, next string) {
	var b strings.Builder
	b.WriteByte('[')
	for n := (page-1)*pullsPerPage + 1; n <= min(page*pullsPerPage, f.pulls); n++ {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(one(n))
	}
	b.WriteByte(']')
	if page*pullsPerPage < f.pulls {
		q := req.URL.Query()
		q.Set("page", strconv.Itoa(page+1))
		next = req.URL.Path + "?" + q.Encode()
	}
	return b.String(), next
}

func (f *farm) pull(n int) string {
	return fmt.Sprintf(`{"number":%d,"state":"closed","title":"PAY-%d: settle once","body":%q,"user":{"login":"ana","id":11,"type":"User"},"merged_by":{"login":"ben","id":12,"type":"User"},"labels":[],"created_at":"2026-03-02T08:00:00Z","updated_at":"2026-03-10T08:00:00Z","closed_at":"2026-03-10T08:00:00Z","merged_at":"2026-03-10T08:00:00Z","merge_commit_sha":"%040x","merged":true,"head":{"ref":"t","sha":"%040x"},"base":{"ref":"main"}}`,
		n, n, padding, n, n+1<<30)
}

// commit is a merge's, in a chain: the newest is the one of the highest number.
func (f *farm) commit(i int) string {
	n := f.pulls - i + 1
	parents := ""
	if n > 1 {
		parents = fmt.Sprintf(`{"sha":"%040x"}`, n-1)
	}
	return fmt.Sprintf(`{"sha":"%040x","commit":{"author":{"name":"Ana","date":"2026-03-10T08:00:00Z"},"committer":{"name":"Ana","date":"2026-03-10T08:00:00Z"},"message":"PAY-%d: settle once"},"author":{"login":"ana","id":11,"type":"User"},"parents":[%s]}`, n, n, parents)
}

const inventoryTime = "2026-03-31T00:00:00Z"

// cloud answers for the inventory of one organization with one project.
func (f *farm) cloud(req *http.Request) string {
	q := req.URL.Query()
	switch {
	case req.URL.Path == "/v3/projects:search":
		return `{"projects":[{"name":"projects/42","projectId":"pay","parent":"organizations/1","state":"ACTIVE"}]}`
	case strings.HasPrefix(req.URL.Path, "/v3/"):
		return `{}`
	case q.Get("contentType") == "RESOURCE":
		return f.resources(number0(q.Get("pageToken")))
	}
	return `{"readTime":"` + inventoryTime + `","assets":[]}`
}

// resources are virtual machines, of which one in ten is a bucket, and one project.
func (f *farm) resources(page int) string {
	var b strings.Builder
	b.Grow(assetsPerPage * 1400)
	b.WriteString(`{"readTime":"` + inventoryTime + `","assets":[`)
	last := min((page+1)*assetsPerPage, f.assets)
	for n := page * assetsPerPage; n < last; n++ {
		if n > page*assetsPerPage {
			b.WriteByte(',')
		}
		switch {
		case n == 0:
			b.WriteString(`{"name":"//cloudresourcemanager.googleapis.com/projects/42","assetType":"cloudresourcemanager.googleapis.com/Project","resource":{"data":{"projectNumber":"42","projectId":"pay","lifecycleState":"ACTIVE"}},"ancestors":["projects/42","organizations/1"],"updateTime":"2026-01-01T00:00:00Z"}`)
		case n%10 == 0:
			fmt.Fprintf(&b, bucketText, n, n, n)
		default:
			fmt.Fprintf(&b, machineText, n, n, n, n)
		}
	}
	b.WriteByte(']')
	if last < f.assets {
		fmt.Fprintf(&b, `,"nextPageToken":"%d"`, page+1)
	}
	b.WriteByte('}')
	return b.String()
}

const bucketText = `{"name":"//storage.googleapis.com/pay-%d","assetType":"storage.googleapis.com/Bucket","resource":{"version":"v1","discoveryName":"Bucket","parent":"//cloudresourcemanager.googleapis.com/projects/42","location":"europe-west1","data":{"id":"pay-%d","name":"pay-%d","kind":"storage#bucket","location":"EUROPE-WEST1","locationType":"region","storageClass":"STANDARD","versioning":{"enabled":true},"iamConfiguration":{"publicAccessPrevention":"enforced","uniformBucketLevelAccess":{"enabled":true}},"labels":{"env":"production","owner":"payments"},"timeCreated":"2025-01-01T00:00:00Z"}},"ancestors":["projects/42","organizations/1"],"updateTime":"2026-01-01T00:00:00Z"}`

const machineText = `{"name":"//compute.googleapis.com/projects/pay/zones/europe-west1-b/instances/worker-%d","assetType":"compute.googleapis.com/Instance","resource":{"version":"v1","discoveryName":"Instance","parent":"//cloudresourcemanager.googleapis.com/projects/42","location":"europe-west1-b","data":{"id":"%d","name":"worker-%d","status":"RUNNING","zone":"https://www.googleapis.com/compute/v1/projects/pay/zones/europe-west1-b","machineType":"https://www.googleapis.com/compute/v1/projects/pay/zones/europe-west1-b/machineTypes/e2-standard-4","labels":{"env":"production","owner":"payments"},"networkInterfaces":[{"name":"nic0","network":"https://www.googleapis.com/compute/v1/projects/pay/global/networks/main","networkIP":"10.0.0.7"}],"disks":[{"boot":true,"source":"https://www.googleapis.com/compute/v1/projects/pay/zones/europe-west1-b/disks/worker-%d","type":"PERSISTENT"}],"serviceAccounts":[{"email":"worker@pay.iam.gserviceaccount.com","scopes":["https://www.googleapis.com/auth/cloud-platform"]}],"creationTimestamp":"2025-06-01T00:00:00Z"}},"ancestors":["projects/42","organizations/1"],"updateTime":"2026-01-01T00:00:00Z"}`

// gcpSettings read the farm: Google's interfaces are told apart by their paths.
func gcpSettings(base string) string {
	return fmt.Sprintf(`{"scope":"organizations/1","token":"env:TOKEN","endpoint":%q,"allow":"loopback"}`, base+"/{service}")
}
