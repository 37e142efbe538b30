package scim

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"tieout/access"
)

func (s *Server) getConfig(context.Context, *request) (*answer, error) {
	return &answer{status: http.StatusOK, body: s.config()}, nil
}

func (s *Server) listTypes(_ context.Context, r *request) (*answer, error) {
	return whole(r, s.resourceType(users), s.resourceType(groups))
}

func (s *Server) getType(_ context.Context, r *request) (*answer, error) {
	for _, k := range []*kind{users, groups} {
		if k.name == r.PathValue("id") {
			return &answer{status: http.StatusOK, body: s.resourceType(k)}, nil
		}
	}
	return unknownPath(r.Context(), r)
}

func (s *Server) listSchemas(_ context.Context, r *request) (*answer, error) {
	return whole(r, s.schema(users), s.schema(groups))
}

func (s *Server) getSchema(_ context.Context, r *request) (*answer, error) {
	for _, k := range []*kind{users, groups} {
		if strings.EqualFold(k.urn, r.PathValue("id")) {
			return &answer{status: http.StatusOK, body: s.schema(k)}, nil
		}
	}
	return unknownPath(r.Context(), r)
}

// whole lists what is never paged; a filter on it is refused (RFC 7644, 4).
func whole(r *request, all ...any) (*answer, error) {
	if r.URL.Query().Get("filter") != "" {
		return nil, &fault{http.StatusForbidden, "", "what the server says of itself cannot be filtered"}
	}
	return &answer{status: http.StatusOK, body: map[string]any{"schemas": []any{listURN}, "totalResults": len(all), "itemsPerPage": len(all),
		"startIndex": 1, "Resources": all}}, nil
}

// A query is what a list is asked for.
type query struct {
	filter  filter
	start   int // 1: the first
	count   int
	attrs   []path // only these
	without []path
}

// query reads the parameters of a list or of one resource.
func (r *request) query() (query, error) {
	q := r.URL.Query()
	return newQuery(q.Get("filter"), number(q.Get("startIndex"), 1), number(q.Get("count"), 100),
		names(q.Get("attributes")), names(q.Get("excludedAttributes")))
}

func number(s string, otherwise int) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return otherwise
	}
	return n
}

func names(s string) (out []string) {
	for n := range strings.SplitSeq(s, ",") {
		if n = strings.TrimSpace(n); n != "" {
			out = append(out, n)
		}
	}
	return out
}

func newQuery(text string, start, count int, attrs, without []string) (q query, err error) {
	q.start, q.count = max(start, 1), min(max(count, 0), maxCount)
	if text != "" {
		if q.filter, err = parseFilter(text); err != nil {
			return q, err
		}
	}
	for _, x := range []struct {
		names []string
		to    *[]path
	}{{attrs, &q.attrs}, {without, &q.without}} {
		for _, n := range x.names {
			at, err := parseName(n)
			if err != nil {
				return q, bad("invalidValue", "%v", err)
			}
			*x.to = append(*x.to, at)
		}
	}
	return q, nil
}

// search reads the query of a .search request (RFC 7644, 3.4.3).
func (r *request) search() (query, error) {
	b, err := r.read()
	if err != nil {
		return query{}, err
	}
	in := struct {
		Filter     string   `json:"filter"`
		Start      int      `json:"startIndex"`
		Count      *int     `json:"count"`
		Attributes []string `json:"attributes"`
		Excluded   []string `json:"excludedAttributes"`
	}{}
	if err := json.Unmarshal(b, &in); err != nil {
		return query{}, bad("invalidSyntax", "the request is not the JSON of a search")
	}
	count := 100
	if in.Count != nil {
		count = *in.Count
	}
	return newQuery(in.Filter, in.Start, count, in.Attributes, in.Excluded)
}

// page picks what a query asks for out of all resources.
func (q query) page(all []map[string]any) *answer {
	found := all[:0:0]
	for _, v := range all {
		if q.filter == nil || q.filter.match(v) {
			found = append(found, v)
		}
	}
	out := []any{}
	for i := q.start - 1; i < len(found) && len(out) < q.count; i++ {
		out = append(out, q.part(found[i]))
	}
	return &answer{status: http.StatusOK, body: map[string]any{"schemas": []any{listURN}, "totalResults": len(found), "itemsPerPage": len(out),
		"startIndex": q.start, "Resources": out}}
}

// part is a resource with the attributes that were asked for. schemas and id
// are always there (RFC 7643, 3.1; RFC 7644, 3.9).
func (q query) part(v map[string]any) map[string]any {
	if len(q.attrs) == 0 && len(q.without) == 0 {
		return v
	}
	always := func(name string) bool { return name == "schemas" || name == "id" }
	out := map[string]any{}
	for name, x := range v {
		switch {
		case always(name):
			out[name] = x
		case len(q.attrs) > 0:
			if x = reduced(x, name, q.attrs, true); x != nil {
				out[name] = x
			}
		default:
			if x = reduced(x, name, q.without, false); x != nil {
				out[name] = x
			}
		}
	}
	return out
}

// reduced keeps of an attribute what the paths name, or leaves that out.
func reduced(x any, name string, paths []path, keep bool) any {
	var subs []string
	for _, p := range paths {
		if !strings.EqualFold(p.attr, name) {
			continue
		}
		if p.sub == "" {
			if keep {
				return x
			}
			return nil
		}
		subs = append(subs, p.sub)
	}
	if subs == nil {
		if keep {
			return nil
		}
		return x
	}
	return reducedSubs(x, subs, keep)
}

func reducedSubs(x any, subs []string, keep bool) any {
	switch v := x.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = reducedSubs(e, subs, keep)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			named := false
			for _, s := range subs {
				named = named || strings.EqualFold(s, k)
			}
			if named == keep {
				out[k] = e
			}
		}
		return out
	}
	return x
}

// one is one resource as an answer, with its version.
func (r *request) one(status int, v map[string]any) (*answer, error) {
	q, err := r.query()
	if err != nil {
		return nil, err
	}
	meta, _ := v["meta"].(map[string]any)
	a := &answer{status: status, body: q.part(v)}
	a.version, _ = meta["version"].(string)
	if status == http.StatusCreated {
		a.location, _ = meta["location"].(string)
	}
	if r.Method == http.MethodGet && a.version != "" && r.Header.Get("If-None-Match") == a.version {
		return &answer{status: http.StatusNotModified, version: a.version}, nil
	}
	return a, nil
}

func (s *Server) allUsers(ctx context.Context, by access.Subject) ([]map[string]any, error) {
	rows, err := s.people.DirectoryUsers(ctx, by)
	out := make([]map[string]any, len(rows))
	for i, u := range rows {
		out[i] = s.user(u)
	}
	return out, err
}

func (s *Server) allGroups(ctx context.Context, by access.Subject) ([]map[string]any, error) {
	rows, err := s.people.DirectoryGroups(ctx, by)
	out := make([]map[string]any, len(rows))
	for i, g := range rows {
		out[i] = s.group(g)
	}
	return out, err
}

// list answers a query over all resources of a kind.
func list(ctx context.Context, r *request, read func() (query, error), all func(context.Context, access.Subject) ([]map[string]any, error)) (*answer, error) {
	q, err := read()
	if err != nil {
		return nil, err
	}
	rows, err := all(ctx, r.by)
	if err != nil {
		return nil, err
	}
	return q.page(rows), nil
}

func (s *Server) listUsers(ctx context.Context, r *request) (*answer, error) {
	return list(ctx, r, r.query, s.allUsers)
}

func (s *Server) searchUsers(ctx context.Context, r *request) (*answer, error) {
	return list(ctx, r, r.search, s.allUsers)
}

func (s *Server) listGroups(ctx context.Context, r *request) (*answer, error) {
	return list(ctx, r, r.query, s.allGroups)
}

func (s *Server) searchGroups(ctx context.Context, r *request) (*answer, error) {
	return list(ctx, r, r.search, s.allGroups)
}

// searchAll looks among both kinds, users first.
func (s *Server) searchAll(ctx context.Context, r *request) (*answer, error) {
	return list(ctx, r, r.search, func(ctx context.Context, by access.Subject) ([]map[string]any, error) {
		people, err := s.allUsers(ctx, by)
		if err != nil {
			return nil, err
		}
		all, err := s.allGroups(ctx, by)
		return append(people, all...), err
	})
}

func (s *Server) createUser(ctx context.Context, r *request) (*answer, error) {
	v, err := r.object(userURN)
	if err != nil {
		return nil, err
	}
	u, err := userOf(v, "", true)
	if err != nil {
		return nil, err
	}
	made, _, err := s.people.CreateDirectoryUser(ctx, r.by, u)
	if err != nil {
		return nil, err
	}
	return r.one(http.StatusCreated, s.user(made))
}

func (s *Server) getUser(ctx context.Context, r *request) (*answer, error) {
	u, err := s.people.DirectoryUser(ctx, r.by, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return r.one(http.StatusOK, s.user(u))
}

func (s *Server) replaceUser(ctx context.Context, r *request) (*answer, error) {
	v, err := r.object(userURN)
	if err != nil {
		return nil, err
	}
	return again(r, func(version int64) (*answer, error) {
		was, err := s.people.DirectoryUser(ctx, r.by, r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		return s.saveUser(ctx, r, v, was, version)
	})
}

// patch applies operations to the version there is, by what change does with one
// version. Where the client named none and another request was faster, they are
// applied anew to what that left.
func patch(r *request, change func(ops []operation, version int64) (*answer, error)) (*answer, error) {
	ops, err := r.operations()
	if err != nil {
		return nil, err
	}
	return again(r, func(version int64) (*answer, error) { return change(ops, version) })
}

// again repeats a change while another request is faster, where the client named
// no version.
func again(r *request, change func(version int64) (*answer, error)) (a *answer, err error) {
	for range 10 {
		if a, err = change(r.version()); r.version() != 0 || !errors.Is(err, access.ErrVersion) {
			break
		}
	}
	return a, err
}

func (s *Server) patchUser(ctx context.Context, r *request) (*answer, error) {
	return patch(r, func(ops []operation, version int64) (*answer, error) {
		was, err := s.people.DirectoryUser(ctx, r.by, r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		v, err := patched(users, s.user(was), ops)
		if err != nil {
			return nil, err
		}
		return s.saveUser(ctx, r, v, was, cmp.Or(version, was.Version))
	})
}

func (s *Server) saveUser(ctx context.Context, r *request, v map[string]any, was access.DirectoryUser, version int64) (*answer, error) {
	u, err := userOf(v, was.ID, was.Active)
	if err != nil {
		return nil, err
	}
	now, _, err := s.people.ReplaceDirectoryUser(ctx, r.by, u, version)
	if err != nil {
		return nil, err
	}
	return r.one(http.StatusOK, s.user(now))
}

func (s *Server) deleteUser(ctx context.Context, r *request) (*answer, error) {
	_, err := s.people.RemoveDirectoryUser(ctx, r.by, r.PathValue("id"), r.version())
	return &answer{status: http.StatusNoContent}, err
}

func (s *Server) createGroup(ctx context.Context, r *request) (*answer, error) {
	v, err := r.object(groupURN)
	if err != nil {
		return nil, err
	}
	return s.saveGroup(ctx, r, v, "", 0, http.StatusCreated)
}

func (s *Server) saveGroup(ctx context.Context, r *request, v map[string]any, id string, version int64, status int) (*answer, error) {
	g, err := groupOf(v, id)
	if err != nil {
		return nil, err
	}
	now, err := s.people.SaveDirectoryGroup(ctx, r.by, g, version)
	if err != nil {
		return nil, err
	}
	return r.one(status, s.group(now))
}

func (s *Server) getGroup(ctx context.Context, r *request) (*answer, error) {
	g, err := s.people.DirectoryGroup(ctx, r.by, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return r.one(http.StatusOK, s.group(g))
}

func (s *Server) replaceGroup(ctx context.Context, r *request) (*answer, error) {
	v, err := r.object(groupURN)
	if err != nil {
		return nil, err
	}
	return again(r, func(version int64) (*answer, error) {
		return s.saveGroup(ctx, r, v, r.PathValue("id"), version, http.StatusOK)
	})
}

func (s *Server) patchGroup(ctx context.Context, r *request) (*answer, error) {
	return patch(r, func(ops []operation, version int64) (*answer, error) {
		was, err := s.people.DirectoryGroup(ctx, r.by, r.PathValue("id"))
		if err != nil {
			return nil, err
		}
		v, err := patched(groups, s.group(was), ops)
		if err != nil {
			return nil, err
		}
		return s.saveGroup(ctx, r, v, was.ID, cmp.Or(version, was.Version), http.StatusOK)
	})
}

func (s *Server) deleteGroup(ctx context.Context, r *request) (*answer, error) {
	_, err := s.people.RemoveDirectoryGroup(ctx, r.by, r.PathValue("id"), r.version())
	return &answer{status: http.StatusNoContent}, err
}
