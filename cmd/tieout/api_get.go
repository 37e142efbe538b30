package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
)

// maxAnswer bounds an answer of the interface for programs, in bytes.
const maxAnswer = 256 << 20

// apiGetCommand asks a running server one question.
func (a *app) apiGetCommand() *cobra.Command {
	server := ""
	cmd := &cobra.Command{
		Use: "get PATH", Short: "Ask a running server one question and print its answer", Args: exactly(1, "a path such as /controls"),
		Long: `Asks a running 'tieout serve' for a path below /api/v1 and prints the JSON it
answers. The token comes from the environment variable TIEOUT_TOKEN and goes to
that server alone; without TLS only to this machine.`,
		Example: "  TIEOUT_TOKEN=... tieout api get /controls\n  tieout api get '/deviations?limit=10' --server https://tieout.example.com",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.apiGet(cmd.Context(), server, args[0])
		},
	}
	cmd.Flags().StringVar(&server, "server", "http://localhost:8731", "address of the server")
	return in(cmd, "table")
}

func (a *app) apiGet(ctx context.Context, server, path string) error {
	token := a.env.Getenv("TIEOUT_TOKEN")
	if token == "" {
		return fmt.Errorf("%w: there is no token: set TIEOUT_TOKEN to one that 'tieout token create' or the screen API tokens made", audit.ErrForbidden)
	}
	address, err := apiAddress(server, path)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w. Is 'tieout serve' running there?", audit.ErrUnavailable, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%w: the answer broke off: %w", audit.ErrUnavailable, err)
	}
	if resp.StatusCode != http.StatusOK {
		return refusedBy(resp, body)
	}
	_, err = a.env.Stdout.Write(append([]byte(strings.TrimRight(string(body), "\n")), '\n'))
	return err
}

// apiAddress is where to ask. A token goes over TLS, or to this machine.
func apiAddress(server, path string) (string, error) {
	base, err := url.Parse(server)
	if err != nil || base.Host == "" || base.User != nil || base.Scheme != "https" && base.Scheme != "http" {
		return "", fmt.Errorf("%w: --server %q is not an address such as https://tieout.example.com", audit.ErrUsage, server)
	}
	if ip := net.ParseIP(base.Hostname()); base.Scheme == "http" && base.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("%w: --server %s: a token is sent over TLS, or to this machine; write https://", audit.ErrUsage, server)
	}
	ask, err := url.Parse("/" + strings.TrimPrefix(strings.TrimPrefix(path, "/"), "api/v1/"))
	if err != nil || ask.Host != "" {
		return "", fmt.Errorf("%w: %q is no path such as /controls", audit.ErrUsage, path)
	}
	at := base.JoinPath("api", "v1", ask.EscapedPath())
	at.RawQuery = ask.RawQuery
	return at.String(), nil
}

// refusedBy is an answer that is none, in the server's words (RFC 9457).
func refusedBy(resp *http.Response, body []byte) error {
	var problem struct {
		Title  string `json:"title"`
		Detail string `json:"detail"`
	}
	words := resp.Status
	if json.Unmarshal(body, &problem) == nil && problem.Title+problem.Detail != "" {
		words = strings.TrimPrefix(problem.Title+": "+problem.Detail, ": ")
	}
	kind := audit.ErrUnavailable
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		kind = audit.ErrForbidden
	case http.StatusNotFound:
		kind = audit.ErrNotFound
	case http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired:
		kind = audit.ErrConflict
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		kind = audit.ErrInvalid
	}
	return fmt.Errorf("%w: %s", kind, words)
}
