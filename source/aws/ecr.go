package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

const (
	kindRepositories = "aws.ecr.repositories" // some image repositories and how they are scanned
	kindScan         = "aws.ecr.scan"         // one page of what a scan of an image found
)

var cannotECR = []string{
	"images that were never scanned: the repository says whether it is scanned on push",
	"when a scan of the plain kind first found a weakness: only enhanced scanning tells it",
	"which images run",
	"a weakness that was fixed: it is no longer in the scan of the newer image",
}

// mostRepositories that ECR tells the scanning of at once.
const mostRepositories = 25

// readRepositories reads image repositories, how they are scanned, and what
// scans of their images found.
func readRepositories(ctx context.Context, v *visit) error {
	streams := v.of("resource")
	var names []string
	b := body{"maxResults": mostRepositories}
	scans := target(ecr, "DescribeRepositories", b)
	next := nextTarget(ecr, "DescribeRepositories", b, "nextToken", "nextToken")
	for ask := &scans; ask != nil; {
		sheet := rest.NewSheet(struct{}{})
		streams[0].Asked("ecr DescribeRepositories, BatchGetRepositoryScanningConfiguration")
		a, err := v.ask(ctx, sheet, "repositories", v.to(ecr, v.region), *ask, nil)
		if err != nil {
			return err
		}
		page, fault := repositoriesOf(a)
		if fault != nil {
			v.streams["vulnerability"].Asked("ecr DescribeRepositories")
			v.streams["vulnerability"].Fail("ecr DescribeRepositories: " + fault.Error())
			streams[0].Fail("ecr DescribeRepositories: " + fault.Error())
		}
		if len(page) > 0 {
			b := body{"repositoryNames": page}
			if _, err := v.ask(ctx, sheet, "scanning", v.to(ecr, v.region), target(ecr, "BatchGetRepositoryScanningConfiguration", b), nil, streams...); err != nil {
				return err
			}
		}
		if err := v.seal(ctx, kindRepositories, a.Query, sheet, streams...); err != nil {
			return err
		}
		names = append(names, page...)
		if ask = nil; fault == nil {
			if ask, err = next(a); err != nil {
				streams[0].Fail(err.Error())
			}
		}
	}
	for _, name := range names {
		if err := v.images(ctx, name); err != nil {
			return err
		}
	}
	v.streams["vulnerability"].Asked("ecr DescribeImages, DescribeImageScanFindings for each image that was scanned")
	return nil
}

type imageRepository struct {
	ARN        string `json:"repositoryArn"`
	Name       string `json:"repositoryName"`
	Mutability string `json:"imageTagMutability"`
	Encryption struct {
		Type string `json:"encryptionType"`
	} `json:"encryptionConfiguration"`
}

func repositoriesOf(a rest.Answer) ([]string, error) {
	if !a.OK() {
		return nil, errors.New(a.Fault())
	}
	var d struct {
		List *[]imageRepository `json:"repositories"`
	}
	if err := json.Unmarshal(a.Body, &d); err != nil || d.List == nil {
		return nil, errors.New("the answer has no list of repositories")
	}
	var names []string
	for _, r := range *d.List {
		names = append(names, r.Name)
	}
	return names, nil
}

func normalRepositories(p *page) error {
	var d struct {
		List []imageRepository `json:"repositories"`
	}
	var s struct {
		List []struct {
			ARN       string `json:"repositoryArn"`
			OnPush    *bool  `json:"scanOnPush"`
			Frequency string `json:"scanFrequency"`
		} `json:"scanningConfigurations"`
	}
	sheet, err := p.sheet(nil)
	if err != nil {
		return err
	}
	if !partOf(sheet, "repositories").known {
		return nil
	}
	if err := sheet.Decode("repositories", &d); err != nil {
		return errors.New("the answer has no list of repositories")
	}
	for _, r := range d.List {
		f := source.Fields{"openPorts": []string{}}
		if r.Encryption.Type != "" {
			f["encrypted"] = true
		}
		switch r.Mutability {
		case "IMMUTABLE", "MUTABLE":
			f["tampering"] = r.Mutability == "IMMUTABLE"
		}
		p.resource(r.ARN, "image repository", r.Name, nil, f)
	}
	if sheet.Decode("scanning", &s) != nil {
		return nil
	}
	for _, c := range s.List {
		if c.OnPush != nil {
			on := *c.OnPush || strings.HasPrefix(c.Frequency, "CONTINUOUS")
			name := c.ARN[strings.LastIndex(c.ARN, "/")+1:]
			p.resource(c.ARN+"/scan", "image scan", "scan of "+name, nil, source.Fields{"enabled": on, "openPorts": []string{}})
		}
	}
	return nil
}

// images lists the images of a repository and reads the scan of each that has one.
func (v *visit) images(ctx context.Context, repository string) error {
	streams := v.of("vulnerability")
	var scanned []string
	b := body{"repositoryName": repository, "maxResults": 1000}
	list := rest.List{Kind: kindList, Ask: target(ecr, "DescribeImages", b), Asked: "ecr DescribeImages", Next: nextTarget(ecr, "DescribeImages", b, "nextToken", "nextToken"), Each: func(a rest.Answer) (bool, error) {
		var d struct {
			List *[]struct {
				Digest  string          `json:"imageDigest"`
				Summary json.RawMessage `json:"imageScanFindingsSummary"`
			} `json:"imageDetails"`
		}
		if err := json.Unmarshal(a.Body, &d); err != nil || d.List == nil {
			return false, errors.New("the answer has no list of images")
		}
		for _, i := range *d.List {
			if len(i.Summary) > 0 && string(i.Summary) != "null" && !slices.Contains(scanned, i.Digest) {
				scanned = append(scanned, i.Digest)
			}
		}
		return true, nil
	}}
	if _, err := v.list(ctx, ecr, list, streams...); err != nil {
		return err
	}
	for _, digest := range scanned {
		b := body{"repositoryName": repository, "imageId": body{"imageDigest": digest}, "maxResults": 1000}
		list := rest.List{Kind: kindScan, Ask: target(ecr, "DescribeImageScanFindings", b), Asked: "ecr DescribeImageScanFindings",
			Next: nextTarget(ecr, "DescribeImageScanFindings", b, "nextToken", "nextToken")}
		if _, err := v.list(ctx, ecr, list, streams...); err != nil {
			return err
		}
	}
	return nil
}

type scanPage struct {
	Repository string `json:"repositoryName"`
	Registry   string `json:"registryId"`
	Image      struct {
		Digest string `json:"imageDigest"`
	} `json:"imageId"`
	Status struct {
		Code string `json:"status"`
	} `json:"imageScanStatus"`
	Found *struct {
		Plain []struct {
			Name       string                        `json:"name"`
			Severity   string                        `json:"severity"`
			Attributes []struct{ Key, Value string } `json:"attributes"`
		} `json:"findings"`
		Enhanced []struct {
			Severity string  `json:"severity"`
			Status   string  `json:"status"`
			First    instant `json:"firstObservedAt"`
			Fix      string  `json:"fixAvailable"`
			Details  struct {
				ID       string     `json:"vulnerabilityId"`
				Packages []software `json:"vulnerablePackages"`
			} `json:"packageVulnerabilityDetails"`
		} `json:"enhancedFindings"`
	} `json:"imageScanFindings"`
}

var scanSeverity = map[string]string{"CRITICAL": "critical", "HIGH": "high", "MEDIUM": "medium", "LOW": "low", "INFORMATIONAL": "none"}

func normalScan(p *page) error {
	var d scanPage
	if err := json.Unmarshal(p.Body, &d); err != nil || d.Image.Digest == "" || d.Found == nil {
		return errors.New("the answer holds no scan of an image")
	}
	if slices.Contains([]string{"FAILED", "PENDING", "IN_PROGRESS", "FINDINGS_UNAVAILABLE"}, d.Status.Code) {
		return fmt.Errorf("the scan of %s did not come to its end: %s", d.Image.Digest, d.Status.Code)
	}
	asset := p.arn("ecr", "repository/"+d.Repository) + "@" + d.Image.Digest
	for _, w := range d.Found.Plain {
		in := map[string]string{}
		for _, a := range w.Attributes {
			in[a.Key] = a.Value
		}
		p.weakness(asset, "Amazon ECR", w.Name, w.Severity, software{in["package_name"], in["package_version"]}, source.Fields{})
	}
	for _, w := range d.Found.Enhanced {
		f := source.Fields{"foundAt": w.First.Time}
		switch w.Fix {
		case "YES", "NO":
			f["fixAvailable"] = w.Fix == "YES"
		}
		if w.Status == "SUPPRESSED" || w.Status == "CLOSED" { // what it was found to be is not said
			f["status"] = nil
		}
		if len(w.Details.Packages) == 0 {
			w.Details.Packages = []software{{}}
		}
		for _, in := range w.Details.Packages {
			p.weakness(asset, "Amazon Inspector", w.Details.ID, w.Severity, in, f)
		}
	}
	return nil
}

// A software is a package of an image in one version.
type software struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

func (p *page) weakness(asset, scanner, advisory, severity string, in software, f source.Fields) {
	all := source.Fields{"advisory": advisory, "asset": asset, "package": in.Name, "scanner": scanner, "kind": "package", "status": "open", "fixedAt": audit.Never}
	if s := scanSeverity[strings.ToUpper(severity)]; s != "" {
		all["severity"] = s
	}
	for k, v := range f {
		all[k] = v
	}
	if all["status"] == nil {
		delete(all, "fixedAt")
	}
	p.out.Add("vulnerability", asset+"/"+advisory+"/"+in.Name+"@"+in.Version, zero, all)
}
