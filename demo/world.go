package demo

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"tieout/audit"
)

// A Size says how large Halyard is. Seeded facts are the same in every size.
type Size struct {
	Name                string
	Seed                uint64
	People              int
	Spare               int // devices of nobody
	Systems             int // systems besides the identity provider that everybody has an account in
	CloudAccounts       int
	StoreFactor         int // production datastores per cloud account, in dozens
	ResourcesPerAccount int
	Repositories        int
	ChangesPerMonth     int
	TicketsPerMonth     int
	Vulnerabilities     int
	Changes             bool // change feeds instead of daily snapshots
}

// Startup is Halyard with 50 people: 60 in its roster with those who came and
// went, about 200 accounts, 60 devices, 500 cloud resources, 40 repositories.
var Startup = Size{Name: "startup", Seed: 20250101, People: castSize, Spare: 3, CloudAccounts: 3, StoreFactor: 1, ResourcesPerAccount: 150,
	Repositories: 40, ChangesPerMonth: 70, TicketsPerMonth: 25, Vulnerabilities: 60}

// Enterprise is Halyard with 20,000 people, 120,000 accounts, 25,000 devices,
// 300,000 cloud resources, 8,000 repositories and two million events a year.
var Enterprise = Size{Name: "enterprise", Seed: 20250101, People: 20000, Spare: 5000, Systems: 3, CloudAccounts: 60, StoreFactor: 4, ResourcesPerAccount: 4900,
	Repositories: 8000, ChangesPerMonth: 25000, TicketsPerMonth: 10000, Vulnerabilities: 20000, Changes: true}

// check refuses sizes that have no room for the cast and what is seeded.
func (s Size) check() error {
	for _, least := range []struct {
		what       string
		have, want int
	}{
		{"people", s.People, castSize}, {"spare devices", s.Spare, 3}, {"cloud accounts", s.CloudAccounts, 3},
		{"datastores", s.StoreFactor, 1}, {"resources an account", s.ResourcesPerAccount, len(resourceKinds)},
		{"repositories", s.Repositories, len(repositoryWords)}, {"changes a month", s.ChangesPerMonth, 1},
		{"tickets a month", s.TicketsPerMonth, 1}, {"vulnerabilities", s.Vulnerabilities, len(severities)},
	} {
		if least.have < least.want {
			return fmt.Errorf("%w: demo size %q has %d %s; at least %d are needed", audit.ErrInvalid, s.Name, least.have, least.what, least.want)
		}
	}
	return nil
}

// A world makes Halyard's facts from a seed. Everything it gives depends on the
// seed, the size and the number of the thing, never on what was made before.
type world struct {
	seed  uint64
	size  Size
	staff []person // the cast, and in the enterprise the thousand after it: those who write code and approve
}

func newWorld(size Size) *world {
	w := &world{seed: size.Seed, size: size}
	for i := range min(size.People, 1000) {
		w.staff = append(w.staff, w.person(i))
	}
	return w
}

func itoa(n int) string { return strconv.Itoa(n) }

// sortBy sorts by an instant; things of one instant keep their order.
func sortBy[T any](s []T, at func(T) time.Time) {
	slices.SortStableFunc(s, func(a, b T) int { return at(a).Compare(at(b)) })
}

// systems are what people of Halyard sign in to, the identity provider first.
func (w *world) systems() []system {
	out := []system{oktaSystem, githubSystem, awsSystem, deskSystem, booksSystem}
	for i := range w.size.Systems {
		out = append(out, appSystem(i))
	}
	return out
}

func (w *world) systemNames() []string {
	var out []string
	for _, s := range w.systems() {
		out = append(out, s.name)
	}
	return out
}
