package examination

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/engagement/packet"
	"tieout/evidence"
	"tieout/internal/canonical"
	"tieout/ledger"
	"tieout/period"
)

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// An Exhibit is one record of the client's log beside an answer: the record as it
// is sealed, with what anybody needs to check that it is in the log as of a
// signed checkpoint. Its raw bytes are the file of the same name without ".json".
type Exhibit struct {
	Index      int64    `json:"index"`
	Record     string   `json:"record"`     // canonical JSON
	Salt       string   `json:"salt"`       // hex
	Checkpoint string   `json:"checkpoint"` // signed note
	Size       int64    `json:"size"`       // of the log at the checkpoint
	Proof      []string `json:"proof"`      // RFC 6962 audit path, hex
}

// addAnswers adds each answer that was not sent yet, with the records it names, each
// once. lists are the answers to each request in their order: one that says what an
// earlier one said is another. Nothing but what is beside an answer is named as its
// files, so that the packet can be made whatever was written down.
func (c *Client) addAnswers(ctx context.Context, lists [][]engagement.Answer, sent sentFor, list *dues) error {
	for _, answers := range lists {
		times := map[string]int{}
		for _, a := range answers {
			once := "answer:" + a.Request + ":" + contentOf(a)
			if times[once]++; times[once] > 1 {
				once = fmt.Sprintf("%s/%d", once, times[once])
			}
			if done, err := sent(ctx, once); err != nil {
				return err
			} else if done {
				continue
			}
			if err := c.addAnswer(ctx, once, a, list); err != nil {
				return fmt.Errorf("answer to %s: %w", a.Request, err)
			}
		}
	}
	return nil
}

func (c *Client) addAnswer(ctx context.Context, once string, a engagement.Answer, list *dues) error {
	a.Records = slices.Compact(slices.Sorted(slices.Values(a.Records)))
	files, err := c.exhibits(ctx, a.Records)
	if err != nil {
		return err
	}
	a.Files = nil
	for _, f := range files {
		a.Files = append(a.Files, f.Name)
	}
	list.add(once, engagement.SendAnswers, []engagement.Answer{a}, files...)
	return nil
}

// exhibits are the files that show records. What was erased since is left out of
// the files; its commitment stays in the log.
func (c *Client) exhibits(ctx context.Context, records []int64) (files []packet.File, err error) {
	last := int64(0)
	for _, n := range records {
		last = max(last, n+1)
	}
	head, err := logUpTo(ctx, c.P, last)
	if err != nil {
		return nil, err
	}
	for _, index := range records {
		two, err := c.exhibit(ctx, index, head)
		if err != nil {
			return nil, err
		}
		files = append(files, two...)
	}
	return files, nil
}

// exhibit is one record's raw bytes and what proves them; nothing of an erased one.
func (c *Client) exhibit(ctx context.Context, index int64, head ledger.Head) ([]packet.File, error) {
	rec, err := c.P.Store.Record(ctx, index)
	if err != nil {
		return nil, err
	}
	canon, salt, erased, err := c.P.Store.Canonical(ctx, index)
	if err != nil || erased {
		return nil, err
	}
	path, err := c.P.Log.Prove(ctx, index, head.Size)
	if err != nil {
		return nil, err
	}
	x := Exhibit{Index: index, Record: string(canon), Salt: hex.EncodeToString(salt[:]), Checkpoint: string(head.Note), Size: head.Size, Proof: inHex(path)}
	about, err := canonical.Marshal(x)
	if err != nil {
		return nil, err
	}
	body, err := evidence.ReadBody(ctx, c.P.Store, c.P.Blobs, rec)
	if err != nil {
		return nil, err
	}
	name := rec.Ref() + extension(rec.Media)
	return []packet.File{bytesFile(name, rec.Media, body), bytesFile(name+".json", "application/json", about)}, nil
}

var extensions = map[string]string{"application/json": ".json", "text/csv": ".csv", "application/pdf": ".pdf", "text/plain": ".txt", "image/png": ".png"}

func extension(media string) string {
	kind, _, _ := strings.Cut(media, ";")
	if e := extensions[kind]; e != "" {
		return "-raw" + e
	}
	return "-raw"
}

func bytesFile(name, media string, body []byte) packet.File {
	return packet.File{Name: name, Media: media, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }}
}

// blobFile is a file whose bytes are a blob of the workspace.
func blobFile(ctx context.Context, p *period.Program, name, media, digest string) packet.File {
	return packet.File{Name: name, Media: media, Open: func() (io.ReadCloser, error) { return p.Blobs.Get(ctx, withPrefix(digest)) }}
}

func withPrefix(digest string) string { return "sha256:" + strings.TrimPrefix(digest, "sha256:") }

// ItemsMedia is the media type of a population's item lines.
const ItemsMedia = "application/jsonl"

// addFrozen adds each frozen population with its items, and once per run the
// bundle of its evidence.
func (c *Client) addFrozen(ctx context.Context, frozen []management.Frozen, list *dues) error {
	slices.SortFunc(frozen, func(a, b management.Frozen) int { return int(a.Record - b.Record) })
	bundled := map[int64]bool{}
	for _, p := range frozen {
		rec, err := c.P.Store.Record(ctx, p.Record)
		if err != nil {
			return err
		}
		if p.Population.Freeze, err = c.P.Freeze(ctx, rec); err != nil {
			return err
		}
		list.add("population:"+p.ID, engagement.SendPopulation, p.Population, blobFile(ctx, c.P, p.ID+".jsonl", ItemsMedia, p.Digest))
		if bundled[p.Run] {
			continue
		}
		bundled[p.Run] = true
		list.add(fmt.Sprintf("bundle:%d", p.Run), engagement.SendEvidence, engagement.EvidenceNote{For: []string{p.ID}, Text: "Definitions, raw evidence, items and results of the run sealed as " + audit.EvidenceRef(p.Run) + "."},
			c.runBundle(ctx, p.Run))
	}
	return nil
}

// runBundle is the bundle of a run's evidence as a file: it is written, into a
// blob, when it is read first, which of many items takes a while.
func (c *Client) runBundle(ctx context.Context, record int64) packet.File {
	written := sync.OnceValues(func() (string, error) {
		run, err := c.P.RunAt(ctx, record)
		if err != nil {
			return "", err
		}
		pr, pw := io.Pipe()
		go func() {
			_, err := c.P.Bundle(ctx, pw, run)
			pw.CloseWithError(err)
		}()
		digest, _, err := c.P.Blobs.Put(ctx, pr)
		return digest, errors.Join(err, pr.CloseWithError(err))
	})
	return packet.File{Name: audit.EvidenceRef(record) + ".bundle", Media: "application/octet-stream", Open: func() (io.ReadCloser, error) {
		digest, err := written()
		if err != nil {
			return nil, err
		}
		return c.P.Blobs.Get(ctx, digest)
	}}
}

// FreezeRun freezes the population that one procedure of the newest run over the
// engagement's period tested, keeps its items, and returns it; the run's evidence is put together
// when it is sent. explain
// says why a line of completeness does not add up, by its What; a line that is
// open and not explained refuses the freeze (audit.ErrInconclusive). instead
// names the frozen population it takes the place of, "" none.
func (c *Client) FreezeRun(ctx context.Context, by access.Subject, id, procedure, round string, explain map[string]string, instead string) (management.Frozen, error) {
	run, err := c.RunOf(ctx, id)
	if err != nil {
		return management.Frozen{}, err
	}
	tmp, err := os.CreateTemp("", "tieout-population-*")
	if err != nil {
		return management.Frozen{}, err
	}
	defer func() { tmp.Close(); os.Remove(tmp.Name()) }()
	pop, err := c.P.Population(ctx, run, procedure, tmp)
	if err != nil {
		return management.Frozen{}, err
	}
	for i := range pop.Checks {
		if why := explain[pop.Checks[i].What]; why != "" {
			pop.Checks[i].Explained = why
		}
	}
	pop.Round = round
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return management.Frozen{}, err
	}
	if _, _, err := c.P.Blobs.Put(ctx, tmp); err != nil {
		return management.Frozen{}, err
	}
	return c.Side.FreezePopulation(ctx, by, id, pop, instead)
}
