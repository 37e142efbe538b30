package web

import (
	"bytes"
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
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
// its route asks. What is no page, such as a file or a place on this one, opens.
func (q *request) opens(href string) bool {
	u, err := url.Parse(href)
	if err != nil || u.Host != "" || !strings.HasPrefix(u.Path, "/") {
		return err == nil
	}
	if may, known := q.asked[u.Path]; known {
		return may
	}
	r, values, ok := q.s.routeOf(u.Path)
	may := !ok || r.needs == "" || q.passes(r, values, u)
	if q.asked == nil {
		q.asked = map[string]bool{}
	}
	q.asked[u.Path] = may
	return may
}

// passes asks what a route asks of who opens it; of a thing, only where not
// everything of its kind is within reach. Who has to show anew who they are is
// led there, and is asked then.
func (q *request) passes(r route, values map[string]string, u *url.URL) bool {
	at := *q
	at.who.Fresh = true
	whole := at.may(r.needs, access.Object{})
	if r.on == nil || whole && at.reaches("activity.read") || !at.reaches(r.needs) {
		return whole || r.on != nil && at.reaches(r.needs)
	}
	at.Request = q.Clone(q.Context())
	at.URL = u
	for name, v := range values {
		at.SetPathValue(name, v)
	}
	return !errors.Is(at.allowed(r), audit.ErrForbidden)
}

// lead is a link where who is signed in may open what it leads to, else its words.
func (q *request) lead(l link) link {
	if l.Href != "" && !q.opens(l.Href) {
		l.Href = ""
	}
	return l
}

// unlinked is a page without links to what who is signed in is refused, so that
// none is shown whatever a template says: their words stay, and what looks like a
// button goes. The page is one that html/template made: '<' in it begins a tag.
func (q *request) unlinked(page []byte) []byte {
	var out bytes.Buffer
	for {
		i := bytes.Index(page, []byte("<a "))
		if i < 0 {
			break
		}
		tag, end := i+bytes.IndexByte(page[i:], '>')+1, i+bytes.Index(page[i:], []byte("</a>"))
		if tag <= i || end < tag {
			break
		}
		out.Write(page[:i])
		if whole := page[i : end+len("</a>")]; q.opens(hrefOf(page[i:tag])) {
			out.Write(whole)
		} else if !isButton.Match(page[i:tag]) {
			out.WriteString("<span>" + string(page[tag:end]) + "</span>")
		}
		page = page[end+len("</a>"):]
	}
	out.Write(page)
	return out.Bytes()
}

var (
	hrefAttr = regexp.MustCompile(`\shref="([^"]*)"`)
	isButton = regexp.MustCompile(`\sclass="btn[ "]`)
)

// hrefOf is where a tag leads; "" where it has no address.
func hrefOf(tag []byte) string {
	m := hrefAttr.FindSubmatch(tag)
	if m == nil {
		return ""
	}
	return html.UnescapeString(string(m[1]))
}

// pathOf is an address without what is asked of it and without its place.
func pathOf(href string) string {
	path, _, _ := strings.Cut(href, "?")
	path, _, _ = strings.Cut(path, "#")
	return path
}
