package web

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"tieout/demo"
)

// BenchmarkPeriodPage is the period's screen of the startup-sized demo, from
// request to last byte, with the report made before; BenchmarkFirstPage makes
// it each time, as after every growth of the log. TIEOUT_DEMO names a demo's
// workspace that is there already.
func BenchmarkPeriodPage(b *testing.B) {
	v := demoWorld(b).serve()
	v.page("/")
	for b.Loop() {
		v.page("/")
	}
}

// BenchmarkFirstPage: see BenchmarkPeriodPage.
func BenchmarkFirstPage(b *testing.B) {
	v := demoWorld(b).serve()
	for b.Loop() {
		if err := v.s.shelf.close(); err != nil {
			b.Fatal(err)
		}
		v.page("/")
	}
}

func demoWorld(b *testing.B) *world {
	w := &world{t: b, at: time.Now()}
	if w.dir = os.Getenv("TIEOUT_DEMO"); w.dir != "" {
		return w
	}
	w.dir = filepath.Join(b.TempDir(), "halyard")
	if _, err := demo.Generate(b.Context(), w.dir, demo.Startup, func(int, int) {}); err != nil {
		b.Fatal(err)
	}
	p := w.open("", true)
	if _, _, err := p.Apply(b.Context()); err != nil {
		b.Fatal(err)
	}
	w.close(p)
	return w.tested()
}
