package access

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

const (
	testOrigin = "https://tieout.halyard.example"
	testRPID   = "tieout.halyard.example"
)

// An authenticator is a passkey in software (WebAuthn 3, 6): one P-256 key, its
// counter, and what it says of its person.
type authenticator struct {
	t       *testing.T
	id      []byte
	key     *ecdsa.PrivateKey
	handle  []byte // user handle, kept at registration
	count   uint32
	origin  string
	rpID    string
	flags   byte // user present, user verified
	backups byte // may be backed up, is
}

const (
	userPresent  = 0x01
	userVerified = 0x04
)

func newAuthenticator(t *testing.T) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	if _, err := rand.Read(id); err != nil {
		t.Fatal(err)
	}
	return &authenticator{t: t, id: id, key: key, origin: testOrigin, rpID: testRPID, flags: userPresent | userVerified, backups: 0x18}
}

type b64 = string

func enc(b []byte) b64 { return base64.RawURLEncoding.EncodeToString(b) }

// asked is what a page gives the browser: options of either ceremony.
type askedOptions struct {
	PublicKey struct {
		Challenge string
		User      struct{ ID string }
		RP        struct{ ID string }
		RPID      string `json:"rpId"`
		Allow     []struct{ ID string }
		Exclude   []struct{ ID string } `json:"excludeCredentials"`

		UserVerification string
		Selection        struct{ UserVerification, ResidentKey string } `json:"authenticatorSelection"`
	}
}

func (a *authenticator) read(options []byte) (o askedOptions) {
	a.t.Helper()
	if err := json.Unmarshal(options, &o); err != nil {
		a.t.Fatalf("%v in %s", err, options)
	}
	return o
}

func (a *authenticator) clientData(kind, challenge string) []byte {
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

func (a *authenticator) data(more byte) []byte {
	a.count++
	hash := sha256.Sum256([]byte(a.rpID))
	out := append(hash[:], a.flags|a.backups|more)
	return binary.BigEndian.AppendUint32(out, a.count)
}

// register answers BeginPasskey.
func (a *authenticator) register(options []byte) []byte {
	a.t.Helper()
	o := a.read(options)
	handle, err := base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID)
	if err != nil {
		a.t.Fatal(err)
	}
	a.handle = handle
	pub, err := a.key.PublicKey.Bytes()
	if err != nil {
		a.t.Fatal(err)
	}
	cose, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: pub[1:33], -3: pub[33:]})
	if err != nil {
		a.t.Fatal(err)
	}
	data := append(a.data(0x40), make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.id)))
	data = append(append(data, a.id...), cose...)
	object, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	if err != nil {
		a.t.Fatal(err)
	}
	return a.json(map[string]any{"clientDataJSON": enc(a.clientData("webauthn.create", o.PublicKey.Challenge)), "attestationObject": enc(object),
		"transports": []string{"internal"}})
}

// sign answers any of the other ceremonies.
func (a *authenticator) sign(options []byte) []byte {
	a.t.Helper()
	o := a.read(options)
	client := a.clientData("webauthn.get", o.PublicKey.Challenge)
	data := a.data(0)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(append([]byte{}, data...), hash[:]...))
	sig, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	if err != nil {
		a.t.Fatal(err)
	}
	return a.json(map[string]any{"clientDataJSON": enc(client), "authenticatorData": enc(data), "signature": enc(sig), "userHandle": enc(a.handle)})
}

func (a *authenticator) json(response map[string]any) []byte {
	b, err := json.Marshal(map[string]any{"id": enc(a.id), "rawId": enc(a.id), "type": "public-key", "response": response,
		"clientExtensionResults": map[string]any{}, "authenticatorAttachment": "platform"})
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}
