// Package backups is what the sources of backup tools have in common: the
// tool's own program is run read-only and what it printed is sealed as it came;
// which datastore a backup is of, and a journal of restores, are told by the
// connection's settings.
package backups

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// Limits of one run of a program.
const (
	MaxOutput = 64 << 20 // bytes of what it prints, of each of the two outputs
	MaxTime   = 10 * time.Minute
)

// A Command is one run of a backup tool. Nothing of it is read by a shell.
type Command struct {
	Path    string            // name of the program, or an absolute path
	Args    []string          // without secrets: they are written into the page
	Env     map[string]string // beyond PATH, HOME and fixed language and zone
	Secrets []string          // values that must be in no page and no reason
	Limit   time.Duration     // 0: MaxTime
}

// Query is what pages and manifests say was asked.
func (c Command) Query() string {
	return strings.Join(append([]string{filepath.Base(c.Path)}, c.Args...), " ")
}

// An Output is what a program gave. Problem says in words why it is not one to
// read; "" if it is.
type Output struct {
	Stdout, Stderr []byte
	Exit           int
	Problem        string
}

// Run runs c to its end, with no input, none of this program's environment but
// PATH and HOME, in UTC and the C locale. A program that is missing, fails, takes too long or
// prints too much is an Output with a Problem.
func (c Command) Run(ctx context.Context) Output {
	limit := c.Limit
	if limit == 0 {
		limit = MaxTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Env = c.environment()
	cmd.WaitDelay = 5 * time.Second
	together(cmd)
	stdout, stderr := &bounded{}, &bounded{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := cmd.Run()
	out := Output{Stdout: stdout.b.Bytes(), Stderr: stderr.b.Bytes()}
	var exit *exec.ExitError
	switch {
	case err != nil && ctx.Err() != nil:
		out.Problem = fmt.Sprintf("%s did not end within %s", filepath.Base(c.Path), limit)
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist):
		out.Problem = fmt.Sprintf("the program %s is not installed where Tieout runs", c.Path)
	case errors.As(err, &exit):
		out.Exit = exit.ExitCode()
		out.Problem = c.clean(fmt.Sprintf("%s ended with %d%s", filepath.Base(c.Path), out.Exit, lastWords(out.Stderr)))
	case err != nil:
		out.Problem = c.clean(fmt.Sprintf("%s could not be run: %v", filepath.Base(c.Path), err))
	case stdout.cut || stderr.cut:
		out.Problem = fmt.Sprintf("%s printed more than %d bytes", filepath.Base(c.Path), MaxOutput)
	}
	return out
}

func (c Command) environment() []string {
	env := []string{"LC_ALL=C.UTF-8", "LANG=C.UTF-8", "TZ=UTC"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "SystemRoot", "USERPROFILE"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	for name, v := range c.Env {
		env = append(env, name+"="+v)
	}
	slices.Sort(env)
	return env
}

func (c Command) clean(s string) string {
	for _, secret := range c.Secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	return s
}

// lastWords are the last lines a program wrote to its error output, in one.
func lastWords(stderr []byte) string {
	s := strings.Join(strings.Fields(strings.ToValidUTF8(string(stderr), "\uFFFD")), " ")
	if s == "" {
		return ""
	}
	if r := []rune(s); len(r) > 300 {
		s = "..." + string(r[len(r)-300:])
	}
	return ": " + s
}

// bounded keeps the first MaxOutput bytes.
type bounded struct {
	b   bytes.Buffer
	cut bool
}

func (l *bounded) Write(p []byte) (int, error) {
	if room := MaxOutput - l.b.Len(); len(p) > room {
		l.cut = true
		l.b.Write(p[:room])
		return len(p), nil
	}
	return l.b.Write(p)
}

// Read runs c and seals what it printed as a page of that kind and scope before
// anyone looks into it; where it failed the page is of KindFailed and the
// streams are incomplete with the reason. about is what the page is about. The
// error is the sink's or the context's.
func (c Command) Read(ctx context.Context, run *source.Run, kind, scope string, about audit.Span, streams ...*source.Stream) (Output, error) {
	for _, s := range streams {
		s.Asked(c.Query())
	}
	out := c.Run(ctx)
	if err := ctx.Err(); err != nil {
		return out, err
	}
	p := audit.Page{Kind: kind, Scope: scope, Query: c.Query(), Body: out.Stdout, About: about}
	if out.Problem != "" {
		body, err := c.Envelope(out)
		if err != nil {
			return out, err
		}
		p.Kind, p.Body = source.KindFailed, body
	}
	for _, s := range streams {
		s.Fail(out.Problem)
	}
	return out, run.Seal(ctx, p, streams...)
}

// An Ended is a run of a program as an envelope keeps it: what it printed as
// text, how it ended, and the problem in words.
type Ended struct {
	Exit    int    `json:"exit"`
	Problem string `json:"problem,omitempty"`
	Stdout  string `json:"stdout"`
	Stderr  string `json:"stderr"`
}

// Envelope writes an output with its exit code and both texts, secrets removed.
func (c Command) Envelope(out Output) ([]byte, error) {
	text := func(b []byte) string { return c.clean(strings.ToValidUTF8(string(b), "\uFFFD")) }
	return canonical.Marshal(Ended{out.Exit, out.Problem, text(out.Stdout), text(out.Stderr)})
}

var variable = regexp.MustCompile(`^(AWS|B2|AZURE|GOOGLE|OS|ST)_[A-Z0-9_]+$`)

// CheckEnvironment refuses variables that are not credentials of a storage
// provider, and values that are not references.
func CheckEnvironment(env map[string]string) error {
	for name, ref := range env {
		if !variable.MatchString(name) {
			return fmt.Errorf("environment: %s: only credentials of a storage provider (AWS_, B2_, AZURE_, GOOGLE_, OS_, ST_) can be given", name)
		}
		if err := source.CheckSecret("environment: "+name, ref); err != nil || ref == "" {
			return fmt.Errorf("environment: %s: write a reference such as env:%s", name, name)
		}
	}
	return nil
}

// Resolve resolves the references of an environment. secrets are the values.
func Resolve(ctx context.Context, env source.Env, refs map[string]string) (values map[string]string, secrets []string, err error) {
	values = map[string]string{}
	for name, ref := range refs {
		v, err := env.ResolveSecret(ctx, name, ref)
		if err != nil {
			return nil, nil, err
		}
		values[name] = v
		secrets = append(secrets, v)
	}
	return values, secrets, nil
}

var userinfo = regexp.MustCompile(`//[^/@\s]*@`)

// Location is a repository's address without a name or password in it.
func Location(repository string) string { return userinfo.ReplaceAllString(repository, "//") }

// CheckRepository refuses an address with a password in it, or one that a
// program would take for an option.
func CheckRepository(repository string) error {
	switch {
	case repository == "":
		return errors.New("repository: it is needed")
	case strings.HasPrefix(repository, "-"):
		return errors.New("repository: an address does not begin with -")
	}
	if at := userinfo.FindString(repository); strings.Contains(at, ":") {
		return errors.New("repository: write no password into the address")
	}
	return nil
}

// Local reports whether a repository is a folder, and then its absolute path;
// relative ones are in the workspace.
func Local(dir, repository string) (string, bool) {
	if strings.Contains(repository, ":") && !filepath.IsAbs(repository) {
		return repository, false
	}
	if !filepath.IsAbs(repository) {
		repository = filepath.Join(dir, repository)
	}
	return repository, true
}
