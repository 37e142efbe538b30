package git

import (
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

	"tieout/audit"
)

// A repo runs the git program on one folder, shielded from the user's and the
// machine's settings. Nothing it runs writes, fetches, pages or asks.
type repo struct {
	dir string
}

// The oldest git whose options used here are known to work.
const minMajor, minMinor = 2, 25

var safety = []string{
	"--no-pager", "--no-replace-objects",
	"-c", "core.quotePath=off", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false",
	"-c", "core.commitGraph=false", "-c", "protocol.allow=never", "-c", "i18n.logOutputEncoding=UTF-8",
	"-c", "log.showSignature=false", "-c", "gc.auto=0", "-c", "core.useReplaceRefs=false",
}

func (r repo) command(ctx context.Context, args ...string) *exec.Cmd {
	all := append([]string{"-C", r.dir, "-c", "safe.directory=" + r.dir}, safety...)
	cmd := exec.CommandContext(ctx, "git", append(all, args...)...)
	// Only the folder itself may be a repository, never one it lies in.
	cmd.Env = append(cleanEnv(os.Environ()), "GIT_CEILING_DIRECTORIES="+filepath.Dir(r.dir))
	return cmd
}

// cleanEnv drops every GIT_ variable and the homes settings are read from.
func cleanEnv(env []string) []string {
	out := []string{
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_NO_LAZY_FETCH=1", "GIT_NO_REPLACE_OBJECTS=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_GRAFT_FILE=" + os.DevNull, "GIT_PAGER=cat",
		"HOME=" + os.DevNull, "XDG_CONFIG_HOME=" + os.DevNull, "LC_ALL=C",
	}
	for _, e := range env {
		k, _, _ := strings.Cut(e, "=")
		if strings.HasPrefix(k, "GIT_") || k == "HOME" || k == "XDG_CONFIG_HOME" || k == "LC_ALL" || k == "LANG" || k == "PAGER" {
			continue
		}
		out = append(out, e)
	}
	return out
}

// out returns what a command prints, at most 16 MiB, without the last newline.
func (r repo) out(ctx context.Context, args ...string) (string, error) {
	var b bytes.Buffer
	err := r.stream(ctx, func(stdout io.Reader) error {
		_, err := io.Copy(&b, io.LimitReader(stdout, 16<<20))
		return err
	}, args...)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// stream runs a command and lets read take what it prints.
func (r repo) stream(ctx context.Context, read func(io.Reader) error, args ...string) error {
	cmd := r.command(ctx, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &limited{&stderr, 4096}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("git %s: %w", args[0], err)
	}
	if err := cmd.Start(); err != nil {
		return startError(err)
	}
	readErr := read(stdout)
	if readErr != nil {
		_ = cmd.Process.Kill()
	}
	waitErr := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case readErr != nil:
		return readErr
	case waitErr != nil:
		return fmt.Errorf("%w: git %s: %w: %s", audit.ErrUnavailable, args[0], waitErr, firstLine(stderr.String()))
	}
	return nil
}

func startError(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w: the git program is not installed, or not in PATH; install git %d.%d or newer", audit.ErrUnavailable, minMajor, minMinor)
	}
	return fmt.Errorf("%w: git: %w", audit.ErrUnavailable, err)
}

type limited struct {
	w    *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.w.Write(p[:n])
	l.left -= n
	return len(p), nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.ToValidUTF8(line, "\uFFFD")
}

var versionLine = regexp.MustCompile(`^git version (\d+)\.(\d+)\S*`)

// version returns what git says of itself, or an error where it is too old.
func (r repo) version(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "git", "--version")
	cmd.Env = cleanEnv(os.Environ())
	b, err := cmd.Output()
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", startError(err)
	}
	return checkVersion(string(b))
}

func checkVersion(out string) (string, error) {
	m := versionLine.FindStringSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("%w: git --version answered %q", audit.ErrUnavailable, firstLine(out))
	}
	major, errMajor := strconv.Atoi(m[1])
	minor, errMinor := strconv.Atoi(m[2])
	if errors.Join(errMajor, errMinor) != nil || major < minMajor || major == minMajor && minor < minMinor {
		return "", fmt.Errorf("%w: %s is too old; install git %d.%d or newer", audit.ErrUnavailable, m[0], minMajor, minMinor)
	}
	return m[0], nil
}

// count runs rev-list --count.
func (r repo) count(ctx context.Context, args ...string) (int64, error) {
	s, err := r.out(ctx, append([]string{"rev-list", "--count"}, args...)...)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: git rev-list --count answered %q", audit.ErrUnavailable, firstLine(s))
	}
	return n, nil
}
