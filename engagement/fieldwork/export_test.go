package fieldwork

import (
	"bytes"
	"context"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/redraw"
	"tieout/internal/canonical"
)

// Redraw picks n items of a population as a draw does, and keeps nothing.
func (b *Book) Redraw(ctx context.Context, p Population, n int) ([]redraw.Picked, error) {
	spread := redraw.NewSpread(p.Population)
	return b.redraw(ctx, p, engagement.Random, []redraw.Selection{{Size: n}}, spread.Add)
}

// TryConclude weighs a conclusion as Write does, and writes nothing.
func TryConclude(s *State, now time.Time, by access.Subject, id, what string, c Concluding) error {
	kind, _, _ := strings.Cut(what, ":")
	data, err := canonical.Marshal(concludeData{c.Outcome, c.Design, c.Implemented, c.Text, book.List(c.Prior)})
	if err != nil {
		return err
	}
	_, err = s.Weigh(book.Entry{Kind: "conclusion." + kind, On: on("conclusion", id, what), Data: data, At: now, By: audit.Actor{Kind: by.Kind, Name: by.Account}})
	return err
}

// TryIssue weighs the issue of a report as Write does, under the gates of an
// edition, and writes nothing.
func TryIssue(s *State, now time.Time, by access.Subject, id, report string, files []IssuedFile, dated string, sig engagement.Signature, edition int) error {
	data, err := canonical.Marshal(issueData{Report: report, Files: files, Dated: dated, Signed: sig, Edition: edition})
	if err != nil {
		return err
	}
	_, err = s.Weigh(book.Entry{Kind: "report.issue", On: on("report", id), Data: data, At: now, By: audit.Actor{Kind: by.Kind, Name: by.Account}})
	return err
}

// TinyArchive is an archive of one document.
func TinyArchive() []byte {
	body := []byte("{}")
	index := Index{{Name: "terms.json", Digest: digestOf(map[string]any{})}}
	head, err := canonical.Marshal(ArchiveHead{Engagement: "EN-1", Digest: index.Digest(), Members: index, Added: []Addition{}})
	if err != nil {
		panic(err)
	}
	var out bytes.Buffer
	out.WriteString(archiveMagic)
	for _, b := range [][]byte{head, body} {
		if err := writeChunks(&out, bytes.NewReader(b)); err != nil {
			panic(err)
		}
	}
	sum := sha256.Sum256(out.Bytes())
	return append(out.Bytes(), sum[:]...)
}

// Edition is that of the gates as they are now.
const Edition = edition

// Kinds are all kinds of entry.
func Kinds() []string { return slices.Sorted(maps.Keys(takers)) }
