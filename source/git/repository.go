package git

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tieout/audit"
)

// repositoryPage is the body of a git.repository page: git's own answers about
// the repository, without its address, which may hold a secret.
type repositoryPage struct {
	Format     int        `json:"format"`
	Git        string     `json:"git"`     // git's version
	Ref        string     `json:"ref"`     // the ref that is read, in full
	Tip        string     `json:"tip"`     // the commit it points at; "" if it does not exist
	Default    string     `json:"default"` // the default branch, where the repository says it
	Host       string     `json:"host"`    // of the remote called origin, "" if there is none
	Shallow    bool       `json:"shallow"`
	Fetched    string     `json:"fetched"` // when a clone was last fetched, "" where it is not a clone or not known
	Total      int64      `json:"total"`   // first-parent commits of the whole branch
	Listed     int64      `json:"listed"`  // of those, down to the oldest in the window
	Convention convention `json:"convention"`

	fetched time.Time
	origin  bool
}

// describe asks the repository what it is.
func (c *collector) describe(ctx context.Context) (*repositoryPage, error) {
	p := &repositoryPage{Format: pageFormat}
	var err error
	if p.Git, err = c.repo.version(ctx); err != nil {
		return nil, err
	}
	dir, err := filepath.EvalSymlinks(c.repo.dir)
	if err != nil {
		return nil, fmt.Errorf("%w: source %s: path: %w", audit.ErrInvalid, c.source, err)
	}
	c.repo.dir = dir
	gitDir, err := c.repo.out(ctx, "rev-parse", "--absolute-git-dir")
	if err != nil {
		return nil, fmt.Errorf("%w: source %s: %s is not the top folder of a git repository this user may read: %w", audit.ErrInvalid, c.source, dir, err)
	}
	shallow, err := c.repo.out(ctx, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return nil, err
	}
	p.Shallow = shallow != "false"
	c.describeRemote(ctx, p, gitDir)
	return p, c.resolve(ctx, p)
}

func (c *collector) describeRemote(ctx context.Context, p *repositoryPage, gitDir string) {
	address, err := c.repo.out(ctx, "config", "--get", "remote.origin.url")
	if err != nil {
		return // there is no such remote
	}
	p.origin = true
	p.Host = remoteHost(address)
	for _, name := range []string{"FETCH_HEAD", "refs/remotes/origin/HEAD"} {
		if info, err := os.Stat(filepath.Join(gitDir, filepath.FromSlash(name))); err == nil {
			p.fetched = audit.Instant(info.ModTime())
			p.Fetched = audit.FormatTime(p.fetched)
			return
		}
	}
}

// remoteHost is the host of a remote's address: a URL or user@host:path.
func remoteHost(address string) string {
	if u, err := url.Parse(address); err == nil && u.Scheme != "" && u.Host != "" {
		return strings.ToLower(u.Hostname())
	}
	host, _, ok := strings.Cut(address, ":")
	if !ok || strings.Contains(host, "/") {
		return ""
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	return strings.ToLower(host)
}

// resolve finds the one ref that is read and the commit it points at.
func (c *collector) resolve(ctx context.Context, p *repositoryPage) error {
	head := c.symbolic(ctx, "HEAD")
	originHead := c.symbolic(ctx, "refs/remotes/origin/HEAD")
	if originHead != "" {
		p.Default = branchName(originHead)
	} else if !p.origin {
		p.Default = branchName(head)
	}
	for _, ref := range c.candidates(head, originHead) {
		hash, err := c.repo.out(ctx, "show-ref", "--verify", "--hash", ref)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && isHash(hash) {
			p.Ref, p.Tip = ref, hash
			return nil
		}
	}
	if c.branch == "" && head == "" && originHead == "" {
		return fmt.Errorf("%w: source %s: HEAD is detached, so the repository names no branch; write `branch:`", audit.ErrInvalid, c.source)
	}
	if c.branch == "" {
		return fmt.Errorf("%w: branch %s has no commit", errPartial, branchName(head))
	}
	return fmt.Errorf("%w: source %s: there is no branch %q", audit.ErrInvalid, c.source, c.branch)
}

// errPartial: the source answered, and not in full.
var errPartial = errors.New("incomplete")

func (c *collector) symbolic(ctx context.Context, ref string) string {
	s, err := c.repo.out(ctx, "symbolic-ref", "--quiet", ref)
	if err != nil {
		return "" // not a symbolic ref, or not there
	}
	return s
}

// candidates are the refs a branch's name may mean, in full, the one that was
// pushed before the one that is only here.
func (c *collector) candidates(head, originHead string) []string {
	b := c.branch
	switch {
	case b == "" && originHead != "":
		return []string{originHead}
	case b == "" && head != "":
		return []string{head}
	case b == "":
		return nil
	case strings.HasPrefix(b, "refs/heads/") || strings.HasPrefix(b, "refs/remotes/"):
		return []string{b}
	}
	return []string{"refs/remotes/origin/" + b, "refs/heads/" + b, "refs/remotes/" + b}
}

// branchName is a ref as people name the branch.
func branchName(ref string) string {
	if b, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
		return b
	}
	if rest, ok := strings.CutPrefix(ref, "refs/remotes/"); ok {
		_, b, _ := strings.Cut(rest, "/")
		return b
	}
	return ""
}
