package pdf

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"tieout/audit"
	"tieout/report/attest/pdf/syntax"
)

// withoutConfig keeps pdfcpu from writing into a person's configuration folder.
var withoutConfig = sync.OnceFunc(api.DisableConfigDir)

// settings are pdfcpu's for files of ours: nothing is rearranged, and what it
// writes has one plain table, which package syntax reads.
func settings(password, owner string) *model.Configuration {
	withoutConfig()
	c := model.NewAESConfiguration(password, owner, 256)
	c.Optimize, c.OptimizeBeforeWriting, c.OptimizeResourceDicts, c.OptimizeDuplicateContentStreams = false, false, false, false
	c.WriteObjectStream, c.WriteXRefStream = false, false
	c.ValidationMode = model.ValidationRelaxed
	c.Offline = true
	c.Limits.MaxStreamBytes, c.Limits.MaxDecodeBytes = syntax.MaxDecoded, syntax.MaxDecoded
	return c
}

// checkPassword refuses what programs that open PDFs read in different ways.
func checkPassword(p string) error {
	if len(p) < 8 || len(p) > 127 || strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%w: a copy's password has 8 to 127 letters, digits and signs of ASCII, and no space", audit.ErrInvalid)
	}
	return nil
}

// encrypt encrypts a file with AES-256. A reader may print it.
func encrypt(data []byte, password, owner string) ([]byte, error) {
	if owner == "" {
		owner = rand.Text()
	}
	if err := errors.Join(checkPassword(password), checkPassword(owner)); err != nil {
		return nil, err
	}
	c := settings(password, owner)
	c.Permissions = model.PermissionsPrint
	var b bytes.Buffer
	if err := guarded(func() error { return api.Encrypt(bytes.NewReader(data), &b, c) }); err != nil {
		return nil, fmt.Errorf("%w: encrypt the copy: %w", audit.ErrInvalid, err)
	}
	return b.Bytes(), nil
}

// rewrite reads a file that package syntax does not, encrypted or written by
// another program, and returns it as one it reads.
func rewrite(data []byte, password string, encrypted bool) ([]byte, error) {
	if len(data) > syntax.MaxBytes {
		return nil, fmt.Errorf("%w: the PDF has %d bytes; the most read is %d", audit.ErrInvalid, len(data), syntax.MaxBytes)
	}
	c := settings(password, "")
	var b bytes.Buffer
	err := guarded(func() error {
		if encrypted {
			return api.Decrypt(bytes.NewReader(data), &b, c)
		}
		return api.Optimize(bytes.NewReader(data), &b, c)
	})
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

var errBroken = errors.New("the file cannot be read as a PDF")

// guarded makes a panic over a broken file an error.
func guarded(do func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errBroken
		}
	}()
	return do()
}
