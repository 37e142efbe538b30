package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"

	"tieout/audit"
)

// changes seals the commits of the window, the oldest first, each merge with
// what it merged.
func (r *run) changes(ctx context.Context, chain []listed, base string) error {
	var graph map[string][]string
	if slices.ContainsFunc(chain, func(e listed) bool { return len(e.parents) > 1 }) {
		var err error
		if graph, err = r.graph(ctx, r.facts.Tip, base); err != nil {
			return err
		}
		for _, e := range chain {
			delete(graph, e.hash)
		}
	}
	objects, err := r.openObjects(ctx)
	if err != nil {
		return err
	}
	b := &batch{run: r, objects: objects, header: commitsHeader{Format: pageFormat, Branch: branchName(r.facts.Ref), Convention: r.facts.Convention}}
	err = b.all(ctx, chain, graph)
	return errors.Join(err, objects.close(ctx))
}

// A batch gathers changes until they make a page.
type batch struct {
	*run
	objects *objectReader
	header  commitsHeader
	mailmap []byte
	buf     bytes.Buffer
}

func (b *batch) all(ctx context.Context, chain []listed, graph map[string][]string) error {
	var err error
	if b.mailmap, err = b.objects.mailmap(b.facts.Tip); err != nil {
		return err
	}
	b.header.Mailmap = len(b.mailmap)
	skip := b.w.Since[cursorKey]
	if !slices.ContainsFunc(chain, func(e listed) bool { return e.hash == skip }) {
		skip = ""
	}
	done := 0
	for _, e := range slices.Backward(chain) {
		hashes, cut := merged(graph, e, maxMerged)
		within := b.covers.Contains(e.at)
		if skip != "" {
			if e.hash == skip {
				skip = ""
			}
			if within {
				b.earlier++
			}
			continue
		}
		if !within {
			continue
		}
		if err := b.add(ctx, e, hashes, cut); err != nil {
			return err
		}
		if done++; done%progressEvery == 0 {
			b.sink.Progress("change", done, int(b.seen.inWindow))
		}
	}
	b.sink.Progress("change", done, int(b.seen.inWindow))
	return b.flush(ctx)
}

// add puts one change into the batch. A commit that is too large or not there
// is named and leaves the stream incomplete; the others are still read.
func (b *batch) add(ctx context.Context, e listed, mergedBy []string, cut bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	start := b.buf.Len()
	if why, err := b.objects.copy(&b.buf, e.hash); err != nil || why != "" {
		b.buf.Truncate(start)
		if why != "" {
			b.why = append(b.why, why)
		}
		return err
	}
	head := changeHead{Commit: e.hash, Cut: cut}
	for _, h := range mergedBy {
		before := b.buf.Len()
		if before-start > maxGroup {
			head.Cut = true
			break
		}
		why, err := b.objects.copy(&b.buf, h)
		if err != nil {
			return err
		}
		if why != "" {
			b.buf.Truncate(before)
			head.Cut = true
			continue
		}
		head.Merged++
	}
	b.header.Changes = append(b.header.Changes, head)
	b.items++
	if b.buf.Len() >= max(pageSize, 4*len(b.mailmap)) || len(b.header.Changes) >= maxChanges {
		return b.flush(ctx)
	}
	return nil
}

func (b *batch) flush(ctx context.Context) error {
	if len(b.header.Changes) == 0 {
		return nil
	}
	body, err := b.header.encode(b.mailmap, b.buf.Bytes())
	if err != nil {
		return err
	}
	n := len(b.header.Changes)
	last := b.header.Changes[n-1].Commit
	query := fmt.Sprintf("git cat-file --batch: %d changes, %s to %s", n, b.header.Changes[0].Commit, last)
	if err := b.page(ctx, kindCommits, query, "application/x-git-commits", b.read, body); err != nil {
		return err
	}
	b.pages++
	b.readBack(body, last)
	b.query = appendQuery(b.query, "git cat-file --batch")
	b.header.Changes = b.header.Changes[:0]
	b.buf.Reset()
	return nil
}

// readBack moves the cursor past a sealed page, if all of it could be read and
// nothing was missing so far: what a cursor skips must be sound.
func (b *batch) readBack(body []byte, last string) {
	if _, err := b.rules.commits(body); err != nil {
		b.why = append(b.why, err.Error())
	}
	if len(b.why) == 0 {
		b.read = last
	}
}

func appendQuery(list []string, q string) []string {
	if slices.Contains(list, q) {
		return list
	}
	return append(list, q)
}

// An objectReader asks one git cat-file --batch.
type objectReader struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (r *run) openObjects(ctx context.Context) (*objectReader, error) {
	cmd := r.repo.command(ctx, "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, startError(err)
	}
	return &objectReader{cmd, in, bufio.NewReaderSize(out, 1<<16)}, nil
}

func (o *objectReader) close(ctx context.Context) error {
	_ = o.in.Close()
	_ = o.cmd.Process.Kill()
	_ = o.cmd.Wait() // killed: whatever it says has no bearing on what was read
	return ctx.Err()
}

// ask sends a name and returns the first line of the answer.
func (o *objectReader) ask(name string) (string, error) {
	if _, err := io.WriteString(o.in, name+"\n"); err != nil {
		return "", fmt.Errorf("%w: git cat-file ended: %w", audit.ErrUnavailable, err)
	}
	line, err := o.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%w: git cat-file ended: %w", audit.ErrUnavailable, err)
	}
	return line[:len(line)-1], nil
}

// copy appends git's answer for one commit to buf as it came. why says, in
// words, that this one commit cannot be had.
func (o *objectReader) copy(buf *bytes.Buffer, hash string) (why string, err error) {
	line, err := o.ask(hash)
	if err != nil {
		return "", err
	}
	got, size, err := parseObjectLine(line)
	if err != nil {
		return err.Error(), nil //nolint:nilerr // an object that is not there is a reason, not a failure
	}
	if size > maxCommit {
		_, err := io.CopyN(io.Discard, o.out, size+1)
		return fmt.Sprintf("commit %s has %d bytes; at most %d are read", got, size, maxCommit), err
	}
	buf.WriteString(line + "\n")
	if _, err := io.CopyN(buf, o.out, size+1); err != nil {
		return "", fmt.Errorf("%w: git cat-file ended within commit %s: %w", audit.ErrUnavailable, hash, err)
	}
	return "", nil
}

// mailmap returns the .mailmap at the branch's tip, empty if there is none.
func (o *objectReader) mailmap(tip string) ([]byte, error) {
	line, err := o.ask(tip + ":.mailmap")
	if err != nil {
		return nil, err
	}
	var name, kind string
	var size int64
	if n, err := fmt.Sscanf(line, "%s %s %d", &name, &kind, &size); n != 3 || err != nil {
		return nil, nil //nolint:nilerr // "... missing": there is no .mailmap
	}
	if kind != "blob" || size > maxMailmap {
		_, err := io.CopyN(io.Discard, o.out, size+1)
		return nil, errors.Join(err, mailmapError(kind, size))
	}
	b := make([]byte, size+1)
	if _, err := io.ReadFull(o.out, b); err != nil {
		return nil, fmt.Errorf("%w: git cat-file ended within .mailmap: %w", audit.ErrUnavailable, err)
	}
	return b[:size], nil
}

func mailmapError(kind string, size int64) error {
	if kind != "blob" {
		return nil // a folder of that name maps nobody
	}
	return fmt.Errorf("%w: .mailmap has %d bytes; at most %d are read", errPartial, size, maxMailmap)
}
