package signature

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"filippo.io/age"
	"filippo.io/age/armor"

	"tieout/audit"
)

// The work of one try at a passphrase: scrypt with N = 2^17, r = 8, p = 1, which
// is 128 MiB and some tenths of a second (age, "The scrypt recipient type"). A
// key that asks for more than maxWork is refused before any of it is done.
const maxWork = 18

var workFactor = 17 // tests take less

// maxWrapped bounds a wrapped key.
const maxWrapped = 4 << 10

// Lengths of a passphrase, in characters.
const (
	minPassphrase = 12
	maxPassphrase = 256
)

// trying lets one try at a time take its memory.
var trying sync.Mutex

// CheckPassphrase refuses passphrases that are too short or of hardly any
// different characters. The error wraps audit.ErrInvalid and never shows it.
func CheckPassphrase(p string) error {
	n := utf8.RuneCountInString(p)
	different := map[rune]bool{}
	for _, r := range p {
		different[r] = true
	}
	switch {
	case !utf8.ValidString(p):
		return fmt.Errorf("%w: the passphrase is not UTF-8 text", audit.ErrInvalid)
	case n < minPassphrase:
		return fmt.Errorf("%w: the passphrase has %d characters; it needs at least %d. A few words in a row are easy to keep in mind", audit.ErrInvalid, n, minPassphrase)
	case n > maxPassphrase:
		return fmt.Errorf("%w: the passphrase has %d characters; at most %d are taken", audit.ErrInvalid, n, maxPassphrase)
	case len(different) < 5:
		return fmt.Errorf("%w: the passphrase has %d different characters; it needs at least 5", audit.ErrInvalid, len(different))
	}
	return nil
}

// wrap encrypts a private key (age, armored).
func wrap(private, passphrase string) ([]byte, error) {
	trying.Lock()
	defer trying.Unlock()
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, fmt.Errorf("wrap key: %w", err)
	}
	to.SetWorkFactor(workFactor)
	var out bytes.Buffer
	shield := armor.NewWriter(&out)
	w, err := age.Encrypt(shield, to)
	if err == nil {
		_, err = io.WriteString(w, private)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = shield.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("wrap key: %w", err)
	}
	return out.Bytes(), nil
}

// unwrap decrypts it. A passphrase that is not the key's is an
// audit.ErrForbidden, a key that is damaged an audit.ErrAltered.
func unwrap(wrapped []byte, passphrase string) (string, error) {
	if len(wrapped) > maxWrapped {
		return "", fmt.Errorf("%w: a wrapped key of %d bytes", audit.ErrAltered, len(wrapped))
	}
	if n := utf8.RuneCountInString(passphrase); n == 0 || n > maxPassphrase {
		return "", fmt.Errorf("%w: %w", audit.ErrForbidden, errPassphrase)
	}
	trying.Lock()
	defer trying.Unlock()
	from, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return "", fmt.Errorf("unwrap key: %w", err)
	}
	from.SetMaxWorkFactor(maxWork)
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(wrapped)), from)
	var other *age.NoIdentityMatchError
	if errors.As(err, &other) {
		return "", fmt.Errorf("%w: %w", audit.ErrForbidden, errPassphrase)
	}
	if err != nil {
		return "", fmt.Errorf("%w: the wrapped key cannot be read: %w", audit.ErrAltered, err)
	}
	private, err := io.ReadAll(io.LimitReader(r, maxWrapped))
	if err != nil {
		return "", fmt.Errorf("%w: the wrapped key cannot be read: %w", audit.ErrAltered, err)
	}
	return string(private), nil
}
