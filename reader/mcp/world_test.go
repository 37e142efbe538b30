package mcp_test

import (
	"context"
	"io"
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

// newWorkspace is Acme in March 2026; untested where nothing was collected.
func newWorkspace(t *testing.T, test bool) *workspace {
	t.Helper()
	w := &workspace{dir: t.TempDir(), now: day}
	if _, err := definition.Scaffold(w.dir, definition.Answers{Name: "Acme", First: "2026-03-01", Last: "2026-03-31", Zone: "UTC", Now: day}); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(w.dir, "sources")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(w.dir, os.DirFS("testdata/acme")); err != nil {
		t.Fatal(err)
	}
	o := w.options()
	o.Create = true
	p, err := period.Open(t.Context(), w.dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, _, err := p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if test {
		testPeriod(t, p)
	}
	return w
}

func testPeriod(t *testing.T, p *period.Program) {
	t.Helper()
	if _, err := p.Collect(t.Context(), nil, func(period.Progress) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Check(t.Context(), period.CheckOptions{AsOf: p.Now()}); err != nil {
		t.Fatal(err)
	}
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
