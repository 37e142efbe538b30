package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"tieout/audit"
	"tieout/reader/tasks"
)

// feedRoutes make and revoke the address of one's own calendar.
var feedRoutes = []route{
	{pattern: "POST /me/calendar", needs: "task.read", on: anything, do: (*request).newFeed},
	{pattern: "POST /me/calendar/end", needs: "task.read", on: anything, do: (*request).endFeed},
}

func (q *request) newFeed() error {
	secret, err := q.book.NewFeed(q.Context(), q.who)
	if err != nil {
		return err
	}
	return q.showWork(workPage{Feed: q.s.base(q.Request) + "/me/calendar.ics?token=" + url.QueryEscape(secret)})
}

func (q *request) endFeed() error {
	if err := q.book.EndFeed(q.Context(), q.who); err != nil {
		return err
	}
	return q.done("/me/work", "The calendar's address opens nothing any more.")
}

// base is the address people open this server at.
func (s *Server) base(r *http.Request) string {
	if s.o.Public != "" {
		return s.o.Public
	}
	return "http://" + r.Host
}

// feed answers a calendar program: whoever has the address reads titles and
// days, and nothing else. A wrong address, a revoked one and that of a suspended
// account look the same.
func (s *Server) feed(w http.ResponseWriter, r *http.Request) {
	err := s.writeFeed(w, r)
	if errors.Is(err, audit.ErrNotFound) {
		http.Error(w, "There is no such calendar.", http.StatusNotFound)
		return
	}
	if err != nil {
		s.note(r, err)
		http.Error(w, "The calendar could not be made. Ask again later.", http.StatusInternalServerError)
	}
}

func (s *Server) writeFeed(w http.ResponseWriter, r *http.Request) (err error) {
	account, err := s.book.FeedOf(r.Context(), r.URL.Query().Get("token"))
	if err != nil {
		return err
	}
	people, err := tasks.Recipients(r.Context(), s.home.Store)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(people, func(p tasks.Recipient) bool { return p.Account == account })
	if i < 0 {
		return fmt.Errorf("%w: calendar", audit.ErrNotFound)
	}
	st, err := s.shelf.take(r.Context(), "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.shelf.give(st)) }()
	q := &request{Request: r, w: w, s: s, book: s.book, st: st}
	l, err := q.tasks()
	if err != nil {
		return err
	}
	body := l.Calendar(people[i].Who, "work: "+st.report.Organization.Name, s.base(r))
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
	w.Header().Set("Content-Disposition", "attachment; filename=work.ics")
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // who asked is gone
	}
	return nil
}
