package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"tieout/audit"
)

// A certificate is a pair of files that is read anew when they change, so that a
// renewal needs no restart.
type certificate struct {
	cert, key string
	mu        sync.Mutex
	pair      *tls.Certificate
	looked    time.Time
	changed   time.Time
}

// lookEvery is how often the files are looked at.
const lookEvery = time.Minute

func newCertificate(cert, key string) (*certificate, error) {
	c := &certificate{cert: cert, key: key}
	if err := c.read(time.Now()); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *certificate) read(now time.Time) error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("%w: TLS: %w", audit.ErrInvalid, err)
	}
	c.pair, c.looked, c.changed = &pair, now, c.newest()
	return nil
}

// newest is when one of the files last changed; zero where it cannot be told.
func (c *certificate) newest() (newest time.Time) {
	for _, path := range []string{c.cert, c.key} {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest
}

// get implements tls.Config.GetCertificate. While new files cannot be read the
// certificate there is goes on being used.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.looked) < lookEvery {
		return c.pair, nil
	}
	c.looked = now
	if n := c.newest(); n.Equal(c.changed) {
		return c.pair, nil
	}
	pair, changed := c.pair, c.changed
	if err := c.read(now); err != nil {
		c.pair, c.changed = pair, changed
	}
	return c.pair, nil
}
