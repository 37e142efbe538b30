package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/reader/api"
	"tieout/reader/jobs"
	"tieout/reader/scim"
	"tieout/reader/watch"
	"tieout/reader/web"
	"tieout/worker"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	listen   string
	public   string
	cert     string
	key      string
	proxies  []string
	behind   bool
	metrics  string
	traces   string
	workers  int
	jsonLogs bool
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve the workspace's screens to browsers",
		Long: `Serves the workspace's screens until interrupted and prints the address to open;
while nobody administers the workspace, a link that makes the first account.
People sign in, and see and do what their roles allow.

Without more it is plain HTTP for this machine. For others it needs TLS: an own
certificate (--tls-cert, --tls-key; read anew when the files change), or a proxy
that does TLS (--behind-proxy, with --proxy naming the networks it asks from).
The address people open is server.url of tieout.yaml, or --url.

The same process works on jobs; --workers 0 leaves them to 'tieout worker'. Any
number of servers and workers can share one PostgreSQL. /healthz answers without
signing in; --metrics serves /metrics on an address of its own.`,
		Example: "  tieout serve\n  tieout serve --listen :8443 --url https://tieout.example.com \\\n      --tls-cert tls.pem --tls-key tls.key\n" +
			"  tieout serve --behind-proxy --proxy 127.0.0.1/32 \\\n      --url https://tieout.example.com",
		Args: exactly(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serveScreens(cmd.Context(), f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.listen, "listen", "127.0.0.1:8731", "address and port; port 0 is any that is free")
	fl.StringVar(&f.public, "url", "", "address people open, such as https://tieout.example.com (default: server.url of tieout.yaml)")
	fl.StringVar(&f.cert, "tls-cert", "", "file of the certificate and its chain, PEM")
	fl.StringVar(&f.key, "tls-key", "", "file of its private key, PEM")
	fl.StringSliceVar(&f.proxies, "proxy", nil, "network of a proxy whose X-Forwarded-For is believed, such as 10.0.0.0/8 (default: server.proxies)")
	fl.BoolVar(&f.behind, "behind-proxy", false, "a proxy in front does TLS")
	fl.StringVar(&f.metrics, "metrics", "", "address that serves /metrics, such as 127.0.0.1:9731 (default: nowhere)")
	fl.StringVar(&f.traces, "traces", "", "collector of traces, such as https://otel.example.com:4318/v1/traces (default: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, else none)")
	fl.IntVar(&f.workers, "workers", 2, "jobs this process works on at once; 0: none")
	fl.BoolVar(&f.jsonLogs, "log-json", false, "write the server's own log as JSON Lines")
	return in(cmd, "table", "json")
}

// serveScreens serves until ctx is done, which is how it ends well.
func (a *app) serveScreens(ctx context.Context, f serveFlags) error {
	dir, err := a.workspace()
	if err != nil {
		return err
	}
	def, err := definition.Load(dir)
	if err != nil {
		return err
	}
	l, err := f.listener(def)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // Serve has closed it, unless it never began
	return a.serveOn(ctx, dir, l, f)
}

// address is what people open, and the Host headers that are answered.
func (f *serveFlags) address(l net.Addr) (public string, hosts []string, err error) {
	local := web.LoopbackHosts(l)
	if f.public == "" {
		_, port, err := net.SplitHostPort(l.String())
		return "http://localhost:" + port, local, err // a name: passkeys are bound to one
	}
	hosts, err = web.PublicHosts(f.public)
	return f.public, append(hosts, local...), err
}

// listener listens where the flags say. What others can reach has TLS, its own
// or a proxy's.
func (f *serveFlags) listener(def *definition.Workspace) (net.Listener, error) {
	if f.public == "" {
		f.public = def.Config.Server.URL
	}
	if len(f.proxies) == 0 {
		f.proxies = def.Config.Server.Proxies
	}
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return nil, fmt.Errorf("%w: --listen %q is not ADDRESS:PORT", audit.ErrUsage, f.listen)
	}
	ip := net.ParseIP(host)
	switch {
	case (f.cert == "") != (f.key == ""):
		return nil, fmt.Errorf("%w: --tls-cert and --tls-key belong together", audit.ErrUsage)
	case f.cert == "" && !f.behind && (ip == nil || !ip.IsLoopback()):
		return nil, fmt.Errorf("%w: --listen %s: without TLS the screens are served to this machine only, such as 127.0.0.1:8731. Give --tls-cert and --tls-key, or --behind-proxy", audit.ErrUsage, f.listen)
	case (f.cert != "" || f.behind) && !strings.HasPrefix(f.public, "https://"):
		return nil, fmt.Errorf("%w: say the address people open: --url https://..., or server.url in tieout.yaml", audit.ErrUsage)
	}
	l, err := net.Listen("tcp", f.listen)
	if err != nil {
		return nil, fmt.Errorf("%w: %w. Another program may use the port; name one with --listen 127.0.0.1:0", audit.ErrUnavailable, err)
	}
	if f.cert == "" {
		return l, nil
	}
	pair, err := newCertificate(f.cert, f.key)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get, NextProtos: []string{"h2", "http/1.1"}}), nil
}

// networks are the proxies that are believed.
func (f *serveFlags) networks() (out []*net.IPNet, err error) {
	for _, p := range f.proxies {
		_, n, err := net.ParseCIDR(p)
		if err != nil {
			return nil, fmt.Errorf("%w: --proxy %q is not a network such as 10.0.0.0/8", audit.ErrUsage, p)
		}
		out = append(out, n)
	}
	return out, nil
}

func (a *app) logger(asJSON bool) *slog.Logger {
	if asJSON {
		return slog.New(slog.NewJSONHandler(a.env.Stderr, nil))
	}
	return slog.New(slog.NewTextHandler(a.env.Stderr, nil))
}

// serveOn serves on a listener, with workers beside it where they are wanted.
func (a *app) serveOn(ctx context.Context, dir string, l net.Listener, f serveFlags) error {
	public, hosts, err := f.address(l.Addr())
	if err != nil {
		return err
	}
	networks, err := f.networks()
	if err != nil {
		return err
	}
	key, log, w := web.NewKey(), a.logger(f.jsonLogs), watch.New(version)
	var wake waker
	s, err := web.New(ctx, web.Options{
		Key: key, Hosts: hosts, Public: public, Proxies: networks, Now: a.env.Now, Log: log, Wake: wake.wake, Failed: w.Failed, Open: func(ctx context.Context, name string) (*period.Program, error) {
			return a.opener(dir)(ctx, name, a.options().Actor, 0)
		},
		Beside: func(s *web.Server) map[string]http.Handler { return a.besides(s, public, log, w, wake.wake) },
	})
	if err != nil {
		return err
	}
	err = a.serveAll(ctx, dir, l, f, s, w, &wake, log, public, key)
	return errors.Join(err, s.Close())
}

// besides are the handlers for programs, under the same address.
func (a *app) besides(s *web.Server, public string, log *slog.Logger, w *watch.Watch, wake func()) map[string]http.Handler {
	all := map[string]http.Handler{
		"/exchange/":      s.Exchange(),
		scim.Prefix + "/": scim.New(scim.Options{People: s.People(), Origin: public, Address: s.Address, Log: log}),
	}
	all[api.Prefix+"/"] = api.New(api.Options{Web: s, Now: a.env.Now, Wake: wake, Log: log, Failed: w.Failed})
	return all
}

// serveAll runs the screens, the workers and the metrics until ctx is done or
// one of them cannot go on.
func (a *app) serveAll(ctx context.Context, dir string, l net.Listener, f serveFlags, s *web.Server, w *watch.Watch, wake *waker, log *slog.Logger, public, key string) error {
	if err := s.Warm(ctx); err != nil {
		return err
	}
	traced, stopTraces, err := w.Trace(ctx, cmp.Or(f.traces, a.env.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")), w.Measure(s))
	if err != nil {
		return err
	}
	w.Gauge("tieout_log_entries", "Entries of the log.", func(ctx context.Context) (float64, error) {
		head, err := s.Home().Store.Head(ctx)
		return float64(head.Size), err
	})
	if err := a.sayWhere(ctx, s, public, key); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	errs := make(chan error, 4)
	run := func(part func(context.Context) error) {
		group.Go(func() {
			defer cancel() // one that cannot go on ends all
			errs <- part(ctx)
		})
	}
	run(func(ctx context.Context) error { return web.Serve(ctx, l, traced, log) })
	run(func(ctx context.Context) error { return keepHouse(ctx, s, log) })
	if f.workers > 0 {
		run(func(ctx context.Context) error { return a.workBeside(ctx, dir, f.workers, w, wake, log) })
	}
	if f.metrics != "" {
		run(func(ctx context.Context) error { return serveMetrics(ctx, f.metrics, w) })
	}
	group.Wait()
	close(errs)
	err = nil
	for e := range errs {
		if !errors.Is(e, context.Canceled) { // being told to stop, also while it started, is a good end
			err = errors.Join(err, e)
		}
	}
	last, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	return errors.Join(err, stopTraces(last))
}

// workBeside takes jobs as 'tieout worker' does.
func (a *app) workBeside(ctx context.Context, dir string, atOnce int, w *watch.Watch, wake *waker, log *slog.Logger) error {
	return jobs.Run(ctx, jobs.Options{
		AtOnce: atOnce, Log: log, Notify: w.Job, Open: a.opener(dir), Ready: func(x *worker.Worker, _ *period.Program) { wake.set(x) },
	})
}

// A waker wakes the worker of this process, once there is one.
type waker struct {
	mu sync.Mutex
	w  *worker.Worker
}

func (k *waker) set(w *worker.Worker) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.w = w
}

func (k *waker) wake() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.w != nil {
		k.w.Wake()
	}
}

// housekeeping is how often what waits is sealed and what expired is forgotten.
const housekeeping = time.Minute

// keepHouse gives the roles of a directory's groups as the settings have them
// now; then it seals refused sign-ins that wait for the next change, and forgets
// what has expired.
func keepHouse(ctx context.Context, s *web.Server, log *slog.Logger) error {
	t := time.NewTicker(housekeeping)
	defer t.Stop()
	if err := s.People().FollowDirectory(ctx); err != nil && ctx.Err() == nil {
		log.Error("roles of a directory's groups", slog.String("error", err.Error()))
	}
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		err := s.People().Seal(ctx)
		if n%60 == 0 {
			err = errors.Join(err, s.People().Sweep(ctx))
		}
		if err != nil && ctx.Err() == nil {
			log.Error("housekeeping", slog.String("error", err.Error()))
		}
	}
}

// serveMetrics serves /metrics and /healthz, and nothing else.
func serveMetrics(ctx context.Context, listen string, w *watch.Watch) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("%w: --metrics: %w", audit.ErrUnavailable, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", w.Handler())
	return web.Serve(ctx, l, mux, nil)
}

// sayWhere prints the address to open: while nobody administers the workspace,
// the one-time link that makes the first account.
func (a *app) sayWhere(ctx context.Context, s *web.Server, url, key string) error {
	empty, err := s.People().Empty(ctx)
	if err != nil {
		return err
	}
	hint := "Sign in with your account. Stop with Ctrl-C."
	if empty {
		url += "/setup?key=" + key
		hint = "The link makes the first account, an administrator's, and works once. Stop with Ctrl-C."
	}
	if err := a.tell("tieout.serve/1", "Open "+url, map[string]any{"url": url}); err != nil {
		return err
	}
	a.note("%s", hint)
	return nil
}
