package examination

import (
	"context"
	"errors"
	"fmt"
	"io"

	"tieout/audit"
	"tieout/engagement/packet"
	"tieout/report/attest"
)

// maxReceived is how many bytes of one file beside a packet are read into memory.
const maxReceived = 256 << 20

// opened gives the packet that came as a record of this log, checked again.
func (c *Client) opened(ctx context.Context, id string, record int64, do func(*packet.Packet) error) (err error) {
	post, err := c.Kept(ctx, id)
	if err != nil {
		return err
	}
	list, err := post.List(ctx, false, 0)
	if err != nil {
		return err
	}
	for _, f := range list {
		if f.Record != record {
			continue
		}
		p, err := post.Packet(ctx, false, f.Number)
		if err != nil {
			return err
		}
		return errors.Join(do(p), p.Close())
	}
	return fmt.Errorf("%w: the packet that brought it is not in this log", audit.ErrNotFound)
}

// ReceivedFiles are the files beside a packet the firm sent, by the record that
// brought it: a draft's, or those of an issued report.
func (c *Client) ReceivedFiles(ctx context.Context, id string, record int64) (parts []packet.Part, err error) {
	err = c.opened(ctx, id, record, func(p *packet.Packet) error {
		parts = append(parts, p.Header.Files...)
		return nil
	})
	return parts, err
}

// ReceivedFile is one file beside a packet the firm sent, whole. ErrNotFound where
// there is none of that name.
func (c *Client) ReceivedFile(ctx context.Context, id string, record int64, name string) (data []byte, part packet.Part, err error) {
	err = c.opened(ctx, id, record, func(p *packet.Packet) error {
		for _, part = range p.Header.Files {
			if part.Name == name {
				data, err = whole(p, part)
				return err
			}
		}
		return fmt.Errorf("%w: the packet brought no file %.100q", audit.ErrNotFound, name)
	})
	return data, part, err
}

// ReceivedReport is the value of a draft or of an issued report, by its digest
// (SHA-256, hex), out of the packet that brought it.
func (c *Client) ReceivedReport(ctx context.Context, id string, record int64, digest string) (r attest.Report, err error) {
	err = c.opened(ctx, id, record, func(p *packet.Packet) error {
		for _, part := range p.Header.Files {
			if part.Digest != withPrefix(digest) {
				continue
			}
			raw, err := whole(p, part)
			if err != nil {
				return err
			}
			if r, err = attest.Parse(raw); err != nil {
				return fmt.Errorf("%w: the value the firm sent: %w", audit.ErrAltered, err)
			}
			return nil
		}
		return fmt.Errorf("%w: the packet brought no report with the digest %.64s", audit.ErrNotFound, digest)
	})
	return r, err
}

func whole(p *packet.Packet, part packet.Part) ([]byte, error) {
	if part.Size > maxReceived {
		return nil, fmt.Errorf("%w: %s has %d bytes; the most that is read is %d", audit.ErrInvalid, part.Name, part.Size, maxReceived)
	}
	file, err := p.File(part.Name)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", audit.ErrUnavailable, part.Name, err)
	}
	return raw, nil
}
