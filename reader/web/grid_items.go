package web

import (
	"context"
	"sync"

	"tieout/access"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// A gridShelf keeps items that grids were made of, so that a population is not
// read for every page. It is safe for concurrent use.
type gridShelf struct {
	mu sync.Mutex
	by map[string]map[string]*engagement.Item // by the digest of item lines, then by ID; nil: there is none
	n  int
}

// gridKept is how many items are kept; with more the shelf is emptied first.
const gridKept = 20_000

// items finds items of a population. What is kept was read with the same digest;
// whether who asks may read it is asked every time.
func (s *gridShelf) items(ctx context.Context, b *fieldwork.Book, by access.Subject, id string, p fieldwork.Population, ids []string) (map[string]engagement.Item, error) {
	if err := access.Require(by, "workpaper.read", access.Object{Engagements: []string{id}}); err != nil {
		return nil, err
	}
	out := map[string]engagement.Item{}
	missing := s.kept(p.Digest, ids, out)
	if len(missing) == 0 {
		return out, nil
	}
	got, err := b.Items(ctx, by, id, p.ID, missing)
	if err != nil {
		return nil, err
	}
	s.keep(p.Digest, missing, got)
	for k, it := range got {
		out[k] = it
	}
	return out, nil
}

// kept puts what is there into out, and returns the rest.
func (s *gridShelf) kept(digest string, ids []string, out map[string]engagement.Item) (missing []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		switch it, known := s.by[digest][id]; {
		case !known:
			missing = append(missing, id)
		case it != nil:
			out[id] = *it
		}
	}
	return missing
}

func (s *gridShelf) keep(digest string, ids []string, got map[string]engagement.Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n += len(ids); s.n > gridKept || s.by == nil {
		s.by, s.n = map[string]map[string]*engagement.Item{}, len(ids)
	}
	if s.by[digest] == nil {
		s.by[digest] = map[string]*engagement.Item{}
	}
	for _, id := range ids {
		s.by[digest][id] = nil
		if it, ok := got[id]; ok {
			s.by[digest][id] = &it
		}
	}
}
