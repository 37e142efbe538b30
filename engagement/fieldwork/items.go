package fieldwork

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"tieout/access"
	"tieout/engagement"
)

// Items finds items of a frozen population by their IDs, as they lie in the firm's
// store; one that is not in it is not in what is returned. What the client's
// procedures computed for them is left out: a tester sees it by Reveal, after their
// own mark. The population is read once at most, in constant memory. It needs
// workpaper.read.
func (b *Book) Items(ctx context.Context, by access.Subject, id, population string, ids []string) (map[string]engagement.Item, error) {
	if err := access.Require(by, "workpaper.read", in(id)); err != nil {
		return nil, err
	}
	p, err := b.Population(ctx, id, population)
	if err != nil {
		return nil, err
	}
	wanted, out := map[string]bool{}, map[string]engagement.Item{}
	for _, want := range ids {
		wanted[want] = true
	}
	// Almost every line is told apart by the text of its ID; what that does not find,
	// for a reader may write a text in several ways, is looked for in full.
	for _, likely := range []func([]byte) bool{lineNames(ids), func([]byte) bool { return true }} {
		if err := b.eachLine(ctx, p, func(line []byte) error { return keepItem(line, likely, wanted, out) }); err != nil && !errors.Is(err, errAllFound) {
			return nil, err
		}
		if len(out) == len(wanted) {
			break
		}
	}
	return out, nil
}

var errAllFound = errors.New("all items are found")

func keepItem(line []byte, likely func([]byte) bool, wanted map[string]bool, out map[string]engagement.Item) error {
	if len(out) == len(wanted) {
		return errAllFound
	}
	if !likely(line) {
		return nil
	}
	it, err := parseItem(line)
	if err == nil && wanted[it.ID] {
		it.Results = nil
		out[it.ID] = it
	}
	return err
}

var idField = []byte(`"id":`)

// lineNames tells of lines whether a field "id" in them is one of ids, as text.
func lineNames(ids []string) func([]byte) bool {
	texts := map[string]bool{}
	for _, id := range ids {
		if raw, err := json.Marshal(id); err == nil { // a text always has one
			texts[string(raw)] = true
		}
	}
	return func(line []byte) bool {
		for {
			i := bytes.Index(line, idField)
			if i < 0 {
				return false
			}
			line = line[i+len(idField):]
			if end := bytes.IndexByte(line[min(1, len(line)):], '"'); end >= 0 && texts[string(line[:end+2])] {
				return true
			}
		}
	}
}
