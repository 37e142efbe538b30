package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed" // the style
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"tieout/report/html"
)

//go:embed screens.css
var sheet string

//go:embed mark.svg
var icon []byte

//go:embed keys.js
var keys []byte

//go:embed grid.js
var gridKeys []byte

// An asset is a file that pages use. Its address names its content, so that
// browsers may keep it for good.
type asset struct {
	media  string
	data   []byte
	etag   string
	packed []byte // data as gzip, as small as it gets; of text only
}

var (
	assets    = map[string]asset{} // by name
	addresses = map[string]string{}
)

func init() {
	add("mark.svg", "image/svg+xml", icon)
	add("keys.js", "text/javascript; charset=utf-8", keys)
	add("grid.js", "text/javascript; charset=utf-8", gridKeys)
	var faces strings.Builder
	for _, f := range html.Typefaces {
		fmt.Fprintf(&faces, "@font-face{font-family:%q;src:url(%s) format(\"woff2\");font-weight:%s;font-display:swap}\n",
			f.Family, add(f.File, "font/woff2", f.Data()), f.Weights)
	}
	add("screens.css", "text/css; charset=utf-8", []byte(faces.String()+html.Sheet()+sheet))
}

// add makes an asset of data and returns its address.
func add(name, media string, data []byte) string {
	sum := sha256.Sum256(data)
	digest := base64.RawURLEncoding.EncodeToString(sum[:9])
	base, ending, _ := strings.Cut(name, ".")
	assets[base+"."+digest+"."+ending] = asset{media, data, `"` + digest + `"`, packed(media, data)}
	addresses[name] = "/assets/" + base + "." + digest + "." + ending
	return addresses[name]
}

// packed is text as gzip, made once with all care; of other media nil.
func packed(media string, data []byte) []byte {
	if !strings.HasPrefix(media, "text/") {
		return nil
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one there is
	_, _ = z.Write(data)                                  // a buffer takes all
	_ = z.Close()
	return b.Bytes()
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	a, ok := assets[r.PathValue("name")]
	if !ok {
		fail(w, http.StatusNotFound, "There is no such file", "It belongs to another version of this server. Load the page again.")
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", a.etag)
	if strings.Contains(r.Header.Get("If-None-Match"), a.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", a.media)
	h.Set("Vary", "Accept-Encoding")
	if strings.HasPrefix(a.media, "text/") && acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		a.data = a.packed
	}
	h.Set("Content-Length", fmt.Sprint(len(a.data)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(a.data) // who asked is gone
}
