package workstation

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"tieout/audit"
)

// maxOutput is how much of one probe's output is kept, in bytes.
const maxOutput = 1 << 20

// probeTime is how long one command may take.
const probeTime = 20 * time.Second

// runProbe reads a file or runs a command, in the C locale and without input.
// Failures are answers too.
func runProbe(ctx context.Context, p Probe) Answer {
	if p.File != "" {
		return readFile(p)
	}
	a := Answer{Probe: p}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.Command[0], p.Command[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "LANG=C", "TZ=UTC")
	out := &limited{max: maxOutput}
	cmd.Stdout = out
	err := cmd.Run()
	a.Output, a.Cut = text(out.buf.Bytes()), out.cut
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		a.Error = "no answer in " + probeTime.String()
	case errors.As(err, &exit):
		a.Exit = exit.ExitCode()
	case errors.Is(err, exec.ErrNotFound):
		a.Error = "there is no such command here"
	case err != nil:
		a.Error = err.Error()
	}
	return a
}

func readFile(p Probe) Answer {
	a := Answer{Probe: p}
	f, err := os.Open(p.File)
	if err != nil {
		a.Error = reason(err)
		return a
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil {
		a.Modified = audit.FormatTime(st.ModTime())
	}
	b, err := io.ReadAll(io.LimitReader(f, maxOutput+1))
	if err != nil {
		a.Error = reason(err)
		return a
	}
	if len(b) > maxOutput {
		b, a.Cut = b[:maxOutput], true
	}
	a.Output = text(b)
	return a
}

// reason is an error without the path, which the probe names already.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

func text(b []byte) string {
	return strings.ToValidUTF8(strings.ReplaceAll(string(b), "\x00", " "), "\uFFFD")
}

// limited keeps the first max bytes and swallows the rest.
type limited struct {
	buf bytes.Buffer
	max int
	cut bool
}

func (l *limited) Write(p []byte) (int, error) {
	if room := l.max - l.buf.Len(); len(p) > room {
		l.cut = true
		l.buf.Write(p[:room])
		return len(p), nil
	}
	return l.buf.Write(p)
}
