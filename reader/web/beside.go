package web

import (
	"context"

	"tieout/access"
	"tieout/engagement/fieldwork"
	"tieout/examination"
)

// What else answers at this server has of the workspace, beside Look.

// Files are the engagement files the server keeps; nil in a company's workspace.
func (s *Server) Files() *fieldwork.Book { return s.files }

// Client is the company's end of its examinations; nil in a firm's workspace.
func (s *Server) Client() *examination.Client { return s.exam }

// Firm is the audit firm's end of its examinations; nil in a company's workspace.
func (s *Server) Firm() *examination.Firm { return s.firm }

// Flush seals a packet for everything of an engagement that was released to the
// other side and not sent yet.
func (s *Server) Flush(ctx context.Context, engagement string) error { return s.flush(ctx, engagement) }

// Eyes tells two people from two accounts of one.
func (s *Server) Eyes(ctx context.Context) (access.Eyes, error) { return s.eyes(ctx) }

// Names are everybody, by account ID.
func (s *Server) Names(ctx context.Context) (map[string]access.Named, error) {
	return s.names.all(ctx, s.o.Now())
}
