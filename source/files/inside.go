package files

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"tieout/audit"
)

// found ends the kind of a page that was sealed as found, before its date was
// known. It gives no items.
const found = ".found"

// datedInside: only the contents of a file say what it is about.
func (s *stream) datedInside() bool {
	return s.AsOf != nil && s.AsOf.inside() || s.Covers != nil && s.Covers.inside()
}

// dateFromInside seals the files as found, reads their dates, and returns those
// that have one. They are sealed again under it, and only if they are still the same.
func (r *run) dateFromInside(ctx context.Context, s *stream, files []file, why string) ([]file, string, error) {
	prog, err := compile(s.config.Rules, r.zone)
	if err != nil {
		return nil, why, err
	}
	var dated []file
	for _, f := range files {
		res := &result{s: s, prog: prog, seen: map[string]struct{}{}}
		b := &batch{run: r, s: s, res: res, kind: "files." + s.Name + found}
		err := b.file(ctx, f, group{scope: f.scope, about: audit.At(f.modified)})
		if err == nil {
			err = b.flush(ctx)
		}
		if err == nil {
			f.digests = res.digests
			f.nominal, f.about, err = res.dates(r, s, f)
		}
		var unreadable unreadableError
		switch {
		case err == nil:
			dated = append(dated, f)
		case !errors.As(err, &unreadable):
			return nil, why, err
		case why == "":
			why = err.Error()
		}
	}
	return dated, why, nil
}

// note keeps a page's digest.
func (res *result) note(body []byte) { res.digests = append(res.digests, sha256.Sum256(body)) }

// dates is what one file speaks about, as its rows or its document say.
func (res *result) dates(r *run, s *stream, f file) (nominal, about audit.Span, err error) {
	fail := func(err error) (audit.Span, audit.Span, error) {
		return nominal, about, unreadableError{fmt.Errorf("%s: %w", f.path, err)}
	}
	if len(res.why) > 0 {
		return fail(errors.New(strings.Join(res.why, "; ")))
	}
	if len(res.found) != 1 {
		return fail(fmt.Errorf("it gives %d dates; one was expected", len(res.found)))
	}
	for text := range res.found {
		if s.AsOf != nil {
			t, err := s.AsOf.instantOf(text, r.zone)
			if err != nil {
				return fail(err)
			}
			return audit.At(t), audit.At(t), nil
		}
		from, to := s.Covers.From, s.Covers.To
		texts := strings.Split(text, "\x00")
		if !isDate(from) {
			from, texts = texts[0], texts[1:]
		}
		if !isDate(to) {
			to = texts[0]
		}
		if nominal, err = between(from, to, r.zone); err != nil {
			return fail(err)
		}
		if about, err = r.untilWritten(nominal, f); err != nil {
			return fail(err)
		}
	}
	return nominal, about, nil
}
