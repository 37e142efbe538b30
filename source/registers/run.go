package registers

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/strictyaml"
)

// A repo runs the git program on one repository, shielded from the user's and
// the machine's settings. Nothing it runs writes, fetches, filters or asks.
type repo struct {
	top string // its top folder
}

// A gitError is what keeps history from being read. It makes streams
// incomplete; it does not end a collection.
type gitError struct{ error }

func (e gitError) Unwrap() error { return e.error }

var safety = []string{
	"--no-pager", "--no-replace-objects", "--literal-pathspecs",
	"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.commitGraph=false",
	"-c", "protocol.allow=never", "-c", "gc.auto=0", "-c", "log.showSignature=false",
}

func (r repo) command(ctx context.Context, args ...string) *exec.Cmd {
	all := append([]string{"-C", r.top, "-c", "safe.directory=" + r.top}, safety...)
	cmd := exec.CommandContext(ctx, "git", append(all, args...)...)
	cmd.Env = append(cleanEnv(os.Environ()), "GIT_CEILING_DIRECTORIES="+filepath.Dir(r.top))
	return cmd
}

// cleanEnv drops every GIT_ variable and the homes that settings are read from.
func cleanEnv(env []string) []string {
	out := []string{
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_OPTIONAL_LOCKS=0", "GIT_GRAFT_FILE=" + os.DevNull, "HOME=" + os.DevNull, "LC_ALL=C",
	}
	drop := map[string]bool{"HOME": true, "XDG_CONFIG_HOME": true, "LC_ALL": true, "LANG": true, "PAGER": true}
	for _, e := range env {
		if k, _, _ := strings.Cut(e, "="); !strings.HasPrefix(k, "GIT_") && !drop[k] {
			out = append(out, e)
		}
	}
	return out
}

// out returns what a command prints, at most 64 MiB, without the last newline.
func (r repo) out(ctx context.Context, args ...string) (string, error) {
	const most = 64 << 20
	cmd := r.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return "", gitError{fmt.Errorf("%w: the git program is not installed, or not in PATH", audit.ErrUnavailable)}
	case err != nil:
		line, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return "", gitError{fmt.Errorf("%w: git %s: %w: %s", audit.ErrUnavailable, args[0], err, strings.ToValidUTF8(line, "\uFFFD"))}
	case stdout.Len() > most:
		return "", gitError{fmt.Errorf("%w: git %s answers more than %d bytes", audit.ErrUnavailable, args[0], most)}
	}
	return strings.TrimSuffix(stdout.String(), "\n"), nil
}

// findTop returns the top folder of the git repository that dir lies in, or "".
func findTop(dir string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// A commit is one commit of the first-parent history.
type commit struct {
	hash string
	at   time.Time // its committer's
}

// commits runs rev-list and returns its answer, the newest commit first.
func (r repo) commits(ctx context.Context, args ...string) ([]commit, error) {
	text, err := r.out(ctx, append([]string{"rev-list", "--first-parent", "--timestamp"}, args...)...)
	if err != nil {
		return nil, err
	}
	var out []commit
	for line := range strings.Lines(text) {
		sec, hash, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(sec, 10, 64)
		if err != nil || !isHash(hash) || n < 0 || n > 1<<36 {
			return nil, gitError{fmt.Errorf("%w: git rev-list answered %q", audit.ErrUnavailable, line)}
		}
		out = append(out, commit{hash, time.Unix(n, 0).UTC()})
	}
	return out, nil
}

var hashText = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

func isHash(s string) bool { return hashText.MatchString(s) }

// objects asks one git cat-file --batch.
type objects struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (r repo) objects(ctx context.Context) (*objects, error) {
	cmd := r.command(ctx, "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, gitError{err}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, gitError{err}
	}
	if err := cmd.Start(); err != nil {
		return nil, gitError{err}
	}
	return &objects{cmd, in, bufio.NewReaderSize(out, 1<<16)}, nil
}

func (o *objects) close() {
	_ = o.in.Close()
	_ = o.cmd.Process.Kill()
	_ = o.cmd.Wait() // killed: what it says has no bearing on what was read
}

// maxFile is the largest file read, in bytes.
const maxFile = strictyaml.MaxSize

// get returns an object's kind and bytes; kind "" where there is no such
// object, and no bytes where it is larger than maxFile.
func (o *objects) get(name string) (kind, hash string, b []byte, err error) {
	fail := func(err error) (string, string, []byte, error) {
		return "", "", nil, gitError{fmt.Errorf("%w: git cat-file ended: %w", audit.ErrUnavailable, err)}
	}
	if _, err := io.WriteString(o.in, name+"\n"); err != nil {
		return fail(err)
	}
	line, err := o.out.ReadString('\n')
	if err != nil {
		return fail(err)
	}
	f := strings.Fields(line)
	if strings.HasSuffix(line, " missing\n") || len(f) != 3 || !isHash(f[0]) {
		return "", "", nil, nil
	}
	size, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return fail(err)
	}
	if size > maxFile {
		if _, err := io.CopyN(io.Discard, o.out, size+1); err != nil {
			return fail(err)
		}
		return f[1], f[0], nil, nil
	}
	b = make([]byte, size+1)
	if _, err := io.ReadFull(o.out, b); err != nil {
		return fail(err)
	}
	return f[1], f[0], b[:size:size], nil
}
