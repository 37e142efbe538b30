package web

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tieout/audit"
)

// badgeMonths is how long after a report's day its badge speaks of it as current.
const badgeMonths = 12

// badgeFor is how long a badge may be kept by who shows it.
const badgeFor = 5 * time.Minute

// badge is a drawing for the company's own site: that a published report exists, by
// whom, until when its days go, and from twelve months after its day on that it is
// old. It is no mark of anybody's but ours, and gone when the report is not published.
func (o *outsider) badge() error {
	list, err := o.spoken()
	if err != nil {
		return err
	}
	for _, r := range list {
		if r.ID != o.PathValue("id") {
			continue
		}
		body := drawBadge(r, badgeIsOld(r.Dated, o.s.o.Now()))
		h := o.w.Header()
		h.Set("Content-Type", "image/svg+xml; charset=utf-8")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin") // shown by other sites: it is public
		h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(badgeFor.Seconds())))
		h.Set("Content-Length", fmt.Sprint(len(body)))
		o.w.WriteHeader(http.StatusOK)
		_, _ = o.w.Write([]byte(body)) // who asked is gone
		return nil
	}
	return fmt.Errorf("%w: no such report is published", audit.ErrNotFound)
}

// badgeIsOld reports whether a report's day is too long ago. What is no day is.
func badgeIsOld(dated string, now time.Time) bool {
	day, err := time.Parse(time.DateOnly, dated)
	return err != nil || !now.Before(day.AddDate(0, badgeMonths, 0))
}

// badgeLines are what a badge says.
func badgeLines(r trustReport, old bool) [2]string {
	if old {
		return [2]string{r.Type + " report of " + r.DatedText, "older than twelve months"}
	}
	return [2]string{r.Type + " report, days to " + dayText(r.Last), "by " + r.Firm}
}

func drawBadge(r trustReport, old bool) string {
	lines := badgeLines(r, old)
	fill := "#1c4f8f"
	if old {
		fill = "#5d6878"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="280" height="56" role="img" aria-label="%s"><rect width="280" height="56" rx="6" fill="%s"/>`, inXML(lines[0]+", "+lines[1]), fill)
	for i, line := range lines {
		fmt.Fprintf(&b, `<text x="14" y="%d" fill="#fff" font-family="sans-serif" font-size="%d">%s</text>`, 24+i*18, 14-2*i, inXML(cutText(line, 40)))
	}
	b.WriteString("</svg>")
	return b.String()
}

func inXML(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a builder takes all
	return b.String()
}
