// Package live starts the real counterparts that sources are tested against:
// programs of the machine, Python and Node programs that scripts/peers.sh puts
// under .peers. Where one is missing a test is skipped with the reason, or
// fails where nothing may skip (CI=true).
package live

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// root is the repository's folder.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// Peers is the folder that scripts/peers.sh fills.
func Peers() string {
	if dir := os.Getenv("TIEOUT_PEERS"); dir != "" {
		return dir
	}
	return filepath.Join(root(), ".peers")
}

// Missing skips the test, or fails it where nothing may skip.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not here; scripts/peers.sh installs it", what)
	}
	t.Skipf("%s is not here; scripts/peers.sh installs it", what)
}

// Program returns the path of a program of the machine, also from sbin.
func Program(t testing.TB, name string) string {
	t.Helper()
	for _, try := range []string{name, "/usr/sbin/" + name} {
		if p, err := exec.LookPath(try); err == nil {
			return p
		}
	}
	Missing(t, name)
	return ""
}

// Peer returns a file below Peers, such as "python/bin/moto_server",
// "node_modules/.bin/prism" or "node_modules/@octokit/openapi/package.json".
func Peer(t testing.TB, path string) string {
	t.Helper()
	p := filepath.Join(Peers(), path)
	if _, err := os.Stat(p); err != nil {
		Missing(t, path)
	}
	return p
}

// Port returns a port of the loopback address that is free now. It lies below
// those that systems hand out by themselves: a program needs seconds to take
// it, in which a test server of another package must not be given the same.
func Port(t testing.TB) int {
	t.Helper()
	const first, many = 10_000, 10_000
	for range 100 {
		port := first + rand.IntN(many)
		l, err := net.Listen("tcp", Address(port))
		if err != nil {
			continue // somebody has it
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatalf("no port from %d to %d is free", first, first+many-1)
	return 0
}

// Address is 127.0.0.1 with a port.
func Address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// Start runs cmd until the test ends and waits until ready says so, at most a
// minute. What it printed is shown where it does not come up.
func Start(t testing.TB, cmd *exec.Cmd, ready func(ctx context.Context) error) {
	t.Helper()
	var out log
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", cmd.Path, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err == nil {
			t.Logf("%s: %v", filepath.Base(cmd.Path), <-ended)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return
		}
		select {
		case end := <-ended:
			ended <- end
			t.Fatalf("%s ended: %v\n%s", filepath.Base(cmd.Path), end, out.String())
		case <-ctx.Done():
			t.Fatalf("%s did not come up: %v\n%s", filepath.Base(cmd.Path), err, out.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Answers is a Start condition: url answers, whatever it says.
func Answers(url string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		return err
	}
}

// Listens is a Start condition: a TCP address takes connections.
func Listens(address string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

// Run runs a program to its end and returns what it printed.
func Run(t testing.TB, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, fmt.Sprint(stdout.String(), stderr.String()))
	}
	return stdout.String()
}

// A log keeps the last output of a program.
type log struct {
	mu sync.Mutex
	b  []byte
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	if most := 16 << 10; len(l.b) > most {
		l.b = append([]byte(nil), l.b[len(l.b)-most:]...)
	}
	return len(p), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b)
}
