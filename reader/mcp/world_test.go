package mcp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/reader/mcp"
	"tieout/source/all"
)

var day = time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)

// A workspace of Acme: a leaver with an account and a key that outlived him,
// and one whose name speaks to machines.
type workspace struct {
	dir     string
	mu      sync.Mutex
	now     time.Time
	opening error // Open fails with it
}

func (w *workspace) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(time.Second)
	return w.now
}

func (w *workspace) open(ctx context.Context) (*period.Program, error) {
	if w.opening != nil {
		return nil, w.opening
	}
	return period.Open(ctx, w.dir, w.options())
}

func (w *workspace) options() period.Options {
	return period.Options{
		Drivers: all.Drivers, Now: w.clock, Getenv: func(string) string { return "" }, Actor: audit.Actor{Kind: audit.ActorPerson, Name: "Maria Silva"}, Tieout: "test",
	}
}

// made is Acme before and after the test of March 2026, by whether it was
// tested: each test works on a copy.
var made = map[bool]func() (string, error){
	false: sync.OnceValues(func() (string, error) { return newAcme(false) }),
	true:  sync.OnceValues(func() (string, error) { return newAcme(true) }),
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "acme")
	if err != nil {
		panic(err)
	}
	acmes = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

var acmes string // folder of what is made once

// newWorkspace is Acme in March 2026; untested where nothing was collected.
func newWorkspace(t *testing.T, tested bool) *workspace {
	t.Helper()
	from, err := made[tested]()
	if err != nil {
		t.Fatal(err)
	}
	w := &workspace{dir: filepath.Join(t.TempDir(), "acme"), now: day.Add(time.Hour)}
	if err := copyAll(w.dir, from); err != nil {
		t.Fatal(err)
	}
	return w
}

// copyAll copies a folder with the rights of its files: a key is its owner's.
func copyAll(to, from string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		return os.Chmod(filepath.Join(to, rel), info.Mode().Perm())
	})
}

func newAcme(tested bool) (string, error) {
	w := &workspace{dir: filepath.Join(acmes, fmt.Sprint(tested)), now: day}
	if err := os.Mkdir(w.dir, 0o700); err != nil {
		return "", err
	}
	if _, err := definition.Scaffold(w.dir, definition.Answers{Name: "Acme", First: "2026-03-01", Last: "2026-03-31", Zone: "UTC", Now: day}); err != nil {
		return "", err
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(w.dir, "sources")), os.CopyFS(w.dir, os.DirFS("testdata/acme"))); err != nil {
		return "", err
	}
	o := w.options()
	o.Create = true
	p, err := period.Open(context.Background(), w.dir, o)
	if err != nil {
		return "", err
	}
	_, _, err = p.Apply(context.Background())
	if err == nil && tested {
		err = testPeriod(p)
	}
	return w.dir, errors.Join(err, p.Close())
}

func testPeriod(p *period.Program) error {
	if _, err := p.Collect(context.Background(), nil, func(period.Progress) {}); err != nil {
		return err
	}
	_, err := p.Check(context.Background(), period.CheckOptions{AsOf: p.Now()})
	return err
}

// client connects a real client to a server over w.
func (w *workspace) client(t *testing.T, name string) *sdk.ClientSession {
	t.Helper()
	s := mcp.New(mcp.Options{Open: w.open, Version: "test", Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	here, there := sdk.NewInMemoryTransports()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, there) }()
	c, err := sdk.NewClient(&sdk.Implementation{Name: name, Version: "1"}, nil).Connect(t.Context(), here, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		stop()
		<-done
	})
	return c
}
