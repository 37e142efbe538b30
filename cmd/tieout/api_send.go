package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/period"
	"tieout/reader/api"
)

// A sending is one request that a person signs and sends.
type sending struct {
	server, data, match, key string
	signs                    signs
}

// apiSendCommand sends a request that only a person may.
func (a *app) apiSendCommand() *cobra.Command {
	var s sending
	cmd := &cobra.Command{
		Use: "send METHOD PATH", Short: "Sign a request with your own key and send it to a running server", Args: exactly(2, "a method such as POST and a path such as /engagements/EN-1/samples"),
		Long: `Sends a request that only a person may: it is signed with the own key of who is
signed in ('tieout account sign-in', 'tieout key new'), on this machine. The
token in TIEOUT_TOKEN is of the same account, and goes to that server alone;
without TLS only to this machine. The workspace here is the server's own: it says
whose log the signature names.

The same --idempotency-key again does nothing more and is answered alike.`,
		Example: "  TIEOUT_TOKEN=... tieout api send PUT /engagements/EN-1/state \\\n    --if-match 3 --data step.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(p *period.Program) error { return a.apiSend(cmd.Context(), p, s, args) })
		},
	}
	cmd.Flags().StringVar(&s.server, "server", "http://localhost:8731", "address of the server")
	cmd.Flags().StringVar(&s.data, "data", "", "file with the body, as JSON; -: standard input")
	cmd.Flags().StringVar(&s.match, "if-match", "", "revision of what is changed, as it was read")
	cmd.Flags().StringVar(&s.key, "idempotency-key", "", "key of the request; left out: a new one")
	cmd.Flags().StringVar(&s.signs.passphrase, "passphrase", "", "where the key's passphrase is read from, in place of asking: env:NAME or file:PATH")
	cmd.Flags().StringVar(&a.as, "as", "", "e-mail address of who acts, where several people are signed in here")
	return in(cmd, "table")
}

func (a *app) apiSend(ctx context.Context, p *period.Program, s sending, args []string) error {
	token := a.env.Getenv("TIEOUT_TOKEN")
	if token == "" {
		return fmt.Errorf("%w: there is no token: set TIEOUT_TOKEN to one of your account", audit.ErrForbidden)
	}
	method := strings.ToUpper(args[0])
	if !slices.Contains([]string{http.MethodPost, http.MethodPut}, method) {
		return fmt.Errorf("%w: %q: POST or PUT; 'tieout api get' reads", audit.ErrUsage, args[0])
	}
	address, err := apiAddress(s.server, args[1])
	if err != nil {
		return err
	}
	body, err := a.apiBody(s.data)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err == nil {
		err = a.apiSign(ctx, p, s, req, body)
	}
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return a.apiDo(req)
}

// apiBody is what is sent; nothing where no file is named.
func (a *app) apiBody(name string) ([]byte, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		return io.ReadAll(io.LimitReader(a.env.Stdin, maxSent))
	}
	return readBounded(name, maxSent)
}

// maxSent bounds the body of a signed request, in bytes.
const maxSent = 256 << 10

// apiSign puts the headers on a request that make it the person's own.
func (a *app) apiSign(ctx context.Context, p *period.Program, s sending, req *http.Request, body []byte) error {
	d, err := a.sit(ctx, p, none, nil)
	if err != nil {
		return err
	}
	target, err := url.Parse(req.URL.String())
	if err != nil {
		return err
	}
	signing := api.Signing{Workspace: p.Log.Keys().Log(), Method: req.Method, Target: target.RequestURI(), Key: s.key, Body: body}
	if signing.Key == "" {
		signing.Key = rand.Text()
	}
	if s.match != "" {
		signing.IfMatch = `"` + strings.Trim(s.match, `"`) + `"`
		req.Header.Set("If-Match", signing.IfMatch)
	}
	s.signs.title = "Person at a program"
	sig, err := a.sign(ctx, &d, s.signs, "request "+req.Method+" "+signing.Target, signing.Digest())
	if err != nil {
		return err
	}
	raw, err := json.Marshal(sig)
	if err != nil {
		return err
	}
	req.Header.Set("Idempotency-Key", signing.Key)
	req.Header.Set(api.PersonHeader, base64.RawURLEncoding.EncodeToString(raw))
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	return nil
}

// apiDo sends a request and prints its answer; one that is refused is an error in
// the server's words.
func (a *app) apiDo(req *http.Request) error {
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
	if resp.StatusCode >= http.StatusMultipleChoices {
		return refusedBy(resp, body)
	}
	_, err = a.env.Stdout.Write(append([]byte(strings.TrimRight(string(body), "\n")), '\n'))
	return err
}
