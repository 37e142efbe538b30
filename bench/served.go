package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// The demo's people, by the words it prints beside their addresses.
const (
	lead     = "compliance lead"
	guest    = "auditor's guest"
	employee = "employee"
)

// A cast is who can sign in to a demo, all with one password.
type cast struct {
	password string
	email    map[string]string // by role
}

var (
	saysPassword = regexp.MustCompile(`all with the password (\S+)`)
	saysPerson   = regexp.MustCompile(`(?m)^  (.+?)\s{2,}(\S+@\S+)\s`)
	saysAddress  = regexp.MustCompile(`http://localhost:(\d+)`)
)

// castOf reads what 'tieout demo' printed.
func castOf(said string) (cast, error) {
	c := cast{email: map[string]string{}}
	m := saysPassword.FindStringSubmatch(said)
	if m == nil {
		return c, fmt.Errorf("the demo names no password:\n%s", tail(said))
	}
	c.password = m[1]
	for _, p := range saysPerson.FindAllStringSubmatch(said, -1) {
		c.email[p[1]] = p[2]
	}
	for _, role := range []string{lead, guest, employee} {
		if c.email[role] == "" {
			return c, fmt.Errorf("the demo names no %s", role)
		}
	}
	return c, nil
}

// A server is the product serving its screens, as a process of its own.
type server struct {
	cmd  *exec.Cmd
	port string
	mu   sync.Mutex
	said bytes.Buffer
	read sync.WaitGroup
}

func (s *server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.Write(p)
}

func (s *server) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.String()
}

// startServed runs the product with args and returns once it says where it serves.
func (b *bench) startServed(ctx context.Context, env []string, args ...string) (*server, error) {
	s := &server{cmd: exec.CommandContext(ctx, b.tieout, args...)}
	s.cmd.Env = append(os.Environ(), env...)
	s.cmd.Stderr = s
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	at := make(chan string, 1)
	s.read.Go(func() { s.follow(out, at) })
	if s.port = <-at; s.port == "" {
		return nil, fmt.Errorf("tieout %s: %w", strings.Join(args, " "), errors.Join(s.stop(), errors.New(tail(s.text()))))
	}
	return s, nil
}

// follow keeps what is printed and tells the port, or "" at its end.
func (s *server) follow(out io.Reader, at chan<- string) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fmt.Fprintln(s, lines.Text())
		if m := saysAddress.FindStringSubmatch(lines.Text()); m != nil && at != nil {
			at <- m[1]
			at = nil
		}
	}
	if at != nil {
		at <- ""
	}
}

// interrupted is the product's exit code of who was stopped amid something.
const interrupted = 130

// stop interrupts the server and waits for its end.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(os.Interrupt) // it may have ended
	s.read.Wait()
	err := s.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == interrupted {
		return nil
	}
	return err
}

// used is what the whole process took; after stop.
func (s *server) used() string {
	u, ok := s.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return "unknown"
	}
	return fmt.Sprintf("%s CPU, peak %s", short(s.cmd.ProcessState.UserTime()+s.cmd.ProcessState.SystemTime()), mib(peak(u)))
}

// tieoutDoes runs one command of the product to its end.
func (b *bench) tieoutDoes(ctx context.Context, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, b.tieout, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("tieout %s: %w\n%s", strings.Join(args, " "), err, tail(string(out)))
	}
	return nil
}

// peopled makes a demo with people, and returns its workspace, a backup of its
// store and who can sign in.
func (b *bench) peopled(ctx context.Context, size string) (workspace, backup string, c cast, err error) {
	dir := filepath.Join(b.dir, "served")
	s, err := b.startServed(ctx, nil, "demo", dir, "--size", size)
	if err != nil {
		return "", "", c, err
	}
	if err := s.stop(); err != nil {
		return "", "", c, fmt.Errorf("the demo: %w\n%s", err, tail(s.text()))
	}
	if c, err = castOf(s.text()); err != nil {
		return "", "", c, err
	}
	workspace, backup = filepath.Join(dir, "halyard"), filepath.Join(b.dir, "served.backup")
	return workspace, backup, c, b.tieoutDoes(ctx, nil, "-w", workspace, "backup", backup)
}

// storeVariable names the connection string for the product.
const storeVariable = "TIEOUT_BENCH_STORE"

// twin copies a workspace without its store, before anything else is written.
func (b *bench) twin(workspace string) (string, error) {
	to := filepath.Join(b.dir, "twin")
	if out, err := exec.Command("cp", "-Rp", workspace, to).CombinedOutput(); err != nil { // keys keep who may read them
		return "", fmt.Errorf("copy %s: %w: %s", workspace, err, out)
	}
	stores, err := filepath.Glob(filepath.Join(to, ".tieout", "store.db*"))
	for _, f := range stores {
		err = errors.Join(err, os.Remove(f))
	}
	return to, err
}

// onPostgres gives a workspace a database of its own, which holds what the
// backup holds. drop removes the database.
func (b *bench) onPostgres(ctx context.Context, workspace, backup string) (env []string, drop func() error, err error) {
	if b.dsn == "" {
		return nil, nil, errors.New("no server; run scripts/bench.sh, or name one with -postgres")
	}
	name := fmt.Sprintf("tieout_serve_%d", time.Now().UnixNano())
	if err := b.sql(ctx, "create database "+name); err != nil {
		return nil, nil, err
	}
	drop = func() error { return b.sql(context.WithoutCancel(ctx), "drop database "+name+" with (force)") }
	config, err := pgx.ParseConfig(b.dsn)
	if err != nil {
		return nil, nil, errors.Join(err, drop())
	}
	env = []string{fmt.Sprintf("%s=host=%s port=%d user=%s password='%s' dbname=%s sslmode=disable", storeVariable, config.Host, config.Port, config.User, config.Password, name)}
	if err := b.moveStore(ctx, env, workspace, backup); err != nil {
		return nil, nil, errors.Join(err, drop())
	}
	return env, drop, nil
}

func (b *bench) moveStore(ctx context.Context, env []string, workspace, backup string) error {
	f, err := os.OpenFile(filepath.Join(workspace, "tieout.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "\nstore: env:%s\n", storeVariable)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return b.tieoutDoes(ctx, env, "-w", workspace, "restore", backup)
}

func (b *bench) sql(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, b.dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
