package aws

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

const (
	kindKey         = "aws.kms.key"         // one key, its rotation and its rotations
	kindCertificate = "aws.acm.certificate" // one certificate
	kindSecret      = "aws.secret"          // one secret's description and versions
)

// each lists what a JSON interface keeps, as a support, and returns the names
// of its elements.
func (v *visit) each(ctx context.Context, svc service, op string, b body, list, token, param string, name func(e json.RawMessage) (string, error), streams ...*source.Stream) (names []string, err error) {
	_, err = v.list(ctx, svc, rest.List{Kind: kindList, Ask: target(svc, op, b), Next: nextTarget(svc, op, b, token, param), Each: func(a rest.Answer) (bool, error) {
		elements, err := source.Elements(a.Body, list)
		if err != nil {
			return false, err
		}
		for _, e := range elements {
			n, err := name(e)
			if err != nil || n == "" {
				return false, errors.New("an element of " + list + " has no name")
			}
			names = append(names, n)
		}
		return true, nil
	}}, streams...)
	return names, err
}

// field is the text in a field of an element.
func field(of string) func(e json.RawMessage) (string, error) {
	return func(e json.RawMessage) (string, error) {
		var obj map[string]json.RawMessage
		var s string
		if err := json.Unmarshal(e, &obj); err != nil {
			return "", err
		}
		return s, json.Unmarshal(obj[of], &s)
	}
}

// readKMS lists keys and seals each with its rotation.
func readKMS(ctx context.Context, v *visit) error {
	streams := v.of("key")
	ids, err := v.each(ctx, kms, "ListKeys", body{"Limit": 1000}, "Keys", "NextMarker", "Marker", field("KeyId"), streams...)
	if err != nil {
		return err
	}
	client := v.to(kms, v.region)
	for i, id := range ids {
		sheet := rest.NewSheet(map[string]string{"key": id})
		streams[0].Asked("kms DescribeKey, GetKeyRotationStatus, ListKeyRotations for each key")
		for _, op := range []string{"DescribeKey", "GetKeyRotationStatus", "ListKeyRotations"} {
			if _, err := v.ask(ctx, sheet, op, client, target(kms, op, body{"KeyId": id}), []string{cannotRotate, "KMSInvalidStateException"}, streams...); err != nil {
				return err
			}
		}
		if err := v.seal(ctx, kindKey, "kms settings of key "+id, sheet, streams...); err != nil {
			return err
		}
		v.run.Progress("keys of "+v.scope, i+1, len(ids))
	}
	return nil
}

// cannotRotate is how KMS says that a key's material cannot be replaced by itself.
const cannotRotate = "UnsupportedOperationException"

type kmsKey struct {
	Metadata struct {
		ARN        string  `json:"Arn"`
		Created    instant `json:"CreationDate"`
		State      string  `json:"KeyState"`
		Origin     string  `json:"Origin"`
		Expiration string  `json:"ExpirationModel"`
		ValidTo    instant `json:"ValidTo"`
	} `json:"KeyMetadata"`
}

var kmsStatus = map[string]string{"Enabled": "active", "Disabled": "disabled", "PendingDeletion": "disabled", "PendingReplicaDeletion": "disabled"}

func normalKey(p *page) error {
	facts := map[string]string{}
	sheet, err := p.sheet(&facts)
	if err != nil {
		return err
	}
	var k kmsKey
	switch err := sheet.Decode("DescribeKey", &k); {
	case !partOf(sheet, "DescribeKey").known && facts["key"] != "": // there is a key, and no more is known of it
		p.out.Add("key", p.arn("kms", "key/"+facts["key"]), zero, source.Fields{"kind": "encryption", "system": p.System, "owner": ""})
		return nil
	case err != nil || k.Metadata.ARN == "":
		return errors.New("the key was not described")
	}
	m := k.Metadata
	f := source.Fields{"kind": "encryption", "system": p.System, "owner": "", "createdAt": m.Created.Time}
	if s := kmsStatus[m.State]; s != "" {
		f["status"] = s
	}
	switch m.Expiration {
	case "KEY_MATERIAL_EXPIRES":
		f["expiresAt"] = m.ValidTo.Time
	case "", "KEY_MATERIAL_DOES_NOT_EXPIRE":
		f["expiresAt"] = audit.Never
	}
	f["autoRotate"] = rotates(partOf(sheet, "GetKeyRotationStatus", cannotRotate))
	if m.Origin == "AWS_KMS" {
		f["rotatedAt"] = rotated(partOf(sheet, "ListKeyRotations", cannotRotate), m.Created.Time)
	}
	p.out.Add("key", m.ARN, zero, f)
	return nil
}

func rotates(a asked) any {
	var d struct {
		On *bool `json:"KeyRotationEnabled"`
	}
	if a.none {
		return false
	}
	if !a.known || json.Unmarshal(a.body, &d) != nil || d.On == nil {
		return nil
	}
	return *d.On
}

// rotated is when the material was last replaced; its making counts. nil where
// the rotations were not told, or not all of them.
func rotated(a asked, made time.Time) any {
	var d struct {
		List *[]struct {
			Date instant `json:"RotationDate"`
		} `json:"Rotations"`
		More bool `json:"Truncated"`
	}
	if a.none {
		return made
	}
	if !a.known || json.Unmarshal(a.body, &d) != nil || d.List == nil || d.More {
		return nil
	}
	last := made
	for _, r := range *d.List {
		if r.Date.After(last) {
			last = r.Date.Time
		}
	}
	return last
}

// Every algorithm: without the list, ACM leaves out all but RSA of 1024 and 2048 bits.
var algorithms = []string{"RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"}

func readACM(ctx context.Context, v *visit) error {
	streams := v.of("key")
	b := body{"Includes": body{"keyTypes": algorithms}, "MaxItems": 1000}
	arns, err := v.each(ctx, acm, "ListCertificates", b, "CertificateSummaryList", "NextToken", "NextToken", field("CertificateArn"), streams...)
	if err != nil {
		return err
	}
	streams[0].Asked("acm DescribeCertificate for each certificate")
	for _, arn := range arns {
		sheet := rest.NewSheet(map[string]string{"certificate": arn})
		if _, err := v.ask(ctx, sheet, "DescribeCertificate", v.to(acm, v.region), target(acm, "DescribeCertificate", body{"CertificateArn": arn}), nil, streams...); err != nil {
			return err
		}
		if err := v.seal(ctx, kindCertificate, "acm DescribeCertificate "+arn, sheet, streams...); err != nil {
			return err
		}
	}
	return nil
}

var acmStatus = map[string]string{"ISSUED": "active", "EXPIRED": "expired", "REVOKED": "disabled", "INACTIVE": "disabled"}

// neverIssued are the states of what was asked for: there is no certificate.
var neverIssued = []string{"PENDING_VALIDATION", "VALIDATION_TIMED_OUT", "FAILED"}

func normalCertificate(p *page) error {
	var d struct {
		Certificate struct {
			ARN      string  `json:"CertificateArn"`
			Status   string  `json:"Status"`
			Type     string  `json:"Type"`
			Renewal  string  `json:"RenewalEligibility"`
			Created  instant `json:"CreatedAt"`
			Issued   instant `json:"IssuedAt"`
			Imported instant `json:"ImportedAt"`
			Until    instant `json:"NotAfter"`
		} `json:"Certificate"`
	}
	facts := map[string]string{}
	sheet, err := p.sheet(&facts)
	if err != nil {
		return err
	}
	switch err := sheet.Decode("DescribeCertificate", &d); {
	case !partOf(sheet, "DescribeCertificate").known && facts["certificate"] != "": // it is listed, and no more is known of it
		p.out.Add("key", facts["certificate"], zero, source.Fields{"kind": "certificate", "system": p.System, "owner": ""})
		return nil
	case err != nil || d.Certificate.ARN == "":
		return errors.New("the certificate was not described")
	}
	c := d.Certificate
	if slices.Contains(neverIssued, c.Status) {
		return nil
	}
	made := c.Issued.Time
	if made.IsZero() {
		made = c.Imported.Time
	}
	if made.IsZero() {
		made = c.Created.Time
	}
	f := source.Fields{"kind": "certificate", "system": p.System, "owner": "", "status": acmStatus[c.Status], "createdAt": made, "rotatedAt": made, "expiresAt": c.Until.Time}
	switch {
	case c.Type == "IMPORTED":
		f["autoRotate"] = false
	case c.Renewal != "":
		f["autoRotate"] = c.Renewal == "ELIGIBLE"
	}
	p.out.Add("key", c.ARN, zero, f)
	return nil
}

// readSecrets lists secrets by their descriptions and asks when the current
// version of each was made. What a secret holds is never asked.
func readSecrets(ctx context.Context, v *visit) error {
	streams := v.of("key")
	var elements []json.RawMessage
	keep := func(e json.RawMessage) (string, error) {
		name, err := field("ARN")(e)
		elements = append(elements, e)
		return name, err
	}
	b := body{"MaxResults": 100, "IncludePlannedDeletion": true}
	arns, err := v.each(ctx, secrets, "ListSecrets", b, "SecretList", "NextToken", "NextToken", keep, streams...)
	if err != nil {
		return err
	}
	streams[0].Asked("secretsmanager ListSecretVersionIds for each secret")
	for i, arn := range arns {
		sheet := rest.NewSheet(struct{}{})
		sheet.AddElement("secret", elements[i])
		ask := target(secrets, "ListSecretVersionIds", body{"SecretId": arn, "MaxResults": 100})
		if _, err := v.ask(ctx, sheet, "versions", v.to(secrets, v.region), ask, nil, streams...); err != nil {
			return err
		}
		if err := v.seal(ctx, kindSecret, "secretsmanager versions of "+arn, sheet, streams...); err != nil {
			return err
		}
	}
	return nil
}

func normalSecret(p *page) error {
	var s struct {
		ARN     string  `json:"ARN"`
		Rotates *bool   `json:"RotationEnabled"`
		Created instant `json:"CreatedDate"`
		Used    instant `json:"LastAccessedDate"`
		Deleted instant `json:"DeletedDate"`
	}
	sheet, err := p.sheet(nil)
	if err != nil {
		return err
	}
	if err := sheet.Decode("secret", &s); err != nil || s.ARN == "" {
		return errors.New("the page names no secret")
	}
	f := source.Fields{"kind": "token", "system": p.System, "status": "active", "createdAt": s.Created.Time, "lastUsedAt": s.Used.Time,
		"expiresAt": audit.Never, "autoRotate": s.Rotates != nil && *s.Rotates, "rotatedAt": current(partOf(sheet, "versions"))}
	if !s.Deleted.IsZero() {
		f["status"] = "deleted"
	}
	p.out.Add("key", s.ARN, zero, f)
	return nil
}

// current is when the version in force was made; zero where it is not told.
func current(a asked) time.Time {
	var d struct {
		Versions []struct {
			Stages []string `json:"VersionStages"`
			Made   instant  `json:"CreatedDate"`
		} `json:"Versions"`
	}
	if !a.known || json.Unmarshal(a.body, &d) != nil {
		return zero
	}
	for _, v := range d.Versions {
		for _, s := range v.Stages {
			if s == "AWSCURRENT" {
				return v.Made.Time
			}
		}
	}
	return zero
}
