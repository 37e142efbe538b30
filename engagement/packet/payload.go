package packet

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/internal/canonical"
)

// Nothing is the payload of SendSeen.
type Nothing struct{}

// types are the payloads: a packet of a kind holds a value of exactly this type
// and no other key. That is why nothing of the firm's file can cross by mistake.
var types = map[engagement.Kind]reflect.Type{
	engagement.SendTerms:          reflect.TypeFor[engagement.TermsOffer](),
	engagement.SendRequests:       reflect.TypeFor[[]engagement.RequestNews](),
	engagement.SendAcceptance:     reflect.TypeFor[engagement.Acceptance](),
	engagement.SendSample:         reflect.TypeFor[engagement.Sample](),
	engagement.SendFindings:       reflect.TypeFor[[]engagement.Finding](),
	engagement.SendDraft:          reflect.TypeFor[engagement.Draft](),
	engagement.SendReport:         reflect.TypeFor[engagement.Release](),
	engagement.SendState:          reflect.TypeFor[engagement.StateNews](),
	engagement.SendAgreed:         reflect.TypeFor[engagement.Agreed](),
	engagement.SendControls:       reflect.TypeFor[engagement.ControlSet](),
	engagement.SendAnswers:        reflect.TypeFor[[]engagement.Answer](),
	engagement.SendPopulation:     reflect.TypeFor[engagement.Population](),
	engagement.SendEvidence:       reflect.TypeFor[engagement.EvidenceNote](),
	engagement.SendResponses:      reflect.TypeFor[[]engagement.Response](),
	engagement.SendDescription:    reflect.TypeFor[engagement.Description](),
	engagement.SendAssertion:      reflect.TypeFor[engagement.Assertion](),
	engagement.SendRepresentation: reflect.TypeFor[engagement.Representation](),
	engagement.SendComments:       reflect.TypeFor[[]engagement.Comment](),
	engagement.SendSteps:          reflect.TypeFor[engagement.ProvedSteps](),
	engagement.SendSeen:           reflect.TypeFor[Nothing](),
}

// encodePayload writes v, which has to be the value its kind sends.
func encodePayload(kind engagement.Kind, v any) ([]byte, error) {
	want := types[kind]
	if want == nil {
		return nil, invalid("there is no packet of kind %q", short(string(kind)))
	}
	if got := reflect.TypeOf(v); got != want {
		return nil, invalid("a packet of kind %s holds %s, not %s", kind, want, got)
	}
	b, err := canonical.Marshal(v)
	if err != nil {
		return nil, invalid("payload of kind %s: %v", kind, err)
	}
	if len(b) > maxPayload {
		return nil, invalid("a payload of %d bytes; at most %d", len(b), maxPayload)
	}
	if _, err := decodePayload(kind, b); err != nil {
		return nil, invalid("payload of kind %s does not read back as it was written", kind)
	}
	return b, nil
}

// decodePayload reads a payload whose every key its kind's type knows, and which
// is written in no other way than that type is.
func decodePayload(kind engagement.Kind, b []byte) (any, error) {
	v := reflect.New(types[kind])
	if err := book.Strict(b, v.Interface()); err != nil {
		return nil, invalid("the payload is no %s: %s", types[kind], strings.TrimPrefix(err.Error(), audit.ErrInvalid.Error()+": entry: "))
	}
	again, err := canonical.Marshal(v.Elem().Interface())
	if err != nil || !bytes.Equal(again, b) {
		return nil, invalid("the payload is not in the one spelling of %s", types[kind])
	}
	return v.Elem().Interface(), nil
}

// Payload returns what a packet brings; audit.ErrInvalid where its kind brings
// another type.
func Payload[T any](p *Packet) (T, error) {
	v, ok := p.value.(T)
	if !ok {
		return v, fmt.Errorf("%w: packet %s brings %s, not %s", audit.ErrInvalid, p.Name(), types[p.Header.Kind], reflect.TypeFor[T]())
	}
	return v, nil
}

// checkFiles refuses files that the payload does not speak of: a packet brings
// nothing but what its kind is for.
func checkFiles(kind engagement.Kind, payload any, files []Part) error {
	switch v := payload.(type) {
	case engagement.TermsOffer:
		return onlyDigests(kind, files, v.Letter)
	case engagement.Draft:
		return onlyDigests(kind, files, v.Digest)
	case engagement.Release:
		if err := onlyNames(kind, files, v.Files, 0); err != nil || len(files) == 0 {
			return err // without files it is the word that a report is withdrawn
		}
		return hasDigest(kind, files, v.Report)
	case engagement.Population:
		return onlyDigests(kind, files, v.Digest)
	case []engagement.Answer:
		return answerFiles(kind, v, files)
	case engagement.EvidenceNote:
		if len(files) == 0 {
			return invalid("a packet of kind %s has no file", kind)
		}
		return nil
	}
	if len(files) > 0 {
		return invalid("a packet of kind %s has no files; %q is beside it", kind, files[0].Name)
	}
	return nil
}

// answerFiles allows the files that answers name, and one bundle where they name
// records.
func answerFiles(kind engagement.Kind, list []engagement.Answer, files []Part) error {
	var names []string
	spare := 0
	for _, a := range list {
		names = append(names, a.Files...)
		if len(a.Records) > 0 {
			spare = 1
		}
	}
	return onlyNames(kind, files, names, spare)
}

// onlyDigests demands exactly the files that have these digests; "" names none.
func onlyDigests(kind engagement.Kind, files []Part, digests ...string) error {
	digests = slices.DeleteFunc(digests, func(d string) bool { return d == "" })
	if len(files) != len(digests) {
		return invalid("a packet of kind %s names %d files; %d are beside it", kind, len(digests), len(files))
	}
	for _, d := range digests {
		if err := hasDigest(kind, files, d); err != nil {
			return err
		}
	}
	return nil
}

// hasDigest demands a file with the digest, in hex with or without its prefix.
func hasDigest(kind engagement.Kind, files []Part, digest string) error {
	want := "sha256:" + strings.TrimPrefix(digest, "sha256:")
	if slices.ContainsFunc(files, func(f Part) bool { return f.Digest == want }) {
		return nil
	}
	return invalid("a packet of kind %s names a file with digest %s; none is beside it", kind, short(digest))
}

// onlyNames demands the files that are named and at most spare others.
func onlyNames(kind engagement.Kind, files []Part, names []string, spare int) error {
	have := map[string]bool{}
	for _, f := range files {
		have[f.Name] = true
		if slices.Contains(names, f.Name) {
			continue
		}
		if spare--; spare < 0 {
			return invalid("a packet of kind %s does not name the file %q beside it", kind, f.Name)
		}
	}
	for _, n := range names {
		if !have[n] {
			return invalid("a packet of kind %s names a file %q; it is not beside it", kind, short(n))
		}
	}
	return nil
}
