package kubernetes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// A collector reads one cluster.
type collector struct {
	name     string
	settings settings
	env      source.Env
	wait     func(ctx context.Context, d time.Duration) error // tests count instead of sleeping
}

// A login is how the API server is reached.
type login struct {
	server, serverName, token string
	ca, cert, key             []byte // PEM
}

// A kubeconfig (client configuration v1, "Config"); keys that are not read are
// left out.
type kubeconfig struct {
	Current  string `yaml:"current-context"`
	Contexts []struct {
		Name    string `yaml:"name"`
		Context struct {
			Cluster string `yaml:"cluster"`
			User    string `yaml:"user"`
		} `yaml:"context"`
	} `yaml:"contexts"`
	Clusters []struct {
		Name    string  `yaml:"name"`
		Cluster cluster `yaml:"cluster"`
	} `yaml:"clusters"`
	Users []struct {
		Name string `yaml:"name"`
		User user   `yaml:"user"`
	} `yaml:"users"`
}

type cluster struct {
	Server     string `yaml:"server"`
	ServerName string `yaml:"tls-server-name"`
	CA         string `yaml:"certificate-authority"`
	CAData     string `yaml:"certificate-authority-data"`
	Insecure   bool   `yaml:"insecure-skip-tls-verify"`
	Proxy      string `yaml:"proxy-url"`
}

type user struct {
	Token     string `yaml:"token"`
	TokenFile string `yaml:"tokenFile"`
	Cert      string `yaml:"client-certificate"`
	CertData  string `yaml:"client-certificate-data"`
	Key       string `yaml:"client-key"`
	KeyData   string `yaml:"client-key-data"`
	Exec      *struct {
		Command string `yaml:"command"`
	} `yaml:"exec"`
	Provider *struct {
		Name string `yaml:"name"`
	} `yaml:"auth-provider"`
	Username string `yaml:"username"`
	As       string `yaml:"as"`
}

// login reads the secrets. Its errors hold none.
func (c *collector) login(ctx context.Context) (login, error) {
	if c.settings.Kubeconfig == "" {
		return c.direct(ctx)
	}
	text, err := c.env.ResolveSecret(ctx, "kubeconfig", c.settings.Kubeconfig)
	if err != nil {
		return login{}, err
	}
	cl, u, err := parse([]byte(text), c.settings.Context)
	if err != nil {
		return login{}, fmt.Errorf("%w: kubeconfig: %w", audit.ErrInvalid, err)
	}
	l := login{server: cl.Server, serverName: cl.ServerName, token: u.Token}
	var errs [4]error
	l.ca, errs[0] = c.part(ctx, "certificate-authority", cl.CAData, cl.CA)
	l.cert, errs[1] = c.part(ctx, "client-certificate", u.CertData, u.Cert)
	l.key, errs[2] = c.part(ctx, "client-key", u.KeyData, u.Key)
	if l.token == "" && u.TokenFile != "" {
		var b []byte
		b, errs[3] = c.part(ctx, "tokenFile", "", u.TokenFile)
		l.token = strings.TrimSpace(string(b))
	}
	if l.token == "" && (l.cert == nil || l.key == nil) && errors.Join(errs[:]...) == nil {
		errs[3] = fmt.Errorf("%w: kubeconfig: the user has neither a token nor a client certificate with its key", audit.ErrInvalid)
	}
	return l, errors.Join(errs[:]...)
}

func (c *collector) direct(ctx context.Context) (login, error) {
	token, err := c.env.ResolveSecret(ctx, "token", c.settings.Token)
	if err != nil {
		return login{}, err
	}
	ca, err := c.env.ResolveSecret(ctx, "ca", c.settings.CA)
	return login{server: c.settings.Server, token: token, ca: []byte(ca)}, err
}

// part is one part of a kubeconfig: held in it as base64, or a file beside it.
func (c *collector) part(ctx context.Context, name, data, file string) ([]byte, error) {
	if data != "" {
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(data))
		if err != nil {
			return nil, fmt.Errorf("%w: kubeconfig: %s-data is not base64", audit.ErrInvalid, name)
		}
		return b, nil
	}
	if file == "" {
		return nil, nil
	}
	if at, ok := strings.CutPrefix(c.settings.Kubeconfig, "file:"); ok && !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(at), file)
	}
	text, err := c.env.ResolveSecret(ctx, "kubeconfig: "+name, "file:"+file)
	return []byte(text), err
}

// parse finds the cluster and the user of a context. What would have to run a
// program, or to trust a server unseen, is refused.
func parse(b []byte, name string) (cluster, user, error) {
	var k kubeconfig
	if err := yaml.Unmarshal(b, &k); err != nil {
		return cluster{}, user{}, errors.New("it is no YAML of a kubeconfig") // the parser's words may quote a secret
	}
	if name == "" {
		name = k.Current
	}
	var cl *cluster
	var u *user
	for _, e := range k.Contexts {
		if e.Name != name {
			continue
		}
		for i, f := range k.Clusters {
			if f.Name == e.Context.Cluster {
				cl = &k.Clusters[i].Cluster
			}
		}
		for i, f := range k.Users {
			if f.Name == e.Context.User {
				u = &k.Users[i].User
			}
		}
	}
	if cl == nil || u == nil {
		return cluster{}, user{}, fmt.Errorf("context %q: it is not there, or its cluster or user is not", name)
	}
	return *cl, *u, errors.Join(cl.check(), u.check())
}

func (c cluster) check() error {
	switch {
	case c.Insecure:
		return errors.New("insecure-skip-tls-verify: the server must be known; give its certificate-authority")
	case c.Proxy != "":
		return errors.New("proxy-url: proxies are not used")
	case c.Server == "":
		return errors.New("the cluster has no server")
	}
	return nil
}

func (u user) check() error {
	switch {
	case u.Exec != nil:
		return fmt.Errorf("the user signs in with a program (exec: %s), which is not run: make a service account and give its token", filepath.Base(u.Exec.Command))
	case u.Provider != nil:
		return fmt.Errorf("the user signs in with auth-provider %s, which is not supported: make a service account and give its token", u.Provider.Name)
	case u.Username != "":
		return errors.New("the user signs in with a password, which API servers no longer take: make a service account and give its token")
	case u.As != "":
		return errors.New("the user acts as another (as), which is not done")
	}
	return nil
}

// client makes the client of an API server.
func (c *collector) client(l login) (*rest.Client, error) {
	base, err := source.BaseURL("server", l.server, "", c.settings.Allow)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: l.serverName}
	if len(l.ca) > 0 {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(l.ca) {
			return nil, fmt.Errorf("%w: the certificate authority holds no certificate (PEM)", audit.ErrInvalid)
		}
	}
	out := &rest.Client{Base: base, Secrets: []string{l.token}, Wait: c.wait}
	if l.token != "" {
		out.Authorize = rest.Header("Authorization", "Bearer "+l.token)
	} else {
		pair, err := tls.X509KeyPair(l.cert, l.key)
		if err != nil {
			return nil, fmt.Errorf("%w: the client certificate and its key do not fit, or are no PEM", audit.ErrInvalid)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	out.HTTP = source.Guard(c.over(conf), c.settings.Allow, base)
	return out, nil
}

// over is the client that the program lends, with these certificates.
func (c *collector) over(conf *tls.Config) *http.Client {
	lent := &http.Client{Timeout: 2 * time.Minute}
	if c.env.HTTP != nil {
		*lent = *c.env.HTTP
	}
	t, ok := lent.Transport.(*http.Transport)
	if lent.Transport != nil && !ok {
		return lent // a recording: it is used as it is
	}
	if t == nil {
		t = http.DefaultTransport.(*http.Transport)
	}
	t = t.Clone()
	t.TLSClientConfig = conf
	lent.Transport = t
	return lent
}
