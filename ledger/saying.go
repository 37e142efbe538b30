package ledger

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrUnknownWitness: a cosignature is by a witness whose key is not known here,
// so it counts for nothing.
var ErrUnknownWitness = errors.New("the key of this witness is not known here")

// A Saying is what somebody outside says about a checkpoint.
type Saying struct {
	Who     string // name of the witness's key, or subject of the authority's certificate
	Witness bool   // else a time-stamp authority
	At      time.Time
}

// String is the fact in a few words, to be put after "seen by".
func (s Saying) String() string {
	if s.Witness {
		return fmt.Sprintf("witness %s on %s", s.Who, s.At.Format(time.DateOnly))
	}
	return fmt.Sprintf("time-stamp authority %s at %s", s.Who, s.At.Format("2006-01-02 15:04:05 UTC"))
}

// Trusted is what is known of those outside. Without roots a time stamp is
// checked by the certificates it carries: that shows that it is whole, and who
// made it remains its own word.
type Trusted struct {
	Witnesses []Key
	TSA       TSATrust
	Now       time.Time // no time stamp may lie after it
}

// CheckSaying verifies what a Backend keeps under name about a signed
// checkpoint: ErrUnknownWitness without the witness's key, ErrVerify where it
// does not hold.
func CheckSaying(name string, said, checkpoint []byte, trusted Trusted) (Saying, error) {
	if who, ok := strings.CutPrefix(name, witnessPrefix); ok {
		return checkWitness(who, said, checkpoint, trusted.Witnesses)
	}
	who, ok := strings.CutPrefix(name, tsaPrefix)
	if !ok {
		return Saying{}, fmt.Errorf("%w: %q is neither a witness nor a time-stamp authority", ErrVerify, shorten(name))
	}
	trust := trusted.TSA
	if len(trust.Roots) == 0 {
		var err error
		if trust, err = CarriedTrust(said); err != nil {
			return Saying{}, err
		}
	}
	ts, err := VerifyTimestamp(said, checkpoint, trust, trusted.Now)
	if err == nil && ts.Authority != who {
		err = fmt.Errorf("%w: it is kept as by %s and is by %s", ErrVerify, who, ts.Authority)
	}
	return Saying{Who: ts.Authority, At: ts.At}, err
}

func checkWitness(who string, said, checkpoint []byte, keys []Key) (Saying, error) {
	for _, k := range keys {
		if k.Name() != who {
			continue
		}
		c, err := VerifyCosignature(checkpoint, said, k)
		return Saying{Who: who, Witness: true, At: c.At}, err
	}
	return Saying{Who: who, Witness: true}, fmt.Errorf("witness %s: %w", who, ErrUnknownWitness)
}

// CarriedTrust returns the certificates a token carries as if they were
// believed. VerifyTimestamp with it shows that the token is whole and was made
// by the holder of the certificate in it, not that the holder is who it says.
func CarriedTrust(token []byte) (TSATrust, error) {
	_, p7, err := parseToken(token)
	if err != nil {
		return TSATrust{}, fmt.Errorf("timestamp: %w", err)
	}
	if len(p7.Certificates) == 0 {
		return TSATrust{}, fmt.Errorf("timestamp: %w: it carries no certificate; name the authority's certificates", ErrVerify)
	}
	return TSATrust{Roots: append([]*x509.Certificate{}, p7.Certificates...)}, nil
}
