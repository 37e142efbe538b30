package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// An address is a page of the routes table, cut into its parts.
type address struct {
	parts []string
	route route
}

// pagesOf are the pages of a table of routes, the most literal first.
func pagesOf(list []route) (out []address) {
	for _, r := range list {
		if method, pattern, _ := strings.Cut(r.pattern, " "); method == http.MethodGet {
			out = append(out, address{strings.Split(strings.TrimSuffix(pattern, "{$}"), "/"), r})
		}
	}
	slices.SortStableFunc(out, func(a, b address) int { return strings.Compare(a.rank(), b.rank()) })
	return out
}

// rank sorts literal parts before those that stand for anything.
func (a address) rank() string {
	out := make([]byte, len(a.parts))
	for i, p := range a.parts {
		if out[i] = '0'; strings.HasPrefix(p, "{") {
			out[i] = '1'
		}
	}
	return string(out)
}

// values are what a path has in the places of the address; false: it is not one
// of its paths.
func (a address) values(path string) (map[string]string, bool) {
	have := strings.Split(path, "/")
	if len(have) != len(a.parts) {
		return nil, false
	}
	out := map[string]string{}
	for i, want := range a.parts {
		if name, ok := strings.CutPrefix(want, "{"); ok && have[i] != "" {
			out[strings.TrimSuffix(name, "}")] = have[i]
		} else if want != have[i] {
			return nil, false
		}
	}
	return out, true
}

// routeOf is the page at a path of this server, with what it has in its places.
func (s *Server) routeOf(path string) (route, map[string]string, bool) {
	for _, a := range s.pages {
		if v, ok := a.values(path); ok {
			return a.route, v, true
		}
	}
	return route{}, nil, false
}

// opens reports whether who is signed in may open a page of this server, by what
// its route asks: nobody is shown a link to what they are refused. What is no
// page, such as a place on this one, opens.
func (q *request) opens(href string) bool {
	u, err := url.Parse(href)
	if err != nil || !strings.HasPrefix(u.Path, "/") {
		return err == nil
	}
	r, values, ok := q.s.routeOf(u.Path)
	if !ok || r.needs == "" {
		return true
	}
	key := u.Path
	if may, known := q.asked[key]; known {
		return may
	}
	at := *q
	at.Request = q.Clone(q.Context())
	at.Request.URL = u
	for name, v := range values {
		at.SetPathValue(name, v)
	}
	may := at.allowed(r) == nil
	if q.asked == nil {
		q.asked = map[string]bool{}
	}
	q.asked[key] = may
	return may
}

// lead is a link where who is signed in may open what it leads to, else its words.
func (q *request) lead(l link) link {
	if l.Href != "" && !q.opens(l.Href) {
		l.Href = ""
	}
	return l
}

// leads is lead for each of a list.
func (q *request) leads(list []link) []link {
	for i := range list {
		list[i] = q.lead(list[i])
	}
	return list
}

// readable is lead for many things of one kind: it asks only whether who is signed
// in reaches any of them, and reads none.
func (q *request) readable(list []link) []link {
	for i := range list {
		if r, _, ok := q.s.routeOf(pathOf(list[i].Href)); ok && r.needs != "" && !q.reaches(r.needs) {
			list[i].Href = ""
		}
	}
	return list
}

// pathOf is an address without what is asked of it.
func pathOf(href string) string {
	path, _, _ := strings.Cut(href, "?")
	path, _, _ = strings.Cut(path, "#")
	return path
}
