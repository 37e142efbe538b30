package ledger

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	_ "crypto/sha1"   // old certificate identifiers (RFC 2634), nothing else
	_ "crypto/sha512" // authorities hash with SHA-384 and SHA-512 too
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

const maxToken = 1 << 20

var (
	oidTSTInfo       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidSigningCert   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}
	oidSigningCertV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidExtKeyUsage   = asn1.ObjectIdentifier{2, 5, 29, 37}
)

// Timestamp is what an RFC 3161 authority says: it saw the message no later
// than At, give or take Accuracy (0 when it states none).
type Timestamp struct {
	At        time.Time
	Accuracy  time.Duration
	Authority string // subject of the signing certificate
	Serial    string // of the timestamp, decimal
	Policy    string // object identifier
	Expires   time.Time
	// Expired: the signing certificate has expired since. The signature was made
	// while it was valid, and is only as good as the key's secrecy since.
	Expired bool
}

// String is the fact in words.
func (t Timestamp) String() string {
	s := fmt.Sprintf("timestamp authority %s saw it on %s", t.Authority, t.At.Format(time.RFC3339))
	if t.Accuracy > 0 {
		s += fmt.Sprintf(" (within %s)", t.Accuracy)
	}
	if t.Expired {
		s += fmt.Sprintf("; its certificate has expired on %s", t.Expires.Format(time.RFC3339))
	}
	return s
}

// TSATrust is what a reader believes of timestamp authorities: Roots, and
// certificates to complete a chain or a token that carries none.
type TSATrust struct {
	Roots         []*x509.Certificate
	Intermediates []*x509.Certificate
}

// ParseTSATrust reads PEM certificates; those signed by themselves are roots.
func ParseTSATrust(data []byte) (TSATrust, error) {
	var t TSATrust
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil || block.Type != "CERTIFICATE" {
			return TSATrust{}, fmt.Errorf("timestamp trust: PEM block %q is not a certificate", block.Type)
		}
		if bytes.Equal(cert.RawIssuer, cert.RawSubject) && cert.CheckSignatureFrom(cert) == nil {
			t.Roots = append(t.Roots, cert)
		} else {
			t.Intermediates = append(t.Intermediates, cert)
		}
	}
	if len(bytes.TrimSpace(data)) > 0 || len(t.Roots)+len(t.Intermediates) == 0 {
		return TSATrust{}, errors.New("timestamp trust: not a list of PEM certificates")
	}
	return t, nil
}

// VerifyTimestamp checks an RFC 3161 token (the CMS object, DER) over message:
// the imprint; the one signature and that it binds its certificate (RFC 5816);
// that the certificate may do nothing but timestamping; its chain to a root at
// the time the token states; and that this time is not after now.
func VerifyTimestamp(token, message []byte, trust TSATrust, now time.Time) (Timestamp, error) {
	ts, p7, err := parseToken(token)
	if err != nil {
		return Timestamp{}, fmt.Errorf("timestamp: %w", err)
	}
	if err := checkImprint(ts, message); err != nil {
		return Timestamp{}, fmt.Errorf("timestamp: %w", err)
	}
	carried := len(p7.Certificates)
	p7.Certificates = append(p7.Certificates, trust.Intermediates...)
	cert, err := checkTokenSignature(p7, trust, ts.Time)
	if err != nil {
		return Timestamp{}, fmt.Errorf("timestamp: %w: %w", ErrVerify, err)
	}
	if err := checkCarried(p7.Certificates[:carried], cert); err != nil {
		return Timestamp{}, fmt.Errorf("timestamp: %w: %w", ErrVerify, err)
	}
	if ts.Time.After(now) {
		return Timestamp{}, fmt.Errorf("timestamp: %w: it states %s, which is yet to come", ErrVerify, ts.Time.UTC().Format(time.RFC3339))
	}
	return Timestamp{
		At: ts.Time.UTC(), Accuracy: ts.Accuracy, Authority: cert.Subject.String(), Serial: ts.SerialNumber.String(),
		Policy: ts.Policy.String(), Expires: cert.NotAfter.UTC(), Expired: now.After(cert.NotAfter),
	}, nil
}

// parseToken reads a token. The library's readers are given only well-formed
// DER: they accept more.
func parseToken(token []byte) (*timestamp.Timestamp, *pkcs7.PKCS7, error) {
	if len(token) > maxToken {
		return nil, nil, fmt.Errorf("%w: token of %d bytes; at most %d", ErrVerify, len(token), maxToken)
	}
	if err := checkDER(token, 0); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrVerify, err)
	}
	p7, err := pkcs7.Parse(token)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: not a CMS object: %w", ErrVerify, err)
	}
	ts, err := timestamp.Parse(token)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrVerify, err)
	}
	if ts.SerialNumber == nil || ts.Time.IsZero() {
		return nil, nil, fmt.Errorf("%w: token without serial number or time", ErrVerify)
	}
	return ts, p7, nil
}

func checkImprint(ts *timestamp.Timestamp, message []byte) error {
	switch ts.HashAlgorithm {
	case crypto.SHA256, crypto.SHA384, crypto.SHA512:
	default:
		return fmt.Errorf("%w: imprint by %v: SHA-256, SHA-384 or SHA-512 is accepted", ErrVerify, ts.HashAlgorithm)
	}
	h := ts.HashAlgorithm.New()
	h.Write(message)
	if !bytes.Equal(h.Sum(nil), ts.HashedMessage) {
		return fmt.Errorf("%w: it was made over something else", ErrVerify)
	}
	return nil
}

// checkTokenSignature returns the certificate that signed, once chain, purpose
// and signature hold.
func checkTokenSignature(p7 *pkcs7.PKCS7, trust TSATrust, at time.Time) (*x509.Certificate, error) {
	if len(trust.Roots) == 0 {
		return nil, errors.New("no root certificate is trusted")
	}
	cert := p7.GetOnlySigner()
	if cert == nil {
		return nil, fmt.Errorf("%d signers, or the signer's certificate is missing", len(p7.Signers))
	}
	var kind asn1.ObjectIdentifier
	if err := p7.UnmarshalSignedAttribute(pkcs7.OIDAttributeContentType, &kind); err != nil || !kind.Equal(oidTSTInfo) {
		return nil, errors.New("what is signed is not a timestamp")
	}
	if err := checkBinding(p7, cert); err != nil {
		return nil, err
	}
	if err := checkPurpose(cert); err != nil {
		return nil, err
	}
	opts := x509.VerifyOptions{Roots: pool(trust.Roots), Intermediates: pool(p7.Certificates),
		CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}}
	if err := p7.VerifyWithOpts(opts); err != nil {
		return nil, err
	}
	return cert, nil
}

// checkCarried refuses a token that carries end certificates other than the
// signer's: nothing signs that part of a token, so somebody slipped them in.
func checkCarried(carried []*x509.Certificate, signer *x509.Certificate) error {
	for _, c := range carried {
		if !c.IsCA && !c.Equal(signer) {
			return fmt.Errorf("the token carries a certificate of %s (serial %s), which did not sign it", c.Subject, c.SerialNumber)
		}
	}
	return nil
}

// checkPurpose demands RFC 3161 section 2.3: the certificate is for
// timestamping alone, and says so critically.
func checkPurpose(cert *x509.Certificate) error {
	only := slices.Equal(cert.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}) && len(cert.UnknownExtKeyUsage) == 0
	for _, e := range cert.Extensions {
		if only && e.Critical && e.Id.Equal(oidExtKeyUsage) {
			return nil
		}
	}
	return fmt.Errorf("certificate of %s is not for timestamping alone", cert.Subject)
}

// checkBinding demands that the signed attributes name the certificate, by RFC
// 5816 (any hash) or RFC 2634 (SHA-1), so that no other could be put in place.
func checkBinding(p7 *pkcs7.PKCS7, cert *x509.Certificate) error {
	var v2 struct {
		Certs []struct {
			Rest asn1.RawContent
			Raw1 asn1.RawValue
			Raw2 asn1.RawValue `asn1:"optional"`
			Raw3 asn1.RawValue `asn1:"optional"`
		}
		Policies asn1.RawValue `asn1:"optional"`
	}
	if err := p7.UnmarshalSignedAttribute(oidSigningCertV2, &v2); err == nil && len(v2.Certs) > 0 {
		return bindsV2(v2.Certs[0].Raw1, v2.Certs[0].Raw2, cert)
	}
	if err := p7.UnmarshalSignedAttribute(oidSigningCert, &v2); err == nil && len(v2.Certs) > 0 {
		return binds(crypto.SHA1, v2.Certs[0].Raw1, cert)
	}
	return errors.New("the signature does not name its certificate")
}

// bindsV2 reads ESSCertIDv2: an optional hash algorithm, then the hash.
func bindsV2(first, second asn1.RawValue, cert *x509.Certificate) error {
	if first.Tag == asn1.TagOctetString {
		return binds(crypto.SHA256, first, cert)
	}
	var alg struct {
		OID    asn1.ObjectIdentifier
		Params asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(first.FullBytes, &alg); err != nil {
		return errors.New("the signature names its certificate in an unknown way")
	}
	for oid, h := range map[string]crypto.Hash{"2.16.840.1.101.3.4.2.1": crypto.SHA256,
		"2.16.840.1.101.3.4.2.2": crypto.SHA384, "2.16.840.1.101.3.4.2.3": crypto.SHA512} {
		if alg.OID.String() == oid {
			return binds(h, second, cert)
		}
	}
	return fmt.Errorf("the signature names its certificate by hash algorithm %s", alg.OID)
}

func binds(alg crypto.Hash, want asn1.RawValue, cert *x509.Certificate) error {
	if !alg.Available() {
		return fmt.Errorf("hash algorithm %v is not built in", alg)
	}
	h := alg.New()
	h.Write(cert.Raw)
	if want.Tag != asn1.TagOctetString || !bytes.Equal(want.Bytes, h.Sum(nil)) {
		return errors.New("the signature names another certificate")
	}
	return nil
}

func pool(certs []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p
}

// Timestamper asks one RFC 3161 authority over HTTP, with a Client that the
// caller has given a timeout.
type Timestamper struct {
	URL    string
	Client *http.Client
}

// Timestamp returns a token over the SHA-256 of message. It answers the request
// just made (nonce) and its own signature holds; whether the authority is
// believed is for VerifyTimestamp to say.
func (t Timestamper) Timestamp(ctx context.Context, message []byte) ([]byte, error) {
	if t.Client == nil {
		return nil, errors.New("timestamper: no HTTP client")
	}
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, err
	}
	query, err := timestamp.CreateRequest(bytes.NewReader(message), &timestamp.RequestOptions{Hash: crypto.SHA256, Certificates: true, Nonce: nonce})
	if err != nil {
		return nil, fmt.Errorf("timestamp request: %w", err)
	}
	reply, err := t.post(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("timestamp from %s: %w", t.URL, err)
	}
	token, err := TokenFromReply(reply)
	if err != nil {
		return nil, fmt.Errorf("timestamp from %s: %w", t.URL, err)
	}
	ts, _, err := parseToken(token)
	if err != nil {
		return nil, fmt.Errorf("timestamp from %s: %w", t.URL, err)
	}
	if err := checkImprint(ts, message); err != nil {
		return nil, fmt.Errorf("timestamp from %s: %w", t.URL, err)
	}
	if ts.Nonce == nil || ts.Nonce.Cmp(nonce) != 0 {
		return nil, fmt.Errorf("timestamp from %s: %w: it answers another request", t.URL, ErrVerify)
	}
	return token, nil
}

func (t Timestamper) post(ctx context.Context, query []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	resp, err := t.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %s", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxToken+1))
	if err == nil && len(body) > maxToken {
		err = fmt.Errorf("reply of more than %d bytes", maxToken)
	}
	return body, err
}

// TokenFromReply takes the token out of a TimeStampResp (DER), which must say
// that it was granted.
func TokenFromReply(reply []byte) ([]byte, error) {
	if len(reply) > maxToken {
		return nil, fmt.Errorf("%w: reply of %d bytes", ErrVerify, len(reply))
	}
	if err := checkDER(reply, 0); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVerify, err)
	}
	var resp struct {
		Status struct {
			Status int
			Text   asn1.RawValue  `asn1:"optional"`
			Fail   asn1.BitString `asn1:"optional"`
		}
		Token asn1.RawValue `asn1:"optional"`
	}
	if rest, err := asn1.Unmarshal(reply, &resp); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: not a timestamp reply", ErrVerify)
	}
	if s := timestamp.Status(resp.Status.Status); s != timestamp.Granted && s != timestamp.GrantedWithMods {
		return nil, fmt.Errorf("%w: no timestamp: %s", ErrVerify, s)
	}
	if len(resp.Token.FullBytes) == 0 {
		return nil, fmt.Errorf("%w: reply without a token", ErrVerify)
	}
	return resp.Token.FullBytes, nil
}
