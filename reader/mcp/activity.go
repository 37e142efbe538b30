package mcp

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"tieout/audit"
)

// Limits of what is sealed of a call.
const (
	maxArguments = 4 << 10 // bytes; longer ones are sealed by their beginning and digest, and refused
	maxName      = 120     // characters of the name of a client or a tool
)

// recorded seals every call of a tool, whatever its name and arguments, before
// anything of it is answered.
func (s *Server) recorded(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		call, ok := req.(*sdk.CallToolRequest)
		if !ok {
			return next(ctx, method, req)
		}
		var res sdk.Result
		var answered error
		err := s.with(ctx, func() error {
			if err := s.record(ctx, call); err != nil {
				return err
			}
			if len(call.Params.Arguments) > maxArguments {
				return errTooLong
			}
			res, answered = next(ctx, method, req)
			return nil
		})
		if err != nil {
			return s.refusal(call.Params.Name, err), nil
		}
		return res, answered
	}
}

// record seals one call.
func (s *Server) record(ctx context.Context, call *sdk.CallToolRequest) error {
	what := audit.Activity{Through: "mcp", Act: plain(call.Params.Name, maxName), Client: clientName(call), For: s.open.Actor.Name}
	args := call.Params.Arguments
	what.Arguments = string(args)
	if len(args) > maxArguments {
		sum := sha256.Sum256(args)
		what.Arguments, what.Digest = string(args[:maxArguments]), "sha256:"+hex.EncodeToString(sum[:])
	}
	what.Arguments = strings.ToValidUTF8(what.Arguments, "\uFFFD")
	_, err := s.open.SealActivity(ctx, audit.Actor{Kind: audit.ActorCommand, Name: "MCP client " + what.Client}, what)
	return err
}

// clientName is what the client says it is called.
func clientName(call *sdk.CallToolRequest) string {
	name := ""
	if c := call.ClientInfo(); c != nil {
		name = strings.TrimSpace(plain(c.Name, maxName))
	}
	return cmp.Or(name, "without a name")
}

// refusal is an error as a client reads it, with what to do. What it need not
// know is written to the server's own log.
func (s *Server) refusal(tool string, err error) *sdk.CallToolResult {
	var res sdk.CallToolResult
	res.SetError(errors.New(s.words(tool, err)))
	return &res
}

var errTooLong = errors.New("the arguments are longer than 4,096 bytes: ask for less")

// kinds are the errors whose text a client may read: it says what is wrong with
// the question or with the workspace, and what to do.
var kinds = []error{
	audit.ErrInvalid, audit.ErrNotFound, audit.ErrConflict, audit.ErrForbidden, audit.ErrUnavailable, audit.ErrAltered, audit.ErrInconclusive, audit.ErrUsage,
	errTooLong, context.Canceled, context.DeadlineExceeded,
}

func (s *Server) words(tool string, err error) string {
	for _, k := range kinds {
		if errors.Is(err, k) {
			text := err.Error()
			for _, drop := range []error{audit.ErrInvalid, audit.ErrUsage} {
				text = strings.ReplaceAll(text, drop.Error()+": ", "")
			}
			return plain(text, maxSentence)
		}
	}
	s.o.Log.Error("a call was not answered", "tool", plain(tool, maxName), "error", err)
	return "internal error: the call was recorded and not answered; the standard error of 'tieout mcp' says why"
}
