package timeline

import (
	"strconv"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
)

// Encode writes tl in the one form that is hashed and compared: canonical JSON
// (RFC 8785), laid out in docs/formats/timeline.md.
func Encode(tl *audit.Timeline) []byte {
	e := encoder(`{"histories":[`)
	for i, h := range tl.Histories {
		e.comma(i)
		e.text(`{"id":`, h.ID)
		e.number(`,"stream":`, int64(h.Stream))
		e = append(e, `,"versions":[`...)
		for j, v := range h.Versions {
			e.comma(j)
			e.version(v)
		}
		e = append(e, "]}"...)
	}
	e.number(`],"schema":`, audit.SchemaVersion)
	e = append(e, `,"streams":[`...)
	for i, s := range tl.Streams {
		e.comma(i)
		e.stream(s)
	}
	e.text(`],"type":`, tl.Type)
	return append(e, '}')
}

type encoder []byte

func (e *encoder) comma(i int) {
	if i > 0 {
		*e = append(*e, ',')
	}
}

func (e *encoder) text(key, v string) { *e = canonical.AppendString(append(*e, key...), v) }

func (e *encoder) instant(key string, t time.Time) { e.text(key, audit.FormatTime(t)) }

func (e *encoder) number(key string, n int64) { *e = strconv.AppendInt(append(*e, key...), n, 10) }

func (e *encoder) version(v audit.Version) {
	e.instant(`{"after":`, v.From.After)
	e.instant(`,"at":`, v.From.At)
	if v.Gone {
		*e = append(*e, `,"gone":true`...)
	} else {
		*e = append(append(*e, `,"body":`...), v.Body...)
	}
	e.number(`,"record":`, v.Record)
	*e = append(*e, '}')
}

func (e *encoder) span(s audit.Span, reason *string, record int64) {
	e.instant(`{"from":`, s.From)
	if reason != nil {
		e.text(`,"reason":`, *reason)
	}
	e.number(`,"record":`, record)
	e.instant(`,"to":`, s.To)
	*e = append(*e, '}')
}

func (e *encoder) stream(s audit.Stream) {
	*e = append(*e, `{"covered":[`...)
	for i, c := range s.Covered {
		e.comma(i)
		e.span(c.Span, nil, c.Record)
	}
	*e = append(*e, `],"holes":[`...)
	for i, h := range s.Holes {
		e.comma(i)
		e.span(h.Span, &h.Reason, h.Record)
	}
	e.text(`],"mode":`, string(s.Mode))
	*e = append(*e, `,"points":[`...)
	for i, p := range s.Points {
		e.comma(i)
		e.instant(`{"at":`, p.At)
		e.number(`,"record":`, p.Record)
		*e = append(*e, '}')
	}
	e.text(`],"scope":`, s.Scope)
	e.text(`,"source":`, s.Source)
	*e = append(*e, '}')
}
